"""The states of a process one after the other from the last, within load steps that relax, too.

A load step is divided into solves where a material relaxes; of these the tape keeps displacements
alone. Their states follow from the state before the load step with the operators of the solves, but
without solving: those of one load step at a time lie beside the tape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from warp.adjoint.carried import Cut, Filled
from warp.adjoint.tape import Recorded, read
from warp.case.case import Case
from warp.machine.device import Device
from warp.run import flat_parts
from warp.solvers.elastic.clamp import held_indices
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.history.step import Step
from warp.solvers.elastic.layout import temperature_array


@dataclass(eq=False)
class States:
    """The states after the solves of a process; `folder`: for those of one load step."""

    case: Case
    steps: Sequence[Recorded]
    folder: Path
    device: Device
    rebuilt: dict[int, Path] = field(default_factory=dict)

    def after(self, n: int) -> State:
        """Return the state after solve n."""
        one = self.steps[n]
        if one.ends:
            return one.state()
        if n not in self.rebuilt:
            self._rebuild(one.number)
        return read(self.rebuilt[n])

    def before(self, n: int) -> tuple[State, Cut | Filled | None]:
        """Return the state before solve n on its voxels, and how it came there, if voxels change.

        As `run.process` carries it.
        """
        shape = self.steps[n].stage.voxels.ids.shape
        state = self.after(n - 1) if n else None
        if state is None:
            return State.start(shape), None
        carry = self._carry(n, state)
        return (state, None) if carry is None else (carry.new, carry)

    def follow_the_first(self) -> None:
        """Build the states anew that follow one that was not solved in the process.

        New parts cover lateral edges of the body that it began with; these carry no force, but an
        input may change that.
        """
        before, _ = self.before(1)
        if len(self._advanced(1, before).held) == len(self.after(1).held):
            return
        for n in range(1, len(self.steps)):
            before, _ = self.before(n)
            state = self._advanced(n, before)
            if self.steps[n].ends:
                np.savez(self.steps[n].path, allow_pickle=False, **state.arrays())

    def _carry(self, n: int, before: State) -> Cut | Filled | None:
        """Return how the state before solve n came to its voxels, as `process` does it."""
        old, one = self.steps[n - 1], self.steps[n]
        unit = one.step.stage.unit
        if unit is not None and unit != old.step.stage.unit:
            return Cut.of(old.stage.voxels, unit, before)
        if one.step.attached and one.step.stage != old.step.stage:
            models = old.stage.voxels, one.stage.voxels
            join = partial(flat_parts.join, self.case, one.step, model=models[1])
            attached = one.step.attached, one.temperature
            return Filled(before, *models, *attached, self.device, join)
        return None

    def _rebuild(self, number: int) -> None:
        """Build the states of a load step anew, and forget those of another."""
        for path in self.rebuilt.values():
            path.unlink()
        self.rebuilt.clear()
        own = [n for n, one in enumerate(self.steps) if one.number == number]
        state, _ = self.before(own[0])
        for n in own[:-1]:
            state = self._advanced(n, state)
            self.rebuilt[n] = self.folder / f"within-{n}.npz"
            np.savez(self.rebuilt[n], allow_pickle=False, **state.arrays())

    def _advanced(self, n: int, before: State) -> State:
        """Return the state after solve n from its displacement."""
        one = self.steps[n]
        model = one.stage.voxels
        held = held_indices(model, one.step.support)
        start, T = (temperature_array(t) for t in (one.part.start, one.part.end))
        step = Step(model, T, self.device, before, one.part.duration, held, start)
        x = np.zeros(step.A.shape)
        x[..., 1 : step.A.n[0] + 2] = one.displacement() - step.displacement
        return step.after(x)
