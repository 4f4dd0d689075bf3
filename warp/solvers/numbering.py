"""Number the indices that take part, in linear time: sorted by their digits, on all cores."""

from __future__ import annotations

import numpy as np

from warp.kernels.host import numbering as kernels

DIGIT = 11
"""Bits by which indices are sorted at once."""
BLOCK, MOST_BLOCKS = 1 << 14, 32
"""Least indices of a block, and most blocks: each is counted and moved by one core.

Fewer indices than a block has are sorted by NumPy.
"""


def numbered(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted unique indices and the number of each index among them.

    As np.unique(return_inverse=True), for indices that are not negative.
    """
    if len(indices) < BLOCK:
        unique, number = np.unique(indices, return_inverse=True)
        return unique, number
    blocks = max(1, min(MOST_BLOCKS, len(indices) // BLOCK))
    keys, places = _sorted(np.ascontiguousarray(indices, np.int64), blocks)
    counts = np.empty(blocks, np.int64)
    kernels.count_firsts(counts, keys)
    ends = np.cumsum(counts)
    unique, number = np.empty(ends[-1], np.int64), np.empty_like(places)
    kernels.number(unique, number, ends - counts, keys, places)
    return unique, number


def _sorted(keys: np.ndarray, blocks: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the keys in ascending order, and the place that each had; equal ones as they were."""
    places, spare = np.arange(len(keys)), None
    counts = np.empty((blocks, kernels.DIGITS), np.int64)
    for shift in range(0, int(keys.max(initial=0)).bit_length(), DIGIT):
        kernels.count_digits(counts, keys, shift)
        by_digit = np.ascontiguousarray(counts.T)
        to = np.cumsum(by_digit).reshape(by_digit.shape) - by_digit
        into = (np.empty_like(keys), np.empty_like(places)) if spare is None else spare
        kernels.move_by_digit(*into, np.ascontiguousarray(to.T), keys, places, shift)
        spare = (keys, places) if shift else None  # the first keys are the caller's
        keys, places = into
    return keys, places
