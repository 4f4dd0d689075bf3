"""Thermal boundaries on the voxel model: the exchange of heat with the surroundings.

A film passes heat to its ambient through half a voxel and 1/h in series,

    q = area (T - T_ambient) / (half voxel resistance + 1 / h)      W

and a fixed temperature is h = infinite. Conditions are `conditions`, the faces that they name
`faces`, interface resistances `interfaces`, heat sources `sources`; their names are found here too.
SI units, kelvin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warp.errors import WarpError
from warp.voxels.conditions import Boundary, Film, Fixed, Interface, Source
from warp.voxels.faces import FACE_SIDES, SIDES, Faces, faces, neighbours, rows
from warp.voxels.interfaces import (
    GROUPS,
    Split,
    row_means,
    split_by,
    split_interfaces,
    stretched,
)
from warp.voxels.sources import heat_load, sources

if TYPE_CHECKING:
    from warp.voxels.grid import Grid
    from warp.voxels.voxelize import VoxelModel

__all__ = [
    "FACE_SIDES",
    "GROUPS",
    "SIDES",
    "Boundary",
    "Contact",
    "Exchange",
    "Faces",
    "Film",
    "Fixed",
    "Interface",
    "Source",
    "Split",
    "exchange",
    "faces",
    "film_conductance",
    "heat_load",
    "neighbours",
    "row_means",
    "rows",
    "sources",
    "split_by",
    "split_interfaces",
    "stretched",
]
_NO_AMBIENT = 298.15  # K; the datum of a package that exchanges no heat


@dataclass(frozen=True)
class Exchange:
    """Conductance to the surroundings in W/K, and heat in W at T = `datum`, per listed voxel.

    `cell`: flat indices, each once.
    """

    cell: np.ndarray
    conductance: np.ndarray
    heat: np.ndarray
    datum: float
    """The mean ambient in K: solving for T - datum keeps all digits for the rise."""
    contacts: list[Contact]
    """Face by named face."""


@dataclass(frozen=True)
class Contact:
    """One film or fixed temperature: W/K from every voxel centre, W/m2K at the surface, K."""

    name: str
    faces: Faces
    conductance: np.ndarray
    coefficient: float
    ambient: float


def exchange(
    model: VoxelModel,
    boundaries: Iterable[Boundary],
    ids: np.ndarray,
    table: np.ndarray,
    closed: bool = False,
    known: Exchange | None = None,
) -> Exchange:
    """Sum films and fixed temperatures per voxel; `ids` and `table` are the operator's.

    `closed`: a package without a way out for heat is not an error (a time step). `known`: the
    exchange of the same model and boundaries with other properties, whose faces are reused.
    """
    films = [b for b in boundaries if not isinstance(b, Interface)]
    contacts = []
    for n, b in enumerate(films):
        at = known.contacts[n].faces if known else faces(model, b.face)
        if not b.coefficient > 0:
            raise WarpError(f"film on '{b.face}': the coefficient must be positive")
        conductance = film_conductance(model.grid, ids, table, at, b.coefficient)
        contacts.append(Contact(b.face, at, conductance, b.coefficient, b.ambient))
    if not closed and not any(len(c.conductance) for c in contacts):
        beyond = "the named faces are not part of the modelled piece"
        none = "give at least one film or fixed temperature"
        raise WarpError(f"heat has no way out: {beyond if films else none}")
    if not contacts:
        return Exchange(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), _NO_AMBIENT, [])
    if not known:
        _refuse_twice(contacts)
    datum = float(np.mean([c.ambient for c in contacts]))
    g = np.concatenate([c.conductance for c in contacts])
    rise = np.concatenate([np.full(len(c.conductance), c.ambient - datum) for c in contacts])
    cell, where = np.unique(np.concatenate([c.faces.cell for c in contacts]), return_inverse=True)
    return Exchange(cell, np.bincount(where, g), np.bincount(where, g * rise), datum, contacts)


def film_conductance(
    grid: Grid, ids: np.ndarray, table: np.ndarray, faces: Faces, coefficient: float
) -> np.ndarray:
    """Return the conductance in W/K from voxel centre to ambient, per face."""
    half = table[ids.reshape(-1)[faces.cell], faces.side] * faces.width(grid)
    return faces.area(grid) / (half + 1 / coefficient)


def _refuse_twice(contacts: list[Contact]) -> None:
    """Refuse a face that two conditions name: it would exchange heat twice."""
    key = np.concatenate([c.faces.key for c in contacts])
    distinct, count = np.unique(key, return_counts=True)
    if len(distinct) < len(key):
        owner = np.repeat([c.name for c in contacts], [len(c.faces.cell) for c in contacts])
        names = owner[key == distinct[count.argmax()]]
        raise WarpError(
            f"faces '{names[0]}' and '{names[1]}' overlap: a face takes one film or temperature"
        )
