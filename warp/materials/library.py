"""The material library and a case's own materials: TOML tables become materials (`material`).

    [material.my-underfill]
    like = "underfill-uf9000ae"            # start from a library material, override some values
    youngs_modulus = {glassy = "12 GPa", rubbery = "150 MPa", glass_transition = "120 degC"}

    [material.filled-tim]                  # or mix several (warp.mixing)
    mixture = {of = {silver = "40 %", silicone = "60 %"}, rule = "particulate"}

The library is data/materials.toml, every value with its source. Values that no elastic body can
have are refused here: an isotropic Poisson's ratio outside 0 <= nu < 0.5, an orthotropic compliance
that is not positive definite at some temperature.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from warp.materials.curves import Constant, Table, Transition, Triple, values_of
from warp.materials.material import (
    ElasticLaw,
    Material,
    MaterialClass,
    MaterialError,
    Medium,
    at,
    compliance,
    rotated,
)
from warp.materials.mixing import ConductivityRule, Filler, Mixed, mix
from warp.materials.properties import DIRECTIONS, PLANES, Property, complete, move_glass_transition
from warp.materials.relaxation import RelaxationSpec
from warp.units import (
    CONDUCTIVITY,
    DIMENSIONLESS,
    EXPANSION,
    LENGTH,
    POSITIVE,
    PRESSURE,
    SPECIFIC_HEAT,
    ZERO_CELSIUS,
    Density,
    Dimensionless,
    InterfaceResistance,
    Length,
    Temperature,
    convert,
)

CHECKED = (
    218.15,
    298.15,
    533.15,
)  # K: -55, 25 and 260 degC, the coldest test cycle, room and the reflow peak
USUAL_RANGE = (208.15, 573.15)
"""Temperatures in K, -65 to 300 degC, at which values hold that are given without a table: from the
coldest test condition (JESD22-A104, condition C) to some degrees above the hottest solder joint
(Au80Sn20 melts at 280 degC). A constant of a handbook is not meant for a furnace or for a cryostat.
"""
PROPERTIES = {
    "youngs_modulus": Property(
        PRESSURE, DIRECTIONS, True, "Young's modulus, one value or one per direction"
    ),
    "poissons_ratio": Property(
        DIMENSIONLESS, PLANES, False, "Poisson's ratio nu_ij = -strain_j / strain_i, by plane ij"
    ),
    "shear_modulus": Property(
        PRESSURE, PLANES, True, "shear modulus by plane; given, the material is orthotropic"
    ),
    "cte": Property(EXPANSION, DIRECTIONS, False, "coefficient of thermal expansion"),
    "conductivity": Property(CONDUCTIVITY, DIRECTIONS, True, "thermal conductivity"),
    "specific_heat": Property(SPECIFIC_HEAT, {}, True, "heat capacity per mass"),
}
CITED = (*PROPERTIES, "density", "glass_transition", "stress_free_temperature", "relaxation")


def _share(value: float) -> float:
    if value > 1.0:
        raise ValueError("must not be more than 1 (100 %)")
    return value


class Mixture(BaseModel):
    """Several materials in one: volume fractions or layer thicknesses, a rule, a filler's data."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    of: dict[str, Any] = Field(
        description='volume fractions that sum to one ("40 %" or 0.4), '
        'or layer thicknesses ("15 um"); "void" is empty',
        json_schema_extra={
            "additionalProperties": {"anyOf": [{"type": "number"}, {"type": "string"}]}
        },
    )
    rule: Literal[
        "particulate",
        "fibres",
        "x-fibres",
        "y-fibres",
        "columns",
        "balls",
        "x-layers",
        "y-layers",
        "z-layers",
        "voigt",
        "reuss",
        "traces",
    ] = Field(description="how the materials lie in each other")
    conductivity_rule: ConductivityRule = Field(
        Filler.conductivity_rule, description="how grains conduct, for particulate"
    )
    maximum_packing: Annotated[Dimensionless, POSITIVE, AfterValidator(_share)] = Field(
        Filler.maximum_packing, description="largest possible volume fraction of the grains"
    )
    particle_size: Annotated[Length, POSITIVE] | None = Field(
        Filler.particle_size, description="diameter of the grains"
    )
    interface_resistance: InterfaceResistance = Filler.interface_resistance

    @field_validator("of")
    @classmethod
    def _fractions(cls, given: dict[str, Any]) -> dict[str, float]:
        thick = [
            isinstance(value, str) and value.strip()[-1:].isalpha() for value in given.values()
        ]
        if any(thick) and not all(thick):
            raise ValueError("gives some parts as fractions and some as thicknesses")
        parts = {
            name: convert(value, LENGTH if any(thick) else DIMENSIONLESS)
            for name, value in given.items()
        }
        if any(value < 0.0 for value in parts.values()) or not sum(parts.values()) > 0.0:
            raise ValueError("must not be negative, nor all zero")
        total = sum(parts.values())
        if not any(thick) and abs(total - 1.0) > 1e-6:
            raise ValueError(f"the fractions sum to {total:g}, not 1")
        return {name: value / total for name, value in parts.items()}


