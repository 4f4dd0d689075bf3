"""Relaxation of one element against integrated ODEs, of a plate by the correspondence principle."""

import numpy as np
import pytest
from conductors import boxes
from plates import Solid as Elastic
from plates import flip_chip, plate, strains
from scipy.integrate import solve_ivp

from warp.materials.library import MaterialError, MaterialSpec, mix
from warp.materials.material import rotated
from warp.materials.relaxation import GAS_CONSTANT, Arrhenius, Relaxation, ShiftTable, Wlf
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic import stress as elastic_stress
from warp.solvers.elastic.history import material_change, substeps
from warp.solvers.elastic.history.state import State
from warp.solvers.krylov import Control

MM, ROOM = 1e-3, 300.0
WLF = Wlf(393.15, 17.44, 51.6)  # the universal constants of Ferry
ARRHENIUS = Arrhenius(393.15, 250e3)
TIMES, BULK, SHEAR = (1e-2, 1.0, 30.0, 1e3), (0.05, 0.1, 0.05, 0.1), (0.2, 0.25, 0.3, 0.15)


class Viscous(Elastic):
    """An elastic solid that relaxes."""

    def __init__(self, E, nu, alpha, relaxation):
        super().__init__(E, nu, alpha)
        object.__setattr__(self, "relaxation", relaxation)


def test_shift_laws():
    """No shift at the reference; WLF with its pole; Arrhenius by its formula; tables are linear."""
    assert WLF.log(393.15) == ARRHENIUS.log(393.15) == 0
    assert WLF.log(393.15 + 51.6) == pytest.approx(-17.44 / 2)
    assert np.isfinite(WLF.log(np.array([393.15 - 51.6, 200.0]))).all()
    assert ARRHENIUS.log(420.0) == pytest.approx(
        np.log10(np.exp(250e3 / GAS_CONSTANT * (1 / 420 - 1 / 393.15)))
    )
    assert ShiftTable((300.0, 400.0), (4.0, 0.0)).log(325.0) == 3


@pytest.mark.parametrize("shift", [WLF, ARRHENIUS], ids=["wlf", "arrhenius"])
@pytest.mark.parametrize("steps", [1, 7])
def test_one_branch_in_a_cooling_ramp_is_the_integrated_ode(shift, steps):
    """dq/dt = de/dt - q / (a_T tau) from 150 to 80 degC in 70 s; 1e-5.

    Strain and temperature are linear in time.
    """
    law = Relaxation(TIMES, BULK, SHEAR, shift)
    start, end, duration, strain = 423.15, 353.15, 70.0, -2e-3

    def rate(t, q):
        T = start + (end - start) * t / duration
        return strain / duration - q / (10.0 ** shift.log(T) * np.array(TIMES))

    exact = solve_ivp(rate, (0, duration), np.zeros(4), "Radau", rtol=1e-10, atol=1e-16).y[:, -1]
    q, T = np.zeros(4), np.linspace(start, end, steps + 1)
    for n in range(steps):
        decay, mean = law.step(T[n], T[n + 1], duration / steps)
        q = decay[1:] * q + mean[1:] * strain / steps
    np.testing.assert_allclose(q, exact, rtol=1e-5, atol=1e-12)


def test_limits_of_a_step():
    """Nothing relaxes in no time, all branches in a very long one; the first entry never does."""
    law = Relaxation(TIMES, BULK, SHEAR, WLF)
    for duration, left in ((0.0, 1.0), (1e30, 0.0)):
        decay, mean = law.step(393.15, 393.15, duration)
        np.testing.assert_allclose(np.stack([decay, mean])[:, 1:], left, atol=1e-20)
        assert decay[0] == mean[0] == 1
    decay, _ = law.step(320.0, 320.0, 1e6)
    assert decay.min() == 1  # below the pole of WLF nothing relaxes


