"""Values of a case that are not known, what is known of them before, and the case at others.

A key that names one value (a thickness, `material.mould.cte.glassy`) is that value; one that names
several (a curve of several rows, a size in x and y) is a factor on all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from warp.adjoint.inputs import inputs
from warp.adjoint.material_values import copies_in, values_of
from warp.adjoint.substitution import substituted
from warp.adjoint.variant import Base
from warp.case import case as cases
from warp.case.assembly import Assembly
from warp.case.case import Case
from warp.case.tolerance import Tolerance
from warp.errors import WarpError, nearest
from warp.materials.material import Material, Medium
from warp.run.grids import common_grid
from warp.run.stage_model import enter
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
MEASURED = "load.temperature"
FACTOR = ""
"""Unit of a factor on several values."""
LEAST, MOST = 0.05, 20.0
"""Of its start: how far a value that cannot change its sign may go."""


@dataclass(frozen=True)
class Unknown:
    """A value that is not known: its start in its own unit, and its standard deviation before.

    members: the values of the case that it stands for, each with key, value and unit; factor: it
    multiplies them.
    """

    key: str
    start: float
    unit: str
    deviation: float
    members: tuple[tuple[str, float, str], ...]
    factor: bool = False

    @property
    def name(self) -> str:
        """Return the key for tables."""
        return f"{self.key} (factor)" if self.factor else self.key

    def within(self, value: float) -> float:
        """Return the value, not beyond what its law can take."""
        signed = self.unit in ("degC", "C", "K", "ppm/K") or self.start <= 0.0
        return value if signed else float(np.clip(value, LEAST * self.start, MOST * self.start))


def unknowns(case: Case, priors: Sequence[Tolerance]) -> list[Unknown]:
    """Return what the priors say is free; WarpError for a key that the case does not have."""
    if not priors:
        raise WarpError('nothing is free: give --free KEY="20 %", or [identify.free] in the case')
    known = {one.key: (one.value, one.unit) for one in inputs(Base(case, _model(case)))}
    return [_unknown(known, prior) for prior in priors]


def _model(case: Case) -> VoxelModel:
    """Return the voxels of the finished package."""
    return enter(case, case.load_steps[-1], common_grid(case)).voxels


def _unknown(known: Mapping[str, tuple[float, str]], prior: Tolerance) -> Unknown:
    key = prior.key
    if key == MEASURED:
        raise WarpError(f"free {key}: the temperature is measured with each surface")
    if ".conductivity" in key:
        raise WarpError(f"free {key}: surfaces at one temperature do not depend on it")
    own = [one for one in known if one == key or one.startswith((f"{key}.", f"{key}@"))]
    if not own:
        raise WarpError(f"free {key}: the case has no such value{nearest(key, known)}")
    members = tuple((one, *known[one]) for one in own)
    if len(own) == 1:
        value, unit = known[own[0]]
        size = prior.deviation(value, unit)
        if not size > 0.0:
            raise WarpError(f"free {key}: its value is 0: give the size in {unit or 'its unit'}")
        return Unknown(own[0], value, unit, size, members)
    if prior.unit != "%":
        raise WarpError(f'free {key}: it names {len(own)} values: give the size in %, e.g. "10 %"')
    return Unknown(key, 1.0, FACTOR, prior.deviation(1.0, FACTOR), members, factor=True)


def at(case: Case, free: Sequence[Unknown], values: Sequence[float] | Array) -> Case:
    """Return the case with other values of what is free; WarpError where it cannot be."""
    tables = dict(case.overrides)
    laws: dict[str, dict[str, float]] = {}
    for one, value in zip(free, values, strict=True):
        for key, start, unit in one.members:
            number = start * float(value) if one.factor else float(value)
            if key.startswith("material.") and ".mixture." not in key:
                laws.setdefault(key.split(".")[1], {})[key] = number
            else:
                tables[key] = f"{number!r} {unit}".strip()
    changed = cases.parse(case.text, case.path, tables) if tables != case.overrides else case
    return _with_laws(changed, laws) if laws else changed


def _with_laws(case: Case, laws: Mapping[str, Mapping[str, float]]) -> Case:
    """Return the case with other values of its materials' laws, in every stage."""
    made: dict[int, Assembly] = {}

    def remade(assembly: Assembly) -> Assembly:
        if id(assembly) not in made:
            made[id(assembly)] = _remade(assembly, laws)
        return made[id(assembly)]

    stages = {stage: remade(assembly) for stage, assembly in case.stages.items()}
    return replace(case, assembly=remade(case.assembly), stages=stages)


def _remade(assembly: Assembly, laws: Mapping[str, Mapping[str, float]]) -> Assembly:
    """Return an assembly with other values of its materials."""
    changes: dict[int, Material] = {}
    for name, material in copies_in(assembly.media.values()):
        new = material
        for key, number in laws.get(name, {}).items():
            new = _changer(name, new, key)(number)
        if new is not material:
            changes[id(material)] = new
    memo: dict[int, Medium] = {}
    media = {
        name: substituted(medium, changes, {}, memo) for name, medium in assembly.media.items()
    }
    return replace(assembly, media=media)


def _changer(name: str, material: Material, key: str) -> Callable[[float], Material]:
    """Return what makes the material with another value at a key."""
    return next(one.change for one in values_of(name, material) if one.key == key)
