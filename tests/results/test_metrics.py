"""Numbers from fields that a hand can check: parabolic domes, planes, twists, one stressed
voxel.
"""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from warp.errors import WarpError
from warp.geometry.shapes import Body, Columns
from warp.kernels import surface as kernels
from warp.machine.device import select
from warp.materials.library import library
from warp.results import flatness as metrics_flatness
from warp.results import metrics, surface, surface_points, temperature
from warp.results import stress as stress_metrics
from warp.voxels.grid import Grid
from warp.voxels.voxelize import voxelize

X = 1e-3 * np.array([-3.0, -2.9, -2.5, -1.0, 0.4, 2.0, 2.8, 3.0])  # graded, odd, uneven
Y = 1e-3 * np.array([-2.0, -1.8, -1.0, 0.3, 1.7, 2.0])
Z = 1e-3 * np.array([0.0, 0.5, 1.0, 1.2])


def model(ids, part, names, x=X, y=Y, z=Z, mirror=(False, False)):
    rows = len(part)
    media = SimpleNamespace(
        part=np.array(part),
        names=["void"] + ["m"] * (rows - 1),
        stress_free=np.full(rows, 300.0),
        fraction=None,
        materials=[None] * rows,
    )
    return SimpleNamespace(
        grid=Grid(x, y, z, mirror), ids=np.asarray(ids, np.uint16), media=media, parts=names
    )


def plate(x=X, y=Y, mirror=(False, False)):
    """A full substrate, and a chip on three of its columns each way."""
    ids = np.ones((3, y.size - 1, x.size - 1), np.uint16)
    ids[2] = 0
    ids[2, 1:4, 2:5] = 2
    return model(ids, [-1, 0, 1], ["substrate", "chip"], x, y, Z, mirror)


def w_field(m, w):
    """Displacement of a plate bent to w(x, y), on every z-face: the polygon that touches w on the
    grid's lines.

    At a column's centre it lies below a parabola by as much as the parabola lies below its chord.
    """
    nz, ny, nx = m.grid.shape
    x, y, xc, yc = m.grid.x[None, :], m.grid.y[:, None], m.grid.xc[None, :], m.grid.yc[:, None]
    chords = (w(x[:, 1:], yc) + w(x[:, :-1], yc) + w(xc, y[1:]) + w(xc, y[:-1])) / 2
    u = np.zeros((3, nz + 1, ny + 1, nx + 1))
    u[2, :, :ny, :nx] = 3 * w(xc, yc) - chords
    return u


def flatness(w, side="bottom", part="substrate", zone=None, m=None):
    m = m or plate()
    return metrics_flatness.warpage(surface.sample(m, w_field(m, w), part, side), zone)


def dome(x, y, c=100e-6, lx=3e-3, ly=2e-3):
    return c * (1 - (x / lx) ** 2 - (y / ly) ** 2)


def test_dome_is_convex_with_its_height():
    x = np.concatenate(
        (np.linspace(-3e-3, 2.75e-3, 24), np.linspace(2.8e-3, 3e-3, 5))
    )  # finer at one end
    got = flatness(dome, part="plate", m=plate_of((x, x * 2 / 3), (False, False)))
    assert got.value == pytest.approx(200e-6, rel=1e-9)  # c (1 - (1 - 1 - 1))
    assert got.span == pytest.approx(200e-6, rel=1e-12)
    assert got.corner_minus_centre == pytest.approx(-200e-6, rel=1e-9)


def test_plane_stays_level_on_a_lopsided_coarse_grid():
    x, y = (
        1e-3 * np.array([-3.0, -1.0, 0.5, 2.0, 2.7, 3.0]),
        1e-3 * np.array([-2.0, -1.9, -1.6, -1.0, 0.2, 2.0]),
    )
    s = surface.sample(
        plate_of((x, y), (False, False)),
        w_field(plate_of((x, y), (False, False)), dome),
        "plate",
        "top",
    )
    assert metrics_flatness.fit_plane(s, surface_points.with_middles(s, s.w)) == pytest.approx(
        (100e-6 / 3, 0, 0), abs=1e-12
    )  # the mean height of c (1 - x2 - y2)


