"""Gradients of whole packages against central differences, every kind of input among them."""

from pathlib import Path

import frozen
import frozen_process
import pytest

import warp
from warp.adjoint.gradient import of_result

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
        [
            "part.chip.power",
            "part.chip.size",
            "part.bumps.height",
            "part.bumps.pitch",
            "part.layer.stress_free",
            "load.temperature",
        ],
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


@pytest.mark.slow
def test_size_of_a_chip_on_a_layer_of_bumps_is_that_of_whole_pitches(cpu):
    """19, 20 and 21 columns fill 7.6, 8 and 8.4 mm; each size has a grid of its own."""

    def solved(size):
        case = warp.load(
            PACKAGES / "flip-chip.toml", {"grid.refine": "0.5", "part.chip.size": size}
        )
        return warp.solve(case, "cpu")

    found = of_result(solved("8 mm"), ["substrate.bottom", "junction"], cpu)
    ends = [solved(size) for size in ("8.4 mm", "7.6 mm")]
    numbers = [
        [r.metrics["surfaces"]["substrate"]["bottom"]["warpage_um"] for r in ends],
        [r.metrics["thermal"]["junction_C"] for r in ends],
    ]
    for gradient, (large, small) in zip(found, numbers, strict=True):
        effect = next(e for e in gradient.effects if e.key == "part.chip.size")
        assert effect.derivative == pytest.approx((large - small) / 0.8, rel=0.01)
        assert effect.beside == "'bumps' ends on a side of another part and stays on it"


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
