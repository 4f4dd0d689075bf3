"""Say what is possible but looks wrong, and where the numbers stop being right.

- Parts that overlap without one lying within the other: the later one takes the space.
- Heat sources, and units after a cut, that the grid, by its settings, is too coarse for.
- Surfaces that count the shape of a bent body that their part joined.
- Materials at temperatures that their sources do not cover (`temperature_range`). A property is
  constant beyond the ends of its table, so the numbers stay finite, but nobody has measured them.
- Glass transitions that a case crosses by a law that does not suit (`law_warnings`).
- Warpage beyond linear theory, which bends a plate without stretching it. A plate whose sag is not
  small against its height h stiffens as it bends. For a disc of radius R, L. B. Freund (J. Mech.
  Phys. Solids 48 (2000) 1159) takes the linear and the true curvature as S and K, both times
  R^2 / (4 h), S = K (1 + (1 - nu) K^2); the sag of linear theory is 2 S h. It is 6 % too large at
  S = 1/4, a linear sag of h / 2 and a true one of 0.47 h, for a disc as for a square, whose sag is
  that of the middle of an edge. A disc rolls up as a cylinder at S = 1.43 (a true sag of 1.65 h), a
  square at a linear sag of 2.45 h (a true one of 1.39 h); both for nu = 0.28, from the plate
  equations of Foppl and von Karman with a free edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from warp.case.case import Case
from warp.case.plates import plates
from warp.case.steps.attach import Attach
from warp.case.steps.cure import Cure
from warp.geometry.place import mm
from warp.geometry.shapes import Box
from warp.materials.material import Material, constituents
from warp.run import array_remarks
from warp.run.flat_parts import melts
from warp.run.flexibility import bend_over_height
from warp.run.grids import common_grid, extents, stage_grid
from warp.run.law_warnings import glass_kept, laws_apart, uses
from warp.run.model import ever_together
from warp.run.single_layers import single_layers
from warp.units import ZERO_CELSIUS
from warp.voxels.features import FEWEST, unresolved
from warp.voxels.grid import Grid
from warp.voxels.supports import Clamp

SAME_LENGTH = 1e-9  # m
SAME_TEMPERATURE = 0.5  # K
SMALL = 0.5  # linear sag / h: linear theory is 6 % too high (S = 1/4)
ROLLS = 2.45  # linear sag / h: a square plate rolls up; a disc at 2.87
STEEP = 0.2  # slope from which moderate rotations are off by 4 %
ACROSS = 16
"""Cells across a unit that show its warpage to some per cent."""
TAKEN = 0.1
"""Share of a surface's warpage that was there when its part joined, from which it is told."""
VISIBLE = 1.0
"""Warpage in um that is worth a sentence."""
Surfaces = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""The numbers of measured surfaces by part and side, as `metrics` has them."""


def of_numbers(case: Case, numbers: Mapping[str, Any]) -> list[str]:
    """Return every warning about the numbers of a result: those of its numbers come first."""
    steps = numbers.get("steps", [])
    if steps:
        beyond = steps_beyond_linear_theory(steps)
    elif followed(numbers):
        beyond = []
    else:
        beyond = beyond_linear_theory(numbers["surfaces"], case.height)
    beyond += beyond_moderate_rotations(steps or [numbers])
    beyond += rolled_up_in_a_quarter(sum(case.mirror), steps or [numbers])
    fields = [found.get("temperature") or {} for found in steps or [numbers]]
    grid = common_grid(case)
    of_the_case = [
        *narrow_sources(case, grid),
        *array_remarks.openings(case),
        *case.remarks(),
        *glass_kept(case),
        *laws_apart(case),
        *outside_temperature_range(case, fields),
    ]
    of_the_grid = [*single_layers(case, grid), *coarse_units(case, grid)]
    return [*beyond, *shapes_taken(case, steps), *of_the_grid, *of_the_case]


def narrow_sources(case: Case, grid: Grid) -> list[str]:
    """List the parts with a heat source that too few cells of a grid cross, one sentence each."""
    found = unresolved(case.sources, extents(case), grid.x, grid.y)
    return [
        f"power of part '{part}': a source of {mm(width)} meets cells of {mm(cell)}, "
        f"fewer than {FEWEST} across: it comes out too cool; take a finer grid"
        for part, (width, cell) in found.items()
    ]


def coarse_units(case: Case, grid: Grid) -> list[str]:
    """List the cuts of a process that leave a unit of too few cells, one sentence each.

    The grid is one for all steps, and what suits a panel may be coarse for its units.
    """
    steps = {s.stage.unit: s for s in reversed(case.load_steps) if s.stage.unit is not None}
    found = []
    for step in reversed(steps.values()):
        piece = stage_grid(case, grid, step.stage)
        counts = [
            len(widths) * (1 + mirrored)
            for widths, mirrored in zip((piece.dx, piece.dy), piece.mirror, strict=True)
        ]
        if min(counts) < ACROSS:
            found.append(
                f"step {step.step + 1} ({step.name}) leaves a unit of {counts[0]} x {counts[1]} "
                f"cells: fewer than {ACROSS} across do not show its warpage; give the step a "
                f'spacing = "{mm(_across(piece))}"'
            )
    return found


def _across(piece: Grid) -> float:
    """Return the width of cells that divides the shorter side of a unit into enough."""
    sides = (
        (1 + mirrored) * float(lines[-1] - lines[0])
        for lines, mirrored in zip((piece.x, piece.y), piece.mirror, strict=True)
    )
    return float(f"{min(sides) / (2 * ACROSS):.1g}")


def overlaps(case: Case) -> list[str]:
    """List the parts that overlap in plane, neither lying within the other, and by how much.

    One within the other is intended: a chip in mould compound, bumps in underfill.
    """
    boxes = {
        body.part: np.array([shape.bounds for shape in body.shapes if isinstance(shape, Box)])
        for body in case.bodies()
    }
    solid = [
        body.part for body in case.bodies() if body.material is not None and len(boxes[body.part])
    ]
    found = []
    for one, other in combinations(dict.fromkeys(solid), 2):
        a, b = boxes[one].reshape(-1, 1, 3, 2), boxes[other].reshape(1, -1, 3, 2)
        common = np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0])
        planes = np.minimum(np.diff(a)[..., :2, 0], np.diff(b)[..., :2, 0])
        touching = (common > SAME_LENGTH).all(-1)
        across = touching & (common[..., :2] < planes - SAME_LENGTH).any(-1)
        if across.any() and ever_together(case, one, other):
            size = mm(*common[across].max(0))
            found.append(f"'{other}' runs {size} into '{one}' and takes the space")
    return found


def outside_temperature_range(
    case: Case, solved: Sequence[Mapping[str, Mapping[str, float]]] = ()
) -> list[str]:
    """Name the materials that are used beyond the temperatures of their source, in one sentence.

    solved: temperatures of parts after a solve, as `metrics` has them.
    """
    found: dict[str, tuple[Material, list[float]]] = {}
    for part, medium, name, known in uses(case):
        fields = [numbers[part] for numbers in solved if part in numbers]
        after = [field[key] + ZERO_CELSIUS for field in fields for key in ("min_C", "max_C")]
        for own, material in constituents(medium, name):
            if material.temperature_range is not None:
                found.setdefault(own, (material, []))[1].extend([*known, *after])
    beyond = [
        text
        for name, (material, at) in found.items()
        for text in _range_left(name, material, min(at), max(at))
    ]
    if not beyond:
        return []
    one = len(beyond) == 1
    who = "material" if one else "materials"
    verb, source = ("is", "its source covers") if one else ("are", "their sources cover")
    listing = ", ".join(beyond)
    return [f"{who} {listing}: {verb} used beyond what {source}, where values are constant"]


def _range_left(name: str, material: Material, low: float, high: float) -> Iterator[str]:
    """Yield a phrase, if temperatures from `low` to `high` in K leave the material's range."""
    if material.temperature_range is None:
        return
    first, last = material.temperature_range
    if low < first - SAME_TEMPERATURE or high > last + SAME_TEMPERATURE:
        used = _degrees(low)
        if high - low >= SAME_TEMPERATURE:
            used += f" to {_degrees(high)}"
        yield f"'{name}' at {used} degC ({_degrees(first)} to {_degrees(last)})"


