"""Smooth shapes of a plate, from Legendre polynomials of x and y.

    bending      w = P_p(x) P_q(y),   u = -z w,x,   v = -z w,y
    in plane     u = P_p(x) P_q(y),   v = 0,   and alike for v

and u, v along the mid-plane of the bent body as w moves it out (`smooth_slopes`).

x and y span the grid; beside a mirror plane degrees are even in w and odd in the displacement
across it. z from half the height. Slopes are differences as in the operator, at free faces the next
ones inside, so that modes have no shear across the plate. w also has what makes the stress along z
zero, by the mean ratios C_xz/C_zz and C_yz/C_zz of each level. Shapes without strain are left out
unless they are wanted. Each term is a function of z times one of x and y, so that modes are never
stored, and `gather` and `spread` cost about a pass over a displacement.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.polynomial.legendre import Legendre
from scipy import sparse

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.elastic.large_deflection import smooth_slopes
from warp.solvers.elastic.rigid import activity
from warp.voxels.grid import Grid
from warp.voxels.voxelize import VoxelModel

DEGREE = 6
"""Highest degree of polynomials in w; more cost more than the iterations that they save."""
AT_ONCE = 4
"""Levels whose products with functions of z are in memory together, small beside a displacement."""


class PlateModes:
    """Z: `count` modes of a body in the solver's layout. `spread`: Z c; `gather`: Z^T r.

    Of polynomials (degrees, places) along x and y: P of w and Q of u or v at cells, R of u or v at
    faces. `tilt`: sparse matrices from w of columns to slopes at their faces; `stretch`: from u or
    v at faces to strains of columns; `frame`: the slopes of the body in whose tangent frame the
    modes are; `curved` (2, columns): its curvature xx and yy in 1/m; `bends` (count,): True for
    modes that bend; `middle`: height of z = 0 in m.
    """

    def __init__(
        self,
        model: VoxelModel,
        device: Device,
        stiffness: np.ndarray,
        degree: int = DEGREE,
        rigid: bool = False,
    ) -> None:
        """stiffness (media, 6) in Pa; degree: the highest of w along x and along y.

        rigid: with the motions that raise and tilt the body.
        """
        grid = model.grid
        self.device, self.sizes = device, grid.shape
        self.exists = device.asarray(activity(model.ids > 0, grid.mirror))
        self.middle = float(grid.z[0] + grid.z[-1]) / 2
        lines = list(zip((grid.x, grid.y), grid.mirror, strict=True))
        polynomials = [tabulated(line, mirrored, degree) for line, mirrored in lines]
        self.P, self.Q, self.R = ([axis[n] for axis in polynomials] for n in range(3))
        self.solid: np.ndarray = np.any(model.ids > 0, axis=0)
        self.tilt = [tilts(self.solid, axis, *lines[axis]) for axis in (0, 1)]
        self.stretch = [strains(self.solid.shape, axis, lines[axis][0]) for axis in (0, 1)]
        self.lever = device.asarray(self.middle - grid.zc)
        self.levers = device.asarray(self._thickening(model, stiffness))
        along = [tabulated(line, mirrored, smooth_slopes.DEGREE) for line, mirrored in lines]
        self.frame = smooth_slopes.SmoothSlopes(self.solid, grid.area, lines, along)
        self.area = grid.area * self.solid
        self.means = mean_curvatures(self, grid)
        self.curved = np.zeros((2, self.solid.size))
        self.degrees = len(self.P[1]), len(self.P[0])
        q, p = np.indices(self.degrees)
        strained = np.ones((3, *self.degrees), bool)
        x, y = grid.mirror
        strained[0] = rigid | (p * (2 if x else 1) + q * (2 if y else 1) > 1)
        strained[1, 0, 0], strained[2, 0, 0] = x, y
        self.kept = np.flatnonzero(strained)
        self.count, self.bends = len(self.kept), self.kept < p.size

    def _thickening(self, model: VoxelModel, stiffness: np.ndarray) -> np.ndarray:
        """Return w (4, nz+1) by stretching along x and along y, then by a slope's change alike."""
        grid, ratios = model.grid, np.zeros((2, model.grid.shape[0]))
        table, solid = np.zeros((2, len(stiffness))), stiffness[:, 2] > 0
        table[:, solid] = stiffness[solid][:, [4, 3]].T / stiffness[solid, 2]
        for k, ids in enumerate(model.ids):
            here = ids[ids > 0]
            if here.size:
                ratios[:, k] = table @ np.bincount(here, minlength=len(stiffness)) / here.size
        per_strain = np.concatenate([-ratios, ratios * (grid.zc - self.middle)])
        w = np.concatenate([np.zeros((4, 1)), np.cumsum(per_strain * grid.dz, axis=1)], axis=1)
        return w - w.mean(axis=1, keepdims=True)

    def follow(self, slopes: Array) -> None:
        """Take the tangent frame of a body from its slopes (2, ...) at the faces of u and v."""
        frame = self.frame
        frame.take(self.device, slopes)
        pairs = zip(self.stretch, frame.smooth, strict=True)
        self.curved = np.stack([S @ s for S, s in pairs])

    def column_means(self, x: Array) -> np.ndarray:
        """Return the mean w (ny, nx) over the height of each column of a displacement."""
        exists = self.exists[2]
        total, count = self.device.zeros(exists.shape[1:]), exists.sum(axis=0)
        for level, there in zip(x[2], exists, strict=True):
            total += level * there
        _, ny, nx = self.sizes
        w = self.device.to_host(total / self.device.xp.maximum(count, 1))
        found: np.ndarray = w[:ny, 1 : nx + 1]
        return found

    def bent_as(self, x: Array) -> np.ndarray:
        """Return the mean curvature in 1/m of a displacement: xx, yy and, without mirrors, xy."""
        curvature: np.ndarray = self.means @ self.column_means(x).reshape(-1)
        return curvature

    def push_as(self, out: Array, moments: np.ndarray) -> None:
        """Add the forces that do the work moments . `bent_as`(x) on every displacement x to out."""
        _, ny, nx = self.sizes
        exists = self.exists[2, :, :ny, 1 : nx + 1]
        forces = self.device.asarray((moments @ self.means).reshape(ny, nx))
        forces /= self.device.xp.maximum(exists.sum(axis=0), 1)
        w = out[2, :, :ny, 1 : nx + 1]
        for k in few(len(w)):
            w[k] += exists[k] * forces

    def gather(self, r: Array) -> np.ndarray:
        """Return Z^T r (count,) on the host."""
        nz, ny, nx = self.sizes
        in_plane = r[0, :nz, :ny, 1 : nx + 2], r[1, :nz, :, 1 : nx + 1]
        w = r[2, :, :ny, 1 : nx + 1]
        to_host = self.device.to_host
        levers = to_host(self._over_height(self.levers, w)).reshape(4, -1)
        total = to_host(w.sum(axis=0)).reshape(-1)
        forces = []
        for axis, force in enumerate(in_plane):
            back = self.stretch[axis].T
            tilted = to_host(self._over_height(self.lever, force)).reshape(-1)
            pushed = to_host(force.sum(axis=0)).reshape(-1)
            on_w, on_slope = self.frame.back(axis, pushed)
            on_slope += tilted + back @ levers[2 + axis]
            total = total + self.tilt[axis].T @ on_slope + on_w
            total -= self.curved[axis] * levers[axis]
            moved = pushed + back @ levers[axis]
            forces.append(moved.reshape(force.shape[1:]))
        (Px, Py), (Rx, Ry) = self.P, self.R
        found = Py @ total.reshape(ny, nx) @ Px.T, Py @ forces[0] @ Rx.T, Ry @ forces[1] @ Px.T
        return np.stack(found).reshape(-1)[self.kept]

    def _over_height(self, weights: Array, field: Array) -> Array:
        """Return the sum over z of weights (..., levels) times a field (levels, rows, columns)."""
        tensordot = self.device.xp.tensordot
        return sum(tensordot(weights[..., k], field[k], axes=1) for k in few(len(field)))

    def spread(self, c: np.ndarray, out: Array | None = None) -> Array:
        """Return the displacement Z c, c (count,) on the host, added to `out` if there is one."""
        nz, ny, nx = self.sizes
        weights = np.zeros((3, *self.degrees))
        weights.reshape(-1)[self.kept] = c
        a, b, d = weights
        (Px, Py), (Rx, Ry) = self.P, self.R
        w2 = Py.T @ a @ Px
        out = self.device.zeros((3, nz + 1, ny + 1, nx + 3)) if out is None else out
        u, v = out[0, :nz, :ny, 1 : nx + 2], out[1, :nz, :, 1 : nx + 1]
        w = out[2, :, :ny, 1 : nx + 1]
        put = self.device.asarray
        w += put(w2)
        for axis, (to, flat) in enumerate(((u, Py.T @ b @ Rx), (v, Ry.T @ d @ Px))):
            slope = self.tilt[axis] @ w2.reshape(-1)
            along = flat + self.frame.along(axis, w2.reshape(-1), slope).reshape(flat.shape)
            add_over_height(to, self.lever, put(slope.reshape(flat.shape)), put(along))
            stretched = self.stretch[axis] @ flat.reshape(-1) - self.curved[axis] * w2.reshape(-1)
            thinner = stretched, self.stretch[axis] @ slope
            for lever, strain in zip(self.levers[axis::2], thinner, strict=True):
                add_over_height(w, lever, put(strain.reshape(ny, nx)))
        out *= self.exists
        return out


