"""Conjugate gradients: shared memory, a given start, and loads that are not numbers."""

import numpy as np
import pytest
from conductors import boxes, uneven

from warp.errors import ConvergenceError
from warp.solvers import krylov
from warp.solvers.heat import load as heat_load
from warp.solvers.heat import operator as heat_operator
from warp.solvers.heat.multigrid.cycle import Cycle
from warp.solvers.krylov import Control, System
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
        A.device, System.of("heat", A.apply, b), cycle or Cycle(A), Control(1e-10), **how
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
