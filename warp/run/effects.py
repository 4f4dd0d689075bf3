"""Find what moves a result: main effects and Sobol indices over the points of a sweep.

Main effect of a variable: the change of the least-squares plane through all points from its lowest
to its highest value, the others held: y = c + sum b_i x_i, effect_i = b_i (max x_i - min x_i). R2
is the fraction of the variance that it explains, where the points are more than it needs. Names
have no order: their effect is the largest difference of the means over their values.

Shares of variance for Saltelli's scheme (`sampling.saltelli`), with f_A, f_B, f_i the outputs on A,
B and A with column i of B, and V the variance over A and B:
    first order  S_i = mean(f_B (f_i - f_A)) / V      the variable alone (Saltelli 2010, table 2 b)
    total        T_i = mean((f_A - f_i)^2) / (2 V)    with all its interactions (Jansen 1999)

By hand: two lines that give the numbers of SALib, which would make pandas part of every install.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warp.run.sampling import Design


@dataclass(frozen=True)
class Effect:
    """The effect of one variable on one output, in its unit; NaN where the sample cannot tell."""

    output: str
    variable: str
    effect: float
    r2: float
    first: float = float("nan")
    total: float = float("nan")


def main_effects(
    design: Design, points: Sequence[Sequence[str]], output: str, values: np.ndarray
) -> list[Effect]:
    """Return the effect of each variable on one output.

    points, values: one per run; values are NaN where a run failed.
    """
    known = np.isfinite(values)
    chosen = [point for point, use in zip(points, known, strict=True) if use]
    y = values[known]
    x = np.array(
        [[v.number(t) for v, t in zip(design.variables, p, strict=True)] for p in chosen]
    ).reshape(len(chosen), len(design.variables))
    numeric = [n for n, v in enumerate(design.variables) if v.numeric]
    span = np.ptp(x, axis=0) if len(x) else np.zeros(len(design.variables))
    usable = [n for n in numeric if span[n] > 0]
    slopes, r2 = np.full(len(design.variables), np.nan), float("nan")
    if len(y) > len(usable) and np.ptp(y) > 0:
        a = np.column_stack(
            (np.ones(len(y)), *((x[:, n] - x[:, n].mean()) / span[n] for n in usable))
        )
        fit = np.linalg.lstsq(a, y, rcond=None)[0]
        slopes[usable] = fit[1:]
        if len(usable) == len(design.variables) and len(y) > len(usable) + 1:
            r2 = float(1 - np.sum((y - a @ fit) ** 2) / np.sum((y - y.mean()) ** 2))
    for n, v in enumerate(design.variables):
        if not v.numeric and len(y):
            means = [y[x[:, n] == level].mean() for level in np.unique(x[:, n])]
            slopes[n] = max(means) - min(means)
    return [
        Effect(output, v.key, float(s), r2) for v, s in zip(design.variables, slopes, strict=True)
    ]


def sobol_indices(outputs: np.ndarray, size: int, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Return first-order and total Sobol indices (dimensions,) from Saltelli's points.

    outputs (size (dimensions + 2),). NaN where the output does not vary or one is missing. The same
    numbers as scipy.stats.sobol_indices, which refuses a single variable.
    """
    blocks = np.asarray(outputs, float).reshape(dimensions + 2, size)
    a, b, mixed = blocks[0], blocks[1], blocks[2:]
    both = np.concatenate((a, b))
    variance = both.var()
    if not variance > 0:
        return np.full(dimensions, np.nan), np.full(dimensions, np.nan)
    middle = both.mean()  # centred outputs reduce the variance of the estimate
    first = np.mean((b - middle) * (mixed - a), axis=1) / variance
    total = np.mean((a - mixed) ** 2, axis=1) / (2 * variance)
    return first, total


def effects(design: Design, output: str, values: np.ndarray) -> list[Effect]:
    """Return the effects on one output, with Sobol indices where the sample allows them."""
    found = main_effects(design, design.points, output, values)
    if design.sample != "sobol" or not np.isfinite(values).all():
        return found
    first, total = sobol_indices(values, design.size, len(design.variables))
    return [
        Effect(e.output, e.variable, e.effect, e.r2, float(s), float(t))
        for e, s, t in zip(found, first, total, strict=True)
    ]
