"""Floorplans and models of HotSpot and 3D-ICE: heat on rectangles, cases that solve."""

from pathlib import Path

import numpy as np
import pytest

from warp.case import converted
from warp.case.case import CaseError, load
from warp.errors import WarpError
from warp.geometry import floorplan
from warp.run import process

FLP = """\
# name width height left bottom, in m
Icache\t0.004\t0.003\t0.0\t0.0
Dcache\t0.002\t0.003\t0.004\t0.0
Core\t0.006\t0.001\t0.0\t0.003
"""
TRACE = "Core Icache Dcache\n1.0 2.0 3.0\n3.0 4.0 5.0\n8.0 0.0 0.0\n"
ICE = """\
Core0 :
  position    0, 0 ;
  dimension 1000, 2000 ;
  power values 2.0, 4.0 ; // W
Rest :
  rectangle ( 1000, 0, 1000, 1000 ) ;
  rectangle ( 1000, 1000, 1000, 1000 ) ;
  power values 1.0, 1.0 ;
"""
CASE = """\
[part.chip]
size = ["6 mm", "4 mm"]
thickness = "0.5 mm"
material = "silicon"
power = { floorplan = "chip.flp", trace = "chip.ptrace" }
[boundary.air]
face = "chip.top"
film = "1000 W/(m^2 K)"
ambient = "25 degC"
[load]
stress_free = "25 degC"
"""


@pytest.fixture
def chip(tmp_path):
    (tmp_path / "chip.flp").write_text(FLP)
    (tmp_path / "chip.ptrace").write_text(TRACE)

    def write(text=CASE, **changes):
        (tmp_path / "chip.toml").write_text(text)
        return load(tmp_path / "chip.toml", changes)

    return write


def rectangles(case):
    return {
        (*np.round(1e3 * s.x, 9), *np.round(1e3 * s.y, 9)): float(np.sum(s.watts))
        for s in case.sources
    }


def test_a_hotspot_floorplan_with_the_mean_of_its_trace(chip):
    assert rectangles(chip()) == {
        (-3, 1, -2, 1): 2.0,
        (1, 3, -2, 1): pytest.approx(8 / 3),
        (-3, 3, 1, 2): 4.0,
    }


@pytest.mark.parametrize(("sample", "watts"), [("2", 12.0), ("'peak'", 12.0), ("3", 8.0)])
def test_a_sample_of_a_trace(chip, sample, watts):
    case = chip(CASE.replace('ptrace"', f'ptrace", sample = {sample}'))
    assert sum(rectangles(case).values()) == pytest.approx(watts)


def test_a_floorplan_turns_with_its_chip(chip):
    turned = rectangles(chip(CASE.replace('"silicon"', '"silicon"\nturn = 90')))
    assert turned[-1, 2, -3, 1] == 2.0  # the lower left block, now at the lower right


def test_a_total_scales_and_stands_in_for_a_trace(chip):
    scaled = chip(CASE.replace('ptrace"', 'ptrace", total = "10 W"'))
    assert sum(rectangles(scaled).values()) == pytest.approx(10.0)
    even = chip(CASE.replace('trace = "chip.ptrace"', 'total = "24 W"'))
    assert rectangles(even)[-3, 1, -2, 1] == pytest.approx(12.0)  # 12 of 24 mm2


def test_a_3d_ice_floorplan():
    plan = floorplan.read(ICE)
    assert plan.names == ["Core0", "Rest"] and plan.size == pytest.approx((2e-3, 2e-3))
    assert plan.rectangles[0] == pytest.approx([0, 0, 1e-3, 2e-3])
    assert plan.watts.tolist() == [[2.0, 1.0], [4.0, 1.0]]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (FLP, "Core 1 2 3\n", "line 1 is not NAME width height left bottom"),
        (FLP, FLP + "Core 1 1 1 1\n", "has block 'Core' twice"),
        (FLP, FLP.replace("0.006\t", "0.06\t"), "is 60 x 4 mm, larger than 'chip' (6 x 4 mm)"),
        (FLP, "", "holds no blocks"),
        (FLP, FLP.replace("0.002", "-0.002"), "gives block 'Dcache' no size"),
        (TRACE, TRACE.replace("Core", "Kern"), "names 'Kern', which the floorplan has not"),
        (TRACE, TRACE + "1 2\n", "has 2 values in sample 4 for 3 names"),
        (TRACE, TRACE + "1 2 x\n", "has '1 2 x' in sample 4, not numbers"),
        (CASE, CASE.replace('floorplan = "chip.flp", ', ""), "belongs to a floorplan"),
        (CASE, CASE.replace('"chip.flp"', '"x.flp"'), "cannot read floorplan"),
        (CASE, CASE.replace(', trace = "chip.ptrace"', ""), "gives its blocks no watts"),
        (CASE, CASE.replace('ptrace"', 'ptrace", sample = 9'), "beyond the 3 samples"),
    ],
)
def test_what_is_wrong_with_a_floorplan(chip, tmp_path, old, new, words):
    for name, text in (("chip.flp", FLP), ("chip.ptrace", TRACE)):
        (tmp_path / name).write_text(new if text == old else text)
    with pytest.raises(CaseError) as error:
        chip(new if old == CASE else CASE)
    assert words in str(error.value) and "chip.toml:5: part.chip.power" in str(error.value)


