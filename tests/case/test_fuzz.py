"""A few of the files that `fuzz_cases.py` makes by the thousand: solved, or refused in whole
sentences.
"""

import pytest
from fuzz_cases import deaf, listen, prepare, trial


@pytest.fixture
def alarms():
    listen()
    yield
    deaf()


def test_odd_files_are_refused_in_whole_sentences(tmp_path, alarms):
    seeds = prepare(tmp_path)
    kinds = set()
    for number in range(30):
        text, outcome = trial(7, number, seeds, tmp_path, 0)
        assert not outcome.failed, f"{number}: {outcome.kind}: {outcome.detail}\n{text[:4000]!r}"
        kinds.add(outcome.kind)
    assert kinds >= {"refused", "checked", "gridded"}
