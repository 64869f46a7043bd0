"""What people run beside the line, each as `python -m tools.<name>`."""

import stages  # noqa: F401 - so that Ctrl-C prints one line
