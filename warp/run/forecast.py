"""Predict the time of a run: the processor time of its solves, in part over all cores.

    elasticity    cells (EACH + PASS iterations) + columns COLUMN_PASS iterations
                  + INVERSE n^3 where a V-cycle is built
    bending       (cells PASS + columns COLUMN_PASS + n^2 COARSEST_PASS) V-cycles
    conduction    cells (EACH_HEAT + HEAT_PASS iterations) for a field

    materials     MIXTURE rows solves, of mixtures that follow the incremental law; on one core

cells: voxels of the grid; columns: voxels of the levels that smooth whole columns; n: displacements
of the coarsest level, whose matrix is inverted; rows: mixtures of one share each (wires in mould).
A V-cycle is built anew where the stage changes, where a stiffness has drifted from the one that it
was built for (`cycle_cache`), and for every solve of a clamped body. Rates are least squares over
all package files (tests/benchmarks/check_time.py, table in data/benchmarks/check-time.md),
iterations typical ones.

Where a material relaxes, a load step is divided as its relaxation needs (`substeps`). How often is
found out on two bars side by side, alike but for the relaxation of one of them and its expansion,
which is twice the other's: the same control of the substeps, with scalars in place of fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import log10
from typing import TYPE_CHECKING

import numpy as np

from warp.case.stage import Stage
from warp.machine.device import Device
from warp.materials.mixing import Mixed
from warp.materials.relaxation import Relaxation
from warp.run.flexibility import bend_over_height
from warp.run.grids import stage_grid
from warp.solvers.elastic.history import incremental, substeps
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.large_deflection.solve import STIFFENING, WRONG
from warp.solvers.elastic.multigrid.cycle_cache import DRIFT
from warp.voxels.grid import Grid
from warp.voxels.media import Media
from warp.voxels.supports import Clamp, Table

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.case.plan import LoadStep
    from warp.case.singulation import Rectangle

START = 0.9
"""Of a run without a solve, in s: the interpreter, its libraries and the result file."""
EACH, PASS, COLUMN_PASS = 2.6e-6, 0.32e-6, 0.6e-6
"""In s for a voxel: a solve with its numbers, an iteration, one with whole columns."""
INVERSE = 0.055e-9
"""In s, times the cube of the displacements of the coarsest level."""
EACH_HEAT, HEAT_PASS = 2.0e-6, 0.25e-6
FIRST, FOLLOWING, HEAT = 16, 9, 7
"""Iterations of a body's first solve, of one with a V-cycle at hand, and of conduction."""
GROWTH = 0.25
"""Of the iterations with each factor of ten in voxels above a million: data/benchmarks/speed.md."""
RELAXING = 0.5
"""V-cycles a solve while a material relaxes: its modulus leaves that of the last one."""
BENDING, LEAST_BEND = 25, 1.0
"""V-cycles of a load step beyond linear theory for every height by which the body would bend by it,
and the heights that count at least (`flexibility`)."""
COARSEST_PASS = 1.2e-8
"""In s, times the square of the displacements of the coarsest level: a product with its inverse. It
counts where a body is followed on a small grid."""
TABLE, ON_TABLE = 25, 22
"""Solves that find out where a body touches a table, each with a V-cycle, and their iterations."""
IN_TIME = 500
"""Iterations of conduction, over all time steps of a field that develops."""
SMALL, SHARED, SHARED_GROWTH, MOST_SHARED = 4e4, 0.5, 0.22, 0.95
"""Share of the processor time in kernels up to SMALL voxels, its growth with each factor of ten,
and its bound: processor time within kernels of five packages of 23,400 to 2,101,707 voxels."""
MIXTURE = 6e-3
"""In s: the mean stiffness of a mixture over a part of the way, and its conversions."""
ERROR, ERROR_BEYOND = 2.0, 3.0
"""Factors within which a run takes the time predicted, by linear theory and beyond it, where a
load step takes as many increments and Newton steps as its path needs."""
ROUNDS = 4
"""Of heat and displacement where bond lines couple them."""
EXPANSION = 1e-5
"""Of the bars, in 1/K; the control of the substeps is relative to the strain."""


@dataclass
class _Work:
    """What the solves of a run come to."""

    solves: float = 0.0
    iterations: float = 0.0
    cycles: float = 0.0
    fields: float = 0.0
    heat_iterations: float = 0.0
    mixed_solves: float = 0.0
    """Of steps in which media of the incremental law change."""
    passes: float = 0.0
    """V-cycles of bodies that are followed beyond linear theory."""

    def solve(self, count: float, iterations: float, cycles: float) -> None:
        """Add elastic solves of so many iterations each, and V-cycles that are built."""
        self.solves += count
        self.iterations += count * iterations
        self.cycles += cycles

    def conduct(self, count: float, iterations: float) -> None:
        """Add temperature fields of so many iterations each."""
        self.fields += count
        self.heat_iterations += count * iterations


