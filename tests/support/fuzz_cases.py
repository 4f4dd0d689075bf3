"""Broken and odd case files by the thousand: each is solved, or refused in whole sentences; no
traceback, no hang.

    python tests/support/fuzz_cases.py 10000 --seed 1             all numbers 0 to 9999 of the seed
    python tests/support/fuzz_cases.py --seed 1 --only 4711       one of them, with its file

A file is a package of data/ with values, units, keys, types, tables and lines changed, or a stack
made up from nothing. It is loaded; what loads is gridded; what has few voxels is checked as `warp
check` does, and some of that is solved. Every refusal is a WarpError with one printable line a
complaint that names the file. Python's warnings count as failures, as do numbers that are none in a
report. Exit code 1 if anything fails; NUMBA_NUM_THREADS=1 makes it quiet.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fuzz_grammar import Seeds, case_file, overrides

from warp.case.case import CaseError, load
from warp.errors import WarpError
from warp.machine import device
from warp.run import check as checks
from warp.run import process
from warp.voxels.grid import make_grid

PATIENCE = 5.0  # s of processor time for a file that is not solved
WALL = 30.0  # s on the clock, in which a busy machine gives that much
SOLVING = 120.0
CHECKED, SOLVED = 20_000, 3_000  # voxels at most
MOMENTS = 8  # of a process, at most, to be solved
JARGON = re.compile(
    r"Traceback|Input should|pydantic|alidation error|Value "
    r"error|Assertion|NoneType|<class|<function| object at 0x"
    r"|np\.|numpy|array\(|float64|dtype|KeyError|IndexError|TypeError|<[a-z]+>|datetime\.|Decimal"
)
NO_NUMBER = re.compile(r"\b(nan|-?inf)\b", re.IGNORECASE)
LONGEST = 700  # letters of a complaint


class Hang(BaseException):
    """Not an Exception: no handler of the program may swallow it."""


@dataclass(frozen=True)
class Outcome:
    """`kind` is "solved", "checked", "gridded" or "refused"; else a failure, with what to look
    at.
    """

    kind: str
    detail: str = ""

    @property
    def failed(self) -> bool:
        return self.kind not in ("solved", "checked", "gridded", "refused")


def prepare(folder: Path) -> Seeds:
    """Fill the folder in which cases stand with pictures and maps, sound and broken; return what
    cases are made from.
    """
    seeds = Seeds()
    for picture in seeds.pictures:
        shutil.copy(picture, folder)
    sound = seeds.pictures[0].read_bytes()
    (folder / "cut.png").write_bytes(sound[: len(sound) // 2])
    (folder / "head.png").write_bytes(sound[:20])
    (folder / "flipped.png").write_bytes(
        sound[:60] + bytes(255 - b for b in sound[60:90]) + sound[90:]
    )
    for name, text in {
        "empty.csv": "",
        "words.csv": "a,b\nc,d\n",
        "ragged.csv": "1,2\n3\n",
        "nan.csv": "nan,1\n1,1\n",
        "negative.csv": "-1,2\n3,4\n",
        "large.csv": "1e308,1e308\n1e308,1e308\n",
        "zero.csv": "0,0\n0,0\n",
        "map.csv": "0.1,0.2\n0.3,0.4\n",
        "text.npy": "no array",
        "header.npy": "\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, ",
        "text.gds": "no layout",
        "text.gbr": "no layout",
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    saved = io.BytesIO()
    np.save(saved, np.full((2, 3), 0.5))
    good = saved.getvalue()
    shape = b"(2, 3)"
    for name, raw in {
        "good.npy": good,
        "cut.npy": good[:-9],
        "none.npy": b"",
        "large.npy": good.replace(
            shape + b", }" + b" " * 30, b"(999999999, 99999999), }" + b" " * 15
        ),
        "minus.npy": good.replace(shape, b"(-2,3)"),
        "object.npy": good.replace(b"<f8", b"|O8"),
        "kind.npy": good.replace(b"<f8", b"<q9"),
        "python.npy": good.replace(shape, b"(2, 3("),
        "zip.npy": b"PK\x03\x04" + good,
    }.items():
        (folder / name).write_bytes(raw)
    return seeds


def examine(text: bytes, folder: Path, rng: random.Random, every: int = 0) -> Outcome:
    """What becomes of a case file: how far it gets, or how it fails; one small one in `every` is
    solved, 0: none.
    """
    path = folder / "case.toml"
    path.write_bytes(text)
    said = text.decode("utf-8", "replace").lower()
    _alarm(PATIENCE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ResourceWarning)
            kind = _go(path, rng, every)
    except CaseError as error:
        wrong = _wrong_problems(error, path, said)
        kind, found = ("words", wrong) if wrong else ("refused", "")
    except WarpError as error:
        wrong = _wrong_words(str(error), said)
        kind, found = ("words", wrong) if wrong else ("refused", "")
    except Hang:
        kind, found = "hang", traceback.format_exc(limit=-6)
    except (Exception, RecursionError) as error:
        kind, found = type(error).__name__, traceback.format_exc(limit=-4)
    else:
        found = ""
    finally:
        _alarm(0.0)
    return Outcome(kind, found)


def _go(path: Path, rng: random.Random, every: int) -> str:
    case = load(path, overrides(rng))
    grid = make_grid(case.bodies(), case.grid, case.mirror)
    if grid.cells > CHECKED:
        return "gridded"
    report = checks.check(case, on="cpu")
    json.dumps(report.as_dict(), allow_nan=False)
    if not every or grid.cells > SOLVED or len(case.load_steps) > MOMENTS or rng.randrange(every):
        return "checked"
    _alarm(SOLVING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        result = process.solve(case, device.select("cpu"))
        json.dumps(result.summary(), allow_nan=False)
    return "solved"


def _wrong_problems(error: CaseError, path: Path, said: str) -> str:
    """What is wrong with the complaints themselves."""
    if not error.problems:
        return "no complaint at all"
    last = said.count("\n") + 1
    for problem in error.problems:
        line = str(problem)
        if not line.startswith(str(path)):
            return f"does not name the file: {line}"
        if problem.line is not None and not 1 <= problem.line <= last:
            return f"line {problem.line} of {last}: {line}"
        if not problem.message.strip():
            return f"says nothing: {line}"
        wrong = _wrong_words(line, said)
        if wrong:
            return wrong
    return ""


def _wrong_words(text: str, said: str) -> str:
    """What no user should read, unless he wrote it himself."""
    if not text.isprintable():
        return f"not one printable line: {text!r}"
    if len(text) > LONGEST:
        return f"{len(text)} letters: {text[:LONGEST]}"
    found = JARGON.search(text)
    if found and found[0].lower() not in said:
        return f"{found[0]!r} in: {text}"
    number = NO_NUMBER.search(text)
    if number and not re.search(r"nan|inf|e\d{3}|\d{300}", said):
        return f"{number[0]!r} in: {text}"
    return ""


def _alarm(seconds: float) -> None:
    """Raise Hang after so much processor time, or six times as much on the clock; 0 calls it
    off.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * WALL / PATIENCE)


