"""The sparse maps of heights give what the surface itself reads, holes and zones included."""

import numpy as np
import pytest

from warp.adjoint.heights import heights
from warp.results.surface import faces, zoned
from warp.results.surface_points import with_middles
from warp.voxels.grid import Grid
from warp.voxels.media import Media
from warp.voxels.voxelize import VoxelModel

RNG = np.random.default_rng(1)


def model(mirror, pattern):
    """A plate, one or two voxels high, on an uneven grid."""
    ny, nx = pattern.shape
    lines = [np.cumsum(np.append(0.0, RNG.uniform(1, 2, n))) * 1e-3 for n in (nx, ny, 2)]
    ids = np.stack([pattern, pattern * (RNG.random(pattern.shape) < 0.5)]).astype(np.uint16)
    media = Media(np.array([-1, 0], np.int32), [None, None], np.zeros(2), ["void", "plate"])
    return VoxelModel(Grid(*lines, mirror), ids, media, ["plate"])


def holes():
    pattern = np.ones((9, 11), int)
    pattern[3:5, 4] = 0
    pattern[0, :4] = 0
    pattern[7:, 9:] = 0
    pattern[5, 1:] = 0
    return pattern


@pytest.mark.parametrize("zone", [None, 1.3e-3, (0.9e-3, 9.1e-3, 1.1e-3, 8e-3)])
@pytest.mark.parametrize("mirror", [(False, False), (True, True)])
@pytest.mark.parametrize("pattern", [np.ones((6, 7), int), holes()], ids=["whole", "holes"])
def test_maps_give_the_heights(pattern, mirror, zone):
    body = model(mirror, pattern)
    U = RNG.standard_normal((3, 3, *(n + 1 for n in pattern.shape)))
    face = faces(body)[1][0]
    found = heights(body, U, "plate", "top", zone, face)
    from warp.results.surface import sample

    expected = zoned(sample(body, U, "plate", "top"), zone)
    known = np.isfinite(expected.w)
    got = (found.vertices @ U[2].reshape(-1)[found.columns]).reshape(expected.w.shape)
    np.testing.assert_allclose(got[known], expected.w[known], rtol=0, atol=1e-12)
    fine = with_middles(expected, expected.w)
    w = np.where(known, expected.w, 0.0).reshape(-1)
    points = (found.middles @ w).reshape(fine.shape)
    known = np.isfinite(fine)
    np.testing.assert_allclose(points[known], fine[known], rtol=0, atol=1e-12)
