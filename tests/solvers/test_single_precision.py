"""Iterations in float32 with residuals in float64, as on a GPU whose float64 is slow."""

from collections import Counter

import numpy as np
import pytest

import warp
from warp.case import case as cases
from warp.errors import WarpError
from warp.machine import cache, device
from warp.solvers import krylov

PACKAGES = cache.kernels().parent / "data" / "packages"
COARSE = {"grid.refine": "0.4"}
QUICK = ("flip-chip", "wafer-moulded", "panel-moulded", "wire-bond")
LONGER = ("fcbga-bare", "interposer", "stiffener-ring", "wafer")
LONGEST = ("fcbga-lid", "process-mould")


@pytest.fixture
def counted(monkeypatch):
    """Count solves, and the residuals that they compute in float64."""
    counts = Counter()
    for name in ("begin", "true_residual"):
        body = getattr(krylov._Record, name)

        def count(self, *args, name=name, body=body):
            counts[name] += 1
            return body(self, *args)

        monkeypatch.setattr(krylov._Record, name, count)
    return counts


@pytest.mark.parametrize(
    "name",
    [
        *QUICK,
        *(pytest.param(n, marks=pytest.mark.slow) for n in LONGER),
        *(pytest.param(n, marks=[pytest.mark.slow, pytest.mark.weekly]) for n in LONGEST),
    ],
)
def test_a_package_takes_hardly_more_iterations(name, counted):
    case = cases.load(PACKAGES / f"{name}.toml", COARSE)
    double = warp.solve(case, "cpu")
    counted.clear()
    single = warp.solve(case, "cpu/float32")
    solvers = double.provenance["solver"], single.provenance["solver"]
    for solver, found in solvers[0].items():
        assert solvers[1][solver]["iterations"] <= found["iterations"] + 3
        assert solvers[1][solver]["residual"] <= 1e-8
    assert counted["true_residual"] <= 6 * counted["begin"]
    for field, values in double.fields.items():
        most = np.abs(values).max()
        np.testing.assert_allclose(single.fields[field], values, rtol=0, atol=1e-5 * most)


def test_where_float32_gets_no_further_float64_goes_on(monkeypatch):
    monkeypatch.setattr(krylov, "UNSETTLED", 0)
    case = cases.load(PACKAGES / "flip-chip.toml", COARSE)
    solved = warp.solve(case, "cpu/float32").provenance["solver"]["elastic"]
    assert solved["residual"] <= 1e-8
    assert solved["iterations"] < 30


@pytest.mark.parametrize(("ratio", "real"), [(2, np.float64), (32, np.float32), (64, np.float32)])
def test_a_gpu_with_slow_float64_iterates_in_float32(ratio, real, monkeypatch):
    asked = []

    def attribute(number, index):
        asked.append((number, index))
        return ratio

    runtime = type("Runtime", (), {"deviceGetAttribute": staticmethod(attribute)})
    chosen = type("Device", (), {"__init__": lambda self, index: None, "use": lambda self: None})
    cuda = type("Cuda", (), {"runtime": runtime, "Device": chosen})
    monkeypatch.setattr(device, "_cuda_problem", lambda index: "")
    monkeypatch.setattr(device, "import_module", lambda name: type("CuPy", (), {"cuda": cuda}))
    assert device.select("cuda:1").real is real
    assert asked == [(device.RATIO, 1)]
    assert device.select("cuda/float64").real is np.float64
    assert device.select("cuda/float32").real is np.float32


def test_a_large_solve_iterates_in_float32_unless_told_otherwise(monkeypatch):
    monkeypatch.setattr(krylov, "LARGE", 0)
    monkeypatch.setattr(krylov, "KEPT", 0)
    case, used = cases.load(PACKAGES / "flip-chip.toml", COARSE), []
    record = krylov._Record._record
    monkeypatch.setattr(
        krylov._Record, "_record", lambda self, own: (used.append(own.double), record(self, own))
    )
    for name in "cpu", "cpu/float64":
        assert warp.solve(case, name).provenance["solver"]["elastic"]["residual"] <= 1e-8
    half = len(used) // 2
    assert half and used == [False] * half + [True] * half


def test_the_record_names_the_precision():
    assert "float32" not in device.select("cpu/float64").describe()
    single = device.select("cpu/float32")
    assert "iterations in float32" in single.describe()
    assert device.select(single.choice) == single
    with pytest.raises(WarpError, match="/float32 or /float64 may follow"):
        device.select("cpu/float16")
