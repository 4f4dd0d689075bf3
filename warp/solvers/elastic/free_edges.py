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
from typing import Any

import numpy as np
from scipy import sparse

from warp.device import Device
from warp.solvers.elastic.layout import PAD, along, displacement_shape
from warp.solvers.sparse import Scattered

FREE_EDGE = 2 / 3


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


def borrow(
    device: Device, ids: Any, face: int, at: Any, n: tuple[int, int, int], mirror: bool
) -> tuple[np.ndarray, ...]:
    """Find the tilt of the edges at flat places `at`: of their own plane or the next one inside, on the nearest level.

    ids (nz+2, ny+2, nx+3): 0 in void. Returns k, m, p, level, plane, in ascending order of (k, m, p), and for which of
    `at` these are: edges that find no tilt are left out.
    """
    nx, ny, nz = n
    row = nx + PAD
    k, j, i = (
        device.asarray(a, np.int32)
        for a in (at // ((ny + 1) * row), at // row % (ny + 1), at % row)
    )
    level, plane = (device.empty(len(at), np.int32) for _ in range(2))
    args = (level, plane, k, j, i, ids, face, mirror, nx, ny, nz, len(at))
    device.launch("elastic_setup", "nearest_tilt", (len(at), 1, 1), *args)
    k, j, i, level, plane = (device.to_host(a).astype(np.int64) for a in (k, j, i, level, plane))
    m, p = (j, i - 1) if face == 0 else (i - 1, j)
    which = np.flatnonzero(level >= 0)
    if face == 1:
        which = which[np.lexsort((p[which], m[which], k[which]))]
    if mirror:
        plane = np.where(plane == 0, -1, plane)
    return *(a[which] for a in (k, m, p, level, plane)), which


def lateral_faces(
    device: Device, ids: Any, soft: np.ndarray, widths, mirror: tuple[bool, bool]
) -> list[Edges]:
    """Edges of the lateral free faces of a voxel body with their K: two solid cells, one above the other, on one side.

    ids (nz+2, ny+2, nx+3) of media on the device, 0 = void; soft (3, media): 4/G_yz, 4/G_xz, 4/G_xy; widths (dx, dy, dz) in m.
    """
    nz, ny, nx = ids.shape[0] - 2, ids.shape[1] - 2, ids.shape[2] - PAD

    def medium(k: np.ndarray, j: np.ndarray, i: np.ndarray) -> np.ndarray:
        return device.to_host(ids.reshape(-1)[device.asarray((k * (ny + 2) + j) * (nx + PAD) + i)])

    marked = device.zeros((2, nz + 1, ny + 1, nx + PAD), np.uint8)
    device.launch(
        "elastic_setup",
        "lateral_edges",
        (nx + 1, ny + 1, nz + 1),
        marked,
        ids,
        *map(int, mirror),
        nx,
        ny,
        nz,
    )
    dz = widths[2]
    found = []
    for face in (0, 1):
        at = device.xp.flatnonzero(marked[face].reshape(-1) == 1)
        k, m, p, level, plane, _ = borrow(device, ids, face, at, (nx, ny, nz), mirror[face])
        j, i = (m, p) if face == 0 else (p, m)
        solid = (medium(k, j + 1, i + 1) > 0) & (
            medium(k + 1, j + 1, i + 1) > 0
        )  # of the cell behind the face
        cell = np.where(solid, p, p - 1)
        j, i = (m, cell) if face == 0 else (cell, m)
        below, above = dz[k - 1], dz[k]
        lower, upper = (soft[1 - face, medium(k + q, j + 1, i + 1)] for q in (0, 1))
        modulus = (below + above) / (below * lower / 4 + above * upper / 4)
        volume = widths[face][cell] / 2 * widths[1 - face][m] * (below + above) / 2
        found.append(Edges(face, k, m, p, FREE_EDGE * modulus * volume, level, plane))
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
        columns += [
            number(e.face, e.k, e.m, e.p, e.face),
            number(e.face, e.k - 1, e.m, e.p, e.face),
        ]
        columns += [number(2, e.level[t], e.m[t], e.plane[t] - q, e.face) for q in (0, 1)]
        values += [h, -h, d, -d]
    shape = count, int(np.prod(displacement_shape(*n)))
    if count == 0:
        return sparse.csr_matrix(shape)
    return sparse.csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape
    )


def energy_matrix(edges: Iterable[Edges], spacing, n: tuple[int, int, int]) -> Scattered:
    """Sum of K b b^T over the edges, b their shear strain (`strain_matrix`)."""
    edges = list(edges)
    return Scattered.product(strain_matrix(edges, spacing, n), stiffness_of(edges))


def stiffness_of(edges: Iterable[Edges]) -> np.ndarray:
    """K of the edges in the order of `strain_matrix`."""
    return np.concatenate([np.zeros(0), *(e.stiffness for e in edges)])


def free_shear(
    e: Edges, ids: np.ndarray, strain: Callable[[np.ndarray], np.ndarray], lines
) -> np.ndarray:
    """Shear that a free body's edges show with the tilt of another plane: what a gradient along z bends in between.

    A thermal strain eps(z) normal to the face tilts free cross-sections by (d eps/dz) distance. Only between cells of
    one medium: else neighbours restrain each other, and their difference is no gradient.
    ids (nz, ny, nx) of media, 0 = void; strain(flat cell indices): thermal strain normal to the face; lines (x, y, z).
    """
    if not len(e.k):
        return np.zeros(0)
    q, z = lines[e.face], lines[2]
    _, ny, nx = ids.shape
    along_m, along_p = (nx, 1) if e.face == 0 else (1, nx)
    ids = along(ids, e.face)
    before = np.maximum(e.p - 1, 0)
    solid = (e.p > 0) & (ids[e.k - 1, e.m, before] > 0) & (ids[e.k, e.m, before] > 0)
    cell = np.where(solid, before, e.p)
    upper = e.k * (ny * nx) + e.m * along_m + cell * along_p
    rise = strain(upper) - strain(upper - ny * nx)
    distance = (
        q[e.p] - q[np.maximum(e.plane, 0)]
    )  # no plane: the tilt is that of the mirror, the first one
    gamma = 2 * distance * rise / (z[e.k + 1] - z[e.k - 1])
    return np.where(ids[e.k, e.m, cell] == ids[e.k - 1, e.m, cell], gamma, 0.0)
