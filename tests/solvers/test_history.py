"""Steps of a process against laminate theory: birth on the deformed body, removal, singulation,
cure, and its state on file.

A plate of layers that appear one after another has, far from its edges, strains eps(z) = eps0 + z
kappa, and a layer

    sigma = M(T) [eps(z) - eps_birth(z) - alpha (T - T_birth)],    INT sigma dz = INT sigma z dz = 0

with eps_birth the plate's strain when the layer appeared: `Stepwise`.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from plates import CORE, MM, MOULD, SILICON, T0, X, flip_chip, plate, strains

from warp import device
from warp.materials.library import MaterialSpec
from warp.materials.material import Shrunk
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic import stress as elastic_stress
from warp.solvers.elastic.history.state import State, faces_of
from warp.verify.bending import Layer, laminate
from warp.voxels.voxelize import VoxelModel

CELLS = (
    10,
    18,
    8,
)  # of the layers: of their bending stiffness 1/100 is missing, of the stiff one's 1/324


class Stepwise:
    """Laminate theory step by step: what each layer (bottom z, thickness, solid) counts from."""

    def __init__(self):
        self.births, self.strain = {}, np.zeros(2)

    def to(self, T, present):
        """Go to T with the layers `present`: name -> (solid, z0, z1, T_birth); return eps0 and
        kappa.
        """
        self.births = {name: self.births.get(name, self.strain) for name in present}
        matrix, force = np.zeros((2, 2)), np.zeros(2)
        for name, (solid, z0, z1, birth) in present.items():
            M = solid.modulus(T) / (1 - solid.nu)
            first, second, third = ((z1**n - z0**n) / n for n in (1, 2, 3))
            part = M * np.array([[first, second], [second, third]])
            matrix += part
            force += part @ self.births[name] + M * solid.alpha * (T - birth) * np.array(
                [first, second]
            )
        self.strain = np.linalg.solve(matrix, force)
        return self.strain


def lines(*z):
    """CELLS voxels between each two heights."""
    parts = zip(z[:-1], z[1:], CELLS, strict=False)
    return np.concatenate([[z[0]], *(np.linspace(a, b, n + 1)[1:] for a, b, n in parts)])


@dataclass
class Moment:
    """The end of a step: computed, and eps0, kappa of laminate theory with what each layer counts
    from.
    """

    model: VoxelModel
    solution: elastic.Solution
    T: float
    theory: np.ndarray
    births: dict[str, np.ndarray]

    @property
    def measured(self):
        return strains(self.model, self.solution.displacement)


def run(cpu, steps, z, x=X, tolerance=1e-9):
    """Walk through steps (T, layers that are there)."""
    state, theory, found = State.start((len(z) - 1, len(x) - 1, len(x) - 1)), Stepwise(), []
    for T, present in steps:
        model = plate(present, z, x)
        solution = elastic.solve(model, T, cpu, tolerance, before=state)
        state = solution.state
        found.append(Moment(model, solution, T, theory.to(T, present), dict(theory.births)))
    return found


Z = lines(0, 0.4 * MM, 0.8 * MM, 1.3 * MM)
THIN = np.r_[np.linspace(0, 0.4 * MM, 13), np.linspace(0.4 * MM, 0.9 * MM, 9)[1:]]
LOWER, MIDDLE, UPPER = (
    ("core", 0.0, 0.4 * MM),
    ("chip", 0.4 * MM, 0.8 * MM),
    ("mould", 0.8 * MM, 1.3 * MM),
)


def layers(**births):
    """Layers by name, each with its temperature of birth."""
    solids = {"core": CORE, "chip": SILICON, "mould": MOULD}
    return {
        name: (solids[name], z0, z1, births[name])
        for name, z0, z1 in (LOWER, MIDDLE, UPPER)
        if name in births
    }


def test_without_a_state_nothing_is_kept(cpu):
    """And a first step is the ordinary solve, bit for bit."""
    model = plate(layers(core=T0, chip=T0), np.linspace(0, 0.8 * MM, 5))
    plain = elastic.solve(model, 300.0, cpu)
    first = elastic.solve(model, 300.0, cpu, before=State.start(model.grid.shape))
    assert plain.state is None
    np.testing.assert_array_equal(plain.displacement, first.displacement)
    usual, remembered = (
        elastic_stress.stress(model, plain.displacement, 300.0, state)
        for state in (None, first.state)
    )
    np.testing.assert_allclose(remembered, usual, rtol=0, atol=1e-12 * abs(usual).max())


def test_two_layers_joined_hot_and_cooled(cpu):
    """In two steps; laminate theory within 0.5 %."""
    pair = layers(core=T0, chip=T0)
    hot, cold = run(cpu, [(T0, pair), (300.0, pair)], lines(0, 0.4 * MM, 0.8 * MM))
    assert hot.solution.iterations == 0 and not hot.solution.displacement.any()
    stack = [Layer(0.4 * MM, s.modulus(300.0), s.nu, s.alpha) for s in (CORE, SILICON)]
    assert cold.theory[1] == pytest.approx(laminate(stack, 300 - T0)[1], rel=1e-12)
    assert cold.measured == pytest.approx(cold.theory, rel=5e-3)


def test_a_field_of_temperature_leaves_nothing_behind(cpu):
    """Warmed unevenly and brought back in steps, an elastic body is as it was; on the way it is the
    ordinary solution.
    """
    model, start = flip_chip(True, 490.0), np.random.default_rng(3)
    field = 400 + start.uniform(-60, 60, model.grid.shape)
    state = elastic.solve(model, 350.0, cpu, 1e-9, before=State.start(model.grid.shape)).state
    there = elastic.solve(model, field, cpu, 1e-9, before=state)
    plain = elastic.solve(model, field, cpu, 1e-9).displacement
    np.testing.assert_allclose(there.displacement, plain, rtol=0, atol=1e-6 * abs(plain).max())
    usual, remembered = (
        elastic_stress.stress(model, plain, field, known) for known in (None, there.state)
    )
    np.testing.assert_allclose(remembered, usual, rtol=0, atol=1e-6 * abs(usual).max())
    back = elastic.solve(model, 490.0, cpu, 1e-9, before=there.state)
    assert abs(back.displacement).max() < 1e-6 * abs(plain).max()


@pytest.fixture(scope="module")
def three():
    """A core at 490 K, a chip on it at once, mould on both at 420 K, 300 K; then the core is taken
    away.
    """
    pair, every = layers(core=490.0, chip=490.0), layers(core=490.0, chip=490.0, mould=420.0)
    steps = [
        (490.0, pair),
        (420.0, pair),
        (420.0, every),
        (300.0, every),
        (300.0, layers(chip=490.0, mould=420.0)),
    ]
    return run(device.select("cpu"), steps, Z)


def test_three_layers_joined_at_three_temperatures(cpu, three):
    """Each counts its strain from the plate as it was when it joined; moduli change with
    temperature; 0.5 %.
    """
    _, before, joined, cold, _ = three
    assert joined.measured == pytest.approx(before.theory, rel=5e-3)
    assert cold.measured == pytest.approx(cold.theory, rel=5e-3)
    whole = elastic.solve(cold.model, 300.0, cpu)
    assert (
        abs(strains(cold.model, whole.displacement)[1] / cold.theory[1] - 1) > 0.05
    )  # one step knows no order


def test_stress_of_three_layers(three):
    """M (eps - eps_birth - alpha (T - T_birth)), the same for every history of steps."""
    cold, z = three[3], three[3].model.grid.zc
    solution, stack = cold.solution, layers(core=490.0, chip=490.0, mould=420.0)
    sigma = elastic_stress.stress(cold.model, solution.displacement, 300.0, solution.state)[
        0, :, 0, 0
    ]
    assert abs(sigma @ cold.model.grid.dz) < 1e-3 * abs(sigma).max() * 1.3 * MM
    for name, (solid, z0, z1, birth) in stack.items():
        here = (z > z0) & (z < z1)
        eps0, kappa = cold.theory - cold.births[name]
        expected = (
            solid.modulus(300.0)
            / (1 - solid.nu)
            * (eps0 + z[here] * kappa - solid.alpha * (300 - birth))
        )
        np.testing.assert_allclose(sigma[here], expected, rtol=0, atol=5e-3 * abs(sigma).max())


def test_birth_moves_nothing(three):
    """Mould on a bent body, at the temperature of birth: not an iteration, and the body keeps its
    displacement.
    """
    _, before, joined, _, _ = three
    old, new = before.solution, joined.solution
    assert new.iterations == 0
    there = faces_of(before.model.ids > 0)
    np.testing.assert_array_equal(new.state.displacement[there], old.state.displacement[there])
    assert not new.state.strain[:, before.model.ids == 0].any()


def test_what_joins_is_shown_bent_as_the_body_is(three):
    """The upper face of the mould at its birth has the bow of the plate under it."""
    U = three[2].solution.displacement[2]
    np.testing.assert_array_equal(np.diff(U[-1, :-1, :-1]), np.diff(U[sum(CELLS[:2]), :-1, :-1]))


def test_birth_beside_a_free_face_moves_nothing_and_its_removal_neither(cpu):
    """Mould covers the chip's sides, whose edges bear a force; uncovered, they bear the same."""
    bare, moulded = flip_chip(False), flip_chip(True)
    bent = elastic.solve(bare, 420.0, cpu, 1e-10, before=State.start(bare.grid.shape))
    joined = elastic.solve(moulded, 420.0, cpu, 1e-10, before=bent.state)
    assert len(joined.state.held) and abs(joined.state.held_forces).max() > 0
    there, largest = faces_of(bare.ids > 0), abs(bent.displacement).max()
    change = (joined.state.displacement - bent.state.displacement)[there]
    assert abs(change).max() < 1e-9 * largest
    freed = elastic.solve(bare, 420.0, cpu, 1e-10, before=joined.state)
    np.testing.assert_allclose(freed.displacement, bent.displacement, rtol=0, atol=1e-9 * largest)
    assert not len(freed.state.held)


