"""A process that is killed goes on where it was: `warp run --resume` ends with the same numbers to
the last bit.

kill -9 leaves no time to clean up: what lies on the disk must be the checkpoint before or the one
after, whole.
"""

import random
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from warp.case.case import load
from warp.errors import WarpError
from warp.results.file import read
from warp.run import checkpoint, process, to_file
from warp.solvers.elastic.multigrid import cycle_cache

TEXT = """\
title = "ten steps"
symmetry = "quarter"
[material.chip]
youngs_modulus = "130 GPa"
poissons_ratio = 0.28
cte = "2.8 ppm/K"
[part.substrate]
size = "12 mm"
thickness = "0.8 mm"
material = "fr4"
[part.underfill]
on = "substrate"
size = "chip"
thickness = "0.1 mm"
material = "underfill-uf9000ae"
[part.bumps]
shape = "columns"
inside = "underfill"
pitch = "0.5 mm"
diameter = "0.2 mm"
material = "sac305"
model = "effective"
fill = "underfill-uf9000ae"
[part.chip]
on = "underfill"
size = "6 mm"
thickness = "0.4 mm"
material = "chip"
[load]
stress_free = "217 degC"
[grid]
spacing = "2 mm"
edge_spacing = "2 mm"
cells_per_layer = 2
[output]
fields = ["displacement", "stress"]
[[step]]
do = "attach"
parts = ["bumps", "chip"]
temperature = "217 degC"
[[step]]
do = "cool"
temperature = "165 degC"
[[step]]
do = "cure"
parts = ["underfill"]
temperature = "165 degC"
shrinkage = "0.1 %"
[[step]]
do = "cool"
temperature = "25 degC"
[[step]]
do = "heat"
temperature = "125 degC"
[[step]]
do = "cool"
temperature = "-40 degC"
[[step]]
do = "heat"
temperature = "25 degC"
[[step]]
do = "heat"
profile = "jedec-snpb-220"
every = "100 K"
[[step]]
do = "singulate"
size = "8 mm"
[[step]]
do = "cool"
temperature = "0 degC"
"""


@pytest.fixture
def case(tmp_path):
    path = tmp_path / "ten.toml"
    path.write_text(TEXT)
    return path


