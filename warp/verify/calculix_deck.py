"""Write a case as an input deck of CalculiX (ccx 2.18 or newer), an independent program.

The deck holds the case's own media on a coarser grid: twenty-node bricks with reduced integration
(C3D20R; C3D8I with `linear`) on the same snapped lines, one brick a solid voxel. A voxel that a
curved side cuts carries its mixed medium, as an orthotropic material from the same table that the
solver here reads: what the decks check is the mechanics and the heat conduction, not the mixing
rule. Units mm, N, s, degC, so stresses in MPa and heat in mW.

Every part strains since its own stress-free temperature T0:

    strain = alpha(T) (T - ZERO),    ZERO = T0,    alpha(T) = INT cte dT / (T - T0)

CalculiX subtracts alpha(T_start) (T_start - ZERO), T_start the nodes' initial temperature. Parts
that share nodes cannot have one each; where stress-free temperatures differ all nodes start at
COLD, where alpha is zero: nothing is subtracted.

Heated cases make two decks, NAME-heat.inp (films, fixed temperatures, heat per volume; an interface
resistance lies in the first row of bricks beside it) and NAME.inp, which reads the temperatures
that the first run wrote. Mirror planes are symmetry planes; what is left of rigid motion is held at
up to three corners. Large deflection (NLGEOM) is an option; the mesh then has an `imperfection`,
so that it leaves a dome that is no longer stable. `calculix` reads what ccx leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from warp.errors import WarpError
from warp.materials.material import normal_matrix
from warp.results import surface
from warp.units import ZERO_CELSIUS
from warp.verify import deck_files, imperfection
from warp.voxels import boundary
from warp.voxels.boundary import Faces, Film, Fixed
from warp.voxels.grid import make_grid
from warp.voxels.voxelize import VoxelModel, voxelize

if TYPE_CHECKING:
    from warp.case.case import Case

COARSER = 2.0
"""Width of the bricks in cells of the case, in plane: a quadratic brick does the work of two."""
BRICKS_PER_LAYER = 2
"""Through a thick layer at COARSER: one quadratic brick bends exactly, two show it."""
COLD = -1000.0  # degC, below every temperature of a case
STEP = 5.0  # K between the rows of a table; a glass transition is several of them wide
MOST_INCREMENTS = 1000
INCREMENTS = (f"*STEP, NLGEOM, INC={MOST_INCREMENTS}", "*STATIC", "0.05, 1.0, 1e-6, 0.05")
"""A step of large deflection in twentieths of the temperature change at most: longer increments
pass by the point where a dome rolls up, and stay on it."""
MM, MPA, MILLIWATT = 1e3, 1e-6, 1e3
CORNERS = ((0, 0, 0), (2, 0, 0), (2, 2, 0), (0, 2, 0), (0, 0, 2), (2, 0, 2), (2, 2, 2), (0, 2, 2))
MIDDLES = ((1, 0, 0), (2, 1, 0), (1, 2, 0), (0, 1, 0), (1, 0, 2), (2, 1, 2), (1, 2, 2), (0, 1, 2))
UPRIGHT = ((0, 0, 1), (2, 0, 1), (2, 2, 1), (0, 2, 1))
"""Nodes of a brick in half cells (x, y, z), in CalculiX's order."""
SIDES = ("6", "4", "3", "5", "1", "2")
"""CalculiX's number of the faces x-, x+, y-, y+, bottom, top."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Hold the bricks of a voxel model.

    nodes (n, 3) in m; bricks (m, 20 or 8) from 0; voxel: flat index of each brick; at: node of each
    point of the doubled grid (2 nz + 1, 2 ny + 1, 2 nx + 1), -1 where there is none.
    """

    model: VoxelModel
    nodes: np.ndarray
    bricks: np.ndarray
    voxel: np.ndarray
    at: np.ndarray

    @property
    def linear(self) -> bool:
        return self.bricks.shape[1] == 8

    @cached_property
    def number(self) -> np.ndarray:
        """Brick of each voxel (flat), counted from 1."""
        found = np.zeros(self.model.ids.size, np.int64)
        found[self.voxel] = np.arange(1, len(self.voxel) + 1)
        return found