def test_forces_of_a_step_are_balanced(cpu):
    """After cooling with mould: removing nothing, changing nothing, nothing moves; and the stress
    is in equilibrium.
    """
    bare, moulded = flip_chip(False), flip_chip(True)
    state = elastic.solve(bare, 420.0, cpu, 1e-10, before=State.start(bare.grid.shape)).state
    cold = elastic.solve(moulded, 300.0, cpu, 1e-10, before=state)
    again = elastic.solve(moulded, 300.0, cpu, 1e-9, before=cold.state)
    assert again.iterations == 0
    sigma = elastic_stress.stress(moulded, cold.displacement, 300.0, cold.state)
    grid = moulded.grid
    resultant = np.einsum("kji,k,j->i", sigma[0], grid.dz, grid.dy)
    assert (
        abs(resultant).max()
        < 1e-8 * (abs(sigma[0]) * grid.dz[:, None, None] * grid.dy[:, None]).sum()
    )


def test_a_carrier_that_is_taken_away_lets_the_rest_spring_back(three):
    """Chip and mould, joined hot on a core at different temperatures, without the core: laminate
    theory, 0.5 %.
    """
    on, off = three[3:]
    assert abs(off.theory[1] - on.theory[1]) > 0.3 * abs(on.theory[1])
    np.testing.assert_allclose(off.measured, off.theory, rtol=0, atol=5e-3 * abs(on.theory).max())


