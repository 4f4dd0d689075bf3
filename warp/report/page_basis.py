"""Write what a report's numbers rest on: stack, materials and sources, grid, solvers."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from warp.geometry import tree as part_tree
from warp.materials import catalogue
from warp.report import plots
from warp.report.html import UNKNOWN, chart, lines, number, picture, table
from warp.voxels import grid as check_grid

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result


def section(result: Result, case: Case | None) -> str:
    """Write stack, materials, grid, solvers and provenance, in this order."""
    made = (
        _stack(result, case),
        _materials(result, case),
        _mesh(result),
        _solvers(result),
        _provenance(result),
    )
    return "\n".join(made)


def _stack(result: Result, case: Case | None) -> str:
    def branch(one: part_tree.Branch) -> str:
        below = "".join(branch(child) for child in one.children)
        note = f"<b>{escape(one.name)}</b> <span class='soft'>{escape(one.note)}</span>"
        return f"<li>{note}{f'<ul>{below}</ul>' if below else ''}</li>"

    tree = ""
    if case is not None:
        tree = "".join(branch(one) for one in part_tree.stack(case.parts, case.package.places))
        tree = f"<ul class='tree'>{tree}</ul>"
    return f"<h2>Stack</h2>{picture(partial(plots.cross_section, result), 'cross-section')}{tree}"


def _materials(result: Result, case: Case | None) -> str:
    if case is None:
        return ""
    entries = catalogue.used(case.materials(), result.media.material)
    keys = ("youngs_modulus", "poissons_ratio", "cte", "conductivity")
    head = ("at 25 °C", "E (GPa)", "Poisson's ratio", "CTE (ppm/K)", "k (W/m K)", "what it is")
    rows = [
        [
            escape(name),
            *(_stacked(entry["room"].get(key, UNKNOWN)) for key in keys),
            escape(entry["description"]),
        ]
        for name, entry in entries.items()
    ]
    text = [table(head, rows, text=(5,))]
    for name, entry in entries.items():
        rows = [
            [escape(key.replace("_", " ")), lines(law["value"]), escape(law["source"])]
            for key, law in entry["properties"].items()
        ]
        inside = (
            table(("property", "value", "source"), rows, text=(1, 2))
            if rows
            else f"<p>{escape(entry['source'])}</p>"
        )
        text.append(
            f"<details class='sources'><summary>{escape(name)}: properties and sources</summary>"
            f"{inside}</details>"
        )
    note = "<p class='note'>Three values: along x, y, z; Poisson's ratios yz, xz, xy.</p>"
    return "<h2>Materials and their sources</h2>" + text[0] + note + "".join(text[1:])


def _stacked(values: str) -> str:
    """Values of three axes below each other."""
    return "<br>".join(escape(value) for value in values.split(" / "))


def _mesh(result: Result) -> str:
    rows = [
        [axis, f"{cells:,}", f"{1e6 * finest:.4g} um", f"{1e6 * coarsest:.4g} um"]
        for axis, (cells, finest, coarsest) in check_grid.spacing(result.grid).items()
    ]
    grid = result.grid
    symmetry = ("the whole package", "half of the package", "a quarter of the package")[
        sum(grid.mirror)
    ]
    return (
        f"<h2>Grid</h2><p>{grid.cells:,} voxels, {grid.unknowns:,} displacements, {symmetry}.</p>"
        + table(("axis", "cells", "finest", "coarsest"), rows)
    )


def _solvers(result: Result) -> str:
    solvers = result.provenance.get("solver", {})
    rows = [
        [
            escape(name),
            f"{s['iterations']} in {s['rounds']} rounds"
            if s.get("rounds", 1) > 1
            else str(s["iterations"]),
            f"{s['residual']:.1e}",
            f"{s['tolerance']:.0e}" if "tolerance" in s else UNKNOWN,
            f"{s['seconds']:.2f} s",
        ]
        for name, s in solvers.items()
    ]
    info = result.provenance
    cost = [
        number(info.get("wall_s"), "{:.1f} s in all"),
        number(info.get("peak_memory_MB"), "{:,.0f} MB at most"),
    ]
    return (
        "<h2>Solvers</h2>"
        + table(("solver", "iterations", "relative residual", "tolerance", "time"), rows)
        + f"<p>{' · '.join(c for c in cost if c != UNKNOWN)}</p>"
        + (
            chart("residuals", "residuals")
            if any(h.size > 1 for h in result.residuals.values())
            else ""
        )
    )


def _provenance(result: Result) -> str:
    info = {key: value for key, value in result.provenance.items() if key != "solver"}
    rows = [[escape(key.replace("_", " ")), escape(_words(value))] for key, value in info.items()]
    case = escape(result.case)
    return (
        f"<h2>Provenance</h2>{table(('', ''), rows, text=(1,))}"
        f"<details><summary>the case file, word for word</summary><pre>{case}</pre></details>"
    )


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} = {v}" for key, v in value.items()) or "none"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
