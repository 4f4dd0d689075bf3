"""Load steps and stages: a load step is a computed state, a stage what the body is made of then."""

from __future__ import annotations

from dataclasses import dataclass

from warp.case.singulation import Rectangle
from warp.voxels.supports import Support


@dataclass(frozen=True)
class Stage:
    """Parts that are present, what steps made of them, and the rectangle that remains."""

    present: tuple[str, ...]
    since: tuple[tuple[str, float], ...] = ()
    """Stress-free temperature (K) of parts that a step joined."""
    shrunk: tuple[tuple[str, float], ...] = ()
    """Linear shrinkage of parts that a step cured."""
    unit: Rectangle | None = None
    unit_name: str = ""
    unit_spacing: float | None = None
    """Largest cells of the unit in plane in m; None: those that the whole has there."""
    around: tuple[tuple[str, str, float], ...] = ()
    """Surroundings that a step changed: boundary, "film" or "ambient", value."""


@dataclass(frozen=True)
class LoadStep:
    """One computed state, `duration` s after the one before.

    Its temperature is in K and the same everywhere; None stands for the field under power.
    """

    step: int
    """Number of the process step that it belongs to, from 0."""
    name: str
    do: str
    stage: Stage
    temperature: float | None
    time: float
    """Since the process began, in s."""
    duration: float = 0.0
    attached: tuple[str, ...] = ()
    """Parts that are attached here, free of stress, to the deformed body."""
    powered: bool = False
    at_rest: bool = True
    """True: the field under power has settled; False: it develops for the duration."""
    solves_heat: bool = False
    """True: the steady field under power is solved here, even if `temperature` is given."""
    last: bool = True
    """True for the last load step of its process step."""
    support: Support = None
    """What carries the body here."""
    flat: tuple[str, ...] = ()
    """The attached parts that are flat then, whatever the shape of the body."""
    body: str = ""
    """The body that it is a state of: one that is made apart, "" for the package."""
    bodies: tuple[str, ...] = ()
    """Bodies made apart that join here, with their shape and their stresses."""
    carried: tuple[str, ...] = ()
    """The parts of these bodies."""

    @property
    def joining(self) -> tuple[str, ...]:
        """Return the parts that come to the body here."""
        return (*self.attached, *self.carried)
