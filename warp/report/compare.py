"""Two results side by side, or a result beside a measured surface.

A measured surface is a table of points x, y, z or a matrix of heights (`scan`). An instrument knows
neither the package's place nor its tilt. So the measured rectangle is centred on the computed one,
both surfaces lose their least-squares plane over the shared points, and what is compared is shape:

    RMS         of the difference of the two residuals
    correlation r of the residuals; the slope of measured against computed tells how much larger
    warpage     peak to valley of each, signed from the diagonals, + convex (JEITA ED-7306)

A correlation below zero with the right size means that one of them was seen from the other side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.errors import WarpError
from warp.files import html_table
from warp.report import compare_figures, number_tables, plots, scan
from warp.report.compare_figures import Difference
from warp.report.scan import LEAST, Matrix, Points
from warp.results import flatness
from warp.results import measured as surfaces
from warp.results.measured import Flat
from warp.results.surface import Surface
from warp.results.surface_points import interpolate

if TYPE_CHECKING:
    from warp.results.file import Result

LATTICE = 81  # lines per side on which scattered points are read for their diagonals
MOST_SCATTERED = 200_000  # points that are joined to triangles for that; of more, an even choice
HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Match:
    """A measured surface against a computed one [m].

    Values at the measured points, in the package's coordinates; `note` says what was assumed.
    """

    x: np.ndarray
    y: np.ndarray
    measured: np.ndarray
    computed: np.ndarray
    warpage: float
    computed_warpage: float
    lattice: Surface
    on_lattice: np.ndarray
    """The computed residual on the lattice of the measured one [m], NaN off the footprint."""
    note: str = ""

    @property
    def rms(self) -> float:
        """Root mean square of the difference [m]."""
        return float(np.sqrt(np.mean((self.measured - self.computed) ** 2)))

    @property
    def correlation(self) -> float:
        """Correlation of the two residuals, NaN where one of them is flat."""
        spread = np.std(self.measured) * np.std(self.computed)
        return (
            float(np.mean(self.measured * self.computed) / spread) if spread > 0 else float("nan")
        )

    @property
    def slope(self) -> float:
        """Return measured per computed height, by least squares."""
        square = float(np.sum(self.computed**2))
        return float(np.sum(self.measured * self.computed)) / square if square > 0 else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers in the units that people read."""
        found = {
            "points": int(self.x.size),
            "measured_warpage_um": 1e6 * self.warpage,
            "computed_warpage_um": 1e6 * self.computed_warpage,
            "rms_um": 1e6 * self.rms,
            "correlation": self.correlation,
            "slope": self.slope,
            "same_sign": bool(np.sign(self.warpage) == np.sign(self.computed_warpage)),
        }
        return found | ({"note": self.note} if self.note else {})


class Comparison(dict[str, Any]):
    """What a comparison found, ready for JSON: numbers, changed, difference, measured, surface."""

    def _repr_html_(self) -> str:
        """Return the numbers of both results, for notebooks."""
        rows = [
            [n["quantity"], n["where"], n["unit"]]
            + [number_tables.signed(n[key]) for key in ("a", "b", "difference")]
            for n in self.get("numbers", ())
        ]
        fits = "; ".join(
            f"{name}: {m['rms_um']:.2f} um RMS from the measured surface"
            for name, m in self.get("measured", {}).items()
        )
        head = ("quantity", "where", "unit", "a", "b", "difference")
        return html_table.html(f"comparison at {self['surface']}", head, rows, fits)


