"""Solve a step of a body that may bend by more than its thickness.

Linear theory goes first. Its largest deflection over the height of the thinner columns of the body
says how far it is off: by 0.27 (deflection / height)^2 for a free plate (by 6 % at 0.47; von
Karman's plate, `path`). With "auto" a step that is off by less than 1 % keeps the linear solution,
bit for bit; any other is solved by the law of moderate rotations, from the body as it was before
the step: in-plane strains count from the slopes that it had, so that a part which is attached to a
bent body is free of stress on it, as on a shallow shell.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from warp.errors import ConvergenceError
from warp.machine.device import Device
from warp.machine.freed_memory import trim, unmap_when_freed
from warp.solvers.elastic import solve as linear
from warp.solvers.elastic.balance import Balance, norm, product
from warp.solvers.elastic.clamp import held_indices, prescribed
from warp.solvers.elastic.contact import WEIGHED, TableContact, weight
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.history.step import Step
from warp.solvers.elastic.large_deflection.ground import Ground, settle
from warp.solvers.elastic.large_deflection.law import Law
from warp.solvers.elastic.large_deflection.path import ON_THE_WAY, Branch, Follower, Path
from warp.solvers.elastic.large_deflection.preconditioner import Preconditioner
from warp.solvers.elastic.large_deflection.relief import stretched
from warp.solvers.elastic.large_deflection.resting import Preconditioner as resting_on
from warp.solvers.elastic.large_deflection.rim import Rim, rim
from warp.solvers.elastic.large_deflection.shape import Bent, curvatures, midsurface
from warp.solvers.elastic.layout import bordered, temperature_array
from warp.solvers.elastic.multigrid.cycle_cache import CycleCache
from warp.solvers.elastic.rigid import remove_rigid_motion
from warp.solvers.krylov import DEFAULT, Control
from warp.voxels.supports import Clamp, Support, Table, flattening
from warp.voxels.supports import held as held_faces
from warp.voxels.voxelize import VoxelModel

STIFFENING, WRONG = 0.27, 0.01
"""Error of linear theory over (deflection / height)^2, and the error from which it is left."""
THINNER = 0.05
"""Share of the body's area whose columns are thinner than the height that counts."""


OnIncrement = Callable[[float, float], None]
"""Called with the fractions of the load at which an increment begins and ends."""


def ignore(first: float, last: float) -> None:
    """Take no increments."""


class Increments:
    """Tell each increment of the load once, from the fractions that Newton steps are made at."""

    def __init__(self, on_increment: OnIncrement) -> None:
        self.on_increment = on_increment
        self.solved, self.aim = 0.0, 0.0

    def reach_for(self, fraction: float) -> None:
        """Note a Newton step at a fraction of the load: a lesser one than before was too much."""
        if fraction == self.aim:
            return
        if fraction > self.aim:
            self.solved = self.aim
        self.aim = fraction
        self.on_increment(min(self.solved, fraction), fraction)


FEWEST = 3
"""Columns along x or y from which a body can bend as a plate does."""
ROUND_OFF = 1e-11
"""Least residual of a body on a table over the other forces: rotations round what A x cancels."""


@dataclass(frozen=True, kw_only=True)
class Solution(linear.Solution):
    """A solution beyond linear theory; `bent` says how the shape came about."""

    bent: Bent


@dataclass(frozen=True)
class Wanted:
    """When large deflection counts, always or where linear theory is off, and which branch."""

    when: Literal["always", "auto"] = "always"
    branch: Branch = "lower energy"


