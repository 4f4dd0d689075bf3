"""The memory of viscoelastic voxels: spring strains q_i of their Maxwell branches (relaxation).

In each voxel, and in each voxel around an edge for shear, the stress at the end of a step is
elastic plus a history term,

    sigma = sum C_i q_i = C_eff e + past
    C_eff = sum mean_i C_i,    past = sum C_i (decay_i q_i - mean_i q_0)

with e the strain without the thermal one and q_0 = e at the step's beginning, stored as the branch
that never relaxes. So the operator of a step is the ordinary one with C_eff. C_0, C_i are fractions
of the instantaneous stiffness C: C_i = g_i C + (k_i - g_i) K 1 1^T with the fractions k of bulk and
g of shear, K = 1/(1^T C^-1 1), G_i = g_i G. At an edge the voxels (areas w) are in series: one
stress, gamma = sum w gamma_c, gamma_c = (tau - past_c) / G_eff,c, hence

    tau = G_mean (gamma - offset),     offset = -sum w past_c / G_eff,c

Voxels of one medium around an edge share one entry (site). All voxels of a medium relax at its mean
temperature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from warp.materials.material import normal_block, normal_matrix
from warp.materials.relaxation import Relaxation
from warp.solvers.elastic.operator import Moduli
from warp.voxels.heights import weighted_heights
from warp.voxels.media import Media
from warp.voxels.voxelize import VoxelModel

ALL = 4  # slot of a site that stands for all voxels around its edge; 0 .. 3 are single ones


@dataclass(frozen=True)
class Memory:
    """Branch strains at the end of a step. Indices ascend.

    voxels (n,) by flat index, their strain (terms+1, 3, n) and temperature (n,) in K; sites (m,): 5
    times the flat index of an edge plus a slot, with their shear (terms+1, m).
    """

    voxels: np.ndarray
    strain: np.ndarray
    temperature: np.ndarray
    sites: np.ndarray
    shear: np.ndarray

    @classmethod
    def start(cls) -> Memory:
        """Return an empty memory."""
        none = np.zeros(0, np.int64)
        return cls(none, np.zeros((1, 3, 0)), np.zeros(0), none, np.zeros((1, 0)))

    def cropped(
        self, shape: tuple[int, ...], low: list[int], solid: np.ndarray, exists: np.ndarray
    ) -> Memory:
        """Return the memory of a block that begins at voxel `low`; `exists`: remaining edges."""
        voxels, keep = moved(self.voxels, shape, low, solid)
        edges, on = moved(self.sites // 5, (3, *(n + 1 for n in shape)), [0, *low], exists)
        sites = edges * 5 + self.sites[on] % 5
        return Memory(
            voxels, self.strain[..., keep], self.temperature[keep], sites, self.shear[:, on]
        )


def moved(
    flat: np.ndarray, shape: tuple[int, ...], low: list[int], inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return flat indices in a block that begins at `low`, and which entries these are.

    Only entries within the block where `inside` is true.
    """
    at = [index - start for index, start in zip(np.unravel_index(flat, shape), low, strict=True)]
    keep = np.all([(a >= 0) & (a < n) for a, n in zip(at, inside.shape, strict=True)], axis=0)
    at = [a[keep] for a in at]
    keep[keep] = inside[tuple(at)]
    at = [a[inside[tuple(at)]] for a in at]
    return np.ravel_multi_index(at, inside.shape), keep


@dataclass(frozen=True)
class Branches:
    """The branches of each medium over a step; zeros for elastic media.

    decay, mean (media, terms+1); stiffness normal (media, terms+1, 3, 3), shear (media, terms+1,
    3).
    """

    decay: np.ndarray
    mean: np.ndarray
    normal: np.ndarray
    shear: np.ndarray


def relaxing(media: Media) -> np.ndarray:
    """Mark the media rows that relax."""
    return np.array([getattr(m, "relaxation", None) is not None for m in media.materials])


def relaxations(model: VoxelModel) -> list[Relaxation]:
    """Return the relaxation laws of a model's media, each once."""
    laws = [getattr(model.media.materials[row], "relaxation", None) for row in np.unique(model.ids)]
    return list({id(law): law for law in laws if law is not None}.values())


