"""Each CUDA kernel gives what its Numba twin gives, on small odd grids of random media: on the CPU,
and on a GPU.
"""

import numpy as np
import pytest

from warp.kernels import reduce
from warp.kernels.multigrid import dense_pieces
from warp.solvers.elastic.history.state import between_four, faces_of
from warp.solvers.elastic.multigrid import slender

SIZES = [1, 255, 256, 257, 5001, 300_007]


def vector(rng, n, dtype=np.float64):
    return rng.standard_normal(n).astype(dtype)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def added(assert_twins_agree, partial):
    """Fold partial sums into the second of four scalars, and check each fold."""
    steps, left = reduce.folds(len(partial))
    for count, rest in steps:
        args = partial, count, rest
        partial = assert_twins_agree("reduce", "fold", (rest, 1, 1), *args, rtol=0)[0]
    args = np.zeros(4), partial, 1, left
    return assert_twins_agree("reduce", "fold_last", (1, 1, 1), *args, rtol=0)[0]


@pytest.mark.parametrize("n", SIZES)
def test_dot(assert_twins_agree, rng, real, n):
    groups, chunk = reduce.pieces(n)
    x, y, q = vector(rng, n, real), vector(rng, n, real), vector(rng, n, np.float32)
    partial = np.full(2 * groups * 256, np.nan)
    extent, size = (256 * groups, 1, 1), groups * 256
    pairs = ("dot_lanes", partial[:size], y), ("dot_narrow_lanes", partial[size:], q)
    for function, part, other in pairs:
        args = part, x, other, n, chunk, groups
        part[:] = assert_twins_agree("reduce", function, extent, *args, real=real, rtol=0)[0]
    own, narrow = (added(assert_twins_agree, half) for half in (partial[:size], partial[size:]))
    wide = x.astype(float)
    epsilon = np.finfo(real).eps
    np.testing.assert_allclose(own, [0, wide @ y, 0, 0], rtol=0, atol=epsilon * n)
    np.testing.assert_allclose(narrow, [0, wide @ q, 0, 0], rtol=0, atol=epsilon * n)


@pytest.mark.parametrize("count", [1, 64, 65, 4096, 131072])
def test_folds_add_all_numbers(assert_twins_agree, rng, count):
    numbers = rng.integers(-100, 100, count).astype(float)
    s = added(assert_twins_agree, numbers.copy())
    np.testing.assert_array_equal(s, [0, numbers.sum(), 0, 0])


@pytest.mark.parametrize("n", SIZES)
def test_sums_of_words_are_exact(assert_twins_agree, rng, n):
    groups, chunk = reduce.pieces(n)
    words, partial = rng.integers(0, 2**16, n).astype(np.uint16), np.zeros(groups * 256)
    for keep in 0.0, 1.0:
        args = partial, words, keep, n, chunk, groups
        extent = (256 * groups, 1, 1)
        partial = assert_twins_agree("reduce", "word_lanes", extent, *args, rtol=0)[0]
    assert partial.sum() == 2 * int(words.astype(int).sum())


@pytest.mark.parametrize("n", SIZES)
def test_step_and_residual(assert_twins_agree, rng, real, n):
    groups, chunk = reduce.pieces(n)
    x, (r, p, q) = vector(rng, n), (vector(rng, n, real) for _ in range(3))
    partial, s = np.full(groups * 256, np.nan), np.array([0.0, 0.3])
    extent, sizes = (256 * groups, 1, 1), (n, chunk, groups)
    args = x, r, partial, p, q, s, 1, *sizes
    done = assert_twins_agree("reduce", "step_lanes", extent, *args, real=real, rtol=0)
    np.testing.assert_allclose(done[0], x + 0.3 * p.astype(float), rtol=1e-15, atol=1e-15)
    left = r - real(0.3) * q
    epsilon = np.finfo(real).eps
    np.testing.assert_allclose(done[2].sum(), left @ left, rtol=20 * epsilon)
    x, p, q = (vector(rng, n) for _ in range(3))
    args = x, partial, p, q, *sizes
    done = assert_twins_agree("reduce", "residual_lanes", extent, *args, rtol=0)
    np.testing.assert_array_equal(done[0], p - q)


@pytest.mark.parametrize("n", [1, 300, 5001])
def test_vector_updates(assert_twins_agree, rng, real, n):
    x, p, s = vector(rng, n, real), vector(rng, n, real), np.array([2.0, -0.7])
    z, extent = vector(rng, n, np.float32), (n, 1, 1)
    y, w = np.full(n, np.nan, np.float32), np.full(n, np.nan, real)
    assert_twins_agree("reduce", "direction", extent, p, z, s, 0, 1, n, real=real, rtol=0)
    assert_twins_agree("reduce", "narrow", extent, y, x, s, 0, n, real=real, rtol=0)
    assert_twins_agree("reduce", "scale", extent, w, x, s, 1, n, real=real, rtol=0)
    assert_twins_agree("reduce", "copy", extent, w, x, n, real=real, rtol=0)
    assert_twins_agree("reduce", "add", extent, p.copy(), x, n, real=real, rtol=0)


def test_scalars(assert_twins_agree):
    s = np.array([3.0, 4.0, 0.0, 9.0])
    one = (1, 1, 1)
    assert assert_twins_agree("reduce", "ratio", one, s, 3, 0, 1, -1.0, rtol=0)[0][3] == -0.75
    assert assert_twins_agree("reduce", "ratio", one, s, 3, 2, 2, 1.0, rtol=0)[0][3] == 0.0
    assert assert_twins_agree("reduce", "inverse_root", one, s, 0, 1, rtol=0)[0][0] == 0.5


# heat
# ------------------------------------------------------------------------------------------------

NX, NY, NZ = 9, 5, 7


def positive(rng, *shape, dtype):
    return (0.1 + rng.random(shape)).astype(dtype)


