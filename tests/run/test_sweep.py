"""Sweeps: points where they should lie, effects that a hand can check, runs that are made once and
survive deaths.
"""

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fragile import fragile, listening
from small_case import CASE

from warp.case import case
from warp.errors import WarpError
from warp.report import effect_figures
from warp.run import child_processes, effects, sampling, sweep, sweep_folder


def plan(*vary, sample="grid", size=None, seed=0):
    return sampling.design(vary, sample, size, seed)


def test_a_grid_is_every_value_with_every_other():
    found = plan("a.x=0.5 mm .. 1 mm", "b=soft, hard", "c=1,2,4", size=3)
    assert len(found.points) == 3 * 2 * 3
    assert found.points[0] == ("0.5 mm", "soft", "1") and found.points[-1] == ("1 mm", "hard", "4")
    assert {point[0] for point in found.points} == {"0.5 mm", "0.75 mm", "1 mm"}
    assert [v.label for v in found.variables] == ["a.x (mm)", "b", "c"]
    assert [v.numeric for v in found.variables] == [True, False, True]


def test_a_latin_hypercube_has_one_point_in_every_stratum():
    found = plan("a=0 .. 1", "b=10 ppm/K .. 20 ppm/K", sample="lhs", size=20, seed=3)
    for n, low, width in ((0, 0.0, 1.0), (1, 10.0, 10.0)):
        at = [(found.variables[n].number(point[n]) - low) / width for point in found.points]
        assert sorted(int(20 * v) for v in at) == list(range(20))
    assert (
        found.points
        == plan("a=0 .. 1", "b=10 ppm/K .. 20 ppm/K", sample="lhs", size=20, seed=3).points
    )
    words = plan("a=x, y", sample="lhs", size=10)
    assert Counter(point[0] for point in words.points) == {"x": 5, "y": 5}


def test_the_unit_of_a_list_may_stand_at_its_end():
    assert sampling.variable("a=25, 100, 260 degC").values == ("25 degC", "100 degC", "260 degC")
    assert sampling.variable("a=25, 26").values == ("25", "26")
    assert sampling.variable("a=1 mm, 2 cm").values == ("1 mm", "2 cm")
    assert sampling.variable("a=gel, 3 mm").values == ("gel", "3 mm")


@pytest.mark.parametrize(
    ("vary", "complaint"),
    [
        ("part.x", "KEY=VALUES"),
        ("a=1 mm", "at least two"),
        ("a=1 mm .. 2 cm", "same unit"),
        ("a=1 mm .. 1 mm", "equal"),
        ("a=thin .. thick", "two quantities"),
        ("a=1 .. 2 .. 3", "two quantities"),
    ],
)
def test_bad_ranges_are_one_sentence(vary, complaint):
    with pytest.raises(WarpError, match=complaint):
        sampling.variable(vary)


def test_bad_designs_are_one_sentence():
    for arguments, complaint in (
        (((), "grid"), "nothing varies"),
        ((("a=1..2", "a=3..4"), "grid"), "twice"),
        ((("a=1..2",), "random"), "grid, lhs, sobol"),
        ((("a=1..2",), "sobol", 12), "power of two, e.g. 16"),
        ((tuple(f"a{n}=1..2" for n in range(9)), "grid"), "--sample lhs"),
    ):
        with pytest.raises(WarpError, match=complaint):
            sampling.design(*arguments)


def test_variance_shares_of_ishigami():
    """y = sin a + 7 sin2 b + 0.1 c4 sin a: first order 0.3139, 0.4424, 0; total 0.5576, 0.4424,
    0.2437 (Ishigami and Homma 1990; Saltelli et al., Global Sensitivity Analysis, 2008, 4.6).
    """
    a, b, c = np.pi * (2 * sampling.saltelli(2048, 3, 0).T - 1)
    first, total = effects.sobol_indices(
        np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a), 2048, 3
    )
    np.testing.assert_allclose(first, [0.3139, 0.4424, 0.0], atol=0.02)
    np.testing.assert_allclose(total, [0.5576, 0.4424, 0.2437], atol=0.02)


