"""A stand-in for CuPy on a machine without a GPU, for tests of the very calls of a GPU run.

CUDA sources are compiled for the CPU, arrays lie between fences and do not mix with NumPy's, and
while a stream captures everything but a launch is an error, as on a GPU. Put its folder on
PYTHONPATH and run `warp run CASE.toml --device cuda`. Only what the program calls is here.

STANDIN_MEMORY: bytes of the device, STANDIN_PROMISED: those that it says it has;
STANDIN_CAPABILITY: its compute capability, e.g. "9.0"; STANDIN_RATIO: speed of its float32 over
that of its float64; STANDIN_ORDER, STANDIN_FENCE, STANDIN_LOG:
see kernels, memory, account.
"""

import os
from types import SimpleNamespace

import numpy as np

from cupy import memory
from cupy.arrays import (
    array,
    asarray,
    ascontiguousarray,
    asnumpy,
    empty,
    empty_like,
    function,
    ndarray,
    ones,
    zeros,
    zeros_like,
)
from cupy.kernels import Graph, RawKernel, RawModule, Stream

__version__ = "14.0.0"
float32, float64, int32, int64, bool_ = np.float32, np.float64, np.int32, np.int64, np.bool_
uint8, uint16, inf, nan, newaxis = np.uint8, np.uint16, np.inf, np.nan, None


def __getattr__(name: str):
    if name.startswith("__"):
        raise AttributeError(name)
    return function(name)


linalg = SimpleNamespace(
    norm=function("norm", np.linalg, "x, ord=None, axis=None, keepdims=False"),
)


def get_default_memory_pool() -> memory.Pool:
    """Return the pool that all arrays come from."""
    return memory.POOL


class Device:
    """One GPU, the only one."""

    def __init__(self, index: int = 0) -> None:
        self.id = index

    def use(self) -> None:
        pass

    def synchronize(self) -> None:
        pass


class CUDARuntimeError(RuntimeError):
    """An error of the CUDA runtime."""


def _properties(index: int) -> dict:
    major, minor = map(int, os.environ.get("STANDIN_CAPABILITY", "9.0").split("."))
    return {
        "name": b"stand-in without a GPU",
        "major": major,
        "minor": minor,
        "totalGlobalMem": memory.PROMISED,
        "multiProcessorCount": 1,
    }


def _attribute(attribute: int, index: int) -> int:
    return {87: int(os.environ.get("STANDIN_RATIO", "2"))}[attribute]


runtime = SimpleNamespace(
    driverGetVersion=lambda: 13000,
    runtimeGetVersion=lambda: 13000,
    getDeviceCount=lambda: 1,
    getDeviceProperties=_properties,
    deviceGetAttribute=_attribute,
    memGetInfo=lambda: (memory.PROMISED - memory.POOL.most, memory.PROMISED),
    deviceSynchronize=lambda: None,
    CUDARuntimeError=CUDARuntimeError,
)
cuda = SimpleNamespace(
    Device=Device,
    Stream=Stream,
    Graph=Graph,
    runtime=runtime,
    memory=SimpleNamespace(OutOfMemoryError=memory.OutOfMemoryError),
    get_current_stream=lambda: Stream(null=True),
    is_available=lambda: True,
)

__all__ = [
    "Device",
    "RawKernel",
    "RawModule",
    "array",
    "asarray",
    "ascontiguousarray",
    "asnumpy",
    "cuda",
    "empty",
    "empty_like",
    "get_default_memory_pool",
    "linalg",
    "ndarray",
    "ones",
    "zeros",
    "zeros_like",
]
