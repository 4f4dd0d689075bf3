"""A kernel divided into parts computes, bit for bit, what it computes in one."""

import numpy as np
import pytest
from hard_models import ROOM, random_boxes

from warp.machine import cpu
from warp.solvers.elastic import load, operator
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.multigrid.matrix import StoredMatrix


@pytest.fixture(scope="module")
def A():
    """An operator of odd size with voids and rows that change from level to level."""
    from warp.machine import device

    model = random_boxes(3, 40, cells=(23, 19, 9), uneven=0.5)
    moduli = operator.moduli(model, load.mean_temperature(model, ROOM))
    return operator.operator(model, device.select("cpu"), moduli)


def assert_parts_agree(module, function, out, *args):
    outs = []
    for parts in (1, 2, 3, 7, 64):
        found = out.copy()
        cpu.prepared(module, function, (found, *args), parts)()
        outs.append(found)
    for other in outs[1:]:
        np.testing.assert_array_equal(other, outs[0])
    assert np.isfinite(outs[0]).all() and abs(outs[0]).max() > 0


def displacement(A, real):
    x = np.random.default_rng(5).normal(size=A.shape).astype(real)
    x[..., 0] = x[..., -2:] = 0
    return x


def test_the_operator(A, real):
    x = displacement(A, real)
    tables = (a if a.dtype.kind == "u" else a.astype(real) for a in A.body.coefficients())
    args = x, real(0), real(1), *tables, 1, 1, *A.n
    assert_parts_agree("elastic", "media_apply", np.full(A.shape, np.nan, real), *args)


def test_stored_coefficients(A, real):
    x, matrix = displacement(A, real), StoredMatrix.finest(A)
    coefficients = matrix.coefficients.C.astype(real), matrix.coefficients.K.astype(real)
    tables = *coefficients, np.arange(A.shape[2], dtype=np.int32)
    args = x, real(2), real(-1), *tables, *(a.astype(real) for a in matrix.spacings), 1, 1, *A.n
    assert_parts_agree("elastic", "elastic_apply", displacement(A, real), *args)


def test_transfers(A):
    cycle = Cycle(A, coarsest=300)
    transfer, coarse = cycle.transfers[0], cycle.levels[1]
    w, r = transfer.weights, displacement(A, np.float32)
    _, levels, ny, nx = coarse.shape
    sizes = 3, levels, ny, nx, w["weighty"].shape[1], w["weightx"].shape[1]
    args = r, w["startx"], w["weightx"], w["starty"], w["weighty"], *sizes
    assert_parts_agree("multigrid", "restrict", np.zeros(coarse.shape, np.float32), *args)
