"""Stress fields to numbers: principal and von Mises stress of parts, peel and shear of interfaces.

Principal stresses are the roots of the cubic in closed form: with p = tr(s)/3 and the deviator's
invariants J2, J3 (Malvern, Introduction to the Mechanics of a Continuous Medium, 1969, 3.3)

    s1, s3 = p + 2 sqrt(J2/3) cos(theta), cos(theta + 2 pi/3)
    cos(3 theta) = (3 sqrt(3)/2) J3 / J2^(3/2)
    von Mises = sqrt(3 J2)

The largest value in a part is given with its position, nothing left out. At a re-entrant corner or
the edge of a bimaterial joint linear elasticity is singular: that largest value grows with every
refinement. The 99.9 % quantile by volume (0.1 % for the compressive principal stress) converges;
compare designs by it.

An interface is every horizontal face between two parts: peel = szz (tension opens it),
shear = |(sxz, syz)|, both linear in z from the two cell centres to the face, weighted by area.
stress: (6, nz, ny, nx) in xx yy zz yz xz xy order [Pa], read layer by layer, so an HDF5 dataset
will do. Results in MPa and mm.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from warp.results.surface import Model
from warp.voxels.grid import Grid, runs

MPA = 1e6
QUANTILE = 0.999
BINS = (
    8192  # between a part's smallest and largest value: resolves a quantile to 1/8192 of that range
)
MOST_BLOCKS, MOST_BINS = (
    16,
    1 << 24,
)  # of rows that are sorted into bins at once, and bins of all of them: 134 MB


def invariants(s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the largest principal, smallest principal and von Mises stress.

    s (6, ...) in xx yy zz yz xz xy order.
    """
    xx, yy, zz, yz, xz, xy = np.asarray(s, np.float64)
    p = (xx + yy + zz) / 3
    a, b, c = xx - p, yy - p, zz - p
    j2 = (a * a + b * b + c * c) / 2 + yz * yz + xz * xz + xy * xy
    j3 = a * b * c + 2 * yz * xz * xy - a * yz * yz - b * xz * xz - c * xy * xy
    radius = np.sqrt(j2 / 3)
    cube = 2 * radius**3
    cos3 = np.clip(np.divide(j3, cube, out=np.zeros_like(j3), where=cube > 0), -1, 1)
    theta = np.arccos(cos3) / 3
    return (
        p + 2 * radius * np.cos(theta),
        p + 2 * radius * np.cos(theta + 2 * np.pi / 3),
        np.sqrt(3 * j2),
    )


def cell_position(grid: Grid, flat: int) -> list[float]:
    """Centre (x, y, z) of a cell given by its flat index [mm]."""
    k, j, i = np.unravel_index(flat, grid.shape)
    return [float(line[n] * 1e3) for line, n in ((grid.xc, i), (grid.yc, j), (grid.zc, k))]


