"""Steps of a process against laminate theory: attachment, removal, singulation, cure, state on
file.

A plate of layers that are attached one after another has, far from its edges, strains eps(z) = eps0
+ z kappa, and a layer

    sigma = M(T) [eps(z) - eps_ref(z) - alpha (T - T_ref)],     INT sigma dz = INT sigma z dz = 0

with eps_ref the plate's strain when the layer was attached, and T_ref its stress-free temperature:
`Stepwise`.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from plates import CORE, MM, MOULD, SILICON, T0, X, flip_chip, plate, strains

from warp.machine import device
from warp.materials.library import MaterialSpec
from warp.materials.material import Shrunk
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic import stress as elastic_stress
from warp.solvers.elastic.history.state import State, faces_of
from warp.solvers.krylov import Control
from warp.verify.bending import Layer, laminate
from warp.voxels.voxelize import VoxelModel

CELLS = 10, 18, 8
"""Cells of each layer; 1/100 of its bending stiffness is missing, 1/324 of the stiff one's."""


class Stepwise:
    """Laminate theory step by step: the reference of each layer (bottom z, thickness, solid)."""

    def __init__(self):
        self.references, self.strain = {}, np.zeros(2)

    def to(self, T, present):
        """Go to T with the layers `present`, name -> (solid, z0, z1, T_ref).

        Returns eps0 and kappa.
        """
        self.references = {name: self.references.get(name, self.strain) for name in present}
        matrix, force = np.zeros((2, 2)), np.zeros(2)
        for name, (solid, z0, z1, stress_free) in present.items():
            M = solid.modulus(T) / (1 - solid.nu)
            first, second, third = ((z1**n - z0**n) / n for n in (1, 2, 3))
            part = M * np.array([[first, second], [second, third]])
            matrix += part
            force += part @ self.references[name] + M * solid.alpha * (T - stress_free) * np.array(
                [first, second]
            )
        self.strain = np.linalg.solve(matrix, force)
        return self.strain


def lines(*z):
    """Return lines with CELLS voxels between each two heights."""
    parts = zip(z[:-1], z[1:], CELLS, strict=False)
    return np.concatenate([[z[0]], *(np.linspace(a, b, n + 1)[1:] for a, b, n in parts)])


@dataclass
class Moment:
    """The end of a step: computed, and eps0, kappa and references by laminate theory."""

    model: VoxelModel
    solution: elastic.Solution
    T: float
    theory: np.ndarray
    references: dict[str, np.ndarray]

    @property
    def measured(self):
        return strains(self.model, self.solution.displacement)


def run(cpu, steps, z, x=X, tolerance=1e-9):
    """Solve the steps (T, present layers)."""
    state, theory, found = State.start((len(z) - 1, len(x) - 1, len(x) - 1)), Stepwise(), []
    for T, present in steps:
        model = plate(present, z, x)
        solution = elastic.solve(model, T, cpu, state, Control(tolerance))
        state = solution.state
        found.append(Moment(model, solution, T, theory.to(T, present), dict(theory.references)))
    return found


Z = lines(0, 0.4 * MM, 0.8 * MM, 1.3 * MM)
THIN = np.r_[np.linspace(0, 0.4 * MM, 13), np.linspace(0.4 * MM, 0.9 * MM, 9)[1:]]
LOWER, MIDDLE, UPPER = (
    ("core", 0.0, 0.4 * MM),
    ("chip", 0.4 * MM, 0.8 * MM),
    ("mould", 0.8 * MM, 1.3 * MM),
)


def layers(**temperatures):
    """Return layers by name, each with its stress-free temperature."""
    solids = {"core": CORE, "chip": SILICON, "mould": MOULD}
    return {
        name: (solids[name], z0, z1, temperatures[name])
        for name, z0, z1 in (LOWER, MIDDLE, UPPER)
        if name in temperatures
    }


