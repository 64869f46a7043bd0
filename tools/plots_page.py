"""Writes build/plots.html, in which `dvc plots` draws.

python -m tools.plots_page

.dvc/config names it for `dvc plots show` and `dvc plots diff`.
DVC's own page loads Vega from the network, and a label with markup would run in it as a script. This page holds Vega,
and its policy forbids all requests and all scripts but its own two.
"""

import base64
import hashlib
import re
from pathlib import Path

from stages.core.atomic import write_text

PAGE = Path("build/plots.html")
VEGA_LITE = "6.4"  # of the versions that vl-convert-python carries
# Within a script, what would end it, and what would change how its end is found.
_ENDS = re.compile(r"<(?=/script|!--|script)", re.IGNORECASE)


def vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, of which a page sees the last alone."""
    import vl_convert

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGA_LITE)


def page(vega: str) -> str:
    """The page, with DVC's placeholder for the charts."""
    template = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
    scripts = {
        "vega": within_script(vega),
        "script": within_script(Path(__file__).with_suffix(".js").read_text("utf-8")),
    }
    filled = template.replace("{{ digests }}", " ".join(map(digest, scripts.values())))
    for name, script in scripts.items():
        filled = filled.replace(f"{{{{ {name} }}}}", script)
    return filled


def within_script(script: str) -> str:
    """The script, in whose strings nothing ends it."""
    return _ENDS.sub(r"\\x3c", script)


def digest(script: str) -> str:
    """The script's source in a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def main() -> None:
    write_text(PAGE, page(vega()))


if __name__ == "__main__":
    main()
