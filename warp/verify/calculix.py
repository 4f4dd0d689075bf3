"""Run CalculiX on decks of `calculix` and read its answer by the definitions of `metrics`.

Displacements come at the corners of bricks, which are the vertices of each surface: no fit lies
between the answer and the warpage. Where a surface steps in height (the underside of a lid) a
vertex takes the mean of what meets there. Temperatures of a part: the extremes of its nodes, and
the volume mean of the bricks' own shape functions.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.errors import WarpError
from warp.files import bounded
from warp.results import flatness
from warp.results.metrics import surface_numbers
from warp.results.surface import Surface, footprint, goes_on
from warp.run import process
from warp.run.load_step import OnProgress
from warp.run.numbers import ambient as common_ambient
from warp.run.numbers import powers as powers_of
from warp.units import ZERO_CELSIUS
from warp.verify import calculix_deck
from warp.verify.calculix_deck import MM, Mesh
from warp.verify.problem import Row

if TYPE_CHECKING:
    from warp.case.case import Case

TOLERANCE = 0.01
LARGEST_ANSWER = 2_000_000_000  # bytes of a .dat file
SOURCE = "CalculiX"


@dataclass(frozen=True, eq=False)
class Decks:
    """Hold a case, its bricks, and the decks written, in the order of their runs.

    They are named after `name` in one folder.
    """

    case: Case
    mesh: Mesh
    files: list[Path]

    @property
    def stem(self) -> Path:
        """Folder and name of the elastic deck, without its suffix."""
        return self.files[-1].with_suffix("")

    @property
    def unknowns(self) -> int:
        """Displacements, and temperatures where there are any."""
        return (4 if self.case.heated else 3) * len(self.mesh.nodes)


@dataclass(frozen=True)
class Comparison:
    """Hold both programs' numbers (expected = CalculiX), unknowns and wall seconds."""

    rows: list[Row]
    unknowns: tuple[int, int]
    seconds: tuple[float, float]

    def title(self) -> str:
        """Write sizes and times of both programs in one line."""
        return (
            f"CalculiX: {self.unknowns[0]:,} unknowns, {self.seconds[0]:.0f} s; "
            f"here: {self.unknowns[1]:,} unknowns, {self.seconds[1]:.0f} s"
        )

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        names = ("calculix", "warpage")
        return {
            "rows": [row.as_dict() for row in self.rows],
            "unknowns": dict(zip(names, self.unknowns, strict=True)),
            "seconds": dict(zip(names, self.seconds, strict=True)),
        }


def write(
    case: Case,
    folder: Path,
    name: str,
    coarser: float = calculix_deck.COARSER,
    linear: bool = False,
    nlgeom: bool = False,
) -> Decks:
    """Mesh a case and write its decks."""
    mesh = calculix_deck.build(case, coarser, linear)
    return Decks(case, mesh, calculix_deck.write(case, folder, name, mesh, nlgeom))


def compare(decks: Decks, with_run: bool, step: OnProgress, device: str = "auto") -> Comparison:
    """Compare this program with CalculiX: run ccx on the decks, or take its results.

    Then solve the case.
    """
    seconds = 0.0
    if with_run:
        step("CalculiX", 0, float("nan"))
        seconds = run(decks.files)
    theirs = read(decks)
    result = process.solve(decks.case, device, step)
    unknowns = (
        decks.unknowns,
        displacements(result.ids > 0) + (int((result.ids > 0).sum()) if decks.case.heated else 0),
    )
    return Comparison(
        rows(decks.case, theirs, result.metrics), unknowns, (seconds, result.provenance["wall_s"])
    )


def displacements(solid: np.ndarray) -> int:
    """Faces that touch a solid voxel: so many displacements a staggered grid has."""
    count = 0
    for axis in range(3):
        size = list(solid.shape)
        size[axis] = 1
        void = np.zeros(size, bool)
        count += int(
            (np.concatenate((void, solid), axis) | np.concatenate((solid, void), axis)).sum()
        )
    return count


def rows(case: Case, theirs: dict[str, Any], ours: dict[str, Any]) -> list[Row]:
    """Compare the warpage of every surface, and temperatures above the ambient.

    Of each part the mean, of each source the hottest point.
    """
    found = []
    for part, sides in theirs["surfaces"].items():
        for side, numbers in sides.items():
            got = ours["surfaces"][part][side]["warpage_um"]
            found.append(Row(f"{part}.{side}", numbers["warpage_um"], got, TOLERANCE, SOURCE, "um"))
    ambient = common_ambient(case.boundaries)
    if ambient is not None:
        powers = powers_of(case.sources)
        for part, numbers in theirs.get("temperature", {}).items():
            for key, name in (("mean_C", "mean rise"), ("max_C", "highest rise")):
                if key == "mean_C" or powers.get(part, 0) > 0:
                    expected, got = (
                        n[key] + ZERO_CELSIUS - ambient
                        for n in (numbers, ours["temperature"][part])
                    )
                    found.append(Row(f"{part}: {name}", expected, got, TOLERANCE, SOURCE, "K"))
    return found


def find() -> str | None:
    """Path of the program, None where it is not installed."""
    return shutil.which("ccx")


