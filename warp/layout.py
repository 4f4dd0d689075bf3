"""A layer's copper as an image: the share of copper in every pixel, from a file.

PNG: brightness, white is copper, black none. NPY or CSV: numbers from 0 to 1. The image covers the layer's outline;
its first row lies at y+, as on a screen. Arrays leave here with the first row at y-.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from warp.stacking import Fault, Key


def copper_share(path: Path, key: Key) -> np.ndarray:
    """Read shares (rows, columns), first row at y-; Fault names the key and what is wrong with the file."""
    try:
        pixels = _read(path)
    except OSError as error:
        raise Fault(key, f"cannot read the copper image {str(path)!r}: {error.strerror or error}") from None
    except (ValueError, EOFError, SyntaxError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it is damaged"
        raise Fault(key, f"{str(path)!r} is not an image of copper (PNG, NPY or CSV): {reason}") from None
    if pixels.ndim != 2 or pixels.size == 0 or pixels.dtype.kind not in "iufb":
        raise Fault(key, f"{str(path)!r} is not an image of copper: it has shape {pixels.shape} of {pixels.dtype}")
    pixels = pixels[::-1].astype(float)
    if not np.isfinite(pixels).all() or pixels.min() < 0.0 or pixels.max() > 1.0:
        raise Fault(key, f"{str(path)!r} has shares that are not between 0 and 1")
    return pixels


def _read(path: Path) -> np.ndarray:
    if path.suffix.lower() == ".npy":
        return np.load(path, allow_pickle=False)
    if path.suffix.lower() == ".csv":
        return np.loadtxt(path, delimiter=",", ndmin=2)
    from matplotlib.image import imread

    pixels = imread(path)  # 0 to 1; grey (rows, columns) or colour (rows, columns, 3 or 4)
    return pixels if pixels.ndim == 2 else pixels[..., :3].mean(axis=-1)
