"""How models use the machine: one number of threads for all libraries that compute, and freed memory that is kept."""

import ctypes
import os

from threadpoolctl import threadpool_limits

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h


def set_threads(threads: int) -> None:
    """Sets the number of threads; the bits of vectors and weights depend on it. Freed memory is kept from now on.

    Must be called before torch is imported, as torch reads the environment only once. Libraries that are already
    loaded are limited too.
    """
    os.environ["OMP_NUM_THREADS"] = str(threads)
    # Waiting threads sleep: if other processes use the same cores, spinning takes four times the CPU seconds.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    threadpool_limits(threads)
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Large blocks that are freed stay with the process, where the C library is glibc.

    Else every batch waits for new pages, set to zero: more than half of the CPU seconds of a vision model.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_MAX, 0)
        mallopt(TRIM_THRESHOLD, 2**31 - 1)
