"""The search for an optimum: a known one, limits, and runs that are never repeated."""

import json

import numpy as np
import pytest

import warp as program
from warp.adjoint import optimum
from warp.errors import WarpError

STRIP = """
symmetry = "quarter"

[material.stiff]
youngs_modulus = "100 GPa"
poissons_ratio = 0.3
cte = "5 ppm/K"

[material.warm]
youngs_modulus = "100 GPa"
poissons_ratio = 0.3
cte = "15 ppm/K"

[part.base]
size = "24 mm"
thickness = "0.6 mm"
material = "stiff"

[part.film]
on = "base"
size = "base"
thickness = "0.6 mm"
material = "warm"

[load]
stress_free = "125 degC"

[grid]
cells_per_layer = 7
spacing = "2 mm"
edge_spacing = "1 mm"
"""

BOARD = """
[load]
stress_free = "150 degC"

[part.board]
size = ["10 mm", "8 mm"]
material = "abf-gl102"
layers = [{ thickness = "20 um", copper = "copper.npy" }, { thickness = "100 um" }]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strip.toml").write_text(STRIP)


def test_largest_curvature_of_two_plates(cpu, tmp_path):
    """A film on a base of the same modulus curves it most at half its thickness: with n = 1
    Timoshenko's formula is 6 d_alpha dT t1 t2 / (t1 + t2)^3 (J. Opt. Soc. Am. 11 (1925) 233).
    """
    case = program.load("strip.toml")
    thickness = optimum.variable("part.film.thickness=0.1 .. 0.9 mm")
    found = optimum.optimize(
        case, [thickness], "base.bottom.kappa_x", tmp_path / "o.json", maximise=True, device="cpu"
    )
    assert found.runs[found.best].values[0] == pytest.approx(0.3, rel=0.03)
    assert len(found.runs) <= 15
    count = len(json.loads((tmp_path / "o.json").read_text())["runs"])
    again = optimum.optimize(
        case, [thickness], "base.bottom.kappa_x", tmp_path / "o.json", maximise=True, device="cpu"
    )
    assert len(again.runs) == count == len(found.runs)


def test_command_keeps_a_limit_and_shows_start_and_best(warp, tmp_path):
    words = ("--vary", "part.film.thickness=0.1 .. 0.9 mm", "--of", "film.top", "--maximise")
    code, out, err = warp("optimize", "strip.toml", *words, "--runs", "6", "--device", "cpu")
    assert (code, err) == (0, "") and "start" in out and '--set part.film.thickness="' in out
    assert all((tmp_path / f"strip-optimum.{e}").exists() for e in ("json", "csv", "png"))
    limits = ("--keep", "base.bottom<=1e-3")
    code, out, _ = warp("optimize", "strip.toml", *words, *limits, "--runs", "3", "-o", "b")
    assert code == 0 and "no run keeps to the limits" in out


def test_a_search_belongs_to_the_files_that_its_case_names(tmp_path):
    path, picture = tmp_path / "board.toml", tmp_path / "copper.npy"
    path.write_text(BOARD)
    thickness = optimum.variable("part.board.thickness=0.5 .. 2 mm")
    digests = []
    for share in (0.25, 0.75):
        np.save(picture, np.full((2, 2), share))
        case = program.load(path)
        log = tmp_path / "log"
        search = optimum.Search(case, [thickness], "board.top", [], "cpu", print, log, 9)
        digests.append(search.digest())
    assert digests[0] != digests[1]


def test_mistakes_are_one_sentence(warp):
    for words, said in (
        (("--vary", "part.film.thickness=0.1 mm"), "or KEY,KEY="),
        (("--vary", "part.film.thickness=2 .. 1 mm"), "a rising range in one unit"),
        (("--vary", "part.base.size=20 .. 24 mm", "--keep", "junction"), "write METRIC<=NUMBER"),
    ):
        code, _, err = warp("optimize", "strip.toml", *words)
        assert code == 2 and said in err and len(err.splitlines()) == 1
    with pytest.raises(WarpError, match="no value of the case file"):
        optimum.optimize(
            program.load("strip.toml"),
            [optimum.variable("grid.growth=0.3 .. 0.5")],
            "base.bottom",
            program.load("strip.toml").path.with_suffix(".json"),
            device="cpu",
        )
