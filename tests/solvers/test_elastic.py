"""The operator against an independent assembly, and exact states: free expansion, free bending."""

from types import SimpleNamespace

import numpy as np
import pytest
import reference as ref
from conductors import boxes
from solids import ROOM, TWO, Solid, grid_lines, operator, plain, properties, voxels

from warp.solvers.elastic import load as elastic_load
from warp.solvers.elastic import operator as elastic_operator
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic import stress as elastic_stress
from warp.solvers.elastic.history.state import State
from warp.solvers.krylov import Control

MIRRORS = [(False, False), (True, False), (False, True), (True, True)]


def rubble(seed, shape=(5, 6, 7)):
    """Fill a model with voxels of two solids and void at random."""
    return np.random.default_rng(seed).integers(0, 3, shape)


@pytest.mark.parametrize("mirror", MIRRORS)
@pytest.mark.parametrize("seed", [1, 2])
def test_operator_is_the_assembled_one(cpu, mirror, seed):
    """Random voxels that touch by faces, edges and corners; symmetric, never negative."""
    model = voxels(rubble(seed, (4, 4, 5)), TWO, mirror, seed)
    matrix = operator(model, cpu)
    expected = ref.elastic_matrix(*grid_lines(model), *properties(model), mirror).toarray()
    np.testing.assert_allclose(matrix, expected, rtol=0, atol=1e-14 * expected.max())
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-14 * expected.max())
    assert np.linalg.eigvalsh(matrix).min() > -1e-14 * expected.max()


@pytest.mark.parametrize("mirror", MIRRORS)
def test_rigid_motions_cost_no_energy(cpu, mirror):
    model = voxels(rubble(3), TWO, mirror)
    A = elastic_operator.operator(model, cpu, elastic_operator.moduli(model, np.full(3, ROOM)))
    out = np.zeros(A.shape)
    modes = ref.rigid_modes(*grid_lines(model), model.ids > 0, mirror)
    for mode in modes.T:
        U = np.zeros(A.shape)
        plain(U)[...] = mode.reshape(plain(U).shape)
        A.apply(out, U)
        assert abs(out).max() < 1e-12 * abs(A.body.cell).max() * abs(U).max()


@pytest.mark.parametrize("mirror", MIRRORS)
def test_load_is_the_assembled_one(cpu, mirror):
    """Random temperatures: thermal strain in the voxels, and free shear at lateral faces."""
    model = voxels(rubble(4), TWO, mirror)
    T = ROOM + np.random.default_rng(5).uniform(-100, 50, model.grid.shape)
    A = elastic_operator.operator(model, cpu, elastic_operator.moduli(model, np.full(3, ROOM)))
    cte = np.array([(0, 0, 0), *(solid.expansion for solid in TWO)]).T[:, model.ids]
    C, G = properties(model)
    expected = ref.thermal_load(*grid_lines(model), C, cte * (T - ROOM), mirror, G)
    without = ref.thermal_load(*grid_lines(model), C, cte * (T - ROOM), mirror)
    got = plain(elastic_load.load(model, A, T)).ravel()
    assert abs(expected - without).max() > 1e-3 * abs(expected).max()
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12 * abs(expected).max())


PLATE = np.ones((4, 9, 11), int)


def scaffold():
    """Build a plate with a block, a tower of one voxel, a wall one voxel thick and a free beam."""
    pattern = np.zeros((7, 10, 11), int)
    pattern[:2] = 1
    pattern[2:4, 2:7, 3:8] = 1
    pattern[2:6, 9, 9] = 1
    pattern[2:7, 0, :5] = 1
    pattern[4:6, 1:3, 2:11] = 1
    return pattern


@pytest.mark.parametrize("mirror", [(False, False), (True, True)])
@pytest.mark.parametrize("pattern", [PLATE, scaffold()], ids=["plate", "scaffold"])
def test_free_expansion_has_no_stress(cpu, mirror, pattern):
    """Any voxels of one material just expand: u = cte dT x, sigma < 1e-6 E cte dT."""
    solid = Solid(expansion=(1e-5, 2e-5, 3e-5))
    model = voxels(pattern, [solid], mirror)
    dT = -125.0
    solution = elastic.solve(model, ROOM + dT, cpu, State.start(model.grid.shape), Control(1e-11))
    stress = elastic_stress.stress(model, ROOM + dT, solution.state, cpu)
    assert abs(stress).max() < 1e-8 * solid.E * 1e-5 * abs(dT)
    stretch = np.diff(solution.displacement[0, :-1, :-1], axis=2) / model.grid.dx
    np.testing.assert_allclose(stretch[model.ids > 0], 1e-5 * dT, rtol=1e-7)


