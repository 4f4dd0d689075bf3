"""A process on a chuck and on a table."""

from pathlib import Path

import numpy as np
import pytest
from stacked_plates import COARSE, PLATES, ends, kappa, run, step

from warp.case.case import CaseError, parse
from warp.results.file import read
from warp.run import checkpoint, process

CHUCK = step("support", on="clamped", faces=["a.bottom"], sliding=True)


def test_a_process_on_a_chuck_ends_like_the_free_one():
    """Joined flat, cooled flat, let go: what the laminate would be that was never held; on the
    chuck it has no curvature.
    """
    ways = step("attach", parts=["b"], temperature="165 degC"), step("cool", temperature="25 degC")
    pair = PLATES.split("[part.c]")[0]
    free = ends(run(*ways, text=pair, head=COARSE))
    held = ends(run(CHUCK, *ways, step("support", on="free"), text=pair, head=COARSE))
    assert [record.get("support", {}).get("on") for record in held] == [
        "clamped",
        "clamped",
        "clamped",
        None,
    ]
    assert abs(kappa(held[2])) < 1e-6 * abs(kappa(free[1]))
    assert kappa(held[3]) == pytest.approx(kappa(free[1]), rel=1e-6)
    assert (
        held[2]["stress"]["b"]["von_mises_q999_MPa"] > held[3]["stress"]["b"]["von_mises_q999_MPa"]
    )


def test_a_table_carries_what_is_there(tmp_path):
    """Its weight, before and after a part joins and a unit is cut; the bow of small plates does not
    notice.
    """
    ways = (
        step("support", on="table"),
        step("attach", parts=["b", "c"], temperature="165 degC"),
        step("cool", temperature="25 degC"),
        step("singulate", size="8 mm"),
        step("support", on="table", gravity=False),
    )
    result = run(*ways, head=COARSE)
    *lying, off = ends(result)
    thin = 9.80665e-3 * (2330 * 0.5 + 8960 * 0.4 + 2330 * 0.3)
    weights = [record["support"]["weight_N"] for record in lying]
    assert weights == pytest.approx(
        [9.80665e-3 * 2330 * 0.5 * 144e-6, thin * 144e-6, thin * 144e-6, thin * 64e-6]
    )
    assert "support" not in off
    assert kappa(off) == pytest.approx(kappa(lying[-1]), rel=1e-3)
    assert (
        0.5 < lying[-1]["support"]["lift_um"] / lying[-1]["surfaces"]["a"]["bottom"]["range_um"] < 1
    )  # of whole voxels
    assert read(result.write(tmp_path / "out.h5")).metrics["steps"] == result.metrics["steps"]


def test_a_supported_run_goes_on_with_the_same_bits(tmp_path, monkeypatch):
    write, saved = checkpoint.write, {}

    def save(path, now, fingerprint):
        write(path, now, fingerprint)
        saved[now.done] = path.read_bytes()

    ways = (
        CHUCK,
        step("cool", temperature="100 degC"),
        step("support", on="table"),
        step("cool", temperature="25 degC"),
    )
    case = parse(COARSE + PLATES + "".join(ways) + step("support", on="free"), Path("plates.toml"))
    checkpoint_path = tmp_path / "c.h5"
    monkeypatch.setattr(checkpoint, "write", save)
    whole = process.solve(case, "cpu", checkpoint_path=checkpoint_path)
    for done in (2, 3, 4):
        checkpoint_path.write_bytes(saved[done])
        again = process.solve(case, "cpu", checkpoint_path=checkpoint_path, resume=True)
        assert again.metrics == whole.metrics
        np.testing.assert_array_equal(again.displacement, whole.displacement)


def test_supports_that_cannot_be(tmp_path):
    cool = step("cool", temperature="25 degC")
    heavy = (COARSE + PLATES).replace('density = "8960 kg/m^3"\n', "")
    with pytest.raises(
        CaseError, match="step.1: material 'b' has no density, and its weight is needed"
    ):
        parse(heavy + step("support", on="table"), Path("x.toml"))
    assert parse(heavy + step("support", on="table", gravity=False), Path("x.toml")).load_steps
    side = step("support", on="clamped", faces=["a.x+"])
    with pytest.raises(CaseError, match="the hold on 'a.x\\+' is not mirrored in the plane x = 0"):
        parse(COARSE + PLATES + side + cool, Path("x.toml"))
    assert parse(
        COARSE + PLATES + step("support", on="clamped", faces=["a.sides"]) + cool, Path("x.toml")
    ).load_steps
