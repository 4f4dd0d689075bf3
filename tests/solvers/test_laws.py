"""Laws of preconditioner and solution: symmetry, definiteness, place, units, exact fields with
voids.
"""

import numpy as np
import pytest
import reference
from conductors import boxes, uneven
from solids import TWO, Solid, operator, plain, properties, voxels

from warp.solvers import krylov
from warp.solvers.elastic import load as elastic_load
from warp.solvers.elastic import operator as elastic_operator
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.multigrid import cycle as elastic_cycle
from warp.solvers.heat import load as heat_load
from warp.solvers.heat import operator as heat_operator
from warp.solvers.heat import solve as heat
from warp.solvers.heat.multigrid import cycle as heat_cycle
from warp.solvers.krylov import Control, System
from warp.voxels.boundary import Film, Fixed, Interface
from warp.voxels.grid import Grid
from warp.voxels.voxelize import VoxelModel

INF = np.inf


@pytest.fixture(
    params=[(False, False), (True, False), (True, True)], ids=["whole", "half", "quarter"]
)
def cycle(request, cpu, monkeypatch):
    """A V-cycle of three levels or more: two materials, an overhang, a cavity, uneven lines."""
    monkeypatch.setattr(elastic_cycle, "COARSEST", 200)
    pattern = np.ones((5, 14, 16), int)
    pattern[2:] = 0
    pattern[2:, 3:12, 4:14] = 2
    pattern[2, 5:8, 6:10] = 0
    model = voxels(pattern, [Solid(), TWO[1]], request.param)
    found = elastic_cycle.Cycle(
        elastic_operator.operator(model, cpu, elastic_operator.moduli(model, np.full(3, 300.0)))
    )
    assert len(found.levels) > 2
    return model, found


def applied(cycle, r):
    """Return M^-1 r."""
    cycle.run(lambda out: np.copyto(out, r))
    return sum(part.astype(float) for part in cycle.parts)


def test_elastic_cycle_is_symmetric_and_positive(cycle):
    """Applied to thermal forces, which have no resultant. Round-off is that of float32."""
    model, cycle = cycle
    rng = np.random.default_rng(6)
    x, y = (
        elastic_load.load(model, cycle.fine.matrix.A, 300 + rng.uniform(-50, 50, model.grid.shape))
        for _ in range(2)
    )
    Mx, My = (applied(cycle, r) for r in (x, y))
    scale = np.sqrt(np.vdot(x, Mx) * np.vdot(y, My))
    assert np.vdot(x, Mx) > 0 and np.vdot(y, My) > 0
    assert np.vdot(y, Mx) == pytest.approx(np.vdot(x, My), abs=1e-5 * scale)


def test_the_diagonal_is_the_operators(cpu):
    """The smoother's diagonal, looked up from material ids, is that of the operator."""
    pattern = np.random.default_rng(12).integers(0, 3, (4, 4, 5))
    model = voxels(pattern, TWO)
    A = elastic_operator.operator(model, cpu, elastic_operator.moduli(model, np.full(3, 300.0)))
    diagonal = np.zeros(A.shape)
    A.free.add_diagonal(cpu, diagonal)
    nx, ny, nz = A.n
    extent = (nx + 1, ny + 1, nz + 1)
    cpu.launch(
        "elastic",
        "media_diagonal",
        extent,
        diagonal,
        *A.arguments(np.float64),
        *A.n,
        real=np.float64,
    )
    expected = np.diag(operator(model, cpu))
    np.testing.assert_allclose(
        plain(diagonal).ravel(), expected, rtol=0, atol=1e-13 * expected.max()
    )


