"""Inputs of a case: every value of its tables and of its materials, and how each is changed.

Keys are those of --set; a material's values are named after the material that has them, from the
case or from the library: material.NAME.PROPERTY, with .z or .in_plane where directions differ, and
@TEMPERATURE, .glassy or .rubbery inside a curve.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

from pydantic import ValidationError

from warp.adjoint.course import planned
from warp.adjoint.material_values import KELVIN, materials_in, values_of
from warp.adjoint.moved_grid import IN_STEPS, Unchangeable
from warp.adjoint.regions import asymmetric
from warp.adjoint.variant import Changeable, Law, Made
from warp.case.assembly import gathered
from warp.case.case import Case
from warp.case.symmetry import asymmetry
from warp.case.tables import CaseFile
from warp.errors import Fault, WarpError, nearest
from warp.geometry.bump_array import BumpArray
from warp.materials.material import Material
from warp.units import LENGTH, QUANTITY, TEMPERATURE

Path = tuple[Any, ...]
TABLES = ("part", "boundary", "interface", "load", "material", "step")
WORDS = (
    *("name", "shape", "material", "conductor", "fill", "file", "map", "rule", "pattern", "side"),
    *("on", "under", "inside", "around", "over", "face", "between", "turn", "like", "source"),
    *("description", "class", "aliases", "model", "bond_lines", "layer", "datatype", "cell"),
    *("do", "every", "unit", "faces"),
)
"""Keys whose values are no quantities."""
STEP = 1e-4
"""Relative change of a value of the case file on either side."""
LEAST = 2e-9
"""Least change of a length in m: beyond the slack in which parts count as level."""
ZERO = 1e-7
"""Change of a length of zero in m on either side."""
COUNTED = ("size", "inset", "depopulate")
"""Keys of an array of bumps that decide how many there are."""
JOINED = " + "
"""Between the keys of values that change together."""
ASYMMETRIC = "breaks the mirror symmetry in {} that the case uses: --set symmetry=none gives it"


@dataclass(frozen=True)
class Input(Generic[Made]):
    """One value of a case in its own unit, and how to make the variant with another one.

    step: the change in that unit, on either side or, if `one_sided`, upwards. make raises
    Unchangeable where there is no variant.
    """

    key: str
    value: float
    unit: str
    step: float
    make: Callable[[float], Made]
    one_sided: bool = False

    @property
    def is_temperature(self) -> bool:
        """Tell whether ten per cent of it means nothing: a temperature on a scale."""
        return self.unit in ("degC", "C", "K", "degF")


SHARE = 1e-6
"""Change of a region's share of copper, towards one half: mixtures cost more than they bend."""


def inputs(base: Changeable[Made], together: Sequence[Sequence[str]] = ()) -> list[Input[Made]]:
    """List the inputs of a case.

    together: keys of values that change by the same amount, one more input for each of them: a
    lid's foot and the adhesive below it. WarpError if the case has no such values.
    """
    tables = _tables(base.case)
    paths = {_key(tables, path): path for path in _paths(_differentiated(tables))}
    single = list(_of_tables(base, tables, paths))
    several = [joint(base, keys) for keys in together]
    return [*several, *single, *_of_materials(base)]


def joint(base: Changeable[Made], keys: Sequence[str]) -> Input[Made]:
    """Return the input that changes several values of the case file by the same amount.

    WarpError if the case has no such values.
    """
    tables = _tables(base.case)
    paths = {_key(tables, path): path for path in _paths(_differentiated(tables))}
    known = {one.key: one for one in _of_tables(base, tables, paths)}
    for key in keys:
        if key not in known:
            raise WarpError(f"--together {key}: the case has no such value{nearest(key, known)}")
    found = [known[key] for key in keys]
    first = found[0]
    if len(found) < 2 or any(one.unit != first.unit for one in found):
        raise WarpError(f"--together {', '.join(keys)}: give two or more values of one unit")
    name = JOINED.join(keys)
    regions = [base.case.package.region_at(paths[one.key]) for one in found]
    if all(regions):
        shares = {region: one.value for region, one in zip(regions, found, strict=True) if region}
        return _region(base, name, first.value, shares)

    def make(number: float) -> Made:
        more = number - first.value
        changes = [(paths[one.key], one.value + more) for one in found]
        return base.with_case(_changed(base.case, tables, changes, first.unit))

    return Input(name, first.value, first.unit, first.step, make)


def _region(
    base: Changeable[Made], key: str, value: float, shares: Mapping[str, float]
) -> Input[Made]:
    """Return the input that changes shares of copper in regions by the same amount."""

    def make(number: float) -> Made:
        alone = asymmetric(base.case, shares)
        if alone:
            raise Unchangeable(ASYMMETRIC.format(alone))
        return base.with_shares({name: own + number - value for name, own in shares.items()})

    step = SHARE if value < 0.5 else -SHARE
    return Input(key, value, "", step, make, one_sided=True)


def _tables(case: Case) -> dict[str, Any]:
    """Return the tables of a case with its overrides, and the load temperature if left out."""
    tables = copy.deepcopy(dict(case.tables))
    if not tables.get("step"):
        tables["load"].setdefault("temperature", "25 degC")
    return tables


