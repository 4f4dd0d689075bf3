"""Orders of accuracy by manufactured solutions, and laws of every solve: equilibrium, energy,
symmetry.
"""

import numpy as np
import pytest
import reference
from conductors import boxes, uneven
from numpy.polynomial import Polynomial

from warp.machine.device import select
from warp.materials.material import rotated
from warp.solvers import krylov
from warp.solvers.elastic import load as elastic_load
from warp.solvers.elastic import operator as elastic_operator
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic import stress as elastic_stress
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.rigid import remove_rigid_motion
from warp.solvers.heat import solve as heat
from warp.solvers.krylov import Control, System
from warp.verify.problem import material
from warp.voxels.boundary import Film
from warp.voxels.grid import Grid, voxel_volumes
from warp.voxels.voxelize import VoxelModel

INF = np.inf
TWO = (
    (80e9, 0.3),
    (8e9, 0.2),
)  # Young's modulus (Pa) and Poisson's ratio below and above the interface
SPLIT = 0.4


def hermite(s0, s1, ends):
    """Return the cubic with given values and slopes at both ends of [s0, s1]."""
    rows = [[1, s, s**2, s**3] for s in (s0, s1)] + [[0, 1, 2 * s, 3 * s**2] for s in (s0, s1)]
    return Polynomial(
        np.linalg.solve(np.array(rows, float), [ends[0][0], ends[1][0], ends[0][1], ends[1][1]])
    )


class Manufactured:
    """Exact displacement of a body 0 < s, p, q < 1 of two materials that meet at s = 0.4.

    u_p = dQ/dp a(s), u_q = dQ/dq a(s), u_s = Q b(s). With Q = cos(pi p) cos(2 pi q) no shear acts
    on the p and q faces. The cubics a and b keep displacement and traction continuous at the
    interface and the s faces free of traction; only the interface lies at zero.

    With `notched` no shear acts on p = 1/2, q = 1/2 and the interface either: the sides of a notch
    out of the upper material, where only a normal stress pulls.
    """

    def __init__(self, notched=False):
        self.P, self.Q = (2 * np.pi if notched else np.pi), 2 * np.pi
        m2 = self.P**2 + self.Q**2
        self.lame = [(E * nu / (1 + nu) / (1 - 2 * nu), E / 2 / (1 + nu)) for E, nu in TWO]
        a_at, b_at = {0.0: 0.3, SPLIT: 0.5, 1.0: -0.2}, {0.0: 1.0, SPLIT: -0.8, 1.0: 0.6}
        a_slope, b_slope = -b_at[SPLIT] if notched else 1.5, 2.0  # below the interface
        shear = self.lame[0][1] * (a_slope + b_at[SPLIT])
        normal = sum(np.array([1, 2]) * self.lame[0]) * b_slope - self.lame[0][0] * m2 * a_at[SPLIT]
        self.a, self.b = [], []
        for (s0, s1), (lam, mu) in zip(((0.0, SPLIT), (SPLIT, 1.0)), self.lame, strict=True):
            ends_a, ends_b = [], []
            for s in (s0, s1):
                inner = s == SPLIT
                ends_a.append((a_at[s], (shear if inner else 0.0) / mu - b_at[s]))
                ends_b.append(
                    (b_at[s], ((normal if inner else 0.0) + lam * m2 * a_at[s]) / (lam + 2 * mu))
                )
            self.a.append(hermite(s0, s1, ends_a))
            self.b.append(hermite(s0, s1, ends_b))

    def shape(self, p, q, along):
        """Return Q, dQ/dp or dQ/dq."""
        match along:
            case "p":
                return -self.P * np.sin(self.P * p) * np.cos(self.Q * q)
            case "q":
                return -self.Q * np.cos(self.P * p) * np.sin(self.Q * q)
        return np.cos(self.P * p) * np.cos(self.Q * q)

    def displacement(self, along, s, p, q):
        side = (s > SPLIT).astype(int) if np.ndim(s) else int(s > SPLIT)
        f = self.b if along == "s" else self.a
        return self.shape(p, q, along) * np.where(side, f[1](s), f[0](s))

    def force(self, along, side, s, p, q):
        """Return the body force -div sigma of the solution, by the law of one side of the
        interface.
        """
        (lam, mu), a, b = self.lame[side], self.a[side], self.b[side]
        m2 = self.P**2 + self.Q**2
        divergence = b.deriv() - m2 * a
        if along == "s":
            law = (lam + mu) * divergence.deriv() + mu * (b.deriv(2) - m2 * b)
        else:
            law = (lam + mu) * divergence + mu * (a.deriv(2) - m2 * a)
        return -self.shape(p, q, along) * law(s)

    def stress(self, along, side, s, p, q):
        """Return the normal stress across a face."""
        (lam, mu), a, b = self.lame[side], self.a[side], self.b[side]
        m2, m = self.P**2 + self.Q**2, {"p": self.P, "q": self.Q, "s": 0.0}[along]
        own = 2 * mu * b.deriv() if along == "s" else -2 * mu * m**2 * a
        return self.shape(p, q, "s") * (lam * (b.deriv() - m2 * a) + own)(s)


