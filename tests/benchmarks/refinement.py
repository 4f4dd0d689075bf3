"""Hold the printed error of `--refine` against surfaces whose warpage CalculiX knows.

    python tests/benchmarks/refinement.py             # table data/benchmarks/refinement.md

Cases: data/calculix/references.json and packages.json, surfaces that CalculiX's own meshes agree on
to KNOWN. The true error is the difference from CalculiX; an interval holds if it and CalculiX's own
error together reach that far.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import warp
from warp.run import process, refine
from warp.verify.packages import folder, references

TOP = Path(__file__).parents[2]
KNOWN = 0.003  # CalculiX's own error, relative
TITLE = "The printed error of `--refine`"
MADE = "Made by `python tests/benchmarks/refinement.py`: default grids against CalculiX 2.20."
INSIDE, WIDEST = 0.95, {0: 3.0, 1: 10.0, 2: 12.0}
"""Least share of intervals that hold, and their largest median over the true error, by the number
of coarser grids; 0: a finer one."""
TIMES = 4, 2, 1, 0.5  # as wide: the cells of the grids of a surface
OWN = TIMES.index(1)


@dataclass(frozen=True)
class Surface:
    """Warpage in um of the grids of TIMES, their cell widths, and CalculiX's answer.

    Widths as the voxel counts say, over that of the case's own grid.
    """

    name: str
    values: tuple[float, float, float, float]
    widths: tuple[float, float, float, float]
    known: float
    own_error: float

    @property
    def package(self) -> str:
        """Return the name of its package."""
        return self.name.partition(":")[0]


def surfaces() -> Iterator[Surface]:
    """Solve every case on the grids of TIMES."""
    for name, answers in cases().items():
        file = f"calculix/{name}.toml" if name in references() else f"packages/{name}.toml"
        case = warp.load(TOP / "data" / file)
        results = [process.solve(refine.coarsened(case, n), "cpu") for n in TIMES]
        widths = tuple((results[OWN].grid.cells / r.grid.cells) ** (1 / 3) for r in results)
        for place, (known, own) in answers.items():
            part, side = place.split(".")
            found = [r.metrics["surfaces"].get(part, {}).get(side, {}) for r in results]
            values = tuple(numbers.get("warpage_um") for numbers in found)
            if None not in values:
                yield Surface(f"{name}: {place}", values, widths, known, own)


def cases() -> dict[str, dict[str, tuple[float, float]]]:
    """Return CalculiX's warpage and its own error in um, by case and surface."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for name, values in references().items():
        found[name] = {
            place: (-v["warpage_um"], abs(v["warpage_um"]) * v["error_pct"] / 100)
            for place, v in values.items()
            if "warpage_um" in v and v["error_pct"] < 100 * KNOWN
        }
    packages = json.loads((folder() / "packages.json").read_text(encoding="utf-8"))
    for name, entry in packages.items():
        if not isinstance(entry, dict):
            continue
        shown: dict[str, tuple[float, float]] = {}
        for place, v in entry["values"].items():
            outer = place.endswith(".top") or place == "substrate.bottom"
            if outer and v["unit"] == "um" and abs(v["mesh_change"]) < KNOWN:
                shown[place] = (v["calculix"], abs(v["calculix"] * v["mesh_change"]))
        found[name] = shown
    return found


@dataclass(frozen=True)
class Verdict:
    """True and printed error of a surface in um, and whether the printed one holds."""

    surface: Surface
    true: float
    printed: float

    @property
    def holds(self) -> bool:
        """Tell whether the interval reaches CalculiX's answer."""
        return self.true <= self.printed + self.surface.own_error


def judged(found: list[Surface], coarser: int) -> list[Verdict]:
    """Judge the printed error by one or two coarser grids, or by a finer one (0).

    The largest warpage of a package is that of its surfaces here.
    """
    used = slice(OWN, None) if coarser == refine.FINER else slice(OWN - coarser, OWN + 1)
    verdicts = []
    for s in found:
        largest = max(abs(o.values[OWN]) for o in found if o.package == s.package)
        printed = refine.warpage_estimate(s.values[used], s.widths[used], largest).error
        verdicts.append(Verdict(s, abs(s.values[OWN] - s.known), printed))
    return verdicts


def share_and_width(verdicts: list[Verdict]) -> tuple[float, float]:
    """Return the share of intervals that hold and the median of printed over true error."""
    share = sum(v.holds for v in verdicts) / len(verdicts)
    return share, statistics.median(v.printed / max(v.true, 1e-9) for v in verdicts)


def markdown(found: list[Surface], title: str = TITLE, made: str = MADE) -> str:
    """Write the table."""
    by = {"a finer grid": 0, "two grids": 1, "three grids": 2}
    verdicts = {name: judged(found, coarser) for name, coarser in by.items()}
    lines = [f"# {title}", "", made]
    for name, judgements in verdicts.items():
        share, width = share_and_width(judgements)
        lines += [
            "",
            f"By {name}: {share:.1%} of {len(found)} surfaces lie inside; the median interval is "
            f"{width:.1f} times the true error.",
        ]
    lines += ["", f"| surface | CalculiX um | here um | true error | {' | '.join(by)} | |"]
    lines += ["|---|---:|---:|---:|---:|---:|---:|---|"]
    for finer, two, three in zip(*verdicts.values(), strict=True):
        s = finer.surface
        errors = (finer.true, finer.printed, two.printed, three.printed)
        shown = " | ".join(f"{100 * e / abs(s.known):.2f} %" for e in errors)
        mark = "" if finer.holds else "outside"
        lines.append(f"| {s.name} | {s.known:.3f} | {s.values[OWN]:.3f} | {shown} | {mark} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    target = TOP / "data" / "benchmarks" / "refinement.md"
    target.write_text(markdown(list(surfaces())), encoding="utf-8")
