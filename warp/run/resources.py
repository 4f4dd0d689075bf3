"""Predict the memory, the disk and the time of a run, and read what a process has taken.

Memory: what the solver's arrays take (`cycle.bytes_needed`), the program itself, and in a process
the state of the body that is kept from one load step to the next. Disk: the arrays of the result
(`data/docs/result-file.md`) and, of a process, of its checkpoint (`history.State`).
Time: a measured rate per voxel and core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from warp.machine.device import Device
from warp.results.file import PACKED_CELLS
from warp.voxels.grid import Grid
from warp.voxels.supports import Table

if TYPE_CHECKING:
    from warp.case.case import Case

BYTES_OF_THE_PROGRAM = 290_000_000
"""Of the interpreter with its libraries and compiled kernels."""
SPARE = 1.05
"""Factor on the counted memory of a solve, for what is not counted; measured on packages of 0.06 to
10 million voxels, whose peak stays below the forecast."""
BYTES_OF_HISTORY = 330
"""Of a voxel in a process; measured on process-fcbga.toml and process-reflow.toml."""
BYTES_OF_ONE_STEP = 24
"""Of a voxel in a case without steps: the forces of its only step."""
BYTES_OF_RELAXING = 520
"""Of a viscoelastic voxel besides; allocations traced."""
BYTES_OF_A_TERM = 230
"""Of a viscoelastic voxel for each term of its Prony series; allocations traced."""
PACKED_SHARE = 0.75
"""Size of compressed fields over that of their arrays: at most; measured on nine packages."""
BYTES_OF_A_FILE = 20_000
"""Of a file beside its fields: groups, digests, numbers; measured on nine packages."""
BYTES_STORED = {"temperature": 8, "displacement": 36, "stress": 24}
"""Of a voxel in a result: displacement on faces in float64, and at centres in float32."""
BYTES_OF_A_CHECKPOINT = 73
"""Of a voxel: displacement, strain and shear in float64, and whether it is solid."""
BYTES_OF_A_STORED_TERM = 48
"""Of a viscoelastic voxel in a checkpoint for each term of its Prony series."""
BYTES_OF_A_SURFACE = 3_000
"""Of the three datasets of a surface after a load step, beside its heights."""
SURFACE_SHARE = 0.5
"""Area of a measured surface over that of the grid, on average; most parts are smaller."""
SECONDS_TO_START = 1.5
SECONDS_PER_VOXEL_AND_CORE = 2e-5
"""Processor time of fcbga-lid.toml at 0.85 million voxels on an AMD EPYC, per voxel."""
LOAD_STEP_SHARE = 0.7
"""Time of a load step of a process as a share of a whole run; process-fcbga.toml, 14 load steps."""


def predicted_bytes(grid: Grid, case: Case) -> int:
    """Return the most memory that a run on this grid holds at once."""
    from warp.solvers.elastic.multigrid.cycle import bytes_needed

    needed = bytes_needed((grid.x, grid.y, grid.z), grid.mirror)
    return BYTES_OF_THE_PROGRAM + round(SPARE * needed) + grid.cells * bytes_of_history(case)


def bytes_of_history(case: Case) -> int:
    """Return the bytes of the body's state for each voxel, on average over the volume."""
    own = BYTES_OF_HISTORY if case.has_steps else BYTES_OF_ONE_STEP
    return own + _of_relaxing(case, BYTES_OF_RELAXING, BYTES_OF_A_TERM)


def predicted_disk(grid: Grid, case: Case) -> int:
    """Return the bytes that a run needs on the disk at once: its result and its checkpoints.

    A checkpoint stays until its successor, and the last one until the result, is complete.
    """
    (nz, ny, nx), packed = grid.shape, grid.cells <= PACKED_CELLS
    points = (nz + 1) * (ny + 1) * (nx + 1)
    wanted = [name for name in case.fields if name != "temperature" or case.heated]
    share = PACKED_SHARE if packed else 1.0
    result = BYTES_OF_A_FILE + round(share * points * sum(BYTES_STORED[name] for name in wanted))
    if not case.has_steps:
        return result
    state = BYTES_OF_A_CHECKPOINT + _of_relaxing(case, 0, BYTES_OF_A_STORED_TERM)
    surfaces = 2 * len(case.parts) if case.surfaces is None else len(case.surfaces)
    shape = BYTES_OF_A_SURFACE + SURFACE_SHARE * 8 * (ny + 1) * (nx + 1)
    shapes = round(len(case.load_steps) * surfaces * shape)
    kept = BYTES_OF_A_FILE + points * state + shapes
    return kept + max(kept, result + shapes)


def _of_relaxing(case: Case, each: int, term: int) -> int:
    """Average `each` + `term` times the Prony terms of viscoelastic voxels over the volume."""
    total = relaxing = 0.0
    media = case.materials()
    for body in case.bodies():
        if body.material is None:
            continue
        volume = sum(shape.volume() for shape in body.shapes)
        total += volume
        law = getattr(media[body.material], "relaxation", None)
        if law is not None:
            relaxing += volume * (each + term * len(law.times))
    return round(relaxing / total if total else 0.0)


def predicted_seconds(case: Case, cells: int, device: Device) -> float | None:
    """Return the time of a run on this machine, None where it cannot be told.

    That is on GPUs, which were never measured; with materials that relax, whose load steps are
    subdivided as needed; and on a table, where contact decides the number of solves.
    """
    media = case.materials().values()
    relaxes = any(getattr(medium, "relaxation", None) is not None for medium in media)
    on_table = any(isinstance(step.support, Table) for step in case.load_steps)
    if device.cuda or relaxes or on_table:
        return None
    solves = max(1.0, LOAD_STEP_SHARE * len(case.load_steps))
    return SECONDS_TO_START + solves * cells * SECONDS_PER_VOXEL_AND_CORE / device.threads


def peak_memory() -> int:
    """Return the most bytes that this process has held at once, 0 where the system does not say."""
    try:
        import resource
        import sys
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
