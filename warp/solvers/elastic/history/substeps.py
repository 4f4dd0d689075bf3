"""Substeps of a load step in which a material relaxes; strain and temperature are linear in each.

A single branch is integrated exactly (relaxation), but relaxing layers unload their neighbours at a
rate that the linear-in-time assumption misses. So a substep is solved whole and in two halves, over
at most SPAN kelvin; the branch strains q after it must agree,

    |q of one - q of two| <= TOLERANCE |q|

with |q| over all branches and voxels, the largest since the load step began; otherwise it is
shortened. Second order in the length: the halves, which count, have a third of that error. Once the
rest of the load step is too cold or too short for relaxation, one solve ends it. In a body free of
stress |q| is rounding, so it is taken as at least LEAST of the strain by which the body grows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from warp.errors import ConvergenceError
from warp.materials.relaxation import Relaxation
from warp.solvers.elastic.history.state import State

SPAN, TOLERANCE, LEAST = 10.0, 1e-3, 1e-2
FROZEN = 1e-4  # fraction of a branch that may relax in one solve at the end
SHORTEST = 1e-12  # fraction of the load step


class Solved(Protocol):
    """A solution as substeps need it."""

    @property
    def displacement(self) -> np.ndarray: ...

    @property
    def state(self) -> State: ...


S = TypeVar("S", bound=Solved)


@dataclass(frozen=True)
class Interval:
    """A load step or a part of it: temperatures in K (one or a field) at its ends, duration in s.

    first, last: where it begins and ends on the way of the whole load step.
    """

    start: float | np.ndarray
    end: float | np.ndarray
    duration: float
    first: float = 0.0
    last: float = 1.0

    def temperature(self, fraction: float) -> float | np.ndarray:
        """Return the temperature at a fraction of the time."""
        return self.end if fraction == 1 else self.start + fraction * (self.end - self.start)

    def between(self, first: float, last: float) -> Interval:
        """Return the part of the interval between two fractions of its time."""
        duration, whole = (last - first) * self.duration, self.last - self.first
        begin = self.first + first * whole
        end = self.last if last == 1 else self.first + last * whole
        return Interval(self.temperature(first), self.temperature(last), duration, begin, end)

    def hottest_after(self, fraction: float) -> float:
        """Return the highest temperature in K from a fraction of the time on."""
        return float(max(np.max(self.temperature(fraction)), np.max(self.end)))


OnPart = Callable[[Interval, State], None]
"""Called with every solve that counts: its part of the load step, and the state after it."""


def ignore(part: Interval, state: State) -> None:
    """Take no states."""


def solve(
    step: Callable[[Interval, State], S],
    laws: Collection[Relaxation],
    before: State,
    interval: Interval,
    extent: float,
    on_part: OnPart = ignore,
) -> S:
    """Solve a load step in as many substeps as its relaxation needs; return the last solution.

    step(interval, state) solves one substep. laws: of the materials that relax.
    extent: largest length of the body in m. on_part: takes the states of the halves that count.
    Raises ConvergenceError if substeps become too short.
    """
    done, fraction, state, largest = 0.0, 1.0, before, 0.0
    rise = float(np.max(np.abs(np.subtract(interval.end, interval.start))))
    longest = SPAN / max(SPAN, rise)
    while True:
        left = (1 - done) * interval.duration
        if frozen(laws, interval.hottest_after(done), left):
            rest = interval.between(done, 1.0)
            end = step(rest, state)
            on_part(rest, end.state)
            return end
        fraction = min(fraction, longest)
        until = 1.0 if done + fraction > 1 - 1e-9 else done + fraction
        middle = (done + until) / 2
        halves = interval.between(done, middle), interval.between(middle, until)
        one = step(interval.between(done, until), state)
        half = step(halves[0], state)
        two = step(halves[1], half.state)
        q, other = two.state.memory.strain, one.state.memory.strain
        growth = LEAST * float(np.ptp(two.displacement)) / extent
        largest = max(largest, float(np.linalg.norm(q)), growth * q.size**0.5)
        error = float(np.linalg.norm(q - other)) / largest if largest else 0.0
        if error <= TOLERANCE:
            for part, found in zip(halves, (half, two), strict=True):
                on_part(part, found.state)
            if until == 1:
                return two
            done, state = until, two.state
        elif fraction < SHORTEST:
            length = interval.between(done, until).duration
            raise ConvergenceError(
                f"relaxation: a step of {length:.1e} s misses {TOLERANCE:g} of the strain"
            )
        fraction *= float(np.clip(0.9 * (TOLERANCE / max(error, 1e-12)) ** (1 / 3), 0.1, 5.0))


def frozen(laws: Collection[Relaxation], T: float, duration: float) -> bool:
    """Return True if nothing relaxes during `duration` s at T in K and below."""
    return all(law.step(T, T, duration)[0].min() > 1 - FROZEN for law in laws)
