"""Two results side by side, or a result beside a measured surface.

A measured surface is a CSV of points x, y, z as shadow-moire and scanning tools export them: any order, any header;
x and y in mm and z in um unless the header names units ("x (mm)", "z_um", "Z [mm]"). An instrument knows neither the
package's place nor its tilt. So the measured rectangle is centred on the computed one, both surfaces lose their
least-squares plane over the shared points, and what is compared is shape:

    RMS         of the difference of the two residuals
    correlation r of the residuals; the slope of measured against computed tells how much larger it is
    warpage     peak to valley of each, signed from the diagonals, + convex (JEITA ED-7306)

A correlation below zero with the right size means that one of them was seen from the other side.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.errors import WarpError
from warp.report import number_tables, plots
from warp.report.plots import DASHES, LINE_COLOURS, level_line, page
from warp.results import flatness
from warp.results import measured as surfaces
from warp.results.measured import Flat
from warp.results.surface import Surface, interpolate

if TYPE_CHECKING:
    from warp.results.file import Result

METRES = {
    "m": 1.0,
    "mm": 1e-3,
    "um": 1e-6,
    "µm": 1e-6,
    "μm": 1e-6,
    "micron": 1e-6,
    "microns": 1e-6,
    "mil": 25.4e-6,
}
USUAL = {"x": "mm", "y": "mm", "z": "um"}
NAMES = {"x": "x", "y": "y", "z": "z", "height": "z", "w": "z", "warpage": "z", "displacement": "z"}
LEAST = 9  # points: a plane and a dome need a few more than a plane
LATTICE = 81  # lines per side on which scattered points are read for their diagonals


@dataclass(frozen=True)
class Points:
    """A measured surface: x, y, z of its points [m]."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray


@dataclass(frozen=True)
class Match:
    """A measured surface against a computed one [m]: values at the measured points, in the package's coordinates."""

    x: np.ndarray
    y: np.ndarray
    measured: np.ndarray
    computed: np.ndarray
    warpage: float
    computed_warpage: float
    lattice: Surface

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.mean((self.measured - self.computed) ** 2)))

    @property
    def correlation(self) -> float:
        spread = np.std(self.measured) * np.std(self.computed)
        return (
            float(np.mean(self.measured * self.computed) / spread) if spread > 0 else float("nan")
        )

    @property
    def slope(self) -> float:
        """Measured per computed height, by least squares."""
        square = float(np.sum(self.computed**2))
        return float(np.sum(self.measured * self.computed)) / square if square > 0 else float("nan")

    def to_dict(self) -> dict[str, Any]:
        return {
            "points": int(self.x.size),
            "measured_warpage_um": 1e6 * self.warpage,
            "computed_warpage_um": 1e6 * self.computed_warpage,
            "rms_um": 1e6 * self.rms,
            "correlation": self.correlation,
            "slope": self.slope,
            "same_sign": bool(np.sign(self.warpage) == np.sign(self.computed_warpage)),
        }