def _degrees(kelvin: float) -> str:
    return f"{kelvin - ZERO_CELSIUS:.0f}"


def bends(surfaces: Surfaces, height: float) -> float:
    """Return the largest sag over the height (m); linear theory holds while it is SMALL."""
    return max(_sags(surfaces).values(), default=0.0) / height


def beyond_linear_theory(surfaces: Surfaces, height: float) -> list[str]:
    """Return one sentence for the worst surface of a package of this height (m), or nothing."""
    sags = _sags(surfaces)
    if not sags:
        return []
    face = max(sags, key=sags.__getitem__)
    if sags[face] <= SMALL * height:
        return []
    share = sags[face] / height
    times = "of" if share < 1 else "times"
    fraction = f"{share:.2g} {times} the height ({height * 1e3:.3g} mm)"
    rolls = ", and the plate would rather roll up" if sags[face] > ROLLS * height else ""
    bound = f"so the warpage is an upper bound{rolls}"
    remedy = "[load] large_deflection follows it"
    return [f"{face} bends by {fraction}: beyond linear theory, {bound}; {remedy}"]


def followed(numbers: Mapping[str, Any]) -> bool:
    """Return True if the numbers are those of a body followed beyond linear theory."""
    theory = (numbers.get("large_deflection") or {}).get("theory")
    return theory == "moderate rotations"


