"""Shear at vertical free faces: edges that have no dw/dx of their own take the tilt of a neighbour.

The shear strain of an xz edge is du/dz + dw/dx. Where w exists on one side only (a lateral free face, or a coarse cell
beside a void) dw/dx is taken from the next plane inside the body, which extrapolates w linearly; a body one cell wide
takes it from the nearest z level that has one. At a mirror plane the tilt is zero. Rigid rotations stay free of energy.

The half cell at a free face counts with FREE_EDGE = 2/3 of its volume. The edge's energy is the end of a quadrature:
for a shear strain that decays as exp(-q x) from the face, the exact weight is 1/(2 q h) - 1/(exp(2 q h) - 1) cells,
which is 1/2 for fine grids and 1/3 at q h = 1, where the cell is as wide as the decay length that it must resolve.

A tilt that comes from a plane at a distance misses what a temperature gradient along z bends freely on the way
(`free_shear`); without it a plate with a linear temperature is not free of stress.

The energy  sum K (du/dz + tilt - free)^2 / 2  couples few displacements: it is kept as a small sparse matrix.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

FREE_EDGE = 2 / 3
PAD = 3  # displacement arrays have one column of zeros before the first face and two after the last


def displacement_shape(nx: int, ny: int, nz: int) -> tuple[int, int, int, int]:
    """Shape of the solver's displacement arrays: (component, z, y, x), face i at x-index i + 1."""
    return 3, nz + 1, ny + 1, nx + PAD


@dataclass(frozen=True)
class Edges:
    """Edges [k, m, p] of the vertical planes p normal to direction `face` (0: x, 1: y); m counts cells along the edge.

    `plane` and `level` say where the tilt comes from; plane -1: the tilt is zero.
    """

    face: int
    k: np.ndarray
    m: np.ndarray
    p: np.ndarray
    stiffness: np.ndarray
    level: np.ndarray
    plane: np.ndarray


def along(a: np.ndarray, face: int) -> np.ndarray:
    """View [.., k, j, i] as [.., k, m, p] with p in the direction of `face`."""
    return a if face == 0 else np.swapaxes(a, -1, -2)


