"""The parts of a package as its file describes them: one table `[part.NAME]` each, checked key by key.

A part says what it is (`shape`, sizes, `material`), where it stands and what it does:

    on = "bumps"              its bottom on the top of that part; a list: all of them, and they must be level
    under = "substrate"       its top at the bottom of that part
    inside = "substrate"      its bottom at the bottom of that part, centred in it, as thick as it unless told
    on + under, no thickness  it fills the space between
    around = "chip"           centred on that part in plane, its opening as large as that part
    lift = "50 um"            raised from there (negative: sunk in)
    at = ["3 mm", "0 mm"]     its centre, from the package's (or the part's that `inside`, `around`, `size` name)
    turn = 90                 degrees, counter-clockwise from above; turns size, pattern, power map and material axes

What a package is made of, in these words: substrate, board, spreader, thermal interface, underfill, mould: plate ·
chip · stiffener, adhesive, window: frame (with gaps) · cap: lid (with vents) · bumps, pillars: columns · balls ·
underfill's wedge: fillet · capacitors, dots of glue: blocks · bond wires: wires · wafer: disc · opening: void.

Lengths here are metres already (`units`); how parts stack is `stacking`, which solids they become is `package`.
"""

from __future__ import annotations

import ast
from inspect import cleandoc, getsource
from itertools import pairwise
from textwrap import dedent
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
)
from pydantic.json_schema import GetJsonSchemaHandler

from warp.units import NOT_NEGATIVE, POSITIVE, Dimensionless, Length, Power, Temperature

SMALLEST = 1e-9  # m: nothing of a package is smaller


class Section(BaseModel):
    """A table of the case file: no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """With the texts that stand below the keys; read here, not at every start (use_attribute_docstrings)."""
        schema = handler(core)
        keys = handler.resolve_ref_schema(schema)["properties"]
        for name, text in _texts(cls).items():
            if cls.model_fields[name].description is None:
                keys[name]["description"] = text
        return schema


def _texts(model: type[Section]) -> dict[str, str]:
    """The text below each key in the source, of the classes above as well."""
    found: dict[str, str] = {}
    for section in (base for base in reversed(model.__mro__) if issubclass(base, Section)):
        body = ast.parse(dedent(getsource(section))).body[0].body  # type: ignore[attr-defined]
        for entry, below in pairwise(body):
            if (
                isinstance(entry, ast.AnnAssign)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                found[entry.target.id] = cleandoc(below.value.value)  # type: ignore[union-attr, arg-type]
    return found


def _names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _two(value: Any) -> Any:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError('needs two lengths, x and y, e.g. ["20 mm", "15 mm"]')
    return value


def _one_or_two(value: Any) -> Any:
    return [value, value] if isinstance(value, (str, int, float)) else _two(value)


def _fraction(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError("must lie between 0 and 1 (or 0 % and 100 %)")
    return value


def _no_slip(value: float) -> float:
    if value < SMALLEST:
        raise ValueError(f"is {value * 1e9:.3g} nm: is the unit right?")
    return value


def _names_a_part(value: Any) -> str:
    return "<part>" if isinstance(value, str) and value[:1].isalpha() else "<lengths>"


Thickness = Annotated[Length, POSITIVE, AfterValidator(_no_slip)]
Fraction = Annotated[Dimensionless, AfterValidator(_fraction)]
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


class Block(Section):
    """A rectangle of a chip that gives off heat."""

    power: Annotated[Power, NOT_NEGATIVE]
    size: Pair
    at: Point = (0.0, 0.0)
    """Its centre, counted from the chip's centre."""


class PowerSpec(Section):
    """Heat given off by a part: a total spread evenly, rectangles, or a map; through the thickness or at one side."""

    total: Annotated[Power, NOT_NEGATIVE] | None = None
    """With blocks: what they leave is spread evenly. With a map: the map is scaled to it."""
    blocks: tuple[Block, ...] = ()
    map: str | None = None
    """CSV or NPY file of watts per rectangle, first row at y+ as in a picture; relative to the case file's folder."""
    side: Literal["bottom", "top"] | None = None
    """Only next to this side (the active one), within `depth`; without it through the whole thickness."""
    depth: Thickness = 10e-6


