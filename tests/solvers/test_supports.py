"""Supports: a clamped body springs back when released; a body on a table rests under its weight.

An elastic body does not remember how it was held: state and shape after the release are those of
the free body. A strip of natural curvature kappa, rigidity EI and weight q a length lies on a table
(Timoshenko, Strength of Materials I, 3rd ed. 1955, paragraphs 25 and 43, with the moment EI kappa
that flattens it):

    ends down   on its two ends, its middle at height  kappa L^2/8 - 5 q L^4/(384 EI)  if positive
    ends up     flat in the middle; the overhang b begins to rise where its weight makes the
                flattening moment, q b^2/2 = EI kappa, and lifts each end by
                kappa b^2/2 - q b^4/(8 EI) = EI kappa^2/(2 q)
"""

from dataclasses import dataclass

import numpy as np
import pytest
from conductors import boxes
from plates import COLD, CORE, MM, MOULD, SILICON, T0, Heavy, X, begun, plate, strains

from warp.machine import device
from warp.solvers.elastic import contact
from warp.solvers.elastic import load as elastic_load
from warp.solvers.elastic import operator as elastic_operator
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic import stress as elastic_stress
from warp.solvers.elastic.balance import product
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.multigrid.springs import merged_springs
from warp.solvers.elastic.multigrid.transfer import Merge
from warp.solvers.elastic.operator import Release
from warp.solvers.elastic.springs import Springs
from warp.solvers.krylov import Control
from warp.verify.bending import Layer, laminate
from warp.voxels.supports import Clamp, Table

G = contact.GRAVITY
BOTTOM = ("package.bottom",)


@dataclass(frozen=True)
class Ribbon(Heavy):
    """A solid that expands along x only."""

    def thermal_strain(self, T, T0):
        return np.multiply.outer(np.subtract(T, T0), [self.alpha, 0.0, 0.0])


@pytest.fixture(scope="module")
def pair():
    """A quarter of a plate of two layers, its state free of stress at T0, and cooled freely."""
    cpu = device.select("cpu")
    model = plate(
        {"core": (CORE, 0, 0.4 * MM, T0), "chip": (SILICON, 0.4 * MM, 0.8 * MM, T0)},
        np.linspace(0, 0.8 * MM, 9),
    )
    state = begun(model, cpu)
    return model, state, elastic.solve(model, COLD, cpu, state, Control(1e-9))


def test_plate_held_all_round_carries_its_whole_thermal_strain(cpu):
    """sigma = -E alpha dT / (1 - nu) in plane, no stress across."""
    x = np.linspace(0, 6 * MM, 7)
    model = plate({"a": (SILICON, 0, 0.5 * MM, T0)}, np.linspace(0, 0.5 * MM, 4), x)
    sides = Clamp(("a.x+", "a.y+"), sliding=True)
    solution = elastic.solve(model, COLD, cpu, begun(model, cpu), Control(1e-9), support=sides)
    sigma = elastic_stress.stress(model, COLD, solution.state, cpu)
    expected = -SILICON.E * SILICON.alpha * (COLD - T0) / (1 - SILICON.nu)
    np.testing.assert_allclose(sigma[:2], expected, rtol=1e-6)
    np.testing.assert_allclose(sigma[2:], 0.0, atol=1e-6 * expected)


def test_laminate_held_flat_carries_a_moment_but_no_resultant(cpu, pair):
    """On a chuck it shrinks freely and stays flat: sigma = M (eps0 - alpha dT); 0.5 %.

    INT sigma dz = 0.
    """
    model, state, _ = pair
    solution = elastic.solve(
        model, COLD, cpu, state, Control(1e-9), support=Clamp(BOTTOM, sliding=True)
    )
    assert not solution.state.displacement[2, 0].any()
    sigma = elastic_stress.stress(model, COLD, solution.state, cpu)[0, :, 0, 0]
    M = [s.modulus(COLD) / (1 - s.nu) for s in (CORE, SILICON)]
    free = [s.alpha * (COLD - T0) for s in (CORE, SILICON)]
    eps0 = sum(m * e for m, e in zip(M, free, strict=True)) / sum(M)
    np.testing.assert_allclose(
        sigma, np.repeat([m * (eps0 - e) for m, e in zip(M, free, strict=True)], 4), rtol=5e-3
    )


