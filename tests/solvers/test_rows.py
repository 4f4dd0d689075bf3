"""Rows of coefficients that repeat are stored once (solvers.elastic.multigrid.rows)."""

from functools import partial

import numpy as np
import pytest
from hard_models import FULL, ROOM, lidded

from warp.solvers.elastic.load import mean_temperature
from warp.solvers.elastic.multigrid import rows
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.multigrid.smoothers import LineSmoother
from warp.solvers.elastic.operator import moduli, operator


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_rows_that_agree_to_rounding_are_found(cpu, rng, monkeypatch):
    different = rng.random((4, 3, 7)).astype(np.float32)
    of = np.array([0, 0, 1, 2, 1, 0])
    table = different[:, of] * (1 + 1e-7 * rng.random((4, 6, 7))).astype(np.float32)
    assert list(rows.repeated(cpu, [table])) == [0, 0, 2, 3, 2, 0]
    monkeypatch.setattr(rows, "FEWEST", 1)
    (kept,), row = rows.stored_once(cpu, [table.reshape(2, 2, 6, 7)])
    assert kept.shape == (2, 2, 3, 7)
    np.testing.assert_allclose(kept[:, :, row].reshape(4, 6, 7), table, rtol=rows.TOLERANCE)


def test_rows_with_equal_sums_are_compared_one_by_one(cpu, rng, monkeypatch):
    """Where sums tell nothing, comparison alone finds the rows."""
    monkeypatch.setattr(rows, "_alike", lambda device, tables: np.zeros(6, int))
    table = rng.random((4, 3, 7))[:, [0, 1, 2, 1, 0, 2]].copy()
    assert list(rows.repeated(cpu, [table])) == [0, 1, 2, 1, 0, 2]


def test_a_number_that_differs_in_one_table_keeps_a_row(cpu, rng):
    first, second = (np.repeat(rng.random((2, 1, 5)), 4, axis=1) for _ in range(2))
    second[1, 2, 3] *= 1.00001
    assert list(rows.repeated(cpu, [first, second])) == [0, 0, 2, 0]


def test_a_small_level_is_left_as_it_is(cpu):
    table = np.ones((2, 3, 5, 9))
    (kept,), row = rows.stored_once(cpu, [table])
    assert kept is table
    assert list(row) == [0, 1, 2, 3, 4]


def test_a_cycle_that_stores_rows_once_is_the_same(cpu, rng, monkeypatch):
    """Operator, smoother and transfer read the stored rows; some levels have fewer of them."""
    model = lidded(FULL, cells=32)
    A = operator(model, cpu, moduli(model, mean_temperature(model, ROOM)))
    found, stored = [], []
    monkeypatch.setattr(rows, "FEWER", 1.0)
    r = rng.standard_normal(A.shape).astype(np.float32)
    for fewest in 10**9, 1:
        monkeypatch.setattr(rows, "FEWEST", fewest)
        cycle = Cycle(A)
        r *= np.asarray(cycle.fine.active[:, :, cycle.fine.row] > 0)
        cycle.run(partial(np.copyto, src=r))
        found.append(sum(cycle.parts))
        stored.append(sum(s.smoother.inverse.size for s in cycle.smoothed if lines(s)))
    assert stored[1] < 0.9 * stored[0]
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-4 * abs(found[0]).max())


def lines(level):
    """Tell whether a level smooths by z lines."""
    return isinstance(level.smoother, LineSmoother)
