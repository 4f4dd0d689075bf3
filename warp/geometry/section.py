"""Tables of the case file and the types of their values: lengths, pairs of lengths, names of parts.

A table refuses keys that it does not know, and its JSON schema takes the text below each key as
the key's description.
"""

from __future__ import annotations

import ast
from inspect import cleandoc, getsource
from itertools import pairwise
from textwrap import dedent
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
)
from pydantic_core import CoreSchema

from warp.units import NOT_NEGATIVE, POSITIVE, Dimensionless, Length, Pressure

SMALLEST = 1e-9  # m: no length in a package is smaller


class Section(BaseModel):
    """A table of the case file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> dict[str, Any]:
        """Add the texts below the keys, which are read from the source only when asked for."""
        schema = handler(core_schema)
        keys = handler.resolve_ref_schema(schema)["properties"]
        for name, text in _texts(cls).items():
            if name in keys and cls.model_fields[name].description is None:
                keys[name]["description"] = text
        return schema


def _texts(model: type[Section]) -> dict[str, str]:
    """Read the text below each key from the source of the class and of its bases."""
    found: dict[str, str] = {}
    for section in (base for base in reversed(model.__mro__) if issubclass(base, Section)):
        statement = ast.parse(dedent(getsource(section))).body[0]
        assert isinstance(statement, ast.ClassDef)
        for entry, below in pairwise(statement.body):
            if not (isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name)):
                continue
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                found[entry.target.id] = " ".join(cleandoc(str(below.value.value)).split())
    return found


def _names(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _two(value: object) -> object:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError('needs two lengths, x and y, e.g. ["20 mm", "15 mm"]')
    return value


def _one_or_two(value: object) -> object:
    return [value, value] if isinstance(value, (str, int, float)) else _two(value)


def _fraction(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError("must lie between 0 and 1 (or 0 % and 100 %)")
    return value


def _no_slip(value: float) -> float:
    if value < SMALLEST:
        raise ValueError(f"is {value * 1e9:.3g} nm: is the unit right?")
    return value


def _names_a_part(value: object) -> str:
    return "<part>" if isinstance(value, str) and value[:1].isalpha() else "<lengths>"


Thickness = Annotated[Length, POSITIVE, AfterValidator(_no_slip)]
Fraction = Annotated[Dimensionless, AfterValidator(_fraction)]
Shrinkage = Annotated[Dimensionless, NOT_NEGATIVE, Field(examples=["0.1 %"], lt=0.2)]
"""A third of the loss in volume."""
IntrinsicStress = Annotated[Pressure, Field(examples=["200 MPa"], gt=-1e11, lt=1e11)]
"""In plane, of a flat film that is held there; tensile if positive."""
Point = Annotated[tuple[Length, Length], BeforeValidator(_two), Field(examples=[["3 mm", "0 mm"]])]
LENGTH_SCHEMA = {"type": "string", "examples": ["0.775 mm"], "description": "length with its unit"}
PAIR_SCHEMA = {
    "anyOf": [
        {"type": "array", "items": LENGTH_SCHEMA, "minItems": 2, "maxItems": 2},
        LENGTH_SCHEMA,
    ]
}
Pair = Annotated[
    tuple[Thickness, Thickness],
    BeforeValidator(_one_or_two),
    WithJsonSchema({**PAIR_SCHEMA, "examples": [["20 mm", "20 mm"]]}),
]
NAMES_SCHEMA = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(_names),
    Field(min_length=1),
    WithJsonSchema({**NAMES_SCHEMA, "examples": ["chip"]}),
]
Size = Annotated[
    Annotated[str, Tag("<part>"), Field(description="as large as that part")]
    | Annotated[Pair, Tag("<lengths>")],
    Discriminator(_names_a_part),
    Field(examples=[["20 mm", "20 mm"], "chip"]),
]
"""Extent in x and y, one length for a square, or the name of the part whose outline it shares."""
