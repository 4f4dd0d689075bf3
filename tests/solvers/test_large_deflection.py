"""Moderate rotations: derivatives, rigid rotations, and the free square plate of von Karman."""

from dataclasses import replace

import numpy as np
import pytest
from conductors import boxes
from plates import Solid as Isotropic
from solids import TWO, voxels

from warp.geometry.shapes import Body, Columns
from warp.solvers.elastic import operator as elastic_operator
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.large_deflection import path, shape
from warp.solvers.elastic.large_deflection import solve as large
from warp.solvers.elastic.large_deflection.law import Law
from warp.solvers.elastic.large_deflection.newton import minimum
from warp.solvers.elastic.large_deflection.preconditioner import Preconditioner, bending
from warp.solvers.elastic.large_deflection.rim import Rim, rim, shear_of, shear_stiffness
from warp.solvers.elastic.large_deflection.stored import Stored
from warp.solvers.elastic.load import load
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.rigid import activity
from warp.solvers.elastic.solve import solve as elastic_solve
from warp.solvers.krylov import Control
from warp.verify.problem import material
from warp.voxels.grid import Grid
from warp.voxels.supports import Clamp
from warp.voxels.voxelize import voxelize

MM = 1e-3


def operator(model, cpu):
    at = np.full(len(model.media.materials), 300.0)
    return elastic_operator.operator(model, cpu, elastic_operator.moduli(model, at))


@pytest.fixture(params=[(False, False), (True, False), (True, True)], ids=["whole", "half", "1/4"])
def body(request, cpu):
    """Two materials, an overhang and a cavity on uneven lines, more shear at some edges; forces,
    stress and a start.
    """
    pattern = np.ones((5, 7, 8), int)
    pattern[2:] = 0
    pattern[2:, 2:6, 1:6] = 2
    pattern[2, 3:5, 3:5] = 0
    model = voxels(pattern, TWO, request.param)
    A = operator(model, cpu)
    exists = activity(model.ids > 0, model.grid.mirror)
    rng = np.random.default_rng(4)

    def field(size):
        return size * rng.standard_normal(A.shape) * exists

    scale = float(np.diff(model.grid.x).mean())
    s = np.zeros(A.shape)
    nz, ny, nx = model.grid.shape
    volume = scale**3
    s[:2, :nz, :ny, 1 : nx + 1] = 1e6 * volume * rng.standard_normal((2, nz, ny, nx))
    s[:2, :nz, :ny, 1 : nx + 1] *= model.ids > 0
    edges = np.flatnonzero(shear_stiffness(A, rim(model, A)))[::3]
    sides = Rim(edges, 1e9 * volume * rng.random(len(edges)), shear_of(A, edges))
    law = Law(A, sides, field(1e-3), s, (field(0.1 * scale), 0.5 * s))
    return law, lambda: field(0.1 * scale)


def test_gradient_and_hessian_are_the_derivatives(body):
    """Of a polynomial of degree four: differences of higher order are exact but for round-off."""
    law, field = body
    x, p = field(), field()
    _, g = law.gradient(x)
    Hp = np.zeros(x.shape)
    law.hessian(Hp, p)
    steps, weights = np.array([-2, -1, 1, 2]), np.array([1, -8, 8, -1]) / 12
    slope = sum(a * law.gradient(x + n * p)[0] for n, a in zip(steps, weights, strict=True))
    assert slope == pytest.approx(np.vdot(g, p), rel=1e-9)
    change = sum(a * law.gradient(x + n * p)[1] for n, a in zip(steps, weights, strict=True))
    np.testing.assert_allclose(change, Hp, rtol=0, atol=1e-9 * np.abs(Hp).max())


def test_hessian_is_symmetric(body):
    law, field = body
    x, p, q = field(), field(), field()
    law.gradient(x)
    Hp, Hq = np.zeros(x.shape), np.zeros(x.shape)
    law.hessian(Hp, p)
    law.hessian(Hq, q)
    assert np.vdot(q, Hp) == pytest.approx(np.vdot(p, Hq), rel=1e-10)