def test_elastic_transfers_are_transposed(cycle):
    """coarse . restrict(r) = prolong(coarse) . r on every pair of levels."""
    rng = np.random.default_rng(7)
    _, cycle = cycle
    pairs = zip(cycle.transfers, cycle.levels, cycle.levels[1:], strict=False)
    for transfer, fine, coarse in pairs:
        x = rng.standard_normal(coarse.shape) * (np.asarray(coarse.active) > 0)
        r = rng.standard_normal(fine.shape) * (np.asarray(fine.active) > 0)
        coarse.x[...], fine.r[...] = x, r
        transfer.prolong(coarse, fine)
        transfer.restrict(fine, coarse)
        norm = np.linalg.norm(x) * np.linalg.norm(r)
        assert np.vdot(coarse.r, x) == pytest.approx(np.vdot(fine.p, r), abs=1e-5 * norm)
        assert np.linalg.norm(fine.p) > 0.1 * np.linalg.norm(x)


def test_elastic_cycle_takes_few_steps(cycle):
    """A wrong transfer or smoother still converges, but costs iterations."""
    model, cycle = cycle
    assert (
        elastic.solve(
            model, 200.0, cycle.fine.matrix.A.device, State.start(model.grid.shape), Control(1e-8)
        ).iterations
        <= 24
    )


@pytest.mark.parametrize("step", [np.inf, 1e-3], ids=["steady", "step"])
def test_heat_operator_with_a_contact_is_symmetric_and_positive(cpu, step):
    """Orthotropic conductors with void, an interface resistance between; also in a time step."""
    rng = np.random.default_rng(13)
    lines = [uneven(rng, n, 1e-3) for n in (5, 4, 3)]
    parts = {"a": ((1.0, 30.0, 0.2),), "b": ((400.0, 2.0, 9.0), (5e-4, INF, -INF, INF, -INF, INF))}
    model = boxes(*lines, parts | {"hole": (None, (3e-4, 8e-4, 3e-4, 8e-4, 2e-4, INF))})
    around = [Film("package.top", 1e3, 300.0), Interface("a", "b", 2e-5)]
    A = heat_operator.operator(model, around, cpu, step=step)
    matrix, unit, column = np.zeros((60, 60)), np.zeros(A.shape), np.zeros(A.shape)
    for n in range(60):
        unit.reshape(-1)[n] = 1
        A.apply(column, unit * (model.ids > 0))
        matrix[:, n] = column.ravel()
        unit.reshape(-1)[n] = 0
    solid = model.ids.ravel() > 0
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-14 * matrix.max())
    assert np.linalg.eigvalsh(matrix[np.ix_(solid, solid)]).min() > 0 and not matrix[~solid].any()


@pytest.mark.parametrize(
    "scale, origin", [(1e3, (0, 0, 0)), (1.0, (0.07, -0.05, 0.01))], ids=["mm", "moved"]
)
def test_units_and_place_change_no_temperature(cpu, scale, origin):
    """In mm a conductivity is W/(mm K); nothing depends on where the package lies."""
    expected, got = (chip_on_a_plate(cpu, *frame) for frame in ((1.0, (0, 0, 0)), (scale, origin)))
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)
    assert np.ptp(expected[expected > 0]) > 1


def chip_on_a_plate(device, scale, origin):
    """Return the temperature of a heated block on a plate with a contact resistance.

    Lengths are in m times `scale`.
    """
    rng = np.random.default_rng(9)
    sizes = zip((7, 6, 5), (4e-3, 3e-3, 1e-3), origin, strict=True)
    x, y, z = (scale * (at + uneven(rng, n, length)) for n, length, at in sizes)
    low, top = (-INF, INF, -INF, INF, -INF, z[3]), (x[2], x[5], y[1], y[4], z[3], INF)
    model = boxes(x, y, z, {"low": (3.0 / scale, low), "top": (130.0 / scale, top)})
    around = [
        Film("top.top", 900.0 / scale**2, 300.0),
        Fixed("low.bottom", 320.0),
        Interface("low", "top", 1e-4 * scale**2),
    ]
    return heat.solve_steady(model, around, {"top": 0.5}, device, Control(1e-12)).temperature