def test_uniaxial_relaxation_of_a_cube(cpu):
    """A free cube has no stress, whatever its memory: its strain follows its temperature."""
    solid = Viscous(3e9, 0.35, 5e-5, Relaxation(TIMES, BULK, SHEAR, WLF))
    x = np.linspace(0, 1 * MM, 4)
    model = boxes(x, x, x, {"cube": (solid,)}, (False, False))
    model.media.stress_free[:] = 420.0
    state = State.start(model.grid.shape)
    for T in (420.0, 400.0, 350.0):
        solution = elastic.solve(model, T, cpu, state, Control(1e-11), duration=10.0)
        state = solution.state
        sigma = elastic_stress.stress(model, T, state, cpu)
        assert abs(sigma).max() < 1e-7 * 3e9 * 5e-5 * 70
        np.testing.assert_allclose(state.strain, 5e-5 * (T - 420), rtol=1e-8, atol=1e-16)


# The correspondence principle: thickness and place of a layer, its biaxial modulus as a function of
# Laplace's s


def talbot(transform, t, terms=24):
    """Invert a Laplace transform at t.

    Fixed Talbot method; Abate and Valko, Int. J. Numer. Meth. Eng. 60 (2004) 979.
    """
    theta = np.arange(1, terms) * np.pi / terms
    r = 2 * terms / (5 * t)
    s = r * theta * (1 / np.tan(theta) + 1j)
    weight = 1 + 1j * theta * (1 + (1 / np.tan(theta)) ** 2) - 1j / np.tan(theta)
    total = 0.5 * np.exp(r * t) * transform(r)
    return float(
        np.real(
            r
            / terms
            * (
                total
                + sum(np.exp(p * t) * transform(p) * w for p, w in zip(s, weight, strict=True))
            )
        )
    )


def carson(law, fractions, s):
    """Return s times the transform of 1 - sum m (1 - exp(-t/tau))."""
    return 1 - sum(m / (1 + s * tau) for m, tau in zip(fractions, law.times, strict=True))


CHIP, SOFT, HOT, HEIGHTS = Elastic(130e9, 0.28, 2.8e-6), 20e9, 393.15, (0.0, 0.4 * MM, 0.9 * MM)
LAW = Relaxation(TIMES, BULK, SHEAR, WLF)


MOULD = Viscous(SOFT, 0.3, 12e-6, LAW)


def bimaterial(mould=MOULD):
    x = MM * np.array([0, 1.4, 2.8, 4.0, 4.8, 5.0])
    low, middle, high = HEIGHTS
    z = np.r_[np.linspace(low, middle, 13), np.linspace(middle, high, 9)[1:]]
    return plate({"chip": (CHIP, low, middle, HOT), "mould": (mould, middle, high, HOT - 60)}, z, x)


def curvature_in_time(rise, times):
    """Return the curvature of the free plate after a sudden rise of the mould's temperature.

    Elastic laminate theory in Laplace's domain.
    """

    def transform(s):
        K = SOFT / (3 * 0.4) * carson(LAW, BULK, s)
        G = SOFT / 2.6 * carson(LAW, SHEAR, s)
        E, nu = 9 * K * G / (3 * K + G), (3 * K - 2 * G) / (2 * (3 * K + G))
        stack = [
            (CHIP.E / (1 - CHIP.nu), *HEIGHTS[:2], 0.0),
            (E / (1 - nu), *HEIGHTS[1:], 12e-6 * rise),
        ]
        A, B, D = (sum(M * (b**n - a**n) / n for M, a, b, _ in stack) for n in (1, 2, 3))
        N, m = (sum(M * e * (b**n - a**n) / n for M, a, b, e in stack) for n in (1, 2))
        return (A * m - B * N) / (A * D - B**2) / s

    return np.array([talbot(transform, t) for t in times])


