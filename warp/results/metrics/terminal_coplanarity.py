"""Declare the coplanarity of the terminals that the case names."""

from __future__ import annotations

from warp.results.flatness import UM, coplanarity
from warp.results.metrics.declaration import MICROMETRE, Column, Each, Group, Metric, Number
from warp.results.metrics.solved import Solved

TERMINALS = Group((), Each.PACKAGE, "terminals", label="terminals")


def _compute(solved: Solved) -> dict[str, float] | None:
    if solved.displacement is None or not solved.terminals:
        return None
    surfaces = [solved.surface(part, "bottom") for part in solved.terminals]
    return {"coplanarity_um": coplanarity(*surfaces) / UM}


COPLANARITY = Metric(
    TERMINALS,
    (
        Number(
            "coplanarity",
            MICROMETRE,
            "JESD22-B108: height of the highest terminal above the seating plane, if the case "
            "names the terminals",
            console=Column("coplanarity", "{:.1f} um"),
            report=Column("coplanarity of the terminals", "{:.1f} um"),
            compared="coplanarity",
            swept="coplanarity",
        ),
    ),
    _compute,
)
