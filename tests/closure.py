"""What code a stage runs: its import closure within stages/, found by reading the source, function-level imports too."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Where the files of variants lie, as dvc.yaml names them, and what loads one by its name: an import too.
VARIANTS = {
    "stages/modalities/${modality}/content.py": "load_modality",
    "stages/modalities/${modality}/clean.py": "load_cleaner",
    "stages/modalities/${modality}/checks.py": None,
    "stages/modalities/${modality}/privacy.py": None,
    "stages/modalities/${modality}/compare.py": "load_comparer",
    "stages/modalities/${modality}/report.py": "load_reporter",
    "stages/modalities/${modality}/embed.py": "load_embedder",
    "stages/modalities/${modality}/encoder.py": None,
    "stages/modalities/${modality}/learner.py": None,
    "stages/targets/${target}.py": "load_target",
    "stages/objectives/${target}.py": "load_objective",
    "stages/tasks/${modality}_${target}.py": "load_task",
}
# The check of the whole params.yaml imports every stage for its `Params`; that can stop a stage, and change nothing that it writes.
CHECKS_ONLY = ("stages/params.py", "stages/contracts.py")


def code_of(stage: str, modality: str = "text", target: str = "category") -> list[str]:
    """The files, as dvc.yaml names them: those of variants with `${modality}` and `${target}`."""
    files = {listed: listed.replace("${modality}", modality).replace("${target}", target) for listed in VARIANTS}
    variants = {loader: files[listed] for listed, loader in VARIANTS.items() if loader}
    found: set[str] = set()
    waiting = [f"stages/{stage}.py"]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found |= {path, *beside(path)}
            waiting += imports_of(path, {} if path in CHECKS_ONLY else variants)
    listed = {file: template for template, file in files.items()}
    return sorted(listed.get(path, path) for path in found)


def beside(path: str) -> list[str]:
    """The files of the same name that are no Python: templates, of which no import tells."""
    return [str(file.relative_to(ROOT)) for file in (ROOT / path).parent.glob(f"{Path(path).stem}.*") if file.suffix in (".html", ".css", ".js")]


def imports_of(path: str, variants: dict[str, str]) -> list[str]:
    """The files that `path` imports, and those of the variants whose loader it names."""
    files: list[str] = []
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "stages":
            modules = [f"{node.module}.{alias.name}" for alias in node.names]  # `from stages import paths`
            files += [file for file in map(_file, modules) if file] or [f"{str(node.module).replace('.', '/')}.py"]
        if isinstance(node, ast.Name) and node.id in variants:
            files.append(variants[node.id])
    return files


def _file(module: str) -> str | None:
    path = f"{module.replace('.', '/')}.py"
    return path if (ROOT / path).exists() else None
