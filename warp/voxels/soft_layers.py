"""Cells through soft layers between stiff ones: bond lines, thermal interfaces, seals.

Such a layer carries the stiff bodies' mismatch by shear and by peel, and within about its thickness
t of its free edge it bulges (Poisson's ratio), which softens it there. The share of its area that
this concerns is t/L, L half its shorter side, and n cells miss 1/n^2 of it. So

    n = CELLS sqrt(t/L)

cells keep the error of every such layer alike; CELLS is measured (data/benchmarks/grid-in-z.md).
Shear and peel next to the edge: E. Suhir, J. Appl. Mech. 53 (1986) 657.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, sqrt

from warp.geometry.shapes import Body, Bounds
from warp.materials.material import MaterialError, Medium
from warp.voxels.grid import GridSettings, total_height, usual_cells

CELLS = 56
SOFT = 0.1  # of the shear modulus of both neighbours
SAME = 1e-8  # m
ROOM = 298.15  # K


def cells_of_soft_layers(
    bodies: Sequence[Body], media: Mapping[str, Medium], settings: GridSettings
) -> dict[str, int]:
    """Return the cells through each part that lies between two parts ten times as stiff in shear.

    Only parts of a single height count, and those that get fewer cells by the package's height.
    Parts without mechanical properties are passed over.
    """
    height = total_height(bodies)
    stiffness = {body.part: shear_modulus(media.get(body.material or "")) for body in bodies}
    found = {}
    for body in bodies:
        x0, x1, y0, y1, z0, z1 = box = body.bounds
        own, levels = stiffness[body.part], {shape.bounds[4:] for shape in body.shapes}
        wanted = min(
            settings.cells_per_thick_layer,
            ceil(CELLS * sqrt(2 * (z1 - z0) / min(x1 - x0, y1 - y0))),
        )
        usual = usual_cells(z1 - z0, height, settings)
        if own <= 0 or len(levels) > 1 or wanted <= usual:
            continue
        if own < SOFT * min(stiffest(bodies, stiffness, box, side) for side in (0, 1)):
            found[body.part] = wanted
    return found


def stiffest(
    bodies: Sequence[Body], stiffness: Mapping[str, float], box: Bounds, side: int
) -> float:
    """Return the greatest shear modulus in Pa below (side 0) or above (1) a box; 0 if void."""
    beside = (
        stiffness[body.part]
        for body in bodies
        if any(touches(shape.bounds, box, side) for shape in body.shapes)
    )
    return max(beside, default=0.0)


def touches(other: Bounds, box: Bounds, side: int) -> bool:
    """Tell whether `other` ends where a box begins (side 0) or begins where it ends (side 1)."""
    x0, x1, y0, y1, *z = box
    a0, a1, b0, b1, *ends = other
    beside = min(x1, a1) - max(x0, a0) > SAME and min(y1, b1) - max(y0, b0) > SAME
    return beside and abs(ends[1 - side] - z[side]) < SAME


def shear_modulus(medium: Medium | None) -> float:
    """Return the least shear modulus in Pa at room temperature; 0 where there is none."""
    try:
        return 0.0 if medium is None else float(min(medium.shear(ROOM)))
    except MaterialError:  # for heat conduction only
        return 0.0
