"""Coarsening of one direction: the grid lines that survive, and interpolation from coarse to fine.

Neighbouring cells merge in pairs as long as the merged cell stays below a target width, so that a
graded grid is coarsened where it is fine until it is uniform (semicoarsening in the direction of
strong coupling). Values on lines (faces) and at centres are interpolated linearly at their true
coordinates; beyond the outermost centre they are extrapolated linearly, at a mirror plane they are
constant.
"""

from dataclasses import dataclass

import numpy as np

FEW = 3
"""Columns that remain until the other direction has as few.

One or two columns cannot twist, and can roll about a strip's axis.
"""


Ends = tuple[tuple[bool, bool], tuple[bool, bool]]
"""A property of the first and last end along x, and of those along y."""
FREE_ENDS: Ends = (False, False), (False, False)


def merge(
    lines: np.ndarray, target: float, alone: tuple[bool, bool] = (False, False)
) -> np.ndarray:
    """Merge neighbouring cells up to a width of `target`; return the indices of surviving lines.

    alone: the first, the last cell stays as it is.
    """
    i, n = int(alone[0]), len(lines) - 1 - int(alone[1])
    keep = list(range(i + 1))
    while i < n:
        i += 2 if i + 2 <= n and lines[i + 2] - lines[i] <= target else 1
        keep.append(i)
    return np.array([*keep, *range(keep[-1] + 1, len(lines))])


def next_lines(
    x: np.ndarray, y: np.ndarray, alone: Ends = FREE_ENDS
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the surviving lines x and y of the next level.

    alone: ends whose cell never merges. All lines survive where no other cells can.

    Cells below a target width merge; the target grows until four in ten columns are merged, or one
    in ten once cells up to five times the narrowest merge. A graded grid is coarsened a little at a
    time: an error that varies along y between narrow columns and is even along x across cells many
    times narrower is hardly smoothed, so wide cells must not merge before the narrow ones are as
    wide.
    """
    along_x, along_y = (
        len(q) - 1 - sum(ends) for q, ends in zip((x, y), alone, strict=True)
    )  # cells that may merge
    widths = [
        np.diff(q)[ends[0] : ends[0] + cells]
        for q, ends, cells in zip((x, y), alone, (along_x, along_y), strict=True)
        if cells > 0
    ]
    narrowest = min((width.min() for width in widths), default=np.inf)
    columns = (len(x) - 1) * (len(y) - 1)
    target = 2.2 * narrowest
    few = along_x <= FEW < along_y, along_y <= FEW < along_x
    while True:
        keep_x, keep_y = (
            np.arange(len(q)) if wait else merge(q, target, ends)
            for q, ends, wait in zip((x, y), alone, few, strict=True)
        )
        left = (len(keep_x) - 1) * (len(keep_y) - 1)
        enough = left <= (0.6 if target < 5 * narrowest else 0.9) * columns
        if enough or max(along_x, along_y) <= 1:
            return keep_x, keep_y
        target *= 1.15


@dataclass(frozen=True)
class Weights:
    """fine[i] = (1 - t[i]) coarse[at[i]] + t[i] coarse[at[i] + 1]."""

    at: np.ndarray
    t: np.ndarray


def line_weights(lines: np.ndarray, keep: np.ndarray) -> Weights:
    """Return the weights of values on lines; `keep`: indices of the surviving lines."""
    coarse = lines[keep]
    at = np.minimum(np.searchsorted(coarse, lines, side="right") - 1, len(coarse) - 2)
    return Weights(at, (lines - coarse[at]) / (coarse[at + 1] - coarse[at]))


def centre_weights(lines: np.ndarray, keep: np.ndarray, first: bool, last: bool = False) -> Weights:
    """Return the weights of values at centres.

    first, last: values are constant beyond the outermost centre at that end, as at a mirror plane.
    """
    coarse = lines[keep]
    fine, centre = (lines[1:] + lines[:-1]) / 2, (coarse[1:] + coarse[:-1]) / 2
    if len(centre) == 1:
        return Weights(np.zeros(len(fine), int), np.zeros(len(fine)))
    at = np.clip(np.searchsorted(centre, fine, side="right") - 1, 0, len(centre) - 2)
    t = (fine - centre[at]) / (centre[at + 1] - centre[at])
    return Weights(at, np.clip(t, 0 if first else -np.inf, 1 if last else np.inf))