@pytest.fixture
def medium(rng, real):
    """The arguments ids ... nz of the fine heat kernels: four media and void (id 0) at random,
    uneven spacing.
    """
    ids = rng.integers(0, 5, (NZ, NY, NX)).astype(np.uint16)
    table = positive(rng, 5, 7, dtype=real)
    table[0, :6], table[0, 6] = np.inf, 0
    return ids, table, *(positive(rng, n, dtype=real) for n in (NX, NY, NZ)), NX, NY, NZ


@pytest.fixture
def fields(rng, real):
    """`fields(n)`: n random fields on the fine grid."""
    return lambda n: [vector(rng, (NZ, NY, NX), real) for _ in range(n)]


@pytest.fixture
def level(rng, real):
    """gx, gy, gz, f of a coarse level: nothing leaves at the last cell of each direction, half are
    void.
    """
    gx, gy, gz, f = (
        positive(rng, NZ, NY, NX, dtype=real) * (rng.random((NZ, NY, NX)) < 0.5) for _ in range(4)
    )
    gx[:, :, -1] = gy[:, -1] = gz[-1] = 0
    return [a.astype(real) for a in (gx, gy, gz, f)]


def steps(x, p):
    """(keep, old, a, b), x, p of Chebyshev steps: one in the middle, two from zero, which must not
    read what is nan.
    """
    unread = x * np.nan, p * np.nan
    return (
        ((1.0, 0.2, 0.3, 0.7), x, p),
        ((0.0, 0.0, 0.0, 0.7), *unread),
        ((-1.0, 0.0, 0.0, 0.7), x, unread[1]),
    )


def test_heat_apply(assert_twins_agree, real, medium, fields):
    out, T = fields(2)
    done = assert_twins_agree(
        "heat", "heat_apply", (NX, NY, 1), out * np.nan, T, *medium, 0.0, 1.0, real=real
    )[0]
    assert abs(done.sum()) < 1e-5 * abs(done).sum() + abs(
        (medium[1][medium[0], 6] * T).sum()
    )  # heat is conserved
    assert_twins_agree("heat", "heat_apply", (NX, NY, 1), out, T, *medium, 1.0, -0.5, real=real)


def test_heat_lines(assert_twins_agree, real, medium, fields):
    x, p, r = fields(3)
    pivot = assert_twins_agree(
        "heat", "heat_lateral", (NX, NY, 1), np.full_like(x, np.nan), *medium, real=real
    )[0]
    pivot = assert_twins_agree("heat", "heat_factor", (NX, NY, 1), pivot, *medium, real=real)[0]
    for factors, start, before in steps(x, p):
        assert_twins_agree(
            "heat",
            "heat_lines",
            (NX, NY, 1),
            start,
            before,
            r,
            pivot,
            *medium,
            *factors,
            real=real,
            own=2 * NZ,
        )


def test_level_operator_and_lines(assert_twins_agree, rng, real, level, fields):
    gx, gy, gz, f = level
    out, x, p, r = fields(4)
    extent, n = (NX, NY, 1), (NX, NY, NZ)
    assert_twins_agree(
        "heat_level", "level_apply", extent, out, x, *level, *n, 1.0, -1.0, real=real
    )
    pivot = assert_twins_agree(
        "heat_level", "level_lateral", extent, np.full_like(x, np.nan), gx, gy, f, *n, real=real
    )[0]
    pivot = assert_twins_agree("heat_level", "level_factor", extent, pivot, gz, *n, real=real)[0]
    for factors, start, before in steps(x, p):
        assert_twins_agree(
            "heat_level",
            "level_lines",
            extent,
            start,
            before,
            r,
            pivot,
            gz,
            *n,
            *factors,
            real=real,
            own=2 * NZ,
        )


@pytest.fixture
def merging(rng, real):
    """first_x, first_y, reach_x, reach_y, mx, my: 9 x 5 columns become 5 x 3."""
    first = [np.array([0, 2, 3, 5, 7, 9], np.int32), np.array([0, 1, 3, 5], np.int32)]
    return *first, positive(rng, 4, 5, dtype=real), positive(rng, 4, 3, dtype=real), 5, 3


@pytest.fixture
def lower():
    """lower_x, lower_y: the coarse cell below each of 9 x 5 fine cells, for the merging of 9 x 5
    columns into 5 x 3.
    """
    return np.array([0, 0, 1, 1, 2, 2, 3, 3, 3], np.int32), np.array([0, 0, 1, 1, 1], np.int32)


def test_coarsening(assert_twins_agree, real, medium, level, merging):
    new = [np.full((NZ, 3, 5), np.nan, real) for _ in range(4)]
    assert_twins_agree(
        "heat", "heat_coarsen", (5, 3, 1), *new, *medium[:5], *merging, NX, NY, NZ, real=real
    )
    assert_twins_agree(
        "heat_level", "level_coarsen", (5, 3, 1), *new, *level, *merging, NX, NY, NZ, real=real
    )


def test_heat_weights(assert_twins_agree, rng, real, medium, level, merging, lower):
    """Some lines take no part (0 or 1); the others follow the conductances."""
    linear = [
        np.array([0, 0.3, 0, 0.2, 0.7, 0.4, 0.6, 0.3, 1], real),
        np.array([0, 0.3, 0.6, 0.3, 1], real),
    ]
    w = [np.full((NZ, NY, NX), np.nan, real) for _ in range(2)]
    extent, n = (NX, NY, 1), (NX, NY, NZ)
    shared = *lower, *linear, *merging, *n
    for name, fields in (
        ("heat.heat_weights", medium[:5]),
        ("heat_level.level_weights", level[:2]),
    ):
        done = assert_twins_agree(*name.split("."), extent, *w, *fields, *shared, real=real)
        assert all(np.all((a >= 0) & (a <= 1)) for a in done[:2])


