"""The equations of one solve, A x = f, with the forces that their residual is measured in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from warp.solvers import krylov
from warp.solvers.elastic.multigrid.cycle import Cycle, bytes_needed
from warp.solvers.elastic.operator import Operator
from warp.solvers.krylov import LARGE, Control, Kept, System


@dataclass(frozen=True)
class Balance:
    """Forces f (solver's layout, host) on a body that floats or is held by springs.

    `scale`: force in N to which residuals relate; it does not vanish with f, as at a step without
    change.
    """

    A: Operator
    f: np.ndarray
    scale: float
    control: Control

    def solve(
        self, cycle: Callable[[], Cycle], kept: Kept | None = None
    ) -> tuple[np.ndarray, list[float]]:
        """Solve A x = f; return x on the host and the residuals relative to `scale`.

        kept: the record of earlier solves with the same cycle.
        Without an iteration if |f| is within the tolerance, and then without calling `cycle`.
        """
        A, control = self.A, self.control
        ratio = norm(self.f) / self.scale if self.scale else 0.0
        if ratio <= control.tolerance:
            return np.zeros(A.shape), [ratio]

        def on_progress(iteration: int, residual: float) -> None:
            if control.progress:
                control.progress(iteration, residual * ratio)

        f = self.f if self._stays_on_host() else A.device.asarray(self.f)
        system = System.of("thermo-elasticity", A, f)
        relative = Control(control.tolerance / ratio, on_progress)
        x, residuals = krylov.solve(A.device, system, cycle(), relative, kept=kept)
        return A.device.to_host(x), [r * ratio for r in residuals]

    def _stays_on_host(self) -> bool:
        """Tell whether a GPU may have no room for the forces, which are then copied when read."""
        A = self.A
        if not A.device.cuda or self.f.size <= LARGE:
            return False
        return bytes_needed(A.lines, A.mirror) + self.f.nbytes > A.device.memory()[0]

    def less(self, x: np.ndarray) -> Balance:
        """Return the balance that remains for a displacement beyond x."""
        return replace(self, f=self.f - product(self.A, x))


def norm(f: np.ndarray) -> float:
    """Return the Euclidean norm of all entries."""
    return float(np.linalg.norm(f.reshape(-1)))


def product(A: Operator, x: np.ndarray) -> np.ndarray:
    """Compute A x on the host."""
    device = A.device
    out = device.zeros(A.shape)
    A.apply(out, device.asarray(x))
    found: np.ndarray = device.to_host(out)
    return found
