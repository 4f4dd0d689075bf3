"""Voxelisation: later bodies win, volume is conserved, shared voxels get their own rows, pieces are
connected or float.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from warp.errors import WarpError
from warp.geometry.shapes import Balls, Body, Box, Columns, Prism
from warp.materials import mixing
from warp.materials.library import MaterialSpec
from warp.materials.material import Phase
from warp.voxels import media, voxelize
from warp.voxels.grid import Grid, GridSettings, make_grid, voxel_volumes


@dataclass(frozen=True)
class Stub:
    """A material of one number."""

    value: float
    density: float = 2.0

    def stiffness(self, T):
        return np.full(6, self.value)

    def shear(self, T):
        return np.full(3, self.value / 2)

    def cte(self, T):
        return np.array([1e-6, 2e-6, 3e-6]) * self.value

    def thermal_strain(self, T, T0):
        return self.cte(T) * (T - T0)

    def conductivity(self, T):
        return np.full(3, self.value * T)

    def heat_capacity(self, T):
        return 20 * self.value


A, B = Stub(1.0), Stub(3.0)
MATERIALS = {"a": A, "b": B}


@pytest.fixture(autouse=True)
def mixing_by_volume(monkeypatch):
    """Mixing has its own tests: here a mixture's number is the mean of its parts' numbers."""

    def number(medium):
        return medium.medium.value if isinstance(medium, Phase) else medium.value

    def mean(media, fractions, rule):
        return Stub(
            sum(f * number(m) for m, f in zip(media, fractions, strict=True) if m is not None)
        )

    monkeypatch.setattr(media, "mix", mean)


def grid_of(nx, ny, nz, size=1.0):
    return Grid(*(np.linspace(0, n * size, n + 1) for n in (nx, ny, nz)))


def box(part, material, *bounds, **more):
    return Body(part, material, (Box(*bounds),), **more)


def model_of(bodies, grid):
    return voxelize.voxelize(bodies, MATERIALS, grid, stress_free=400.0)


def amount(model):
    """Volume integral of the media's number: a is 1, b is 3, a mixture the mean, void 0."""
    value = model.media.stiffness(300.0)[:, 0]
    return float((value[model.ids] * voxel_volumes(model.grid)).sum())


def test_later_bodies_override_and_void_carves():
    model = model_of(
        [
            box("plate", "a", 0, 5, 0, 7, 0, 3),
            box("chip", "b", 1, 3, 1, 4, 1, 3),
            box("hole", None, 2, 3, 0, 7, 0, 3),
        ],
        grid_of(5, 7, 3),
    )
    assert model.ids.dtype == np.uint16 and model.parts == ["plate", "chip", "hole"]
    assert model.ids[0, 0, 0] == 1 and model.ids[2, 1, 1] == 2 and model.ids[1, 2, 2] == 0
    assert (
        amount(model) == 5 * 7 * 3 + 2 * (1 * 3 * 2) - 21
    )  # the chip's surplus of 2 where it is left, less the hole
    assert voxelize.part_volumes(model) == {"plate": 105 - 21 - 6, "chip": 6, "hole": 0}


def test_media_tables():
    """Rows of one material but two stress-free temperatures; void is zero throughout."""
    bodies = [box("p", "a", 0, 1, 0, 1, 0, 1), box("q", "a", 1, 2, 0, 1, 0, 1, stress_free=350.0)]
    m = model_of(bodies, grid_of(3, 1, 1)).media
    assert m.part.tolist() == [-1, 0, 1] and m.names == ["void", "a", "a"]
    assert m.thermal_strain(300.0)[1:, 2] == pytest.approx([-3e-4, -1.5e-4])
    assert m.conductivity(300.0)[:, 0].tolist() == [0, 300, 300]
    assert m.heat_capacity(300.0).tolist() == [0, 20, 20] and m.density.tolist() == [0, 2, 2]
    assert m.stiffness(300.0).shape == (3, 6) and m.shear(300.0).shape == m.cte(300.0).shape == (
        3,
        3,
    )


def test_half_covered_voxel():
    """A triangle cuts the cells on its diagonal in halves."""
    wedge = Body("wedge", "b", (Prism([[0, 0], [3, 0], [0, 3]], 0, 2),))
    model = model_of([wedge], grid_of(4, 5, 2))
    value = model.media.stiffness(0)[:, 0][model.ids[0]]
    assert value[:3, :3].tolist() == [[3, 3, 1.5], [3, 1.5, 0], [1.5, 0, 0]]
    assert value[3:].sum() == 0 and model.media.names[2] == "b 32/64 in void"
    assert (model.ids[0] == model.ids[1]).all() and len(model.media) == 3


def test_only_rows_of_two_media_are_shared():
    """The name is no sign: a part's own layer may be called like a shared voxel."""
    wedge = Body("wedge", "b", (Prism([[0, 0], [3, 0], [0, 3]], 0, 2),))
    assert model_of([wedge], grid_of(4, 5, 2)).media.shared.tolist() == [False, False, True]
    rows = media.Rows()
    rows.solid(0, "layer 3/4 in copper", A, 300.0)
    assert rows.media().shared.tolist() == [False, False]