def test_heat_transfers(assert_twins_agree, rng, real, fields, lower):
    mx, my = 5, 3
    weights = [rng.random((NZ, NY, NX)).astype(real) for _ in range(2)]
    start = [
        np.concatenate(
            [np.searchsorted(at, np.arange(m) - 1), np.searchsorted(at, np.arange(m), "right")]
        )
        for at, m in zip(lower, (mx, my), strict=True)
    ]
    coarse = vector(rng, (NZ, my, mx), real)
    pivot_c = np.maximum(vector(rng, (NZ, my, mx), real), 0)
    p, r, pivot = fields(3)
    sizes = mx, my, NX, NY, NZ
    down = assert_twins_agree(
        "heat_level",
        "level_restrict",
        (mx, my, 1),
        coarse * np.nan,
        r,
        pivot_c,
        *weights,
        *lower,
        *(s.astype(np.int32) for s in start),
        *sizes,
        real=real,
    )[0]
    pivot[:] = 1
    up = assert_twins_agree(
        "heat_level",
        "level_prolong",
        (NX, NY, 1),
        p,
        coarse,
        pivot_c,
        pivot,
        *weights,
        *lower,
        *sizes,
        real=real,
    )
    np.testing.assert_allclose(
        (down * coarse).sum(), (r * up[0]).sum(), rtol=1e-4
    )  # one is the other's transpose


def test_films(assert_twins_agree, rng, real, fields):
    out, T = (a.reshape(-1) for a in fields(2))
    cell, g = rng.permutation(out.size)[:40].astype(np.int64), positive(rng, 40, dtype=real)
    assert_twins_agree(
        "heat", "film_apply", (40, 1, 1), out, T, cell, g, 40, -1.0, real=real, rtol=0
    )
    assert_twins_agree("heat", "film_add", (40, 1, 1), out, cell, g, 40, real=real, rtol=0)


# elasticity
# ------------------------------------------------------------------------------------------------

SHAPE = (NZ + 1, NY + 1, NX + 3)
FACES = (NX + 1, NY + 1, NZ + 1)


@pytest.fixture
def body(rng, real):
    """C, K, rdx, rcx, rdy, rcy, rdz, rcz, nx, ny, nz: random, a third of cells and edges void, zero
    at the borders.
    """
    C, K = np.zeros((6, *SHAPE)), np.zeros((3, *SHAPE))
    C[:, :-1, :-1, 1 : NX + 1] = (0.1 + rng.random((6, NZ, NY, NX))) * (
        rng.random((NZ, NY, NX)) < 0.7
    )
    C[:3] *= 4  # positive definite: the normal terms outweigh the mixed ones
    K[0, 1:-1, 1:-1, 1 : NX + 1] = rng.random((NZ - 1, NY - 1, NX)) * (
        rng.random((NZ - 1, NY - 1, NX)) < 0.7
    )
    K[1, 1:-1, :-1, 2 : NX + 1] = rng.random((NZ - 1, NY, NX - 1)) * (
        rng.random((NZ - 1, NY, NX - 1)) < 0.7
    )
    K[2, :-1, 1:-1, 2 : NX + 1] = rng.random((NZ, NY - 1, NX - 1)) * (
        rng.random((NZ, NY - 1, NX - 1)) < 0.7
    )
    widths = []
    for n in (NX, NY, NZ):
        cell, centre = np.zeros(n + 3), np.zeros(n + 3)
        cell[1 : n + 1], centre[1 : n + 2] = 0.5 + rng.random(n), 0.5 + rng.random(n + 1)
        widths += [cell.astype(real), centre.astype(real)]
    return C.astype(real), K.astype(real), *widths, NX, NY, NZ


@pytest.fixture
def displacement(rng, real):
    """A random field on all faces, zero in the padding."""
    x = np.zeros((3, *SHAPE))
    x[..., 1 : NX + 2] = rng.standard_normal((3, NZ + 1, NY + 1, NX + 1))
    return x.astype(real)


@pytest.fixture
def media(rng, real):
    """ids, cell, soft, dx, dy, dz, hz, rdx, rcx, rdy, rcy, rdz, rcz: four media and void at random,
    void all round.
    """
    ids = np.zeros((NZ + 2, NY + 2, NX + 3), np.uint16)
    ids[1:-1, 1:-1, 1 : NX + 1] = rng.integers(0, 5, (NZ, NY, NX))
    cell, soft = positive(rng, 6, 5, dtype=real), positive(rng, 3, 5, dtype=real)
    cell[:3] *= 4
    cell[:, 0], soft[:, 0] = 0, np.inf
    widths, spacings = [], []
    for n in (NX, NY, NZ):
        d = np.ones(n + 3)
        d[1 : n + 1] = 0.5 + rng.random(n)
        rd, rc = np.zeros(n + 3), np.zeros(n + 3)
        rd[1 : n + 1], rc[1], rc[n + 1] = 1 / d[1 : n + 1], 1 / d[1], 1 / d[n]
        rc[2 : n + 1] = 2 / (d[1:n] + d[2 : n + 1])
        widths.append(d.astype(real))
        spacings += [rd.astype(real), rc.astype(real)]
    heights = positive(rng, NZ + 3, dtype=real)
    return ids, cell, soft, *widths, heights, *spacings


def zeros(real):
    return np.zeros((3, *SHAPE), real)


@pytest.mark.parametrize("mirror", [(False, False), (True, False), (False, True)])
def test_elastic_apply(assert_twins_agree, rng, real, body, displacement, mirror):
    C, K, *spacings, nx, ny, nz = body
    stored = np.arange(ny + 1, dtype=np.int32) // 2  # some rows for two
    stored[-1] += 1  # K ends with the last row
    C, K = (np.ascontiguousarray(a[:, :, [*range(stored[-1]), -1]]) for a in (C, K))
    sizes = C, K, stored, *spacings, *mirror, nx, ny, nz
    out = displacement[:, ::-1, ::-1].copy()
    for parts in 1, 3:
        assert_twins_agree(
            "elastic",
            "elastic_apply",
            (*FACES[:2], parts),
            out,
            displacement,
            0.5,
            -0.5,
            *sizes,
            real=real,
        )
        assert_twins_agree(
            "elastic",
            "elastic_apply",
            (*FACES[:2], parts),
            zeros(real),
            displacement,
            0.0,
            1.0,
            *sizes,
            real=real,
        )


