"""Results as objects of other libraries: an xarray.Dataset, a grid of PyVista.

Both libraries are optional and imported when they are asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from warp.errors import WarpError
from warp.results import cells
from warp.results.cells import centre_displacement


def to_xarray(result: Any) -> Any:
    """Return what `Result.to_xarray` promises."""
    try:
        import xarray  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise WarpError("to_xarray needs xarray: pip install xarray") from None
    solid = result.ids > 0
    data: dict[str, Any] = {"part": (("z", "y", "x"), result.media.part[result.ids])}
    if "temperature" in result.fields:
        data["temperature"] = (
            ("z", "y", "x"),
            np.where(solid, result.temperature, np.nan),
            {"units": "K"},
        )
    if "displacement" in result.fields:
        u = result.displacement
        layers = np.stack([centre_displacement(u, solid[k], k) for k in range(len(solid))])
        centred = np.where(solid[..., None], layers, np.nan)
        data["displacement"] = (("z", "y", "x", "axis"), centred, {"units": "m"})
    centres = {"x": result.grid.xc, "y": result.grid.yc, "z": result.grid.zc, "axis": list("xyz")}
    coordinates = {
        name: v for name, v in centres.items() if name != "axis" or "displacement" in data
    }
    return xarray.Dataset(
        data, coordinates, {"parts": result.parts, "program": result.provenance.get("program", "")}
    )


def to_pyvista(result: Any) -> Any:
    """Return what `Result.to_pyvista` promises."""
    try:
        import pyvista  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise WarpError("to_pyvista needs pyvista: pip install pyvista") from None
    voxels = pyvista.RectilinearGrid(result.grid.x, result.grid.y, result.grid.z)
    for name, kind, shape, layers in cells.arrays(
        result.grid, result.ids, result.media, result.fields
    ):
        whole = np.stack([np.asarray(layer, kind) for layer in layers])
        voxels.cell_data[name] = whole.reshape(-1, *shape[3:])
    voxels.field_data["part_names"] = result.parts
    voxels.field_data["material_names"] = cells.material_names(result.media)
    return voxels
