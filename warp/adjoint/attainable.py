"""Solve adjoint equations to their tolerance, or to the round-off of the operator.

A load of a metric (a few forces that bend a plate) meets the softest motions of a body, whose cells
are many orders stiffer. Then A x is a small difference of large forces, and the residual cannot
fall below their round-off,

    eps |A s x|,    s = +-1 at random: the forces where neighbours do not cancel

which is harmless: it is noise from face to face, that a smooth change of the solution does not see.
The residual is solved for anew until it is there, without what no motion of the body can carry
(`mechanisms`): conjugate gradients lose their way in what is left of that once the rest is small.
"""

from __future__ import annotations

import numpy as np

from warp.adjoint.mechanisms import Mechanisms
from warp.errors import ConvergenceError
from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers import krylov
from warp.solvers.krylov import Apply, Control, Preconditioner, System

ROUGH = 1e-5
"""Residual of a first solve, which tells the size of the solution."""
MARGIN = 2.0
"""Residual that is reached, over the round-off of a single product with A."""


def solve(
    device: Device,
    name: str,
    apply: Apply,
    cycle: Preconditioner,
    right: np.ndarray,
    control: Control,
    x: Array | None = None,
    free: Mechanisms | None = None,
) -> Array:
    """Solve A x = right to the tolerance of `control`, or to the round-off of A x.

    free: motions without energy, on which `right` does no work.
    """
    size = float(np.linalg.norm(right))
    if size == 0.0:
        return device.zeros(right.shape)
    system = System(name, apply, device.asarray(right))
    rough = Control(max(ROUGH, control.tolerance), control.progress)
    x, history = krylov.solve(device, system, cycle, rough, x)
    if history[-1] <= control.tolerance:
        return x
    floor = MARGIN * uncancelled(device, apply, x) * np.finfo(float).eps / size
    goal = max(control.tolerance, floor)
    if free is None:
        return krylov.solve(device, system, cycle, Control(goal, control.progress), x)[0]
    return _refined(device, system, cycle, Control(goal, control.progress), x, free)


def _refined(
    device: Device,
    system: System,
    cycle: Preconditioner,
    control: Control,
    x: Array,
    free: Mechanisms,
) -> Array:
    """Return x with what solves for its residual, in the range of A, until that is small."""
    size, last = float(np.linalg.norm(device.to_host(system.b))), np.inf
    while True:
        residual = system.b.copy()
        system.apply(residual, x, 1.0, -1.0)
        left = device.to_host(residual)
        free.equilibrate(left)
        reached = float(np.linalg.norm(left)) / size
        if reached <= control.tolerance:
            return x
        if reached > last / 2:
            wanted = f"residual {reached:.1e}, {control.tolerance:.0e} wanted"
            raise ConvergenceError(f"{system.name}: {wanted}")
        last = reached
        step = System(system.name, system.apply, device.asarray(left))
        goal = max(ROUGH, control.tolerance / reached)
        x = x + krylov.solve(device, step, cycle, Control(goal, control.progress))[0]


def uncancelled(device: Device, apply: Apply, x: Array) -> float:
    """Return the norm of A s x with random signs s."""
    signs = np.random.default_rng(0).integers(0, 2, x.shape) * 2.0 - 1.0
    out = device.zeros(x.shape)
    apply(out, x * device.asarray(signs), 0.0, 1.0)
    return float(np.linalg.norm(device.to_host(out)))


def equilibrate(load: np.ndarray, motions: np.ndarray) -> None:
    """Remove the round-off by which a metric of heights depends on rigid motions.

    The free body could not carry it. load (3, ...); motions (n, 3, ...).
    """
    flat = motions.reshape(len(motions), -1)
    shares = np.linalg.solve(flat @ flat.T, flat @ load.reshape(-1))
    load -= np.tensordot(shares, motions, axes=1)