@pytest.mark.parametrize("mirror", MIRRORS)
@pytest.mark.parametrize("pattern", [PLATE, scaffold()], ids=["plate", "scaffold"])
def test_linear_temperature_bends_without_stress(cpu, mirror, pattern):
    """T = T0 + g z: every plane cross-section stays plane, kappa = cte g, sigma = 0."""
    solid, g = Solid(), 2e4  # K/m: 20 K through the plate
    model = voxels(pattern, [solid], mirror)
    T = np.broadcast_to((ROOM + g * model.grid.zc)[:, None, None], model.grid.shape).copy()
    solution = elastic.solve(model, T, cpu, State.start(model.grid.shape), Control(1e-12))
    stress = elastic_stress.stress(model, T, solution.state, cpu)
    assert abs(stress).max() < 1e-6 * solid.E * 1e-5 * g * 1e-3
    slope = (
        np.diff(solution.displacement[0, :-1, :-1], axis=0) / np.diff(model.grid.zc)[:, None, None]
    )
    kappa = np.diff(slope, axis=2) / model.grid.dx
    interior = (model.ids[1:] > 0) & (model.ids[:-1] > 0)
    np.testing.assert_allclose(kappa[interior], 1e-5 * g, rtol=1e-6)


@pytest.mark.parametrize("mirror", [(False, False), (True, False), (True, True)])
def test_solution_is_the_assembled_one(cpu, mirror):
    """Two materials, an overhang, and stiffness at the mean temperature of each."""
    pattern = np.ones((6, 8, 9), int)
    pattern[3:] = 0
    pattern[3:, 2:7, 1:7] = 2
    model = voxels(pattern, TWO, mirror)
    solution = elastic.solve(model, ROOM - 100, cpu, State.start(model.grid.shape), Control(1e-11))
    C, G = properties(model, ROOM - 100)
    strain = -100 * np.array([(0, 0, 0), *(solid.expansion for solid in TWO)]).T[:, model.ids]
    expected = ref.solve_elastic(*grid_lines(model), C, G, strain, mirror)
    Bn, solid = ref.normal_strain(*grid_lines(model)), np.tile((model.ids > 0).ravel(), 3)
    got, wanted = ((Bn @ U.ravel())[solid] for U in (solution.displacement, expected))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-7 * abs(wanted).max())


def test_a_single_column_of_cells_expands(cpu):
    """Its faces do not feel the rotation about its axis; x and y do not rotate."""
    model = voxels(np.ones((3, 1, 1), int), TWO[:1])
    U = elastic.solve(model, ROOM - 100, cpu, State.start(model.grid.shape)).displacement
    a = TWO[0].expansion
    for axis, widths in enumerate((model.grid.dx, model.grid.dy, model.grid.dz)):
        along = np.moveaxis(U[axis], 2 - axis, 0)[:, 0, 0]
        np.testing.assert_allclose(
            np.diff(along)[: len(widths)], -100 * a[axis] * widths, rtol=1e-6
        )


@pytest.mark.parametrize("mirror", [(True, True), (False, False)])
@pytest.mark.parametrize("slender", [80, 500])
def test_a_slender_strip_bends_like_a_short_one(cpu, slender, mirror):
    """A free strip of two layers, nu = 0: the curvature is the same at any length.

    Bending is up to 1e10 times softer than stretching.
    """
    found = []
    for length in (0.02, slender * 1e-3):
        lower, upper = (Solid(nu=0.0, expansion=(cte, 0.0, 0.0)) for cte in (2e-5, 1e-5))
        x, z = np.linspace(0, length / 2, 41), np.linspace(0, 1e-3, 9)
        parts = {
            "lower": (lower, (-1, 1, -1, 1, 0, 0.5e-3)),
            "upper": (upper, (-1, 1, -1, 1, 0.5e-3, 1)),
        }
        model = boxes(x, x[:2], z, parts, mirror)
        model.media.stress_free[1:] = ROOM
        solution = elastic.solve(model, ROOM - 100, cpu, State.start(model.grid.shape))
        assert solution.iterations < 10
        u, z = solution.displacement[0, :, 0], model.grid.zc
        tilt = (u[7] - u[0]) / (z[7] - z[0])
        found.append((tilt[21] - tilt[20]) / model.grid.dx[20])
    assert found[1] == pytest.approx(found[0], rel=1e-5)
    assert abs(found[0]) == pytest.approx(
        1.5 * 1e-3 / 1e-3, rel=2e-2
    )  # 3/2 of the difference in strain over the height


def test_temperatures_of_the_table_stay_when_the_field_changes_a_little():
    """Otherwise what is interpolated between them would change with the coldest voxel."""
    rng, body = np.random.default_rng(3), SimpleNamespace(ids=np.ones((4, 5, 6), int))
    for span in (1e-6, 0.3, 200.0):
        T = 300.0 + span * rng.random(body.ids.shape)
        nodes = elastic_load.temperature_nodes(body, T)
        assert len(nodes) <= elastic_load.NODES and nodes[0] <= T.min() and T.max() <= nodes[-1]
        assert np.ptp(np.diff(nodes)) == 0.0
        moved = elastic_load.temperature_nodes(body, T + 1e-9 * span)
        both = nodes[np.isin(nodes, moved)]
        assert len(both) >= min(len(nodes), len(moved)) - 1
