"""Conduction in time: capacity dT/dt = div(conductivity grad T) + heat, by implicit steps from a first field on.

Unknown and space as in `heat`; C = capacity times volume (J/K per voxel), F = heat - conduction - films (W). Steps are
TR-BDF2: a trapezium over g = 2 - sqrt 2 of the step, then backward differences over both parts, each a linear solve with
one and the same matrix C/(d dt) + K, d = 1 - sqrt(1/2). Second order, L-stable: large steps lead to the steady field.

    C (T2 - T1) = dt d (F1 + F2),        C (T3 - T1) = dt (w F1 + w F2 + d F3),        w = sqrt 2 / 4

An embedded third-order sum gives the error of every step, smoothed by the same matrix; its largest value (K) is held
below `tolerance` by a PI controller. Steps are powers of sqrt 2 of the first one, so that matrix and V-cycle serve many;
they end where a law of time bends or jumps. Wanted times are read off the parabola through T1, T2, T3.

Where properties vary with temperature they are those of the middle of the step (second order again), extrapolated and
then checked. Heat is conserved: no linear solve leaves any in the sum of its residual, and what a step's capacity leaves
between C (T3 - T1) and the gain of enthalpy, later steps give as heat; it counts as an error of the step, so that latent
heats, written as a capacity over a kelvin or more, are found.
Hosea and Shampine, Appl. Numer. Math. 20 (1996) 21; Gustafsson, ACM Trans. Math. Softw. 17 (1991) 533.
"""

from __future__ import annotations

import time as clock
from bisect import bisect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from warp.device import Device
from warp.errors import ConvergenceError, WarpError
from warp.solvers.heat.time_step import INSIDE, Law, Laws, Matrices, Matrix
from warp.voxels.boundary import Boundary, Source
from warp.voxels.voxelize import VoxelModel

G, D, W = 2 - 2**0.5, 1 - 0.5**0.5, 2**0.5 / 4
ERROR = (1 - 4 * W) / 3 / D, 1 / 3 / D, -2 / 3
"""Third-order weights of F1, F2, F3 minus those of the step, over d."""
_FASTER, _SLOWER = 8.0, 1 / 16  # how much a step grows and shrinks at most
_ROUNDS = 5  # property updates in one step before it counts as too long
_SHARE = 0.1  # of the tolerance: what properties at a slightly wrong temperature may cost
_ALGEBRA = 1e-3  # of the tolerance: what the linear solves may cost, their error taken as 10 times the residual
_LINEAR, _GUESS = (
    (1e-8, 1e-3),
    0.1,
)  # relative residuals: least and most for a step, and for its error
_SMALLEST = 1e-12  # step over duration


@dataclass(frozen=True)
class Step:
    """One accepted step: its end and length (s), largest change and estimated error (K), heat of the package (J)."""

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
    """`frames`: (time in s, temperature (nz, ny, nx) in K, 0 in void) at the wanted times."""

    frames: list[tuple[float, np.ndarray]]
    steps: list[Step]
    rejected: int
    hierarchies: int
    """V-cycles built; each served several steps."""
    seconds: float

    @property
    def iterations(self) -> int:
        """Linear iterations of the accepted steps."""
        return sum(step.iterations for step in self.steps)


