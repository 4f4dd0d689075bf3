"""The states of a process, kept while it is solved, for the way back.

The state at the end of a load step takes 72 bytes a voxel, and 24 more for each Maxwell branch of a
voxel that relaxes, some 50 with its edges. Of the solves within a load step that relaxes only the
displacement is kept, 24 bytes a voxel: the states follow from it without a solve (`states`). They
lie in a temporary folder (TMPDIR chooses its disk) until the tape is deleted.
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
from warp.solvers.elastic.history.substeps import Interval


@dataclass(frozen=True, eq=False)
class Recorded:
    """One solve of a process: its load step and stage, and where its state is stored.

    part: of the load step. number: of the load step in the plan.
    """

    step: LoadStep
    stage: StageModel
    part: Interval
    path: Path
    number: int = 0

    @classmethod
    def of(
        cls, step: LoadStep, stage: StageModel, part: Interval, state: State, path: Path
    ) -> Recorded:
        """Write a state to a file, or its displacement within a load step."""
        whole = part.last == 1
        arrays = state.arrays() if whole else {"displacement": state.displacement}
        np.savez(path, allow_pickle=False, **arrays)
        return cls(step, stage, part, path)

    @property
    def temperature(self) -> float:
        """Return the temperature in K at the end of a solve at one temperature."""
        assert not isinstance(self.part.end, np.ndarray)
        return self.part.end

    @property
    def field(self) -> np.ndarray | None:
        """Return the temperatures (nz, ny, nx) in K of a body under power, else None."""
        return self.part.end if isinstance(self.part.end, np.ndarray) else None

    @property
    def ends(self) -> bool:
        """Tell whether the solve ends its load step."""
        return self.part.last == 1

    def displacement(self) -> np.ndarray:
        """Read the displacement after the solve (3, nz+1, ny+1, nx+1) in m."""
        with np.load(self.path) as stored:
            found: np.ndarray = stored["displacement"]
        return found

    def state(self) -> State:
        """Read the state at the end of a load step."""
        return read(self.path)


def read(path: Path) -> State:
    """Read a state from a file."""
    with np.load(path) as stored:
        return State.of(dict(stored))


@dataclass(eq=False)
class Tape:
    """Solves in their order; call it as `process.OnState`.

    case: that is solved; its media are those of the voxels, by which variants find what changes.
    """

    case: Case
    steps: list[Recorded] = field(default_factory=list)
    folder: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(prefix="warp-history-")
    )

    def __call__(self, step: LoadStep, stage: StageModel, part: Interval, state: State) -> None:
        """Keep the state after a solve."""
        path = Path(self.folder.name) / f"{len(self.steps)}.npz"
        self.steps.append(Recorded.of(step, stage, part, state, path))
