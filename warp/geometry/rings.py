"""Rings, wedges and blocks as boxes: a frame is four, interrupted where it has gaps; a fillet is nested rings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from warp.errors import Fault, Key
from warp.geometry.part import Blocks, Fillet, Frame, Gap, Lid
from warp.geometry.shapes import Box, Prism
from warp.geometry.stacking import LEVEL, Outline, Place

SIDES = ("x-", "x+", "y-", "y+")
TURNED = {"x+": "y+", "y+": "x-", "x-": "y-", "y-": "x+"}  # counter-clockwise by a quarter
Spans = list[tuple[float, float]]


def ring(
    outer: Outline,
    inner: Outline,
    z0: float,
    z1: float,
    gaps: Mapping[str, Spans] | None = None,
    cut: float = 0.0,
) -> Iterator[Box | Prism]:
    """Four boxes: the x limbs over the whole depth, the y limbs between them; interrupted by gaps, corners cut off."""
    x0, x1, y0, y1 = outer.bounds
    a0, a1, b0, b1 = inner.bounds
    gaps = gaps or {}
    for low, high in _without(y0, y1, gaps.get("x-", [])):
        yield without_corners(Box(x0, a0, low, high, z0, z1), outer, cut)
    for low, high in _without(y0, y1, gaps.get("x+", [])):
        yield without_corners(Box(a1, x1, low, high, z0, z1), outer, cut)
    for low, high in _without(a0, a1, gaps.get("y-", [])):
        yield Box(low, high, y0, b0, z0, z1)
    for low, high in _without(a0, a1, gaps.get("y+", [])):
        yield Box(low, high, b1, y1, z0, z1)


def without_corners(box: Box, outer: Outline, cut: float) -> Box | Prism:
    """The box less the corners that it shares with the outline, cut off at 45 degrees over this length."""
    x0, x1, y0, y1 = outer.bounds
    corners: list[tuple[float, float]] = []
    for x, y, u, v in (
        (box.x0, box.y0, 0, 1),
        (box.x1, box.y0, -1, 0),
        (box.x1, box.y1, 0, -1),
        (box.x0, box.y1, 1, 0),
    ):
        shared = min(abs(x - x0), abs(x - x1)) < LEVEL and min(abs(y - y0), abs(y - y1)) < LEVEL
        if cut > 0.0 and shared:
            # Counter-clockwise: along the side that leads to the corner, and the one that leads away from it.
            corners += [(x + cut * u, y + cut * v), (x + cut * v, y - cut * u)]
        else:
            corners.append((x, y))
    return box if len(corners) == 4 else Prism(np.array(corners), box.z0, box.z1)


def check_cut(cut: float, width: float, key: Key) -> None:
    """A cut corner stays within the ring's limbs."""
    if cut > width + LEVEL:
        raise Fault(
            (*key, "corner_cut"),
            f"is more than the limbs are wide ({width * 1e3:.6g} mm): it would open the ring",
        )


def _without(start: float, end: float, gaps: Spans) -> Iterator[tuple[float, float]]:
    """What gaps leave of a range."""
    for low, high in sorted(gaps):
        if low - start > LEVEL:
            yield start, low
        start = max(start, high)
    if end - start > LEVEL:
        yield start, end