def test_slabs_join_without_a_seam(body):
    """Of two rows and of five: the gradient and the Hessian of the whole body, bit for bit."""
    law, field = body
    x, p = field(), field()
    found = []
    for rows in (law.rows, 2, 5):
        law.rows = rows
        energy, g = law.gradient(x)
        Hp = np.zeros(x.shape)
        law.hessian(Hp, p)
        found.append((energy, g, Hp))
    for energy, *vectors in found[1:]:
        assert energy == pytest.approx(found[0][0], rel=1e-12)
        np.testing.assert_array_equal(vectors, found[0][1:])


def test_a_stored_displacement_strains_as_the_full_one_does():
    """A deflection of 5 mm in levels of 10 um: rounded to float32 alone it would strain by 2e-5."""
    exists = np.ones((3, 11, 3, 4), bool)
    exists[:, 8:, 0] = False
    z = 10e-6 * np.arange(11)[:, None, None]
    x = np.stack([5e-2 * z, -2e-2 * z, 5e-3 + 1e-4 * z]) * exists
    found = Stored.of(x, exists).full(np.empty(x.shape))
    assert np.abs(np.diff(found - x, axis=1)).max() < 1e-8 * 10e-6
    np.testing.assert_array_equal(found[~exists], 0.0)
    twice = Stored.of(x, exists)
    twice.add(1.0, x)
    assert np.abs(twice.full(np.empty(x.shape)) - 2 * x).max() < 1e-12


def plate(mirror, count, levels, half, height):
    """A homogeneous square plate, or a quarter of it with narrower outer cells."""
    x = np.linspace(-half, half, count + 1)
    if mirror:
        width = 1.0 / (1 + np.exp(np.arange(count) - count + 3.5)) + 0.1
        x = half * np.append(0, np.cumsum(width)) / width.sum()
    z = np.linspace(-height / 2, height / 2, levels + 1)
    return boxes(x, x, z, {"plate": (Isotropic(130e9, 0.28, 1e-6),)}, (mirror, mirror))


@pytest.mark.parametrize("angle", [0.05, 0.2])
def test_rigid_rotations_cost_no_energy(cpu, angle):
    """w = t x, u = -t z - t^2 x / 2 is a rotation by t of this law, for any t.

    The linear law takes the strain -t^2/2 of u for real.
    """
    model = plate(False, 6, 3, 5 * MM, 1 * MM)
    A = operator(model, cpu)
    grid, nx = model.grid, 6
    U = np.zeros(A.shape)
    along = -(angle**2) / 2 * grid.x
    U[0, :3, :6, 1 : nx + 2] = along[None, None, :] - angle * grid.zc[:, None, None]
    U[2, :, :6, 1 : nx + 1] = angle * grid.xc
    law = Law(A, rim(model, A), np.zeros(A.shape), np.zeros(A.shape))
    energy, g = law.gradient(U)
    AU = np.zeros(A.shape)
    A.apply(AU, U)
    linear = np.vdot(U, AU) / 2
    assert abs(energy) < 1e-12 * linear
    assert np.abs(g).max() < 1e-12 * np.abs(AU).max()


def test_the_whole_area_of_a_disc_carries_shear(cpu):
    """G A h over all edges along z: voxels that the rim cuts count by their solid part.

    Less by the free half of the few voxels whose side is a grid line.
    """
    radius, height, G = 10 * MM, 1 * MM, 40e9
    disc = Columns(np.zeros((1, 2)), 2 * radius, 0.0, height)
    x, z = np.linspace(-radius, radius, 21), np.linspace(0, height, 4)
    model = voxelize(
        [Body("disc", "disc", (disc,))], {"disc": material(100e9, 0.25)}, Grid(x, x, z), 300.0
    )
    A = operator(model, cpu)
    found = float(shear_stiffness(A, rim(model, A)).sum())
    assert found == pytest.approx(G * np.pi * radius**2 * height, rel=0.01)