def build(case: Case, coarser: float = COARSER, linear: bool = False) -> Mesh:
    """Voxelise the case with bricks `coarser` times as wide as its cells; number the nodes.

    The lines are the case's own.
    """
    if case.has_steps:
        raise WarpError(
            "a deck holds one step from the stress-free state: leave the case's [[step]] tables out"
        )
    # Two bricks a layer at the usual width, and as many more as the bricks are narrower.
    own = replace(
        case.grid,
        cells_per_layer=None,
        cells_per_thick_layer=max(1, round(BRICKS_PER_LAYER * COARSER)),
        refine=case.grid.refine / coarser,
    )
    grid = make_grid(case.bodies(), own, case.mirror)
    model = voxelize(case.bodies(), case.materials(), grid, case.loads.stress_free)
    voxel = np.flatnonzero(model.ids)
    k, j, i = np.unravel_index(voxel, model.ids.shape)
    half = [np.sort(np.concatenate((q, (q[1:] + q[:-1]) / 2))) for q in (grid.x, grid.y, grid.z)]
    offsets = np.array(CORNERS if linear else CORNERS + MIDDLES + UPRIGHT)
    shape = (len(half[2]), len(half[1]), len(half[0]))
    flat = np.ravel_multi_index(
        [2 * q[:, None] + offsets[:, a] for q, a in ((k, 2), (j, 1), (i, 0))], shape
    )
    used, bricks = np.unique(flat, return_inverse=True)
    where = np.unravel_index(used, shape)[::-1]
    nodes = np.stack([q[a] for q, a in zip(half, where, strict=True)], axis=1)
    at = np.full(shape, -1, np.int64)
    at.ravel()[used] = np.arange(len(used))
    return Mesh(model, nodes, bricks.reshape(flat.shape), voxel, at)


def write(case: Case, folder: Path, name: str, mesh: Mesh, nlgeom: bool = False) -> list[Path]:
    """Write NAME.inp, and NAME-heat.inp for films or fixed temperatures; return the files.

    They come in the order of their runs.
    """
    decks = {f"{name}-heat": heat_deck(case, mesh)} if case.heated else {}
    decks[name] = elastic_deck(case, mesh, name, nlgeom)
    return deck_files.write(folder, decks, "inp")


def elastic_deck(case: Case, mesh: Mesh, name: str, nlgeom: bool = False) -> Iterator[str]:
    """Write the deck of the bent package: stress-free part by part, then at temperature.

    With `nlgeom` the temperature changes in increments, rotations are finite, and the body has a
    small imperfection.
    """
    model, wanted = mesh.model, case.loads.temperature
    since = np.unique(model.media.stress_free[np.unique(model.ids[model.ids > 0])])
    mixed = any(never_free(model, int(row)) for row in np.unique(model.ids))
    start = since[0] - ZERO_CELSIUS if len(since) == 1 and not mixed else COLD
    temperatures = table_temperatures(case) if wanted is None else np.array([wanted])
    seen = imperfect(mesh) if nlgeom else mesh
    yield from _mesh_lines(case, seen, "C3D8I" if mesh.linear else "C3D20R", model.ids)
    yield from _set("NSET", "surfaces", printed(case, mesh))
    for row in np.unique(model.ids[model.ids > 0]):
        yield from _elastic_material(model, int(row), temperatures, start)
    yield "*INITIAL CONDITIONS, TYPE=TEMPERATURE"
    yield f"all, {start:.10g}"
    yield "*BOUNDARY"
    yield from supports(mesh)
    yield from INCREMENTS if nlgeom else ("*STEP", "*STATIC")
    if wanted is None:
        yield f"*TEMPERATURE, FILE={name}-heat.frd, BSTEP=1"
    else:
        yield "*TEMPERATURE"
        yield f"all, {wanted - ZERO_CELSIUS:.10g}"
    last = f", FREQUENCY={MOST_INCREMENTS}" if nlgeom else ""
    yield from (f"*NODE PRINT, NSET=surfaces{last}", "U", f"*NODE FILE{last}", "U, NT", "*END STEP")


