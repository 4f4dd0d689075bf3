"""A body that rests on a flat table under its weight: one-sided contact without friction.

    A x = f + weight + F,    F = s <-g>,    g = g0 + w >= 0 at the lowest face of each voxel column

The table is as stiff as a fraction 1/HARD of the lowest voxel (s = HARD C_zz area / height): a face
sinks in by a fraction of the compression of the voxel above it, far below the accuracy wanted. A
table that stiff from the start would make Newton's iteration creep face by face. So it starts so
soft that the body sinks in under its weight by about its own unevenness, and is made STIFFENING
times as stiff again and again; at each stiffness semismooth Newton with exact line search on the
energy, which is convex (Hintermueller and Kunisch, SIAM J. Optim. 17 (2006) 159, for such paths).

Rigid motions Z of a stiff body cost almost no energy. They are balanced first, alone (few
unknowns), and the Newton step is solved with them eliminated, S' = S - S Z (Z^T S Z)^-1 Z^T S. Its
V-cycle contains all springs and a soft bed (BED) in place of the rigid motions, which it could not
hold in single precision. Sliding and turning on the table stay free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from warp.errors import ConvergenceError
from warp.machine.arrays import Array
from warp.solvers import krylov
from warp.solvers.elastic.balance import Balance, norm, product
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.operator import Operator, Release
from warp.solvers.elastic.rigid import rising_motions
from warp.solvers.elastic.springs import Springs
from warp.solvers.krylov import Control, Progress, System
from warp.voxels.voxelize import VoxelModel

GRAVITY = 9.80665  # m/s^2, standard, by definition
HARD = 3.0
STIFFENING = 100.0
BED = 1e-5
"""Stiffness of the soft bed in the V-cycle, all faces together, over that of the stiffest voxel."""
NEWTON_STEPS = 40
"""Newton steps at one stiffness of the table."""
COARSEST = 800
"""Displacements on the level that is inverted, anew for every set of touching faces."""
WEIGHED, ROUND_OFF = 1e-5, 1e-12
"""Residual relative to the weight, and the least one relative to the other forces in float64."""
WHILE_SOFTER, FORCING = 0.03, 1e-3
"""Residual relative to the weight while the table stiffens, and of a Newton step to the last."""


@dataclass(frozen=True)
class TableContact:
    """Contact of the full package with a table.

    `weight` in N, `area` of the touching faces in m2, and `lift`: the greatest height of a lower
    face above the table in m.
    """

    weight: float
    area: float
    lift: float


@dataclass(frozen=True)
class Lowest:
    """The lowest face of every voxel column.

    `at`: flat index of its w in the solver's arrays; `area` in m2; `height` in m above the lowest
    of all; `hardness`: stiffness of the table below it in N/m.
    """

    at: np.ndarray
    area: np.ndarray
    height: np.ndarray
    hardness: np.ndarray


def lowest(model: VoxelModel, A: Operator) -> Lowest:
    """Find the faces that a table could touch."""
    solid = model.ids > 0
    j, i = np.nonzero(solid.any(axis=0))
    k = solid.argmax(axis=0)[j, i]
    at = np.ravel_multi_index((np.full(len(k), 2), k, j, i + 1), A.shape)
    area, height = model.grid.area[j, i], model.grid.z[k]
    hardness = HARD * A.body.cell[2, model.ids[k, j, i]] / model.grid.dz[k] * area
    return Lowest(at, area, height - height.min(), hardness)


def weight(model: VoxelModel, A: Operator) -> np.ndarray:
    """Compute the forces of gravity in the solver's layout.

    Half a voxel's weight acts on its lower and half on its upper face.
    """
    nz, ny, nx = model.ids.shape
    force, table = np.zeros(A.shape), model.media.density * GRAVITY
    for k, dz in enumerate(model.grid.dz):
        half = table[model.ids[k]] * model.grid.area * (dz / 2)
        force[2, k, :ny, 1 : nx + 1] -= half
        force[2, k + 1, :ny, 1 : nx + 1] -= half
    return force


def rest(
    model: VoxelModel, balance: Balance, floating: Array, displacement: np.ndarray
) -> tuple[np.ndarray, list[float], TableContact]:
    """Put a body that floats down on a table.

    floating: increment (solver's layout, on the device) that solves `balance` without weight;
    displacement (3, nz+1, ny+1, nx+1): the total one before. Returns the increment beyond
    `floating`, the residuals relative to the scale of `balance` or to the weight, and the contact.
    A residual of the tolerance relative to the scale is enough.
    """
    A, scale, control = balance.A, balance.scale, balance.control
    pull, faces = weight(model, A), lowest(model, A)
    U = np.zeros(A.shape)
    U[..., 1 : A.n[0] + 2] = displacement
    U += A.device.to_host(floating)
    size = norm(pull)
    wanted = min(control.tolerance * scale, WEIGHED * size) if scale else WEIGHED * size
    forces = A.device.to_host(balance.less(floating).f)
    body = _Body(A, forces, pull, faces, rising_motions(model), U)
    x, touching, residuals = body.settle(max(wanted, ROUND_OFF * scale), control.progress)
    above = faces.height + (U + x).reshape(-1)[faces.at]
    copies = model.grid.copies
    resting = TableContact(
        weight=-copies * float(pull.sum()),
        area=copies * float(faces.area[touching].sum()),
        lift=max(0.0, float(above.max())),
    )
    return x, [r / max(scale, size) for r in residuals], resting


class _Body:
    """A body above a table.

    f: forces on it without its weight `pull`; motions (n, 3, ...): rigid ones that raise or tilt
    it; Z (faces, n): how they raise the faces; `start`: heights of the faces before.
    """

    def __init__(
        self,
        A: Operator,
        f: np.ndarray,
        pull: np.ndarray,
        faces: Lowest,
        motions: np.ndarray,
        U: np.ndarray,
    ) -> None:
        self.A, self.forces, self.pull, self.faces = A, f + pull, pull, faces
        self.motions, self.size = motions, norm(pull)
        self.Z = motions.reshape(len(motions), -1)[:, faces.at].T
        self.start = faces.height + U.reshape(-1)[faces.at]
        stiffest = float(faces.hardness.max()) / HARD
        self.bed = BED * stiffest * faces.area / faces.area.sum()

    def settle(
        self, goal: float, progress: Progress | None
    ) -> tuple[np.ndarray, np.ndarray, list[float]]:
        """Solve for the increment until the residual is at most `goal` in N.

        Returns it, the faces that touch, and the norms of the residuals in N. The rigid part of the
        increment is kept apart: A would round it.
        """
        faces, Z, size = self.faces, self.Z, self.size
        load = work_of(self.motions, self.pull)
        soft = self._softest()
        x, rigid, steps = np.zeros(self.A.shape), np.zeros(Z.shape[1]), 0
        touching: np.ndarray | None = None
        history: list[float] = []
        while True:
            s = np.minimum(soft * faces.area, faces.hardness)
            last = bool((s == faces.hardness).all())
            enough, before = goal if last else max(goal, WHILE_SOFTER * size), steps
            if touching is not None:  # start with the same faces touching the stiffer table
                g = self._gaps(x, rigid)
                out = self._unbalanced(x, np.where(touching, -s * g, 0.0))
                d, c, _ = self._newton(out, np.where(touching, s, 0.0), enough)
                x, rigid = x + d, rigid + c
            while True:
                g = self._gaps(x, rigid)
                c = balanced_motion(g, Z, load, s)
                rigid = rigid + c
                g += Z @ c
                out = self._unbalanced(x, s * np.maximum(-g, 0.0))
                history.append(norm(out))
                if history[-1] <= enough:
                    break
                if steps - before >= NEWTON_STEPS:
                    raise ConvergenceError(
                        f"contact with the table: residual {history[-1] / size:.1e} of the weight "
                        f"after {NEWTON_STEPS} steps at one hardness, {enough / size:.0e} wanted"
                    )
                d, c, energy = self._newton(out, np.where(g < 0, s, 0.0), enough)
                work = float(np.vdot(out, d) + c @ work_of(self.motions, out))
                move = d.reshape(-1)[faces.at] + Z @ c
                t = step_length(move, energy, work, s, g)
                x, rigid, steps = x + t * d, rigid + t * c, steps + 1
                if progress:
                    progress(steps, history[-1] / size)
            touching = g < 0
            if last:
                return x + np.tensordot(rigid, self.motions, axes=1), touching, history
            soft = soft * STIFFENING if steps > before else np.inf

    def _softest(self) -> float:
        """Return the stiffness per area in Pa/m at which the weight sinks in by the unevenness."""
        flat = np.linalg.lstsq(self.Z, self.start, rcond=None)[0]
        uneven = max(float(np.ptp(self.start - self.Z @ flat)), 1e-9)
        return float(-self.pull.sum() / self.faces.area.sum() / uneven)

    def _gaps(self, x: np.ndarray, rigid: np.ndarray) -> np.ndarray:
        """Return the heights of the faces above the table."""
        heights: np.ndarray = self.start + x.reshape(-1)[self.faces.at] + self.Z @ rigid
        return heights

    def _unbalanced(self, x: np.ndarray, F: np.ndarray) -> np.ndarray:
        """Return forces - A x, plus F on the faces."""
        out: np.ndarray = self.forces - product(self.A, x)
        out.reshape(-1)[self.faces.at] += F
        return out

    def _newton(
        self, out: np.ndarray, springs: np.ndarray, enough: float
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Solve (A + springs) (d + c Z) = out to a residual of `enough` or FORCING.

        Returns the increments d and c and the energy d A d.
        """
        A, device, Z, at = self.A, self.A.device, self.Z, self.faces.at
        SZ = springs[:, None] * Z
        ease = pseudo_inverse(Z.T @ SZ, np.abs(Z).max(axis=0))
        c = ease @ work_of(self.motions, out)
        out = out.copy()
        out.reshape(-1)[at] -= SZ @ c
        left = norm(out)
        if left <= 0.3 * enough:
            return np.zeros(A.shape), c, 0.0
        forcing = max(FORCING, 0.3 * enough / left)
        B = A.on(Springs(at, springs), Release(device, at, SZ, ease))
        cycle = Cycle(A.on(Springs(at, springs + self.bed)), COARSEST)
        system = System("contact with the table", B.apply, device.asarray(out), B.coefficients)
        d = device.to_host(krylov.solve(device, system, cycle, Control(forcing))[0])
        c = c - ease @ (SZ.T @ d.reshape(-1)[at])
        return d, c, float(np.vdot(d, product(A, d)))


def work_of(motions: np.ndarray, forces: np.ndarray) -> np.ndarray:
    """Return the work of forces on each rigid motion."""
    work: np.ndarray = np.tensordot(motions, forces, axes=motions.ndim - 1)
    return work


def step_length(
    move: np.ndarray, energy: float, work: float, s: np.ndarray, g: np.ndarray
) -> float:
    """Find the fraction of a step that gives the least energy; 1 if that is nearly it.

    move: of the faces; energy: of the body by the step; work: of the unbalanced forces on it.
    """
    work += float(s * np.minimum(g, 0.0) @ move)

    def slope(t: float) -> float:
        return t * energy - work + float(s * np.minimum(g + t * move, 0.0) @ move)

    return 1.0 if abs(slope(1.0)) <= 0.1 * abs(slope(0.0)) else root(slope)


def balanced_motion(g: np.ndarray, Z: np.ndarray, load: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Find the rigid motion that balances the load on springs s.

    Newton's method with exact line search, on few unknowns.
    """
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

        c += root(slope) * step
    return c


def root(slope: Callable[[float], float]) -> float:
    """Find the zero t > 0 of a rising function by bisection."""
    high = 1.0
    while slope(high) < 0 and high < 1e9:
        high *= 2
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return high


def pseudo_inverse(E: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Invert the stiffness of rigid motions, leaving out those that it does not resist.

    A body on one face tilts freely. reach: how far each motion moves a face at most.
    """
    value, vector = np.linalg.eigh(E / reach / reach[:, None])
    known = value > 1e-9 * value[-1]
    vector = vector[:, known] / reach[:, None]
    inverse: np.ndarray = (vector / value[known]) @ vector.T
    return inverse
