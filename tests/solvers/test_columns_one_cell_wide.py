"""Cell columns beside free faces that borrow their tilt from far above or below."""

import numpy as np

from warp import load
from warp.run import process
from warp.solvers.elastic.multigrid.smoothers import ColumnSmoother, column_entries

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


def test_every_displacement_of_dies_one_cell_wide_is_corrected(tmp_path, monkeypatch):
    """Their tilt is borrowed from beyond the band of a column's matrix."""
    made = []
    first = ColumnSmoother.__init__

    def kept(self, matrix, diagonal):
        first(self, matrix, diagonal)
        made.append((self, diagonal, np.unique(column_entries(matrix.free, matrix.shape)[1][0])))

    monkeypatch.setattr(ColumnSmoother, "__init__", kept)
    path = tmp_path / "dies.toml"
    path.write_text(DIES)
    assert process.solve(load(path), "cpu").metrics["surfaces"]["carrier"]
    assert any(len(columns) for _, _, columns in made)
    for smoother, diagonal, columns in made:
        assert not len(smoother._held(diagonal, columns))