def nearest(available: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every entry the nearest level (axis 0) where `available`, the lower of two: (distance, level)."""
    n = len(available)
    level = np.arange(n).reshape(-1, *[1] * (available.ndim - 1))
    far = 4 * n
    below = np.maximum.accumulate(np.where(available, level, -far), axis=0)
    above = np.minimum.accumulate(np.where(available, level, far)[::-1], axis=0)[::-1]
    pick = np.where(level - below <= above - level, below, above)
    return abs(level - pick), pick


def own_tilt(w: np.ndarray) -> np.ndarray:
    """Planes [k, m, p] with w on both sides; w [k, m, cell]."""
    levels, m, n = w.shape
    own = np.zeros((levels, m, n + 1), bool)
    own[..., 1:n] = w[..., 1:] & w[..., :-1]
    return own


def borrow(face: int, k, m, p, stiffness, w: np.ndarray, mirror: bool) -> Edges:
    """Find the tilt of the edges (k, m, p): of their own plane or the next one inside, on the nearest level with one.

    w [k, m, cell]: where the displacement along z exists. Edges that find none are left out.
    """
    levels, _, n = w.shape
    left, right = (p > 0) & w[k, m, np.maximum(p - 1, 0)], (p < n) & w[k, m, np.minimum(p, n - 1)]
    keep = left | right
    k, m, p, left, right, stiffness = (a[keep] for a in (k, m, p, left, right, stiffness))
    source = own_tilt(w)
    if mirror:
        source[..., 0] = w[..., 0]
    inner = np.where(left & right, p, np.where(left, p - 1, p + 1))
    columns, at = np.unique(np.stack([np.r_[m, m], np.r_[p, inner]]), axis=1, return_inverse=True)
    inside = (columns[1] >= 0) & (columns[1] <= n)
    distance, level = nearest(source[:, columns[0], np.clip(columns[1], 0, n)] & inside)
    here, there = np.split(at.ravel(), 2)
    rank = distance * 8 * levels + level
    own_plane = rank[k, here] <= rank[k, there]
    plane = np.where(own_plane, p, inner)
    level = np.where(own_plane, level[k, here], level[k, there])
    found = (level >= 0) & (level < levels)
    if mirror:
        plane = np.where(plane == 0, -1, plane)
    return Edges(face, *(a[found] for a in (k, m, p, stiffness, level, plane)))


def lateral_faces(solid: np.ndarray, compliance, widths, w: np.ndarray, mirror: tuple[bool, bool]) -> list[Edges]:
    """Edges of the lateral free faces of a voxel body with their K: two solid cells, one above the other, on one side.

    solid (nz, ny, nx); compliance(e, k, j, i): 1/G of cells, e = 0 for G_yz, 1 for G_xz; widths (dx, dy, dz) in m;
    w (nz+1, ny, nx): where the displacement along z exists.
    """
    dz = widths[2]
    found = []
    for face, e in ((0, 1), (1, 0)):
        s = along(solid, face)
        pair = s[1:] & s[:-1]
        n = pair.shape[2]
        left, right = (np.zeros((*pair.shape[:2], n + 1), bool) for _ in range(2))
        left[..., 1:], right[..., :-1] = pair, pair
        if mirror[face]:
            left[..., 0] = right[..., 0]
        level, m, p = np.nonzero(left ^ right)
        cell = np.where(left[level, m, p], p - 1, p)
        j, i = (m, cell) if face == 0 else (cell, m)
        below, above = dz[level], dz[level + 1]
        modulus = (below + above) / (below * compliance(e, level, j, i) + above * compliance(e, level + 1, j, i))
        volume = widths[face][cell] / 2 * widths[1 - face][m] * (below + above) / 2
        found.append(borrow(face, level + 1, m, p, FREE_EDGE * modulus * volume, along(w, face), mirror[face]))
    return found


def strain_matrix(edges: Iterable[Edges], spacing, n: tuple[int, int, int]) -> sparse.csr_matrix:
    """Shear strain of the edges, one row each, from flat displacement arrays of the solver's shape.

    spacing: (rcx, rcy, rcz), inverse distances of the centres beside line i at index i + 1; n = (nx, ny, nz).
    """
    nx, ny, nz = n
    plane, row = (ny + 1) * (nx + PAD), nx + PAD

    def number(a, k, m, p, face):
        j, i = (m, p) if face == 0 else (p, m)
        return (a * (nz + 1) + k) * plane + j * row + i + 1

    rows, columns, values, count = [], [], [], 0
    for e in edges:
        at = count + np.arange(len(e.k))
        count += len(e.k)
        h = spacing[2][e.k + 1]
        t = e.plane >= 0
        d = spacing[e.face][e.plane[t] + 1]
        rows += [at, at, at[t], at[t]]
        columns += [number(e.face, e.k, e.m, e.p, e.face), number(e.face, e.k - 1, e.m, e.p, e.face)]
        columns += [number(2, e.level[t], e.m[t], e.plane[t] - q, e.face) for q in (0, 1)]
        values += [h, -h, d, -d]
    shape = count, int(np.prod(displacement_shape(*n)))
    if count == 0:
        return sparse.csr_matrix(shape)
    return sparse.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def energy_matrix(edges: Iterable[Edges], spacing, n: tuple[int, int, int]) -> sparse.csr_matrix:
    """Sum of K b b^T over the edges, b their shear strain (`strain_matrix`)."""
    edges = list(edges)
    B = strain_matrix(edges, spacing, n)
    return (B.T @ sparse.diags(stiffness_of(edges)) @ B).tocsr()


def stiffness_of(edges: Iterable[Edges]) -> np.ndarray:
    """K of the edges in the order of `strain_matrix`."""
    return np.concatenate([np.zeros(0), *(e.stiffness for e in edges)])


def free_shear(e: Edges, ids: np.ndarray, strain: Callable[[np.ndarray], np.ndarray], lines) -> np.ndarray:
    """Shear that a free body's edges show with the tilt of another plane: what a gradient along z bends in between.

    A thermal strain eps(z) normal to the face tilts free cross-sections by (d eps/dz) distance. Only between cells of
    one medium: else neighbours restrain each other, and their difference is no gradient.
    ids (nz, ny, nx) of media, 0 = void; strain(flat cell indices): thermal strain normal to the face; lines (x, y, z).
    """
    if not len(e.k):
        return np.zeros(0)
    q, z = lines[e.face], lines[2]
    number = along(np.arange(ids.size).reshape(ids.shape), e.face)
    ids = along(ids, e.face)
    before = np.maximum(e.p - 1, 0)
    solid = (e.p > 0) & (ids[e.k - 1, e.m, before] > 0) & (ids[e.k, e.m, before] > 0)
    cell = np.where(solid, before, e.p)
    rise = strain(number[e.k, e.m, cell]) - strain(number[e.k - 1, e.m, cell])
    distance = q[e.p] - q[np.maximum(e.plane, 0)]  # no plane: the tilt is that of the mirror, the first one
    gamma = 2 * distance * rise / (z[e.k + 1] - z[e.k - 1])
    return np.where(ids[e.k, e.m, cell] == ids[e.k - 1, e.m, cell], gamma, 0.0)