def run(files: Iterable[Path], limit: float | None = None) -> float:
    """Run ccx on the decks in order and return its wall seconds.

    A run that stops, or takes longer than `limit` s, is an error.
    """
    program = find()
    if program is None:
        raise WarpError(
            "ccx is not on PATH: install CalculiX (Debian: calculix-ccx), "
            "or run the decks elsewhere"
        )
    start = time.perf_counter()
    for file in files:
        try:
            done = subprocess.run(
                [program, "-i", file.stem],
                cwd=file.parent,
                capture_output=True,
                text=True,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise WarpError(f"ccx {file.stem} did not finish within {limit:.0f} s") from None
        if done.returncode or "*ERROR" in done.stdout:
            lines = [
                line for line in done.stdout.splitlines() if "ERROR" in line
            ] or done.stdout.splitlines()[-1:]
            raise WarpError(f"ccx {file.stem}: {' '.join(lines)[:300]}")
    return time.perf_counter() - start


def read(decks: Decks) -> dict[str, Any]:
    """Read the numbers of a ccx run, named as `metrics` does: warpage and temperatures.

    Temperatures only of a heated case.
    """
    case, mesh, stem = decks.case, decks.mesh, decks.stem
    model = mesh.model
    numbers: dict[str, Any] = {"surfaces": {}}
    w = np.full(len(mesh.nodes), np.nan)
    node, values = table(stem.with_name(stem.name + ".dat"), 3)
    if not np.array_equal(np.sort(node) - 1, calculix_deck.printed(case, mesh)):
        raise WarpError(
            f"{stem}.dat answers another deck: run ccx on this one, "
            "or write it as it was run (--coarser, --set)"
        )
    w[node - 1] = values[:, 2] / MM
    for part, side in calculix_deck.wanted_surfaces(case, model):
        found = flatness.warpage(sample(mesh, w, part, side), case.zones.get((part, side)))
        numbers["surfaces"].setdefault(part, {})[side] = surface_numbers(found)
    if case.heated:
        node, values = table(stem.with_name(stem.name + "-heat.dat"), 1)
        T = np.full(len(mesh.nodes), np.nan)
        T[node - 1] = values[:, 0]
        numbers["temperature"] = temperatures(mesh, T)
    return numbers


def table(path: Path, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Node numbers and values of the one table that a .dat file holds."""
    try:
        text = bounded.read_as_it_is(path, LARGEST_ANSWER).decode("ascii", errors="replace")
    except OSError:
        raise WarpError(f"{path} is not there: run ccx on its deck first") from None
    except ValueError as error:
        raise WarpError(f"cannot read {path}: {error}") from None
    line = re.compile(r"^\s+(\d+)" + r"\s+([-+.\dEe]+)" * columns + r"\s*$", re.MULTILINE)
    found = line.findall(text)
    if not found:
        raise WarpError(f"{path} holds no answer: ccx did not finish")
    return np.array([int(row[0]) for row in found]), np.array(
        [[float(v) for v in row[1:]] for row in found]
    )


def sample(mesh: Mesh, w: np.ndarray, part: str, side: str) -> Surface:
    """Sample a surface from nodal displacements w (m), unfolded to the full package.

    A part whose image is another part is not unfolded. On a step in height it takes the mean of
    both.
    """
    face = calculix_deck.levels(mesh, part, side)
    grid = mesh.model.grid
    j, i = np.nonzero(face >= 0)
    total, count = (np.zeros((len(grid.y), len(grid.x))) for _ in range(2))
    for b in (0, 1):
        for a in (0, 1):
            np.add.at(total, (j + b, i + a), w[mesh.at[2 * face[j, i], 2 * (j + b), 2 * (i + a)]])
            np.add.at(count, (j + b, i + a), 1)
    values = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    cells, x, y = footprint(mesh.model, face, "top" if side == "top" else "bottom"), grid.x, grid.y
    across, along = goes_on(mesh.model, part)
    if across:
        x, values, cells = (
            _mirrored(x),
            np.hstack((values[:, :0:-1], values)),
            np.hstack((cells[:, ::-1], cells)),
        )
    if along:
        y, values, cells = (
            _mirrored(y),
            np.vstack((values[:0:-1], values)),
            np.vstack((cells[::-1], cells)),
        )
    rows, columns = (np.flatnonzero(cells.any(axis=a)) for a in (1, 0))
    own = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    vertices = tuple(slice(s.start, s.stop + 1) for s in own)
    found = Surface(part, side, x[vertices[1]], y[vertices[0]], values[vertices], cells[own])
    return replace(found, w=np.where(found.weights > 0, found.w, np.nan))


def temperatures(mesh: Mesh, T: np.ndarray) -> dict[str, dict[str, float]]:
    """Extremes and volume mean of each part (degC) from nodal temperatures."""
    model = mesh.model
    weights = (
        np.full(8, 1 / 8) if mesh.linear else np.repeat((-1 / 8, 1 / 6), (8, 12))
    )  # integrals of the shape functions
    volume = (model.grid.dz[:, None, None] * model.grid.area).ravel()[mesh.voxel]
    part = model.media.part[model.ids.ravel()[mesh.voxel]]
    found = {}
    for n, name in enumerate(model.parts):
        own = part == n
        if own.any():
            values = T[mesh.bricks[own]]
            found[name] = {
                "max_C": float(values.max()),
                "mean_C": float(np.average(values @ weights, weights=volume[own])),
                "min_C": float(values.min()),
            }
    return found


def _mirrored(lines: np.ndarray) -> np.ndarray:
    return np.concatenate((2 * lines[0] - lines[:0:-1], lines))