@pytest.mark.parametrize("sliding", [True, False])
def test_what_was_held_springs_back_to_the_free_laminate(cpu, pair, sliding):
    model, state, free = pair
    held = elastic.solve(
        model, COLD, cpu, state, Control(1e-9), support=Clamp(BOTTOM, sliding)
    ).state
    released = elastic.solve(model, COLD, cpu, held, Control(1e-9))
    np.testing.assert_allclose(
        released.displacement, free.displacement, rtol=0, atol=1e-6 * abs(free.displacement).max()
    )


def test_layers_joined_while_held_flat_are_the_laminate_after_release(cpu):
    """A core cools on a chuck, mould is attached, both cool further, and are released; 0.5 %."""
    x, z = X, np.r_[np.linspace(0, 0.4 * MM, 11), np.linspace(0.4 * MM, 0.9 * MM, 11)[1:]]
    core = {"core": (CORE, 0, 0.4 * MM, T0)}
    chuck = Clamp(("core.bottom",), sliding=True)
    model = plate(core, z, x)
    state = elastic.solve(model, 420.0, cpu, begun(model, cpu), Control(1e-9), support=chuck).state
    model = plate(core | {"mould": (MOULD, 0.4 * MM, 0.9 * MM, 420.0)}, z, x)
    state = elastic.solve(model, 420.0, cpu, state, Control(1e-9), support=chuck).state
    state = elastic.solve(model, COLD, cpu, state, Control(1e-9), support=chuck).state
    released = elastic.solve(model, COLD, cpu, state, Control(1e-9))
    layers = ((0.4 * MM, CORE), (0.5 * MM, MOULD))
    stack = [Layer(t, solid.modulus(COLD), solid.nu, solid.alpha) for t, solid in layers]
    assert strains(model, released.displacement)[1] == pytest.approx(
        laminate(stack, COLD - 420.0)[1], rel=5e-3
    )


def test_pressed_flat_a_bowed_plate_is_flat_and_bows_again(cpu, pair):
    model, _, free = pair
    press = Clamp(BOTTOM, sliding=True, flat=True)
    pressed = elastic.solve(model, COLD, cpu, free.state, Control(1e-9), support=press)
    assert np.ptp(free.displacement[2, 0, :-1, :-1]) > 1e-6
    assert np.ptp(pressed.displacement[2, 0, :-1, :-1]) < 1e-12
    again = elastic.solve(model, COLD, cpu, pressed.state, Control(1e-9))
    np.testing.assert_allclose(
        again.displacement, free.displacement, rtol=0, atol=1e-6 * abs(free.displacement).max()
    )


# the table


def ribbon(kappa, length=0.16, thickness=2 * MM, cells=40):
    """Build half a strip of two equal layers, one of which expands; return also EI and q.

    It would bend by kappa at COLD.
    """
    layers = 4
    E, half = 1e9, thickness / 2
    EI = (
        E * thickness**3 / 12 * (1 - 1 / (2 * layers) ** 2)
    )  # bending stiffness of cells through the thickness
    moment = E * half * half / 2  # by a unit of strain in the upper layer, about the middle
    strain = kappa * EI / moment
    upper, lower = Ribbon(E, 0.0, strain / (COLD - T0)), Ribbon(E, 0.0, 0.0)
    z = np.linspace(0, thickness, 2 * layers + 1)
    parts = {"lower": (lower, (-1, 1, -1, 1, 0, half)), "upper": (upper, (-1, 1, -1, 1, half, 1))}
    model = boxes(
        np.linspace(0, length / 2, cells + 1), [0, length / cells], z, parts, (True, True)
    )
    model.media.stress_free[1:] = T0
    return model, EI, lower.density * G * thickness


def lying(model, cpu):
    solution = elastic.solve(model, COLD, cpu, begun(model, cpu), Control(1e-9), support=Table())
    height = solution.state.displacement[2, 0, 0, :-1]
    assert height.min() > -1e-4 * height.max()
    return solution, height


