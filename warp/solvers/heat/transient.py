"""Conduction in time: capacity dT/dt = div(conductivity grad T) + heat, by implicit steps.

Unknown and space as in `solve`; C = capacity times volume (J/K per voxel), F = heat - conduction -
films (W). Steps are TR-BDF2: a trapezium over g = 2 - sqrt 2 of the step, then backward differences
over both parts, each a linear solve with the same matrix C/(d dt) + K, d = 1 - sqrt(1/2). Second
order, L-stable: large steps lead to the steady field.

    C (T2 - T1) = dt d (F1 + F2)
    C (T3 - T1) = dt (w F1 + w F2 + d F3),    w = sqrt 2 / 4

An embedded third-order sum gives the error of every step, smoothed by the same matrix; a PI
controller keeps its largest value (K) below the tolerance. Steps are the first one times powers of
sqrt 2, so that a matrix and a V-cycle serve many; they end where a law of time changes its slope or
jumps. Output times are interpolated by the parabola through T1, T2, T3.

Properties that vary with temperature are taken in the middle of the step (second order again),
extrapolated and then checked. Heat is conserved: the residual of every linear solve sums to zero,
and the difference between C (T3 - T1) and the gain of enthalpy is given as heat in later steps. It
also counts as an error of the step, so that a latent heat, written as a capacity over a kelvin or
more, is not skipped.
Hosea and Shampine, Appl. Numer. Math. 20 (1996) 21.
Gustafsson, ACM Trans. Math. Softw. 17 (1991) 533.
"""

from __future__ import annotations

import time as clock
from bisect import bisect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from warp.errors import ConvergenceError, WarpError
from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.heat.time_step import INSIDE, LawByName, Laws, Matrices, Matrix
from warp.voxels.boundary import Boundary, Source
from warp.voxels.voxelize import VoxelModel

G, D, W = 2 - 2**0.5, 1 - 0.5**0.5, 2**0.5 / 4
ERROR = (1 - 4 * W) / 3 / D, 1 / 3 / D, -2 / 3
"""Third-order weights of F1, F2, F3 minus those of the step, over d."""
FASTER, SLOWER = 8.0, 1 / 16  # limits of the ratio of two successive steps
ROUNDS = 5  # property updates in one step before it counts as too long
PROPERTIES = 0.1  # share of the tolerance for properties at a slightly wrong temperature
ALGEBRA = 1e-3  # share of the tolerance for the linear solves: 10 times their residual
LINEAR = 1e-8, 1e-3  # least and greatest relative residual of the linear solves of a step
ESTIMATE = 0.1  # relative residual of the linear solve for a step's error
SMALLEST = 1e-12  # shortest step over the duration


@dataclass(frozen=True)
class Schedule:
    """Initial temperature, duration and laws of time.

    start: K, one or (nz, ny, nx); duration and other times in s. power: factor on the sources, one
    law or one per part. ambient: K in place of the temperatures of films and fixed faces, one law
    or one per face. outputs: times at which the field is wanted (default: the end). breaks: times
    at which a law jumps.
    """

    start: float | np.ndarray
    duration: float
    power: LawByName = None
    ambient: LawByName = None
    outputs: Iterable[float] | None = None
    breaks: Iterable[float] = ()

    def output_times(self) -> list[float]:
        """Return the output times in ascending order; raise WarpError if one lies outside."""
        wanted = sorted({self.duration} if self.outputs is None else set(self.outputs))
        if wanted and not 0 <= wanted[0] <= wanted[-1] <= self.duration:
            raise WarpError(
                f"transient heat: a wanted time is not between 0 and {self.duration:g} s"
            )
        return wanted


@dataclass(frozen=True)
class Stepping:
    """Choice of time steps.

    tolerance: error of one step in K. first_step: length of the first step in s. fixed_step: length
    in s of all steps, without control of their error; `backward_euler` then makes them first order.
    """

    tolerance: float = 0.02
    first_step: float | None = None
    fixed_step: float | None = None
    backward_euler: bool = False

    def check(self, duration: float) -> None:
        """Raise WarpError if the values make no sense."""
        step = self.fixed_step or self.first_step or 1.0
        if not (duration > 0 and self.tolerance > 0 and step > 0):
            raise WarpError("transient heat: duration, tolerance and steps must be positive")
        if self.backward_euler and not self.fixed_step:
            raise WarpError(
                "transient heat: backward Euler has no error control; give it a fixed step"
            )


