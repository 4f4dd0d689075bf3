"""Nonsense is refused or named."""

import pytest
from small_case import CASE

import warp
from warp.case.errors import CaseError

MINE = """
[material.mine]
like = "fr4"
"""


def case(tmp_path, text=CASE, **overrides):
    path = tmp_path / "case.toml"
    path.write_text(text)
    return warp.load(path, {key.replace("__", "."): value for key, value in overrides.items()})


def test_the_small_case_is_plausible(tmp_path):
    assert case(tmp_path).remarks() == []


def test_a_part_that_changes_its_length_by_a_tenth_is_refused(tmp_path):
    """14 ppm/K written as 1400: 140 K change the length by a fifth."""
    text = CASE.replace('"fr4"', '"mine"') + MINE + 'cte = "1400 ppm/K"\n'
    with pytest.raises(CaseError, match=r"'mine' changes its length by 20% .* unit of its cte"):
        case(tmp_path, text)


def test_a_chip_thicker_than_its_package_is_wide_is_refused(tmp_path):
    text = CASE.replace('on = "board"\n', 'on = "board"\nshape = "chip"\n')
    case(tmp_path, text)
    with pytest.raises(CaseError, match=r"thickness.*50 mm is more than the package is wide"):
        case(tmp_path, text, part__chip__thickness='"50 mm"')


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('density = "1.9 kg/m^3"', "density is 1.9 kg/m^3"),
        ('conductivity = "300 W/(m K)"', "conductivity is 300 W/(m K)"),
        ('cte = "0.014 ppm/K"', "cte is 0.014 ppm/K"),
    ],
)
def test_a_value_far_from_its_class_is_named(tmp_path, line, words):
    text = CASE.replace('"fr4"', '"mine"') + MINE + line + "\n"
    (remark,) = case(tmp_path, text).remarks()
    assert words in remark and "of class laminate" in remark


def test_molten_solder_that_a_step_removes_is_no_slip(tmp_path):
    text = CASE[: CASE.index("[boundary")] + CASE[CASE.index("[load") :]
    text += """
[material.molten]
like = "sac305"
youngs_modulus = "0.001 MPa"
[part.stand-in]
on = "board"
size = "chip"
thickness = "0.5 mm"
material = "molten"
[[step]]
do = "attach"
parts = ["board", "stand-in"]
temperature = "165 degC"
"""
    gone = '[[step]]\ndo = "remove"\nparts = ["stand-in"]\n'
    words = [remark for remark in case(tmp_path, text).remarks() if "molten" in remark]
    assert len(words) == 1
    assert not [remark for remark in case(tmp_path, text + gone).remarks() if "molten" in remark]


def test_a_load_at_the_stress_free_temperature_is_named(tmp_path):
    (remark,) = case(tmp_path, load__temperature='"165 degC"').remarks()
    assert "nothing warps" in remark


def test_a_branch_of_linear_theory_is_named(tmp_path):
    (remark,) = case(tmp_path, load__branch='"x"').remarks()
    assert remark.startswith("[load] branch is without effect")
    assert not case(tmp_path, load__branch='"x"', load__large_deflection="true").remarks()


@pytest.mark.parametrize("cooled", [True, False])
def test_heat_that_no_step_switches_on_is_named(tmp_path, cooled):
    text = CASE if cooled else CASE[: CASE.index("[boundary")] + CASE[CASE.index("[load") :]
    steps = """
[[step]]
do = "attach"
parts = ["board", "chip"]
temperature = "165 degC"
[[step]]
do = "cool"
temperature = "25 degC"
"""
    (remark,) = case(tmp_path, text + steps).remarks()
    assert remark.startswith("power of 'chip' is never switched on")


def test_a_part_that_rises_above_its_host_is_named(tmp_path):
    text = CASE.replace('on = "board"', 'inside = "board"')
    assert case(tmp_path, text).remarks() == []
    (remark,) = case(tmp_path, text, part__chip__lift='"0.7 mm"').remarks()
    assert remark == "part 'chip' lies inside 'board' and rises 200 um above its top"
