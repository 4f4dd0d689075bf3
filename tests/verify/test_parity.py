"""How far a device is from the CPU in float64, as `warp verify` and `warp bench` say it."""

from dataclasses import replace

import numpy as np
import pytest

from warp.machine import device
from warp.verify import elastic, parity


@pytest.fixture
def done():
    """A quick problem, solved with iterations in float32."""
    problem = next(p for p in elastic.PROBLEMS if p.quick and "bimetal" in p.name)
    return [(problem, problem.solve(device.select("cpu/float32")), 0.0)]


def test_a_row_differs_by_a_small_share_of_its_tolerance(done):
    worst, name, count = parity.of_rows(done)
    assert count == len(done[0][1]) and name
    assert worst < 0.01


def test_a_row_that_is_off_is_named(done):
    problem, rows, seconds = done[0]
    off = replace(rows[-1], got=rows[-1].got + 0.5 * rows[-1].tolerance * abs(rows[-1].expected))
    worst, name, _ = parity.of_rows([(problem, [*rows[:-1], off], seconds)])
    assert name == off.name
    assert worst == pytest.approx(0.5, abs=0.01)


def test_a_row_that_is_no_number_is_named_whatever_follows(done):
    problem, rows, seconds = done[0]
    lost = [replace(rows[0], got=float("nan")), *rows[1:]]
    worst, name, _ = parity.of_rows([(problem, lost, seconds)])
    assert (worst, name) == (float("inf"), rows[0].name)


def test_a_difference_is_relative_to_the_largest_value():
    assert parity.difference(np.array([1.0, -4.1]), np.array([1.0, -4.0])) == pytest.approx(0.025)
    assert parity.difference(np.zeros(2), np.zeros(2)) == 0.0
