"""Kernels: each NAME.py (CPU, documented) has a twin NAME.cu (CUDA C).

Twins have the same functions and arguments; bodies may differ where the .cu says why. On the CPU
one argument precedes these: `share` = (part, parts). A kernel loops over the rows of its own part,
and `warp.machine.cpu` calls it once for each part, each call on its own thread:

    @kernel
    def level_factor(share, s, gz, nx, ny, nz):
        for j in portion(share, ny):
            ...

No row reads what another row writes, and sums run in a fixed order: to the last bit, results do
not depend on the number of parts. A kernel writes its first arguments in full, takes sizes last,
and assumes clean input. `kernels/host` holds kernels without a twin, which only the host runs.

Importing a kernel module compiles nothing and does not import Numba: `kernels.compiler` does both,
in a separate process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


class Kernel:
    """A function that `kernels.compiler` turns into machine code; a call runs it on the CPU."""

    def __init__(self, function: Callable[..., None]) -> None:
        self.function = function
        self.module = function.__module__.removeprefix("warp.kernels.")
        self.name = function.__name__
        self.parallel = function.__code__.co_varnames[0] == "share"
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any) -> None:
        """Run on all cores that this process may use; without `share`, on one."""
        from warp.machine import cpu

        cpu.launch(self.module, self.name, args, None if self.parallel else 1)


def kernel(function: Callable[..., None]) -> Kernel:
    """Mark a function as a kernel."""
    return Kernel(function)


def inline(function: F) -> F:
    """Mark a function that kernels call: compiled into each of them."""
    function.__dict__["inlined"] = True
    return function


def called(function: F) -> F:
    """Mark a long function that kernels call: compiled once and called, which compiles faster."""
    function.__dict__["inlined"] = False
    return function


@inline
def portion(share: tuple[int, int], count: int) -> range:
    """Return the range of rows, out of `count`, that this part computes."""
    return range(count * share[0] // share[1], count * (share[0] + 1) // share[1])


@inline
def view(share: tuple[int, int], count: int) -> slice:
    """Return the rows of `portion` as a slice.

    A loop over a view vectorises: its indices start at zero and cannot wrap.
    """
    return slice(count * share[0] // share[1], count * (share[0] + 1) // share[1])


def scratch(shape: tuple[int, ...], like: Any) -> Any:
    """Allocate zeroed working memory for one part, of the type of the array `like`.

    Free it with `release`. In a kernel this is calloc of the C library: compiled code depends on no
    runtime of Numba's.
    """
    return np.zeros(shape, like.dtype)


def release(memory: Any) -> None:
    """Free memory that `scratch` returned."""
