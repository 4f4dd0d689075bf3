"""Two laws of a stiffness that depends on temperature: total, and incremental."""

import json
from pathlib import Path

import numpy as np
import pytest
from stacked_plates import COARSE, step

from warp.case.case import CaseError, parse
from warp.run import law_warnings, process

PARTS = """\
[part.a]
size = ["12 mm", "9 mm"]
thickness = "0.5 mm"
material = "a"
[part.b]
on = "a"
size = ["12 mm", "9 mm"]
thickness = "0.2 mm"
material = "b"
[part.c]
on = "b"
size = "6 mm"
thickness = "0.3 mm"
material = "c"
"""
HEAD = COARSE[: COARSE.index("[material.a]")] + COARSE[COARSE.index("[load]") :].replace(
    "217", "165"
)
JUMP = "109.999999 degC", "110.000001 degC"


def table(below, above, unit):
    """Return a property that jumps at 110 degC."""
    return [[JUMP[0], f"{below} {unit}"], [JUMP[1], f"{above} {unit}"]]


def material(name, E, cte, **keys):
    """Return the table of a material."""
    values = {"youngs_modulus": E, "poissons_ratio": 0.3, "cte": cte, **keys}
    values |= {"conductivity": "1 W/(m K)", "density": "2000 kg/m^3"}
    rows = (f"{key} = {json.dumps(value)}\n" for key, value in values.items())
    return f"[material.{name}]\n" + "".join(rows)


def solve(materials, *steps, load=""):
    """Solve the package; load: lines of [load]."""
    head = HEAD.replace("[load]\n", f"[load]\n{load}")
    fields = '[output]\nfields = ["displacement", "stress"]\n'
    text = head + fields + PARTS + "".join(materials) + "".join(steps)
    return process.solve(parse(text, Path("laws.toml")), "cpu")


def cooled(T):
    return f'temperature = "{T} degC"\n'


SILICON = material("c", "130 GPa", "2.8 ppm/K")


def organics(law):
    """Return two organics that both change at 110 degC, and silicon."""
    return (
        material("a", table(25, 5, "GPa"), table(15, 12, "ppm/K"), elastic_law=law),
        material("b", table(12, 0.2, "GPa"), table(30, 90, "ppm/K"), elastic_law=law),
        SILICON,
    )


RUBBER = material("a", "5 GPa", "12 ppm/K"), material("b", "0.2 GPa", "90 ppm/K"), SILICON
GLASS = material("a", "25 GPa", "15 ppm/K"), material("b", "12 GPa", "30 ppm/K"), SILICON


WAY = (
    step("attach", parts=["b", "c"], temperature="165 degC"),
    *(step("cool", temperature=f"{T} degC") for T in (110, 25)),
)


def two_linear_solves():
    """Return displacement and stress of the rubber cooled to 110, and of the glass from there."""
    hot, cold = solve(RUBBER, load=cooled(110)), solve(GLASS, load=cooled(80))
    return [hot.fields[f] + cold.fields[f] for f in ("displacement", "stress")]


@pytest.mark.parametrize("steps", [0, 2])
def test_incremental_law_adds_what_each_temperature_gives(steps):
    """Through two transitions it is the sum of two linear solves, in one step or in two."""
    made = organics("incremental")
    result = solve(made, *WAY) if steps else solve(made, load=cooled(25))
    for name, expected in zip(("displacement", "stress"), two_linear_solves(), strict=True):
        difference = np.abs(result.fields[name] - expected).max()
        assert difference < 2e-6 * np.abs(expected).max()


def test_total_law_gives_the_strain_of_the_rubber_the_stiffness_of_the_glass():
    """It is one linear solve with the last stiffness and the whole free strain, steps or none."""
    strain = {"a": 55 * 12 + 85 * 15, "b": 55 * 90 + 85 * 30}
    once = (
        material("a", "25 GPa", f"{strain['a'] / 140:.15g} ppm/K"),
        material("b", "12 GPa", f"{strain['b'] / 140:.15g} ppm/K"),
        SILICON,
    )
    expected = solve(once, load=cooled(25)).fields["displacement"]
    found = solve(organics("total"), load=cooled(25)).fields["displacement"]
    assert found == pytest.approx(expected, abs=2e-6 * np.abs(expected).max())
    added = two_linear_solves()[0]
    assert np.abs(found - added).max() > 0.1 * np.abs(added).max()


