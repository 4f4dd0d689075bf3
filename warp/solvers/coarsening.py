"""Coarsening of one direction: the grid lines that survive, and interpolation from coarse to fine.

Neighbouring cells merge in pairs as long as the merged cell stays below a target width, so that a
graded grid is coarsened where it is fine until it is uniform (semicoarsening in the direction of
strong coupling). Values on lines (faces) and at centres are interpolated linearly at their true
coordinates; beyond the outermost centre they are extrapolated linearly, at a mirror plane or a held
end they are constant.
"""

from dataclasses import dataclass

import numpy as np

FEW = 3
"""Columns that remain until the other direction has as few.

One or two columns cannot twist, and can roll about a strip's axis.
"""


def merge(lines: np.ndarray, target: float) -> np.ndarray:
    """Merge neighbouring cells up to a width of `target`; return the indices of surviving lines."""
    keep, i, n = [0], 0, len(lines) - 1
    while i < n:
        i += 2 if i + 2 <= n and lines[i + 2] - lines[i] <= target else 1
        keep.append(i)
    return np.array(keep)


def next_lines(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the surviving lines x and y of the next level.

    Cells below a target width merge; the target grows until four in ten columns are merged, or one
    in ten once cells up to five times the narrowest merge. A graded grid is coarsened a little at a
    time: an error that varies along y between narrow columns and is even along x across cells many
    times narrower is hardly smoothed, so wide cells must not merge before the narrow ones are as
    wide.
    """
    narrowest = min(np.diff(x).min(), np.diff(y).min())
    columns = (len(x) - 1) * (len(y) - 1)
    target = 2.2 * narrowest
    few = len(x) - 1 <= FEW < len(y) - 1, len(y) - 1 <= FEW < len(x) - 1
    while True:
        keep_x, keep_y = (
            np.arange(len(q)) if wait else merge(q, target)
            for q, wait in zip((x, y), few, strict=True)
        )
        left = (len(keep_x) - 1) * (len(keep_y) - 1)
        if left <= (0.6 if target < 5 * narrowest else 0.9) * columns or left == 1:
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
