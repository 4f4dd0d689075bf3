"""How many solves a load step takes where something relaxes: in each of them strain and temperature are linear in time.

That is how a step of a branch is exact (relaxation), but a layer that relaxes lets go of the strain of its neighbours at a
rate of its own. So a step is taken whole and in two halves, SPAN kelvin at most; what the branches remember must come out
alike,

    |q of one - q of two| <= TOLERANCE |q|,     |q| over all branches and voxels, the largest since the load step began

else it is shortened. Second order in the length: the halves, which count, have a third of that error. Once the rest of the
load step is too cold or too short for anything to relax, one solve ends it. A chip with mould that cools by 150 K through its
glass transition takes some 40 solves, for 0.1 % of its curvature; in one it would be 15 % off.
Of a body that is free of stress |q| is rounding: it is taken to be no less than LEAST of the strain by which the body grows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import numpy as np

from warp.errors import ConvergenceError
from warp.materials.relaxation import Relaxation
from warp.solvers.elastic.history.state import State

if TYPE_CHECKING:
    from warp.solvers.elastic.solve import Solution

SPAN, TOLERANCE, LEAST = 10.0, 1e-3, 1e-2
FROZEN = 1e-4  # of a branch, that may relax in one solve
SHORTEST = 1e-12  # of the load step


def solve(
    step: Callable[[float | np.ndarray, State, float], Solution],
    laws: Collection[Relaxation],
    before: State,
    start: float | np.ndarray,
    end: float | np.ndarray,
    duration: float,
    extent: float,
) -> Solution:
    """Go from `before` at `start` (K, one or a field) to `end` in `duration` s; the last solution.

    step(temperature, state, duration): one solve. laws: of what relaxes. extent: of the body, m.
    """

    def at(time: float) -> float | np.ndarray:
        return end if time == 1 else start + time * (end - start)

    done, share, state, largest = 0.0, 1.0, before, 0.0
    longest = SPAN / max(SPAN, float(np.max(np.abs(np.subtract(end, start)))))
    while True:
        if asleep(laws, float(max(np.max(at(done)), np.max(end))), (1 - done) * duration):
            return step(end, state, (1 - done) * duration)
        share = min(share, longest)
        until = 1.0 if done + share > 1 - 1e-9 else done + share
        length = (until - done) * duration
        one = step(at(until), state, length)
        half = step(at((done + until) / 2), state, length / 2)
        assert half.state is not None
        two = step(at(until), half.state, length / 2)
        assert one.state is not None and two.state is not None
        q, other = two.state.memory.strain, one.state.memory.strain
        growth = LEAST * float(np.ptp(two.displacement)) / extent
        largest = max(largest, float(np.linalg.norm(q)), growth * q.size**0.5)
        error = float(np.linalg.norm(q - other)) / largest if largest else 0.0
        if error <= TOLERANCE:
            if until == 1:
                return two
            done, state = until, two.state
        elif share < SHORTEST:
            raise ConvergenceError(
                f"relaxation: a step of {length:.1e} s misses {TOLERANCE:g} of the strain"
            )
        share *= float(np.clip(0.9 * (TOLERANCE / max(error, 1e-12)) ** (1 / 3), 0.1, 5.0))


def asleep(laws: Collection[Relaxation], T: float, duration: float) -> bool:
    """Whether nothing relaxes in so many seconds at T in K and below."""
    return all(law.step(T, T, duration)[0].min() > 1 - FROZEN for law in laws)
