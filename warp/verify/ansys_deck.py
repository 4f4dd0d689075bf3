"""Write a case as input of Ansys Mechanical APDL, for those who check against it.

The bricks, media, supports and loads are those of the CalculiX decks (`calculix_deck`): SOLID186
with reduced integration on the same snapped lines (SOLID185 with enhanced strain for `linear`), and
SOLID90 or SOLID70 for heat. Units mm, N, s, degC, so stresses in MPa and heat in mW.

Each medium strains since its own stress-free temperature, which Ansys takes as the material's:

    strain = ALPX(T) (T - REFT)

Nodes and elements are blocks (NBLOCK, EBLOCK). Heated cases make two files, NAME-heat.dat and
NAME.dat, which reads the temperatures that the first run wrote to NAME-heat.rth. Commands as the
Ansys Mechanical APDL Command Reference describes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from warp.units import ZERO_CELSIUS
from warp.verify import deck_files
from warp.verify.calculix_deck import (
    MILLIWATT,
    MM,
    Mesh,
    conductivities,
    engineering_constants,
    expansion,
    face_nodes,
    imperfect,
    printed,
    supports,
    table_temperatures,
)
from warp.voxels import boundary
from warp.voxels.boundary import Film, Fixed

if TYPE_CHECKING:
    from warp.case.case import Case

SIDES = (5, 3, 2, 4, 1, 6)
"""Ansys's number of the faces x-, x+, y-, y+, bottom, top of a brick."""
ROWS = 6  # temperatures or values of one MPTEMP or MPDATA
MOST = 100  # temperatures of a table
DIRECTIONS = ("UX", "UY", "UZ")


def write(case: Case, folder: Path, name: str, mesh: Mesh, nlgeom: bool = False) -> list[Path]:
    """Write NAME.dat, and NAME-heat.dat for films or fixed temperatures; return the files.

    They come in the order of their runs.
    """
    decks = {f"{name}-heat": heat_deck(case, mesh, name)} if case.heated else {}
    decks[name] = elastic_deck(case, mesh, name, nlgeom)
    return deck_files.write(folder, decks, "dat")


def elastic_deck(case: Case, mesh: Mesh, name: str, nlgeom: bool = False) -> Iterator[str]:
    """Write the input of the bent package: stress-free part by part, then at temperature."""
    model, wanted = mesh.model, case.loads.temperature
    temperatures = _thinned(table_temperatures(case)) if wanted is None else np.array([wanted])
    yield from _head(case, name, "185" if mesh.linear else "186")
    yield "KEYOPT,1,2,2" if mesh.linear else "KEYOPT,1,2,0"
    yield from _blocks(imperfect(mesh) if nlgeom else mesh, model.ids)
    for row in np.unique(model.ids[model.ids > 0]):
        part = model.parts[model.media.part[row]]
        yield f"! part {part}: {model.media.names[row]}"
        E, ratios, shear = engineering_constants(model, int(row), temperatures)
        zero, alpha = expansion(model, int(row), temperatures)
        laws = dict(zip(("EX", "EY", "EZ"), E.T, strict=True))
        laws |= dict(zip(("PRXY", "PRXZ", "PRYZ"), ratios, strict=True))
        laws |= dict(zip(("GXY", "GXZ", "GYZ"), shear, strict=True))
        laws |= dict(zip(("ALPX", "ALPY", "ALPZ"), alpha.T, strict=True))
        yield from _material(int(row), laws, temperatures)
        yield f"MP,REFT,{row},{zero:.10g}"
    yield from _component("SURFACES", printed(case, mesh))
    yield from ("FINISH", "/SOLU", "ANTYPE,STATIC")
    for text in supports(mesh):
        node, direction = text.split(", ")
        yield f"D,{node},{DIRECTIONS[int(direction) - 1]},0"
    if wanted is None:
        yield f"LDREAD,TEMP,LAST,,,,{name}-heat,rth"
    else:
        yield f"BFUNIF,TEMP,{wanted - ZERO_CELSIUS:.10g}"
    if nlgeom:
        yield from ("NLGEOM,ON", "NSUBST,20,1000,20", "OUTRES,ALL,LAST")
    yield from ("SOLVE", "FINISH", "/POST1", "SET,LAST", "CMSEL,S,SURFACES")
    yield from ("PRNSOL,U,COMP", "ALLSEL", "FINISH")


