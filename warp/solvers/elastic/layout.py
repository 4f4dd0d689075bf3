"""Array layout of the elastic unknowns: displacements on faces, bordered by zeros; spacings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.voxels.grid import Grid
from warp.voxels.heights import weighted_heights

PAD = 3  # displacement arrays have one column of zeros before the first face and two after the last


def displacement_shape(nx: int, ny: int, nz: int) -> tuple[int, int, int, int]:
    """Return the shape (component, z, y, x) of the solver's arrays; face i is at x-index i + 1."""
    return 3, nz + 1, ny + 1, nx + PAD


def spacings(lines: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return 1/width of cells and 1/distance of centres for x, y, z: rdx, rcx, rdy, rcy, rdz, rcz.

    Arrays of length n + 3, entry i at index i + 1. The distances before the first and after the
    last centre are the widths there.
    """
    out = []
    for q in lines:
        d = np.diff(q)
        for inverse in (1 / d, np.r_[1 / d[0], 2 / (q[2:] - q[:-2]), 1 / d[-1]]):
            a = np.zeros(len(d) + PAD)
            a[1 : 1 + len(inverse)] = inverse
            out.append(a)
    return out


def padded_widths(grid: Grid) -> list[np.ndarray]:
    """Return dx, dy, dz, hz of length n + 3, cell i at index i + 1 and ones in the border.

    hz: weights of the levels in m, `weighted_heights`.
    """
    widths = grid.dx, grid.dy, grid.dz, weighted_heights(grid)
    return [np.concatenate([[1.0], d, [1.0, 1.0]]) for d in widths]


def bordered(device: Device, ids: np.ndarray) -> Array:
    """Put media (nz, ny, nx) on a device with void all round, as the kernels read them.

    Shape (nz+2, ny+2, nx+3).
    """
    nz, ny, nx = ids.shape
    out = device.zeros((nz + 2, ny + 2, nx + PAD), np.uint16)
    out[1 : nz + 1, 1 : ny + 1, 1 : nx + 1] = device.asarray(ids)
    return out


def along(a: np.ndarray, face: int) -> np.ndarray:
    """View [.., k, j, i] as [.., k, m, p] with p in the direction of `face`."""
    return a if face == 0 else np.swapaxes(a, -1, -2)


def temperature_array(temperature: float | np.ndarray) -> np.ndarray:
    """Return a temperature as an array: (nz, ny, nx), or (1, 1, 1) if it is uniform."""
    return np.atleast_3d(np.ascontiguousarray(temperature, float))


def host_of(device: Device) -> Device:
    """Return the CPU with the host threads of a device, for kernels that exist for the CPU only."""
    return Device("cpu", device.threads)
