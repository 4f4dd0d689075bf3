"""Conduction in time: closed forms of one voxel, order, conservation, steady end, laws of time.

See test_gates for slabs and the published die stack.
"""

import numpy as np
import pytest
from conductors import Conductor, boxes, uneven
from oncpu import compiler, cuda_sources

from warp.errors import WarpError
from warp.materials.curves import Table
from warp.solvers.heat import solve as heat
from warp.solvers.heat import transient
from warp.solvers.heat.transient import Schedule, Stepping
from warp.voxels.boundary import Film, Fixed, Interface, Source
from warp.voxels.voxelize import VoxelModel

INF = np.inf
VOLUME, AREA, C0, H = 2e-9, 2e-6, 2e6, 1e3  # m3, m2, J/m3K, W/m2K
G = AREA / (1 / H + 0.5e-3 / 1e9)  # W/K of the voxel's film


def voxel(capacity=C0) -> VoxelModel:
    """Build one voxel of 1 x 2 x 1 mm that conducts so well that its temperature is uniform."""
    return boxes([0, 1e-3], [0, 2e-3], [0, 1e-3], {"a": (Conductor(1e9, capacity),)})


@pytest.fixture(autouse=True)
def levels(monkeypatch):
    """Make V-cycles of small models have several levels."""
    monkeypatch.setattr("warp.solvers.heat.multigrid.coarsest.DENSE", 100)


@pytest.fixture
def package():
    """Build a package with a cavity and a contact resistance: 11 x 9 x 7 voxels.

    Uneven and orthotropic, with k(T) and c(T) in the chip.
    """
    rng = np.random.default_rng(3)
    x, y, z = uneven(rng, 11, 10e-3), uneven(rng, 9, 8e-3), uneven(rng, 7, 2e-3)
    chip = Conductor(lambda T: 130 * (T / 300) ** -1.3, lambda T: 1.6e6 * (1 + 1e-3 * (T - 300)))
    parts = {
        "base": (Conductor((12.0, 10.0, 0.4), 2.5e6), (0.0, 1, 0.0, 1, 0.0, z[2])),
        "chip": (chip, (x[3], x[8], y[2], y[7], z[2], z[4])),
        "lid": (Conductor(390.0, 3.4e6), (0.0, x[9], 0.0, 1, z[4], z[7])),
        "foot": (Conductor(0.2, 2e6), (0.0, x[1], 0.0, 1, z[2], z[4])),
    }
    return boxes(x, y, z, parts, mirror=(True, False))


COOLED = [Film("lid.top", 2000, 300), Film("base.bottom", 50, 310), Interface("chip", "lid", 2e-5)]


def end(solution) -> np.ndarray:
    return solution.frames[-1][1]


def test_backward_euler_is_its_recurrence(cpu):
    """T - T_ambient shrinks by 1 / (1 + step G / C) in every step."""
    film, step = [Film("a.top", H, 300)], 0.3
    out = transient.solve(
        voxel(),
        film,
        {},
        cpu,
        Schedule(400.0, 1.5, outputs=[0.9, 1.5]),
        Stepping(fixed_step=step, backward_euler=True),
    )
    left = 1 / (1 + step * G / (C0 * VOLUME))
    assert [t for t, _ in out.frames] == [0.9, 1.5]
    assert [T.item() for _, T in out.frames] == pytest.approx(
        [300 + 100 * left**3, 300 + 100 * left**5], abs=1e-6
    )
    assert len(out.steps) == 5 and out.hierarchies == 1


def test_order_two_and_wanted_times_too(cpu):
    film, tau = [Film("a.top", H, 300)], C0 * VOLUME / G
    errors = []
    for n in (8, 16):
        out = transient.solve(
            voxel(),
            film,
            {},
            cpu,
            Schedule(400.0, tau, outputs=[0.3 * tau, tau]),
            Stepping(fixed_step=tau / n),
        )
        errors.append([abs(T.item() - 300 - 100 * np.exp(-t / tau)) for t, T in out.frames])
        assert out.hierarchies == 1
    assert np.all(np.log2(np.divide(*errors)) > 1.7) and max(errors[1]) < 0.01


@pytest.mark.parametrize("b", [2e-3, -1e-3])
def test_capacity_of_temperature(cpu, b):
    """c = C0 (1 + b y), y = T - Ta: ln y + b y falls by G t / C; second order.

    The enthalpy closes exactly.
    """
    model, film, t = (
        voxel(lambda T: C0 * (1 + b * (T - 300))),
        [Film("a.top", H, 300)],
        C0 * VOLUME / G,
    )
    low, high = 1e-3, 200.0
    for _ in range(60):
        y = (low + high) / 2
        low, high = (y, high) if np.log(y / 200) + b * (y - 200) < -1 else (low, y)
    errors = []
    for n in (8, 16):
        out = transient.solve(model, film, {}, cpu, Schedule(500.0, t), Stepping(fixed_step=t / n))
        errors.append(abs(end(out).item() - 300 - y))
    assert np.log2(errors[0] / errors[1]) > 1.7 and errors[1] < 0.1
    adaptive = transient.solve(model, film, {}, cpu, Schedule(500.0, t), Stepping(tolerance=1e-3))
    assert end(adaptive).item() == pytest.approx(300 + y, abs=0.01)
    stored = sum(step.stored for step in adaptive.steps)
    change = end(adaptive).item() - 500
    assert stored == pytest.approx(
        C0 * VOLUME * (change + b / 2 * ((200 + change) ** 2 - 200**2)), rel=1e-9
    )
    assert stored == pytest.approx(-sum(step.lost for step in adaptive.steps), rel=1e-5)


