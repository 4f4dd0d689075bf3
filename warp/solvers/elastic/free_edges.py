"""Shear at vertical free faces: edges without a dw/dx of their own borrow the tilt of a neighbour.

The shear strain of an xz edge is du/dz + dw/dx. If w exists on one side only (a lateral free face,
or a coarse cell beside a void), dw/dx is taken from the next plane inside the body, which
extrapolates w linearly; a body one cell wide takes it from the nearest z level that has one. At a
mirror plane the tilt is zero. Rigid rotations stay free of energy.

The half cell at a free face counts with FREE_EDGE = 2/3 of its volume. The edge's energy is the end
of a quadrature: for a shear strain that decays as exp(-q x) from the face, the exact weight is
1/(2 q h) - 1/(exp(2 q h) - 1) cells, which is 1/2 for fine grids and 1/3 at q h = 1, where the cell
is as wide as the decay length that it must resolve.

A tilt taken from a plane at a distance misses the free bending by a temperature gradient along z on
the way (`free_shear`); without it a plate with a linear temperature would not be free of stress.

The energy  sum K (du/dz + tilt - free)^2 / 2  couples few displacements: a small sparse matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from warp.kernels.host import free_edges as kernels
from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.csr import Csr
from warp.solvers.elastic.layout import PAD, along, displacement_shape
from warp.solvers.sparse import Scattered

FREE_EDGE = 2 / 3


@dataclass(frozen=True)
class Edges:
    """Edges [k, m, p] of the vertical planes p normal to direction `face` (0: x, 1: y).

    m counts cells along the edge. The tilt is that of `plane` on z level `layer`; plane -1: zero.
    """

    face: int
    k: np.ndarray
    m: np.ndarray
    p: np.ndarray
    stiffness: np.ndarray
    layer: np.ndarray
    plane: np.ndarray


def borrow(
    device: Device, ids: Array, face: int, at: Array, n: tuple[int, int, int], mirror: bool
) -> tuple[np.ndarray, ...]:
    """Find a tilt for the edges at flat indices `at`.

    On the nearest z level, of their own plane or the next one inside. ids (nz+2, ny+2, nx+3): 0 in
    void. Returns k, m, p, layer, plane, in ascending order of (k, m, p), and which of `at` these
    are: edges without a tilt are left out.
    """
    nx, ny, nz = n
    row = nx + PAD
    k, j, i = (
        device.asarray(a, np.int32)
        for a in (at // ((ny + 1) * row), at // row % (ny + 1), at % row)
    )
    layer, plane = (device.empty(len(at), np.int32) for _ in range(2))
    args = (layer, plane, k, j, i, ids, face, mirror, nx, ny, nz, len(at))
    device.launch("elastic_setup", "nearest_tilt", (len(at), 1, 1), *args)
    k, j, i, layer, plane = (device.to_host(a).astype(np.int64) for a in (k, j, i, layer, plane))
    m, p = (j, i - 1) if face == 0 else (i - 1, j)
    which = np.flatnonzero(layer >= 0)
    if face == 1:
        which = which[np.lexsort((p[which], m[which], k[which]))]
    if mirror:
        plane = np.where(plane == 0, -1, plane)
    return *(a[which] for a in (k, m, p, layer, plane)), which


def lateral_faces(
    device: Device,
    ids: Array,
    soft: np.ndarray,
    widths: tuple[np.ndarray, np.ndarray, np.ndarray],
    mirror: tuple[bool, bool],
) -> list[Edges]:
    """Find the edges of the lateral free faces of a voxel body, with their stiffness K.

    They have two solid cells, one above the other, on one side only. ids (nz+2, ny+2, nx+3): media
    on the device, 0 in void; soft (3, media): 4/G_yz, 4/G_xz, 4/G_xy; widths (dx, dy, dz) in m.
    """
    nz, ny, nx = ids.shape[0] - 2, ids.shape[1] - 2, ids.shape[2] - PAD

    def medium(k: np.ndarray, j: np.ndarray, i: np.ndarray) -> np.ndarray:
        indices = device.asarray((k * (ny + 2) + j) * (nx + PAD) + i)
        found: np.ndarray = device.to_host(ids.reshape(-1)[indices])
        return found

    marked = device.zeros((2, nz + 1, ny + 1, nx + PAD), np.uint8)
    args = marked, ids, *map(int, mirror), nx, ny, nz
    device.launch("elastic_setup", "lateral_edges", (nx + 1, ny + 1, nz + 1), *args)
    found = []
    for face in (0, 1):
        at = device.xp.flatnonzero(marked[face].reshape(-1) == 1)
        k, m, p, layer, plane, _ = borrow(device, ids, face, at, (nx, ny, nz), mirror[face])
        stiffness = _stiffness(medium, face, (k, m, p), soft, widths)
        found.append(Edges(face, k, m, p, stiffness, layer, plane))
    return found


def with_moduli(
    edges: Edges,
    ids: np.ndarray,
    soft: np.ndarray,
    widths: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> Edges:
    """Return the edges with the stiffness of other moduli; arguments as of `lateral_faces`.

    ids: on the host.
    """

    def medium(k: np.ndarray, j: np.ndarray, i: np.ndarray) -> np.ndarray:
        return ids[k, j, i]

    at = edges.k, edges.m, edges.p
    return replace(edges, stiffness=_stiffness(medium, edges.face, at, soft, widths))


def _stiffness(
    medium: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    face: int,
    at: tuple[np.ndarray, np.ndarray, np.ndarray],
    soft: np.ndarray,
    widths: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> np.ndarray:
    """Return K in Pa m3 of edges (k, m, p) at lateral free faces.

    medium(k, j, i): of bordered voxels.
    """
    (k, m, p), dz = at, widths[2]
    j, i = (m, p) if face == 0 else (p, m)
    solid = (medium(k, j + 1, i + 1) > 0) & (medium(k + 1, j + 1, i + 1) > 0)  # behind it
    cell = np.where(solid, p, p - 1)
    j, i = (m, cell) if face == 0 else (cell, m)
    below, above = dz[k - 1], dz[k]
    lower, upper = (soft[1 - face, medium(k + q, j + 1, i + 1)] for q in (0, 1))
    modulus = (below + above) / (below * lower / 4 + above * upper / 4)
    volume: np.ndarray = widths[face][cell] / 2 * widths[1 - face][m] * (below + above) / 2
    return FREE_EDGE * modulus * volume


def strain_matrix(
    edges: Iterable[Edges], spacing: Sequence[np.ndarray], n: tuple[int, int, int]
) -> Csr:
    """Return B with B U the shear strain of the edges, for flat arrays of the solver's shape.

    spacing: (rcx, rcy, rcz), inverse distances of the centres beside line i at index i + 1; n =
    (nx, ny, nz).
    """
    edges = list(edges)
    counts = [np.zeros(1, np.int64), *(2 + 2 * (e.plane >= 0) for e in edges)]
    start = np.cumsum(np.concatenate(counts))
    column, value, first = np.empty(start[-1], np.int64), np.empty(start[-1]), 0
    for e in edges:
        last = first + len(e.k)
        lines = (np.ascontiguousarray(a, np.int64) for a in (e.k, e.m, e.p, e.layer, e.plane))
        args = column, value, start[first : last + 1], *lines, spacing[2], spacing[e.face]
        kernels.strain_rows(*args, e.face, *n)
        first = last
    return Csr(start, column, value, int(np.prod(displacement_shape(*n))))


def energy_matrix(
    edges: Iterable[Edges], spacing: Sequence[np.ndarray], n: tuple[int, int, int]
) -> Scattered:
    """Compute the sum of K b b^T over the edges, b their shear strain (`strain_matrix`)."""
    edges = list(edges)
    return Scattered.product(strain_matrix(edges, spacing, n), stiffness_of(edges))


def stiffness_of(edges: Iterable[Edges]) -> np.ndarray:
    """Return K of the edges in the order of `strain_matrix`."""
    return np.concatenate([np.zeros(0), *(e.stiffness for e in edges)])


def free_shear(
    e: Edges,
    ids: np.ndarray,
    strain: Callable[[np.ndarray], np.ndarray],
    lines: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> np.ndarray:
    """Return the shear of the edges of a free body that comes from borrowing a distant tilt.

    A thermal strain eps(z) normal to the face tilts free cross-sections by (d eps/dz) distance.
    Only between cells of one medium: otherwise neighbours restrain each other, and their difference
    is not a gradient. ids (nz, ny, nx): media, 0 in void; strain(flat cell indices): thermal strain
    normal to the face; lines (x, y, z).
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
    distance = q[e.p] - q[np.maximum(e.plane, 0)]  # without a plane: from the mirror, the first
    gamma = 2 * distance * rise / (z[e.k + 1] - z[e.k - 1])
    return np.where(ids[e.k, e.m, cell] == ids[e.k - 1, e.m, cell], gamma, 0.0)
