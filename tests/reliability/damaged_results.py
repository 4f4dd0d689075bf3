"""Damage result files by the thousand and give them to every verb that reads one.

    python tests/reliability/damaged_results.py 10000 --seed 1

Two results, of a process and of a heated package, are changed byte by byte (bits flipped, stretches
zeroed, overwritten, cut out, exchanged) or as HDF5 (types, shapes, names, attributes, links,
numbers, tables in JSON). A command must end with exit code 0 or 2, in 10 s of processor time and
4 GB, with one line on stderr where it fails. Where it ends well, all that it prints and writes must
be what it makes of the undamaged file, byte for byte. Half of the changes as HDF5 are forged: their
digests are made anew, so that the numbers may be others, but no number may be NaN.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import campaign
import h5py
import kills
import numpy as np
from campaign import Ended, Trial

from warp.results import hdf5

HEATED = """\
title = "chip on board"
[part.board]
size = "12 mm"
thickness = "1 mm"
material = "fr4"
[part.chip]
on = "board"
size = ["6 mm", "5 mm"]
thickness = "0.5 mm"
material = "silicon"
power = "2 W"
[boundary.air]
face = "chip.top"
film = "1000 W/(m^2 K)"
ambient = "25 degC"
[load]
stress_free = "165 degC"
[grid]
cells_per_layer = 2
spacing = "3 mm"
edge_spacing = "3 mm"
[output]
fields = ["temperature", "displacement", "stress"]
"""
PROCESS = HEATED.partition("[boundary.air]")[0].replace('power = "2 W"\n', "")
PROCESS += """\
[load]
stress_free = "165 degC"
[grid]
cells_per_layer = 2
spacing = "3 mm"
edge_spacing = "3 mm"
[output]
fields = ["displacement", "stress"]
surfaces = ["board.bottom", "chip.top"]
[[step]]
do = "attach"
parts = ["chip"]
temperature = "165 degC"
[[step]]
do = "cool"
temperature = "25 degC"
"""
SCAN = "x,y,z\n" + "\n".join(
    f"{x},{y},{0.1 * (x * x + 2 * y * y):.4f}" for x in range(-5, 6) for y in range(-5, 6)
)
VERBS = {
    "summary": (("summary", "in.h5"), 20),
    "summary --json": (("summary", "in.h5", "--json"), 20),
    "export": (("export", "in.h5", "--vtr", "--csv", "-o", "e"), 25),
    "compare": (("compare", "in.h5", "good.h5", "--json", "-o", "c.png"), 3),
    "compare with a scan": (("compare", "in.h5", "scan.csv", "-o", "c.png"), 3),
    "report": (("report", "in.h5", "-o", "page.html"), 3),
    "plot": (("plot", "in.h5", "-o", "plots"), 1),
}
SECONDS, WALL = 10, 90.0
BYTES = 4_000_000_000
NAN = re.compile(r"(?<![\w.#/])[-+]?(nan|inf|infinity)(?![\w.])", re.IGNORECASE)
COMMON = {"libver": ("v110", "v110")}


@cache
def bases() -> tuple[bytes, ...]:
    """The two results that are damaged."""
    with tempfile.TemporaryDirectory() as name:
        for case, text in (("a", PROCESS), ("b", HEATED)):
            (Path(name) / f"{case}.toml").write_text(text)
            ended = campaign.warp(["run", f"{case}.toml", "-o", f"{case}.h5"], Path(name))
            assert ended.code == 0, ended.err
        return (Path(name) / "a.h5").read_bytes(), (Path(name) / "b.h5").read_bytes()


@cache
def right(base: int, verb: str) -> str:
    """What a verb prints and writes about an undamaged result."""
    with tempfile.TemporaryDirectory() as name:
        ended, made = answer(Path(name), bases()[base], base, verb)
        assert ended.code == 0, ended.err
        return made


def answer(folder: Path, data: bytes, base: int, verb: str) -> tuple[Ended, str]:
    """Give a result to a verb; return how it ends, and a digest of what it printed and wrote."""
    inputs = {"in.h5": data, "good.h5": bases()[base], "scan.csv": SCAN.encode()}
    kills.put(folder, inputs)
    ended = campaign.warp(VERBS[verb][0], folder, patience=WALL, prepare=limited)
    whole = hashlib.sha256(ended.out.encode())
    for name, path in campaign.files(folder).items():
        if name not in inputs:
            whole.update(name.encode() + path.read_bytes())
    return ended, whole.hexdigest()


def limited() -> None:
    """Bound the processor time and the memory of a command."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS + int(resource.getrusage(0).ru_utime), -1))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


