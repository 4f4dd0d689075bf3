"""Films of nanometres to microns on a sheet: they converge, keep laminate theory and their law."""

from dataclasses import replace

import numpy as np
import pytest
from hard_models import FULL, QUARTER, ROOM, STRESS_FREE, Solid, bimetal

from warp.geometry.shapes import Body, Box
from warp.materials.library import MaterialSpec
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic.history.state import State
from warp.solvers.krylov import Control
from warp.verify.bending import Layer, laminate
from warp.voxels.grid import Grid
from warp.voxels.thin_films import ThinFilm, softened_across
from warp.voxels.voxelize import voxelize

SHEET, THICK = 3e3, 0.1  # MPa, mm
FILM = Solid(250e3, 0.25, 3.3)


def sheet(ratio, modulus, above=True, cells=24, wide=4.0, sheet_cells=4):
    """A quarter of a sheet and a film: ratios of thickness and modulus; cells `wide` sheets."""
    lower, upper = Solid(SHEET, 0.4, 60.0), Solid(SHEET * modulus, 0.17, 0.5)
    layers = (THICK, sheet_cells), (THICK * ratio, 1)
    solids = lower, upper
    if not above:
        layers, solids = layers[::-1], solids[::-1]
    half = cells * wide * THICK
    model = bimetal(half, 2 * cells, layers, lower=solids[0], upper=solids[1])
    ids, media = softened_across(model.grid, model.ids, model.media)
    return replace(model, ids=ids, media=media)


def solved(model, cpu):
    return elastic.solve(model, ROOM, cpu, State.start(model.grid.shape), Control(1e-8))


@pytest.mark.parametrize("above", [True, False], ids=["above", "below"])
@pytest.mark.parametrize("ratio, modulus", [(1e-4, 1e3), (1e-3, 30.0), (1e-2, 1e3), (1e-4, 1e-3)])
def test_films_of_any_thickness_converge(cpu, ratio, modulus, above):
    assert solved(sheet(ratio, modulus, above), cpu).iterations <= 40


@pytest.mark.parametrize(
    "cells, wide, sheet_cells, ratio, modulus",
    [
        (12, 30.0, 4, 1e-4, 1e3),
        (12, 30.0, 4, 1.0, 1e-3),
        (24, 10.0, 10, 1e-3, 1e1),
        (24, 10.0, 10, 1e-1, 1e3),
    ],
)
def test_films_on_cells_much_wider_than_the_sheet_converge(
    cpu, cells, wide, sheet_cells, ratio, modulus
):
    model = sheet(ratio, modulus, True, cells, wide, sheet_cells)
    assert solved(model, cpu).iterations <= 40


@pytest.mark.parametrize("mirror", [QUARTER, FULL], ids=["quarter", "full"])
def test_a_film_of_100_nm_on_a_wafer_costs_as_much_as_a_thick_one(cpu, mirror):
    """Its bending in single precision would strain the film by more than it bends the wafer."""
    thin, thick = (
        bimetal(150.0, 30, ((0.775, 10), (film, 1)), mirror, Solid(169e3, 0.28, 2.6), FILM)
        for film in (1e-4, 1e-2)
    )
    assert solved(thin, cpu).iterations <= 1.5 * solved(thick, cpu).iterations + 5


@pytest.mark.slow
@pytest.mark.parametrize("above", [True, False], ids=["above", "below"])
@pytest.mark.parametrize("ratio", [1e-4, 1e-3, 1e-2, 1e-1, 1.0])
@pytest.mark.parametrize("modulus", [1e-3, 1e-1, 1e1, 1e3])
def test_every_film_converges(cpu, ratio, modulus, above):
    assert solved(sheet(ratio, modulus, above), cpu).iterations <= 40


@pytest.mark.parametrize("ratio, modulus", [(5e-3, 23.0), (1e-4, 1e3)])
def test_film_bends_its_sheet_as_a_laminate(cpu, ratio, modulus):
    """In its middle: twelve cells through the sheet lack 1/144 of its bending stiffness.

    A rim of a cell in 24 is stiffer.
    """
    model = sheet(ratio, modulus, cells=24, wide=1.0, sheet_cells=12)
    U = solved(model, cpu).displacement
    stretch = (U[0, :2, 0, 1] - U[0, :2, 0, 0]) / model.grid.dx[0]
    found = (stretch[1] - stretch[0]) / (model.grid.zc[1] - model.grid.zc[0])
    stack = [
        Layer(1e-3 * THICK, 1e6 * SHEET, 0.4, 60e-6),
        Layer(1e-3 * THICK * ratio, 1e6 * SHEET * modulus, 0.17, 0.5e-6),
    ]
    assert found == pytest.approx(laminate(stack, ROOM - STRESS_FREE)[1], rel=1.5e-2)


def test_thin_film_keeps_its_plane_stress_law():
    solid = Solid((3e3, 4e3, 5e3), 0.3, (1.0, 2.0, 3.0))
    laws = []
    for medium in (solid, ThinFilm(solid, 0.01)):
        c = medium.stiffness(ROOM)
        full = np.array([[c[0], c[5], c[4]], [c[5], c[1], c[3]], [c[4], c[3], c[2]]])
        free = medium.thermal_strain(ROOM, STRESS_FREE)
        plane = np.linalg.inv(np.linalg.inv(full)[:2, :2])
        laws.append((plane, plane @ free[:2]))
    for ours, theirs in zip(*laws, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    shear = ThinFilm(solid, 0.01, 0.1).shear(ROOM)
    np.testing.assert_allclose(shear, solid.shear(ROOM) * np.array([0.01, 0.01, 1.0]))


def test_ordinary_stacks_stay_as_they_are():
    model = bimetal()
    ids, media = softened_across(model.grid, model.ids, model.media)
    assert ids is model.ids and media is model.media


MECHANICAL = {"youngs_modulus": "3 GPa", "poissons_ratio": 0.3, "cte": "20 ppm/K"}


@pytest.mark.parametrize("mechanical, media", [(MECHANICAL, 4), ({}, 3)])
def test_only_films_with_mechanical_properties_get_a_medium_of_their_own(mechanical, media):
    materials = {}
    for name, more in {"sheet": {}, "film": {"youngs_modulus": "3000 GPa"}}.items():
        given = {"conductivity": "1 W/(m K)"} | mechanical | (more if mechanical else {})
        materials[name] = MaterialSpec(**given).build(name)
    bodies = [
        Body(name, name, (Box(0, 1, 0, 1, low, high),))
        for name, low, high in (("sheet", 0, 1e-3), ("film", 1e-3, 1.0001e-3))
    ]
    grid = Grid(np.array([0.0, 1]), np.array([0.0, 1]), np.array([0, 1e-3, 1.0001e-3]))
    assert len(voxelize(bodies, materials, grid, 400.0).media) == media