@pytest.mark.parametrize("mirror", [(False, False), (True, True)])
def test_media_apply(assert_twins_agree, real, media, displacement, mirror):
    ids, cell, soft, *lengths = media
    law = np.zeros((cell.shape[1], 12), real)
    law[:, :6], law[:, 6:9] = cell.T, soft.T / 4
    out, sizes = displacement[:, ::-1, ::-1].copy(), (ids, law, *lengths, *mirror, NX, NY, NZ)
    for parts in 1, 3:
        assert_twins_agree(
            "elastic",
            "media_apply",
            (*FACES[:2], parts),
            out,
            displacement,
            0.5,
            -0.5,
            *sizes,
            real=real,
        )
        assert_twins_agree(
            "elastic",
            "media_apply",
            (*FACES[:2], parts),
            out * np.nan,
            displacement,
            0.0,
            1.0,
            *sizes,
            real=real,
        )


def test_diagonals_and_lines(assert_twins_agree, real, body, media, displacement):
    nx, ny, nz = body[-3:]
    diagonal = zeros(real)
    diagonal[..., 1 : nx + 2] = 0.3  # a line held by nothing else is singular
    assert_twins_agree("elastic", "elastic_diagonal", FACES, diagonal, *body, real=real)
    looked_up = assert_twins_agree(
        "elastic", "media_diagonal", FACES, diagonal, *media, nx, ny, nz, real=real
    )[0]
    columns = (nx + 1, ny + 1, 1)
    args = zeros(real), zeros(real), looked_up, *media[:7], *media[-2:], nx, ny, nz
    lines = assert_twins_agree("elastic", "media_lines", columns, *args, real=real)[:2]
    own = 2 * (nz + 1)
    for stored in np.arange(ny + 1), np.array([0, 1, 1, *range(ny - 2)]):
        for factors, x, p in steps(displacement * 2, displacement * 3):
            arrays = (a.reshape(3, nz + 1, -1) for a in (x, p, displacement, *lines))
            args = *arrays, stored.astype(np.int32), *factors, nx, ny, nz
            assert_twins_agree(
                "elastic", "elastic_lines_step", (nx + 3, ny + 1, 3), *args, real=real, own=own
            )


def wide(body):
    """Coefficients and spacings in float64."""
    return [a.astype(float) for a in body[:-3]]


def test_elastic_lines(assert_twins_agree, rng, real, body):
    *_, nx, ny, nz = body
    C, K, *_, rdz, rcz = wide(body)
    diagonal, beside = rng.uniform(20, 30, (3, *SHAPE)), np.zeros((3, *SHAPE))
    diagonal[:, rng.random(SHAPE) < 0.2] = 0
    beside[:, 3, 2, 4] = -0.3
    args = zeros(real), zeros(real), diagonal, beside, C, K, rdz, rcz, nx, ny, nz
    inverse = assert_twins_agree("elastic", "elastic_lines", (nx + 1, ny + 1, 3), *args, real=real)[
        0
    ]
    assert np.all((inverse[..., 1:-1] > 0) == (diagonal[..., 1:-1] > 0))


@pytest.mark.parametrize("mirror", [(False, False), (True, True)])
def test_slender_rows(assert_twins_agree, rng, real, body, media, displacement, mirror):
    """Random media hold rows of one, two and three cells, at the ends of the grid too; some go on
    above or below.
    """
    C, K, *widths, nx, ny, nz = body
    ids, cell, *_ = media
    cell[:, 1:4] *= np.array([1, 0.03, 30], real)
    found, extent = np.zeros((2, *SHAPE), np.uint8), (nx, ny, nz)
    sides = widths[0], widths[2], 0.3, *mirror
    by_media = assert_twins_agree(
        "slender", "slender_media", extent, found, ids, cell, *sides, nx, ny, nz, real=real
    )[0]
    C[:2, rng.random(SHAPE) < 0.5] *= 0.01
    C[0, 2, 3, 1:6] = np.array([0, 1, 1, 1, 0]) / widths[0][1:6].clip(1e-3) ** 2
    by_cells = assert_twins_agree(
        "slender", "slender_cells", extent, found, C, *sides, nx, ny, nz, real=real
    )[0]
    assert by_cells[0, 2, 3, 2] == 3
    found = (by_media, "slender_media_lines", media), (by_cells, "slender_lines", (C, K, *widths))
    for marked, function, coefficients in found:
        assert {0, 1, 2} <= set(np.unique(marked))
        first = np.flatnonzero(marked)
        count, cells = len(first), marked.reshape(-1)[first]
        joined = slender.joined(first, cells, SHAPE[1] * SHAPE[2]).astype(np.uint8)
        lists = first, cells, joined, slender.modes().astype(real)
        free = [rng.random((count, 4)).astype(real) for _ in range(2)]
        args = *lists, *free, *coefficients, nx, ny, nz, count
        assert_twins_agree(
            "slender", function, (count, 1, 1), zeros(real), zeros(real), *args, real=real
        )
        vectors = [displacement.reshape(-1) * n for n in (1, 2, 3)]
        for with_x in (0, 1):
            args = first, cells, slender.modes().astype(real), with_x, nx, ny, nz, count
            assert_twins_agree("slender", "slender_turn", (count, 1, 1), *vectors, *args, real=real)


def test_elastic_columns(assert_twins_agree, rng, real, body, displacement):
    nx, ny, nz = sizes = body[-3:]
    diagonal = np.full(
        displacement.shape, 100.0
    )  # dominant: a pivot near the threshold may fall on either side of it
    diagonal[:, rng.random(SHAPE) < 0.2] = 0  # inactive
    P = np.zeros((5, 6, nz + 2, ny, nx + 3), real)
    column = np.array([nx + 5, nx + 5, nx + 5, nx + 5, 3 * nx + 11])  # j (nx + 3) + i
    start = np.searchsorted(column, np.arange(ny * (nx + 3) + 1)).astype(np.int32)
    entry = np.array([8, 30, 30, 30 * nz + 26, 30 * nz + 29], np.int32)  # two on one diagonal
    free = start, entry, np.array([0.5, 2.0, 3.0, -0.2, 0.7])
    P = assert_twins_agree(
        "columns", "columns_factor", (nx, ny, 1), P, diagonal, *wide(body), *free, *sizes, real=real
    )[0]
    Y = np.zeros((5, nz + 1, ny, nx + 3), real)
    rows = (a.reshape(*a.shape[:-2], -1) for a in (Y, displacement, P))
    args = *rows, *sizes
    Y = assert_twins_agree("columns", "columns_solve", (nx, ny, 1), *args, real=real)[0].reshape(
        Y.shape
    )
    for factors, x, p in steps(displacement * 2, displacement * 3):
        assert_twins_agree(
            "columns",
            "columns_step",
            (nx + 3, ny + 1, nz + 1),
            x,
            p,
            Y,
            *factors,
            *sizes,
            real=real,
        )


