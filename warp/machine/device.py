"""Select the CPU or one CUDA GPU (CuPy) and run kernels on it. The only importer of CuPy.

A kernel has one name, one list of arguments and two forms: `kernels/NAME.py` for the CPU and
`kernels/NAME.cu` for CUDA. `launch` runs the form of the device. It first converts every scalar to
the type that the .cu declares and checks every array against it, so that a call which is wrong on
the GPU also fails on the CPU.

`real` is the precision in which a kernel is compiled (-DREAL=float or double). On the CPU it
follows from the arrays and only fixes the type of the scalars.

CuPy is imported when a GPU is asked for.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from warp.errors import WarpError
from warp.machine import cache as compiled
from warp.machine import compiling, cpu, host_memory
from warp.machine.cpu import cores as cores
from warp.machine.declarations import checked, source

Extent = tuple[int, int, int]


LARGE = 4_000_000
"""Unknowns above which iterations are in float32, unless the device was asked for float64."""

ALIGNED, MOST_TOGETHER = 256, 1 << 20
"""Bytes at whose multiples arrays begin that go to a GPU together, and the most that do."""


@dataclass(frozen=True)
class Device:
    """A device to compute on, made by `select`; other devices cannot use its arrays.

    `threads`: number of CPU threads; on a GPU, for the work that the host does before and after.
    `real`: precision of an iteration between two true residuals (`solvers.krylov`); `fixed`: in
    solves of any size, because it was asked for.
    """

    name: str
    threads: int = 1
    real: type[np.floating[Any]] = np.float64
    fixed: bool = False
    _recording: list[Graph] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def choice(self) -> str:
        """Return the name from which `select` makes this device."""
        return f"{self.name}/{self.real.__name__}" if self.fixed else self.name

    @property
    def always_double(self) -> bool:
        """Tell whether iterations are in float64 in solves of any size."""
        return self.fixed and self.real is np.float64

    @property
    def cuda(self) -> bool:
        """Tell whether this is a GPU."""
        return self.name != "cpu"

    @cached_property
    def xp(self) -> ModuleType:
        """Return the array module, NumPy or CuPy."""
        return import_module("cupy") if self.cuda else np

    def asarray(self, a: Any, dtype: DTypeLike | None = None) -> Any:
        """Return an array on this device, C-contiguous; without a copy if it is one already."""
        return self.xp.ascontiguousarray(self.xp.asarray(a, dtype=dtype))

    def together(self, *arrays: np.ndarray) -> list[Any]:
        """Return arrays on this device, C-contiguous; small ones go to a GPU in one copy."""
        places = np.cumsum([0, *(-(-a.nbytes // ALIGNED) * ALIGNED for a in arrays)])
        if not self.cuda or places[-1] > MOST_TOGETHER:
            return [self.asarray(a) for a in arrays]
        words = np.zeros(places[-1], np.uint8)
        for a, at in zip(arrays, places, strict=False):
            words[at : at + a.nbytes] = np.ascontiguousarray(a).reshape(-1).view(np.uint8)
        there = self.asarray(words)
        return [
            there[at : at + a.nbytes].view(a.dtype).reshape(a.shape)
            for a, at in zip(arrays, places, strict=False)
        ]

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike = float) -> Any:
        """Allocate an uninitialised array."""
        return self.xp.empty(shape, dtype)

    def zeros(self, shape: int | tuple[int, ...], dtype: DTypeLike = float) -> Any:
        """Allocate an array of zeros."""
        return self.xp.zeros(shape, dtype)

    def to_host(self, a: Any) -> NDArray[Any]:
        """Return the array as a NumPy array; waits for the kernels that write it."""
        return self.xp.asnumpy(a) if self.cuda else np.asarray(a)

    def launch(
        self,
        module: str,
        function: str,
        extent: Extent,
        *args: Any,
        real: DTypeLike = np.float64,
        own: int = 0,
    ) -> None:
        """Run kernel `function` of kernels/`module` for `extent` = (nx, ny, nz) threads, x fastest.

        The CPU form loops over the same range by itself. Inside `with device.graph()` the call is
        only recorded. `own`: the count of private numbers that each thread needs (OWN in the .cu).
        """
        if self.cuda and 0 in extent:
            return  # CUDA has no empty grid
        call = self._call(module, function, extent, args, np.dtype(real), own)
        if self._recording:
            self._recording[-1].calls.append(call)
        else:
            call()

    @contextlib.contextmanager
    def graph(self) -> Iterator[Graph]:
        """Record the launches of the block, without running them, for cheap repetition.

        Use `with device.graph() as graph: ...` and then `graph.launch()` as often as needed. Arrays
        are recorded by address and scalars by value: anything that changes between repetitions must
        be in an array. Array arithmetic through `xp` is not recorded; it belongs outside.
        """
        graph = Graph()
        self._recording.append(graph)
        try:
            yield graph
        finally:
            self._recording.pop()
        if self.cuda:
            graph.capture(self.xp)

    def synchronize(self) -> None:
        """Wait until every kernel launched so far has finished."""
        if self.cuda:
            self.xp.cuda.get_current_stream().synchronize()

    def seconds(self, body: Callable[[], Any], repeat: int = 1) -> float:
        """Time `body`, kernels included: the mean of `repeat` runs one after another."""
        self.synchronize()
        start = time.perf_counter()
        for _ in range(repeat):
            body()
        self.synchronize()
        return (time.perf_counter() - start) / repeat

    def memory(self) -> tuple[int, int]:
        """Return (free, total) bytes; on the CPU, what this process may use without swapping."""
        if not self.cuda:
            return host_memory.free_and_total()
        free, total = self.xp.cuda.runtime.memGetInfo()
        return free + self.xp.get_default_memory_pool().free_bytes(), total

    def describe(self) -> str:
        """Name the machine for the record of a result."""
        if self.cuda:
            properties = self.xp.cuda.runtime.getDeviceProperties(_index(self.name))
            words = [properties["name"].decode()]
        else:
            count = "1 thread" if self.threads == 1 else f"{self.threads} threads"
            words = [_processor(), count]
        if self.real is np.float32:
            words.append("iterations in float32")
        elif not self.fixed:
            words.append(f"iterations in float32 above {LARGE / 1e6:g} million unknowns")
        return f"{self.name} ({', '.join(words)})"

    def compile_all(self) -> None:
        """Compile every .cu in both precisions.

        Does nothing on the CPU, whose kernels `warp.machine.compiling` compiles.
        """
        for module in compiled.modules() if self.cuda else ():
            for real in ("float", "double"):
                _rawmodule(module, real).compile()

    def _call(
        self,
        module: str,
        function: str,
        extent: Extent,
        args: tuple[Any, ...],
        real: np.dtype[Any],
        own: int,
    ) -> Call:
        values, shapes = checked(module, function, args, real)
        if not self.cuda:
            return cpu.prepared(module, function, values, self.threads)
        grid, block = blocks(extent, own * real.itemsize)
        precision = "float" if real == np.float32 else "double"
        raw = _kernel(self.name, module, precision, function, own > 0)
        shared = own * real.itemsize * block[0] * block[1]
        return partial(raw, grid, block, (*values, *shapes), shared_mem=shared)


Call = Callable[[], Any]


@dataclass
class Graph:
    """Launches recorded by `Device.graph`, in order."""

    calls: list[Call] = field(default_factory=list)
    _captured: Any = None

    def launch(self) -> None:
        """Run the recorded kernels; on CUDA as one graph, without further work on the host."""
        if self._captured is not None:
            self._captured.launch()
            return
        for call in self.calls:
            call()

    def capture(self, cupy: Any) -> None:
        """Convert the record to a CUDA graph."""
        stream = cupy.cuda.Stream(non_blocking=True)
        with stream:
            stream.begin_capture()
            for call in self.calls:
                call()
            self._captured = stream.end_capture()


def select(name: str = "auto", threads: int | None = None) -> Device:
    """Choose a device: "cpu", "cuda", "cuda:1", or "auto".

    "auto" is the first GPU that can be used, else the CPU. "/float32" or "/float64" behind the name
    is the precision of iterations; by default float64, and float32 on a GPU whose float64 is far
    slower. `threads` limits the CPU threads; the default is every core that the process may use.
    Raises WarpError if the device cannot be used.
    """
    asked, slash, precision = name.partition("/")
    known = re.fullmatch(r"auto|cpu|cuda(:\d+)?", asked)
    if not known or slash and precision not in PRECISIONS:
        raise WarpError(
            f"device '{name}' is none of auto, cpu, cuda, cuda:0, cuda:1, ...; /float32 or "
            "/float64 may follow"
        )
    name = asked
    most = cores()
    if threads is not None and not 1 <= threads <= most:
        raise WarpError(f"{threads} threads asked for, this machine offers 1 to {most}")
    if name != "cpu":
        problem = _cuda_problem(_index(name))
        if not problem:
            index = _index(name)
            import_module("cupy").cuda.Device(index).use()
            real = PRECISIONS[precision] if slash else _precision(index)
            return Device(f"cuda:{index}", threads or most, real, bool(slash))
        if name != "auto":
            raise WarpError(f"device '{name}': {problem}; --device cpu works everywhere")
    return Device("cpu", threads or most, PRECISIONS[precision or "float64"], bool(slash))


PRECISIONS: dict[str, type[np.floating[Any]]] = {"float32": np.float32, "float64": np.float64}
SLOW_DOUBLE = 8
"""Speed of float32 over that of float64 above which iterations are in float32: 2 on GPUs for
servers up to 2024; 32 and 64 on others.
"""
RATIO = 87
"""cudaDevAttrSingleToDoublePrecisionPerfRatio, that ratio (CUDA Runtime API, cudaDeviceAttr)."""


def _precision(index: int) -> type[np.floating[Any]]:
    """Choose the precision of iterations on a GPU by how slow its float64 is."""
    ratio = import_module("cupy").cuda.runtime.deviceGetAttribute(RATIO, index)
    return np.float32 if ratio > SLOW_DOUBLE else np.float64


OLDEST = (7, 0)
"""Compute capability that the kernels need: their shared memory, and what CUDA 12 compiles for."""
SHARED = 64 * 1024
"""Bytes of shared memory that a block may use: every GPU since 2017 has at least these."""


@cache
def blocks(extent: Extent, own: int = 0) -> tuple[Extent, Extent]:
    """Cover `extent` threads by (grid, block), x fastest.

    A block has 256 threads in a row, or 32 x 4; fewer if each needs `own` bytes of shared memory
    and the block would exceed SHARED.
    """
    nx, ny, nz = extent
    block = (256, 1, 1) if ny == nz == 1 else (32, 4, 1)
    room = SHARED // max(own, 1)
    if room < 1:
        raise WarpError(f"a GPU has no room for z lines of so many cells: {own} bytes for each")
    while block[0] * block[1] > room:
        block = (block[0], block[1] // 2, 1) if block[1] > 1 else (block[0] // 2, 1, 1)
    return (-(-nx // block[0]), -(-ny // block[1]), nz), block


def parts(columns: int, levels: int) -> int:
    """Return the number of parts into which a kernel that walks along z divides its levels.

    There are enough for the threads of a large GPU, each of four levels or more.
    """
    return max(1, min(levels // 4, 2**17 // columns))


@cache
def _kernel(device: str, module: str, real: str, function: str, shares: bool) -> Any:
    """Load a kernel on a GPU: while a stream captures none can be.

    shares: its threads have private numbers in shared memory.
    """
    raw = _rawmodule(module, real).get_function(function)
    if shares:
        raw.max_dynamic_shared_size_bytes = SHARED
        raw.preferred_shared_memory_carveout = 100  # percent: as many blocks at once as fit
    _ = raw.attributes
    return raw


@cache
def _rawmodule(module: str, real: str) -> Any:
    folder = os.environ.setdefault("CUPY_CACHE_DIR", str(compiled.root() / "cuda"))
    if not any(Path(folder).glob("*")):
        compiling.announce()
    options = ("--std=c++17", f"-DREAL={real}")
    return import_module("cupy").RawModule(code=source(module), options=options, backend="nvrtc")


def _index(name: str) -> int:
    return int(name.partition(":")[2] or 0)


def _cuda_problem(index: int) -> str:
    """Say in one clause why GPU `index` cannot be used; return "" if it can."""
    if find_spec("cupy") is None:
        cuda13 = "'warpage[cuda13]' (drivers from 580)"
        return f"CuPy is not installed: pip install {cuda13} or 'warpage[cuda12]'"
    os.environ.setdefault("CUPY_CACHE_DIR", str(compiled.root() / "cuda"))
    try:
        runtime = import_module("cupy").cuda.runtime
        if runtime.driverGetVersion() == 0:
            return "no NVIDIA driver is loaded on this machine"
        count = runtime.getDeviceCount()
    except ImportError as error:
        return f"CuPy cannot be loaded ({str(error).strip().splitlines()[0]})"
    # CuPy's own class for a missing or too old driver cannot be named before its import
    except Exception as error:
        return f"no GPU can be used ({error})"
    if count == 0:
        return "no GPU found"
    if index < count:
        return _too_old(runtime.getDeviceProperties(index))
    return f"this machine has {count} GPU{'s' * (count > 1)}: cuda:0 to cuda:{count - 1}"


def _too_old(properties: Mapping[str, Any]) -> str:
    """Say in one clause that a GPU is too old; return "" if it is not."""
    capability = properties["major"], properties["minor"]
    if capability >= OLDEST:
        return ""
    has, needed = (".".join(map(str, version)) for version in (capability, OLDEST))
    name = properties["name"].decode()
    return f"{name} has compute capability {has}, and {needed} is needed (GPUs since 2017)"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    import platform

    return platform.processor() or platform.machine()
