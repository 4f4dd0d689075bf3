"""Temperature over time: reflow profiles by name, and the points of a profile that are computed.

The reflow profiles stay within table 5-2 of IPC/JEDEC J-STD-020E, classification reflow profiles
(temperatures of the package body; the same in revisions D and F):

                                                 SnPb             Pb-free
    ramp up to the peak                          3 K/s at most    3 K/s at most
    preheat, 60 to 120 s                         100 to 150 degC  150 to 200 degC
    liquidus, 60 to 150 s above it               183 degC         217 degC
    peak = classification temperature            220, 235 degC    245, 250, 260 degC
    within 5 K of the peak                       20 s             30 s
    ramp down                                    6 K/s at most    6 K/s at most
    from 25 degC to the peak                     6 min at most    8 min at most

The standard gives limits, not a curve; these profiles take 1.5 K/s up to a preheat of 100 s, 1 K/s
to the peak and 2 K/s down.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from warp.units import ZERO_CELSIUS

Point = tuple[float, float]
"""Time in s, temperature in K."""
ROOM = 25.0  # degC
HEATING, TO_PEAK, COOLING, PREHEAT = 1.5, 1.0, 2.0, 100.0  # K/s, K/s, K/s, s


def reflow(preheat: tuple[float, float], peak: float, near_peak: float) -> tuple[Point, ...]:
    """Return a profile in the standard's shape, as (s, K).

    `preheat`: from and to, degC; `peak` in degC; `near_peak`: seconds within 5 K of the peak.
    """
    low, high = preheat
    hold = near_peak - 5.0 / TO_PEAK - 5.0 / COOLING
    lengths = [
        (low - ROOM) / HEATING,
        PREHEAT,
        (peak - high) / TO_PEAK,
        hold,
        (peak - ROOM) / COOLING,
    ]
    times = [sum(lengths[:n]) for n in range(len(lengths) + 1)]
    heights = (ROOM, low, high, peak, peak, ROOM)
    return tuple((t, T + ZERO_CELSIUS) for t, T in zip(times, heights, strict=True))


PROFILES: dict[str, tuple[Point, ...]] = {
    "jedec-pb-free-260": reflow((150.0, 200.0), 260.0, 30.0),
    "jedec-pb-free-250": reflow((150.0, 200.0), 250.0, 30.0),
    "jedec-pb-free-245": reflow((150.0, 200.0), 245.0, 30.0),
    "jedec-snpb-235": reflow((100.0, 150.0), 235.0, 20.0),
    "jedec-snpb-220": reflow((100.0, 150.0), 220.0, 20.0),
}


def load_steps(points: Sequence[Point], most: float) -> list[Point]:
    """Return the points of a profile after the first, with steps of at most `most` K between."""
    found: list[Point] = []
    for (t0, T0), (t1, T1) in zip(points[:-1], points[1:], strict=True):
        count = max(1, ceil(abs(T1 - T0) / most - 1e-9))
        found += [(t0 + (t1 - t0) * n / count, T0 + (T1 - T0) * n / count) for n in range(1, count)]
        found.append((t1, T1))
    return found
