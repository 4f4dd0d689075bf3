"""A body that rests on a flat table under its weight: one-sided contact without friction.

    A x = f + weight + F,    F = s <-g>,    g = g0 + w >= 0 at the lowest face of each column of voxels

The table is as hard as a fraction 1/HARD of the lowest voxel (s = HARD C_zz area / height): what a face sinks in is a
fraction of what the voxel above it is squeezed, and far below all that is asked. A table that soft from the start would
be a Newton iteration which creeps face by face, so it begins as soft as the body's weight makes it sink by its own
unevenness, and is hardened by STEP at a time; at each hardness semismooth Newton with exact line search on the energy,
which is convex (Hintermueller and Kunisch, SIAM J. Optim. 17 (2006) 159, for such paths).

Rigid motions Z of a stiff body cost nearly nothing: before each step they are settled alone (few unknowns), and the step
itself solves with them eliminated, S' = S - S Z (Z^T S Z)^-1 Z^T S, on a V-cycle that knows all springs and, in place of
the rigid motions that it cannot hold in single precision, a soft bed (BED). Sliding and turning on the table stay free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.errors import ConvergenceError
from warp.solvers import krylov
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.rigid import rising_motions
from warp.solvers.elastic.springs import Springs

if TYPE_CHECKING:
    from warp.solvers.elastic.operator import Operator
    from warp.voxels.voxelize import VoxelModel

GRAVITY = 9.80665  # m/s^2, standard, by definition
HARD = 3.0
STEP = 100.0
BED = 1e-5
"""Stiffness of the soft bed in the V-cycle, all faces together, in that of the stiffest voxel under the body."""
LIMIT = 40
COARSEST = 800
"""Displacements on the level that is inverted: it is inverted for every set of faces."""
WEIGHED, ROUND_OFF = 1e-5, 1e-12
"""Residual of a body on a table in its weight, and the least in the other forces that can be had in float64."""
WHILE_SOFTER, FORCING = 0.03, 1e-3
"""Residual that is enough while the table hardens, in the weight; and of each Newton step, in the one before it."""


@dataclass(frozen=True)
class Resting:
    """What a table bears, of the full package: weight in N, area of the faces that touch in m2, and the greatest height of
    a lower face above the table in m."""

    weight: float
    area: float
    lift: float


@dataclass(frozen=True)
class Lowest:
    """The lowest face of every column: flat place of its w in the solver's arrays, area, height above the lowest of all."""

    at: np.ndarray
    area: np.ndarray
    height: np.ndarray
    hardness: np.ndarray
    """N/m."""


def lowest(model: VoxelModel, A: Operator) -> Lowest:
    """Find the faces that a table could touch."""
    solid = model.ids > 0
    j, i = np.nonzero(solid.any(axis=0))
    k = solid.argmax(axis=0)[j, i]
    at = np.ravel_multi_index((np.full(len(k), 2), k, j, i + 1), A.shape)
    area, height = model.grid.area[j, i], model.grid.z[k]
    return Lowest(
        at,
        area,
        height - height.min(),
        HARD * A.cell[2, model.ids[k, j, i]] / model.grid.dz[k] * area,
    )


def weight(model: VoxelModel, A: Operator) -> np.ndarray:
    """Forces of gravity in the solver's layout: half a voxel's weight on its lower and its upper face."""
    nz, ny, nx = model.ids.shape
    force, table = np.zeros(A.shape), model.media.density * GRAVITY
    for k, dz in enumerate(model.grid.dz):
        half = table[model.ids[k]] * model.grid.area * (dz / 2)
        force[2, k, :ny, 1 : nx + 1] -= half
        force[2, k + 1, :ny, 1 : nx + 1] -= half
    return force


