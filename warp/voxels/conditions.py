"""Thermal conditions of a package: films, fixed temperatures, interface resistances, heat sources.

They name faces (`faces`) and parts of the full package; everything unnamed is adiabatic. SI units,
kelvin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class NaturalConvection:
    """Still air at a surface: which way it looks, its characteristic length in m, its emissivity.

    length: area over perimeter of a horizontal surface, height of a vertical one. emissivity: 0
    leaves radiation out.
    """

    surface: Literal["up", "down", "vertical"]
    length: float
    emissivity: float = 0.0


@dataclass(frozen=True)
class Film:
    """Convection: heat-transfer coefficient in W/m2K to an ambient in K.

    natural: the coefficient follows from the temperature of the surface; `coefficient` is a guess.
    """

    face: str
    coefficient: float
    ambient: float
    natural: NaturalConvection | None = None


@dataclass(frozen=True)
class Fixed:
    """A face held at a temperature in K: a film without resistance."""

    face: str
    temperature: float
    coefficient = np.inf

    @property
    def ambient(self) -> float:
        return self.temperature


@dataclass(frozen=True)
class Interface:
    """Thermal resistance in m2K/W of the contact between two parts."""

    part: str
    other: str
    resistance: float


@dataclass(frozen=True)
class Source:
    """Heat given off by a part of the full package, in W.

    `watts`: a number, even over the part's volume; or (rows, columns) W per rectangle between the
    line coordinates `y` (rows + 1, ascending, m) and `x` (columns + 1). `z`: only between these two
    heights, otherwise the whole part. `extent`: x0, x1, y0, y1 of the part in m, of which mirror
    planes leave a fraction; None for a part that every plane halves.
    """

    part: str
    watts: float | np.ndarray
    x: np.ndarray | None = None
    y: np.ndarray | None = None
    z: tuple[float, float] | None = None
    extent: tuple[float, float, float, float] | None = None


Boundary = Film | Fixed | Interface