# Changes of bytes.


def flip(data: bytearray, chance: random.Random) -> None:
    data[place(data, chance)] ^= 1 << chance.randrange(8)


def overwrite(data: bytearray, chance: random.Random) -> None:
    at = place(data, chance)
    data[at : at + 16] = chance.randbytes(len(data[at : at + 16]))


def zero(data: bytearray, chance: random.Random) -> None:
    at, length = place(data, chance), chance.choice((1, 8, 64, 512, 4096))
    data[at : at + length] = bytes(len(data[at : at + length]))


def cut(data: bytearray, chance: random.Random) -> None:
    del data[place(data, chance) :]


def take_out(data: bytearray, chance: random.Random) -> None:
    at = place(data, chance)
    del data[at : at + chance.choice((1, 8, 512))]


def put_in(data: bytearray, chance: random.Random) -> None:
    at = place(data, chance)
    data[at:at] = chance.randbytes(chance.choice((1, 8, 512)))


def exchange(data: bytearray, chance: random.Random) -> None:
    a, b, length = place(data, chance), place(data, chance), chance.choice((8, 64, 512))
    a, b = min(a, len(data) - length), min(b, len(data) - length)
    data[a : a + length], data[b : b + length] = data[b : b + length], data[a : a + length]


def place(data: bytearray, chance: random.Random) -> int:
    """Half of the places are in the first kilobytes, where HDF5 keeps much of its metadata."""
    return chance.randrange(min(len(data), 6000) if chance.random() < 0.5 else len(data))


BYTE_CHANGES = (flip, flip, overwrite, zero, zero, cut, take_out, put_in, exchange)


# Changes as HDF5.


def datasets(file: h5py.File) -> list[str]:
    return [name for name in hdf5.datasets(file, "/") if not name.startswith("VTKHDF")]


def replace_by(file: h5py.File, name: str, data: Any, **options: Any) -> None:
    """Put other numbers in place of a dataset, its attributes kept."""
    kept = dict(file[name].attrs)
    del file[name]
    made = file.create_dataset(name, data=data, **options)
    for key, value in kept.items():
        made.attrs[key] = value


def another_type(file: h5py.File, chance: random.Random) -> None:
    name = chance.choice(datasets(file))
    data, kind = (
        file[name][()],
        chance.choice(("f4", "f8", "i1", "u2", "i8", "S1", "c16", "V8", "?")),
    )
    replace_by(file, name, np.zeros(data.shape, kind) if kind == "V8" else data.astype(kind))


def another_shape(file: h5py.File, chance: random.Random) -> None:
    name = chance.choice(datasets(file))
    data = file[name][()]
    how = chance.randrange(6)
    if how == 0:
        data = data.T
    elif how == 1:
        data = data[:-1]
    elif how == 2:
        data = np.concatenate((data, data[-1:]))
    elif how == 3:
        data = data.reshape(-1)
    elif how == 4:
        data = data[:0]
    else:
        data = data[None]
    replace_by(file, name, data)


def other_numbers(file: h5py.File, chance: random.Random) -> None:
    name = chance.choice(datasets(file))
    data = file[name][()]
    flat = data.reshape(-1)
    if not flat.size:
        return
    at = chance.randrange(flat.size)
    if data.dtype.kind == "f":
        flat[at] = chance.choice((0.0, np.nan, np.inf, 1e300, -flat[at], 2 * flat[at], 1e-300))
    else:
        flat[at] = chance.randrange(200)
    replace_by(file, name, data, chunks=data.shape, fletcher32=True)


