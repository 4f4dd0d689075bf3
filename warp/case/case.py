"""Load a case file: a checked case with bodies, materials, boundaries and loads, or its errors.

    case = load("fcbga-lid.toml", {"part.chip.thickness": "0.5 mm"})
    case.bodies(); case.materials(); case.sources; case.boundaries; case.loads; case.grid

One round of checks lists what can be judged of each table by itself: keys and units, names of parts
and materials, stacking, heat, the order of the process steps. A table with an error does not hide
those of others (`stand_ins`). The text and its language (`language`) come before, and after all
others what needs a sound case: symmetry, and the parts of each stage. Solving starts after `load`
only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from warp.case import included, language, plausibility, toml_text
from warp.case.assembly import Assembly, assemble, heat_alone, named
from warp.case.errors import CaseError, Problem, blamed
from warp.case.language_schema import in_language, tidied
from warp.case.plan import plan, wanted_states
from warp.case.stage import LoadStep, Stage
from warp.case.stages import assembly_of, instantaneous_changes, unsupported
from warp.case.stand_ins import standing_in
from warp.case.states import chosen
from warp.case.symmetry import MIRRORS
from warp.case.tables import CaseFile
from warp.case.tolerance import Tolerance, tolerances
from warp.errors import Fault, listed
from warp.files import html_table
from warp.geometry.part import Part
from warp.geometry.parts.balls import Balls
from warp.geometry.parts.step_solid import StepSolid
from warp.geometry.shapes import Body
from warp.geometry.solids import Package
from warp.materials.material import Medium
from warp.voxels.boundary import Boundary, Source
from warp.voxels.grid import GridSettings
from warp.voxels.soft_layers import cells_of_soft_layers

GROWTH_IN_HEAT = 0.37
"""Of the in-plane spacing where heat is solved: expansion varies away from part edges, too."""


@dataclass(frozen=True)
class Loads:
    """Temperatures in K: stress-free, for parts that name none, and that of the warpage.

    None stands for the solved field.
    """

    stress_free: float
    temperature: float | None


Zone = tuple[float, float, float, float]  # x0, x1, y0, y1 in m


@dataclass(frozen=True, eq=False)
class Case:
    """A checked case, in SI units and kelvin; geometry of the full package."""

    path: Path
    text: str
    """The text of the file, for the record; `overrides` are applied on top of it."""
    overrides: Mapping[str, str]
    file: CaseFile
    assembly: Assembly
    """All parts at once."""
    load_steps: tuple[LoadStep, ...]
    """The states that are computed, in order; one if the case has no steps."""
    stages: Mapping[Stage, Assembly]
    """The parts of each stage of the process."""
    tables: Mapping[str, Any]
    """The file's tables with variables, repetitions, includes and overrides written out."""
    included: Mapping[Path, str]
    """The text of every file that the case includes."""

    @property
    def record(self) -> str:
        """Return the text for a result file: it can be read without the included files."""
        return included.record(self.text, self.path, self.included)

    def __repr__(self) -> str:
        return f"<Case {self.title!r} from {self.path}: {', '.join(self.parts)}>"

    def _repr_html_(self) -> str:
        """Return a table of the parts, for notebooks."""
        rows = [
            [name, part.shape, part.made_of or "", self.package.places[name].size]
            for name, part in self.parts.items()
        ]
        return html_table.html(self.title, ("part", "shape", "material", "size"), rows)

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any], folder: str | PathLike[str] = ".") -> Case:
        """Check a case that is given as tables, spelt as in a file: {"load": {...}, "part": ...}.

        folder: where the files lie that the case names. Raises CaseError as `load` does.
        """
        return cls.from_toml(toml_text.dumps(tables), folder)

    @classmethod
    def from_toml(cls, text: str, folder: str | PathLike[str] = ".") -> Case:
        """Check a case that is given as the text of a file."""
        return parse(text, Path(folder) / "case.toml")

    def to_toml(self) -> str:
        """Return the text of the case's file, or one with overrides and includes in place."""
        if not self.overrides and not self.included:
            return self.text
        return toml_text.dumps(self.tables)

    @property
    def title(self) -> str:
        return self.file.title or self.path.stem

    @property
    def has_steps(self) -> bool:
        """Tell whether the case describes a process, with [[step]] tables."""
        return bool(self.file.step)

    @property
    def package(self) -> Package:
        """Return the places of the parts and their solids."""
        return self.assembly.package

    @property
    def height(self) -> float:
        """Return the height from the lowest to the highest part, in m."""
        places = self.package.places.values()
        return max(place.z1 for place in places) - min(place.z0 for place in places)

    @property
    def parts(self) -> Mapping[str, Part]:
        return self.file.part

    def bodies(self) -> list[Body]:
        """Return the solids in the order in which later ones override."""
        return self.package.bodies

    def materials(self) -> Mapping[str, Medium]:
        """Return every material that a body names, mixtures included."""
        return self.assembly.media

    @property
    def mirror(self) -> tuple[bool, bool]:
        """Tell whether x = 0 and y = 0 are planes of symmetry that the grid uses."""
        return MIRRORS[self.file.symmetry]

    @property
    def grid(self) -> GridSettings:
        """Return the settings of the file, and what its body and load ask for where it is silent.

        Cells through soft layers; a finer grid in plane where expansion follows solved heat.
        """
        own = self.file.grid.model_dump(exclude_none=True)
        given = GridSettings(**({"growth": GROWTH_IN_HEAT} if self.heated else {}) | own)
        if given.cells_per_layer is not None:
            return given
        soft = cells_of_soft_layers(self.bodies(), self.materials(), given)
        return replace(given, cells={**soft, **given.cells})

    @property
    def loads(self) -> Loads:
        wanted = self.file.load.temperature
        return Loads(self.file.load.stress_free, None if isinstance(wanted, str) else wanted)

    @property
    def large_deflection(self) -> bool | Literal["auto"]:
        """Tell whether large deflection counts: always, never, or where linear theory is off."""
        return self.file.load.large_deflection

    @property
    def branch(self) -> Literal["x", "y", "lower energy"]:
        """Return which shape is wanted where a body may roll up in more than one way."""
        return self.file.load.branch

    @property
    def bond_lines(self) -> tuple[str, ...]:
        """Return the layers whose conductance follows their thickness."""
        return self.file.load.bond_lines or ()

    @property
    def sources(self) -> list[Source]:
        """Return the heat sources, for `boundary.heat_load`."""
        return self.assembly.sources

    @property
    def boundaries(self) -> list[Boundary]:
        """Return films, fixed temperatures and interface resistances."""
        return self.assembly.boundaries

    @property
    def heated(self) -> bool:
        """Tell whether there is a temperature field to solve."""
        return self.assembly.heated

    @property
    def heat_alone(self) -> bool:
        """Tell whether only heat is solved, for lack of any mechanical property of a material."""
        return heat_alone(self.assembly, self.file)

    @property
    def surfaces(self) -> list[tuple[str, str]] | None:
        """Return (part, "top" | "bottom") of the wanted surfaces; None = both of every part."""
        wanted = self.file.output.surfaces
        return None if wanted is None else [_split(face) for face in wanted]

    @property
    def zones(self) -> dict[tuple[str, str], Zone]:
        """Return the measuring zones that are smaller than their surface."""
        found = {}
        for face, size in self.file.output.zones.items():
            part, side = _split(face)
            if isinstance(size, str):
                bounds = [body.bounds for body in self.package.bodies if body.part == size]
                low, high = (tuple(f(b[n] for b in bounds) for n in range(4)) for f in (min, max))
                found[part, side] = (low[0], high[1], low[2], high[3])
            else:
                centre = self.package.places[part].outline
                x, y, (w, d) = centre.x, centre.y, size
                found[part, side] = (x - w / 2, x + w / 2, y - d / 2, y + d / 2)
        return found

    def remarks(self) -> list[str]:
        """List what looks like a slip in the file or is left out, one sentence each."""
        if self.heat_alone:
            named = [f"'{name}'" for name in self.assembly.thermal_materials]
            verb = "has" if len(named) == 1 else "have"
            what = f"{listed(named)} {verb} no mechanical property"
            return [f"only heat is solved, no warpage: {what}"]
        return plausibility.remarks(self.file, self.assembly, self.load_steps)

    @property
    def fields(self) -> tuple[str, ...]:
        return self.file.output.fields

    @property
    def states(self) -> dict[str, int]:
        """Return the numbers of the load steps whose fields are wanted, by the states' names."""
        return chosen(self.load_steps, wanted_states(self.file))

    @property
    def tolerances(self) -> list[Tolerance]:
        """Return how far values scatter."""
        return tolerances(self.file.tolerance)

    @property
    def read_from_files(self) -> list[bytes]:
        """Return what the numbers depend on beside the text: includes, power maps, pictures."""
        watts = [np.asarray(source.watts).tobytes() for source in self.sources]
        texts = [text.encode() for text in self.included.values()]
        solids = [part for part in self.parts.values() if isinstance(part, StepSolid)]
        texts += [Path(part.file).read_bytes() for part in solids]
        return texts + watts + [image.tobytes() for image in self.package.images.values()]

    @property
    def ball_pitch(self) -> float | None:
        """Return the finer pitch of the package's balls in m, None without balls."""
        pitches = [min(part.pitch) for part in self.parts.values() if isinstance(part, Balls)]
        return min(pitches, default=None)

    @property
    def terminals(self) -> tuple[str, ...]:
        """Return the parts whose undersides are checked for coplanarity, together."""
        return self.file.output.terminals or ()


