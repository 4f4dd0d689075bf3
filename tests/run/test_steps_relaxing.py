"""Layers that relax in a process: their time counts."""

from pathlib import Path

import numpy as np
import pytest
from stacked_plates import COARSE, HEAD, PLATES, A, B, ends, kappa, run, step

from warp.case.case import CaseError, parse
from warp.run import checkpoint, process
from warp.verify.bending import laminate

RELAXES = '[material.b.relaxation]\nyoungs_modulus = [["10 s", "60 %"]]\n'


def test_time_passes_for_layers_that_relax():
    """Cooled in a load step it is the glassy laminate, a long hold brings the rubbery one; points
    on the way change nothing.
    """
    pair = PLATES.split("[part.c]")[0]
    text = pair + RELAXES
    cool = step("cool", temperature="25 degC", duration="1 ms")
    result = run(
        step("attach", parts=["b"], temperature="217 degC", duration="1 s"),
        cool,
        step("heat", temperature="25 degC", duration="1000 h"),
        text=text,
    )
    fast, slow = (kappa(record) for record in ends(result)[1:])
    assert fast == pytest.approx(laminate([A, B], -192.0)[1], rel=5e-3)
    assert slow == pytest.approx(laminate([A, B._replace(E=0.4 * B.E)], -192.0)[1], rel=5e-3)
    way = [
        step("attach", parts=["b"], temperature="217 degC"),
        step("cool", temperature="25 degC", duration="20 s"),
    ]
    once = run(*way, text=text, head=COARSE)
    often = run(way[0], way[1] + 'every = "20 K"\n', text=text, head=COARSE)
    assert kappa(often.metrics) == pytest.approx(kappa(once.metrics), rel=1e-3)


def test_a_run_that_relaxes_goes_on_with_the_same_bits(tmp_path, monkeypatch):
    write, saved = checkpoint.write, {}

    def save(path, now, fingerprint):
        write(path, now, fingerprint)
        saved[now.done] = path.read_bytes()

    ways = (
        step("attach", parts=["b"], temperature="217 degC", duration="1 s"),
        step("cool", temperature="180 degC", rate="2 K/s"),
        step("heat", temperature="180 degC", duration="3 s"),
        step("singulate", size="6 mm", duration="5 s"),
    )
    case = parse(
        COARSE + PLATES.split("[part.c]")[0] + RELAXES + "".join(ways), Path("plates.toml")
    )
    checkpoint_path = tmp_path / "c.h5"
    monkeypatch.setattr(checkpoint, "write", save)
    whole = process.solve(case, "cpu", checkpoint_path=checkpoint_path)
    for done in (2, 3):
        checkpoint_path.write_bytes(saved[done])
        again = process.solve(case, "cpu", checkpoint_path=checkpoint_path, resume=True)
        assert again.metrics == whole.metrics
        np.testing.assert_array_equal(again.displacement, whole.displacement)


def test_layers_that_relax_want_to_know_how_long_it_takes():
    cool = step("cool", temperature="25 degC")
    with pytest.raises(CaseError, match="step.2: takes no time, but 'b' relaxes: add duration"):
        parse(
            HEAD + PLATES + RELAXES + step("heat", temperature="217 degC") + cool,
            Path("plates.toml"),
        )


def test_a_cure_at_a_new_temperature_is_told_what_helps():
    """The duration of a cure is spent at its temperature: it cannot be the remedy."""
    cure = step("cure", parts=["a"], temperature="150 degC", duration="1 h")
    words = "step.2: takes no time, but 'b' relaxes: add rate"
    heat = step("heat", temperature="217 degC")
    with pytest.raises(CaseError, match=words) as error:
        parse(HEAD + PLATES + RELAXES + heat + cure, Path("a.toml"))
    assert "brought to 150 degC" in str(error.value)
    parse(HEAD + PLATES + RELAXES + heat + cure + 'rate = "1 K/s"\n', Path("a.toml"))


def test_all_steps_that_want_time_are_listed_at_once():
    steps = [step("cool", temperature=f"{T} degC") for T in (150, 100, 25)]
    with pytest.raises(CaseError) as error:
        parse(HEAD + PLATES + RELAXES + "".join(steps), Path("a.toml"))
    assert [problem.key for problem in error.value.problems] == ["step.2", "step.3"]