PowerEntry = Annotated[
    Annotated[PowerSpec, Tag("<table>")]
    | Annotated[Annotated[Power, NOT_NEGATIVE], Tag("<watts>")],
    Discriminator(lambda value: "<table>" if isinstance(value, (dict, PowerSpec)) else "<watts>"),
]


class Part(Section):
    """Where a part stands; see the module's picture."""

    on: Names | None = None
    """Stands on the top of these parts, which must be level."""
    under: Names | None = None
    """Hangs at the bottom of these parts, which must be level."""
    inside: Annotated[str, Field(examples=["substrate"])] | None = None
    """Starts at the bottom of that part and is as thick as it, unless told."""
    around: Annotated[str, Field(examples=["chip"])] | None = None
    """Centred on that part, outside its outline."""
    lift: Length = 0.0
    """Raised by this much from where it would stand; negative sinks it in."""
    at: Point = (0.0, 0.0)
    """Its centre in plane, counted from the package's centre."""
    turn: Literal[0, 90, 180, 270] = 0
    """Degrees counter-clockwise, seen from above."""


class Solid(Part):
    """A part made of something: material, stress-free temperature, heat."""

    material: Annotated[str, Field(examples=["silicon"])] | None = None
    """A [material.NAME] of this file or a name of the library (`warp materials`); "void" removes what is there."""
    stress_free: Temperature | None = None
    """The temperature at which this part fits its neighbours without stress; [load] stress_free unless told."""
    power: PowerEntry | None = None


def _copper(value: Any) -> str:
    if isinstance(value, (dict, Section)):
        return "<drawing>"
    return (
        "<file>"
        if isinstance(value, str) and any(letter.isalpha() for letter in value)
        else "<share>"
    )


class Drawing(Section):
    """A layer's copper from a layout (GDSII, OASIS, Gerber or drill file), whose lengths are real; or
    an image of the whole layer."""

    file: str
    """Relative to the case file's folder; its content says of which kind it is, packed by gzip or not."""
    layer: Annotated[int, Field(ge=0)] | None = None
    """Of a GDSII or OASIS file."""
    datatype: Annotated[int, Field(ge=0)] | None = None
    """Of a GDSII or OASIS file; all of the layer's unless told."""
    cell: str | None = None
    """Of a GDSII or OASIS file; its only top cell unless told."""
    centre: Point = (0.0, 0.0)
    """The point of the layout that lies in the middle of the part."""
    pixel: Thickness | None = None
    """Shares are computed exactly on pixels of this size; a thousandth of the part's longer side unless told."""
    negative: bool = False
    """What is drawn is free of copper, as planes are often stored."""
    plating: Thickness | Literal["filled"] | None = None
    """Of a drill file: thickness of the copper around its finished holes, or "filled" with copper."""


Copper = Annotated[
    Annotated[
        str,
        Tag("<file>"),
        Field(description="PNG (white is copper), NPY, CSV, GDSII, OASIS or Gerber"),
    ]
    | Annotated[Drawing, Tag("<drawing>")]
    | Annotated[Fraction, Tag("<share>")],
    Discriminator(_copper),
    Field(examples=[0.35, "L1.png", {"file": "substrate.gds", "layer": 1}]),
]
Vias = Annotated[
    Annotated[str, Tag("<file>"), Field(description="as copper, or a drill file")]
    | Annotated[Drawing, Tag("<drawing>")]
    | Annotated[Fraction, Tag("<share>")],
    Discriminator(_copper),
    Field(examples=[0.02, {"file": "board.drl", "plating": "25 um"}]),
]


class Layer(Section):
    """One layer of a laminate: copper pattern and dielectric side by side."""

    thickness: Thickness
    material: Annotated[str, Field(examples=["abf-gl102"])] | None = None
    """The dielectric; the part's own material unless told."""
    copper: Copper = 0.0
    """Share of the layer's area that is copper (its pattern's coverage), or a picture of it: each voxel has its own."""
    pattern: Literal["traces", "plane"] = "traces"
    """Traces: short pieces, between the iso-strain and iso-stress bounds. Plane: a connected sheet with holes."""
    vias: Vias = 0.0
    """Share of the layer's area that is copper standing through it (plated holes, vias), or a drill file or
    another picture of it."""
    name: str | None = None


