"""Parts that are flat as they join a bent body, against laminate theory and separate runs.

Once joined, layers bend together by the same change of curvature (Timoshenko 1925; `laminate`), so
a part that was flat then has that change alone, whatever the body had before.
"""

from pathlib import Path

import added_bricks
import numpy as np
import pytest
from stacked_plates import COARSE, HEAD, A, B, C, ends, kappa, resumed, run, step

from warp.case.case import parse
from warp.case.errors import CaseError
from warp.errors import WarpError
from warp.results.file import read
from warp.run import flat_parts
from warp.run import warnings as run_warnings
from warp.verify import calculix
from warp.verify.bending import Layer, laminate

GLUE, FILM = Layer(0.1e-3, 60e9, 0.35, 40e-6), B._replace(t=0.2e-3)
MATERIALS = """\
[material.glue]
class = "polymer"
youngs_modulus = "60 GPa"
poissons_ratio = 0.35
cte = "40 ppm/K"
density = "1200 kg/m^3"
[material.molten]
class = "solder"
youngs_modulus = "0.001 MPa"
poissons_ratio = 0.35
cte = "20 ppm/K"
"""
GLUED = (
    MATERIALS
    + """\
[part.a]
size = "12 mm"
thickness = "0.5 mm"
material = "a"
[part.b]
on = "a"
size = "12 mm"
thickness = "0.4 mm"
material = "b"
[part.glue]
on = "b"
size = "12 mm"
thickness = "0.1 mm"
material = "glue"
[part.lid]
on = "glue"
size = "12 mm"
thickness = "0.3 mm"
material = "a"
"""
)
STACKED = (
    GLUED.replace('material = "glue"', 'material = "molten"')
    + """\
[part.film]
on = "lid"
size = "12 mm"
thickness = "0.2 mm"
material = "b"
"""
)
HERE = Path("plates.toml")
BENT = step("attach", parts=["b"], temperature="217 degC")


def lid_attach(**keys):
    return step("attach", parts=["glue", "lid"], temperature="150 degC", **keys)


def test_a_flat_lid_has_the_curvature_since_it_joined():
    cooled = step("cool", temperature="25 degC")
    result = run(BENT, lid_attach(flat=["lid"]), cooled, text=GLUED)
    before = laminate([A, B], -67.0)[1]
    since = laminate([A, B, GLUE, C], -125.0)[1]
    joined, last = ends(result)[1:]
    assert abs(kappa(joined, "lid", "top")) < 1e-6 * abs(before)
    assert kappa(joined) == pytest.approx(before, rel=5e-3)
    for part, side in (("lid", "top"), ("lid", "bottom")):
        assert kappa(last, part, side) == pytest.approx(since, rel=5e-3)
    assert kappa(last) == pytest.approx(before + since, rel=5e-3)


def test_a_package_of_the_incremental_law_comes_from_its_own_temperature_as_a_whole():
    """Its plate of the total law changes its length with the mould, not before it."""
    mould = """\
[material.mould]
like = "mould-compound"
youngs_modulus = { glassy = "25 GPa", rubbery = "0.9 GPa", glass_transition = "180 degC" }
elastic_law = "incremental"
"""
    text = mould + STACKED.replace("0.001 MPa", "0.00001 MPa")
    text = text.removesuffix('material = "b"\n') + 'material = "mould"\n'
    top, cooled = ["lid", "film"], step("cool", temperature="25 degC")
    placed = {"parts": ["glue", *top], "flat": top, "stress_free": "150 degC"}
    hot = step("attach", temperature="217 degC", **placed)
    both = run(BENT, hot, cooled, text=text, head=COARSE)
    own = mould + text[text.index("[part.lid]") :].replace('on = "glue"\n', "")
    head = COARSE.replace('stress_free = "217', 'stress_free = "150')
    alone = run(step("heat", temperature="217 degC"), cooled, text=own, head=head)
    for one, other in zip(ends(both)[1:], ends(alone), strict=True):
        for side in ("top", "bottom"):
            expected = kappa(other, "film", side)
            assert kappa(one, "film", side) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(calculix.find() is None, reason="ccx (CalculiX) is not on PATH")
