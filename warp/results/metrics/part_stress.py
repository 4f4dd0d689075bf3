"""Declare the extreme stresses of each part.

The largest value of a part grows with every refinement where linear elasticity is singular; the
quantiles by volume converge.
"""

from __future__ import annotations

from typing import Any

from warp.results import stress as stress_metrics
from warp.results.metrics.declaration import (
    MEGAPASCAL,
    MILLIMETRE,
    Column,
    Each,
    Group,
    Metric,
    Number,
    position,
)
from warp.results.metrics.solved import Solved

STRESSES = Group(
    ("stress",),
    Each.PART,
    "part (MPa)",
    note="The first three leave out the worst 0.1 % of the volume: edges and corners are "
    "singular, their peak grows with every refinement. Compare designs by the first three.",
)


def _compute(solved: Solved) -> dict[str, dict[str, Any]] | None:
    if solved.stress is None:
        return None
    return stress_metrics.parts(solved.model, solved.stress, solved.device)


def _place(name: str, report: Column | None = None) -> Number:
    meaning = "centre (x, y, z) of the voxel with that stress"
    return Number(f"{name}_at", MILLIMETRE, meaning, report=report, position=True)


PART_STRESS = Metric(
    STRESSES,
    (
        Number(
            "max_principal_q999",
            MEGAPASCAL,
            "the largest principal stress in 99.9 % of the volume stays below it",
            report=Column("largest tension", "{:.1f}"),
            compared="largest tension",
            swept="largest tension",
        ),
        Number(
            "min_principal_q001",
            MEGAPASCAL,
            "the smallest principal stress in 99.9 % of the volume stays above it",
            report=Column("largest compression", "{:.1f}"),
        ),
        Number(
            "von_mises_q999",
            MEGAPASCAL,
            "the von Mises stress in 99.9 % of the volume stays below it",
            report=Column("von Mises", "{:.1f}"),
        ),
        Number(
            "max_principal",
            MEGAPASCAL,
            "largest principal stress: the largest tension",
            report=Column("peak tension", "{:.1f}"),
        ),
        _place("max_principal", Column("at x, y, z (mm)", position("max_principal_at_mm"))),
        Number(
            "min_principal",
            MEGAPASCAL,
            "smallest principal stress: the largest compression",
        ),
        _place("min_principal"),
        Number("von_mises", MEGAPASCAL, "largest von Mises stress"),
        _place("von_mises"),
    ),
    _compute,
)