def time_range(case: Case, seconds: float) -> tuple[float, float]:
    """Return the times in s between which a run lies that is predicted to take `seconds`."""
    factor = ERROR_BEYOND if _may_leave_linear_theory(case) else ERROR
    return seconds / factor, seconds * factor


def predicted_seconds(
    case: Case, grid: Grid, device: Device, media: Media | None = None
) -> float | None:
    """Return the time of a run on this machine, None on GPUs, which were never measured.

    Without compiling kernels (`kernels.to_compile`). media: of the voxels, whose mixtures take time
    of their own; None where they are not known.
    """
    if device.cuda:
        return None
    from warp.solvers.elastic.multigrid.cycle import coarsest_size, column_voxels

    total = 0.0
    rows = 0 if media is None else _incremental_mixtures(media)
    for (unit, spacing), work in _work(case).items():
        own = stage_grid(case, grid, Stage((), unit=unit, unit_spacing=spacing))
        lines = own.x, own.y, own.z
        heat = EACH_HEAT * work.fields + HEAT_PASS * work.heat_iterations
        iterations = work.iterations * (1 + GROWTH * max(0.0, log10(own.cells / 1e6)))
        elastic = EACH * work.solves + PASS * iterations
        seconds = own.cells * (heat + elastic)
        if work.solves:
            columns = column_voxels(lines, own.mirror)
            seconds += COLUMN_PASS * columns * iterations
            coarsest = coarsest_size(lines, own.mirror)
            seconds += INVERSE * coarsest**3 * work.cycles
            each = PASS * own.cells + COLUMN_PASS * columns + COARSEST_PASS * coarsest**2
            seconds += each * work.passes
            total += MIXTURE * rows * work.mixed_solves
        total += seconds * (1 - kernel_share(own.cells) * (1 - 1 / device.threads))
    return START + total


def kernel_share(cells: int) -> float:
    """Return the share of a run's processor time that its kernels take, which all cores share."""
    return min(MOST_SHARED, SHARED + SHARED_GROWTH * max(0.0, log10(cells / SMALL)))


def _incremental_mixtures(media: Media) -> int:
    """Count the mixtures of media that follow the incremental law."""
    rows = zip(media.materials, incremental.follows_increments(media), strict=True)
    return sum(bool(wanted) and isinstance(medium, Mixed) for medium, wanted in rows)


def _may_leave_linear_theory(case: Case) -> bool:
    """Tell whether a free body bends so far that linear theory is left, by `flexibility`."""
    before = case.loads.stress_free
    for step in case.load_steps:
        before = before if step.temperature is None else step.temperature
        if _followed(case, step, before):
            return True
    return False


def _followed(case: Case, step: LoadStep, temperature: float) -> float:
    """Return the bend over the height (`flexibility`) of a body that a step follows, else zero.

    At a temperature in K.
    """
    if not case.large_deflection or isinstance(step.support, Clamp):
        return 0.0
    bend = bend_over_height(case, step.stage.present, temperature, step.stage.unit)
    if case.large_deflection is True:
        return max(LEAST_BEND, bend)
    return max(LEAST_BEND, bend) if STIFFENING * bend**2 >= WRONG else 0.0


@dataclass
class _Stiffness:
    """The stiffness that the present V-cycle was built for, by material; none without a cycle."""

    case: Case
    stage: Stage | None = None
    at: float = 0.0

    def serves(self, stage: Stage, temperature: float) -> bool:
        """Tell whether a cycle is near enough for a stage at a temperature in K; note a new one."""
        drifted = stage != self.stage or any(
            bool(np.any(np.abs(now - then) > DRIFT * np.abs(then)))
            for now, then in zip(
                self._of(stage, temperature), self._of(stage, self.at), strict=True
            )
        )
        if drifted:
            self.stage, self.at = stage, temperature
        return not drifted

    def _of(self, stage: Stage, temperature: float) -> list[np.ndarray]:
        names = {b.material for b in self.case.bodies() if b.part in stage.present and b.material}
        media = self.case.materials()
        return [media[name].stiffness(np.array([temperature])) for name in sorted(names)]


def _work(case: Case) -> dict[tuple[Rectangle | None, float | None], _Work]:
    """Count the solves of a run: of the whole body, and of each unit that is left after a cut."""
    works: dict[tuple[Rectangle | None, float | None], _Work] = {}
    rounds = ROUNDS if case.bond_lines else 1
    last: dict[str, tuple[LoadStep | None, float]] = {}
    cycle = _Stiffness(case)
    bars = {id(law): TwoBars(law, case.loads.stress_free) for law in _laws(case, case.parts)}
    for step in case.load_steps:
        before, temperature = last.get(step.body, (None, case.loads.stress_free))
        work = works.setdefault((step.stage.unit, step.stage.unit_spacing), _Work())
        if step.solves_heat or (step.temperature is None and step.at_rest):
            work.conduct(rounds, HEAT)
        elif step.temperature is None:
            work.conduct(1, IN_TIME)
        end = temperature if step.temperature is None else step.temperature
        if not case.heat_alone:
            laws = _laws(case, step.stage.present) if step.duration else []
            divided = [bars[id(law)].solves(end, step.duration) for law in laws]
            parts = _parts_of_the_way(case, step.stage.present, temperature, end)
            divided.append(parts)
            if end != temperature or step.temperature is None or _moves(step, before):
                count = max(divided, default=1) * rounds
                _elastic(work, step, count, cycle.serves(step.stage, end), parts)
                work.passes += BENDING * _followed(case, step, end)
                work.mixed_solves += count
            else:
                work.solve(1, 0, 0)
        last[step.body] = step, end
    return works


