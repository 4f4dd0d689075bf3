"""The scripts for a machine with a GPU: they import, run on the CPU device, and test every file
that needs a GPU.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent


def run(script: str, *words: str) -> list[dict]:
    """Run a script on the CPU device; return the JSON objects that it prints."""
    done = subprocess.run(
        [sys.executable, HERE / script, *words],
        env={**os.environ, "GPU_DAY_DEVICE": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_environment_is_printed():
    rows = run("environment.py")
    assert rows[0]["env"]["numpy"] and "compile_all_s" in rows[-1]


def test_small_solves():
    assert [row["tiny"] for row in run("measure.py", "tiny")] == [
        "flip-chip",
        "bumps-resolved",
        "wafer",
    ]


def test_parity_compares_what_two_devices_found(tmp_path, monkeypatch):
    """The same files twice are the same; a field that differs by 1 % is not."""
    monkeypatch.syspath_prepend(HERE)
    import numpy as np
    import parity

    document = {"metrics": {"surfaces": {}}, "iterations": {}, "seconds": 1.0}
    cpu, gpu = tmp_path / "cpu", tmp_path / "gpu"
    for folder in (cpu, gpu):
        folder.mkdir()
        (folder / "flip-chip.json").write_text(json.dumps(document))
        np.save(folder / "flip-chip-stress.npy", np.ones(3))
    assert parity.compare_one(cpu, gpu, "flip-chip")
    np.save(gpu / "flip-chip-stress.npy", np.full(3, 1.01))
    assert not parity.compare_one(cpu, gpu, "flip-chip")


def test_summary_collects_what_stages_printed(tmp_path):
    (tmp_path / ".parts").mkdir()
    (tmp_path / ".parts" / "shares.log").write_text(
        '== shares\n{"shares": "setup", "voxels": 7}\nnoise\n'
    )
    (tmp_path / ".parts" / "bench1e6.log").write_text("no document here\n")
    subprocess.run(
        [sys.executable, HERE / "summary.py", "note", tmp_path, "shares", "0", "2.5"], check=True
    )
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["shares"] == [{"shares": "setup", "voxels": 7}] and found["bench1e6"] == {}
    assert "'voxels': 7" in (tmp_path / "summary.txt").read_text()


def test_every_test_that_needs_a_gpu_is_run():
    listed = re.search(r"^gpu_tests=\((.*)\)$", (HERE / "gpu_day.sh").read_text(), re.MULTILINE)[
        1
    ].split()
    needing = [
        path.relative_to(TESTS.parent).as_posix()
        for path in TESTS.rglob("test_*.py")
        if path != Path(__file__)
        and re.search(r"mark\.gpu\b|assert_twins_agree|def test.*\bgpu\b", path.read_text())
    ]
    assert len(needing) >= 4
    for name in needing:
        assert any(name == entry or name.startswith(f"{entry}/") for entry in listed), name
    assert all((TESTS.parent / entry).exists() for entry in listed)
