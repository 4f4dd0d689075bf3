"""Export a result for other programs: .vtr (VTK, ParaView of any age) and CSV.

The .vtr file is VTK's XML RectilinearGrid: the text names arrays whose bytes follow it ("appended",
raw, each after a 64-bit count). Cell fields pass layer by layer. Cell arrays as in the result's
/VTKHDF group: temperature [K], displacement at centres [m], stress [Pa] (xx yy zz xy yz xz), part
and material indices; void voxels are hidden by vtkGhostType = 32. The point array
displacement_at_corners [m] deforms the body (`results.points`); it is made whole in memory.

CSV: one file a surface (x, y, height above the measuring zone's plane, displacement; whole
package), one of all numbers, tidy: one number a row.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from xml.sax.saxutils import quoteattr

import numpy as np

from warp.errors import WarpError
from warp.files import whole_file
from warp.results import cells, measured
from warp.results import points as points_of_voxels
from warp.results.csv_table import numbers, write_csv

if TYPE_CHECKING:
    from warp.results.file import Result

VTK_TYPES = {"f8": "Float64", "f4": "Float32", "i4": "Int32", "i2": "Int16", "u1": "UInt8"}


def vtr(result: Result, path: Path) -> Path:
    """Write a VTK XML RectilinearGrid."""
    whole_file.check_writable(path)
    grid = result.grid
    arrays = list(cells.arrays(grid, result.ids, result.media, result.fields))
    offset, points, data = 0, [], []
    for axis in "xyz":
        points.append(_array(axis, np.dtype("f8"), 1, offset))
        offset += 8 + 8 * getattr(grid, axis).size
    for name, kind, shape, _ in arrays:
        data.append(_array(name, kind, shape[3] if len(shape) > 3 else 1, offset))
        offset += 8 + prod(shape) * kind.itemsize
    nz, ny, nx = grid.shape
    moved, point_data = None, ""
    if "displacement" in result.fields:
        u = np.asarray(result.fields["displacement"])
        moved = points_of_voxels.corner_displacement(grid, u, np.asarray(result.ids) > 0)
        array = _array("displacement_at_corners", moved.dtype, 3, offset)
        point_data = f"<PointData>\n{array}</PointData>\n"
    extent = f"0 {nx} 0 {ny} 0 {nz}"
    order = "LittleEndian" if sys.byteorder == "little" else "BigEndian"
    head = (
        '<?xml version="1.0"?>\n<VTKFile type="RectilinearGrid" version="1.0" '
        f'byte_order="{order}" header_type="UInt64">\n<RectilinearGrid WholeExtent="{extent}">\n'
        f'<Piece Extent="{extent}">\n<Coordinates>\n'
        + "".join(points)
        + f"</Coordinates>\n{point_data}<CellData>\n"
        + "".join(data)
        + '</CellData>\n</Piece>\n</RectilinearGrid>\n<AppendedData encoding="raw">\n_'
    )
    with whole_file.replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(head.encode())
        for axis in "xyz":
            lines = np.asarray(getattr(grid, axis), np.float64)
            _put(file, lines.nbytes, [lines])
        for _, kind, shape, layers in arrays:
            _put(file, prod(shape) * kind.itemsize, (np.asarray(layer, kind) for layer in layers))
        if moved is not None:
            _put(file, moved.nbytes, moved)
        file.write(b"\n</AppendedData>\n</VTKFile>\n")
    return path


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
    result: Result, path: Path, want_vtr: bool, want_csv: bool, surfaces: Iterable[str] = ()
) -> list[Path]:
    """Write what is asked for beside `path`, a result's name without its suffix."""
    if not (want_vtr or want_csv):
        raise WarpError(
            "say what to export: --vtr, --csv or both (the .h5 file itself opens in ParaView)"
        )
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    files = [vtr(result, path.with_name(path.name + ".vtr"))] if want_vtr else []
    if want_csv:
        files.append(numbers_csv(result, path.with_name(path.name + "-numbers.csv")))
        if "displacement" in result.fields:
            files += surface_csv(result, path.parent, path.name, surfaces)
    return files


def _array(name: str, kind: np.dtype, components: int, offset: int) -> str:
    vtk = VTK_TYPES[kind.str[1:]]
    return (
        f'<DataArray type="{vtk}" Name={quoteattr(name)} NumberOfComponents="{components}" '
        f'format="appended" offset="{offset}"/>\n'
    )


def _put(file: BinaryIO, size: int, pieces: Iterable[np.ndarray]) -> None:
    file.write(np.uint64(size).tobytes())
    for piece in pieces:
        file.write(np.ascontiguousarray(piece).tobytes())
