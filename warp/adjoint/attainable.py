"""Solve adjoint equations to their tolerance, or to the round-off of the operator.

A load of a metric (a few forces that bend a plate) meets the softest motions of a body, whose cells
are many orders stiffer. Then A x is a small difference of large forces, and the residual cannot
fall below their round-off,

    eps |A s x|,    s = +-1 at random: the forces where neighbours do not cancel

which is harmless: it is noise from face to face, that a smooth change of the solution does not see.
"""

from __future__ import annotations

import numpy as np

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
) -> Array:
    """Solve A x = right to the tolerance of `control`, or to the round-off of A x."""
    size = float(np.linalg.norm(right))
    if size == 0.0:
        return device.zeros(right.shape)
    system = System(name, apply, device.asarray(right))
    rough = Control(max(ROUGH, control.tolerance), control.progress)
    x, history = krylov.solve(device, system, cycle, rough, x)
    if history[-1] <= control.tolerance:
        return x
    floor = MARGIN * uncancelled(device, apply, x) * np.finfo(float).eps / size
    fine = Control(max(control.tolerance, floor), control.progress)
    return krylov.solve(device, system, cycle, fine, x)[0]


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
