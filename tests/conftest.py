"""Fixtures and marks that every test may use."""

import os
import signal
import sys
from functools import partial

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # read when NumPy is first imported; see warp/cli/main.py

import numpy as np
import pytest
from oncpu import OnCpu, compare, compiler

from warp.cli import main as cli
from warp.machine import device


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked `gpu` where there is none; a weekly test must be slow too."""
    for item in items:
        if item.get_closest_marker("weekly") and not item.get_closest_marker("slow"):
            raise pytest.UsageError(f"{item.nodeid} is marked weekly: mark it slow too")
    marked = [item for item in items if item.get_closest_marker("gpu")]
    reason = device._cuda_problem(0) if marked else ""
    for item in marked if reason else []:
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def cpu() -> device.Device:
    """The CPU with every core."""
    return device.select("cpu")


@pytest.fixture
def warp(monkeypatch, capsys):
    """Run the command in this process: exit code, stdout, stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["warp", *map(str, words)])
        on_interrupt = signal.getsignal(signal.SIGINT)
        with pytest.raises(SystemExit) as stop:
            cli.main()
        signal.signal(signal.SIGINT, on_interrupt)
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


@pytest.fixture
def gpu() -> device.Device:
    """The first GPU; mark the test `gpu`."""
    return device.select("cuda")


@pytest.fixture
def oncpu():
    """CUDA sources on the CPU: `oncpu("heat", np.float32).launch("heat_apply", (nx, ny, 1),
    *args)`, in place.
    """
    if compiler() is None:
        pytest.skip("no C++ compiler (g++) found")
    return OnCpu


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def real(request: pytest.FixtureRequest) -> type:
    """Both precisions."""
    return request.param


@pytest.fixture(params=["oncpu", pytest.param("gpu", marks=pytest.mark.gpu)])
def assert_twins_agree(request: pytest.FixtureRequest):
    """Run both forms of a kernel and compare them.

    `assert_twins_agree("heat", "heat_apply", (nx, ny, 1), *args, real=np.float32)`
    """
    if request.param == "oncpu" and compiler() is None:
        pytest.skip("no C++ compiler (g++) found")
    return partial(compare, gpu=device.select("cuda")) if request.param == "gpu" else compare
