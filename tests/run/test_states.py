"""States of a process on the way: the fields that a process which ends there has."""

import numpy as np
import pytest

import warp
from warp.case.case import CaseError, parse
from warp.run import to_file

BODY = """
[part.board]
size = "12 mm"
thickness = "0.8 mm"
material = "fr4"

[part.chip]
on = "board"
size = "6 mm"
thickness = "0.4 mm"
material = "silicon"

[load]
stress_free = "180 degC"

[grid]
cells_per_layer = 2
spacing = "3 mm"
edge_spacing = "1.5 mm"

[[step]]
name = "bond"
do = "attach"
parts = ["chip"]
temperature = "180 degC"

[[step]]
do = "cool"
temperature = "25 degC"
duration = "155 s"

[[step]]
name = "reflow"
do = "heat"
profile = [["0 s", "25 degC"], ["100 s", "145 degC"], ["200 s", "245 degC"], ["300 s", "25 degC"]]
every = "500 K"
"""


def case(tmp_path, *states):
    wanted = "[output]\nstates = [" + ", ".join(f'"{state}"' for state in states) + "]\n"
    return parse(BODY + wanted, tmp_path / "case.toml")


def test_a_temperature_on_the_way_becomes_a_point_of_the_step(tmp_path):
    """At its share of the time, on the way up and down; nothing else changes."""
    plain, found = case(tmp_path).load_steps, case(tmp_path, "reflow at 195 degC").load_steps
    added = [step for step in found if step not in plain and abs(step.temperature - 468.15) < 1e-6]
    assert [step.time for step in added] == pytest.approx([155 + 150, 155 + 200 + 50 / 2.2])
    assert [step.time for step in found if step not in added] == pytest.approx(
        [step.time for step in plain]
    )
    assert sum(step.duration for step in found) == pytest.approx(155 + 300)


def test_states_are_steps_temperatures_or_both(tmp_path):
    loaded = case(tmp_path, "bond", "2", "reflow at 245 degC", "100 degC")
    steps = [loaded.load_steps[number] for number in loaded.states.values()]
    assert [step.step for step in steps] == [0, 1, 2, 2]
    assert [round(step.temperature - 273.15, 3) for step in steps] == [180, 25, 245, 100]
    assert steps[3].time > 355  # the last time that it is passed


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("refow", "'refow' is no step, no temperature and no STEP at TEMPERATURE; did you mean"),
        ("refow at 100 degC", "there is no step 'refow'; did you mean 'reflow'?"),
        ("reflow at 260 degC", "that step is computed from 25 degC to 245 degC only"),
        ("\u00b2", "is no step, no temperature"),  # a digit, but no number
        ("300 degC", "the process is computed from 25 degC to 245 degC only"),
    ],
)
def test_states_in_which_the_process_never_is(tmp_path, state, message):
    with pytest.raises(CaseError) as error:
        case(tmp_path, state)
    assert message in str(error.value) and "output.states.1" in str(error.value)


def test_a_case_without_steps_has_one_state(tmp_path):
    text = BODY.partition("[[step]]")[0] + '[output]\nstates = ["25 degC"]\n'
    with pytest.raises(CaseError, match="belongs to a process"):
        parse(text, tmp_path / "case.toml")


def test_a_state_has_the_fields_of_a_process_that_ends_there(tmp_path):
    found = warp.solve(case(tmp_path, "reflow at 195 degC")).states["reflow at 195 degC"]
    ending = BODY.partition('[[step]]\nname = "reflow"')[0]
    ending += '[[step]]\ndo = "heat"\ntemperature = "195 degC"\n'
    alone = warp.solve(parse(ending, tmp_path / "case.toml"))
    scale = np.abs(alone.displacement).max()
    assert np.allclose(found.displacement, alone.displacement, rtol=0.0, atol=1e-6 * scale)
    assert found.metrics["steps"][-1]["temperature_C"] == pytest.approx(195.0)


def test_states_have_files_of_their_own(tmp_path):
    found = to_file.state_files(tmp_path / "out.h5", ["-40 degC", "40 degC"])
    assert [path.name for path in found.values()] == ["out--40-degC.h5", "out-40-degC.h5"]
    alike = to_file.state_files(tmp_path / "out.h5", ["a b", "a-b"])
    assert [path.name for path in alike.values()] == ["out-a-b.h5", "out-a-b-2.h5"]


def test_each_state_is_written_beside_the_result(tmp_path):
    loaded = case(tmp_path, "bond", "reflow at 245 degC")
    silent = lambda *_: None  # noqa: E731
    written = to_file.solve_to_file(loaded, tmp_path / "out.h5", "cpu", silent, silent, silent)
    names = ["out-bond.h5", "out-reflow-at-245-degC.h5"]
    assert [path.name for path in written.states] == names
    hot = warp.read(tmp_path / names[1])
    end = warp.read(tmp_path / "out.h5")
    key = "warpage_um"
    assert hot.metrics["surfaces"]["board"]["bottom"][key] < 0.0
    assert end.metrics["surfaces"]["board"]["bottom"][key] > 0.0
