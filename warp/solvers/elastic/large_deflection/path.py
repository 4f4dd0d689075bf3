"""Follow a body from its start to its full load, past the points where its shape changes.

The load grows in increments, as long as the minimum of energy moves on smoothly. Where the
stability of the shape falls towards zero, a dome is about to turn into a cylinder: the critical
load is where a line through the last two values reaches zero, found from below, and beyond it the
body is pushed along its softest mode, in the one and in the other sense. Each leads to a stable
shape; of those, `branch` chooses the one that is bent more along x, along y, or that has less
energy there (the push in the positive sense of x, if equal).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from warp.errors import ConvergenceError
from warp.machine.arrays import Array
from warp.solvers.elastic.large_deflection.law import Law
from warp.solvers.elastic.large_deflection.newton import STEPS, Shape, minimum
from warp.solvers.elastic.large_deflection.preconditioner import Preconditioner
from warp.solvers.elastic.large_deflection.softest import LONG
from warp.solvers.elastic.large_deflection.stored import Stored

Branch = Literal["x", "y", "lower energy"]
FIRST = 1.0
"""Deflection by linear theory over the height of the body at the end of the first increment."""
GROWTH, QUICK, SLOW = 1.6, 7, 14
"""Growth of increments that took at most QUICK Newton steps; those of SLOW steps shrink by it."""
PATIENCE = 12
"""Newton steps of the first increment after which the forces in place of what was released are
taken not to hold the body."""
LOADED, CAREFUL = 0.95, 0.1
"""Stability at the start below which the first increment is at most CAREFUL of the load."""
SHORTEST = 1e-3
"""Shortest increment over the full load."""
NEAR, APPROACH = 0.02, 0.9
"""Distance to a critical load over it from which it counts as found, and the share of the distance
that an increment goes.
"""
BEYOND = 1.08
"""Load over the critical one at which branches are entered."""
PUSH = 0.5
"""Deflection of a push over the height of the body."""
JUMP = 1.0
"""Change of the shape at a critical load, over the height of the body, that is a jump."""
ON_THE_WAY = 1e-5
"""Residual of shapes before the full load, at least: they are starts, and judged for stability."""
SETTLED = 0.01
"""Deflection of a dome, over the height of the body, whose energy may be left to fall there: forces
that bend a thin body are small beside those that stretch it, and a residual may miss them."""
STRAYED = 0.3
"""Distance of a shape from the extrapolated one, over the height of the body, near a critical load
that shows that the body has changed its shape by itself.
"""
ALIKE = 1e-6
"""Difference of energies, over the energy, that is none."""
OnIncrement = Callable[[float, float], None]
"""Called with the fraction of the load and the residual after every Newton step."""
Stretched = Callable[[], Array]


@dataclass(frozen=True)
class Bifurcation:
    """A load at which the shape changes: fraction of the load, and the energies after it in J.

    energies: of the shape that was chosen and of the other stable one; None if there was one only.
    branch: the axis along which the chosen one is bent more. jump: range in m of the change of w
    from the last shape before the load (at most 2 % below it) to the first one beyond (8 % above).
    """

    fraction: float
    energies: tuple[float, float] | None
    branch: Literal["x", "y"]
    jump: float


@dataclass(frozen=True)
class Path:
    """The shape at the full load, and how it came about."""

    shape: Shape
    increments: int
    iterations: int
    residuals: list[float]
    bifurcations: list[Bifurcation] = field(default_factory=list)

    def ending(self, shape: Shape) -> Path:
        """Return the path with one more minimum at its end, in which a body was laid down."""
        increments, iterations = self.increments + 1, self.iterations + shape.iterations
        residuals = self.residuals + shape.residuals
        return Path(shape, increments, iterations, residuals, self.bifurcations)


@dataclass(frozen=True)
class Passed:
    """A shape that was passed: load, stability and displacement, None if it is not stored now."""

    at: float
    stability: float
    displacement: Stored | None


@dataclass(frozen=True)
class Entered:
    """A shape beyond a critical load: energy in J, stability, mean curvatures and displacement.

    bent: magnitudes of the curvatures along x and y in 1/m.
    """

    energy: float
    stability: float
    bent: np.ndarray
    displacement: Stored


class Follower:
    """A body that is loaded step by step; `follow` does it."""

    def __init__(
        self,
        law: Law,
        pre: Preconditioner,
        scale: float,
        tolerance: float,
        height: float,
        branch: Branch,
        on_increment: OnIncrement | None = None,
        stretched: Stretched | None = None,
    ) -> None:
        """Prepare; scale: force in N that residuals relate to; height: of the body in m.

        stretched: finds the shape in which a body begins that its present loads would not hold
        (`relief`); None: it springs to its full load at once.
        """
        self.law, self.pre, self.tolerance = law, pre, tolerance
        self.scale = scale or 1.0  # a step without change
        self.height, self.branch, self.on_increment = height, branch, on_increment
        self.enough = pre.energy_of_dome(SETTLED * height)
        self.stretched, self.let_go = stretched, False
        self.increments, self.iterations = 0, 0
        self.residuals: list[float] = []
        self.bifurcations: list[Bifurcation] = []
        self.smooth: list[float] = []  # loads that only looked critical

    def follow(self, linear_deflection: float) -> Path:
        """Load the body fully; linear_deflection: what linear theory says about it, in m."""
        first = FIRST * self.height / max(linear_deflection, 1e-30)
        step = 1.0 if first > 0.7 else first
        at, shape = 0.0, self._start()
        if shape.stability < 0:
            at, shape = self._let_go(shape)
        if shape.stability < LOADED:
            step = min(step, CAREFUL)  # how fast the stability falls is not known yet
        before: Passed | None = None
        while at < 1:
            aim = 1.0 if at + 1.1 * step > 1 else at + step
            critical = None if before is None else meets_zero(before, at, shape.stability)
            nearing = critical is not None and critical < 1.3 * aim and self._unknown(critical)
            if nearing and critical is not None and critical < 1:
                if critical - at < NEAR * critical:
                    aim = min(1.0, BEYOND * critical)
                    before, at, shape = None, aim, self._branches(aim, critical, at, shape)
                    step = aim - critical + 0.3 * step
                    continue
                aim = min(aim, at + APPROACH * (critical - at))
            start = self._stored(shape.x)
            x, stability = predicted(before, at, shape.x, aim), shape.stability
            if before is not None:
                before = replace(before, displacement=None)
            expected = self.pre.modes.column_means(x) if nearing else None
            released = at == 0 and self.law.at_start is not None and not self.let_go
            try:
                after = self._solve(aim, x, most=PATIENCE if released else STEPS)
            except ConvergenceError:
                start.full(shape.x)
                if released and before is None:
                    at, shape = self._let_go(shape)
                    continue
                step = (aim - at) / 2
                if step < SHORTEST:
                    raise
                continue
            slipped = expected is not None and (
                float(abs(self.pre.modes.column_means(after.x) - expected).max())
                > STRAYED * self.height
                or after.stability > stability
            )
            del expected
            if after.stability < 0 or slipped:
                # past the critical load: on the dome still, or slipped from it by itself
                del after
                start.full(shape.x)
                step = (aim - at) / 2
                if aim - at < NEAR * aim:
                    middle = (at + aim) / 2
                    before, at, shape = None, aim, self._branches(aim, middle, at, shape)
                    step *= GROWTH
                continue
            steps = len(after.residuals) - 1
            step = step * (GROWTH if steps <= QUICK else 1 / GROWTH if steps >= SLOW else 1)
            before = Passed(at, stability, start)
            at, shape = aim, after
        return Path(shape, self.increments, self.iterations, self.residuals, self.bifurcations)

    def _start(self, x: Array | None = None) -> Shape:
        self.law.load(0.0)
        x = self.law.device.zeros(self.law.A.shape) if x is None else x
        energy, _ = self.law.gradient(x)
        self.pre.update()
        self.pre.judge(LONG)
        return Shape(x, energy, [], 0, self.pre.stability)

    def _let_go(self, shape: Shape) -> tuple[float, Shape]:
        """Return a load at which a body is stable that its present loads would not hold, and how.

        A clamp is gone that pressed it flat, or a part that its stress stiffened; forces in its
        place, that fade, would buckle it. Its edges move first, then it bends; a body that does not
        float springs to its full load at once.
        """
        self.let_go = True
        if self.stretched is not None:
            x, self.stretched = self.stretched(), None
            self.law.start_from(x)
            shape = self._start(x)
            if shape.stability > 0:
                return 0.0, shape
        after = self._solve(1.0, shape.x)
        return 1.0, self._branches(1.0, 1.0, 1.0, after) if after.stability < 0 else after

    def _stored(self, x: Array) -> Stored:
        return Stored.of(x, self.pre.modes.exists)

    def _unknown(self, critical: float) -> bool:
        known = [*(b.fraction for b in self.bifurcations), *self.smooth]
        return all(abs(fraction - critical) > 0.1 * critical for fraction in known)

    def _solve(self, fraction: float, x: Array, radius: float = np.inf, most: int = STEPS) -> Shape:
        self.law.load(fraction)
        told = self.on_increment

        def on_step(residual: float) -> None:
            if told is not None:
                told(fraction, residual)

        x = self.law.holding(x)
        tolerance = self.tolerance if fraction == 1 else max(self.tolerance, ON_THE_WAY)
        enough = self.enough if tolerance > self.tolerance else np.inf
        args = self.law, self.pre, self.scale, tolerance, x, radius, on_step
        found = minimum(*args, most=most, enough=enough)
        self.increments += 1
        self.iterations += found.iterations
        self.residuals += found.residuals
        return found

    def _branches(self, fraction: float, critical: float, at: float, shape: Shape) -> Shape:
        """Push a shape at the load `at` both ways, and choose among the stable ones at `fraction`.

        A change of shape is noted if the two differ, or if the shape jumps.
        """
        self.law.load(at)
        self.law.gradient(shape.x)
        self.pre.update()
        self.pre.judge()
        mode = self.pre.mode()
        x, y = self._curvatures(mode)
        mode *= PUSH * self.height * (1.0 if self._rolls(x, y, shape) else -1.0)
        pushed = self.pre.wide
        self.law.A.apply(pushed, mode)
        radius = float(self.law.device.xp.vdot(mode, pushed)) ** 0.5
        push, start = self._stored(mode), self._stored(shape.x)
        del mode
        entered = []
        for sense in (-1.0, 1.0):
            start.full(shape.x)
            for a, own in enumerate(shape.x):
                own += sense * push.component(a)
            last = self._solve(fraction, shape.x, radius)
            entered.append(self._entered(last))
        stable = [one for one in reversed(entered) if one.stability >= 0]
        if not stable:
            raise ConvergenceError("large deflection: no stable shape beside an unstable one")
        chosen, *others = self._ranked(stable)
        before = replace(chosen, displacement=start)
        differ = bool(others) and self._apart(chosen, others[0])
        if differ or self._apart(chosen, before, JUMP):
            energies = (chosen.energy, others[0].energy) if differ else None
            branch: Literal["x", "y"] = "x" if chosen.bent[0] >= chosen.bent[1] else "y"
            change = self._change(chosen, before)
            jump = float(change.max() - change.min())
            del change
            self.bifurcations.append(Bifurcation(critical, energies, branch, jump))
        else:
            self.smooth.append(critical)
        if chosen is entered[-1]:
            return last
        return self._solve(fraction, chosen.displacement.full(last.x))

    def _entered(self, shape: Shape) -> Entered:
        bent = np.abs(self._curvatures(shape.x))
        return Entered(shape.energy, shape.stability, bent, self._stored(shape.x))

    def _apart(self, one: Entered, other: Entered, share: float = 0.01) -> bool:
        """Tell whether w of two shapes differs by more than a share of the height somewhere."""
        return float(abs(self._change(one, other)).max()) > share * self.height

    def _change(self, one: Entered, other: Entered) -> Array:
        return one.displacement.component(2) - other.displacement.component(2)

    def _ranked(self, found: list[Entered]) -> list[Entered]:
        """Sort shapes, the wanted one first; at equal energies the first stays first."""
        if self.branch == "lower energy":
            least = min(one.energy for one in found)
            return sorted(found, key=lambda one: one.energy - least > ALIKE * abs(least))
        sense = 1 if self.branch == "y" else -1
        return sorted(found, key=lambda one: sense * float(one.bent[0] - one.bent[1]))

    def _rolls(self, x: float, y: float, shape: Shape) -> bool:
        """Tell whether a push by curvatures x, y bends the body more along x than along y."""
        a, b = self._curvatures(shape.x)
        return abs(a + 1e-3 * x) - abs(b + 1e-3 * y) >= abs(a - 1e-3 * x) - abs(b - 1e-3 * y)

    def _curvatures(self, x: Array) -> np.ndarray:
        """Return the mean curvature along x and along y of a displacement, in 1/m."""
        modes = self.pre.modes
        w = modes.column_means(x).reshape(-1)
        found = [S @ (T @ w) for S, T in zip(modes.stretch, modes.tilt, strict=True)]
        area = modes.area.reshape(-1)
        return np.array([float(a @ area) for a in found]) / area.sum()


def meets_zero(before: Passed, at: float, stability: float) -> float | None:
    """Return the load at which the stability would be zero; None if it rises.

    The lesser of two, by lines in the load and in its square: the stability falls with the square
    at first and then more slowly.
    """
    fall = before.stability - stability
    if fall <= 0:
        return None
    left = stability / fall
    line = at + left * (at - before.at)
    square = at**2 + left * (at**2 - before.at**2)
    return float(min(line, np.sqrt(square)))


def predicted(before: Passed | None, at: float, x: Array, aim: float) -> Array:
    """Extrapolate the displacement x at a load to the load `aim`, in its memory."""
    if before is not None and before.displacement is not None:
        further = min((aim - at) / (at - before.at), 2.0)
        for a, own in enumerate(x):
            own += further * (own - before.displacement.component(a))
    return x
