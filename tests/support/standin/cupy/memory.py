"""The device's memory: every array lies between two pages that nobody may touch.

A kernel that reads or writes beyond an array ends the process (SIGSEGV), as compute-sanitizer would
end it on a GPU. New memory is poisoned: NaN in floats, the largest numbers in integers.
"""

import ctypes
import mmap
import os

import numpy as np

PAGE = mmap.PAGESIZE
ALIGNMENT = 16  # bytes; the widest load of a kernel
NOTHING, READ_AND_WRITE, PRIVATE_ANONYMOUS = 0, 3, 0x22
FENCE = os.environ.get("STANDIN_FENCE", "end")  # the side at which an array touches its fence
LIMIT = int(float(os.environ.get("STANDIN_MEMORY", "16e9")))
PROMISED = int(float(os.environ.get("STANDIN_PROMISED", LIMIT)))

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class OutOfMemoryError(MemoryError):
    """The device's memory is full."""


class Pool:
    """The memory pool, which counts what is in use."""

    def __init__(self) -> None:
        self.used = self.most = 0

    def take(self, count: int) -> None:
        if self.used + count > LIMIT:
            used = f"(allocated so far: {self.used:,} bytes)"
            raise OutOfMemoryError(f"Out of memory allocating {count:,} bytes {used}.")
        self.used += count
        self.most = max(self.most, self.used)

    def used_bytes(self) -> int:
        return self.used

    def total_bytes(self) -> int:
        return self.most

    def free_bytes(self) -> int:
        return self.most - self.used

    def free_all_blocks(self, stream=None) -> None:
        self.most = self.used


POOL = Pool()


class Block:
    """Memory of `count` bytes at `address`, freed with the last array of NumPy on it."""

    def __init__(self, count: int) -> None:
        self.count = -(-max(count, 1) // ALIGNMENT) * ALIGNMENT
        POOL.take(self.count)
        room = -(-self.count // PAGE) * PAGE
        self.length = room + 2 * PAGE
        self.base = _libc.mmap(None, self.length, READ_AND_WRITE, PRIVATE_ANONYMOUS, -1, 0)
        if self.base == ctypes.c_void_p(-1).value:
            raise MemoryError("mmap")
        for fence in (self.base, self.base + PAGE + room):
            _libc.mprotect(fence, PAGE, NOTHING)
        self.address = self.base + PAGE + (room - self.count if FENCE == "end" else 0)

    def __del__(self) -> None:
        if getattr(self, "base", None):
            _libc.munmap(self.base, self.length)
            POOL.used -= self.count

    @property
    def __array_interface__(self) -> dict:
        return {
            "version": 3,
            "shape": (self.count,),
            "typestr": "|u1",
            "data": (self.address, False),
        }


def allocate(shape, dtype, poisoned: bool) -> np.ndarray:
    """Return a new array of the device; zeros if it is not poisoned."""
    dtype = np.dtype(dtype)
    shape = tuple(map(int, shape)) if isinstance(shape, (tuple, list)) else (int(shape),)
    count = int(np.prod(shape)) * dtype.itemsize
    found = np.asarray(Block(count))
    if poisoned:
        found[:] = 0xFF
    return found[:count].view(dtype).reshape(shape)
