"""Link a result file for ParaView: a /VTKHDF group, and an XDMF file for older versions.

/VTKHDF is a RectilinearGrid of format 2.7 (VTK 9.7, ParaView 6.2 and newer): Dimensions counts
points (x, y, z), XCoordinates ... are links to /grid, CellData are links to /fields and /cells, so
that nothing is stored twice. Names of parts and materials are not there: VTK reads strings of
variable length only, and HDF5 may never return from a damaged heap of these. ParaView's HDF5 has
zlib and Fletcher-32 only: no LZF. The XDMF file (XML, xdmf.org) names the same datasets as a
3DRectMesh and must stay beside the .h5 file. Void voxels are hidden by `vtkGhostType` = 32
(vtkDataSetAttributes::HIDDENCELL); the XDMF reader shows them with part = -1.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from warp.files.whole_file import beside

HIDDEN_CELL = 32
SIDE_SUFFIX = ".xdmf"
XDMF_TYPES = {1: "Scalar", 3: "Vector", 6: "Matrix"}
# dataset in the result file by its name in ParaView, which ends in its unit
CELL_DATA = {
    "temperature_K": "/fields/temperature",
    "displacement_m": "/cells/displacement",
    "stress_Pa": "/fields/stress",
    "stiffness_gradient": "/fields/stiffness_gradient",
    "expansion_gradient": "/fields/expansion_gradient",
    "part": "/cells/part",
    "material": "/cells/material",
    "vtkGhostType": "/cells/ghost",
}


def link(file: h5py.File) -> None:
    """Add the /VTKHDF group to a result file whose datasets are complete."""
    group = file.create_group("VTKHDF")
    group.attrs["Version"] = np.array([2, 7], np.int64)
    group.attrs.create(
        "Type", b"RectilinearGrid", dtype=h5py.string_dtype("ascii", len("RectilinearGrid"))
    )
    group.attrs["Dimensions"] = np.array([file[f"grid/{axis}"].size for axis in "xyz"], np.int64)
    for axis in "xyz":
        group[f"{axis.upper()}Coordinates"] = file[f"grid/{axis}"]
    cells = group.create_group("CellData")
    for name, dataset in CELL_DATA.items():
        if dataset in file:
            cells[name] = file[dataset]


def xdmf(file: h5py.File, name: str) -> str:
    """XDMF text that points into the result file called `name` in the same folder."""
    nz, ny, nx = (file[f"grid/{axis}"].size for axis in "zyx")
    coordinates = "\n".join(
        _item(file[f"grid/{axis}"], f"{name}:/grid/{axis}", 8) for axis in "xyz"
    )
    attributes = []
    for label, path in CELL_DATA.items():
        if path in file:
            dataset = file[path]
            kind = XDMF_TYPES[dataset.shape[3] if dataset.ndim == 4 else 1]
            attributes.append(
                f'      <Attribute Name="{label}" AttributeType="{kind}" Center="Cell">\n'
                f"{_item(dataset, f'{name}:{path}', 8)}\n      </Attribute>"
            )
    body = "\n".join(attributes)
    return f"""<?xml version="1.0" ?>
<!DOCTYPE Xdmf SYSTEM "Xdmf.dtd" []>
<Xdmf Version="2.0">
  <Domain>
    <Grid Name="package" GridType="Uniform">
      <Topology TopologyType="3DRectMesh" Dimensions="{nz} {ny} {nx}"/>
      <Geometry GeometryType="VXVYVZ">
{coordinates}
      </Geometry>
{body}
    </Grid>
  </Domain>
</Xdmf>
"""


def _item(dataset: h5py.Dataset, where: str, indent: int) -> str:
    kind = {"f": "Float", "i": "Int", "u": "UInt"}[dataset.dtype.kind]
    if dataset.dtype.itemsize == 1:
        kind = {"Int": "Char", "UInt": "UChar"}[kind]
    shape = " ".join(str(n) for n in dataset.shape)
    text = where.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f'{" " * indent}<DataItem Dimensions="{shape}" NumberType="{kind}" '
        f'Precision="{dataset.dtype.itemsize}" Format="HDF">{text}</DataItem>'
    )


def side_file(path: Path) -> Path:
    """Return the path of the XDMF file of a result file."""
    return beside(path, SIDE_SUFFIX)
