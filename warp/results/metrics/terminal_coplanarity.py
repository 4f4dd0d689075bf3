"""Declare the coplanarity of the terminals that the case names."""

from __future__ import annotations

from warp.results import heights
from warp.results.flatness import UM, coplanarity
from warp.results.metrics.declaration import MICROMETRE, Column, Each, Group, Metric, Number, Values
from warp.results.metrics.solved import Solved

TERMINALS = Group((), Each.PACKAGE, "terminals", label="terminals")


def _compute(solved: Solved) -> dict[str, float] | None:
    if solved.displacement is None or not solved.terminals:
        return None
    surfaces = [solved.surface(part, "bottom") for part in solved.terminals]
    return {"coplanarity_um": coplanarity(*surfaces) / UM}


def _height(values: Values) -> str:
    return heights.plain(values["coplanarity_um"])


COPLANARITY = Metric(
    TERMINALS,
    (
        Number(
            "coplanarity",
            MICROMETRE,
            "JESD22-B108: height of the highest terminal above the seating plane, if the case "
            "names the terminals",
            console=Column("coplanarity", _height),
            report=Column("coplanarity of the terminals", _height),
            compared="coplanarity",
            swept="coplanarity",
        ),
    ),
    _compute,
)
