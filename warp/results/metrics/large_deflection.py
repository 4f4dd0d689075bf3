"""Declare the shape of a body by large deflection: dome, saddle or cylinder, and how it got there.

Principal curvatures of the quadratic that fits the mid-surface best, convex positive as those of
surfaces; a dome has them nearly equal (ratio above 1/2), a saddle of opposite signs (below -1/2), a
cylinder lies between. In runs with `large_deflection` only.
"""

from __future__ import annotations

from warp.results.metrics.declaration import (
    KELVIN,
    MICROMETRE,
    NONE,
    PER_METRE,
    PERCENT,
    Column,
    Each,
    Group,
    Metric,
    Number,
    Values,
)

ALIKE = 0.99
"""Lesser curvature over the larger one from which a dome has no axis."""
SAME = 0.005
"""Difference of energies in per cent that is not worth a word."""


def _axis(values: Values) -> str:
    if values["shape"] == "flat":
        return "flat"
    if _round(values):
        return f"{values['shape']}, alike along all axes"
    return f"{values['shape']}, most along {values['axis_deg']:.0f} deg from x"


def short_shape(values: Values) -> str:
    """Name the shape and its axis in a word or three: "cylinder, 90 deg"."""
    if values["shape"] == "flat" or _round(values):
        return str(values["shape"])
    return f"{values['shape']}, {values['axis_deg']:.0f} deg"


def _round(values: Values) -> bool:
    return bool(values["curvature_across_per_m"] / values["curvature_per_m"] > ALIKE)


def change(values: Values) -> str:
    """Say at which load the shape first changes, by how much, and what the other one's energy is.

    Empty where it does not change.
    """
    if values.get("critical_percent") is None:
        return ""
    kelvin = values.get("critical_change_K")
    load = f"{values['critical_percent']:.1f} % of the load"
    load += "" if kelvin is None else f" ({kelvin:+.1f} K)"
    jump = f", moving by {values['jump_um']:.0f} um" if "jump_um" in values else ""
    return f"{load}{jump}; {_other(values)}"


def _other(values: Values) -> str:
    """Say how the energy of the other stable shape is to that of the chosen one."""
    more = values.get("other_energy_percent")
    if more is None:
        return "no other stable shape"
    if abs(more) < SAME:
        return "the other stable shape has as much energy"
    return f"the other stable shape has {abs(more):.2g} % {'more' if more > 0 else 'less'} energy"


LARGE_DEFLECTION = Metric(
    Group(("large_deflection",), Each.PACKAGE, "large deflection"),
    (
        Number(
            "theory",
            NONE,
            'with large_deflection: "moderate rotations", or "linear" where that is near enough',
            console=Column("theory", "{}"),
            report=Column("theory", "{}"),
            compared=Column("theory"),
        ),
        Number(
            "shape",
            NONE,
            "dome, saddle or cylinder",
            console=Column("shape", _axis),
            report=Column("shape", _axis),
            compared=Column("shape", short_shape),
        ),
        Number("axis_deg", NONE, "angle from x of the axis along which it bends most [deg]"),
        Number(
            "curvature",
            PER_METRE,
            "curvature along that axis, of the mid-surface as a whole; + convex",
            console=Column("curvature", "{:+.3g} 1/m"),
            report=Column("curvature", "{:+.4g} 1/m"),
            compared="curvature of the body",
            swept="curvature",
        ),
        Number(
            "curvature_across",
            PER_METRE,
            "curvature across it; + convex",
            console=Column("across", "{:+.3g} 1/m"),
            report=Column("curvature across", "{:+.4g} 1/m"),
            compared="curvature across",
            swept="curvature across",
        ),
        Number("linear_curvature", PER_METRE, "the larger curvature by linear theory"),
        Number("linear_curvature_across", PER_METRE, "the smaller one by linear theory"),
        Number(
            "critical",
            PERCENT,
            "share of the load of the step at which the shape first changes, e.g. a dome rolls up",
            console=Column("shape changes at", change),
            report=Column("shape changes at", "{:.1f} % of the load"),
            compared="shape changes at",
            swept="critical load",
        ),
        Number(
            "critical_change",
            KELVIN,
            "the same as a change of temperature, where it is uniform",
            report=Column("critical temperature change", "{:+.1f} K"),
            compared="critical temperature change",
            swept="critical temperature change",
        ),
        Number(
            "branch",
            NONE,
            "axis along which it bends more after the last change, x or y; null without a change",
            report=Column("branch", "{}"),
            compared=Column("branch"),
        ),
        Number(
            "other_energy",
            PERCENT,
            "energy of the other stable shape after the last change less that of this one, over "
            "its size; null if there is one shape only",
            report=Column("other stable shape", _other),
            compared="energy of the other shape",
        ),
        Number(
            "jump",
            MICROMETRE,
            "how far the shape moves as it changes: range of the change of w from at most 2 % of "
            "the critical load below it to 8 % above it",
            report=Column("moves at the change", "{:.0f} um"),
            compared="move at the change",
        ),
        Number(
            "stability",
            NONE,
            "of the shape: 1 without load, 0 where it changes",
        ),
        Number("slope", NONE, "largest slope; strains are off by its square"),
        Number("increments", NONE, "increments of the load"),
    ),
)
