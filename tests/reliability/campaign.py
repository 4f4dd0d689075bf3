"""Run a campaign: many trials by number and seed, in forked processes, and what was wrong in each.

A trial is a function of a random generator and an empty folder; it returns complaints, none if all
was right. Trial N of a seed draws the same numbers wherever it runs.

    python tests/reliability/NAME.py COUNT --seed S            all trials
    python tests/reliability/NAME.py 1 --seed S --only N       one of them again
"""

from __future__ import annotations

import os

os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 10.0  # s that a command may take on damaged input
SHOWN = 20
TEMPORARY = ".tmp"


@dataclass
class Report:
    """Complaints of a campaign by trial, and how often each outcome occurred."""

    faults: list[tuple[int, str]] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative: the signal; None: it was ended here)."""

    code: int | None
    out: str
    err: str
    seconds: float

    @property
    def traceback(self) -> str:
        """The last line of a traceback on stderr, empty where there is none."""
        return self.err.strip().splitlines()[-1] if "Traceback" in self.err else ""

    @property
    def one_line(self) -> bool:
        """Tell whether stderr is one line, warnings apart."""
        lines = [line for line in self.err.splitlines() if not line.startswith("warning: ")]
        return len(lines) == 1


class Trial:
    """One trial: its random numbers, its empty folder, and what it finds."""

    def __init__(self, seed: int, number: int, folder: Path) -> None:
        self.number = number
        self.random = random.Random(f"{seed}:{number}")
        self.folder = folder
        self.complaints: list[str] = []
        self.outcomes: Counter[str] = Counter()

    def expect(self, holds: bool, complaint: str) -> bool:
        """Note a complaint unless something holds."""
        if not holds:
            self.complaints.append(complaint)
        return holds


def run(
    attempt: Callable[[Trial], None], count: int, seed: int, processes: int = 2, start: int = 0
) -> Report:
    """Make trials `start` to `start + count` in forked processes and gather what they found."""
    with tempfile.TemporaryDirectory(prefix="campaign-") as name:
        root = Path(name)
        children = [
            _fork(attempt, root / str(n), range(start + n, start + count, processes), seed)
            for n in range(min(processes, count))
        ]
        whole = Report()
        for n, child in enumerate(children):
            _, status = os.waitpid(child, 0)
            found = root / f"{n}.json"
            lines = found.read_text().splitlines() if found.exists() else []
            for number, complaints, outcomes in map(json.loads, lines):
                whole.faults += [(number, text) for text in complaints]
                whole.outcomes.update(outcomes)
            expected = len(range(start + n, start + count, processes))
            if status or len(lines) != expected:
                whole.faults.append(
                    (
                        -1,
                        f"a process of the campaign ended after {len(lines)} of "
                        f"{expected} trials, status {status}",
                    )
                )
    return whole


def _fork(attempt: Callable[[Trial], None], place: Path, numbers: Iterable[int], seed: int) -> int:
    """Make trials in a child process, each in an empty folder; it leaves a line for each."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with open(f"{place}.json", "w") as file:
            for number in numbers:
                place.mkdir(parents=True)
                trial = Trial(seed, number, place)
                try:
                    attempt(trial)
                except Exception:
                    trial.complaints.append(traceback.format_exc())
                file.write(json.dumps([number, trial.complaints, trial.outcomes]) + "\n")
                file.flush()
                shutil.rmtree(place)
        code = 0
    finally:
        os._exit(code)


