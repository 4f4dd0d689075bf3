"""A solid from a STEP file: a lid, a socket, a ring, whatever its maker drew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from warp.errors import Fault, Key
from warp.geometry import cad
from warp.geometry.package import Package
from warp.geometry.part import Solid
from warp.geometry.place import Outline, Place
from warp.geometry.shapes import Body, Box, Prism, Shape, turned

MM = 1e-3  # m
LEVEL = 1e-9  # m


class StepSolid(Solid):
    """A solid from a STEP file (lid, socket, ring), as upright prisms; needs the extra `cad`."""

    plate: ClassVar = True
    synonyms: ClassVar = ("cad", "stp")
    shape: Literal["step"]
    file: str
    """STEP file; relative to the case file's folder. Its size is real, its middle lies at `at`."""
    solid: Annotated[int, Field(ge=1)] | None = None
    """Number of the solid in the file, from 1; by default the only one."""
    up: Literal["x", "y", "z", "-x", "-y", "-z"] = "z"
    """Axis of the file that points upwards in the package."""

    @field_validator("file")
    @classmethod
    def _in_folder(cls, file: str, info: ValidationInfo) -> str:
        """Name the file from the working folder: validation is told the case's."""
        folder = (info.context or {}).get("folder")
        return file if folder is None else os.path.join(folder, file)

    def read(self, name: str) -> cad.CadSolid:
        """Return the slabs of the solid; Fault names the key and what is wrong with the file."""
        key: Key = ("part", name, "file")
        own = Path(self.file).name
        try:
            return cad.read(self.file, self.solid, self.up)
        except ImportError:
            raise Fault(key, f"needs Open CASCADE to read STEP files: {cad.REMEDY}") from None
        except OSError as error:
            raise Fault(key, f"cannot read {self.file!r}: {error.strerror or error}") from None
        except cad.CadError as error:
            word = "solid" if "solids" in str(error) else "file"
            raise Fault(("part", name, word), f"{own!r} {error}") from None

    def extent(self, name: str, reference: Outline | None) -> tuple[float, float]:
        """Return the width and depth in m of the part as it stands, turned."""
        width, depth, _ = self.read(name).size
        return self.turned_pair((width * MM, depth * MM))

    def own_height(self, name: str) -> float | None:
        """Return the height of the solid in m."""
        return self.read(name).size[2] * MM

    def underside(self, bottom: float, top: float) -> float:
        """Return the underside over the middle: what parts `under` a lid meet."""
        return bottom + cad.read(self.file, self.solid, self.up).ceiling * MM

    def bodies(self, name: str, place: Place, package: Package) -> list[Body]:
        """Return the slabs as boxes where they are rectangles, else as prisms."""
        material = self.wanted(name, package)
        middle = np.array([place.outline.x, place.outline.y])
        shapes: list[Shape] = []
        for slab in self.read(name).slabs:
            z0, z1 = place.z0 + slab.low * MM, place.z0 + slab.high * MM
            for piece in slab.pieces:
                corners = np.array([[p.real * MM, p.imag * MM] for p in piece])
                shapes.append(_shape(turned(corners, self.turn // 90) + middle, z0, z1))
        return [self.body(name, package, material, *shapes)]


def _shape(corners: np.ndarray, z0: float, z1: float) -> Shape:
    """Return a box where the corners are those of a rectangle along x and y."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    ends = np.minimum(np.abs(corners - low), np.abs(corners - high)) < LEVEL
    if len(corners) == 4 and ends.all():
        return Box(float(low[0]), float(high[0]), float(low[1]), float(high[1]), z0, z1)
    return Prism(corners, z0, z1)
