"""Kill commands at random moments: every output is absent or whole, and the next command mends all.

    python tests/reliability/kills.py 1000 --seed 1

A trial takes one command (run, resume, sweep, plot, report, export, compare, check, decks), with or
without older outputs in the folder, and kills its whole process group (SIGKILL) once or twice. Half
of the commands are new processes, killed from their first import on; half are forked with all
imports made, so that kills fall into their work. After each kill every file is one of the inputs,
an output that is older or whole, or a temporary file. Then the command is given again: it must
end well, its outputs must be those of an undisturbed command, bit for bit, and no other file may
be left, nor anything in the folder for temporary files.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import campaign
from campaign import Ended, Trial

from warp.results import file as results
from warp.results import hdf5

CASE = """\
title = "four steps"
symmetry = "quarter"
[part.substrate]
size = "12 mm"
thickness = "0.8 mm"
material = "fr4"
[part.chip]
on = "substrate"
size = "6 mm"
thickness = "0.4 mm"
material = "silicon"
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
parts = ["chip"]
temperature = "217 degC"
[[step]]
do = "cool"
temperature = "165 degC"
[[step]]
do = "cool"
temperature = "25 degC"
[[step]]
do = "heat"
profile = [["0 s", "25 degC"], ["90 s", "150 degC"], ["250 s", "25 degC"]]
every = "60 K"
"""
LAYOUT = """\
layers = [
    { thickness = "20 um", copper = { file = "copper.gds", layer = 1, pixel = "0.5 mm" } },
    { thickness = "780 um" },
]
"""
ONE = CASE.partition("[[step]]")[0].replace('thickness = "0.8 mm"\n', LAYOUT, 1)
VARY = ("--vary", "part.chip.thickness=0.3 mm, 0.4 mm, 0.5 mm", "--workers", "2")


@dataclass(frozen=True)
class Verb:
    """A command: its words, its inputs, and how often it is tried."""

    words: tuple[str, ...]
    inputs: tuple[str, ...]
    weight: int = 1
    again: tuple[str, ...] = ()
    """Words that the command takes besides when it is given again."""


VERBS = {
    "run": Verb(("run", "steps.toml", "-o", "r.h5"), ("steps.toml",), 6),
    "resume": Verb(("run", "steps.toml", "-o", "r.h5"), ("steps.toml",), 8, ("--resume",)),
    "run-one": Verb(("run", "one.toml", "-o", "r.h5"), ("one.toml", "copper.gds"), 4),
    "sweep": Verb(("sweep", "plain.toml", *VARY, "-o", "s"), ("plain.toml",), 3),
    "plot": Verb(("plot", "in.h5", "-o", "plots"), ("in.h5",), 2),
    "report": Verb(("report", "in.h5", "-o", "page.html"), ("in.h5",), 4),
    "export": Verb(("export", "in.h5", "--vtr", "--csv", "-o", "e"), ("in.h5",), 6),
    "compare": Verb(("compare", "in.h5", "other.h5", "-o", "c.png"), ("in.h5", "other.h5"), 2),
    "check": Verb(("check", "one.toml", "--picture", "k.png"), ("one.toml", "copper.gds"), 2),
    "decks": Verb(("export", "plain.toml", "--calculix", "-o", "d"), ("plain.toml",), 2),
}


@cache
def sources() -> dict[str, bytes]:
    """The files that commands read, made once."""
    import gdstk

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "steps.toml").write_text(CASE)
        (folder / "one.toml").write_text(ONE)
        (folder / "plain.toml").write_text(CASE.partition("[[step]]")[0])
        library = gdstk.Library()
        library.new_cell("TOP").add(gdstk.rectangle((-3000, -3000), (3000, 3000), layer=1))
        library.write_gds(folder / "copper.gds", timestamp=None)
        for output, more in (("in.h5", ()), ("other.h5", ("--set", "part.chip.thickness=0.3 mm"))):
            ended = campaign.warp(["run", "steps.toml", "-o", output, *more], folder)
            assert ended.code == 0, ended.err
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@cache
def undisturbed(name: str) -> tuple[dict[str, bytes], float]:
    """The outputs of a command that nobody disturbs, and how long it takes."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "f"
        folder.mkdir()
        put(folder, inputs(name))
        ended = campaign.warp(VERBS[name].words, folder)
        assert ended.code == 0, ended.err
        found = {file: path.read_bytes() for file, path in campaign.files(folder).items()}
        return {f: content for f, content in found.items() if f not in inputs(name)}, ended.seconds


def inputs(name: str) -> dict[str, bytes]:
    """The files that a command reads."""
    return {file: sources()[file] for file in VERBS[name].inputs}


def prepare() -> None:
    """Make once what every trial needs."""
    for name in VERBS:
        undisturbed(name)


