import stages.core  # noqa: F401 - before anything else: it switches the telemetry of libraries off