class Lump(Section):
    """Neighbouring thin layers that are computed as one effective layer."""

    lump: Annotated[tuple[Layer, ...], Field(min_length=1)]
    name: str | None = None


def _layer_or_lump(value: Any) -> str:
    lump = "lump" in value if isinstance(value, dict) else isinstance(value, Lump)
    return "<lump>" if lump else "<layer>"


LayerEntry = Annotated[
    Annotated[Layer, Tag("<layer>")] | Annotated[Lump, Tag("<lump>")],
    Discriminator(_layer_or_lump),
]


class Plate(Solid):
    """A rectangular block; with `layers` a laminate."""

    shape: Literal["plate"] = "plate"
    size: Size
    grow: Length = 0.0
    """Added on every side of `size`; negative shrinks."""
    thickness: Thickness | None = None
    layers: Annotated[tuple[LayerEntry, ...], Field(min_length=1)] | None = None
    """From the top down, as a cross-section is drawn; they make the thickness."""
    conductor: str = "copper"
    """What `copper` and `vias` of the layers are made of."""


class Chip(Plate):
    """A chip: a plate with an active side, where its heat arises."""

    shape: Literal["chip"]  # type: ignore[assignment]  # a plate in all but this word
    face: Literal["down", "up"] = "down"
    """Where the active side with the bonding pads looks: down onto bumps, up for bond wires."""


class Void(Part):
    """A rectangular hole: removes what the parts above it in the file put there."""

    shape: Literal["void"]
    size: Size
    grow: Length = 0.0
    thickness: Thickness | None = None


class Disc(Solid):
    """A round plate: a wafer, a pad, a pin."""

    shape: Literal["disc"]
    diameter: Thickness
    thickness: Thickness | None = None


class Prism(Solid):
    """An upright block over any polygon."""

    shape: Literal["prism"]
    outline: Annotated[tuple[Point, ...], Field(min_length=3)]
    """Corners in order, counted from `at`."""
    thickness: Thickness | None = None


class Gap(Section):
    """A place where a ring is interrupted, from its outside to its inside."""

    side: Annotated[Literal["x-", "x+", "y-", "y+", "all"], Field(examples=["y-"])]
    width: Thickness
    at: Length = 0.0
    """Its middle along that side, from the middle of the side."""


class Frame(Solid):
    """A rectangular ring: stiffener, adhesive under a lid's foot."""

    shape: Literal["frame"]
    size: Size | None = None
    """Outside; with `around` and `width` it follows."""
    width: Pair | None = None
    """Of the ring: of its x and of its y limbs, or one length for both."""
    opening: Pair | None = None
    clearance: Annotated[Length, NOT_NEGATIVE] = 0.0
    """Between the part that it goes around and the opening."""
    gaps: tuple[Gap, ...] = ()
    """Where it is interrupted: a dispensed bead of adhesive that leaves air a way out."""
    corner_cut: Annotated[Length, NOT_NEGATIVE] = 0.0
    """Cut off each outer corner at 45 degrees: this much of either side, at most the ring's width."""
    thickness: Thickness | None = None


class Fillet(Solid):
    """A wedge of underfill around a chip, drawn as steps of equal width."""

    shape: Literal["fillet"]
    width: Thickness
    height: Thickness
    steps: Annotated[int, Field(ge=1, le=50)] = 4


class Lid(Solid):
    """A cap: a plate with a foot all round; the space under it stays empty."""

    shape: Literal["lid"]
    size: Size
    thickness: Thickness
    """Of the plate."""
    foot_width: Pair
    foot_height: Thickness | None = None
    """Follows from what the plate rests `over`; where both are given they are compared."""
    over: Names | None = None
    """What the plate rests on (the thermal interface), while the foot stands `on` the adhesive."""
    vents: tuple[Gap, ...] = ()
    """Where the foot is open, over its whole height."""
    corner_cut: Annotated[Length, NOT_NEGATIVE] = 0.0
    """Cut off each outer corner at 45 degrees: this much of either side, at most the foot's width."""


