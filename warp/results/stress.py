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
stress: (6, nz, ny, nx) in xx yy zz yz xz xy order [Pa], on the device, or read some layers at a
time, so an HDF5 dataset will do. Results in MPa and mm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.results.surface import Model, goes_on
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
UNITS = 2.0**60
"""Units of volume in the box of the grid: bins hold whole numbers of them."""
LANES = 32
"""Threads of a GPU that share a row of voxels; the CPU has whole rows."""
SLAB_BYTES = 1 << 26
"""Bytes of stress that are copied at once where it is not on the device."""


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


def parts(model: Model, stress: Array, device: Device) -> dict[str, dict[str, Any]]:
    """Return extreme principal and von Mises stress of every part [MPa].

    With their positions [mm] and quantiles by volume.
    """
    grid, count = model.grid, len(model.parts)
    _, ny, nx = grid.shape
    rows = ny, LANES if device.cuda else 1, 3, count
    extremes = [device.asarray(np.full(rows, value)) for value in (-np.inf, np.inf)]
    indices = [device.zeros(rows, np.int64) for _ in "12"]
    part = device.asarray(model.media.part, np.int32)
    slabs: Callable[[], Iterable[Slab]] = partial(_slabs, model, stress, device)
    if isinstance(stress, device.xp.ndarray):
        slabs = partial(list, list(slabs()))  # ids go to the device once
    for layers, ids, slab in slabs():
        first, n = layers.start * ny * nx, (nx, ny, len(ids))
        args = *extremes, *indices, slab, ids, part, first, *n
        device.launch("part_stress", "extremes", (rows[1], ny, 1), *args)
    every_high, every_low, at_high, at_low = (a.reshape(-1, 3, count) for a in extremes + indices)
    highest, lowest = every_high.max(axis=0), every_low.min(axis=0)
    high, low, at_high, at_low = map(
        device.to_host,
        (
            highest,
            lowest,
            first_of(device, every_high == highest, at_high),
            first_of(device, every_low == lowest, at_low),
        ),
    )
    present = high[0] >= low[0]
    floor = np.where(present, low, 0.0)
    width = np.where(present & (high > low), high - low, 1.0) / BINS
    blocks = 1 if device.cuda else max(1, min(MOST_BLOCKS, MOST_BINS // (3 * count * BINS)))
    bins = device.zeros((blocks, 3, count, BINS), np.int64)
    box = float(np.prod([q[-1] - q[0] for q in (grid.x, grid.y, grid.z)]))
    scale = 2.0 ** np.floor(np.log2(UNITS / box))
    tables = [device.asarray(a) for a in (floor, width)]
    for layers, ids, slab in slabs():
        widths = [device.asarray(d) for d in (grid.dx, grid.dy, grid.dz[layers])]
        args = bins, slab, ids, part, *widths, scale, *tables, BINS, nx, ny, len(ids)
        device.launch("part_stress", "add_volumes", (nx, ny, len(ids)), *args)
    volumes = device.to_host(bins).sum(axis=0)
    out: dict[str, dict[str, Any]] = {}
    for q in map(int, np.flatnonzero(present)):
        at = [
            _quantile(volumes[n, q], fraction, floor[n, q], width[n, q])
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


def interfaces(model: Model, stress: Array, device: Device) -> list[dict[str, Any]]:
    """Return peel and shear on the horizontal interfaces of touching parts, lower part first.

    All numbers are of the full package: an interface of two parts that both go on beyond a mirror
    plane has its image's area as well, which has the same means and quantiles.
    """
    found: dict[tuple[int, int], list[tuple[Array, ...]]] = {}
    for k in (run.start for run in runs(model.ids)[1:]):
        for pair, *values in _contacts(model, stress, device, k):
            found.setdefault(pair, []).append(tuple(values))
    pairs = sorted(found.items())
    return [_interface(model, pair, pieces, device) for pair, pieces in pairs]


def _contacts(model: Model, stress: Array, device: Device, k: int) -> Iterator[tuple[Any, ...]]:
    """Yield each pair of parts that touch at line k of z, with what is known on each contact.

    Peel and shear in Pa, area in m2, and the flat index of the voxel above, on the device.
    """
    grid, xp = model.grid, device.xp
    part_of = device.asarray(model.media.part, np.int64)
    lower, upper = (part_of[device.asarray(model.ids[layer])].reshape(-1) for layer in (k - 1, k))
    at = xp.flatnonzero((lower != upper) & (lower >= 0) & (upper >= 0))
    if not at.size:
        return
    planes = (device.asarray(stress[2:5, layer], np.float64).reshape(3, -1) for layer in (k - 1, k))
    below, above = (plane[:, at] for plane in planes)
    fraction = grid.dz[k - 1] / (grid.dz[k - 1] + grid.dz[k])
    zz, yz, xz = below + float(fraction) * (above - below)
    nx = grid.shape[2]
    dy, dx = device.asarray(grid.dy), device.asarray(grid.dx)
    shear, area = xp.hypot(yz, xz), dy[at // nx] * dx[at % nx]
    code = lower[at] * len(model.parts) + upper[at]
    for pair in np.flatnonzero(device.to_host(xp.bincount(code))):
        here = xp.flatnonzero(code == int(pair))
        cells = k * lower.size + at[here]
        yield divmod(int(pair), len(model.parts)), zz[here], shear[here], area[here], cells


def _interface(
    model: Model, pair: tuple[int, int], pieces: list[tuple[Array, ...]], device: Device
) -> dict[str, Any]:
    """Return the numbers of one interface from its `_contacts`."""
    grid, xp = model.grid, device.xp
    lower, upper = (model.parts[part] for part in pair)
    across, along = (
        all(both) for both in zip(goes_on(model, lower), goes_on(model, upper), strict=True)
    )
    copies = 2 ** (across + along)
    peel, shear, area, cells = (xp.concatenate(column) for column in zip(*pieces, strict=True))
    total = float(area.sum())
    found: dict[str, Any] = {"lower": lower, "upper": upper, "area_mm2": copies * total * 1e6}
    for name, values in (("peel", peel), ("shear", shear)):
        best = int(xp.argmax(values))
        k, j, i = np.unravel_index(int(cells[best]), grid.shape)
        found |= {
            f"{name}_mean_MPa": float((values * area).sum()) / total / MPA,
            f"{name}_max_MPa": float(values[best]) / MPA,
            f"{name}_max_at_mm": [float(v * 1e3) for v in (grid.xc[i], grid.yc[j], grid.z[k])],
            f"{name}_q99_MPa": quantile(device, values, area, 0.99) / MPA,
        }
    return found


def quantile(device: Device, values: Array, weights: Array, fraction: float) -> float:
    """Smallest value below or at which `fraction` of the weight lies; arrays on the device.

    Only the largest values are sorted: as many as are needed to find it.
    """
    xp = device.xp
    above = (1 - fraction) * float(weights.sum())
    count = max(1, values.size // 32)
    while True:
        top = xp.argpartition(values, values.size - count)[values.size - count :]
        if count == values.size or float(weights[top].sum()) > above:
            break
        count = min(4 * count, values.size)
    order = top[xp.argsort(values[top])[::-1]]
    reached = int((xp.cumsum(weights[order]) <= above).sum())
    return float(values[order[min(reached, count - 1)]])


Slab: TypeAlias = tuple[slice, Array, Array]
"""Layers, their ids and their stress."""


def _slabs(model: Model, stress: Array, device: Device) -> Iterator[Slab]:
    """Yield layers, their ids and their stress (6, n, ny, nx) on the device.

    All at once if they are there already, else as many as SLAB_BYTES hold.
    """
    nz, ny, nx = model.grid.shape
    deep = nz if isinstance(stress, device.xp.ndarray) else max(1, SLAB_BYTES // (48 * ny * nx))
    for k in range(0, nz, deep):
        layers = slice(k, min(k + deep, nz))
        ids = device.asarray(model.ids[layers])
        yield layers, ids, device.asarray(stress[:, layers], np.float64)


def first_of(device: Device, on: Array, indices: Array) -> Array:
    """Return the first of the indices (rows, ...) that are `on`."""
    return device.xp.where(on, indices, np.iinfo(np.int64).max).min(axis=0)


def _quantile(bins: np.ndarray, fraction: float, floor: float, width: float) -> float:
    """Quantile from a histogram, linear within its bin."""
    total = np.cumsum(bins)
    n = int(np.searchsorted(total, fraction * total[-1]))
    before = total[n - 1] if n else 0.0
    inside = (fraction * total[-1] - before) / bins[n] if bins[n] > 0 else 0.0
    return float(floor + width * (n + inside))