def manufactured_error(device, axis, n, mirror, notched=False):
    """Return the root mean square error of the displacement without rigid motion.

    The grid has about 11 n, 8 n and 8 n cells.
    """
    exact = Manufactured(notched)
    even = np.linspace(0, 1, 8 * n + 1)
    lines = [
        even + 0.02 * np.sin(2 * np.pi * even),
        even - 0.02 * np.sin(2 * np.pi * even),
    ]  # 1/2 stays a line
    lines.insert(
        axis,
        np.concatenate((np.linspace(0, SPLIT, 4 * n + 1), np.linspace(SPLIT, 1, 7 * n + 1)[1:])),
    )
    low, high = [-INF, INF] * 3, [-INF, INF] * 3
    low[2 * axis + 1] = high[2 * axis] = SPLIT
    parts = {"a": (material(*TWO[0]), tuple(low)), "b": (material(*TWO[1]), tuple(high))}
    if notched:
        notch = [0.5, INF] * 3
        notch[2 * axis] = SPLIT
        parts["notch"] = (None, tuple(notch))
    model = boxes(*lines, parts, mirror)
    grid = model.grid
    A = elastic_operator.operator(model, device, elastic_operator.moduli(model, np.full(3, 300.0)))
    names = [("s", "p", "q")[(c - axis) % 3] for c in range(3)]  # of x, y, z
    inverse = [names.index(name) for name in "spq"]

    def places(c):
        """Return (s, p, q) of the faces normal to direction c."""
        at = [grid.xc, grid.yc, grid.zc]
        at[c] = (grid.x, grid.y, grid.z)[c]
        z, y, x = np.meshgrid(*at[::-1], indexing="ij")
        return [(x, y, z)[d] for d in inverse]

    f, U, weight = np.zeros(A.shape), np.zeros(A.shape), np.zeros(A.shape)
    nz, ny, nx = grid.shape
    volume = voxel_volumes(grid)
    for c, along in enumerate(names):
        counts = [nx, ny, nz]
        counts[c] += 1
        here = (c, *(slice(count) for count in counts[2:0:-1]), slice(1, counts[0] + 1))
        at = places(c)
        U[here] = exact.displacement(along, *at)
        upper = [slice(None)] * 3
        upper[2 - c] = slice(1, None)
        lower = [slice(None)] * 3
        lower[2 - c] = slice(None, -1)
        for half in (
            tuple(lower),
            tuple(upper),
        ):  # every cell gives half its volume's force to its two faces
            local = [q[half] for q in at]
            for side in (0, 1):
                mine = model.ids == side + 1
                f[here][half] += np.where(mine, exact.force(along, side, *local) * volume / 2, 0.0)
            weight[here][half] += np.where(model.ids > 0, volume / 2, 0.0)
        area = volume / np.expand_dims(
            (grid.dx, grid.dy, grid.dz)[c], tuple(d for d in range(3) if d != 2 - c)
        )
        for half, beyond, sign in (
            (tuple(upper), -1, 1),
            (tuple(lower), 1, -1),
        ):  # traction where the body ends
            local = [q[half] for q in at]
            pull = [exact.stress(along, side, *local) for side in (0, 1)]
            ends = (model.ids > 0) & (beside(model.ids, 2 - c, beyond) == 0)
            f[here][half] += np.where(ends, sign * area * np.where(model.ids == 1, *pull), 0.0)
    for c in (0, 1):
        if mirror[c]:
            f[(0, ..., 1) if c == 0 else (1, slice(None), 0)] = 0
    # the midpoint rule leaves a resultant of order h^2, which a free body cannot carry
    R = reference.rigid_modes(*lines, model.ids > 0, mirror)
    balanced, mass = f[..., 1 : nx + 2].reshape(-1), weight[..., 1 : nx + 2].reshape(-1)
    balanced = balanced - mass * (R @ np.linalg.solve(R.T @ (mass[:, None] * R), R.T @ balanced))
    f[..., 1 : nx + 2] = balanced.reshape(3, nz + 1, ny + 1, nx + 1)
    x, _ = krylov.solve(device, System("manufactured", A.apply, f), Cycle(A), Control(1e-9))
    error = np.zeros((3, nz + 1, ny + 1, nx + 1))
    error[...] = (x - U)[..., 1 : nx + 2]
    remove_rigid_motion(device, error, A.arguments(np.float64)[0], grid)
    weight = weight[..., 1 : nx + 2]
    return float(np.sqrt((weight * error**2).sum() / weight.sum()))


