"""Run kernels on the CPU: load their machine code, and divide their rows among threads.

A kernel's object file (`kernels.compiler`) is loaded by LLVM, without Numba. A launch packs the
arguments into a record of 8-byte words and calls the kernel once for each part of its rows. Parts
run on OpenMP's threads, which exist already and wake quickly; without OpenMP they run on Python's
threads. Launches on few numbers run on one thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import struct
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from warp.errors import WarpError
from warp.files.printable import printable
from warp.machine import compiling
from warp.machine.cache import Specialisation

SMALL = 16_384
"""Total number of array elements below which one thread is faster than several."""

_LOADING = threading.RLock()
"""Held while a kernel is loaded: LLVM's loader is one for all threads, and made once."""

_PARTS = """
define void @warp_part(i64 %part, i64 %parts, ptr %record) {
  %kernel = load ptr, ptr %record
  %arguments = getelementptr i64, ptr %record, i64 1
  call void %kernel(i64 %part, i64 %parts, ptr %arguments)
  ret void
}
"""
_MEMBER = """
declare void @warp_part(i64, i64, ptr)
declare i32 @omp_get_thread_num()
declare i32 @omp_get_num_threads()
define void @warp_member(ptr %record) {
  %n = call i32 @omp_get_thread_num()
  %m = call i32 @omp_get_num_threads()
  %part = zext i32 %n to i64
  %parts = zext i32 %m to i64
  call void @warp_part(i64 %part, i64 %parts, ptr %record)
  ret void
}
"""


def cores() -> int:
    """Count the cores that this process may use, within a container's CPU quota."""
    count = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    count = min(count, _quota())
    asked = os.environ.get("NUMBA_NUM_THREADS", "").strip()
    if not asked:
        return count
    if not re.fullmatch(r"0*[1-9]\d{0,8}", asked, re.ASCII):
        raise WarpError(f"NUMBA_NUM_THREADS={printable(asked)}: a number of threads from 1")
    return min(count, int(asked))


@cache
def _quota() -> int:
    """Return the whole cores of a container's CPU quota; without one, more than there are."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, round(int(quota) / int(period)))
    return sys.maxsize


def launch(module: str, function: str, args: tuple[Any, ...], threads: int | None) -> None:
    """Run a kernel."""
    prepared(module, function, args, threads)()


def prepared(
    module: str, function: str, args: tuple[Any, ...], threads: int | None
) -> Callable[[], None]:
    """Return a function that runs a kernel with these arguments, as often as it is called.

    It holds the arrays by address. threads: at most; None: as many as there are cores.
    """
    kinds: list[Any] = []
    words: list[Any] = []
    numbers = 0
    for value in args:
        if isinstance(value, np.ndarray):
            flags, shape = value.flags, value.shape
            if not flags.c_contiguous:
                raise TypeError(f"{module}.{function}: an array is not contiguous")
            size = value.size
            numbers += size
            kinds += value.dtype, len(shape)
            if size and flags.writeable:  # the array's own description of itself is slow to make
                words.append(_addressof(_from_buffer(value)))
            else:
                words.append(value.__array_interface__["data"][0])
            words += shape
        else:
            kinds.append(type(value))
            words.append(int(value) if isinstance(value, np.bool_) else value)
    kernel, pack = loaded(module, function, tuple(kinds))
    if numbers < SMALL:
        threads = 1
    return _Call(kernel, pack(kernel, *words), cores() if threads is None else threads, args)


_addressof = ctypes.addressof
_from_buffer: Callable[[Any], Any] = ctypes.c_char.from_buffer

_SCALARS = {
    bool: "i8", int: "i8", np.bool_: "i8", np.int32: "i8", np.int64: "i8",
    float: "f8", np.float64: "f8", np.float32: "f4",
}  # fmt: skip


class _Call:
    """A kernel with its arguments; holding `arrays` keeps their memory valid."""

    __slots__ = ("arrays", "kernel", "record", "threads")

    def __init__(self, kernel: int, record: bytes, threads: int, arrays: tuple[Any, ...]) -> None:
        self.kernel = kernel
        self.record = record
        self.threads = threads
        self.arrays = arrays

    def __call__(self) -> None:
        _team()(self.record, self.threads)


@cache
def loaded(module: str, function: str, kinds: tuple[Any, ...]) -> tuple[int, Callable[..., bytes]]:
    """Return a kernel's address and what packs its record; compile it if the cache lacks it.

    kinds: for each array its dtype and its number of dimensions, for each number its type.
    """
    types = types_of(kinds)
    wanted = Specialisation(module, function, types)
    codes = {"f8": "d", "f4": "f4x", "i8": "q"}
    layout = "".join(codes.get(word) or "q" * (1 + int(word[:-1].split("[")[1])) for word in types)
    with _LOADING:
        if not wanted.path.exists():
            compiling.compile_all(compiling.companions(wanted), cores())
        _team()
        return _machine().load(wanted), struct.Struct(f"<q{layout}").pack


def types_of(kinds: tuple[Any, ...]) -> tuple[str, ...]:
    """Write the kinds of arguments as `Specialisation` does."""
    left = iter(kinds)
    return tuple(
        _SCALARS[kind] if isinstance(kind, type) else f"{kind.str[1:]}[{next(left)}]"
        for kind in left
    )


class _Machine:
    """LLVM's loader of object files."""

    def __init__(self) -> None:
        from llvmlite import binding

        self.llvm = binding
        with contextlib.suppress(RuntimeError):  # automatic from llvmlite 0.45 on, which refuses it
            binding.initialize()
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        target = binding.Target.from_default_triple().create_target_machine()
        self.engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target)
        self.addresses: dict[str, int] = {}

    def load(self, wanted: Specialisation) -> int:
        """Load one kernel, unless another thread has, and return its address."""
        symbol = wanted.symbol
        if symbol not in self.addresses:
            self.engine.add_object_file(self.llvm.ObjectFileRef.from_data(wanted.path.read_bytes()))
            self.engine.finalize_object()
            self.addresses[symbol] = int(self.engine.get_function_address(symbol))
        return self.addresses[symbol]

    def assemble(self, text: str, name: str) -> int:
        """Compile LLVM assembly and return the address of function `name`."""
        self.engine.add_module(self.llvm.parse_assembly(text))
        self.engine.finalize_object()
        return int(self.engine.get_function_address(name))


