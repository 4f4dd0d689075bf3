"""Held faces: closed forms of clamped strips and plates, iterations near the free body's, frames.

Strips have nu = 0 and plates carry their weight q a unit of area (Timoshenko and Woinowsky-Krieger,
Theory of Plates and Shells, 2nd ed. 1959, paragraphs 16 and 44; Timoshenko, Strength of Materials
I, 3rd ed. 1955, paragraphs 25 and 41):

    cantilever                    tip at q L^4/(8 EI); of two layers that expand differently at
                                  kappa L^2/2
    strip held at both ends       middle at q L^4/(384 EI); two layers stay flat,
                                  sigma = -E alpha dT
    square plate held all round   middle at 0.00126532 q a^4/D
"""

import numpy as np
import pytest
from conductors import boxes
from plates import COLD, CORE, MM, SILICON, T0, Heavy, begun

from warp.solvers import krylov
from warp.solvers.elastic import contact
from warp.solvers.elastic import load as elastic_load
from warp.solvers.elastic import operator as elastic_operator
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic import stress as elastic_stress
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.multigrid.held import merged_indices
from warp.solvers.elastic.multigrid.transfer import Merge
from warp.solvers.krylov import Control, System
from warp.voxels.supports import Clamp, held

SIDES = ("a.x-", "a.x+", "a.y-", "a.y+")
INF = np.inf


def edged(length, n, fine=0.25):
    """n cells, those at the ends narrower."""
    s = np.linspace(-1, 1, n + 1)
    return length / 2 * (1 + (s - (1 - fine) * s**3 / 3) / (1 - (1 - fine) / 3))


def slab(x, y, z, *layers, mirror=(False, False)):
    """Layers ("a" lowest, "b", ...) of (solid, top)."""
    parts, low = {}, -INF
    for name, (solid, top) in zip("abc", layers, strict=False):
        parts[name] = (solid, (-INF, INF, -INF, INF, low, top))
        low = top
    model = boxes(x, y, z, parts, mirror)
    model.media.stress_free[1:] = T0
    return model


def sag(model, cpu, clamp):
    """Displacement under the weight, and iterations."""
    mean = elastic_load.mean_temperature(model, COLD)
    A = elastic_operator.operator(model, cpu, elastic_operator.moduli(model, mean))
    B, f = A.holding(held(model, clamp, A.shape)[0]), contact.weight(model, A)
    f.reshape(-1)[B.held] = 0.0
    system = System("held", B.apply, f)
    x, residuals = krylov.solve(cpu, system, Cycle(B), Control(1e-6))
    assert not x.reshape(-1)[B.held].any()
    return x[..., 1 : A.n[0] + 2], len(residuals) - 1


def stiffness(solid, t, cells):
    """EI a width (of a plate: D) of `cells` cells."""
    return solid.E / (1 - solid.nu**2) * t**3 / 12 * (1 - 1 / cells**2)


@pytest.mark.parametrize("cells", [12, 48])
@pytest.mark.parametrize("ends, part", [(1, 1 / 8), (2, 1 / 384)])
def test_strip_sags_as_a_beam(cpu, ends, part, cells):
    """Cells from a third of the thickness to three times it.

    A cantilever is read beside its end, where it is straight.
    """
    length, t, solid = 20 * MM, 0.5 * MM, Heavy(130e9, 0.0, 0.0)
    model = slab(edged(length, cells), [0, MM], np.linspace(0, t, 9), (solid, INF))
    w, _ = sag(model, cpu, Clamp(SIDES[:ends]))
    q, EI = solid.density * contact.GRAVITY * t, stiffness(solid, t, 8)
    x = model.grid.xc
    if ends == 1:
        expected = q * x**2 * (6 * length**2 - 4 * length * x + x**2) / (24 * EI)
        at = -1
    else:
        expected = q * (x * (length - x)) ** 2 / (24 * EI)
        at = cells // 2
    assert -w[2, 4, 0, : len(x)][at] == pytest.approx(expected[at], rel=2e-2)
    assert expected[at] == pytest.approx(part * q * length**4 / EI, rel=0.15)


def test_square_plate_held_all_round_sags_as_a_plate(cpu):
    side, t, solid = 20 * MM, 0.5 * MM, Heavy(130e9, 0.3, 0.0)
    lines = edged(side / 2, 32)
    model = slab(lines, lines, np.linspace(0, t, 9), (solid, INF), mirror=(True, True))
    w, iterations = sag(model, cpu, Clamp(("a.x+", "a.y+")))
    D = stiffness(solid, t, 8)
    assert -w[2, 4, 0, 0] == pytest.approx(
        0.00126532 * solid.density * contact.GRAVITY * t * side**4 / D, rel=2e-2
    )
    assert iterations <= 30


def two_layers(length, cells):
    """A strip of two layers of which the upper one shrinks less, and its curvature if free."""
    t, lower, upper = 0.5 * MM, Heavy(20e9, 0.0, 15e-6), Heavy(20e9, 0.0, 5e-6)
    model = slab(edged(length, cells), [0, MM], np.linspace(0, 2 * t, 17), (lower, t), (upper, INF))
    strain = (lower.alpha - upper.alpha) * (COLD - T0)
    return model, 1.5 * strain / (2 * t) / (1 - 1 / 16**2), upper


def test_cantilever_of_two_layers_bends_away_from_its_clamp(cpu):
    """The frame is the clamp's: displacements are zero there, and kappa x^2/2 beside it."""
    model, kappa, _ = two_layers(20 * MM, 40)
    clamp = Clamp(("a.x-", "b.x-"))
    solution = elastic.solve(model, COLD, cpu, begun(model, cpu), Control(1e-8), support=clamp)
    w, x = solution.displacement[2, 8, 0, :-1], model.grid.xc
    assert abs(solution.displacement[0, :, 0, 0]).max() < 1e-12 * abs(w).max()
    assert abs(w[0]) < 1e-12 * abs(w).max()
    assert abs(w[-1]) == pytest.approx(abs(kappa) * x[-1] ** 2 / 2, rel=1e-2)


