"""Declare the shape of a body by large deflection: dome, saddle or cylinder, and how it got there.

Principal curvatures of the quadratic that fits the mid-surface best; a dome has them nearly equal
(ratio above 1/2), a saddle of opposite signs (below -1/2), a cylinder lies between. In runs with
`large_deflection` only.
"""

from __future__ import annotations

from warp.results.metrics.declaration import (
    KELVIN,
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


def _axis(values: Values) -> str:
    if values["shape"] == "flat":
        return "flat"
    if values["curvature_across_per_m"] / values["curvature_per_m"] > ALIKE:
        return f"{values['shape']}, alike along all axes"
    return f"{values['shape']}, most along {values['axis_deg']:.0f} deg from x"


LARGE_DEFLECTION = Metric(
    Group(("large_deflection",), Each.PACKAGE, "large deflection"),
    (
        Number(
            "theory",
            NONE,
            'with large_deflection: "moderate rotations", or "linear" where that is near enough',
            console=Column("theory", "{}"),
            report=Column("theory", "{}"),
        ),
        Number(
            "shape",
            NONE,
            "dome, saddle or cylinder",
            console=Column("shape", _axis),
            report=Column("shape", _axis),
        ),
        Number("axis_deg", NONE, "angle from x of the axis along which it bends most [deg]"),
        Number(
            "curvature",
            PER_METRE,
            "curvature along that axis, of the mid-surface as a whole",
            console=Column("curvature", "{:+.3g} 1/m"),
            report=Column("curvature", "{:+.4g} 1/m"),
            compared="curvature of the body",
            swept="curvature",
        ),
        Number(
            "curvature_across",
            PER_METRE,
            "curvature across it",
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
            console=Column("shape changes at", "{:.1f} % of the load"),
            report=Column("shape changes at", "{:.1f} % of the load"),
        ),
        Number(
            "critical_change", KELVIN, "the same as a change of temperature, where it is uniform"
        ),
        Number(
            "other_energy",
            PERCENT,
            "energy of the other stable shape after the last change less that of this one, over "
            "its size; null if there is one shape only",
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