def test_strains_of_a_first_step_are_those_of_its_displacement(cpu):
    model = plate(layers(core=T0, chip=T0), np.linspace(0, 0.8 * MM, 5))
    solution = elastic.solve(model, 300.0, cpu, State.start(model.grid.shape))
    (u, v, w), grid = solution.displacement, model.grid
    expected = (
        np.diff(u[:-1, :-1], axis=2) / grid.dx,
        np.diff(v[:-1, :, :-1], axis=1) / grid.dy[:, None],
        np.diff(w[:, :-1, :-1], axis=0) / grid.dz[:, None, None],
    )
    largest = abs(solution.state.strain).max()
    np.testing.assert_allclose(solution.state.strain, expected, rtol=0, atol=1e-9 * largest)


def test_two_layers_joined_hot_and_cooled(cpu):
    """Two steps; laminate theory within 0.5 %."""
    pair = layers(core=T0, chip=T0)
    hot, cold = run(cpu, [(T0, pair), (300.0, pair)], lines(0, 0.4 * MM, 0.8 * MM))
    assert hot.solution.iterations == 0 and not hot.solution.displacement.any()
    stack = [Layer(0.4 * MM, s.modulus(300.0), s.nu, s.alpha) for s in (CORE, SILICON)]
    assert cold.theory[1] == pytest.approx(laminate(stack, 300 - T0)[1], rel=1e-12)
    assert cold.measured == pytest.approx(cold.theory, rel=5e-3)


def test_a_field_of_temperature_leaves_nothing_behind(cpu):
    """An elastic body heated unevenly in steps and cooled again returns to its shape.

    On the way it has the solution of a single step.
    """
    model, start = flip_chip(True, 490.0), np.random.default_rng(3)
    field = 400 + start.uniform(-60, 60, model.grid.shape)
    state = elastic.solve(model, 350.0, cpu, State.start(model.grid.shape), Control(1e-9)).state
    there = elastic.solve(model, field, cpu, state, Control(1e-9))
    at_once = elastic.solve(model, field, cpu, State.start(model.grid.shape), Control(1e-9))
    plain = at_once.displacement
    np.testing.assert_allclose(there.displacement, plain, rtol=0, atol=1e-6 * abs(plain).max())
    usual, stepwise = (
        elastic_stress.stress(model, field, state, cpu) for state in (at_once.state, there.state)
    )
    np.testing.assert_allclose(stepwise, usual, rtol=0, atol=1e-6 * abs(usual).max())
    back = elastic.solve(model, 490.0, cpu, there.state, Control(1e-9))
    assert abs(back.displacement).max() < 1e-6 * abs(plain).max()


@pytest.fixture(scope="module")
def three():
    """A core with a chip at 490 K, mould on both at 420 K, cooled to 300 K, core removed."""
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
    """Each layer counts its strain from the plate at its attachment; moduli vary; 0.5 %."""
    _, before, joined, cold, _ = three
    assert joined.measured == pytest.approx(before.theory, rel=5e-3)
    assert cold.measured == pytest.approx(cold.theory, rel=5e-3)
    whole = elastic.solve(cold.model, 300.0, cpu, State.start(cold.model.grid.shape))
    assert (
        abs(strains(cold.model, whole.displacement)[1] / cold.theory[1] - 1) > 0.05
    )  # a single step has no order of attachment


def test_stress_of_three_layers(three):
    """M (eps - eps_ref - alpha (T - T_ref)), the same for every history of steps."""
    cold, z = three[3], three[3].model.grid.zc
    solution, stack = cold.solution, layers(core=490.0, chip=490.0, mould=420.0)
    sigma = elastic_stress.stress(cold.model, 300.0, solution.state, device.select("cpu"))[
        0, :, 0, 0
    ]
    assert abs(sigma @ cold.model.grid.dz) < 1e-3 * abs(sigma).max() * 1.3 * MM
    for name, (solid, z0, z1, stress_free) in stack.items():
        here = (z > z0) & (z < z1)
        eps0, kappa = cold.theory - cold.references[name]
        expected = (
            solid.modulus(300.0)
            / (1 - solid.nu)
            * (eps0 + z[here] * kappa - solid.alpha * (300 - stress_free))
        )
        np.testing.assert_allclose(sigma[here], expected, rtol=0, atol=5e-3 * abs(sigma).max())


