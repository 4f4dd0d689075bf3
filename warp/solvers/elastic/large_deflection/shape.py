"""Describe the shape of a bent body: dome, saddle or cylinder, along which axis.

The mid-surface w(x, y), the mean of w over the height of each column, is fitted by a quadratic
(least squares by area). Its second derivatives, with the sign of `results.flatness` (k = -d2w/ds2,
convex is positive), have the principal curvatures k1 and k2, |k1| >= |k2|, and k1 acts along the
axis at an angle from x. A dome has k2/k1 > 1/2, a saddle < -1/2, a cylinder lies between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from warp.solvers.elastic.history.state import faces_of
from warp.solvers.elastic.large_deflection.path import Path
from warp.voxels.voxelize import VoxelModel

FLAT = 1e-4
"""Range of the mid-surface over the height of a body below which it has no shape."""


@dataclass(frozen=True)
class Principal:
    """Principal curvatures in 1/m, the larger one first, and its axis as an angle from x in rad.

    Convex is positive. flat: True for a body that bends by less than FLAT of its height.
    """

    first: float
    second: float
    angle: float
    flat: bool = False

    @property
    def kind(self) -> str:
        """Name the shape."""
        if self.flat or self.first == 0:
            return "flat"
        ratio = self.second / self.first
        return "dome" if ratio > 0.5 else "saddle" if ratio < -0.5 else "cylinder"


@dataclass(frozen=True)
class Bent:
    """How a body came to its shape by large deflection.

    linear: principal curvatures by linear theory; increments: of the load; critical: fractions of
    the load at which the shape changed; branch: the axis along which it then bent more, "" if it
    never changed; other: energy of the other stable shape there less that of the chosen one over
    its size, None if there was none; jump: see `path.Bifurcation`, the largest, in m; slope: the
    largest one.
    """

    principal: Principal
    linear: Principal
    increments: int
    stability: float
    critical: list[float]
    other: float | None
    slope: float
    branch: Literal["x", "y", ""] = ""
    jump: float = 0.0

    @classmethod
    def of(cls, model: VoxelModel, displacement: np.ndarray, path: Path, linear: Principal) -> Bent:
        """Describe a displacement without rigid motion at the end of a path."""
        last = path.bifurcations[-1] if path.bifurcations else None
        energies = None if last is None else last.energies
        return cls(
            curvatures(model, displacement),
            linear,
            path.increments,
            path.shape.stability,
            [float(b.fraction) for b in path.bifurcations],
            None if energies is None else (energies[1] - energies[0]) / abs(energies[0]),
            steepest(model, displacement),
            "" if last is None else last.branch,
            max((b.jump for b in path.bifurcations), default=0.0),
        )

    @classmethod
    def of_parts(cls, parts: Sequence[tuple[float, float, Bent]]) -> Bent:
        """Describe a load step that was solved in parts, each from and to a fraction of it."""
        every = [bent for *_, bent in parts]
        changed = [bent for bent in every if bent.critical]
        return replace(
            every[-1],
            increments=sum(bent.increments for bent in every),
            critical=[first + c * (last - first) for first, last, b in parts for c in b.critical],
            other=changed[-1].other if changed else None,
            branch=changed[-1].branch if changed else "",
            jump=max(bent.jump for bent in every),
        )


def column_means(model: VoxelModel, displacement: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean w (ny, nx) in m over the solid height of each column, and where one is."""
    _, ny, nx = model.ids.shape
    faces = faces_of(model.ids > 0)[2, :, :ny, :nx]
    count = faces.sum(axis=0)
    total = (displacement[2, :, :ny, :nx] * faces).sum(axis=0)
    return total / np.maximum(count, 1), count > 0


def midsurface(
    model: VoxelModel, displacement: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y, w (n,) in m and area (n,) in m2 of the columns, w without its mean plane.

    Beside mirror planes the plane is level across them.
    """
    grid = model.grid
    means, present = column_means(model, displacement)
    j, i = np.nonzero(present)
    x, y = grid.xc[i], grid.yc[j]
    w, area = means[present], grid.area[present]
    terms = [np.ones(len(w))]
    terms += [q - q.mean() for q, m in zip((x, y), grid.mirror, strict=True) if not m]
    w = w - np.stack(terms, axis=1) @ fitted(terms, w, area)
    return x, y, w, area


def fitted(terms: list[np.ndarray], w: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Return the coefficients of terms (n,) that fit w best by area."""
    root = np.sqrt(area)
    matrix = np.stack(terms, axis=1) * root[:, None]
    scale = np.maximum(np.linalg.norm(matrix, axis=0), 1e-300)
    found: np.ndarray = np.linalg.lstsq(matrix / scale, w * root, rcond=None)[0] / scale
    return found


def curvatures(model: VoxelModel, displacement: np.ndarray) -> Principal:
    """Fit a quadratic to the mid-surface of a displacement (3, nz+1, ny+1, nx+1) in m."""
    x, y, w, area = midsurface(model, displacement)
    mirror_x, mirror_y = model.grid.mirror
    terms = {"1": np.ones(len(w)), "xx": x * x / 2, "yy": y * y / 2}
    if not mirror_x:
        terms["x"] = x
    if not mirror_y:
        terms["y"] = y
    if not (mirror_x or mirror_y):
        terms["xy"] = x * y
    found = dict(zip(terms, fitted(list(terms.values()), w, area), strict=True))
    xy = found.get("xy", 0.0)
    values, axes = np.linalg.eigh([[-found["xx"], -xy], [-xy, -found["yy"]]])
    first = int(np.abs(values).argmax())
    angle = float(np.arctan2(axes[1, first], axes[0, first]))
    angle = np.pi / 2 - (np.pi / 2 - angle) % np.pi  # above -90 degrees, at most 90
    height = float(model.grid.z[-1] - model.grid.z[0])
    flat = w.size == 0 or float(np.ptp(w)) < FLAT * height
    return Principal(float(values[first]), float(values[1 - first]), angle, flat)


def steepest(model: VoxelModel, displacement: np.ndarray) -> float:
    """Return the largest slope of w between neighbouring columns."""
    grid = model.grid
    w, present = column_means(model, displacement)
    found = [0.0]
    for axis, centres in ((1, grid.xc), (0, grid.yc)):
        both = np.moveaxis(present, axis, 0)
        rows = np.moveaxis(w, axis, 0)
        slopes = np.abs(np.diff(rows, axis=0) / np.diff(centres)[:, None])
        found.append(float((slopes * (both[1:] & both[:-1])).max(initial=0.0)))
    return max(found)
