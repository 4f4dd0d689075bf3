"""Show the whole package in ParaView: its voxels, and its surfaces after every step.

OUT.vtr: a RectilinearGrid with the result's cell arrays (`results.cells`; void is hidden) and, at
points, the displacement at voxel corners that deforms the body (`results.points`). A half or a
quarter model is mirrored: scalars are even, the component of a vector across the plane and the
shears of a stress across it change their sign. The image of a part that ends before the plane is
called "NAME (image)".

OUT-surfaces.pvd: the measured surfaces, a block PART.SIDE each, at the number of each process step
as time; one time without steps. Points lie where the package was drawn; `warpage_um` is the height
above the least-squares plane of the measuring zone, up positive on a top and on a bottom alike, and
`warpage_m` the same as a vector along z, which deforms the surface (Warp By Vector).

Array names end in their unit. Field data: names of the parts and materials that the indices stand
for; step, time and temperature of a surface.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from warp.errors import WarpError
from warp.files import whole_file
from warp.report import vtk_xml
from warp.report.vtk_xml import Array, FieldData
from warp.results import cells, flatness, measured, points
from warp.results.surface import Side, Surface, levels, sample

if TYPE_CHECKING:
    from warp.results.file import Result

ODD = {0: {3: [0], 6: [3, 5]}, 1: {3: [1], 6: [3, 4]}}
"""Components that a mirror plane across x (0) or y (1) turns round, by their number: those of a
vector, and those of a stress in VTK's order xx yy zz xy yz xz."""


def voxels(result: Result, path: Path) -> Path:
    """Write the voxels of the whole package as a .vtr file."""
    whole_file.check_writable(path)
    grid, ids = result.grid, np.asarray(result.ids)
    x, y = (
        np.concatenate((-line[:0:-1], line)) if mirrored else np.asarray(line)
        for line, mirrored in zip((grid.x, grid.y), grid.mirror, strict=True)
    )
    nz = grid.shape[0]
    extent = f"0 {x.size - 1} 0 {y.size - 1} 0 {nz}"
    names = list(result.parts)
    data = []
    for name, kind, (_, _, _, *components), layers in cells.arrays(
        grid, ids, result.media, result.fields
    ):
        images = _images(result, names) if name == "part" else ({}, {})
        whole = map(partial(_mirrored, mirror=grid.mirror, images=images), layers)
        shape = (nz, y.size - 1, x.size - 1, *components)
        data.append(Array(name, kind, shape, whole, bool(components)))
    sections: dict[str, list[Array]] = {"PointData": [], "CellData": data}
    if "displacement" in result.fields:
        u = points.corner_displacement(grid, np.asarray(result.fields["displacement"]), ids > 0)
        whole = map(partial(_mirrored, mirror=grid.mirror, shared=True), u)
        shape = (nz + 1, y.size, x.size, 3)
        sections["PointData"] = [Array("displacement_m", u.dtype, shape, whole, True)]
    axes = zip("xyz", (x, y, grid.z), strict=True)
    sections["Coordinates"] = [Array.of(name, np.asarray(line, float)) for name, line in axes]
    named = {"part_names": names, "material_names": cells.material_names(result.media)}
    whole_extent, piece = f'WholeExtent="{extent}"', f'Extent="{extent}"'
    return vtk_xml.write(path, "RectilinearGrid", whole_extent, piece, sections, named)


def _images(result: Result, names: list[str]) -> tuple[dict[int, int], dict[int, int]]:
    """Return the index of the image of each part beyond x = 0, and beyond y = 0, if another's.

    Names of images are added to `names`.
    """
    found: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for part in dict.fromkeys((*sorted(result.apart[0]), *sorted(result.apart[1]))):
        names.append(f"{part} (image)")
        for axis in (0, 1):
            if part in result.apart[axis]:
                found[axis][result.parts.index(part)] = len(names) - 1
    return found


def _mirrored(
    layer: np.ndarray,
    mirror: tuple[bool, bool],
    images: tuple[Mapping[int, int], Mapping[int, int]] = ({}, {}),
    shared: bool = False,
) -> np.ndarray:
    """Unfold a layer (ny, nx[, components]) to the whole package.

    images: other values that the images of some have; shared: the first row or column lies in the
    plane, and is its own image.
    """
    for axis in (0, 1):
        if not mirror[axis]:
            continue
        own = 1 - axis
        image = np.flip(layer, own).copy()
        if shared:
            image = np.delete(image, -1, own)
        if layer.ndim > 2:
            image[..., ODD[axis][layer.shape[2]]] *= -1
        before = image.copy()
        for part, other in images[axis].items():
            image[before == part] = other
        layer = np.concatenate((image, layer), own)
    return layer


@dataclass(frozen=True)
class _Moment:
    """The measured surfaces at the end of a process step, or of a case without steps."""

    step: int
    surfaces: Mapping[str, tuple[Surface, np.ndarray]]
    """By name: the surface and the heights of its cells in the undeformed package."""
    numbers: Mapping[str, Any]


