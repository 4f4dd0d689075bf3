"""Grid: lines on boundaries, bounded growth, cells through layers, the count before the arrays."""

import numpy as np
import pytest

from warp.errors import WarpError
from warp.geometry.shapes import Balls, Body, Box, Columns, Prism
from warp.voxels.finest import finest
from warp.voxels.grid import Grid, GridSettings, make_grid, resolved_arrays, runs, voxel_volumes

MM = 1e-3


def centred(part, width, z0, z1):
    return Body(
        part,
        part,
        (Box(-width / 2 * MM, width / 2 * MM, -width / 2 * MM, width / 2 * MM, z0 * MM, z1 * MM),),
    )


def flip_chip():
    """35 mm substrate, 0.08 mm underfill, 15 mm chip."""
    return [
        centred("substrate", 35, 0, 1),
        centred("underfill", 15, 1, 1.08),
        centred("chip", 15, 1.08, 1.855),
    ]


def bumps(pitch=0.15, count=100, diameter=0.105):
    at = (np.arange(count) - (count - 1) / 2) * pitch * MM
    centres = np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)
    return Body("bumps", "solder", (Columns(centres, diameter * MM, 1 * MM, 1.08 * MM),))


def ratios(widths):
    q = widths[1:] / widths[:-1]
    return np.maximum(q, 1 / q)


def test_every_boundary_is_a_line():
    grid = make_grid(flip_chip())
    for lines, boundaries in (
        (grid.x, [-17.5, -7.5, 7.5, 17.5]),
        (grid.y, [-17.5, -7.5, 7.5, 17.5]),
        (grid.z, [0, 1, 1.08, 1.855]),
    ):
        for b in boundaries:
            assert np.abs(lines - b * MM).min() < 1e-15
    assert np.all(np.diff(grid.x) > 0) and np.all(np.diff(grid.z) > 0)
    assert grid.x == pytest.approx(
        -grid.x[::-1], abs=1e-12
    )  # a centred package gets a symmetric grid


def test_mirror_grids_the_positive_side():
    grid = make_grid(flip_chip(), mirror=(True, False))
    assert grid.x[0] == 0 and grid.y[0] == -17.5 * MM
    assert grid.copies == 2 and grid.mirror == (True, False)


def test_default_is_fine_at_edges_and_coarse_between():
    """The default of a homogenised package: tens of thousands of cells, 0.1 mm at the chip's edge,
    ratios below 1.6.
    """
    grid = make_grid(flip_chip(), mirror=(True, True))
    assert 20 <= grid.shape[2] <= 60
    edge = np.searchsorted(grid.x, 7.5 * MM - 1e-9)
    assert 0.05 * MM < grid.dx[edge] < 0.12 * MM and 0.05 * MM < grid.dx[edge - 1] < 0.12 * MM
    assert grid.dx.max() < 35 * MM / 45 + 1e-9
    assert ratios(grid.dx).max() < 1.6


def test_cells_per_layer():
    """Ten through substrate and chip; the underfill's 0.08 mm are 2.8 of the stack's 64 parts:
    three. A count that is given holds for all three.
    """
    dz = make_grid(flip_chip()).dz
    assert np.allclose(dz[:10], 1 / 10 * MM)
    assert np.allclose(dz[10:13], 0.08 / 3 * MM)
    assert np.allclose(dz[13:], 0.775 / 10 * MM) and len(dz) == 23
    assert make_grid(flip_chip(), GridSettings(cells_per_layer=6)).shape[0] == 6 + 6 + 6
    assert make_grid(flip_chip(), GridSettings(z_spacing=0.02 * MM)).shape[0] == 50 + 4 + 39


def test_a_part_has_the_cells_that_it_is_told():
    """A soft layer takes more than its share of the stack; its neighbours keep theirs."""
    assert make_grid(flip_chip(), GridSettings(cells={"underfill": 8})).shape[0] == 10 + 8 + 10


def test_thin_layers_of_a_build_up_get_one_cell():
    stack = [centred(f"layer{n}", 45, n * 0.02, (n + 1) * 0.02) for n in range(14)] + [
        centred("core", 45, 0.28, 1.08)
    ]
    dz = make_grid(stack).dz
    assert np.allclose(dz[:14], 0.02 * MM)
    assert len(dz) == 14 + 10