def test_a_bimaterial_plate_relaxes_as_the_correspondence_principle_says(cpu):
    """Mould suddenly 60 K warmer, then left alone: 0.5 % from the glassy to the rubbery plate."""
    model = bimaterial()
    state, t, times = (
        State.start(model.grid.shape),
        0.0,
        [0, 1e-2, 0.1, 1, 3, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 1e12],
    )
    measured = []
    for until in times:
        solution = elastic.solve(model, HOT, cpu, state, Control(1e-7), duration=until - t)
        state, t = solution.state, until
        measured.append(strains(model, solution.displacement)[1])
    np.testing.assert_allclose(measured[1:-1], curvature_in_time(60.0, times[1:-1]), rtol=5e-3)
    K, G = SOFT / 1.2 * LAW.remaining[0], SOFT / 2.6 * LAW.remaining[1]
    rubbery = Elastic(9 * K * G / (3 * K + G), (3 * K - 2 * G) / (6 * K + 2 * G), 12e-6)
    for solid, limit in ((Elastic(SOFT, 0.3, 12e-6), measured[0]), (rubbery, measured[-1])):
        at_once = elastic.solve(
            bimaterial(solid), HOT, cpu, State.start(bimaterial(solid).grid.shape), Control(1e-8)
        )
        assert limit == pytest.approx(strains(model, at_once.displacement)[1], rel=1e-6)
    assert measured[-1] < 0.6 * measured[0]
    assert state.memory.voxels.size == (model.ids == 2).sum()
    assert state.memory.strain.shape == (1 + len(TIMES), 3, (model.ids == 2).sum())


def cooled(law, start, end, duration):
    """Integrate the curvature of the free bimaterial plate, cooled at a constant rate.

    The branch strains are linear in z, q = a + b z. d(eps0, kappa)/dt from the balance of force and
    moment, dq/dt = d(strain)/dt - q / (a_T tau), integrated by LSODA.
    """

    def moments(low, high):
        first, second, third = ((high**n - low**n) / n for n in (1, 2, 3))
        return np.array([[first, second], [second, third]])

    rate, count = (end - start) / duration, len(TIMES)
    chip, mould = CHIP.E / (1 - CHIP.nu) * moments(*HEIGHTS[:2]), SOFT / 0.7 * moments(*HEIGHTS[1:])
    free = rate * (CHIP.alpha * chip[:, 0] + MOULD.alpha * mould[:, 0])
    share = np.array(law.shear)

    def flow(t, y):
        q = y[2:].reshape(count, 2)
        lost = q / (10.0 ** law.shift.log(start + rate * t) * np.array(TIMES))[:, None]
        bend = np.linalg.solve(chip + mould, free + mould @ (share @ lost))
        return np.concatenate([bend, (bend - np.array([MOULD.alpha * rate, 0]) - lost).reshape(-1)])

    return solve_ivp(
        flow, (0, duration), np.zeros(2 + 2 * count), "LSODA", rtol=1e-9, atol=1e-14
    ).y[1, -1]


@pytest.mark.parametrize(
    ("shift", "rate"), [(WLF, 0.05), (ARRHENIUS, 0.3)], ids=["wlf", "arrhenius"]
)
def test_a_plate_that_cools_in_one_step_is_the_integrated_laminate(cpu, shift, rate):
    """From 175 to 25 degC in as many substeps as needed; 0.5 %."""
    law, start, end = Relaxation(TIMES, SHEAR, SHEAR, shift), 448.15, 298.15
    low, middle, high = HEIGHTS
    parts = {
        "chip": (CHIP, low, middle, start),
        "mould": (Viscous(SOFT, 0.3, 12e-6, law), middle, high, start),
    }
    x, z = (
        MM * np.array([0, 1.4, 2.8, 4.0, 4.8, 5.0]),
        np.r_[np.linspace(low, middle, 13), np.linspace(middle, high, 9)[1:]],
    )
    model, duration = plate(parts, z, x), (start - end) / rate
    lengths = []

    def step(part, state):
        lengths.append(part.duration)
        return elastic.solve(model, part.end, cpu, state, Control(1e-7), duration=part.duration)

    interval = substeps.Interval(start, end, duration)
    solution = substeps.solve(step, [law], State.start(model.grid.shape), interval, x[-1])
    expected = cooled(law, start, end, duration)
    assert strains(model, solution.displacement)[1] == pytest.approx(expected, rel=5e-3)
    once = strains(model, step(interval, State.start(model.grid.shape)).displacement)[1]
    assert abs(once / expected - 1) > 0.05
    assert 20 < len(lengths) < 100