def test_sampling_is_exact_for_parabolas_at_true_corners():
    s = surface.sample(plate(), w_field(plate(), dome), "chip", "top")
    np.testing.assert_allclose(s.w, dome(s.x[None, :], s.y[:, None]), rtol=1e-12, atol=1e-18)
    np.testing.assert_array_equal(s.x, X[2:6])
    assert s.weights.sum() == pytest.approx((X[5] - X[2]) * (Y[4] - Y[1]))


def test_bowl_is_concave():
    assert flatness(lambda x, y: -dome(x, y)).value == pytest.approx(-flatness(dome).value)


def test_twist_has_no_sign_and_counts_as_positive():
    x = np.linspace(-3e-3, 3e-3, 8)
    for c in (1.0, -1.0):
        assert (
            flatness(
                lambda x, y, c=c: c * x * y, part="plate", m=plate_of((x, x), (False, False))
            ).value
            > 0
        )


def test_symmetric_dome_analytic():
    x = 1e-3 * np.array([-3.0, -2.0, -0.5, 0.0, 0.5, 2.0, 3.0])
    m = model(np.ones((1, x.size - 1, x.size - 1)), [-1, 0], ["plate"], x, x, Z[:2])
    got = flatness(lambda x, y: dome(x, y, 50e-6, 3e-3, 3e-3), part="plate", m=m)
    assert got.value == pytest.approx(
        100e-6, rel=1e-12
    )  # c (1 - (1 - 2)) = 2 c from centre to corner
    assert got.corner_minus_centre == pytest.approx(-100e-6, rel=1e-12)
    assert got.edge_x_minus_centre == pytest.approx(-50e-6, rel=1e-12)
    assert got.kappa == pytest.approx((2 * 50e-6 / 9e-6, 2 * 50e-6 / 9e-6, 0), rel=1e-9, abs=1e-9)
    assert got.rms < got.value


@pytest.mark.parametrize("b, c", [(1.0, 0.0), (-0.3, 2.0)])
def test_tilt_and_shift_change_nothing(b, c):
    tilted = flatness(lambda x, y: dome(x, y) + 7e-6 + b * x + c * y)
    level = flatness(dome)
    assert tilted.value == pytest.approx(level.value, rel=1e-9)
    assert tilted.kappa == pytest.approx(level.kappa, rel=1e-6, abs=1e-6)
    np.testing.assert_allclose(np.subtract(tilted.plane, level.plane), (7e-6, b, c), atol=1e-12)


def test_plane_does_not_follow_the_fine_end_of_a_graded_grid():
    """Weighted by area the plane of a ridge is that of its integral, however the lines crowd at one
    end.
    """
    even = np.linspace(-3e-3, 3e-3, 121)
    crowded = np.unique(
        np.concatenate((np.linspace(-3e-3, 3e-3, 61), np.linspace(2.6e-3, 3e-3, 200)))
    )
    slopes = []
    for x in (even, crowded):
        m = model(np.ones((1, 5, x.size - 1)), [-1, 0], ["plate"], x, Y, Z[:2])
        s = surface.sample(
            m, w_field(m, lambda x, y: 1e-4 * np.cos(x * 800) + 0 * y), "plate", "top"
        )
        slopes.append(metrics_flatness.fit_plane(s, surface_points.with_middles(s, s.w))[1])
    assert abs(slopes[1] - slopes[0]) < 1e-4 * 1e-4 / 3e-3


