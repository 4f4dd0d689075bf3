"""Derivatives of L = lambda^T (f - A U) against central differences, at random displacements."""

from dataclasses import replace

import numpy as np
import pytest
from solids import ROOM, TWO, plain, voxels

from warp.adjoint.elastic import partials
from warp.solvers.elastic.layout import displacement_shape
from warp.solvers.elastic.load import load
from warp.solvers.elastic.operator import Moduli, moduli, operator

RNG = np.random.default_rng(8)


def rubble(seed):
    """Fill a model with voxels of two solids and void at random, under a whole plate."""
    pattern = np.random.default_rng(seed).integers(0, 3, (9, 6, 7))
    pattern[:3] = 1
    return pattern


def fields(model):
    """Return random U and lambda in the solver's layout that mirror planes allow."""
    nz, ny, nx = model.grid.shape
    found = []
    for _ in range(2):
        x = np.zeros(displacement_shape(nx, ny, nz))
        x[..., 1 : nx + 2] = 1e-6 * RNG.standard_normal((3, nz + 1, ny + 1, nx + 1))
        x[0, ..., 1] *= not model.grid.mirror[0]
        x[1, :, 0] *= not model.grid.mirror[1]
        found.append(x)
    return found


def form(model, law, T, U, adjoint, cpu):
    """Compute L with the solver's own operator and load."""
    A = operator(model, cpu, law)
    r = np.array(load(model, A, T))
    A.apply(r, U, 1.0, -1.0)
    return float(np.vdot(adjoint, r))


def setting(mirror, varies):
    model = voxels(rubble(3), TWO, mirror, 5)
    model.grid = replace(model.grid, breaks=(0, 9))
    T = ROOM - 40.0
    if varies:
        T = T + RNG.uniform(-30, 30, model.ids.shape)
    law = moduli(model, np.full(3, ROOM))
    return model, law, T, *fields(model)


def central(f, h):
    return (f(h) - f(-h)) / (2 * h)


MIRRORS = [(False, False), (True, False), (True, True)]


@pytest.mark.parametrize("varies", [False, True])
@pytest.mark.parametrize("mirror", MIRRORS)
def test_grid_lines(cpu, mirror, varies):
    """Every line, weights of the levels and free shear included."""
    model, law, T, U, adjoint = setting(mirror, varies)
    A = operator(model, cpu, law)
    found = partials(model, A.body, T, plain(U), plain(adjoint))
    g = model.grid
    for axis, name in enumerate("xyz"):
        lines, exact = getattr(g, name), found.lines.by_line(axis)
        step = 1e-5 * np.diff(lines).min()

        def moved(n, h, name=name, lines=lines):
            shifted = replace(g, **{name: lines + h * (np.arange(len(lines)) == n)})
            weights_kept = replace(model, grid=shifted)
            return form(weights_kept, law, T, U, adjoint, cpu)

        for n in range(len(lines)):
            expected = central(lambda h, n=n: moved(n, h), step)
            assert exact[n] == pytest.approx(expected, rel=2e-5, abs=2e-6 * abs(exact).max())


@pytest.mark.parametrize("mirror", MIRRORS)
def test_stiffness(cpu, mirror):
    """Every modulus of every medium; the load is checked with it."""
    model, law, T, U, adjoint = setting(mirror, True)
    found = partials(model, operator(model, cpu, law).body, T, plain(U), plain(adjoint))
    for kind, exact in (("normal", found.normal), ("shear", found.shear)):
        for m, n in np.ndindex(exact[1:].shape):

            def changed(h, m=m + 1, n=n, kind=kind):
                table = getattr(law, kind).copy()
                table[m, n] *= 1 + h
                other = Moduli(**{**law._asdict(), kind: table})
                return form(model, other, T, U, adjoint, cpu)

            expected = central(changed, 1e-4) / getattr(law, kind)[m + 1, n]
            assert exact[m + 1, n] == pytest.approx(expected, rel=1e-6)


def test_temperature_of_every_voxel(cpu):
    """A field, through the thermal strain alone; stiffness stays."""
    model, law, T, U, adjoint = setting((True, False), True)
    found = partials(model, operator(model, cpu, law).body, T, plain(U), plain(adjoint), maps=True)
    solid = np.argwhere(model.ids > 0)
    for at in map(tuple, solid[:: len(solid) // 20]):

        def warmer(h, at=at):
            field = T.copy()
            field[at] += h
            return form(model, law, field, U, adjoint, cpu)

        scale = abs(found.temperature).max()
        assert found.temperature[at] == pytest.approx(central(warmer, 1e-2), abs=1e-6 * scale)


def test_maps_sum_to_the_parts_of_the_form(cpu):
    """All stiffness together scales L; all thermal strain together is its share of L."""
    model, law, T, U, adjoint = setting((True, True), False)
    found = partials(model, operator(model, cpu, law).body, T, plain(U), plain(adjoint), maps=True)
    whole = form(model, law, T, U, adjoint, cpu)
    assert found.stiffness.sum() == pytest.approx(whole, rel=1e-10)
    by_tables = (found.normal * law.normal).sum() + (found.shear * law.shear).sum()
    assert by_tables == pytest.approx(whole, rel=1e-10)
    unloaded = form(model, law, ROOM, U, adjoint, cpu)
    free = np.stack([solid.thermal_strain(T, ROOM) for solid in (*TWO[:1], *TWO)])
    tables = (found.strain[0, 1:] * free[1:]).sum()
    assert tables == pytest.approx(whole - unloaded, rel=1e-10)
    assert found.expansion.sum() == pytest.approx(found.strain.sum(), rel=1e-10)