def solve(
    model: VoxelModel,
    boundaries: Iterable[Boundary],
    sources: dict[str, float | np.ndarray] | Iterable[Source],
    device: Device,
    start: float | np.ndarray,
    duration: float,
    *,
    power: Law | Mapping[str, Law] | None = None,
    ambient: Law | Mapping[str, Law] | None = None,
    tolerance: float = 0.02,
    first_step: float | None = None,
    fixed_step: float | None = None,
    backward_euler: bool = False,
    outputs: Iterable[float] | None = None,
    breaks: Iterable[float] = (),
    stretch: np.ndarray | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> Solution:
    """March from `start` (K) over `duration` (s); `progress(steps, time)` after every step.

    power: factor on the sources, one law or one per part. ambient: K instead of what films and fixed faces say, one law
    or one per face. tolerance: error of one step in K. fixed_step: steps of so many s without control of their error,
    with `backward_euler` first-order ones. outputs: times in s (default: the end). breaks: times at which a law jumps.
    stretch: as in heat.solve_steady. Heat need not have a way out.
    """
    begun = clock.perf_counter()
    if not (duration > 0 and tolerance > 0 and (fixed_step or first_step or 1) > 0):
        raise WarpError("transient heat: duration, tolerance and steps must be positive")
    if backward_euler and not fixed_step:
        raise WarpError("transient heat: backward Euler has no error control; give it a fixed step")
    boundaries = list(boundaries)
    wanted = sorted({duration} if outputs is None else set(outputs))
    if wanted and not 0 <= wanted[0] <= wanted[-1] <= duration:
        raise WarpError(f"transient heat: a wanted time is not between 0 and {duration:g} s")
    laws = Laws.of(model, boundaries, sources, device, power, ambient)
    matrices = Matrices.of(model, boundaries, device, _SHARE * tolerance, stretch)
    ends = sorted({t for t in (*breaks, *laws.knots) if 0 < t < duration} | {duration})
    x = device.asarray(np.where(model.ids > 0, _complete(model, start) - matrices.datum, 0.0))
    march = _March(laws, matrices, tolerance, not fixed_step, backward_euler, device.zeros(x.shape))
    base = fixed_step or first_step or march.careful(x, 0.0, duration)

    frames = [(0.0, matrices.absolute(x))] if wanted and wanted[0] == 0 else []
    steps: list[Step] = []
    t, wish, rejected, last, before = 0.0, base, 0, tolerance, None
    while t < duration:
        end = ends[bisect(ends, t)]
        dt = _fit(
            base * 2 ** (np.floor(2 * np.log2(wish / base) + 1e-9) / 2),
            end - t,
            halve=not fixed_step,
        )
        trial = march.attempt(x, t, dt, before)
        if trial.error > tolerance and (not fixed_step or not trial.settled):
            if fixed_step or dt < _SMALLEST * duration:
                raise ConvergenceError(
                    f"transient heat: a step of {dt:.1e} s at {t:g} s misses {tolerance:g} K"
                )
            rejected += 1
            wish = dt * max(0.9 * (tolerance / trial.error) ** (1 / 3), _SLOWER)
            continue
        new = end if dt == end - t else t + dt
        while len(frames) < len(wanted) and wanted[len(frames)] <= new:
            at = wanted[len(frames)]
            frames.append((at, matrices.absolute(trial.at((at - t) / dt))))
        x, t, before = trial.at(1.0), new, trial
        march.owed, march.span = trial.owed, max(march.span - dt, dt)
        steps.append(trial.step(t))
        if progress:
            progress(len(steps), t)
        if fixed_step or t == duration:
            continue
        error = max(trial.error, 1e-3 * tolerance)
        factor = min(
            0.95 * (tolerance / error) ** 0.1 * (last / error) ** (0.4 / 3), _FASTER
        )  # gains 0.3/3, 0.4/3
        wish, last = (factor * wish if 2 * dt > wish else max(wish, factor * dt)), error
        if t == end and laws.jump(t, dt):
            wish, before = min(wish, march.careful(x, t, duration)), None
    return Solution(frames, steps, rejected, matrices.built, clock.perf_counter() - begun)


def _complete(model: VoxelModel, start: float | np.ndarray) -> np.ndarray:
    """The first field; every solid voxel must have a temperature (K)."""
    T = np.broadcast_to(np.asarray(start, float), model.ids.shape)
    missing = np.unique(model.ids[(model.ids > 0) & ~(T > 0)])
    if len(missing):
        names = ", ".join(
            f"'{model.parts[p]}'" for p in np.unique(np.asarray(model.media.part)[missing])
        )
        raise WarpError(f"transient heat: {names} has no temperature to start from (K, above zero)")
    return T


def _fit(size: float, left: float, halve: bool) -> float:
    """The step, shortened to what is left, or before that to half of it."""
    if size >= left * (1 - 1e-9):
        return left
    return left / 2 if halve and 2 * size > left else size


@dataclass(frozen=True)
class _Trial:
    """A step from x: the changes up to its inner point and up to its end; W as means over the step."""

    M: Matrix
    x: Any
    inner: Any
    whole: Any
    size: float
    error: float
    supplied: float
    lost: float
    iterations: int
    rounds: int = 1
    stored: float = 0.0
    owed: Any = None
    settled: bool = True
    """Properties are those of the middle."""

    def at(self, share: float) -> Any:
        """x at a share of the step, beyond 1 extrapolated."""
        if share == 1:
            return self.x + self.whole
        bend = (self.whole - self.inner / G) / (1 - G)
        return self.x + share * (self.whole - bend) + share**2 * bend

    def step(self, t: float) -> Step:
        copies = self.M.A.model.grid.copies
        supplied, lost, stored = (
            copies * heat
            for heat in (self.size * self.supplied, self.size * self.lost, self.stored)
        )
        change = float(abs(self.whole).max())
        return Step(
            t, self.size, change, self.error, self.iterations, self.rounds, supplied, lost, stored
        )


@dataclass
class _March:
    """Tries steps; `owed`: J per voxel that the steps so far should have given besides, to be given over a time `span`."""

    laws: Laws
    matrices: Matrices
    tolerance: float
    controlled: bool
    euler: bool
    owed: Any
    span: float = 0.0

    def careful(self, x: Any, t: float, duration: float) -> float:
        """A first step: the time in which the fastest voxel would change by the tolerance."""
        M = self.matrices.matrix(1.0, x)
        F = self.laws.load(M, t + INSIDE * duration) - M.conduction(x)
        fastest = float(abs(F / self._capacity(M)).max())
        return min(self.tolerance / fastest, duration / 100) if fastest > 0 else duration / 100

    def attempt(self, x: Any, t: float, dt: float, before: _Trial | None) -> _Trial:
        """One step; where properties vary, again until they are those of its middle (backward Euler: its end)."""
        place = 1.0 if self.euler else 0.5
        middle = before.at(1 + min(place * dt / before.size, 1.0)) if before else x
        done: list[int] = []
        for _ in range(_ROUNDS):
            M = self.matrices.at(dt if self.euler else D * dt, middle)
            trial = (self._euler if self.euler else self._tr_bdf2)(M, x, t, dt, before)
            done.append(trial.iterations)
            middle = x + place * trial.whole
            wrong = M.wrong(middle) * float(abs(trial.whole).max())
            if wrong <= _SHARE * self.tolerance or (
                self.controlled and trial.error > self.tolerance
            ):
                break
        settled = wrong <= _SHARE * self.tolerance
        error = (
            trial.error if settled else max(trial.error, 8 * self.tolerance)
        )  # shorter steps change less
        gain, owed = self.matrices.gain(M, x, trial.whole), self.owed
        if self.matrices.enthalpy is not None:
            missed = M.C * trial.whole - gain  # as of a latent heat that the step leaps over
            error = max(error, float(abs(missed / self._capacity(M)).max()) / _SHARE)
            owed = self.owed - dt * self._repaid(dt) + missed
        trial = replace(trial, error=error, settled=settled, owed=owed, stored=float(gain.sum()))
        return replace(trial, iterations=sum(done), rounds=len(done))

    def _tr_bdf2(self, M: Matrix, x: Any, t: float, dt: float, before: _Trial | None) -> _Trial:
        times = t + INSIDE * dt, t + G * dt, t + (1 - INSIDE) * dt
        q1, q2, q3 = (self.laws.load(M, s) + self._repaid(dt) for s in times)
        Kx = M.conduction(x)
        F1 = q1 - Kx
        guess = before.at(1 + G * dt / before.size) - x if before else None
        enough = self._enough(guess)
        inner, n2 = self.matrices.solve(M, F1 + q2 - Kx, enough, guess)
        F2 = M.C * (inner / M.tau) - F1
        whole, n3 = self.matrices.solve(M, (W / D) * (F1 + F2) + q3 - Kx, enough, inner / G)
        F3 = M.C * (whole / M.tau) - (W / D) * (F1 + F2)
        e, n = self.matrices.solve(M, ERROR[0] * F1 + ERROR[1] * F2 + ERROR[2] * F3, _GUESS)
        xs, weights = (x, x + inner, x + whole), (W, W, D)
        supplied = sum(w * self.laws.supplied(s) for w, s in zip(weights, times, strict=True))
        lost = sum(w * self.laws.lost(M, y, s) for w, y, s in zip(weights, xs, times, strict=True))
        return _Trial(M, x, inner, whole, dt, float(abs(e).max()), supplied, lost, n2 + n3 + n)

    def _euler(self, M: Matrix, x: Any, t: float, dt: float, before: _Trial | None) -> _Trial:
        end = t + (1 - INSIDE) * dt
        b = self.laws.load(M, end) + self._repaid(dt) - M.conduction(x)
        guess = before.at(1 + dt / before.size) - x if before else None
        whole, n = self.matrices.solve(M, b, self._enough(guess), guess)
        supplied, lost = self.laws.supplied(end), self.laws.lost(M, x + whole, end)
        return _Trial(M, x, G * whole, whole, dt, 0.0, supplied, lost, n)

    def _repaid(self, dt: float) -> Any:
        """W per voxel of what is owed, no faster than it came about: a step that is shortened changes less."""
        return self.owed / max(dt, self.span)

    def _capacity(self, M: Matrix) -> Any:
        """C to divide by: 1 in void."""
        return self.matrices.device.xp.where(M.C > 0, M.C, 1.0)

    def _enough(self, guess: Any) -> float:
        """Relative residual that a change of the guessed size needs."""
        if guess is None:
            return _LINEAR[0]
        return float(
            np.clip(_ALGEBRA * self.tolerance / max(float(abs(guess).max()), 1e-12), *_LINEAR)
        )
