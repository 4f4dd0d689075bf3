"""Bond lines that open with temperature, against a stack in one dimension."""

from types import SimpleNamespace

import numpy as np
import pytest
from conductors import boxes

from warp.case import case
from warp.cli import tables
from warp.errors import ConvergenceError, WarpError
from warp.run import bond_lines, process
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic.history.state import State
from warp.solvers.heat import flux
from warp.solvers.heat import solve as heat
from warp.solvers.krylov import Control
from warp.verify.problem import material
from warp.voxels.boundary import Film, Fixed

INF = np.inf
ALPHA, K, T0 = 2e-3, 0.5, 300.0  # 1/K upwards only, W/mK, stress-free and drawn at T0


def stack(cells: int = 8):
    """A plate of 1 mm that hardly resists, 100 um of a soft layer that swells upwards, another
    plate; 3 x 2 mm.
    """
    z = np.concatenate(([0, 0.5e-3], np.linspace(1e-3, 1.1e-3, cells + 1), [1.6e-3, 2.1e-3]))
    plate, gel = material(E=100e9, k=1e6), material(E=1e6, alpha=(0.0, 0.0, ALPHA), k=K)
    parts = {
        "base": (plate, (-INF, INF, -INF, INF, 0, 1e-3)),
        "gel": (gel, (-INF, INF, -INF, INF, 1e-3, 1.1e-3)),
        "lid": (plate, (-INF, INF, -INF, INF, 1.1e-3, INF)),
    }
    model = boxes(np.linspace(0, 3e-3, 3), np.linspace(0, 2e-3, 3), z, parts)
    model.media.stress_free[:] = T0
    return model


def solve(model, boundaries, device, layers=("gel",)):
    return bond_lines.solve(
        model,
        layers,
        lambda stretch: heat.solve_steady(
            model, boundaries, {}, device, Control(1e-10), stretch=stretch
        ),
        lambda T: elastic.solve(model, T, device, State.start(model.grid.shape)),
    )


def test_a_layer_that_swells_as_it_is_heated(cpu):
    """k dT/dz = q (1 + alpha (T - T0)) with z as drawn: q = k / (alpha L) ln of the ratio of the
    faces' stretches.
    """
    ends = [Fixed("base.bottom", T0 + 100), Fixed("lid.top", T0 + 20)]
    out = solve(stack(), ends, cpu)
    q = K / (ALPHA * 100e-6) * np.log((1 + 100 * ALPHA) / (1 + 20 * ALPHA))
    assert flux.heat_flows(out.heat)["lid.top"] == pytest.approx(6e-6 * q, rel=5e-4)
    assert q < 0.9 * K * 80 / 100e-6
    gel = out.stretch != 1
    assert gel.sum() == 4 * 8
    np.testing.assert_allclose(
        out.stretch[gel], 1 + ALPHA * (out.heat.temperature[gel] - T0), rtol=1e-5
    )
    assert 2 <= len(out.changes) <= 8 and out.changes[-1] <= 1e-3


def test_a_film_in_series_fixes_where_both_meet(cpu):
    """A film h on the lid: the lid's temperature follows from q (1/h) + q R(gel) = what is between
    base and ambient.
    """
    h = 4000.0
    out = solve(stack(), [Fixed("base.bottom", T0 + 100), Film("lid.top", h, T0)], cpu)
    low, high = T0, T0 + 100
    for _ in range(60):  # the lid's temperature
        T = (low + high) / 2
        inflow = K / (ALPHA * 100e-6) * np.log((1 + 100 * ALPHA) / (1 + ALPHA * (T - T0)))
        low, high = (T, high) if inflow > h * (T - T0) else (low, T)
    assert out.heat.temperature[-1].mean() == pytest.approx(T, abs=0.02)


def test_without_layers_nothing_changes(cpu):
    ends = [Fixed("base.bottom", 400), Fixed("lid.top", 320)]
    out = solve(stack(2), ends, cpu, ())
    assert out.changes == [0.0] and np.all(out.stretch == 1)


