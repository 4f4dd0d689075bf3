"""The change of metrics by a variant to first order: what the variant changes, times derivatives.

Every quantity of the discrete equations that a variant changes (media tables, grid lines, films,
heat per voxel) is evaluated on both sides of the solved case, which needs no solve; their
differences times the derivatives of one adjoint solve give the change of each metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from warp.adjoint import heat, stresses
from warp.adjoint.branch_partials import MediumBranches
from warp.adjoint.by_fields import Measure
from warp.adjoint.elastic_partials import Partials
from warp.adjoint.strains import Kinematics
from warp.adjoint.variant import EVERY, Law, Variant
from warp.errors import WarpError
from warp.materials.material import Medium
from warp.results.metrics.solved import Solved
from warp.solvers.elastic.history.maxwell import relaxing
from warp.solvers.heat.operator import Operator as HeatOperator
from warp.voxels.boundary import heat_load
from warp.voxels.conditions import Film, Fixed, Interface, Source
from warp.voxels.faces import rows
from warp.voxels.grid import Grid
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class EdgeForces:
    """Forces of edges (3, nz+1, ny+1, nx+1) in N m, whose means are the shear stress of voxels."""

    motion: Kinematics
    forces: Array

    def stress(self, before: Array, grid: Grid) -> Array:
        """Return a stress (6, nz, ny, nx) with their shear on another grid."""
        return stresses.with_grid(self.motion, before, self.forces, grid)


@dataclass(frozen=True, eq=False)
class Derivatives:
    """What one metric depends on: partial derivatives of both equations, where they take part.

    warmth (nz, ny, nx): the adjoint temperature, per W of heat in each voxel. edges: of a metric
    that depends on stress itself.
    """

    measure: Measure
    elastic: Partials | None
    heat: heat.Partials | None
    warmth: Array | None
    edges: EdgeForces | None = None


@dataclass(frozen=True, eq=False)
class Heated:
    """The temperature equations of a solved case: operator, and mean temperatures of its rows."""

    operator: HeatOperator
    mean: Array


@dataclass(frozen=True, eq=False)
class Linear:
    """A solved case with the derivatives of some metrics.

    mean (media,): the temperatures in K at which stiffness is read.
    """

    model: VoxelModel
    solved: Solved
    mean: Array
    heated: Heated | None
    derivatives: Sequence[Derivatives]

    known: dict[Any, Array] = field(default_factory=dict)
    """What unchanged media contribute."""

    @cached_property
    def present(self) -> Array:
        """Mark the rows that have voxels."""
        found = np.bincount(self.model.ids.reshape(-1), minlength=len(self.model.media)) > 0
        found[0] = False
        return found

    @cached_property
    def relaxing(self) -> set[int]:
        """Return the rows that relax in this solve."""
        parts = [d.elastic for d in self.derivatives]
        if all(part is None or part.branches is None for part in parts):
            return set()
        return set(np.flatnonzero(relaxing(self.model.media) & self.present).tolist())

    @cached_property
    def incremental(self) -> set[int]:
        """Return the rows of the incremental law in this solve."""
        parts = [d.elastic.increments for d in self.derivatives if d.elastic is not None]
        laws = [part.law for part in parts if part is not None]
        return set(np.flatnonzero(laws[0] & self.present).tolist()) if laws else set()

    @property
    def count(self) -> int:
        """Return the number of metrics."""
        return len(self.derivatives)

    def change(self, plus: Variant, minus: Variant) -> Array:
        """Return the change (metrics,) from one variant to another, to first order."""
        own = [
            explicit(self.solved, d.measure, plus, minus, d.edges, flat=d.elastic is not None)
            for d in self.derivatives
        ]
        return self.equations(plus, minus) + np.array(own)

    def equations(self, plus: Variant, minus: Variant) -> Array:
        """Return the change (metrics,) by what the equations of the solved case change."""
        total = self._media(plus, minus) + self._lines(plus, minus)
        if self.heated is not None:
            total += self._conditions(plus, minus)
        return total

    def _rows(self, plus: Variant, minus: Variant) -> list[int]:
        """Return the rows whose medium, stress-free or load temperature differs."""
        if plus.temperature != minus.temperature:
            return [int(row) for row in np.flatnonzero(self.present)]
        changed = plus.rows.keys() | minus.rows.keys()
        changed |= set(np.flatnonzero(plus.stress_free != minus.stress_free).tolist())
        if (plus.before, plus.duration) != (minus.before, minus.duration):
            changed |= self.relaxing | self.incremental
        return sorted(row for row in changed if self.present[row])

    def _media(self, plus: Variant, minus: Variant) -> Array:
        """Return the change by stiffness, thermal strain and conductivity of media."""
        total = np.zeros(len(self.derivatives))
        laws = EVERY
        if plus.temperature == minus.temperature:
            restarted = (plus.stress_free != minus.stress_free).any()
            laws = plus.laws | minus.laws | ({"strain"} if restarted else set())
            if self.relaxing or self.incremental:
                laws |= {"stiffness"}
        for row in self._rows(plus, minus):
            for law in laws:
                total += self._side(plus, row, law) - self._side(minus, row, law)
        return total

    def _side(self, variant: Variant, row: int, law: Law) -> Array:
        """Return a table of a row times the derivatives by it."""
        medium = variant.rows.get(row)
        start, T = float(variant.stress_free[row]), variant.temperature
        key = (row, law, start, T, variant.before, variant.duration)
        if medium is None and key in self.known:
            return self.known[key]
        solved = self.model.media.materials[row]
        assert solved is not None
        if law == "stiffness" and row in self.relaxing:
            found = self._branches(medium or solved, row, variant)
        elif law == "stiffness" and row in self.incremental:
            found = self._increments(medium or solved, row, variant)
        else:
            table = {
                "stiffness": self._stiffness,
                "strain": self._strain,
                "conductivity": self._heat,
            }
            found = table[law](medium or solved, row, start, T)
        if medium is None:
            self.known[key] = found
        return found

    def _stiffness(self, medium: Medium, row: int, start: float, T: float | None) -> Array:
        total = np.zeros(len(self.derivatives))
        if any(d.elastic is not None for d in self.derivatives):
            at = float(self.mean[row]) if T is None else T
            stiffness, shear = medium.stiffness(at), medium.shear(at)
            for n, d in enumerate(self.derivatives):
                if d.elastic is not None:
                    total[n] = d.elastic.normal[row] @ stiffness + d.elastic.shear[row] @ shear
        return total

    def _branches(self, medium: Medium, row: int, variant: Variant) -> Array:
        """Return the branches of a row that relaxes times the derivatives by them."""
        total = np.zeros(len(self.derivatives))
        parts = [d.elastic for d in self.derivatives]
        T, before = variant.temperature, variant.before
        assert T is not None and before is not None
        for n, part in enumerate(parts):
            if part is not None and part.branches is not None:
                share = float(part.branches.known[row])
                start = share * before + (1 - share) * float(variant.stress_free[row])
                made = MediumBranches.of(medium, start, T, variant.duration)
                normal, shear = made.effective
                total[n] = part.normal[row] @ normal + part.shear[row] @ shear
                total[n] += part.branches.times(row, made)
        return total

    def _increments(self, medium: Medium, row: int, variant: Variant) -> Array:
        """Return what a row of the incremental law enters times the derivatives by it."""
        total = np.zeros(len(self.derivatives))
        T, before, free_at = variant.temperature, variant.before, float(variant.stress_free[row])
        assert T is not None and before is not None
        for n, d in enumerate(self.derivatives):
            part = d.elastic
            if part is not None and part.increments is not None:
                share = float(part.increments.known[row])
                start = share * before + (1 - share) * free_at
                total[n], C, G = part.increments.times(row, medium, start, T, free_at)
                total[n] += part.normal[row] @ C + part.shear[row] @ G
        return total

    def _strain(self, medium: Medium, row: int, start: float, T: float | None) -> Array:
        total = np.zeros(len(self.derivatives))
        for n, d in enumerate(self.derivatives):
            if d.elastic is not None:
                at = d.elastic.nodes if T is None else T
                by = d.elastic.strain[:, row] if T is None else d.elastic.strain[:, row].sum(axis=0)
                total[n] = float((by * medium.thermal_strain(at, start)).sum())
        return total

    def _heat(self, medium: Medium, row: int, start: float, T: float | None) -> Array:
        total = np.zeros(len(self.derivatives))
        if self.heated is not None:
            own = np.flatnonzero(self.heated.operator.split.origin == row)
            k = medium.conductivity(self.heated.mean[own])
            for n, d in enumerate(self.derivatives):
                if d.heat is not None:
                    total[n] = float((d.heat.conductivity[own] * k).sum())
        return total

    def _lines(self, plus: Variant, minus: Variant) -> Array:
        """Return the change by moved grid lines in both equations."""
        total = np.zeros(len(self.derivatives))
        for axis in range(3):
            move = plus.lines[axis] - minus.lines[axis]
            if not move.any():
                continue
            for n, d in enumerate(self.derivatives):
                for part in (d.elastic, d.heat):
                    if part is not None:
                        total[n] += float(part.lines.by_line(axis) @ move)
        return total

    def _conditions(self, plus: Variant, minus: Variant) -> Array:
        """Return the change by films, interfaces and heat."""
        assert self.heated is not None
        total = np.zeros(len(self.derivatives))
        films = [[b for b in v.boundaries if isinstance(b, Film | Fixed)] for v in (plus, minus)]
        contacts = [[b for b in v.boundaries if isinstance(b, Interface)] for v in (plus, minus)]
        for n, d in enumerate(self.derivatives):
            if d.heat is None:
                continue
            for m, (a, b) in enumerate(zip(*films, strict=True)):
                if a.coefficient != b.coefficient:
                    total[n] += d.heat.films[m] * (a.coefficient - b.coefficient)
                total[n] += d.heat.ambients[m] * (a.ambient - b.ambient)
            for a, b in zip(*contacts, strict=True):
                if a.resistance != b.resistance:
                    by = heat.by_resistance(self.heated.operator, d.heat, a)
                    total[n] += by * (a.resistance - b.resistance)
        if _moved(plus, minus) or not _alike(plus.sources, minus.sources):
            total += self._warmed(plus) - self._warmed(minus)
        return total

    def _warmed(self, variant: Variant) -> Array:
        """Return the heat of every voxel times the adjoint temperature."""
        total = np.zeros(len(self.derivatives))
        grid = variant.grid(self.model.grid)
        for source in variant.sources:
            if not np.any(source.watts):
                continue
            window = self._window(source.part)
            if window is None:
                continue
            q = heat_load(_cut(self.model, grid, window), [source])
            for n, d in enumerate(self.derivatives):
                if d.warmth is not None:
                    total[n] += float(np.vdot(d.warmth[window], q))
        return total

    def _window(self, part: str) -> tuple[slice, slice, slice] | None:
        """Return the box of cells [k, j, i] that a part's voxels lie in."""
        own = rows(self.model, part)[self.model.ids]
        spans = []
        for n in range(3):
            others = tuple({0, 1, 2} - {n})
            at = np.flatnonzero(own.any(axis=others))
            if not len(at):
                return None
            spans.append(slice(int(at[0]), int(at[-1]) + 1))
        return spans[0], spans[1], spans[2]