def _moves(step: LoadStep, before: LoadStep | None) -> bool:
    """Tell whether a load step at the temperature of the one before moves the body.

    Parts that are attached free of stress do not.
    """
    if before is None:
        return False
    now, then = step.stage, before.stage
    released = not set(then.present) <= set(now.present)
    changed = (now.shrunk, now.unit, step.support) != (then.shrunk, then.unit, before.support)
    return released or changed


def _elastic(work: _Work, step: LoadStep, count: int, has_cycle: bool, parts: int) -> None:
    """Add the elastic solves of a load step; has_cycle: there is a V-cycle for the body.

    parts: of the way, from one of which to the next a stiffness changes too much for a cycle.
    """
    clamped = isinstance(step.support, Clamp)
    first = not has_cycle or clamped
    work.solve(1, FIRST if first else FOLLOWING, float(first))
    cycles = count - 1 if clamped else max(RELAXING * (count - 1), min(parts, count) - 1)
    work.solve(count - 1, FOLLOWING, cycles)
    if isinstance(step.support, Table):
        work.solve(TABLE, ON_TABLE, TABLE)


def _parts_of_the_way(case: Case, parts: Iterable[str], start: float, end: float) -> int:
    """Count the solves that media of the incremental law take from one temperature to another."""
    wanted = set(parts)
    names = {body.material for body in case.bodies() if body.part in wanted and body.material}
    media = [case.materials()[name] for name in sorted(names)]
    own = [m for m in media if m.elastic_law == "incremental" and m.relaxation is None]
    return len(incremental.divided((medium, start, end) for medium in own))


def _laws(case: Case, parts: Iterable[str]) -> list[Relaxation]:
    """Return the relaxation laws of the materials of some parts, each once."""
    media, wanted = case.materials(), set(parts)
    names = {body.material for body in case.bodies() if body.part in wanted and body.material}
    laws = [getattr(media[name], "relaxation", None) for name in sorted(names)]
    return list({id(law): law for law in laws if law is not None}.values())


@dataclass(frozen=True)
class _Strained:
    """A solution of the bars, as `substeps` needs it."""

    displacement: np.ndarray
    state: State


class TwoBars:
    """Two bars of one length side by side, of which one relaxes, from a stress-free temperature.

    With w = 1/2 the share of each, f its free strain and q the branch strains of the first:

        w (C e + past) + (1 - w) (strain - f) = 0,    e = strain - 2 f
    """

    def __init__(self, law: Relaxation, stress_free: float) -> None:
        """stress_free: K."""
        self.law, self.stress_free, self.temperature = law, stress_free, stress_free
        self.fractions = np.r_[law.remaining[1], law.shear]
        state = State.start((1, 1, 1))
        strain = np.zeros((len(self.fractions), 1, 1))
        memory = replace(state.memory, strain=strain, temperature=np.array([stress_free]))
        self.state = replace(state, memory=memory)

    def solves(self, temperature: float, duration: float) -> int:
        """Go to a temperature in K over a duration in s; return how many solves that takes."""
        count = 0

        def step(part: substeps.Interval, state: State) -> _Strained:
            nonlocal count
            count += 1
            return self._solved(float(part.end), state, part.duration)

        interval = substeps.Interval(self.temperature, temperature, duration)
        self.state = substeps.solve(step, [self.law], self.state, interval, 1.0).state
        self.temperature = temperature
        return count

    def _solved(self, end: float, state: State, seconds: float) -> _Strained:
        """Solve for the strain of the bars after a substep."""
        memory, free = state.memory, EXPANSION * (end - self.stress_free)
        decay, mean = self.law.step(float(memory.temperature[0]), end, seconds)
        q = memory.strain[:, 0, 0]
        stiffness = float(self.fractions @ mean)
        past = float(self.fractions @ (decay * q - mean * q[0]))
        strain = (2 * stiffness * free - past + free) / (1 + stiffness)
        branches = decay * q + mean * (strain - 2 * free - q[0])
        after = replace(memory, strain=branches[:, None, None], temperature=np.array([end]))
        return _Strained(np.array([0.0, strain]), replace(state, memory=after))
