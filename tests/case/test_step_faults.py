"""Faults of steps: each is reported with its line, before anything is computed."""

from pathlib import Path

import numpy as np
import pytest
from stacked_plates import HEAD, PLATES, step

from warp.case import profiles
from warp.case.case import CaseError, load, parse

CURE_B = step("cure", parts=["b"], temperature="90 degC")
ATTACH_B = step("attach", parts=["b"], temperature="90 degC")
WRONG = [
    (step("glue", parts=["b"]), "step.1.do", "'glue' is not a step; there are attach, cure"),
    ('[[step]]\nparts = ["b"]\n', "step.1.do", 'is missing: add do = "attach"'),
    (step("attach", parts=["b"]), "step.1.temperature", 'is missing: add temperature = "25 degC"'),
    (step("attach", parts=["b"], temperature=165), "step.1.temperature", "needs a unit"),
    (step("attach", parts=["b", "b"], temperature="165 degC"), "step.1.parts", "names 'b' twice"),
    (step("attach", parts=["bb"], temperature="165 degC"), "step.1.parts", "there is no part 'bb'"),
    (
        2 * step("attach", parts=["b"], temperature="165 degC"),
        "step.2.parts",
        "'b' is already present: it came with step 1",
    ),
    (
        step("remove", parts=["b"]) + ATTACH_B,
        "step.1.parts",
        "'b' is not present yet: a later step attaches it",
    ),
    (CURE_B + ATTACH_B, "step.2.parts", "'b' is already present: it came with step 1"),
    (
        CURE_B + CURE_B + 'stress_free = "80 degC"\n',
        "step.2.stress_free",
        "'b' is solid already and keeps its stress",
    ),
    (
        step("remove", parts=["c"]) + step("remove", parts=["c"]),
        "step.2.parts",
        "'c' was removed by step 1",
    ),
    (step("remove", parts=["a", "b", "c"]), "step.1.parts", "leaves nothing"),
    (step("cool"), "step.1.temperature", "is missing"),
    (
        step("cool", temperature="250 degC"),
        "step.1.temperature",
        'above the 217 degC that it starts from: write do = "heat"',
    ),
    (
        step("cool", temperature="25 degC", rate="3 K/s", duration="9 s"),
        "step.1.rate",
        "stands beside a duration",
    ),
    (step("cool", temperature="25 degC", rate="3"), "step.1.rate", "needs a unit, e.g. K/s"),
    (
        step("cool", temperature="25 degC", profile="jedec-pb-free-260"),
        "step.1.temperature",
        "stands beside a profile",
    ),
    (
        step("heat", profile="jedec-pb-free-265"),
        "step.1.profile",
        "did you mean 'jedec-pb-free-260'",
    ),
    (
        step("heat", profile="jedec-pb-free-260"),
        "step.1.profile",
        "begins at 25 degC, but the body is at 217 degC",
    ),
    (
        step("heat", profile=[["0 s", "217 degC"], ["0 s", "25 degC"]]),
        "step.1.profile",
        "its times must rise",
    ),
    (step("power", on=True), "step.1.on", "heat has no way out"),
    (step("support"), "step.1.on", 'is missing: add on = "table"'),
    (step("support", on="chuck"), "step.1.on", "is not one of 'table', 'clamped' or 'free'"),
    (step("support", on="clamped"), "step.1.faces", 'is missing: add faces = ["package.bottom"]'),
    (
        step("support", on="clamped", faces=["a"]),
        "step.1.faces",
        "'a' is not a face: write PART.SIDE",
    ),
    (step("support", on="clamped", faces=["d.top"]), "step.1.faces", "there is no part 'd'"),
    (
        step("support", on="clamped", faces=["b.top"]) + ATTACH_B,
        "step.1.faces",
        "'b' is not present yet",
    ),
    (step("support", on="free", faces=["a.top"]), "step.1.faces", 'belongs to on = "clamped"'),
    (
        step("support", on="clamped", faces=["a.top"], gravity=False),
        "step.1.gravity",
        'belongs to on = "table"',
    ),
    (
        step("support", on="clamped", faces=["c.top"]) + step("remove", parts=["c"]),
        "step.2.parts",
        "is held since step 1",
    ),
    (step("singulate"), "step.1", "says not what remains"),
    (step("singulate", size="30 mm"), "step.1.size", "reaches beyond what is there"),
    (
        step("singulate", size="4 mm", at=["1 mm", "0 mm"]),
        "step.1",
        "is not its own image in x = 0",
    ),
    (step("singulate", x=["30 mm"]), "step.1.x", "a cut lies beside what is there"),
    (step("cool", temperature="25 degC", name="x") * 2, "step.x.name", "'x' names an earlier step"),
    (step("cool", temperature="25 degC", speed="1"), "step.1.speed", "unknown key"),
]