def test_a_map_with_blanks_between_its_numbers(chip, tmp_path):
    (tmp_path / "map.txt").write_text("1.5 2.5\n 3.0\t4.0\n".replace("\t", " "))
    case = chip(CASE.replace('floorplan = "chip.flp", trace = "chip.ptrace"', 'map = "map.txt"'))
    assert case.sources[0].watts.tolist() == [[3.0, 4.0], [1.5, 2.5]]


CONFIG = """\
-t_chip 0.0002
-k_chip 120
-s_spreader 0.006
-s_sink 0.006
-t_sink 0.002
-k_sink 300
-r_convec 2.0
-ambient 300
"""
STACK = """\
material SILICON :
  thermal conductivity 1.5e-4 ;
  volumetric heat capacity 1.628e-12 ;
material BEOL :
  thermal conductivity 2.0e-6 ;
  volumetric heat capacity 2.175e-12 ;
top heat sink :
  heat transfer coefficient 1.0e-8 ;
  temperature 310 ;
layer PCB :
  height 20 ;
  material BEOL ;
die TOP_IC :
  layer 100 SILICON ;
  source 2 SILICON ;
dimensions :
  chip length 2000 , width 2000 ;
  cell length 100 , width 100 ;
stack :
  die DIE1 TOP_IC floorplan "ice.flp" ;
  layer BASE PCB ;
solver :
  steady ;
  initial temperature 300.0 ;
"""


def test_a_hotspot_model_is_converted_and_conducts_as_it_should(tmp_path):
    """A column: all heat passes the interface, the spreader, the sink and its film."""
    (tmp_path / "one.flp").write_text("all 0.006 0.006 0 0\n")
    (tmp_path / "one.ptrace").write_text("all\n10\n20\n")
    (tmp_path / "hotspot.config").write_text(CONFIG)
    (tmp_path / "cases").mkdir()
    target = converted.write(tmp_path / "one.flp", tmp_path / "cases" / "one.toml")
    case = load(target)
    assert case.heat_alone and sum(rectangles(case).values()) == 15.0
    result = process.solve(case, "cpu")
    area = 36e-6
    chip, rest = 2e-4 / 120, 2e-5 / 4 + 1e-3 / 400 + 2e-3 / 300
    bottom = 300 + 15 * (2.0 + (rest + chip / 2) / area)
    assert result.temperature.max() == pytest.approx(bottom, abs=0.005 * (bottom - 300))


def test_a_3d_ice_stack_is_converted(tmp_path):
    (tmp_path / "stack.stk").write_text(STACK)
    (tmp_path / "ice.flp").write_text(ICE)
    case = load(converted.write(tmp_path / "stack.stk", tmp_path / "stack.toml"))
    assert list(case.parts) == ["base", "die1-2", "die1-1"]
    assert case.package.places["die1-1"].z1 == pytest.approx(122e-6)
    assert sum(rectangles(case).values()) == pytest.approx(4.0)
    (film,) = case.boundaries
    assert (film.face, film.coefficient, film.ambient) == ("die1-1.top", 1e4, 310.0)
    assert float(case.materials()["silicon"].conductivity(300.0)[0]) == pytest.approx(150.0)


def test_models_that_cannot_be_converted(tmp_path):
    for name, text, words in (
        ("a.dat", "", "is no model that can be converted"),
        ("a.stk", STACK + "microchannel : \n", "coolants are not modelled"),
        ("a.stk", STACK.replace("TOP_IC floor", "OTHER floor"), "names die OTHER"),
        ("a.stk", STACK.replace("top heat sink", "side"), "has no heat sink"),
        ("a.stk", STACK.replace("BASE PCB", "BASE 20 BEOL"), "expected 'layer NAME LAYER'"),
        ("a.config", "-k_chip 3\n", "names no floorplan"),
        ("missing.flp", None, "No such file"),
    ):
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(WarpError, match=".*") as error:
            converted.write(tmp_path / name, tmp_path / "out.toml")
        assert words in str(error.value)
    assert not (tmp_path / "out.toml").exists()


def test_nothing_is_overwritten(tmp_path):
    Path(tmp_path / "one.flp").write_text(FLP)
    Path(tmp_path / "one.toml").write_text("")
    with pytest.raises(WarpError, match="exists already"):
        converted.write(tmp_path / "one.flp", tmp_path / "one.toml")
