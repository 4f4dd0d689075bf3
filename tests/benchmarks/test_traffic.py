"""The bytes that tests/benchmarks/traffic.py counts, held against a count by hand."""

import sys
from collections import Counter
from importlib import util
from pathlib import Path

import numpy as np
import pytest
from hard_models import FULL, ROOM, lidded

from warp.kernels.reduce import pieces
from warp.solvers.elastic.load import mean_temperature
from warp.solvers.elastic.operator import moduli, operator

_SPEC = util.spec_from_file_location("traffic", Path(__file__).with_name("traffic.py"))
assert _SPEC is not None and _SPEC.loader is not None
traffic = sys.modules["traffic"] = util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(traffic)


@pytest.fixture(scope="module")
def counted():
    """Return the operator of a small lidded package, and the count of an iteration."""
    device, model = traffic.Recorder(), lidded(FULL, cells=24)
    A = operator(model, device, moduli(model, mean_temperature(model, ROOM)))
    return A, traffic.counted(device, A)


def test_an_iteration_moves_what_a_hand_counts(counted):
    """Vectors of the finest level, three numbers an index; two steps before and two after."""
    A, count = counted
    N = int(np.prod(A.shape[1:]))
    V, D = 12 * N, 24 * N  # float32, float64
    rows = 4 * (A.n[1] + 1)
    first = V + V + 2 * V  # p written; r and both factors read
    second = V + 2 * V + V + 2 * V  # x written; p read and written; r and both factors read
    by_hand = {
        "elastic_lines_step": 2 * (first + second) - V + 4 * rows,  # x is not written after
        "media_apply": 4 * (2 * V + V),  # r read and written, p read: after each step but the last
        "media_apply, A p": 2 * D,
        "add": 2 * V + V,  # the coarser level's correction
        "narrow": 2 * (D + V),  # the residual, once before and once after
        "direction": 2 * (2 * D + V),  # p read and written; both parts of z read
        "step_lanes": 2 * D + 2 * D + 2 * D,  # x and r read and written; p and A p read
        "dot_narrow_lanes": 2 * (D + V),
        "dot_lanes": 2 * D,
    }
    coarse = 12 * count.levels[1].indices
    by_hand |= {"prolong": V + V + coarse, "restrict": V + coarse}
    tables = 2 * (A.n[0] + 3) * (A.n[1] + 2) * (A.n[2] + 2)  # media
    sums = 2 * 256 * 8 * pieces(3 * N)[0]  # of lanes, for both parts of z
    found: dict[str, float] = Counter()
    for (level, kernel, _), amount in count.moved.items():
        found[kernel] += amount if level == 0 else 0
    for kernel, wanted in by_hand.items():
        ids = tables * count.launches[0, kernel] if kernel.startswith("media_apply") else 0
        assert 0 <= found[kernel] - wanted - ids <= 25_000 + sums, kernel  # and small tables
    assert count.launches[0, "elastic_lines_step"] == 4
    assert count.launches[0, "media_apply"] == 4


def test_a_larger_grid_is_scaled_by_the_indices_of_its_levels(counted):
    _, count = counted
    same = count.scaled_to(count.voxels, count.levels)
    assert same.total() == pytest.approx(count.total())
    double = [level._replace(indices=2 * level.indices) for level in count.levels]
    edges = sum(n for (at, _, how), n in count.moved.items() if at >= 0 and how != "volume")
    scalars = count.total(-1)
    found = count.scaled_to(2 * count.voxels, double).total()
    assert found == pytest.approx(2 * (count.total() - edges - scalars) + 2**0.5 * edges + scalars)