def beside(ids, axis, step):
    """Return each voxel's neighbour towards lower (1) or higher indices (-1), 0 beyond the end."""
    found = np.roll(ids, step, axis)
    end = [slice(None)] * 3
    end[axis] = 0 if step == 1 else -1
    found[tuple(end)] = 0
    return found


@pytest.mark.parametrize("axis, mirror", [(1, (True, False)), (2, (False, False))], ids="yz")
def test_elasticity_is_second_order_beside_a_void(cpu, axis, mirror):
    """A notch down to the interface; its sides carry the traction of the exact field."""
    errors = [manufactured_error(cpu, axis, n, mirror, notched=True) for n in (1, 2)]
    order = np.log2(errors[0] / errors[1])
    print(
        f"notch, interface across {'xyz'[axis]}: errors {errors[0]:.3e} {errors[1]:.3e}, "
        f"order {order:.2f}"
    )
    assert order > 1.8


@pytest.mark.parametrize(
    "axis, mirror", [(0, (False, True)), (1, (False, False)), (2, (True, True))], ids="xyz"
)
def test_elasticity_is_second_order_across_an_interface(cpu, axis, mirror):
    errors = [manufactured_error(cpu, axis, n, mirror) for n in (1, 2)]
    order = np.log2(errors[0] / errors[1])
    print(
        f"interface across {'xyz'[axis]}: errors {errors[0]:.3e} {errors[1]:.3e}, order {order:.2f}"
    )
    assert order > 1.8


MATERIALS = {
    "substrate": material(
        (26e9, 20e9, 9e9), (0.25, 0.25, 0.12), (14e-6, 16e-6, 40e-6), (4e9, 3e9, 6e9), (20, 15, 0.4)
    ),
    "chip": material(130e9, 0.28, 2.8e-6, k=130.0),
    "lid": material(120e9, 0.34, 17e-6, k=390.0),
    "seal": material(0.4e9, 0.45, 60e-6, k=1.0),
}


