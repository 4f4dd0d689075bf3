"""Bending with weighted levels: laminates are exact, free bodies free of stress, A is symmetric."""

from dataclasses import replace

import numpy as np
import pytest
from hard_models import ROOM, STRESS_FREE, Solid, bimetal
from solids import operator

from warp.solvers.elastic import operator as elastic_operator
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.stress import stress
from warp.solvers.krylov import Control
from warp.verify.bending import Layer, laminate

LOWER, UPPER = Solid(26e3, 0.2, 15.0), Solid(130e3, 0.28, 2.8)
LAYERS = (1.0, 7), (0.5, 8)  # mm, cells


def weighted(half=8.0, columns=16, lower=LOWER, upper=UPPER):
    model = bimetal(half, columns, LAYERS, lower=lower, upper=upper)
    breaks = 0, LAYERS[0][1], LAYERS[0][1] + LAYERS[1][1]
    return replace(model, grid=replace(model.grid, breaks=breaks))


def solved(model, cpu):
    return elastic.solve(model, ROOM, cpu, State.start(model.grid.shape), Control(1e-10))


def curvature(model, U):
    """In the middle of the plate, where the mirror planes meet."""
    stretch = (U[0, :2, 0, 1] - U[0, :2, 0, 0]) / model.grid.dx[0]
    return (stretch[1] - stretch[0]) / (model.grid.zc[1] - model.grid.zc[0])


def test_a_laminate_of_few_cells_bends_as_it_should(cpu):
    """The midpoint rule alone misses 0.5 %."""
    model = weighted(16.0, 64)  # wide: a rim of a cell is stiffer
    stack = [
        Layer(1e-3 * t, 1e6 * s.E, s.nu, 1e-6 * s.expansion)
        for (t, _), s in zip(LAYERS, (LOWER, UPPER), strict=True)
    ]
    right = laminate(stack, ROOM - STRESS_FREE)[1]
    assert curvature(model, solved(model, cpu).displacement) == pytest.approx(right, rel=1e-3)
    plain = replace(model, grid=replace(model.grid, breaks=()))
    assert abs(curvature(plain, solved(plain, cpu).displacement) / right - 1) > 4e-3


def test_a_free_body_of_one_material_is_free_of_stress(cpu):
    model = weighted(upper=LOWER)
    found = solved(model, cpu)
    thermal = 1e6 * LOWER.E * 1e-6 * LOWER.expansion * abs(ROOM - STRESS_FREE)
    assert abs(stress(model, ROOM, found.state, cpu)).max() < 1e-6 * thermal


def test_the_weighted_operator_is_symmetric(cpu):
    model = weighted(2.0, 2)
    matrix = operator(model, cpu)
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-14 * matrix.max())
    assert np.linalg.eigvalsh(matrix).min() > -1e-14 * matrix.max()


def test_the_smoother_knows_the_weighted_diagonal(cpu):
    model = weighted(2.0, 2)
    at = np.full(len(model.media), ROOM)
    A = elastic_operator.operator(model, cpu, elastic_operator.moduli(model, at))
    diagonal = np.zeros(A.shape)
    A.free.add_diagonal(cpu, diagonal)
    nx, ny, nz = A.n
    args = diagonal, *A.arguments(np.float64), nx, ny, nz
    cpu.launch("elastic", "media_diagonal", (nx + 1, ny + 1, nz + 1), *args, real=np.float64)
    expected = np.diag(operator(model, cpu))
    inside = diagonal[..., 1 : nx + 2].ravel()
    exists = expected > 0  # the operator also holds what the mirror planes hold
    np.testing.assert_allclose(inside[exists], expected[exists], rtol=1e-12)
