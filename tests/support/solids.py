"""Elastic voxel models of solids that tests invent, and their operator as a dense matrix."""

from dataclasses import dataclass

import numpy as np
import reference as ref
from conductors import boxes, uneven

from warp.solvers.elastic import operator as elastic_operator
from warp.solvers.elastic.layout import PAD
from warp.voxels.voxelize import VoxelModel

ROOM = 300.0


@dataclass(frozen=True)
class Solid:
    """E in Pa at 300 K and 1e-3 less a kelvin, nu, cte in 1/K along x, y, z; orthotropic in shear
    by `skew`.
    """

    E: float = 1e11
    nu: float = 0.3
    expansion: tuple[float, float, float] = (1e-5, 1e-5, 1e-5)
    skew: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def conductivity(self, T):
        return np.ones(3)

    def stiffness(self, T):
        C, _ = isotropic(self.E * (1 - 1e-3 * (T - ROOM)), self.nu)
        return C

    def shear(self, T):
        _, G = isotropic(self.E * (1 - 1e-3 * (T - ROOM)), self.nu)
        return G * np.array(self.skew)

    def thermal_strain(self, T, T0):
        return np.multiply.outer(np.subtract(T, T0), np.array(self.expansion))


def isotropic(E, nu):
    """Return C (6, ...) and G (3, ...) of Young's modulus E (Pa; a number or an array) and
    Poisson's ratio nu.
    """
    lame, G = E * nu / (1 + nu) / (1 - 2 * nu), E / 2 / (1 + nu)
    return np.array([lame + 2 * G] * 3 + [lame] * 3), np.array([G] * 3)


def voxels(pattern, solids, mirror=(False, False), seed=0) -> VoxelModel:
    """Voxels on an uneven grid of some mm: `pattern` (nz, ny, nx) numbers the solids from 1, 0 =
    void.
    """
    rng = np.random.default_rng(seed)
    pattern = np.asarray(pattern)
    nz, ny, nx = pattern.shape
    x, y, z = uneven(rng, nx, 5e-3), uneven(rng, ny, 4e-3), uneven(rng, nz, 1e-3)
    model = boxes(x, y, z, {f"part-{n}": (solid,) for n, solid in enumerate(solids)}, mirror)
    model.media.stress_free[:] = ROOM
    model.ids[...] = pattern
    return model


TWO = [Solid(skew=(1.2, 0.8, 1.1)), Solid(3e9, 0.4, (3e-5, 2e-5, 7e-5))]


def properties(model, T=ROOM):
    """C (6, nz, ny, nx) and G (3, nz, ny, nx) of every voxel."""
    return model.media.stiffness(T).T[:, model.ids], model.media.shear(T).T[:, model.ids]


def grid_lines(model):
    return model.grid.x, model.grid.y, model.grid.z


def operator(model, device, T=ROOM):
    """A as a dense matrix in the order of the reference; rows and columns of what does not exist
    are empty.
    """
    moduli = elastic_operator.moduli(model, np.full(len(model.media), T))
    A = elastic_operator.operator(model, device, moduli)
    places = plain(np.arange(np.prod(A.shape)).reshape(A.shape)).ravel()
    matrix = np.zeros((places.size, places.size))
    unit, out = np.zeros(A.shape), np.zeros(A.shape)
    for column in np.flatnonzero(ref.active(model.ids > 0, model.grid.mirror)):
        unit.reshape(-1)[places[column]] = 1
        A.apply(out, unit)
        matrix[:, column] = out.reshape(-1)[places]
        unit.reshape(-1)[places[column]] = 0
    return matrix


def plain(U):
    """The faces (3, nz+1, ny+1, nx+1) of a displacement array with the solver's padding."""
    return U[..., 1 : 2 - PAD]
