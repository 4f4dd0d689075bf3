"""Sparse and dense algebra of the solvers: SciPy and products of NumPy say the same."""

import numpy as np
import pytest
from scipy import sparse

from warp.solvers.csr import Csr
from warp.solvers.dense import BLOCK, cholesky, inverse_of_lower


def pair(rows, columns, entries, seed=3):
    """Return one random matrix twice, with entries that fall on the same place."""
    rng = np.random.default_rng(seed)
    i, j = rng.integers(0, rows, entries), rng.integers(0, columns, entries)
    value = rng.normal(size=entries)
    shape = rows, columns
    return Csr.of(i, j, value, shape), sparse.csr_matrix((value, (i, j)), shape=shape)


def assert_same(own, other):
    other = other.tocsr()
    other.sort_indices()
    np.testing.assert_array_equal(own.start, other.indptr)
    np.testing.assert_array_equal(own.column, other.indices)
    np.testing.assert_allclose(own.value, other.data, rtol=1e-12)
    assert own.shape == other.shape


def test_sparse_matrices_are_those_of_scipy():
    """Entries, transpose, sum, products, diagonal, parts; rows without entries among them."""
    (A, a), (B, b), (C, c) = pair(7, 5, 12), pair(5, 7, 9), pair(7, 7, 20)
    assert_same(A, a)
    assert_same(A.T, a.T)
    assert_same(A @ B, a @ b)
    assert_same(A @ B + C, a @ b + c)
    np.testing.assert_array_equal(C.diagonal(), c.diagonal())
    at = np.array([1, 2, 5])
    assert_same(C.part(at), c[at][:, at])
    (D, d) = pair(7, 7, 15, seed=5)
    assert_same(C + D, c + d)
    assert_same(A.times_diagonal(np.arange(1.0, 6.0)), a @ sparse.diags(np.arange(1.0, 6.0)))
    np.testing.assert_array_equal(A.dense(), a.toarray())
    assert_same(Csr.full(A.dense()), a)
    numbers = np.array([0, 2, 3, 5, 7, 8, 9])
    np.testing.assert_array_equal(C.among(numbers, 10).dense()[np.ix_(numbers, numbers)], C.dense())
    columns = np.array([4, 3, 2, 1, 0, -1, 2])
    np.testing.assert_array_equal(A.at(columns)[:5], A.dense()[range(5), columns[:5]])
    assert A.at(columns)[5] == 0  # no such column
    x, y = np.arange(5.0), np.arange(7.0)
    np.testing.assert_allclose(A.times(x), a @ x, rtol=1e-14)
    np.testing.assert_allclose(A.transposed_times(y), a.T @ y, rtol=1e-14)
    block = np.random.default_rng(1).normal(size=(5, 3))
    np.testing.assert_allclose(A.times(block), a @ block, rtol=1e-12)


def test_a_sparse_matrix_may_be_empty():
    none = np.zeros(0)
    empty = Csr.of(none, none, none, (3, 4))
    assert empty.shape == (3, 4)
    assert not (empty @ pair(4, 2, 5)[0]).dense().any()
    assert Csr.diagonal_of(np.array([1.0, 0.0])).without_zeros().column.tolist() == [0]


@pytest.mark.parametrize("n", [1, 20, BLOCK, 2 * BLOCK + 9])
@pytest.mark.parametrize("loose", [0, 6])
def test_a_pivoted_factor_finds_the_rank(n, loose):
    """A matrix with `loose` motions without energy, and the inverse of its factor's corner."""
    rank = max(n - loose, 0)
    B = np.random.default_rng(n).normal(size=(n, rank))
    A = B @ B.T + (0 if loose else np.eye(n))
    L, order, found = cholesky(A.copy(), 1e-11 * n)
    assert found == rank
    np.testing.assert_allclose(L @ L.T, A[order][:, order], atol=1e-10 * n)
    assert not np.triu(L, 1).any()
    corner = L[:rank, :rank]
    np.testing.assert_allclose(inverse_of_lower(corner) @ corner, np.eye(rank), atol=1e-9)