def load(path: str | PathLike[str], overrides: Mapping[str, str] | None = None) -> Case:
    """Read, override and check a case file; CaseError lists all errors, one line each."""
    path = Path(path)
    return parse(_read(path), path, overrides)


def parse(text: str, path: Path, overrides: Mapping[str, str] | None = None) -> Case:
    """Check a case's text as `load` does.

    `path` names it in errors, and its folder holds the files that the case names.
    """
    overrides = dict(overrides or {})
    written = language.plain(text, path, overrides)
    reporter = written.reporter
    try:
        file = CaseFile.model_validate(written.tables, context={"folder": path.parent})
    except ValidationError as error:
        problems = reporter.invalid(error, _schema())
        more = _names_beside(error, written.tables, path.parent)
        problems += [reporter.problem(fault.key, fault.message) for fault in more]
        raise CaseError(dict.fromkeys(problems)) from None
    assembly, faults = assemble(file, path.parent)
    load_steps: list[LoadStep] = []
    stages: dict[Stage, Assembly] = {}
    if _order_is_known(file, assembly, faults):
        load_steps, more = plan(
            file, assembly.package.places, assembly.heated, bool(assembly.sources)
        )
        load_steps = [] if faults else load_steps
        faults = [*faults, *more]
    if not file.step:
        stages = {load_step.stage: assembly for load_step in load_steps}
    sound = bool(load_steps)
    for load_step in load_steps:
        if load_step.stage not in stages and sound:
            stages[load_step.stage], wrong = assembly_of(file, load_step.stage, path.parent)
            sound = not wrong
            faults = [*faults, *wrong]
    if sound:
        faults = [
            *faults,
            *_missing_states(file, load_steps),
            *instantaneous_changes(load_steps, stages),
            *unsupported(file, load_steps, stages),
            *plausibility.faults(file, assembly, load_steps),
        ]
    if faults:
        found = (reporter.problem(fault.key, fault.message) for fault in faults)
        raise CaseError(dict.fromkeys(found))
    steps = tuple(load_steps)
    return Case(
        path, text, overrides, file, assembly, steps, stages, written.tables, written.included
    )


