"""The stages of dvc.yaml, one file per stage, and the folders of code that serve them."""

import sys
from types import TracebackType


def _one_line_for_ctrl_c(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


# From the first import on, which takes seconds. `python -m` calls itself -m as long as it imports the package.
if sys.argv[:1] == ["-m"]:
    sys.excepthook = _one_line_for_ctrl_c
