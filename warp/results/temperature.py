"""Temperature fields to numbers: extremes and means of parts, junction, thermal resistance.

Temperatures are kelvin in fields and degC in the numbers; means are volume means of cell values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from warp.machine.device import select
from warp.results import stress as stress_metrics
from warp.results.surface import Model
from warp.units import ZERO_CELSIUS
from warp.voxels.grid import runs


def temperatures(model: Model, temperature: np.ndarray) -> dict[str, dict[str, Any]]:
    """Find the extreme and the volume-mean temperature of every part [degC].

    max_at_mm is the centre (x, y, z) of the hottest cell.
    """
    from warp.kernels.host import temperature as kernels

    part_of, area = np.asarray(model.media.part, np.int32), model.grid.area
    shape = len(area), len(model.parts)
    rows_low = np.full(shape, np.inf)
    rows_high = np.full(shape, -np.inf)
    indices = np.zeros(shape, np.int64)
    rows_volume, rows_heat = np.zeros((2, *shape))
    rows = rows_low, rows_high, indices, rows_volume, rows_heat
    for run in runs(model.ids):
        part = part_of[model.ids[run.start]]
        for k in range(run.start, run.stop):
            layer = np.asarray(temperature[k], float)
            kernels.extremes_and_means(*rows, layer, part, area, model.grid.dz[k], k)
    low, high = rows_low.min(0), rows_high.max(0)
    volume, heat = rows_volume.sum(0), rows_heat.sum(0)
    at = stress_metrics.first_of(select("cpu"), rows_high == high, indices)
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
    """Give the junction temperature and theta_JA = (T_J - T_ambient) / P as JESD51 defines it.

    parts: temperatures by part [degC]; power [W] per part; ambient [K]. The junction is the hottest
    point of any powered part. theta_JA needs one ambient temperature: with two it is left out.
    """
    powered = {name: p for name, p in power.items() if p > 0}
    hottest = [parts[name]["max_C"] for name in powered if name in parts]
    if not hottest:  # a part beyond a mirror plane is as hot as its image
        return {}
    junction = max(hottest)
    out = {"junction_C": float(junction), "power_W": float(sum(powered.values()))}
    if ambient is not None:
        out["theta_ja_K_per_W"] = float((junction - (ambient - ZERO_CELSIUS)) / out["power_W"])
    return out
