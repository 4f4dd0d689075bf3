"""Checks of the reference assembly: rigid motions, exact thermal states, free edges, order in z."""

import numpy as np
import pytest
import reference as ref
from solids import isotropic


def lines(rng, n, length):
    """Return uneven grid lines from 0 to length."""
    steps = rng.uniform(0.5, 1.5, n)
    return np.concatenate([[0.0], np.cumsum(steps)]) * length / steps.sum()


def filled(E, nu, solid):
    """Return stiffness and shear arrays of one isotropic material on the solid cells."""
    return isotropic(E * solid, nu)


def block(seed=1, shape=(4, 5, 6)):
    """A small uneven grid (metres), its solid cells filled with mixed moduli."""
    rng = np.random.default_rng(seed)
    nz, ny, nx = shape
    x, y, z = lines(rng, nx, 3e-3), lines(rng, ny, 2e-3), lines(rng, nz, 1e-3)
    solid = np.ones(shape, bool)
    return rng, x, y, z, solid


def body():
    """A plate with a thick part, a one-cell column, a one-cell fin and a beam over the void."""
    rng, x, y, z, solid = block(shape=(6, 6, 7))
    solid[2:] = False
    solid[2:4, 1:4, 1:4] = True  # chip
    solid[2:5, 5, 5] = True  # column, one cell wide
    solid[2:6, 0, 0:3] = True  # fin, one cell thick in y
    solid[4:6, 0:2, 0:6] = True  # beam reaching over the void, two cells each way
    E = rng.uniform(1e9, 1e11, solid.shape)
    C, G = filled(E, 0.3, solid)
    return x, y, z, C, G, solid


@pytest.mark.parametrize("mirror", [(False, False), (True, False), (False, True), (True, True)])
def test_rigid_motions_are_the_only_null_vectors(mirror):
    x, y, z, C, G, solid = body()
    A = ref.elastic_matrix(x, y, z, C, G, mirror).toarray()
    R = ref.rigid_modes(x, y, z, solid, mirror)
    on = ref.active(solid, mirror).ravel()
    assert np.array_equal(A, A.T) or abs(A - A.T).max() < 1e-15 * abs(A).max()
    assert abs(A[~on]).max() == 0
    assert abs(A @ R).max() < 1e-12 * abs(A).max() * abs(R).max()
    d = 1 / np.sqrt(np.diag(A)[on])
    values = np.linalg.eigvalsh(d[:, None] * A[np.ix_(on, on)] * d)
    assert R.shape[1] == {0: 6, 1: 3, 2: 1}[sum(mirror)]
    assert values[R.shape[1] - 1] < 1e-12 < 1e-6 < values[R.shape[1]]


def test_free_expansion_has_no_stress():
    x, y, z, C, G, solid = body()
    strain = 2e-3 * np.stack([solid] * 3)
    U = ref.solve_elastic(x, y, z, C, G, strain)
    e = (ref.normal_strain(x, y, z) @ U.ravel()).reshape(strain.shape)
    assert np.allclose(e[:, solid], 2e-3, rtol=1e-9)
    Bs, _, _ = ref.shear_strain(x, y, z, G, solid)
    assert abs(Bs @ U.ravel()).max() < 2e-12


def curvature(z, dx, U):
    """Return the curvature d2u/dxdz of every cell and interior z level: (nz-1, ny, nx)."""
    u = U[0, :-1, :-1, :]
    return np.diff(np.diff(u, axis=0) / np.diff(ref.centres(z))[:, None, None], axis=2) / dx


@pytest.mark.parametrize("bending", [False, True])
@pytest.mark.parametrize("free_edge", [0.0, 2 / 3])
def test_linear_temperature_bends_a_plate_to_the_exact_curvature(free_edge, bending):
    """No stress anywhere, also where a free edge borrows its tilt from the plane inside."""
    _, x, y, z, solid = block(shape=(4, 9, 11))
    C, G = filled(1e11, 0.3, solid)
    gradient = 0.7  # thermal strain per metre
    strain = gradient * np.broadcast_to(ref.centres(z)[:, None, None], (3, *solid.shape))
    U = ref.solve_elastic(x, y, z, C, G, strain, free_edge=free_edge, bending=bending)
    assert np.allclose(curvature(z, np.diff(x), U), gradient, rtol=1e-9)
    e = (ref.normal_strain(x, y, z) @ U.ravel()).reshape(strain.shape)
    assert np.allclose(e, strain, atol=1e-9 * strain.max())


