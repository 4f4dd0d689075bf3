"""Couple heat and displacement through bond lines: thermal interfaces that open and close.

A soft layer between two stiff parts follows the gap between them. A voxel of it with the drawn
height dz conducts upwards

    G = k area / (dz stretch),        stretch = 1 + (w above - w below) / dz

w: vertical displacement from the state in which the layer had its drawn thickness. Fixed-point
iteration: conduction with the stretches of the last displacement, displacement at the new
temperature, until no temperature changes. Conduction along the layer and its heat capacity are not
changed. Linear theory: a layer must not close.
Prasher, Proc. IEEE 94 (2006) 1571, on why the thickness of a bond line decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from warp.errors import ConvergenceError, WarpError
from warp.voxels import boundary
from warp.voxels.voxelize import VoxelModel

MOST_ROUNDS = 20
CLOSED = 0.05  # fraction of the drawn thickness


class HeatSolution(Protocol):
    """A temperature field (nz, ny, nx) in K."""

    @property
    def temperature(self) -> np.ndarray: ...


class ElasticSolution(Protocol):
    """A displacement (3, nz+1, ny+1, nx+1) in m."""

    @property
    def displacement(self) -> np.ndarray: ...


H = TypeVar("H", bound=HeatSolution)
D = TypeVar("D", bound=ElasticSolution)


@dataclass(frozen=True)
class Coupled(Generic[H, D]):
    """The last solutions, the stretch (nz, ny, nx), and the largest change in K of each round."""

    heat: H
    elastic: D
    stretch: np.ndarray
    changes: list[float]


def solve(
    model: VoxelModel,
    layers: Iterable[str],
    heat: Callable[[np.ndarray | None], H],
    displace: Callable[[np.ndarray], D],
    accuracy: float = 1e-3,
) -> Coupled[H, D]:
    """Let the thickness of the parts `layers` follow the displacement.

    heat(stretch): solves conduction; stretch is None at first, then (nz, ny, nx).
    displace(temperature): solves for the displacement at a field (nz, ny, nx) in K.
    Ends when no temperature changes by more than `accuracy` in K; raises ConvergenceError if that
    takes too many rounds, WarpError if a layer closes.
    """
    soft = np.zeros(len(model.media), bool)
    for name in layers:
        soft |= boundary.rows(model, name)
    stretch, changes = None, []
    warm = heat(None)
    for _ in range(MOST_ROUNDS):
        solution = displace(warm.temperature)
        stretch = thickness_change(model, solution.displacement, soft)
        last, warm = warm, heat(stretch)
        changes.append(float(np.abs(warm.temperature - last.temperature).max()))
        if changes[-1] <= accuracy:
            return Coupled(warm, solution, stretch, changes)
    raise ConvergenceError(
        f"heat and bond lines: temperatures still move by {changes[-1]:.1e} K "
        f"after {MOST_ROUNDS} rounds"
    )


def thickness_change(model: VoxelModel, displacement: np.ndarray, soft: np.ndarray) -> np.ndarray:
    """Return the deformed over the drawn height of voxels (nz, ny, nx); 1 outside the layers.

    displacement (3, nz+1, ny+1, nx+1) in m; soft (media,): True for the media of the layers.
    """
    nz, ny, nx = model.grid.shape
    w = displacement[2, :, :ny, :nx]
    stretch = np.where(soft[model.ids], 1 + np.diff(w, axis=0) / model.grid.dz[:, None, None], 1.0)
    if stretch.min() < CLOSED:
        part = np.asarray(model.media.part)[model.ids.reshape(-1)[stretch.argmin()]]
        raise WarpError(
            f"the bond line '{model.parts[part]}' closes "
            f"({100 * (stretch.min() - 1):.0f} % of its thickness): beyond linear theory"
        )
    return stretch


def changes(
    model: VoxelModel, layers: Iterable[str], stretch: np.ndarray
) -> dict[str, dict[str, float]]:
    """Return the drawn thickness of each layer and its change in um.

    Both as means over the area; the change also at its least and greatest over the columns.
    """
    found, dz = {}, model.grid.dz[:, None, None]
    for name in layers:
        inside = boundary.rows(model, name)[model.ids]
        drawn, change = (inside * dz).sum(axis=0), (inside * (stretch - 1) * dz).sum(axis=0)
        on = drawn > 0
        area = model.grid.area[on] / model.grid.area[on].sum()
        means = {"thickness_um": area @ drawn[on], "change_um": area @ change[on]}
        ends = {"change_min_um": change[on].min(), "change_max_um": change[on].max()}
        found[name] = {key: 1e6 * float(value) for key, value in {**means, **ends}.items()}
    return found
