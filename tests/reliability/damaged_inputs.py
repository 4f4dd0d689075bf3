"""Write case and layout files in many ways, damage them, and compare what is read with what is so.

    python tests/reliability/damaged_inputs.py 10000 --seed 1

A third of the files are sound and only written in another way (`spellings`): other units, formats
of numbers, separators, orders, packing. What is read must be what was drawn. The others are damaged
(bytes flipped, overwritten, zeroed, cut, taken out, put in, exchanged): each is refused in one line
that names the file, or read within 10 s; files with checksums must be refused or read as they were,
and a file that is cut off must be refused where its format marks the end. Case files are read back
by a second reader: every length that the program takes from a damaged file must be what TOML and
the unit say.
"""

from __future__ import annotations

import math
import random
import re
import sys
import tomllib
import traceback
from pathlib import Path
from typing import Any

import campaign
import damaged_results
import numpy as np
import spellings
from campaign import Hang, Trial
from spellings import Written

from warp.case.case import Case, load
from warp.errors import WarpError
from warp.report import scan

CASE = """\
[part.board]
size = ["10 mm", "8 mm"]
material = "fr4"
layers = [
    {{ thickness = "20 um", {key} = {{ file = "data", {words} }} }},
    {{ thickness = "780 um" }},
]
[load]
stress_free = "165 degC"
[grid]
uniform = true
spacing = "1 mm"
"""
POWERED = """\
[part.board]
size = ["10 mm", "8 mm"]
thickness = "1 mm"
material = "fr4"
power = { map = "data" }
[boundary.air]
face = "board.top"
film = "1000 W/(m^2 K)"
ambient = "25 degC"
[load]
stress_free = "165 degC"
"""
WHOLE = """\
title = "package"
symmetry = "none"
[part.substrate]
size = ["12 mm", "1.1 cm"]
thickness = "0.8 mm"
material = "fr4"
[part.chip]
on = "substrate"
size = "6000 um"
thickness = "0.4 mm"
material = "silicon"
power = "2.5 W"
[part.spreader]
on = "chip"
size = ["8 mm", "0.7 cm"]
thickness = "0.5 mm"
material = "copper"
[boundary.air]
face = "spreader.top"
film = "1000 W/(m^2 K)"
ambient = "25 degC"
[load]
stress_free = "165 degC"
temperature = "25 degC"
[grid]
refine = 0.4
"""
METRES = {"nm": 1e-9, "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "mm": 1e-3, "cm": 1e-2, "m": 1.0}
METRES |= {"mil": 25.4e-6, "inch": 25.4e-3, "in": 25.4e-3}
JARGON = re.compile(r"Traceback|<class|<function|object at 0x|dtype|NoneType|KeyError|IndexError")
LONGEST = 900


def read(kind: str, written: Written, folder: Path) -> np.ndarray:
    """What the program reads from the file `data` in a folder."""
    if kind == "scan":
        found = scan.read(folder / "data")
        if not isinstance(found, scan.Points):
            raise WarpError(f"{folder / 'data'} is a matrix")
        points = np.stack([found.x, found.y, found.z], axis=1)
        return points[np.lexsort(points.T[::-1])]
    if kind == "watts":
        (folder / "case.toml").write_text(POWERED)
        (source,) = load(folder / "case.toml").sources
        return np.asarray(source.watts)
    words = dict(written.words)
    if kind in ("gerber", "stream", "drill"):
        words["pixel"] = f"{spellings.PIXEL} mm"
    said = ", ".join(f"{key} = {value!r}".replace("'", '"') for key, value in words.items())
    text = CASE.format(
        key="vias" if kind == "drill" else "copper", words=said or "negative = false"
    )
    (folder / "case.toml").write_text(text)
    (image,) = load(folder / "case.toml").package.images.values()
    if kind == "drill":
        return np.array([[image.mean() * spellings.WIDTH * spellings.DEPTH]])
    return np.asarray(image)


def agrees(found: np.ndarray, right: np.ndarray, tolerance: float) -> bool:
    """Tell whether numbers are those that were written."""
    return found.shape == right.shape and bool(np.abs(found - right).max() <= tolerance)


def attempt(trial: Trial) -> None:
    """Read one file of one kind, sound or damaged."""
    chance = trial.random
    kinds = [*spellings.KINDS, "case"]
    kind = chance.choices(kinds, (3, 1, 2, 3, 3, 3, 3, 4))[0]
    if kind == "case":
        a_case(trial)
        return
    written = spellings.KINDS[kind](chance)
    content, change = written.content, "sound"
    if chance.random() > 0.33:
        data = bytearray(content)
        how = chance.choice(damaged_results.BYTE_CHANGES)
        for _ in range(chance.choice((1, 1, 2))):
            if data:
                how(data, chance)
        content, change = bytes(data), how.__name__
    if content == written.content:
        change = "sound"
    (trial.folder / "data").write_bytes(content)
    found, said = guarded(trial, f"{kind}, {change}", lambda: read(kind, written, trial.folder))
    if change == "sound":
        ok = found is not None and agrees(found, written.right, written.tolerance)
        trial.expect(
            ok, f"{kind}: other numbers than were written: {said} {difference(found, written)}"
        )
        trial.outcomes["as it was written"] += ok
        return
    if found is None:
        trial.outcomes["refused"] += 1
        trial.outcomes[f"refused {kind}"] += 1
        return
    same = agrees(found, written.right, written.tolerance)
    trial.outcomes["harmless" if same else "another file"] += 1
    trial.outcomes[f"read {kind}"] += 1
    trial.expect(bool(np.isfinite(found).all()), f"{kind}, {change}: numbers that are none")
    if written.checked:
        trial.expect(same, f"{kind}, {change}: damage that a checksum shows is read")
    elif change == "cut" and written.marked_end:
        trial.expect(same, f"{kind}: read although it is cut off at {len(content)}")


def difference(found: np.ndarray | None, written: Written) -> str:
    if found is None:
        return "(refused)"
    if found.shape != written.right.shape:
        return f"{found.shape} for {written.right.shape}"
    return f"differs by {np.abs(found - written.right).max():.3g}"


def guarded(trial: Trial, what: str, reading: Any) -> tuple[Any, str]:
    """Read under a watchdog; return what was read, None where it was refused, and the reason."""
    try:
        with campaign.alarm(60.0), np.errstate(all="ignore"):
            before = campaign.processor_time()
            found = reading()
        took = campaign.processor_time() - before
        trial.expect(took < campaign.PATIENCE, f"{what}: took {took:.1f} s")
        return found, ""
    except WarpError as error:
        text = str(error)
        lines = text.splitlines()
        sound = all(line.isprintable() and str(trial.folder) in line for line in lines)
        trial.expect(sound and lines != [] and len(text) < LONGEST, f"{what}: {text!r}")
        trial.expect(not JARGON.search(text), f"{what}: {text!r}")
        return None, text
    except Hang as hang:
        trial.expect(False, f"{what}: {hang}: {traceback.format_exc(limit=-5)}")
    except Exception:
        trial.expect(False, f"{what}: {traceback.format_exc(limit=-5)}")
    return None, "a fault"


def a_case(trial: Trial) -> None:
    """Damage a case file, or write its lengths in other units."""
    chance = trial.random
    text, change = WHOLE, "sound"
    if chance.random() < 0.4:
        text = QUANTITY.sub(lambda found: respelt(found, chance), text)
    else:
        data = bytearray(text.encode())
        how = chance.choice((*damaged_results.BYTE_CHANGES, *LINES))
        how(data, chance)
        text, change = data.decode("latin-1"), how.__name__
    path = trial.folder / "case.toml"
    path.write_bytes(text.encode("latin-1") if change != "sound" else text.encode())
    case, said = guarded(trial, f"case, {change}", lambda: load(path))
    if case is None:
        trial.outcomes["refused"] += 1
        trial.expect(change != "sound", f"case: refused: {said}")
        return
    trial.outcomes["as it was written" if change == "sound" else "another file"] += 1
    trial.expect(not (wrong := misread(case, path)), f"case, {change}: {wrong}")
    if change == "sound":
        chip = case.package.places["chip"]
        ok = math.isclose(chip.z1 - chip.z0, 0.4e-3, rel_tol=1e-9)
        trial.expect(ok, f"case: the chip is {chip.z1 - chip.z0} m high")


QUANTITY = re.compile(r'"([\d.]+) (um|mm|cm)"')


def respelt(found: re.Match[str], chance: random.Random) -> str:
    unit = chance.choice(("nm", "um", "µm", "mm", "cm", "m"))
    value = float(found[1]) * METRES[found[2]] / METRES[unit]
    form = chance.choice(("{:.10g}", "{:.9e}", " {:.10g}"))
    space = chance.choice((" ", "", "  "))
    return f'"{form.format(value)}{space}{unit}"'


def misread(case: Case, path: Path) -> str:
    """Compare every length of the parts with what TOML and its unit say."""
    tables = tomllib.loads(path.read_text("utf-8-sig"))
    for name, part in tables.get("part", {}).items():
        read_part = case.parts[name]
        value = length(part["thickness"])
        if value is not None and not math.isclose(read_part.thickness, value, rel_tol=1e-12):
            return f"part.{name}.thickness = {part['thickness']!r} is read as {read_part.thickness}"
        size = part.get("size")
        sides = size if isinstance(size, list) else [size, size]
        values = [length(side) if isinstance(side, str) else None for side in sides]
        found = getattr(read_part, "size", None)
        known = len(values) == 2 and None not in values and isinstance(found, tuple)
        if known and not np.allclose(found, values, rtol=1e-12):
            return f"part.{name}.size = {size!r} is read as {found}"
    return ""


def length(text: str) -> float | None:
    """A length in m, read by rules of our own; None where it is written in another way."""
    found = re.fullmatch(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([a-zµμ]+)\s*", text)
    return float(found[1]) * METRES[found[2]] if found and found[2] in METRES else None


def a_digit(data: bytearray, chance: random.Random) -> None:
    at = chance.choice([n for n, byte in enumerate(data) if 48 <= byte < 58])
    data[at] = chance.choice(b"0123456789.-e,_ ")


def a_line_left_out(data: bytearray, chance: random.Random) -> None:
    lines = bytes(data).splitlines(True)
    del lines[chance.randrange(len(lines))]
    data[:] = b"".join(lines)


def a_line_twice(data: bytearray, chance: random.Random) -> None:
    lines = bytes(data).splitlines(True)
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    data[:] = b"".join(lines)


def another_unit(data: bytearray, chance: random.Random) -> None:
    words = (b"mm", b"um", b"degC", b"W", b"cm")
    word = chance.choice([word for word in words if word in data])
    data[:] = bytes(data).replace(word, chance.choice((*words, b"", b"K", b"inch", b"nm")), 1)


LINES = (a_digit, a_digit, a_digit, a_line_left_out, a_line_twice, another_unit)

if __name__ == "__main__":
    sys.exit(campaign.main(attempt, __doc__.splitlines()[0], 10_000))