def warp(
    words: Sequence[object],
    folder: Path,
    *,
    signals: Sequence[tuple[float, int]] = (),
    patience: float = 600.0,
    prepare: Callable[[], object] | None = None,
) -> Ended:
    """Run `warp WORDS` in a forked process, in a folder, without importing anything anew.

    signals: (seconds after the start, signal to its process group). patience: seconds after which
    it is ended and its exit code is None. prepare: called in the process before the command.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun = time.monotonic()
        child = os.fork()
        if not child:
            _command([str(word) for word in words], folder, out.fileno(), err.fileno(), prepare)
        code = wait(child, begun, signals, patience)
        seconds = time.monotonic() - begun
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read())
    return Ended(code, *texts, seconds)


def wait(
    child: int, begun: float, signals: Sequence[tuple[float, int]], patience: float
) -> int | None:
    """Wait for a process that leads its own group; send it signals; end it after `patience`."""
    due = sorted(signals)
    pause = 0.0005
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code: int | None = os.waitstatus_to_exitcode(status)
            break
        now = time.monotonic() - begun
        if due and now >= due[0][0]:
            to_group(child, due.pop(0)[1])
            continue
        if now > patience:
            to_group(child, signal.SIGKILL)
            os.waitpid(child, 0)
            code = None
            break
        pause = min(0.02, 1.3 * pause)
        time.sleep(min(pause, due[0][0] - now) if due else pause)
    to_group(child, signal.SIGKILL)  # whatever it left running
    return code


def to_group(child: int, number: int) -> None:
    """Send a signal to a process group, which may have ended."""
    try:
        os.killpg(child, number)
    except (ProcessLookupError, PermissionError):
        if number != signal.SIGKILL:  # the group does not exist yet
            os.kill(child, number)


def _command(
    words: list[str], folder: Path, out: int, err: int, prepare: Callable[[], object] | None
) -> None:
    """Become the command; never return."""
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        os.environ["TMPDIR"] = str(temporary_folder(folder))
        tempfile.tempdir = None
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = ["warp", *words]
        if prepare is not None:
            prepare()
        from warp.cli.main import main

        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def temporary_folder(folder: Path) -> Path:
    """The folder for temporary files of commands that run in `folder`."""
    place = folder.with_name(folder.name + "-temporary")
    place.mkdir(exist_ok=True)
    return place


def preload() -> None:
    """Import what the commands import, so that forked commands begin with their work."""
    import importlib

    for name in (
        "warp.cli.app",
        "warp.cli.tables",
        "warp.cli.failures",
        "warp.cli.streams",
        "warp.name_clash",
        "warp.machine.host_memory",
        "warp.case.case",
        "warp.run.to_file",
        "warp.run.sweep",
        "warp.run.sampling",
        "warp.report.figures",
        "warp.report.documents",
        "warp.report.export",
        "warp.report.compare",
        "warp.report.effect_figures",
        "warp.report.terminal",
        "warp.report.scan",
        "warp.run.check",
        "warp.verify.calculix",
        "warp.results.file",
        "matplotlib.backends.backend_agg",
        "matplotlib.figure",
        "matplotlib.image",
        "scipy.sparse",
        "scipy.spatial",
        "h5py",
        "pydantic",
        "typer",
    ):
        importlib.import_module(name)  # fmt: skip


def files(folder: Path) -> dict[str, Path]:
    """All files below a folder by their relative names."""
    return {str(p.relative_to(folder)): p for p in sorted(folder.rglob("*")) if p.is_file()}


def processor_time() -> float:
    """Seconds of processor time of this process and of those that it waited for."""
    own, waited = os.times()[:2], os.times()[2:4]
    return sum(own) + sum(waited)


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise Hang after so many seconds."""

    def ring(*_: object) -> None:
        raise Hang(f"took more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


class Hang(BaseException):
    """Not an Exception: no handler of the program may swallow it."""


def main(attempt: Callable[[Trial], None], what: str, count: int) -> int:
    """Read the command line, run the campaign and print its figures; 1 if anything is wrong."""
    ask = argparse.ArgumentParser(description=what)
    ask.add_argument("count", type=int, nargs="?", default=count)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--processes", type=int, default=2)
    ask.add_argument("--only", type=int, help="the number of one trial")
    given = ask.parse_args()
    begun = time.monotonic()
    preload()
    if given.only is None:
        report = run(attempt, given.count, given.seed, given.processes)
    else:
        report = run(attempt, 1, given.seed, 1, given.only)
    for number, text in report.faults[:SHOWN]:
        print(f"--- {number}: {text}")
    kinds = ", ".join(f"{name} {times:,}" for name, times in sorted(report.outcomes.items()))
    print(
        f"seed {given.seed}: {given.count:,} trials, {len(report.faults)} faults; {kinds}; "
        f"{time.monotonic() - begun:.0f} s"
    )
    return min(1, len(report.faults))