def explicit(
    solved: Solved,
    measure: Measure,
    plus: Variant,
    minus: Variant,
    edges: EdgeForces | None,
    *,
    flat: bool,
) -> float:
    """Return the change of a metric itself, at the solved fields; NaN where a variant has none.

    edges: as in `Derivatives`. flat: by displacements; heights do not depend on z.
    """
    zoned = plus.zones != minus.zones
    parted = solved.ambient is not None and plus.ambient is None
    heated = parted or (plus.power, plus.ambient) != (minus.power, minus.ambient)
    axes = (0, 1) if flat and edges is None else (0, 1, 2)
    if not (zoned or (heated and not flat) or _moved(plus, minus, axes)):
        return 0.0
    try:
        above, below = (measure.value(_seen(solved, v, edges)) for v in (plus, minus))
    except WarpError:  # a resistance to the surroundings, once these differ
        return float("nan")
    return above - below


def _seen(solved: Solved, variant: Variant, edges: EdgeForces | None) -> Solved:
    """Return the solved fields on the grid of a variant, as its case measures them."""
    model = solved.model
    assert isinstance(model, VoxelModel)
    grid, stress = variant.grid(model.grid), solved.stress
    if edges is not None and stress is not None:
        stress = edges.stress(stress, grid)
    found = replace(
        solved,
        model=replace(model, grid=grid),
        stress=stress,
        zones=variant.zones,
        power=variant.power,
        ambient=variant.ambient,
    )
    vars(found)["faces"] = solved.faces  # ids are the same
    return found


def _moved(plus: Variant, minus: Variant, axes: Sequence[int] = (0, 1, 2)) -> bool:
    """Tell whether grid lines differ along some axes."""
    return any((plus.lines[axis] != minus.lines[axis]).any() for axis in axes)


def _alike(one: Sequence[Source], other: Sequence[Source]) -> bool:
    """Tell whether heat sources are the same."""
    return len(one) == len(other) and all(
        all(_equal(getattr(a, name), getattr(b, name)) for name in vars(a))
        for a, b in zip(one, other, strict=True)
    )


def _equal(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b)) if isinstance(a, np.ndarray) else a == b


def _cut(model: VoxelModel, grid: Grid, window: tuple[slice, slice, slice]) -> VoxelModel:
    """Return the voxels of a box."""
    z, y, x = window
    lines = [line[s.start : s.stop + 1] for line, s in ((grid.x, x), (grid.y, y), (grid.z, z))]
    cut = Grid(lines[0], lines[1], lines[2], grid.mirror)
    return VoxelModel(cut, model.ids[window], model.media, model.parts)