def branches(
    media: Media, moduli: Moduli, start: np.ndarray, end: np.ndarray, duration: float
) -> Branches:
    """Relax every medium over a step of `duration` s.

    moduli: instantaneous ones at its end; start, end: temperatures (media,) in K.
    """
    laws = [getattr(m, "relaxation", None) for m in media.materials]
    count = len(laws)
    terms = 1 + max((len(law.times) for law in laws if law is not None), default=0)
    found = Branches(*(np.zeros((count, terms, *tail)) for tail in ((), (), (3, 3), (3,))))
    steps: dict[Any, tuple[np.ndarray, np.ndarray]] = {}
    for m, law in enumerate(laws):
        if law is None:
            continue
        key = id(law), start[m], end[m]
        if key not in steps:
            steps[key] = law.step(float(start[m]), float(end[m]), duration)
        n = len(law.times) + 1
        found.decay[m, :n], found.mean[m, :n] = steps[key]
        found.normal[m, :n], found.shear[m, :n] = stiffness_of_branches(
            law, moduli.normal[m], moduli.shear[m]
        )
    return found


def stiffness_of_branches(
    law: Relaxation, normal: np.ndarray, shear: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return C_i (terms+1, 3, 3) and G_i (terms+1, 3) of a medium; normal (6,), shear (3,)."""
    k, g = np.r_[law.remaining[0], law.bulk], np.r_[law.remaining[1], law.shear]
    C = normal_matrix(normal)
    K = 1 / np.linalg.inv(C).sum()
    return g[:, None, None] * C + ((k - g) * K)[:, None, None], g[:, None] * shear


def past(q: np.ndarray, decay: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Compute decay_i q_i - mean_i q_0 for q (terms+1, .., n), decay and mean (n, terms+1)."""
    shape = (len(q), *[1] * (q.ndim - 2), q.shape[-1])
    left: np.ndarray = decay.T.reshape(shape) * q - mean.T.reshape(shape) * q[0]
    return left


class Voxels:
    """The viscoelastic voxels `at` of a model in one step, and effective moduli of all media."""

    def __init__(
        self,
        memory: Memory,
        model: VoxelModel,
        moduli: Moduli,
        end: np.ndarray,
        duration: float,
        elastic_strain: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        """moduli: instantaneous ones; end (media,): mean temperatures in K at the step's end.

        elastic_strain(cells): strain (3, n) without the thermal one of voxels that have no memory.
        """
        media, ids = model.media, model.ids.reshape(-1)
        normal, shear = (table.copy() for table in moduli)
        self.relaxes = relaxing(media)
        self.at = np.flatnonzero(self.relaxes[ids]) if self.relaxes.any() else np.zeros(0, np.int64)
        self.rows = ids[self.at]
        known, index = found_in(memory.voxels, self.at)
        before = media.stress_free[self.rows]
        before[known] = memory.temperature[index]
        grid = model.grid
        volume = np.zeros(0)
        if len(self.at):
            volume = (grid.dz[:, None] * grid.area.reshape(-1)).reshape(-1)[self.at]
        total = np.bincount(self.rows, volume, len(media))
        mean = np.bincount(self.rows, volume * before, len(media)) / np.where(total > 0, total, 1)
        start = np.where(total > 0, mean, end)
        self.branches = branches(media, moduli, start, end, duration)
        b, terms = self.branches, self.branches.decay.shape[1]
        self.q = np.zeros((terms, 3, len(self.at)))
        self.q[:, :, ~known] = elastic_strain(self.at[~known])
        common = min(terms, len(memory.strain))
        self.q[:common, :, known] = memory.strain[:common][..., index]
        effective = np.einsum("mt,mtab->mab", b.mean, b.normal)[self.relaxes]
        normal[self.relaxes] = normal_block(effective)
        shear[self.relaxes] = np.einsum("mt,mta->ma", b.mean, b.shear)[self.relaxes]
        self.moduli = Moduli(normal, shear)

    def past(self) -> np.ndarray:
        """Return the history term of the stress (3, n) in Pa."""
        left = past(self.q, self.branches.decay[self.rows], self.branches.mean[self.rows])
        return stress_of(left, self.branches, self.rows)

    def after(self, strain: np.ndarray) -> np.ndarray:
        """Return the branch strains (terms+1, 3, n) at the end of the step.

        strain (3, n): that of the voxels at the end, without the thermal one.
        """
        decay, mean = self.branches.decay[self.rows], self.branches.mean[self.rows]
        q: np.ndarray = past(self.q, decay, mean) + mean.T[:, None] * strain
        return q


class Sites:
    """The edges at viscoelastic voxels during one step.

    `edges`: flat indices in an edge array; `offset`: their shear at which they carry no stress;
    `keys`: sites, as in Memory.
    """

    def __init__(
        self,
        memory: Memory,
        model: VoxelModel,
        voxels: Voxels,
        lateral: np.ndarray,
        lasting: np.ndarray,
        shear: np.ndarray,
    ) -> None:
        """`lateral`: flat indices of the edges at free faces.

        `lasting` (3, nz+1, ny+1, nx+1): edges that existed before; `shear`: that of all edges at
        the beginning of the step.
        """
        self.branches, self.G = voxels.branches, voxels.moduli.shear
        self.edges, self.rows = np.zeros(0, np.int64), np.zeros((4, 0), np.uint16)
        self.weights = np.zeros((4, 0))
        if len(voxels.at):
            self.edges, self.rows, self.weights = relaxing_edges(model, voxels.relaxes, lateral)
        self.kind = self.edges // (lasting.size // 3)
        solid = self.rows > 0
        which, keys, rows, weights = [], [], [], []
        for slot, at in slots_of(self.rows, self.weights, voxels.relaxes):
            single = slot != ALL
            which.append(at)
            keys.append(self.edges[at] * 5 + slot)
            rows.append(self.rows[slot, at] if single else self.rows[:, at].max(axis=0, initial=0))
            weights.append(self.weights[slot, at] if single else np.ones(len(at)))
        order = np.argsort(np.concatenate(keys), kind="stable")
        self.which, self.keys, self.medium, self.fraction = (
            np.concatenate(a)[order] for a in (which, keys, rows, weights)
        )
        self.q = self._recall(memory, lasting, shear)
        e = self.kind[self.which]
        self.stiffness = self.branches.shear[self.medium, :, e]  # (sites, terms+1)
        self.decay, self.mean = self.branches.decay[self.medium], self.branches.mean[self.medium]
        self.past = (self.stiffness.T * past(self.q, self.decay, self.mean)).sum(axis=0)
        self.effective = self.G[self.medium, e]
        with np.errstate(divide="ignore", invalid="ignore"):  # void has no modulus
            give = np.where(solid, self.weights / self.G[self.rows, self.kind], 0.0).sum(axis=0)
        self.modulus = 1 / give
        fraction = self.fraction * self.past / self.effective
        self.offset = -np.bincount(self.which, fraction, len(self.edges))

    def _recall(self, memory: Memory, lasting: np.ndarray, shear: np.ndarray) -> np.ndarray:
        """Return branch shears (terms+1, sites) at the beginning of the step.

        From memory, or the strain of the edge if it has none.
        """
        terms = self.branches.decay.shape[1]
        common = min(terms, len(memory.shear))
        edge = self.keys // 5
        strain = np.where(lasting.reshape(-1)[edge], shear.reshape(-1)[edge], 0.0)
        q = np.repeat(strain[None], terms, axis=0)
        lasts = lasting.reshape(-1)[memory.sites // 5]
        known, old = recalled(memory.sites[lasts], memory.shear[:common, lasts], self.keys)
        q[:common, known] = old
        return q

    def after(self, strain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return keys and branch shears at the end of the step.

        strain: shear of the edges at the end, without the free one.
        """
        tau = self.modulus * (strain - self.offset)
        gamma = (tau[self.which] - self.past) / self.effective
        return self.keys, past(self.q, self.decay, self.mean) + self.mean.T * gamma


def slots_of(
    rows: np.ndarray, weights: np.ndarray, relaxes: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each slot and the edges that have a site there: ALL where one medium is all around.

    rows, weights (4, n): media around edges and their area fractions; relaxes (media,).
    """
    top = rows.max(axis=0, initial=0)
    uniform = ((rows == 0) | (rows == top)).all(axis=0)
    for slot in range(4):
        here = relaxes[rows[slot]] & ~uniform & (weights[slot] > 0)
        yield slot, np.flatnonzero(here)
    yield ALL, np.flatnonzero(relaxes[top] & uniform)


def recalled(
    sites: np.ndarray, values: np.ndarray, keys: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mark the sites `keys` on edges of the ascending `sites`, and return their values (.., m).

    The value is the site's own, that of all voxels around its edge, or their mean.
    """
    edges, first, count = np.unique(sites // 5, return_index=True, return_counts=True)
    known, at = found_in(edges, keys // 5)
    if not len(edges):
        return known, values[:, at]
    found = (np.add.reduceat(values, first, axis=1) / count)[:, at]
    own, index = found_in(sites, keys)
    found[:, own[known]] = values[:, index]
    return known, found


def corners(e: int) -> list[list[int]]:
    """Return offsets (z, y, x), in a bordered array, of the voxels in slots 0 .. 3 around an edge.

    e = 0 (yz), 1 (xz) or 2 (xy).
    """
    first, second = ((0, 1), (0, 2), (1, 2))[e]
    shifts = [[1, 1, 1] for _ in range(4)]
    for slot, shift in enumerate(shifts):
        shift[first], shift[second] = slot // 2, slot % 2
    return shifts


def carrying(e: int, rows: np.ndarray) -> np.ndarray:
    """Return the media (4, n) around edges, 0 for voxels that an edge at a lateral face ignores.

    Such an edge is that of two voxels, one above the other; beside them lies at most one.
    """
    if e == 2:
        return rows
    below, above = rows[:2], rows[2:]
    return np.where(np.concatenate([above, below]) > 0, rows, 0)


def relaxing_edges(
    model: VoxelModel, relaxes: np.ndarray, lateral: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the edges with a viscoelastic voxel that carry shear.

    Returns flat indices (n,), the media (4, n) around them and their area fractions.
    """
    ids = np.pad(model.ids, 1)
    widths = [np.pad(d, 1) for d in (model.grid.dz, model.grid.dy, model.grid.dx)]
    shape = tuple(n - 1 for n in ids.shape)
    free = np.zeros((3, *shape), bool)
    free.reshape(-1)[lateral] = True
    found = []
    for e in range(3):
        shifts = corners(e)
        views = [
            ids[tuple(slice(s, s + n) for s, n in zip(shift, shape, strict=True))]
            for shift in shifts
        ]
        near, solid = np.zeros(shape, bool), np.ones(shape, bool)
        for view in views:
            near |= relaxes[view]
            solid &= view > 0
        at = np.nonzero(near & (solid | free[e]))
        rows = carrying(e, np.stack([view[at] for view in views]))
        across = [a for a in range(3) if shifts[0][a] == 0]
        sides = [[widths[a][at[a] + shift[a]] for a in across] for shift in shifts]
        area = np.stack([np.prod(lengths, axis=0) for lengths in sides])
        area[rows == 0] = 0
        flat = np.ravel_multi_index((np.full(len(at[0]), e), *at), free.shape)
        found.append((flat, rows, area / area.sum(axis=0)))
    edges, media, fractions = (np.concatenate(a, axis=-1) for a in zip(*found, strict=True))
    return edges, media, fractions


def media_of(sites: np.ndarray, model: VoxelModel) -> np.ndarray:
    """Return the media rows of the voxels that sites stand for."""
    ids = np.pad(model.ids, 1)
    e, *at = np.unravel_index(sites // 5, (3, *(n - 1 for n in ids.shape)))
    slot, row = sites % 5, np.zeros(len(sites), ids.dtype)
    for kind in range(3):
        here = e == kind
        where = [a[here] for a in at]
        around_edge = [
            tuple(a + s for a, s in zip(where, shift, strict=True)) for shift in corners(kind)
        ]
        around = carrying(kind, np.stack([ids[index] for index in around_edge]))
        picked = np.take_along_axis(around, np.minimum(slot[here], 3)[None], axis=0)[0]
        row[here] = np.where(slot[here] == ALL, around.max(axis=0, initial=0), picked)
    return row


def edge_stress(
    memory: Memory, model: VoxelModel, branches: Branches, centres: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return edges, dual volumes in m3 and shear stresses in Pa of the sites.

    centres (x, y, z): distances of the centres beside each line.
    """
    edges = memory.sites // 5
    e, *at = np.unravel_index(edges, (3, *(n + 1 for n in model.ids.shape)))
    widths = (weighted_heights(model.grid), model.grid.dy, model.grid.dx)
    row, volume = media_of(memory.sites, model), np.zeros(len(edges))
    for kind in range(3):
        here = e == kind
        where = [a[here] for a in at]
        sizes = [widths[a] if corners(kind)[0][a] else centres[2 - a] for a in range(3)]
        volume[here] = np.prod([d[a] for d, a in zip(sizes, where, strict=True)], axis=0)
    G = branches.shear[row, :, e][:, : len(memory.shear)]
    return edges, volume, (G.T * memory.shear[: G.shape[1]]).sum(axis=0)


def stress_of(q: np.ndarray, branches: Branches, rows: np.ndarray) -> np.ndarray:
    """Compute sum C_i q_i (3, n) in Pa for branch strains (terms+1, 3, n) of the media `rows`."""
    out = np.zeros(q.shape[1:])
    for m in np.unique(rows):
        here = rows == m
        out[:, here] = np.einsum("tab,tbn->an", branches.normal[m], q[..., here])
    return out


def found_in(known: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mark which of `wanted` occur in the ascending `known`; return also their indices there."""
    at = np.searchsorted(known, wanted)
    found = at < len(known)
    found[found] = known[at[found]] == wanted[found]
    return found, at[found]
