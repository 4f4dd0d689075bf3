"""A unit that is cut from a panel goes on with finer cells: as if the panel had them throughout."""

from functools import cache

import numpy as np
import pytest
import stacked_plates

import warp
from warp.adjoint.refused import NoGradient, refuse
from warp.case.errors import CaseError
from warp.errors import WarpError
from warp.machine import device as devices
from warp.run import grids, process, warnings
from warp.run.grids import common_grid
from warp.solvers.elastic.history import finer_grid
from warp.solvers.elastic.history.state import flat_indices

HEAD = """
symmetry = "quarter"
[load]
stress_free = "130 degC"
{law}
[material.film]
like = "polyimide"
[material.compound]
class = "polymer"
poissons_ratio = 0.28
youngs_modulus = {modulus}
cte = "9 ppm/K"
conductivity = "0.9 W/(m K)"
{relaxation}
[part.carrier]
size = "30 mm"
thickness = "0.8 mm"
material = "glass"
[part.compound]
on = "carrier"
size = "30 mm"
thickness = "0.5 mm"
material = "compound"
[part.dies]
shape = "block-array"
on = "carrier"
size = "6 mm"
thickness = "0.25 mm"
pitch = "10 mm"
count = [3, 3]
material = "silicon"
[part.film]
under = "compound"
size = "compound"
thickness = "60 um"
material = "film"
[output]
surfaces = ["compound.top"]
[grid]
spacing = "{spacing}"
edge_spacing = "{spacing}"
cells_per_layer = 2
"""
STEPS = """
[[step]]
do = "cure"
parts = "compound"
temperature = "130 degC"
duration = "10 min"
shrinkage = "0.1 %"
[[step]]
do = "cool"
temperature = "25 degC"
rate = "0.1 K/s"
[[step]]
do = "remove"
parts = "carrier"
[[step]]
do = "attach"
parts = "film"
temperature = "150 degC"
rate = "0.1 K/s"
[[step]]
do = "cool"
temperature = "25 degC"
rate = "0.1 K/s"
[[step]]
name = "cut"
do = "singulate"
size = "10 mm"
at = {at}
"""
AFTER = """
[[step]]
do = "heat"
temperature = "120 degC"
rate = "0.1 K/s"
"""
CONSTANT = '"20 GPa"'
SOFTENS = '[["60 degC", "20 GPa"], ["110 degC", "4 GPa"]]'
RELAXES = (
    'relaxation = { youngs_modulus = [["10 s", "30 %"], ["1000 s", "40 %"]], '
    'wlf = { reference = "130 degC", c1 = 17.44, c2 = "51.6 K" } }'
)
MIDDLE, CORNER = '["0 mm", "0 mm"]', '["10 mm", "10 mm"]'


@cache
def unit(spacing, finer, at=MIDDLE, modulus=CONSTANT, relaxation="", law=""):
    """Return the warpage in um of the unit after the cut and when it is hot, and its cells."""
    head = HEAD.format(spacing=spacing, modulus=modulus, relaxation=relaxation, law=law)
    steps = STEPS.format(at=at) + (f'spacing = "{finer}"\n' if finer else "")
    case = warp.Case.from_toml(head + steps + AFTER)
    result = process.solve(case, "cpu")
    cut = [record for record in result.metrics["steps"] if record["unit"] and record["last"]]
    sags = [record["surfaces"]["compound"]["top"]["warpage_um"] for record in cut]
    return np.array(sags), result.grid.shape


LAWS = {
    "total": {},
    "incremental": {"modulus": SOFTENS, "law": 'elastic_law = "incremental"'},
    "relaxing": {"relaxation": RELAXES},
}


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("total", MIDDLE),
        ("total", CORNER),
        ("incremental", MIDDLE),
        pytest.param("relaxing", MIDDLE, marks=pytest.mark.slow),
    ],
)
def test_a_finer_unit_is_that_of_a_panel_that_is_fine_throughout(name, at):
    """To 1.5 % of the unit's warpage by the total law; cells of 1 mm alone are further off."""
    keys = LAWS[name]
    fine, _ = unit("0.5 mm", None, at, **keys)
    found, cells = unit("1 mm", "0.5 mm", at, **keys)
    whole, _ = unit("0.5 mm", None, at)
    assert cells[1:] == ((10, 10) if at == MIDDLE else (20, 20))
    assert np.abs(found - fine).max() < 0.015 * np.abs(whole).max()


def test_cells_of_two_millimetres_alone_are_five_per_cent_off():
    """What the finer unit is for: the bounds above can fail."""
    coarse, fine = unit("2 mm", None)[0], unit("0.5 mm", None)[0]
    found = unit("2 mm", "0.5 mm")[0]
    assert abs(coarse[0] - fine[0]) > 0.05 * abs(fine[0])
    assert np.abs(found - fine).max() < 0.015 * abs(fine[0])


@pytest.mark.parametrize("at", [MIDDLE, CORNER])
def test_on_the_same_cells_the_state_is_the_cropped_one(at):
    case = warp.Case.from_toml(
        HEAD.format(spacing="2 mm", modulus=SOFTENS, relaxation="", law="") + STEPS.format(at=at)
    )
    states = []
    process.solve(
        case, "cpu", on_state=lambda step, stage, part, after: states.append((stage, after))
    )
    (stage, state), (cut, _) = states[-2:]
    _, block = grids.cut_grid(stage.voxels.grid, cut.stage.unit)
    cropped = state.cropped(block)
    found = finer_grid.carried(state, stage.voxels, cut.voxels, 298.15, devices.select("cpu"))
    assert np.array_equal(found.solid, cropped.solid)
    shape = cropped.solid.shape
    edges, others = (flat_indices(one.lateral, shape) for one in (found, cropped))
    assert set(others) <= set(edges)
    for name in ("displacement", "strain", "shear"):
        one, other = getattr(found, name), getattr(cropped, name)
        assert np.abs(one - other).max() < 1e-12 * np.abs(one).max(), name