@pytest.fixture
def solid(rng):
    """ids of a random body, a third of it void, with the void border; two cells of void beside a
    long wall.
    """
    ids = np.zeros((NZ + 2, NY + 2, NX + 3), np.uint16)
    ids[1:-1, 1:-1, 1 : NX + 1] = rng.random((NZ, NY, NX)) < 0.7
    ids[1:-1, 1:-1, 6:9] = 0
    return ids


@pytest.mark.parametrize("mirror", [(False, False), (True, False), (False, True)])
def test_edges_and_ghosts(assert_twins_agree, rng, solid, mirror):
    sizes, marks = (NX, NY, NZ), np.zeros((2, *SHAPE), np.uint8)
    K, total = np.zeros((3, *SHAPE)), np.maximum(rng.standard_normal((3, *SHAPE)), 0)
    assert_twins_agree(
        "elastic_setup", "sort_edges", FACES, K, marks, total, solid, *mirror, *sizes, rtol=0
    )
    found = assert_twins_agree(
        "elastic_setup", "lateral_edges", FACES, marks, solid, *mirror, *sizes, rtol=0
    )[0]
    extent = NX + 3, NY + 1, NZ + 1
    turn = assert_twins_agree(
        "elastic_setup", "ghost_places", extent, zeros(np.uint8), solid, *mirror, *sizes, rtol=0
    )[0]
    assert set(np.unique(turn[2])) == {0, 1, 2, 3}
    hidden, found = rng.random((3, *SHAPE)) - 0.2, np.zeros((4, *SHAPE), np.uint8)
    found = assert_twins_agree(
        "elastic_setup",
        "overhangs",
        (NX, NY, NZ),
        found,
        turn,
        solid,
        hidden,
        total,
        *sizes,
        rtol=0,
    )[0]
    assert np.all(found.any((1, 2, 3)))
    for face in (0, 1):
        at = [a.astype(np.int32) for a in np.nonzero(found[face])]
        level, plane = np.zeros((2, len(at[0])), np.int32)
        args = level, plane, *at, solid, face, mirror[face], *sizes, len(level)
        assert_twins_agree("elastic_setup", "nearest_tilt", (len(level), 1, 1), *args, rtol=0)


def test_coefficients_of_levels(assert_twins_agree, rng, real, media):
    """Three levels of material ids, stored; then 9 x 5 columns merged into 5 x 3."""
    C, K = (np.zeros((n, 3, NY + 1, NX + 3), real) for n in (6, 3))
    C, K = assert_twins_agree(
        "elastic_setup",
        "media_coefficients",
        (NX + 1, NY + 1, 3),
        C,
        K,
        *media[:7],
        2,
        3,
        NX,
        NY,
        real=real,
    )[:2]
    keep = [np.array([0, 2, 3, 5, 7, 9], np.int32), np.array([0, 1, 3, 5], np.int32)]
    starts = [
        np.array(a, np.int32)
        for a in ([0, 0, 2, 4, 6, 7], [0, 1, 2, 3], [0, 1, 2, 4, 6], [0, 1, 2])
    ]
    weights = [vector(rng, shape, real) for shape in ((3, 6), (3, 4), (3, 5), (2, 3))]
    tables = [a for pair in zip(starts, weights, strict=True) for a in pair]
    coarse = [np.zeros((n, NZ + 1, 4, 8), real) for n in (6, 3, 3)]
    assert_twins_agree(
        "elastic_setup",
        "coarsen",
        (6, 4, 3),
        *coarse,
        C,
        K,
        *keep,
        *tables,
        0.25,
        2,
        3,
        5,
        3,
        real=real,
    )


@pytest.mark.parametrize("varies", [0, 1])
def test_load_and_motion(assert_twins_agree, rng, real, media, varies):
    ids, _, _, *widths, heights = media[:7]
    T = (300 + 50 * rng.random((NZ, NY, NX) if varies else (1, 1, 1))).astype(real)
    table = vector(rng, (3, 5, 4), real)
    thermal = table, T, 300.0, 0.06, varies, varies, varies
    b = zeros(real)
    assert_twins_agree(
        "elastic_load",
        "thermal_load",
        FACES,
        b,
        ids,
        *thermal,
        *widths,
        heights,
        True,
        False,
        NX,
        NY,
        NZ,
        real=real,
    )
    U = vector(rng, (3, NZ + 1, NY + 1, NX + 1), real)
    positions = [vector(rng, (3, n + 1), real) for n in (NX, NY, NZ)]
    sums, motion = np.zeros((3, NZ + 1, NY + 1, 5), real), vector(rng, (3, 4), real)
    assert_twins_agree(
        "elastic_load",
        "motion_sums",
        (NY + 1, NZ + 1, 3),
        sums,
        U,
        ids,
        *widths,
        positions[0],
        NX,
        NY,
        NZ,
        real=real,
    )
    args = U, motion, ids, *widths, *positions, True, True, NX, NY, NZ
    assert_twins_agree("elastic_load", "take_motion", FACES, *args, real=real)


# multigrid
# ------------------------------------------------------------------------------------------------


