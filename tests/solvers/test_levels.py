"""Levels of the elastic V-cycle: coarse coefficients, line smoothers, and how cells merge."""

import numpy as np
import pytest
from hard_models import FULL, ROOM, bumps, crumbs, dropped_boxes, lidded, random_boxes
from scipy import sparse

from warp.solvers import coarsening
from warp.solvers.csr import Csr
from warp.solvers.elastic import load as elastic_load
from warp.solvers.elastic import operator as elastic_operator
from warp.solvers.elastic.multigrid import slender
from warp.solvers.elastic.multigrid.coarsest import assembled
from warp.solvers.elastic.multigrid.coefficients import merge_coefficients, merge_media, stored
from warp.solvers.elastic.multigrid.cycle import Cycle, bytes_needed
from warp.solvers.elastic.multigrid.level import StoredLevel
from warp.solvers.elastic.multigrid.matrix import MediaMatrix, StoredMatrix, coarser
from warp.solvers.elastic.multigrid.smoothers import LineSmoother, line_entries
from warp.solvers.elastic.multigrid.transfer import Merge
from warp.solvers.levels import Memory, Unknowns, Vectors
from warp.solvers.numbering import numbered
from warp.solvers.sparse import Scattered, add


def operator(model, cpu):
    return elastic_operator.operator(
        model, cpu, elastic_operator.moduli(model, elastic_load.mean_temperature(model, ROOM))
    )


def pair(A):
    """Return matrices and vectors of the two finest levels, and the transfer between them."""
    fine = MediaMatrix(A)
    coarse, transfer = coarser(fine, first_merge(A))
    memory = Memory(*(np.zeros(int(np.prod(A.shape)), np.float32) for _ in range(2)))
    diagonals = [matrix.diagonal().astype(np.float32) for matrix in (fine, coarse)]
    vectors = [Vectors(A.device, Unknowns.of(A.device, a), memory) for a in diagonals]
    return (fine, coarse), vectors, transfer


def first_merge(A):
    x, y, _ = A.lines
    return Merge.of(x, y, A.mirror)


def test_cells_merged_from_ids_are_those_merged_from_stored_ones(cpu):
    A = operator(random_boxes(3, 30, cells=(13, 11, 7), uneven=0.5), cpu)
    merge = first_merge(A)
    found, expected = merge_media(A, merge), merge_coefficients(cpu, stored(A), merge)
    np.testing.assert_allclose(found.C, expected.C, rtol=1e-12, atol=1e-14 * expected.C.max())
    np.testing.assert_allclose(
        found.total, expected.total, rtol=1e-12, atol=1e-14 * expected.total.max()
    )


def scattered(rows, columns, values):
    """Return a matrix of these entries; those at the same index are added."""
    at, number = np.unique([rows, columns], return_inverse=True)
    return Scattered(at, Csr.of(*number.reshape(2, -1), np.array(values), (len(at),) * 2))


def test_few_of_many_places(cpu):
    """Sums and products of matrices between three of a billion places.

    Also their diagonal and rows on a vector that has all places.
    """
    near = scattered([10**9, 3, 3], [3, 3, 3], [4.0, 1.0, 2.0])
    entries = np.array([0, 0]), np.array([3, 7]), np.array([1.0, -1.0])
    B = Csr.of(*entries, (1, 10**9 + 1))
    np.testing.assert_array_equal((near + Scattered.product(B, np.array([5.0]))).at, [3, 7, 10**9])
    few = scattered([9, 3], [3, 3], [4.0, 1.0]) + Scattered.product(B, np.array([5.0]))
    out, x = np.zeros((2, 5)), np.arange(10.0)
    few.rows(cpu, np.float64).apply(out, x.reshape(2, 5), 1.0, 0.0)
    np.testing.assert_array_equal(
        out.reshape(-1), [0, 0, 0, 6 * 3 - 5 * 7, 0, 0, 0, 5 * 7 - 5 * 3, 0, 4 * 3]
    )
    few.add_diagonal(cpu, out)
    assert out.reshape(-1)[[3, 7, 9]].tolist() == [-17 + 6, 20 + 5, 12]


