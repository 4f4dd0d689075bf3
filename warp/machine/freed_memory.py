"""Return the memory of freed arrays to the system.

glibc maps large arrays one by one and unmaps them when they are freed, but from then on takes
arrays of that size, up to 32 MB, from a heap: gaps between arrays that live longer stay with the
process. A limit that is set stays as it is (mallopt(3), M_MMAP_THRESHOLD).
"""

from __future__ import annotations

import contextlib
import ctypes

MMAP_THRESHOLD = -3
"""Number of the parameter in malloc.h."""
MAPPED = 2**20
"""Bytes from which arrays are mapped: their pages take little time beside what is done in them."""


def unmap_when_freed() -> None:
    """Map arrays of MAPPED bytes or more one by one; where the C library is not glibc, do nothing.

    Once in a process is enough.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, MAPPED)


def trim() -> None:
    """Return what is free between smaller arrays, too (malloc_trim(3)); do nothing as above."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
