"""Declare the flatness of each surface: JEITA warpage, heights, curvature, measuring zone."""

from __future__ import annotations

from collections.abc import Callable

from warp.results import heights
from warp.results.flatness import UM, Warpage
from warp.results.metrics.declaration import (
    MICROMETRE,
    MILLIMETRE,
    NONE,
    PER_METRE,
    Column,
    Each,
    Group,
    Metric,
    Number,
    Values,
    surface_metric,
)


def shape(warpage: float) -> str:
    """Name the sign of a warpage."""
    return "convex" if warpage >= 0 else "concave"


def _warpage(values: Values) -> str:
    return f"{heights.signed(values['warpage_um'])} {shape(values['warpage_um'])}"


def _warpage_and_error(values: Values) -> str:
    """Write "+74.6 +- 0.2 um convex"; "<" marks an error that is a bound only.

    The spread by tolerances follows, where it is known.
    """
    spread = values.get("warpage_spread_um")
    return _warpage_of_grid(values) + ("" if spread is None else f", spread {spread:.2g} um")


def _warpage_of_grid(values: Values) -> str:
    """Write the warpage, with the error of the grid where it is known."""
    error = values.get("warpage_error_um")
    if error is None:
        return _warpage(values)
    bound = "<" if values.get("warpage_extrapolated_um") is None else ""
    size = f"{error:.1f}" if error >= 0.1 else f"{error:.1g}"
    value = values["warpage_um"]
    return f"{heights.signed(value, f' +- {bound}{size}')} {shape(value)}"


def _error_or_bound(values: Values) -> str:
    """Write the error of the grid; "<" marks a bound."""
    bound = "" if values.get("warpage_extrapolated_um") is not None else "< "
    return f"{bound}{values['warpage_error_um']:.2g} um"


def _zone(values: Values) -> str:
    return f"{values['zone_x_mm']:.4g} x {values['zone_y_mm']:.4g} mm"


SURFACES = Group(
    ("surfaces",),
    Each.SURFACE,
    "surface",
    note="Warpage by JEITA ED-7306 and JESD22-B112: peak to valley of the residual from the "
    "least-squares plane, signed from both diagonals.",
)
WARPAGE = Number(
    "warpage",
    MICROMETRE,
    "JEITA ED-7306: peak to valley of the height above the least-squares plane; + convex, the "
    "centre away from the board",
    console=Column("", _warpage_and_error),
    report=Column("warpage", _warpage),
    compared="warpage",
    swept="warpage",
    of=lambda w: w.value / UM,
)
_ERROR = Number(
    "warpage_error",
    MICROMETRE,
    "with --refine: discretisation error of the warpage, or a bound of it",
    report=Column("± of the grid", _error_or_bound),
)
_LIMIT = Number(
    "warpage_extrapolated",
    MICROMETRE,
    "with --refine: limit of fine grids; null if the error is only a bound",
    report=Column("fine grids' limit", lambda v: heights.signed(v["warpage_extrapolated_um"])),
)
_ORDER = Number("warpage_order", NONE, "with --refine: observed order; none from two grids")
_RMS = Number(
    "rms",
    MICROMETRE,
    "root mean square of the height above the plane, by area",
    report=Column("rms", lambda v: heights.plain(v["rms_um"])),
    of=lambda w: w.rms / UM,
)
_CORNERS = Number(
    "corner_minus_centre",
    MICROMETRE,
    "mean height of the four corners over the centre; null if the surface has a hole",
    report=Column("corner - centre", lambda v: heights.signed(v["corner_minus_centre_um"])),
    of=lambda w: w.corner_minus_centre / UM,
)
_ZONE = Number(
    "zone_x",
    MILLIMETRE,
    "width of the measuring zone",
    report=Column("measuring zone", _zone),
    of=lambda w: (w.surface.bounds[1] - w.surface.bounds[0]) * 1e3,
)


def _height(name: str, meaning: str, of: Callable[[Warpage], float]) -> Number:
    return Number(name, MICROMETRE, meaning, of=lambda w: of(w) / UM)


def _curvature(axes: str, index: int, report: Column | None = None) -> Number:
    meaning = f"curvature {axes} fitted over the middle of the zone; + convex"
    name = f"kappa_{axes}"
    return Number(name, PER_METRE, meaning, report=report, of=lambda w: w.kappa[index])


FLATNESS = surface_metric(
    SURFACES,
    (
        WARPAGE,
        _height("range", "highest minus lowest, the plane not removed", lambda w: w.span),
        _RMS,
        _height("max", "highest point above the plane", lambda w: w.highest),
        _height("min", "lowest point above the plane", lambda w: w.lowest),
        _height(
            "centre",
            "height of the centre above the plane; null if the surface has a hole",
            lambda w: w.centre,
        ),
        _CORNERS,
        _height(
            "edge_x_minus_centre",
            "mean height of the middles of the edges at both ends of x over the centre",
            lambda w: w.edge_x_minus_centre,
        ),
        _height(
            "edge_y_minus_centre",
            "the same at both ends of y",
            lambda w: w.edge_y_minus_centre,
        ),
        _curvature("x", 0, Column("kappa x", "{:+.3g} /m")),
        _curvature("y", 1, Column("kappa y", "{:+.3g} /m")),
        _curvature("xy", 2),
        _ZONE,
        Number(
            "zone_y",
            MILLIMETRE,
            "depth of the measuring zone",
            of=lambda w: (w.surface.bounds[3] - w.surface.bounds[2]) * 1e3,
        ),
        Number(
            "zone_x0",
            MILLIMETRE,
            "lower x of the measuring zone",
            of=lambda w: w.surface.bounds[0] * 1e3,
        ),
        Number(
            "zone_y0",
            MILLIMETRE,
            "lower y of the measuring zone",
            of=lambda w: w.surface.bounds[2] * 1e3,
        ),
    ),
)
GRID_ERROR = Metric(SURFACES, (_ERROR, _LIMIT, _ORDER))
"""Added by a run on several grids (`warp.run.refine`)."""