def test_calculix_adds_a_flat_lid_alike(tmp_path):
    """Its lid is added free of strain to bricks that are bent by little against the glue."""
    bent, cooled = BENT.replace("217", "157"), step("cool", temperature="25 degC")
    result = run(
        bent, lid_attach(flat=["lid"]), cooled, text=GLUED, head=HEAD.replace("217", "157")
    )
    plates = {"a": (A, 157.0), "b": (B, 157.0), "glue": (GLUE, 150.0), "lid": (C, 150.0)}
    text, where = added_bricks.deck(plates, ["glue", "lid"], 12e-3, [150.0, 25.0])
    before, added, last = added_bricks.displacements(calculix.find(), tmp_path, text)
    joined, end = ends(result)[1:]
    for record, theirs in ((joined, before), (joined, added), (end, last)):
        bottom, top = (added_bricks.curvature(where, theirs, z) for z in (0.0, 1.3))
        assert kappa(record) == pytest.approx(bottom, rel=0.01)
        assert kappa(record, "lid", "top") == pytest.approx(top, rel=0.01, abs=1e-6)


def test_what_is_stressed_does_not_depend_on_the_shape_that_a_lid_joins_with():
    steps = step("cool", temperature="25 degC"), step("heat", temperature="200 degC")
    follows = run(BENT, lid_attach(), *steps, text=GLUED, head=COARSE)
    flat = run(BENT, lid_attach(flat=["lid"]), *steps, text=GLUED, head=COARSE)
    for one, other in zip(ends(follows)[2:], ends(flat)[2:], strict=True):
        for part in ("a", "glue", "lid"):
            expected = one["stress"][part]["von_mises_q999_MPa"]
            assert other["stress"][part]["von_mises_q999_MPa"] == pytest.approx(expected, rel=1e-5)
        assert kappa(other) == pytest.approx(kappa(one), rel=1e-5)
        assert abs(kappa(other, "lid", "top") - kappa(one, "lid", "top")) > 0.1


def test_a_package_with_a_history_of_its_own_bends_as_if_alone_while_molten_solder_holds_it():
    """Bottom: 217 to 150 degC. Top: flat at 200 degC, at 150 degC when it is placed."""
    top = ["lid", "film"]
    result = run(
        BENT,
        step("cool", temperature="150 degC"),
        step(
            "attach",
            parts=["glue", *top],
            flat=top,
            temperature="150 degC",
            stress_free="200 degC",
        ),
        step("cool", temperature="100 degC"),
        text=STACKED,
    )
    placed, cooled = ends(result)[2:]
    bottom, own = (lambda T: laminate([A, B], T)[1]), (lambda T: laminate([C, FILM], T)[1])
    for record, T in ((placed, 150.0), (cooled, 100.0)):
        assert kappa(record) == pytest.approx(bottom(T - 217.0), rel=5e-3)
        assert kappa(record, "film", "top") == pytest.approx(own(T - 200.0), rel=5e-3)
        assert kappa(record, "lid", "bottom") == pytest.approx(own(T - 200.0), rel=5e-3)


def test_the_warning_about_the_shape_of_the_body_goes_with_the_remedy():
    records = [
        {"step": n, "name": str(n), "surfaces": {"lid": {"top": {"warpage_um": float(um)}}}}
        for n, um in ((2, 190), (3, 250))
    ]
    records.insert(0, records[0] | {"step": 1, "surfaces": {}})

    def warned(**keys):
        case = parse(COARSE + GLUED + BENT + lid_attach(**keys), HERE)
        return run_warnings.shapes_taken(case, records)

    (sentence,) = warned()
    assert sentence.endswith('flat = ["lid"]')
    assert not warned(flat=["lid"])


def test_the_adhesive_below_a_flat_lid_has_the_shape_of_the_body():
    """Nothing is said of it: it cannot be flat as well."""
    records = [
        {"step": n, "name": "", "surfaces": {"glue": {"bottom": {"warpage_um": 150.0}}}}
        for n in (2, 3)
    ]
    records.insert(0, {"step": 1, "surfaces": {}})
    found = [
        run_warnings.shapes_taken(parse(COARSE + GLUED + BENT + lid_attach(**keys), HERE), records)
        for keys in ({}, {"flat": "lid"})
    ]
    assert [len(sentences) for sentences in found] == [1, 0]


