"""Metrics that can be differentiated: their values, and their derivatives by the solved fields.

substrate.bottom                 signed warpage (JEITA ED-7306)
substrate.bottom.NUMBER          another number of that surface, one of surface_numbers
substrate.bottom.height@X,Y      height above the least-squares plane at a point, "3 mm,4 mm"
coplanarity                      of the terminals
chip.max, chip.mean              temperature of a part
chip.von_mises_p                 stress of a part, one of stresses.NUMBERS
junction, theta_ja

In a process a metric is that of the last step, or METRIC at STEP, METRIC at "245 degC", METRIC at
"load step 3", counted as in its result (`history`).
"""

from __future__ import annotations

from collections.abc import Sequence

from warp.adjoint import stresses
from warp.adjoint.by_fields import Measure
from warp.adjoint.surface_numbers import Coplanarity, surface_measure
from warp.adjoint.temperatures import Junction, PartTemperature
from warp.errors import WarpError
from warp.results.metrics.solved import Solved
from warp.results.surface import SIDES, part_index
from warp.units import TEMPERATURE, format_si, parse

SAME = 0.01
"""Difference in K up to which a load step has the temperature that is asked for."""


def measure(text: str, solved: Solved) -> Measure:
    """Read a metric's name; WarpError says which there are."""
    name, _, number = text.strip().partition(".")
    if text == "coplanarity":
        if not solved.terminals:
            raise WarpError("coplanarity: the case names no terminals in [output]")
        return Coplanarity()
    if text in ("junction", "theta_ja"):
        return Junction(text)
    part_index(solved.model, name)
    side, _, rest = number.partition(".")
    if side in SIDES:
        return surface_measure(text, name, side, rest or "warpage")
    if number in ("max", "mean"):
        return PartTemperature(name, number)
    if number in stresses.NUMBERS:
        return stresses.PartStress(name, number)
    sides = f"{name}.bottom, {name}.top, {name}.von_mises_p, {name}.max or {name}.mean"
    raise WarpError(f"{text!r} is not a metric that has a gradient: write {sides}")


def placed(place: str, names: Sequence[str], ends: Sequence[float | None]) -> int:
    """Return the number of the last load step of a name or at a temperature.

    names: of the steps that load steps belong to; ends: temperatures in K at their ends, None for
    those that cannot be asked for. WarpError says which there are.
    """
    named = [n for n, name in enumerate(names) if name == place]
    if named:
        return named[-1]
    try:
        T = parse(place, TEMPERATURE)
    except ValueError:
        known = ", ".join(dict.fromkeys(names))
        raise WarpError(f"at {place}: the steps are {known}; or give a temperature") from None
    near = [n for n, end in enumerate(ends) if end is not None and abs(end - T) <= SAME]
    if not near:
        known = ", ".join(format_si(t, "degC") for t in sorted({t for t in ends if t is not None}))
        raise WarpError(f"at {place}: the process is computed at {known}")
    return near[-1]