def test_profiles_keep_within_the_standard():
    for name, points in profiles.PROFILES.items():
        lead, peak = "snpb" in name, float(name.rpartition("-")[2])
        low, high, liquidus = (100, 150, 183) if lead else (150, 200, 217)
        t = np.arange(points[0][0], points[-1][0], 0.01)
        T = np.interp(t, *zip(*points, strict=True)) - 273.15
        rate = np.diff(T) / 0.01
        assert rate.max() < 3 and rate.min() > -6
        assert T.max() == pytest.approx(peak)
        at_peak = int(T.argmax())
        assert 60 <= 0.01 * np.count_nonzero((T[:at_peak] >= low) & (T[:at_peak] <= high)) <= 120
        assert 60 <= 0.01 * np.count_nonzero(T > liquidus) <= 150
        assert 0.01 * np.count_nonzero(T >= peak - 5) == pytest.approx(20 if lead else 30, abs=0.1)
        assert t[at_peak] < (360 if lead else 480)


@pytest.mark.parametrize(("steps", "key", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_what_is_wrong_with_a_step_is_said_with_its_line(steps, key, words):
    with pytest.raises(CaseError) as caught:
        parse(HEAD + PLATES + steps, Path("plates.toml"))
    (problem,) = caught.value.problems
    assert problem.key == key and words in problem.message
    assert problem.line is not None and problem.line > (HEAD + PLATES).count("\n")


def test_other_places_say_what_steps_decide():
    cool = step("cool", temperature="25 degC")
    own = PLATES.replace("[part.c]", 'stress_free = "150 degC"\n[part.c]')
    with pytest.raises(CaseError, match="part.b.stress_free: the steps say"):
        parse(HEAD + own + step("attach", parts=["b"], temperature="165 degC"), Path("x.toml"))
    with pytest.raises(CaseError, match="no part is present yet"):
        parse(
            HEAD + PLATES + cool + step("attach", parts=["a", "b", "c"], temperature="165 degC"),
            Path("x.toml"),
        )


@pytest.mark.parametrize("do", ["attach", "cure"])
def test_a_body_is_brought_at_a_rate_before_parts_join(do):
    """42 K at 2 K/s take 21 s; the step's own time follows."""
    join = step(do, parts=["c"], temperature="175 degC", rate="2 K/s", duration="60 s")
    case = parse(HEAD + PLATES + join, Path("x.toml"))
    assert [s.duration for s in case.load_steps] == pytest.approx([21.0, 60.0])


def test_a_rate_is_refused_where_the_parts_differ_in_temperature():
    film = '[boundary.b]\nface = "a.bottom"\nfilm = "10 W/(m^2 K)"\nambient = "25 degC"\n'
    powered = PLATES.replace("[part.b]", 'power = "1 W"\n[part.b]')
    on = step("power", on=True)
    join = step("attach", parts=["c"], temperature="175 degC", rate="2 K/s")
    with pytest.raises(CaseError, match="step.2.rate: says nothing where the parts differ"):
        parse(HEAD + powered + film + on + join, Path("x.toml"))


@pytest.mark.parametrize(("wanted", "fits"), [("25 degC", True), ("100 degC", False)])
def test_the_temperature_of_the_load_may_say_what_the_last_step_says(wanted, fits):
    head = HEAD.replace("[load]", f'[load]\ntemperature = "{wanted}"')
    text = head + PLATES + step("cool", temperature="25 degC")
    if fits:
        parse(text, Path("x.toml"))
        return
    with pytest.raises(CaseError, match="load.temperature: the last step ends at 25 degC"):
        parse(text, Path("x.toml"))


def test_faults_of_the_load_and_of_steps_are_listed_at_once():
    head = HEAD.replace("[load]", '[load]\ntemperature = "100 degC"')
    slow = head.replace(
        'cte = "16.4 ppm/K"',
        'cte = "16.4 ppm/K"\nrelaxation = { youngs_modulus = [["1 s", 0.5]] }',
    )
    steps = step("heat", temperature="217 degC") + step("cool", temperature="25 degC")
    with pytest.raises(CaseError) as error:
        parse(slow + PLATES + steps, Path("x.toml"))
    assert [problem.key for problem in error.value.problems] == ["load.temperature", "step.2"]


def test_a_laminate_is_told_that_its_layers_shrink():
    layers = 'layers = [{ thickness = "0.4 mm" }]'
    plates = PLATES.replace('thickness = "0.4 mm"', layers)
    cure = step("cure", parts=["b"], temperature="90 degC", shrinkage="0.2 %")
    with pytest.raises(CaseError, match=r'write it to the layers .* shrinkage = "0.2 %"'):
        parse(HEAD + plates + cure, Path("x.toml"))


def test_steps_go_by_name_or_number_on_the_command_line(tmp_path):
    path = tmp_path / "plates.toml"
    path.write_text(HEAD + PLATES + step("cool", temperature="25 degC", name="down"))
    for key in ("step.down.temperature", "step.1.temperature"):
        (load_step,) = load(path, {key: "100 degC"}).load_steps
        assert load_step.temperature == pytest.approx(373.15)


def test_heat_that_no_step_switches_on_needs_no_way_out():
    heated = PLATES.replace("[part.b]", '[part.b]\npower = "3 W"', 1)
    assert parse(HEAD + heated + CURE_B, Path("x.toml")).sources
    with pytest.raises(CaseError, match="has no way out") as error:
        parse(HEAD + heated + CURE_B + step("power", on=True), Path("x.toml"))
    assert len(error.value.problems) == 1