ADAPTIVE = Stepping()


@dataclass(frozen=True)
class TimeStep:
    """An accepted step.

    Its end and length (s), largest change and estimated error (K), iterations of its linear solves,
    rounds of property updates, and heat supplied to, lost by and stored in the full package (J).
    """

    time: float
    size: float
    change: float
    error: float
    iterations: int
    rounds: int
    supplied: float
    lost: float
    stored: float


@dataclass(frozen=True)
class Solution:
    """Temperatures at the output times, and the accepted steps.

    `frames`: (time in s, temperature (nz, ny, nx) in K, 0 in void); `hierarchies`: V-cycles built,
    each of which served several steps.
    """

    frames: list[tuple[float, np.ndarray]]
    steps: list[TimeStep]
    rejected: int
    hierarchies: int
    seconds: float

    @property
    def iterations(self) -> int:
        """Count the linear iterations of the accepted steps."""
        return sum(step.iterations for step in self.steps)


def solve(
    model: VoxelModel,
    boundaries: Iterable[Boundary],
    sources: dict[str, float | np.ndarray] | Iterable[Source],
    device: Device,
    schedule: Schedule,
    stepping: Stepping = ADAPTIVE,
    stretch: np.ndarray | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> Solution:
    """Solve for the temperature over the duration of the schedule.

    stretch: as in solve.solve_steady. progress(steps, time) is called after every step. Unlike the
    steady field, a transient one needs no film. Raises WarpError for input that makes no sense,
    ConvergenceError when a step misses the tolerance however short it is.
    """
    begun = clock.perf_counter()
    stepping.check(schedule.duration)
    outputs = schedule.output_times()
    boundaries = list(boundaries)
    laws = Laws.of(model, boundaries, sources, device, schedule.power, schedule.ambient)
    properties = PROPERTIES * stepping.tolerance
    matrices = Matrices.of(model, boundaries, device, properties, stretch)
    start = _complete(model, schedule.start) - matrices.datum
    x = device.asarray(np.where(model.ids > 0, start, 0.0))
    march = _March(laws, matrices, stepping, schedule, x)
    frames = [(0.0, matrices.absolute(x))] if outputs and outputs[0] == 0 else []
    while march.t < schedule.duration:
        step = march.advance()
        if step is None:  # rejected
            continue
        while len(frames) < len(outputs) and outputs[len(frames)] <= march.t:
            at = outputs[len(frames)]
            frames.append((at, matrices.absolute(step.at((at - march.started) / step.size))))
        if progress:
            progress(len(march.steps), march.t)
    seconds = clock.perf_counter() - begun
    return Solution(frames, march.steps, march.rejected, matrices.built, seconds)


def _complete(model: VoxelModel, start: float | np.ndarray) -> np.ndarray:
    """Return the first field in K; raise WarpError if a solid voxel has no temperature."""
    T = np.broadcast_to(np.asarray(start, float), model.ids.shape)
    missing = np.unique(model.ids[(model.ids > 0) & ~(T > 0)])
    if len(missing):
        parts = np.unique(np.asarray(model.media.part)[missing])
        names = ", ".join(f"'{model.parts[p]}'" for p in parts)
        raise WarpError(f"transient heat: {names} has no temperature to start from (K, above zero)")
    return T


def _fit(size: float, left: float, halve: bool) -> float:
    """Shorten a step to the time left, or to half of it if little more is left."""
    if size >= left * (1 - 1e-9):
        return left
    return left / 2 if halve and 2 * size > left else size


@dataclass(frozen=True)
class _Trial:
    """A step tried from x.

    `inner` and `whole`: changes up to its inner point and up to its end; `supplied` and `lost`:
    mean W over the step; `stored`: J; `owed`: J per voxel left for later steps; `settled`: the
    properties are those of the middle.
    """

    M: Matrix
    x: Array
    inner: Array
    whole: Array
    owed: Array
    size: float
    error: float
    supplied: float
    lost: float
    iterations: int
    rounds: int = 1
    stored: float = 0.0
    settled: bool = True

    def at(self, share: float) -> Array:
        """Return x at a share of the step, extrapolated beyond 1."""
        if share == 1:
            return self.x + self.whole
        bend = (self.whole - self.inner / G) / (1 - G)
        return self.x + share * (self.whole - bend) + share**2 * bend

    def step(self, t: float) -> TimeStep:
        """Describe the step that ended at t."""
        copies = self.M.A.model.grid.copies
        return TimeStep(
            time=t,
            size=self.size,
            change=float(abs(self.whole).max()),
            error=self.error,
            iterations=self.iterations,
            rounds=self.rounds,
            supplied=copies * (self.size * self.supplied),
            lost=copies * (self.size * self.lost),
            stored=copies * self.stored,
        )


class _March:
    """Advances in time.

    `x`: T - datum at time `t`; `started`: begin of the last step; `owed`: J per voxel that the
    steps so far left out, to be given over a time of `span` or more; `wish`: length in s wanted for
    the next step.
    """

    def __init__(
        self, laws: Laws, matrices: Matrices, stepping: Stepping, schedule: Schedule, x: Array
    ) -> None:
        self.laws, self.matrices, self.stepping = laws, matrices, stepping
        self.tolerance, self.euler = stepping.tolerance, stepping.backward_euler
        self.controlled = not stepping.fixed_step
        self.duration = schedule.duration
        inner = {t for t in (*schedule.breaks, *laws.knots) if 0 < t < self.duration}
        self.ends = sorted(inner | {self.duration})
        self.x, self.t, self.started = x, 0.0, 0.0
        self.owed, self.span = matrices.device.zeros(x.shape), 0.0
        self.before: _Trial | None = None
        self.last_error = self.tolerance
        self.steps: list[TimeStep] = []
        self.rejected = 0
        self.base = stepping.fixed_step or stepping.first_step or self.careful_step()
        self.wish = self.base

    def careful_step(self) -> float:
        """Return the time in which the fastest voxel would change by the tolerance."""
        M = self.matrices.matrix(1.0, self.x)
        t = self.t + INSIDE * self.duration
        F = self.laws.load(M, t) - M.conduction(self.x)
        fastest = float(abs(F / self._capacity(M)).max())
        longest = self.duration / 100
        return min(self.tolerance / fastest, longest) if fastest > 0 else longest

    def advance(self) -> _Trial | None:
        """Try a step; return it if it was accepted."""
        t, end = self.t, self.ends[bisect(self.ends, self.t)]
        size = self.base * 2 ** (np.floor(2 * np.log2(self.wish / self.base) + 1e-9) / 2)
        dt = _fit(size, end - t, halve=self.controlled)
        trial = self.attempt(dt)
        if trial.error > self.tolerance and (self.controlled or not trial.settled):
            if not self.controlled or dt < SMALLEST * self.duration:
                raise ConvergenceError(
                    f"transient heat: a step of {dt:.1e} s at {t:g} s misses {self.tolerance:g} K"
                )
            self.rejected += 1
            self.wish = dt * max(0.9 * (self.tolerance / trial.error) ** (1 / 3), SLOWER)
            return None
        self.x, self.t, self.before = trial.at(1.0), end if dt == end - t else t + dt, trial
        self.owed, self.span = trial.owed, max(self.span - dt, dt)
        self.started = t
        self.steps.append(trial.step(self.t))
        if self.controlled and self.t < self.duration:
            self._choose(dt, trial.error, jump=self.t == end and self.laws.jump(end, dt))
        return trial

    def _choose(self, dt: float, error: float, jump: bool) -> None:
        """Choose the length of the next step: a PI controller with gains 0.3/3 and 0.4/3."""
        error = max(error, 1e-3 * self.tolerance)
        gain = (self.tolerance / error) ** 0.1 * (self.last_error / error) ** (0.4 / 3)
        factor = min(0.95 * gain, FASTER)
        self.wish = factor * self.wish if 2 * dt > self.wish else max(self.wish, factor * dt)
        self.last_error = error
        if jump:
            self.wish, self.before = min(self.wish, self.careful_step()), None

    def attempt(self, dt: float) -> _Trial:
        """Try a step of dt; repeat it until its properties are those of its middle.

        Backward Euler takes them at its end.
        """
        x, before = self.x, self.before
        share = 1.0 if self.euler else 0.5
        middle = before.at(1 + min(share * dt / before.size, 1.0)) if before else x
        iterations: list[int] = []
        for _ in range(ROUNDS):
            M = self.matrices.at(dt if self.euler else D * dt, middle)
            trial = self._euler(M, dt) if self.euler else self._tr_bdf2(M, dt)
            iterations.append(trial.iterations)
            middle = x + share * trial.whole
            wrong = M.wrong(middle) * float(abs(trial.whole).max())
            settled = wrong <= PROPERTIES * self.tolerance
            if settled or (self.controlled and trial.error > self.tolerance):
                break
        error = trial.error
        if not settled:
            error = max(error, 8 * self.tolerance)  # a shorter step changes less
        gain = self.matrices.gain(M, x, trial.whole)
        owed = self.owed
        if self.matrices.enthalpy is not None:
            missed = M.C * trial.whole - gain  # for example a latent heat that the step skips
            error = max(error, float(abs(missed / self._capacity(M)).max()) / PROPERTIES)
            owed = self.owed - dt * self._repaid(dt) + missed
        trial = replace(trial, error=error, settled=settled, owed=owed, stored=float(gain.sum()))
        return replace(trial, iterations=sum(iterations), rounds=len(iterations))

    def _tr_bdf2(self, M: Matrix, dt: float) -> _Trial:
        x, t, before = self.x, self.t, self.before
        times = t + INSIDE * dt, t + G * dt, t + (1 - INSIDE) * dt
        q1, q2, q3 = (self.laws.load(M, s) + self._repaid(dt) for s in times)
        Kx = M.conduction(x)
        F1 = q1 - Kx
        guess = before.at(1 + G * dt / before.size) - x if before else None
        enough = self._linear_tolerance(guess)
        inner, n2 = self.matrices.solve(M, F1 + q2 - Kx, enough, guess)
        F2 = M.C * (inner / M.tau) - F1
        whole, n3 = self.matrices.solve(M, (W / D) * (F1 + F2) + q3 - Kx, enough, inner / G)
        F3 = M.C * (whole / M.tau) - (W / D) * (F1 + F2)
        difference = ERROR[0] * F1 + ERROR[1] * F2 + ERROR[2] * F3
        e, n = self.matrices.solve(M, difference, ESTIMATE)
        xs, weights = (x, x + inner, x + whole), (W, W, D)
        supplied = sum(w * self.laws.supplied(s) for w, s in zip(weights, times, strict=True))
        lost = sum(w * self.laws.lost(M, y, s) for w, y, s in zip(weights, xs, times, strict=True))
        error, iterations = float(abs(e).max()), n2 + n3 + n
        return _Trial(M, x, inner, whole, self.owed, dt, error, supplied, lost, iterations)

    def _euler(self, M: Matrix, dt: float) -> _Trial:
        x, before, end = self.x, self.before, self.t + (1 - INSIDE) * dt
        b = self.laws.load(M, end) + self._repaid(dt) - M.conduction(x)
        guess = before.at(1 + dt / before.size) - x if before else None
        whole, n = self.matrices.solve(M, b, self._linear_tolerance(guess), guess)
        supplied, lost = self.laws.supplied(end), self.laws.lost(M, x + whole, end)
        return _Trial(M, x, G * whole, whole, self.owed, dt, 0.0, supplied, lost, n)

    def _repaid(self, dt: float) -> Array:
        """Return W per voxel of the heat owed, no faster than it arose.

        A step that is shortened then changes less.
        """
        return self.owed / max(dt, self.span)

    def _capacity(self, M: Matrix) -> Array:
        """Return C to divide by: 1 in void."""
        return self.matrices.device.xp.where(M.C > 0, M.C, 1.0)

    def _linear_tolerance(self, guess: Array | None) -> float:
        """Return the relative residual that a change of the guessed size needs."""
        if guess is None:
            return LINEAR[0]
        size = max(float(abs(guess).max()), 1e-12)
        return float(np.clip(ALGEBRA * self.tolerance / size, *LINEAR))
