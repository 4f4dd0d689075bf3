"""Is the default grid finer than it need be? Every surface that CalculiX knows on coarser ones.

    python tests/benchmarks/default_grid.py [table]     # data/benchmarks/default-grid.md, .json

Cases and surfaces: those of refinement.py. REFINE: values of `grid.refine`; 1 is the default.
Errors are those of |warpage|, relative to CalculiX. Two rules are judged: one factor for all
packages, and the second grid where it agrees with the first on every surface. `table` makes the
page from the solves of last time.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from refinement import TOP, cases

import warp
from warp.verify.packages import references

TARGET = TOP / "data" / "benchmarks" / "default-grid.md"
REFINE = (0.63, 0.8, 1.0)
KEPT = 0.005  # error that a grid may leave on a surface
AGREE = 0.001  # change of a warpage from grid to grid that counts as none
Solves = dict[float, dict[str, Any]]


def solved(name: str, refine: float) -> dict[str, Any]:
    """Solve a case; return voxels, processor seconds and each surface's error."""
    folder = "calculix" if name in references() else "packages"
    case = warp.load(TOP / "data" / folder / f"{name}.toml", {"grid.refine": str(refine)})
    start = time.process_time()
    result = warp.solve(case, device="cpu")
    seconds = time.process_time() - start
    got = {
        f"{part}.{side}": numbers["warpage_um"]
        for part, sides in result.metrics["surfaces"].items()
        for side, numbers in sides.items()
    }
    known = cases()[name]
    errors = {key: abs(got[key] / value) - 1 for key, (value, _) in known.items() if key in got}
    return {
        "case": name,
        "refine": refine,
        "voxels": result.grid.cells,
        "s": round(seconds, 2),
        "errors": errors,
    }


def worst(row: dict[str, Any]) -> float:
    """Return the largest error of a solve."""
    return max(map(abs, row["errors"].values()))


def change(solves: Solves) -> float:
    """Return the largest change of a surface from the coarsest grid to the next."""
    first, second = (solves[refine]["errors"] for refine in REFINE[:2])
    return max(abs(second[key] - first[key]) for key in second)


def safe(solves: Solves, refine: float) -> bool:
    """Tell whether a grid keeps every surface as near as KEPT, or as the default does."""
    return worst(solves[refine]) <= max(KEPT, worst(solves[1.0]))


def markdown(by_case: dict[str, Solves]) -> str:
    """Write the page."""
    count = len(by_case)
    kept = {r: sum(safe(solves, r) for solves in by_case.values()) for r in REFINE[:2]}
    agree = [name for name, solves in by_case.items() if change(solves) <= AGREE]
    wrong = [name for name in agree if not safe(by_case[name], REFINE[1])]
    spent = [sum(s[r]["s"] for s in by_case.values()) for r in REFINE]
    own = [sum(by_case[name][r]["s"] for name in agree) for r in REFINE]
    lines = [
        "# Is the default grid finer than it need be?",
        "",
        "Made by `python tests/benchmarks/default_grid.py`, one thread, processor seconds: the "
        "largest error over the surfaces",
        "that CalculiX 2.20 knows, on grids with cells wider than the default's by 1 / "
        "`grid.refine`.",
        "",
        *(
            f"- `grid.refine = {r}` keeps {n} of {count} cases within {100 * KEPT:.1f} %, or as "
            "near as the default grid."
            for r, n in kept.items()
        ),
        f"- Take {REFINE[1]} where it and {REFINE[0]} agree within {100 * AGREE:.1f} % on every "
        "surface, else solve on the default grid:",
        f"  {len(agree)} cases ({', '.join(agree)}) take it, {len(wrong)} of them wrongly"
        f"{' (' + ', '.join(wrong) + ')' if wrong else ''}.",
        f"  Where it is taken the two coarse solves take {own[0] + own[1]:.1f} s, the default grid "
        f"{own[2]:.1f} s; over all cases the rule takes",
        f"  {spent[0] + spent[1] + spent[2] - own[2]:.1f} s, the default grid {spent[2]:.1f} s.",
        "",
        "| case | voxels | "
        + " | ".join(f"error at {r:g}" for r in REFINE)
        + f" | change {REFINE[0]:g} to {REFINE[1]:g} | "
        + " | ".join(f"s at {r:g}" for r in REFINE)
        + " |",
        "|---|---:|" + "---:|" * 7,
    ]
    for name, solves in by_case.items():
        errors = " | ".join(f"{100 * worst(solves[r]):.2f} %" for r in REFINE)
        seconds = " | ".join(f"{solves[r]['s']:.1f}" for r in REFINE)
        voxels = solves[1.0]["voxels"]
        lines.append(
            f"| {name} | {voxels:,} | {errors} | {100 * change(solves):.2f} % | {seconds} |"
        )
    return "\n".join(lines) + "\n"


def main(words: list[str]) -> None:
    """Solve, unless only the table is wanted, and write the page."""
    data = TARGET.with_suffix(".json")
    if words == ["table"]:
        rows = json.loads(data.read_text(encoding="utf-8"))
    else:
        names = [name for name, known in cases().items() if known]
        solved(names[0], REFINE[0])  # loads the kernels
        rows = [solved(name, refine) for name in names for refine in REFINE]
        data.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    by_case: dict[str, Solves] = {}
    for row in rows:
        by_case.setdefault(row["case"], {})[row["refine"]] = row
    TARGET.write_text(markdown(by_case), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