def surfaces(result: Result, path: Path, names: Iterable[str] = ()) -> list[Path]:
    """Write surfaces at every step: `path` (.pvd), and a folder beside it with what it lists.

    names: PART.SIDE, all measured ones without any.
    """
    folder = path.with_suffix("")
    wanted = set(names) - {"all"}
    known = {f"{part}.{side}" for part, side in _ever_measured(result)}
    if not wanted <= known:
        missing = ", ".join(sorted(wanted - known))
        raise WarpError(f"no surface {missing}: the run measured {', '.join(sorted(known))}")
    if not known:
        raise WarpError("this result has no surfaces: it has no displacement, or measured none")
    whole_file.check_writable(path)
    folder.mkdir(exist_ok=True)
    files, listed = [path], []
    for moment in _moments(result):
        blocks = {}
        for name, (surface, z) in moment.surfaces.items():
            if not wanted or name in wanted:
                file = folder / f"step-{moment.step:02d}-{name}.vtp"
                files.append(_surface(file, name, surface, z, moment))
                blocks[name] = file.name
        step = vtk_xml.multi_block(folder / f"step-{moment.step:02d}.vtm", blocks)
        files.append(step)
        listed.append((float(moment.step), f"{folder.name}/{step.name}"))
    vtk_xml.collection(path, listed)
    return files


def _ever_measured(result: Result) -> Iterator[tuple[str, str]]:
    """Yield the surfaces that a run measured at any step."""
    for numbers in (*result.metrics.get("steps", []), result.metrics):
        for part, sides in numbers.get("surfaces", {}).items():
            for side in sides:
                yield part, side


def _moments(result: Result) -> Iterator[_Moment]:
    """Yield what was measured at the end of each step, in order."""
    records = [record for record in result.metrics.get("steps", []) if record["last"]]
    if not records:
        found = {}
        for part, side in measured.known(result):
            s = sample(result, result.displacement, part, side)
            found[f"{part}.{side}"] = (s, levels(result, part, side))
        yield _Moment(1, found, result.metrics)
    for record in records:
        found = {}
        for part, sides in record["surfaces"].items():
            for side in sides:
                found[f"{part}.{side}"] = _stored(result, record["step"], part, side)
        yield _Moment(record["step"], found, record)


def _stored(result: Result, step: int, part: str, side: str) -> tuple[Surface, np.ndarray]:
    """Read a surface after a step."""
    name = f"{step}/{part}.{side}"
    if f"{name}/z" not in result.shapes:
        raise WarpError("this result was written before surfaces had their heights: run it again")
    x, y, w, z = (np.asarray(result.shapes[f"{name}/{key}"]) for key in "xywz")
    return Surface(part, cast(Side, side), x, y, w, np.isfinite(z)), z


def _surface(path: Path, name: str, surface: Surface, z: np.ndarray, moment: _Moment) -> Path:
    """Write one surface: a quadrilateral for each cell of its footprint."""
    zone = measured.zone(moment.numbers, surface)
    a, b, c = flatness.warpage(surface, zone).plane
    height = surface.w - (a + b * surface.x[None, :] + c * surface.y[:, None])
    j, i = np.nonzero(surface.cells)
    corner_j = j[:, None] + np.array([0, 0, 1, 1])
    corner_i = i[:, None] + np.array([0, 1, 1, 0])
    steps, level = np.unique(z[j, i], return_inverse=True)
    key = np.stack((level[:, None] + np.zeros(4, int), corner_j, corner_i), axis=-1).reshape(-1, 3)
    used, corner = np.unique(key, axis=0, return_inverse=True)
    k, j, i = used.T
    at = np.stack((surface.x[i], surface.y[j], steps[k]), axis=-1)
    above = np.zeros((len(used), 3))
    above[:, 2] = height[j, i]
    sections = {
        "PointData": [
            Array.of("warpage_um", 1e6 * above[:, 2]),
            Array.of("warpage_m", above, True),
        ],
        "Points": [Array.of("Points", at, True)],
        "Polys": [
            Array.of("connectivity", corner.reshape(-1).astype(np.int64)),
            Array.of("offsets", 4 * np.arange(1, len(corner) // 4 + 1)),
        ],
    }
    piece = f'NumberOfPoints="{len(at)}" NumberOfPolys="{len(corner) // 4}"'
    return vtk_xml.write(path, "PolyData", "", piece, sections, _field_data(name, moment))


def _field_data(name: str, moment: _Moment) -> FieldData:
    """Return what tells a surface: its name, its step, time and temperature where known."""
    part, _, side = name.rpartition(".")
    numbers = moment.numbers
    found: dict[str, list[str] | list[float]] = {"surface": [name]}
    if "step" in numbers:
        found["step"] = [f"{numbers['step']}. {numbers['name']}"]
        found["time_s"] = [float(numbers["time_s"])]
    if numbers.get("temperature_C") is not None:
        found["temperature_C"] = [float(numbers["temperature_C"])]
    warpage = numbers["surfaces"][part][side]["warpage_um"]
    if warpage is not None:
        found["signed_warpage_um"] = [float(warpage)]
    return found
