"""Power on, power off and changed surroundings in a process."""

from pathlib import Path

import numpy as np
import pytest
from stacked_plates import COARSE, HEAD, PLATES, ends, kappa, run, step

from warp.case.case import CaseError, parse
from warp.run import process


def test_power_on_is_the_steady_field_and_off_the_ambient():
    heated = PLATES.replace('thickness = "0.3 mm"', 'thickness = "0.3 mm"\npower = "20 W"')
    heated += '[boundary.air]\nface = "a.bottom"\nfilm = "500 W/(m^2 K)"\nambient = "25 degC"\n'
    head = COARSE.replace("[grid]", 'temperature = "solved"\n[grid]')
    plain = process.solve(parse(head + heated, Path("plates.toml")), "cpu")
    result = run(
        step("cool", temperature="25 degC"),
        step("power", on=True, duration="1 s"),
        step("power", on=True),
        step("power", on=False),
        text=heated,
        head=COARSE,
    )
    cold, soon, on, off = ends(result)
    leak, capacity = (
        500 * 144e-6,
        144e-6 * (0.8e-3 * 2330 * 710 + 0.4e-3 * 8960 * 385),
    )  # W/K, J/K: a lumped body
    rise = 20 / leak * (1 - np.exp(-leak / capacity))
    assert soon["temperature"]["b"]["mean_C"] - 25 == pytest.approx(rise, rel=0.01)
    assert soon["time_s"] == pytest.approx(1.0)
    assert kappa(soon) / kappa(cold) == pytest.approx(
        (25 + rise - 217) / (25 - 217), rel=1e-2
    )  # the strain follows
    assert on["temperature_C"] is None
    assert on["thermal"]["junction_C"] == pytest.approx(
        plain.metrics["thermal"]["junction_C"], rel=1e-9
    )
    assert kappa(on) == pytest.approx(kappa(plain.metrics), rel=1e-6)
    assert off["temperature"]["c"]["max_C"] == pytest.approx(25.0, abs=1e-6)
    assert off["thermal"] == {}  # no heat, so no junction and no theta_JA


def test_a_step_changes_the_surroundings_from_there_on():
    """An oven's zone of 125 degC for 2 s, then a tenth of the film for 3 s, at last at rest:
    exponentials of a lumped body.
    """
    air = '[boundary.air]\nface = "a.bottom"\nfilm = "500 W/(m^2 K)"\nambient = "25 degC"\n'
    cap = '[boundary.cap]\nface = "c.top"\ntemperature = "25 degC"\n'
    zone = step("power", on=False, duration="2 s") + 'ambient = {air = "125 degC"}\n'
    still = step("power", on=False, duration="3 s") + 'film = {air = "50 W/(m^2 K)"}\n'
    cool = step("cool", temperature="25 degC")
    *_, soon, later, rest = ends(
        run(cool, zone, still, step("power", on=False), text=PLATES + air, head=COARSE)
    )
    capacity = 144e-6 * (0.8e-3 * 2330 * 710 + 0.4e-3 * 8960 * 385)  # J/K
    left = np.exp(-500 * 144e-6 / capacity * 2)
    assert soon["temperature"]["b"]["mean_C"] == pytest.approx(125 - 100 * left, abs=0.3)
    left *= np.exp(-50 * 144e-6 / capacity * 3)
    assert later["temperature"]["b"]["mean_C"] == pytest.approx(125 - 100 * left, abs=0.3)
    assert rest["temperature"]["b"]["max_C"] == pytest.approx(125, abs=1e-3)
    hot = ends(
        run(
            cool,
            step("power", on=False) + 'ambient = {cap = "75 degC"}\n',
            text=PLATES + cap,
            head=COARSE,
        )
    )[-1]
    assert hot["temperature"]["a"]["mean_C"] == pytest.approx(75, abs=1e-3)
    for change, words in (
        ('film = {fan = "9 W/(m^2 K)"}\n', "step.1.film: there is no \\[boundary.fan\\]"),
        ('film = {cap = "9 W/(m^2 K)"}\n', "step.1.film: 'cap' has a fixed temperature"),
        ("ambient = {air = 25}\n", "step.1.ambient.air: .*needs a unit"),
    ):
        with pytest.raises(CaseError, match=words):
            parse(HEAD + PLATES + air + cap + step("power", on=False) + change, Path("x.toml"))