def start(case, *options):
    """`warp run` in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "warp.cli.main",
        "run",
        str(case),
        "-o",
        str(case.with_name("out.h5")),
        "--device",
        "cpu",
    ]
    return subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(run):
    out, error = run.communicate(timeout=600)
    assert run.returncode == 0, error
    return error


def same(result, expected):
    assert result.metrics == expected.metrics
    assert np.array_equal(result.ids, expected.ids)
    assert np.array_equal(result.displacement, expected.displacement)
    assert np.array_equal(result.stress, expected.stress)
    assert result.shapes.keys() == expected.shapes.keys()
    assert all(
        np.array_equal(result.shapes[name], expected.shapes[name], equal_nan=True)
        for name in expected.shapes
    )
    assert [len(h) for h in result.residuals.values()] == [
        len(h) for h in expected.residuals.values()
    ]


def killed_and_resumed(case, kills, seed):
    chance = random.Random(seed)
    began = time.perf_counter()
    finish(start(case))
    length = time.perf_counter() - began
    out, checkpoint_path = case.with_name("out.h5"), case.with_name("out.checkpoint.h5")
    expected = read(out)
    _ = expected.ids, expected.displacement, expected.stress
    out.unlink()
    assert not checkpoint_path.exists()
    went_on = 0
    for _ in range(kills):
        run = start(case, "--resume")
        began = time.perf_counter()
        try:
            run.wait(timeout=chance.uniform(0.2, 1.0) * length)
            length = min(
                length, time.perf_counter() - began
            )  # ended of itself: the machine was busier before
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
        _, error = run.communicate()
        went_on += "resumed" in error
        for file in (out, checkpoint_path):  # whole, or not there
            if file.exists():
                with h5py.File(file) as h5:
                    h5.visititems(
                        lambda name, item: item[()] if isinstance(item, h5py.Dataset) else None
                    )
        if out.exists() and not checkpoint_path.exists():
            same(read(out), expected)
            out.unlink()
    finish(start(case, "--resume"))
    same(read(out), expected)
    assert sorted(p.name for p in case.parent.iterdir()) == ["out.h5", "out.xdmf", "ten.toml"]
    return went_on


def test_killed_three_times_the_numbers_are_the_same(case):
    killed_and_resumed(case, 3, seed=5)


@pytest.mark.slow
@pytest.mark.weekly
def test_killed_twenty_times_the_numbers_are_the_same(case):
    assert killed_and_resumed(case, 20, seed=20) > 0


def test_checkpoint_gives_back_every_bit(case, tmp_path):
    checkpoint_path = tmp_path / "c.h5"
    loaded = load(case)
    whole = process.solve(loaded, "cpu", checkpoint_path=checkpoint_path)
    assert checkpoint_path.exists()
    reported = []
    again = process.solve(
        loaded,
        "cpu",
        checkpoint_path=checkpoint_path,
        resume=True,
        on_resume=lambda done, of: reported.append((done, of)),
    )
    assert reported == [(len(loaded.load_steps), len(loaded.load_steps))]
    assert again.provenance["wall_s"] > 0.5 * whole.provenance["wall_s"]  # of both runs together
    same(again, whole)
    process.discard(checkpoint_path)
    assert not checkpoint_path.exists()


def test_a_resumed_run_makes_the_preconditioner_of_an_earlier_moment_again(
    case, tmp_path, monkeypatch
):
    """Killed where the next load step would take over a V-cycle: what it was made of lies in the
    checkpoint.
    """
    loaded = load(
        case,
        {"step.8.every": "10 K", "step.8.profile": '[["0 s", "25 degC"], ["60 s", "45 degC"]]'},
    )
    checkpoint_path, write, made, saved = tmp_path / "c.h5", checkpoint.write, [], {}

    def save(path, now, fingerprint):
        write(path, now, fingerprint)
        saved[now.done] = path.read_bytes(), now.cycle.get("normal")

    cycle = cycle_cache.Cycle
    monkeypatch.setattr(cycle_cache, "Cycle", lambda A: made.append(A) or cycle(A))
    monkeypatch.setattr(checkpoint, "write", save)
    whole = process.solve(loaded, "cpu", checkpoint_path=checkpoint_path)
    taken = [n for n in saved if n + 1 in saved and saved[n][1] is saved[n + 1][1] is not None]
    assert len(taken) >= 1 and len(made) < len(saved)
    monkeypatch.setattr(checkpoint, "write", write)
    checkpoint_path.write_bytes(saved[taken[-1]][0])
    same(process.solve(loaded, "cpu", checkpoint_path=checkpoint_path, resume=True), whole)


def test_a_checkpoint_of_another_case_is_refused(case, tmp_path):
    checkpoint_path = tmp_path / "c.h5"
    process.solve(load(case), "cpu", checkpoint_path=checkpoint_path)
    with pytest.raises(WarpError, match="belongs to another case"):
        process.solve(
            load(case, {"step.2.temperature": "150 degC"}),
            "cpu",
            checkpoint_path=checkpoint_path,
            resume=True,
        )
    checkpoint_path.write_bytes(checkpoint_path.read_bytes()[:5000])
    with pytest.raises(WarpError, match="damaged or incomplete"):
        process.solve(load(case), "cpu", checkpoint_path=checkpoint_path, resume=True)


def test_a_checkpoint_that_reads_as_zeros_is_refused(tmp_path):
    checkpoint_path = tmp_path / "out.checkpoint.h5"
    checkpoint.write(
        checkpoint_path, checkpoint.Checkpoint(1, 300.0, shapes={"a": np.arange(9.0)}), "x"
    )
    with h5py.File(checkpoint_path) as file:
        chunk = file["shapes/a"].id.get_chunk_info(0)
    with checkpoint_path.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(bytes(chunk.size))
    with pytest.raises(WarpError, match=r"damaged.*shapes/a"):
        checkpoint.read(checkpoint_path, "x")


def test_a_resume_without_a_checkpoint_says_so(case, tmp_path, monkeypatch):
    said, result = [], SimpleNamespace(write=lambda path: None, summary=dict, metrics={})
    monkeypatch.setattr(process, "solve", lambda *words, **more: result)
    monkeypatch.setattr(to_file.warnings, "of_numbers", lambda *words: [])
    to_file.solve_to_file(
        load(case), tmp_path / "o.h5", "cpu", lambda *words: None, said.append, None, resume=True
    )
    assert any("there is no" in text and "o.checkpoint.h5" in text for text in said)
