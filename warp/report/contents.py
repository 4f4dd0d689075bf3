"""Gather what a report says, before it is written as a page, slides or a workbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warp import units
from warp.errors import WarpError, listed
from warp.geometry import tree as part_tree
from warp.geometry.place import LEVEL
from warp.report import (
    figures,
    moire,
    number_tables,
    page_basis,
    page_evidence,
    page_loads,
    page_steps,
    page_surfaces,
    stored_case,
)
from warp.report.blocks import Block, Headline
from warp.results import measured
from warp.results.measured import Flat

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.geometry.tree import Branch
    from warp.report.moire import Measurement, Overlay
    from warp.results.file import Result


@dataclass(frozen=True)
class Wanted:
    """What a report is to hold beside the result.

    pitch: of the balls [m], if the case has none. verified: what `warp verify --json` printed.
    measured: surfaces at their temperatures.
    """

    title: str = ""
    pitch: float | None = None
    verified: Mapping[str, Any] | None = None
    measured: Sequence[Measurement] = ()

    @classmethod
    def of(
        cls,
        title: str = "",
        pitch: str | None = None,
        verified: Path | None = None,
        measured: Sequence[str] = (),
        measured_pitch: float | None = None,
    ) -> Wanted:
        """Read what the command line names; WarpError where it cannot be read."""
        try:
            given = None if pitch is None else units.convert(pitch, units.LENGTH)
        except ValueError as error:
            raise WarpError(f"--pitch {pitch}: {error}") from None
        evidence = None if verified is None else page_evidence.read(verified)
        return cls(title, given, evidence, moire.read(measured, measured_pitch))


@dataclass(frozen=True)
class Contents:
    """What a report says; blocks are None, and lists empty, where a result has nothing to say."""

    result: Result
    title: str
    facts: str
    headline: Headline | None
    cards: list[tuple[str, str]]
    first: Flat | None
    """The surface to the board, or another where that was not measured."""
    flats: list[Flat]
    limits: Block | None
    every: Block | None
    process: Block | None
    curves: list[dict[str, Any]]
    temperatures: Block | None
    stresses: list[Block]
    loads: list[Block]
    stack: Sequence[Branch]
    materials: Block | None
    sources: list[Block]
    mesh: Block
    solvers: Block
    provenance: Block
    evidence: Block | None
    overlays: list[Overlay]
    left_out: list[str] = field(default_factory=list)
    warnings: Block | None = None

    @property
    def measured(self) -> Block | None:
        """Tabulate the measured surfaces."""
        return moire.block(self.overlays)


def gather(result: Result, wanted: Wanted | None = None) -> Contents:
    """Gather everything; what a result or its case does not hold is named in `left_out`."""
    wanted = wanted or Wanted()
    left_out: list[str] = []
    case: Case | None = None
    try:
        case = stored_case.parsed(result)
    except WarpError as error:
        left_out.append(
            f"loads, stack and materials: the stored case cannot be read any more ({error})"
        )
    flats: list[Flat] = []
    if "displacement" in result.fields:
        flats = [measured.flat(result, part, side) for part, side in measured.known(result)]
    else:
        left_out.append("surfaces: this result has no displacement field")
    board = measured.board_part(result)
    first = next((f for f in flats if (f.surface.part, f.surface.side) == (board, "bottom")), None)
    shown = first or next(iter(flats), None)
    pitch = wanted.pitch or (case.ball_pitch if case else None)
    materials, sources = page_basis.materials(result, case) if case else (None, [])
    return Contents(
        result=result,
        title=wanted.title or figures.heading(result) or "package",
        facts=_facts(result),
        headline=page_surfaces.headline(result, shown, pitch if first else None),
        cards=number_tables.cards({k: v for k, v in result.metrics.items() if k != "worst"}),
        first=shown,
        flats=flats,
        limits=page_surfaces.limits(result, case, first, pitch),
        every=page_surfaces.every(result),
        process=page_steps.block(result, board, pitch),
        curves=page_steps.curves(result),
        temperatures=_with_images(_group(result, "temperature"), case),
        stresses=[
            block
            for block in (
                _with_images(_group(result, "stress"), case),
                _group(result, "interfaces"),
            )
            if block
        ],
        loads=page_loads.blocks(case) if case else [],
        stack=part_tree.stack(case.parts, case.package) if case else (),
        materials=materials,
        sources=sources,
        mesh=page_basis.mesh(result),
        solvers=page_basis.solvers(result),
        provenance=page_basis.provenance(result),
        evidence=page_evidence.block(wanted.verified),
        overlays=moire.overlays(result, wanted.measured),
        left_out=left_out,
        warnings=_warnings(result),
    )


def _warnings(result: Result) -> Block | None:
    """List what looked wrong to the run that wrote a result."""
    found = result.metrics.get("warnings")
    if not found:
        return None
    return Block("Warnings", ("warning",), [(text,) for text in found])


def _facts(result: Result) -> str:
    info = result.provenance
    written = str(info.get("written") or "")[:16].replace("T", " ")
    known = [info.get("program"), info.get("device"), written and f"{written} UTC"]
    return " · ".join(str(fact) for fact in known if fact)


def _group(result: Result, name: str) -> Block | None:
    return page_surfaces.numbers_of(result, name) if result.metrics.get(name) else None


def _with_images(block: Block | None, case: Case | None) -> Block | None:
    """Say below a table of parts which ones it leaves out because their mirror images are in it."""
    if block is None or case is None or not any(case.mirror):
        return block
    images, present = [], case.load_steps[-1].stage.present
    for name in present:
        _, x1, _, y1 = case.package.places[name].outline.bounds
        beyond = any(m and end <= LEVEL for m, end in zip(case.mirror, (x1, y1), strict=True))
        if beyond and not case.parts[name].is_void:
            images.append(name)
    if not images:
        return block
    note = f"Mirror images of parts above, with their numbers: {listed(images)}."
    return replace(block, note=" ".join(filter(None, [block.note, note])))
