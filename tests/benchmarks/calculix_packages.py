"""Packages of data/packages in CalculiX and here, each from its own case file: the table
data/calculix/packages.md.

    OMP_NUM_THREADS=1 python tests/benchmarks/calculix_packages.py [PACKAGE ... | table]

Needs `ccx` (Debian: calculix-ccx).

`warp export --calculix` writes the decks: C3D20R bricks twice as wide as the voxels, direct solver.
The same with bricks three times as wide says how far CalculiX's own mesh still matters; where the
two programs differ by more than 0.5 % on the surface that faces the board, a third mesh (1.5 times)
follows. Here: the program's default grid and tolerance. "Mesh": what CalculiX's answer changes by
on the next coarser of its meshes, the size of what may be left of its own error. "Any surface": the
largest difference between the two programs over all surfaces of the package in um: buried ones meet
the chip's corner, where the stress has no limit. The wafer's rim is read at the corners of cut
voxels in both, so that its row compares the solvers and not the reading. Processor seconds are
those of all threads, reading and writing included; unknowns are displacements and temperatures.
What is found goes into data/calculix/packages.json, package by package, with every surface and
every part's temperature; `table` makes the table from that file.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from warp import load
from warp.errors import WarpError
from warp.machine import device
from warp.run import process, warmup
from warp.verify import calculix

DATA = Path(__file__).resolve().parents[2] / "data"
FOUND, TABLE = DATA / "calculix" / "packages.json", DATA / "calculix" / "packages.md"
PACKAGES = (
    "flip-chip",
    "wire-bond",
    "stiffener-ring",
    "spreader-bonded",
    "spreader-silicon",
    "spreader-flat",
    "layer-film",
    "layer-polymer",
    "filled-metal",
    "lid-cap",
    "lid-adhesive",
    "two-chips-ring",
    "solder-balls",
    "wafer",
)
USUAL, COARSE, FINE = 2.0, 3.0, 1.5  # bricks so many times as wide as voxels


def digest(path: Path) -> str:
    """What the case says, whatever its comments and title."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    tables.pop("title", None)
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()[:16]


def in_calculix(path: Path, coarser: float) -> dict[str, Any]:
    """One mesh: its numbers and cost."""
    case = load(path)
    with tempfile.TemporaryDirectory() as folder:
        decks = calculix.write(case, Path(folder), path.stem, coarser)
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        calculix.run(decks.files)
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        numbers = calculix.read(decks)
    return {
        "numbers": numbers,
        "unknowns": decks.unknowns,
        "processor_s": round(processor, 1),
        "wall_s": round(wall, 1),
    }


def here(path: Path) -> dict[str, Any]:
    """This program's numbers and cost."""
    case, place = load(path), device.select("cpu")
    start, wall = time.process_time(), time.perf_counter()
    result = process.solve(case, place)
    seconds, wall = time.process_time() - start, time.perf_counter() - wall
    solid = result.ids > 0
    unknowns = calculix.displacements(solid) + (int(solid.sum()) if case.heated else 0)
    return {
        "numbers": result.metrics,
        "unknowns": unknowns,
        "processor_s": round(seconds, 1),
        "wall_s": round(wall, 1),
    }


def package(path: Path) -> dict[str, Any]:
    """Both programs on one package."""
    case, ours = load(path), here(path)
    meshes = {USUAL: in_calculix(path, USUAL), COARSE: in_calculix(path, COARSE)}
    rows = calculix.rows(case, meshes[USUAL]["numbers"], ours["numbers"])
    if abs(next(row.error for row in rows if row.name == headline(rows))) > calculix.TOLERANCE / 2:
        meshes[FINE] = in_calculix(path, FINE)
    finest = min(meshes)
    rows = calculix.rows(case, meshes[finest]["numbers"], ours["numbers"])
    coarser = calculix.rows(
        case, meshes[USUAL if finest == FINE else COARSE]["numbers"], ours["numbers"]
    )
    values = {
        row.name: {
            "calculix": round(row.expected, 5),
            "here": round(row.got, 5),
            "unit": row.unit,
            "mesh_change": round(other.expected / row.expected - 1, 5),
        }
        for row, other in zip(rows, coarser, strict=True)
    }
    cost = {
        "calculix": {key: meshes[finest][key] for key in ("unknowns", "processor_s", "wall_s")},
        "here": {key: ours[key] for key in ("unknowns", "processor_s", "wall_s")},
    }
    return {
        "case": digest(path),
        "bricks": finest,
        "surface": headline(rows),
        "values": values,
        "cost": cost,
    }


def headline(rows: list[Any]) -> str:
    """The surface that faces the board, else the first."""
    names = [row.name for row in rows]
    return next(
        (name for name in ("substrate.bottom", "frame.bottom", "wafer.bottom") if name in names),
        names[0],
    )


def markdown(found: dict[str, Any]) -> str:
    """The table of all packages found so far."""
    head = (
        "| package | surface | CalculiX um | here um | difference | mesh | any surface "
        "um | highest rise K |"
        " difference | unknowns there / here | processor s there / here |\n"
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
    )
    lines = [line(name, entry) for name, entry in found.items() if isinstance(entry, dict)]
    doc = (__doc__ or "").split("\n\n")
    text = "\n".join(doc[2].splitlines())
    return f"# Packages in CalculiX and here\n\n{text}\n\n{head}" + "\n".join(lines) + "\n"


def line(name: str, entry: dict[str, Any]) -> str:
    """One package."""
    values, cost = entry["values"], entry["cost"]
    flat = values[entry["surface"]]
    rises = {key: value for key, value in values.items() if value["unit"] == "K"}
    hot = next((value for key, value in rises.items() if key.endswith("highest rise")), None)
    hot = hot or max(rises.values(), key=lambda value: value["calculix"], default=None)
    off = lambda v: f"{100 * (v['here'] / v['calculix'] - 1):+.2f} %"  # noqa: E731
    cells = [name, entry["surface"], f"{flat['calculix']:+.2f}", f"{flat['here']:+.2f}", off(flat)]
    worst = max((v["here"] - v["calculix"] for v in values.values() if v["unit"] == "um"), key=abs)
    cells += [f"{100 * flat['mesh_change']:+.2f} %", f"{worst:+.2f}"]
    cells += [f"{hot['calculix']:.2f} / {hot['here']:.2f}", off(hot)] if hot else ["", ""]
    cells += [" / ".join(f"{cost[who]['unknowns']:,}" for who in ("calculix", "here"))]
    cells += [" / ".join(f"{cost[who]['processor_s']:.0f}" for who in ("calculix", "here"))]
    return f"| {' | '.join(cells)} |"


def main(names: list[str]) -> None:
    """Run the named packages, or all."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    found = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.is_file() else {}
    if names == ["table"]:
        TABLE.write_text(markdown(dict(sorted(found.items()))), encoding="utf-8")
        return
    warmup.warmup(device.select("cpu"))
    for name in names:
        try:
            found[name] = package(DATA / "packages" / f"{name}.toml")
        except WarpError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        FOUND.write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n", encoding="utf-8")
        TABLE.write_text(markdown(dict(sorted(found.items()))), encoding="utf-8")
        print(line(name, found[name]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(PACKAGES))
