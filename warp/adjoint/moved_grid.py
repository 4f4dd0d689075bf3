"""The grid of a solved case, moved with the boundaries of its parts.

Lines that lie on a boundary of a part move with it, and the lines between them in proportion. Two
parts that end on one line cannot leave it alone: the voxels between them would be of either part,
according to the sign of the change, so that the slope has a kink there.

An effective layer of bumps ends where its outermost sites end. On the side of another part it stays
on it, with the density that the pitch gives; alone on its line it moves as its sites do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from warp.case.case import Case
from warp.geometry.bump_array import BumpArray
from warp.geometry.shapes import Body
from warp.materials.material import Medium
from warp.run.grids import shaped
from warp.voxels.grid import SAME, Grid

Array = np.ndarray
Lines = tuple[Array, Array, Array]
FOLLOWS = 1e-3
"""Share of the largest move by which a boundary may part from its grid line: round-off only."""
SHRUNK = " shrunk by "
"""In the names of materials that have cured (case/stages)."""
IN_STEPS = "changes the number of members, in steps"


class Unchangeable(Exception):
    """An input without a derivative; its text says why, for a table.

    parts: those whose boundaries or voxels cannot be told apart.
    """

    def __init__(self, reason: str, *parts: str) -> None:
        super().__init__(reason)
        self.parts = parts


@dataclass(frozen=True)
class Yielding:
    """Names of boundaries that may leave their line where a part lies on it, too.

    jumping: those whose sites change in number, so that they cannot move alone.
    """

    names: Collection[str] = ()
    jumping: Collection[str] = ()


def renamed(before: Mapping[str, Medium], after: Mapping[str, Medium]) -> dict[str, str]:
    """Return the names after by those before; those of cured materials say how much they shrank."""
    names = dict(zip(before, after, strict=False))
    alike = all(a == b or SHRUNK in a for a, b in names.items())
    if len(before) != len(after) or not alike:
        raise Unchangeable("changes which materials there are")
    return names


def bodies(before: Case, after: Case) -> list[tuple[Body, Body]]:
    """Pair the bodies of two cases; Unchangeable if they do not correspond."""
    names = renamed(before.assembly.media, after.assembly.media)
    pairs = list(zip(before.bodies(), after.bodies(), strict=False))
    alike = len(before.bodies()) == len(after.bodies()) and all(
        a.part == b.part
        and (names.get(a.material) if a.material else a.material) == b.material
        and len(a.shapes) == len(b.shapes)
        for a, b in pairs
    )
    if not alike:
        raise Unchangeable("changes how many solids there are")
    return pairs


def moved_grid(grid: Grid, before: Case, after: Case) -> tuple[Lines, str]:
    """Return the grid's lines, moved with the boundaries of parts, heat sources and cuts.

    Beside them a sentence about the layers of bumps that follow another part, "" without one.
    """
    boxes = [
        (a.part, s.snaps(), t.snaps())
        for a, b in bodies(before, after)
        for s, t in zip(a.shapes, b.shapes, strict=True)
    ]
    features = shaped(before), shaped(after)
    if len(features[0]) != len(features[1]):
        raise Unchangeable("changes how many rectangles of heat there are")
    heated = [("", _sides(f.bounds), _sides(h.bounds)) for f, h in zip(*features, strict=True)]
    layers = _layers(before)
    boxes = heated + boxes + _cuts(before, after)  # lines follow parts where both have one
    moved, followers = [], set()
    for axis, lines in enumerate((grid.x, grid.y, grid.z)):
        old = [snaps[axis] for _, snaps, _ in boxes]
        new = [snaps[axis] for _, _, snaps in boxes]
        if any(len(a) != len(b) for a, b in zip(old, new, strict=True)):
            raise Unchangeable("changes how many boundaries there are")
        owners = [name for (name, *_), a in zip(boxes, old, strict=True) for _ in a]
        mirrored = axis < 2 and grid.mirror[axis]
        joined = np.concatenate(old), np.concatenate(new)
        may = _yielding(layers, before, after, axis) if axis < 2 else None
        own_lines, left = moved_lines(lines, *joined, owners, mirrored, may)
        moved.append(own_lines)
        followers |= left
    return (moved[0], moved[1], moved[2]), _follow(sorted(followers))


def _follow(names: Sequence[str]) -> str:
    """Say which layers of bumps follow another part."""
    quoted = ", ".join(repr(name) for name in names)
    return f"{quoted} ends on a side of another part and stays on it" if names else ""


def _layers(case: Case) -> set[str]:
    """Return the effective layers of bumps."""
    return {
        name
        for name, part in case.parts.items()
        if isinstance(part, BumpArray) and part.model == "effective"
    }


def _yielding(layers: Collection[str], before: Case, after: Case, axis: int) -> Yielding:
    """Return the layers of bumps; those jump whose sites change in number along an axis."""
    jumping = set()
    for name in layers:
        old, new = before.package.sites[name], after.package.sites[name]
        depopulated = old[:2] == new[:2] and old != new
        if old[axis] != new[axis] or depopulated:
            jumping.add(name)
    return Yielding(layers, jumping)


def _cuts(before: Case, after: Case) -> list[tuple[str, Lines, Lines]]:
    """Return the sides of the units that a process cuts out."""
    units = [
        (one.stage.unit, other.stage.unit)
        for one, other in zip(before.load_steps, after.load_steps, strict=False)
        if one.stage.unit is not None and other.stage.unit is not None
    ]
    return [("a cut", _around(one), _around(other)) for one, other in dict.fromkeys(units)]


def _around(unit: Sequence[float]) -> Lines:
    """Return the sides x0, x1, y0, y1 of a rectangle."""
    return np.array(unit[:2]), np.array(unit[2:]), np.zeros(0)


def moved_lines(
    lines: Array,
    before: Array,
    after: Array,
    owners: Sequence[str],
    mirrored: bool,
    yielding: Yielding | None = None,
) -> tuple[Array, set[str]]:
    """Move grid lines with the boundaries on them, and those between in proportion.

    before, after: coordinates of boundaries of `owners`, "" for those that may leave their line:
    heat is spread over voxels wherever it ends. mirrored: the first line stays, and boundaries
    beyond it follow from their images. Returns the names of those `yielding` that follow a part.
    """
    yielding = yielding or Yielding()
    move = after - before
    inside = (before > lines[0] - SAME) & (before < lines[-1] + SAME)
    before, move = before[inside], move[inside]
    owners = [name for name, here in zip(owners, inside, strict=True) if here]
    nearest = np.abs(lines[:, None] - before[None, :]).argmin(axis=0)
    on = np.abs(lines[nearest] - before) <= SAME
    soft = np.array([name in yielding.names for name in owners], bool)
    firm = np.array([bool(name) for name in owners], bool) & ~soft
    led = soft & on & np.isin(nearest, nearest[on & firm])
    largest = float(np.abs(move[~led]).max(initial=0.0))
    anchors = np.full(len(lines), np.nan)
    anchors[nearest[on & ~led]] = move[on & ~led]
    if mirrored:
        anchors[0] = 0.0
    for n in np.flatnonzero(soft & ~led & (move != 0)):
        if owners[n] in yielding.jumping:
            raise Unchangeable(IN_STEPS)
    left = {owners[n] for n in np.flatnonzero(led) if anchors[nearest[n]] != move[n]}
    if largest == 0.0:
        return lines, left
    known = np.isfinite(anchors)
    shift = np.interp(lines, lines[known], anchors[known])
    rest = np.abs(np.interp(before, lines, shift) - move)
    rest[~(firm | soft) | led] = 0.0
    apart = rest > FOLLOWS * largest
    if apart.any():
        raise _reason(before, move, owners, int(rest.argmax()))
    return lines + shift, left


def _reason(before: Array, move: Array, owners: Sequence[str], n: int) -> Unchangeable:
    """Say why boundary n does not follow its line."""
    here = np.abs(before - before[n]) <= SAME
    others = [owners[int(m)] for m in np.flatnonzero(here & (move != move[n])) if owners[int(m)]]
    if others:
        one, other = owners[n], others[0]
        if one == other:
            return Unchangeable(f"splits a grid line inside {one!r}")
        text = f"parts boundaries of {one!r} and {other!r} that share a grid line, a kink"
        return Unchangeable(text, one, other)
    return Unchangeable(f"moves a boundary of {owners[n]!r} that has no grid line of its own")


def _sides(bounds: Sequence[float]) -> Lines:
    x0, x1, y0, y1, z0, z1 = bounds
    return np.array([x0, x1]), np.array([y0, y1]), np.array([z0, z1])