def test_partial_cover_takes_the_rest_from_what_lay_there():
    plate = box("plate", "a", 0, 4, 0, 4, 0, 1)
    wedge = Body("wedge", "b", (Prism([[0, 0], [3, 0], [0, 3]], 0, 1),))
    carved = Body("carved", None, wedge.shapes)
    assert amount(model_of([plate, wedge], grid_of(4, 4, 1))) == 16 + 2 * 4.5
    assert amount(model_of([plate, carved], grid_of(4, 4, 1))) == 16 - 4.5


def test_phases_of_a_mixture_keep_their_stress_free_temperatures(monkeypatch):
    """Half a at 400 K, half b at 350 K, both of one stiffness: the mean of the strains, -1e-4 and
    -0.5e-4 along x.
    """
    monkeypatch.setattr(media, "mix", mixing.mix)
    steel = MaterialSpec(youngs_modulus="200 GPa", poissons_ratio="0", cte="1 ppm/K").build("steel")
    wedge = Body("wedge", "steel", (Prism([[0, 0], [1, 0], [0, 1]], 0, 1),), 350.0)
    plate = box("plate", "steel", 0, 1, 0, 1, 0, 1)
    model = voxelize.voxelize([plate, wedge], {"steel": steel}, grid_of(1, 1, 1), stress_free=400.0)
    row = model.ids[0, 0, 0]
    assert model.media.thermal_strain(300.0)[row] == pytest.approx([-0.75e-4] * 3, rel=1e-9)
    assert model.media.stiffness(300.0)[row] == pytest.approx([200e9] * 3 + [0.0] * 3, abs=1.0)
    assert model.media.part[row] == 1
    T = np.array([300.0, 310.0, 350.0])
    each = [model.media.thermal_strain(float(t)) for t in T]
    for _ in range(2):  # computed, then kept
        found = model.media.thermal_strains(T)
        np.testing.assert_allclose(found, each, rtol=1e-12)
        found[:] = 0.0  # a copy of what is kept
    assert not np.array_equal(model.media.thermal_strains(T + 1), model.media.thermal_strains(T))


class Softening(Stub):
    """A material as stiff as it is hot."""

    def stiffness(self, T):
        return np.full(6, T)

    def shear(self, T):
        return np.full(3, T / 2)


def test_moduli_are_those_at_the_temperature_of_each_row():
    soft = Softening(1.0)
    rows = media.Media(np.array([-1, 0, 1]), [None, soft, soft], np.zeros(3), ["void", "a", "b"])
    normal, shear = rows.moduli(np.array([100.0, 200.0, 300.0]))
    assert normal[:, 0].tolist() == [0, 200, 300] and shear[:, 2].tolist() == [0, 100, 150]


def test_two_halves_of_one_body_make_a_whole():
    """Shapes of one body, and bodies of one part and material, add up where they meet in a
    voxel.
    """
    low, high = Prism([[0, 0], [3, 0], [0, 3]], 0, 1), Prism([[3, 3], [0, 3], [3, 0]], 0, 1)
    for bodies in (
        [Body("p", "b", (low, high))],
        [Body("p", "b", (low,)), Body("p", "b", (high,))],
    ):
        model = model_of(bodies, grid_of(3, 3, 1))
        assert (model.ids == 1).all()


@pytest.mark.parametrize(
    "shape",
    [
        Columns(np.array([[1.3, 1.1], [3.9, 2.2], [2.3, 4.1]]), 1.7, 0.0, 3.0),
        Columns(np.array([[1.3, 1.1], [3.9, 2.2]]), 1.7, 0.0, 3.0, square=True),
        Balls(np.array([[1.3, 1.4], [3.9, 2.2]]), 2.3, 0.4, 2.4),
        Prism([[0.3, 0.2], [4.6, 0.9], [3.1, 4.4], [2.4, 1.9]], 0.5, 2.7),  # concave
    ],
    ids=["round", "square", "balls", "polygon"],
)
def test_volume_is_conserved(shape):
    """Arbitrary positions on a grid that is not uniform: areas are exact, only the rounding to 1/64
    is left.
    """
    x = np.array([0, 0.7, 1.2, 2.0, 2.3, 3.1, 4.0, 4.4, 5.0])
    z = np.array([0, 0.6, 1.0, 1.7, 2.2, 3.0])
    model = model_of([Body("p", "a", (shape,))], Grid(x, x, z))
    assert amount(model) == pytest.approx(shape.volume(), rel=4e-3)


