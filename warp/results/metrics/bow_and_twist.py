"""Declare bow and twist of each surface by IPC-TM-650, method 2.4.22 revision C (June 1999).

The sample lies on a surface plate, its convex side up. Bow (5.1): with both corners of an edge held
down, the largest gap R under that edge over the length L of the edge, B = 100 R / L; the worse of
the two edges of that direction counts. Twist (5.2): with three corners on the plate, the gap R
under the fourth over the diagonal, T = 100 R / (2 D): holding one corner down doubles the gap. R is
the same whichever corner is left free: |w_A - w_B + w_C - w_D|, the corners in order.

Heights are read on the edges of the measuring zone, without sign and without the plane: a tilt
changes neither. None if a corner or an edge has no material.
"""

from __future__ import annotations

import numpy as np

from warp.results.flatness import Warpage
from warp.results.metrics.declaration import PERCENT, Column, Number, surface_metric
from warp.results.metrics.surface_flatness import SURFACES
from warp.results.surface import along_line


def bow(surface: Warpage, axis: int) -> float:
    """Give the bow of the edges along x (axis 0) or y (axis 1) in per cent of their length."""
    zone = surface.surface
    rows, lines = (zone.w, zone.x) if axis == 0 else (zone.w.T, zone.y)
    edges = along_line(zone.device.to_host(rows[[0, -1]]), lines)
    points = np.insert(lines, range(1, len(lines)), (lines[1:] + lines[:-1]) / 2)
    along = (points - points[0]) / (points[-1] - points[0])
    chords = edges[:, :1] * (1 - along) + edges[:, -1:] * along
    gap = np.abs(edges - chords).max()
    return float(100 * gap / (lines[-1] - lines[0]))


def twist(surface: Warpage) -> float:
    """Give the twist in per cent of the diagonal."""
    zone = surface.surface
    (a, b), (d, c) = zone.device.to_host(zone.w[[0, -1]])[:, [0, -1]]
    diagonal = np.hypot(zone.x[-1] - zone.x[0], zone.y[-1] - zone.y[0])
    return float(100 * abs(a - b + c - d) / (2 * diagonal))


BOW_AND_TWIST = surface_metric(
    SURFACES,
    (
        Number(
            "bow_x",
            PERCENT,
            "IPC-TM-650 2.4.22: largest gap under the edges along x, their corners held down, over "
            "their length",
            report=Column("bow x", "{:.3f} %"),
            compared="bow x",
            of=lambda w: bow(w, 0),
        ),
        Number(
            "bow_y",
            PERCENT,
            "the same along y",
            report=Column("bow y", "{:.3f} %"),
            compared="bow y",
            of=lambda w: bow(w, 1),
        ),
        Number(
            "twist",
            PERCENT,
            "IPC-TM-650 2.4.22: gap under the fourth corner, three held down, over twice the "
            "diagonal",
            report=Column("twist", "{:.3f} %"),
            compared="twist",
            of=twist,
        ),
    ),
)
