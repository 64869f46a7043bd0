"""Sets one number of threads for all libraries that compute: the bits of vectors and weights depend on it."""

import os

from threadpoolctl import threadpool_limits


def set_threads(threads: int) -> None:
    """Must be called before torch is imported, as torch reads the environment only once.

    Libraries that are already loaded are limited too.
    """
    os.environ["OMP_NUM_THREADS"] = str(threads)
    # Waiting threads sleep: if other processes use the same cores, spinning takes four times the CPU seconds.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    threadpool_limits(threads)