def test_a_unit_cut_from_a_bent_laminate_keeps_its_curvature(cpu):
    """The block begins away from the mirror planes and stands free; far from the cut nothing
    changes.
    """
    pair, z = layers(core=490.0, chip=490.0), np.linspace(0, 0.8 * MM, 5)
    x = MM * np.array(
        [0, 0.2, 0.5, 1, 2, 3, 4, 5, 6, 6.5, 6.8, 7.1, 7.5, 7.8, 8]
    )  # fine at all the free edges
    panel = plate(pair, z, x)
    state = elastic.solve(panel, 490.0, cpu, before=State.start(panel.grid.shape)).state
    whole = elastic.solve(panel, 300.0, cpu, 1e-9, before=state)
    a, b = 1, 10
    cut = plate(pair, z, x[a : b + 1], (False, False))
    unit = elastic.solve(
        cut, 300.0, cpu, 1e-9, before=whole.state.cropped((slice(None), slice(a, b), slice(a, b)))
    )
    was, now = (
        strains(*found, at)
        for *found, at in ((panel, whole.displacement, 5), (cut, unit.displacement, 4))
    )
    assert now == pytest.approx(was, rel=1e-3)
    one = elastic.solve(cut, 300.0, cpu, 1e-9)
    assert now == pytest.approx(strains(cut, one.displacement, 4), rel=5e-3)