def test_steps_without_relaxation_are_not_divided(cpu):
    """A step too short or too cold for relaxation is one solve.

    A body without stress is divided by temperature only.
    """
    z = MM * np.linspace(0, 1, 4)
    free, warped = plate({"mould": (MOULD, 0.0, 1 * MM, HOT - 60)}, z), bimaterial()
    for model, T, duration, count in (
        (free, HOT, 10.0, 18),
        (warped, HOT, 1e-9, 1),
        (warped, 330.0, 10.0, 1),
    ):
        lengths = []

        def step(part, state, model=model, lengths=lengths):
            lengths.append(part.duration)
            return elastic.solve(model, part.end, cpu, state, Control(1e-8), duration=part.duration)

        substeps.solve(
            step,
            [LAW],
            State.start(model.grid.shape),
            substeps.Interval(T - 60, T, duration),
            5 * MM,
        )
        assert len(lengths) == count


@pytest.mark.parametrize("steps", [1, 6])
@pytest.mark.parametrize("shift", [WLF, ARRHENIUS], ids=["wlf", "arrhenius"])
def test_a_film_in_a_cooling_ramp_has_the_stress_of_the_integrated_ode(cpu, shift, steps):
    """A soft film on a much stiffer plate: its strain is linear in time, so steps may be long."""
    law, E, alpha = Relaxation(TIMES, SHEAR, SHEAR, shift), 1e6, 6e-5
    start, end, duration = 423.15, 353.15, 70.0
    x, z = MM * np.linspace(0, 4, 6), MM * np.array([0, 0.5, 1.0, 1.05])
    parts = {
        "plate": (CHIP, 0.0, 1.0 * MM, start),
        "film": (Viscous(E, 0.3, alpha, law), 1.0 * MM, 1.1 * MM, start),
    }
    model, state, T = plate(parts, z, x), State.start((3, 5, 5)), np.linspace(start, end, steps + 1)
    for n in range(steps):
        solution = elastic.solve(
            model, T[n + 1], cpu, state, Control(1e-9), duration=duration / steps
        )
        state = solution.state
    sigma = elastic_stress.stress(model, end, state, cpu)[0, -1, 0, 0]
    rate = (CHIP.alpha - alpha) * (end - start) / duration

    def flow(t, q):
        return rate - q / (
            10.0 ** shift.log(start + (end - start) * t / duration) * np.array(TIMES)
        )

    q = solve_ivp(flow, (0, duration), np.zeros(4), "Radau", rtol=1e-9, atol=1e-15).y[:, -1]
    expected = E / 0.7 * (law.remaining[1] * rate * duration + np.array(SHEAR) @ q)
    assert sigma == pytest.approx(expected, rel=1e-3)
    assert 0.1 < expected / (E / 0.7 * rate * duration) < 0.9


def test_shear_of_a_viscoelastic_bond_relaxes(cpu):
    """Edges at free faces and between different voxels remember their shear.

    Two stiff plates on a soft bond, one cell thick. In series with stiff voxels the bond's stress
    falls as its shear modulus does; the shear strain stays.
    """
    law = Relaxation((1.0,), (0.5,), (0.5,))
    bond = Viscous(1e6, 0.3, 0.0, law)
    other = Elastic(CHIP.E, CHIP.nu, 10e-6)
    x, z = MM * np.array([0, 1, 2, 2.6, 3]), MM * np.array([0, 1.0, 2.0, 2.1, 3.1, 4.1])
    parts = {
        "low": (CHIP, 0, 2 * MM, 400.0),
        "bond": (bond, 2 * MM, 2.1 * MM, 400.0),
        "high": (other, 2.1 * MM, 5 * MM, 400.0),
    }
    model = plate(parts, z, x)
    found, state = [], State.start(model.grid.shape)
    for duration in (0.0, 1.0, 1e9):
        solution = elastic.solve(model, 300.0, cpu, state, Control(1e-9), duration=duration)
        state = solution.state
        found.append(elastic_stress.stress(model, 300.0, state, cpu)[4, 2, 0, -2])
        again = elastic.solve(model, 300.0, cpu, state, Control(1e-8), duration=0.0)
        assert again.iterations == 0
    assert abs(found[0]) > 1e2
    np.testing.assert_allclose(
        found, found[0] * np.array([1, 0.5 + 0.5 * np.exp(-1), 0.5]), rtol=1e-3
    )
    whole = state.cropped((slice(None),) * 3)
    for name, array in state.arrays().items():
        np.testing.assert_array_equal(array, whole.arrays()[name])