def differing(a: Result, b: Result) -> list[str]:
    """Lines of the two cases that are not the same, and overrides, as "- a" and "+ b"."""
    import difflib

    def lines(r: Result) -> list[str]:
        given = [
            f"--set {key}={value}" for key, value in (r.provenance.get("overrides") or {}).items()
        ]
        return [line.rstrip() for line in r.case.splitlines()] + given

    changes = difflib.unified_diff(lines(a), lines(b), lineterm="", n=0)
    return [line for line in changes if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def read_points(path: Path) -> Points:
    """Read a measured surface."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise WarpError(f"cannot read {path}: {error.strerror or error}") from None
    lines = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise WarpError(f"{path} is empty; a measured surface is a CSV of x, y, z")
    mark = max((";", "\t", ","), key=lines[-1].count)
    rows = (
        [row for row in csv.reader(lines, delimiter=mark)]
        if mark in lines[-1]
        else [line.split() for line in lines]
    )
    heads = [row for row in rows[:20] if not _is_numbers(row)]
    head = heads[-1] if heads else ["x", "y", "z"]
    columns, units = _columns(head, path)
    found = []
    for number, row in enumerate(rows):
        if len(row) > max(columns.values()) and _is_numbers(row):
            found.append([_float(row[columns[axis]]) for axis in "xyz"])
        elif number >= len(heads) and row not in heads:
            raise WarpError(f"{path}: {mark.join(row)!r} is no row of numbers x, y, z")
    points = np.array(found, float).reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < LEAST:
        raise WarpError(
            f"{path} has {len(points)} points with x, y and z; a surface needs at least {LEAST}"
        )
    return Points(*(points[:, n] * METRES[units[axis]] for n, axis in enumerate("xyz")))


def match(flat: Flat, points: Points, centred: bool = True) -> Match:
    """Fit a measured surface onto the computed one over its measuring zone and compare them point by point."""
    zone = flat.warpage.surface
    x0, x1, y0, y1 = zone.bounds
    x, y = points.x, points.y
    if centred:
        x = x - (x.min() + x.max()) / 2 + (x0 + x1) / 2
        y = y - (y.min() + y.max()) / 2 + (y0 + y1) / 2
    slack = 1e-6
    inside = (x >= x0 - slack) & (x <= x1 + slack) & (y >= y0 - slack) & (y <= y1 + slack)
    computed = interpolate(zone, flat.warpage.residual, x, y)
    inside &= np.isfinite(computed)
    if inside.sum() < LEAST:
        raise WarpError(
            f"only {int(inside.sum())} measured points lie on {flat.name}; are x and y in mm?"
        )
    x, y, z, computed = x[inside], y[inside], points.z[inside], computed[inside]
    if min(np.ptp(x), np.ptp(y)) <= 0:
        raise WarpError("the measured points lie on one line; a surface is needed")
    z, computed = _level(x, y, z), _level(x, y, computed)
    scan = _lattice(flat, x, y, z)
    sign = flatness.diagonal_sign(scan, scan.w)
    seen = float(np.copysign(np.ptp(computed), flat.warpage.value))
    return Match(x, y, z, computed, float(np.ptp(z)) * sign, seen, scan)


def diagonals(curves: Mapping[str, Surface], path: Path, title: str = "") -> None:
    """Draw both diagonals of several surfaces over each other; w of each is its height above its plane."""
    with page(path, 5.2) as figure:
        both = figure.subplots(2, 1, sharex=True, sharey=True)
        for which, (axes, name) in enumerate(
            zip(both, ("A to B (x-, y- to x+, y+)", "C to D (x-, y+ to x+, y-)"), strict=True)
        ):
            for n, (label, surface) in enumerate(curves.items()):
                along, height = flatness.diagonal(surface, 1e6 * surface.w, which)
                known = np.isfinite(height)
                style = {"color": LINE_COLOURS[n % 6], "linestyle": DASHES[n % 4]}
                axes.plot(1e3 * along[known], height[known], label=label, **style)
            level_line(axes)
            axes.set(ylabel="height (um)")
            axes.set_title(f"diagonal {name}", loc="left")
        both[1].set(xlabel="along the diagonal of the measuring zone (mm)")
        both[0].legend(frameon=False)
        if title:
            figure.suptitle(title, x=0.02, ha="left", fontsize=9)


def files(
    paths: Sequence[Path], surface: str | None = None, picture: Path | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Compare result files, and a measured surface where one of them ends in .csv or .txt; return also their names."""
    from warp.results import file as results

    scans = [path for path in paths if path.suffix.lower() in (".csv", ".txt")]
    runs = [path for path in paths if path not in scans]
    if not 1 <= len(runs) <= 2 or len(scans) > 1:
        raise WarpError(
            "compare needs one or two results (.h5), and at most one measured surface (.csv)"
        )
    if picture is not None:
        plots.check_writable(picture)
    loaded = [results.read(path) for path in runs]
    names = [path.stem for path in runs]
    if len(set(names)) < len(names):
        names = [str(path) for path in runs]
    points = read_points(scans[0]) if scans else None
    return compare(
        loaded[0], loaded[1] if len(runs) == 2 else None, points, surface, names, picture
    ), names


def compare(
    a: Result,
    b: Result | None,
    points: Points | None,
    surface: str | None,
    names: Sequence[str],
    picture: Path | None,
) -> dict[str, Any]:
    """Compare two results, or a result and a measurement, or all three, on one surface; draw the diagonals."""
    if b is None and points is None:
        raise WarpError("nothing to compare with: give a second result, a measured .csv, or both")
    (part, side), *_ = surfaces.chosen(a, [surface]) if surface else [_usual(a)]
    if b is not None and part not in b.parts:
        raise WarpError(f"the second result has no part {part!r}; choose another with --surface")
    flats = [surfaces.flat(r, part, side) for r in (a, b) if r is not None]
    curves = {name: _residual(flat) for name, flat in zip(names, flats, strict=False)}
    out: dict[str, Any] = {"surface": f"{part}.{side}"}
    if b is not None:
        out["numbers"] = number_tables.compared(a.metrics, b.metrics)
        out["changed"] = differing(a, b)
    if points is not None:
        matches = [match(flat, points) for flat in flats]
        out["measured"] = {name: one.to_dict() for name, one in zip(names, matches, strict=False)}
        curves["measured"] = matches[0].lattice
    if picture is not None:
        diagonals(curves, picture, f"{part}.{side}")
        out["picture"] = str(picture)
    return out


def _usual(result: Result) -> tuple[str, Any]:
    part = surfaces.board_part(result)
    if part is None:
        raise WarpError("the first result has no surface; name one with --surface PART.SIDE")
    return part, "bottom"


def _residual(flat: Flat) -> Surface:
    from dataclasses import replace

    return replace(flat.warpage.surface, w=flat.warpage.residual)


def _level(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Residual from the least-squares plane, each point counting the same, as an even scan is fitted."""
    length = max(np.ptp(x), np.ptp(y))
    a = np.column_stack((np.ones_like(x), (x - x.mean()) / length, (y - y.mean()) / length))
    return z - a @ np.linalg.lstsq(a, z, rcond=None)[0]


def _lattice(flat: Flat, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> Surface:
    """Scattered heights on even lines over their rectangle, linear between the points."""
    from scipy.interpolate import griddata

    xs, ys = (np.linspace(v.min(), v.max(), LATTICE) for v in (x, y))
    w = griddata((x, y), z, (xs[None, :], ys[:, None]), method="linear", rescale=True)
    near = griddata((x, y), z, (xs[None, :], ys[:, None]), method="nearest", rescale=True)
    off = ~np.isfinite(
        interpolate(flat.warpage.surface, flat.warpage.residual, xs[None, :], ys[:, None])
    )
    w = np.where(np.isfinite(w), w, near)
    w = np.where(off, np.nan, w)
    # A scan that is denser somewhere tilts its points' plane: on even lines every area counts the same again.
    known = np.isfinite(w)
    across, up = np.broadcast_arrays(xs[None, :], ys[:, None])
    w[known] = _level(across[known], up[known], w[known])
    cells = (
        np.isfinite(w[:-1, :-1])
        & np.isfinite(w[1:, :-1])
        & np.isfinite(w[:-1, 1:])
        & np.isfinite(w[1:, 1:])
    )
    return Surface(flat.surface.part, flat.surface.side, xs, ys, w, cells)


def _columns(head: Sequence[str], path: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Where x, y, z stand and their units, from a header such as "X (mm), Y (mm), Z [um]"."""
    columns: dict[str, int] = {}
    units = dict(USUAL)
    for n, text in enumerate(head):
        words = re.findall(r"[a-zµμ]+", text.lower())
        axis = NAMES.get(words[0]) if words else None
        if axis is None or axis in columns:
            continue
        columns[axis] = n
        for word in words[1:]:
            if word in METRES:
                units[axis] = word
    if set(columns) != set("xyz"):
        missing = ", ".join(axis for axis in "xyz" if axis not in columns)
        raise WarpError(
            f"{path}: the header {', '.join(head)!r} names no {missing}; a measured surface is a CSV of x, y, z"
        )
    return columns, units


def _is_numbers(row: Sequence[str]) -> bool:
    try:
        return (
            bool(row)
            and all(text.strip() == "" or np.isreal(_float(text)) for text in row)
            and row[0].strip() != ""
        )
    except ValueError:
        return False


def _float(text: str) -> float:
    """A number; empty is a hole in the scan, a comma may be the decimal mark."""
    text = text.strip()
    return float("nan") if text == "" else float(text.replace(",", "."))
