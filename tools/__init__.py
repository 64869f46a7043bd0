"""What people run beside the line, each as `python -m tools.<name>`."""

import stages.core  # noqa: F401 - before anything else: Ctrl-C prints one line, and the telemetry of libraries is off