ABOVE, BELOW = 448.15, 298.15  # 175 and 25 degC; the glass transition lies at 120
FORMS = {
    "instantaneous": [["119.99 degC", "10 ppm/K"], ["120.01 degC", "35 ppm/K"]],
    "secant": {
        "secant": [
            ["25 degC", "10 ppm/K"],
            ["120 degC", "10 ppm/K"],
            ["137 degC", f"{(95 * 10 + 17 * 35) / 112} ppm/K"],
            ["175 degC", f"{(95 * 10 + 55 * 35) / 150} ppm/K"],
        ],
        "reference": "25 degC",
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_cooling_through_the_glass_transition(cpu, form):
    """Two steps: 55 K at 35 ppm/K and rubbery, 95 K at 10 ppm/K and glassy, on a plate that stays;
    0.5 % at both ends.

    The stress at the end is the glassy modulus times the whole free strain, the integral of the
    instantaneous coefficient whichever way the file gives it: the mean from 25 degC, or the
    instantaneous one.
    """
    table = {"poissons_ratio": 0.3, "cte": FORMS[form]}
    table["youngs_modulus"] = {
        "glassy": "20 GPa",
        "rubbery": "2 GPa",
        "glass_transition": "120 degC",
        "width": "1 K",
    }
    mould = MaterialSpec.model_validate(table).build("mould")
    model = plate(
        {"chip": (SILICON, 0.0, 0.4 * MM, ABOVE), "mould": (mould, 0.4 * MM, 0.9 * MM, ABOVE)}, THIN
    )
    state = State.start(model.grid.shape)
    for T, E, free in ((410.15, 2e9, -35e-6 * 38), (BELOW, 20e9, -35e-6 * 55 - 10e-6 * 95)):
        solution = elastic.solve(model, T, cpu, 1e-8, before=state)
        state = solution.state
        stack = [
            Layer(0.4 * MM, SILICON.E, SILICON.nu, SILICON.alpha),
            Layer(0.5 * MM, E, 0.3, free / (T - ABOVE)),
        ]
        _, kappa = laminate(stack, T - ABOVE)
        assert strains(model, solution.displacement)[1] == pytest.approx(kappa, rel=5e-3)


def test_cure_shrinkage_is_a_strain_like_any_other(cpu):
    """Mould that shrinks by 0.1 % moves the plate as one that cools by 0.1 % / alpha does."""
    pair, z = (
        layers(core=490.0) | {"mould": (MOULD, 0.4 * MM, 0.8 * MM, 420.0)},
        np.linspace(0, 0.8 * MM, 5),
    )
    model, shrunk = plate(pair, z), plate(pair, z)
    state = elastic.solve(model, 420.0, cpu, before=State.start(model.grid.shape)).state
    shrunk.media.materials[2] = Shrunk(MOULD, 1e-3)
    shrunk.media.stress_free[1] = model.media.stress_free[1] = 420.0
    model.media.stress_free[2] = 420.0 + 1e-3 / MOULD.alpha
    cured, cooled = (elastic.solve(m, 420.0, cpu, 1e-9, before=state) for m in (shrunk, model))
    largest = abs(cooled.displacement).max()
    assert largest > 1e-6
    np.testing.assert_allclose(cured.displacement, cooled.displacement, rtol=0, atol=1e-8 * largest)


def test_what_cures_is_born_anew(cpu):
    """Mould lets go of its stress and is free of it in the bent shape: only what bends the core is
    left to share; 1 %.
    """
    pair = {"core": (CORE, 0.0, 0.4 * MM, 420.0), "mould": (MOULD, 0.4 * MM, 0.8 * MM, 420.0)}
    model, theory = plate(pair, np.linspace(0, 0.8 * MM, 17)), Stepwise()
    cold = elastic.solve(model, 300.0, cpu, 1e-9, before=State.start(model.grid.shape))
    theory.to(300.0, pair)
    theory.births.pop("mould")
    model.media.stress_free[2] = 300.0
    cured = elastic.solve(model, 300.0, cpu, 1e-9, before=cold.state.without(model.ids == 2))
    expected = theory.to(300.0, pair | {"mould": (MOULD, 0.4 * MM, 0.8 * MM, 300.0)})
    assert strains(model, cured.displacement) == pytest.approx(expected, rel=1e-2)
    assert abs(expected[1]) < 0.98 * abs(strains(model, cold.displacement)[1])


def test_a_state_goes_to_a_file_and_back(cpu):
    """Continued from its arrays, a run gives the same bits."""
    bare, moulded = flip_chip(False), flip_chip(True)
    state = elastic.solve(bare, 420.0, cpu, before=State.start(bare.grid.shape)).state
    state = elastic.solve(moulded, 350.0, cpu, before=state).state
    stored = {
        name: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape)
        for name, a in state.arrays().items()
    }
    straight, resumed = (
        elastic.solve(moulded, 300.0, cpu, before=s) for s in (state, State.of(stored))
    )
    np.testing.assert_array_equal(straight.displacement, resumed.displacement)
    for name, array in straight.state.arrays().items():
        np.testing.assert_array_equal(array, resumed.state.arrays()[name])


def test_a_whole_crop_is_the_state(cpu):
    model = flip_chip(True)
    state = elastic.solve(model, 300.0, cpu, before=State.start(model.grid.shape)).state
    same = state.cropped((slice(None),) * 3)
    for name, array in state.arrays().items():
        np.testing.assert_array_equal(array, same.arrays()[name])


@pytest.mark.gpu
def test_a_step_on_the_gpu_is_that_on_the_cpu(cpu, gpu):
    bare, moulded = flip_chip(False), flip_chip(True)
    ends = []
    for place in (cpu, gpu):
        state = elastic.solve(bare, 420.0, place, 1e-10, before=State.start(bare.grid.shape)).state
        ends.append(elastic.solve(moulded, 300.0, place, 1e-10, before=state))
    largest = abs(ends[0].displacement).max()
    np.testing.assert_allclose(
        ends[1].displacement, ends[0].displacement, rtol=0, atol=1e-8 * largest
    )
