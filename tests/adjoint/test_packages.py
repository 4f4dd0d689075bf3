"""Gradients of whole packages against central differences, every kind of input among them."""

from pathlib import Path

import frozen
import frozen_process
import pytest

import warp

PACKAGES = Path(__file__).parents[2] / "data/packages"
SOLVED = {"load.temperature": "solved"}
CASES = {
    "fcbga-lid": (
        SOLVED,
        ["substrate.bottom", "chip.top.kappa_x", "junction"],
        [
            "part.substrate.layers.top-build-up.lump.2.thickness",
            "part.substrate.layers.bottom-build-up.lump.7.copper",
            "part.lid.thickness",
            "part.lid.stress_free",
            "part.fillet.width",
            "boundary.heat-sink.film",
            "material.core-mcl-e-795g.youngs_modulus.in_plane.glassy",
        ],
    ),
    "flip-chip": (
        {},
        ["substrate.bottom.warpage_p", "substrate.bottom.bow_x", "theta_ja"],
        ["part.chip.power", "part.bumps.height", "part.layer.stress_free", "load.temperature"],
    ),
    "substrate-layout": (
        {},
        ["substrate.bottom", "chip.top.corner_minus_centre"],
        ["part.substrate.size", "part.bumps.diameter", "material.silicon.cte@40 degC"],
    ),
    "bumps-resolved": (
        {},
        ["substrate.bottom", "chip.mean"],
        ["part.bumps.diameter", "part.chip.thickness", "boundary.air.ambient"],
    ),
    "stacked-chips": (
        SOLVED,
        ["substrate.bottom", "junction"],
        ["part.substrate.size.1", "part.logic.at.1", "part.logic.power.blocks.1.power"],
    ),
    "solder-balls": (
        {},
        ["board.bottom", "substrate.bottom.warpage_p"],
        ["part.balls.diameter", "part.board.thickness", "load.stress_free"],
    ),
    "wafer-epoxy": (
        {},
        ["wafer.bottom", "wafer.top.kappa_x"],
        ["part.layer.thickness", "load.temperature"],
    ),
    "filled-ceramic": (
        {},
        ["substrate.bottom", "junction"],
        ["part.chip.thickness", "boundary.air.film"],
    ),
    "stiffener-ring": (
        {},
        ["substrate.bottom", "chip.top"],
        ["part.spreader.thickness", "part.ring.stress_free", "part.substrate.layers.core.vias"],
    ),
}


LONGEST = "fcbga-lid", "stacked-chips"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.weekly] * (n in LONGEST)) for n in CASES]
)
def test_gradient_is_the_central_difference(cpu, monkeypatch, name):
    """Within 1e-4, the solves at the round-off of their operators."""
    overrides, metrics, keys = CASES[name]
    frozen.tighten(monkeypatch)
    case = warp.load(PACKAGES / f"{name}.toml", {"grid.refine": "0.4", **overrides})
    frozen.check(frozen.point(case, cpu), metrics, keys)


PROCESSES = {
    "process-fcbga": (
        ["substrate.bottom at to room temperature", "chip.von_mises_mean", "substrate.top.bow_x"],
        [
            "load.stress_free",
            "step.underfill.temperature",
            "part.chip.thickness",
            "part.fillet.width",
            "material.silicon.cte@100 degC",
        ],
    ),
    "process-reflow": (
        ["substrate.bottom at 25 degC", "substrate.bottom.kappa_x at 260 degC"],
        [
            "step.chip attach.temperature",
            "part.substrate.layers.core.thickness",
            "part.substrate.layers.top-build-up.lump.1.copper",
            "material.underfill-uf9000ae.youngs_modulus.glassy",
        ],
    ),
}


@pytest.mark.slow
@pytest.mark.weekly
@pytest.mark.parametrize("name", PROCESSES)
def test_gradient_of_a_process_is_the_central_difference(cpu, monkeypatch, name):
    """Within 1e-4, through attaching, filling, curing, cooling and reflow."""
    metrics, keys = PROCESSES[name]
    frozen.tighten(monkeypatch)
    case = warp.load(PACKAGES / f"{name}.toml", {"grid.refine": "0.3"})
    frozen_process.check(frozen_process.point(case, cpu), metrics, keys)