def _names_beside(error: ValidationError, tables: Mapping[str, Any], folder: Path) -> list[Fault]:
    """Return the faults of names and places that can be told while some tables are not valid."""
    made = standing_in(tables, blamed(error))
    if made is None:
        return []
    valid, unknown = made
    try:
        file = CaseFile.model_validate(valid, context={"folder": folder})
    except ValidationError:
        return []
    return named(file, folder, unknown)


def _order_is_known(file: CaseFile, assembly: Assembly, faults: Sequence[Fault]) -> bool:
    """Tell whether the order of the steps can be judged: where heat flows, and all parts lie."""
    unjudged = any(fault.key[0] in ("boundary", "interface") for fault in faults)
    return not unjudged and file.part.keys() <= assembly.package.places.keys()


def _missing_states(file: CaseFile, load_steps: Sequence[LoadStep]) -> list[Fault]:
    """Return the fault of a wanted state in which the process never is."""
    try:
        chosen(load_steps, wanted_states(file))
    except Fault as fault:
        return [fault]
    return []


def schema() -> dict[str, Any]:
    """Return the JSON schema of the case file, for editors to check and complete."""
    found = in_language(tidied(_schema()))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **found,
        "title": "warp case",
    }


@cache
def _schema() -> dict[str, Any]:
    return CaseFile.model_json_schema()


def _read(path: Path) -> str:
    try:
        return included.read_text(path)
    except ValueError as error:
        raise CaseError([Problem(str(path), None, "", str(error))]) from None


def _split(face: str) -> tuple[str, str]:
    part, _, side = face.rpartition(".")
    return part, side
