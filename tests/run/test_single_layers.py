"""A body of one layer of cells has no bending stiffness, and is told of."""

import pytest

import warp
from warp.errors import ConvergenceError
from warp.run import process, warnings
from warp.run.check import check
from warp.run.grids import common_grid
from warp.run.single_layers import single_layers

FREED = """
symmetry = "quarter"
[load]
stress_free = "150 degC"
[grid]
refine = {refine}
spacing = "2 mm"
cells.interposer = {cells}
cells.chip = 8
[part.interposer]
size = "16 mm"
thickness = "0.1 mm"
material = "silicon"
[part.chip]
on = "interposer"
size = "16 mm"
thickness = "0.3 mm"
material = "copper"
[[step]]
do = "attach"
parts = ["interposer", "chip"]
temperature = "150 degC"
[[step]]
do = "cool"
temperature = "25 degC"
[[step]]
name = "off"
do = "remove"
parts = "chip"
"""
NEW = """[[step]]
do = "attach"
parts = "interposer"
temperature = "150 degC"
"""


def told(text):
    case = warp.Case.from_toml(text)
    return single_layers(case, common_grid(case))


@pytest.mark.parametrize(("refine", "enough"), [(1, 2), (0.5, 3), (0.3, 4)])
def test_two_layers_are_asked_for_whatever_the_refinement(refine, enough):
    (text,) = told(FREED.format(refine=refine, cells=1))
    assert "'interposer' is one layer of cells and stands alone in step 3 (off)" in text
    assert f"[grid.cells] interposer = {enough} gives" in text
    assert not told(FREED.format(refine=refine, cells=enough))


def test_with_what_is_asked_for_a_freed_plate_is_flat():
    """An elastic plate that is free again has no stress; one layer keeps the shape that it had."""
    warpage = []
    for cells in (1, 2):
        case = warp.Case.from_toml(FREED.format(refine=1, cells=cells))
        numbers = process.solve(case, "cpu").metrics
        said = [text for text in warnings.of_numbers(case, numbers) if "one layer" in text]
        assert len(said) == (cells == 1)
        last = numbers["steps"][-1]["surfaces"]["interposer"]["bottom"]
        warpage.append(abs(last["warpage_um"]))
    assert warpage[0] > 1.0
    assert warpage[1] < 1e-3


def test_a_new_part_is_flat_and_one_that_is_not_measured_is_not_told_of():
    text = FREED.format(refine=1, cells=1)
    new = text[: text.index("[[step]]")] + NEW
    new += text[text.index("[[step]]") : text.index("[[step]]\nname")].replace(
        '["interposer", "chip"]', '"chip"'
    )
    assert not told(new)
    assert not told(text + '[output]\nsurfaces = ["chip.top"]\n')


def test_the_check_tells_of_it():
    case = warp.Case.from_toml(FREED.format(refine=1, cells=1))
    assert [text for text in check(case, "cpu").warnings if "one layer of cells" in text]


def test_a_plate_of_one_layer_that_cannot_be_solved_says_how_many_it_needs():
    text = FREED.format(refine=1, cells=1)
    plate = text[: text.index("[part.chip]")].replace("cells.chip = 8\n", "")
    case = warp.Case.from_toml(plate.replace("[load]", '[load]\ntemperature = "25 degC"'))
    with pytest.raises(ConvergenceError) as error:
        process.solve(case, "cpu")
    assert "'interposer' is one layer of cells" in str(error.value)
    assert "[grid.cells] interposer = 2 gives it two layers" in str(error.value)


def test_a_part_that_stands_out_beyond_the_others_on_one_layer_is_told_of():
    text = FREED.format(refine=1, cells=1)
    steps = text[: text.index("[[step]]\nname")]
    assert not told(steps)
    (said,) = told(steps.replace('"16 mm"\nthickness = "0.3 mm"', '"10 mm"\nthickness = "0.3 mm"'))
    assert said.startswith("'interposer' is one layer of cells and stands out beyond the other")
    narrow = steps.replace('"16 mm"\nthickness = "0.3 mm"', '"15.8 mm"\nthickness = "0.3 mm"')
    assert not told(narrow)