def put(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@cache
def content(data: bytes) -> str:
    """Digest what a result or a sweep's table says, its times of running apart."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "r.h5"
        path.write_bytes(data)
        result = results.read(path)
        whole = hashlib.sha256()
        for name in sorted(result.fields):
            whole.update(name.encode() + result.fields[name][()].tobytes())
        for name in sorted(result.shapes):
            whole.update(name.encode() + result.shapes[name][()].tobytes())
        whole.update(result.ids.tobytes())
        whole.update(json.dumps(result.metrics, sort_keys=True).encode())
        whole.update(repr({n: r.tolist() for n, r in result.residuals.items()}).encode())
        return whole.hexdigest()


def is_right(name: str, data: bytes, right: bytes) -> bool:
    """Tell whether an output is that of an undisturbed command."""
    if data == right:
        return True
    try:
        if name.endswith(".h5"):
            return content(data) == content(right)
        if name.endswith("sweep.csv"):
            return _without_times(data) == _without_times(right)
        if name.endswith(".parquet"):
            return _columns(data) == _columns(right)
        if "points/" in name:
            ours, theirs = (json.loads(text) for text in (data, right))
            return all(ours[key] == theirs[key] for key in ("overrides", "status", "numbers"))
        if name.endswith(".inp"):  # the command that made a deck stands in it
            return _deck(data) == _deck(right)
    except Exception:
        return False
    return False


def _deck(data: bytes) -> list[bytes]:
    return [line for line in data.splitlines() if not line.startswith(b"**")]


def _without_times(data: bytes) -> list[list[str]]:
    rows = [line.split(",") for line in data.decode().splitlines()]
    at = rows[0].index("seconds")
    return [row[:at] + row[at + 1 :] for row in rows]


def _columns(data: bytes) -> dict[str, list[object]]:
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(data)).to_pydict()
    return {name: values for name, values in table.items() if name != "seconds"}


def is_whole_checkpoint(path: Path) -> bool:
    """Tell whether a checkpoint can be read with all digests."""
    try:
        with hdf5.reading(path) as file:
            for name in hdf5.datasets(file, "/"):
                hdf5.checked(file[name])
    except Exception:
        return False
    return True


def after_a_kill(trial: Trial, folder: Path, name: str, older: dict[str, bytes]) -> None:
    """Complain about files that are neither older, whole nor temporary."""
    right, _ = undisturbed(name)
    mine = inputs(name)
    for file, path in campaign.files(folder).items():
        data = path.read_bytes()
        if file.endswith(".tmp"):
            trial.outcomes["temporary files seen"] += 1
        elif file in mine:
            trial.expect(data == mine[file], f"{name}: its input {file} has changed")
        elif file == "r.checkpoint.h5":
            trial.outcomes["checkpoints seen"] += 1
            trial.expect(is_whole_checkpoint(path), f"{name}: half a checkpoint")
        elif trial.expect(file in right, f"{name}: an unknown file {file}"):
            known = data == older.get(file) or is_right(file, data, right[file])
            trial.expect(known, f"{name}: {file} is neither old nor whole ({len(data)} bytes)")
    for file in older:
        trial.expect((folder / file).exists(), f"{name}: the older {file} is gone")


def as_a_process(words: list[str], folder: Path, moment: float) -> Ended:
    """Run the command as a process of its own and kill its group after `moment` seconds."""
    environment = os.environ | {"TMPDIR": str(campaign.temporary_folder(folder))}
    with tempfile.TemporaryFile("w+") as err:
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "warp.cli.main", *words],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=err, env=environment,
            start_new_session=True,
        )  # fmt: skip
        code = campaign.wait(process.pid, begun, [(moment, signal.SIGKILL)], 600.0)
        process.returncode = code
        err.seek(0)
        return Ended(code, "", err.read(), time.monotonic() - begun)


IMPORTS = 0.5  # s that a new process takes before its work begins


def attempt(trial: Trial) -> None:
    """Kill one command once or twice, then let it end."""
    chance = trial.random
    name = chance.choices(list(VERBS), [verb.weight for verb in VERBS.values()])[0]
    verb = VERBS[name]
    folder = trial.folder / "f"
    folder.mkdir()
    put(folder, inputs(name))
    right, length = undisturbed(name)
    older = {}
    if chance.random() < 0.5 and name not in ("sweep",):
        older = {file: data if file.endswith(".h5") else b"old" for file, data in right.items()}
        put(folder, older)
    kills = chance.choice((1, 1, 2))
    for kill in range(kills):
        words = [*verb.words, *(verb.again if kill or name == "resume" else ())]
        if chance.random() < 0.3:
            ended = as_a_process(words, folder, chance.uniform(0.0, 1.05 * (length + IMPORTS)))
        else:
            moment = chance.uniform(0.0, 1.05 * length)
            ended = campaign.warp(words, folder, signals=[(moment, signal.SIGKILL)])
        trial.outcomes["killed" if ended.code == -signal.SIGKILL else "ended before"] += 1
        trial.outcomes[f"of {name}"] += 1
        trial.expect(not ended.traceback, f"{name}: killed, and says {ended.traceback}")
        after_a_kill(trial, folder, name, older)
    ended = campaign.warp([*verb.words, *verb.again], folder)
    trial.expect(ended.code == 0, f"{name}: given again, exit {ended.code}: {ended.err[-800:]}")
    trial.outcomes["resumed"] += "resumed: " in ended.err
    found = campaign.files(folder)
    wanted = set(right) | set(verb.inputs)
    trial.expect(set(found) == wanted, f"{name}: left {sorted(set(found) ^ wanted)}")
    for file in right.keys() & found.keys():
        same = is_right(file, found[file].read_bytes(), right[file])
        trial.expect(same, f"{name}: given again, {file} differs")
    place = campaign.temporary_folder(folder)
    trial.expect(not list(place.iterdir()), f"{name}: left {sorted(place.iterdir())}")
    shutil.rmtree(place)


if __name__ == "__main__":
    campaign.preload()
    prepare()
    sys.exit(campaign.main(attempt, __doc__.splitlines()[0], 1000))