def test_overlapping_parts_share_lines():
    """A foot beside a chip: the interval both cover takes the finer spacing once, not ten cells
    for each.
    """
    foot = Body("foot", "copper", (Box(16 * MM, 17 * MM, -17 * MM, 17 * MM, 1 * MM, 1.855 * MM),))
    assert make_grid([*flip_chip(), foot]).shape[0] == 10 + 3 + 10


def test_refine_halves_every_spacing():
    """The lines of the coarse grid stay: Richardson's extrapolation needs nested grids."""
    coarse, fine = make_grid(flip_chip()), make_grid(flip_chip(), GridSettings(refine=2))
    assert fine.shape == tuple(2 * n for n in coarse.shape)
    for a, b in ((coarse.x, fine.x), (coarse.z, fine.z)):
        assert b[::2] == pytest.approx(a, abs=1e-9)
        assert np.diff(b).max() < 0.75 * np.diff(a).max()


def test_uniform_spacing_between_boundaries():
    grid = make_grid(flip_chip(), GridSettings(uniform=True, spacing=0.5 * MM))
    assert np.allclose(grid.dx, 0.5 * MM) and np.allclose(grid.dy, 0.5 * MM)


def test_given_spacings_hold():
    grid = make_grid(flip_chip(), GridSettings(edge_spacing=0.2 * MM, spacing=0.7 * MM))
    edge = np.searchsorted(grid.x, 7.5 * MM - 1e-9)
    assert grid.dx.max() <= 0.7 * MM and grid.dx[edge] == pytest.approx(0.2 * MM, rel=0.25)


def test_bumps_are_all_cut_alike():
    """Pitch 0.15, diameter 0.105 mm: four cells across each bump and two between, the same for
    all.
    """
    grid = make_grid([*flip_chip()[:2], bumps(), flip_chip()[2]], mirror=(True, True))
    assert grid.dx[1:49] == pytest.approx(np.tile([0.02625] * 4 + [0.0225] * 2, 8) * MM, abs=1e-12)
    assert ratios(grid.dx).max() < 1.6


def test_staggered_and_close_sides_are_thinned():
    """Two arrays 1 um apart: the second array's sides would make 1 um slivers, so they are left to
    volume fractions.
    """
    a, b = bumps(count=20), bumps(count=20)
    shifted = Body(
        "more", "solder", (Columns(b.shapes[0].centres + 1e-6, 0.105 * MM, 1 * MM, 1.08 * MM),)
    )
    grid = make_grid([flip_chip()[0], a, shifted])
    assert grid.dx.min() > 5e-6


def test_balls_get_cells_per_diameter_in_height_too():
    ball = Body("balls", "solder", (Balls([[0.0, 0.0]], 0.6 * MM, -0.5 * MM, 0.0),))
    grid = make_grid([*flip_chip(), ball], GridSettings(cells_per_diameter=8))
    assert np.all(grid.dz[grid.zc < 0] <= 0.6 / 8 * MM * (1 + 1e-9))


def test_a_cut_corner_is_resolved():
    octagon = [[-9, -10], [9, -10], [10, -9], [10, 9], [9, 10], [-9, 10], [-10, 9], [-10, -9]]
    lid = Body("lid", "copper", (Prism(np.array(octagon) * MM, 1.855 * MM, 2.855 * MM),))
    grid = make_grid([*flip_chip(), lid])
    cut = (grid.xc > 9 * MM) & (grid.xc < 10 * MM)
    assert np.all(grid.dx[cut] <= 1 / 16 * MM * (1 + 1e-9))


def test_edges_closer_than_a_sliver_share_the_taller_one_s_line():
    chip = centred("chip", 15, 1.08, 1.855)
    film = centred("film", 15.002, 1.0, 1.08)  # its edge lies 1 um outside
    grid = make_grid([centred("substrate", 35, 0, 1), film, chip])
    assert 7.5 * MM in grid.x
    assert grid.dx.min() > 20e-6


def test_too_many_voxels_is_an_error_that_says_what_fits():
    with pytest.raises(
        WarpError, match=r"voxels, the limit is 1e\+04; spacing = \"[\d.]+ mm\""
    ) as error:
        make_grid(flip_chip(), GridSettings(max_cells=10_000))
    text = str(error.value)
    spacing, edge = (
        float(text.split(f' {key} = "')[1].split(" mm")[0]) * MM
        for key in ("spacing", "edge_spacing")
    )
    assert (
        make_grid(
            flip_chip(), GridSettings(max_cells=10_000, spacing=spacing, edge_spacing=edge)
        ).cells
        <= 10_000
    )