def solve(
    model: VoxelModel,
    temperature: float | np.ndarray,
    device: Device,
    state: State,
    control: Control = DEFAULT,
    *,
    wanted: Wanted,
    start: float | np.ndarray,
    duration: float = 0.0,
    support: Support = None,
    cycle_cache: CycleCache | None = None,
    on_increment: OnIncrement = ignore,
) -> linear.Solution:
    """Solve for the displacement after a step from `state`, as `elastic.solve` does.

    start: temperature in K at the beginning of the step, one or (nz, ny, nx). on_increment: called
    with every increment of the load before it is solved. A `Solution` of this
    module unless linear theory was kept. Raises ConvergenceError where no stable
    shape is found.
    """
    unmap_when_freed()
    cache = CycleCache() if cycle_cache is None else cycle_cache
    began = time.perf_counter()
    by_linear = partial(
        linear.solve,
        model,
        temperature,
        device,
        state,
        control,
        duration=duration,
        cycle_cache=cache,
        start=start,
    )
    always = wanted.when == "always"
    first, stands = _by_linear_theory(by_linear, support, always)
    reach = deflection(model, first.displacement)
    if isinstance(support, Clamp):  # pressed flat, it bends by what it was bent before
        reach = max(reach, deflection(model, first.displacement - state.displacement))
    already = deflection(model, state.displacement)
    columns = max(model.grid.shape[1:])
    if columns < FEWEST or stands and error_of_linear_theory(model, max(reach, already)) < WRONG:
        return first
    linear_curvatures = curvatures(model, first.displacement)
    iterations, of_linear = first.iterations, None
    if state.solid.any() and not isinstance(support, Clamp):
        of_linear = first.displacement
    del first  # and the state after the linear step
    if isinstance(support, Table) and not always:
        reach = deflection(model, by_linear().displacement)
    body = _Body(model, device, state, support, temperature_array(start))
    cache.kept.forget()
    if isinstance(support, Clamp):
        cache.forget()
    args = temperature_array(temperature), duration, control, wanted, cache, reach
    found = body.followed(*args, of_linear, on_increment)
    after, path, resting = found
    U = after.on(device, "displacement").copy()
    remove_rigid_motion(device, U, body.ids, model.grid, body.held)
    displacement = device.to_host(U)
    bent = Bent.of(model, displacement, path, linear_curvatures)
    seconds = time.perf_counter() - began
    iterations += path.iterations
    return Solution(
        displacement, iterations, path.residuals, seconds, after, resting=resting, bent=bent
    )


def _by_linear_theory(
    solve: Callable[..., linear.Solution], support: Support, always: bool
) -> tuple[linear.Solution, bool]:
    """Solve by linear theory, and tell whether the solution may stand.

    Without a table where it cannot: a body beyond linear theory may be too flexible for one.
    """
    if not isinstance(support, Table):
        return solve(support=support), not always
    if not always:
        with suppress(ConvergenceError):
            return solve(support=support), True
    return solve(), False