def test_what_cannot_be_is_named():
    model = stack(2)
    with pytest.raises(WarpError, match="no part 'tim'; there are base, gel, lid"):
        bond_lines.solve(model, ["tim"], lambda s: None, lambda T: None)
    U = np.zeros((3, 7, 3, 3))
    U[2, 3:] = -60e-6
    soft = np.array([False, False, True, False])
    with pytest.raises(WarpError, match="'gel' closes"):
        bond_lines.thickness_change(model, U, soft)
    fields = iter(np.arange(100.0))
    moving = lambda stretch: SimpleNamespace(temperature=np.full(model.ids.shape, next(fields)))  # noqa: E731
    with pytest.raises(ConvergenceError, match="bond lines"):
        bond_lines.solve(model, ["gel"], moving, lambda T: SimpleNamespace(displacement=0 * U))


CASE = """
symmetry = "quarter"
load = {stress_free = "25 degC", temperature = "solved", bond_lines = ["tim"]}
grid = {spacing = "2 mm", edge_spacing = "1 mm", cells_per_layer = 2}
part.board = {size = "12 mm", thickness = "1 mm", material = "fr4"}
part.chip.on = "board"
part.chip.size = "6 mm"
part.chip.thickness = "0.5 mm"
part.chip.material = "silicon"
part.chip.power = "20 W"
part.tim = {on = "chip", size = "6 mm", thickness = "0.1 mm", material = "gel"}
part.plate = {on = "tim", size = "6 mm", thickness = "1 mm", material = "copper"}
material.gel.youngs_modulus = "1 MPa"
material.gel.poissons_ratio = 0.3
material.gel.cte = "1000 ppm/K"
material.gel.conductivity = "1 W/(m K)"
boundary.air = {face = "plate.top", film = "10 kW/(m^2 K)", ambient = "25 degC"}
"""


def load(tmp_path, text=CASE):
    (tmp_path / "stack.toml").write_text(text)
    return case.load(tmp_path / "stack.toml")


def test_a_case_s_bond_line_conducts_as_thick_as_it_gets(tmp_path, cpu, capsys):
    """All the heat goes through the gel: across it stands q t/k with the thickness t that it has
    when warm; 5 %, for the hottest point lies in the middle.
    """
    warm = process.solve(load(tmp_path), cpu)
    drawn = process.solve(load(tmp_path, CASE.replace(', bond_lines = ["tim"]', "")), cpu)
    found = warm.metrics["bond_lines"]
    line = found["parts"]["tim"]
    assert line["thickness_um"] == pytest.approx(100)
    assert (
        1 < line["change_min_um"] <= line["change_um"] <= line["change_max_um"]
        and 2 <= found["rounds"] <= 8
    )
    hotter = warm.metrics["thermal"]["junction_C"] - drawn.metrics["thermal"]["junction_C"]
    assert hotter == pytest.approx(20 / 36e-6 * 1e-6 * line["change_um"], rel=0.05)
    tables.print_summary(warm.summary(), "")
    assert f"{line['change_um']:+.2f} um" in capsys.readouterr().out
    assert "bond_lines" not in drawn.metrics


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('["tim"]', '["tin"]', "no part 'tin'.*did you mean 'tim'"),
        ('["tim"]', '["chip"]', "'chip' is of shape 'chip', not one layer"),
        (
            '"solved"',
            '"80 degC"',
            'bond_lines: change with the temperature field only: add temperature = "solved"',
        ),
        ('temperature = "solved", ', "", "temperature field only"),
    ],
)
def test_bond_lines_that_cannot_be(tmp_path, old, new, complaint):
    text = CASE.replace("part.chip.on", 'part.chip.shape = "chip"\npart.chip.on')
    with pytest.raises(WarpError, match=complaint):
        load(tmp_path, text.replace(old, new))
