"""Kernels: every NAME.py (Numba, documented) has a twin NAME.cu (CUDA C) with the same functions, arguments and lines.

A kernel writes its first arguments in full, takes sizes last, and assumes clean input.
"""

import os
from collections.abc import Callable
from typing import Any

import numba

from warp import cache

# OpenMP first: several Python threads may launch; Numba's own workqueue aborts on that. Its threads sleep when they
# wait: spinning ones cost up to a time slice (8 ms) a launch on a machine that has other work too, sleeping ones 10 us.
numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Divisions follow IEEE (void has infinite compliance, so x / inf = 0 is wanted) and no kernel holds the GIL.
_parallel = numba.njit(parallel=True, error_model="numpy", nogil=True)
_serial = numba.njit(error_model="numpy", nogil=True)
inline = numba.njit(inline="always", error_model="numpy", nogil=True)


def kernel(function: Callable[..., None]) -> Any:
    """Compile a kernel for all cores at its first call, and keep the machine code for the next run."""
    return cache.attach(_parallel(function))


def host(function: Callable[..., Any]) -> Any:
    """Compile as `kernel` does, for work that only the CPU does, before or after a solve: no .cu twin."""
    return cache.attach(_parallel(function))


def serial(function: Callable[..., Any]) -> Any:
    """Compile for one thread; no .cu twin."""
    return cache.attach(_serial(function))