def few(levels: int) -> Iterator[slice]:
    """Yield AT_ONCE levels after the other."""
    for first in range(0, levels, AT_ONCE):
        yield slice(first, first + AT_ONCE)


def add_over_height(to: Array, weights: Array, field: Array, constant: Array | float = 0.0) -> None:
    """Add weights (levels,) times a field (rows, columns), and a constant, to (levels, ...)."""
    for k in few(len(to)):
        to[k] += weights[k, None, None] * field + constant


def mean_curvatures(modes: PlateModes, grid: Grid) -> np.ndarray:
    """Return the matrix (2 or 3, columns) from w to its mean curvature xx, yy and, if any, xy.

    The twist counts at the inner edges along z between four columns.
    """
    share = (modes.area / modes.area.sum()).reshape(-1)
    pairs = zip(modes.tilt, modes.stretch, strict=True)
    found = [T.T @ (S.T @ share) for T, S in pairs]
    if not any(grid.mirror):
        solid = modes.solid
        quads = solid[1:, 1:] & solid[1:, :-1] & solid[:-1, 1:] & solid[:-1, :-1]
        across = (grid.x[2:] - grid.x[:-2]) / 2 * quads
        slope = np.zeros((solid.shape[0], solid.shape[1] + 1))
        slope[1:, 1:-1] += across
        slope[:-1, 1:-1] -= across
        area = across * ((grid.y[2:] - grid.y[:-2]) / 2)[:, None]
        found.append(modes.tilt[0].T @ slope.reshape(-1) / max(area.sum(), 1e-300))
    return np.stack(found)


