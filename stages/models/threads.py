"""One number of threads for all that computes: the bits of vectors and weights depend on it."""

import os

from threadpoolctl import threadpool_limits


def set_threads(threads: int) -> None:
    """Call it before torch is imported: torch reads the environment once; what is loaded already is limited here."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    # Threads that wait for each other sleep: where other work shares the cores, spinning takes four times the CPU seconds.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    threadpool_limits(threads)
