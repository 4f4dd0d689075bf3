"""Compare whole packages on the default grid with an independent finite-element program.

data/calculix holds the cases and references.json: values of CalculiX 2.20 (C3D20R bricks) with
their own mesh error, displacement ranges positive where corners stand higher than the centre.
Surfaces that the reference itself does not know to 0.3 % are left out.
"""

from __future__ import annotations

import json
from functools import partial
from importlib import resources
from importlib.resources.abc import Traversable

from warp.machine.device import Device
from warp.verify.problem import Problem, Row

CALCULIX = "CalculiX 2.20, C3D20R"
CONVERGED = 0.3  # percent
TOLERANCE, OF_RISE = 0.005, 0.01


def folder() -> Traversable:
    """Return the folder of the cases in an installed program."""
    return resources.files("warp.data") / "calculix"


def references() -> dict[str, dict[str, dict[str, float]]]:
    """Read reference values by case and surface (or part, for temperatures)."""
    file = folder() / "references.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {name: values for name, values in known.items() if isinstance(values, dict)}


def package(name: str, device: Device) -> list[Row]:
    """Warpage of every surface and temperature rise of every part that the reference has."""
    from warp import load, solve

    known = references()[name]
    with resources.as_file(folder() / f"{name}.toml") as path:
        got = solve(load(path), device=device.name).metrics
    rows = []
    for surface, value in known.items():
        part, _, side = surface.partition(".")
        if not side:
            rise = got["temperature"][part]["max_C"] - 25
            rows.append(Row(f"{name}: {part} rise", value["rise_K"], rise, OF_RISE, CALCULIX, "K"))
        elif value["error_pct"] < CONVERGED:
            warpage = -got["surfaces"][part][side]["warpage_um"]
            rows.append(
                Row(f"{name}: {surface}", value["warpage_um"], warpage, TOLERANCE, CALCULIX, "um")
            )
    return rows


PROBLEMS = [Problem(name, partial(package, name)) for name in references()]
