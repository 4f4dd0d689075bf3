"""Memory that is freed between arrays that live on goes back to the system."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, sys
import numpy as np
from warp.machine import freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

if sys.argv[1] == "unmapped":
    freed_memory.unmap_when_freed()
del_me = np.ones(2_500_000)  # 20 MB
del del_me
arrays = [np.ones(2_500_000) for _ in range(6)]
before = resident()
del arrays[0:5:2]
print(before - resident())
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="Linux alone tells it so")
@pytest.mark.parametrize(("way", "least", "most"), [("unmapped", 55, 65), ("kept", -5, 50)])
def test_freed_arrays_leave_no_gaps(way, least, most):
    """Three of six arrays of 20 MB; as glibc is set by default they stay with the process."""
    words = sys.executable, "-c", SCRIPT, way
    found = float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert least < found < most