@pytest.mark.parametrize("mirror", [(True, False), (False, True), (True, True)])
def test_mirror_planes_unfold_to_the_full_package(mirror):
    full = [
        1e-3 * np.array([-3.0, -2.8, -1.5, 0.0, 1.5, 2.8, 3.0]),
        1e-3 * np.array([-2.0, -1.1, 0.0, 1.1, 2.0]),
    ]
    lines = [a[a.size // 2 :] if m else a for a, m in zip(full, mirror, strict=True)]
    cut = flatness(dome, m=plate_of(lines, mirror), part="plate")
    whole = flatness(dome, m=plate_of(full, (False, False)), part="plate")
    np.testing.assert_allclose(cut.residual, whole.residual, atol=1e-15)
    both = [metrics.surface_numbers(one) for one in (cut, whole)]
    assert both[0] == pytest.approx(both[1], abs=1e-6)


def plate_of(lines, mirror):
    x, y = lines
    return model(np.ones((1, y.size - 1, x.size - 1)), [-1, 0], ["plate"], x, y, Z[:2], mirror)


def test_rotation_by_90_degrees_swaps_the_curvatures_only():
    def w(x, y):
        return dome(x, y) + 0.4 * x * y

    a = flatness(w)
    turned = plate(x=Y, y=X)
    turned.ids = np.ones_like(turned.ids)
    b = flatness(lambda x, y: w(y, x), m=turned)
    assert b.value == pytest.approx(a.value)
    assert b.kappa == pytest.approx((a.kappa[1], a.kappa[0], a.kappa[2]))


def test_measuring_zone_by_inset_and_by_rectangle():
    x = np.linspace(-3e-3, 3e-3, 41)
    m = plate_of((x, x), (False, False))
    by_inset = flatness(lambda x, y: dome(x, y, 50e-6, 3e-3, 3e-3), part="plate", m=m, zone=1e-3)
    assert by_inset.surface.bounds == pytest.approx((-2e-3, 2e-3, -2e-3, 2e-3))
    assert by_inset.value == pytest.approx(
        100e-6 * 4 / 9, rel=2e-3
    )  # parabola over 2/3 of the side
    by_box = flatness(
        lambda x, y: dome(x, y, 50e-6, 3e-3, 3e-3),
        part="plate",
        m=m,
        zone=(-2e-3, 2e-3, -2e-3, 2e-3),
    )
    assert by_box.value == by_inset.value
    with pytest.raises(WarpError, match="zone misses"):
        flatness(dome, part="plate", m=m, zone=4e-3)


def test_frame_has_a_sign_but_no_centre():
    m = plate()
    m.ids[2] = 2
    m.ids[2, 1:4, 1:6] = 0
    got = flatness(dome, part="chip", side="top", m=m)
    assert got.value > 0
    assert metrics.surface_numbers(got)["centre_um"] is None
    assert np.isnan(got.residual[2, 3])


def test_one_column_part_and_unknown_part():
    m = plate()
    m.ids[2] = 0
    m.ids[2, 2, 3] = 2
    got = flatness(lambda x, y: 1e-6 + 0 * x * y, part="chip", side="top", m=m)
    assert abs(got.value) < 1e-18
    with pytest.raises(WarpError, match="no part 'lid'.*substrate, chip"):
        flatness(dome, part="lid", m=m)


def test_sides_are_the_outermost_faces():
    m = plate()
    bottom, top = surface.faces(m)
    assert (bottom[0] == 0).all() and (top[0] == 2).all()
    assert (top[1] >= 0).sum() == 9 and bottom[1].max() == 2 and top[1].max() == 3


def test_coplanarity_rests_on_three_points():
    m = plate()
    s = surface.sample(
        m, w_field(m, lambda x, y: 1e-2 * x - 2e-2 * y + 3e-6), "substrate", "bottom"
    )
    assert metrics_flatness.coplanarity(s) == pytest.approx(0, abs=1e-15)
    bowl = surface.sample(m, w_field(m, lambda x, y: -dome(x, y)), "substrate", "bottom")
    convex = surface.sample(m, w_field(m, dome), "substrate", "bottom")
    assert metrics_flatness.coplanarity(convex) == pytest.approx(
        np.nanmax(convex.w) - dome(3e-3, 2e-3), rel=1e-9
    )
    assert 0 < metrics_flatness.coplanarity(bowl) <= 2 * np.ptp(bowl.w)


def test_terminals_of_two_parts_stand_on_one_seating_plane():
    """A surface in two halves has the coplanarity of the whole; each half alone has less."""
    whole = surface.sample(plate(), w_field(plate(), dome), "substrate", "bottom")
    left = whole.x[1:] <= np.median(whole.x)
    halves = [replace(whole, cells=whole.cells & side) for side in (left, ~left)]
    together = metrics_flatness.coplanarity(*halves)
    assert together == pytest.approx(metrics_flatness.coplanarity(whole), rel=1e-12)
    assert all(metrics_flatness.coplanarity(half) < 0.9 * together for half in halves)


def test_temperatures_of_parts_and_junction():
    m = plate()
    t = np.full(m.grid.shape, 300.15)
    t[2] = np.nan  # void
    t[2, 1:4, 2:5] = 350.15
    t[2, 2, 3] = 373.15
    got = temperature.temperatures(m, t)
    assert got["substrate"]["mean_C"] == pytest.approx(27.0)
    assert got["chip"]["max_C"] == pytest.approx(100.0) and got["chip"]["min_C"] == pytest.approx(
        77.0
    )
    fraction = (X[4] - X[3]) * (Y[3] - Y[2]) / ((X[5] - X[2]) * (Y[4] - Y[1]))
    assert got["chip"]["mean_C"] == pytest.approx(77 + 23 * fraction)
    assert got["chip"]["max_at_mm"] == pytest.approx([-0.3, -0.35, 1.1])
    hot = temperature.thermal(got, {"chip": 10.0, "substrate": 0.0}, 298.15)
    assert hot == pytest.approx({"junction_C": 100.0, "power_W": 10.0, "theta_ja_K_per_W": 7.5})


def test_invariants_agree_with_the_eigenvalues():
    s = np.random.default_rng(1).normal(size=(6, 50))
    s[:, 0] = 0  # and the degenerate states
    s[:, 1] = (2, 2, 2, 0, 0, 0)
    s[:, 2] = (5, 0, 0, 0, 0, 0)
    xx, yy, zz, yz, xz, xy = s
    roots = np.linalg.eigvalsh(
        np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]).transpose(2, 0, 1)
    )
    high, low, mises = stress_metrics.invariants(s)
    np.testing.assert_allclose(high, roots[:, 2], atol=1e-7)
    np.testing.assert_allclose(low, roots[:, 0], atol=1e-7)
    differences = np.diff(roots, axis=1)
    spread = (differences**2).sum(axis=1) + (roots[:, 2] - roots[:, 0]) ** 2
    np.testing.assert_allclose(mises, np.sqrt(spread / 2), atol=1e-7)