def heat_deck(case: Case, mesh: Mesh, name: str) -> Iterator[str]:
    """Write steady conduction with the case's films, fixed temperatures and heat sources."""
    model, temperatures = mesh.model, _thinned(table_temperatures(case))
    split = boundary.split_interfaces(model, case.boundaries)
    yield from _head(case, f"{name}-heat", "70" if mesh.linear else "90")
    yield from _blocks(mesh, split.ids)
    for row in np.unique(split.ids[split.ids > 0]):
        own = int(split.origin[row])
        yield f"! part {model.parts[model.media.part[own]]}: {model.media.names[own]}"
        k = conductivities(model, own, split.extra[row], temperatures)
        yield from _material(
            int(row), dict(zip(("KXX", "KYY", "KZZ"), k.T, strict=True)), temperatures
        )
    yield from ("FINISH", "/SOLU", "ANTYPE,STATIC")
    for b in case.boundaries:
        if isinstance(b, Fixed):
            held = np.unique(face_nodes(mesh, boundary.faces(model, b.face)))
            yield from (f"D,{n + 1},TEMP,{b.temperature - ZERO_CELSIUS:.10g}" for n in held)
        elif isinstance(b, Film):
            yield from _film(mesh, b)
    volume = model.grid.dz[:, None, None] * model.grid.area
    density = (boundary.heat_load(model, case.sources) / volume).ravel()
    for cell in np.flatnonzero(density):
        yield f"BFE,{mesh.number[cell]},HGEN,1,{density[cell] * MILLIWATT / MM**3:.10g}"
    yield from ("SOLVE", "FINISH", "/POST1", "SET,LAST", "PRNSOL,TEMP", "FINISH")


def _film(mesh: Mesh, film: Film) -> Iterator[str]:
    """Write a film on the faces of elements: coefficient in mW/(mm2 K), ambient in degC."""
    found = boundary.faces(mesh.model, film.face)
    h, ambient = film.coefficient * MILLIWATT / MM**2, film.ambient - ZERO_CELSIUS
    for cell, side in zip(found.cell, found.side, strict=True):
        where = f"SFE,{mesh.number[cell]},{SIDES[side]},CONV"
        yield f"{where},1,{h:.10g}"
        yield f"{where},2,{ambient:.10g}"


def _head(case: Case, name: str, kind: str) -> Iterator[str]:
    yield f"/FILNAME,{name},1"
    yield f"/TITLE,{case.title[:70]}"
    yield "! mm, N, s, degC; stresses in MPa, heat in mW"
    yield from ("/PREP7", "TOFFST,273.15", f"ET,1,{kind}")


def _blocks(mesh: Mesh, ids: np.ndarray) -> Iterator[str]:
    """Write nodes and bricks; the material of a brick is its row of media."""
    count, bricks = len(mesh.nodes), len(mesh.bricks)
    yield f"NBLOCK,6,SOLID,{count},{count}"
    yield "(3i9,6e21.13e3)"
    for n, (x, y, z) in enumerate(mesh.nodes * MM, 1):
        yield f"{n:9d}{0:9d}{0:9d}{_real(x)}{_real(y)}{_real(z)}"
    yield "N,R5.3,LOC,-1"
    yield f"EBLOCK,19,SOLID,{bricks},{bricks}"
    yield "(19i10)"
    row_of = ids.ravel()[mesh.voxel]
    width = mesh.bricks.shape[1]
    for n, (row, corners) in enumerate(zip(row_of, mesh.bricks + 1, strict=True), 1):
        head = (row, 1, 1, 1, 0, 0, 0, 0, width, 0, n, *corners[:8])
        yield "".join(f"{v:10d}" for v in head)
        if width > 8:
            yield "".join(f"{v:10d}" for v in corners[8:])
    yield "-1"


def _real(value: float) -> str:
    """Write a number in 21 columns with three digits of its exponent."""
    mantissa, _, exponent = f"{value:.13E}".partition("E")
    return f"{mantissa}E{int(exponent):+04d}".rjust(21)


def _material(row: int, laws: dict[str, np.ndarray], temperatures: np.ndarray) -> Iterator[str]:
    """Write tables over the temperature, one value where nothing depends on it."""
    if all(np.allclose(v, v[0], rtol=1e-9, atol=0) for v in laws.values()):
        yield from (f"MP,{name},{row},{values[0]:.10g}" for name, values in laws.items())
        return
    T = temperatures - ZERO_CELSIUS
    yield "MPTEMP"
    for n in range(0, len(T), ROWS):
        yield f"MPTEMP,{n + 1},{','.join(f'{t:.10g}' for t in T[n : n + ROWS])}"
    for name, values in laws.items():
        for n in range(0, len(values), ROWS):
            numbers = ",".join(f"{v:.10g}" for v in values[n : n + ROWS])
            yield f"MPDATA,{name},{row},{n + 1},{numbers}"


def _thinned(temperatures: np.ndarray) -> np.ndarray:
    """Leave so many temperatures as a table may have, evenly."""
    if len(temperatures) <= MOST:
        return temperatures
    return np.linspace(temperatures[0], temperatures[-1], MOST)


def _component(name: str, nodes: np.ndarray) -> Iterator[str]:
    yield f"CMBLOCK,{name},NODE,{len(nodes)}"
    yield "(8i10)"
    for n in range(0, len(nodes), 8):
        yield "".join(f"{v + 1:10d}" for v in nodes[n : n + 8])
