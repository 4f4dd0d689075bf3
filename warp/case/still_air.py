"""Films of still air on named faces: which way each looks, and its characteristic length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from warp.geometry.place import Place
from warp.voxels.boundary import Boundary, Film
from warp.voxels.conditions import NaturalConvection

GUESS = 10.0  # W/(m2 K), of still air at electronics; the solver finds the coefficient
FACING: dict[str, Literal["up", "down", "vertical"]] = {"top": "up", "bottom": "down"}


def still_air(
    faces: Sequence[str], ambient: float, emissivity: float, places: Mapping[str, Place]
) -> list[Boundary]:
    """Return a film for every face, "all" as top, bottom and sides; ambient in K."""
    found: list[Boundary] = []
    for face in faces:
        part, _, named = face.rpartition(".")
        if not places or part not in ("package", *places):  # a fault of its own
            continue
        for side in ("top", "bottom", "sides") if named == "all" else (named,):
            facing = FACING.get(side, "vertical")
            length = _length(part, facing, places)
            law = NaturalConvection(facing, length, emissivity)
            found.append(Film(f"{part}.{side}", GUESS, ambient, law))
    return found


def _length(part: str, facing: str, places: Mapping[str, Place]) -> float:
    """Return area over perimeter of a horizontal face, or the height of a vertical one, in m."""
    own = list(places.values()) if part == "package" else [places[part]]
    if facing == "vertical":
        return max(place.z1 for place in own) - min(place.z0 for place in own)
    bounds = [place.outline.bounds for place in own]
    width = max(b[1] for b in bounds) - min(b[0] for b in bounds)
    depth = max(b[3] for b in bounds) - min(b[2] for b in bounds)
    return width * depth / (2 * (width + depth))