def rest(
    model: VoxelModel,
    A: Operator,
    f: np.ndarray,
    floating: np.ndarray,
    displacement: np.ndarray,
    scale: float,
    tolerance: float,
    progress: Callable[[int, float], None] | None,
) -> tuple[np.ndarray, list[float], Resting]:
    """What a table adds to `floating` (solver's layout), which balances the forces f on a body that has no weight.

    `displacement`: the total one before. Residuals relative to `scale` or to the weight; one of `tolerance` in `scale` is
    enough.
    """
    pull, faces = weight(model, A), lowest(model, A)
    U = np.zeros(A.shape)
    U[..., 1 : A.n[0] + 2] = displacement
    U += floating
    f = f - product(A, floating)
    size = norm(pull)
    goal = max(
        min(tolerance * scale, WEIGHED * size) if scale else WEIGHED * size, ROUND_OFF * scale
    )
    x, touching, residuals = settled(A, f, pull, faces, rising_motions(model), U, goal, progress)
    above = faces.height + (U + x).reshape(-1)[faces.at]
    whole = 2 ** sum(A.mirror)
    resting = Resting(
        -whole * float(pull.sum()),
        whole * float(faces.area[touching].sum()),
        max(0.0, float(above.max())),
    )
    return x, [r / max(scale, size) for r in residuals], resting


