"""The tables of a case file beside its parts, and the file as a whole.

    title = "..."
    symmetry = "none"       | "half-x" (the plane x = 0 mirrors) | "half-y" | "quarter"
    [part.NAME]             what it is and where it stands (`parts`); later ones override earlier
    [material.NAME]         a material of this file (`materials`)
    [boundary.NAME]         a film or a fixed temperature on faces; every other face is adiabatic
    [interface.NAME]        thermal resistance between two parts
    [[step]]                what is done to it, one after the other (`steps`)
    [load]                  stress-free temperature, and the temperature of the warpage
    [grid]                  spacing of the grid; nothing has to be given
    [output]                surfaces, measuring zones, fields
    [tolerance]             how far values scatter (`tolerance`)
    [identify]              measured surfaces, and the values that they shall tell
    [optimize]              layers whose copper is balanced

SI units and kelvin after reading.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator

from warp.case.balance import OptimizeSection
from warp.case.identification import IdentifySection
from warp.case.steps import AnyStep
from warp.case.tolerance import tolerances
from warp.geometry.parts import AnyPart
from warp.geometry.section import Fraction, Names, Section, Size, Thickness
from warp.materials.library import MaterialSpec
from warp.materials.material import ElasticLaw
from warp.units import NOT_NEGATIVE, POSITIVE, FilmCoefficient, InterfaceResistance, Temperature

ROOM = 298.15  # K, 25 degC, where packages are measured
Symmetry = Literal["none", "half-x", "half-y", "quarter"]
FaceNames = Annotated[Names, Field(examples=["lid.top"])]


class BoundarySection(Section):
    """A condition on faces: `film` or `convection` with `ambient`, or `temperature`."""

    face: FaceNames
    """PART.SIDE with side top, bottom, x-, x+, y-, y+, sides or all; part "package" is the
    whole."""
    film: Annotated[FilmCoefficient, POSITIVE] | None = None
    """Heat-transfer coefficient."""
    convection: Literal["natural"] | None = None
    """Instead of a film: still air, whose coefficient follows from the temperature of each face and
    from its size, for horizontal tops and bottoms and vertical sides."""
    emissivity: Fraction = 0.0
    """With convection: of the faces, 0.9 for mould compound and solder mask; 0 leaves radiation
    out."""
    ambient: Temperature | None = None
    """Temperature of the fluid beyond the film."""
    temperature: Temperature | None = None
    """Fixed temperature of the faces."""


class InterfaceSection(Section):
    """A thermal resistance where two parts touch."""

    between: Annotated[
        tuple[str, ...], Field(min_length=2, max_length=2, examples=[["chip", "tim"]])
    ]
    """The two parts, in any order."""
    resistance: Annotated[InterfaceResistance, NOT_NEGATIVE]
    """Of the contact, per area."""


def _solved(value: Any) -> str:
    return "<solved>" if value == "solved" else "<temperature>"


def _switch(value: Any) -> Any:
    if value not in (True, False, "auto") or isinstance(value, float):
        raise ValueError(f'{value!r} is not one of true, false and "auto"')
    return value


class Load(Section):
    """One step from the stress-free state to the temperature of interest."""

    stress_free: Annotated[Temperature, Field(examples=["217 degC"])]
    """Temperature at which every part fits its neighbours without stress, unless the part names its
    own."""
    temperature: Annotated[
        Annotated[Literal["solved"], Tag("<solved>")]
        | Annotated[Temperature, Tag("<temperature>")],
        Discriminator(_solved),
    ] = Field(ROOM, validate_default=False)
    """Temperature of the warpage: the same everywhere, or "solved": the temperature field under
    power. With [[step]] the last step says it: leave it out."""
    bond_lines: Annotated[Names, Field(examples=[["tim"]])] | None = None
    """Soft layers that conduct by their thickness under displacement; with temperature = "solved"
    only."""
    large_deflection: Annotated[bool | Literal["auto"], BeforeValidator(_switch)] = False
    """Follow the body beyond linear theory, as it stiffens and rolls up; "auto": where it bends so
    far that linear theory is more than 1 % off."""
    branch: Literal["x", "y", "lower energy"] = "lower energy"
    """Where a dome may roll up either way: the axis along which it bends more, or the shape of less
    energy; with large_deflection only."""

    elastic_law: ElasticLaw | None = None
    """Of the polymers and laminates that name none and do not relax: "incremental" where they cool
    through their glass transition, "total" where that is meant. Films with an intrinsic
    stress keep the total law."""


class GridSection(Section):
    """How fine the grid is; every value has a default made from the package's own sizes."""

    edge_spacing: Thickness | None = None
    """In plane, next to part edges; by default a ninth of the height of what ends there."""
    spacing: Thickness | None = None
    """In plane, at most; by default the height of the package, or a forty-fifth of its longer side
    if that is less."""
    growth: Annotated[float, Field(ge=1e-3, le=2.0)] | None = None
    """Of the in-plane spacing per unit distance from an edge; by default 0.4, with heat 0.37."""
    z_spacing: Thickness | None = None
    """Through the thickness, at most; by default what `cells_per_layer` says."""
    cells_per_layer: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Through each layer, however thin; by default 10, fewer in thin ones, more in soft ones."""
    cells: (
        Annotated[dict[str, Annotated[int, Field(ge=1, le=1000)]], Field(examples=[{"tim": 8}])]
        | None
    ) = None
    """Through each layer of the named parts; a body of one cell in all has no bending stiffness."""
    cells_per_diameter: Annotated[float, Field(gt=0.0, le=1000.0)] | None = None
    """Across columns and balls; by default 4. Gaps beside them need as many as fit."""
    uniform: bool | None = None
    """True: `spacing` everywhere in plane, without refinement at edges; by default false."""
    refine: Annotated[float, Field(ge=0.125, le=64)] | None = None
    """Divides every cell's width: 2 halves it, 0.5 doubles it, 1 by default."""
    max_cells: Annotated[int, Field(ge=1)] | None = None
    """A larger grid is an error; by default 400 million."""