def _ring(*_: object) -> None:
    raise Hang


def listen() -> None:
    """Let the alarms ring."""
    signal.signal(signal.SIGPROF, _ring)
    signal.signal(signal.SIGALRM, _ring)


def deaf() -> None:
    """Forget the alarms."""
    _alarm(0.0)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def trial(seed: int, number: int, seeds: Seeds, folder: Path, every: int) -> tuple[bytes, Outcome]:
    """The file of this number and what became of it; the same on every machine."""
    rng = random.Random(f"{seed}:{number}")
    text = case_file(rng, seeds)
    return text, examine(text, folder, rng, every)


def main(words: list[str]) -> int:
    """Try the files; 1 if one fails."""
    ask = argparse.ArgumentParser(description="Fuzzed case files through the program.")
    ask.add_argument("count", type=int, nargs="?", default=1000)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--start", type=int, default=0)
    ask.add_argument("--only", type=int, help="this number, with its file")
    ask.add_argument(
        "--solve", type=int, default=10, help="one small case in so many is solved, 0: none"
    )
    ask.add_argument("--most", type=int, default=30, help="failures that are shown")
    given = ask.parse_args(words)
    begun, shown = time.monotonic(), 0
    kinds: Counter[str] = Counter()
    listen()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds = prepare(folder)
        numbers = (
            [given.only]
            if given.only is not None
            else range(given.start, given.start + given.count)
        )
        for number in numbers:
            text, outcome = trial(given.seed, number, seeds, folder, given.solve)
            kinds["failed: " + outcome.kind if outcome.failed else outcome.kind] += 1
            if given.only is not None:
                print(text.decode("utf-8", "backslashreplace"))
            if given.only is not None or (outcome.failed and shown < given.most):
                shown += 1
                print(f"--- {number}: {outcome.kind}\n{outcome.detail[-3000:]}", flush=True)
            if number % 500 == 499:
                print(f"{number + 1}: {dict(kinds)}, {time.monotonic() - begun:.0f} s", flush=True)
    failed = sum(count for kind, count in kinds.items() if kind.startswith("failed"))
    print(
        f"seed {given.seed}: {len(numbers)} files, {failed} failures, {dict(kinds)}, "
        f"{time.monotonic() - begun:.0f} s"
    )
    return min(1, failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
