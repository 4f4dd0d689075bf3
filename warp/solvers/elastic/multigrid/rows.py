"""Rows of coefficients that repeat are stored once.

A package is made of rectangles, and most of a large grid is evenly spaced: the coefficients of a
row of cells along x, on all z levels, are mostly those of the row beside it. A level then keeps the
rows that differ, and for each of its rows the number of the one that it has. Kernels read fewer
numbers from memory, and the same ones.

Rows count as equal if no number differs by more than TOLERANCE, the rounding of float32: widths of
evenly spaced cells differ in their last digits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device

TOLERANCE = 1e-6
FEWEST = 1 << 18
"""Indices of a level below which every row is stored: little memory, and short loops on a CPU."""
FEWER = 0.7
"""Largest part of the rows that is stored, if not all are."""
ROUNDS = 16
"""Most comparisons of rows whose sums agree."""


def stored_once(device: Device, tables: Sequence[Array]) -> tuple[list[Array], Array]:
    """Return tables with the rows that differ in any, and the row of each row (int32, on device).

    tables: (numbers, levels, rows, columns). Small ones are left as they are.
    """
    _, levels, rows, n = tables[0].shape
    like = repeated(device, tables) if levels * rows * n >= FEWEST else np.arange(rows)
    kept, row = np.unique(like, return_inverse=True)
    if len(kept) > FEWER * rows:
        return list(tables), device.asarray(np.arange(rows), np.int32)
    at = device.asarray(kept, np.int64)
    return [device.asarray(table[..., at, :]) for table in tables], device.asarray(row, np.int32)


def repeated(device: Device, tables: Sequence[Array]) -> np.ndarray:
    """Return for each row the first one that it repeats, itself if there is none."""
    flat = [table.reshape(-1, *table.shape[-2:]) for table in tables]
    group = _alike(device, flat)
    like = _first(group, np.arange(len(group)))
    for _ in range(ROUNDS):
        different = np.flatnonzero(_differ(device, flat, like))
        if not len(different):
            return like
        like[different] = _first(group[different], different)
    different = np.flatnonzero(_differ(device, flat, like))
    like[different] = different
    return like


def _first(group: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return for each of the ascending `rows` the first one of its group."""
    _, first, number = np.unique(group, return_index=True, return_inverse=True)
    found: np.ndarray = rows[first[number]]
    return found


def _alike(device: Device, tables: list[Array]) -> np.ndarray:
    """Return a number for each row, the same for rows that have nearly the same sums."""
    _, rows, n = tables[0].shape
    total, sums = np.zeros(rows), device.empty((rows, n))
    for table in tables:
        args = sums, table, len(table), rows, n
        device.launch("rows", "row_sums", (n, rows, 1), *args, real=table.dtype)
        own = device.to_host(sums.sum(axis=1))
        total += own / max(abs(own).max(), 1e-300)
    order = np.argsort(total, kind="stable")
    ascending = total[order]
    apart = np.diff(ascending) > TOLERANCE * abs(ascending[1:])
    group = np.empty(rows, int)
    group[order] = np.append(0, np.cumsum(apart))
    return group


def _differ(device: Device, tables: list[Array], like: np.ndarray) -> np.ndarray:
    """Mark the rows that differ from the row `like` in a table."""
    _, rows, n = tables[0].shape
    found, other = device.zeros(rows, np.uint8), device.asarray(like, np.int32)
    for table in tables:
        args = found, table, other, TOLERANCE, len(table), rows, n
        device.launch("rows", "row_differs", (n, rows, 1), *args, real=table.dtype)
    return device.to_host(found)


def expected(y: np.ndarray, edges: np.ndarray | None) -> int:
    """Predict how many rows of a level with grid lines y differ; all, if edges is None.

    edges: y at which a package made of boxes changes. A row is what the widths and the strips
    between edges make of it, of the two cells on either side.
    """
    if edges is None:
        return len(y)
    width = np.diff(y)
    order = np.argsort(width)
    apart = np.append(0, np.diff(width[order]) > TOLERANCE * width[order][1:])
    kind = np.empty(len(width), int)
    kind[order] = np.cumsum(apart)
    strip = np.searchsorted(edges, (y[1:] + y[:-1]) / 2)
    cells = np.pad(kind * (len(edges) + 1) + strip, 2, constant_values=-1)
    around = np.stack([cells[n : len(y) + n] for n in range(4)], axis=1)
    return len(np.unique(around, axis=0))
