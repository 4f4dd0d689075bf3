"""The tables that every part of a package shares: where it stands, what it is made of, its heat.

    on = "bumps"              its bottom on the top of that part; a list: all of them must be level
    under = "substrate"       its top at the bottom of that part
    inside = "substrate"      its bottom at the bottom of that part, centred in it, and as thick as
                              it by default
    on + under, no thickness  it fills the space between
    around = "chip"           centred on that part in plane, its opening as large as that part
    lift = "50 um"            raised from there (negative: sunk in)
    at = ["3 mm", "0 mm"]     its centre, from the centre of the package or of the part that
                              `inside`, `around` or `size` names
    turn = 90                 degrees, counter-clockwise from above; turns size, pattern, power map
                              and material axes

Each kind of part (`warp.geometry.parts`) extends these tables by its own keys and answers three
questions: how wide it is (`extent`), how high it stands (`heights`), which solids it becomes
(`bodies`). `stacking` asks the first two, `solids` the third. Lengths are metres (`units`).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Protocol

from pydantic import AfterValidator, Discriminator, Field, Tag

from warp.errors import Fault, Key
from warp.geometry.package import VOID, Filling, Package
from warp.geometry.place import Outline, Place
from warp.geometry.section import (
    Fraction,
    IntrinsicStress,
    Names,
    Pair,
    Point,
    Section,
    Shrinkage,
    Size,
    Thickness,
)
from warp.geometry.shapes import Body, Shape
from warp.units import NOT_NEGATIVE, Length, Power, Temperature

MOST_REGIONS = 100  # along each side of a layer


class Block(Section):
    """A rectangle of a chip that gives off heat."""

    power: Annotated[Power, NOT_NEGATIVE]
    """Heat of this rectangle."""
    size: Pair
    """Extents in x and y."""
    at: Point = (0.0, 0.0)
    """Its centre, counted from the chip's centre."""


class PowerSpec(Section):
    """Heat of a part: a total spread evenly, rectangles, a map or a floorplan."""

    total: Annotated[Power, NOT_NEGATIVE] | None = None
    """Total heat. With blocks: what they leave is spread evenly. With a map: the map is scaled."""
    blocks: tuple[Block, ...] = ()
    """Rectangles that give off heat."""
    map: str | None = None
    """Table (commas, blanks or tabs) or NPY file of watts per rectangle, first row at y+ as in a
    picture; relative to the case file's folder."""
    floorplan: str | None = None
    """Floorplan of HotSpot (.flp) or 3D-ICE, its corner in the part's lower left one; relative to
    the case file's folder."""
    trace: str | None = None
    """Watts of a HotSpot floorplan's blocks over time (.ptrace)."""
    sample: Literal["mean", "peak"] | Annotated[int, Field(ge=1)] = "mean"
    """Of a trace: the mean over its samples, the sample of the most watts, or the one of this
    number."""
    side: Literal["bottom", "top"] | None = None
    """Only next to this side (the active one), within `depth`; by default next to the active side
    of a chip, and through the whole thickness of other parts."""
    depth: Thickness = 10e-6
    """Thickness of the heated layer at `side`; by default 10 um."""


PowerEntry = Annotated[
    Annotated[PowerSpec, Tag("<table>")]
    | Annotated[Annotated[Power, NOT_NEGATIVE], Tag("<watts>")],
    Discriminator(lambda value: "<table>" if isinstance(value, (dict, PowerSpec)) else "<watts>"),
]


class Neighbours(Protocol):
    """What a part may ask about the others while it is being placed (`stacking`)."""

    def part(self, name: str, owner: str, key: str) -> Part:
        """Return the part that the owner's key names; Fault where there is none."""

    def outline(self, name: str) -> Outline:
        """Return the outline of a part."""

    def heights(self, name: str) -> tuple[float, float]:
        """Return bottom and top of a part in m."""

    def level(self, name: str, key: str, others: tuple[str, ...]) -> float:
        """Return the common height at which these parts meet the part `name`."""

    def stand(
        self, name: str, part: Part, thickness: float | None, word: str
    ) -> tuple[float, float]:
        """Return bottom and top by the relations `on`, `under`, `inside` and `around`."""