class MaterialSpec(BaseModel):
    """One [material.NAME] table of a case, or one entry of the library."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    description: str = Field("", description="one line for a reader")
    source: str | dict[str, str] = Field(
        "", description="where the values are from, for all or per property"
    )
    aliases: list[str] = Field([], description="other names of a library material")
    material_class: MaterialClass | None = Field(
        None, alias="class", description="what kind of thing it is; of that it is `like` by default"
    )
    like: str | None = Field(
        None, description="start from this material and override what is given here"
    )
    mixture: Mixture | None = Field(None, description="several materials in one")
    youngs_modulus: Annotated[Any, PROPERTIES["youngs_modulus"]] = None
    poissons_ratio: Annotated[Any, PROPERTIES["poissons_ratio"]] = None
    shear_modulus: Annotated[Any, PROPERTIES["shear_modulus"]] = None
    cte: Annotated[Any, PROPERTIES["cte"]] = None
    conductivity: Annotated[Any, PROPERTIES["conductivity"]] = None
    specific_heat: Annotated[Any, PROPERTIES["specific_heat"]] = None
    density: Annotated[Density, POSITIVE] | None = None
    glass_transition: Temperature | None = Field(
        None, description="where a property names none of its own"
    )
    stress_free_temperature: Temperature | None = Field(
        None,
        description="cure or solidification temperature, a note: parts have a stress_free of their "
        "own, or that of [load]",
    )
    temperature_range: tuple[Temperature, Temperature] | None = Field(
        None, description="where the values hold"
    )
    relaxation: RelaxationSpec | None = Field(
        None, description="viscoelasticity; youngs_modulus is the instantaneous one"
    )
    elastic_law: ElasticLaw | None = Field(
        None,
        description='stress where the stiffness depends on temperature: "total", the strain times '
        'the stiffness of now (by default), or "incremental", each increment by that of its '
        "temperature",
    )

    def build(self, name: str, known: Mapping[str, Medium] | None = None) -> Medium:
        """Return the material; `like` and `mixture` look in `known` first, then in the library."""
        if self.mixture is not None:
            return _mixed(self, self.mixture, name, known)
        base: Medium = Material(name, {})
        if self.like is not None:
            base = find(self.like, known, f"material {name!r}")
        if not isinstance(base, Material):
            raise MaterialError(
                f"material {name!r}: {self.like!r} is a mixture and cannot be changed", "like"
            )
        built = _override(base, self, name)
        _check(built)
        return built


def find(
    name: str, known: Mapping[str, Medium] | None = None, where: str = "material", key: str = "like"
) -> Medium:
    """Return a material by name, from `known` or the library; MaterialError proposes near names."""
    if known and name in known:
        return known[name]
    found = library().get(name)
    if found is None:
        near = get_close_matches(name, [*(known or {}), *library()], n=3, cutoff=0.5)
        remedy = (
            f"did you mean {' or '.join(near)}?" if near else "`warp materials` lists the library"
        )
        raise MaterialError(f"{where}: no material is called {name!r}; {remedy}", key)
    return found


def resolve(specs: Mapping[str, MaterialSpec]) -> dict[str, Medium]:
    """Build a case's own materials, each after those it is made of."""
    built: dict[str, Medium] = {}

    def build(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise MaterialError(
                f"material {name!r} is made of itself: {' -> '.join((*path, name))}", "like"
            )
        spec = specs[name]
        for other in (spec.like, *(spec.mixture.of if spec.mixture else ())):
            if other in specs and other not in built and other != name:
                build(other, (*path, name))
        built[name] = spec.build(name, built)

    for name in specs:
        if name not in built:
            build(name, ())
    return built


@cache
def library() -> dict[str, Material]:
    """Return the library by name and alias; entries `like` another follow it in the file."""
    text = resources.files("warp.data").joinpath("materials.toml").read_text(encoding="utf-8")
    found: dict[str, Material] = {}
    for name, table in tomllib.loads(text).items():
        try:
            spec = MaterialSpec.model_validate(table)
        except ValidationError as error:
            raise MaterialError(f"data/materials.toml: {name}: {error}") from None
        material = _override(found[spec.like] if spec.like else Material(name, {}), spec, name)
        if material.temperature_range is None:
            holds = _tabulated(material) or USUAL_RANGE
            material = replace(material, temperature_range=holds)
        for key in (name, *material.aliases):
            if key in found:
                raise MaterialError(f"data/materials.toml: the name {key!r} occurs twice")
            found[key] = material
    return found


def _override(base: Material, spec: MaterialSpec, name: str) -> Material:
    """Return `base` with what the table gives; everything else, sources included, stays."""
    laws = dict(base.laws)
    if spec.glass_transition is not None:
        laws = {
            key: move_glass_transition(law, base.glass_transition, spec.glass_transition)
            for key, law in laws.items()
        }
    own = {
        key: getattr(spec, key)
        for key in (
            "glass_transition",
            "stress_free_temperature",
            "temperature_range",
            "elastic_law",
        )
    }
    own["material_class"] = spec.material_class
    own["relaxation"] = spec.relaxation and spec.relaxation.build()
    own = {key: getattr(base, key) if value is None else value for key, value in own.items()}
    for key, form in PROPERTIES.items():
        if getattr(spec, key) is None:
            continue
        try:
            laws[key] = complete(
                getattr(spec, key), base.laws.get(key), own["glass_transition"], form.axes
            )
        except ValueError as error:
            raise MaterialError(f"material {name!r}: {key} {error}", key) from None
    if spec.density is not None:
        laws["density"] = (Constant(spec.density),) * 3
    given = [key for key in CITED if getattr(spec, key) is not None]
    for_all = spec.source if isinstance(spec.source, str) else ""
    sources = {**base.sources, **dict.fromkeys(given, for_all or f"given for {name}, no source")}
    if isinstance(spec.source, dict):
        unknown = set(spec.source) - set(CITED)
        if unknown:
            raise MaterialError(
                f"material {name!r}: source names no property: {', '.join(sorted(unknown))}",
                "source",
            )
        sources |= spec.source
    return Material(
        name,
        laws,
        cite(sources),
        spec.description or base.description,
        sources,
        tuple(spec.aliases),
        **own,
    )


def _tabulated(material: Material) -> tuple[float, float] | None:
    """Return the temperatures in K at which every table of the material has values."""
    tables = [
        (knots[0], knots[-1])
        for law in material.laws.values()
        for knots in (curve.knots for curve in law if isinstance(curve, Table))
    ]
    if not tables:
        return None
    first, last = max(low for low, _ in tables), min(high for _, high in tables)
    return (first, last) if first < last else None


def cite(sources: Mapping[str, str]) -> str:
    """Write sources as one line, each once with the properties it covers."""
    keys: dict[str, list[str]] = {}
    for key, text in sources.items():
        keys.setdefault(text, []).append(key)
    if len(keys) == 1:
        return next(iter(keys))
    return "; ".join(f"{', '.join(names)}: {text}" for text, names in keys.items())


def _check(material: Material) -> None:
    """Refuse constants of no elastic body: the energy must be positive at every temperature."""
    name, laws = material.name, material.laws
    if ("youngs_modulus" in laws) != ("poissons_ratio" in laws):
        key = "poissons_ratio" if "youngs_modulus" in laws else "youngs_modulus"
        raise MaterialError(f"material {name!r} has no {key}: an elastic material needs both", key)
    if "youngs_modulus" not in laws:
        return
    E, nu = laws["youngs_modulus"], laws["poissons_ratio"]
    if material.relaxation is not None and material.elastic_law == "incremental":
        message = "a material that relaxes keeps the stress of its branches: it has no elastic_law"
        raise MaterialError(f"material {name!r}: {message}", "elastic_law")
    if material.relaxation is not None and any(isinstance(curve, Transition) for curve in E):
        message = (
            "beside a relaxation, youngs_modulus is the instantaneous one, without glass transition"
        )
        raise MaterialError(f"material {name!r}: {message}", "youngs_modulus")
    if material.isotropic and (_differs(E) or _differs(nu)):
        raise MaterialError(
            f"material {name!r} is orthotropic and needs a shear_modulus too", "shear_modulus"
        )
    if material.isotropic:
        for ratio in values_of(nu[0]):
            if not 0.0 <= ratio < 0.5:
                message = (
                    f"material {name!r}: poissons_ratio {ratio:g} must be at least 0 and below 0.5"
                )
                raise MaterialError(message, "poissons_ratio")
        return
    T = np.unique([*CHECKED, *(knot for curve in (*E, *nu) for knot in curve.knots if knot > 0.0)])
    energy = np.linalg.eigvalsh(compliance(at(E, T), at(nu, T))).min(axis=-1)
    if energy.min() <= 0.0:
        where = f"{T[energy.argmin()] - ZERO_CELSIUS:.0f} degC"
        cause = "poissons_ratio is too large for these Young's moduli"
        message = f"the stiffness is not positive definite at {where}, {cause}"
        raise MaterialError(f"material {name!r}: {message}", "poissons_ratio")


def _differs(curves: Triple) -> bool:
    return any(curve != curves[0] for curve in curves)


def _mixed(
    spec: MaterialSpec, mixture: Mixture, name: str, known: Mapping[str, Medium] | None
) -> Mixed:
    beside = {key for key in (*CITED, "like") if getattr(spec, key) is not None} - {
        "stress_free_temperature"
    }
    if spec.elastic_law is not None:
        message = "elastic_law cannot be given beside a mixture, which has that of its parts"
        raise MaterialError(f"material {name!r}: {message}", "elastic_law")
    if spec.material_class is not None:
        message = "class cannot be given beside a mixture, which has that of its largest part"
        raise MaterialError(f"material {name!r}: {message}", "class")
    if beside:
        key = min(beside)
        raise MaterialError(f"material {name!r}: {key} cannot be given beside a mixture", key)
    filler = Filler(
        mixture.conductivity_rule,
        mixture.maximum_packing,
        mixture.particle_size,
        mixture.interface_resistance,
    )
    parts = [
        None if part == "void" else find(part, known, f"material {name!r}", "mixture")
        for part in mixture.of
    ]
    return mix(
        parts, list(mixture.of.values()), mixture.rule, name, spec.stress_free_temperature, filler
    )


__all__ = [
    "Material",
    "MaterialError",
    "MaterialSpec",
    "Medium",
    "Mixture",
    "cite",
    "find",
    "library",
    "mix",
    "resolve",
    "rotated",
]