def test_what_a_step_remembers_is_in_equilibrium(cpu):
    """Without time and without change no iteration is needed, also after storing the state.

    Viscoelastic mould around a chip, in a temperature field.
    """
    bare, moulded = flip_chip(False), flip_chip(True)
    moulded.media.materials[2] = MOULD
    state = elastic.solve(bare, 420.0, cpu, State.start(bare.grid.shape)).state
    field = 380 + np.random.default_rng(1).uniform(-20, 20, bare.grid.shape)
    solution = elastic.solve(moulded, field, cpu, state, Control(1e-10), duration=3.0)
    assert len(solution.state.held) and solution.iterations
    again = elastic.solve(
        moulded, field, cpu, State.of(solution.state.arrays()), Control(1e-8), duration=0.0
    )
    assert again.iterations == 0
    later = elastic.solve(moulded, field, cpu, again.state, Control(1e-8), duration=30.0)
    assert later.iterations
    whole = later.state.cropped((slice(None),) * 3)
    for name, array in later.state.arrays().items():
        np.testing.assert_array_equal(array, whole.arrays()[name])


@pytest.mark.parametrize(
    "law", [LAW, Relaxation((3.0,), (0.2,), (0.4,))], ids=["one law", "another"]
)
def test_a_relaxed_voxel_that_gains_material_moves_nothing(cpu, law):
    """A viscoelastic bump keeps its stress when its voxels gain viscoelastic underfill.

    Each branch keeps its stress if both relax by one law.
    """
    x, z = MM * np.array([0, 1, 2, 2.6, 3]), MM * np.array([0, 1.0, 2.0, 2.1, 2.2, 3.2, 4.2])
    bare, filled = Viscous(1e9, 0.3, 2e-5, LAW), Viscous(3e9, 0.35, 4e-5, law)
    models = []
    for bump, stress_free in ((bare, 400.0), (filled, 380.0)):
        ends = ("low", CHIP, 0, 2 * MM, 400.0), ("bump", bump, 2 * MM, 2.2 * MM, stress_free)
        parts = {
            name: rest
            for name, *rest in (
                *ends,
                ("high", Elastic(CHIP.E, 0.28, 1e-5), 2.2 * MM, 5 * MM, 400.0),
            )
        }
        models.append(plate(parts, z, x))
    before, after = models
    state = elastic.solve(
        before, 330.0, cpu, State.start(before.grid.shape), Control(1e-11), duration=1e3
    ).state
    state = elastic.solve(before, 350.0, cpu, state, Control(1e-11), duration=1e3).state
    transferred = material_change.stiffened(state, before, after, 350.0, cpu)
    step = elastic.solve(after, 350.0, cpu, transferred, Control(1e-8), duration=0.0)
    assert step.iterations == 0
    old, new = (
        elastic_stress.stress(m, 350.0, s, cpu) for m, s in ((before, state), (after, step.state))
    )
    np.testing.assert_allclose(new, old, rtol=0, atol=1e-9 * abs(old).max())
    np.testing.assert_allclose(np.diff(transferred.memory.sites) > 0, True)