LATENT = 200.0 * C0  # J/m3, as of a solder


@pytest.mark.parametrize(("half", "tolerance"), [(2.0, 0.05), (0.5, 0.5)])
def test_a_latent_heat_is_not_leapt_over(cpu, half, tolerance):
    """Released within `half` K of 490 K, far from raster temperatures: t = INT c V / (G y) dT."""
    c = Table((490 - half, 490.0, 490 + half), (C0, C0 + LATENT / half, C0))
    T = np.unique([*np.linspace(330, 600, 20_001), *np.linspace(490 - half, 490 + half, 2001)])[
        ::-1
    ]
    middle = (T[1:] + T[:-1]) / 2
    t = np.concatenate(([0.0], np.cumsum(-np.diff(T) * c(middle) * VOLUME / G / (middle - 300))))
    out = transient.solve(
        voxel(c),
        [Film("a.top", H, 300)],
        {},
        cpu,
        Schedule(600.0, t[-1]),
        Stepping(tolerance=tolerance),
    )
    assert end(out).item() == pytest.approx(330, abs=2 * tolerance)
    assert -sum(step.stored for step in out.steps) == pytest.approx(
        VOLUME * (270 * C0 + LATENT), rel=1e-2
    )


def test_a_slab_melts(cpu):
    """A front moves through voxels; all heat that enters is found again as enthalpy."""
    c = Table((489.0, 490.0, 491.0), (C0, C0 + LATENT, C0))
    model = boxes([0, 1e-3], [0, 1e-3], np.linspace(0, 2e-3, 9), {"a": (Conductor(60.0, c),)})
    out = transient.solve(
        model, [Fixed("a.bottom", 540.0)], {}, cpu, Schedule(480.0, 0.05), Stepping(tolerance=0.5)
    )
    T = end(out).reshape(-1)
    assert T[0] > 491 and T[-1] < 489 and np.all(np.diff(T) < 0)
    enthalpy = sum(c.integral(480.0, T)) * 0.25e-9
    assert enthalpy == pytest.approx(-sum(step.lost for step in out.steps), rel=1e-3)


def test_heat_is_conserved_and_the_end_is_steady(cpu, package):
    """Every step closes to rounding except for 1e-5 by varying properties.

    The last field is the steady one.
    """
    out = transient.solve(
        package, COOLED, {"chip": 20.0}, cpu, Schedule(300.0, 500.0), Stepping(tolerance=0.3)
    )
    assert sum(s.supplied for s in out.steps) == pytest.approx(20 * 500)
    defect = sum(s.supplied - s.lost - s.stored for s in out.steps)
    assert abs(defect) < 1e-5 * max(s.stored for s in out.steps)
    steady = heat.solve_steady(package, COOLED, {"chip": 20.0}, cpu)
    assert steady.temperature.max() > 330
    np.testing.assert_allclose(end(out), steady.temperature, atol=2e-3)
    assert out.steps[-1].size > 50 and out.hierarchies < len(out.steps) / 2
    assert max(s.iterations for s in out.steps) < 40


def test_constant_properties_close_to_rounding(cpu, package):
    package.media.materials[2] = Conductor(130.0, 1.6e6)
    out = transient.solve(
        package, COOLED, {"chip": 20.0}, cpu, Schedule(300.0, 1.0), Stepping(tolerance=0.5)
    )
    for step in out.steps:
        assert step.supplied - step.lost - step.stored == pytest.approx(
            0, abs=1e-10 * step.supplied
        )


def test_order_two_in_a_package(cpu, package):
    """Compared with finer steps; conductivity and capacity vary with temperature."""
    start, how = np.where(package.ids == 2, 420.0, 320.0), 1e-4
    fields = [
        end(
            transient.solve(
                package, COOLED, {}, cpu, Schedule(start, 0.4), Stepping(how, fixed_step=0.4 / n)
            )
        )
        for n in (8, 16, 64)
    ]
    errors = [np.sqrt(np.mean((field - fields[-1]) ** 2)) for field in fields[:2]]
    assert np.log2(errors[0] / errors[1]) > 1.7