def test_bump_array_on_its_own_grid():
    """4 x 4 cells per bump keep the area of a disc within 0.3 % although fractions are rounded."""
    at = (np.arange(6) - 2.5) * 0.15e-3
    bumps = Columns(np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2), 0.105e-3, 0.0, 0.08e-3)
    for mirror, copies in (((False, False), 1), ((True, True), 4)):
        grid = make_grid([Body("bumps", "a", (bumps,))], GridSettings(), mirror)
        model = model_of([Body("bumps", "a", (bumps,))], grid)
        assert copies * amount(model) == pytest.approx(bumps.volume(), rel=3e-3)
        assert (
            len(model.media) <= 2 + 4
        )  # each bump is cut alike: a few fractions serve the whole array


def test_a_ball_narrows_towards_its_pads():
    ball = Balls([[0.0, 0.0]], 1.0, 0.0, 0.8)
    body = Body("ball", "a", (ball,))
    model = model_of([body], make_grid([body], GridSettings(cells_per_diameter=16)))
    layers = (model.media.stiffness(0)[:, 0][model.ids] * model.grid.area).sum(axis=(1, 2))
    assert layers == pytest.approx(layers[::-1], rel=1e-2) and layers.argmax() in (
        len(layers) // 2,
        len(layers) // 2 - 1,
    )
    assert layers[0] < 0.55 * layers.max()  # the pad has 36 % of the equator's area
    assert amount(model) == pytest.approx(ball.volume(), rel=5e-3)


def test_mirror_cuts_a_column_in_two():
    column = Body("pin", "a", (Columns([[0.0, 0.0]], 2.0, 0.0, 1.0),))
    grid = Grid(np.linspace(0, 2, 9), np.linspace(0, 2, 9), np.array([0.0, 1.0]), (True, True))
    assert amount(model_of([column], grid)) == pytest.approx(np.pi / 4, rel=3e-3)


def test_a_part_beyond_the_mirror_is_absent_but_a_sliver_is_an_error():
    grid = grid_of(2, 2, 2)
    assert amount(model_of([box("far", "a", -2, -1, 0, 1, 0, 1)], grid)) == 0
    with pytest.raises(WarpError, match="'film' is thinner than 1/128"):
        model_of([box("film", "a", 0, 2, 0, 2, 1, 1.001)], grid)


def test_a_gridded_piece_between_the_blocks_of_an_array_has_none_of_them():
    bars = Body("bars", "a", (Box(0, 2, -2, -1, 0, 1), Box(0, 2, 3, 4, 0, 1)))
    assert amount(model_of([bars], grid_of(2, 2, 2))) == 0
    sliver = replace(bars, shapes=(*bars.shapes, Box(0, 2, 1, 1.001, 0, 1)))
    with pytest.raises(WarpError, match="'bars' is thinner than 1/128"):
        model_of([sliver], grid_of(2, 2, 2))


def test_rows_are_bounded(monkeypatch):
    monkeypatch.setattr(media, "MOST_ROWS", 3)
    wedge = Body("wedge", "b", (Prism([[0, 0], [3, 0], [0, 2]], 0, 1),))
    with pytest.raises(WarpError, match="more than 3 different media"):
        model_of([wedge], grid_of(4, 4, 1))


def test_surface_of_a_lid():
    """Plate on a foot: the top is flat, the bottom is the foot's sole and the cavity's ceiling."""
    lid = Body("lid", "b", (Box(0, 3, 0, 1, 2, 3), Box(0, 1, 0, 1, 1, 2)))
    model = model_of([box("base", "a", 0, 4, 0, 1, 0, 1), lid], grid_of(4, 1, 3))
    top, there = voxelize.surface(model, "lid", "top")
    bottom, _ = voxelize.surface(model, "lid", "bottom")
    assert top.tolist() == [[3, 3, 3, -1]] and bottom.tolist() == [[1, 2, 2, -1]]
    assert there.tolist() == [[True, True, True, False]]


def test_floating_parts_and_gaps():
    """A lid 1 above the base floats; touching along an edge only is no contact either."""
    base, lid = box("base", "a", 0, 4, 0, 2, 0, 2), box("lid", "b", 0, 3, 0, 2, 3, 4)
    model = model_of([base, lid], grid_of(5, 2, 4))
    assert voxelize.floating(model) == ["lid"]
    assert voxelize.gaps(model) == [("base", "lid", 1.0, 6.0)]
    corner = box("corner", "b", 4, 5, 0, 2, 2, 3)
    assert voxelize.floating(model_of([base, corner], grid_of(5, 2, 4))) == ["corner"]
    post = box("post", "b", 0, 1, 0, 1, 2, 3)
    model = model_of([base, lid, post], grid_of(5, 2, 4))
    assert voxelize.floating(model) == [] and voxelize.connected(model) == [["base", "lid", "post"]]


def test_pieces_of_a_comb_join_late():
    """Teeth that only meet in the last row: labels made apart are one piece."""
    shapes = tuple(Box(n, n + 1, 0, 5, 0, 1) for n in range(0, 9, 2)) + (Box(0, 9, 5, 6, 0, 1),)
    model = model_of(
        [Body("comb", "a", shapes), box("speck", "b", 1, 2, 0, 1, 2, 3)], grid_of(9, 6, 3)
    )
    assert voxelize.connected(model) == [["comb"], ["speck"]]