def test_a_mould_in_a_closed_tool_is_asked_whether_it_is_flat():
    """Where it cures on a free body it has the body's shape."""
    case = parse(COARSE + GLUED + BENT + step("cure", parts="lid", temperature="150 degC"), HERE)

    def warned(**support):
        bent = {"lid": {"top": {"warpage_um": 50.0}}}
        records = [{"step": n, "name": str(n), "surfaces": bent} | support for n in (2, 3)]
        return run_warnings.shapes_taken(case, [{"step": 1, "surfaces": {}}, *records])

    assert not warned()
    assert "flat" in warned(support={"on": "clamped"})[0]


def test_a_package_with_a_history_is_asked_whether_it_follows_the_body():
    for keys, count in (({}, 1), ({"stress_free": "165 degC"}, 1), ({"flat": "lid"}, 0)):
        history = {"stress_free": "200 degC"} | keys
        case = parse(COARSE + GLUED + BENT + lid_attach(**history), HERE)
        found = [text for text in case.remarks() if "made apart" in text]
        assert len(found) == count
    assert not any("made apart" in text for text in parse(COARSE + GLUED + BENT, HERE).remarks())


def test_a_flat_part_needs_something_between():
    """Present adhesive is solid and bent; solder that is there melts and gives way."""
    glue = step("attach", parts=["glue"], temperature="150 degC")
    lid = step("attach", parts=["lid"], flat=["lid"], temperature="150 degC")
    with pytest.raises(WarpError, match=r"step 3 .* 'lid' joins flat and touches 'glue'"):
        run(BENT, glue, lid, text=GLUED, head=COARSE)
    result = run(BENT, glue, lid, text=STACKED.split("[part.film]")[0], head=COARSE)
    bare, whole = ends(result)[1:]
    assert abs(kappa(whole, "lid", "bottom")) < 1e-6 * abs(kappa(whole))
    assert kappa(whole) == pytest.approx(kappa(bare), rel=1e-6)


def test_solder_below_its_melting_point_is_solid():
    """It gives no way to a flat part, and joining there is a slip worth a sentence."""
    soldered = GLUED.replace('material = "glue"', 'material = "sac305"')
    for degrees, words in (("150", True), ("217", False)):
        solder = step("attach", parts=["glue"], temperature=f"{degrees} degC")
        text = COARSE + soldered + BENT + solder
        assert any("'glue' joins at 150" in t for t in parse(text, HERE).remarks()) == words
        lid = step("attach", parts=["lid"], flat=["lid"], temperature=f"{degrees} degC")
        case = parse(text + lid, HERE)
        assert (flat_parts.yielding(case, case.load_steps[-1]) == []) == words
    cold = step("attach", parts=["lid"], flat=["lid"], temperature="150 degC")
    with pytest.raises(WarpError, match="touches 'glue', which is solid: it melts at 217 degC"):
        run(BENT, solder, cold, text=soldered, head=COARSE)


@pytest.mark.parametrize("do", ["attach", "cure"])
def test_what_does_not_join_in_the_step_cannot_join_flat(do):
    tables = BENT + step(do, parts=["glue", "lid"], flat=["li*", "b"], temperature="150 degC")
    with pytest.raises(CaseError, match=r"step.2.flat: 'b' does not join in this step"):
        parse(COARSE + GLUED + tables, HERE)
    twice = step(do, parts=["glue", "lid"], flat=["lid", "lid"], temperature="150 degC")
    with pytest.raises(CaseError, match=r"step.2.flat: names 'lid' twice"):
        parse(COARSE + GLUED + BENT + twice, HERE)


def test_a_mould_that_cures_against_a_flat_tool_has_a_flat_top():
    """It fills what the body leaves, whose shape it has below."""
    joined = step("attach", parts=["glue"], temperature="150 degC")
    mould = step("cure", parts=["lid"], flat=["lid"], temperature="150 degC")
    cooled = step("cool", temperature="100 degC")
    cured, cold = ends(run(BENT, joined, mould, cooled, text=GLUED, head=COARSE))[2:]
    assert abs(kappa(cured, "lid", "top")) < 1e-6 * abs(kappa(cured))
    assert kappa(cured, "lid", "bottom") == kappa(cured, "glue", "top") != 0
    since = kappa(cold) - kappa(cured)
    assert kappa(cold, "lid", "top") == pytest.approx(since, rel=0.1)


