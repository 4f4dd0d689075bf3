"""Result files compared: two runs of one case agree, and one changed bit, number or name is
found.
"""

import json
import shutil
from runpy import run_path

import h5py
import numpy as np
import pytest
from finished import finished

COMPARE = run_path(__file__.replace("test_compare_results", "compare_results"))["main"]


@pytest.fixture
def pair(tmp_path):
    """Two files of one result, written at different times."""
    paths = tmp_path / "old.h5", tmp_path / "new.h5"
    for path in paths:
        finished().write(path)
    return paths


def printed(capsys, *words) -> list[str]:
    """Run the command; return the differences without the last line, which counts them."""
    code = COMPARE([str(word) for word in words])
    lines = capsys.readouterr().out.splitlines()[:-1]
    assert code == bool(lines)
    return lines


def change_metrics(path, change):
    """Apply `change` to the numbers of a file."""
    with h5py.File(path, "r+") as file:
        numbers = json.loads(file["metrics"][()].tobytes())
        change(numbers)
        del file["metrics"]
        file["metrics"] = np.frombuffer(json.dumps(numbers).encode(), np.uint8)


def test_two_files_of_one_result_agree(pair, capsys):
    assert printed(capsys, *pair) == []


def test_the_last_bit_of_one_value_is_found(pair, capsys):
    with h5py.File(pair[1], "r+") as file:
        field = file["fields/displacement"]
        field[2, 0, 3, 3] = np.nextafter(field[2, 0, 3, 3], 1)
    (line,) = printed(capsys, *pair)
    assert line.startswith("/fields/displacement: 1 of ")
    assert printed(capsys, *pair, "--rtol", "1e-9") == []


def test_a_number_is_named_and_judged_by_its_own_size(pair, capsys):
    def grow(numbers):
        numbers["surfaces"]["board"]["bottom"]["warpage_um"] *= 1 + 1e-6

    change_metrics(pair[1], grow)
    (line,) = printed(capsys, *pair, "--rtol", "1e-9")
    assert line.startswith("/metrics.surfaces.board.bottom.warpage_um: ")
    assert printed(capsys, *pair, "--rtol", "1e-5") == []


def test_missing_and_new_names_are_found(pair, capsys):
    def rename(numbers):
        numbers["also"] = numbers.pop("coplanarity_um", 1)

    change_metrics(pair[1], rename)
    with h5py.File(pair[1], "r+") as file:
        del file["fields/temperature"]
        file["grid"].attrs["mirror"] = (False, True)
    lines = printed(capsys, *pair, "--rtol", "1")
    assert [line.partition(":")[0] for line in lines if "VTKHDF" not in line] == [
        "/fields/temperature",
        "/grid@mirror",
        "/metrics.also",
    ]


def test_a_file_that_is_none_is_one_line(pair, tmp_path, capsys):
    shutil.copy(__file__, tmp_path / "text.h5")
    with pytest.raises(SystemExit) as stop:
        COMPARE([str(pair[0]), str(tmp_path / "text.h5")])
    assert stop.value.code == 2 and "signature" in capsys.readouterr().err
