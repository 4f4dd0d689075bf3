"""Variants of a solved case: changed inputs on the same voxels.

A variant says what an input changes: media rows, stress-free temperatures, grid lines, boundaries,
heat sources, measuring zones and the load temperature. Voxel ids stay; grid lines move with the
parts (`moved_grid`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol, TypeVar

import numpy as np

from warp.adjoint.moved_grid import Lines, Unchangeable, bodies, moved_grid, renamed
from warp.adjoint.substitution import inside, same, substituted
from warp.case.case import Case, Zone
from warp.geometry.package import Mixture
from warp.geometry.shapes import Body, Sheet
from warp.materials.material import Material, Medium, Phase, constituents
from warp.materials.mixing import mix
from warp.run.numbers import ambient, powers
from warp.voxels.boundary import Boundary, Source
from warp.voxels.grid import Grid
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
Law = Literal["stiffness", "strain", "conductivity"]
EVERY: frozenset[Law] = frozenset({"stiffness", "strain", "conductivity"})


@dataclass(frozen=True, eq=False)
class Variant:
    """A solved case with changed inputs.

    rows: the media that differ from the solved ones, in `laws` only. before, duration: of a solve
    of a process, the temperature in K from which it goes to `temperature`, and the time in s.
    """

    rows: Mapping[int, Medium]
    laws: frozenset[Law]
    stress_free: Array
    lines: Lines
    boundaries: Sequence[Boundary]
    sources: Sequence[Source]
    zones: Mapping[tuple[str, str], Zone]
    temperature: float | None
    before: float | None = None
    duration: float = 0.0
    beside: str = ""
    """A sentence about what moves with the input."""

    @property
    def power(self) -> dict[str, float]:
        """Return the heat of each part in W."""
        return powers(self.sources)

    @property
    def ambient(self) -> float | None:
        """Return the temperature of all surroundings in K, None if they differ."""
        return ambient(self.boundaries)

    def grid(self, base: Grid) -> Grid:
        """Return the grid with its lines moved."""
        x, y, z = self.lines
        return replace(base, x=x, y=y, z=z)


class Varied(Protocol):
    """A variant of a case or of a process."""

    @property
    def beside(self) -> str:
        """Return a sentence about what moves with the input."""


V = TypeVar("V", bound=Varied)
Asked = TypeVar("Asked", contravariant=True)
Made = TypeVar("Made", covariant=True)


class Changeable(Protocol[Made]):
    """What inputs are changed in: a solved case, or a process."""

    @property
    def case(self) -> Case: ...

    @property
    def media(self) -> Sequence[Medium | None]: ...

    @property
    def unchanged(self) -> Made: ...

    def with_material(self, old: Material, new: Material, laws: frozenset[Law]) -> Made:
        """Return it with one material replaced."""

    def with_case(self, changed: Case) -> Made:
        """Return it with changed tables."""

    def with_shares(self, shares: Mapping[str, float]) -> Made:
        """Return it with changed shares of copper in regions of layers, by their recipes."""


@dataclass(frozen=True, eq=False)
class Base:
    """A solved case and its voxels, from which variants are made."""

    case: Case
    model: VoxelModel

    @property
    def media(self) -> Sequence[Medium | None]:
        """Return the media of all rows."""
        return self.model.media.materials

    @cached_property
    def _phases(self) -> set[tuple[int, float]]:
        """Return the media, by id, and stress-free temperatures of the phases in mixed voxels."""
        return {
            (id(one.medium), one.since)
            for medium in self.media
            for one in inside(medium)
            if isinstance(one, Phase)
        }

    @cached_property
    def unchanged(self) -> Variant:
        """Return the solved case itself."""
        case, g = self.case, self.model.grid
        lines = (g.x, g.y, g.z)
        return Variant(
            {},
            frozenset(),
            self.model.media.stress_free,
            lines,
            case.boundaries,
            case.sources,
            case.zones,
            case.loads.temperature,
        )

    def with_material(self, old: Material, new: Material, laws: frozenset[Law]) -> Variant:
        """Return the case with one material replaced wherever it occurs; laws: those that differ.

        A mixture's strain follows from its stiffness, too.
        """
        media = {id(old): new} | {
            id(one): new for one in self._own if one is not old and same(one, old)
        }
        return replace(self.unchanged, rows=self._rows(media, {}), laws=laws)

    def with_shares(self, shares: Mapping[str, float]) -> Variant:
        """Return the case with changed shares of copper in regions of layers.

        shares: by the recipes of the regions. Those of parts that are not there count for nothing.
        """
        media = self.case.assembly.media
        changed: dict[int, Medium] = {}
        for name, share in shares.items():
            recipe = self.case.package.recipes.get(name)
            if isinstance(recipe, Mixture):
                two = [media[part] for part in recipe.of]
                changed[id(media[name])] = mix(two, [share, 1.0 - share], recipe.rule, name)
        memo: dict[int, Medium] = {}
        rows: dict[int, Medium] = {}
        for row in sorted({row for one in changed for row in self._containing.get(one, ())}):
            solved = self.media[row]
            assert solved is not None
            rows[row] = substituted(solved, changed, {}, memo)
        return replace(self.unchanged, rows=rows, laws=EVERY)

    @cached_property
    def _containing(self) -> dict[int, list[int]]:
        """Return the rows whose medium contains each medium, by id."""
        found: dict[int, list[int]] = {}
        for row, medium in enumerate(self.media):
            for one in inside(medium):
                found.setdefault(id(one), []).append(row)
        return found

    @cached_property
    def _own(self) -> list[Material]:
        """Return the materials that the media are made of."""
        found = [m for medium in self.media if medium is not None for _, m in constituents(medium)]
        return list({id(material): material for material in found}.values())

    def with_case(self, changed: Case) -> Variant:
        """Return the case with changed tables; Unchangeable if the voxels would be others."""
        lines, beside = moved_grid(self.model.grid, self.case, changed)
        return replace(self.with_media(changed), lines=lines, beside=beside)

    def with_media(self, changed: Case) -> Variant:
        """Return the case with changed tables on the grid as it is."""
        case = self.case
        before, after = case.assembly.media, changed.assembly.media
        names = renamed(before, after)
        media = {
            id(medium): after[names[name]]
            for name, medium in before.items()
            if not same(medium, after[names[name]])
        }
        return Variant(
            self._rows(media, self._starts(changed)),
            EVERY,
            self._stress_free(changed),
            self.unchanged.lines,
            changed.boundaries,
            changed.sources,
            changed.zones,
            changed.loads.temperature,
        )

    def _rows(
        self, media: Mapping[int, Medium], starts: Mapping[tuple[int, float], float]
    ) -> dict[int, Medium]:
        """Return the rows whose medium contains a changed one, rebuilt."""
        memo: dict[int, Medium] = {}
        found = {}
        for row, medium in enumerate(self.model.media.materials):
            if medium is not None:
                made = substituted(medium, media, starts, memo)
                if made is not medium:
                    found[row] = made
        return found

    def _starts(self, changed: Case) -> dict[tuple[int, float], float]:
        """Return the changed stress-free temperatures by medium and the one before."""
        found: dict[tuple[int, float], float] = {}
        for old, new in bodies(self.case, changed):
            was, now = (
                old.free_at(self.case.loads.stress_free),
                new.free_at(changed.loads.stress_free),
            )
            for name in _materials(old):
                key = id(self.case.assembly.media[name]), was
                if key in self._phases and found.setdefault(key, now) != now:
                    raise Unchangeable(
                        f"voxels that {old.part!r} shares with others cannot tell it from them",
                        old.part,
                    )
        return {key: now for key, now in found.items() if key[1] != now}

    def _stress_free(self, changed: Case) -> Array:
        """Return the stress-free temperatures of the rows."""
        found = self.model.media.stress_free.copy()
        parts = self.model.parts
        for old, new in bodies(self.case, changed):
            was, now = (
                old.free_at(self.case.loads.stress_free),
                new.free_at(changed.loads.stress_free),
            )
            if was != now:
                media = self.model.media
                mine = (media.part == parts.index(old.part)) & (media.stress_free == was)
                found[mine] = now
        return found


def _materials(body: Body) -> list[str]:
    """Return the names of the materials of a body."""
    sheets = [name for s in body.shapes if isinstance(s, Sheet) for name in s.materials]
    return sheets or ([] if body.material is None else [body.material])
