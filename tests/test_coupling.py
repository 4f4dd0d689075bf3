"""Bond lines that open with temperature, against a stack in one dimension."""

from types import SimpleNamespace

import numpy as np
import pytest
from conductors import boxes

from warp import coupling, elastic, heat
from warp.boundary import Film, Fixed
from warp.errors import ConvergenceError, WarpError
from warp.evidence import material

INF = np.inf
ALPHA, K, T0 = 2e-3, 0.5, 300.0  # 1/K upwards only, W/mK, stress-free and drawn at T0


def stack(cells: int = 8):
    """A plate of 1 mm that hardly resists, 100 um of a soft layer that swells upwards, another plate; 3 x 2 mm."""
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
    return coupling.solve(
        model,
        layers,
        lambda stretch: heat.solve_steady(model, boundaries, {}, device, 1e-10, stretch=stretch),
        lambda T: elastic.solve(model, T, device),
    )


def test_a_layer_that_swells_as_it_is_heated(cpu):
    """k dT/dz = q (1 + alpha (T - T0)) with z as drawn: q = k / (alpha L) ln of the ratio of the faces' stretches."""
    ends = [Fixed("base.bottom", T0 + 100), Fixed("lid.top", T0 + 20)]
    out = solve(stack(), ends, cpu)
    q = K / (ALPHA * 100e-6) * np.log((1 + 100 * ALPHA) / (1 + 20 * ALPHA))
    assert heat.heat_flows(out.heat)["lid.top"] == pytest.approx(6e-6 * q, rel=5e-4)
    assert q < 0.9 * K * 80 / 100e-6
    gel = out.stretch != 1
    assert gel.sum() == 4 * 8
    np.testing.assert_allclose(out.stretch[gel], 1 + ALPHA * (out.heat.temperature[gel] - T0), rtol=1e-5)
    assert 2 <= len(out.changes) <= 8 and out.changes[-1] <= 1e-3


def test_a_film_in_series_fixes_where_both_meet(cpu):
    """A film h on the lid: the lid's temperature follows from q (1/h) + q R(gel) = what is between base and ambient."""
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
        coupling.solve(model, ["tim"], lambda s: None, lambda T: None)
    U = np.zeros((3, 7, 3, 3))
    U[2, 3:] = -60e-6
    soft = np.array([False, False, True, False])
    with pytest.raises(WarpError, match="'gel' closes"):
        coupling.thickness_change(model, U, soft)
    fields = iter(np.arange(100.0))
    moving = lambda stretch: SimpleNamespace(temperature=np.full(model.ids.shape, next(fields)))  # noqa: E731
    with pytest.raises(ConvergenceError, match="bond lines"):
        coupling.solve(model, ["gel"], moving, lambda T: SimpleNamespace(displacement=0 * U))
