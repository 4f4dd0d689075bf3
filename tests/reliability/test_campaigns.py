"""A small share of each campaign; the whole of it is run by hand, see
data/benchmarks/reliability.md.
"""

import os

import bit_flips
import campaign
import damaged_inputs
import damaged_results
import full_disk
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


@pytest.mark.weekly
def test_killed_commands_leave_nothing_half_done():
    kills.prepare()
    report = campaign.run(kills.attempt, 10, seed=11)
    assert not report.faults and report.outcomes["killed"] > 5


@pytest.mark.weekly
def test_ctrl_c_is_one_line_at_any_moment():
    interrupts.prepare()
    report = campaign.run(interrupts.attempt, 6, seed=11)
    assert not report.faults and report.outcomes["stopped"] > 0


def test_a_disk_that_fills_up_leaves_the_old_files():
    if not full_disk.can_mount():
        pytest.skip("a disk of one's own needs root")
    kills.prepare()
    report = campaign.run(full_disk.attempt, 9, seed=11, start=9 * 10)
    assert not report.faults and report.outcomes["refused"] > 2


@pytest.mark.weekly
def test_damaged_results_are_refused_or_read_as_they_were():
    damaged_results.prepare()
    report = campaign.run(damaged_results.attempt, 80, seed=11)
    assert not report.faults and report.outcomes["refused"] > 40


def test_damaged_inputs_are_refused_and_sound_ones_read_as_they_were_written():
    report = campaign.run(damaged_inputs.attempt, 200, seed=11)
    assert not report.faults and report.outcomes["as it was written"] > 40


def test_a_bit_that_flips_is_harmless_or_seen():
    bit_flips.prepare()
    report = campaign.run(bit_flips.attempt, 44, seed=11)
    assert not report.faults
    assert report.outcomes["tables: refused"] + report.outcomes["ids: refused"] > 2