class Part(Section):
    """Position of a part: its relations to other parts, and its centre in plane."""

    synonyms: ClassVar[tuple[str, ...]] = ()
    """Words that stand for this kind elsewhere: what a message proposes for an unknown shape."""
    plate: ClassVar[bool] = False
    """True for one solid body with a top and a bottom, no array of small ones."""
    one_layer: ClassVar[bool] = False
    """True for kinds that fill the space between two planes: their thickness can be a bond line."""
    slack: ClassVar[bool] = False
    """True for kinds that neither carry load nor count in heat before their fill is there."""
    shape: str
    """The kind of part."""
    on: Names | None = None
    """Stands on the top of these parts, which must be level."""
    under: Names | None = None
    """Attached to the underside of these parts, which must be level."""
    inside: Annotated[str, Field(examples=["substrate"])] | None = None
    """Starts at the bottom of that part and, by default, is as thick as it."""
    around: Annotated[str, Field(examples=["chip"])] | None = None
    """Centred on that part, outside its outline."""
    lift: Length = 0.0
    """Raised by this much from where it would stand; negative sinks it in."""
    at: Point = (0.0, 0.0)
    """Its centre in plane, counted from that of the part that it lies `around`, else of that whose
    `size` it has, else of that it lies `inside`, of columns and balls without `size` from that of
    what they are `on` or `under`; otherwise from the package's centre."""
    turn: Literal[0, 90, 180, 270] = 0
    """Degrees counter-clockwise, seen from above."""

    @property
    def quarter(self) -> bool:
        """Tell whether the turn exchanges x and y."""
        return self.turn in (90, 270)

    @property
    def is_void(self) -> bool:
        """Tell whether the part removes material instead of adding it."""
        return True

    @property
    def made_of(self) -> str | None:
        """Return the one material that the table names, if it names one."""
        return None

    @property
    def filled_with(self) -> str | None:
        """Return the material between the members of a homogenised part, if there is any."""
        return None

    @property
    def laminated(self) -> bool:
        """Tell whether the part is made of layers."""
        return False

    def size_from(self) -> str | None:
        """Return the name of the part whose outline this one takes as its size."""
        return None

    def reference(self) -> tuple[str, str] | None:
        """Return the part from whose centre `at` counts: the key that names it, and its name."""
        named = (("around", self.around), ("size", self.size_from()), ("inside", self.inside))
        return next(((key, other) for key, other in named if other is not None), None)

    def centred_on(self, name: str, others: Neighbours) -> Outline | None:
        """Return the outline that the part is centred on; None stands for the package's centre."""
        reference = self.reference()
        if reference is None:
            return None
        key, other = reference
        others.part(other, name, key)
        return others.outline(other)

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the width and depth in m of the part as it stands, turned."""
        raise NotImplementedError

    def refuse_empty(self, name: str) -> Fault:
        """Return the fault to raise where the extent is not positive."""
        return Fault(("part", name, "grow"), "nothing is left of it: shrink it by less")

    def own_height(self, name: str) -> float | None:
        """Return the thickness given in the case file, in m."""
        raise NotImplementedError

    def heights(self, name: str, others: Neighbours) -> tuple[float, float]:
        """Return bottom and top in m."""
        return others.stand(name, self, self.own_height(name), "thickness")

    def underside(self, bottom: float, top: float) -> float:
        """Return the height that parts `under` this one meet."""
        return bottom

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return the solids of the part; record materials and recipes in the package."""
        raise NotImplementedError

    def contacts(self) -> dict[str, tuple[str, ...]]:
        """Return the parts that must lie above, below or around this one, by key."""
        inside = (self.inside,) if self.inside else ()
        return {"on": self.on or (), "under": self.under or (), "inside": inside}

    @property
    def details(self) -> str:
        """Return what tells the part from others of its kind and size, "" if nothing does."""
        return ""

    @property
    def each(self) -> str:
        """Return the size of each of the equal things that the part is, "" if it is one."""
        return ""

    def turned_pair(self, pair: tuple[float, float]) -> tuple[float, float]:
        """Exchange x and y where the part is turned by a quarter."""
        return (pair[1], pair[0]) if self.quarter else pair