def test_strip_with_its_ends_down_sags_in_the_middle(cpu):
    """It rests on the middle of its last voxels, half a voxel from the end.

    Its first voxel centre is half a voxel from x = 0.
    """
    model, EI, q = ribbon(kappa := 0.3)
    free = elastic.solve(model, COLD, cpu, begun(model, cpu), Control(1e-9)).displacement[
        2, 0, 0, :-1
    ]
    x, span = model.grid.xc[0], 2 * model.grid.xc[-1]
    assert np.ptp(free) == pytest.approx(kappa * (span**2 - 4 * x**2) / 8, rel=2e-3)
    _, height = lying(model, cpu)
    sag = q * span**4 * (5 / 384 - (x / span) ** 2 / 16) / EI
    assert height[0] == pytest.approx(np.ptp(free) - sag, rel=1e-2)
    assert sag > 0.2 * np.ptp(free)


def test_strip_with_its_ends_up_is_flat_up_to_where_their_weight_bends_it(cpu):
    kappa = 0.055
    model, EI, q = ribbon(-kappa)
    solution, height = lying(model, cpu)
    overhang = np.sqrt(2 * EI * kappa / q)
    assert overhang == pytest.approx(0.04, rel=0.02)
    tip = height[-1] + (height[-1] - height[-2]) / 2
    assert tip == pytest.approx(EI * kappa**2 / (2 * q), rel=1e-2)
    assert height[model.grid.xc < model.grid.x[-1] - 1.1 * overhang].max() < 1e-3 * tip


def test_table_carries_the_weight_and_pulls_nowhere(cpu):
    """The contact forces of a strip that lies partly add up to its weight; none pulls."""
    model, _, q = ribbon(-0.055)
    solution, height = lying(model, cpu)
    A = elastic_operator.operator(
        model, cpu, elastic_operator.moduli(model, elastic_load.mean_temperature(model, COLD))
    )
    faces = contact.lowest(model, A)
    force = faces.hardness * np.maximum(-height[: len(faces.at)], 0)
    weight = q * model.grid.x[-1] * model.grid.y[-1]
    assert solution.resting.weight == pytest.approx(4 * weight)
    assert force.sum() == pytest.approx(weight, rel=1e-3)
    assert solution.resting.area == pytest.approx(4 * faces.area[force > 0].sum())
    assert solution.resting.lift == pytest.approx(height.max())


@pytest.mark.parametrize("turned", [False, True])
def test_small_package_is_too_stiff_to_notice_its_weight(cpu, turned):
    """On its corners or its middle, quarter or whole: less than 0.1 um; released, it is free."""
    low, high = (SILICON, CORE) if turned else (CORE, SILICON)
    low, high = (Heavy(s.E, s.nu, s.alpha) for s in (low, high))
    z, quarter = np.linspace(0, 0.9 * MM, 5), MM * np.array([0, 2.0, 4, 5.5, 6])
    found = []
    for mirror, x in (((True, True), quarter), ((False, True), np.r_[-quarter[:0:-1], quarter])):
        parts = {
            "a": (low, (-1, 1, -1, 1, 0, 0.45 * MM)),
            "b": (high, (-1, 1, -1, 1, 0.45 * MM, 1)),
        }
        model = boxes(x, quarter, z, parts, mirror)
        model.media.stress_free[1:] = T0
        state = begun(model, cpu)
        free = elastic.solve(model, COLD, cpu, state, Control(1e-9))
        rests = elastic.solve(model, COLD, cpu, state, Control(1e-9), support=Table())
        assert abs(rests.displacement - free.displacement).max() < 1e-8
        assert np.ptp(free.displacement[2]) > 1e-5
        found.append(rests.resting)
        back = elastic.solve(model, COLD, cpu, rests.state, Control(1e-9))
        np.testing.assert_allclose(
            back.displacement, free.displacement, rtol=0, atol=1e-6 * abs(free.displacement).max()
        )
    assert found[0].weight == pytest.approx(2330 * G * 0.9e-3 * 144e-6)
    assert found[1].weight == pytest.approx(found[0].weight)
    assert found[1].lift == pytest.approx(found[0].lift, rel=1e-6)


