"""Bumps and bond wires have no fill until the part that brings it is there."""

from pathlib import Path

import pytest
from stacked_plates import ends, run, step

import warp
from warp.case.case import CaseError, parse

HEAD = 'symmetry = "quarter"\n[load]\nstress_free = "175 degC"\n[grid]\nrefine = 0.25\n'
MOULDED = """
[part.substrate]
size = "6 mm"
thickness = "0.3 mm"
material = "fr4"
[part.mould]
on = "substrate"
size = "substrate"
thickness = "0.6 mm"
material = "mould-compound"
[part.chip]
shape = "chip"
on = "substrate"
size = "2.5 mm"
thickness = "0.25 mm"
material = "silicon"
"""
WIRES = """
[part.wires]
shape = "wires"
around = "chip"
on = "substrate"
diameter = "25 um"
pitch = "100 um"
reach = "1 mm"
loop = "0.15 mm"
material = "gold"
fill = "mould-compound"
"""
COOL = step("cool", temperature="25 degC")


def attach(*parts):
    return step("attach", parts=list(parts), temperature="175 degC")


def warpage(record):
    return record["surfaces"]["substrate"]["bottom"]["warpage_um"]


def test_wires_before_the_mould_carry_nothing_and_are_fibres_in_it_afterwards():
    """They are as if they came with the mould; all at one temperature is no process at all."""
    result = run(
        attach("chip", "wires"), COOL, attach("mould"), COOL, text=MOULDED + WIRES, head=HEAD
    )
    later = run(
        attach("chip"), COOL, attach("mould", "wires"), COOL, text=MOULDED + WIRES, head=HEAD
    )
    pairs = zip(ends(result), ends(later), strict=True)
    assert all(warpage(a) == pytest.approx(warpage(b), rel=1e-6, abs=1e-6) for a, b in pairs)
    end = ends(result)[-1]
    plain = parse(
        HEAD.replace("[grid]", 'temperature = "25 degC"\n[grid]') + MOULDED + WIRES, Path("x.toml")
    )
    whole = warp.solve(plain, device="cpu").metrics["surfaces"]
    assert warpage(end) == pytest.approx(warpage({"surfaces": whole}), rel=1e-5)


def test_slack_wires_are_free_of_stress_when_the_mould_is():
    steps = step("attach", parts=["chip", "wires"], temperature="150 degC") + attach("mould")
    case = parse(HEAD + MOULDED + WIRES + steps, Path("x.toml"))
    bonded, moulded = list(case.stages.values())[-2:]
    assert "wires" not in {body.part for body in bonded.package.bodies}
    (wires,) = {b.stress_free for b in moulded.package.bodies if b.part == "wires"}
    assert wires == pytest.approx(448.15)


BUMPS = """
[part.substrate]
size = "6 mm"
thickness = "0.3 mm"
material = "fr4"
[part.underfill]
on = "substrate"
size = "4 mm"
thickness = "0.1 mm"
material = "underfill-uf9000ae"
[part.bumps]
shape = "columns"
on = "substrate"
size = "3 mm"
height = "0.1 mm"
pitch = "0.5 mm"
diameter = "0.2 mm"
material = "sac305"
model = "effective"
fill = "underfill-uf9000ae"
[part.chip]
on = "bumps"
size = "4 mm"
thickness = "0.4 mm"
material = "silicon"
"""


def recipes(case):
    found = [s.package.recipes["bumps: effective"] for s in case.stages.values()]
    return [type(recipe).__name__ for recipe in found]


def test_the_fill_of_bumps_comes_with_the_part_of_that_material_that_they_lie_in():
    """Though they do not say `inside`; it has the stress-free temperature of that part, too."""
    steps = attach("bumps", "chip") + step("cure", parts=["underfill"], temperature="150 degC")
    case = parse(HEAD + BUMPS + steps, Path("x.toml"))
    assert recipes(case) == ["FreeColumns", "Mixture"]
    own = BUMPS.replace(
        'uf9000ae"\n[part.bumps]', 'uf9000ae"\nstress_free = "99 degC"\n[part.bumps]'
    )
    recipe = parse(HEAD + own, Path("x.toml")).package.recipes["bumps: effective"]
    assert recipe.since == {"underfill-uf9000ae": pytest.approx(372.15)}


def test_bumps_that_carry_load_cannot_lose_a_fill_that_came_after_them():
    first = attach("bumps", "chip") + attach("underfill")
    gone = step("remove", parts=["underfill"])
    with pytest.raises(CaseError) as error:
        parse(HEAD + BUMPS + first + gone, Path("x.toml"))
    assert "takes the fill of 'bumps' away" in str(error.value)
    together = attach("bumps", "chip", "underfill")
    assert recipes(parse(HEAD + BUMPS + together + gone, Path("x.toml"))) == [
        "Mixture",
        "FreeColumns",
    ]