def heat_deck(case: Case, mesh: Mesh) -> Iterator[str]:
    """Steady conduction with the case's films, fixed temperatures and heat sources."""
    model = mesh.model
    split = boundary.split_interfaces(model, case.boundaries)
    yield from _mesh_lines(
        case, mesh, "DC3D8" if mesh.linear else "DC3D20", split.ids, split.origin
    )
    for row in np.unique(split.ids[split.ids > 0]):
        yield from _thermal_material(
            model, int(row), int(split.origin[row]), split.extra[row], table_temperatures(case)
        )
    ambients = [b.ambient for b in case.boundaries if isinstance(b, Film | Fixed)]
    yield "*INITIAL CONDITIONS, TYPE=TEMPERATURE"
    yield f"all, {np.mean(ambients) - ZERO_CELSIUS:.10g}"
    yield "*STEP"
    yield "*HEAT TRANSFER, STEADY STATE"
    for b in case.boundaries:
        if isinstance(b, Fixed):
            yield "*BOUNDARY"
            held = np.unique(face_nodes(mesh, boundary.faces(model, b.face)))
            yield from (f"{n + 1}, 11, 11, {b.temperature - ZERO_CELSIUS:.10g}" for n in held)
        elif isinstance(b, Film):
            faces = boundary.faces(model, b.face)
            yield "*FILM"
            h = b.coefficient * MILLIWATT / MM**2
            for cell, side in zip(faces.cell, faces.side, strict=True):
                ambient = b.ambient - ZERO_CELSIUS
                yield f"{mesh.number[cell]}, F{SIDES[side]}, {ambient:.10g}, {h:.10g}"
    density = (
        boundary.heat_load(model, case.sources) / (model.grid.dz[:, None, None] * model.grid.area)
    ).ravel()
    if density.any():
        yield "*DFLUX"
        for cell in np.flatnonzero(density):
            yield f"{mesh.number[cell]}, BF, {density[cell] * MILLIWATT / MM**3:.10g}"
    yield from ("*NODE PRINT, NSET=all", "NT", "*NODE FILE", "NT", "*END STEP")


def imperfect(mesh: Mesh) -> Mesh:
    """Return the mesh for large deflection, with the `imperfection` in its nodes."""
    return replace(mesh, nodes=imperfection.seeded(mesh.nodes, mesh.model.grid.mirror))


def supports(mesh: Mesh) -> Iterator[str]:
    """Symmetry planes, and three corners that hold what rigid motion they leave."""
    x, y = mesh.nodes[:, 0], mesh.nodes[:, 1]
    mirror = mesh.model.grid.mirror
    for a, mirrored in enumerate(mirror):
        if mirrored:
            yield from (f"{n + 1}, {a + 1}" for n in np.flatnonzero(mesh.nodes[:, a] == 0))
    # One corner is held, one stops rotation about y and z, one about x; all on one level.
    level = np.bincount(np.unique(mesh.nodes[:, 2], return_inverse=True)[1]).argmax()
    flat = np.flatnonzero(mesh.nodes[:, 2] == np.unique(mesh.nodes[:, 2])[level])
    corner, beside, behind = (
        int(flat[(a * x[flat] + b * y[flat]).argmax()]) for a, b in ((-1, -1), (1, -1), (-1, 1))
    )
    held = {corner: {1, 2, 3}, beside: {2, 3}, behind: {3}}
    if mirror[0]:
        held[beside] = set()
        held[corner] -= {1}
    if mirror[1]:
        held[behind] = set()
        held[corner] -= {2}
        held[beside] -= {2}
    for node, directions in held.items():
        yield from (f"{node + 1}, {d}" for d in sorted(directions))


