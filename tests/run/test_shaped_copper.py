"""Pictures of copper: planes get lines on their edges, traces are averaged, zones converge."""

from pathlib import Path

import numpy as np
import pytest
from stacked_plates import HEAD as HEAD_OF_PLATES
from stacked_plates import PLATES, A, B

from warp import load, solve
from warp.case.case import parse
from warp.run.grids import common_grid, shaped
from warp.verify.bending import laminate

HEAD = """
[load]
stress_free = "217 degC"
temperature = "25 degC"
[grid]
cells_per_layer = 4
spacing = "1.5 mm"
edge_spacing = "0.8 mm"
[output]
surfaces = ["board.bottom"]
"""
PICTURE = """
[part.board]
size = "20 mm"
material = "bt-hl832ns"
conductor = "copper-plated"
layers = [
    { name = "top", thickness = "40 um", copper = "copper.npy" },
    { name = "core", thickness = "300 um" },
]
"""
PARTS = """
[part.board]
size = "20 mm"
thickness = "300 um"
material = "bt-hl832ns"
[part.left]
on = "board"
size = ["6.5 mm", "20 mm"]
at = ["-6.75 mm", "0 mm"]
thickness = "40 um"
material = "bt-hl832ns"
[part.right]
on = "board"
size = ["13.5 mm", "20 mm"]
at = ["3.25 mm", "0 mm"]
thickness = "40 um"
material = "copper-plated"
"""


def case_of(tmp_path, copper, text=PICTURE):
    np.save(tmp_path / "copper.npy", copper)
    (tmp_path / "case.toml").write_text(HEAD + text)
    return load(tmp_path / "case.toml")


def plane(first=13):
    """A plane from the column `first` of 40 on."""
    copper = np.zeros((40, 40))
    copper[:, first:] = 1.0
    return copper


def warpage(case):
    return solve(case, device="cpu").metrics["surfaces"]["board"]["bottom"]["warpage_um"]


def test_the_edge_of_a_plane_is_a_line(tmp_path):
    grid = common_grid(case_of(tmp_path, plane()))
    assert np.abs(grid.x + 3.5e-3).min() < 1e-9  # 13/40 of 20 mm from the left
    across = common_grid(case_of(tmp_path, plane().T))
    assert np.abs(across.y - 3.5e-3).min() < 1e-9  # the first row of a picture is its top


def test_a_plane_in_a_picture_bends_as_a_part_of_its_size(tmp_path):
    pictured = warpage(case_of(tmp_path, plane()))
    assert pictured == pytest.approx(warpage(case_of(tmp_path, plane(), PARTS)), rel=3e-3)


def test_traces_and_short_edges_need_no_lines(tmp_path):
    traces = np.zeros((40, 400))
    traces[:, ::2] = 1.0  # 50 um wide
    assert shaped(case_of(tmp_path, traces)) == []
    pad = np.zeros((40, 40))
    pad[18:22, 18:22] = 1.0
    assert shaped(case_of(tmp_path, pad)) == []


def test_a_zone_narrower_than_a_cell_reads_the_curvature_of_the_laminate():
    """Zone of side a in the middle of two plates: peak to valley kappa a^2 / 4."""
    zone = 1.7e-3  # cells are 3 mm wide
    text = HEAD_OF_PLATES + PLATES.split("[part.c]")[0]
    text += '[output]\nzones = { "a.bottom" = "1.7 mm" }\n'
    found = solve(parse(text, Path("plates.toml")), device="cpu").metrics["surfaces"]
    kappa = laminate([A, B], -192.0)[1]
    assert found["a"]["bottom"]["zone_x_mm"] == pytest.approx(1.7)
    assert 1e-6 * abs(found["a"]["bottom"]["warpage_um"]) == pytest.approx(
        abs(kappa) * zone**2 / 4, rel=5e-3
    )