class Solid(Part):
    """A part made of something: material, stress-free temperature, heat."""

    material: Annotated[str, Field(examples=["silicon"])] | None = None
    """A [material.NAME] of this file or a name of the library (`warp materials`); "void" removes
    earlier parts there."""
    stress_free: Temperature | None = None
    """The temperature at which this part fits its neighbours without stress; by default [load]
    stress_free."""
    power: PowerEntry | None = None
    """Heat that the part gives off: its total, or a table."""
    shrinkage: Shrinkage = 0.0
    """Linear, after it has become solid: its cure, if no step has it. Of the part's own material,
    not of layers."""
    intrinsic_stress: IntrinsicStress = 0.0
    """Stress in plane at the stress-free temperature while the body is held flat, as deposited;
    tensile if positive."""

    @property
    def is_void(self) -> bool:
        """Tell whether the part removes material: its heat and its faces are removed too."""
        return self.material == VOID

    @property
    def made_of(self) -> str | None:
        """Return the one material that the table names, if it names one."""
        return self.material

    def filling(self) -> Filling:
        """Return what an array inside the part takes for its fill."""
        return Filling(self.material, self.stress_free)

    def active_side(self) -> Literal["bottom", "top"] | None:
        """Return the side at which the heat arises by default; None: in the whole volume."""
        return None

    def wanted(self, name: str, package: Package) -> str:
        """Record the part's material and return its name."""
        key: Key = ("part", name, "material")
        if self.material is None:
            raise Fault(key, 'is missing: add material = "silicon" (`warp materials` lists names)')
        material = package.want(self.material, key)
        label = f"{name}: {material}"
        return self.strained(material, label, ("part", name), package)

    def strained(self, material: str, label: str, key: Key, package: Package) -> str:
        """Return the name of a material with the shrinkage and the stress of this part."""
        word = "shrinkage" if self.shrinkage else "intrinsic_stress"
        return package.strained(
            material, label, self.shrinkage, self.intrinsic_stress, (*key, word)
        )

    def body(self, name: str, package: Package, material: str, *shapes: Shape) -> Body:
        """Return shapes of this part as a body, the axes of the material turned with the part."""
        made_of = None if material == VOID else material
        if made_of is not None and self.quarter:
            made_of = package.turned(made_of, ("part", name, "turn"))
        return Body(name, made_of, shapes, self.stress_free)


class Sized(Part):
    """A part with a rectangle in plane for its size."""

    size: Size | None = None
    """Extents in x and y, one length for a square, or the part whose outline it shares."""

    def size_from(self) -> str | None:
        """Return the name of the part whose outline this one takes as its size."""
        return self.size if isinstance(self.size, str) else None

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the width and depth in m of the part as it stands, turned."""
        return self.rectangle(name, reference)

    def rectangle(
        self, name: str, reference: Outline | None, grow: float = 0.0
    ) -> tuple[float, float]:
        """Return the size, or that of the reference, with `grow` added on every side."""
        if isinstance(self.size, tuple):
            return self.turned_pair((self.size[0] + 2 * grow, self.size[1] + 2 * grow))
        if reference is None:
            raise Fault(("part", name, "size"), "has no size")
        return reference.width + 2 * grow, reference.depth + 2 * grow


def _copper(value: object) -> str:
    if isinstance(value, (dict, Section)):
        return "<drawing>"
    if isinstance(value, (list, tuple)):
        return "<regions>"
    return (
        "<file>"
        if isinstance(value, str) and any(letter.isalpha() for letter in value)
        else "<share>"
    )


class Tiles(Section):
    """A unit that stands many times in a panel, in rows and columns about the part's centre."""

    pitch: Pair
    """Of neighbouring units in x and y; the drawing is that of one unit of this size."""
    count: Annotated[
        tuple[Annotated[int, Field(ge=1, le=10_000)], Annotated[int, Field(ge=1, le=10_000)]],
        Field(examples=[[12, 10]]),
    ]
    """Columns and rows of units."""
    border: Fraction = 0.0
    """Share of copper outside the units."""