class Blocks(Solid):
    """Equal rectangular blocks at places of their own: capacitors, dots of adhesive, corner posts."""

    shape: Literal["blocks"]
    size: Pair
    """Of each block."""
    sites: Annotated[tuple[Point, ...], Field(min_length=1)]
    """Their centres, counted from `at`."""
    thickness: Thickness | None = None


class Wires(Solid):
    """Bond wires from a chip's edge down to what it stands on, as one effective ring of wire in mould compound."""

    shape: Literal["wires"]
    diameter: Thickness
    pitch: Thickness
    """Of neighbouring wires along a side of the chip."""
    reach: Thickness
    """From the chip's edge to the far ends of the wires."""
    loop: Annotated[Length, NOT_NEGATIVE] = 0.0
    """Height of the wires above the chip."""
    sides: Annotated[tuple[Literal["x-", "x+", "y-", "y+"], ...], Field(min_length=1)] = (
        "x-",
        "x+",
        "y-",
        "y+",
    )
    """Of the chip that have wires."""
    fill: Annotated[str, Field(examples=["mould-compound"])]
    """The material around the wires."""


class Depopulate(Section):
    """Sites of an array that stay empty."""

    centre: Pair | None = None
    """Every site within this rectangle in the middle."""
    sites: tuple[Annotated[tuple[int, int], Field(examples=[[1, 1]])], ...] = ()
    """Single sites [column, row], counted from 1 at the corner x-, y-."""


class Array(Solid):
    """Equal things on a centred lattice."""

    size: Size | None = None
    """The field of the array; the outline of what it stands on or hangs under unless told."""
    inset: Annotated[Length, NOT_NEGATIVE] | None = None
    """From the field's edge to the outermost centres, at least; half a pitch unless told."""
    pitch: Pair
    diameter: Thickness
    height: Thickness | None = None
    pattern: Literal["full", "staggered", "perimeter"] = "full"
    """Staggered: every second row moved by half a pitch. Perimeter: only the outer `rows`."""
    rows: Annotated[int, Field(ge=1)] | None = None
    depopulate: Depopulate | None = None
    model: Literal["resolved", "effective"] = "resolved"
    """Effective: one homogeneous layer over the sites, of the things and of what fills the space between them."""
    fill: Annotated[str, Field(examples=["underfill-uf9000ae"])] | None = None
    """For model = "effective": the material between them, "void" if there is none."""
    fill_stress_free: Temperature | None = None
    """Of the fill: its cure. That of the part they lie `inside` unless told, if it is of that material."""


class Columns(Array):
    """Bumps, pillars, vias: upright columns."""

    shape: Literal["columns"]
    section: Literal["round", "square"] = "round"


class Balls(Array):
    """Solder balls: spheres that pads cut off flat above and below; `height` is the standoff."""

    shape: Literal["balls"]


def _shape_of(value: Any) -> str:
    shape = (
        value.get("shape", "plate") if isinstance(value, dict) else getattr(value, "shape", "plate")
    )
    return f"<{shape}>"


AnyPart = Annotated[
    Annotated[Plate, Tag("<plate>")]
    | Annotated[Chip, Tag("<chip>")]
    | Annotated[Frame, Tag("<frame>")]
    | Annotated[Lid, Tag("<lid>")]
    | Annotated[Columns, Tag("<columns>")]
    | Annotated[Balls, Tag("<balls>")]
    | Annotated[Fillet, Tag("<fillet>")]
    | Annotated[Disc, Tag("<disc>")]
    | Annotated[Prism, Tag("<prism>")]
    | Annotated[Blocks, Tag("<blocks>")]
    | Annotated[Wires, Tag("<wires>")]
    | Annotated[Void, Tag("<void>")],
    Discriminator(_shape_of),
]
SHAPES = (
    "plate",
    "chip",
    "frame",
    "lid",
    "columns",
    "balls",
    "fillet",
    "blocks",
    "wires",
    "disc",
    "prism",
    "void",
)
