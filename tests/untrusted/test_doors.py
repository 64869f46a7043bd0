"""Every function that decodes contents is called in few places, so that no raw content gets around the limits."""

import re

import pytest

from tests.tiny import ROOT

CLEANED = {"stages/modalities/image/content.py", "stages/modalities/audio/content.py"}  # what clean itself has written
DOORS = {
    r"\bImage\.open\(": {"stages/modalities/image/clean/levels.py", *CLEANED},
    r"\bsoundfile\.(SoundFile|read|info|blocks)\(": {
        "stages/modalities/audio/clean/decoder.py",
        "stages/modalities/audio/encode/coverage.py",
        *CLEANED,
    },
    r"cv2\.imdecode|cv2\.imread|librosa|torchaudio|pydub": set(),
    # What runs them on raw contents does so in another process.
    r"\bload_reporter\(": {"stages/contracts/report.py", "stages/page/safe_reporter.py"},
    r"cleaner(\(.*\))?\.clean\b": {"stages/cleaning/contents.py", "tools/lookup.py"},  # the last: a text that is typed
    r"\bopened\(": {
        "stages/modalities/image/clean/levels.py",
        "stages/modalities/image/clean/cleaner.py",
        "stages/modalities/image/report.py",
    },
}


@pytest.mark.parametrize("call", DOORS)
def test_what_decodes_is_called_behind_its_limits_only(call: str) -> None:
    files = {
        str(path.relative_to(ROOT))
        for folder in ("stages", "tools")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(call, path.read_text(encoding="utf-8"))
    }
    assert files <= DOORS[call]
    assert bool(files) == bool(DOORS[call])
