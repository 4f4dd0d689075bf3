"""Collect the stages' logs: results.json with all that was measured, summary.txt for people.

    python tests/gpu/summary.py note FOLDER STAGE RC SECONDS      record a stage, then collect
    python tests/gpu/summary.py collect FOLDER

Logs lie in FOLDER/.parts; the stages' exit codes and seconds in FOLDER/.stages.json. Needs nothing
but Python.
"""

import json
import sys
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def note(folder: Path, stage: str, code: str, seconds: str) -> None:
    """Append a stage to .stages.json."""
    path = folder / ".stages.json"
    stages = json.loads(path.read_text()) if path.exists() else []
    stages.append({"stage": stage, "rc": int(code), "seconds": float(seconds)})
    path.write_text(json.dumps(stages))


def collect(folder: Path) -> None:
    """Write results.json and summary.txt from what there is."""
    path = folder / ".stages.json"
    stages = json.loads(path.read_text()) if path.exists() else []
    logs = sorted((folder / ".parts").glob("*.log"))
    found: dict[str, Any] = {"stages": stages} | {log.stem: contents(log) for log in logs}
    lines = [f"{'stage':22s} {'rc':>4s} {'s':>7s}"]
    lines += [f"{s['stage']:22s} {s['rc']!s:>4s} {s['seconds']:7.1f}" for s in stages]
    for name, rows in found.items():
        if name.startswith("bench") and isinstance(rows, dict) and rows.get("solves"):
            lines += bench_lines(name, rows)
    lines += [parity_line(row) for row in found.get("compare", [])]
    for name, rows in found.items():
        if name != "stages" and isinstance(rows, list):
            lines += [line for row in rows for line in row_lines(name, row)]
    (folder / "results.json").write_text(json.dumps(found, indent=1, default=str))
    (folder / "summary.txt").write_text("\n".join(lines) + "\n")


def contents(log: Path) -> list[Row] | Row:
    """Return the JSON objects of a log, a line each; the one document of a bench's log."""
    text = log.read_text(errors="replace")
    if log.stem.startswith("bench"):
        start, end = text.find("{"), text.rfind("}") + 1
        return parsed(text[start:end]) or {}
    rows = [parsed(line) for line in text.splitlines() if line.startswith("{")]
    return [row for row in rows if row is not None]


def parsed(text: str) -> Row | None:
    """Return the JSON object, None if it is not one."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def bench_lines(name: str, bench: Row) -> list[str]:
    """Return a bench's solves and kernels as lines of text."""
    triad = bench["bandwidth_GB_per_s"]["triad"]
    lines = [f"\n{name}: {bench['package']['voxels']:,} voxels, triad {triad:.0f} GB/s"]
    for row in bench["solves"]:
        lines.append(
            f"  {row['name']:8s} setup {row['setup_s']:.2f} s, solve {row['solve_s']:.3f} s, "
            f"{row['iterations']} iterations, "
            f"{row['ns_per_voxel_and_iteration']:.3f} ns/voxel/iteration, "
            f"{row['bytes_per_voxel']:.0f} bytes/voxel"
        )
    for row in bench["kernels"]:
        share = f"{100 * row['share_of_triad']:5.0f} % of triad"
        lines.append(f"  {row['name']:32s} {row['ns_per_voxel']:.4f} ns/voxel {share}")
    return lines


def parity_line(row: Row) -> str:
    """Return one package's comparison of the devices as a line of text."""
    verdict = "same" if row.get("same") else "NOT THE SAME"
    return f"parity {row.get('compare')}: {verdict} {row.get('fields', row.get('missing'))}"


def row_lines(name: str, row: Row) -> list[str]:
    """Return the line of a row that a person should see: failures, totals and the largest
    kernels.
    """
    if "failed" in row:
        return [f"{name}: {row}"]
    if "kernel" in row and row["share"] > 0.02:
        share = f"{100 * row['share']:.1f} %"
        return [f"  {name} {row['kernel']:22s} {row['grid']} x {row['calls']}: {share}"]
    if row.get("shares") in ("setup", "solve", "V-cycle as a graph") or "compile_all_s" in row:
        return [f"  {name} {row}"]
    return []


if __name__ == "__main__":
    verb, folder, *words = sys.argv[1:]
    if verb == "note":
        note(Path(folder), *words)
    collect(Path(folder))