def test_part_stress_finds_the_singular_voxel_and_the_quantile_ignores_it():
    x = np.linspace(0, 1e-2, 42)
    m = plate_of((x, x), (False, False))
    s = np.zeros((6, 1, 41, 41))
    s[0] = 10e6
    s[0, 0, 3, 5] = 900e6
    s[1, 0, 7, 9] = -40e6
    got = stress_metrics.parts(m, s, select("cpu"))["plate"]
    assert got["max_principal_MPa"] == pytest.approx(900)
    assert got["max_principal_at_mm"] == pytest.approx(
        [1e3 * (x[5] + x[6]) / 2, 1e3 * (x[3] + x[4]) / 2, 0.25]
    )
    assert got["max_principal_q999_MPa"] == pytest.approx(10, abs=0.2)
    assert got["min_principal_MPa"] == pytest.approx(-40)
    assert got["min_principal_q001_MPa"] == pytest.approx(0, abs=0.2)
    assert got["von_mises_MPa"] == pytest.approx(900)


def test_interface_peel_and_shear():
    m = plate()
    s = np.zeros((6, *m.grid.shape))
    s[2, 1], s[2, 2] = 2e6, 9e6  # cells of 0.5 and 0.2 mm: 2 + 7 * 0.5 / 0.7 on the face
    s[3], s[4] = 3e6, 4e6
    (got,) = stress_metrics.interfaces(m, s, select("cpu"))
    assert (got["lower"], got["upper"]) == ("substrate", "chip")
    assert got["peel_mean_MPa"] == pytest.approx(7.0) and got["peel_max_MPa"] == pytest.approx(7.0)
    assert got["shear_q99_MPa"] == pytest.approx(5.0)
    assert got["area_mm2"] == pytest.approx(1e6 * (X[5] - X[2]) * (Y[4] - Y[1]))