def package(x, y, mirror=(False, False)) -> VoxelModel:
    """Build a lidded chip, parts centred on the z axis by default; mm."""
    z = np.array([0, 0.4, 0.8, 1.2, 1.5, 1.8, 2.1, 2.5, 3.0]) * 1e-3
    model = boxes(
        x,
        y,
        z,
        {
            "substrate": (MATERIALS["substrate"], (-INF, INF, -INF, INF, 0, 1.2e-3)),
            "seal": (MATERIALS["seal"], (-INF, INF, -INF, INF, 1.2e-3, 2.1e-3)),
            "cavity": (None, (-3.5e-3, 3.5e-3, -3e-3, 3e-3, 1.2e-3, 2.1e-3)),
            "chip": (MATERIALS["chip"], (-2e-3, 2e-3, -1.6e-3, 1.6e-3, 1.2e-3, 1.8e-3)),
            "paste": (MATERIALS["seal"], (-2e-3, 2e-3, -1.6e-3, 1.6e-3, 1.8e-3, 2.1e-3)),
            "lid": (MATERIALS["lid"], (-INF, INF, -INF, INF, 2.1e-3, INF)),
        },
        mirror,
    )
    model.media.stress_free[:] = 400.0
    return model


def lines(seed=8):
    """Return uneven lines of half a package, 0 to 4.5 and 4 mm, through the edges of its parts."""
    rng = np.random.default_rng(seed)
    pieces = [(0, 2, 4), (2, 3.5, 3), (3.5, 4.5, 3)], [(0, 1.6, 4), (1.6, 3, 3), (3, 4, 3)]
    return [
        np.concatenate(
            [[0.0], *(start + uneven(rng, n, end - start)[1:] for start, end, n in axis)]
        )
        * 1e-3
        for axis in pieces
    ]


def unfolded(half):
    return np.concatenate((-half[:0:-1], half))


def warm(model, device):
    """Return the temperature with 5 W in the chip under a cooled lid."""
    films = [Film("lid.top", 2000.0, 300.0), Film("substrate.bottom", 20.0, 310.0)]
    return heat.solve_steady(model, films, {"chip": 5.0}, device, Control(1e-11)).temperature


@pytest.fixture(scope="module")
def lopsided():
    """The package cut off at x = -1.2 and y = -1.7 mm, its temperature and elastic solution."""
    x, y = (unfolded(half) for half in lines())
    model = package(x[x > -1.2e-3], y[y > -1.7e-3])
    return model, *solved(model)


def both(model):
    """Return temperature and displacement."""
    T, solution = solved(model)
    return T, solution.displacement


def solved(model):
    """Return temperature and elastic solution."""
    cpu = select("cpu")
    T = warm(model, cpu)
    return T, elastic.solve(model, T, cpu, State.start(model.grid.shape), Control(1e-10))


def assert_same(got, expected):
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6 * abs(expected).max())


def test_no_section_carries_a_force(lopsided):
    """In a free body the normal stress over every section, along each axis, adds up to zero."""
    model, T, solution = lopsided
    grid, sigma = model.grid, elastic_stress.stress(model, T, solution.state, select("cpu"))
    volume = voxel_volumes(grid)
    for axis, widths in enumerate((grid.dx, grid.dy, grid.dz)):
        dim = 2 - axis
        across = tuple(d for d in range(3) if d != dim)
        force, scale = (
            (f(sigma[axis]) * volume).sum(axis=across) / widths for f in (np.asarray, np.abs)
        )
        assert abs(force).max() < 1e-6 * scale.max()


def test_work_is_twice_the_energy(lopsided, cpu):
    """Work of the thermal forces = 2 x energy of their strains, from an independent assembly."""
    model, T, solution = lopsided
    grid, U = model.grid, solution.displacement
    moduli = elastic_operator.moduli(model, elastic_load.mean_temperature(model, T))
    A = elastic_operator.operator(model, cpu, moduli)
    work = np.vdot(elastic_load.load(model, A, T)[..., 1 : grid.shape[2] + 2], U)
    C, G = (table[model.ids].transpose(3, 0, 1, 2) for table in moduli)
    K = reference.elastic_matrix(grid.x, grid.y, grid.z, C, G)
    assert work == pytest.approx(U.ravel() @ (K @ U.ravel()), rel=1e-7)