def test_laws_agree_where_the_stiffness_is_constant():
    """On every way: attached in two steps, held, singulated, beside a part that relaxes."""
    relaxing = 'relaxation = { youngs_modulus = [["10 s", "60 %"]] }\n'
    way = (
        step("attach", parts=["b"], temperature="165 degC", duration="1 s"),
        step("cool", temperature="120 degC", rate="2 K/s"),
        step("support", on="clamped", faces=["a.bottom"], flat=True, duration="2 s"),
        step("attach", parts=["c"], temperature="150 degC", duration="5 s"),
        step("support", on="free", duration="1 s"),
        step("singulate", size="6 mm", duration="1 s"),
        step("cool", temperature="25 degC", duration="20 s"),
    )
    fields = [
        solve(
            (
                material("a", "25 GPa", "15 ppm/K", elastic_law=law),
                material("b", "12 GPa", "30 ppm/K") + relaxing,
                material("c", "130 GPa", "2.8 ppm/K", elastic_law=law),
            ),
            *way,
        ).fields
        for law in ("total", "incremental")
    ]
    for name in ("displacement", "stress"):
        total, incremental = (found[name] for found in fields)
        assert incremental == pytest.approx(total, abs=1e-6 * np.abs(total).max())


def test_a_body_that_softens_as_a_whole_keeps_its_shape():
    """With every stiffness c f(T) the strains are those of c, the stress has the mean f."""
    way = 0.25, 1.0  # f at 25 and at 165 degC, linear between
    stiff = {"a": 25, "b": 12, "c": 130}
    ctes = {"a": "15 ppm/K", "b": "30 ppm/K", "c": "2.8 ppm/K"}
    soft = [
        material(
            name,
            [["25 degC", f"{way[0] * E} GPa"], ["165 degC", f"{way[1] * E} GPa"]],
            ctes[name],
            elastic_law="incremental",
        )
        for name, E in stiff.items()
    ]
    constant = [material(name, f"{E} GPa", ctes[name]) for name, E in stiff.items()]
    found, expected = (solve(m, load=cooled(25)).fields for m in (soft, constant))
    for name, factor in (("displacement", 1.0), ("stress", sum(way) / 2)):
        most = np.abs(expected[name]).max()
        assert found[name] == pytest.approx(factor * expected[name], abs=2e-6 * most)


def test_cooled_and_heated_again_the_body_is_free_of_stress():
    steps = (
        step("attach", parts=["b", "c"], temperature="165 degC"),
        step("cool", temperature="25 degC"),
        step("heat", temperature="165 degC"),
    )
    result, cold = (
        solve(organics("incremental"), *steps),
        solve(organics("incremental"), *steps[:2]),
    )
    stress = [np.abs(found.fields["stress"]).max() for found in (result, cold)]
    assert stress[0] < 1e-5 * stress[1]


def test_a_neighbour_that_could_relax_but_has_no_time_changes_nothing():
    """Its branches carry the edges that both share, whose other side changes its stiffness."""
    frozen = 'relaxation = { youngs_modulus = [["1e12 s", "60 %"]] }\n'
    base = material("a", table(25, 5, "GPa"), table(15, 12, "ppm/K"), elastic_law="incremental")
    way = (
        step("attach", parts=["b", "c"], temperature="165 degC", duration="1 s"),
        step("cool", temperature="110 degC", duration="1 s"),
        step("cool", temperature="25 degC", duration="1 s"),
    )
    between = material("b", "12 GPa", "30 ppm/K")
    elastic, other = (solve((base, b, SILICON), *way).fields for b in (between, between + frozen))
    for name in ("displacement", "stress"):
        most = np.abs(elastic[name]).max()
        assert other[name] == pytest.approx(elastic[name], abs=1e-6 * most)


def test_a_stiffness_that_changes_alone_moves_nothing():
    """Below 120 degC nothing expands; `a` stiffens by a factor of five beside a relaxed `b`."""

    def stops(value):
        return [["119.999999 degC", "0 ppm/K"], ["120.000001 degC", f"{value} ppm/K"]]

    stiffens = [["40 degC", "25 GPa"], ["100 degC", "5 GPa"]]
    relaxing = 'relaxation = { youngs_modulus = [["10 s", "60 %"]] }\n'
    made = (
        material("a", stiffens, stops(12), elastic_law="incremental"),
        material("b", "12 GPa", stops(30)) + relaxing,
        material("c", "130 GPa", stops(2.8)),
    )
    way = (
        step("attach", parts=["b", "c"], temperature="165 degC", duration="1 s"),
        step("cool", temperature="110 degC", duration="10 s"),
        step("cool", temperature="25 degC", duration="1 ns"),
    )
    before, after = (solve(made, *way[:count]).fields for count in (2, 3))
    for name in ("displacement", "stress"):
        most = np.abs(before[name]).max()
        assert after[name] == pytest.approx(before[name], abs=1e-6 * most)


