"""Derivatives of the heat equations against central differences, at random temperatures."""

from dataclasses import replace

import numpy as np
import pytest
from conductors import Conductor, boxes, uneven

from warp.adjoint import heat
from warp.solvers.heat.operator import operator
from warp.voxels import boundary
from warp.voxels.boundary import Film, Fixed, Interface

RNG = np.random.default_rng(4)
BOUNDARIES = [Film("a.top", 900.0, 310.0), Fixed("b.bottom", 295.0), Interface("a", "b", 2e-5)]


def body():
    """Stack two orthotropic blocks, the upper one smaller, on an uneven grid."""
    rng = np.random.default_rng(2)
    x, y, z = uneven(rng, 6, 5e-3), uneven(rng, 5, 4e-3), uneven(rng, 7, 1e-3)
    parts = {
        "b": (Conductor((3.0, 2.0, 1.0)), (0, 1, 0, 1, 0, z[3])),
        "a": (Conductor((100.0, 150.0, 120.0)), (x[1], x[5], 0, y[4], z[3], 1)),
    }
    return boxes(x, y, z, parts)


def form(model, boundaries, T, mu, cpu, law=None):
    """Compute L with the solver's own operator, the heat of sources left out."""
    A = operator(model, boundaries, cpu)
    if law is not None:
        A.table[:, :6] = np.repeat(0.5 / law, 2, axis=1) + A.split.extra
        around = boundary.exchange(model, boundaries, A.split.ids, A.table)
        A = replace(A, surroundings=around, _arrays={})
    out = np.zeros(model.ids.shape)
    A.apply(out, T - A.surroundings.datum, 0.0, -1.0)
    out.reshape(-1)[A.surroundings.cell] += A.surroundings.heat
    return float(np.vdot(mu, out))


def central(f, h):
    return (f(h) - f(-h)) / (2 * h)


@pytest.fixture
def setting(cpu):
    model = body()
    T = 300 + RNG.uniform(0, 20, model.ids.shape)
    mu = RNG.uniform(-1, 1, model.ids.shape) * (model.ids > 0)
    A = operator(model, BOUNDARIES, cpu)
    return model, T, mu, A, heat.partials(A, T, mu)


def test_grid_lines(cpu, setting):
    model, T, mu, A, found = setting
    for axis, name in enumerate("xyz"):
        lines, exact = getattr(model.grid, name), found.lines.by_line(axis)

        def moved(n, h, name=name, lines=lines):
            shifted = replace(model.grid, **{name: lines + h * (np.arange(len(lines)) == n)})
            return form(replace(model, grid=shifted), BOUNDARIES, T, mu, cpu)

        for n in range(len(lines)):
            expected = central(lambda h, n=n: moved(n, h), 1e-5 * np.diff(lines).min())
            assert exact[n] == pytest.approx(expected, rel=1e-5, abs=1e-6 * abs(exact).max())


def test_conditions(cpu, setting):
    model, T, mu, A, found = setting
    film, fixed, contact = BOUNDARIES
    cases = [
        (found.films[0], lambda h: replace(film, coefficient=900 + h), 0, 1.0),
        (found.ambients[0], lambda h: replace(film, ambient=310 + h), 0, 1.0),
        (found.ambients[1], lambda h: replace(fixed, temperature=295 + h), 1, 1.0),
        (
            heat.by_resistance(A, found, contact),
            lambda h: replace(contact, resistance=2e-5 + h),
            2,
            1e-8,
        ),
    ]
    for exact, changed, n, step in cases:

        def value(h, changed=changed, n=n):
            conditions = [*BOUNDARIES]
            conditions[n] = changed(h)
            return form(model, conditions, T, mu, cpu)

        assert exact == pytest.approx(central(value, step), rel=1e-6)


def test_conductivities(cpu, setting):
    model, T, mu, A, found = setting
    with np.errstate(divide="ignore"):
        k = 0.5 / (A.table[:, :6] - A.split.extra)[:, ::2]
    for row, axis in np.ndindex(k[1:].shape):

        def changed(h, at=(row + 1, axis)):
            law = k.copy()
            law[at] *= 1 + h
            with np.errstate(divide="ignore"):
                return form(model, BOUNDARIES, T, mu, cpu, law)

        expected = central(changed, 1e-4) / k[row + 1, axis]
        scale = abs(found.conductivity).max()
        assert found.conductivity[row + 1, axis] == pytest.approx(expected, 1e-6, 1e-9 * scale)