def test_variance_shares_are_those_of_scipy():
    from scipy.stats import sobol_indices

    x = sampling.saltelli(64, 2, 1)
    y = np.exp(x[:, 0]) + x[:, 0] * x[:, 1]
    f = y.reshape(4, 1, 64)
    theirs = sobol_indices(func={"f_A": f[0], "f_B": f[1], "f_AB": f[2:]}, n=64)
    first, total = effects.sobol_indices(y, 64, 2)
    np.testing.assert_allclose(first, theirs.first_order, rtol=1e-12)
    np.testing.assert_allclose(total, theirs.total_order, rtol=1e-12)


def test_main_effects_of_a_plane_and_of_words():
    found = plan("a=0 .. 2", "b=10 .. 30", "c=red, blue", size=3)
    y = np.array(
        [5 + 3 * float(a) - 0.25 * float(b) + (4 if c == "blue" else 0) for a, b, c in found.points]
    )
    y[4] = np.nan  # a failed run is left out
    a, b, c = effects.effects(found, "y", y)
    assert a.effect == pytest.approx(6, abs=1.0) and b.effect == pytest.approx(-5, abs=1.0)
    assert c.effect == pytest.approx(4, abs=1.0)
    plain = plan("a=0 .. 2", "b=10 .. 30", size=3)
    y = np.array([5 + 3 * float(a) - 0.25 * float(b) for a, b in plain.points])
    a, b = effects.effects(plain, "y", y)
    assert (a.effect, b.effect, a.r2) == pytest.approx((6, -5, 1))
    assert np.isnan(a.total)
    two = plan("a=0 .. 2", size=2)
    (a,) = effects.effects(two, "y", np.array([1.0, 7.0]))
    assert a.effect == pytest.approx(6) and np.isnan(a.r2)


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(CASE)
    return case.load(path)


@pytest.fixture
def here(monkeypatch):
    """Runs in this process; counts them."""
    made = []

    def inline(tasks, workers=None, device="auto", run=sweep.point):
        for key, task in tasks.items():
            made.append(task[2])
            yield key, run(task, "cpu")

    monkeypatch.setattr(sweep, "on_this_machine", inline)
    return made


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_sweep_runs_once_and_goes_on(small, tmp_path, here):
    vary = ("part.board.thickness=0.8 mm, 1.2 mm", "part.chip.material=silicon, copper")
    outcome = sweep.sweep(small, plan(*vary), tmp_path / "sweep")
    assert len(here) == 4 and not outcome.failed
    assert outcome.main == "board.bottom warpage (um)"
    rows = table(tmp_path / "sweep" / "sweep.csv")
    by = {
        (r["part.board.thickness (mm)"], r["part.chip.material"]): float(r[outcome.main])
        for r in rows
    }
    assert (
        by["0.8", "silicon"] > by["1.2", "silicon"] > 0 > by["0.8", "copper"] - by["0.8", "silicon"]
    )
    pictures = effect_figures.pictures(outcome, tmp_path / "sweep")
    assert [file.name for file in pictures] == ["effects-warpage.png", "effects-junction.png"]
    assert all(file.stat().st_size > 5000 for file in pictures)

    wider = plan("part.board.thickness=0.8 mm, 1 mm, 1.2 mm", vary[1])
    points = sorted((tmp_path / "sweep" / "points").iterdir())
    points[0].write_text("{damaged")
    outcome = sweep.sweep(small, wider, tmp_path / "sweep")
    assert len(here) == 4 + 2 + 1  # the new thickness, and the damaged one
    assert len(outcome.records) == 6