class _Body:
    """A body before a step: how it is supported, and its temperature in K there."""

    def __init__(
        self,
        model: VoxelModel,
        device: Device,
        state: State,
        support: Support,
        temperature: np.ndarray,
    ) -> None:
        self.model, self.device, self.state = model, device, state
        self.support, self.temperature = support, temperature
        self.held = held_indices(model, support)
        self.ids = bordered(device, model.ids)
        if state.solid.any() and not len(self.held) and not all(model.grid.mirror):
            self._level()

    def _level(self) -> None:
        """Take out the tilt that a body has before the step; strains stay as they are.

        Of a unit from the corner of a bent panel it is the slope of the panel, of which the law's
        energy is not free: moderate rotations of a tilted body strain it in the third order.
        """
        U = self.state.on(self.device, "displacement").copy()
        remove_rigid_motion(self.device, U, self.ids, self.model.grid)
        self.state = self.state.displaced(self.device, U)

    def followed(
        self,
        temperature: np.ndarray,
        duration: float,
        control: Control,
        wanted: Wanted,
        cache: CycleCache,
        reach: float,
        by_linear: np.ndarray | None,
        on_increment: OnIncrement,
    ) -> tuple[State, Path, TableContact | None]:
        """Follow the load to a temperature in K; return the state, the path and what it rests on.

        reach: deflection in m by linear theory, where the body floats; by_linear: the displacement
        of a body that has a past and may be let go.
        """
        model, device, held = self.model, self.device, self.held
        there, start, frame = None, self.temperature, cache.frame_of(model, device)
        if self.state.solid.any():
            step = Step(model, start, device, self.state, 0.0, held, start, frame)
            _, stress, _ = loads(model, step)
            there = device.asarray(padded(step.displacement)), device.asarray(stress)
            del step, stress
        step = Step(model, temperature, device, self.state, duration, held, start, frame)
        A = step.A.holding(held) if len(held) else step.A
        forces, stress, sides = loads(model, step)
        scale = linear.scale_of(model, step.A, temperature, device.asarray(forces))
        pressed = self._pressed(step, control)
        if pressed is not None:
            scale = max(scale, norm(product(A, pressed)))
        law = Law(A, sides, device.asarray(forces), device.asarray(stress), there, pressed)
        del forces, stress, sides  # the law has what it needs
        if not len(held):
            law.keep_tilt(model)
        pre = Preconditioner(model, law, cache.cycle_for(A), smooth=not len(held))
        if len(held):
            cache.forget()
        count, increments = 0, Increments(on_increment)

        def told(fraction: float, residual: float) -> None:
            nonlocal count
            count += 1
            increments.reach_for(fraction)
            if control.progress is not None:
                control.progress(count, residual)

        height = float(np.median(heights(model)))
        alone = None
        if by_linear is not None:
            change = padded(by_linear - step.displacement)
            alone = partial(stretched, model, law, pre.modes, change)
        args = law, pre, scale, control.tolerance, height, wanted.branch, told, alone
        follower = Follower(*args)
        trim()  # of what set-up has left
        path = follower.follow(reach)
        cycle, resting = pre.cycle, None
        del alone, args, follower, pre  # their memory is free for what follows
        if isinstance(self.support, Table):
            pull = float(norm(weight(model, A)))
            least = control.tolerance * scale or WEIGHED * pull
            goal = max(min(least, WEIGHED * pull), ROUND_OFF * scale)
            ground = Ground(model, law, padded(step.displacement))
            laid = resting_on(model, law, ground, cycle)
            rough = ON_THE_WAY * scale
            on_step = partial(told, 1.0)
            shape, resting = settle(model, law, laid, ground, path.shape, goal, rough, on_step)
            residuals = [residual * pull / max(scale, pull) for residual in shape.residuals]
            path = path.ending(replace(shape, residuals=residuals))
            del laid
        added = law.added_strains(path.shape.x)
        return step.after(path.shape.x, added), path, resting

    def _pressed(self, step: Step, control: Control) -> np.ndarray | None:
        """Return the linear displacement by faces that are pressed flat, None without such."""
        if not isinstance(self.support, Clamp) or not self.support.flat:
            return None
        at, face = held_faces(self.model, self.support, step.A.shape)
        target = flattening(self.model, step.displacement, at, face)
        if not target.any():
            return None
        unloaded = Balance(step.A, self.device.zeros(step.A.shape), 0.0, control)
        pressed: np.ndarray = self.device.to_host(prescribed(unloaded, at, target)[0])
        return pressed


def loads(model: VoxelModel, step: Step) -> tuple[np.ndarray, np.ndarray, Rim]:
    """Return the forces of a step in N, its stress in the plane in N m (`Law`), and the rim."""
    forces, stress = step.device.to_host(step.imbalance()), step.in_plane()
    sides = rim(model, step.A)
    sides.add(forces, stress[2], step.loaded_shear()[2])
    return forces, stress, sides


def padded(displacement: np.ndarray) -> np.ndarray:
    """Return a displacement (3, nz+1, ny+1, nx+1) in the solver's layout."""
    return np.pad(displacement, ((0, 0), (0, 0), (0, 0), (1, 1)))


def heights(model: VoxelModel) -> np.ndarray:
    """Return the heights in m of the columns that are solid, from the lowest to the highest voxel.

    Each as often as its share of the area in thousandths, rounded up.
    """
    solid, z = model.ids > 0, model.grid.z
    present = solid.any(axis=0)
    low, high = solid.argmax(axis=0), solid.shape[0] - solid[::-1].argmax(axis=0)
    area = model.grid.area[present]
    times = np.ceil(1000 * area / area.sum()).astype(int)
    found: np.ndarray = np.repeat((z[high] - z[low])[present], times)
    return found


def deflection(model: VoxelModel, displacement: np.ndarray) -> float:
    """Return the range in m of w over the columns, each at its mean over its height.

    The plane through it is left out.
    """
    _, _, w, _ = midsurface(model, displacement)
    return float(np.ptp(w)) if w.size else 0.0


def error_of_linear_theory(model: VoxelModel, reach: float) -> float:
    """Return the share by which linear theory is off at a deflection in m."""
    height = float(np.quantile(heights(model), THINNER))
    return STIFFENING * (reach / height) ** 2
