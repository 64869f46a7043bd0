"""The one error that a user is meant to read."""


class InputError(ValueError):
    """What the user gave cannot be used: names the file, row or key, what was got, and what to do."""
