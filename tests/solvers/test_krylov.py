"""Conjugate gradients: shared memory, a given start, and loads that are not numbers."""

import numpy as np
import pytest
from conductors import boxes, uneven

from warp.errors import ConvergenceError
from warp.kernels import reduce
from warp.solvers import krylov
from warp.solvers.heat import load as heat_load
from warp.solvers.heat import operator as heat_operator
from warp.solvers.heat.multigrid.cycle import Cycle
from warp.solvers.krylov import Control, Kept, System
from warp.voxels.boundary import Fixed

INF = np.inf


@pytest.fixture
def system(cpu):
    """Operator and load of a block of two conductors on a cold plate."""
    rng = np.random.default_rng(3)
    model = boxes(
        *(uneven(rng, n, 1e-3) for n in (9, 7, 5)),
        {"a": (2.0,), "b": (300.0, (3e-4, INF, -INF, INF, 4e-4, INF))},
    )
    A = heat_operator.operator(model, [Fixed("package.bottom", 300.0)], cpu)
    return A, heat_load.load(A, rng.uniform(0, 1, A.shape))


def solve(A, b, cycle=None, **how):
    return krylov.solve(
        A.device, System("heat", A.apply, b), cycle or Cycle(A), Control(1e-10), **how
    )


def test_the_last_residual_is_the_true_one(system):
    A, b = system
    x, residuals = solve(A, b)
    r = b.copy()
    A.apply(r, x, 1.0, -1.0)
    assert residuals[-1] <= 1e-10
    assert residuals[-1] == pytest.approx(np.linalg.norm(r) / np.linalg.norm(b), rel=1e-6)


@pytest.mark.parametrize("left", [np.inf, np.nan])
def test_what_lies_in_the_shared_memory_does_not_matter(system, left):
    """A p shares memory with the directions of the preconditioner."""
    A, b = system
    expected, _ = solve(A, b)
    cycle = Cycle(A)
    cycle.idle[:] = left
    np.testing.assert_array_equal(solve(A, b, cycle)[0], expected)


def test_a_load_that_is_no_number_does_not_converge(system):
    A, b = system
    b[2, 3, 4] = np.nan
    with pytest.raises(ConvergenceError, match="nan"):
        solve(A, b)


def test_the_exact_solution_needs_no_iteration(system):
    A, b = system
    x, _ = solve(A, b)
    b[:] = 0
    A.apply(b, x, 0.0, 1.0)
    assert len(solve(A, b, x=x.copy())[1]) == 1


def flipped(array, at, bit):
    """Flip one bit of a number."""
    flat = array.reshape(-1)
    flat.view(f"u{flat.itemsize}")[at] ^= np.array(1, f"u{flat.itemsize}") << np.uint8(bit)


def solve_while(A, b, change):
    """Solve, and change something after the first iteration."""
    control = Control(1e-10, lambda n, residual: change() if n == 1 else None)
    return krylov.solve(A.device, System("heat", A.apply, b, A.coefficients), Cycle(A), control)


def test_a_bit_that_flips_in_the_equations_is_an_error(system):
    """The residual is that of the changed equations, so it cannot tell."""
    A, b = system
    solve(A, b)
    ids, table = A.arguments(np.float64)[:2]
    for array, at, bit in ((ids, 31, 0), (table, 7, 40), (b, int(np.argmax(b)), 45)):
        with pytest.raises(ConvergenceError, match="changed in memory during the solve"):
            solve_while(A, b, lambda array=array, at=at, bit=bit: flipped(array, at, bit))
        flipped(array, at, bit)
    solve_while(A, b, lambda: None)


def test_no_word_is_left_out_where_a_smaller_array_has_more_pieces(system):
    """Pieces grow in steps: 4097 rows of 256 words are 456 of them, 4096 rows are 512."""
    A, b = system
    large, small = np.ones(64 * 4097), np.ones(64 * 4096)
    assert reduce.pieces(4 * large.size)[0] < reduce.pieces(4 * small.size)[0]
    sums = System("heat", A.apply, b, lambda: [large, small])
    control = Control(1e-10, lambda n, residual: flipped(small, -1, 40) if n == 1 else None)
    with pytest.raises(ConvergenceError, match="changed in memory during the solve"):
        krylov.solve(A.device, sums, Cycle(A), control)


def test_a_bit_that_flips_in_the_solution_is_made_good(system, monkeypatch):
    A, b = system
    expected, residuals = solve(A, b)
    begin, started = krylov.Iteration.__init__, []
    monkeypatch.setattr(
        krylov.Iteration, "__init__", lambda self, *w: begin(self, *w) or started.append(self)
    )
    for name in ("x", "r", "p"):
        x, more = solve_while(A, b, lambda name=name: flipped(getattr(started[-1], name), 40, 51))
        np.testing.assert_allclose(x, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())
        assert more[-1] <= 1e-10 and len(more) >= len(residuals)


def test_solves_that_share_a_record_give_the_same_bits(system):
    """With other numbers in A and b, and with a start; A stays as it is."""
    A, b = system
    other = heat_operator.operator(A.model, [Fixed("package.bottom", 310.0)], A.device, 400.0)
    other.table[:, :6] *= 1.1
    cycle, kept, tight = Cycle(A), Kept(), Control(1e-10)
    start = np.random.default_rng(1).standard_normal(A.shape)
    before = [a.copy() for a in A.stored()]
    records = set()
    for matrix, load, x in ((A, b, None), (other, 2 * b, None), (A, b, start), (A, b, None)):
        system = System.of("heat", matrix, load)
        alone, history = krylov.solve(A.device, system, cycle, tight, x)
        found, again = krylov.solve(A.device, system, cycle, tight, x, kept=kept)
        np.testing.assert_array_equal(found, alone)
        assert again == history
        records.add(id(kept.record))
    assert len(records) == 1
    for array, now in zip(before, A.stored(), strict=True):
        np.testing.assert_array_equal(now, array)


def test_another_preconditioner_or_another_form_gets_a_record_of_its_own(system):
    A, b = system
    kept, cycle = Kept(), Cycle(A)
    records = []
    for used in (cycle, Cycle(A), cycle):
        krylov.solve(A.device, System.of("heat", A, b), used, Control(1e-10), kept=kept)
        records.append(kept.record)
    smaller = boxes(*(uneven(np.random.default_rng(3), n, 1e-3) for n in (9, 7, 5)), {"a": (2.0,)})
    one = heat_operator.operator(smaller, [Fixed("package.bottom", 300.0)], A.device)
    krylov.solve(A.device, System.of("heat", one, b), cycle, Control(1e-6), kept=kept)
    records.append(kept.record)
    assert len({id(record) for record in records}) == len(records)
