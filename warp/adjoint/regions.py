"""Regions of a layer of copper, and their images in the mirror planes of a case."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from warp.case.case import Case
from warp.geometry.shapes import Regions
from warp.voxels.grid import SAME


def images(case: Case) -> list[Mapping[str, str]]:
    """Return the mirror image of each region by its recipe, for x = 0 and y = 0.

    A plane that the case does not use as a mirror has none; those in another part are "".
    """
    found: list[dict[str, str]] = [{}, {}]
    for body in case.bodies():
        for shape in body.shapes:
            if isinstance(shape, Regions):
                names = np.array(shape.materials, object).reshape(shape.fraction.shape)
                for axis in (0, 1):
                    if case.mirror[axis]:
                        low, high = shape.bounds[2 * axis : 2 * axis + 2]
                        centred = abs(low + high) < SAME
                        other = np.flip(names, 1 - axis) if centred else np.full_like(names, "")
                        found[axis].update(zip(names.flat, other.flat, strict=True))
    return list(found)


def asymmetric(case: Case, names: Collection[str]) -> str:
    """Return the axis in which regions are not their own mirror image; "" where they are."""
    for axis, image in zip("xy", images(case), strict=True):
        if any(image.get(name, name) not in names for name in names):
            return axis
    return ""