def test_a_second_cut_keeps_the_cells_of_the_first():
    steps = STEPS.format(at=MIDDLE) + 'spacing = "0.5 mm"\n'
    again = '[[step]]\ndo = "singulate"\nsize = ["10 mm", "6 mm"]\n'
    head = HEAD.format(spacing="2 mm", modulus=CONSTANT, relaxation="", law="")
    result = process.solve(warp.Case.from_toml(head + steps + again), "cpu")
    assert result.grid.shape[1:] == (6, 10)
    with pytest.raises(CaseError, match="the unit has cells of 0.5 mm since an earlier cut"):
        warp.Case.from_toml(head + steps + again + 'spacing = "0.2 mm"\n')


def test_a_unit_with_finer_cells_is_not_warned_of():
    head = HEAD.format(spacing="2 mm", modulus=CONSTANT, relaxation="", law="")
    coarse, fine = (
        warp.Case.from_toml(head + STEPS.format(at=CORNER) + more)
        for more in ("", 'spacing = "0.5 mm"\n')
    )
    (told,) = warnings.coarse_units(coarse, common_grid(coarse))
    assert 'give the step a spacing = "0.3 mm"' in told
    assert not warnings.coarse_units(fine, common_grid(fine))


@pytest.mark.parametrize("flat", [None, "lid"])
def test_a_quarter_of_a_finer_unit_is_a_quarter_of_the_whole_one(flat):
    """In a mirror plane shears are zero, and strains have no slope across it."""
    glued = stacked_plates.PLATES.replace("part.c", "part.lid").replace('"b"\nsize', '"glue"\nsize')
    glued = glued.replace("[part.lid]", '[part.glue]\non = "b"\nsize = "12 mm"\n'
        'thickness = "0.1 mm"\nmaterial = "b"\n[part.lid]')  # fmt: skip
    joined = {"parts": ["glue", "lid"], "temperature": "150 degC"}
    steps = (
        stacked_plates.step("attach", parts=["b"], temperature="217 degC"),
        stacked_plates.step("attach", **joined | ({"flat": flat} if flat else {})),
        stacked_plates.step("singulate", size="6 mm", spacing="0.5 mm"),
    )
    sags = []
    for symmetry in ("quarter", "none"):
        head = stacked_plates.COARSE.replace("quarter", symmetry)
        head = head.replace("3 mm", "1 mm").replace("cells_per_layer = 3", "cells_per_layer = 2")
        last = stacked_plates.run(*steps, text=glued, head=head).metrics["steps"][-1]
        sags.append(last["surfaces"]["lid"]["top"]["warpage_um"])
    bent = last["surfaces"]["a"]["bottom"]["warpage_um"]
    assert sags[0] == pytest.approx(sags[1], abs=1e-5 * abs(bent))


def test_a_run_that_was_stopped_after_the_cut_goes_on_with_the_same_bits(tmp_path):
    head = HEAD.format(spacing="2 mm", modulus=SOFTENS, relaxation="", law="")
    text = head + STEPS.format(at=CORNER) + 'spacing = "1 mm"\n' + AFTER
    case = warp.Case.from_toml(text)
    whole = process.solve(case, "cpu")
    path = tmp_path / "c.h5"

    def stop(done, total):
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.solve(case, "cpu", checkpoint_path=path, on_step=stop)
    again = process.solve(case, "cpu", checkpoint_path=path, resume=True)
    assert np.array_equal(again.fields["displacement"], whole.fields["displacement"])


def test_a_temperature_field_goes_with_the_unit():
    """Under power as it is cut, then heated to one temperature."""
    power = '[boundary.air]\nface = "compound.top"\nfilm = "100 W/(m^2 K)"\nambient = "25 degC"\n'
    on = '[[step]]\ndo = "power"\non = true\n[[step]]\nname = "cut"'
    off = '[[step]]\ndo = "power"\non = false\n' + AFTER.replace('rate = "0.1 K/s"\n', "")
    found = []
    for spacing, finer in (("1 mm", 'spacing = "0.5 mm"\n'), ("0.5 mm", "")):
        head = HEAD.format(spacing=spacing, modulus=CONSTANT, relaxation="", law="")
        head = head.replace("count = [3, 3]\n", 'count = [3, 3]\npower = "5 W"\n')
        steps = (STEPS.format(at=CORNER) + finer).replace('[[step]]\nname = "cut"', on)
        result = process.solve(warp.Case.from_toml(head + power + steps + off), "cpu")
        found.append(result.metrics["surfaces"]["compound"]["top"]["warpage_um"])
    assert found[0] == pytest.approx(found[1], rel=0.015)


def test_a_finer_unit_has_no_gradient():
    head = HEAD.format(spacing="2 mm", modulus=CONSTANT, relaxation="", law="")
    case = warp.Case.from_toml(head + STEPS.format(at=MIDDLE) + 'spacing = "0.5 mm"\n')
    with pytest.raises(NoGradient, match=r"step 6 \(cut\) has a finer grid"):
        refuse(case)


def test_a_unit_that_is_too_large_is_refused_by_its_own_size():
    head = HEAD.format(spacing="2 mm", modulus=CONSTANT, relaxation="", law="")
    steps = STEPS.format(at=CORNER) + 'spacing = "1 um"\n'
    words = r"leaves a unit of 10000 x 10000 x \d+ = .* enlarge its spacing"
    with pytest.raises(WarpError, match=words):
        process.solve(warp.Case.from_toml(head + steps), "cpu")
