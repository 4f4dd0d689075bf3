"""The incremental law: an increment of stress has the stiffness of its temperature.

Two laws for a stiffness that depends on temperature, a choice of each material (`elastic_law`); e
is the strain, a the free one:

    total         sigma = C(T) (e - a(T))               only the last temperature counts
    incremental   d sigma = C(T) (de - cte(T) dT)       the way there counts too

A glass transition is of the second kind: stress that was small in the rubber stays small when the
rubber becomes glass. By the total law the glass's stiffness multiplies the strain of the rubber as
well. With a constant stiffness the two are the same.

A state stores, for either law, the strain for which sigma = C(T) (e - a(T)) at its temperature, so
whatever reads a state need not know the law. A step from T1 to T2, in which strain and temperature
change in proportion, is one solve with the mean stiffness <C> over [T1, T2],

    sigma2 = sigma1 + <C> de - INT C cte dT

from the strain e1', and what it ends with is stored as e2:

    e1' = a1 + <C>^-1 (C1 (e1 - a1) - surplus),     surplus = INT C cte dT - <C> (a2 - a1)
    e2  = a2 + C2^-1 <C> (e1' + de - a2)

The voxels around an edge are in series, so its shear strain g changes with its compliance 1/K at
the same force t: g1' = g1 + t1 (1/<K> - 1/K1), g2 = g + t2 (1/K2 - 1/<K>). Stiffnesses are those of
the mean temperature of each medium. Strain and temperature do not change in proportion where
the stiffness changes much, so a step is divided (`fractions`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from warp.machine.device import Device
from warp.materials.material import Medium, normal_matrix
from warp.solvers.elastic.free_edges import Edges, stiffness_of, with_moduli
from warp.solvers.elastic.history.maxwell import relaxing
from warp.solvers.elastic.history.state import edge_rows, flat_indices
from warp.solvers.elastic.load import Strain, free_strain, mean_temperature
from warp.solvers.elastic.operator import Moduli, Operator, stiffness_tables
from warp.voxels.media import Media
from warp.voxels.voxelize import VoxelModel

LARGEST_CHANGE = 1.5
"""Factor by which a stiffness changes within one solve; the covariance of stiffness and strain that
the mean leaves out grows with its square."""
SAMPLES = 256  # points of a step at which its stiffness is looked at, beside the knots
PARTS = 16  # of the way between two knots, in the quadrature over temperature
BLOCK = 1 << 18  # voxels converted at once: their matrices take 72 bytes each


def follows_increments(media: Media) -> np.ndarray:
    """Mark the media rows of the incremental law."""
    laws = [getattr(m, "elastic_law", None) == "incremental" for m in media.materials]
    marked: np.ndarray = np.array(laws) & ~relaxing(media)
    return marked


def start_temperature(
    model: VoxelModel, attached: np.ndarray, temperature: float | np.ndarray
) -> float | np.ndarray:
    """Return the temperature in K at which a step begins for the incremental law.

    That of the body, `temperature`, one or (nz, ny, nx); of new voxels (`attached` is false) their
    stress-free one, whatever their law: they come from there together.
    """
    rows = follows_increments(model.media)
    if not rows.any():
        return temperature
    new = ~attached
    own = model.media.stress_free[model.ids]
    if not (new & rows[model.ids] & (own != temperature)).any():
        return temperature
    return np.where(new, own, temperature)


def fractions(
    model: VoxelModel, start: float | np.ndarray, end: float | np.ndarray
) -> Sequence[float]:
    """Return the ends of the solves that a step from `start` to `end` (K) takes, the last is 1.

    As fractions of the way; (1.0,) where no medium of the incremental law changes its stiffness.
    """
    return divided((medium, T1, T2) for _, medium, T1, T2 in _paths(model, start, end))


def divided(ways: Iterable[tuple[Medium, float, float]]) -> Sequence[float]:
    """Return the ends of the solves for media of the incremental law on ways from T1 to T2 in K.

    As `fractions` does.
    """
    paths = {(id(medium), T1, T2): (medium, T1, T2) for medium, T1, T2 in ways if T1 != T2}
    if not paths:
        return (1.0,)
    inner = [
        (knot - T1) / (T2 - T1)
        for medium, T1, T2 in paths.values()
        for knot in medium.knots
        if min(T1, T2) < knot < max(T1, T2)
    ]
    at = np.unique([*np.linspace(0, 1, SAMPLES + 1), *inner])
    change = np.zeros(len(at) - 1)
    for medium, T1, T2 in paths.values():
        T = T1 + at * (T2 - T1)
        moduli = np.concatenate([medium.stiffness(T)[:, :3], medium.shear(T)], axis=1)
        change = np.maximum(change, np.abs(np.diff(np.log(moduli), axis=0)).max(axis=1))
    ends: list[float] = []
    total = 0.0
    for before, part in zip(at, change, strict=False):
        if total + part > np.log(LARGEST_CHANGE) and before > 0:
            if not ends or before > ends[-1]:
                ends.append(float(before))
            total = 0.0
        total += float(part)
    return (*ends, 1.0)


class Way:
    """The media of the incremental law on the way from one temperature to another.

    `moduli`: of the operator, the mean ones over the way for media of the incremental law and
    those at the end for the others.
    """

    def __init__(
        self, model: VoxelModel, start: np.ndarray | None, end: np.ndarray, at_end: Moduli
    ) -> None:
        """Take the temperatures in K, (1, 1, 1) or (nz, ny, nx), and the moduli at the end.

        start: None for the stress-free temperature of each medium.
        """
        self.model, self.moduli, self.at_end = model, at_end, at_end
        self.rows, self.at = np.zeros(len(model.media), bool), np.zeros(0, np.int64)
        if not follows_increments(model.media).any():
            return
        self.start = model.media.stress_free[model.ids] if start is None else start
        self.free_strain = free_strain(model, self.start)
        self.moduli, self.at_start = (Moduli(*(table.copy() for table in at_end)) for _ in "12")
        self.surplus = np.zeros((len(model.media), 3))
        for row, medium, T1, T2 in _paths(model, self.start, end):
            C, G, held = means(medium, T1, T2)
            self.rows[row] = True
            self.moduli.normal[row], self.moduli.shear[row] = C, G
            self.at_start.normal[row] = medium.stiffness(T1)
            self.at_start.shear[row] = medium.shear(T1)
            own = float(model.media.stress_free[row])
            growth = medium.thermal_strain(T2, own) - medium.thermal_strain(T1, own)
            self.surplus[row] = held - normal_matrix(C) @ growth
        self.at = np.flatnonzero(self.rows[model.ids.reshape(-1)])

    def __bool__(self) -> bool:
        """Tell whether any voxel follows the incremental law."""
        return len(self.at) > 0

    def begin(self, strain: np.ndarray) -> None:
        """Convert the strain (3, nz, ny, nx) before the step to the mean stiffness, in place."""
        self._convert(strain, self.free_strain, self.at_start, self.moduli, self.surplus)

    def end(self, strain: np.ndarray, free: Strain) -> None:
        """Convert the strain after the solve to the stiffness at the end, in place."""
        self._convert(strain, free, self.moduli, self.at_end, 0 * self.surplus)

    def _convert(
        self, strain: np.ndarray, free: Strain, one: Moduli, other: Moduli, surplus: np.ndarray
    ) -> None:
        """Replace e by a + other^-1 (one (e - a) - surplus), in voxels of the incremental law."""
        used = np.flatnonzero(self.rows)
        ratio, own = (np.zeros((len(self.rows), *tail)) for tail in ((3, 3), (3,)))
        back = np.linalg.inv(normal_matrix(other.normal[used]))
        ratio[used] = back @ normal_matrix(one.normal[used])
        own[used] = np.einsum("mab,mb->ma", back, surplus[used])
        flat, ids = strain.reshape(3, -1), self.model.ids.reshape(-1)
        for first in range(0, len(self.at), BLOCK):
            cells = self.at[first : first + BLOCK]
            row = ids[cells]
            a = np.stack([free(axis, cells) for axis in range(3)])
            elastic = np.einsum("nab,bn->an", ratio[row], flat[:, cells] - a)
            flat[:, cells] = a + elastic - own[row].T

    def stretch(self, A: Operator, host: Device, ending: bool) -> np.ndarray:
        """Return the change of 1/K of every edge (3, nz+1, ny+1, nx+1), in 1/(Pa m3).

        From the start's moduli to the mean ones, or if `ending` from these to the end's.
        """
        one, other = (self.moduli, self.at_end) if ending else (self.at_start, self.moduli)
        change: np.ndarray = compliance(A, host, other) - compliance(A, host, one)
        return change


def compliance(A: Operator, host: Device, moduli: Moduli) -> np.ndarray:
    """Return 1/K of every edge (3, nz+1, ny+1, nx+1) in 1/(Pa m3), 0 where none exists."""
    K = edge_stiffness(A, host, moduli)
    return np.divide(1.0, K, out=np.zeros_like(K), where=K > 0)


def edge_stiffness(A: Operator, host: Device, moduli: Moduli) -> np.ndarray:
    """Return K of every edge (3, nz+1, ny+1, nx+1) in Pa m3 for other moduli, 0 without an edge."""
    nx, ny, nz = A.n
    _, soft = stiffness_tables(moduli)
    K, unit = np.zeros((2, 3, nz + 1, ny + 1, nx + 1))
    unit[:] = 1.0
    args = K, unit, A.ids, soft, *A.body.widths, nx, ny, nz
    host.launch("history", "edge_forces", (nx + 1, ny + 1, nz + 1), *args)
    lateral = lateral_edges(A, moduli)
    at = flat_indices(edge_rows(lateral, A.ids[1:-1, 1:-1, 1 : nx + 1] > 0), (nz, ny, nx))
    K.reshape(-1)[at] = stiffness_of(lateral)
    return K


def lateral_edges(A: Operator, moduli: Moduli) -> list[Edges]:
    """Return the operator's edges at lateral free faces with the stiffness of other moduli."""
    _, soft = stiffness_tables(moduli)
    grid = A.body.grid
    return [with_moduli(edges, A.ids, soft, (grid.dx, grid.dy, grid.dz)) for edges in A.edges]