def test_attaching_moves_nothing(three):
    """Mould attached to a warped body at its stress-free temperature needs no iteration.

    The displacement of the body stays the same.
    """
    _, before, joined, _, _ = three
    old, new = before.solution, joined.solution
    assert new.iterations == 0
    there = faces_of(before.model.ids > 0)
    np.testing.assert_array_equal(new.state.displacement[there], old.state.displacement[there])
    assert not new.state.strain[:, before.model.ids == 0].any()


def test_what_is_attached_takes_the_shape_of_the_body(three):
    """The upper face of new mould has the bow of the plate under it."""
    U = three[2].solution.displacement[2]
    np.testing.assert_array_equal(np.diff(U[-1, :-1, :-1]), np.diff(U[sum(CELLS[:2]), :-1, :-1]))


def test_attaching_beside_a_free_face_moves_nothing_nor_does_removal(cpu):
    """Mould covers the chip's sides, whose edges carry a force; uncovered, they carry the same."""
    bare, moulded = flip_chip(False), flip_chip(True)
    warped = elastic.solve(bare, 420.0, cpu, State.start(bare.grid.shape), Control(1e-10))
    joined = elastic.solve(moulded, 420.0, cpu, warped.state, Control(1e-10))
    assert len(joined.state.held) and abs(joined.state.held_forces).max() > 0
    there, largest = faces_of(bare.ids > 0), abs(warped.displacement).max()
    change = (joined.state.displacement - warped.state.displacement)[there]
    assert abs(change).max() < 1e-9 * largest
    freed = elastic.solve(bare, 420.0, cpu, joined.state, Control(1e-10))
    np.testing.assert_allclose(freed.displacement, warped.displacement, rtol=0, atol=1e-9 * largest)
    assert not len(freed.state.held)


def test_forces_of_a_step_are_balanced(cpu):
    """After cooling with mould a step without change moves nothing; stress is in equilibrium."""
    bare, moulded = flip_chip(False), flip_chip(True)
    state = elastic.solve(bare, 420.0, cpu, State.start(bare.grid.shape), Control(1e-10)).state
    cold = elastic.solve(moulded, 300.0, cpu, state, Control(1e-10))
    again = elastic.solve(moulded, 300.0, cpu, cold.state, Control(1e-9))
    assert again.iterations == 0
    sigma = elastic_stress.stress(moulded, 300.0, cold.state, cpu)
    grid = moulded.grid
    resultant = np.einsum("kji,k,j->i", sigma[0], grid.dz, grid.dy)
    assert (
        abs(resultant).max()
        < 1e-8 * (abs(sigma[0]) * grid.dz[:, None, None] * grid.dy[:, None]).sum()
    )


def test_a_carrier_that_is_taken_away_lets_the_rest_spring_back(three):
    """Chip and mould joined hot to a core, which is then removed: laminate theory, 0.5 %."""
    on, off = three[3:]
    assert abs(off.theory[1] - on.theory[1]) > 0.3 * abs(on.theory[1])
    np.testing.assert_allclose(off.measured, off.theory, rtol=0, atol=5e-3 * abs(on.theory).max())


