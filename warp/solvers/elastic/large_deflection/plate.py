"""The energy of plate modes on a bent body, from the stiffness of its columns of voxels.

    E = int eps (A eps + B kap) + kap (B eps + D kap) + N_xx w,x^2 + N_yy w,y^2 + 2 N_xy w,x w,y

A, B, D: integrals of the plane-stress stiffness over a column times 1, z and z^2, N of its stress
in the plane; eps, kap: strain and curvature of modes in the tangent frame along the smooth slopes s
of a body with the slopes t: eps_xx = u,x - (s w),x + t w,x, .. . Nearly the Hessian of smooth
modes, without a product with it. Normal strains count in columns, shear on the edges between four
of them, as in the operator.
"""

from __future__ import annotations

import numpy as np

from warp.solvers.elastic.large_deflection.law import Law
from warp.solvers.elastic.large_deflection.plate_modes import PlateModes
from warp.voxels.heights import weighted_heights
from warp.voxels.voxelize import VoxelModel

Fields = list[np.ndarray]
"""Of modes: xx and yy (modes, columns), xy (modes, edges)."""


class Plate:
    """The columns of a body and the strains that modes give them.

    `moments`: stiffness in the plane times 1, z and z^2, each xx yy xy (columns,) and xy (edges,).
    """

    def __init__(self, model: VoxelModel, law: Law, modes: PlateModes) -> None:
        self.law, self.modes, self.area = law, modes, model.grid.area
        self.ny, self.nx = modes.solid.shape
        self.centres = [2 / (q[2:] - q[:-2]) for q in (model.grid.x, model.grid.y)]
        self.moments = moments(model, law, modes.middle)
        (_, _, kap), in_plane = self._bending(), self._in_plane()
        A, B, D = self.moments
        self.linear = assembled(
            work(D, kap, kap), work(B, kap, in_plane), work(A, in_plane, in_plane)
        )

    def loaded(self) -> np.ndarray:
        """Return E (count, count) at the law's last gradient; `linear`: flat and without stress.

        In the frame of the modes. Their fields are made anew: kept, they would take as much memory
        as a displacement.
        """
        A, B, _ = self.moments
        w, tilt, curvature = self._bending()
        eps = self._added(w, tilt)
        crossed = work(B, eps, curvature)
        del w, curvature
        bend = work(A, eps, eps) + crossed + crossed.T
        xx, yy, xy = self._tension()
        bend += sum(t @ (N * t).T for N, t in zip((xx, yy), tilt, strict=True))
        x, y = self._mean_tilts(*tilt)
        del tilt
        sheared = x @ (xy * y).T
        del x, y
        bend += sheared + sheared.T
        across = self._across(A, eps)
        in_plane = np.zeros((across.shape[1],) * 2)
        return self.linear + assembled(bend, across, in_plane)

    def _across(self, Q: Fields, strain: Fields) -> np.ndarray:
        """Return the work of strains on those of the modes in the plane, which it makes in turn."""
        modes = self.modes
        u, v = product(modes.P[1], modes.R[0]), product(modes.R[1], modes.P[0])
        xx, yy, xy = strain
        by_u = (Q[0] * xx + Q[2] * yy) @ (modes.stretch[0] @ u.T)
        by_v = (Q[2] * xx + Q[1] * yy) @ (modes.stretch[1] @ v.T)
        sheared = Q[3] * xy
        by_u += sheared @ self._shear(u, 0 * v[:1]).T
        by_v += sheared @ self._shear(0 * u[:1], v).T
        found: np.ndarray = np.concatenate([by_u, by_v], axis=1)
        return found[:, modes.kept[~modes.bends] - len(u)]

    def _bending(self) -> tuple[np.ndarray, Fields, Fields]:
        """Return w (modes, columns), slopes at faces and curvature of the modes that bend."""
        modes = self.modes
        w = product(modes.P[1], modes.P[0])[modes.kept[modes.bends]]
        tilt = [(T @ w.T).T for T in modes.tilt]
        xx, yy = (-(S @ t.T).T for S, t in zip(modes.stretch, tilt, strict=True))
        return w, tilt, [xx, yy, -self._shear(*tilt)]

    def _in_plane(self) -> Fields:
        """Return the strain of the modes in the plane."""
        modes = self.modes
        u, v = product(modes.P[1], modes.R[0]), product(modes.R[1], modes.P[0])
        size = len(u)
        kept = modes.kept[~modes.bends] - size
        none = np.zeros((size, modes.solid.size))
        xx, yy = (modes.stretch[0] @ u.T).T, (modes.stretch[1] @ v.T).T
        xy = self._shear(u, 0 * v[:1]), self._shear(0 * u[:1], v)
        pairs = ((xx, none), (none, yy), xy)
        return [np.concatenate(pair)[kept] for pair in pairs]

    def _shear(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return u,y + v,x (modes, edges) on the inner edges along z."""
        ny, nx = self.ny, self.nx
        rx, ry = self.centres
        u, v = u.reshape(-1, ny, nx + 1), v.reshape(-1, ny + 1, nx)
        by_u = np.diff(u[:, :, 1:-1], axis=1) * ry[:, None]
        by_v = np.diff(v[:, 1:-1], axis=2) * rx
        found: np.ndarray = by_u + by_v
        return found.reshape(len(found), -1)

    def _mean_tilts(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return slopes at inner edges from those at the faces beside them."""
        x = x.reshape(-1, self.ny, self.nx + 1)[:, :, 1:-1]
        y = y.reshape(-1, self.ny + 1, self.nx)[:, 1:-1]
        means = (x[:, 1:] + x[:, :-1]) / 2, (y[..., 1:] + y[..., :-1]) / 2
        along_x, along_y = (a.reshape(len(a), -1) for a in means)
        return along_x, along_y

    def _added(self, w: np.ndarray, slopes: Fields) -> Fields:
        """Return the strain that bending modes add along the mid-plane of the bent body."""
        frame, tilts = self.modes.frame, [t.T for t in slopes]
        u, v = (frame.along(axis, w.T, tilts[axis]).T for axis in (0, 1))
        xx, yy = (
            (S @ moved.T + frame.added(axis, tilts[axis])).T
            for axis, (S, moved) in enumerate(zip(self.modes.stretch, (u, v), strict=True))
        )
        own_x, own_y = self._mean_tilts(*(s[None] for s in frame.own))
        x, y = self._mean_tilts(*slopes)
        return [xx, yy, self._shear(u, v) + own_x * y + own_y * x]

    def _tension(self) -> Fields:
        """Return the body's stress times volume summed over z.

        xx and yy at faces, the mean of the columns beside them, and xy at edges.
        """
        ny, nx = self.ny, self.nx
        N = self.law.device.to_host(self.law.s.sum(axis=1))
        x = np.pad(N[0, :ny, 1 : nx + 1], ((0, 0), (1, 1)))
        y = np.pad(N[1, :ny, 1 : nx + 1], ((1, 1), (0, 0)))
        faces = (x[:, 1:] + x[:, :-1]) / 2, (y[1:] + y[:-1]) / 2, N[2, 1:ny, 2 : nx + 1]
        return [a.reshape(-1) for a in faces]


def moments(model: VoxelModel, law: Law, middle: float) -> list[Fields]:
    """Return the sums over z of the stiffness at no stress along z, times 1, z and z^2.

    Each xx, yy and xy (columns,) of normal strains and xy (edges,) of shear, times area.
    """
    normal = law.A.body.moduli.normal
    xx, yy, zz, yz, xz, xy = normal.T
    solid = zz > 0
    safe = np.where(solid, zz, 1.0)
    reduced = np.where(solid, [xx - xz**2 / safe, yy - yz**2 / safe, xy - xz * yz / safe], 0.0)
    grid, area = model.grid, model.grid.area
    ny, nx = area.shape
    columns, z = np.zeros((3, 3, ny, nx)), grid.zc - middle
    for h, level, ids in zip(weighted_heights(grid), z, model.ids, strict=True):
        for n in range(3):
            columns[n] += h * level**n * area * reduced[:, ids]
    powers = law.device.asarray(np.stack([z**n for n in range(3)]))
    K = law.K[: len(z), 1:ny, 2 : nx + 1]
    edges = law.device.to_host(law.device.xp.tensordot(powers, K, axes=1))
    return [
        [*(a.reshape(-1) for a in column), edge.reshape(-1)]
        for column, edge in zip(columns, edges, strict=True)
    ]


def product(along_y: np.ndarray, along_x: np.ndarray) -> np.ndarray:
    """Return the products of polynomials (degrees^2, places), the degree along x running first."""
    values: np.ndarray = along_y[:, None, :, None] * along_x[None, :, None, :]
    return values.reshape(len(along_y) * len(along_x), -1)


def work(Q: Fields, a: Fields, b: Fields) -> np.ndarray:
    """Return the work of the stress of every field of a on every one of b."""
    xx, yy, xy = a
    found: np.ndarray = (Q[0] * xx + Q[2] * yy) @ b[0].T
    found += (Q[2] * xx + Q[1] * yy) @ b[1].T
    found += (Q[3] * xy) @ b[2].T
    return found


def assembled(bend: np.ndarray, across: np.ndarray, in_plane: np.ndarray) -> np.ndarray:
    """Join the energies of bending modes, of both kinds together, and of those in the plane."""
    E: np.ndarray = np.block([[bend, across], [across.T, in_plane]])
    return (E + E.T) / 2