def test_transfers(assert_twins_agree, rng, real):
    """3 components, 4 levels; 9 x 5 fine values between 6 x 4 coarse ones, sums of 3 x 2 fine
    values the other way.
    """
    fine, coarse = vector(rng, (3, 4, 5, 9), real), vector(rng, (3, 4, 4, 6), real)
    on = (rng.random((3, 4, 3, 9)) < 0.7).astype(real)
    stored = np.array([0, 1, 1, 2, 0], np.int32)
    atx, aty = np.sort(rng.integers(0, 5, (3, 9)), 1), np.sort(rng.integers(0, 3, (3, 5)), 1)
    tx, ty = vector(rng, (3, 9), real), vector(rng, (3, 5), real)
    tables = atx.astype(np.int32), tx, aty.astype(np.int32), ty
    args = fine * 2, on, stored, coarse, *tables
    assert_twins_agree("multigrid", "prolong", (9, 5, 4), *args, 3, 4, 5, 9, real=real)
    startx, starty = (
        rng.integers(0, 6, (3, 6)).astype(np.int32),
        rng.integers(0, 4, (3, 4)).astype(np.int32),
    )
    sums = startx, vector(rng, (3, 3, 6), real), starty, vector(rng, (3, 2, 4), real)
    assert_twins_agree(
        "multigrid",
        "restrict",
        (6, 4, 4),
        coarse * np.nan,
        fine,
        *sums,
        3,
        4,
        4,
        6,
        2,
        3,
        real=real,
    )


def test_transfers_along_wide_rows(assert_twins_agree, rng, real):
    """Rows long enough to be divided into runs: cells that survive, that merge in pairs, others."""
    fine, coarse = vector(rng, (1, 2, 5, 100), real), vector(rng, (1, 2, 4, 80), real)
    on, stored = (rng.random((1, 2, 5, 100)) < 0.7).astype(real), np.arange(5, dtype=np.int32)
    pairs = np.repeat(np.arange(40, 60), 2)
    atx = np.concatenate([np.arange(40), pairs, np.sort(rng.integers(60, 79, 20))])
    aty, ty = np.array([[0, 1, 1, 2, 2]]), vector(rng, (1, 5), real) * [0, 1, 1, 0, 1]
    tables = atx[None].astype(np.int32), vector(rng, (1, 100), real), aty.astype(np.int32)
    args = fine * 2, on, stored, coarse, *tables, ty.astype(real)
    assert_twins_agree("multigrid", "prolong", (100, 5, 2), *args, 1, 2, 5, 100, real=real)
    single, double = np.arange(30), 30 + 2 * np.arange(30)
    startx = np.concatenate([single, double, rng.integers(0, 98, 20)])[None].astype(np.int32)
    weightx = vector(rng, (1, 3, 80), real)
    weightx[0, :2, :30] = 0
    sums = startx, weightx, np.array([[0, 1, 2, 3]], np.int32), vector(rng, (1, 2, 4), real)
    args = coarse * np.nan, fine, *sums, 1, 2, 4, 80, 2, 3
    assert_twins_agree("multigrid", "restrict", (80, 4, 2), *args, real=real)


def test_sparse_rows(assert_twins_agree, rng, real):
    rows, start = np.array([2, 7, 30], np.uint32), np.array([0, 2, 2, 5], np.int32)
    column, value = rng.integers(0, 40, 5).astype(np.uint32), vector(rng, 5, real)
    out, x = vector(rng, 40, real), vector(rng, 40, real)
    assert_twins_agree(
        "multigrid",
        "sparse_rows",
        (3, 1, 1),
        out,
        x,
        0.5,
        1.0,
        rows,
        start,
        column,
        value,
        3,
        real=real,
    )


def test_mask_and_dense_rows(assert_twins_agree, rng, real):
    x, r = vector(rng, 301, real), vector(rng, 301, real)
    inside = np.round(rng.random((4, 2, 11))).astype(real)
    args = vector(rng, (4, 5, 11), real), inside, np.array([0, 1, 0, 1, 1], np.int32), 4, 5, 11
    assert_twins_agree("multigrid", "mask", (11, 5, 4), *args, real=real)
    n, pieces = 67, dense_pieces(67)
    at, matrix = rng.permutation(301)[:n], vector(rng, (n, n), real)
    args = np.full((pieces, n), np.nan, real), r, matrix, at, n, pieces
    partial = assert_twins_agree("multigrid", "dense_rows", (n, pieces, 1), *args, real=real)[0]
    args = x, partial, at, n, pieces
    x = assert_twins_agree("multigrid", "dense_fold", (n, 1, 1), *args, real=real, rtol=0)[0]
    epsilon = np.finfo(real).eps
    np.testing.assert_allclose(x[at], matrix.T @ r[at], rtol=0, atol=100 * epsilon)


def test_noise(assert_twins_agree, rng, real):
    every = np.ones((3, 2, 1667), real)
    args = every * 0, every[:, :1].copy(), np.zeros(2, np.int32), 3, 2, 1667
    x = assert_twins_agree("multigrid", "noise", (1667, 2, 3), *args, real=real, rtol=0)[0]
    x = x.reshape(-1)
    assert (
        abs(x.mean()) < 0.05
        and x.std() == pytest.approx(3**-0.5, rel=0.03)
        and len(np.unique(x)) > 4900
    )
    assert abs(np.corrcoef(x[1:], x[:-1])[0, 1]) < 0.05


def test_repeated_rows(assert_twins_agree, rng, real):
    values = vector(rng, (4, 6, 9), real)
    values[:, 3] = values[:, 1] * real(1 + 1e-7)
    values[:, 4] = values[:, 1]
    values[2, 4, 5] *= real(1.001)
    sums = assert_twins_agree(
        "rows", "row_sums", (9, 6, 1), np.zeros((6, 9)), values, 4, 6, 9, real=real
    )[0]
    np.testing.assert_allclose(sums[3], sums[1], rtol=0, atol=1e-5)
    assert abs(sums[4] - sums[1]).max() > 1e-5
    like = np.array([0, 1, 1, 1, 1, 5], np.int32)
    args = np.zeros(6, np.uint8), values, like, 1e-6, 4, 6, 9
    found = assert_twins_agree("rows", "row_differs", (9, 6, 1), *args, real=real)[0]
    assert list(found) == [0, 0, 1, 0, 1, 0]


