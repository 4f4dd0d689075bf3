"""Every package of `hard_models` converges untuned: the true residual in float64 falls to 1e-8 in few iterations.

The residual is computed anew from what the solver returned, b - A x with the operator that test_elastic and test_heat
hold against an assembled matrix; the solver's own count of it is not asked.
"""

import numpy as np
import pytest
from hard_models import CASES, ROOM, Case

from warp import elastic, heat
from warp.boundary import Film
from warp.device import Device
from warp.errors import WarpError
from warp.voxelize import VoxelModel

TOLERANCE = 1e-8


def parameters():
    """The suite with its marks."""
    for case in CASES:
        marks = [pytest.mark.slow] if case.slow else []
        yield pytest.param(case, id=case.name, marks=marks)


def elastic_residual(model: VoxelModel, displacement: np.ndarray, temperature, device: Device) -> float:
    """|f - A U| / |f|."""
    A = elastic.Operator(model, device, elastic.mean_temperature(model, temperature))
    f = elastic.load(model, A, temperature)
    U = np.zeros(A.shape)
    U[..., 1 : displacement.shape[3] + 1] = displacement
    r = f.copy()
    A.apply(r, U, 1.0, -1.0)
    return float(np.linalg.norm(r) / np.linalg.norm(f))


def heat_residual(solution: heat.Solution, q: np.ndarray) -> float:
    """|b - A x| / |b| with x counted from the solver's datum, void at the datum."""
    A = solution.operator
    b = heat.load(A, q)
    x = np.where(A.model.ids > 0, solution.temperature - A.surroundings.datum, 0.0)
    r = b.copy()
    A.apply(r, x, 1.0, -1.0)
    return float(np.linalg.norm(r) / np.linalg.norm(b))


def films(model: VoxelModel) -> list[Film]:
    return [Film(f"{model.parts[0]}.bottom", 500, ROOM)]


@pytest.mark.parametrize("case", parameters())
def test_elastic(cpu, case: Case):
    if case.diverges:
        pytest.xfail(case.diverges)
    model = case.build()
    solution = elastic.solve(model, ROOM, cpu, TOLERANCE)
    assert elastic_residual(model, solution.displacement, ROOM, cpu) <= 1.01 * TOLERANCE
    assert solution.iterations <= case.elastic


@pytest.mark.parametrize("case", parameters())
def test_heat(cpu, case: Case):
    model = case.build()
    power = {model.parts[-1]: 5.0}
    if case.heat is None:
        with pytest.raises(WarpError, match="heat cannot leave"):
            heat.solve_steady(model, films(model), power, cpu)
        return
    solution = heat.solve_steady(model, films(model), power, cpu, TOLERANCE)
    from warp import boundary

    assert heat_residual(solution, boundary.heat_load(model, power)) <= 1.01 * TOLERANCE
    assert solution.iterations <= case.heat


def test_the_suite_is_large_and_its_names_are_unique():
    assert len(CASES) >= 60 and len({case.name for case in CASES}) == len(CASES)
