"""Write the page of peers.py from its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HEAD = """# Other programs and this one

Made by `python tests/benchmarks/peers.py` on {machine}, one thread each, in turns; processor
seconds, the median of as many runs as the column says; a section that was made otherwise says so.
The machine is shared: ratios say more than seconds.

- warpage: the whole command `warp run`, from the start of its process to the written result,
  kernels compiled before.
- CalculiX 2.20 (Debian), C3D20R bricks, its direct solver: the whole process `ccx`.
- NGSolve, p = 2 on hexahedra, interior unknowns condensed, sparse Cholesky: assembly, factorisation
  and solution; neither its imports nor making the mesh.
- Eight-node bricks with incompatible modes, assembled by NumPy, solved by PARDISO (MKL, symmetric
  positive definite) or PyAMG (smoothed aggregation, rigid motions, conjugate gradients to 1e-8):
  assembly and solution; neither imports nor making the mesh.

All meshes have lines on every side of every part, graded as this program grades them, as
`warp export --calculix` writes them. Unknowns: displacements that exist and are not held.
"""
TITLES = {
    "accuracy 02_flipchip": "To 0.5 % on every surface: `data/calculix/02_flipchip.toml`",
    "accuracy 04_caplid": "To 0.5 % on every surface: `data/calculix/04_caplid.toml`",
    "size 100000": "About 1e5 unknowns, `02_flipchip.toml`",
    "size 300000": "About 3e5 unknowns, `02_flipchip.toml`",
    "size 1000000": "About 1e6 unknowns, `02_flipchip.toml`",
    "bumps": "Bumps resolved",
}
NOTES = {
    "accuracy": "The coarsest mesh of a ladder on which every surface that CalculiX's converged "
    "answer knows is within 0.5 %; error: the largest of them.",
    "bumps": "`bumps-resolved.toml`, a chip of 2.2 mm on a substrate of 3.2 mm: quadratic bricks "
    "twice as wide as the default grid's voxels, others as wide. The limit of CalculiX's meshes is "
    "3.48 um for the substrate's bottom and 1.61 um for the chip's top ([speed](speed.md)). "
    "Here heat is solved, too.",
}


def markdown(found: dict[str, Any]) -> str:
    """Write the page.

    "made" of a section: how its rows came about, if not by one command; a new run replaces it.
    """
    machines = sorted({section["machine"] for section in found.values()})
    lines = [HEAD.format(machine=" and ".join(machines))]
    for key, title in TITLES.items():
        if key in found:
            kind = key.split()[0]
            note = NOTES.get(kind, "")
            lines += [f"## {title}", "", *([note, ""] if note else [])]
            if "made" in found[key]:
                lines += [found[key]["made"], ""]
            lines += [f"Load average of the machine at the end: {found[key]['load']}.", ""]
            lines += [*table(found[key]["rows"], kind), ""]
    left = [title for key, title in TITLES.items() if key not in found]
    if left:
        lines += [f"Not measured yet on this machine: {'; '.join(left)}.", ""]
    return "\n".join(lines)


def table(rows: dict[str, Any], kind: str) -> list[str]:
    """Write one table."""
    last = {"accuracy": "error", "size": "us an unknown", "bumps": "substrate / chip um"}[kind]
    ours = rows.get("warpage", {}).get("seconds")
    lines = [f"| program | unknowns | runs | s | of warpage's | {last} |"]
    lines += ["|---|---:|---:|---:|---:|---:|"]
    for name, row in rows.items():
        if "failed" in row:
            lines.append(f"| {name} | | | {row['failed']} | | |")
            continue
        cost = row["seconds"] / row["unknowns"]
        base = ours
        if kind == "size" and ours:
            base = ours / rows["warpage"]["unknowns"] * row["unknowns"]
        ratio = f"{row['seconds'] / base:.2f}" if base else ""
        number = {
            "accuracy": lambda row: f"{100 * row['error']:.2f} %",
            "size": lambda row, cost=cost: f"{1e6 * cost:.1f}",
            "bumps": _bumps,
        }[kind](row)
        head = f"| {name} | {row['unknowns']:,} | {row['runs']} | {row['seconds']:.2f}"
        lines.append(f"{head} | {ratio} | {number} |")
    return lines


def _bumps(row: dict[str, Any]) -> str:
    names = ("substrate.bottom", "chip.top")
    return " / ".join(f"{abs(row['surfaces'][name]):.3f}" for name in names)


def processor() -> str:
    """Name the processor of this machine."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "an unknown processor"
