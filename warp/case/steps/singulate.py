"""Singulate: a rectangle or a field between cut lines remains, and the rest springs back.

A kerf is lost half on either side of a cut line; the edge of the whole is not sawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from warp.case.process import Process
from warp.case.singulation import extent, meets, spans_plane
from warp.case.stage import LoadStep
from warp.case.step import Step
from warp.errors import Fault, Key
from warp.geometry.place import LEVEL, mm
from warp.geometry.section import Pair, Point, Thickness
from warp.units import NOT_NEGATIVE, Length


class Singulate(Step):
    """One unit remains: a rectangle about `at`, or the field between cut lines around `at`."""

    do: Literal["singulate"]
    size: Pair | None = None
    """Extents of the rectangle that remains."""
    at: Point = (0.0, 0.0)
    """Its centre, or any place within it, from the centre of the whole."""
    x: Annotated[tuple[Length, ...], Field(examples=[["-7 mm", "7 mm"]])] = ()
    """Cut lines x = const."""
    y: Annotated[tuple[Length, ...], Field(examples=[["-7 mm", "7 mm"]])] = ()
    """Cut lines y = const."""
    kerf: Annotated[Length, NOT_NEGATIVE] = 0.0
    """Width of the saw: half of it is lost on either side of a cut line."""
    unit: str = "unit"
    """Name of the piece that remains."""
    spacing: Thickness | None = None
    """Cells of the unit in plane from now on, at most; by default those that the whole has there. A
    panel needs cells of millimetres, its unit some tens of cells across."""

    @property
    def label(self) -> str:
        """Return the name of the step in tables."""
        return f"singulate {self.unit}"

    def plan(self, process: Process, key: Key) -> Iterator[LoadStep]:
        """Keep one rectangle of the body and the parts that reach into it."""
        whole = process.stage.unit or extent(process.setting.places)
        x0, x1 = self._remaining(0, whole[0:2], process, key)
        y0, y1 = self._remaining(1, whole[2:4], process, key)
        unit = x0, x1, y0, y1
        before, places = process.stage.present, process.setting.places
        present = tuple(name for name in before if meets(places[name], unit))
        if not any(name in present for name in process.setting.solids):
            raise Fault(key, "leaves nothing: no part lies there")
        process.refuse_loss(set(before) - set(present), key)
        spacing = self._spacing(process, key)
        process.stage = replace(
            process.stage, present=present, unit=unit, unit_name=self.unit, unit_spacing=spacing
        )
        yield process.load_step(self.duration)

    def _spacing(self, process: Process, key: Key) -> float | None:
        """Return the largest cells of what remains; Fault for a grid that is changed twice."""
        before = process.stage.unit_spacing
        if self.spacing is not None and before is not None and self.spacing != before:
            message = f"the unit has cells of {mm(before)} since an earlier cut: leave it out"
            raise Fault((*key, "spacing"), message)
        return before if self.spacing is None else self.spacing

    def _remaining(
        self, axis: int, whole: tuple[float, ...], process: Process, key: Key
    ) -> tuple[float, float]:
        """Return what remains along an axis; Fault where its mirror image does not remain."""
        low, high = self._span(axis, whole, key)
        cut = low > whole[0] + LEVEL or high < whole[1] - LEVEL
        if process.setting.mirror[axis] and spans_plane(process.stage.unit, axis) and cut:
            word = "xy"[axis]
            if high < LEVEL:
                message = f"lies on the mirrored side of {word} = 0: take its twin at +{word}"
                raise Fault((*key, "at"), message)
            if low < -LEVEL and abs(low + high) > LEVEL:
                other = f"use another symmetry than {process.setting.symmetry!r}"
                remedy = f"centre it there, move it to one side, or {other}"
                message = f"the unit is not its own image in {word} = 0: {remedy}"
                raise Fault(key, message)
        return low, high

    def _span(self, axis: int, whole: tuple[float, ...], key: Key) -> tuple[float, float]:
        """Return what remains along an axis, within the whole."""
        word, lines = "xy"[axis], (self.x, self.y)[axis]
        there = f"what is there ({mm(whole[0])} to {mm(whole[1])} in {word})"
        if self.size is not None:
            if self.x or self.y:
                raise Fault((*key, "size"), "stands beside cut lines: keep one")
            middle, half = self.at[axis], self.size[axis] / 2
            low, high = middle - half, middle + half
            if low < whole[0] - LEVEL or high > whole[1] + LEVEL:
                raise Fault((*key, "size"), f"reaches beyond {there}")
            return low, high
        if not (self.x or self.y):
            remedy = 'add size = ["14 mm", "14 mm"], or cut lines x = ["-7 mm", "7 mm"] and y'
            raise Fault(key, f"says not what remains: {remedy}")
        cuts = sorted(lines)
        if any(not whole[0] < line < whole[1] for line in cuts):
            limits = f"({mm(whole[0])} to {mm(whole[1])})"
            raise Fault((*key, word), f"a cut lies beside what is there {limits}")
        ends = [whole[0], *cuts, whole[1]]
        for n, (a, b) in enumerate(pairwise(ends)):
            if a - LEVEL <= self.at[axis] < b - LEVEL:
                low = a + (self.kerf / 2 if n > 0 else 0.0)
                high = b - (self.kerf / 2 if n < len(cuts) else 0.0)
                if not low < self.at[axis] < high:
                    raise Fault((*key, "at"), f"lies on a cut of {word}")
                return low, high
        raise Fault((*key, "at"), f"lies outside {there}")