@pytest.mark.parametrize(("apart", "copies"), [((), 4), (("chip",), 2)])
def test_an_interface_has_the_area_of_the_full_package(apart, copies):
    """A chip whose image in x = 0 is another part has its own area and its image's in y = 0."""
    m = plate(X - X[0], Y - Y[0], (True, True))
    m.apart = frozenset(apart), frozenset()
    (got,) = stress_metrics.interfaces(m, np.zeros((6, *m.grid.shape)), select("cpu"))
    assert got["area_mm2"] == pytest.approx(copies * 1e6 * (X[5] - X[2]) * (Y[4] - Y[1]))


def test_stress_of_a_file_is_added_in_float64():
    """A file may hold float32."""
    m = plate()
    stored = 1e8 * np.random.default_rng(1).random((6, *m.grid.shape), np.float32)
    single, double = (
        stress_metrics.interfaces(m, s, select("cpu")) for s in (stored, stored.astype(float))
    )
    assert single == double


def test_evaluate_gathers_everything():
    m = plate()
    got = metrics.evaluate(
        m,
        np.full(m.grid.shape, 300.0),
        w_field(m, dome),
        np.zeros((6, *m.grid.shape)),
        terminals=["substrate"],
        zones={("substrate", "bottom"): 0.5e-3},
    )
    assert set(got["surfaces"]["chip"]) == {"top", "bottom"}
    assert got["surfaces"]["substrate"]["bottom"]["zone_x_mm"] == pytest.approx(5.0)
    assert got["coplanarity_um"] > 0 and got["thermal"] == {} and len(got["interfaces"]) == 1


def test_columns_cut_by_a_round_rim_are_left_out():
    """A disc that bows by kappa r^2 / 2 reads so; corners of its cut voxels lie up to a voxel
    beyond the rim.
    """
    lines = np.linspace(-1.0, 1.0, 41)
    grid = Grid(lines, lines, np.array([0.0, 0.1]), (False, False))
    disc = Body("disc", "m", (Columns(np.zeros((1, 2)), 1.8, 0.0, 0.1),), None)
    model = voxelize([disc], {"m": library()["silicon"]}, grid, 300.0)
    r2 = (
        grid.xc[None, :] ** 2 + grid.yc[:, None] ** 2 - 0.05**2 / 2
    )  # w at centres: tangents of the bowed surface
    w = np.zeros((3, 2, 41, 41))
    w[2, :, :40, :40] = r2 / 2
    found = metrics_flatness.warpage(surface.sample(model, w, "disc", "top"))
    assert found.span == pytest.approx(0.9**2 / 2, rel=0.01)


def test_the_peak_between_grid_lines_is_read_like_one_on_a_line():
    """A dome of 200 um from centre to corner. With an odd number of cells no line passes the
    centre, where linear interpolation would read 1/n^2 low.
    """
    even, odd = (
        flatness(dome, part="plate", m=plate_of((x, x * 2 / 3), (False, False)))
        for x in (np.linspace(-3e-3, 3e-3, 11), np.linspace(-3e-3, 3e-3, 10))
    )
    for got in (even, odd):
        assert got.value == pytest.approx(200e-6, rel=1e-9)
        assert got.highest - got.lowest == pytest.approx(200e-6, rel=1e-9)
        assert got.corner_minus_centre == pytest.approx(-200e-6, rel=1e-9)
        assert got.edge_x_minus_centre == pytest.approx(-100e-6, rel=1e-9)


