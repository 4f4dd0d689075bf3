"""The equations of one solve, A x = f, with the forces that their residual is measured in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import LARGE, Device
from warp.solvers import krylov
from warp.solvers.elastic.multigrid.cycle import Cycle, bytes_needed
from warp.solvers.elastic.operator import Operator
from warp.solvers.krylov import Control, Kept, System


@dataclass(frozen=True)
class Balance:
    """Forces f (solver's layout) on a body that floats or is held by springs.

    f: on A's device, or on the host as `with_room` says. `scale`: force in N to which
    residuals relate; it does not vanish with f, as at a step without change.
    """

    A: Operator
    f: Array
    scale: float
    control: Control

    def solve(
        self, cycle: Callable[[], Cycle], kept: Kept | None = None
    ) -> tuple[Array, list[float]]:
        """Solve A x = f; return x on A's device and the residuals relative to `scale`.

        kept: the record of earlier solves with the same cycle.
        Without an iteration if |f| is within the tolerance, and then without calling `cycle`.
        """
        A, control = self.A, self.control
        place = None if isinstance(self.f, np.ndarray) else A.device
        ratio = norm(self.f, place) / self.scale if self.scale else 0.0
        if ratio <= control.tolerance:
            return A.device.zeros(A.shape), [ratio]

        def on_progress(iteration: int, residual: float) -> None:
            if control.progress:
                control.progress(iteration, residual * ratio)

        system = System.of("thermo-elasticity", A, self.f)
        relative = Control(control.tolerance / ratio, on_progress)
        x, residuals = krylov.solve(A.device, system, cycle(), relative, kept=kept)
        return x, [r * ratio for r in residuals]

    def less(self, x: Array) -> Balance:
        """Return the balance that remains for a displacement beyond x, on A's device."""
        moved = self.A.device.zeros(self.A.shape)
        self.A.apply(moved, x)
        return replace(self, f=self.A.device.asarray(self.f) - moved)


def with_room(A: Operator, f: Array) -> Array:
    """Return forces on the host of a GPU that may have no room for them, else as they are.

    The solve then copies them whenever it reads them.
    """
    if not A.device.cuda or f.size <= LARGE:
        return f
    needed = bytes_needed(A.lines, A.mirror, double=A.device.always_double)
    return f if needed <= A.device.memory()[0] else A.device.to_host(f)


def norm(f: Array, device: Device | None = None) -> float:
    """Return the Euclidean norm of all entries of an array, on the host or a device."""
    return float((np if device is None else device.xp).linalg.norm(f.reshape(-1)))


def product(A: Operator, x: np.ndarray) -> np.ndarray:
    """Compute A x on the host."""
    device = A.device
    out = device.zeros(A.shape)
    A.apply(out, device.asarray(x))
    found: np.ndarray = device.to_host(out)
    return found