def beyond_moderate_rotations(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one sentence if a slope is too steep for moderate rotations, or nothing."""
    slopes = [(record.get("large_deflection") or {}).get("slope", 0.0) for record in records]
    steepest = max(slopes, default=0.0)
    if steepest <= STEEP:
        return []
    off = f"strains are off by about {100 * steepest**2:.0f} %"
    return [f"slopes up to {steepest:.2f}: beyond moderate rotations, {off}"]


def rolled_up_in_a_quarter(mirrors: int, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one sentence if a body changed its shape in a model of a half or a quarter."""
    numbers = [record.get("large_deflection") or {} for record in records]
    if not mirrors or all(found.get("critical_percent") is None for found in numbers):
        return []
    return [f"the body changes its shape, and {_unseen(mirrors)}"]


def would_roll_up_in_a_quarter(case: Case) -> list[str]:
    """Return one sentence if a body of a half or quarter model may change its shape, by estimate.

    That is a free one, followed beyond linear theory, whose linear sag is ROLLS times its height.
    """
    mirrors = sum(case.mirror)
    if not mirrors or not case.large_deflection or case.heat_alone:
        return []
    before = case.loads.stress_free
    for step in case.load_steps:
        before = before if step.temperature is None else step.temperature
        if isinstance(step.support, Clamp):
            continue
        bend = bend_over_height(case, step.stage.present, before, step.stage.unit)
        if bend > ROLLS:
            where = f" in step {step.step + 1} ({step.name})" if case.has_steps else ""
            return [
                f"the body would bend by some {bend:.2g} times its height{where} and may change "
                f"its shape, and {_unseen(mirrors)}"
            ]
    return []


def _unseen(mirrors: int) -> str:
    part = "a quarter" if mirrors == 2 else "half"
    return (
        f"{part} of it is modelled: shapes along x and y are seen, not those along a diagonal "
        '(twisted); symmetry = "none" sees both'
    )


def steps_beyond_linear_theory(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one sentence for the worst load step of a process and the steps concerned."""
    beyond = [record for record in records if record.get("beyond_linear")]
    if not beyond:
        return []
    worst = max(beyond, key=lambda record: record["bends"])
    steps = sorted({record["step"] for record in beyond})
    many = f"in step {steps[0]}" if len(steps) == 1 else f"in steps {', '.join(map(str, steps))}"
    return [
        f"beyond linear theory {many}; worst after {worst['name']!r}: {worst['beyond_linear'][0]}"
    ]


def shapes_taken(case: Case, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one sentence for each surface of a part that was bent as it joined a bent body.

    records: of the load steps of a process. Only plates are asked: wires, bumps and films have no
    shape of their own. A lid that is flat when it is glued on a dome shows in
    its surface the dome, which it never had, and the change since.
    """
    own = plates(case)
    first: dict[str, Mapping[str, Any]] = {}
    begins: dict[str | None, int] = {}
    for record in records:
        begins.setdefault(record.get("body"), record["step"])
        for name in _warpages(record):
            first.setdefault(name, record)
    parts, cured, found = _following(case), _cured(case), []
    for name, last in _warpages(records[-1]).items() if records else ():
        part = name.rpartition(".")[0]
        joined = first[name]
        pressed = (joined.get("support") or {}).get("on") == "clamped"
        if part not in own or (part not in parts and not (pressed and part in cured)):
            continue
        taken = _warpages(joined)[name]
        if joined["step"] in begins.values() or abs(taken) < max(TAKEN * abs(last), VISIBLE):
            continue
        found.append(
            f"{name} has the {taken:+.1f} um of the body that its part joined in step "
            f"{joined['step']} ({joined['name']!r}): of its {last:+.1f} um, {last - taken:+.1f} um "
            f'came since. If it was flat, say so in that step: flat = ["{part}"]'
        )
    return found


def _following(case: Case) -> set[str]:
    """Return the parts that are attached solid with the shape of the body.

    A liquid that cures and solder that melts have it in truth, an adhesive below a flat lid on its
    side of the body, and one with a stress-free temperature of its own has some of its own.
    """
    steps = [step for step in case.file.step if isinstance(step, Attach)]
    attached = {
        part
        for step in steps
        if step.stress_free is None
        for part in set(step.parts) - set(step.flat or ()) - _between(case, step)
    }
    return {part for part in attached if not melts(case, part)}


def _between(case: Case, step: Attach) -> set[str]:
    """Return what the flat parts of a step lie on or under, which takes up the difference."""
    flat = (case.parts[part] for part in step.flat or ())
    return {name for part in flat for name in (*(part.on or ()), *(part.under or ()))}


def _cured(case: Case) -> set[str]:
    """Return the liquid parts that are not said to cure against a flat tool."""
    steps = [step for step in case.file.step if isinstance(step, Cure)]
    return {part for step in steps for part in set(step.parts) - set(step.flat or ())}


def _warpages(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the signed warpage of each measured surface in um."""
    return {
        f"{part}.{side}": numbers["warpage_um"]
        for part, sides in record["surfaces"].items()
        for side, numbers in sides.items()
        if numbers.get("warpage_um") is not None
    }


def _sags(surfaces: Surfaces) -> dict[str, float]:
    """Return the sag of each surface in m."""
    return {
        f"{part}.{side}": 1e-6 * _sag(numbers)
        for part, sides in surfaces.items()
        for side, numbers in sides.items()
    }


def _sag(numbers: Mapping[str, Any]) -> float:
    """Return a surface's height between its centre and the middle of an edge in um.

    A dome on a square has twice that from centre to corner, so half the warpage is the least it
    counts for. A surface without a centre counts for all of its warpage.
    """
    warpage = abs(numbers.get("warpage_um") or 0.0)
    edges = [numbers.get(f"edge_{axis}_minus_centre_um") for axis in "xy"]
    known = [abs(edge) for edge in edges if edge is not None]
    return max(*known, warpage / 2) if known else warpage