def another_name(file: h5py.File, chance: random.Random) -> None:
    name = chance.choice(datasets(file))
    file.move(
        name, chance.choice((name + "x", "x" + name, "steps/9/board.bottom/w", "fields/heat"))
    )


def exchanged_names(file: h5py.File, chance: random.Random) -> None:
    one, other = chance.choice(datasets(file)), chance.choice(datasets(file))
    if one != other:
        file.move(one, "between")
        file.move(other, one)
        file.move("between", other)


def left_out(file: h5py.File, chance: random.Random) -> None:
    names = [*datasets(file), "fields", "grid", "media", "provenance", "steps", "VTKHDF", "cells"]
    name = chance.choice([name for name in names if name in file])
    del file[name]


def attribute(file: h5py.File, chance: random.Random) -> None:
    item = chance.choice([file, file["grid"], *(file[name] for name in datasets(file))])
    values = (
        0,
        1,
        -1,
        2**40,
        0.5,
        "x",
        b"\xff",
        [1, 0],
        [[1, 2]],
        np.nan,
        "warpage",
        [1, 1],
        [9, 9],
    )
    key = chance.choice([*item.attrs, "new"])
    item.attrs[key] = chance.choice(values)


def attribute_left_out(file: h5py.File, chance: random.Random) -> None:
    item = chance.choice([file, file["grid"], *(file[name] for name in datasets(file))])
    if len(item.attrs):
        del item.attrs[chance.choice(list(item.attrs))]


def link(file: h5py.File, chance: random.Random) -> None:
    name = chance.choice(datasets(file))
    target = chance.choice([file[other] for other in datasets(file)] + [file["grid"], file])
    del file[name]
    file[name] = chance.choice(
        (target, h5py.SoftLink("/nowhere"), h5py.SoftLink(f"/{name}"),
         h5py.ExternalLink("good.h5", f"/{name}"), h5py.ExternalLink("/etc/passwd", "/"))
    )  # fmt: skip


def a_group_in_its_place(file: h5py.File, chance: random.Random) -> None:
    name = chance.choice(datasets(file))
    del file[name]
    file.create_group(name)


def other_packing(file: h5py.File, chance: random.Random) -> None:
    name = chance.choice(datasets(file))
    options = chance.choice(
        ({"compression": "lzf"}, {"compression": "gzip"}, {"shuffle": True}, {"scaleoffset": 3},
         {"maxshape": None}, {})
    )  # fmt: skip
    data = file[name][()]
    if "scaleoffset" in options and data.dtype.kind == "f":
        options = {}
    if "maxshape" in options:
        options = {"maxshape": (None,) * data.ndim, "chunks": (7,) * data.ndim}
    replace_by(file, name, data, **options)


def table(file: h5py.File, chance: random.Random) -> None:
    """Change something in a table of JSON."""
    name = chance.choice([n for n in ("metrics", "provenance/info", "parts", "media/material")])
    value = json.loads(bytes(file[name][()]))
    where: list[tuple[Any, Any]] = []

    def visit(node: Any) -> None:
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for key, below in pairs:
            where.append((node, key))
            if isinstance(below, dict | list):
                visit(below)

    visit(value)
    node, key = chance.choice(where)
    how = chance.randrange(3)
    if how == 0:
        del node[key]
    elif how == 1 and isinstance(node, dict):
        node[chance.choice(("x", "\u202e", "[/]", "surfaces", "9", "a" * 3000))] = node.pop(key)
    else:
        node[key] = chance.choice(
            (None, True, -1, 0, 1e308, 10**400, "", "x", "\x1b[2J", [], {}, [1], {"a": 1}, [[[]]],
             "<script>", "../../x", "\ud800", float("nan"), float("inf"), "=1+1", {"": {}})
        )  # fmt: skip
    text = json.dumps(value)
    if chance.random() < 0.1:
        huge = text.replace(": ", ': 1e999, "x": ', 1)
        texts = ("[" * 100_000, text[:-5], "1e999", huge, "{}", "[]", "null", "9" * 5000)
        text = chance.choice(texts)
    replace_by(file, name, np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8))


