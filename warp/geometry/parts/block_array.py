"""Block array: equal rectangular blocks in regular rows, stacked in layers if wanted.

Dies of a panel, leads of a QFN package (one part for the rows along x, one for those along y),
dies of a memory stack:

    [part.dies]                              [part.leads]
    shape = "block-array"                    shape = "block-array"
    under = "mould"                          on = "board"
    size = ["8 mm", "6 mm"]                  size = ["0.6 mm", "0.25 mm"]
    thickness = "0.4 mm"                     thickness = "0.2 mm"
    pitch = ["10 mm", "8 mm"]                pitch = ["6.4 mm", "0.5 mm"]
    count = [5, 7]                           count = [2, 12]
    material = "silicon"                     material = "copper"

    [part.memory]
    shape = "block-array"
    on = "base"
    size = ["11 mm", "10 mm"]
    thickness = "50 um"                      # of each die
    pitch = ["20 mm", "20 mm", "65 um"]      # 15 um of film between dies: a part before this one
    count = [2, 1, 8]
    material = "silicon"

The array is centred on the package, or on the part that `inside` or `around` names, plus `at`.
`size = "leads"` makes it an array like that one: solder under leads.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from warp.errors import Fault, Key
from warp.geometry.lattice import SLACK, Array, depopulate, lay
from warp.geometry.package import Package
from warp.geometry.place import Outline, Place, mm, um
from warp.geometry.section import LENGTH_SCHEMA, Pair, Thickness
from warp.geometry.shapes import Body, Box, block, turned

MOST_BLOCKS = 50_000  # each one is a box of its own; a slipped count asks for far more
Count = Annotated[int, Field(ge=1)]


def _of_each(value: object) -> object:
    if isinstance(value, str) and value[:1].isalpha():
        remedy = f"'inside' or 'around' = {value!r} centres the array there"
        what = "is of each block, two lengths, or the name of another block array"
        raise ValueError(f"{what}; {remedy}")
    return value


def _one_or_more(value: object) -> object:
    return [value, value] if isinstance(value, (str, int, float)) else value


Pitch = Annotated[
    tuple[Thickness, ...],
    BeforeValidator(_one_or_more),
    Field(min_length=2, max_length=3, examples=[["10 mm", "8 mm"]]),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": LENGTH_SCHEMA, "minItems": 2, "maxItems": 3},
                LENGTH_SCHEMA,
            ],
            "examples": [["10 mm", "8 mm"]],
        }
    ),
]


def _may_be_like_another(schema: dict[str, Any]) -> None:
    schema["required"] = [key for key in schema["required"] if key not in ("pitch", "count")]


class BlockArray(Array):
    """Equal rectangular blocks in regular rows: dies of a panel, leads, stacked dies."""

    model_config = ConfigDict(json_schema_extra=_may_be_like_another)

    synonyms: ClassVar = ("leads", "dies", "block array", "block_array")
    shape: Literal["block-array"]
    size: Annotated[Pair, BeforeValidator(_of_each)]
    """Of each block in x and y; or another block array, whose blocks, `pitch` and `count` it takes,
    about its centre."""
    thickness: Thickness | None = None
    """Of each block; by default the space that `on` and `under` or `inside` leave for one layer."""
    pitch: Pitch
    """Of neighbouring blocks in x and y, and in z where there are layers of them."""
    count: Annotated[tuple[Count, ...], Field(min_length=2, max_length=3, examples=[[5, 7]])]
    """Columns, rows, and layers from the bottom up; one layer by default."""

    @property
    def layers(self) -> int:
        """Return the number of layers."""
        return self.count[2] if len(self.count) == 3 else 1

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the rectangle around all columns and rows, turned."""
        (columns, rows), (px, py) = self.count[:2], self.pitch[:2]
        width, depth = (columns - 1) * px + self.size[0], (rows - 1) * py + self.size[1]
        return self.turned_pair((width, depth))

    def own_height(self, name: str) -> float | None:
        """Return the height of all layers in m; None where the table gives no thickness."""
        key: Key = ("part", name)
        if self.layers == 1:
            return self.thickness
        if len(self.pitch) < 3:
            message = f"needs a third length for {self.layers} layers: the pitch in z"
            raise Fault((*key, "pitch"), message)
        if self.thickness is None:
            raise Fault(key, 'has no thickness: add thickness = "50 um", that of each block')
        if self.thickness > self.pitch[2] * (1 + SLACK):
            message = f"is larger than the pitch in z ({um(self.pitch[2])}): layers would overlap"
            raise Fault((*key, "thickness"), message)
        return (self.layers - 1) * self.pitch[2] + self.thickness

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return one box per block, layer by layer."""
        material = self.wanted(name, package)
        key: Key = ("part", name)
        (columns, rows), (px, py) = self.count[:2], self.pitch[:2]
        self._refuse_overlap(key)
        blocks = columns * rows * self.layers
        if blocks > MOST_BLOCKS:
            message = f"makes {blocks:,} blocks, more than {MOST_BLOCKS:,}: is it right?"
            raise Fault((*key, "count"), message)
        lattice = lay(self, columns, rows, (px, py), key)
        depopulate(self, lattice, key)
        along, across, populated = lattice.counts(turned=self.turn % 180 == 90)
        package.sites[name] = along, across, populated * self.layers
        centres = turned(lattice.centres(), self.turn // 90)
        sites = (centres + [place.outline.x, place.outline.y]).tolist()
        width, depth = self.turned_pair(self.size)
        shapes: list[Box] = []
        for low, high in self._heights(place):
            shapes += [block(Outline(x, y, width, depth), low, high) for x, y in sites]
        return [self.body(name, package, material, *shapes)]

    @property
    def each(self) -> str:
        """Return the size of each block in plane."""
        return mm(*self.size)

    def _heights(self, place: Place) -> list[tuple[float, float]]:
        """Return bottom and top of every layer; one layer fills the part's height."""
        if self.layers == 1:
            return [(place.z0, place.z1)]
        thickness = self.thickness or 0.0
        bottoms = [place.z0 + n * self.pitch[2] for n in range(self.layers)]
        return [(bottom, bottom + thickness) for bottom in bottoms]

    def _refuse_overlap(self, key: Key) -> None:
        """Raise the fault of neighbouring blocks that overlap; they may touch."""
        (columns, rows), (px, py) = self.count[:2], self.pitch[:2]
        wide, deep = self.size[0] / px / (1 + SLACK), self.size[1] / py / (1 + SLACK)
        staggered = self.pattern == "staggered"
        beside = columns > 1 and wide > 1
        across = rows > (2 if staggered else 1) and deep > (2 if staggered else 1)
        between = staggered and columns > 1 and rows > 1 and wide > 0.5 and deep > 1
        if beside or across or between:
            axis, pitch = ("x", px) if beside else ("y", py)
            message = f"is larger than the pitch in {axis} ({um(pitch)}): blocks would overlap"
            raise Fault((*key, "size"), message)