def test_bodies_on_a_table_are_turned_until_they_stand(cpu):
    """Without symmetry at least three faces touch, and their moments are those of the weight."""
    x = MM * np.array([0, 1, 2, 3.0, 4])
    heavy = Heavy(130e9, 0.28, 3e-6)
    parts = {
        "a": (heavy, (-1, 1, -1, 1, 0, 1 * MM)),
        "b": (Heavy(50e9, 0.3, 20e-6), (-1, 2.5 * MM, -1, 1.5 * MM, 1 * MM, 1)),
    }
    model = boxes(x, x, MM * np.array([0, 0.5, 1, 1.5]), parts)
    model.media.stress_free[1:] = T0
    solution = elastic.solve(model, COLD, cpu, begun(model, cpu), Control(1e-9), support=Table())
    A = elastic_operator.operator(
        model, cpu, elastic_operator.moduli(model, elastic_load.mean_temperature(model, COLD))
    )
    faces, pull = contact.lowest(model, A), contact.weight(model, A)
    U = np.zeros(A.shape)
    U[..., 1:-1] = solution.state.displacement
    force = faces.hardness * np.maximum(-(faces.height + U.reshape(-1)[faces.at]), 0)
    assert (force > 0).sum() >= 3
    _, _, j, i = np.unravel_index(faces.at, A.shape)
    _, j_all, i_all = np.indices(A.shape[1:])
    for centre, at, everywhere in ((model.grid.xc, i - 1, i_all - 1), (model.grid.yc, j, j_all)):
        arms = centre[np.clip(everywhere, 0, len(centre) - 1)]
        assert centre[at] @ force == pytest.approx(-np.sum(arms * pull[2]), rel=1e-3)


def test_springs_are_part_of_the_matrix_on_every_level(cpu):
    """S - V E V^T is added to A; a coarser level has all the stiffness of the finer one."""
    x = MM * np.linspace(0, 8, 9)
    model = plate({"a": (SILICON, 0, 1 * MM, T0)}, np.linspace(0, 1 * MM, 4), x)
    A = elastic_operator.operator(
        model, cpu, elastic_operator.moduli(model, elastic_load.mean_temperature(model, COLD))
    )
    at, chance = contact.lowest(model, A).at, np.random.default_rng(1)
    springs = Springs(at, chance.uniform(1, 2, len(at)))
    V, E = chance.standard_normal((len(at), 2)), np.array([[2.0, 1.0], [1.0, 3.0]])
    field = chance.standard_normal(A.shape)
    expected = product(A, field)
    here = field.reshape(-1)[at]
    expected.reshape(-1)[at] += springs.stiffness * here - V @ (E @ (V.T @ here))
    np.testing.assert_allclose(
        product(A.on(springs, Release(cpu, at, V, E)), field), expected, rtol=1e-12
    )
    merge = Merge.of(x, x, A.mirror)
    coarse = merged_springs(springs, merge, A.n[2], lambda at: np.ones(len(at), bool))
    assert len(coarse.at) < len(at)
    assert coarse.stiffness.sum() == pytest.approx(springs.stiffness.sum())


def test_a_table_carries_alike_in_float32(cpu):
    """As in solves of more than `krylov.LARGE` unknowns."""
    assert_tables_carry_alike(cpu, device.select("cpu/float32"))


@pytest.mark.gpu
def test_a_table_on_the_gpu_carries_as_on_the_cpu(cpu, gpu):
    assert_tables_carry_alike(cpu, gpu)


def assert_tables_carry_alike(*places):
    """Lay a ribbon on a table, computed on two devices."""
    ends = []
    for place in places:
        model, _, _ = ribbon(-0.055)
        state = elastic.solve(model, T0, place, State.start(model.grid.shape)).state
        ends.append(elastic.solve(model, COLD, place, state, Control(1e-9), support=Table()))
    assert ends[1].resting.area == ends[0].resting.area
    largest = abs(ends[0].displacement).max()
    np.testing.assert_allclose(
        ends[1].displacement, ends[0].displacement, rtol=0, atol=1e-4 * largest
    )