class Drawing(Section):
    """A layer's copper from a layout or from an image of the whole layer.

    A layout is a GDSII, OASIS, Gerber or drill file, or a board (KiCad, IPC-2581, ODB++); its
    lengths are real.
    """

    file: str
    """Relative to the case file's folder. Its content decides its format; gzip is unpacked. ODB++
    may be a folder."""
    layer: Annotated[int, Field(ge=0)] | str | None = None
    """Number in a GDSII or OASIS file, name in a board: a copper layer, or a dielectric for the
    plated holes through it."""
    datatype: Annotated[int, Field(ge=0)] | None = None
    """Datatype in a GDSII or OASIS file; by default all of the layer's."""
    cell: str | None = None
    """Cell of a GDSII or OASIS file, by default its only top cell; step of a board."""
    centre: Point = (0.0, 0.0)
    """The point of the layout that lies in the middle of the part; by default its origin, of a
    board the middle of its outline."""
    pixel: Thickness | None = None
    """Shares are computed exactly on pixels of this size; by default a thousandth of the part's
    longer side."""
    negative: bool = False
    """What is drawn is free of copper, as planes are often stored."""
    tiles: Tiles | None = None
    """The drawing is one unit of a panel, whose density is computed once and repeated."""
    plating: Thickness | Literal["filled"] | None = None
    """Thickness of the copper around finished holes, or "filled" with copper."""


def _rectangular(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    if len({len(row) for row in rows}) > 1:
        raise ValueError("has rows of different lengths: one share for each region")
    return rows


Row = Annotated[tuple[Fraction, ...], Field(min_length=1, max_length=MOST_REGIONS)]
Regions = Annotated[
    tuple[Row, ...],
    AfterValidator(_rectangular),
    Field(
        min_length=1,
        max_length=MOST_REGIONS,
        description="shares of equal regions, first row at y+ as on a screen; the grid has lines "
        "between them",
    ),
]
Copper = Annotated[
    Annotated[
        str,
        Tag("<file>"),
        Field(
            description="PNG (white is copper), NPY, CSV, GDSII, OASIS, Gerber, KiCad, IPC-2581 "
            "or ODB++"
        ),
    ]
    | Annotated[Drawing, Tag("<drawing>")]
    | Annotated[Regions, Tag("<regions>")]
    | Annotated[Fraction, Tag("<share>")],
    Discriminator(_copper),
    Field(examples=[0.35, "L1.png", [[0.4, 0.6], [0.5, 0.5]], {"file": "a.gds", "layer": 1}]),
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
    """Of the layer."""
    material: Annotated[str, Field(examples=["abf-gl102"])] | None = None
    """The dielectric; by default the part's own material."""
    copper: Copper = 0.0
    """Share of the layer's area that is copper (its pattern's coverage), a table of the shares of
    equal regions, or a picture of it: each voxel has its own."""
    pattern: Literal["traces", "plane"] = "traces"
    """Traces: short pieces, between the iso-strain and iso-stress bounds. Plane: a connected sheet
    with holes."""
    vias: Vias = 0.0
    """Share of the layer's area that is copper standing through it (plated holes, vias), or a
    drill file or another picture of it."""
    shrinkage: Shrinkage = 0.0
    """Linear, of the dielectric after it has become solid."""
    intrinsic_stress: IntrinsicStress = 0.0
    """Stress in plane of the dielectric, or of a film without copper in it, as deposited; tensile
    if positive."""
    name: str | None = None
    """In tables and for --set; by default its number."""


class Lump(Section):
    """Neighbouring thin layers that are computed as one effective layer."""

    lump: Annotated[tuple[Layer, ...], Field(min_length=1)]
    """The layers, from the top down."""
    name: str | None = None
    """In tables and for --set; by default its number."""


def _layer_or_lump(value: object) -> str:
    lump = "lump" in value if isinstance(value, dict) else isinstance(value, Lump)
    return "<lump>" if lump else "<layer>"


LayerEntry = Annotated[
    Annotated[Layer, Tag("<layer>")] | Annotated[Lump, Tag("<lump>")],
    Discriminator(_layer_or_lump),
]


class Laminated(Solid):
    """A part that may consist of layers of its own (`laminate`)."""

    layers: Annotated[tuple[LayerEntry, ...], Field(min_length=1)] | None = None
    """From the top down, as a cross-section is drawn; their sum is the thickness."""
    conductor: str = "copper"
    """The material of `copper` and `vias` in the layers."""

    @property
    def laminated(self) -> bool:
        """Tell whether the part is made of layers."""
        return bool(self.layers)

    def layers_height(self) -> float:
        """Return the sum of the layers' thicknesses in m."""
        return sum(
            layer.thickness
            for entry in self.layers or ()
            for layer in (entry.lump if isinstance(entry, Lump) else (entry,))
        )
