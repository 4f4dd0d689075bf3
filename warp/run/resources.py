"""Predict the memory and the disk of a run, and read what a process has taken.

Memory: what the solver's arrays take (`cycle.bytes_needed`), the inverse of its coarsest level, the
program itself, and in a process the state of the body that is kept from one load step to the next.
Disk: the arrays of the result (`data/docs/result-file.md`) and, of a process, of its checkpoint
(`history.State`). Both are held against all package files: data/benchmarks/check-time.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from warp.geometry.shapes import Box
from warp.results.file import PACKED_CELLS
from warp.run.grids import each_grid, stage_grid
from warp.voxels.grid import Grid

if TYPE_CHECKING:
    from warp.case.case import Case

BYTES_OF_THE_PROGRAM = 250_000_000
"""Of the interpreter with its libraries and compiled kernels."""
BYTES_OF_A_PART = 700_000
"""Of a part in a process, beside its voxels; cowos.toml with 89 parts held against qfn.toml."""
SPARE = 1.05
"""Factor on the counted memory of a solve, for what is not counted; measured on packages of 0.06 to
10 million voxels, whose peak stays below the forecast."""
BYTES_OF_INVERSE = 24
"""Times the square of the coarsest level's displacements: its matrix, factor and inverse factor."""
BYTES_BESIDE_A_GPU = 150
"""Of a voxel on the host of a GPU, stress included; traced on the stand-in for CuPy, 3e3 to 2e4
voxels."""
BYTES_OF_HEAT = 135
"""Of a voxel where only heat is solved; measured on 0.4 and 2.9 million voxels."""
BYTES_OF_HISTORY = 330
"""Of a voxel in a process; measured on process-fcbga.toml and process-reflow.toml."""
BYTES_OF_ONE_STEP = 48
"""Of a voxel in a case without steps: the forces of its only step, and its displacement."""
BYTES_OF_LARGE_DEFLECTION = 600
"""Of a voxel that is followed beyond linear theory; allocations counted."""
BYTES_OF_RELAXING = 520
"""Of a viscoelastic voxel besides; allocations traced."""
BYTES_OF_A_TERM = 230
"""Of a viscoelastic voxel for each term of its Prony series; allocations traced."""
PACKED_FRACTION = 0.8
"""Size of compressed fields over that of their arrays: at most; measured on nine packages."""
BYTES_OF_A_FILE = 20_000
"""Of a file beside its fields: groups, digests, numbers; measured on nine packages."""
BYTES_STORED = {"temperature": 8, "displacement": 36, "stress": 24}
"""Of a voxel in a result: displacement on faces in float64, and at centres in float32."""
BYTES_OF_A_CHECKPOINT = 73
"""Of a voxel: displacement, strain and shear in float64, and whether it is solid."""
BYTES_OF_A_STORED_TERM = 48
"""Of a viscoelastic voxel in a checkpoint for each term of its Prony series."""
BYTES_OF_A_SURFACE = 4_000
"""Of the four datasets of a surface after a load step, beside their values."""
SURFACE_FRACTION = 0.5
"""Area of a measured surface over that of the grid, on average; most parts are smaller."""


def predicted_bytes(grid: Grid, case: Case, *, double: bool = False) -> int:
    """Return the most memory that a run on this grid holds at once.

    double: of a device that was asked for float64 (`Device.always_double`).
    """
    from warp.solvers.elastic.multigrid.cycle import bytes_needed, coarsest_size

    if case.heat_alone:
        return BYTES_OF_THE_PROGRAM + round(SPARE * BYTES_OF_HEAT * grid.cells)
    most, edges = 0, edges_along_y(case)
    for stage in each_grid(case):
        own = stage_grid(case, grid, stage)
        lines = own.x, own.y, own.z
        inverse = BYTES_OF_INVERSE * coarsest_size(lines, own.mirror) ** 2
        solver = bytes_needed(lines, own.mirror, edges, double=double)
        needed = round(SPARE * solver) + inverse
        most = max(most, needed + own.cells * bytes_of_history(case))
    parts = BYTES_OF_A_PART * len(case.parts) if case.has_steps else 0
    return BYTES_OF_THE_PROGRAM + parts + most


def edges_along_y(case: Case) -> np.ndarray | None:
    """Return the y in m at which the package changes; None if it is not made of boxes."""
    shapes = [shape for body in case.bodies() for shape in body.shapes]
    if not all(isinstance(shape, Box) for shape in shapes):
        return None
    return np.unique([shape.bounds[2:4] for shape in shapes])


def predicted_host_bytes(grid: Grid, case: Case) -> int:
    """Return the most memory that the host of a GPU holds at once."""
    own = BYTES_BESIDE_A_GPU + (bytes_of_history(case) if case.has_steps else 0)
    return BYTES_OF_THE_PROGRAM + own * grid.cells


def bytes_of_history(case: Case) -> int:
    """Return the bytes of the body's state for each voxel, on average over the volume."""
    own = BYTES_OF_HISTORY if case.has_steps else BYTES_OF_ONE_STEP
    own += BYTES_OF_A_CHECKPOINT * most_aside(case)
    if case.large_deflection:
        own += BYTES_OF_LARGE_DEFLECTION
    return own + _of_relaxing(case, BYTES_OF_RELAXING, BYTES_OF_A_TERM)


def most_aside(case: Case) -> int:
    """Return how many bodies are set aside at most while another one is worked on."""
    begun, most = set[str](), 0
    for load_step in case.load_steps:
        begun = (begun | {load_step.body}) - {*load_step.bodies}
        most = max(most, len(begun) - 1)
    return most


def predicted_disk(grid: Grid, case: Case) -> int:
    """Return the bytes that a run needs on the disk at once: its result and its checkpoints.

    A checkpoint stays until its successor, and the last one until the result, is complete. With
    tolerances, a process keeps the state of every load step for its gradient.
    """
    (nz, ny, nx), packed = grid.shape, grid.cells <= PACKED_CELLS
    points = (nz + 1) * (ny + 1) * (nx + 1)
    wanted = [name for name in case.fields if name != "temperature" or case.heated]
    fraction = PACKED_FRACTION if packed else 1.0
    result = BYTES_OF_A_FILE + round(fraction * points * sum(BYTES_STORED[name] for name in wanted))
    if not case.has_steps:
        return result
    state = BYTES_OF_A_CHECKPOINT + _of_relaxing(case, 0, BYTES_OF_A_STORED_TERM)
    surfaces = 2 * len(case.parts) if case.surfaces is None else len(case.surfaces)
    shape = BYTES_OF_A_SURFACE + SURFACE_FRACTION * 16 * (ny + 1) * (nx + 1)
    shapes = round(len(case.load_steps) * surfaces * shape)
    checkpoint = BYTES_OF_A_FILE + points * state * (1 + most_aside(case)) + shapes
    states = points * state * len(case.load_steps) if case.tolerances else 0
    return states + checkpoint + max(checkpoint, result + shapes)


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


def peak_memory() -> int:
    """Return the most bytes that this process has held at once, 0 where the system does not say."""
    try:
        import resource
        import sys
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
