"""How models use the machine."""

import ctypes
import os
import subprocess
import sys

import pytest

from tests.tiny import ROOT

FAULTS = """
import resource
import numpy as np
from stages.models.threads import set_threads
set_threads(1)
for _ in range(2):
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2**24)  # 128 MB: freed at once
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
print(faults)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library than glibc")
def test_freed_memory_is_used_again() -> None:
    """A block as large as one that was freed needs no new pages; without that, 128 MB need 32,768 of 4 kB."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", FAULTS], env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100
