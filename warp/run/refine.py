"""How far the grid leaves a warpage from the limit of fine grids: the same case on coarser grids, and Richardson.

    f(h) = f(0) + C h^p        h: cell width; p = 2 from two grids, from three the order that they show

Each coarser grid has half the cells of the next along every axis (a layer of one cell keeps it), so h goes by the
cube root of the voxel count (Celik et al., J. Fluids Eng. 130 (2008) 078001, who also take the order from three grids).
The error is |f(0) - f| on the finest grid times a safety factor: 3 where the order is assumed (Roache, J. Fluids Eng.
116 (1994) 405), 1.25 where three grids show it (Celik). An observed order well above 2, the scheme's own, says that the
coarsest grid is too coarse to show one: 2 is assumed. Grids that disagree in direction or in sign, or that close in too
slowly, promise no limit: the largest difference from the finest stands as a bound, and no value is extrapolated.
The model's own errors (materials, linear theory, geometry) are not in it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from warp.device import Device
from warp.run import process, single

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result

ORDER = 2.0  # of both operators on smooth fields
SHOWN = 1.1 * ORDER  # an observed order up to here counts as shown
SAFETY_ASSUMED, SAFETY_SHOWN = 3.0, 1.25  # Roache 1994, Celik 2008
SLOWEST = 0.5  # order: the stress singularity at a bimaterial corner leaves about h; half of that is no convergence
FASTEST = 16.0  # order beyond which the two finer grids agree by accident


@dataclass(frozen=True)
class Estimate:
    """What a sequence of grids says of its last value. Without an extrapolated value, `error` is a bound."""

    error: float
    extrapolated: float | None
    order: float | None
    """Observed, with three grids that converge."""


def solve(
    case: Case,
    device: str | Device = "auto",
    progress: single.Progress | None = None,
    *,
    grids: int = 2,
) -> Result:
    """Solve a case on its own grid and on `grids` - 1 coarser ones; its warpages carry their errors."""
    if grids not in (2, 3):
        raise ValueError("the error is estimated from two or three grids")
    start = time.perf_counter()
    results: list[Result] = []
    for n in range(grids):
        step = None if progress is None else _numbered(progress, f"grid {n + 1} of {grids}: ")
        # Fields of the coarser grids go, their numbers stay.
        results.append(process.solve(coarsened(case, 2 ** (grids - 1 - n)), device, step))
        if n < grids - 1:
            results[n] = replace(results[n], fields={})
    finest = results[-1]
    voxels = [result.grid.cells for result in results]
    metrics = with_errors([result.metrics for result in results], voxels)
    return replace(
        finest,
        metrics=metrics,
        provenance={**finest.provenance, "wall_s": time.perf_counter() - start},
    )


def coarsened(case: Case, times: int) -> Case:
    """The same case with cells so many times as wide."""
    if times == 1:
        return case
    grid = case.file.grid
    wide = grid.model_copy(update={"refine": (grid.refine or 1) / times})
    return replace(case, file=case.file.model_copy(update={"grid": wide}))


def with_errors(metrics: Sequence[dict[str, Any]], voxels: Sequence[int]) -> dict[str, Any]:
    """Numbers of the finest grid (the last) with error, limit and order of each surface's warpage."""
    widths = [(voxels[-1] / count) ** (1 / 3) for count in voxels]
    surfaces: dict[str, dict[str, Any]] = {}
    for part, sides in (metrics[-1].get("surfaces") or {}).items():
        surfaces[part] = {}
        for side, numbers in sides.items():
            surfaces[part][side] = dict(numbers)
            values = [m["surfaces"].get(part, {}).get(side, {}).get("warpage_um") for m in metrics]
            if None in values:  # a footprint that a coarse grid cannot measure
                continue
            found = estimate(values, widths)
            surfaces[part][side] |= {
                "warpage_error_um": found.error,
                "warpage_extrapolated_um": found.extrapolated,
                "warpage_order": found.order,
            }
    refinement = {"voxels": list(voxels), "order": "2 assumed" if len(voxels) == 2 else "observed"}
    return {**metrics[-1], "surfaces": surfaces, "refinement": refinement}


def estimate(values: Sequence[float], widths: Sequence[float]) -> Estimate:
    """Error and limit of the last of two or three values; cell widths fall along the sequence, in any unit."""
    fine = values[-1]
    spread = max(abs(value - fine) for value in values)
    if spread == 0.0:
        return Estimate(0.0, fine, None)
    order = None
    if min(values) < 0.0 < max(values):  # a shape that turns over jumps from +|C| to -|C|
        return Estimate(spread, None, None)
    if len(values) == 3:
        order = observed_order(values, widths)
        if order is None:
            return Estimate(spread, None, None)
    rest = (fine - values[-2]) / ((widths[-2] / widths[-1]) ** min(ORDER, order or ORDER) - 1)
    safety = SAFETY_SHOWN if order is not None and order <= SHOWN else SAFETY_ASSUMED
    return Estimate(safety * abs(rest), fine + rest, order)


def observed_order(values: Sequence[float], widths: Sequence[float]) -> float | None:
    """The p of f(0) + C h^p through three values; None where they do not converge one way and fast enough."""
    from scipy.optimize import brentq  # a quarter of a second that other verbs need not spend

    h3, h2, h1 = (width / widths[-1] for width in widths)
    before, last = values[1] - values[0], values[2] - values[1]

    def surplus(p: float) -> float:
        return before * (h2**p - h1**p) - last * (h3**p - h2**p)

    if before * last < 0 or before == 0 or surplus(SLOWEST) * before < 0:
        return None
    if surplus(FASTEST) * before > 0:
        return FASTEST
    return float(brentq(surplus, SLOWEST, FASTEST))


def _numbered(progress: single.Progress, prefix: str) -> single.Progress:
    return lambda step, iteration, residual: progress(prefix + step, iteration, residual)