def test_strip_of_two_layers_held_at_both_ends_stays_flat(cpu):
    model, kappa, upper = two_layers(20 * MM, 40)
    clamp = Clamp(("a.x-", "b.x-", "a.x+", "b.x+"))
    solution = elastic.solve(model, COLD, cpu, begun(model, cpu), Control(1e-8), support=clamp)
    # beside the ends voxels cannot grow thicker
    inside = solution.displacement[2, 8, 0, 5:-6]
    assert np.ptp(inside) < 1e-3 * abs(kappa) * (20 * MM) ** 2 / 8
    sigma = elastic_stress.stress(model, COLD, solution.state, cpu)[0]
    assert sigma[12, 0, 20] == pytest.approx(-upper.E * upper.alpha * (COLD - T0), rel=1e-3)


def test_what_was_held_at_its_rim_springs_back(cpu):
    model, _, _ = two_layers(20 * MM, 24)
    state = begun(model, cpu)
    free = elastic.solve(model, COLD, cpu, state, Control(1e-9)).displacement
    state = elastic.solve(
        model, COLD, cpu, state, Control(1e-9), support=Clamp(("a.x-", "b.x-", "b.x+"))
    ).state
    again = elastic.solve(model, COLD, cpu, state, Control(1e-9)).displacement
    np.testing.assert_allclose(again, free, rtol=0, atol=1e-6 * abs(free).max())


def test_clamping_a_bent_body_moves_nothing(cpu):
    """A body that has bent freely is at rest when it is held: its free edges keep their forces."""
    model, _, _ = two_layers(20 * MM, 24)
    free = elastic.solve(model, COLD, cpu, begun(model, cpu), Control(1e-9)).state
    held_there = elastic.solve(
        model, COLD, cpu, free, Control(1e-9), support=Clamp(("a.x-", "b.x-"))
    ).state
    largest = abs(free.displacement).max()
    np.testing.assert_allclose(
        held_there.displacement, free.displacement, rtol=0, atol=1e-7 * largest
    )


def test_a_face_that_slides_is_a_mirror_plane(cpu):
    """Half a plate whose middle slides in its plane is the quarter beyond a mirror."""
    x, z = MM * np.array([0, 1, 2, 3.5, 4.5, 5]), MM * np.linspace(0, 1, 9)
    layers = (CORE, 0.5 * MM), (SILICON, INF)
    found = []
    for mirror, faces in (((True, True), ()), ((False, True), ("a.x-", "b.x-"))):
        model = slab(x, x, z, *layers, mirror=mirror)
        support = Clamp(faces, sliding=True) if faces else None
        found.append(
            elastic.solve(
                model, COLD, cpu, begun(model, cpu), Control(1e-9), support=support
            ).displacement
        )
    for w in found:
        w -= w[2, 0, 0, 0] * (np.arange(3) == 2)[:, None, None, None]
    shared = [u[2, :, :-1, :-1] for u in found]
    np.testing.assert_allclose(shared[0], shared[1], rtol=0, atol=1e-6 * abs(shared[0]).max())


HELD_FACES = {
    "one side": ("a.x-", "b.x-", "c.x-"),
    "two corners": ("a.x-", "b.x-", "c.x-", "a.y+", "b.y+", "c.y+"),
    "lower layer at its rim": ("a.x-", "a.x+", "a.y-", "a.y+"),
    "chip at its side": ("c.x+",),
    "soft layer at its side": ("b.x-",),
    "soft layer at two sides": ("b.x-", "b.y-"),
    "bottom and a side": ("a.bottom", "c.y-"),
    "from above": ("c.top",),
}


@pytest.mark.parametrize("faces", HELD_FACES.values(), ids=HELD_FACES)
@pytest.mark.parametrize("sliding", [False, True], ids=["clamped", "sliding"])
def test_held_bodies_take_at_most_twice_the_iterations_of_the_free_one(cpu, faces, sliding):
    """A soft layer, one to a million, between stiff ones; the free body takes 12 to 15."""
    lines, z = (
        edged(20 * MM, 24),
        MM * np.r_[np.linspace(0, 1, 7), 1.1, np.linspace(1.1, 1.9, 7)[1:]],
    )
    soft = Heavy(0.13e6, 0.45, 100e-6)
    model = slab(lines, lines, z, (CORE, MM), (soft, 1.1 * MM), (SILICON, INF))
    solution = elastic.solve(
        model, COLD, cpu, begun(model, cpu), Control(1e-8), support=Clamp(faces, sliding)
    )
    assert solution.iterations <= 30


def test_coarse_displacement_is_held_as_soon_as_one_below_it_is():
    x = np.arange(5.0)
    merge = Merge(x, x, np.array([0, 2, 4]), np.array([0, 2, 4]), (False, False))
    fine, coarse = (3, 2, 5, 7), (3, 2, 3, 5)
    places = np.ravel_multi_index(np.array([(0, 0, 1, 3), (0, 0, 1, 2), (2, 1, 3, 4)]).T, fine)
    found = merged_indices(places, merge, 1, lambda at: np.ones(len(at), bool))
    expected = [
        (0, 0, 0, 2),
        (2, 1, 1, 2),
    ]  # u on a line that survives; the one on a line that goes has none; w
    np.testing.assert_array_equal(np.array(np.unravel_index(found, coarse)).T, expected)
