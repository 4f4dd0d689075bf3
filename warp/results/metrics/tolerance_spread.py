"""Declare what tolerances make of warpage and junction temperature (`warp.adjoint.spread`)."""

from __future__ import annotations

from warp.results.metrics.declaration import KELVIN, MICROMETRE, NONE, Column, Metric, Number
from warp.results.metrics.package_thermal import THERMAL
from warp.results.metrics.surface_flatness import SURFACES

WARPAGE_SPREAD = Metric(
    SURFACES,
    (
        Number(
            "warpage_spread",
            MICROMETRE,
            "with [tolerance]: standard deviation of the warpage to first order; of the side to "
            "the board only",
            report=Column("spread", "{:.2g} um"),
        ),
        Number(
            "warpage_beyond_jeita",
            NONE,
            "with [tolerance] and balls: probability of a warpage beyond JEITA ED-7306's limit for "
            "their pitch, normally distributed",
            report=Column("beyond JEITA's limit", "{:.2%}"),
        ),
    ),
)
"""Added by a run of a case with [tolerance]."""
JUNCTION_SPREAD = Metric(
    THERMAL.group,
    (
        Number(
            "junction_spread",
            KELVIN,
            "with [tolerance]: standard deviation of the junction temperature to first order",
            console=Column("spread", "{:.2g} K"),
            report=Column("spread of the junction", "{:.2g} K"),
        ),
    ),
)
"""Added by a run of a case with [tolerance]."""