def strip(x, counts, layers, end=None, **options):
    """Heat layers (t, E, nu, alpha) by 1 K in plane strain; all but the lowest stop at x = end."""
    z = np.concatenate(
        [[0.0], *[np.full(n, t / n) for n, (t, *_) in zip(counts, layers, strict=True)]]
    ).cumsum()
    owner = np.repeat(np.arange(len(layers)), counts)
    solid = (owner == 0)[:, None, None] | (ref.centres(x) < (end or x[-1]))[None, None, :]
    parts = [filled(E, nu, solid) for _, E, nu, _ in layers]
    C, G = (np.stack([parts[m][q][:, k] for k, m in enumerate(owner)], 1) for q in (0, 1))
    strain = np.stack([solid * np.array([layers[m][3] for m in owner])[:, None, None]] * 3)
    grid, mirror = (x, np.array([0.0, 0.5e-3]), z), (True, True)
    A = ref.elastic_matrix(*grid, C, G, mirror, **options)
    f = ref.thermal_load(*grid, C, strain, mirror, G, **options)
    on = ref.active(solid, mirror)
    on[1] = False
    return z, ref.solve_free(A, f, ref.rigid_modes(*grid, solid, mirror), on)


BIMETAL = [(0.5e-3, 20e9, 0.0, 16e-6), (0.3e-3, 130e9, 0.0, 3e-6)]


def bimetal_error(n, **options):
    """Return the relative error of the centre curvature to Timoshenko's, n cells a layer."""
    (t2, E2, _, a2), (t1, E1, _, a1) = BIMETAL
    m, r, h = t1 / t2, E1 / E2, t1 + t2
    exact = (
        6 * (a1 - a2) * (1 + m) ** 2 / (h * (3 * (1 + m) ** 2 + (1 + m * r) * (m**2 + 1 / (m * r))))
    )
    x = np.arange(13) * 0.5e-3
    z, U = strip(x, (n, n), BIMETAL, **options)
    return curvature(z, 0.5e-3, U)[:, 0, 0].mean() / exact - 1


def test_bimetal_strip_converges_to_timoshenko_with_second_order():
    """Errors fall by four from 4 to 8 cells a layer; Richardson leaves 1e-4."""
    coarse, fine = bimetal_error(4), bimetal_error(8)
    assert coarse == pytest.approx(0.0180, abs=2e-4)
    assert fine == pytest.approx(0.0044, abs=2e-4)
    assert (4 * fine - coarse) / 3 == pytest.approx(0, abs=2e-4)


def test_cells_that_bend_make_a_laminate_exact():
    """Two cells a layer are exact if cells have a bending stiffness of their own."""
    assert bimetal_error(2) == pytest.approx(0.0759, abs=1e-3)
    assert bimetal_error(2, bending=True) == pytest.approx(0, abs=1e-5)


FLIP_CHIP = [
    (1.0e-3, 26e9, 0.3, 15e-6),
    (0.08e-3, 9e9, 0.33, 28e-6),
    (0.775e-3, 131e9, 0.28, 2.8e-6),
]


def overhang_slope(h, free_edge):
    """Return the slope of the bare overhang of a chip 7.5 mm long."""
    x = np.arange(round(10e-3 / h) + 1) * h
    z, U = strip(x, (5, 2, 4), FLIP_CHIP, 7.5e-3, free_edge=free_edge)
    return (U[0, 4, 0, -3] - U[0, 0, 0, -3]) / (ref.centres(z)[4] - ref.centres(z)[0])


