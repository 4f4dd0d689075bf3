"""Steady conduction: exact cases, order of accuracy, and the solver; see test_gates for published
cases.
"""

from dataclasses import replace

import numpy as np
import pytest
import reference
from conductors import Conductor, boxes, uneven

from warp.errors import WarpError
from warp.materials.curves import Table
from warp.solvers import krylov
from warp.solvers.heat import flux
from warp.solvers.heat import load as heat_load
from warp.solvers.heat import operator as heat_operator
from warp.solvers.heat import solve as heat
from warp.solvers.heat.multigrid.cycle import Cycle
from warp.solvers.krylov import Control, System
from warp.voxels.boundary import Film, Fixed, Interface

INF = np.inf


@pytest.fixture
def package():
    """Build an uneven, orthotropic package with a cavity and an overhang: 11 x 9 x 7 voxels."""
    rng = np.random.default_rng(3)
    x, y, z = uneven(rng, 11, 1.0), uneven(rng, 9, 0.8), uneven(rng, 7, 0.2)
    parts = {
        "base": ((12.0, 10.0, 0.4), (0.0, 1.0, 0.0, 0.8, 0.0, z[2])),
        "chip": (130.0, (x[3], x[8], y[2], y[7], z[2], z[4])),
        "lid": (390.0, (0.0, x[9], 0.0, 0.8, z[4], z[7])),
        "foot": (0.2, (0.0, x[1], 0.0, 0.8, z[2], z[4])),
    }
    return boxes(x, y, z, parts)


def graded(n, growth):
    """Return n cells from 0 to 1, each wider than the one before."""
    return (growth ** np.arange(n + 1) - 1) / (growth**n - 1)


FILMS = [Film("package.top", 800, 300), Film("base.bottom", 50, 310), Fixed("foot.x-", 305)]


