"""The CUDA sources run without a GPU: g++ compiles the very text that NVRTC would get, and arrays
have guard zones.

`compare` is what a parity test needs: it runs the Numba twin and the CUDA source on copies of the
same arrays.
"""

import contextlib
import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
import unittest.mock
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from warp.machine import declarations
from warp.machine import device as devices
from warp.machine.device import Device

HEADER = Path(__file__).parent / "oncpu.h"
FLAGS = (
    "-x",
    "c++",
    "-std=c++17",
    "-O1",
    "-ffp-contract=off",
    "-fPIC",
    "-shared",
    "-Wall",
    "-Wno-unknown-pragmas",
)
GUARD = 512  # elements before and after each array


def compiler() -> str | None:
    """Find a C++ compiler."""
    return shutil.which(os.environ.get("CXX", "g++")) or shutil.which("c++")


@cache
def library(module: str, real: str) -> ctypes.CDLL:
    """Compile kernels/`module`.cu for the CPU with -DREAL=`real`; warnings are errors of the
    test.
    """
    exports = "".join(f"ONCPU({name})\n" for name in declarations.signatures(module))
    text = f"{declarations.source(module)}\n{exports}"
    command = [compiler(), *FLAGS, f"-DREAL={real}", "-include", str(HEADER), "-", "-o"]
    key = hashlib.sha256(
        (text + HEADER.read_text() + " ".join(map(str, command))).encode()
    ).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"warpage-oncpu-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    built = folder / f"{module}-{real}-{key}.so"
    if not built.exists():
        fresh = built.with_suffix(f".{os.getpid()}")
        done = subprocess.run([*command, str(fresh)], input=text, text=True, capture_output=True)
        assert done.returncode == 0 and not done.stderr, f"{module}.cu, REAL={real}:\n{done.stderr}"
        fresh.replace(built)
    return ctypes.CDLL(str(built))


class OnCpu:
    """One kernel file, compiled in one precision."""

    def __init__(self, module: str, real=np.float64):
        self.module, self.real = module, np.dtype(real)
        self.library = library(module, "float" if self.real == np.float32 else "double")

    def launch(self, function: str, extent, *args) -> None:
        """Run a kernel in place, forwards and then (on a copy) backwards; both must agree to the
        last bit.
        """
        names = declarations.signatures(self.module)[function]
        values = [
            v for part in declarations.checked(self.module, function, args, self.real) for v in part
        ]
        grid, block = devices.blocks(extent)
        fenced = [_fenced(names, values) for _ in range(2)]
        written = {
            v.ctypes.data for p, v in zip(names, values, strict=True) if p.pointer and not p.const
        }
        for backwards, held in enumerate(fenced):
            arrays = [np.array([v.ctypes.data + GUARD * v.itemsize]) if p.pointer else np.array([v])
                      for p, v in zip(names, held, strict=True)]  # fmt: skip
            pointers = (ctypes.c_void_p * len(held))(*[a.ctypes.data for a in arrays])
            sizes = (ctypes.c_size_t * len(held))(*[a.itemsize for a in arrays])
            shape = (ctypes.c_uint * 6)(*grid, *block)
            call = getattr(self.library, f"oncpu_{function}")
            wrong = call(shape, pointers, sizes, ctypes.c_size_t(len(held)), backwards)
            assert wrong == 0, f"{function}: argument {wrong} has another size in the .cu"
        for p, v, first, second in zip(names, values, *fenced, strict=True):
            if not p.pointer:
                continue
            inside = first[GUARD:-GUARD]
            np.testing.assert_array_equal(
                inside, second[GUARD:-GUARD], f"{function}: {p.name} depends on thread order"
            )
            for part in (slice(0, GUARD), slice(-GUARD, None)):
                np.testing.assert_array_equal(
                    first[part], _fence(v)[part], f"{function}: wrote outside {p.name}"
                )
            if p.const and v.ctypes.data not in written:
                np.testing.assert_array_equal(
                    inside, v.ravel(), f"{function}: changed its input {p.name}"
                )
            else:
                v.reshape(-1)[:] = inside


def _fenced(names, values) -> list:
    """Copy every array between guard zones; arrays that are one stay one."""
    copies: dict[int, np.ndarray] = {}
    for p, v in zip(names, values, strict=True):
        if p.pointer:
            copies.setdefault(v.ctypes.data, _fence(v))
    return [copies[v.ctypes.data] if p.pointer else v for p, v in zip(names, values, strict=True)]


def _fence(a: np.ndarray) -> np.ndarray:
    """Copy an array between two zones of NaN (of the largest number for integers), which poison
    what reads them.
    """
    poison = np.nan if a.dtype.kind == "f" else np.iinfo(a.dtype).max
    zone = np.full(GUARD, poison, a.dtype)
    return np.concatenate([zone, a.ravel(), zone])


@contextlib.contextmanager
def cuda_sources() -> Iterator[set[str]]:
    """Make every launch of the CPU device run the CUDA source; yields the set of the functions
    launched. Kernels without a CUDA source run as they are.
    """
    launched, as_usual = set(), Device._call

    def call(self, module, function, extent, args, real, own):
        if not declarations.signatures(module):
            return as_usual(self, module, function, extent, args, real, own)
        launched.add(f"{module}.{function}")
        return lambda: 0 in extent or OnCpu(module, real).launch(function, extent, *args)

    with unittest.mock.patch.object(Device, "_call", call):
        yield launched


def compare(
    module: str,
    function: str,
    extent,
    *args,
    real=np.float64,
    own: int = 0,
    rtol: float | None = None,
    gpu: Device | None = None,
) -> list:
    """Run both twins on copies of `args`; every array must agree. Returns the arguments after the
    Numba twin's run.

    The CUDA source runs on `gpu` if there is one, else on the CPU. `rtol` is relative to the
    largest number of each array: 0 asks for equal bits (not of a GPU, which fuses multiplications
    and additions); else 1e-13 or 1e-6.
    """
    usual = 1e-6 if np.dtype(real) == np.float32 else 1e-13
    rtol = usual if rtol is None else rtol
    first, second = ([a.copy() if isinstance(a, np.ndarray) else a for a in args] for _ in range(2))
    devices.select("cpu").launch(module, function, extent, *first, real=real)
    if gpu is None:
        OnCpu(module, real).launch(function, extent, *second)
    else:
        rtol = max(rtol, 4 * usual)
        there = [gpu.asarray(a) if isinstance(a, np.ndarray) else a for a in args]
        gpu.launch(module, function, extent, *there, real=real, own=own)
        second = [
            gpu.to_host(a) if isinstance(b, np.ndarray) else b
            for a, b in zip(there, args, strict=True)
        ]
    for p, a, b in zip(
        declarations.signatures(module)[function], first, second, strict=False
    ):  # lengths follow
        if p.pointer:
            scale = np.abs(a[np.isfinite(a)]).max(initial=0.0)
            np.testing.assert_allclose(
                b, a, rtol=0, atol=rtol * scale, err_msg=f"{module}.{function}: {p.name}"
            )
    return first
