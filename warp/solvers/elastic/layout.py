"""Array layout of the elastic unknowns: displacements on faces, bordered by zeros; spacings between them."""

from __future__ import annotations

from typing import Any

import numpy as np

from warp.device import Device


def spacings(lines) -> list[np.ndarray]:
    """1/width of cells and 1/distance of centres of each direction, at index + 1 of arrays of length n + 3."""
    out = []
    for q in lines:
        d = np.diff(q)
        for inverse in (1 / d, np.r_[1 / d[0], 2 / (q[2:] - q[:-2]), 1 / d[-1]]):
            a = np.zeros(len(d) + PAD)
            a[1 : 1 + len(inverse)] = inverse
            out.append(a)
    return out


PAD = 3  # displacement arrays have one column of zeros before the first face and two after the last


def displacement_shape(nx: int, ny: int, nz: int) -> tuple[int, int, int, int]:
    """Shape of the solver's displacement arrays: (component, z, y, x), face i at x-index i + 1."""
    return 3, nz + 1, ny + 1, nx + PAD


def bordered(device: Device, ids: np.ndarray) -> Any:
    """Media (nz, ny, nx) as the kernels read them on a device: (nz+2, ny+2, nx+3), with void all round."""
    nz, ny, nx = ids.shape
    out = device.zeros((nz + 2, ny + 2, nx + PAD), np.uint16)
    out[1 : nz + 1, 1 : ny + 1, 1 : nx + 1] = device.asarray(ids)
    return out


def along(a: np.ndarray, face: int) -> np.ndarray:
    """View [.., k, j, i] as [.., k, m, p] with p in the direction of `face`."""
    return a if face == 0 else np.swapaxes(a, -1, -2)