def _paths(
    model: VoxelModel, start: float | np.ndarray, end: float | np.ndarray
) -> list[tuple[int, Medium, float, float]]:
    """List rows, media, and mean temperatures before and after, of the incremental law."""
    rows = follows_increments(model.media)
    if not rows.any():
        return []
    first, last = mean_temperature(model, start), mean_temperature(model, end)
    present = np.unique(model.ids[rows[model.ids]])
    media = model.media.materials
    return [
        (int(row), medium, float(first[row]), float(last[row]))
        for row in present
        if (medium := media[row]) is not None
    ]


def means(medium: Medium, T1: float, T2: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean stiffness (6,) and shear moduli (3,) in Pa, and INT C cte dT (3,) in Pa."""
    inner = [knot for knot in medium.knots if min(T1, T2) < knot < max(T1, T2)]
    ends = np.array(sorted([T1, T2, *inner]))
    if T2 < T1:
        ends = ends[::-1]
    lines = np.concatenate(
        [np.linspace(a, b, PARTS + 1)[:-1] for a, b in zip(ends, ends[1:], strict=False)] + [[T2]]
    )
    points, weights = np.polynomial.legendre.leggauss(2)
    middle, half = (lines[1:] + lines[:-1]) / 2, np.diff(lines) / 2
    T = (middle[:, None] + half[:, None] * points).reshape(-1)
    dT = (half[:, None] * weights).reshape(-1)
    C, G = medium.stiffness(T), medium.shear(T)
    held = np.einsum("n,nab,nb->a", dT, normal_matrix(C), medium.cte(T))
    if T1 == T2:
        return medium.stiffness(T1), medium.shear(T1), held
    return dT @ C / (T2 - T1), dT @ G / (T2 - T1), held
