"""Fields to numbers: warpage, coplanarity, curvature, temperatures.

Warpage as JEITA ED-7306 and JESD22-B112 define it, over the measuring zone of one surface:
    r = w - (a + b x + c y)            residual from the least-squares plane
    |C| = max r - min r                peak to valley
    sign C = sgn(AB_max + AB_min + CD_max + CD_min)
with AB, CD the two diagonals, each relative to the straight line that joins its ends, up (towards the lid) positive.
C > 0 is convex: the centre stands away from the board. A pure twist has no sign by this rule and counts as positive.
The plane is fitted by integrals over the surface, as an even dense scan would give (Simpson's rule on parabolas: exact
for bending by a constant curvature). Unweighted vertices of a grid that is fine at part edges would pull the plane
towards those edges, and refining one edge would tilt it.
Curvature kappa_x = -d2w/dx2, so that kappa > 0 is convex too: least-squares quadratic over the middle
quarter of each side, away from the free edges, where laminate theory holds.
Temperatures are kelvin inside and degC in the numbers; parts' means are volume means of cell values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from warp.results import stress as stress_metrics
from warp.results.flatness import UM, coplanarity, warpage
from warp.results.surface import Side, Zone, faces, part_index, sample
from warp.units import ZERO_CELSIUS
from warp.voxels.grid import runs

UNIFORM = 1e-9  # K: a field within it was set, not solved


def temperatures(model, temperature: np.ndarray) -> dict[str, dict[str, Any]]:
    """Largest, volume-mean and smallest temperature of every part [degC], and where the largest is (x, y, z in mm)."""
    from warp.kernels.host import temperature as kernels

    part_of, area = np.asarray(model.media.part, np.int32), model.grid.area
    shape = len(area), len(model.parts)
    rows_low, rows_high, places = np.full(shape, np.inf), np.full(shape, -np.inf), np.zeros(shape, np.int64)
    rows_volume, rows_heat = np.zeros((2, *shape))
    rows = rows_low, rows_high, places, rows_volume, rows_heat
    for run in runs(model.ids):
        part = part_of[model.ids[run.start]]
        for k in range(run.start, run.stop):
            kernels.extremes_and_means(*rows, np.asarray(temperature[k], float), part, area, model.grid.dz[k], k)
    low, high, volume, heat = rows_low.min(0), rows_high.max(0), rows_volume.sum(0), rows_heat.sum(0)
    at = stress_metrics.first(rows_high == high, places)
    return {
        name: {
            "max_C": float(high[q] - ZERO_CELSIUS),
            "mean_C": float(heat[q] / volume[q] - ZERO_CELSIUS),
            "min_C": float(low[q] - ZERO_CELSIUS),
            "max_at_mm": stress_metrics.cell_position(model.grid, int(at[q])),
        }
        for q, name in enumerate(model.parts)
        if volume[q] > 0
    }


def thermal(
    parts: Mapping[str, Mapping[str, Any]], power: Mapping[str, float], ambient: float | None
) -> dict[str, float]:
    """Junction temperature and theta_JA = (T_J - T_ambient) / P as JESD51 defines it; power [W] per part, ambient [K].

    The junction is the hottest point of any powered part. With one ambient temperature only: with two, theta_JA means
    nothing.
    """
    powered = {name: p for name, p in power.items() if p > 0 and name in parts}
    if not powered:
        return {}
    junction = max(parts[name]["max_C"] for name in powered)
    out = {"junction_C": float(junction), "power_W": float(sum(powered.values()))}
    if ambient is not None:
        out["theta_ja_K_per_W"] = float((junction - (ambient - ZERO_CELSIUS)) / out["power_W"])
    return out


def theta_jc(junction: float, case: float, heat: float) -> float:
    """theta_JC = (T_junction - T_case) / heat [K/W] as in JESD51-14; meaningful when nearly all the heat leaves
    through that face."""
    return (junction - case) / heat


def evaluate(
    model,
    temperature: np.ndarray | None = None,
    displacement: np.ndarray | None = None,
    stress: np.ndarray | None = None,
    *,
    surfaces: Iterable[tuple[str, Side]] | None = None,
    zones: Mapping[tuple[str, str], Zone] | None = None,
    terminals: str | None = None,
    power: Mapping[str, float] | None = None,
    ambient: float | None = None,
) -> dict[str, Any]:
    """All numbers of a solved model, ready for JSON.

    surfaces: (part, side) pairs, default both sides of every part; zones: measuring zone per surface; terminals: part
    (balls, or the substrate) whose bottom is checked for coplanarity; power [W] per part of the full package and the
    common ambient [K] for the thermal figures.
    """
    out: dict[str, Any] = {}
    if displacement is not None:
        bottom, top = faces(model)
        sides: tuple[Side, ...] = ("top", "bottom")
        wanted = list(surfaces) if surfaces is not None else [(p, s) for p in model.parts for s in sides]
        out["surfaces"] = {}
        for part, side in wanted:
            face = (top if side == "top" else bottom)[part_index(model, part)]
            if not (face >= 0).any() and surfaces is None:
                continue
            surface = sample(model, displacement, part, side, face)
            numbers = warpage(surface, (zones or {}).get((part, side))).to_dict()
            out["surfaces"].setdefault(part, {})[side] = numbers
        if terminals is not None:
            surface = sample(model, displacement, terminals, "bottom", bottom[part_index(model, terminals)])
            out["coplanarity_um"] = coplanarity(surface) / UM
    if temperature is not None:
        out["temperature"] = temperatures(model, temperature)
        low, high = (
            pick(t[key] for t in out["temperature"].values()) for pick, key in ((min, "min_C"), (max, "max_C"))
        )
        out["uniform_temperature"] = high - low < UNIFORM
        out["thermal"] = thermal(out["temperature"], power or {}, ambient)
    if stress is not None:
        out["stress"] = stress_metrics.parts(model, stress)
        out["interfaces"] = stress_metrics.interfaces(model, stress)
    return out
