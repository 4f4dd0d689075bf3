"""A layer's copper from a file: the share of copper in every pixel of the layer's outline, first row at y-.

PNG: brightness, white is copper, black or transparent none. NPY or CSV: numbers from 0 to 1. Such an image covers the
layer's outline, whatever that measures, and its first row lies at y+, as on a screen. Layouts (GDSII, OASIS, Gerber) have
lengths of their own and are laid on the outline by them: `artwork`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from warp.errors import Fault, Key
from warp.geometry import artwork
from warp.geometry.part import Drawing

IMAGES = (".png", ".npy", ".csv")


def copper_share(drawing: Drawing, folder: Path, size: tuple[float, float], key: Key) -> np.ndarray:
    """Read shares (rows, columns) for a layer of this size (m); Fault names the key and what is wrong with the file."""
    path = folder / drawing.file
    try:
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise Fault(key, f"cannot read the copper layout {str(path)!r}: {why}") from None
    suffix = path.suffix.lower()
    if suffix in IMAGES:
        share = _image(path, drawing, key)
    elif suffix in (*artwork.STREAMS, *artwork.GERBERS):
        share = artwork.share(path, drawing, size, key)
    else:
        known = ", ".join((*IMAGES, *artwork.STREAMS, *artwork.GERBERS))
        raise Fault(key, f"{drawing.file!r} is of no known kind: {known}")
    return 1.0 - share if drawing.negative else share


def unlike(table: np.ndarray) -> str:
    """What an array is that is no table of numbers."""
    size = " x ".join(map(str, table.shape)) or "no"
    return f"holds {size} entries" if table.dtype.kind in "iufb" else "holds no numbers"


def _image(path: Path, drawing: Drawing, key: Key) -> np.ndarray:
    given = drawing.model_fields_set & {"layer", "datatype", "cell", "centre", "pixel"}
    if given:
        raise Fault(
            (*key, min(given)),
            "belongs to a GDSII, OASIS or Gerber file: an image covers its layer",
        )
    try:
        pixels = _read(path)
    except (OSError, ValueError, EOFError, SyntaxError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it is damaged"
        raise Fault(
            key, f"{str(path)!r} is not an image of copper (PNG, NPY or CSV): {reason}"
        ) from None
    if pixels.ndim != 2 or pixels.size == 0 or pixels.dtype.kind not in "iufb":
        raise Fault(key, f"{str(path)!r} is not an image of copper: it {unlike(pixels)}")
    pixels = pixels[::-1].astype(float)
    if not np.isfinite(pixels).all() or pixels.min() < 0.0 or pixels.max() > 1.0:
        raise Fault(key, f"{str(path)!r} has shares that are not between 0 and 1")
    return pixels


def npy(path: Path) -> np.ndarray:
    """An NPY file's array; ValueError where it holds none."""
    try:
        with path.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except OSError:
        raise
    except Exception:  # the header is read as Python, which raises whatever it made of it
        raise ValueError("it is damaged, or holds no numbers") from None


def csv(path: Path) -> np.ndarray:
    """A table of numbers, commas or semicolons between them, # before remarks; ValueError where it is none."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        cells = line.split("#")[0].replace(";", ",")
        try:
            rows += [[float(cell) for cell in cells.split(",")]] if cells.strip() else []
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    if len({len(row) for row in rows}) > 1:
        raise ValueError("its rows differ in length")
    return np.array(rows)


def _read(path: Path) -> np.ndarray:
    if path.suffix.lower() == ".npy":
        return npy(path)
    if path.suffix.lower() == ".csv":
        return csv(path)
    from matplotlib.image import imread

    pixels = imread(
        path
    )  # 0 to 1; grey (rows, columns) or colour (rows, columns, 3 or 4), the fourth opacity
    if pixels.ndim == 2:
        return pixels
    grey = pixels[..., :3].mean(axis=-1)
    return grey * pixels[..., 3] if pixels.shape[-1] == 4 else grey