def test_units_change_nothing(lopsided, cpu):
    """The same body in millimetres and MPa, at the same temperature."""
    model, T, solution = lopsided
    U = solution.displacement
    grid, media = model.grid, model.media
    in_mm = [None, *(Scaled(m, 1e-6) for m in media.materials[1:])]
    known = type(media)(media.part, in_mm, media.stress_free, media.names)
    twin = VoxelModel(Grid(1e3 * grid.x, 1e3 * grid.y, 1e3 * grid.z), model.ids, known, model.parts)
    solution = elastic.solve(twin, T, cpu, State.start(twin.grid.shape), Control(1e-10))
    assert_same(solution.displacement, 1e3 * U)


class Scaled:
    """A medium whose moduli are given in another unit."""

    def __init__(self, medium, factor):
        self.medium, self.factor = medium, factor
        self.thermal_strain = medium.thermal_strain

    def stiffness(self, T):
        return self.factor * self.medium.stiffness(T)

    def shear(self, T):
        return self.factor * self.medium.shear(T)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_mirrored_model_gives_the_mirrored_result(lopsided, axis):
    model, T, solution = lopsided
    U = solution.displacement
    dim, grid = 2 - axis, model.grid
    axes = [grid.x, grid.y]
    axes[axis] = -axes[axis][::-1]
    twin = VoxelModel(Grid(*axes, grid.z), np.flip(model.ids, dim).copy(), model.media, model.parts)
    T2, U2 = both(twin)
    assert_same(T2, np.flip(T, dim))
    for c, view in enumerate(faces_of(U)):
        assert_same(faces_of(U2)[c], np.flip(view, dim) * (-1 if c == axis else 1))


def faces_of(U):
    """Return u, v, w without the padding of the common array."""
    return U[0, :-1, :-1], U[1, :-1, :, :-1], U[2, :, :-1, :-1]


def test_a_model_turned_by_a_quarter_gives_the_turned_result(lopsided):
    """x' = -y, y' = x, and each medium is turned with it."""
    model, T, solution = lopsided
    U = solution.displacement
    grid, media = model.grid, model.media
    turn = lambda a: np.flip(np.swapaxes(a, -1, -2), -1).copy()  # noqa: E731
    turned = [None, *(rotated(m, 1) for m in media.materials[1:])]
    known = type(media)(media.part, turned, media.stress_free, media.names)
    twin = VoxelModel(Grid(-grid.y[::-1], grid.x, grid.z), turn(model.ids), known, model.parts)
    T2, U2 = both(twin)
    assert_same(T2, turn(T))
    u, v, w = faces_of(U)
    for got, expected in zip(faces_of(U2), (-turn(v), turn(u), turn(w)), strict=True):
        assert_same(got, expected)


@pytest.fixture(scope="module")
def whole():
    model = package(*(unfolded(half) for half in lines()))
    T, U = both(model)
    return T, U, model.grid.shape


@pytest.mark.parametrize("mirror", [(True, False), (False, True), (True, True)])
def test_half_and_quarter_are_the_whole(mirror, whole):
    """The part beyond the mirror planes is cut off; the rest agrees to the solver's tolerance."""
    T, U, shape = whole
    half = lines()
    x, y = (q if m else unfolded(q) for q, m in zip(half, mirror, strict=True))
    model = package(x, y, mirror)
    T2, U2 = both(model)
    nz, ny, nx = model.grid.shape
    at = slice(shape[1] - ny, None), slice(shape[2] - nx, None)
    assert_same(T2, T[:, at[0], at[1]])
    level = (
        U2[2, 0, 0, 0] - U[2, 0, at[0], at[1]][0, 0]
    )  # both halves float at a height of their own
    assert_same(U2[0, :nz, :ny, mirror[0] :], U[0, :nz, at[0], at[1]][:, :ny, mirror[0] :])
    assert_same(U2[1, :nz, mirror[1] :, :nx], U[1, :nz, at[0], at[1]][:, mirror[1] :, :nx])
    solid = np.zeros((nz + 1, ny, nx), bool)
    solid[1:] |= model.ids > 0
    solid[:-1] |= model.ids > 0
    assert_same((U2[2, :, :ny, :nx] - level)[solid], U[2, :, at[0], at[1]][:, :ny, :nx][solid])
