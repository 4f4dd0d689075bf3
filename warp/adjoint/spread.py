"""The spread of a result by the tolerances of its case, to first order.

    variance of J = SUM over tolerances (SUM dJ/dp s)^2

with s the standard deviation of an input p. Tolerances are independent of each other; values that
one tolerance names together (a size in x and y, the rows of a material's curve) move together. A
metric that is normally distributed with this variance exceeds a limit with the probability that the
error function gives. `warp sweep --tolerances` checks both by sampling.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import erfc, sqrt

from warp.adjoint.gradient import Effect, Gradient, of_result
from warp.adjoint.material_values import UNITS
from warp.adjoint.refused import NoGradient, refuse
from warp.adjoint.tape import Tape
from warp.adjoint.to_file import default_metric
from warp.case import overrides
from warp.case.case import Case
from warp.case.tolerance import Tolerance, flat, nominal
from warp.errors import WarpError, nearest
from warp.materials.material import constituents
from warp.results.file import Result
from warp.results.limits import jeita_limit
from warp.run.load_step import OnProgress
from warp.units import QUANTITY

UM = 1e-6


@dataclass(frozen=True)
class Share:
    """The standard deviation that one tolerance gives a metric; None with the reason."""

    key: str
    deviation: float | None
    reason: str = ""


def check(case: Case) -> None:
    """Raise WarpError, before anything is solved, if the spread of a case cannot be given."""
    refuse(case)
    if not case.heat_alone and "displacement" not in case.fields:
        raise WarpError("[tolerance] needs the displacement in output.fields")
    for tolerance in case.tolerances:
        _check(case, tolerance)


def _check(case: Case, tolerance: Tolerance) -> None:
    """Raise WarpError if a key names nothing that scatters, or its size is in another unit."""
    key = tolerance.key
    root, _, rest = key.partition(".")
    if root != "material" or ".mixture." in key:
        value = overrides.found(case.tables, key)
        if isinstance(value, str | float) and QUANTITY.fullmatch(str(value)):
            tolerance.size(*nominal(case.tables, tolerance))
        if value is None and key != "load.temperature":
            own = [name for name, _ in flat(case.tables) if name.startswith(f"{root}.")]
            raise WarpError(f"tolerance {key}: the case has no such value{nearest(key, own)}")
        return
    known = {
        name: material
        for medium in case.materials().values()
        for name, material in constituents(medium, medium.name)
    }
    name, _, prop = rest.partition(".")
    if name not in known:
        raise WarpError(f"tolerance {key}: no part is made of {name!r}{nearest(name, known)}")
    law = prop.partition(".")[0].partition("@")[0]
    if law not in (*known[name].laws, "glass_transition"):
        raise WarpError(f"tolerance {key}: material {name!r} has no {law or 'such property'}")
    unit = "degC" if law == "glass_transition" else UNITS.get(law, (None,))[0]
    if unit is not None:
        tolerance.size(1.0, unit)


def with_spread(
    result: Result, case: Case, device: str, on_progress: OnProgress, tape: Tape | None = None
) -> tuple[Result, list[str]]:
    """Return a result with its spread among the metrics, and a sentence for each one left out.

    tape: as in `of_result`. A result that turns out to have no gradient stays as it is.
    """
    names = []
    if result.metrics.get("surfaces"):
        names.append(default_metric(result))
    if result.metrics.get("thermal", {}).get("junction_C") is not None:
        names.append("junction")
    try:
        found = of_result(result, names, device, on_progress, tape=tape)
    except NoGradient as error:
        return result, [omitted(error)]
    shares = [shares_of(gradient, case.tolerances) for gradient in found]
    metrics = dict(result.metrics)
    for gradient, own in zip(found, shares, strict=True):
        size = deviation(own)
        if gradient.metric == "junction":
            metrics["thermal"] = {**metrics["thermal"], "junction_spread_K": size}
        else:
            metrics["surfaces"] = _noted(metrics["surfaces"], gradient, size, case.ball_pitch)
    left_out = {f"{s.key}: {s.reason}": None for own in shares for s in own if s.deviation is None}
    words = [f"the spread leaves out tolerance {text}" for text in left_out]
    return replace(result, metrics=metrics), words


def omitted(error: NoGradient) -> str:
    """Say why a result has no spread, and what gives one."""
    return f"no spread: {error}; `warp sweep --tolerances` samples it"


def _noted(
    surfaces: dict[str, dict[str, dict[str, object]]],
    gradient: Gradient,
    size: float,
    pitch: float | None,
) -> dict[str, dict[str, dict[str, object]]]:
    """Return the numbers of surfaces with the spread of one of them."""
    part, _, side = gradient.metric.partition(".")
    more: dict[str, object] = {"warpage_spread_um": size}
    if pitch is not None:
        limit = jeita_limit(pitch) / UM
        more["warpage_beyond_jeita"] = beyond(gradient.value, size, limit)
    return {**surfaces, part: {**surfaces[part], side: {**surfaces[part][side], **more}}}


def shares_of(gradient: Gradient, tolerances: Sequence[Tolerance]) -> list[Share]:
    """Return what each tolerance contributes to a metric."""
    return [_share(gradient.effects, tolerance) for tolerance in tolerances]


def _share(effects: Iterable[Effect], tolerance: Tolerance) -> Share:
    key = tolerance.key
    own = [e for e in effects if e.key == key or e.key.startswith((f"{key}.", f"{key}@"))]
    if not own:
        return Share(key, None, "no voxel depends on it, or it is no single number")
    missing = next((e for e in own if e.derivative is None), None)
    if missing is not None:
        return Share(key, None, missing.reason)
    total = sum((e.derivative or 0.0) * tolerance.deviation(e.value, e.unit) for e in own)
    return Share(key, abs(total))


def deviation(shares: Iterable[Share]) -> float:
    """Return the standard deviation by independent tolerances."""
    return sqrt(sum((share.deviation or 0.0) ** 2 for share in shares))


def beyond(value: float, size: float, limit: float) -> float:
    """Return the probability that a normal variable lies outside +- limit."""
    if size == 0.0:
        return float(abs(value) > limit)
    return sum(erfc((limit + sign * value) / (size * sqrt(2))) / 2 for sign in (1, -1))