def differing(a: Result, b: Result) -> list[str]:
    """List lines of the two cases that differ, and overrides, as "- a" and "+ b"."""
    import difflib

    def lines(r: Result) -> list[str]:
        given = [
            f"--set {key}={value}" for key, value in (r.provenance.get("overrides") or {}).items()
        ]
        return [line.rstrip() for line in r.case.splitlines()] + given

    changes = difflib.unified_diff(lines(a), lines(b), lineterm="", n=0)
    return [line for line in changes if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def match(flat: Flat, measured: Points | Matrix, centred: bool = True) -> Match:
    """Fit a measured surface onto the computed one and compare them point by point.

    Both are taken over the measuring zone, each about its own least-squares plane.
    """
    zone = flat.warpage.surface
    points = laid_over(zone, flat.name, measured, centred)
    x, y, z = points.x, points.y, points.z
    computed = interpolate(zone, flat.warpage.residual, x, y)
    z, computed = _level(x, y, z), _level(x, y, computed)
    lattice = _lattice(flat, x, y, z)
    on_lattice = interpolate(zone, flat.warpage.residual, lattice.x[None, :], lattice.y[:, None])
    sign = flatness.diagonal_sign(lattice, lattice.w)
    seen = float(np.copysign(np.ptp(computed), flat.warpage.value))
    return Match(x, y, z, computed, float(np.ptp(z)) * sign, seen, lattice, on_lattice, points.note)


def laid_over(zone: Surface, name: str, measured: Points | Matrix, centred: bool = True) -> Points:
    """Return the measured points that lie on a computed zone, in the package's coordinates.

    WarpError if they are too few, or on one line.
    """
    x0, x1, y0, y1 = zone.bounds
    points = scan.laid(measured, (x0, x1, y0, y1))
    x, y = points.x, points.y
    if centred:
        x = x - (x.min() + x.max()) / 2 + (x0 + x1) / 2
        y = y - (y.min() + y.max()) / 2 + (y0 + y1) / 2
    slack = 1e-6
    inside = (x >= x0 - slack) & (x <= x1 + slack) & (y >= y0 - slack) & (y <= y1 + slack)
    inside &= np.isfinite(interpolate(zone, zone.w, x, y))
    if inside.sum() < LEAST:
        raise WarpError(
            f"only {int(inside.sum())} measured points lie on {name}; are x and y in mm?"
        )
    x, y, z = x[inside], y[inside], points.z[inside]
    if min(np.ptp(x), np.ptp(y)) <= 0:
        raise WarpError("the measured points lie on one line; a surface is needed")
    return Points(x, y, z, points.note)


def difference(a: Flat, b: Flat) -> Difference:
    """Subtract the residuals of two surfaces, b minus a, where both have one.

    On even lines over the part of both measuring zones that they share.
    """
    zones = a.warpage.surface.bounds, b.warpage.surface.bounds
    x0, y0 = (max(z[n] for z in zones) for n in (0, 2))
    x1, y1 = (min(z[n] for z in zones) for n in (1, 3))
    if not (x1 > x0 and y1 > y0):
        raise WarpError(f"{a.name} lies elsewhere in the second result: no point is in both")
    x, y = np.linspace(x0, x1, LATTICE), np.linspace(y0, y1, LATTICE)
    first, second = (
        interpolate(f.warpage.surface, f.warpage.residual, x[None, :], y[:, None]) for f in (a, b)
    )
    return Difference(x, y, first, second)


def files(
    paths: Sequence[Path],
    surface: str | None = None,
    picture: Path | None = None,
    pitch: float | None = None,
) -> tuple[Comparison, list[str]]:
    """Compare result files and at most one measured surface; return also the results' names.

    pitch: distance of the points of a matrix of heights [m], None where the file says it.
    """
    from warp.results import file as results

    runs = [path for path in paths if _is_result(path)]
    scans = [path for path in paths if path not in runs]
    if not 1 <= len(runs) <= 2 or len(scans) > 1:
        raise WarpError(
            "compare needs one or two results (.h5), and at most one measured surface (.csv)"
        )
    if pitch is not None and not scans:
        raise WarpError("--pitch belongs to a measured matrix of heights")
    if picture is not None:
        plots.check_writable(picture)
    loaded = [results.read(path) for path in runs]
    names = [path.stem for path in runs]
    if len(set(names)) < len(names):
        names = [str(path) for path in runs]
    measured = scan.read(scans[0], pitch) if scans else None
    second = loaded[1] if len(runs) == 2 else None
    return compare(loaded[0], second, measured, surface, names, picture), names


def _is_result(path: Path) -> bool:
    """Tell a result by its content, or by its name where it cannot be read."""
    try:
        if not path.is_file():
            return path.suffix.lower() not in (".csv", ".txt", ".gz")
        with path.open("rb") as file:
            return file.read(len(HDF5)) == HDF5 or path.suffix.lower() in (".h5", ".hdf5")
    except OSError:
        return path.suffix.lower() not in (".csv", ".txt", ".gz")


def compare(
    a: Result,
    b: Result | None,
    measured: Points | Matrix | None,
    surface: str | None,
    names: Sequence[str],
    picture: Path | None,
) -> Comparison:
    """Compare two results, or a result and a measurement, or all three, on one surface.

    Draws the diagonals if a picture is asked for.
    """
    if b is None and measured is None:
        raise WarpError("nothing to compare with: give a second result, a measured .csv, or both")
    (part, side), *_ = surfaces.chosen(a, [surface]) if surface else [_usual(a)]
    if b is not None and part not in b.parts:
        raise WarpError(f"the second result has no part {part!r}; choose another with --surface")
    flats = [surfaces.flat(r, part, side) for r in (a, b) if r is not None]
    curves = {name: _residual(flat) for name, flat in zip(names, flats, strict=False)}
    out = Comparison(surface=f"{part}.{side}")
    if b is not None:
        out["numbers"] = number_tables.compared(a.metrics, b.metrics)
        out["changed"] = differing(a, b)
    if measured is not None:
        matches = [match(flat, measured) for flat in flats]
        out["measured"] = {name: one.to_dict() for name, one in zip(names, matches, strict=False)}
        curves["measured"] = matches[0].lattice
    if b is not None:
        out["difference"] = difference(*flats).to_dict()
    if picture is not None:
        shown = difference(*flats) if b is not None else None
        compare_figures.draw(curves, names, shown, picture, f"{part}.{side}")
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
    """Return the residual from the least-squares plane, each point counting the same."""
    length = max(np.ptp(x), np.ptp(y))
    a = np.column_stack((np.ones_like(x), (x - x.mean()) / length, (y - y.mean()) / length))
    return np.asarray(z - a @ np.linalg.lstsq(a, z, rcond=None)[0])


def _lattice(flat: Flat, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> Surface:
    """Read scattered heights on even lines over their rectangle, linear between the points."""
    from scipy.interpolate import griddata

    if x.size > MOST_SCATTERED:
        sample = np.random.default_rng(0).choice(x.size, MOST_SCATTERED, replace=False)
        x, y, z = x[sample], y[sample], z[sample]

    xs, ys = (np.linspace(v.min(), v.max(), LATTICE) for v in (x, y))
    w = griddata((x, y), z, (xs[None, :], ys[:, None]), method="linear", rescale=True)
    near = griddata((x, y), z, (xs[None, :], ys[:, None]), method="nearest", rescale=True)
    off = ~np.isfinite(
        interpolate(flat.warpage.surface, flat.warpage.residual, xs[None, :], ys[:, None])
    )
    w = np.where(np.isfinite(w), w, near)
    w = np.where(off, np.nan, w)
    # A scan that is denser somewhere tilts its points' plane: on even lines every area counts the
    # same again.
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