class Output(Section):
    """What is reported and stored."""

    surfaces: (
        Annotated[tuple[str, ...], Field(examples=[["substrate.bottom", "chip.top"]])] | None
    ) = None
    """PART.top and PART.bottom whose warpage is reported; by default both of every part."""
    zones: dict[str, Size] = {}
    """Measuring zone per surface: a rectangle about the part's centre, or a part (balls) whose
    extent it takes."""
    terminals: Names | None = None
    """The parts (balls, the substrate; leads and paddle) whose undersides are checked for
    coplanarity, together."""
    fields: tuple[Literal["temperature", "displacement", "stress"], ...] = (
        "temperature",
        "displacement",
    )
    """Fields that the result file stores for each voxel."""
    states: Annotated[tuple[str, ...], Field(examples=[["chip attach", "reflow at 245 degC"]])] = ()
    """States of a process: STEP, STEP at TEMPERATURE, or TEMPERATURE; the fields of each of these
    are written, too, as a result of its own (`warp run --state`)."""


class CaseFile(Section):
    """One package and what is done to it."""

    title: str = ""
    """Heading of tables and pictures."""
    symmetry: Symmetry = "none"
    """Planes of symmetry that the solver may use; checked against the geometry."""
    part: Annotated[dict[str, AnyPart], Field(min_length=1)]
    """The parts by name; later ones override earlier ones in the space that they share."""
    material: dict[str, MaterialSpec] = {}
    """Materials of this file by name; they hide those of the library."""
    boundary: dict[str, BoundarySection] = {}
    """Films and fixed temperatures by name."""
    interface: dict[str, InterfaceSection] = {}
    """Thermal resistances between parts by name."""
    load: Load
    """Temperatures between which the package is loaded."""
    step: tuple[AnyStep, ...] = ()
    """The process, in its order; without it one step from the stress-free state."""
    grid: GridSection = GridSection()
    """Spacing of the grid."""
    output: Output = Output()
    """What is reported and stored."""
    tolerance: Annotated[
        dict[str, Any], Field(examples=[{"part": {"chip": {"thickness": "10 um"}}}])
    ] = {}
    """How far values scatter, by their keys: a standard deviation ("10 um", "5 %") or an interval
    ("+- 10 um"); `warp run` then gives the spread of the warpage."""
    identify: IdentifySection = IdentifySection()
    """Measured surfaces, and the values that they shall tell (`warp identify`)."""
    optimize: OptimizeSection = OptimizeSection()
    """Layers whose copper is balanced (`warp optimize`)."""

    @field_validator("tolerance")
    @classmethod
    def _sizes(cls, table: dict[str, Any]) -> dict[str, Any]:
        """Refuse sizes that are no quantities."""
        tolerances(table)
        return table

    @field_validator("part", "material", mode="before")
    @classmethod
    def _plain_names(cls, tables: Any) -> Any:
        """Names appear in `part.side`, in file paths and on the command line."""
        for name in tables if isinstance(tables, dict) else ():
            if not name.replace("_", "").replace("-", "").isalnum() or not name[0].isalpha():
                raise ValueError(
                    f"the name {name!r} is not plain: a letter, then letters, digits, - and _"
                )
        if isinstance(tables, dict) and "package" in tables:
            raise ValueError("the name 'package' stands for the whole: choose another")
        return tables
