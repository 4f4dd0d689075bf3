"""What a package becomes while it is built: solids, places, and the materials that have to be mixed for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from warp.errors import Key
from warp.geometry.part import AnyPart
from warp.geometry.shapes import Body
from warp.geometry.stacking import Place
from warp.materials.bump_layer import Member

VOID = "void"


@dataclass(frozen=True)
class Recipe:
    """A mixed material: a rule of `mixing` and volume fractions by material name; `turned` by a quarter about z."""

    rule: str
    of: Mapping[str, float]
    key: Key
    """The part or layer that asks for it."""
    since: Mapping[str, float] = field(default_factory=dict)
    """Stress-free temperatures (K) of materials that do not share the part's own."""
    member: Member | None = None
    """For the rule "standing": one of the free-standing members, and how many stand on a square metre."""
    per_area: float = 0.0
    faces: tuple[Mapping[str, float], ...] = ()
    """What they stand between: below and above, shares by material."""


@dataclass
class Package:
    """Bodies in the order in which they override, where the parts lie, and what has to be mixed for them."""

    parts: Mapping[str, AnyPart] = field(default_factory=dict)
    bodies: list[Body] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    recipes: dict[str, Recipe] = field(default_factory=dict)
    wanted: dict[str, Key] = field(default_factory=dict)
    """Every material that a part names, and the first key that names it."""
    folder: Path = Path()
    images: dict[str, np.ndarray] = field(default_factory=dict)
    """Copper shares of layers that have an image, by the layer's recipe."""

    def want(self, material: str, key: Key) -> str:
        """Note that a part names this material."""
        if material != VOID:
            self.wanted.setdefault(material, key)
        return material
