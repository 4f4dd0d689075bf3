"""Solve a case with changed inputs on the voxels, rows and groups of another: frozen topology.

What the gradient differentiates, solved forwards with the program's own operators and a tight
tolerance, for central differences.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from warp.adjoint import point as points
from warp.adjoint.inputs import Input, inputs
from warp.adjoint.large_deflection import LargeDeflection
from warp.adjoint.measures import measure
from warp.adjoint.stresses import PartStress
from warp.adjoint.variant import Variant
from warp.case.case import Case
from warp.machine.device import Device
from warp.results.metrics.solved import Solved
from warp.run import bond_lines, process
from warp.run.bond_lines import thickness_change
from warp.solvers import krylov
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.layout import bordered
from warp.solvers.elastic.load import load, mean_temperature
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.operator import moduli, operator
from warp.solvers.elastic.rigid import remove_rigid_motion
from warp.solvers.elastic.solve import solve as solve_elastic
from warp.solvers.elastic.stress import stress
from warp.solvers.heat.load import load as heat_load
from warp.solvers.heat.multigrid.cycle import Cycle as HeatCycle
from warp.solvers.heat.operator import ROOM
from warp.solvers.heat.operator import operator as heat_operator
from warp.solvers.heat.solve import absolute
from warp.solvers.krylov import Control, System
from warp.voxels import boundary
from warp.voxels.conditions import Interface

ROUND_OFF = 1e-12
"""Of a metric between two solves; over the change of an input, what a difference may be off."""

TIGHT = 1e-11


def tighten(monkeypatch) -> None:
    """Solve to round-off: central differences see every digit."""
    monkeypatch.setattr(bond_lines.solve, "__defaults__", (1e-9,))
    for module in ("warp.run.load_step", "warp.adjoint.point", "warp.adjoint.thermal"):
        monkeypatch.setattr(f"{module}.TOLERANCE", TIGHT)
    monkeypatch.setattr("warp.adjoint.point.ADJOINT", TIGHT)
    monkeypatch.setattr("warp.solvers.heat.solve.CONSTANT", 1e-11)


def point(case: Case, device: Device) -> points.Point:
    """Solve a case and take the point at which it is differentiated."""
    result = process.solve(case, device)
    return points.Point.of(case, result, device, lambda *_: None)


def solved(at: points.Point, variant: Variant, *, stressed: bool = False) -> Solved:
    """Solve a variant forwards; stressed: with the stress of its voxels."""
    base = at.model
    materials = [variant.rows.get(row, medium) for row, medium in enumerate(base.media.materials)]
    media = replace(base.media, materials=materials, stress_free=variant.stress_free)
    model = replace(base, grid=variant.grid(base.grid), media=media)
    field = _warm(at, model, variant) if at.base.case.heated else None
    displacement, stresses = None, None
    if at.solved.displacement is not None:
        T = field if variant.temperature is None else variant.temperature
        displacement = _bent(at.device, model, T)
        if at.bonded is not None:
            field, displacement = _bonded(at, model, variant)
        if at.bends:
            nx, start = model.grid.shape[2], at.solved.displacement
            x = LargeDeflection(model, T, start, at.device, Control(TIGHT)).x
            displacement = np.ascontiguousarray(x[..., 1 : nx + 2])
        if stressed:
            start = State.start(model.ids.shape)
            state = solve_elastic(model, T, at.device, start, Control(TIGHT)).state
            stresses = stress(model, T, state, at.device)
    return Solved(
        model,
        field,
        displacement,
        stresses,
        zones=variant.zones,
        terminals=at.solved.terminals,
        power=variant.power,
        ambient=variant.ambient,
    )


def _bent(device, model, temperature):
    A = operator(model, device, moduli(model, mean_temperature(model, temperature)))
    system = System("elastic", A.apply, load(model, A, temperature))
    x, _ = krylov.solve(device, system, Cycle(A), Control(TIGHT))
    U = np.ascontiguousarray(x[..., 1 : A.n[0] + 2])
    remove_rigid_motion(device, U, bordered(device, model.ids), model.grid)
    return U


def _bonded(at, model, variant):
    """Solve heat and displacement in turn until the height of the bond lines settles."""
    U, before = at.solved.displacement, 0.0
    for _ in range(30):
        T = _warm(at, model, variant, thickness_change(model, U, at.bonded.soft))
        U = _bent(at.device, model, T)
        if np.abs(T - before).max() < 1e-9:
            return T, U
        before = T
    raise AssertionError("bond lines do not settle")


def _warm(at, model, variant, stretch=None):
    """Solve heat in the groups of the solved case, conductivities and temperatures in turn."""
    device, known = at.device, at.heated.operator.split
    split = replace(known, extra=_extra(at, model, variant))
    if stretch is not None:
        split = replace(split, stretch=boundary.row_means(model.grid, split, stretch, 1.0))
    q = boundary.heat_load(model, variant.sources)
    T = at.solved.temperature
    x = None
    for _ in range(60):
        rows = boundary.row_means(model.grid, split, T, ROOM)
        A = heat_operator(model, variant.boundaries, device, rows, split=split)
        system = System("heat", A.apply, heat_load(A, q))
        x, _ = krylov.solve(device, system, HeatCycle(A), Control(TIGHT), x)
        before, T = T, absolute(A, x)
        if np.abs(T - before).max() < 1e-10 * np.abs(T - 273).max():
            return T
    raise AssertionError("heat does not settle")


def _extra(at, model, variant):
    """Return interface resistances per width of the moved cells."""
    split, base = at.heated.operator.split, at.base
    extra = split.extra.copy()
    pairs = [
        (a.resistance, b.resistance)
        for a, b in zip(base.case.boundaries, variant.boundaries, strict=True)
        if isinstance(a, Interface)
    ]
    for row, side in np.argwhere(extra > 0):
        k, j, i = np.argwhere(split.ids == row)[0]
        n = side // 2
        widths = [(g.dx[i], g.dy[j], g.dz[k])[n] for g in (base.model.grid, model.grid)]
        resistance = extra[row, side] * widths[0]
        was, now = min(pairs, key=lambda p: abs(p[0] - resistance))
        extra[row, side] = resistance * now / was / widths[1]
    return extra


def check(
    at: points.Point,
    names: Sequence[str],
    keys: Iterable[str],
    tolerance: float = 1e-4,
    together=(),
):
    """Compare derivatives of metrics by some inputs with central differences of whole solves."""
    wanted = [measure(name, at.solved) for name in names]
    linear = at.linear([at.derivatives(one, False)[1] for one in wanted])
    by_key = {one.key: one for one in inputs(at.base, together)}
    for key in keys:
        one = by_key[key]
        below = at.base.unchanged if one.one_sided else one.make(one.value - one.step)
        width = one.step * (1 if one.one_sided else 2)
        exact = linear.change(one.make(one.value + one.step), below) / width
        h = _step(one)
        stressed = any(isinstance(m, PartStress) for m in wanted)
        made = [one.make(one.value + sign * h) for sign in (1, -1)]
        sides = [solved(at, variant, stressed=stressed) for variant in made]
        values = [(m.value(sides[0]), m.value(sides[1])) for m in wanted]
        for name, got, (above, under) in zip(names, exact, values, strict=True):
            right, noise = (above - under) / (2 * h), ROUND_OFF * abs(above) / h
            assert got == pytest.approx(right, rel=tolerance, abs=1e-12 + noise), (key, name)


def _step(one: Input) -> float:
    """Return a change that is far above round-off, and small beside what bends."""
    if one.is_temperature:
        return 0.5
    relative = 2e-4 if one.key.startswith("part") else 5e-3
    return max(relative * abs(one.value), one.step)