def test_a_spacing_wider_than_the_package_is_one_cell():
    grid = make_grid(
        [centred("chip", 2, 0, 0.5)], GridSettings(spacing=0.1, uniform=True, cells_per_layer=1)
    )
    assert grid.shape == (1, 1, 1) and grid.dx == pytest.approx([2 * MM])


def test_nothing_to_grid():
    with pytest.raises(WarpError, match="no parts"):
        make_grid([])


def test_volumes_and_memory():
    grid = Grid(np.array([0.0, 1, 3]), np.array([0.0, 2]), np.array([0.0, 1, 2, 4]))
    assert grid.shape == (3, 1, 2) and grid.cells == 6 and grid.unknowns == 9 + 12 + 8
    assert voxel_volumes(grid).sum() == 3 * 2 * 4 and voxel_volumes(grid)[2, 0, 1] == 8


def test_runs_are_layers_that_are_alike():
    ids = np.array([0, 1, 1, 2, 2, 2, 1])[:, None, None] * np.ones((7, 3, 2), int)
    ids[4, 2, 1] = 0
    assert [(run.start, run.stop) for run in runs(ids)] == [
        (0, 1),
        (1, 3),
        (3, 4),
        (4, 5),
        (5, 6),
        (6, 7),
    ]
    assert runs(ids[:1]) == [slice(0, 1)]


def test_an_array_that_takes_most_of_the_voxels_is_named_with_its_remedy():
    """40 x 40 columns of 60 um between a chip and a substrate; the few posts beside them do not."""
    at = (np.arange(40) - 19.5) * 0.2 * MM
    centres = np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)
    bumps = Body("bumps", "m", (Columns(centres, 60e-6, 1 * MM, 1.08 * MM),))
    posts = Body("posts", "m", (Columns(np.array([[6e-3, 0.0]]), 1e-3, 1 * MM, 1.08 * MM),))
    substrate, chip = centred("substrate", 35, 0, 1), centred("chip", 10, 1.08, 1.855)
    bodies = [substrate, bumps, posts, chip]
    with pytest.raises(WarpError, match="the 1,600 members of 'bumps' take most of them") as error:
        make_grid(bodies, GridSettings(max_cells=200_000))
    assert 'model = "effective" in [part.bumps] needs' in str(error.value)
    promised = float(str(error.value).split("[part.bumps] needs ")[1].split(" ")[0])
    layer = centred("bumps", 7.86, 1.0, 1.08)
    assert make_grid([substrate, layer, posts, chip]).cells == pytest.approx(promised, rel=0.05)
    assert resolved_arrays([substrate, posts, chip], GridSettings(), (False, False)) == ""


def test_the_finest_cells_are_told_with_the_parts_that_make_them():
    board = Body("board", "a", (Box(-10e-3, 10e-3, -10e-3, 10e-3, 0, 1e-3),))
    die = Body("die", "a", (Box(-4e-3, 4e-3, -4e-3, 4e-3, 1e-3, 2e-3),))
    film = Body("film", "a", (Box(-4.01e-3, 4.01e-3, -3e-3, 3e-3, 2e-3, 2.1e-3),))
    bodies = [board, die, film]
    found = finest(bodies, make_grid(bodies))
    assert found["x"].parts == ("film", "die") and found["x"].at == pytest.approx(
        -4.005e-3, abs=4e-6
    )
    assert found["y"].parts == ("film",)
    mirrored = finest(bodies, make_grid(bodies, mirror=(True, True)))
    assert mirrored["x"].parts == ("die", "film") and mirrored["x"].at > 0


def test_finest_cells_at_a_cut_are_those_of_the_cut():
    dies = [Body("dies", "a", (Box(4e-3, 9e-3, -10e-3, 10e-3, 0, 1e-3),))]
    unit = (0.1e-3, 10e-3, -10e-3, 10e-3)
    cut = Body("cut", None, (Box(*unit, 0, 1e-3),))
    wide = Body("mould", "a", (Box(-10e-3, 10e-3, -10e-3, 10e-3, 0, 1e-3),))
    grid = make_grid([wide, *dies, cut], mirror=(True, True))
    at_the_cut = finest([wide, *dies], grid, [unit])["x"]
    assert at_the_cut.cut and not at_the_cut.parts and at_the_cut.at < 0.1e-3
    assert not finest([wide, *dies], make_grid([wide, *dies]))["x"].cut