def test_a_board_below_is_flat_in_a_whole_model_as_in_a_quarter():
    board = GLUED.replace('on = "b"', 'under = "a"').replace('on = "glue"', 'under = "glue"')
    board = board[: board.rindex('"12 mm"')] + '"20 mm"' + board[board.rindex('"12 mm"') + 7 :]
    steps = BENT, lid_attach(flat=["lid"]), step("cool", temperature="25 degC")
    coarse = COARSE.replace('edge_spacing = "1 mm"', 'edge_spacing = "3 mm"')
    whole = run(*steps, text=board, head=coarse.replace('"quarter"', '"none"'))
    quarter = run(*steps, text=board, head=coarse)
    for one, other in zip(ends(whole), ends(quarter), strict=True):
        for part, side in (("a", "top"), ("lid", "bottom"), ("lid", "top")):
            if part in one["parts"]:
                warpage = (r["surfaces"][part][side]["warpage_um"] for r in (one, other))
                assert next(warpage) == pytest.approx(next(warpage), rel=1e-5, abs=1e-6)
    assert abs(ends(whole)[1]["surfaces"]["lid"]["bottom"]["warpage_um"]) < 1e-6


def test_a_result_and_its_file_measure_what_the_steps_say(tmp_path):
    """The displacement field itself is that of a flat part; a cut takes it along."""
    cut = step("singulate", size="6 mm")
    result = run(BENT, lid_attach(flat=["lid"]), cut, step("cool", temperature="25 degC"),
                 text=GLUED, head=COARSE)  # fmt: skip
    again = read(result.write(tmp_path / "out.h5"))
    joined, cut, last = ends(result)[1:]
    assert abs(joined["surfaces"]["lid"]["top"]["warpage_um"]) < 1e-6
    sag = 1e6 * abs(kappa(cut)) * (3e-3) ** 2 / 2
    assert abs(cut["surfaces"]["lid"]["top"]["warpage_um"]) < 0.05 * sag
    assert again.warpage("lid", "top").value == pytest.approx(
        1e-6 * last["surfaces"]["lid"]["top"]["warpage_um"]
    )


@pytest.mark.parametrize("solved", [2, 3])
def test_an_interrupted_process_ends_with_the_same_numbers(tmp_path, solved):
    """From the checkpoint before the load step in which the flat part joins, or after it."""
    tables = (
        BENT,
        lid_attach(flat=["lid"]),
        *(step("cool", temperature=f"{T} degC") for T in (90, 25)),
    )
    case = parse(COARSE + GLUED + "".join(tables), HERE)
    whole, again = resumed(case, tmp_path / "out.checkpoint.h5", solved)
    assert again.metrics["steps"] == whole.metrics["steps"]
    assert np.array_equal(again.displacement, whole.displacement)


def test_a_flat_package_follows_large_deflection_as_if_alone():
    """It joins a body that is bent far, on molten solder; its slopes count from the plane."""
    thin = STACKED.replace("0.3 mm", "0.1 mm").replace("0.2 mm", "0.08 mm")
    thin = thin.replace("0.001 MPa", "0.00001 MPa")
    head = COARSE.replace("[load]", "[load]\nlarge_deflection = true")
    top = ["lid", "film"]
    placed = step("attach", parts=["glue", *top], flat=top, temperature="0 degC")
    away = step("cool", temperature="-60 degC")
    both = run(BENT, step("cool", temperature="0 degC"), placed, away, text=thin, head=head)
    alone = thin.replace('on = "glue"\n', "").split("[part.a]")[0]
    alone += thin[thin.index("[part.lid]") :].replace('on = "glue"\n', "")
    one = run(away, text=alone, head=head.replace("217 degC", "0 degC"))
    expected = ends(one)[-1]
    shown = ends(both)[-1]
    assert shown["large_deflection"]["theory"] == "moderate rotations"
    assert kappa(shown, "film", "top") == pytest.approx(kappa(expected, "film", "top"), rel=2e-3)
