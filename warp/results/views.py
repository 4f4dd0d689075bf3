"""Results as objects of other libraries: xarray, pandas, PyVista; and as a table of HTML.

The libraries are optional and imported when they are asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from warp.errors import WarpError
from warp.files import html_table
from warp.results import cells, csv_table, heights
from warp.results.cells import centre_displacement

AXES = ("x", "y", "z")
STRESS = ("xx", "yy", "zz", "yz", "xz", "xy")
QUANTITIES = {
    "temperature": {"units": "K", "long_name": "temperature"},
    "displacement": {"units": "m", "long_name": "displacement at voxel centres"},
    "stress": {"units": "Pa", "long_name": "stress at voxel centres"},
}


def to_xarray(result: Any) -> Any:
    """Return what `Result.to_xarray` promises."""
    try:
        import xarray  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise WarpError("to_xarray needs xarray: pip install xarray") from None
    solid, place = result.ids > 0, ("z", "y", "x")
    materials = cells.material_names(result.media)
    material = _indices(result.media, materials)[result.ids]
    data: dict[str, Any] = {
        "part": (place, result.media.part[result.ids], _categories("part", result.parts)),
        "material": (place, material, _categories("material", materials)),
    }
    centres: dict[str, Any] = {
        axis: (axis, getattr(result.grid, f"{axis}c"), {"units": "m"}) for axis in AXES
    }
    if "temperature" in result.fields:
        values = np.where(solid, result.temperature, np.nan)
        data["temperature"] = (place, values, QUANTITIES["temperature"])
    if "displacement" in result.fields:
        u = result.displacement
        layers = np.stack([centre_displacement(u, solid[k], k) for k in range(len(solid))])
        values = np.where(solid[..., None], layers, np.nan)
        data["displacement"] = ((*place, "axis"), values, QUANTITIES["displacement"])
        centres["axis"] = list(AXES)
    if "stress" in result.fields:
        values = np.where(solid, result.stress, np.nan)
        data["stress"] = (("component", *place), values, QUANTITIES["stress"])
        centres["component"] = list(STRESS)
    about = {"parts": result.parts, "program": result.provenance.get("program", "")}
    return xarray.Dataset(data, centres, about)


def _indices(media: Any, names: list[str]) -> np.ndarray:
    """Return the index of each media row's material among the names, -1 for void."""
    known = {name: n for n, name in enumerate(names)}
    return np.array(
        [known.get(m, -1) if p >= 0 else -1 for m, p in zip(media.names, media.part, strict=True)],
        np.int32,
    )


def _categories(what: str, names: list[str]) -> dict[str, Any]:
    """Return attributes that name the values of an index, as the CF conventions 3.5 have them."""
    meanings = " ".join(name.replace(" ", "_") for name in names)
    values = np.arange(len(names), dtype=np.int32)
    flags = {"flag_values": values, "flag_meanings": meanings}
    return {"long_name": f"{what}, -1 is void", "names": list(names), **flags}


def to_pandas(result: Any) -> Any:
    """Return what `Result.to_pandas` promises."""
    try:
        import pandas  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise WarpError("to_pandas needs pandas: pip install pandas") from None
    head = ["where", "quantity", "value", "unit"]
    return pandas.DataFrame(list(csv_table.numbers(result.summary())), columns=head)


def to_html(result: Any) -> str:
    """Return a table of the surfaces, and what is known of the package."""
    surfaces = result.metrics.get("surfaces", {})
    rows = [
        [f"{part}.{side}", heights.signed(numbers["warpage_um"])]
        for part, sides in surfaces.items()
        for side, numbers in sides.items()
    ]
    facts = [f"{result.grid.cells:,} voxels", ", ".join(result.fields)]
    if (worst := result.metrics.get("worst")) is not None:
        name, value = worst["surface"], worst["warpage_um"]
        facts.insert(0, f"largest of the finished body: {name} {heights.signed(value)}")
    return html_table.html("warpage", ("surface", "+ is convex"), rows, " · ".join(facts))


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