def _differentiated(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables whose values are inputs."""
    return {name: tables[name] for name in TABLES if name in tables}


def _of_tables(
    base: Changeable[Made], tables: Mapping[str, Any], paths: Mapping[str, Path]
) -> Iterator[Input[Made]]:
    """Yield the values of the case file, and the load temperature that it leaves out."""
    for key, path in paths.items():
        found = _quantity(_at(tables, path))
        if found is None:
            continue
        value, unit = found
        region = base.case.package.region_at(path)
        if region is not None:
            yield _region(base, key, value, {region: value})
            continue
        step = _step(value, unit)
        if step is not None:

            def make(number: float, path: Path = path, unit: str = unit) -> Made:
                return base.with_case(_changed(base.case, tables, [(path, number)], unit))

            yield Input(key, value, unit, step, make)


def _step(value: float, unit: str) -> float | None:
    """Return the change of a value; None for a zero that cannot be negative."""
    if unit in TEMPERATURE.factors:
        return KELVIN
    if unit in LENGTH.factors:
        least = LEAST if value else ZERO
        return max(STEP * abs(value), least / float(LENGTH.factors[unit]))
    return STEP * abs(value) or None


def _paths(tables: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the paths of all values that may be quantities."""
    if isinstance(tables, dict):
        for key, value in tables.items():
            own = len(path) == 2 and path[0] == "material"  # only its mixture: see _of_materials
            if (own and key != "mixture") or (key in WORDS and len(path) != 1):
                continue
            yield from _paths(value, (*path, key))
    elif isinstance(tables, list):
        for n, value in enumerate(tables):
            yield from _paths(value, (*path, n))
    elif isinstance(tables, str | float) and not isinstance(tables, bool):
        yield path


def _quantity(value: Any) -> tuple[float, str] | None:
    """Return number and unit of a value, None if it is no quantity."""
    if isinstance(value, float):
        return value, ""
    found = QUANTITY.fullmatch(value)
    return (float(found[1]), found[2]) if found and found[2] else None


def _at(tables: Any, path: Path) -> Any:
    for step in path:
        tables = tables[step]
    return tables


def _key(tables: Any, path: Path) -> str:
    """Write a path as --set takes it: list entries by name, or number from 1."""
    words, here = [], tables
    for step in path:
        here = here[step]
        named = here.get("name") if isinstance(here, dict) and isinstance(step, int) else None
        words.append(str(named or step + 1) if isinstance(step, int) else str(step))
    return ".".join(words)


def _changed(
    case: Case,
    tables: Mapping[str, Any],
    changes: Sequence[tuple[Path, float]],
    unit: str,
) -> Case:
    """Return the case with values changed; Unchangeable with the reason of its fault."""
    other = copy.deepcopy(dict(tables))
    for path, number in changes:
        where = _at(other, path[:-1])
        where[path[-1]] = f"{number!r} {unit}" if unit else number
        if path[0] == "material" and path[-2:-1] == ("of",):
            _compensate(where, path[-1], _quantity(_at(tables, path)), number)
        part = case.parts.get(path[1]) if path[0] == "part" else None
        if isinstance(part, BumpArray) and path[2] in COUNTED:
            raise Unchangeable(IN_STEPS)
    try:
        file = CaseFile.model_validate(other, context={"folder": case.path.parent})
        assembly, faults = gathered(file, case.path.parent)
    except ValidationError as error:
        text = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise Unchangeable(f"cannot change alone: {text}") from None
    except Fault as fault:
        raise Unchangeable(f"cannot change alone: {fault}") from None
    if faults:
        raise Unchangeable(f"cannot change alone: {faults[0].message}")
    for axis in (0, 1):
        if case.mirror[axis]:
            package, sources = assembly.package, assembly.sources
            boundaries = assembly.boundaries
            why = asymmetry(package.bodies, sources, boundaries, axis, package.recipes)
            if why is not None:
                raise Unchangeable(ASYMMETRIC.format("xy"[axis]))
    try:
        return planned(replace(case, file=file, assembly=assembly))
    except Fault as fault:
        raise Unchangeable(f"cannot change alone: {fault}") from None


def _compensate(
    of: dict[str, Any], name: str, before: tuple[float, str] | None, number: float
) -> None:
    """Let the last constituent of a mixture make up for a changed share."""
    last = list(of)[-1]
    rest = _quantity(of[last])
    if before is None or rest is None or rest[1] not in ("", "%"):
        return
    if last == name:
        raise Unchangeable("is what the other constituents leave")
    value = rest[0] - (number - before[0])
    of[last] = f"{value!r} {rest[1]}" if rest[1] else value


def _of_materials(base: Changeable[Made]) -> Iterator[Input[Made]]:
    """Yield the values of every material that a voxel is made of."""
    media = [medium for medium in base.media if medium is not None]
    for name, material in materials_in(media):
        for one in values_of(name, material):

            def make(
                number: float,
                material: Material = material,
                change: Callable[[float], Material] = one.change,
                laws: frozenset[Law] = one.laws,
            ) -> Made:
                return base.with_material(material, change(number), laws)

            yield Input(one.key, one.value, one.unit, one.step, make, one.one_sided)
