"""Tell what a report's numbers rest on: materials and their sources, grid, solvers, origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warp.materials import catalogue
from warp.report.blocks import UNKNOWN, Block, Lines, lines, number
from warp.voxels import grid as check_grid

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result


def materials(result: Result, case: Case) -> tuple[Block, list[Block]]:
    """Tabulate all materials at 25 degC, and each one's properties with their sources."""
    entries = catalogue.used(case.materials(), result.media.material)
    keys = ("youngs_modulus", "poissons_ratio", "cte", "conductivity")
    rows = [
        [
            name,
            *(_axes(entry["room"].get(key, UNKNOWN)) for key in keys),
            entry["description"],
        ]
        for name, entry in entries.items()
    ]
    head = ("at 25 °C", "E (GPa)", "Poisson's ratio", "CTE (ppm/K)", "k (W/m K)", "what it is")
    note = "Three values: along x, y, z; Poisson's ratios yz, xz, xy."
    title = "Materials and their sources"
    every = Block(title, head, rows, words=(5,), note=note)
    return every, [_sources(name, entry) for name, entry in entries.items()]


def _sources(name: str, entry: dict[str, Any]) -> Block:
    rows = [
        [key.replace("_", " "), lines(law["value"]), law["source"]]
        for key, law in entry["properties"].items()
    ]
    title = f"{name}: properties and sources"
    if not rows:
        return Block(title, lead=entry["source"])
    return Block(title, ("property", "value", "source"), rows, words=(1, 2))


def _axes(values: str) -> Lines:
    """Values of three axes below each other."""
    return Lines(tuple(values.split(" / ")))


def mesh(result: Result) -> Block:
    """Tabulate the grid."""
    grid = result.grid
    rows = [
        [axis, f"{cells:,}", f"{1e6 * finest:.4g} um", f"{1e6 * coarsest:.4g} um"]
        for axis, (cells, finest, coarsest) in check_grid.spacing(grid).items()
    ]
    symmetry = ("the whole package", "half of the package", "a quarter of the package")[
        sum(grid.mirror)
    ]
    lead = f"{grid.cells:,} voxels, {grid.unknowns:,} displacements, {symmetry}."
    return Block("Grid", ("axis", "cells", "finest", "coarsest"), rows, lead=lead)


def solvers(result: Result) -> Block:
    """Tabulate the solvers, and the cost of the run."""
    info = result.provenance
    rows = [
        [
            name,
            f"{s['iterations']} in {s['rounds']} rounds"
            if s.get("rounds", 1) > 1
            else str(s["iterations"]),
            f"{s['residual']:.1e}",
            f"{s['tolerance']:.0e}" if "tolerance" in s else UNKNOWN,
            f"{s['seconds']:.2f} s",
        ]
        for name, s in info.get("solver", {}).items()
    ]
    cost = [
        number(info.get("compile_s") or None, "{:.1f} s compiling kernels, once"),
        number(info.get("wall_s"), "{:.1f} s in all"),
        number(info.get("peak_memory_MB"), "{:,.0f} MB at most"),
    ]
    note = " · ".join(text for text in cost if text != UNKNOWN)
    return Block(
        "Solvers", ("solver", "iterations", "residual", "tolerance", "time"), rows, note=note
    )


def provenance(result: Result) -> Block:
    """Tabulate where and when a result was made."""
    rows = [
        [key.replace("_", " "), _words(value)]
        for key, value in result.provenance.items()
        if key != "solver"
    ]
    return Block("Provenance", ("fact", "value"), rows, words=(1,))


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} = {v}" for key, v in value.items()) or "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