@pytest.mark.parametrize("law", [None, "total"])
def test_a_transition_without_a_chosen_law_is_named(law):
    """Held, `b` has 7500 ppm x 12 GPa by one law, 4950 x 0.2 + 2550 x 12 by the other."""
    keys = {} if law is None else {"elastic_law": law}
    made = (
        material("a", "25 GPa", "15 ppm/K"),
        material("b", table(12, 0.2, "GPa"), table(30, 90, "ppm/K"), **keys),
        SILICON,
    )
    case = parse(HEAD + PARTS + "".join(made) + "".join(WAY), Path("laws.toml"))
    found = law_warnings.laws_apart(case)
    assert bool(found) == (law is None)
    assert law or f"'b' {7500 * 12 / (4950 * 0.2 + 2550 * 12):.2g}" in found[0]


def test_a_law_beside_a_relaxation_is_refused():
    text = material("a", "25 GPa", "15 ppm/K", elastic_law="incremental")
    text += 'relaxation = { youngs_modulus = [["10 s", "60 %"]] }\n'
    with pytest.raises(CaseError, match="relaxes keeps the stress of its branches"):
        parse(HEAD + PARTS + text + "".join(GLASS[1:]), Path("laws.toml"))


def test_the_law_of_the_case_is_that_of_polymers_which_name_none():
    """`b` as a polymer with the case's law, and `b` that names it, bend alike; no law is missed."""
    soft = table(12, 0.2, "GPa"), table(30, 90, "ppm/K")
    base = material("a", "25 GPa", "15 ppm/K")
    named = material("b", *soft, elastic_law="incremental")
    polymer = material("b", *soft) + 'class = "polymer"\n'
    law = 'elastic_law = "incremental"\n'
    one = solve((base, named, SILICON), load=cooled(25)).fields
    other = solve((base, polymer, SILICON), load=cooled(25) + law).fields
    metal = solve((base, polymer.replace("polymer", "metal"), SILICON), load=cooled(25) + law)
    assert np.array_equal(one["displacement"], other["displacement"])
    assert not np.allclose(metal.fields["displacement"], other["displacement"], rtol=1e-2)


def test_a_film_with_a_stress_of_its_own_keeps_the_total_law_beside_the_case_s():
    made = material("b", table(12, 0.2, "GPa"), "30 ppm/K") + 'class = "polymer"\n'
    head = HEAD.replace("[load]\n", '[load]\nelastic_law = "incremental"\n')
    for key, law in (('intrinsic_stress = "9 MPa"', None), ('shrinkage = "0.1 %"', "incremental")):
        parts = PARTS.replace('material = "b"\n', f'material = "b"\n{key}\n')
        text = head + parts + material("a", "25 GPa", "15 ppm/K") + made + SILICON
        media = parse(text, Path("laws.toml")).materials().items()
        (strained,) = (medium for name, medium in media if name not in ("a", "b", "c"))
        assert strained.elastic_law == law, key


@pytest.mark.parametrize("law", ["total", "incremental"])
def test_a_part_that_has_shrunk_is_one_that_cures_by_either_law(law):
    """`b` shrinks by 0.3 % as it comes, or in a cure at the same temperature."""
    base = material("a", "25 GPa", "15 ppm/K")
    made = base, material("b", table(12, 0.2, "GPa"), "30 ppm/K", elastic_law=law), SILICON
    cool = step("cool", temperature="25 degC")
    attach = step("attach", parts=["b", "c"], temperature="165 degC")
    cure = step("cure", parts=["b"], temperature="165 degC", shrinkage="0.3 %")
    cured = solve(made, attach, cure, cool).fields["displacement"]
    parts = PARTS.replace('material = "b"\n', 'material = "b"\nshrinkage = "0.3 %"\n')
    fields = '[output]\nfields = ["displacement"]\n'
    text = HEAD + fields + parts + "".join(made) + attach + cool
    found = process.solve(parse(text, Path("laws.toml")), "cpu").fields["displacement"]
    assert found == pytest.approx(cured, abs=1e-6 * np.abs(cured).max())


@pytest.mark.parametrize(
    ("cured", "hot", "named"), [(60, 165, True), (60, 90, False), (165, 165, False)]
)
def test_a_glass_that_is_heated_to_a_rubber_is_named(cured, hot, named):
    """`b`, stiff below 110 degC, is joined at one temperature and heated to another."""
    base = material("a", "25 GPa", "15 ppm/K")
    made = (
        base,
        material("b", table(12, 0.2, "GPa"), "30 ppm/K", elastic_law="incremental"),
        SILICON,
    )
    steps = [step("attach", parts=["b", "c"], temperature=f"{cured} degC")]
    steps += [step("cool", temperature="25 degC"), step("heat", temperature=f"{hot} degC")]
    case = parse(HEAD + PARTS + "".join(made) + "".join(steps), Path("laws.toml"))
    found = law_warnings.glass_kept(case)
    assert len(found) == named
    assert not named or "'b' (60, heated to 165 degC)" in found[0]