def test_layers_are_exact(cpu):
    """T falls by q t/k per layer and q/h in the film, whatever the voxels."""
    rng = np.random.default_rng(1)
    z = np.concatenate(
        (uneven(rng, 3, 1e-3), 1e-3 + uneven(rng, 2, 1e-4)[1:], 1.1e-3 + uneven(rng, 4, 0.5e-3)[1:])
    )
    layers = {
        "a": (20.0, (-INF, INF) * 2 + (0, 1e-3)),
        "b": (1.0, (-INF, INF) * 2 + (1e-3, 1.1e-3)),
    }
    model = boxes(
        [0, 1e-3, 4e-3], [0, 2e-3], z, layers | {"c": (100.0, (-INF, INF) * 2 + (1.1e-3, 1))}
    )
    out = heat.solve_steady(
        model, [Fixed("a.bottom", 400), Film("c.top", 5e3, 300)], {}, cpu, Control(1e-12)
    )
    resistance = np.array([1e-3 / 20, 1e-4 / 1, 0.5e-3 / 100, 1 / 5e3])
    q = 100 / resistance.sum()
    corners = np.interp(
        model.grid.zc, [0, 1e-3, 1.1e-3, 1.6e-3], 400 - q * np.cumsum([0, *resistance[:3]])
    )
    np.testing.assert_allclose(
        out.temperature, np.broadcast_to(corners[:, None, None], model.grid.shape), rtol=1e-11
    )
    assert flux.heat_flows(out)["c.top"] == pytest.approx(q * 8e-6, rel=1e-9)
    assert flux.face_temperature(out, "c.top")[1] == pytest.approx(300 + q / 5e3, rel=1e-10)
    assert flux.face_temperature(out, "b.top")[1] == pytest.approx(
        400 - q * resistance[:2].sum(), rel=1e-10
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_interface_resistance_is_in_series(cpu, axis):
    lines = [np.linspace(0, 2, 3)] * 3
    lines[axis] = np.array([0, 0.5, 1, 1.2, 2])
    first, second = [-INF, INF] * 3, [-INF, INF] * 3
    first[2 * axis + 1] = second[2 * axis] = 1.0
    model = boxes(*lines, {"a": (2.0, tuple(first)), "b": (4.0, tuple(second))})
    low, high = [("x-", "x+"), ("y-", "y+"), ("bottom", "top")][axis]
    ends = [Fixed(f"a.{low}", 100), Fixed(f"b.{high}", 0)]
    out = heat.solve_steady(model, [*ends, Interface("a", "b", 3.0)], {}, cpu, Control(1e-12))
    q = 100 / (1 / 2 + 3 + 1 / 4)
    assert flux.heat_flows(out) == pytest.approx({f"a.{low}": -4 * q, f"b.{high}": 4 * q})
    assert flux.face_temperature(out, f"a.{high}")[1] == pytest.approx(100 - q / 2)
    assert flux.face_temperature(out, f"b.{low}")[1] == pytest.approx(q / 4)


def test_operator_is_the_assembled_matrix(cpu, package, real):
    """The independent assembly is sparse; rows of void are empty."""
    A = heat_operator.operator(package, FILMS, cpu)
    grid = package.grid
    k = package.media.conductivity(300)[package.ids].transpose(3, 0, 1, 2)
    films = []
    for contact in A.surroundings.contacts:
        for axis in range(3):
            where = np.zeros(A.shape, bool)
            where.reshape(-1)[contact.faces.cell[contact.faces.side // 2 == axis]] = True
            films.append((axis, where, contact.coefficient, contact.ambient))
    matrix, _ = reference.heat_matrix(grid.x, grid.y, grid.z, k, films)
    x = np.random.default_rng(2).standard_normal(A.shape).astype(real)
    out = cpu.zeros(A.shape, real)
    A.apply(out, x)
    close = 20 * abs(matrix).max() * np.finfo(real).eps
    np.testing.assert_allclose(out.reshape(-1), matrix @ x.reshape(-1), atol=close)
    assert np.all(out[package.ids == 0] == 0)


def test_time_step_adds_the_capacity(cpu):
    model = boxes([0, 1, 3], [0, 2], [0, 1], {"a": (Conductor(0.0001, capacity=5.0),)})
    films = [Film("a.top", 1e-9, 300)]
    x = np.array([[[1.0, 2.0]]])
    steady, step = cpu.zeros(x.shape), cpu.zeros(x.shape)
    heat_operator.operator(model, films, cpu).apply(steady, x)
    heat_operator.operator(model, films, cpu, step=0.5).apply(step, x)
    assert step - steady == pytest.approx(5.0 / 0.5 * np.array([[[2.0, 4.0]]]) * x)


def applied(cycle, r):
    """Return M^-1 r."""
    cycle.run(lambda out: np.copyto(out, r))
    return sum(part.astype(float) for part in cycle.parts)


def test_operator_and_cycle_are_symmetric_and_positive(cpu, package, monkeypatch):
    monkeypatch.setattr("warp.solvers.heat.multigrid.coarsest.DENSE", 30)
    A = heat_operator.operator(package, FILMS, cpu)
    cycle = Cycle(A)
    assert len(cycle.levels) > 2
    rng = np.random.default_rng(4)
    x, y = (rng.standard_normal(A.shape) * (package.ids > 0) for _ in range(2))
    Ax, Ay = cpu.zeros(A.shape), cpu.zeros(A.shape)
    A.apply(Ax, x)
    A.apply(Ay, y)
    assert np.vdot(y, Ax) == pytest.approx(np.vdot(x, Ay), rel=1e-12) and np.vdot(x, Ax) > 0
    Mx, My = (applied(cycle, r) for r in (x, y))
    assert np.vdot(y, Mx) == pytest.approx(np.vdot(x, My), rel=1e-4, abs=1e-5 * np.vdot(x, Mx))
    assert np.vdot(x, Mx) > 0


def test_every_level_loses_what_the_films_take(cpu, package, monkeypatch):
    """A uniform rise costs the films' conductance on every level, so one cycle recovers it."""
    monkeypatch.setattr("warp.solvers.heat.multigrid.coarsest.DENSE", 10)
    A = heat_operator.operator(package, FILMS, cpu)
    cycle = Cycle(A)
    coarse = cycle.matrices[1:]
    assert len(coarse) > 3
    for level in coarse:
        assert level.conductances[3].sum() == pytest.approx(
            A.surroundings.conductance.sum(), rel=1e-5
        )
    one, loss = (package.ids > 0).astype(float), cpu.zeros(A.shape)
    A.apply(loss, one)
    np.testing.assert_allclose(applied(cycle, loss), one, atol=0.06)


def test_interpolation_follows_the_conductances(cpu, monkeypatch):
    """Four cells merge in pairs; equal ones interpolate by a quarter and three quarters.

    With a jump of conductivity between the pairs the resistances are in series: from one coarse
    centre to the other 1/2 + 1/2 in k = 1, then a hundredth of that.
    """
    monkeypatch.setattr("warp.solvers.heat.multigrid.coarsest.DENSE", 1)
    weights = []
    for k in (1.0, 100.0):
        parts = {
            "left": (1.0, (0, 2, -INF, INF, -INF, INF)),
            "right": (k, (2, 4, -INF, INF, -INF, INF)),
        }
        model = boxes(np.arange(5), [0, 1], [0, 1], parts)
        cycle = Cycle(heat_operator.operator(model, [Film("left.x-", 1, 300)], cpu))
        weights.append(cycle.transfers[0].weights[0].reshape(-1))
    np.testing.assert_allclose(weights[0], [0, 0.25, 0.75, 1], rtol=1e-6)
    whole = 0.5 + 0.5 + 0.01
    np.testing.assert_allclose(weights[1], [0, 0.5 / whole, 1 - 0.005 / whole, 1], rtol=1e-3)


def test_interpolation_keeps_constants(cpu, package, monkeypatch):
    monkeypatch.setattr("warp.solvers.heat.multigrid.coarsest.DENSE", 30)
    cycle = Cycle(heat_operator.operator(package, FILMS, cpu))
    (fine, coarse), transfer = cycle.levels[:2], cycle.transfers[0]
    coarse.x[...] = 1
    transfer.prolong(coarse, fine)
    np.testing.assert_allclose(fine.p, package.ids > 0, atol=1e-6)
    rng = np.random.default_rng(5)
    coarse.x[...] = rng.standard_normal(coarse.shape)
    fine.r[...] = rng.standard_normal(fine.shape) * (package.ids > 0)  # residuals are zero in void
    transfer.prolong(coarse, fine)
    transfer.restrict(fine, coarse)
    assert np.vdot(coarse.r, coarse.x) == pytest.approx(np.vdot(fine.r, fine.p), rel=1e-4, abs=1e-4)


def test_heat_in_is_heat_out(cpu, package):
    seen = []
    out = heat.solve_steady(
        package, FILMS, {"chip": 60.0}, cpu, Control(1e-10, lambda n, r: seen.append((n, r)))
    )
    assert sum(flux.heat_flows(out).values()) == pytest.approx(60, rel=1e-7)
    assert out.residuals[-1] <= 1e-10 and seen[-1] == (out.iterations, out.residuals[-1])
    assert (
        np.all(out.temperature[package.ids == 0] == 0)
        and out.temperature[package.ids > 0].min() > 299
    )


def test_ambient_alone_is_the_temperature(cpu, package):
    out = heat.solve_steady(package, [Film("package.all", 10, 320)], {}, cpu)
    assert out.iterations == 0 and np.all(out.temperature[package.ids > 0] == 320)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_second_order_with_a_material_interface(cpu, axis):
    """k jumps from 1 to 10 at s = 0.4, on lines uneven in every direction.

    T = sin(2 pi (s - 0.4)) / k cos(pi t).
    """
    errors = []
    for n in (2, 4):
        even = np.linspace(0, 1, 4 * n + 1)
        lines = [even + 0.03 * np.sin(2 * np.pi * even)] * 3
        lines[axis] = np.concatenate(
            (np.linspace(0, 0.4, 5 * n + 1), np.linspace(0.4, 1, 6 * n + 1)[1:])
        )
        first, second = [-INF, INF] * 3, [-INF, INF] * 3
        first[2 * axis + 1] = second[2 * axis] = 0.4
        model = boxes(*lines, {"a": (1.0, tuple(first)), "b": (10.0, tuple(second))})
        grid = model.grid
        centres = np.meshgrid(grid.zc, grid.yc, grid.xc, indexing="ij")[::-1]
        k = model.media.conductivity(300)[model.ids][..., 0]
        across, volume = (
            np.cos(np.pi * centres[(axis + 1) % 3]),
            np.multiply.outer(grid.dz, grid.area),
        )
        exact = (
            np.sin(2 * np.pi * (centres[axis] - 0.4)) / k * across
        )  # zero at the interface, k T' smooth there
        low, high = [("x-", "x+"), ("y-", "y+"), ("bottom", "top")][axis]
        A = heat_operator.operator(
            model, [Fixed(f"package.{end}", 300) for end in (low, high)], cpu
        )
        b = heat_load.load(A, 5 * np.pi**2 * k * exact * volume)
        walls = np.sin(-0.8 * np.pi), np.sin(1.2 * np.pi) / 10
        for contact, wall in zip(A.surroundings.contacts, walls, strict=True):
            cell = contact.faces.cell
            b.reshape(-1)[cell] += contact.conductance * wall * across.reshape(-1)[cell]
        x, _ = krylov.solve(cpu, System("heat", A.apply, b), Cycle(A), Control(1e-10))
        errors.append(np.sqrt(np.average((x - exact) ** 2, weights=volume)))
    assert np.log2(errors[0] / errors[1]) > 1.9


def test_a_graded_lidded_package_takes_few_iterations(cpu):
    """Fine at the edges of chip and foot (1 : 80), with a cavity, conductivities 0.2 to 390.

    Then with a poor conductor beside the chip.
    """
    narrow = graded(20, 1.25)
    x = np.concatenate((1 - narrow[::-1], 1 + narrow[1:], 2.2 - 0.2 * narrow[19::-1])) * 9e-3
    edge, foot, end = 9e-3, x[40], x[-1]
    z = np.interp(np.arange(17), [0, 6, 12, 16], [0, 1.2e-3, 2.1e-3, 3.1e-3])
    parts = {
        "substrate": ((20.0, 20.0, 0.4), (0, end, 0, end, 0, 1.2e-3)),
        "lid": (390.0, (0, end, 0, end, 1.2e-3, 1)),
        "cavity": (None, (0, foot, 0, foot, 1.2e-3, 2.1e-3)),
        "chip": (130.0, (0, edge, 0, edge, 1.2e-3, 1.8e-3)),
        "tim": (0.2, (0, edge, 0, edge, 1.8e-3, 2.1e-3)),
    }
    model = boxes(x, x, z, parts, mirror=(True, True))
    films = [Film("lid.top", 800, 300), Film("substrate.bottom", 20, 300)]
    assert heat.solve_steady(model, films, {"chip": 60.0}, cpu).iterations <= 12
    parts["fillet"] = (
        0.02,
        (edge, edge + 0.8e-3, 0, edge, 1.2e-3, 1.7e-3),
        (0, edge, edge, edge + 0.8e-3, 1.2e-3, 1.7e-3),
    )
    assert (
        heat.solve_steady(
            boxes(x, x, z, parts, (True, True)), films, {"chip": 60.0}, cpu
        ).iterations
        <= 14
    )


def test_conductivity_of_temperature_costs_few_iterations_more(cpu, package):
    """Rounds start from the last field.

    In the end the flow is that of the conductivities at the temperatures found.
    """
    constant = heat.solve_steady(package, FILMS, {"chip": 6e3}, cpu)
    assert constant.rounds == 1
    law = Conductor(lambda T: 130 * (T / 300) ** -1.3)
    package.media.materials[2] = law
    package.media.materials.append(law)  # a medium of no voxel
    package.media.names.append("unused")
    media = replace(package.media, part=np.append(package.media.part, 1), stress_free=np.zeros(6))
    out = heat.solve_steady(replace(package, media=media), FILMS, {"chip": 6e3}, cpu)
    assert 3 <= out.rounds <= 5 and out.iterations <= constant.iterations + 5
    chip = package.ids == 2
    assert np.ptp(out.temperature[chip]) > 5
    k = 0.5 / out.operator.table[out.operator.split.ids[chip], 0]
    np.testing.assert_allclose(
        k, law.conductivity(out.temperature[chip])[:, 0], rtol=2e-3
    )  # 64 groups
    assert sum(flux.heat_flows(out).values()) == pytest.approx(6e3, rel=1e-7)


@pytest.mark.parametrize(("values", "varies"), [((5.0, 9.0, 5.0), True), ((5.0, 5.0, 5.0), False)])
def test_a_law_varies_wherever_it_bends(values, varies):
    law = Table((488.0, 490.0, 492.0), values)
    model = boxes([0, 1], [0, 1], [0, 1], {"a": (Conductor(law),)})
    assert heat_operator.varying(model, heat_operator.CONDUCTIVITY).tolist() == [False, varies]


def test_a_cycle_serves_until_the_conductivities_move_on(cpu, monkeypatch):
    """Far from the first guess the V-cycle is rebuilt, but not in every round."""
    made = []
    monkeypatch.setattr(heat, "Cycle", lambda A: made.append(A) or Cycle(A))
    law = Conductor(lambda T: 130 * (T / 300) ** -1.3)
    model = boxes(
        np.linspace(0, 10e-3, 4), np.linspace(0, 10e-3, 4), np.linspace(0, 20e-3, 12), {"a": (law,)}
    )
    out = heat.solve_steady(
        model, [Fixed("a.bottom", 300), Film("a.top", 10, 300)], {"a": 300.0}, cpu
    )
    assert out.rounds > 5 and len(made) <= 4
    flow = (
        130 * 300**1.3 / 0.3 * (300**-0.3 - out.temperature[-1, 0, 0] ** -0.3)
    )  # INT k dT, to the topmost centre
    assert flow == pytest.approx(300 / 100e-6 * 20e-3 / 2, rel=0.01)


def test_heat_must_have_a_way_out(cpu, package):
    with pytest.raises(WarpError, match="no way out"):
        heat.solve_steady(package, [], {"chip": 1.0}, cpu)
    model = boxes(
        [0, 1],
        [0, 1],
        [0, 1, 2, 3],
        {"base": (1.0, (0, 1, 0, 1, 0, 1)), "lid": (1.0, (0, 1, 0, 1, 2, 3))},
    )
    with pytest.raises(WarpError, match="'lid'"):
        heat.solve_steady(model, [Film("base.bottom", 10, 300)], {"base": 1.0}, cpu)
