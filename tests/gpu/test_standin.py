"""`--device cuda` from the command line, on a stand-in for CuPy (tests/support/standin).

The CUDA sources run through the calls of a GPU run, without a GPU: arrays lie between fences, new
memory is poisoned, NumPy operands and anything but a launch while a stream captures are errors.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from oncpu import compiler
from small_case import CASE
from stacked_plates import COARSE, PLATES, step

import warp
from warp.case.case import parse
from warp.errors import WarpError
from warp.machine import host_memory
from warp.machine.device import Device
from warp.run.grids import common_grid
from warp.run.model import refuse_too_large

STANDIN = Path(__file__).parents[1] / "support" / "standin"
pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler (g++) found")

ATTACH = step("attach", parts=["b", "c"], temperature="217 degC")
COOL = step("cool", temperature="25 degC")
RELAXES = '[material.b.relaxation]\nyoungs_modulus = [["10 s", "60 %"]]\n'
SOFTENS = COARSE.replace('"110 GPa"', '[["25 degC", "110 GPa"], ["217 degC", "40 GPa"]]')
TWO_LAWS = SOFTENS.replace("[material.b]\n", '[material.b]\nelastic_law = "incremental"\n')
PANEL = """
symmetry = "quarter"
[load]
stress_free = "150 degC"
temperature = "100 degC"
large_deflection = true
[grid]
spacing = "20 mm"
cells_per_layer = 3
[material.mould]
youngs_modulus = "20 GPa"
poissons_ratio = 0.25
cte = "9 ppm/K"
[material.glass]
youngs_modulus = "73 GPa"
poissons_ratio = 0.25
cte = "3.8 ppm/K"
[part.panel]
size = "200 mm"
thickness = "0.7 mm"
material = "glass"
[part.mould]
on = "panel"
size = "panel"
thickness = "0.3 mm"
material = "mould"
"""
THIN = (
    PANEL.replace('temperature = "100 degC"\n', "")
    .replace('cte = "9 ppm/K"\n', 'cte = "9 ppm/K"\ndensity = "2000 kg/m^3"\n')
    .replace('cte = "3.8 ppm/K"\n', 'cte = "3.8 ppm/K"\ndensity = "2500 kg/m^3"\n')
)
MOULD = step("attach", parts=["mould"], temperature="150 degC")
COOL_THIN = step("cool", temperature="100 degC")
CASES = {
    "heated": CASE,
    "process": COARSE + PLATES + ATTACH + COOL,
    "relaxing": COARSE
    + PLATES
    + RELAXES
    + step("attach", parts=["b", "c"], temperature="217 degC", duration="1 s")
    + step("cool", temperature="25 degC", rate="20 K/s"),
    "laws": TWO_LAWS + PLATES + ATTACH + COOL,
    "table": COARSE + PLATES + ATTACH + COOL + step("support", on="table"),
    "clamped": COARSE
    + PLATES
    + ATTACH
    + step("support", on="clamped", faces=["a.bottom"], flat=True)
    + COOL,
    "large": PANEL,
    "large-table": THIN + MOULD + step("support", on="table") + COOL_THIN,
    "large-clamped": THIN
    + MOULD
    + step("support", on="clamped", faces=["panel.bottom"], flat=True)
    + COOL_THIN,
    "large-released": THIN
    + MOULD
    + step("support", on="clamped", faces=["panel.bottom"], flat=True)
    + COOL_THIN
    + step("support", on="free")
    + step("cool", temperature="80 degC"),
    "singulated": COARSE + PLATES + ATTACH + COOL + step("singulate", size="6 mm"),
    "apart": COARSE
    + PLATES
    + step("attach", parts=["c"], temperature="200 degC", body="upper")
    + step("cool", temperature="25 degC", body="upper")
    + step("attach", parts=["b"], bodies=["upper"], temperature="150 degC")
    + COOL,
    "finer-unit": COARSE
    + PLATES
    + RELAXES
    + step("attach", parts=["b", "c"], temperature="217 degC", duration="1 s")
    + step("singulate", size="6 mm", spacing="0.5 mm"),
}
LONG = ("large-clamped", "large-released", "large-table", "relaxing")


def run(folder: Path, *words: object, **environment: str) -> subprocess.CompletedProcess:
    """Run `warp` in a folder with the stand-in in CuPy's place."""
    return subprocess.run(
        [sys.executable, "-m", "warp", *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(STANDIN), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def solved(folder: Path, name: str, **environment: str) -> warp.Result:
    """Solve a case of CASES on the stand-in."""
    (folder / "case.toml").write_text(CASES[name])
    done = run(folder, "run", "case.toml", "--device", "cuda", "-o", f"{name}.h5", **environment)
    assert done.returncode == 0, done.stderr
    assert "stand-in" in done.stdout
    return warp.read(folder / f"{name}.h5")


def assert_equal(one: warp.Result, other: warp.Result) -> None:
    """Compare the fields, and the iterations of both solvers.

    Newton's iterations beyond linear theory are many, and sums that run in another order move some.
    """
    assert set(one.fields) == set(other.fields)
    for name, field in one.fields.items():
        most = np.abs(field).max()
        assert other.fields[name] == pytest.approx(field, abs=1e-6 * most), name
    for name, solver in one.provenance["solver"].items():
        count = solver["iterations"]
        allowed = max(1, round(0.03 * count))
        assert abs(other.provenance["solver"][name]["iterations"] - count) <= allowed


@pytest.mark.parametrize(
    "name",
    [
        "heated",
        *(pytest.param(n, marks=[pytest.mark.slow, pytest.mark.weekly]) for n in LONG),
        *(pytest.param(n, marks=pytest.mark.slow) for n in sorted({*CASES} - {"heated", *LONG})),
    ],
)
def test_a_gpu_run_gives_the_numbers_of_the_cpu(name, tmp_path):
    (tmp_path / "case.toml").write_text(CASES[name])
    expected = warp.solve(warp.load(tmp_path / "case.toml"), "cpu")
    assert_equal(expected, solved(tmp_path, name))


@pytest.mark.slow
def test_neither_the_order_of_threads_nor_the_side_of_the_fence_counts(tmp_path):
    one = solved(tmp_path, "heated")
    other = solved(tmp_path, "heated", STANDIN_ORDER="backwards", STANDIN_FENCE="start")
    for name, field in one.fields.items():
        np.testing.assert_array_equal(other.fields[name], field)


@pytest.mark.slow
def test_a_killed_gpu_run_resumes_with_the_same_bits(tmp_path):
    whole = solved(tmp_path, "process")
    code = (
        "import sys, warp.run.checkpoint as c\n"
        "write = c.write\n"
        "def once(*words):\n"
        "    write(*words)\n"
        "    raise SystemExit(9)\n"
        "c.write = once\n"
        "from warp.cli.main import main\n"
        "sys.argv = ['warp', 'run', 'case.toml', '--device', 'cuda', '-o', 'cut.h5']\n"
        "main()\n"
    )
    env = {**os.environ, "PYTHONPATH": str(STANDIN)}
    killed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=False)
    assert killed.returncode == 9 and not (tmp_path / "cut.h5").exists()
    done = run(tmp_path, "run", "case.toml", "--device", "cuda", "-o", "cut.h5", "--resume")
    assert done.returncode == 0 and "resumed" in done.stderr, done.stderr
    resumed = warp.read(tmp_path / "cut.h5")
    for name, field in whole.fields.items():
        np.testing.assert_array_equal(resumed.fields[name], field)


@pytest.mark.slow
def test_gradients_on_the_gpu_are_those_of_the_cpu(tmp_path):
    (tmp_path / "case.toml").write_text(CASE)
    words = "sensitivity", "case.toml", "--of", "board.bottom", "--of", "junction", "--json"
    found = [run(tmp_path, *words, "--device", device) for device in ("cpu", "cuda")]
    assert [done.returncode for done in found] == [0, 0], found[1].stderr
    for one, other in zip(*(json.loads(done.stdout) for done in found), strict=True):
        slopes = [[e["change"] or 0.0 for e in g["inputs"]] for g in (one, other)]
        assert slopes[1] == pytest.approx(slopes[0], abs=1e-6 * max(map(abs, slopes[0])))


@pytest.mark.slow
def test_a_sweep_on_the_gpu_prints_numbers_only(tmp_path):
    (tmp_path / "case.toml").write_text(CASE)
    vary = "--vary", "part.chip.thickness=0.4 mm, 0.5 mm"
    done = run(tmp_path, "sweep", "case.toml", *vary, "--device", "cuda")
    assert done.returncode == 0, done.stderr
    assert "nan" not in done.stdout.lower()


@pytest.mark.slow
def test_a_gpu_with_slow_float64_gives_the_numbers_of_the_cpu(tmp_path):
    (tmp_path / "case.toml").write_text(CASES["process"])
    expected = warp.solve(warp.load(tmp_path / "case.toml"), "cpu")
    found = solved(tmp_path, "process", STANDIN_RATIO="64")
    assert "iterations in float32" in found.provenance["device"]
    assert_equal(expected, found)


@pytest.mark.slow
@pytest.mark.weekly
def test_a_finer_grid_and_gradients_of_a_process_on_the_gpu(tmp_path):
    (tmp_path / "case.toml").write_text(CASES["process"])
    for words in (
        ("run", "case.toml", "--refine", "-o", "fine.h5"),
        ("sensitivity", "case.toml", "--of", "a.bottom"),
    ):
        found = [run(tmp_path, *words, "--device", device) for device in ("cpu", "cuda")]
        assert [done.returncode for done in found] == [0, 0], found[1].stderr
        assert "nan" not in found[1].stdout.lower()


def test_a_full_gpu_is_one_sentence(tmp_path):
    """The prediction says that it fits; the card is fuller than it said."""
    (tmp_path / "case.toml").write_text(CASE)
    words = "run", "case.toml", "--device", "cuda", "-o", "full.h5"
    done = run(tmp_path, *words, STANDIN_MEMORY="3e5", STANDIN_PROMISED="1e9")
    assert done.returncode == 2 and done.stderr.count("\n") <= 2, done.stderr
    assert "error: the GPU has not as much memory as the command needs" in done.stderr
    assert not (tmp_path / "full.h5").exists()


def test_the_host_of_a_gpu_needs_memory_too(monkeypatch):
    """A GPU of 1 TB does not help where the host has 0.4 GB for 2 million voxels."""
    case = parse(CASE, Path("large.toml"), {"grid.uniform": "true", "grid.spacing": "10 um"})
    monkeypatch.setattr(Device, "memory", lambda self: (10**12, 10**12))
    monkeypatch.setattr(host_memory, "free_and_total", lambda: (4 * 10**8, 10**9))
    grid = common_grid(case)
    assert 2e6 < grid.cells < 3e6
    with pytest.raises(WarpError, match=r"0\.4 GB are free on the host of the GPU"):
        refuse_too_large(case, grid, Device("cuda:0"))


def test_a_large_solve_is_that_of_a_small_one(tmp_path):
    """Its forces stay on the host, r and p are float32, and repeated rows are stored once."""
    (tmp_path / "case.toml").write_text(CASE)
    code = """
import numpy as np, warp
from cupy.account import COUNTS
from warp.solvers import krylov
from warp.solvers.elastic import balance
from warp.solvers.elastic.multigrid import rows
fine = {"grid.refine": "2"}
small = warp.solve(warp.load("case.toml", fine), "cuda")
copied = COUNTS["to_device"]["bytes"]
krylov.LARGE = krylov.KEPT = balance.LARGE = 0
balance.bytes_needed = lambda *lines, double: 10**15  # none fits
rows.FEWEST, rows.FEWER = 1, 1.0
large = warp.solve(warp.load("case.toml", fine), "cuda")
solvers = [found.provenance["solver"]["elastic"] for found in (small, large)]
assert abs(solvers[1]["iterations"] - solvers[0]["iterations"]) <= 2, solvers
assert solvers[1]["residual"] <= 1e-8
assert COUNTS["launches"]["row_differs"] > 0
assert COUNTS["to_device"]["bytes"] - copied > copied  # b once for each residual
u, v = (found.fields["displacement"] for found in (small, large))
print(abs(u - v).max() / abs(u).max() < 1e-5)
"""
    env = {**os.environ, "PYTHONPATH": str(STANDIN)}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def test_a_gpu_that_is_too_old_is_named(tmp_path):
    (tmp_path / "case.toml").write_text(CASE)
    done = run(tmp_path, "run", "case.toml", "--device", "cuda", STANDIN_CAPABILITY="6.1")
    assert done.returncode == 2
    assert "stand-in without a GPU has compute capability 6.1, and 7.0 is needed" in done.stderr


def test_what_a_gpu_refuses_the_stand_in_refuses():
    """NumPy operands, implicit copies to the host, an array made while a stream captures."""
    code = """
import numpy as np, cupy
a = cupy.zeros(3)
for wrong in (
    lambda: a + np.ones(3),
    lambda: np.asarray(a),
    lambda: a.__setitem__(slice(None), np.ones(3)),
    lambda: cupy.gradient(a),
    lambda: a.__setitem__(cupy.asarray([1, 1]), cupy.asarray([2.0, 3.0])),
):
    try:
        wrong()
    except (TypeError, ValueError, AttributeError, RuntimeError) as error:
        print(type(error).__name__)
stream = cupy.cuda.Stream(non_blocking=True)
stream.begin_capture()
for wrong in (lambda: a + 1, lambda: cupy.zeros(2), lambda: a.get()):
    try:
        wrong()
    except RuntimeError as error:
        print("captures" if "Capture" in str(error) else error)
assert np.isnan(cupy.empty(2)._values).all()
"""
    env = {**os.environ, "PYTHONPATH": str(STANDIN)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    expected = ["TypeError", "TypeError", "ValueError", "AttributeError", "RuntimeError"]
    assert done.stdout.split() == [*expected, *["captures"] * 3], done.stderr


def test_a_kernel_that_leaves_its_arrays_ends_the_process():
    code = r"""
import cupy
source = '#define KERNEL extern "C" __global__ void\n' + (
    "KERNEL past(double *a, int n) { if (threadIdx.x == 0 && blockIdx.x == 0) a[n] = 1; }\n"
)
module = cupy.RawModule(code=source)
a = cupy.zeros(4)
import numpy as np
module.get_function("past")((1, 1, 1), (1, 1, 1), (a, np.int32(3)))
print(float(a[3]), flush=True)
module.get_function("past")((1, 1, 1), (1, 1, 1), (a, np.int32(4)))
"""
    env = {**os.environ, "PYTHONPATH": str(STANDIN)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout == "1.0\n" and done.returncode < 0, done.stderr


@pytest.mark.slow
def test_the_tests_of_a_gpu_pass_on_the_stand_in():
    words = "-m", "pytest", "-q", "-m", "gpu and not slow", "-p", "no:cacheprovider"
    env = {**os.environ, "PYTHONPATH": str(STANDIN)}
    folders = [Path(__file__).parents[1] / name for name in ("kernels", "solvers")]
    command = [sys.executable, *words, *map(str, folders)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    counts = json.dumps(done.stdout.splitlines()[-1:])
    assert "passed" in counts and "skipped" not in counts, done.stdout[-1500:]
