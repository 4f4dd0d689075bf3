"""Read the `power` entry of a part as heat sources: watts per rectangle of its outline.

An even power is one number, a block one rectangle, a map many; through the height of the part or at
one side. Lines in absolute metres, ascending; watts (rows, columns) with the first row at y-. A map
in a file is drawn as a picture: its first row is at y+.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from warp.errors import Fault, Key
from warp.geometry.part import PowerSpec
from warp.geometry.place import Place
from warp.voxels.boundary import Source

SLACK = 1e-9  # m
ROUND_OFF = 1e-9
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
    if spec.map is None and not spec.blocks and spec.total is None:
        raise Fault(key, 'says no watts: add total = "60 W", blocks or map')
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
            key, f"{str(path)!r} is not a table of watts (CSV with commas, or NPY): {reason}"
        ) from None
    if table.ndim != 2 or table.size == 0 or table.dtype.kind not in "iuf":
        raise Fault(key, f"{str(path)!r} is not a table of watts: it {unlike(table)}")
    table = table[::-1].astype(float)
    if not np.isfinite(table).all() or (table < 0.0).any():
        raise Fault(key, f"{str(path)!r} has entries that are negative or no number")
    if table.max() > MOST:
        raise Fault(key, f"{str(path)!r} has an entry of {table.max():.3g} W: is the unit right?")
    return table
