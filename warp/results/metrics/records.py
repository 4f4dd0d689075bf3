"""Declare the numbers that the driver adds: grids of an error estimate, bond lines, steps, run."""

from __future__ import annotations

from warp.results import heights
from warp.results.metrics.declaration import (
    CELSIUS,
    MEGABYTE,
    MICROMETRE,
    MILLIMETRE,
    NEWTON,
    NONE,
    SECOND,
    SQUARE_MILLIMETRE,
    Column,
    Each,
    Group,
    Metric,
    Number,
    Values,
)


def _grids(values: Values) -> str:
    counts = ", ".join(f"{count:,}" for count in values["voxels"])
    return f"from grids of {counts} voxels, order {values['order']}; <: a bound, not monotone"


def _change(values: Values) -> str:
    low, high = values["change_min_um"], values["change_max_um"]
    return f"{values['change_um']:+.2f} um ({low:+.2f} to {high:+.2f})"


def _worst(values: Values) -> str:
    return heights.signed(values["warpage_um"])


REFINEMENT = Metric(
    Group(("refinement",), Each.PACKAGE, "refinement"),
    (
        Number(
            "voxels",
            NONE,
            "with --refine: voxels of each grid",
            console=Column("+- discretisation error", _grids),
        ),
        Number("order", NONE, "with --refine: whether the order was observed or assumed"),
    ),
)
BOND_LINE_ROUNDS = Metric(
    Group(("bond_lines",), Each.PACKAGE, "package"),
    (
        Number(
            "rounds",
            NONE,
            "alternating solves of heat and displacement, where the case names bond lines",
            console=Column("rounds of heat and bending", "{}"),
        ),
    ),
)
BOND_LINES = Metric(
    Group(("bond_lines", "parts"), Each.PART, "bond line"),
    (
        Number(
            "thickness",
            MICROMETRE,
            "thickness as drawn",
            console=Column("bond line", "{:.1f} um"),
        ),
        Number(
            "change",
            MICROMETRE,
            "change by heat and bending, mean by area; + opens",
            console=Column("its change", _change),
        ),
        Number("change_min", MICROMETRE, "smallest change"),
        Number("change_max", MICROMETRE, "largest change"),
    ),
)
STEPS = Metric(
    Group(("steps",), Each.ENTRY, "step"),
    (
        Number("step", NONE, "number of the process step; one record a load step, in order"),
        Number("name", NONE, "name of the step"),
        Number("do", NONE, "kind of the step"),
        Number("last", NONE, "whether the load step ends its step"),
        Number("time", SECOND, "since the start"),
        Number("temperature", CELSIUS, "temperature of the package; null if it was solved"),
        Number("unit", NONE, "name of the unit that is left after a cut"),
        Number("body", NONE, "name of the body that is made apart; null of the package"),
        Number("parts", NONE, "parts that are present"),
        Number("voxels", NONE, "voxels of the grid"),
        Number("iterations", NONE, "iterations of each solver"),
        Number("height", MILLIMETRE, "height of the body"),
        Number(
            "bends",
            NONE,
            "largest sag over the height; linear theory is 6 % too high at 0.5",
        ),
        Number("beyond_linear", NONE, "surfaces that leave linear theory, one sentence each"),
        Number(
            "frame",
            NONE,
            "clamped faces: the displacement counts from them, they are at rest; centred: its mean "
            "and mean rotation are removed",
        ),
    ),
)
WORST = Metric(
    Group(("worst",), Each.PACKAGE, "worst case"),
    (
        Number(
            "warpage",
            MICROMETRE,
            "of a process: the largest warpage, either way, of a surface of a plate (board, "
            "substrate, chip, mould, lid) or terminal over the load steps of the finished body",
            console=Column("worst of the finished body", _worst),
            report=Column("largest warpage of the finished body", _worst),
        ),
        Number("surface", NONE, "PART.SIDE that has it", console=Column("of", "{}")),
        Number(
            "temperature",
            CELSIUS,
            "temperature at which it has it; null if it was solved",
            console=Column("at", "{:.4g} degC"),
        ),
        Number("step", NONE, "number of the process step"),
        Number("name", NONE, "name of the step"),
    ),
)
UNMOUNTED = Metric(
    Group(("unmounted",), Each.PACKAGE, "package before it is mounted"),
    (
        Number(
            "warpage",
            MICROMETRE,
            "of a process that mounts the package on a board: the largest warpage, either way, of "
            "its surface to the board before that, or of all its measured plates",
            console=Column("worst of the package before it is mounted", _worst),
            report=Column("largest warpage of the package before it is mounted", _worst),
        ),
        Number("surface", NONE, "PART.SIDE that has it", console=Column("of", "{}")),
        Number(
            "temperature",
            CELSIUS,
            "temperature at which it has it; null if it was solved",
            console=Column("at", "{:.4g} degC"),
        ),
        Number("step", NONE, "number of the process step"),
        Number("name", NONE, "name of the step"),
        Number("board", NONE, "the part that it is mounted to"),
        Number(
            "coplanarity",
            MICROMETRE,
            "JESD22-B108: largest coplanarity of the terminals before the package is mounted",
            console=Column("its coplanarity", lambda v: heights.plain(v["coplanarity_um"])),
            report=Column(
                "largest coplanarity of the terminals before it is mounted",
                lambda v: heights.plain(v["coplanarity_um"]),
            ),
        ),
    ),
)
SUPPORTS = Metric(
    Group(("steps[]", "support"), Each.PACKAGE, "support"),
    (
        Number("on", NONE, "support of a body that is not free: clamped, or a table"),
        Number("faces", NONE, "names of the clamped faces"),
        Number("weight", NEWTON, "on a table: weight of the full package"),
        Number("area", SQUARE_MILLIMETRE, "on a table: area of the voxels that touch it"),
        Number("lift", MICROMETRE, "on a table: greatest height of a lower face above it"),
    ),
)
FRAME = Metric(
    Group((), Each.PACKAGE, "displacement"),
    (
        Number(
            "frame",
            NONE,
            "of a process: the frame of the last step",
        ),
    ),
)
WARNINGS = Metric(
    Group((), Each.PACKAGE, "warnings"),
    (
        Number(
            "warnings",
            NONE,
            "of `warp run`: what looks wrong, or leaves what the model holds for, a sentence each",
        ),
    ),
)
PROVENANCE = Metric(
    Group((), Each.PACKAGE, "provenance"),
    (
        Number("program", NONE, "name and version"),
        Number("python", NONE, "version"),
        Number("numpy", NONE, "version"),
        Number("platform", NONE, "operating system and processor"),
        Number("written", NONE, "date and time, UTC"),
        Number("command", NONE, "the command line"),
        Number("case_file", NONE, "path of the case"),
        Number("overrides", NONE, "values that --set replaced"),
        Number("device", NONE, "processor or GPU"),
        Number("wall", SECOND, "wall time of the run"),
        Number("peak_memory", MEGABYTE, "largest memory of the run"),
    ),
)
SOLVERS = Metric(
    Group(("solver", "NAME"), Each.PACKAGE, "solver"),
    (
        Number("iterations", NONE, "iterations, over all rounds"),
        Number("residual", NONE, "relative residual at the end"),
        Number("seconds", NONE, "wall time [s]"),
        Number("tolerance", NONE, "relative residual asked for"),
        Number(
            "rounds",
            NONE,
            "heat only: linear solves, each with conductivities at the temperatures of the last",
        ),
    ),
)
