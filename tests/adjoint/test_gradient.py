"""The gradient of small cases against central differences of whole solves, input by input."""

from dataclasses import replace

import frozen
import numpy as np
import pytest
from small_case import CASE

import warp
from warp.adjoint.gradient import of_result
from warp.adjoint.moved_grid import Unchangeable, Yielding, moved_lines
from warp.case import case as cases
from warp.errors import WarpError

BUMPS = """
[part.film]
under = "board"
size = "12 mm"
layers = [{ thickness = "50 um", copper = 0.4, name = "metal" }, { thickness = "150 um" }]
material = "fr4"

[interface.contact]
between = ["board", "chip"]
resistance = "20 mm^2 K/W"
"""
BELOW = """
[boundary.below]
face = "film.bottom"
film = "500 W/(m^2 K)"
ambient = "25 degC"
"""


def case(tmp_path, text=CASE, **overrides):
    path = tmp_path / "case.toml"
    path.write_text(text)
    return cases.load(path, {key.replace("__", "."): value for key, value in overrides.items()})


FEW = ["part.board.thickness", "part.chip.power", "boundary.air.ambient"]
MORE = [
    "part.chip.size",
    "part.film.layers.metal.thickness",
    "part.film.layers.metal.copper",
    "boundary.air.film",
    "interface.contact.resistance",
    "load.stress_free",
    "material.fr4.youngs_modulus.in_plane.glassy",
    "material.silicon.conductivity@50 degC",
]


@pytest.mark.parametrize(
    ("keys", "boundaries"), [(FEW, ""), pytest.param(MORE, BELOW, marks=pytest.mark.slow)]
)
def test_inputs_at_the_solved_temperature(cpu, tmp_path, monkeypatch, keys, boundaries):
    """Heat and elasticity together: geometry, materials, power, films, temperatures.

    Heat crosses the contact only where it leaves at the bottom too.
    """
    frozen.tighten(monkeypatch)
    text = CASE + BUMPS + boundaries
    at = frozen.point(case(tmp_path, text, load__temperature="solved"), cpu)
    frozen.check(at, ["board.bottom", "junction"], keys)


def test_metrics_at_one_temperature(cpu, tmp_path, monkeypatch):
    frozen.tighten(monkeypatch)
    at = frozen.point(case(tmp_path), cpu)
    names = ["board.bottom.warpage_p", "board.top.kappa_x", "chip.top.bow_x", "board.bottom.centre"]
    keys = ["part.board.size", "part.chip.thickness", "load.temperature"]
    frozen.check(at, names, [*keys, "material.silicon.cte@100 degC"])


STRESSED = ["chip.von_mises_p", "chip.max_principal_p", "board.max_principal_mean"]


@pytest.mark.parametrize(
    "keys",
    [
        ["part.chip.thickness", "material.silicon.cte@100 degC"],
        pytest.param(
            ["part.chip.size", "part.board.thickness", "boundary.air.film", "load.stress_free"],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_stress_of_a_part(cpu, tmp_path, monkeypatch, keys):
    """Through displacements and directly: stiffness, thermal strain, volumes of cells and edges."""
    frozen.tighten(monkeypatch)
    at = frozen.point(case(tmp_path, load__temperature="solved"), cpu)
    frozen.check(at, STRESSED, keys)


def test_only_one_solve_a_metric(cpu, tmp_path, monkeypatch):
    """Every stiffness scaled alike moves nothing; every thermal strain together is the metric."""
    result = warp.solve(case(tmp_path), "cpu")
    found = of_result(result, ["board.bottom"], cpu, maps=True)[0]
    volume = (
        np.prod(
            np.meshgrid(
                *map(np.diff, (result.grid.z, result.grid.y, result.grid.x)), indexing="ij"
            ),
            axis=0,
        )
        * 1e9
    )
    assert abs((found.stiffness * volume).sum()) < 1e-6 * abs(found.value)
    assert found.value == pytest.approx(result.metrics["surfaces"]["board"]["bottom"]["warpage_um"])
    assert found.strongest[0].change == max((e.change for e in found.strongest), key=abs)


def test_result_has_a_gradient(cpu, tmp_path):
    """From the solve and from the file alike; another file says what is missing."""
    result = warp.solve(case(tmp_path), "cpu")
    one = result.gradient("junction")
    assert 0.0 < one.residual <= 1e-5  # of the heat equation alone
    result.write(tmp_path / "out.h5")
    other = warp.read(tmp_path / "out.h5").gradient("junction")
    slopes = [{e.key: e.derivative for e in g.effects} for g in (one, other)]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-6)
    assert slopes[0]["boundary.air.ambient"] == pytest.approx(1.0, rel=1e-2)
    bare = replace(result, fields={})
    with pytest.raises(WarpError, match="no displacement field: add it to output.fields"):
        bare.gradient("board.bottom")
    with pytest.raises(WarpError, match="is not a metric that has a gradient"):
        result.gradient("board.left")


def test_lines_follow_their_boundaries():
    """Lines between move in proportion; a boundary cannot leave a line that another one holds."""
    lines = np.array([0.0, 1.0, 2.0, 3.0])
    before, after = np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 3.3])
    moved, _ = moved_lines(lines, before, after, ["a", "b", "c"], False)
    np.testing.assert_allclose(moved, [0.0, 1.0, 2.15, 3.3])
    with pytest.raises(Unchangeable, match="that share a grid line"):
        moved_lines(lines, np.append(before, 3.0), np.append(after, 3.0), [*"abcd"], False)
    with pytest.raises(Unchangeable, match="'d' that has no grid line of its own"):
        moved_lines(lines, np.append(before, 1.7), np.append(after, 1.8), [*"abcd"], False)


