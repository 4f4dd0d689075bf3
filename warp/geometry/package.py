"""A package while it is built: its solids, the places of its parts, and recipes of its materials.

A body names its material. The name is that of a material of the file or the library, or of a
recipe: a material that `case.assembly` makes from others. A name is for tables and pictures; the
kind of a recipe says how it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from warp.errors import Fault, Key
from warp.geometry.place import Place
from warp.geometry.shapes import Body
from warp.materials.bump_layer import Member

VOID = "void"


@dataclass(frozen=True)
class Mixture:
    """Materials mixed by a rule of `mixing`: volume fractions by name, which sum to one."""

    rule: str
    of: Mapping[str, float]
    key: Key
    """The part or layer that asks for it."""
    since: Mapping[str, float] = field(default_factory=dict)
    """Stress-free temperatures (K) of materials that do not share the part's own."""


@dataclass(frozen=True)
class QuarterTurn:
    """A material turned by 90 degrees about z: x and y exchange."""

    material: str
    key: Key

    @property
    def of(self) -> Mapping[str, float]:
        """Return the material that is turned, with the fraction one."""
        return {self.material: 1.0}


@dataclass(frozen=True)
class FreeColumns:
    """A layer of free-standing columns or balls with nothing between them (`bump_layer`)."""

    material: str
    member: Member
    per_area: float
    """Members per square metre."""
    fraction: float
    """Volume fraction of the members."""
    key: Key
    faces: tuple[Mapping[str, float], ...] = ()
    """Materials below and above the members, as volume fractions by name."""

    @property
    def of(self) -> Mapping[str, float]:
        """Return the material of the members, with their volume fraction."""
        return {self.material: self.fraction}


@dataclass(frozen=True)
class FreeWires:
    """Bond wires along x, y or both with nothing between them (`free_wires`)."""

    material: str
    fraction: float
    """Volume fraction of the wires."""
    direction: Literal["x", "y", "xy"]
    key: Key

    @property
    def of(self) -> Mapping[str, float]:
        """Return the material of the wires, with their volume fraction."""
        return {self.material: self.fraction}


@dataclass(frozen=True)
class Strained:
    """A material that is not free of stress at its stress-free temperature.

    shrinkage: linear, in all directions. stress: in plane, in Pa, of a film that is held flat.
    """

    material: str
    shrinkage: float
    stress: float
    key: Key

    @property
    def of(self) -> Mapping[str, float]:
        """Return the material, with the fraction one."""
        return {self.material: 1.0}


Recipe = Mixture | QuarterTurn | FreeColumns | FreeWires | Strained


@dataclass(frozen=True)
class Filling:
    """Material of a solid part and its own stress-free temperature (K), where they are given."""

    material: str | None
    stress_free: float | None


@dataclass
class Package:
    """Bodies in the order in which later ones override, places of the parts, recipes."""

    folder: Path = Path()
    fillings: Mapping[str, Filling] = field(default_factory=dict)
    """Solid parts by name: what an array that lies in one of them takes for its fill."""
    hosts: dict[str, str] = field(default_factory=dict)
    """The part that brings the fill of a homogenised part, by the latter's name (`fills`)."""
    bodies: list[Body] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    recipes: dict[str, Recipe] = field(default_factory=dict)
    wanted: dict[str, Key] = field(default_factory=dict)
    """Every material that a part names, and the first key that names it."""
    sites: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Sites of every array along x and along y, and how many members it has."""
    images: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    """Copper shares of layers that have an image or regions, by the layer's recipe."""
    regions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Recipes of the regions of a layer, by the layer's own; row by row from y-."""

    def region_at(self, key: Key) -> str | None:
        """Return the recipe of the region whose share stands at a key, None where there is none."""
        return self._region_keys.get(tuple(key))

    @cached_property
    def _region_keys(self) -> dict[Key, str]:
        """Return the recipes of regions by the keys of their shares; the package is complete."""
        return {self.recipes[name].key: name for own in self.regions.values() for name in own}

    def want(self, material: str, key: Key) -> str:
        """Record that a part names this material, and return the name."""
        if material != VOID:
            self.wanted.setdefault(material, key)
        return material

    def cured(self, name: str, fill: str) -> float | None:
        """Return the own stress-free temperature in K of the part that brings a part's fill."""
        host = self.fillings.get(self.hosts.get(name, ""))
        return host.stress_free if host is not None and host.material == fill else None

    def strained(self, material: str, label: str, shrinkage: float, stress: float, key: Key) -> str:
        """Return the name of the material after it shrank or with its intrinsic stress (Pa)."""
        if not shrinkage and not stress:
            return material
        if material == VOID:
            raise Fault(key, "is of a part that is void")
        self.recipes[label] = Strained(material, shrinkage, stress, key)
        return label

    def turned(self, material: str, key: Key) -> str:
        """Return the name of the material turned by 90 degrees."""
        name = f"{material} turned"
        self.recipes[name] = QuarterTurn(material, key)
        return name

    def unturned(self, material: str | None) -> str | None:
        """Return the material before a quarter turn; any other as it is."""
        recipe = self.recipes.get(material or "")
        return recipe.material if isinstance(recipe, QuarterTurn) else material