def at_line(x, rows, where):
    """Extrapolate rows [m, ...] at x linearly from the two next to `where`."""
    a, b = (0, 1) if where < x[0] else (-1, -2)
    return rows[a] + (rows[a] - rows[b]) * (where - x[a]) / (x[a] - x[b])


def loaded(cpu, load_number, count, mirror=True):
    """Heat a plate by a temperature linear in z; return h*, law, preconditioner."""
    half, height, levels = 50 * MM, 0.7 * MM, 6
    model = plate(mirror, count, levels, half, height)
    effective = height * np.sqrt(1 - 1 / levels**2)
    A, grid, solid = operator(model, cpu), model.grid, model.media.materials[1]
    rise = load_number * effective / half**2 / solid.alpha * grid.zc
    T = np.broadcast_to((rise + 300.0)[:, None, None], grid.shape).copy()
    model.media.stress_free[:] = 300.0
    f = load(model, A, T)
    s = np.zeros(A.shape)
    volume = grid.dz[:, None, None] * grid.dy[:, None] * grid.dx
    biaxial = solid.E / (1 - 2 * solid.nu)
    s[:2, :levels, :count, 1 : count + 1] = -biaxial * solid.alpha * rise[:, None, None] * volume
    law = Law(A, rim(model, A), f, s)
    return effective, model, law, Preconditioner(model, law, Cycle(A))