def test_a_coarse_displacement_costs_what_the_interpolated_one_does(cpu):
    """Soft blocks among stiff ones, 1:1e+05.

    With plain sums of stiffness a soft cell would move for a hundredth of the energy.
    """
    A = operator(random_boxes(1, 60, cells=(16, 14, 8), solid=True), cpu)
    (matrix, coarse_matrix), (fine, coarse), transfer = pair(A)
    diagonal, ratio = coarse_matrix.diagonal().reshape(-1), 0.0
    for place in np.flatnonzero(diagonal):
        coarse.x[...] = 0
        coarse.x.reshape(-1)[place] = 1
        transfer.prolong(coarse, fine)
        p = fine.p.astype(float)
        ratio = max(ratio, float(np.vdot(p, matrix.times(p))) / diagonal[place])
    assert ratio < 5


@pytest.mark.parametrize(
    "build", [lambda: dropped_boxes(3, 6, cells=(14, 12, 9)), lambda: crumbs(1, 0.25, (6, 10, 10))]
)
def test_a_coarse_field_costs_what_the_interpolated_one_does_beside_voids(cpu, build):
    """Bound the energy of the interpolated field over that of the coarse one.

    Without the missing energy the ratio would be many times larger.
    """
    A = operator(build(), cpu)
    (matrix, coarse_matrix), (fine, coarse), transfer = pair(A)
    places, columns = np.flatnonzero(coarse.active), []
    for place in places:
        coarse.x[...] = 0
        coarse.x.reshape(-1)[place] = 1
        transfer.prolong(coarse, fine)
        columns.append(sparse.csr_matrix(fine.p.reshape(1, -1).astype(float)))
    P = sparse.vstack(columns).T
    own = assembled(coarse_matrix).part(places).dense()
    entries = assembled(matrix)
    A_fine = sparse.csr_matrix((entries.value, entries.column, entries.start), shape=entries.shape)
    interpolated = (P.T @ A_fine @ P).toarray()
    scale = 1 / np.sqrt(own.diagonal())
    energy, motion = np.linalg.eigh(own * scale * scale[:, None])
    motion = scale[:, None] * motion[:, energy > 1e-7] / np.sqrt(energy[energy > 1e-7])
    assert np.linalg.eigvalsh(motion.T @ interpolated @ motion)[-1] < 10


def test_lines_at_free_faces_are_those_of_the_operator(cpu):
    """M^-1 A x = x on a single z line, most of whose shear is borrowed."""
    A = operator(lidded(), cpu)
    fine = Cycle(A).fine
    beside = np.zeros(A.shape)
    add(cpu, beside, *line_entries(A.free, A.shape))
    beside = abs(beside).max(1)
    assert (beside > 0).sum() > 20
    for n in np.argsort(beside, axis=None)[-20:]:
        a, j, i = np.unravel_index(n, beside.shape)
        line = (a, slice(None), j, i)
        x, out = np.zeros(A.shape), np.zeros(A.shape)
        x[line] = np.linspace(1, 2, A.shape[1]) * (fine.active[line] > 0)
        A.apply(out, x)
        fine.r[...], fine.p[...] = 0, 0
        fine.r[line] = out[line]
        fine.smoother.step(fine, 0.0, 0.0, 0.0, 1.0)
        np.testing.assert_allclose(fine.x[line], x[line], atol=2e-3)


