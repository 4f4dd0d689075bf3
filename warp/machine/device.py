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
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from warp.errors import WarpError
from warp.machine import cache as compiled
from warp.machine import compiling, cpu, host_memory
from warp.machine.cpu import cores as cores

Extent = tuple[int, int, int]


@dataclass(frozen=True)
class Device:
    """A device to compute on, made by `select`; other devices cannot use its arrays.

    `threads`: number of CPU threads; on a GPU, for the work that the host does before and after.
    """

    name: str
    threads: int = 1
    _recording: list[Graph] = field(default_factory=list, init=False, repr=False, compare=False)

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
            return f"{self.name} ({properties['name'].decode()})"
        return (
            f"cpu ({_processor()}, {self.threads} {'thread' if self.threads == 1 else 'threads'})"
        )

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
        raw = _rawmodule(module, "float" if real == np.float32 else "double").get_function(function)
        grid, block = blocks(extent, own * real.itemsize)
        shared = own * real.itemsize * block[0] * block[1]
        if shared:
            raw.max_dynamic_shared_size_bytes = SHARED
            raw.preferred_shared_memory_carveout = 100  # percent: as many blocks at once as fit
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
        for call in self.calls:
            # loads the code, which is not allowed while capturing
            _ = call.func.attributes  # type: ignore[attr-defined]
        stream = cupy.cuda.Stream(non_blocking=True)
        with stream:
            stream.begin_capture()
            for call in self.calls:
                call()
            self._captured = stream.end_capture()


def select(name: str = "auto", threads: int | None = None) -> Device:
    """Choose a device: "cpu", "cuda", "cuda:1", or "auto".

    "auto" is the first GPU that can be used, else the CPU. `threads` limits the CPU threads; the
    default is every core that the process may use. Raises WarpError if the device cannot be used.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise WarpError(f"device '{name}' is none of auto, cpu, cuda, cuda:0, cuda:1, ...")
    most = cores()
    if threads is not None and not 1 <= threads <= most:
        raise WarpError(f"{threads} threads asked for, this machine offers 1 to {most}")
    if name != "cpu":
        problem = _cuda_problem(_index(name))
        if not problem:
            import_module("cupy").cuda.Device(_index(name)).use()
            return Device(f"cuda:{_index(name)}", threads or most)
        if name != "auto":
            raise WarpError(f"device '{name}': {problem}; --device cpu works everywhere")
    return Device("cpu", threads or most)


class Parameter(NamedTuple):
    """One argument of a kernel as the .cu declares it."""

    name: str
    type: str  # "real", "double", "int", ...
    pointer: bool
    const: bool

    @property
    def length_of(self) -> tuple[str, int] | None:
        """(array, axis) if this is `ARRAY_dimAXIS`, a length that `launch` reads from the array."""
        return _length_of(self.name)


@cache
def _length_of(name: str) -> tuple[str, int] | None:
    found = re.fullmatch(r"(\w+)_dim(\d)", name)
    return (found[1], int(found[2])) if found else None


_FUNCTION = re.compile(r"\bKERNEL\s+(?:__launch_bounds__\([\d, ]+\)\s+)?(\w+)\s*\(([^)]*)\)")
_PARAMETER = re.compile(
    r"(?P<const>const\s+)?(?P<type>[\w ]+?)\s*(?P<pointer>\*)?\s*(?:__restrict__)?\s*(?P<name>\w+)"
)
_TYPES = {
    "float": np.float32, "double": np.float64, "int": np.int32, "long long": np.int64,
    "bool": np.bool_,
    "uint8": np.uint8, "uint16": np.uint16, "unsigned int": np.uint32,
}  # fmt: skip


def source(module: str) -> str:
    """Return the text of kernels/`module`.cu with its headers in place of the #include lines.

    A compiler's cache keyed by the source would not notice an edited header.
    """
    seen = set()

    def expand(file: str) -> str:
        seen.add(file)
        lines = (compiled.kernels() / file).read_text(encoding="utf-8").splitlines()
        for i, line in enumerate(lines):
            header = re.match(r'\s*#include\s+"(.+)"', line)
            if header:
                text = "" if header[1] in seen else expand(header[1])
                lines[i] = f'{text}\n#line {i + 2} "{file}"'
        return (
            "\n".join([f'#line 1 "{file}"', *(x for x in lines if x.strip() != "#pragma once")])
            + "\n"
        )

    return expand(f"{module}.cu")


@cache
def signatures(module: str) -> dict[str, tuple[Parameter, ...]]:
    """Read the arguments of every kernel in kernels/`module`.cu; empty if there is no such file."""
    path = compiled.kernels() / f"{module}.cu"
    if not path.exists():
        return {}
    text = re.sub(r"//.*|/\*.*?\*/", "", path.read_text(encoding="utf-8"))
    found = {}
    for function, declared in _FUNCTION.findall(text):
        parameters = []
        for item in declared.split(","):
            part = _PARAMETER.fullmatch(item.strip())
            if part is None:
                raise ValueError(f"{path.name}: {function}: cannot read '{item.strip()}'")
            parameters.append(
                Parameter(part["name"], part["type"], bool(part["pointer"]), bool(part["const"]))
            )
        found[function] = tuple(parameters)
    return found


OLDEST = (7, 0)
"""Compute capability that the kernels need: their shared memory, and what CUDA 12 compiles for."""
SHARED = 64 * 1024
"""Bytes of shared memory that a block may use: every GPU since 2017 has at least these."""


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


def checked(
    module: str, function: str, args: tuple[Any, ...], real: np.dtype[Any]
) -> tuple[tuple[Any, ...], tuple[np.int32, ...]]:
    """Convert scalars to the declared types and refuse arrays of another type or layout.

    Returns the arguments, and the array lengths that only the CUDA form needs.
    """
    declared = _declared(module, function)
    if declared is None:  # only the CPU form exists
        return tuple(real.type(a) if isinstance(a, float) else a for a in args), ()
    given, lengths = declared
    if len(given) != len(args):
        raise TypeError(f"{module}.{function} takes {len(given)} arguments, got {len(args)}")
    values = []
    for (name, dtype, pointer), value in zip(given, args, strict=True):
        wanted = dtype or real
        if not pointer:
            values.append(wanted.type(value))
        elif not hasattr(value, "flags") or value.dtype != wanted or not value.flags.c_contiguous:
            got = f"{value.dtype} array" if hasattr(value, "dtype") else type(value).__name__
            raise TypeError(
                f"{module}.{function}: {name} must be a contiguous {wanted} array, got {got}"
            )
        else:
            values.append(value)
    return tuple(values), tuple(np.int32(args[n].shape[axis]) for n, axis in lengths)


Declared = tuple[tuple[tuple[str, np.dtype[Any] | None, bool], ...], tuple[tuple[int, int], ...]]
"""Name, type (None: the precision of the launch) and pointer or not of each argument that is given;
argument and axis of each array length.
"""


@cache
def _declared(module: str, function: str) -> Declared | None:
    """Return what a kernel's .cu declares, None where there is only the CPU form."""
    declared = signatures(module).get(function)
    if declared is None:
        return None
    given = [p for p in declared if not p.length_of]
    names = [p.name for p in given]
    types = [None if p.type == "real" else np.dtype(_TYPES[p.type]) for p in given]
    lengths = [(names.index(of[0]), of[1]) for p in declared if (of := p.length_of)]
    pointers = [p.pointer for p in given]
    return tuple(zip(names, types, pointers, strict=True)), tuple(lengths)


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
