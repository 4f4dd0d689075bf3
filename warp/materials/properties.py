"""Read a property of a material: one curve for all directions, or one per direction or plane.

    youngs_modulus = "130 GPa"                                the same in all directions
    youngs_modulus = {in_plane = "36 GPa", z = "12 GPa"}      by direction: x, y, z, or in_plane
                                                              (x, y)
    shear_modulus = {xy = "8 GPa", out_of_plane = "5 GPa"}    by plane: xy, xz, yz, or out_of_plane
                                                              (xz, yz)

Each value may be any curve of temperature (`curves`). A direction that is left out comes from the
material named by `like`; without one, it is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from warp.materials.curves import (
    Curve,
    Partial,
    Transition,
    Triple,
    read_curve,
    values_of,
    with_glass_transition,
)
from warp.units import Kind

DIRECTIONS = {"x": (0,), "y": (1,), "z": (2,), "in_plane": (0, 1)}
PLANES = {"yz": (0,), "xz": (1,), "xy": (2,), "in_plane": (2,), "out_of_plane": (0, 1)}


@dataclass(frozen=True)
class Property:
    """Pydantic metadata: the quantity of a property, its axes, its sign, and a line for readers."""

    kind: Kind
    axes: Mapping[str, tuple[int, ...]]
    positive: bool = False
    description: str = ""

    def read(self, value: Any) -> Partial:
        """Return three curves, None for a direction that the table leaves out.

        ValueError in the file's words.
        """
        if not (isinstance(value, dict) and value and set(value) <= set(self.axes)):
            curve = self._curve(value)
            return (curve, curve, curve)
        found: list[Curve | None] = [None, None, None]
        for key, given in value.items():
            try:
                curve = self._curve(given)
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from None
            for i in self.axes[key]:
                if found[i] is not None:
                    raise ValueError(f"{key}: this direction is given twice")
                found[i] = curve
        return (found[0], found[1], found[2])

    def _curve(self, value: Any) -> Curve:
        if isinstance(value, dict) and self.axes and set(value) & set(self.axes):
            unknown = ", ".join(sorted(set(value) - set(self.axes)))
            raise ValueError(f"{unknown} is not a direction: {', '.join(self.axes)}")
        curve = read_curve(value, self.kind)
        if self.positive and min(values_of(curve)) <= 0.0:
            raise ValueError("must be greater than zero")
        return curve

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: Any
    ) -> dict[str, Any]:
        quantity: dict[str, Any] = {"type": "string", "examples": [self.kind.example]}
        if self.kind.bare:
            quantity = {"anyOf": [{"type": "number"}, {"type": "string"}]}
        rows = {"type": "array", "items": quantity, "minItems": 2, "maxItems": 2}
        table = {
            "type": "array",
            "minItems": 2,
            "description": "rows of temperature and value",
            "items": rows,
        }
        forms = (
            "by direction, {glassy, rubbery, glass_transition, width}, or {table, interpolation}"
        )
        return {
            "description": self.description or self.kind.name,
            "anyOf": [quantity, table, {"type": "object", "description": forms}],
        }


def complete(
    given: Partial, base: Triple | None, glass_transition: float | None, axes: Mapping[str, Any]
) -> Triple:
    """Fill directions that were left out from `base`, glass transitions from the material's."""
    names = [
        next(name for name, which in axes.items() if which == (i,)) if axes else ""
        for i in range(3)
    ]
    done: dict[int, Curve] = {}
    found: list[Curve] = []
    for i, curve in enumerate(given):
        if curve is None:
            if base is None:
                raise ValueError(f"is missing along {names[i]}")
            curve = base[i]
        curve = done.setdefault(id(curve), with_glass_transition(curve, glass_transition))
        found.append(curve)
    return (found[0], found[1], found[2])


def move_glass_transition(law: Triple, old: float | None, new: float) -> Triple:
    """Move the glass transition of the curves that have the material's, not one of their own."""
    moved = {id(curve): curve for curve in law}
    for key, curve in moved.items():
        if isinstance(curve, Transition) and curve.glass_transition == old:
            moved[key] = replace(curve, glass_transition=new)
    return (moved[id(law[0])], moved[id(law[1])], moved[id(law[2])])