def test_the_tolerance_decides(cpu, package):
    reference = end(
        transient.solve(
            package, COOLED, {"chip": 20.0}, cpu, Schedule(300.0, 0.2), Stepping(tolerance=3e-3)
        )
    )
    for tolerance in (0.3, 0.03):
        out = transient.solve(
            package,
            COOLED,
            {"chip": 20.0},
            cpu,
            Schedule(300.0, 0.2),
            Stepping(tolerance=tolerance),
        )
        assert abs(end(out) - reference).max() < 2 * tolerance
        assert max(s.error for s in out.steps) <= tolerance


def test_power_that_jumps(cpu):
    """On for a tenth of the time constant, then off: two exponentials, exact heat."""
    film, tau = [Film("a.top", H, 300)], C0 * VOLUME / G
    pulse = lambda t: 1.0 if t < tau / 10 else 0.0  # noqa: E731
    times = [tau / 10, tau / 2, tau]
    known = 10 * (1 - np.exp(-0.1)) * np.exp(-(np.array(times) - tau / 10) / tau)
    out = transient.solve(
        voxel(),
        film,
        {"a": 10 * G},
        cpu,
        Schedule(300.0, tau, power=pulse, outputs=times, breaks=[tau / 10]),
        Stepping(tolerance=1e-3),
    )
    assert [T.item() - 300 for _, T in out.frames] == pytest.approx(known, abs=3e-3)
    assert sum(s.supplied for s in out.steps) == pytest.approx(G * tau, rel=1e-12)
    alone = transient.solve(
        voxel(), film, [Source("a", 10 * G)], cpu, Schedule(300.0, tau, power={"a": lambda t: 0.0})
    )
    assert end(alone).item() == 300


def test_ambient_that_rises(cpu):
    """T follows a ramp with the lag tau; steps end on the law's knots; the first frame is the
    start.
    """
    film, tau = [Film("a.top", H, 300)], C0 * VOLUME / G
    ramp = Table((0.0, 5 * tau), (300.0, 350.0))
    out = transient.solve(
        voxel(),
        film,
        {},
        cpu,
        Schedule(300.0, 6 * tau, ambient={"a.top": ramp}, outputs=[0, 4 * tau]),
        Stepping(tolerance=1e-3),
    )
    assert end(out).item() == pytest.approx(300 + 10 * (4 - 1 + np.exp(-4)), abs=2e-3)
    assert out.frames[0][1].item() == 300 and any(s.time == 5 * tau for s in out.steps)


def test_a_closed_package_keeps_its_heat(cpu, package):
    """The mean temperature rises by the heat over the capacity; void stays at 0."""
    package.media.materials[2] = Conductor(130.0, 1.6e6)
    start = np.where(package.ids > 0, 350.0, 0.0)
    start[-1] -= 30
    out = transient.solve(
        package, [], {"lid": 3.0}, cpu, Schedule(start, 1000.0), Stepping(tolerance=0.5)
    )
    weight = (
        package.media.heat_capacity(300.0)[package.ids]
        * package.grid.dz[:, None, None]
        * package.grid.area
    )
    mean = np.average(start, weights=weight) + 1000 * 3.0 / 2 / weight.sum()
    assert np.average(end(out), weights=weight) == pytest.approx(mean, rel=1e-10)
    assert np.all(end(out)[package.ids == 0] == 0)


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler (g++) found")
def test_the_cuda_sources_do_the_same(cpu, package):
    how = Schedule(300.0, 0.01, power=lambda t: 1 + t), Stepping(tolerance=0.3)
    numba = transient.solve(package, COOLED, {"chip": 20.0}, cpu, *how)
    with cuda_sources():
        cuda = transient.solve(package, COOLED, {"chip": 20.0}, cpu, *how)
    assert len(cuda.steps) == len(numba.steps)
    np.testing.assert_allclose(end(cuda), end(numba), rtol=1e-8)


def test_mistakes_are_named(cpu):
    model, film = voxel(), [Film("a.top", H, 300)]
    with pytest.raises(WarpError, match="power of 'chip', but there are a"):
        transient.solve(model, film, {"a": 1.0}, cpu, Schedule(300.0, 1.0, power={"chip": float}))
    with pytest.raises(WarpError, match="ambient of 'lid.top'"):
        transient.solve(
            model, film, {"a": 1.0}, cpu, Schedule(300.0, 1.0, ambient={"lid.top": float})
        )
    with pytest.raises(WarpError, match="wanted time"):
        transient.solve(model, film, {}, cpu, Schedule(300.0, 1.0, outputs=[2.0]))
    with pytest.raises(WarpError, match="positive"):
        transient.solve(model, film, {}, cpu, Schedule(300.0, -1.0))
    with pytest.raises(WarpError, match="'a' has no temperature"):
        transient.solve(model, film, {}, cpu, Schedule(np.zeros((1, 1, 1)), 1.0))
    with pytest.raises(WarpError, match="fixed step"):
        transient.solve(model, film, {}, cpu, Schedule(300.0, 1.0), Stepping(backward_euler=True))