OTHER_SWEEPS = {
    "other keys vary": ("part.board.thickness=0.8 mm, 1.2 mm", {}, ""),
    "it has values that this one has not": ("part.chip.thickness=0.3 mm, 0.7 mm", {}, ""),
    "other values of --set": (
        "part.chip.thickness=0.3 mm, 0.5 mm",
        {"part.board.thickness": "1.1 mm"},
        "",
    ),
    "its case or a file that it names had other contents": (
        "part.chip.thickness=0.3 mm, 0.5 mm",
        {},
        "# edited\n",
    ),
}


@pytest.mark.parametrize("reason", OTHER_SWEEPS)
def test_another_sweep_needs_a_folder_of_its_own(reason, tmp_path, here):
    path = tmp_path / "small.toml"
    path.write_text(CASE)
    folder = tmp_path / "s"
    sweep.sweep(case.load(path), plan("part.chip.thickness=0.3 mm, 0.5 mm"), folder)
    before = {file: file.read_bytes() for file in folder.rglob("*.*")}
    vary, overrides, text = OTHER_SWEEPS[reason]
    path.write_text(CASE + text)
    with pytest.raises(WarpError, match=f"holds another sweep .{reason}.; .* -o"):
        sweep.sweep(case.load(path, overrides), plan(vary), folder)
    assert {file: file.read_bytes() for file in folder.rglob("*.*")} == before


def test_runs_belong_to_the_files_that_they_read(tmp_path, here):
    """An include that has changed makes another sweep, and a map that is varied another run."""
    path, folder = tmp_path / "small.toml", tmp_path / "s"
    path.write_text('include = "more.toml"\n' + CASE)
    (tmp_path / "more.toml").write_text("[load]\ntemperature = '25 degC'\n")
    design = plan("part.chip.thickness=0.3 mm, 0.5 mm")
    sweep.sweep(case.load(path), design, folder)
    (tmp_path / "more.toml").write_text("[load]\ntemperature = '100 degC'\n")
    with pytest.raises(WarpError, match="its case or a file that it names had other contents"):
        sweep.sweep(case.load(path), design, folder)
    task = (CASE, str(path), {"part.chip.power": '{ map = "w.csv" }'})
    (tmp_path / "w.csv").write_text("1, 2\n")
    before = sweep.key_of(task)
    assert sweep.key_of(task) == before
    (tmp_path / "w.csv").write_text("1, 20\n")
    assert sweep.key_of(task) != before


def test_a_stored_number_that_was_changed_is_computed_again(small, tmp_path):
    design = plan("part.chip.thickness=0.3 mm, 0.5 mm")
    first = sweep.sweep(small, design, tmp_path)
    record = next((tmp_path / "points").glob("*.json"))
    stored = json.loads(record.read_text())
    key = next(iter(stored["numbers"]))
    stored["numbers"][key] *= 2
    record.write_text(json.dumps(stored))
    again = sweep.sweep(small, design, tmp_path)
    assert [r["numbers"] for r in again.records] == [r["numbers"] for r in first.records]


def test_two_sweeps_at_once_in_one_folder(small, tmp_path):
    design = plan("part.chip.thickness=0.3 mm, 0.5 mm")
    with sweep_folder.held(tmp_path), pytest.raises(WarpError, match="another sweep is running"):
        sweep.sweep(small, design, tmp_path)
    assert len(sweep.sweep(small, design, tmp_path).records) == 2


