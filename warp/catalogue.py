"""The material library for a reader: every property in the units of the trade, with its source."""

from __future__ import annotations

from typing import Any

from warp.materials import find, library
from warp.medium import Material, MaterialError
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
SUFFIXES = {"GPa": "GPa", "ppm/K": "ppm_per_K", "W/(m K)": "W_per_mK", "J/(kg K)": "J_per_kgK", "kg/m^3": "kg_per_m3"}
AXES = {"poissons_ratio": ("yz", "xz", "xy"), "shear_modulus": ("yz", "xz", "xy")}


def listing() -> dict[str, dict[str, Any]]:
    """Every material once, by its name, with its values at 25 degC along x, y, z."""
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
    """One material in full: each law as text per direction, each source; MaterialError proposes near names."""
    material = find(name)
    if not isinstance(material, Material):
        raise MaterialError(f"{name!r} is a mixture, not an entry of the library")
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
        "temperature_range": [format_si(T, "degC") for T in material.temperature_range or ()],
    }


def _values(material: Material) -> dict[str, float | list[float]]:
    return {
        f"{key}_{SUFFIXES[unit]}" if unit else key: _at_room(material, key, unit)
        for key, unit in UNITS.items()
        if key in material.laws
    }


def _law(material: Material, key: str, unit: str) -> str | dict[str, str]:
    """One text where all directions share a law, else one each."""
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
    return float(f"{to_unit(value, unit) if unit else value:.6g}")
