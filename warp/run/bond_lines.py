"""Displacement that acts back on heat: the bond line of a thermal interface opens and closes.

A soft layer between two stiff parts is as thick as they leave it room. A voxel of it that was dz high conducts upwards

    G = k area / (dz stretch),        stretch = 1 + (w above - w below) / dz

w: vertical displacement from the state in which the layer had its drawn thickness. Temperature and displacement take
turns (fixed point): conduction with the stretches of the last displacement, displacement at the new temperature, until
no temperature changes. Heat along the layer and its capacity stay; linear theory, so a layer must not close.
Prasher, Proc. IEEE 94 (2006) 1571, on why a bond line's thickness decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from warp.errors import ConvergenceError, WarpError
from warp.voxels import boundary
from warp.voxels.voxelize import VoxelModel

LIMIT = 20  # rounds
_CLOSED = 0.05  # of the drawn thickness


class Warm(Protocol):
    """A heat solution."""

    @property
    def temperature(self) -> np.ndarray: ...


class Bent(Protocol):
    """An elastic solution."""

    @property
    def displacement(self) -> np.ndarray: ...


W = TypeVar("W", bound=Warm)
B = TypeVar("B", bound=Bent)


@dataclass(frozen=True)
class Solution(Generic[W, B]):
    """`heat` and `elastic` as their solvers gave them last; `stretch` (nz, ny, nx); K that each round changed."""

    heat: W
    elastic: B
    stretch: np.ndarray
    changes: list[float]


def solve(
    model: VoxelModel,
    layers: Iterable[str],
    warm: Callable[[np.ndarray | None], W],
    bend: Callable[[np.ndarray], B],
    accuracy: float = 1e-3,
) -> Solution[W, B]:
    """Let the thickness of the parts `layers` follow the displacement until no temperature moves by `accuracy` (K).

    warm(stretch): solve conduction, e.g. heat.solve_steady(..., stretch=stretch); None at first. bend(temperature): solve
    for the displacement.
    """
    soft = np.zeros(len(model.media), bool)
    for name in layers:
        soft |= boundary.rows(model, name)
    stretch, changes = None, []
    hot = warm(None)
    for _ in range(LIMIT):
        bent = bend(hot.temperature)
        stretch = thickness_change(model, bent.displacement, soft)
        last, hot = hot, warm(stretch)
        changes.append(float(np.abs(hot.temperature - last.temperature).max()))
        if changes[-1] <= accuracy:
            return Solution(hot, bent, stretch, changes)
    raise ConvergenceError(
        f"heat and bond lines: temperatures still move by {changes[-1]:.1e} K after {LIMIT} rounds"
    )


def thickness_change(model: VoxelModel, displacement: np.ndarray, soft: np.ndarray) -> np.ndarray:
    """(nz, ny, nx): true over drawn height of the voxels of the media rows marked in `soft`, 1 elsewhere."""
    nz, ny, nx = model.grid.shape
    w = displacement[2, :, :ny, :nx]
    stretch = np.where(soft[model.ids], 1 + np.diff(w, axis=0) / model.grid.dz[:, None, None], 1.0)
    if stretch.min() < _CLOSED:
        part = np.asarray(model.media.part)[model.ids.reshape(-1)[stretch.argmin()]]
        raise WarpError(
            f"the bond line '{model.parts[part]}' closes ({100 * (stretch.min() - 1):.0f} % of its thickness): "
            "beyond linear theory"
        )
    return stretch


def bond_lines(
    model: VoxelModel, layers: Iterable[str], stretch: np.ndarray
) -> dict[str, dict[str, float]]:
    """Thickness of each layer as drawn and its change in um: mean over the area, and the extremes of its columns."""
    found, dz = {}, model.grid.dz[:, None, None]
    for name in layers:
        there = boundary.rows(model, name)[model.ids]
        drawn, change = (there * dz).sum(axis=0), (there * (stretch - 1) * dz).sum(axis=0)
        on = drawn > 0
        area = model.grid.area[on] / model.grid.area[on].sum()
        means = {"thickness_um": area @ drawn[on], "change_um": area @ change[on]}
        ends = {"change_min_um": change[on].min(), "change_max_um": change[on].max()}
        found[name] = {key: 1e6 * float(value) for key, value in {**means, **ends}.items()}
    return found