def test_one_sided_edges_keep_a_chip_its_length():
    """Compare the overhang's slope at two grids, without and with the one-sided shear.

    A free edge without shear shortens the chip by about 0.7 h, in first order; 2/3 of the half
    cell's energy leaves 0.5 % on the finer grid.
    """
    fine = [overhang_slope(0.078125e-3, f) for f in (0.0, 2 / 3)]
    exact = (fine[0] + fine[1]) / 2  # the two lie on both sides of the limit
    dead, one_sided = (
        [overhang_slope(h, f) / exact - 1 for h in (0.625e-3, 0.3125e-3)] for f in (0.0, 2 / 3)
    )
    assert -0.065 < dead[0] < 2 * dead[1] < -0.02
    assert abs(one_sided[0]) < 0.5 * abs(dead[0])
    assert abs(one_sided[1]) < 0.35 * abs(dead[1])


def test_w_at_grid_lines_lies_on_the_line_between_column_centres():
    """A bent plate's w at column centres is the tangent polygon of its parabola.

    So linear weights give w on lines.
    """
    x = np.cumsum([0.0, 0.1, 0.2, 0.4, 0.7, 1.1, 0.5, 0.2])
    gradient, y, z = 0.7, np.array([0.0, 1.0]), np.array([0.0, 0.5, 1.0])
    C, G = filled(1.0, 0.0, np.ones((2, 1, 7)))
    strain = gradient * np.broadcast_to(ref.centres(z)[:, None, None], (3, 2, 1, 7))
    w = ref.solve_elastic(x, y, z, C, G, strain, (True, True))[2, 0, 0, :7]
    line = np.interp(x[1:-1], ref.centres(x), w)
    assert np.allclose(line - w[0], -gradient * x[1:-1] ** 2 / 2, atol=1e-9)


def test_half_and_whole_agree():
    """Also for a column of one cell that becomes half a column at a mirror plane."""
    rng, x, y, z, solid = block(shape=(5, 4, 4))
    solid[3:, :, :] = False
    solid[3:, 1:3, 0:1] = True
    E = rng.uniform(1e9, 1e11, solid.shape)
    strain = rng.uniform(1e-3, 2e-3, solid.shape)
    both = lambda q, axis: np.concatenate([np.flip(q, axis), q], axis)  # noqa: E731
    C, G = filled(E, 0.3, solid)
    half = ref.solve_elastic(x, y, z, C, G, [strain] * 3, (True, False))
    C, G = filled(both(E, 2), 0.3, both(solid, 2))
    whole = ref.solve_elastic(np.r_[-x[:0:-1], x], y, z, C, G, [both(strain, 2)] * 3)
    nx = len(x) - 1
    stretch = lambda U, first: np.diff(U[0, :-1, :-1, first:], axis=2)  # noqa: E731
    on = ref.active(solid)[0, :-1, :-1]
    on = on[..., 1:] & on[..., :-1]
    assert np.allclose(stretch(half, 0)[on], stretch(whole, nx)[on], rtol=1e-8, atol=1e-12)


def test_heat_in_series_is_exact():
    """Two slabs and a film in series; a void block carries no heat."""
    _, x, y, z, solid = block(shape=(6, 3, 4))
    k = np.where(np.arange(6)[:, None, None] < 3, 2.0, 50.0) * np.ones((3, 6, 3, 4))
    k[:, :, 0, 0] = 0.0
    alive = k[0] > 0
    bottom, top = np.zeros_like(alive), np.zeros_like(alive)
    bottom[0], top[-1] = alive[0], alive[-1]
    A, b = ref.heat_matrix(x, y, z, k, [(2, bottom, np.inf, 400.0), (2, top, 900.0, 300.0)])
    keep = alive.ravel()
    T = np.full(keep.size, np.nan)
    T[keep] = np.linalg.solve(A.toarray()[np.ix_(keep, keep)], b[keep])
    q = 100.0 / (z[3] / 2 + (z[6] - z[3]) / 50 + 1 / 900)
    assert np.allclose(T.reshape(6, 3, 4)[2, 1:], 400 - q * ref.centres(z)[2] / 2)
    assert abs(A[~keep]).max() == 0
    assert abs(A - A.T).max() == 0