def test_a_sweep_does_not_replace_its_case_file(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text(CASE)
    design = plan("part.chip.thickness=0.3 mm, 0.5 mm")
    with pytest.raises(WarpError, match="this command reads that file"):
        sweep.sweep(case.load(path), design, tmp_path)
    assert path.read_text() == CASE


def test_a_sweep_file_that_cannot_be_read_is_not_replaced(small, tmp_path):
    (tmp_path / "sweep.json").write_text("{damaged")
    with pytest.raises(WarpError, match="cannot be read"):
        sweep.sweep(small, plan("part.chip.thickness=0.3 mm, 0.5 mm"), tmp_path)


def test_a_run_that_cannot_be_is_a_row_with_its_reason(small, tmp_path, here):
    outcome = sweep.sweep(small, plan("part.chip.material=silicon, unobtainium"), tmp_path / "s")
    assert [r["status"] for r in outcome.records] == ["done", "failed"]
    assert "unobtainium" in table(tmp_path / "s" / "sweep.csv")[1]["error"]
    with pytest.raises(WarpError, match="none of the 2 runs"):
        sweep.sweep(small, plan("part.chip.material=unobtainium, kryptonite"), tmp_path / "none")


@pytest.mark.parametrize("key", ["part.chip.colour", "part.chop.thickness", "loud.temperature"])
def test_a_key_that_no_case_knows_leaves_no_folder(small, tmp_path, here, key):
    with pytest.raises(WarpError, match=f"small.toml: --vary {key}: "):
        sweep.sweep(
            small,
            plan(f"{key}=1 mm, 2 mm", "part.chip.thickness=0.2 mm .. 0.6 mm"),
            tmp_path / "none",
        )
    assert not here and not (tmp_path / "none").exists()


def test_a_dead_process_costs_no_other_run(tmp_path):
    names = ["a", "once", "b", "always", "c"]
    tasks = {name: (name, str(tmp_path), {}) for name in names}
    found = dict(sweep.on_this_machine(tasks, 2, "cpu", fragile))
    assert {name: record["status"] for name, record in found.items()} == {
        name: "crashed" if name == "always" else "done" for name in names
    }
    assert 2 <= (tmp_path / "always").stat().st_size <= sweep.TRIES + 1


LOOPBACK = "0100007F"  # 127.0.0.1 as /proc/net/tcp writes it


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="reads /proc")
def test_a_sweep_listens_on_no_network_address(tmp_path):
    tasks = {name: (name, str(tmp_path), {}) for name in "ab"}
    found = dict(sweep.on_this_machine(tasks, 2, "cpu", listening))
    assert [record["addresses"] for record in found.values()] == [[], []]


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="reads /proc")
def test_a_scheduler_on_the_loopback_is_not_told_to_listen_elsewhere(tmp_path):
    distributed = pytest.importorskip("distributed")
    tasks = {name: (name, str(tmp_path), {}) for name in "ab"}
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        found = dict(sweep.through_dask(tasks, cluster.scheduler_address, "cpu", listening))
    addresses = {address for record in found.values() for address in record["addresses"]}
    assert addresses and {address.partition(":")[0] for address in addresses} == {LOOPBACK}