def gaps(part: Frame | Lid, wanted: tuple[Gap, ...], inner: Outline, key: Key) -> dict[str, Spans]:
    """Ranges along each side of a ring that are open, in absolute coordinates; a turned part's sides turn with it."""
    found: dict[str, Spans] = {}
    for number, gap in enumerate(wanted):
        for side in SIDES if gap.side == "all" else (gap.side,):
            at = gap.at
            for _ in range(part.turn // 90):  # (x, y) becomes (-y, x)
                at = -at if side[0] == "x" else at
                side = TURNED[side]
            along_x = side[0] == "y"
            middle = (inner.x if along_x else inner.y) + at
            span = middle - gap.width / 2, middle + gap.width / 2
            low, high = inner.bounds[:2] if along_x else inner.bounds[2:]
            if span[0] < low - LEVEL or span[1] > high + LEVEL:
                raise Fault(
                    (*key, number),
                    f"reaches into the corner: the opening is {(high - low) * 1e3:.6g} mm long on side {gap.side!r}",
                )
            found.setdefault(side, []).append(span)
    return found


def frame_opening(
    name: str, frame: Frame, outline: Outline, places: Mapping[str, Place]
) -> Outline:
    key: Key = ("part", name)
    turned = frame.turn in (90, 270)
    beside = places.get(frame.around or "")
    around = beside.outline.grown(frame.clearance) if beside else None
    if frame.opening and frame.width:
        raise Fault((*key, "opening"), "follows from size and width: keep two of the three")
    if frame.opening:
        width, depth = frame.opening[::-1] if turned else frame.opening
    elif frame.width:
        wx, wy = frame.width[::-1] if turned and frame.size is not None else frame.width
        width, depth = outline.width - 2 * wx, outline.depth - 2 * wy
    elif around:
        width, depth = around.width, around.depth
    else:
        raise Fault(key, 'a frame needs a width (or opening, or around): add width = "3 mm"')
    blame = (*key, "opening" if frame.opening else "width" if frame.width else "around")
    if width <= 0 or depth <= 0:
        raise Fault(
            blame, f"closes the opening ({mm(width, depth)}): make it narrower, or use a plate"
        )
    if width > outline.width - LEVEL or depth > outline.depth - LEVEL:
        sizes = f"outside {mm(outline.width, outline.depth)}, opening {mm(width, depth)}"
        raise Fault(blame, f"leaves nothing of the ring: {sizes}")
    if around and (width < around.width - LEVEL or depth < around.depth - LEVEL):
        sizes = f"the opening {mm(width, depth)} must hold {mm(around.width, around.depth)}"
        raise Fault(blame, f"cuts into {frame.around!r}: {sizes}")
    return Outline(outline.x, outline.y, width, depth)


def lid_opening(name: str, lid: Lid, outline: Outline) -> Outline:
    wx, wy = (
        lid.foot_width[::-1]
        if lid.turn in (90, 270) and not isinstance(lid.size, str)
        else lid.foot_width
    )
    inner = outline.grown(-wx, -wy)
    if inner.width <= 0 or inner.depth <= 0:
        raise Fault(
            ("part", name, "foot_width"),
            f"leaves no cavity in a lid of {mm(outline.width, outline.depth)}",
        )
    return inner


def fillet(fillet: Fillet, outline: Outline, z0: float) -> Iterator[Box | Prism]:
    """Nested rings of equal width, each as high as the wedge in its middle: the wedge's cross-section is kept."""
    step = fillet.width / fillet.steps
    for number in range(fillet.steps):
        outer = outline.grown(-number * step)
        height = fillet.height * (number + 0.5) / fillet.steps
        yield from ring(outer, outer.grown(-step), z0, z0 + height)


def blocks(blocks: Blocks, outline: Outline, z0: float, z1: float) -> Iterator[Box]:
    width, depth = blocks.size[::-1] if blocks.turn in (90, 270) else blocks.size
    for x, y in turned(np.array(blocks.sites), blocks.turn // 90) + [outline.x, outline.y]:
        yield box(Outline(float(x), float(y), width, depth), z0, z1)


def box(outline: Outline, z0: float, z1: float) -> Box:
    return Box(*outline.bounds, z0, z1)


def turned(points: np.ndarray, quarters: int) -> np.ndarray:
    """Turn points (n, 2) counter-clockwise about the origin."""
    for _ in range(quarters):
        points = np.stack([-points[:, 1], points[:, 0]], axis=1)
    return points


def mm(width: float, depth: float) -> str:
    return f"{width * 1e3:.6g} x {depth * 1e3:.6g} mm"
