"""Read the `power` entry of a part as heat sources: watts per rectangle of its outline.

An even power is one number, a block one rectangle, a map or a floorplan many; through the height of
the part or at one side. Lines in absolute metres, ascending; watts (rows, columns) with the first
row at y-. A map in a file is drawn as a picture: its first row is at y+.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from warp.errors import Fault, Key
from warp.files.bounded import decoded, read_bytes
from warp.geometry import floorplan
from warp.geometry.floorplan import Floorplan
from warp.geometry.part import PowerSpec
from warp.geometry.place import Place, mm
from warp.geometry.shapes import turned
from warp.voxels.boundary import Source

SLACK = 1e-9  # m
ROUND_OFF = 1e-9
FIT = 1e-3  # by which a floorplan may be larger than its chip, as rounded numbers are
MOST = 1e9  # W in a rectangle of a map; more is no watts


def sources(
    part: str,
    entry: PowerSpec | float,
    place: Place,
    turn: int,
    folder: Path,
    side: str | None = None,
) -> list[Source]:
    """Read a part's `power` entry, by default at `side`; Fault names the key and the remedy."""
    key: Key = ("part", part, "power")
    spec = entry if isinstance(entry, PowerSpec) else PowerSpec.model_construct(total=entry)
    if spec.map is not None and spec.blocks:
        raise Fault((*key, "blocks"), "cannot join a map: keep one")
    if spec.floorplan is None:
        for word in ("trace", "sample"):
            if word in spec.model_fields_set:
                raise Fault((*key, word), "belongs to a floorplan: add floorplan too")
    elif spec.map is not None or spec.blocks:
        raise Fault((*key, "floorplan"), "cannot join a map or blocks: keep one")
    if not (spec.map or spec.blocks or spec.floorplan) and spec.total is None:
        raise Fault(key, 'says no watts: add total = "60 W", blocks, map or floorplan')
    z = _depth(spec, spec.side or side, place)
    x0, x1, y0, y1 = place.outline.bounds
    if spec.map is not None:
        watts = _turned(_read_map(spec.map, folder, (*key, "map")), turn)
        if spec.total is not None:
            if watts.sum() <= 0.0:
                raise Fault((*key, "map"), "has no watts to scale to the total")
            watts = watts * (spec.total / watts.sum())
        m, n = watts.shape
        lines = np.linspace(x0, x1, n + 1), np.linspace(y0, y1, m + 1)
        return [Source(part, watts, *lines, z)]
    if spec.floorplan is not None:
        return _of_floorplan(part, spec, place, turn, folder, z)
    found = []
    given = 0.0
    for number, block in enumerate(spec.blocks):
        (w, d), (bx, by) = block.size, block.at
        for _ in range(turn // 90):
            w, d, bx, by = d, w, -by, bx
        x, y = place.outline.x + bx, place.outline.y + by
        box = (x - w / 2, x + w / 2, y - d / 2, y + d / 2)
        if box[0] < x0 - SLACK or box[1] > x1 + SLACK or box[2] < y0 - SLACK or box[3] > y1 + SLACK:
            raise Fault(
                (*key, "blocks", number),
                f"reaches beyond {part!r}: move it with at or make it smaller",
            )
        found.append(
            Source(part, np.array([[block.power]]), np.array(box[:2]), np.array(box[2:]), z)
        )
        given += block.power
    rest = 0.0 if spec.total is None else spec.total - given
    if rest < -ROUND_OFF * given:
        raise Fault((*key, "total"), f"is less than the blocks give off ({given:.6g} W)")
    if rest > ROUND_OFF * given:
        found.append(Source(part, rest, z=z, extent=(x0, x1, y0, y1)))
    return found


def _of_floorplan(
    part: str,
    spec: PowerSpec,
    place: Place,
    turn: int,
    folder: Path,
    z: tuple[float, float] | None,
) -> list[Source]:
    """Return a source for every rectangle of a floorplan that gives off heat."""
    key: Key = ("part", part, "power")
    plan, watts = floorplan_watts(spec, folder, key)
    if spec.total is not None:
        if watts.sum() <= 0.0:
            raise Fault((*key, "total"), "has no watts in the floorplan to scale")
        watts = watts * (spec.total / watts.sum())
    x0, x1, y0, y1 = place.outline.bounds
    width, depth = (y1 - y0, x1 - x0) if turn in (90, 270) else (x1 - x0, y1 - y0)
    if plan.size[0] > width * (1 + FIT) or plan.size[1] > depth * (1 + FIT):
        chip = mm(*plan.size)
        raise Fault((*key, "floorplan"), f"is {chip}, larger than {part!r} ({mm(width, depth)})")
    area = plan.rectangles[:, 2] * plan.rectangles[:, 3]
    shares = area / np.bincount(plan.owner, area)[plan.owner]
    found = []
    for (x, y, w, d), owner, share in zip(plan.rectangles, plan.owner, shares, strict=True):
        if watts[owner] > 0.0:
            ends = np.array([[x, y], [min(x + w, width), min(y + d, depth)]])
            corners = turned(ends - [width / 2, depth / 2], turn // 90)
            (a, b), (c, e) = corners.min(axis=0), corners.max(axis=0)
            lines = [np.array(pair) for pair in ((a, c), (b, e))]
            x_lines, y_lines = lines[0] + place.outline.x, lines[1] + place.outline.y
            found.append(Source(part, np.array([[watts[owner] * share]]), x_lines, y_lines, z))
    return found


def floorplan_watts(spec: PowerSpec, folder: Path, key: Key) -> tuple[Floorplan, np.ndarray]:
    """Return a floorplan and the watts of its blocks; Fault names the file that is wrong."""
    plan = _read(str(spec.floorplan), folder, (*key, "floorplan"), "floorplan", floorplan.read)
    if spec.trace is not None:

        def joined(text: str) -> Floorplan:
            return plan.with_trace(*floorplan.read_trace(text))

        plan = _read(spec.trace, folder, (*key, "trace"), "trace", joined)
    if plan.watts is None:
        remedy = 'add trace = "chip.ptrace", or total'
        if spec.total is None:
            raise Fault((*key, "floorplan"), f"gives its blocks no watts: {remedy}")
        area = plan.rectangles[:, 2] * plan.rectangles[:, 3]
        return plan, np.bincount(plan.owner, area)
    if isinstance(spec.sample, int):
        if spec.sample > len(plan.watts):
            raise Fault((*key, "sample"), f"is beyond the {len(plan.watts)} samples of the trace")
        return plan, plan.watts[spec.sample - 1]
    if spec.sample == "peak":
        return plan, plan.watts[plan.watts.sum(axis=1).argmax()]
    return plan, plan.watts.mean(axis=0)


def _read(
    name: str, folder: Path, key: Key, what: str, reader: Callable[[str], Floorplan]
) -> Floorplan:
    path = folder / name
    try:
        return reader(decoded(read_bytes(path)))
    except OSError as error:
        raise Fault(key, f"cannot read {what} {str(path)!r}: {error.strerror or error}") from None
    except ValueError as error:
        raise Fault(key, f"{str(path)!r} {error}") from None


def _depth(spec: PowerSpec, side: str | None, place: Place) -> tuple[float, float] | None:
    depth = min(spec.depth, place.z1 - place.z0)
    if side is None:
        return None
    return (place.z0, place.z0 + depth) if side == "bottom" else (place.z1 - depth, place.z1)


def _turned(watts: np.ndarray, turn: int) -> np.ndarray:
    """Turn an array [y, x] counter-clockwise; numpy's rot90 turns pictures, whose rows run down."""
    return np.rot90(watts, -(turn // 90))


def _read_map(name: str, folder: Path, key: Key) -> np.ndarray:
    """Read watts (m, n), first row at y-."""
    from warp.geometry.copper import csv, npy, unlike

    path = folder / name
    try:
        table = npy(path) if path.suffix.lower() == ".npy" else csv(path)
    except OSError as error:
        raise Fault(
            key, f"cannot read power map {str(path)!r}: {error.strerror or error}"
        ) from None
    except (ValueError, EOFError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise Fault(
            key,
            f"{str(path)!r} is not a table of watts (numbers in text, or NPY): {reason}",
        ) from None
    if table.ndim != 2 or table.size == 0 or table.dtype.kind not in "iuf":
        raise Fault(key, f"{str(path)!r} is not a table of watts: it {unlike(table)}")
    table = table[::-1].astype(float)
    if not np.isfinite(table).all() or (table < 0.0).any():
        raise Fault(key, f"{str(path)!r} has entries that are negative or no number")
    if table.max() > MOST:
        raise Fault(key, f"{str(path)!r} has an entry of {table.max():.3g} W: is the unit right?")
    return table
