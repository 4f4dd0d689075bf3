"""A small share of each campaign; the whole of it is run by hand, see
data/benchmarks/reliability.md.
"""

import os

import campaign
import interrupts
import kills
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="campaigns fork"),
]


@pytest.fixture(scope="module", autouse=True)
def preloaded():
    campaign.preload()


def test_killed_commands_leave_nothing_half_done():
    kills.prepare()
    report = campaign.run(kills.attempt, 24, seed=11)
    assert not report.faults and report.outcomes["killed"] > 20


def test_ctrl_c_is_one_line_at_any_moment():
    interrupts.prepare()
    report = campaign.run(interrupts.attempt, 10, seed=11)
    assert not report.faults and report.outcomes["stopped"] > 2