CASES = (
    *("title = 5", "", "title = '[/]'", "\x00", 'title = "\\u001b[2J"', "[" * 9999),
    *("title = '$x$ <b>'", "\xff"),
)


def the_case(file: h5py.File, chance: random.Random) -> None:
    text = chance.choice(CASES)
    replace_by(file, "case", np.frombuffer((text or "\n").encode("latin-1"), np.uint8))


HDF5_CHANGES = (
    another_type, another_shape, other_numbers, other_numbers, another_name, exchanged_names,
    left_out, attribute, attribute_left_out, link, a_group_in_its_place, other_packing, table,
    table, table, the_case,
)  # fmt: skip


def forge(file: h5py.File) -> None:
    """Make all digests anew, as a program would that knows them."""
    for name in datasets(file):
        item = file[name]
        if hdf5.DIGEST in item.attrs:
            lead = np.ndim(item.attrs[hdf5.DIGEST]) - 1
            data = np.asarray(item[()])
            if 0 < lead < data.ndim:
                layers = data.reshape(-1, *data.shape[lead:])
                digests = np.array([hdf5._digest(layer) for layer in layers])
                item.attrs[hdf5.DIGEST] = digests.reshape(*data.shape[:lead], -1)
            else:
                item.attrs[hdf5.DIGEST] = hdf5._digest(data)
    hdf5.seal(file)


def damaged(base: bytes, chance: random.Random, folder: Path) -> tuple[bytes, str, bool]:
    """Return a changed result, what was changed, and whether its digests were made anew."""
    data = bytearray(base)
    if chance.random() < 0.55:
        change: Callable[..., None] = chance.choice(BYTE_CHANGES)
        for _ in range(chance.choice((1, 1, 1, 3))):
            if data:
                change(data, chance)
        return bytes(data), change.__name__, False
    path, change, forged = folder / "changed.h5", chance.choice(HDF5_CHANGES), chance.random() < 0.5
    path.write_bytes(data)
    try:
        with h5py.File(path, "r+", **COMMON) as file:
            change(file, chance)
            if forged:
                forge(file)
    except (TypeError, ValueError, KeyError, OSError, RuntimeError) as error:
        shutil.copy(path, folder / "x")  # a change that HDF5 does not make
        return base, f"none ({type(error).__name__})", False
    return path.read_bytes(), change.__name__, forged


def attempt(trial: Trial) -> None:
    """Damage a result and give it to one verb."""
    chance = trial.random
    base = chance.randrange(2)
    verb = chance.choices(list(VERBS), [weight for _, weight in VERBS.values()])[0]
    data, change, forged = damaged(bases()[base], chance, trial.folder)
    place = trial.folder / "f"
    place.mkdir()
    ended, made = answer(place, data, base, verb)
    said = (
        f"{verb}, {change}{', forged' if forged else ''}, exit {ended.code}, {ended.seconds:.0f} s"
    )
    said += f": {ended.err[-1200:]!r}"
    if not trial.expect(ended.code in (0, 2), said):
        return
    if ended.code == 2:
        trial.outcomes["refused"] += 1
        trial.expect(ended.one_line and ended.err.startswith("error: "), said)
        trial.expect(len(ended.err) < 700 and "as much memory" not in ended.err, said)
        unprintable = not ended.err.strip("\n").isprintable()
        trial.expect(not unprintable, f"{said}: not printable")
        return
    same = made == right(base, verb)
    trial.outcomes["forged and read" if forged else "harmless" if same else "wrong"] += 1
    trial.expect(same or forged, f"{said}: other numbers are accepted")
    trial.expect(not ended.err, said)
    if forged and not same:
        found = NAN.search(ended.out)
        trial.expect(
            not found, f"{said}: {ended.out[max(0, found.start() - 80) :][:160] if found else ''!r}"
        )


def prepare() -> None:
    """Make once what every trial needs."""
    for base in range(len(bases())):
        for verb in VERBS:
            right(base, verb)


if __name__ == "__main__":
    campaign.preload()
    prepare()
    sys.exit(campaign.main(attempt, __doc__.splitlines()[0], 10_000))
