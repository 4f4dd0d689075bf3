"""Hold one number against a closed form or a published value; make plain solids for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from warp.machine.device import Device
from warp.materials.curves import Constant, Triple
from warp.materials.material import Material

MM = 1e-3
COLD, HOT = 300.0, 400.0  # K; only their difference and the stress-free temperature matter


@dataclass(frozen=True)
class Row:
    """`tolerance` is a share of the expected value, or with `absolute` a difference in `unit`."""

    name: str
    expected: float
    got: float
    tolerance: float
    source: str
    unit: str = ""
    absolute: bool = False

    @property
    def error(self) -> float:
        """Return the difference as a share of the expected value; + is too large.

        With `absolute` in `unit`.
        """
        difference = self.got - self.expected
        return difference if self.absolute else difference / self.expected

    @property
    def passed(self) -> bool:
        """NaN does not pass."""
        return bool(abs(self.error) <= self.tolerance)

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON: NumPy's numbers are plain ones, a number that is none is null."""
        numbers = {
            key: float(getattr(self, key)) for key in ("expected", "got", "error", "tolerance")
        }
        known = {key: value if math.isfinite(value) else None for key, value in numbers.items()}
        told = {key: getattr(self, key) for key in ("unit", "source", "absolute", "passed")}
        return {"name": self.name, **known, **told}


@dataclass(frozen=True)
class Problem:
    """Hold a model whose numbers are known; `solve` gives its rows, `quick` takes seconds."""

    name: str
    solve: Callable[[Device], list[Row]]
    quick: bool = True


def material(
    E: float | Sequence[float] = 1e9,
    nu: float = 0.0,
    alpha: float | Sequence[float] = 0.0,
    shear: float | None = None,
    k: float | Sequence[float] = 1.0,
    capacity: float = 1.0,
) -> Material:
    """Make a material of constant properties in SI units; the density is 1 kg/m3.

    Three values where the directions differ.
    """
    laws = {"youngs_modulus": E, "poissons_ratio": nu, "cte": alpha, "conductivity": k}
    laws |= {"density": 1.0, "specific_heat": capacity}
    if shear is not None:
        laws["shear_modulus"] = shear
    return Material("constant", {name: _triple(value) for name, value in laws.items()})


def _triple(value: float | Sequence[float]) -> Triple:
    if not isinstance(value, Sequence):
        return (Constant(float(value)),) * 3
    x, y, z = (Constant(float(v)) for v in value)
    return x, y, z


def graded(
    start: float, end: float, first: float, growth: float = 0.25, widest: float = math.inf
) -> np.ndarray:
    """Return lines from start to end (either sense), each cell wider than the one before.

    The first is about `first` wide.
    """
    widths = [first]
    length = abs(end - start)
    while sum(widths) < length:
        widths.append(min(widths[-1] * (1 + growth), widest))
    lines = np.concatenate(([0.0], np.cumsum(widths))) * length / sum(widths)
    return start + np.sign(end - start) * lines


def joined(*pieces: np.ndarray) -> np.ndarray:
    """Ascending lines of several stretches that share their ends."""
    lines = np.sort(np.concatenate(pieces))
    return lines[np.concatenate(([True], np.diff(lines) > 1e-9 * (lines[-1] - lines[0])))]