def test_a_unit_cut_from_a_bent_laminate_keeps_its_curvature(cpu):
    """The block starts away from the mirror planes and floats; far from the cut nothing changes."""
    pair, z = layers(core=490.0, chip=490.0), np.linspace(0, 0.8 * MM, 5)
    x = MM * np.array(
        [0, 0.2, 0.5, 1, 2, 3, 4, 5, 6, 6.5, 6.8, 7.1, 7.5, 7.8, 8]
    )  # fine at all the free edges
    panel = plate(pair, z, x)
    state = elastic.solve(panel, 490.0, cpu, State.start(panel.grid.shape)).state
    whole = elastic.solve(panel, 300.0, cpu, state, Control(1e-9))
    a, b = 1, 10
    cut = plate(pair, z, x[a : b + 1], (False, False))
    unit = elastic.solve(
        cut, 300.0, cpu, whole.state.cropped((slice(None), slice(a, b), slice(a, b))), Control(1e-9)
    )
    was, now = (
        strains(*found, at)
        for *found, at in ((panel, whole.displacement, 5), (cut, unit.displacement, 4))
    )
    assert now == pytest.approx(was, rel=1e-3)
    one = elastic.solve(cut, 300.0, cpu, State.start(cut.grid.shape), Control(1e-9))
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
    """Two steps on a stiff plate: 55 K at 35 ppm/K and rubbery, 95 K at 10 ppm/K and glassy.

    The stress at the end is the glassy modulus times the whole free strain, the integral of the
    instantaneous coefficient, for both ways in which a file can give it: mean from 25 degC, or
    instantaneous; 0.5 %.
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
        solution = elastic.solve(model, T, cpu, state, Control(1e-8))
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
    state = elastic.solve(model, 420.0, cpu, State.start(model.grid.shape)).state
    shrunk.media.materials[2] = Shrunk(MOULD, 1e-3)
    shrunk.media.stress_free[1] = model.media.stress_free[1] = 420.0
    model.media.stress_free[2] = 420.0 + 1e-3 / MOULD.alpha
    cured, cooled = (elastic.solve(m, 420.0, cpu, state, Control(1e-9)) for m in (shrunk, model))
    largest = abs(cooled.displacement).max()
    assert largest > 1e-6
    np.testing.assert_allclose(cured.displacement, cooled.displacement, rtol=0, atol=1e-8 * largest)


def test_what_cures_loses_its_stress(cpu):
    """Cured mould loses its stress in the warped shape; the bending of the core remains; 1 %."""
    pair = {"core": (CORE, 0.0, 0.4 * MM, 420.0), "mould": (MOULD, 0.4 * MM, 0.8 * MM, 420.0)}
    model, theory = plate(pair, np.linspace(0, 0.8 * MM, 17)), Stepwise()
    cold = elastic.solve(model, 300.0, cpu, State.start(model.grid.shape), Control(1e-9))
    theory.to(300.0, pair)
    theory.references.pop("mould")
    model.media.stress_free[2] = 300.0
    cured = elastic.solve(model, 300.0, cpu, cold.state.without(model.ids == 2), Control(1e-9))
    expected = theory.to(300.0, pair | {"mould": (MOULD, 0.4 * MM, 0.8 * MM, 300.0)})
    assert strains(model, cured.displacement) == pytest.approx(expected, rel=1e-2)
    assert abs(expected[1]) < 0.98 * abs(strains(model, cold.displacement)[1])


def test_a_state_goes_to_a_file_and_back(cpu):
    """A run continued from the arrays of a state gives the same bits."""
    bare, moulded = flip_chip(False), flip_chip(True)
    state = elastic.solve(bare, 420.0, cpu, State.start(bare.grid.shape)).state
    state = elastic.solve(moulded, 350.0, cpu, state).state
    stored = {
        name: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape)
        for name, a in state.arrays().items()
    }
    straight, resumed = (elastic.solve(moulded, 300.0, cpu, s) for s in (state, State.of(stored)))
    np.testing.assert_array_equal(straight.displacement, resumed.displacement)
    for name, array in straight.state.arrays().items():
        np.testing.assert_array_equal(array, resumed.state.arrays()[name])


def test_a_whole_crop_is_the_state(cpu):
    model = flip_chip(True)
    state = elastic.solve(model, 300.0, cpu, State.start(model.grid.shape)).state
    same = state.cropped((slice(None),) * 3)
    for name, array in state.arrays().items():
        np.testing.assert_array_equal(array, same.arrays()[name])


@pytest.mark.gpu
def test_a_step_on_the_gpu_is_that_on_the_cpu(cpu, gpu):
    bare, moulded = flip_chip(False), flip_chip(True)
    ends = []
    for place in (cpu, gpu):
        state = elastic.solve(
            bare, 420.0, place, State.start(bare.grid.shape), Control(1e-10)
        ).state
        ends.append(elastic.solve(moulded, 300.0, place, state, Control(1e-10)))
    largest = abs(ends[0].displacement).max()
    np.testing.assert_allclose(
        ends[1].displacement, ends[0].displacement, rtol=0, atol=1e-8 * largest
    )
