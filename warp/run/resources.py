"""Predict the memory of a run, and read what a process has taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warp.voxels.grid import Grid

if TYPE_CHECKING:
    from warp.case.case import Case

BYTES_OF_THE_PROGRAM = 290_000_000  # with its libraries and compiled kernels
SPARE = 1.05
"""Of the memory that a solve is counted to take. Measured peak and count of a process, in MB: lidded 45 mm flip chip with
373,977 voxels 427 and 451, 993,168 631 and 637, 9,959,268 3,500 and 3,618; interposer 475 and 475; resolved bumps 813 and 837.
"""
# What a run with steps remembers besides: process-fcbga.toml with 64,715 (323 MB), 249,900 (474 MB) and 1,098,134 voxels
# (1,056 MB), process-reflow.toml with 59,168 (341 MB), 219,006 (492 MB) and 808,992 (860 MB).
BYTES_OF_HISTORY = 330
BYTES_OF_RELAXING, BYTES_OF_A_TERM = (
    520,
    230,
)  # of a voxel that relaxes, and of each term of its series; allocations traced


def predicted_bytes(grid: Grid, case: Case) -> int:
    """Most memory that a run on this grid holds at once."""
    from warp.solvers.elastic.multigrid.cycle import bytes_needed

    needed = bytes_needed((grid.x, grid.y, grid.z), grid.mirror)
    return BYTES_OF_THE_PROGRAM + round(SPARE * needed) + grid.cells * bytes_of_history(case)


def bytes_of_history(case: Case) -> int:
    """What a voxel remembers besides where the case has steps: more by the share of the volume that relaxes."""
    if not case.moments:
        return 0
    total = relaxing = 0.0
    media = case.materials()
    for body in case.bodies():
        if body.material is not None:
            law = getattr(media[body.material], "relaxation", None)
            volume = sum(shape.volume() for shape in body.shapes)
            total += volume
            relaxing += (
                0.0
                if law is None
                else volume * (BYTES_OF_RELAXING + BYTES_OF_A_TERM * len(law.times))
            )
    return BYTES_OF_HISTORY + round(relaxing / total if total else 0.0)


def peak_memory() -> int:
    """Most bytes that this process has held at once, 0 where the system does not tell."""
    try:
        import resource
        import sys
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
