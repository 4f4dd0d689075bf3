"""Cell columns beside free faces that borrow their tilt from far above or below."""

import numpy as np

from warp import load
from warp.machine import cache
from warp.run import process
from warp.solvers.elastic.multigrid.smoothers import ColumnSmoother
from warp.solvers.levels import Level

PACKAGES = cache.kernels().parent / "data" / "packages"
DIES = """
symmetry = "quarter"
[load]
stress_free = "130 degC"
temperature = "25 degC"
[grid]
spacing = "7 mm"
edge_spacing = "4 mm"
refine = 0.5
[part.carrier]
size = "150 mm"
thickness = "1.3 mm"
material = "glass"
[part.release]
on = "carrier"
size = "carrier"
thickness = "60 um"
material = "polyimide"
[part.dies]
shape = "block-array"
on = "release"
size = ["9 mm", "8 mm"]
thickness = "0.35 mm"
pitch = "14 mm"
count = [10, 10]
material = "silicon"
"""


def test_columns_of_dies_one_cell_wide_correct_every_displacement(tmp_path, monkeypatch):
    """Without what stands for the tilt some matrices are indefinite: a pivot is held."""
    held = []
    first = ColumnSmoother.__init__

    def counted(self, matrix, diagonal):
        first(self, matrix, diagonal)
        w, u, v = diagonal[2, :, :-1], diagonal[0, :, :-1], diagonal[1]
        exist = w, u, np.roll(u, -1, axis=-1), v[:, :-1], v[:, 1:]
        pivots = self.P[:, 0, :-1]
        held.append(np.count_nonzero((np.array(exist) > 0)[..., 1:-2] & (pivots[..., 1:-2] == 0)))

    monkeypatch.setattr(ColumnSmoother, "__init__", counted)
    path = tmp_path / "dies.toml"
    path.write_text(DIES)
    assert process.solve(load(path), "cpu").metrics["surfaces"]["carrier"]
    assert held and not any(held)


def test_columns_hold_no_tilt_that_they_cannot_see(monkeypatch):
    """The largest eigenvalue is at most the number of columns that overlap at a displacement.

    In a column whose matrix is nearly singular by what it lacks it is 23 in this package, or 300.
    """
    largest = []
    estimate = Level.largest_eigenvalue

    def kept(level, iterations):
        found = estimate(level, iterations)
        if isinstance(level.smoother, ColumnSmoother):
            largest.append(found)
        return found

    monkeypatch.setattr(Level, "largest_eigenvalue", kept)
    case = load(PACKAGES / "fcbga-lid.toml", {"grid.refine": "0.6"})
    process.solve(case, "cpu")
    assert largest and max(largest) < 5