def test_dask_repeats_what_died_with_a_worker(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    tasks = {name: (name, str(tmp_path), {}) for name in ("a", "once", "b", "c")}
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        found = dict(sweep.through_dask(tasks, cluster.scheduler_address, "cpu", fragile))
    assert sorted(found) == sorted(tasks) and all(
        record["status"] == "done" for record in found.values()
    )
    monkeypatch.setattr(sweep, "PATIENCE", 1)
    with pytest.raises(WarpError, match="no Dask scheduler"):
        dict(sweep.through_dask(tasks, "tcp://127.0.0.1:9", "cpu", fragile))


def benchmark():
    path = Path(__file__).parents[1] / "benchmarks" / "sweep.py"
    spec = importlib.util.spec_from_file_location("benchmark_sweep", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_effects_are_those_of_laminate_theory(tmp_path, here):
    """The record of 200 runs, data/benchmarks/sweep.md, on eight corners and a coarser grid: same
    signs, same order.
    """
    record = benchmark()
    coarse = case.load(record.CASE, {"grid.edge_spacing": "1 mm", "grid.spacing": "3 mm"})
    vary = [
        text
        for text in record.VARY
        if text.startswith(("load.temperature", "material.board.cte", "part.chip"))
    ]
    found = plan(*vary, size=2)
    outcome = sweep.sweep(coarse, found, tmp_path / "s")
    computed = np.array([r["numbers"]["chip.top warpage (um)"] for r in outcome.records])
    theory = record.dome(found)
    assert np.abs(computed / theory - 1).max() < 0.08  # free edges, five cells under the chip
    ours, theirs = (
        effects.main_effects(found, found.points, "w", values) for values in (computed, theory)
    )
    assert [e.variable for e in sorted(ours, key=lambda e: -abs(e.effect))] == [
        v.key for v in found.variables
    ]
    for a, b in zip(ours, theirs, strict=True):
        assert a.effect == pytest.approx(b.effect, rel=0.25)  # sign and size


def test_one_number_varied_is_a_curve(small, tmp_path, here):
    outcome = sweep.sweep(small, plan("load.temperature=25, 165, 265 degC"), tmp_path / "s")
    warpage = [r["numbers"]["board.bottom warpage (um)"] for r in outcome.records]
    assert warpage[0] > 0 > warpage[2] and abs(warpage[1]) < 1e-3  # flat where the parts became one
    (picture,) = effect_figures.pictures(outcome, tmp_path / "s")
    assert picture == tmp_path / "s" / "curve.png" and picture.stat().st_size > 5000


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_a_killed_sweep_takes_its_processes_with_it(tmp_path):
    """Else they would wait for ever, each with its memory."""
    script = tmp_path / "killed.py"
    script.write_text(
        "from fragile import sleeper\nfrom warp.run import sweep\n"
        "if __name__ == '__main__':\n"
        f"    tasks = {{name: (name, {str(tmp_path)!r}, {{}}) for name in 'ab'}}\n"
        "    list(sweep.on_this_machine(tasks, 2, 'cpu', sleeper))\n"
    )
    support = Path(__file__).parents[1] / "support"
    parent = subprocess.Popen(
        [sys.executable, script], env={**os.environ, "PYTHONPATH": str(support)}
    )
    until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
    workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals of POSIX")
def test_a_script_needs_no_guard_to_sweep(tmp_path):
    """The processes of a sweep do not run the script again that started it."""
    script = tmp_path / "script.py"
    script.write_text(
        "import warp\n"
        "print('once')\n"
        f"case = warp.Case.from_toml({CASE!r})\n"
        "outcome = warp.sweep(case, {'part.chip.thickness': ['0.3 mm', '0.5 mm']}, 'swept')\n"
        "print(len(outcome.records))\n"
    )
    run = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert run.stdout.split() == ["once", "2"], run.stderr


def test_processes_of_a_sweep_start_deaf_to_ctrl_c():
    """Else each prints a traceback of its own while it starts."""
    with child_processes.unheard():
        code = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"
        mask = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert "SIGINT" in mask
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_picture_and_its_table_tell_words_from_numbers(tmp_path, capsys):
    """A material has no lowest and highest value: its effect has no sign. An output that fails
    everywhere is drawn, too.
    """
    from warp.cli import tables

    found = plan("a.thickness=0.2 .. 0.6 mm", "b.material=soft, hard", sample="sobol", size=4)
    y = np.array([100 - 80 * float(a.split()[0]) + 10 * (b == "soft") for a, b in found.points])
    records = [
        {"numbers": {"w (um)": v}, "status": "done", "seconds": 1.0, "main": "w (um)"} for v in y
    ]
    tables.print_sweep(sweep.tabulate(found, records, tmp_path))
    rows = {
        line.split()[0]: line.split()[1]
        for line in capsys.readouterr().out.splitlines()
        if "%" in line
    }
    assert rows["a.thickness"].startswith("-") and rows["b.material"][0].isdigit()
    effect_figures.main_effects_picture(
        found, "w (um)", "um", np.full(len(y), np.nan), tmp_path / "nothing.png"
    )
    assert (tmp_path / "nothing.png").stat().st_size > 5000