def test_place_changes_no_displacement(cpu):
    """A model moved by many times its size has the same displacement."""
    pattern = np.ones((3, 5, 6), int)
    pattern[2, 1:4, 2:5] = 2
    model = voxels(pattern, TWO)
    grid = model.grid
    moved = VoxelModel(
        Grid(grid.x + 0.05, grid.y - 0.03, grid.z + 0.01), model.ids, model.media, model.parts
    )
    here, there = (
        elastic.solve(m, 200.0, cpu, State.start(m.grid.shape), Control(1e-11)).displacement
        for m in (model, moved)
    )
    np.testing.assert_allclose(there, here, rtol=0, atol=1e-7 * abs(here).max())


def test_heat_is_second_order_beside_a_void(cpu):
    """T = sin(2 pi (x - 0.4)) / k cos(2 pi y), k from 1 to 10 at x = 0.4.

    A notch has sides that no heat crosses.
    """
    errors = []
    for n in (1, 2):
        even = np.linspace(0, 1, 8 * n + 1)
        y = even + 0.03 * np.sin(4 * np.pi * even)
        pieces = [
            np.linspace(a, b, m * n + 1)
            for a, b, m in ((0, 0.4, 5), (0.4, 0.65, 4), (0.65, 1.15, 6), (1.15, 1.3, 2))
        ]
        x = np.unique(np.concatenate(pieces).round(12))
        z = np.array([0, 0.3, 1.0])
        model = boxes(
            x,
            y,
            z,
            {
                "a": (1.0, (-INF, 0.4, -INF, INF, -INF, INF)),
                "b": (10.0, (0.4, INF, -INF, INF, -INF, INF)),
                "notch": (None, (0.65, 1.15, 0.5, INF, -INF, INF)),
            },
        )
        grid, solid = model.grid, model.ids > 0
        exact = np.where(
            solid, np.sin(2 * np.pi * (grid.xc - 0.4)) * np.cos(2 * np.pi * grid.yc)[:, None], 0.0
        )
        k = np.where(model.ids == 2, 10.0, 1.0)
        exact = exact / k
        A = heat_operator.operator(model, [Fixed("a.x-", 300), Fixed("b.x+", 300)], cpu)
        volume = np.multiply.outer(grid.dz, grid.area)
        b = heat_load.load(A, 8 * np.pi**2 * k * exact * volume)
        along = np.broadcast_to(np.cos(2 * np.pi * grid.yc)[:, None], grid.shape).reshape(-1)
        for contact, wall in zip(
            A.surroundings.contacts, (np.sin(-0.8 * np.pi), np.sin(1.8 * np.pi) / 10), strict=True
        ):
            cell = contact.faces.cell
            b.reshape(-1)[cell] += contact.conductance * wall * along[cell]
        T, _ = krylov.solve(cpu, System("heat", A.apply, b), heat_cycle.Cycle(A), Control(1e-10))
        errors.append(np.sqrt(np.average((T - exact)[solid] ** 2, weights=volume[solid])))
    assert np.log2(errors[0] / errors[1]) > 1.8


def test_energy_of_a_solution_is_least(cpu):
    """Potential energy U A U / 2 - f U rises along every direction from the solution."""
    pattern = np.ones((4, 5, 6), int)
    pattern[2:, 2:, 3:] = 0
    pattern[2:, :2, :3] = 2
    model = voxels(pattern, TWO)
    U = elastic.solve(
        model, 200.0, cpu, State.start(model.grid.shape), Control(1e-11)
    ).displacement.ravel()
    C, G = properties(model, 200.0)
    grid = model.grid
    K = reference.elastic_matrix(grid.x, grid.y, grid.z, C, G)
    strain = -100 * np.array([(0, 0, 0), *(solid.expansion for solid in TWO)]).T[:, model.ids]
    f = reference.thermal_load(grid.x, grid.y, grid.z, C, strain, (False, False), G).ravel()
    rng = np.random.default_rng(11)
    least = U @ (K @ U) / 2 - f @ U
    for _ in range(5):
        step = (
            rng.standard_normal(U.size)
            * abs(U).max()
            * 1e-3
            * reference.active(model.ids > 0).ravel()
        )
        assert (U + step) @ (K @ (U + step)) / 2 - f @ (U + step) > least
    assert least == pytest.approx(-f @ U / 2, rel=1e-6)
