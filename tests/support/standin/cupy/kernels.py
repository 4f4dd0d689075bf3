"""Kernels of the device: CUDA sources compiled for the CPU, launched thread by thread; graphs.

STANDIN_ORDER=backwards runs the threads of every launch from the last to the first: numbers that
depend on the order of threads then differ.
"""

import ctypes
import hashlib
import os
import re
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from cupy.account import Kernels, busy, note, recording
from cupy.arrays import ndarray

HEADER = Path(__file__).parents[2] / "oncpu.h"
FLAGS = ["-x", "c++", "-O2", "-march=native", "-ffp-contract=off", "-fPIC", "-shared", "-w"]
KERNEL = re.compile(r"\bKERNEL\s+(?:__launch_bounds__\([\d, ]+\)\s+)?(\w+)\s*\(")
BACKWARDS = int(os.environ.get("STANDIN_ORDER") == "backwards")
STATIC_SHARED = 48 * 1024  # bytes of shared memory that a kernel has without asking for more


class RawModule:
    """A source file, compiled when it is first needed."""

    def __init__(self, *, code: str, options: tuple[str, ...] = (), backend: str = "nvrtc") -> None:
        self.code, self.options = code, options

    def compile(self, log_stream=None) -> None:
        """Compile now."""
        busy("loading a module")
        built(self.code, self.options)

    def get_function(self, name: str) -> "RawKernel":
        """Return a kernel."""
        return RawKernel(self, name)


@cache
def built(code: str, options: tuple[str, ...]) -> ctypes.CDLL:
    """Compile a source for the CPU; a RuntimeError holds what the compiler says."""
    code = re.sub(r"//.*", "", code)
    text = code + "".join(f"\nONCPU({name})" for name in KERNEL.findall(code))
    options = tuple(option.replace("--std", "-std") for option in options)
    command = ["g++", *FLAGS, *options, "-include", str(HEADER), "-", "-o"]
    key = hashlib.sha256((text + HEADER.read_text() + " ".join(command)).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"warpage-standin-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder / f"{key}.so"
    if not found.exists():
        fresh = found.with_suffix(f".{os.getpid()}")
        done = subprocess.run([*command, str(fresh)], input=text, text=True, capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        fresh.replace(found)
    return ctypes.CDLL(str(found))


class RawKernel:
    """One kernel."""

    loaded: ClassVar[set[tuple[int, str]]] = set()

    def __init__(self, module: RawModule, name: str) -> None:
        self.module, self.name = module, name
        self.max_dynamic_shared_size_bytes, self.preferred_shared_memory_carveout = 0, 0

    @property
    def attributes(self) -> dict:
        """Load the kernel, and say what it is."""
        if (id(self.module), self.name) not in self.loaded:
            busy("loading a kernel")
            self.loaded.add((id(self.module), self.name))
        return {"max_threads_per_block": 1024}

    def __call__(self, grid, block, args, *, shared_mem: int = 0) -> None:
        """Launch the kernel, or record it while a stream captures."""
        _ = self.attributes
        if shared_mem > max(self.max_dynamic_shared_size_bytes, STATIC_SHARED):
            raise RuntimeError("cudaErrorInvalidValue: more shared memory than was asked for")
        if min(*grid, *block) < 1 or np.prod(block) > 1024 or max(grid[1:]) > 65535:
            raise RuntimeError(f"cudaErrorInvalidConfiguration: grid {grid}, block {block}")
        launch = Launch(self, (*grid, *block), args)
        note("launches", self.name)
        if recording:
            recording[-1].append(launch)
        else:
            note("direct", self.name)
            launch()


class Launch:
    """A kernel with its arguments: arrays by address, numbers by value."""

    def __init__(self, kernel: RawKernel, shape: tuple[int, ...], args: tuple) -> None:
        self.name, self.shape = kernel.name, (ctypes.c_uint * 6)(*shape)
        library = built(kernel.module.code, kernel.module.options)
        self.call = getattr(library, f"oncpu_{kernel.name}")
        self.values = [_by_value(kernel.name, argument) for argument in args]
        addresses = [value.ctypes.data for value in self.values]
        self.pointers = (ctypes.c_void_p * len(args))(*addresses)
        self.sizes = (ctypes.c_size_t * len(args))(*(value.itemsize for value in self.values))

    def __call__(self) -> None:
        count, start = ctypes.c_size_t(len(self.values)), time.process_time()
        wrong = self.call(self.shape, self.pointers, self.sizes, count, BACKWARDS)
        Kernels.seconds += time.process_time() - start
        if wrong:
            raise RuntimeError(f"{self.name}: argument {wrong} has another size in the source")


def _by_value(name: str, argument) -> np.ndarray:
    """Return an argument as an array of one number: its address, or the number itself."""
    if isinstance(argument, ndarray):
        return np.array([argument._values.ctypes.data], np.uint64)
    if isinstance(argument, (np.generic, int, float, bool)):
        return np.array([argument])
    raise TypeError(f"{name}: Unsupported type {type(argument)}")


class Graph:
    """Launches that a stream has captured."""

    def __init__(self, launches: list[Launch]) -> None:
        self.launches = launches
        note("graphs", "made")

    def launch(self, stream=None) -> None:
        """Run all of them."""
        busy("launching a graph")
        note("graphs", "launched")
        for launch in self.launches:
            launch()


class Stream:
    """A stream, which captures between `begin_capture` and `end_capture`."""

    def __init__(self, null: bool = False, non_blocking: bool = False) -> None:
        self.non_blocking = non_blocking

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_) -> None:
        pass

    def synchronize(self) -> None:
        busy("synchronize")

    def begin_capture(self, mode=None) -> None:
        if not self.non_blocking:
            raise RuntimeError("cudaErrorStreamCaptureImplicit: the null stream cannot capture")
        recording.append([])

    def end_capture(self) -> Graph:
        return Graph(recording.pop())