def tabulated(line: np.ndarray, mirrored: bool, degree: int) -> list[np.ndarray]:
    """Tabulate polynomials (degrees, places) of w at cells and of u at cells and at faces."""
    degrees = degree // 2 + 1 if mirrored else degree + 1
    half = (line[-1] - line[0]) / (1 if mirrored else 2)
    faces = (line - (line[0] if mirrored else (line[0] + line[-1]) / 2)) / half
    centres = (faces[1:] + faces[:-1]) / 2
    w = [Legendre.basis(2 * p if mirrored else p) for p in range(degrees)]
    u = [Legendre.basis(2 * p + 1 if mirrored else p) for p in range(degrees)]
    pairs = ((w, centres), (u, centres), (u, faces))
    return [np.stack([P(places) for P in kinds]) for kinds, places in pairs]


def tilts(solid: np.ndarray, axis: int, line: np.ndarray, mirrored: bool) -> sparse.csr_matrix:
    """Return the matrix from w of columns (ny, nx) to slopes at their faces across an axis.

    A free face has the slope of the next plane inside, a mirror plane and void none.
    """
    along = solid if axis == 0 else solid.T
    rows, count = along.shape
    padded = np.pad(along, ((0, 0), (1, 1)))
    left, right = padded[:, :-1], padded[:, 1:]
    plane = np.broadcast_to(np.arange(count + 1), left.shape).copy()
    plane[left & ~right] -= 1
    plane[right & ~left] += 1
    m, p = np.nonzero(left | right)
    at = plane[m, p]
    inside = np.pad(left & right, ((0, 0), (0, 1)))[m, at]
    inside &= ~((p == 0) & mirrored)
    m, p, at = m[inside], p[inside], at[inside]
    inverse = 2 / (line[at + 1] - line[at - 1])

    def number(row: np.ndarray, place: np.ndarray, places: int) -> np.ndarray:
        found: np.ndarray = row * places + place if axis == 0 else place * rows + row
        return found

    face = number(m, p, count + 1)
    columns = number(m, at, count), number(m, at - 1, count)
    entries = np.concatenate([inverse, -inverse]), (np.tile(face, 2), np.concatenate(columns))
    return sparse.csr_matrix(entries, shape=(rows * (count + 1), rows * count))


def strains(shape: tuple[int, ...], axis: int, line: np.ndarray) -> sparse.csr_matrix:
    """Return the matrix from displacements at faces across an axis to strains of columns."""
    inverse = 1 / np.diff(line)
    n = len(inverse)
    one = sparse.diags([-inverse, inverse], [0, 1], (n, n + 1))
    ny, nx = shape
    eye = partial(sparse.identity, format="csr")
    return sparse.kron(eye(ny), one, "csr") if axis == 0 else sparse.kron(one, eye(nx), "csr")