@pytest.mark.parametrize("mirror", [(False, False), (True, True)])
def test_large_deflection(assert_twins_agree, rng, real, media, displacement, mirror):
    ids, cell, soft, dx, dy, _, hz, rdx, rcx, rdy, rcy, rdz, _ = media
    module, sizes, whole = "large_deflection", (NX, NY, NZ), (0, NY + 1, 0)
    g, h, q = (np.zeros((2, *SHAPE), real) for _ in range(3))
    for out, x in ((g, displacement[::-1].copy()), (h, displacement)):
        args = out, x, ids, rcx, rcy, *whole, *sizes
        out[:] = assert_twins_agree(module, "slopes", FACES, *args, real=real)[0]
    K = np.zeros(SHAPE, real)
    solid = ids[1:-1, 1:-1, 1 : NX + 1] > 0
    K[:, :, 1 : NX + 2] = between_four(solid)[2] * rng.random((NZ + 1, NY + 1, NX + 1))
    tables = ids, cell, K, dx, dy, hz, rdx, rcx, rdy, rcy, rdz
    t, s = np.zeros((7, *SHAPE), real), np.zeros((3, *SHAPE), real)
    args = t, displacement, g, h, *tables, *mirror
    t[:] = assert_twins_agree(module, "added_stress", FACES, *args, *whole, *sizes, real=real)[0]
    s[...] = t[4:] * 0.3
    args = q, t, s, g, h, 0.3, 0.7, ids, *mirror
    q[:] = assert_twins_agree(module, "slope_forces", FACES, *args, *whole, *sizes, real=real)[0]
    args = displacement.copy(), t, q, -0.5, rdx, rcx, rdy, rcy, rdz, *mirror
    out = assert_twins_agree(module, "add_forces", FACES, *args, *whole, *sizes, real=real)[0]
    # row 3 from slabs that begin with row 1
    slab_h, slab_t, slab_q = (np.ascontiguousarray(a[:, :, 1:]) for a in (h, t, q))
    for slab in (slab_t[:, :, 1:5], slab_q[:, :, 2:4]):
        slab[...] = 0
    args = slab_t, displacement, g, slab_h, *tables, *mirror, 2, 6, 1, *sizes
    slab_t[:] = assert_twins_agree(module, "added_stress", FACES, *args, real=real)[0]
    np.testing.assert_array_equal(slab_t, t[:, :, 1:])
    args = slab_q, slab_t, s, g, slab_h, 0.3, 0.7, ids, *mirror, 3, 5, 1, *sizes
    slab_q[:] = assert_twins_agree(module, "slope_forces", FACES, *args, real=real)[0]
    np.testing.assert_array_equal(slab_q, q[:, :, 1:])
    some = displacement.copy()
    args = some, slab_t, slab_q, -0.5, rdx, rcx, rdy, rcy, rdz, *mirror, 3, 4, 1, *sizes
    some = assert_twins_agree(module, "add_forces", FACES, *args, real=real)[0]
    expected = displacement.copy()
    expected[:, :, 3] = out[:, :, 3]
    np.testing.assert_array_equal(some, expected)


@pytest.mark.parametrize("real", [np.float64])
@pytest.mark.parametrize("mirror", [(False, False), (True, True)])
def test_history(assert_twins_agree, rng, real, media, mirror):
    ids, cell, soft, dx, dy, dz, hz, rdx, rcx, rdy, rcy, rdz, rcz = media
    module, sizes, faces = "history", (NX, NY, NZ), (3, NZ + 1, NY + 1, NX + 1)
    strain, shear, U, dU = (
        rng.standard_normal(shape).astype(real) for shape in ((3, NZ, NY, NX), faces, faces, faces)
    )
    args = strain, shear, dU, ids, rdx, rcx, rdy, rcy, rdz, rcz, *sizes
    assert_twins_agree(module, "add_strains", FACES, *args, real=real)
    moved = assert_twins_agree(module, "add_motion", FACES, U, dU, ids, *sizes, real=real)[0]
    assert (moved[:, ~faces_of(ids[1:-1, 1:-1, 1 : NX + 1] > 0).any(axis=0)] == 0).all()
    S, t, f = (np.zeros(shape, real) for shape in (strain.shape, faces, (3, *SHAPE)))
    table = positive(rng, 3, cell.shape[1], 4, dtype=real)
    T = 300 + 3 * positive(rng, NZ, NY, NX, dtype=real)
    args = S, strain, ids, cell, table, T, 300.0, 1.0, 1, 1, 1, *sizes
    S[:] = assert_twins_agree(module, "cell_stress", FACES, *args, real=real)[0]
    args = t, shear, ids, soft, dx, dy, dz, hz, *sizes
    t[:] = assert_twins_agree(module, "edge_forces", FACES, *args, real=real)[0]
    args = f, S, t, ids, dx, dy, dz, hz, rcx, rcy, rcz, *mirror, *sizes
    assert_twins_agree(module, "imbalance", FACES, *args, real=real)
    centres = (positive(rng, n + 1, dtype=real) for n in sizes)
    args = S, t, ids, dx, dy, hz, *centres, *sizes
    assert_twins_agree(module, "shear_stress", FACES, *args, real=real)


@pytest.mark.parametrize("mirror", [(False, False), (True, True)])
def test_tangent_frame(assert_twins_agree, rng, real, media, displacement, mirror):
    ids, _, _, dx, dy, _, _, _, rcx, _, rcy, _, _ = media
    module, sizes = "tangent_frame", (NX, NY, NZ)
    g, a = np.zeros((2, *SHAPE), real), np.zeros((2, *SHAPE), np.float32)
    args = g, displacement, ids, rcx, rcy, 0, NY + 1, 0, *sizes
    g[:] = assert_twins_agree("large_deflection", "slopes", FACES, *args, real=real)[0]
    args = a, g, ids, dx, dy, *mirror, *sizes
    a[:] = assert_twins_agree(module, "face_slopes", FACES, *args, real=real)[0]
    lines = a, ids, dx, dy, rcx, rcy, *sizes
    x = rng.standard_normal(displacement.shape).astype(real) * (displacement != 0)
    r = rng.standard_normal(displacement.shape).astype(real) * (displacement != 0)
    moved = assert_twins_agree(module, "from_tangent", FACES, x.copy(), *lines, real=real)[0]
    forces = assert_twins_agree(module, "to_tangent", FACES, r.copy(), *lines, real=real)[0]
    assert np.vdot(r, moved) == pytest.approx(np.vdot(forces, x), rel=1e-4)