@pytest.mark.parametrize("wide", [1, 2, 3])
def test_lines_of_slender_rows_are_those_of_the_operator(cpu, wide):
    """M^-1 A x = x for x one mode of a row of faces, along the z levels of the row.

    From ids and from stored coefficients alike.
    """
    A = operator(bumps(5, wide, 15, high=4), cpu)
    level, again = Cycle(A).fine, StoredMatrix.finest(A)
    smoothers = level.smoother, LineSmoother.of_stored(again, again.diagonal())
    rows = level.smoother.slender
    assert rows.count > 20 and set(rows.cells) == {wide}
    place = rows.first[rows.count // 3]
    levels = place + (A.shape[2] * A.shape[3]) * np.arange(-4, 5)
    levels = levels[np.isin(levels, rows.first)]
    step = 1 if place < A.shape[1] * A.shape[2] * A.shape[3] else A.shape[3]
    faces = levels[:, None] + step * np.arange(wide + 1)
    assert len(levels) == 4
    for smoother in smoothers:
        for mode in range(wide + 1):
            waves, given = slender.modes()[wide, : wide + 1, mode], np.array([1.0, 3.0, 2.0, -1.0])
            x, out = np.zeros(A.shape), np.zeros(A.shape)
            x.reshape(-1)[faces] = given[:, None] * waves
            A.apply(out, x)
            level.r[...], level.x[...], level.p[...] = 0, 0, 0
            level.r.reshape(-1)[faces] = (out.reshape(-1)[faces] @ waves)[
                :, None
            ] * waves  # of this mode alone
            smoother.step(level, 0.0, 0.0, 0.0, 1.0)
            np.testing.assert_allclose(level.x.reshape(-1)[faces] @ waves, given, atol=2e-3)


def test_wide_cells_wait_until_the_narrow_ones_have_caught_up():
    """Errors across wide cells are not smoothed beside much narrower ones.

    So one level merges cells less than five times as wide as the narrowest.
    """
    lines = np.cumsum(np.r_[0, 1.3 ** np.abs(np.arange(-25, 26))])
    x = y = lines
    while len(x) > 8:
        narrowest = np.diff(x).min()
        keep, _ = coarsening.next_lines(x, y)
        merged = np.diff(keep) > 1
        assert merged.any() and np.diff(x[keep])[merged].max() < 1.15 * 5 * narrowest
        x = y = x[keep]


def test_an_interval_far_from_one_is_found(cpu):
    """Power iterations neither overflow nor vanish if M^-1 is a million times as large."""
    level = Cycle(operator(lidded(), cpu)).fine
    usual = level.largest_eigenvalue(12)
    level.smoother.inverse *= np.float32(1e6)
    assert level.largest_eigenvalue(12) == pytest.approx(1e6 * usual, rel=1e-3)


@pytest.mark.parametrize(("count", "largest"), [(0, 0), (1, 7), (500, 300), (40_000, 2**31)])
def test_indices_are_numbered_as_unique_numbers_them(count, largest):
    """Few are sorted by NumPy, many by their digits in blocks; each occurs twice."""
    once = np.random.default_rng(2).integers(0, largest + 1, count)
    indices = np.concatenate([once, once])
    found, wanted = numbered(indices), np.unique(indices, return_inverse=True)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_memory_is_counted_as_it_is_taken(cpu):
    """Arrays of preconditioner and iteration, without the small tables of each level."""
    A = operator(lidded(FULL, cells=40), cpu)
    cycle = Cycle(A)
    vectors = (q for level in cycle.levels for q in (level.x, level.r))
    held = sum(q.nbytes for q in vectors if not np.may_share_memory(q, cycle.idle))
    for level in cycle.smoothed:
        s = level.smoother
        if isinstance(level.matrix, StoredLevel):
            held += level.matrix.C.nbytes + level.matrix.K.nbytes
        if isinstance(s, LineSmoother):
            held += s.inverse.nbytes + s.lower.nbytes
        else:
            held += s.P.nbytes + level.active.nbytes
    held += cycle.idle.nbytes + 3 * 8 * cycle.fine.x.size + 2 * A.ids.nbytes
    assert held == pytest.approx(bytes_needed(A.lines, A.mirror), rel=0.05)


def test_float64_that_was_asked_for_takes_the_memory_of_a_small_solve(monkeypatch):
    lines, mirror = (np.linspace(0.0, 1.0, 81),) * 3, (False, False)
    small = bytes_needed(lines, mirror)
    monkeypatch.setattr("warp.solvers.elastic.multigrid.cycle.LARGE", 0)
    assert bytes_needed(lines, mirror) < small
    assert bytes_needed(lines, mirror, double=True) == small


def test_a_second_part_in_the_direction_is_that_in_memory_of_its_own(cpu, monkeypatch):
    """The sum of two steps is a third step; r and coarser levels then share the memory left."""
    A = operator(lidded(FULL, cells=20), cpu)
    b = np.random.default_rng(1).standard_normal(A.shape).astype(np.float32)
    out = np.zeros(A.shape, np.float32)
    A.apply(out, b)  # no force where nothing moves
    out /= np.linalg.norm(out)
    found, held = [], []
    for most in (0, 2):
        monkeypatch.setattr("warp.solvers.levels.MOST_IN_P", most)
        cycle = Cycle(A)
        cycle.run(lambda r: np.copyto(r, out))
        cycle.run(lambda r: np.copyto(r, out))  # whatever the first one left
        found.append(sum(part.astype(float) for part in cycle.parts))
        own = (q for level in cycle.levels for q in (level.x, level.r))
        held.append(sum(q.nbytes for q in own if not np.may_share_memory(q, cycle.idle)))
    assert cycle.parts[1] is cycle.fine.p
    assert held[0] - held[1] >= 0.9 * cycle.fine.r.nbytes
    np.testing.assert_allclose(found[1], found[0], atol=1e-4 * abs(found[0]).max())
