"""Every package of `hard_cases` converges untuned: the true residual falls to 1e-8 in few
iterations.

The residual b - A x is computed anew in float64 from the solution, with the operator that
test_elastic and test_heat compare with an assembled matrix; the solver's own value is not used.
"""

import numpy as np
import pytest
from hard_cases import CASES, Case
from hard_models import ROOM, lidded

from warp import load
from warp.errors import WarpError
from warp.machine.device import Device
from warp.run import model as run_model
from warp.solvers.elastic import load as elastic_load
from warp.solvers.elastic import operator as elastic_operator
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic.history.state import State
from warp.solvers.heat import load as heat_load
from warp.solvers.heat import solve as heat
from warp.solvers.krylov import Control
from warp.verify import bench
from warp.voxels import boundary
from warp.voxels.boundary import Film
from warp.voxels.voxelize import VoxelModel

TOLERANCE = 1e-8


SUITE = [
    pytest.param(
        case, id=case.name, marks=[pytest.mark.slow, pytest.mark.weekly] if case.slow else []
    )
    for case in CASES
]


def elastic_residual(
    model: VoxelModel, displacement: np.ndarray, temperature, device: Device
) -> float:
    """Return |f - A U| / |f|."""
    A = elastic_operator.operator(
        model,
        device,
        elastic_operator.moduli(model, elastic_load.mean_temperature(model, temperature)),
    )
    f = elastic_load.load(model, A, temperature)
    U = np.zeros(A.shape)
    U[..., 1 : displacement.shape[3] + 1] = displacement
    r = f.copy()
    A.apply(r, U, 1.0, -1.0)
    return float(np.linalg.norm(r) / np.linalg.norm(f))


def heat_residual(solution: heat.Solution, q: np.ndarray) -> float:
    """Return |b - A x| / |b| with x counted from the solver's datum, void at the datum."""
    A = solution.operator
    b = heat_load.load(A, q)
    x = np.where(A.model.ids > 0, solution.temperature - A.surroundings.datum, 0.0)
    r = b.copy()
    A.apply(r, x, 1.0, -1.0)
    return float(np.linalg.norm(r) / np.linalg.norm(b))


def films(model: VoxelModel) -> list[Film]:
    return [Film(f"{model.parts[0]}.bottom", 500, ROOM)]


@pytest.mark.parametrize("case", SUITE)
def test_elastic(cpu, case: Case):
    model = case.build()
    solution = elastic.solve(model, ROOM, cpu, State.start(model.grid.shape), Control(TOLERANCE))
    assert elastic_residual(model, solution.displacement, ROOM, cpu) <= 1.01 * TOLERANCE
    assert solution.iterations <= case.elastic


@pytest.mark.parametrize("case", SUITE)
def test_heat(cpu, case: Case):
    model = case.build()
    power = {model.parts[-1]: 5.0}
    if case.heat is None:
        with pytest.raises(WarpError, match="heat cannot leave"):
            heat.solve_steady(model, films(model), power, cpu)
        return
    solution = heat.solve_steady(model, films(model), power, cpu, Control(TOLERANCE))
    assert heat_residual(solution, boundary.heat_load(model, power)) <= 1.01 * TOLERANCE
    assert solution.iterations <= case.heat


def test_heat_that_varies_in_space(cpu):
    """Load of a solved, smooth temperature field, and of random, rough temperatures."""
    model = lidded()
    smooth = heat.solve_steady(model, films(model), {"chip": 5.0}, cpu).temperature
    rough = ROOM + np.random.default_rng(1).uniform(-50, 50, model.grid.shape)
    for temperature in (smooth, rough):
        solution = elastic.solve(
            model, temperature, cpu, State.start(model.grid.shape), Control(TOLERANCE)
        )
        assert elastic_residual(model, solution.displacement, temperature, cpu) <= 1.01 * TOLERANCE
        assert solution.iterations <= 60


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.name.startswith(("flip chip, half", "lid on 0.2"))],
    ids=str,
)
def test_two_runs_are_equal_to_the_last_bit(cpu, case: Case):
    model = case.build()
    first, second = (
        elastic.solve(model, ROOM, cpu, State.start(model.grid.shape)) for _ in range(2)
    )
    assert first.residuals == second.residuals
    np.testing.assert_array_equal(first.displacement, second.displacement)
    first, second = (
        heat.solve_steady(model, films(model), {model.parts[-1]: 5.0}, cpu) for _ in range(2)
    )
    np.testing.assert_array_equal(first.temperature, second.temperature)


@pytest.mark.slow
@pytest.mark.weekly
@pytest.mark.parametrize("solver", ["elastic", "heat"])
def test_iterations_hardly_grow_with_the_grid(cpu, solver):
    """The lidded package from 1e5 to 1e6 voxels, graded in plane: less than 1.5 times as many."""
    counts = []
    for voxels in (1e5, 1e6):
        case = load(bench.package(), bench.spaced(int(voxels)))
        model = run_model.build(case, cpu)
        if solver == "elastic":
            solution = elastic.solve(
                model, case.loads.temperature, cpu, State.start(model.grid.shape)
            )
        else:
            solution = heat.solve_steady(model, case.boundaries, case.sources, cpu)
        counts.append(solution.iterations)
    assert counts[1] < 1.5 * counts[0], counts


def test_the_suite_is_large_and_its_names_are_unique():
    assert len(CASES) >= 60 and len({case.name for case in CASES}) == len(CASES)