def test_stress_of_a_step_without_time_is_the_elastic_one(cpu):
    """All six components, also at free faces and between different voxels."""
    viscous, glassy = flip_chip(True, 490.0), flip_chip(True, 490.0)
    viscous.media.materials[2], glassy.media.materials[2] = MOULD, Elastic(SOFT, 0.3, 12e-6)
    field = 380 + np.random.default_rng(1).uniform(-20, 20, viscous.grid.shape)
    found = []
    for model in (viscous, glassy):
        solution = elastic.solve(model, field, cpu, State.start(model.grid.shape), Control(1e-11))
        found.append(elastic_stress.stress(model, field, solution.state, cpu))
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-8 * abs(found[1]).max())


def test_a_viscoelastic_state_goes_to_a_file_and_back(cpu):
    """A run continued from its arrays gives the same bits; a cut block keeps its memory."""
    model = bimaterial()
    state = elastic.solve(model, 380.0, cpu, State.start(model.grid.shape), duration=5.0).state
    straight, resumed = (
        elastic.solve(model, 330.0, cpu, s, duration=5.0) for s in (state, State.of(state.arrays()))
    )
    for name, array in straight.state.arrays().items():
        np.testing.assert_array_equal(array, resumed.state.arrays()[name])
    block = state.cropped((slice(8, 18), slice(1, 4), slice(0, 3)))
    inside = np.zeros(model.ids.shape, bool)
    inside[8:18, 1:4, :3] = model.ids[8:18, 1:4, :3] == 2
    at = np.flatnonzero(inside)
    where = np.searchsorted(state.memory.voxels, at)
    np.testing.assert_array_equal(block.memory.strain, state.memory.strain[..., where])
    assert np.all(np.diff(block.memory.sites) > 0)


def test_mixtures_relax_as_their_larger_part():
    soft = MaterialSpec.model_validate(
        {
            "youngs_modulus": "3 GPa",
            "poissons_ratio": 0.3,
            "relaxation": {"youngs_modulus": [["1 s", "50 %"]]},
        }
    ).build("soft")
    hard = MaterialSpec.model_validate({"youngs_modulus": "50 GPa", "poissons_ratio": 0.3}).build(
        "hard"
    )
    assert mix([soft, hard], [0.6, 0.4], "columns").relaxation is soft.relaxation
    assert mix([soft, hard], [0.4, 0.6], "columns").relaxation is None
    assert mix([soft, None], [0.4, 0.6], "columns").relaxation is soft.relaxation
    assert (
        mix([hard, soft], [0.6, 0.4], "particulate").relaxation is soft.relaxation
    )  # rigid grains: the composite relaxes as its matrix
    assert rotated(soft, 1).relaxation is soft.relaxation


def test_relaxation_in_a_case():
    """Times and fractions with units, one law of shift; errors in the words of the file."""
    table = {
        "youngs_modulus": "20 GPa",
        "poissons_ratio": 0.3,
        "relaxation": {
            "shear": [["1 s", "10 %"], ["2 min", 0.2]],
            "bulk": [["1 s", "5 %"]],
            "arrhenius": {"reference": "120 degC", "activation_energy": "250 kJ/mol"},
        },
    }
    law = MaterialSpec.model_validate(table).build("mould").relaxation
    assert law == Relaxation((1.0, 120.0), (0.05, 0.0), (0.1, 0.2), ARRHENIUS)
    for change, words in (
        ({"wlf": {"reference": "1 degC", "c1": 17, "c2": "50 K"}}, "one law shifts"),
        ({"shear": [["1 s", 0.6], ["2 s", 0.4]]}, "something must remain"),
        ({"youngs_modulus": [["1 s", 0.1]]}, "youngs_modulus, or for bulk and shear"),
        ({"bulk": [["1 K", 0.1]]}, "s"),
    ):
        with pytest.raises(ValueError, match=words):
            MaterialSpec.model_validate(table | {"relaxation": table["relaxation"] | change})
    sigmoid = {"glassy": "20 GPa", "rubbery": "1 GPa", "glass_transition": "120 degC"}
    with pytest.raises(MaterialError, match="instantaneous"):
        MaterialSpec.model_validate(table | {"youngs_modulus": sigmoid}).build("mould")