def followed(cpu, load_number, count, branch="lower energy"):
    """Return the heights of the mid-edges on x and y above the centre, over h*, and the path."""
    effective, model, law, pre = loaded(cpu, load_number, count)
    height, half = float(model.grid.z[-1] - model.grid.z[0]), model.grid.x[-1]
    scale = float(np.linalg.norm(law.at_end[0]))
    follower = path.Follower(law, pre, scale, 1e-8, height, branch)
    found = follower.follow(load_number * effective)
    xc, levels = model.grid.xc, model.grid.shape[0]
    w = found.shape.x[2, levels // 2, :count, 1 : count + 1]
    middle_x, middle_y = (at_line(xc**2, rows, 0.0) for rows in (w, w.T))
    ends = [abs(at_line(xc, q, half) - at_line(xc**2, q, 0.0)) for q in (middle_x, middle_y)]
    return np.array(ends) / effective, found


@pytest.mark.parametrize(("load_number", "sag"), [(0.5, 0.24461), (1, 0.46321), (2, 0.80463)])
def test_a_free_plate_stiffens_as_von_karman_says(cpu, load_number, sag):
    """Sag over h* at the load kappa_linear L^2 / h*, by Ritz with polynomials of degree 12.

    Linear theory says 8 % more at the load 1.
    """
    ends, found = followed(cpu, load_number, 12)
    assert ends == pytest.approx([sag, sag], rel=0.005)
    assert 0 < found.shape.stability < 1
    assert found.residuals[-1] <= 1e-8
    assert found.bifurcations == []


def test_a_narrow_strip_has_fewer_modes_than_polynomials(cpu):
    """Of three cells across: degrees above two vanish there, and their inverse with them."""
    x, y, z = np.linspace(0, 6 * MM, 4), np.linspace(0, 60 * MM, 21), np.linspace(0, 1 * MM, 5)
    model = boxes(x, y, z, {"strip": (Isotropic(130e9, 0.28, 1e-6),)})
    A = operator(model, cpu)
    law = Law(A, rim(model, A), np.zeros(A.shape), np.zeros(A.shape))
    pre = Preconditioner(model, law, Cycle(A))
    law.gradient(np.zeros(A.shape))
    pre.update()
    assert pre.stability == pytest.approx(1.0, abs=1e-6)
    assert pre.basis.shape[1] < len(pre.basis)
    assert np.abs(pre.basis).max() * np.sqrt(np.diag(pre.plate.linear).max()) < 1e9


@pytest.mark.slow
@pytest.mark.parametrize("branch", ["x", "y"])
def test_a_plate_rolls_up_beyond_its_bifurcation(cpu, branch):
    """Past 4.89 the dome is unstable: a cylinder, along the axis that was asked for."""
    ends, found = followed(cpu, 6, 12, branch)
    rolled, flat = ends if branch == "x" else ends[::-1]
    assert rolled == pytest.approx(2.696, rel=0.01)
    assert flat == pytest.approx(0.693, rel=0.02)
    assert found.shape.stability > 0
    assert found.residuals[-1] <= 1e-8
    (at,) = found.bifurcations
    assert at.fraction * 6 == pytest.approx(4.89, rel=0.02)
    assert at.energies[0] == pytest.approx(at.energies[1], rel=1e-6)


@pytest.mark.slow
def test_twice_the_critical_load_takes_few_increments(cpu):
    """Fewer than 25 iterations each: the time of six linear solves of 15 iterations.

    One takes three or four times as long as one of the linear solve (data/benchmarks).
    """
    _, found = followed(cpu, 2 * 4.89, 12, "x")
    assert found.increments <= 15
    assert found.iterations < 25 * found.increments
    assert len(found.bifurcations) == 1


@pytest.mark.parametrize("mirror", [True, False])
def test_the_energy_of_smooth_modes_is_that_of_the_plate(cpu, mirror):
    """Z^T A Z by products with the operator; Z^T H Z of a dome, within the grid's accuracy."""
    _, model, law, pre = loaded(cpu, 2, 12 if mirror else 24, mirror)
    modes = pre.modes

    def galerkin(apply):
        out, rows = np.zeros(law.A.shape), []
        for unit in np.eye(modes.count):
            apply(out, modes.spread(unit))
            rows.append(modes.gather(out))
        return np.array(rows)

    flat = pre.plate.linear
    size = np.sqrt(np.diag(flat) * np.diag(flat)[:, None])
    assert np.abs(galerkin(law.A.apply) - flat).max() < 0.05 * np.abs(flat).max()
    assert (np.abs(galerkin(law.A.apply) - flat) / size).max() < 0.01
    x, y = model.grid.xc, model.grid.yc
    dome = np.zeros(law.A.shape)
    dome[2, :, : len(y), 1 : len(x) + 1] = 1e-7 / MM * (x**2 + y[:, None] ** 2) / MM
    law.gradient(dome)
    pre.update()
    bent = pre.plate.loaded()
    size = np.sqrt(np.diag(bent) * np.diag(bent)[:, None])
    assert (np.abs(galerkin(law.hessian) - bent) / size).max() < 0.05


def test_short_waves_do_not_stiffen_smooth_modes(cpu):
    """Waves of 10 mm, as dies give a panel, that stretch the plate by 1e-5 of itself.

    A body takes up what a smooth shape stretches across them by moving in the plane as quickly,
    which smooth modes cannot: in the frame of the waves the modes would be 36 times too stiff.
    """
    _, model, law, pre = loaded(cpu, 2, 24)
    x, y, number = model.grid.xc, model.grid.yc, 2 * np.pi / (10 * MM)
    waves = np.zeros(law.A.shape)
    waves[2, :, : y.size, 1 : x.size + 1] = 10e-6 * np.cos(number * x)
    law.gradient(waves)
    pre.update()
    bent, _ = bending(pre.plate.loaded(), pre.modes.bends)
    assert np.linalg.eigvalsh(pre.bent.T @ bent @ pre.bent)[-1] < 3


def test_a_newton_step_takes_few_iterations(cpu):
    """At a slope of 0.04 the linear V-cycle alone takes 80 to a residual of 1e-8."""
    _, found = followed(cpu, 4, 12)
    assert found.iterations < 60


def balanced(law, pre, fraction, x, on_step=None):
    law.load(fraction)
    return minimum(law, pre, float(np.linalg.norm(law.at_end[0])), 1e-9, x, np.inf, on_step)


def test_energy_falls_in_every_accepted_step(cpu):
    """From the flat plate to a sag of 1.2 heights at once, which full Newton steps would overshoot;
    to round-off at the end.
    """
    _, _, law, pre = loaded(cpu, 4, 8)
    energies = [0.0]
    found = balanced(law, pre, 1.0, np.zeros(law.A.shape), lambda _: energies.append(law.energy_at))
    assert len(energies) == len(found.residuals) > 4
    assert np.diff(energies).max() <= 1e-12 * abs(found.energy)


def test_work_of_the_load_is_the_energy(cpu):
    """E(1) - E(0) = int dE/d(load) at the shapes in balance, by Gauss with five points.

    Energy is linear in the load at a given shape.
    """
    _, _, law, pre = loaded(cpu, 2, 8)
    points, weights = np.polynomial.legendre.leggauss(5)
    x, work = np.zeros(law.A.shape), 0.0
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        x = balanced(law, pre, point, x).x
        ends = []
        for fraction in (0.0, 1.0):
            law.load(fraction)
            ends.append(law.gradient(x)[0])
        work += weight * (ends[1] - ends[0])
    assert work == pytest.approx(balanced(law, pre, 1.0, x).energy, rel=1e-5)


def test_void_above_a_part_has_no_slope():
    """A body with a smaller upper part, tilted by 0.01: its steepest slope is 0.01 everywhere."""
    pattern = np.ones((5, 7, 8), int)
    pattern[2:] = 0
    pattern[2:, 2:6, 1:6] = 2
    model = voxels(pattern, TWO, (False, False))
    nz, ny, nx = model.grid.shape
    solid = np.pad(model.ids > 0, ((1, 1), (0, 0), (0, 0)))
    displacement = np.zeros((3, nz + 1, ny + 1, nx + 1))
    exists = solid[1:] | solid[:-1]
    displacement[2, :, :ny, :nx] = np.where(exists, 1e-3 + 0.01 * model.grid.xc, 0.0)
    assert shape.steepest(model, displacement) == pytest.approx(0.01, rel=1e-9)


def test_a_held_strip_curls_and_draws_back(cpu):
    """Two layers of nu 0, held at one end: w = k x^2 / 2, and u loses k^2 L^3 / 6 at the tip."""
    length, thick = 20 * MM, 0.5 * MM
    x, y = np.linspace(0, length, 21), np.linspace(0, 2 * MM, 3)
    z = np.linspace(0, 2 * thick, 15)
    layers = {
        "lower": (Isotropic(100e9, 0.0, 50e-6), (-1, 1, -1, 1, 0, thick)),
        "upper": (Isotropic(100e9, 0.0, 0.0), (-1, 1, -1, 1, thick, 2 * thick)),
    }
    model = boxes(x, y, z, layers)
    model = replace(model, grid=replace(model.grid, breaks=(0, 7, 14)))
    model.media.stress_free[:] = 300.0
    clamp, state = Clamp(("lower.x-", "upper.x-")), State.start(model.grid.shape)
    linear = elastic_solve(model, 400.0, cpu, state, Control(1e-9), support=clamp)
    wanted = large.Wanted()
    bent = large.solve(
        model, 400.0, cpu, state, Control(1e-9), wanted=wanted, start=300.0, support=clamp
    )
    kappa = 1.5 * 50e-6 * 100 / (2 * thick)
    ends = [
        (s.displacement[0, :14, 0, 20].mean(), s.displacement[2, 7, 0, 19]) for s in (linear, bent)
    ]
    (u, w), (u_bent, w_bent) = ends
    assert abs(w) == pytest.approx(kappa * (length - 0.5 * MM) ** 2 / 2, rel=0.01)
    assert w_bent == pytest.approx(w, rel=2e-3)
    assert u_bent - u == pytest.approx(-(kappa**2) * length**3 / 6, rel=0.02)
