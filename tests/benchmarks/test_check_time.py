"""What is predicted now holds for the times and memory that were measured of every package file."""

import json
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

import warp
from warp.run.forecast import predicted_seconds, time_range
from warp.run.grids import common_grid
from warp.run.resources import predicted_bytes
from warp.voxels.voxelize import voxelize

NAME = "check_time"
STUDY = run_path(str(Path(__file__).with_name("check_time.py")), run_name=NAME)
TARGET, CASES = STUDY["TARGET"], STUDY["cases"]()
MEASURED = {row["case"]: row for row in json.loads(TARGET.with_suffix(".json").read_text())}
CORE = SimpleNamespace(cuda=False, threads=1)


def test_every_case_file_was_measured():
    assert {path.stem for path in CASES} == set(MEASURED)


@pytest.mark.slow
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_time_is_within_the_range_and_memory_is_enough(path):
    case, row = warp.load(path), MEASURED[path.stem]
    grid = common_grid(case)
    seconds = row["seconds"][1]
    media = voxelize(case.bodies(), case.materials(), grid, case.loads.stress_free).media
    low, high = time_range(case, predicted_seconds(case, grid, CORE, media))
    assert low < seconds < high
    assert predicted_bytes(grid, case) >= 1e6 * row["memory"][1]
