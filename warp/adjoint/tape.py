"""The states of a process, kept while it is solved, for the way back.

A state takes 72 bytes a voxel. States lie in a temporary folder (TMPDIR chooses its disk) until the
tape is deleted.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from warp.case.case import Case
from warp.case.plan import LoadStep
from warp.run.stage_model import StageModel
from warp.solvers.elastic.history.state import State


@dataclass(frozen=True, eq=False)
class Recorded:
    """A solved load step: its stage, the temperature in K at its end, and its state in a file."""

    step: LoadStep
    stage: StageModel
    temperature: float
    path: Path

    @classmethod
    def of(
        cls, step: LoadStep, stage: StageModel, temperature: float, state: State, path: Path
    ) -> Recorded:
        """Write a state to a file."""
        np.savez(path, allow_pickle=False, **state.arrays())
        return cls(step, stage, temperature, path)

    def state(self) -> State:
        """Read the state after the load step."""
        with np.load(self.path) as stored:
            return State.of(dict(stored))


@dataclass(eq=False)
class Tape:
    """Load steps in the order in which they were solved; call it as `process.OnState`.

    case: that is solved; its media are those of the voxels, by which variants find what changes.
    """

    case: Case
    steps: list[Recorded] = field(default_factory=list)
    folder: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="warp-history-")
    )

    def __call__(
        self, step: LoadStep, stage: StageModel, temperature: float | np.ndarray, state: State
    ) -> None:
        """Keep the state after a load step at one temperature."""
        assert not isinstance(temperature, np.ndarray)
        path = Path(self.folder.name) / f"{len(self.steps)}.npz"
        self.steps.append(Recorded.of(step, stage, temperature, state, path))
