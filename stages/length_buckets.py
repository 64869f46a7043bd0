"""Lengths that texts are padded to: few enough to share batches, close enough to waste little."""


def bucket(length: int) -> int:
    """The length that a row of `length` tokens is padded to: the next multiple of 8, and of an eighth from 128 on."""
    step = max(8, 2 ** (length.bit_length() - 4))
    return int(-(-length // step) * step)