def _mesh_lines(
    case: Case, mesh: Mesh, kind: str, ids: np.ndarray, origin: np.ndarray | None = None
) -> Iterator[str]:
    """Nodes, bricks by medium, and what each medium is."""
    media = mesh.model.media
    yield f"** {case.title}"
    yield "** mm, N, s, degC; stresses in MPa, heat in mW"
    yield "*NODE, NSET=all"
    for n, (x, y, z) in enumerate(mesh.nodes * MM, 1):
        yield f"{n}, {x:.10g}, {y:.10g}, {z:.10g}"
    row_of = ids.ravel()[mesh.voxel]
    for row in np.unique(row_of).tolist():
        own = row if origin is None else int(origin[row])
        part = mesh.model.parts[media.part[own]]
        yield f"** part {part}: {media.names[own]}"
        yield f"*ELEMENT, TYPE={kind}, ELSET=medium{row}"
        for brick in np.flatnonzero(row_of == row):
            numbers = [str(v) for v in (brick + 1, *(mesh.bricks[brick] + 1))]
            if mesh.linear:
                yield ", ".join(numbers)
            else:
                yield ", ".join(numbers[:11]) + ","
                yield ", ".join(numbers[11:])
        yield f"*SOLID SECTION, ELSET=medium{row}, MATERIAL=medium{row}"


