"""The material library for a reader: every property in the units of the trade, with its source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from warp.materials.library import find, library
from warp.materials.material import Material, MaterialError, Medium
from warp.units import format_si, to_unit

ROOM = 298.15  # K; where a single number stands for a law
UNITS = {
    "youngs_modulus": "GPa",
    "poissons_ratio": "",
    "shear_modulus": "GPa",
    "cte": "ppm/K",
    "conductivity": "W/(m K)",
    "specific_heat": "J/(kg K)",
    "density": "kg/m^3",
}
SUFFIXES = {
    "GPa": "GPa",
    "ppm/K": "ppm_per_K",
    "W/(m K)": "W_per_mK",
    "J/(kg K)": "J_per_kgK",
    "kg/m^3": "kg_per_m3",
}
AXES = {"poissons_ratio": ("yz", "xz", "xy"), "shear_modulus": ("yz", "xz", "xy")}


def listing() -> dict[str, dict[str, Any]]:
    """Return every material once, by its name, with its values at 25 degC along x, y, z."""
    own = {material.name: material for material in library().values()}
    return {
        name: {
            "description": material.description,
            "aliases": list(material.aliases),
            **_values(material),
        }
        for name, material in sorted(own.items())
    }


def entry(name: str) -> dict[str, Any]:
    """Return a material in full: each law as text per direction, each source.

    MaterialError proposes near names.
    """
    material = find(name)
    if not isinstance(material, Material):
        raise MaterialError(f"{name!r} is a mixture, not an entry of the library")
    return described(material)


def described(material: Material) -> dict[str, Any]:
    """Return a material in full."""
    temperatures = {
        "glass_transition": material.glass_transition,
        "stress_free_temperature": material.stress_free_temperature,
    }
    return {
        "name": material.name,
        "description": material.description,
        "aliases": list(material.aliases),
        "properties": {
            key: {"value": _law(material, key, unit), "source": material.sources.get(key, "")}
            for key, unit in UNITS.items()
            if key in material.laws
        },
        **{key: format_si(T, "degC") for key, T in temperatures.items() if T is not None},
        "source": material.source,
        "temperature_range": [format_si(T, "degC") for T in material.temperature_range or ()],
    }


def used(media: Mapping[str, Medium], names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the materials of a case in full, each with `room`, its constants at 25 degC.

    Mixtures are left out unless they are in `names`: the others are intermediate.
    """
    found, wanted = {}, set(names)
    for name, medium in sorted(media.items()):
        if isinstance(medium, Material):
            found[name] = {**described(medium), "room": constants(medium)}
        elif name in wanted:
            about = {"description": medium.description, "source": medium.source}
            found[name] = {**about, "properties": {}, "room": constants(medium)}
    return found


def constants(medium: Medium) -> dict[str, str]:
    """Return the engineering constants of a medium at 25 degC, from the inverse of its stiffness.

    Directions are x, y, z, and yz, xz, xy for Poisson's ratios and shear moduli; one value if all
    agree. A property that the medium lacks is left out.
    """
    found: dict[str, str] = {}

    def add(key: str, read: Callable[[], Any]) -> None:
        try:
            texts = [f"{_rounded(float(v), UNITS[key]):.4g}" for v in np.atleast_1d(read())]
        except MaterialError:
            return
        found[key] = texts[0] if len(set(texts)) == 1 else " / ".join(texts)

    def compliance() -> np.ndarray:
        xx, yy, zz, yz, xz, xy = medium.stiffness(ROOM)
        return np.linalg.inv([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])

    add("youngs_modulus", lambda: 1 / np.diag(compliance()))
    add(
        "poissons_ratio",
        lambda: [-compliance()[i, j] / compliance()[i, i] for i, j in ((1, 2), (0, 2), (0, 1))],
    )
    add("shear_modulus", lambda: medium.shear(ROOM))
    add("cte", lambda: medium.cte(ROOM))
    add("conductivity", lambda: medium.conductivity(ROOM))
    add("specific_heat", lambda: medium.specific_heat(ROOM))
    add("density", lambda: medium.density)
    return found


def _values(material: Material) -> dict[str, float | list[float]]:
    return {
        f"{key}_{SUFFIXES[unit]}" if unit else key: _at_room(material, key, unit)
        for key, unit in UNITS.items()
        if key in material.laws
    }


def _law(material: Material, key: str, unit: str) -> str | dict[str, str]:
    """Return one text if all directions share a law, else one each."""
    texts = [_text(curve, unit) for curve in material.laws[key]]
    if len(set(texts)) == 1:
        return texts[0]
    return dict(zip(AXES.get(key, ("x", "y", "z")), texts, strict=True))


def _text(curve: Any, unit: str) -> str:
    return curve.text(unit) if unit else f"{curve(ROOM):.4g}"


def _at_room(material: Material, key: str, unit: str) -> float | list[float]:
    values = [_rounded(float(curve(ROOM)), unit) for curve in material.laws[key]]
    return values[0] if len(set(values)) == 1 else values


def _rounded(value: float, unit: str) -> float:
    return float(f"{to_unit(value, unit) if unit else value:.6g}") + 0.0  # no minus before a zero
