"""What a run is predicted to cost follows from what it solves."""

from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from small_case import CASE
from stacked_plates import COARSE, PLATES, step

import warp
from warp.case.case import parse
from warp.materials.relaxation import Relaxation
from warp.run import flexibility, forecast, kernels
from warp.run.grids import common_grid
from warp.run.resources import predicted_bytes
from warp.solvers.elastic.load import mean_temperature
from warp.solvers.elastic.multigrid.cycle import Cycle, coarsest_size
from warp.solvers.elastic.operator import moduli, operator
from warp.voxels.voxelize import voxelize

CORE = SimpleNamespace(cuda=False, threads=1)
COOLED = step("attach", parts=["b"], temperature="165 degC") + step("cool", temperature="25 degC")
PASTE = """
[material.paste]
conductivity = "3 W/(m K)"
[part.paste]
on = "chip"
size = "6 mm"
thickness = "0.1 mm"
material = "paste"
"""


def case_of(text):
    return parse(text, Path("case.toml"))


def seconds(case):
    return forecast.predicted_seconds(case, common_grid(case), CORE) - forecast.START


def test_bars_that_relax_in_one_substep_take_three_solves_and_frozen_ones_one():
    slow = Relaxation((1e9,), (0.0,), (0.5,))
    assert forecast.TwoBars(slow, 400.0).solves(300.0, 1.0) == 1
    at_once = Relaxation((1e-9,), (0.0,), (0.5,))
    assert forecast.TwoBars(at_once, 400.0).solves(400.0, 1.0) == 3


def test_a_laminate_bends_as_linear_theory_says():
    """Glass 0.7 (73 GPa, 3.8 ppm/K) under 0.3 mm of mould (20, 9), nu 0.25, 510 mm, -125 K.

    kappa = 5.02336e-4 / mm by classical laminate theory.
    """
    case = warp.load(Path(str(resources.files("warp.data"))) / "packages" / "panel-moulded.toml")
    bend = flexibility.bend_over_height(case, {"panel", "mould"}, 298.15)
    assert bend == pytest.approx(5.02336e-4 * 255**2 / 2 / 1.0, rel=1e-4)


def test_the_strain_of_bars_is_that_of_a_hand():
    """Equal bars with free strains 2 f and f: 3/2 f while both are stiff; as the first gives way by
    the fraction g, (2 (1 - g) + 1) f / (2 - g).
    """
    f, g = forecast.EXPANSION * -100.0, 0.5
    for law, strain in (
        (Relaxation((1e9,), (0.0,), (g,)), 1.5 * f),
        (Relaxation((1e-6,), (0.0,), (g,)), (2 * (1 - g) + 1) * f / (2 - g)),
    ):
        bars = forecast.TwoBars(law, 400.0)
        bars.solves(300.0, 1.0)
        lone = bars.state.memory.strain[0, 0, 0]  # the strain that causes stress
        assert lone + 2 * f == pytest.approx(strain, rel=1e-5)


def test_a_load_step_that_moves_nothing_costs_no_iterations():
    joined = COARSE + PLATES + COOLED + step("attach", parts=["c"], temperature="25 degC")
    cooled = joined + step("cool", temperature="0 degC")
    one, two, three = (
        seconds(case_of(text)) for text in (COARSE + PLATES + COOLED, joined, cooled)
    )
    assert two - one < 0.3 * (three - two)


def test_heat_alone_is_predicted_without_displacements():
    text = CASE.replace('"chip.top"', '"paste.top"') + PASTE
    alone = case_of(text)
    mechanics = 'youngs_modulus = "1 MPa"\npoissons_ratio = 0.4\ncte = "200 ppm/K"\n'
    whole = case_of(text.replace('"3 W/(m K)"\n', '"3 W/(m K)"\n' + mechanics))
    assert alone.heat_alone and not whole.heat_alone
    assert seconds(alone) < 0.7 * seconds(whole)
    grid = common_grid(alone)
    assert predicted_bytes(grid, alone) < predicted_bytes(grid, whole)
    assert "elastic" not in kernels.groups(alone) and "elastic" in kernels.groups(whole)


def test_the_coarsest_level_of_a_grid_without_voids_is_that_of_the_cycle(cpu):
    case = case_of(COARSE + PLATES + COOLED)
    model = voxelize(case.bodies(), case.materials(), common_grid(case), 450.0)
    A = operator(model, cpu, moduli(model, mean_temperature(model, np.full((1, 1, 1), 450.0))))
    cycle = Cycle(A)
    active = np.count_nonzero(cpu.to_host(cycle.coarsest.active))
    mirrored = sum(
        n * (len(A.lines[2]) - 1) for n in cycle.coarsest.shape[2:]
    )  # at most: displacements that mirror planes hold
    assert active <= coarsest_size(A.lines, A.mirror) <= active + mirrored


def test_a_transition_by_the_incremental_law_takes_several_solves():
    """From 40 to 110 GPa and back, log steps of 1.5 at most: three solves instead of one."""
    softens = COARSE.replace('"110 GPa"', '[["60 degC", "110 GPa"], ["160 degC", "40 GPa"]]')
    total, incremental = (
        seconds(
            case_of(softens.replace("[material.b]\n", f"[material.b]\n{law}") + PLATES + COOLED)
        )
        for law in ("", 'elastic_law = "incremental"\n')
    )
    assert 1.5 < incremental / total < 3


def test_auto_takes_the_time_of_large_deflection_where_it_bends_that_far():
    """The panel-moulded package bends by sixteen times its height by linear theory."""
    path = Path(str(resources.files("warp.data"))) / "packages" / "panel-moulded.toml"
    always, auto, linear = (
        warp.load(path, {"load.large_deflection": word}) for word in ("true", "auto", "false")
    )
    assert seconds(auto) == seconds(always) > 5 * seconds(linear)
    for case, factor in ((auto, forecast.ERROR_BEYOND), (linear, forecast.ERROR)):
        assert forecast.time_range(case, 10.0) == pytest.approx((10 / factor, 10 * factor))


def test_a_cycle_serves_until_a_stiffness_has_drifted():
    case = case_of(COARSE + PLATES + COOLED)
    (stage,) = {step.stage for step in case.load_steps[-1:]}
    cycle = forecast._Stiffness(case)
    assert not cycle.serves(stage, 400.0) and cycle.serves(stage, 401.0)
    other = case.load_steps[0].stage
    assert (other == stage) or not cycle.serves(other, 401.0)


def test_cores_share_the_kernels_and_nothing_else():
    """Half of the time of a small grid: eight cores save 7/16 of it."""
    case = case_of(COARSE + PLATES + COOLED)
    grid = common_grid(case)
    eight = SimpleNamespace(cuda=False, threads=8)
    on_eight = forecast.predicted_seconds(case, grid, eight) - forecast.START
    assert on_eight == pytest.approx(seconds(case) * 9 / 16)
    assert forecast.kernel_share(4_000_000) == pytest.approx(0.5 + 2 * 0.22)
    assert forecast.kernel_share(10**9) == forecast.MOST_SHARED
