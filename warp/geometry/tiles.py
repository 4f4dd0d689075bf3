"""Copper of a panel from one of its units: the density of the unit, repeated at its pitch.

A panel's layout, drawn in full, has too many shapes to resolve; its units are all alike. The share
of copper on the pixels of one unit is exact, and so is that on the panel's pixels, which need not
meet the unit's: a pixel's share is the area of copper in it.
"""

from __future__ import annotations

import numpy as np

from warp.geometry.part import Tiles

Array = np.ndarray


def panel(unit: Array, tiles: Tiles, size: tuple[float, float], shape: tuple[int, int]) -> Array:
    """Return shares (rows, columns) of copper over a panel, first row at y-.

    unit: shares over one unit of the tiles' pitch. size: of the panel in m, the field of units in
    its middle; outside it the share is the border's. shape: rows and columns.
    """
    rows, columns = shape
    across = _weights(columns, size[0], tiles.pitch[0], tiles.count[0], unit.shape[1])
    up = _weights(rows, size[1], tiles.pitch[1], tiles.count[1], unit.shape[0])
    covered = np.outer(up.sum(axis=1), across.sum(axis=1))
    return up @ unit @ across.T + tiles.border * (1.0 - covered)


def _weights(pixels: int, length: float, pitch: float, count: int, parts: int) -> Array:
    """Return (pixels, parts): the share of each pixel that each part of the unit covers, summed."""
    lines = np.linspace(-length / 2, length / 2, pixels + 1)
    start = -count * pitch / 2
    places = np.clip((lines - start) / pitch, 0.0, float(count))  # in units
    whole, rest = np.divmod(places, 1.0)
    # Lengths up to each line that lie in each part, in parts.
    part = np.arange(parts)
    inside = np.clip(rest[:, None] * parts - part, 0.0, 1.0) + whole[:, None]
    found: Array = np.diff(inside, axis=0) * (pitch / parts) / (length / pixels)
    return found