def parts(model: Model, stress: np.ndarray) -> dict[str, dict[str, Any]]:
    """Return extreme principal and von Mises stress of every part [MPa].

    With their positions [mm] and quantiles by volume.
    """
    from warp.kernels.host import stress as kernels

    count, area = len(model.parts), model.grid.area
    ny, nx = area.shape
    rows_high, rows_low = np.full((ny, 3, count), -np.inf), np.full((ny, 3, count), np.inf)
    indices_high, indices_low = np.zeros((2, ny, 3, count), np.int64)
    for k, part, layer in _layers(model, stress):
        kernels.extremes(rows_high, rows_low, indices_high, indices_low, layer, part, k)
    high, low = rows_high.max(axis=0), rows_low.min(axis=0)
    at_high, at_low = first(rows_high == high, indices_high), first(rows_low == low, indices_low)
    present = high[0] >= low[0]
    width = np.where(present & (high > low), high - low, 1.0) / BINS
    blocks = max(1, min(MOST_BLOCKS, MOST_BINS // (3 * count * BINS)))
    volumes = np.zeros((blocks, 3, count, BINS))
    floor = np.where(present, low, 0.0)
    for k, part, layer in _layers(model, stress):
        kernels.add_volumes(volumes, layer, part, area, model.grid.dz[k], floor, width)
    bins = volumes.sum(axis=0)
    out: dict[str, dict[str, Any]] = {}
    for q in map(int, np.flatnonzero(present)):
        at = [
            _quantile(bins[n, q], fraction, floor[n, q], width[n, q])
            for n, fraction in enumerate((QUANTILE, 1 - QUANTILE, QUANTILE))
        ]
        out[model.parts[int(q)]] = {
            "max_principal_MPa": float(high[0, q] / MPA),
            "max_principal_at_mm": cell_position(model.grid, int(at_high[0, q])),
            "max_principal_q999_MPa": float(min(at[0], high[0, q]) / MPA),
            "min_principal_MPa": float(low[1, q] / MPA),
            "min_principal_at_mm": cell_position(model.grid, int(at_low[1, q])),
            "min_principal_q001_MPa": float(max(at[1], low[1, q]) / MPA),
            "von_mises_MPa": float(high[2, q] / MPA),
            "von_mises_at_mm": cell_position(model.grid, int(at_high[2, q])),
            "von_mises_q999_MPa": float(min(at[2], high[2, q]) / MPA),
        }
    return out


def interfaces(model: Model, stress: np.ndarray) -> list[dict[str, Any]]:
    """Return peel and shear on the horizontal interfaces of touching parts, lower part first.

    Areas and means are those of the modelled piece (half or quarter under symmetry): means and
    quantiles equal the full package's.
    """
    grid = model.grid
    part_of = np.asarray(model.media.part)
    area = grid.dy[:, None] * grid.dx[None, :]
    found: dict[tuple[int, int], list[tuple[np.ndarray, ...]]] = {}
    for k in (run.start for run in runs(model.ids)[1:]):
        lower, upper = part_of[model.ids[k - 1]], part_of[model.ids[k]]
        j, i = np.nonzero((lower != upper) & (lower >= 0) & (upper >= 0))
        if not j.size:
            continue
        below, above = (np.asarray(stress[2:5, layer], np.float64)[:, j, i] for layer in (k - 1, k))
        fraction = grid.dz[k - 1] / (grid.dz[k - 1] + grid.dz[k])
        zz, yz, xz = below + fraction * (above - below)
        shear, a = np.hypot(yz, xz), area[j, i]
        pair = lower[j, i].astype(np.int64) * len(model.parts) + upper[j, i]
        for code in np.unique(pair):
            here = pair == code
            key = (int(code) // len(model.parts), int(code) % len(model.parts))
            position = np.column_stack(
                (grid.xc[i[here]], grid.yc[j[here]], np.full(here.sum(), grid.z[k]))
            )
            found.setdefault(key, []).append((zz[here], shear[here], a[here], position))
    out = []
    for (lower_part, upper_part), pieces in sorted(found.items()):
        peel, shear, a, position = (np.concatenate(column) for column in zip(*pieces, strict=True))
        out.append(
            {
                "lower": model.parts[lower_part],
                "upper": model.parts[upper_part],
                "area_mm2": float(a.sum() * 1e6),
                "peel_mean_MPa": float((peel * a).sum() / a.sum() / MPA),
                "peel_max_MPa": float(peel.max() / MPA),
                "peel_max_at_mm": [float(v * 1e3) for v in position[peel.argmax()]],
                "peel_q99_MPa": float(quantile(peel, a, 0.99) / MPA),
                "shear_mean_MPa": float((shear * a).sum() / a.sum() / MPA),
                "shear_max_MPa": float(shear.max() / MPA),
                "shear_max_at_mm": [float(v * 1e3) for v in position[shear.argmax()]],
                "shear_q99_MPa": float(quantile(shear, a, 0.99) / MPA),
            }
        )
    return out


def quantile(values: np.ndarray, weights: np.ndarray, fraction: float) -> float:
    """Smallest value below or at which `fraction` of the weight lies."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(
        values[order[min(int(np.searchsorted(total, fraction * total[-1])), order.size - 1)]]
    )


def _layers(model: Model, stress: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield k, the part of each cell (-1 in void) and its stress, layer by layer.

    Layers without solid cells are left out; stress (6, ny, nx).
    """
    part_of = np.asarray(model.media.part, np.int32)
    for run in runs(model.ids):
        part = part_of[model.ids[run.start]]
        if part.max() >= 0:
            for k in range(run.start, run.stop):
                yield k, part, np.ascontiguousarray(stress[:, k], np.float64)


def first(on: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return the first of the indices (rows, ...) that are `on`."""
    return np.where(on, indices, np.iinfo(np.int64).max).min(axis=0)


def _quantile(bins: np.ndarray, fraction: float, floor: float, width: float) -> float:
    """Quantile from a histogram, linear within its bin."""
    total = np.cumsum(bins)
    n = int(np.searchsorted(total, fraction * total[-1]))
    before = total[n - 1] if n else 0.0
    inside = (fraction * total[-1] - before) / bins[n] if bins[n] > 0 else 0.0
    return float(floor + width * (n + inside))