@cache
def _machine() -> _Machine:
    return _Machine()


class _Team:
    """Threads that run the parts of a kernel, together with the calling thread."""

    def __init__(self) -> None:
        self.part = _PART(_machine().assemble(_PARTS, "warp_part"))
        self.executor: ThreadPoolExecutor | None = None

    def __call__(self, record: bytes, threads: int) -> None:
        if threads == 1:
            self.part(0, 1, record)
        else:
            self.share(record, threads)

    def share(self, record: bytes, threads: int) -> None:
        """Run on Python's threads; machine code does not hold the interpreter's lock."""
        if self.executor is None:
            self.executor = ThreadPoolExecutor(cores())
        jobs = [self.executor.submit(self.part, n, threads, record) for n in range(1, threads)]
        self.part(0, threads, record)
        for job in jobs:
            job.result()


class _OpenMP(_Team):
    """The threads of GNU OpenMP's library."""

    def __init__(self, library: ctypes.CDLL) -> None:
        super().__init__()
        machine = _machine()
        for name in ("omp_get_thread_num", "omp_get_num_threads"):
            address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
            machine.llvm.add_symbol(name, address)
        self.member = machine.assemble(_MEMBER, "warp_member")
        self.parallel = library.GOMP_parallel
        self.parallel.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint, ctypes.c_uint)
        self.parallel.restype = None

    def share(self, record: bytes, threads: int) -> None:
        self.parallel(self.member, record, threads, 0)


_PART = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_char_p)


@cache
def _team() -> _Team:
    """Choose the threads, once per process.

    OpenMP's threads sleep while they wait: on a machine with other work, spinning threads cost up
    to a time slice per launch. A forked process has none of its parent's threads.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if _Fork.happened:
        return _Team()
    try:
        return _OpenMP(ctypes.CDLL("libgomp.so.1"))
    except (OSError, AttributeError):
        return _Team()


class _Fork:
    """Records whether this process is a copy of one that may have started threads."""

    happened = False

    @classmethod
    def note(cls) -> None:
        cls.happened = True
        _team.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Fork.note)