def settled(
    A: Operator,
    f: np.ndarray,
    pull: np.ndarray,
    faces: Lowest,
    motions: np.ndarray,
    U: np.ndarray,
    goal: float,
    progress: Callable[[int, float], None] | None,
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Solve for the increment x from U on; return it, which faces touch, and the norms of the residuals in N.

    f: other forces; pull: those of gravity; motions (n, 3, ...): rigid ones that raise or tilt; goal: |residual| in N.
    """
    size = norm(pull)
    Z = motions.reshape(len(motions), -1)[:, faces.at].T
    load = moments(motions, pull)
    start = faces.height + U.reshape(-1)[faces.at]
    flat = np.linalg.lstsq(Z, start, rcond=None)[0]
    uneven = max(float(np.ptp(start - Z @ flat)), 1e-9)
    bed = BED * float(faces.hardness.max()) / HARD * faces.area / faces.area.sum()
    soft = float(-pull.sum()) / faces.area.sum() / uneven
    x, rigid, steps, touching = (
        np.zeros(A.shape),
        np.zeros(len(motions)),
        0,
        None,
    )  # apart: A would round rigid motions
    history: list[float] = []
    while True:
        s = np.minimum(soft * faces.area, faces.hardness)
        last = bool((s == faces.hardness).all())
        enough, before = goal if last else max(goal, WHILE_SOFTER * size), steps
        if (
            touching is not None
        ):  # where the faces that touched the softer table would be on this one
            g = start + x.reshape(-1)[faces.at] + Z @ rigid
            out = unbalanced(A, x, f + pull, faces, np.where(touching, -s * g, 0.0))
            d, c, _ = newton(A, out, np.where(touching, s, 0.0), bed, faces, Z, motions, enough)
            x, rigid = x + d, rigid + c
        while True:
            g = start + x.reshape(-1)[faces.at] + Z @ rigid
            c = settle(g, Z, load, s)
            rigid = rigid + c
            g += Z @ c
            out = unbalanced(A, x, f + pull, faces, s * np.maximum(-g, 0.0))
            left = norm(out)
            history.append(left)
            if left <= enough:
                break
            if steps - before >= LIMIT:
                reached = (
                    f"residual {left / size:.1e} of the weight after {LIMIT} steps at one hardness"
                )
                raise ConvergenceError(
                    f"contact with the table: {reached}, {enough / size:.0e} wanted"
                )
            d, c, energy = newton(A, out, np.where(g < 0, s, 0.0), bed, faces, Z, motions, enough)
            work = float(np.vdot(out, d) + c @ moments(motions, out))
            t = length(d.reshape(-1)[faces.at] + Z @ c, energy, work, s, g)
            x, rigid, steps = x + t * d, rigid + t * c, steps + 1
            if progress:
                progress(steps, left / size)
        touching = g < 0
        if last:
            return x + np.tensordot(rigid, motions, axes=1), touching, history
        soft = soft * STEP if steps > before else np.inf


def unbalanced(
    A: Operator, x: np.ndarray, forces: np.ndarray, faces: Lowest, F: np.ndarray
) -> np.ndarray:
    """forces - A x, and F on the faces."""
    out = forces - product(A, x)
    out.reshape(-1)[faces.at] += F
    return out


def newton(
    A, out, springs, bed, faces: Lowest, Z, motions, enough: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Increments d and c with (A + springs) (d + c Z) = out to a residual of `enough` or FORCING; and the energy d A d."""
    device, SZ = A.device, springs[:, None] * Z
    ease = inverse(Z.T @ SZ, np.abs(Z).max(axis=0))
    c = ease @ moments(motions, out)
    out = out.copy()
    out.reshape(-1)[faces.at] -= SZ @ c
    left = norm(out)
    if left <= 0.3 * enough:
        return np.zeros(A.shape), c, 0.0
    forcing = max(FORCING, 0.3 * enough / left)
    B, cycle = (
        A.on(Springs(faces.at, springs), SZ, ease),
        Cycle(A.on(Springs(faces.at, springs + bed)), COARSEST),
    )
    d = device.to_host(
        krylov.solve(
            device, B.apply, device.asarray(out), cycle, forcing, "contact with the table"
        )[0]
    )
    return d, c - ease @ (SZ.T @ d.reshape(-1)[faces.at]), float(np.vdot(d, product(A, d)))


def moments(motions: np.ndarray, forces: np.ndarray) -> np.ndarray:
    """Work of forces on each rigid motion."""
    return np.tensordot(motions, forces, axes=motions.ndim - 1)


def length(move: np.ndarray, energy: float, work: float, s: np.ndarray, g: np.ndarray) -> float:
    """How far to go along a step to the least energy; 1 where that is nearly it.

    move: of the faces; energy: of the body by the step; work: of the unbalanced forces on it.
    """
    work += float(s * np.minimum(g, 0.0) @ move)

    def slope(t: float) -> float:
        return t * energy - work + float(s * np.minimum(g + t * move, 0.0) @ move)

    return 1.0 if abs(slope(1.0)) <= 0.1 * abs(slope(0.0)) else least(slope)


def settle(g: np.ndarray, Z: np.ndarray, load: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Rigid motion that balances the load on springs s: Newton with exact line search on few unknowns."""
    c = np.zeros(Z.shape[1])
    c[0] = -g.min() / Z[0, 0]
    for _ in range(100):
        here = g + Z @ c
        touch = np.where(here < 0, s, 0.0)
        force = Z.T @ (touch * here) - load
        if np.abs(force).max() <= 1e-12 * abs(load[0]):
            break
        H = Z.T @ (touch[:, None] * Z) + 1e-9 * np.diag((Z**2).T @ s)
        step = -np.linalg.solve(H, force)
        move = Z @ step

        def slope(
            t: float, here: np.ndarray = here, move: np.ndarray = move, step: np.ndarray = step
        ) -> float:
            return float(s * np.minimum(here + t * move, 0.0) @ move - load @ step)

        c += least(slope) * step
    return c


def least(slope: Callable[[float], float]) -> float:
    """Where a rising function is zero, t > 0."""
    high = 1.0
    while slope(high) < 0 and high < 1e9:
        high *= 2
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return high


def inverse(E: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Inverse of the stiffness of rigid motions, of those that meet one: a body on one face tilts freely.

    `reach`: how far each motion moves a face.
    """
    value, vector = np.linalg.eigh(E / reach / reach[:, None])
    known = value > 1e-9 * value[-1]
    vector = vector[:, known] / reach[:, None]
    return (vector / value[known]) @ vector.T


def norm(f: np.ndarray) -> float:
    return float(np.linalg.norm(f.reshape(-1)))


def product(A: Operator, x: np.ndarray) -> np.ndarray:
    """A x on the host."""
    device: Any = A.device
    out = device.zeros(A.shape)
    A.apply(out, device.asarray(x))
    return device.to_host(out)