def test_shared_side_names_the_value_that_moves_with_it(cpu, tmp_path):
    """A ring on a ring of glue: either width alone has a kink."""
    ring = """
[part.glue]
shape = "frame"
on = "board"
size = "11.5 mm"
width = "1 mm"
thickness = "50 um"
material = "fr4"
[part.ring]
shape = "frame"
on = "glue"
size = "11.5 mm"
width = "1 mm"
thickness = "0.3 mm"
material = "copper"
"""
    result = warp.solve(case(tmp_path, CASE + ring), "cpu")
    found = of_result(result, ["board.bottom"], cpu)[0]
    reasons = {e.key: e.reason for e in found.effects if e.reason}
    text = "parts boundaries of 'glue' and 'ring' that share a grid line, a kink: --together "
    assert reasons["part.glue.width"] == f"{text}part.glue.width,part.ring.width moves both"
    assert "--together part.ring.width,part.glue.width" in reasons["part.ring.width"]
    pair = [["part.ring.width", "part.glue.width"]]
    both = of_result(result, ["board.bottom"], cpu, together=pair)[0].effects[0]
    assert both.derivative


def test_layer_of_bumps_stays_on_the_side_of_a_part():
    """It follows the part there, and moves alone elsewhere, unless its sites change in number."""
    lines = np.array([0.0, 1.0, 2.0, 3.0])
    before, after = np.array([0.0, 3.0, 3.0, 2.0]), np.array([0.0, 3.3, 2.5, 2.1])
    owners = ["a", "chip", "bumps", "balls"]
    moved, left = moved_lines(lines, before, after, owners, False, Yielding({"bumps", "balls"}))
    np.testing.assert_allclose(moved, [0.0, 1.05, 2.1, 3.3])
    assert left == {"bumps"}
    jumping = Yielding({"bumps", "balls"}, {"bumps"})
    np.testing.assert_allclose(moved, moved_lines(lines, before, after, owners, False, jumping)[0])
    with pytest.raises(Unchangeable, match="the number of members, in steps"):
        moved_lines(lines, before, after, owners, False, Yielding({"bumps", "balls"}, {"balls"}))


def test_resistance_to_surroundings_that_would_differ_has_no_gradient(cpu, tmp_path):
    """Both ambients together move nothing; the junction's temperature follows either."""
    under = """
[boundary.under]
face = "board.bottom"
film = "20 W/(m^2 K)"
ambient = "25 degC"
"""
    result = warp.solve(case(tmp_path, CASE + under), "cpu")
    keys = ["boundary.air.ambient", "boundary.under.ambient"]
    theta, junction = of_result(result, ["theta_ja", "junction"], cpu, together=[keys])
    slopes, other = ({e.key: e.derivative for e in g.effects} for g in (theta, junction))
    assert [slopes[key] for key in keys] == [None, None]
    assert slopes[" + ".join(keys)] == pytest.approx(0.0, abs=1e-3)
    assert sum(other[key] for key in keys) == pytest.approx(other[" + ".join(keys)], rel=1e-9)


def test_values_together_are_the_sum_of_their_derivatives(cpu, tmp_path):
    result = warp.solve(case(tmp_path), "cpu")
    pair = ["part.board.thickness", "part.chip.thickness"]
    found = of_result(result, ["board.bottom"], cpu, together=[pair])[0]
    slopes = {e.key: e.derivative for e in found.effects}
    assert slopes[" + ".join(pair)] == pytest.approx(sum(slopes[key] for key in pair), rel=1e-6)
    with pytest.raises(WarpError, match="--together part.chip.width: the case has no such value"):
        of_result(result, ["board.bottom"], cpu, together=[["part.chip.width", pair[0]]])
