"""The values of a material: every number of its laws, and the material with another one.

Keys: material.NAME.PROPERTY, with .z or .in_plane where directions differ, and @TEMPERATURE,
.glassy or .rubbery inside a curve; material.NAME.glass_transition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from warp.adjoint.substitution import same
from warp.adjoint.variant import EVERY, Law
from warp.materials.curves import Constant, Curve, Secant, Table, Transition
from warp.materials.library import PROPERTIES
from warp.materials.material import Material, Medium, constituents
from warp.materials.relaxation import Arrhenius, Relaxation, Shift, ShiftTable, Wlf
from warp.units import ZERO_CELSIUS, format_si

SMALL = 1e-6
"""Relative change of a material value, upwards only: its laws cost more than they bend."""
KELVIN = 0.01
"""Change of a temperature in K on either side."""


@dataclass(frozen=True)
class MaterialValue:
    """One number of a material in its own unit.

    change: makes the material with another one; laws: what it enters. step: a small change in that
    unit, upwards if `one_sided`, else on either side.
    """

    key: str
    value: float
    unit: str
    step: float
    laws: frozenset[Law]
    change: Callable[[float], Material]
    one_sided: bool = True


def copies_in(media: Iterable[Medium]) -> list[tuple[str, Material]]:
    """List the material objects that media are made of, sorted by their names.

    Every stage of a process has its own copy of a material of the case.
    """
    known: dict[int, tuple[str, Material]] = {}
    for medium in media:
        for name, material in constituents(medium, medium.name):
            known.setdefault(id(material), (name, material))
    return sorted(known.values(), key=lambda entry: entry[0])


def materials_in(media: Iterable[Medium]) -> list[tuple[str, Material]]:
    """List the materials that media are made of, sorted by their names: one of all alike."""
    found: list[tuple[str, Material]] = []
    for name, material in copies_in(media):
        if not (found and found[-1][0] == name and same(found[-1][1], material)):
            found.append((name, material))
    return found


def values_of(name: str, material: Material) -> Iterator[MaterialValue]:
    """Yield the values of a material, property by property, and its glass transitions."""
    for prop, (unit, scale) in UNITS.items():
        if prop in material.laws:
            yield from _of_law(name, material, prop, unit, scale)
    yield from _of_transition(name, material)
    if material.relaxation is not None:
        yield from _of_relaxation(name, material, material.relaxation)


UNITS = {
    "youngs_modulus": ("GPa", 1e9),
    "shear_modulus": ("GPa", 1e9),
    "poissons_ratio": ("", 1.0),
    "cte": ("ppm/K", 1e-6),
    "conductivity": ("W/(m K)", 1.0),
}
"""Unit of each property that has a derivative, and its size in SI."""
ELASTIC: frozenset[Law] = frozenset({"stiffness", "strain"})
LAWS: dict[str, frozenset[Law]] = {
    "youngs_modulus": ELASTIC,
    "shear_modulus": ELASTIC,
    "poissons_ratio": ELASTIC,
    "cte": frozenset({"strain"}),
    "conductivity": frozenset({"conductivity"}),
}
"""What each property enters."""


def _of_law(
    name: str, material: Material, prop: str, unit: str, scale: float
) -> Iterator[MaterialValue]:
    """Yield the values of a property, curve by curve."""
    law = material.laws[prop]
    for curve in {id(c): c for c in law}.values():
        which = tuple(n for n in range(3) if law[n] is curve)
        for word, value, change in _values(curve):

            def make(
                number: float,
                curve: Curve = curve,
                change: Callable[[float], Curve] = change,
            ) -> Material:
                made = change(number * scale)
                x, y, z = (made if c is curve else c for c in law)
                return replace(material, laws={**material.laws, prop: (x, y, z)})

            key = f"material.{name}.{prop}{_direction(prop, which)}{word}"
            step = SMALL * abs(value) / scale
            if step:
                yield MaterialValue(key, value / scale, unit, step, LAWS[prop], make)


def _values(curve: Curve) -> Iterator[tuple[str, float, Callable[[float], Curve]]]:
    """Yield the values of a curve: a word, the value, and the curve with another one."""
    if isinstance(curve, Constant):
        yield "", curve.value, Constant
    elif isinstance(curve, Transition):
        yield ".glassy", curve.glassy, partial(_with_glassy, curve)
        yield ".rubbery", curve.rubbery, partial(_with_rubbery, curve)
    elif isinstance(curve, Table):
        for n, (T, value) in enumerate(zip(curve.temperatures, curve.values, strict=True)):
            yield f"@{format_si(T, 'degC')}", value, partial(_row, curve, n)
    elif isinstance(curve, Secant):
        mean = curve.mean
        for n, (T, value) in enumerate(zip(mean.temperatures, mean.values, strict=True)):
            yield f".secant@{format_si(T, 'degC')}", value, partial(_secant_row, curve, n)


def _with_glassy(curve: Transition, value: float) -> Curve:
    return replace(curve, glassy=value)


def _with_rubbery(curve: Transition, value: float) -> Curve:
    return replace(curve, rubbery=value)


def _secant_row(curve: Secant, n: int, value: float) -> Curve:
    return replace(curve, mean=_row(curve.mean, n, value))


def _row(table: Table, n: int, value: float) -> Table:
    """Return a table with another value in row n."""
    return replace(table, values=(*table.values[:n], value, *table.values[n + 1 :]))


def _direction(prop: str, which: tuple[int, ...]) -> str:
    """Return the word for the directions or planes of a curve; none for all of them."""
    axes = PROPERTIES[prop].axes
    if len(which) == 3:
        return ""
    return next((f".{word}" for word, own in axes.items() if own == which), "")


def _of_transition(name: str, material: Material) -> Iterator[MaterialValue]:
    """Yield the glass transitions of a material, each for the curves that share it."""
    found: dict[float, None] = {}
    for prop in UNITS:
        for curve in material.laws.get(prop, ()):
            if isinstance(curve, Transition) and curve.glass_transition is not None:
                found[curve.glass_transition] = None
    for Tg in found:

        def make(number: float, Tg: float = Tg) -> Material:
            def moved(curve: Curve) -> Curve:
                if isinstance(curve, Transition) and curve.glass_transition == Tg:
                    return replace(curve, glass_transition=number + ZERO_CELSIUS)
                return curve

            curves = {id(c): moved(c) for law in material.laws.values() for c in law}
            laws = {
                prop: (curves[id(x)], curves[id(y)], curves[id(z)])
                for prop, (x, y, z) in material.laws.items()
            }
            return replace(material, laws=laws)

        word = "" if len(found) == 1 else f"@{format_si(Tg, 'degC')}"
        key = f"material.{name}.glass_transition{word}"
        yield MaterialValue(key, Tg - ZERO_CELSIUS, "degC", KELVIN, EVERY, make, one_sided=False)


def _of_relaxation(name: str, material: Material, law: Relaxation) -> Iterator[MaterialValue]:
    """Yield the relaxation times, the fractions that relax, and the constants of the shift."""

    def value(
        word: str, value: float, unit: str, scale: float, change: Callable[[float], Relaxation]
    ) -> MaterialValue:
        key = f"material.{name}.relaxation.{word}"

        def make(number: float) -> Material:
            return replace(material, relaxation=change(number * scale))

        return MaterialValue(key, value / scale, unit, SMALL * abs(value) / scale, ELASTIC, make)

    for n, tau in enumerate(law.times):
        at = f"@{format_si(tau, 's')}"
        yield value(f"time{at}", tau, "s", 1.0, partial(_with_term, law, ("times",), n))
        alike = law.bulk == law.shear
        for names in [("bulk", "shear")] if alike else [("bulk",), ("shear",)]:
            fraction = getattr(law, names[0])[n]
            word = "fraction" if alike else names[0]
            if fraction:
                change = partial(_with_term, law, names, n)
                yield value(f"{word}{at}", fraction, "%", 0.01, change)
    for word, number, unit, scale, shift in _of_shift(law.shift):
        change = partial(_with_shift, law, shift)
        if word == "reference":
            key = f"material.{name}.relaxation.{word}"

            def moved(T: float, change: Callable[[float], Relaxation] = change) -> Material:
                return replace(material, relaxation=change(T + ZERO_CELSIUS))

            T = number - ZERO_CELSIUS
            yield MaterialValue(key, T, "degC", KELVIN, ELASTIC, moved, one_sided=False)
        elif number:
            yield value(word, number, unit, scale, change)


def _of_shift(
    law: Shift | None,
) -> Iterator[tuple[str, float, str, float, Callable[[float], Shift]]]:
    """Yield the constants of a shift: a word, value in SI, unit and its size, and the change."""
    if isinstance(law, Wlf):
        yield "reference", law.reference, "degC", 1.0, lambda T: replace(law, reference=T)
        yield "c1", law.c1, "", 1.0, lambda c: replace(law, c1=c)
        yield "c2", law.c2, "K", 1.0, lambda c: replace(law, c2=c)
    elif isinstance(law, Arrhenius):
        yield "reference", law.reference, "degC", 1.0, lambda T: replace(law, reference=T)
        energy = law.activation_energy
        yield (
            "activation_energy",
            energy,
            "kJ/mol",
            1e3,
            lambda Q: replace(law, activation_energy=Q),
        )
    elif isinstance(law, ShiftTable):
        for n, (T, log) in enumerate(zip(law.temperatures, law.logs, strict=True)):

            def change(value: float, n: int = n, law: ShiftTable = law) -> Shift:
                return replace(law, logs=(*law.logs[:n], value, *law.logs[n + 1 :]))

            yield f"shift@{format_si(T, 'degC')}", log, "", 1.0, change


def _with_term(law: Relaxation, names: tuple[str, ...], n: int, value: float) -> Relaxation:
    """Return a law with another value in term n of some of its lists."""
    rows = {name: getattr(law, name) for name in names}
    changed = {name: (*row[:n], value, *row[n + 1 :]) for name, row in rows.items()}
    return replace(
        law,
        times=changed.get("times", law.times),
        bulk=changed.get("bulk", law.bulk),
        shear=changed.get("shear", law.shear),
    )


def _with_shift(law: Relaxation, change: Callable[[float], Shift], value: float) -> Relaxation:
    return replace(law, shift=change(value))
