"""Unknowns of the coarsest level: another form of the same matrix, in which wide plates bend."""

import numpy as np
import pytest
from hard_models import FULL, QUARTER, ROOM, bimetal, dropped_boxes

from warp.solvers.elastic import load as elastic_load
from warp.solvers.elastic import operator as elastic_operator
from warp.solvers.elastic.multigrid.coarsest import assembled, bending, inverse_root
from warp.solvers.elastic.multigrid.matrix import StoredMatrix

THIN = (0.7, 5), (1e-4, 1)  # mm: a film of 100 nm


def level(model, cpu):
    """Return the finest level as a matrix, and the flat indices of its displacements."""
    mean = elastic_load.mean_temperature(model, ROOM)
    A = elastic_operator.operator(model, cpu, elastic_operator.moduli(model, mean))
    matrix = StoredMatrix.finest(A)
    return matrix, np.flatnonzero(matrix.diagonal().reshape(-1) > 0)


@pytest.mark.parametrize(
    "build", [lambda: dropped_boxes(1, 4, cells=(7, 6, 7)), lambda: bimetal(3.0, 5, mirror=FULL)]
)
def test_the_matrix_is_that_of_displacements(cpu, build):
    matrix, at = level(build(), cpu)
    A, T, _ = bending(matrix, at)
    expected = (T.T @ assembled(matrix).part(at) @ T).dense()
    np.testing.assert_allclose(A, expected, rtol=0, atol=1e-14 * abs(expected).max())


@pytest.mark.parametrize("mirror, rigid", [(FULL, 6), (QUARTER, 1)], ids=["full", "quarter"])
def test_only_rigid_motions_of_a_wide_plate_cost_nothing(cpu, mirror, rigid):
    """Its softest bending costs 1e-14 of what its stiffest displacement does."""
    matrix, at = level(bimetal(140.0, 8, THIN, mirror), cpu)
    A, _, scale = bending(matrix, at)
    energies = np.linalg.eigvalsh(A * scale * scale[:, None])
    assert energies[rigid - 1] < 1e-9 < 1e-7 < energies[rigid]


def test_the_root_is_that_of_the_inverse(cpu):
    """A R^T R A = A, since A has no force along a rigid motion."""
    matrix, at = level(bimetal(3.0, 5, mirror=FULL), cpu)
    A = assembled(matrix).part(at).dense()
    RA = inverse_root(*bending(matrix, at), 1e-11) @ A
    np.testing.assert_allclose(RA.T @ RA, A, rtol=0, atol=1e-5 * A.max())
