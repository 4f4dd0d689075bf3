"""Export a result for other programs: files for ParaView (`report.paraview`) and CSV.

CSV: one file a surface (x, y, height above the measuring zone's plane, displacement; whole
package), one of all numbers, tidy: one number a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from warp.errors import WarpError
from warp.report import paraview
from warp.results import measured
from warp.results.csv_table import numbers, write_csv

if TYPE_CHECKING:
    from warp.results.file import Result


def surface_csv(result: Result, folder: Path, stem: str, names: Iterable[str] = ()) -> list[Path]:
    """Write each surface as x_mm, y_mm, height_um, w_um, in_zone.

    At the vertices of the whole package's grid.
    """
    files = []
    for part, side in measured.chosen(result, list(names) or ["all"]):
        flat = measured.flat(result, part, side)
        s = flat.surface
        x0, x1, y0, y1 = flat.warpage.surface.bounds
        slack = 1e-9
        rows = (
            (
                f"{1e3 * x:.6f}",
                f"{1e3 * y:.6f}",
                f"{1e6 * flat.height[j, i]:.6f}",
                f"{1e6 * s.w[j, i]:.6f}",
                int(inside),
            )
            for j, y in enumerate(s.y)
            for i, x in enumerate(s.x)
            if np.isfinite(s.w[j, i])
            for inside in [x0 - slack <= x <= x1 + slack and y0 - slack <= y <= y1 + slack]
        )
        files.append(folder / f"{stem}-{part}-{side}.csv")
        write_csv(files[-1], ("x_mm", "y_mm", "height_um", "w_um", "in_zone"), rows)
    return files


def numbers_csv(result: Result, path: Path) -> Path:
    """Write all numbers of a result, one a row: where, quantity, value, unit."""
    return write_csv(path, ("where", "quantity", "value", "unit"), numbers(result.summary()))


def write(
    result: Result,
    path: Path,
    want_vtr: bool,
    want_csv: bool,
    surfaces: Iterable[str] = (),
    *,
    want_pvd: bool = False,
) -> list[Path]:
    """Write what is asked for beside `path`, a result's name without its suffix."""
    if not (want_vtr or want_csv or want_pvd):
        raise WarpError(
            "say what to export: --vtr, --pvd, --csv (the .h5 file itself opens in ParaView)"
        )
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    files = [paraview.voxels(result, path.with_name(path.name + ".vtr"))] if want_vtr else []
    if want_pvd:
        files += paraview.surfaces(result, path.with_name(path.name + "-surfaces.pvd"), surfaces)
    if want_csv:
        files.append(numbers_csv(result, path.with_name(path.name + "-numbers.csv")))
        if "displacement" in result.fields:
            files += surface_csv(result, path.parent, path.name, surfaces)
    return files