# surfaces
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(("function", "more"), [("to_lines", 1), ("with_middles", 0)])
def test_heights_between_columns(assert_twins_agree, rng, function, more, down):
    """Beside holes and at ends; along rows and down columns."""
    f = np.where(rng.random((NY, NX)) < 0.7, rng.random((NY, NX)), np.nan)
    n = (NX, NY)[down]
    lines = np.cumsum(positive(rng, n + more, dtype=float))
    size = n + 1 if more else 2 * n - 1
    out = np.zeros((size, NX) if down else (NY, size))
    extent = (out.shape[1], out.shape[0], 1) if more else (NX, NY, 1)
    assert_twins_agree("surface", function, extent, out, f, lines, down)


def test_numbers_of_a_surface(assert_twins_agree, rng):
    """A footprint with holes in three lanes: its area, its extremes, vertices off it."""
    cells = (rng.random((NY, NX)) < 0.6).astype(np.uint8)
    cells[1, 2] = 0
    dx, dy = positive(rng, NX, dtype=float), positive(rng, NY, dtype=float)
    x, y = np.linspace(0, dx.sum(), 2 * NX + 1), np.linspace(0, dy.sum(), 2 * NY + 1)
    w, lanes, plane = rng.random((2 * NY + 1, 2 * NX + 1)), 3, np.array([0.1, 0.02, 0.03])
    area = (cells * dy[:, None] * dx).sum()
    rows = 2 * NY + 1
    args = np.zeros((rows, lanes, 5)), w, cells, x, y, dx, dy
    sums = assert_twins_agree("surface", "integrals", (lanes, rows, 1), *args)[0]
    assert sums[..., 0].sum() == pytest.approx(area)
    values, at = np.zeros((rows, lanes, 2)), np.zeros((rows, lanes, 2), np.int64)
    args = values, at, w, cells, x, y, plane
    values, at = assert_twins_agree("surface", "row_extremes", (lanes, rows, 1), *args)[:2]
    place = at[..., 1].reshape(-1)[values[..., 1].argmax()]
    r, p = divmod(int(place), 2 * NX + 1)
    assert w[r, p] - plane @ (1, x[p], y[r]) == pytest.approx(values[..., 1].max())
    vertices = np.ascontiguousarray(w[::2, ::2])
    args = (
        np.zeros((NY + 1, lanes, 2)),
        vertices,
        cells,
        x[::2].copy(),
        y[::2].copy(),
        dx,
        dy,
        plane,
    )
    sums = assert_twins_agree("surface", "squares", (lanes, NY + 1, 1), *args)[0]
    assert sums[..., 0].sum() == pytest.approx(area)
    one = np.zeros((NY, NX), np.uint8)
    one[2, 3] = 1
    left = assert_twins_agree("surface", "cut", (NX + 1, NY + 1, 1), vertices.copy(), one)[0]
    np.testing.assert_array_equal(np.argwhere(np.isfinite(left)), [[2, 3], [2, 4], [3, 3], [3, 4]])


def test_heights_of_columns(assert_twins_agree, rng):
    levels = rng.random((NZ + 1, NY, NX))
    face = rng.integers(-1, NZ + 1, (NY, NX)).astype(np.int32)
    args = np.zeros((NY, NX)), levels, face
    found = assert_twins_agree("surface", "heights", (NX, NY, 1), *args, rtol=0)[0]
    expected = np.take_along_axis(levels, np.maximum(face, 0)[None], 0)[0]
    np.testing.assert_array_equal(found, np.where(face < 0, np.nan, expected))


# stress of parts
# ------------------------------------------------------------------------------------------------


def test_part_stress(assert_twins_agree, rng):
    """Both forms find the same extremes and the same volume in every bin."""
    stress, ids = rng.standard_normal((6, NZ, NY, NX)), rng.integers(0, 4, (NZ, NY, NX))
    ids, part, rows = ids.astype(np.uint16), np.array([-1, 0, 1, 0], np.int32), (NY, 2, 3, 2)
    high, low = np.full(rows, -np.inf), np.full(rows, np.inf)
    at_high, at_low = np.zeros((2, *rows), np.int64)
    args = high, low, at_high, at_low, stress, ids, part, 100, NX, NY, NZ
    found = assert_twins_agree("part_stress", "extremes", (2, NY, 1), *args)
    high, low = found[0].max(axis=(0, 1)), found[1].min(axis=(0, 1))
    normal, shear = stress[:3].reshape(3, -1), stress[3:].reshape(3, -1)
    tensors = np.array([[normal[0], shear[2], shear[1]], [shear[2], normal[1], shear[0]],
                        [shear[1], shear[0], normal[2]]])  # fmt: skip
    roots = np.linalg.eigvalsh(tensors.transpose(2, 0, 1))
    here = part[ids].reshape(-1) == 1
    np.testing.assert_allclose(high[:2, 1], roots[here].max(axis=0)[[2, 0]])
    assert found[2][..., 0, 1].max() < 100 + ids.size
    widths = [positive(rng, n, dtype=float) for n in (NX, NY, NZ)]
    width, bins = (high - low) / 16, np.zeros((1, 3, 2, 16), np.int64)
    args = bins, stress, ids, part, *widths, 2.0**30, low, width, 16, NX, NY, NZ
    bins = assert_twins_agree("part_stress", "add_volumes", (NX, NY, NZ), *args, rtol=0)[0]
    dx, dy, dz = widths
    volumes = np.rint(2.0**30 * dx * dy[:, None] * dz[:, None, None])
    assert (bins[0].sum(axis=-1)[:, 1] == volumes.reshape(-1)[here].sum()).all()
