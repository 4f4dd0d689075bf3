"""Named faces, films, interface resistances and heat sources of the voxel model."""

import numpy as np
import pytest
from conductors import boxes

from warp.errors import WarpError
from warp.solvers.heat import operator as heat_operator
from warp.voxels import boundary
from warp.voxels.boundary import Film, Fixed, Interface, Source

INF = np.inf


@pytest.fixture
def stack():
    """A 5 x 4 base of one layer, a 2 x 2 chip on it, a plate of 4 x 4 above with a cavity beside
    the chip.
    """
    return boxes(
        np.arange(6),
        np.arange(5) * 2.0,
        [0, 1, 3, 4],
        {
            "base": (2.0, (-INF, INF, -INF, INF, 0, 1)),
            "chip": (5.0, (1, 3, 2, 6, 1, 3)),
            "plate": (1.0, (0, 4, -INF, INF, 3, 4)),
        },
    )


def area(model, name, **options):
    return boundary.faces(model, name, **options).area(model.grid).sum()


@pytest.mark.parametrize(
    "name, expected",
    [
        ("base.bottom", 5 * 8),
        ("base.top", 5 * 8 - 2 * 4),
        ("chip.top", None),
        ("chip.x-", 4 * 2),
        ("chip.sides", 2 * 4 * 2 + 2 * 2 * 2),
        ("plate.bottom", 4 * 8 - 2 * 4),
        ("package.top", 4 * 8 + 1 * 8),
        ("package.bottom", 5 * 8),
        ("package.x+", 8 * 1 + 4 * 2 + 8 * 1),
        ("plate.all", 4 * 8 + 24 + 2 * 8 + 2 * 4),
    ],
)
def test_faces_are_the_exposed_outermost_ones(stack, name, expected):
    if expected is None:
        with pytest.raises(WarpError, match="covered"):
            boundary.faces(stack, name)
    else:
        assert area(stack, name) == pytest.approx(expected)


def test_covered_faces_on_request(stack):
    assert area(stack, "chip.top", covered=True) == pytest.approx(2 * 4)
    at = boundary.faces(stack, "chip.top", covered=True)
    above = boundary.neighbours(stack, at)
    assert np.all(stack.ids.reshape(-1)[above.cell] == 3) and np.all(above.side == 4)


def test_a_mirror_plane_is_no_face():
    model = boxes(np.arange(4), np.arange(4), [0, 1], {"a": (1.0,)}, mirror=(True, False))
    assert area(model, "a.sides") == pytest.approx(3 + 3 + 3)
    assert area(model, "a.x-") == 0  # it is in the other half


@pytest.mark.parametrize("name", ["lid.top", "base.front", "top", ".top"])
def test_unknown_faces(stack, name):
    with pytest.raises(WarpError):
        boundary.faces(stack, name)


def test_a_face_takes_one_film(stack, cpu):
    with pytest.raises(WarpError, match="overlap"):
        heat_operator.operator(
            stack, [Film("package.top", 10, 300), Film("plate.top", 10, 300)], cpu
        )


def test_films_on_two_sides_of_a_voxel_add(cpu):
    """Half a voxel and the film in series: G = A / (d/2k + 1/h), or A 2k/d where the face is
    held.
    """
    model = boxes([0, 2], [0, 3], [0, 4], {"a": ((1.0, 2.0, 5.0),)})
    A = heat_operator.operator(
        model, [Film("a.top", 10, 310), Film("a.x-", 20, 290), Fixed("a.y+", 300)], cpu
    )
    g = np.array([6 / (4 / 10 + 1 / 10), 12 / (2 / 2 + 1 / 20), 8 / (3 / 4)])
    assert A.surroundings.conductance == pytest.approx([g.sum()])
    assert A.surroundings.heat == pytest.approx([g @ [10, -10, 0]])


def test_interface_adds_to_the_half_voxel_of_the_first_part(stack):
    split = boundary.split_interfaces(stack, [Interface("chip", "plate", 0.5)])
    chip = split.ids[1, 1, 1]
    assert stack.ids[1, 1, 1] == 2 and split.origin[chip] == 2
    assert split.extra[chip] == pytest.approx([0, 0, 0, 0, 0, 0.5 / 2])
    assert np.count_nonzero(split.ids != stack.ids) == 4
    with pytest.raises(WarpError, match="do not touch"):
        boundary.split_interfaces(stack, [Interface("base", "plate", 0.5)])


def test_uniform_power_follows_volume(stack):
    q = boundary.heat_load(stack, {"chip": 8.0})
    assert q.sum() == pytest.approx(8) and np.all(q[stack.ids != 2] == 0)
    assert np.ptp(q[stack.ids == 2]) == pytest.approx(0)


def test_rectangles_of_power_fall_on_columns_by_area(stack):
    source = Source("chip", np.array([[3.0, 1.0]]), np.array([1, 2.5, 3]), np.array([2, 6.0]))
    q = boundary.heat_load(stack, [source])[1, 1:3, 1:3]
    assert q == pytest.approx(np.array([[1, 1], [1, 1]]))
    source = Source("chip", np.array([[3.0], [1.0]]), np.array([1, 2.0]), np.array([2, 4, 6.0]))
    assert boundary.heat_load(stack, [source])[1, 1:3, 1:3] == pytest.approx(
        np.array([[3, 0], [1, 0]])
    )


def test_power_at_one_side():
    model = boxes([0, 1], [0, 1], [0, 1, 2, 3], {"a": (1.0,)})
    q = boundary.heat_load(model, [Source("a", 6.0, z=(1.5, 3.0))])
    assert q.reshape(-1) == pytest.approx([0, 2, 4])


def test_a_quarter_carries_a_quarter():
    model = boxes([0, 1, 2], [0, 1], [0, 1], {"a": (1.0,)}, mirror=(True, True))
    assert boundary.heat_load(model, {"a": 8.0}).sum() == pytest.approx(2)


def test_power_beside_the_part(stack):
    with pytest.raises(WarpError, match="none of it"):
        boundary.heat_load(
            stack, [Source("chip", np.array([[1.0]]), np.array([3.0, 4]), np.array([2.0, 4]))]
        )
    with pytest.raises(WarpError, match="no part"):
        boundary.heat_load(stack, {"die": 1.0})
