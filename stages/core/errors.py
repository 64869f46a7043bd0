"""The one error that users read."""


class InputError(ValueError):
    """Input that cannot be used. The message names the file, row or key, what was got, and what to do."""
