"""Declare peel and shear on the horizontal interfaces between touching parts."""

from __future__ import annotations

from typing import Any

from warp.results import stress as stress_metrics
from warp.results.metrics.declaration import (
    MEGAPASCAL,
    MILLIMETRE,
    NONE,
    SQUARE_MILLIMETRE,
    Column,
    Each,
    Group,
    Metric,
    Number,
)
from warp.results.metrics.solved import Solved

INTERFACES = Group(("interfaces",), Each.ENTRY, "interface (MPa)")


def _compute(solved: Solved) -> list[dict[str, Any]] | None:
    if solved.stress is None:
        return None
    return stress_metrics.interfaces(solved.model, solved.stress, solved.device)


def _stress(name: str, meaning: str, head: str = "") -> Number:
    report = Column(head, "{:+.2f}") if head else None
    return Number(name, MEGAPASCAL, meaning, report=report)


def _place(name: str) -> Number:
    return Number(f"{name}_at", MILLIMETRE, "its position (x, y, z)", position=True)


INTERFACE_STRESS = Metric(
    INTERFACES,
    (
        Number("lower", NONE, "the lower of two parts that touch"),
        Number("upper", NONE, "the upper one"),
        Number(
            "area",
            SQUARE_MILLIMETRE,
            "its area in the full package",
            report=Column("area (mm²)", "{:.4g}"),
        ),
        _stress("peel_mean", "normal stress on it, mean by area; + opens", "mean peel"),
        _stress("peel_max", "largest normal stress"),
        _place("peel_max"),
        _stress("peel_q99", "99 % of the area stay below it", "peel, 99 %"),
        _stress("shear_mean", "shear stress on it, mean by area", "mean shear"),
        _stress("shear_max", "largest shear stress"),
        _place("shear_max"),
        _stress("shear_q99", "99 % of the area stay below it", "shear, 99 %"),
    ),
    _compute,
)
