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

from warp.adjoint import stresses
from warp.adjoint.by_fields import Measure
from warp.adjoint.surface_numbers import Coplanarity, surface_measure
from warp.adjoint.temperatures import Junction, PartTemperature
from warp.errors import WarpError
from warp.results.metrics.solved import Solved
from warp.results.surface import SIDES, part_index


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
