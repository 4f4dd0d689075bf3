"""Draw what a package is made of: sections and a plan (`bodies` draws them step by step).

Lengths are in mm. A section lies where most parts are met, or where it is asked for; it shows the
grid while its lines can be told apart, and is cropped to what is there. The z axis of a section is
stretched, since packages are flat. Colours are those of the materials (`palette`). A quarter or
half model is drawn whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from warp import units
from warp.errors import WarpError, listed
from warp.report import mixture_names, palette, section_labels
from warp.report.mixture_names import Made
from warp.report.palette import Paint
from warp.report.plots import Picture, outline, page, stretch
from warp.report.section_labels import runs
from warp.report.windows import Window, clipped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from warp.case.case import Case
    from warp.results.file import Result
    from warp.voxels.voxelize import VoxelModel

VOID = "#FFFFFF"
SHADES = 16  # between laminate and copper
RULED = 150  # cells: beyond, the lines of the grid cannot be told apart
COLUMNS = 2  # of a legend
LETTERS = 58  # of a name in a legend
MOST = 24  # names in a legend
Axis = Literal["x", "y", "z"]
ACROSS: dict[Axis, tuple[Axis, Axis]] = {"x": ("y", "z"), "y": ("x", "z"), "z": ("x", "y")}


@dataclass(frozen=True)
class Cut:
    """A plane: where an axis has a value in m; None where most parts are met."""

    axis: Axis = "y"
    at: float | None = None
    window: Window | None = None
    """What is shown of the plane; by default all that is there."""


@dataclass(frozen=True, eq=False)
class Section:
    """The media on a plane, whole and cropped: lines [mm], and an index (up, across) into names.

    names: "part: material", from the top down; -1 is void. materials and parts: of each name.
    share: of copper in patterned layers (up, across), NaN elsewhere.
    """

    cut: Cut
    at: float
    across: np.ndarray
    up: np.ndarray
    index: np.ndarray
    names: list[str]
    materials: list[str]
    parts: list[str]
    share: np.ndarray


def read_cut(text: str) -> Cut:
    """Read "y = 3 mm"; WarpError says what it may be."""
    axis, equals, value = (part.strip() for part in text.partition("="))
    try:
        if axis not in ACROSS or not equals:
            raise ValueError("the plane is an axis and a length")
        return Cut(axis, units.convert(value, units.LENGTH))
    except ValueError as error:
        raise WarpError(
            f"--at {text}: write x, y or z = a length, as in 'y=3 mm'; {error}"
        ) from None


def section(model: VoxelModel | Result, cut: Cut | None = None) -> Section:
    """Index the media on a plane, by default y = const where most parts are met."""
    cut = cut or Cut()
    grid, shares = model.grid, palette.patterns(model)
    names = _row_names(model, shares)
    centres = {"x": grid.xc, "y": grid.yc, "z": grid.zc}[cut.axis]
    n = most_met(model, cut.axis) if cut.at is None else _nearest(model, cut)
    rows = np.take(np.asarray(model.ids), n, axis="zyx".index(cut.axis))
    met = (names[row] for line in rows[::-1] for row in np.unique(line))
    order = list(dict.fromkeys(name for name in met if name))
    index = np.array([order.index(name) if name in order else -1 for name in names])[rows]
    material = _row_materials(model)
    share = np.array([shares.get(own, ("", np.nan))[1] for own in material])[rows]
    made_of = {name: material[row] for row, name in reversed(list(enumerate(names)))}
    for row in np.unique(rows):  # a patterned layer has the colour of the most copper that is met
        level, most = shares.get(material[row]), shares.get(made_of[names[row]])
        if level and most and level[1] > most[1]:
            made_of[names[row]] = material[row]
    owner = {name: model.parts[model.media.part[row]] for row, name in enumerate(names) if name}
    lines = {"x": grid.x, "y": grid.y, "z": grid.z}
    first, second = ACROSS[cut.axis]
    across, up = 1e3 * lines[first], 1e3 * lines[second]
    mirror = dict(zip("xy", grid.mirror, strict=True))
    if mirror.get(first):
        index, share, across = _mirrored(index, 1), _mirrored(share, 1), _both(across)
    if mirror.get(second):
        index, share, up = _mirrored(index, 0), _mirrored(share, 0), _both(up)
    k, i = _cropped(index)
    index, share = index[k, i], share[k, i]
    across, up = across[i.start : i.stop + 1], up[k.start : k.stop + 1]
    at = round(1e3 * float(centres[n]), 9)
    made, parts = [made_of[name] for name in order], [owner[name] for name in order]
    whole = Section(cut, at, across, up, index, order, made, parts, share)
    return whole if cut.window is None else _windowed(whole, first, second, cut.window)


def _windowed(shown: Section, first: str, second: str, window: Window) -> Section:
    """Return what a window shows of a section; first, second: its axes across and up."""
    unknown = sorted(set(window) - {first, second})
    if unknown:
        raise WarpError(f"a picture at {shown.cut.axis} has no {unknown[0]}: {first} and {second}")
    across, i = clipped(shown.across, window.get(first), first)
    up, k = clipped(shown.up, window.get(second), second)
    index, share = shown.index[k, i], shown.share[k, i]
    met = [n for n in range(len(shown.names)) if (index == n).any()]
    if not met:
        raise WarpError("nothing but void in this window")
    number = np.full(len(shown.names) + 1, -1)
    number[met] = np.arange(len(met))
    return replace(
        shown,
        across=across,
        up=up,
        index=number[index],
        share=share,
        names=[shown.names[n] for n in met],
        materials=[shown.materials[n] for n in met],
        parts=[shown.parts[n] for n in met],
    )


def alike_joined(shown: Section, paints: Mapping[str, Paint]) -> Section:
    """Join the layers of one part that look alike: ten copper planes are one name of a legend."""
    first: dict[tuple[str, Paint], int] = {}
    looks = [(p, paints[m]) for p, m in zip(shown.parts, shown.materials, strict=True)]
    for n, look in enumerate(looks):
        first.setdefault(look, n)
    if len(first) == len(looks):
        return shown
    order = list(first)
    number = np.array([*(order.index(look) for look in looks), -1])
    names = []
    for look, n in first.items():
        more = looks.count(look) - 1
        names.append(f"{shown.names[n]} and {more} more alike" if more else shown.names[n])
    return replace(
        shown,
        index=number[shown.index],
        names=names,
        materials=[shown.materials[n] for n in first.values()],
        parts=[shown.parts[n] for n in first.values()],
    )


def by_material(shown: Section) -> Section:
    """Join the parts of one material, where a legend of every part would outgrow the picture."""
    if len(shown.names) <= MOST:
        return shown
    materials = list(dict.fromkeys(shown.materials))
    parts = {
        material: list(
            dict.fromkeys(
                part
                for part, own in zip(shown.parts, shown.materials, strict=True)
                if own == material
            )
        )
        for material in materials
    }
    owners = [listed(own, most=2) for own in parts.values()]
    names = [
        f"{owner}: {material}" if len(own) > 1 else shown.names[shown.materials.index(material)]
        for owner, (material, own) in zip(owners, parts.items(), strict=True)
    ]
    number = np.array([*(materials.index(material) for material in shown.materials), -1])
    return replace(shown, index=number[shown.index], names=names, materials=materials, parts=owners)


def _nearest(model: VoxelModel | Result, cut: Cut) -> int:
    """Return the layer of cells nearest to a plane, on the modelled side of mirror planes."""
    grid, at = model.grid, cut.at or 0.0
    lines = {"x": grid.x, "y": grid.y, "z": grid.z}[cut.axis]
    if dict(zip("xy", grid.mirror, strict=True)).get(cut.axis):
        at = abs(at - lines[0]) + lines[0]
    if not lines[0] <= at <= lines[-1]:
        low, high = 1e3 * lines[0], 1e3 * lines[-1]
        given = 1e3 * (cut.at or 0.0)
        raise WarpError(
            f"{cut.axis} = {given:g} mm lies beyond the package, {low:g} to {high:g} mm"
        )
    return int(np.abs((lines[1:] + lines[:-1]) / 2 - at).argmin())


def most_met(model: VoxelModel | Result, axis: Axis) -> int:
    """Return the layer of cells that meets most parts, each as near to its widest as can be.

    Among layers as good, the one nearest to the middle of the package; a plan goes through a
    patterned layer where no level has more parts.
    """
    grid, part_of = model.grid, np.asarray(model.media.part)
    count, along = len(model.parts), "zyx".index(axis)
    area = np.zeros((model.ids.shape[along], count + 1))
    for k, thickness in enumerate(grid.dz):
        part = part_of[np.asarray(model.ids[k])] + 1  # 0 is void
        weight = {"x": grid.dy[:, None], "y": grid.dx[None, :], "z": None}[axis]
        size = grid.dy[:, None] * grid.dx[None, :] if weight is None else weight * thickness
        size = np.broadcast_to(size, part.shape)
        if axis == "z":
            area[k] += np.bincount(part.ravel(), size.ravel(), count + 1)
        else:
            line = np.arange(part.shape[along - 1])
            line = line[:, None] if axis == "y" else line[None, :]
            key = (line * (count + 1) + part).ravel()
            area += np.bincount(key, size.ravel(), area.size).reshape(area.shape)
    area = area[:, 1:]
    share = area / np.maximum(area.max(axis=0), 1e-300)
    score = np.round((area > 0).sum(axis=1) + share.mean(axis=1), 6)
    if axis == "z" and (shares := palette.patterns(model)):
        drawn = np.array([name in shares for name in model.media.names])
        score += [float(drawn[np.asarray(ids)].any()) / 2 for ids in model.ids]
    centres = {"x": grid.xc, "y": grid.yc, "z": grid.zc}[axis]
    lines = {"x": grid.x, "y": grid.y, "z": grid.z}[axis]
    mirrored = dict(zip("xy", grid.mirror, strict=True)).get(axis, False)
    middle = lines[0] if mirrored else (lines[0] + lines[-1]) / 2
    best = np.flatnonzero(score == score.max())
    return int(best[np.abs(centres[best] - middle).argmin()])


def _mirrored(index: np.ndarray, axis: int) -> np.ndarray:
    return np.concatenate([np.flip(index, axis), index], axis)


def _both(lines: np.ndarray) -> np.ndarray:
    return np.concatenate([2 * lines[0] - lines[:0:-1], lines])


def _cropped(index: np.ndarray) -> tuple[slice, slice]:
    """Return the rows and columns between the rims that are void."""
    solid = index >= 0
    if not solid.any():
        raise WarpError("nothing but void on this plane")
    (k0, k1), (i0, i1) = (np.flatnonzero(solid.any(axis=n))[[0, -1]] for n in (1, 0))
    return slice(int(k0), int(k1) + 1), slice(int(i0), int(i1) + 1)


def _row_names(
    model: VoxelModel | Result, shares: Mapping[str, tuple[str, float]] | None = None
) -> list[str]:
    """Name each media row "part: material"; a row that is shared takes the name of its owner.

    shares: materials that stand for a share of copper in a layer, whose name they take.
    """
    parts = np.asarray(model.media.part)
    shared = model.media.shared
    found, own = [""] * len(parts), dict[int, str]()
    for row, name in enumerate(model.media.names):
        if parts[row] >= 0 and not shared[row]:
            part = model.parts[parts[row]]
            name, _ = (shares or {}).get(name, (name, 0.0))
            found[row] = name if name.startswith(f"{part}: ") else f"{part}: {name}"
            own.setdefault(parts[row], found[row])
    return [
        name or own.get(p, model.parts[p] if p >= 0 else "")
        for name, p in zip(found, parts, strict=True)
    ]


def _row_materials(model: VoxelModel | Result) -> list[str]:
    """Name the material of each media row; a row that is shared takes that of its owner."""
    parts, shared, own = np.asarray(model.media.part), model.media.shared, dict[int, str]()
    for row, name in enumerate(model.media.names):
        if not shared[row]:
            own.setdefault(parts[row], name)
    pairs = zip(model.media.names, parts, shared, strict=True)
    return [own.get(part, name) if mixed else name for name, part, mixed in pairs]


def cross_section(
    model: VoxelModel | Result,
    path: Picture,
    cut: Cut | None = None,
    title: str = "",
    paints: Mapping[str, Paint] | None = None,
    case: Case | None = None,
) -> None:
    """Draw the materials on a plane; the suffix of the path picks the format.

    paints: of the materials, by default those of the package (`palette`).
    """
    paints = palette.of(model) if paints is None else paints
    shown = by_material(alike_joined(section(model, cut), paints))
    level = shown.cut.axis == "z"
    wide, high = np.ptp(shown.across), np.ptp(shown.up)
    tall = min(5.2, 5.6 * high / wide) + 0.6 if level else 3.2
    rows = 0.17 * -(-len(shown.names) // COLUMNS)
    with page(path, tall + rows) as figure:
        axes = figure.add_subplot()
        draw_cells(axes, shown, paints)
        if level:
            axes.set_aspect("equal")
        outside = [
            n
            for n in range(len(shown.names))
            if not section_labels.inside(
                axes, shown.across, shown.up, shown.index == n, str(n + 1), room=0.07 * high
            )
        ]
        numbered = {str(n + 1): shown.index == n for n in outside}
        figure.set_figheight(max(tall, 1.0 + section_labels.LEAST * len(outside)) + rows)
        section_labels.beside(axes, shown.across, shown.up, numbered)
        made_of = mixture_names.of(model, case)
        numbers = [f"{n}  {name}" for n, name in enumerate(_said(shown, made_of), start=1)]
        legend(figure, numbers, [paints[m] for m in shown.materials])
        heading = f"{title}\n" if title else ""
        what = "plan" if level else "section"
        text = f"{heading}{what} at {shown.cut.axis} = {shown.at:.3g} mm{asked(shown)}"
        axes.set_title(f"{text} ", loc="left")
        if not level:
            drawn = stretch(figure, axes, shown.cut.axis)
            between = ",\n" if asked(shown) else ", "
            axes.set_title(f"{text}{between}{drawn}", loc="left")


def asked(shown: Section) -> str:
    """Say which plane was asked for, where the centre of its cells is another one."""
    if shown.cut.at is None or f"{1e3 * abs(shown.cut.at):.3g}" == f"{abs(shown.at):.3g}":
        return ""
    return f", the cells' centre nearest to {1e3 * shown.cut.at:.4g} mm"


def _said(shown: Section, made_of: Mapping[str, Made]) -> list[str]:
    """Return the names for the legend; a patterned layer says what its shades are.

    made_of: what layers of bumps and wires are made of (`mixture_names`).
    """
    patterned = set(np.unique(shown.index[np.isfinite(shown.share)]))
    return [
        f"{name}, {_range_of(shown.share[shown.index == n])} copper"
        if n in patterned
        else mixture_names.put(name, material, made_of)
        for n, (name, material) in enumerate(zip(shown.names, shown.materials, strict=True))
    ]


def _range_of(share: np.ndarray) -> str:
    """Write the shares that are met: "6 to 94 %"."""
    low, high = 100 * float(np.nanmin(share)), 100 * float(np.nanmax(share))
    return f"{low:.3g} %" if high - low < 0.1 else f"{low:.3g} to {high:.3g} %"


def draw_cells(axes: Axes, shown: Section, paints: Mapping[str, Paint]) -> None:
    """Paint the cells of a section, with the lines of the grid and the borders of media."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    chosen = [paints[material] for material in shown.materials]
    lines: Any = "none"
    if max(shown.index.shape) <= RULED:  # void has none
        lines = [(0.0, 0.0, 0.0, 0.125 if n >= 0 else 0.0) for n in shown.index.ravel()]
    norm = BoundaryNorm(np.arange(-1, len(chosen) + 1) - 0.5, len(chosen) + 1)
    colours = ListedColormap([VOID, *(paint.colour for paint in chosen)])
    cells = {"cmap": colours, "norm": norm, "rasterized": True}
    axes.pcolormesh(shown.across, shown.up, shown.index, edgecolors=lines, linewidth=0.2, **cells)
    if np.isfinite(shown.share).any():
        shades = ListedColormap([palette.of_share(n / SHADES) for n in range(SHADES + 1)])
        tones = {"cmap": shades, "vmin": 0.0, "vmax": 1.0, "rasterized": True}
        share = np.ma.masked_invalid(shown.share)
        axes.pcolormesh(shown.across, shown.up, share, edgecolors=lines, linewidth=0.2, **tones)
    for n, paint in enumerate(chosen):
        if paint.hatch:
            _hatch(axes, shown.across, shown.up, shown.index == n, paint.hatch)
    outline(axes, shown.across, shown.up, shown.index)
    first, second = ACROSS[shown.cut.axis]
    axes.set(xlabel=f"{first} (mm)", ylabel=f"{second} (mm)")
    axes.set(xlim=shown.across[[0, -1]], ylim=shown.up[[0, -1]])
    axes.spines[["top", "right"]].set_visible(False)


def legend(figure: Any, names: Sequence[str], paints: Sequence[Paint]) -> None:
    """Name the paints below a picture, in columns."""
    from matplotlib.patches import Patch

    style = {"edgecolor": "#404040", "linewidth": 0.3}
    handles = [
        Patch(facecolor=paint.colour, hatch=paint.hatch, label=_short(name), **style)
        for name, paint in zip(names, paints, strict=True)
    ]
    where = {"loc": "outside lower left", "ncols": COLUMNS, "fontsize": 8, "frameon": False}
    figure.legend(handles=handles, **where)


def _short(name: str) -> str:
    """Return a name that a column of the legend has room for."""
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"


def _hatch(axes: Axes, x: np.ndarray, z: np.ndarray, where: np.ndarray, hatch: str) -> None:
    """Hatch cells (nz, nx), each run of them in a row as one bar."""
    for k in np.flatnonzero(where.any(axis=1)):
        bars = [(x[a], x[b] - x[a]) for a, b in runs(where[k])]
        bar = (z[k], z[k + 1] - z[k])
        axes.broken_barh(bars, bar, facecolor="none", edgecolor="#404040", hatch=hatch, linewidth=0)