def test_a_peak_anywhere_in_a_cell_is_found():
    x = np.linspace(-3e-3, 3e-3, 8)
    for at in (0.11e-3, 0.57e-3, -0.83e-3):
        got = flatness(
            lambda x, y, at=at: -20.0 * ((x - at) ** 2 + (y + at) ** 2) + 0.02 * at * x,
            part="plate",
            m=plate_of((x, x), (False, False)),
        )
        low, high = surface_points.extremes(got.surface, got.surface.w)
        assert high == pytest.approx(0.02 * at * at, abs=2e-3 * (high - low))
        assert got.span == high - low


def test_extremes_stay_on_the_footprint():
    """Between two strips no value is read, though lines on both sides have one."""
    x = np.linspace(0, 4e-3, 5)
    cells = np.ones((4, 4), bool)
    cells[:, 1] = False
    w = np.broadcast_to(np.array([0.0, 9.0, 9.0, 1.0, 0.0]), (5, 5)).copy()
    low, high = surface_points.extremes(surface.Surface("s", "top", x, x, w, cells), w)
    assert low >= -2.0 and high < 12.0


def test_interpolation_is_exact_for_a_paraboloid_and_at_a_zones_border():
    s = surface.sample(plate(), w_field(plate(), dome), "substrate", "top")
    xs, ys = np.array([0.1e-3, -2.2e-3, 2.95e-3]), np.array([0.6e-3, -1.9e-3, 1.0e-3])
    np.testing.assert_allclose(surface_points.interpolate(s, s.w, xs, ys), dome(xs, ys), rtol=1e-12)
    inside = surface.zoned(s, 0.7e-3)
    np.testing.assert_allclose(
        inside.w, dome(inside.x[None, :], inside.y[:, None]), rtol=1e-12, atol=1e-18
    )


@pytest.mark.parametrize(("kernel", "size"), [(kernels.with_middles, 15), (kernels.to_lines, 9)])
def test_values_between_rows_are_those_between_columns_of_the_transposed_array(kernel, size):
    """Beside holes too."""
    rng = np.random.default_rng(3)
    f = np.where(rng.random((8, 30)) < 0.7, rng.random((8, 30)), np.nan)
    lines = np.cumsum(0.5 + rng.random(8 if size == 15 else 9))
    one, other = np.empty((30, size)), np.empty((size, 30))
    kernel(one, f.T.copy(), lines, False)
    kernel(other, f, lines, True)
    np.testing.assert_array_equal(other, one.T)


def test_extremes_above_a_plane_are_those_of_the_heights_less_the_plane():
    m = plate()
    s = surface.sample(m, w_field(m, dome), "substrate", "top")
    plane = (1e-6, 2e-3, -3e-3)
    less = s.w - surface_points.height_of(plane, s.x[None, :], s.y[:, None])
    found = surface_points.extreme_points(s, surface_points.with_middles(s, s.w), plane)
    assert [p[2] for p in found] == pytest.approx(surface_points.extremes(s, less), abs=1e-15)


@pytest.mark.parametrize("fraction", [0.5, 0.99, 1.0])
def test_a_quantile_sorts_no_more_than_it_needs(cpu, fraction):
    rng = np.random.default_rng(5)
    values, weights = rng.standard_normal(4001), rng.random(4001) ** 8
    order = np.argsort(values)
    below = np.cumsum(weights[order]) >= fraction * weights.sum() * (1 - 1e-12)
    assert stress_metrics.quantile(cpu, values, weights, fraction) == values[order[below.argmax()]]