def engineering_constants(
    model: VoxelModel, row: int, temperatures: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Return E (n, 3) in MPa, Poisson's ratios xy, xz, yz, and shear moduli xy, xz, yz in MPa.

    Ratio ij: contraction along j under stress along i.
    """
    material = model.media.materials[row]
    assert material is not None
    compliance = np.linalg.inv(normal_matrix(material.stiffness(temperatures)) * MPA)
    G_yz, G_xz, G_xy = (material.shear(temperatures) * MPA).T
    E = 1 / np.diagonal(compliance, axis1=-2, axis2=-1)
    ratios = tuple(-compliance[:, i, j] * E[:, i] for i, j in ((0, 1), (0, 2), (1, 2)))
    return E, ratios, (G_xy, G_xz, G_yz)


def expansion(model: VoxelModel, row: int, temperatures: np.ndarray) -> tuple[float, np.ndarray]:
    """Return ZERO in degC and alpha (n, 3) in 1/K, so that alpha (T - ZERO) is the free strain."""
    material, since = model.media.materials[row], float(model.media.stress_free[row])
    assert material is not None
    zero = COLD if never_free(model, row) else since - ZERO_CELSIUS
    T = temperatures - ZERO_CELSIUS
    T = np.where(np.abs(T - zero) < 1e-3, zero + 1e-3, T)  # the limit of the quotient
    strain = np.atleast_2d(material.thermal_strain(T + ZERO_CELSIUS, since))
    return zero, strain / (T - zero)[:, None]


def conductivities(
    model: VoxelModel, own: int, extra: np.ndarray, temperatures: np.ndarray
) -> np.ndarray:
    """Return k (n, 3) in W/(m K), with resistances of both sides in series with the brick."""
    material = model.media.materials[own]
    assert material is not None
    k = material.conductivity(temperatures)
    return np.asarray(1 / (1 / k + extra.reshape(3, 2).sum(axis=1)))


def _elastic_material(
    model: VoxelModel, row: int, temperatures: np.ndarray, start: float
) -> Iterator[str]:
    E, (xy, xz, yz), (G_xy, G_xz, G_yz) = engineering_constants(model, row, temperatures)
    shear = np.stack((G_yz, G_xz, G_xy), axis=1)
    yield f"*MATERIAL, NAME=medium{row}"
    even = np.allclose(E, E[:, :1], rtol=1e-9) and np.allclose(
        shear, (E[:, 0] / (2 + 2 * xy))[:, None], rtol=1e-9
    )
    if even and np.allclose(xy, xz, rtol=0, atol=1e-9) and np.allclose(xy, yz, rtol=0, atol=1e-9):
        yield "*ELASTIC"
        yield from _table(np.stack((E[:, 0], xy), axis=1), temperatures)
    else:
        yield "*ELASTIC, TYPE=ENGINEERING CONSTANTS"
        values = np.stack((E[:, 0], E[:, 1], E[:, 2], xy, xz, yz, G_xy, G_xz, G_yz), axis=1)
        yield from _table(values, temperatures)
    zero, alpha = expansion(model, row, temperatures)
    yield f"*EXPANSION, TYPE=ORTHO, ZERO={zero:.10g}"
    if start != COLD:
        yield from _table(alpha, temperatures)
    else:
        yield f"0, 0, 0, {COLD:.10g}"
        yield from (
            _row(values, t) for values, t in zip(alpha, temperatures - ZERO_CELSIUS, strict=True)
        )


def _thermal_material(
    model: VoxelModel, row: int, own: int, extra: np.ndarray, temperatures: np.ndarray
) -> Iterator[str]:
    k = conductivities(model, own, extra, temperatures)
    yield f"*MATERIAL, NAME=medium{row}"
    yield "*CONDUCTIVITY, TYPE=ORTHO"
    yield from _table(k, temperatures)


def _table(values: np.ndarray, temperatures: np.ndarray) -> Iterator[str]:
    """Rows over the temperature, one where nothing depends on it."""
    if np.allclose(values, values[:1], rtol=1e-9, atol=0):
        values, temperatures = values[:1], temperatures[:1]
    yield from (_row(row, t) for row, t in zip(values, temperatures - ZERO_CELSIUS, strict=True))


def _row(values: np.ndarray, temperature: float) -> str:
    """At most eight numbers a line, the temperature last."""
    numbers = [f"{v:.10g}" for v in (*values, temperature)]
    return ",\n".join(", ".join(numbers[n : n + 8]) for n in range(0, len(numbers), 8))


def table_temperatures(case: Case) -> np.ndarray:
    """Return the temperatures (K) of the tables.

    From below every ambient to above every temperature that a package survives.
    """
    known = [body.stress_free for body in case.bodies() if body.stress_free] + [
        case.loads.stress_free,
        218.15,
        573.15,
    ]
    return np.arange(min(known), max(known) + STEP, STEP)


def never_free(model: VoxelModel, row: int) -> bool:
    """Tell whether a row mixes phases with different stress-free temperatures.

    Then no single temperature frees it of strain.
    """
    material, since = model.media.materials[row], float(model.media.stress_free[row])
    return material is not None and bool(
        np.abs(material.thermal_strain(since, since)).max() > 1e-12
    )


def wanted_surfaces(case: Case, model: VoxelModel) -> list[tuple[str, str]]:
    """(part, side) of the case's output; by default both sides of every part present."""
    there = {
        model.parts[n] for n in np.unique(model.media.part[np.unique(model.ids[model.ids > 0])])
    }
    return case.surfaces or [
        (part, side) for part in model.parts if part in there for side in surface.SIDES
    ]


def _set(kind: str, name: str, nodes: np.ndarray) -> Iterator[str]:
    yield f"*{kind}, {kind}={name}"
    for n in range(0, len(nodes), 8):
        yield ", ".join(str(v + 1) for v in nodes[n : n + 8])


def face_nodes(mesh: Mesh, faces: Faces) -> np.ndarray:
    """Nodes of brick faces."""
    offsets = np.array(CORNERS if mesh.linear else CORNERS + MIDDLES + UPRIGHT)
    found = [np.zeros(0, np.int64)]
    for side in range(6):
        own = offsets[:, side // 2] == 2 * (side % 2)
        found.append(mesh.bricks[mesh.number[faces.cell[faces.side == side]] - 1][:, own].ravel())
    return np.concatenate(found)


def printed(case: Case, mesh: Mesh) -> np.ndarray:
    """Nodes whose displacement the elastic run prints: the corners of bricks on the surfaces."""
    wanted = [_nodes(mesh, part, side) for part, side in wanted_surfaces(case, mesh.model)]
    return np.unique(np.concatenate(wanted))


def levels(mesh: Mesh, part: str, side: str) -> np.ndarray:
    """Index of the surface's z-line in every column, -1 off its footprint."""
    bottom, top = surface.faces(mesh.model)
    return (top if side == "top" else bottom)[surface.part_index(mesh.model, part)]


def _nodes(mesh: Mesh, part: str, side: str) -> np.ndarray:
    """Corner nodes of a surface."""
    face = levels(mesh, part, side)
    j, i = np.nonzero(face >= 0)
    k = face[j, i]
    return np.concatenate(
        [mesh.at[2 * k, 2 * (j + b), 2 * (i + a)] for a in (0, 1) for b in (0, 1)]
    )
