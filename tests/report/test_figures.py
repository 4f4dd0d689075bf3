"""Pictures of a finished run: which are drawn, that something is on them, and that they read in
grey.
"""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from finished import CASE, HEIGHT, finished
from PIL import Image

from warp.case.case import Case
from warp.errors import WarpError
from warp.materials.library import library
from warp.report import (
    bodies,
    field_figures,
    figures,
    palette,
    plots,
    section_labels,
    sections,
    step_figures,
)
from warp.report.sections import Cut
from warp.report.step_figures import telling
from warp.report.windows import read_window
from warp.results import measured
from warp.results.cells import MediaTable
from warp.run.check import check
from warp.run.grids import common_grid
from warp.voxels.grid import Grid
from warp.voxels.media import Rows
from warp.voxels.voxelize import VoxelModel


@pytest.fixture(scope="module")
def result():
    return finished()


def test_a_surface_is_the_whole_footprint_above_its_zones_plane(result):
    flat = measured.flat(result, "board", "bottom")
    assert flat.zone == pytest.approx((-4.5e-3, 4.5e-3, -4.5e-3, 4.5e-3))
    assert flat.surface.bounds == pytest.approx((-5e-3, 5e-3, -5e-3, 5e-3))
    middle = np.abs(flat.surface.x).argmin()
    rise = flat.height[middle, middle] - flat.height[0, 0]
    assert rise == pytest.approx(2 * HEIGHT, rel=2e-3)
    assert 1e6 * flat.warpage.value == pytest.approx(
        result.metrics["surfaces"]["board"]["bottom"]["warpage_um"]
    )
    assert flat.shape == "convex"
    assert measured.flat(result, "chip", "top").zone is None


def test_zones_of_files_without_their_place_are_centred(result):
    numbers = result.metrics["surfaces"]["board"]["bottom"]
    zone = {key: numbers.pop(key) for key in ("zone_x0_mm", "zone_y0_mm")}
    try:
        assert measured.flat(result, "board", "bottom").zone == pytest.approx(
            (-4.5e-3, 4.5e-3, -4.5e-3, 4.5e-3)
        )
    finally:
        numbers.update(zone)


def test_the_side_to_the_board_comes_first_and_names_are_checked(result):
    assert measured.board_part(result) == "board"
    assert ("board", "bottom") in measured.chosen(result, []) and (
        "chip",
        "top",
    ) in measured.chosen(result, [])
    assert measured.chosen(result, ["chip.bottom"]) == [("chip", "bottom")]
    assert measured.chosen(result, ["all"]) == measured.known(result)
    for name in ("chip", "chip.left", "die.top"):
        with pytest.raises(WarpError, match="PART.top or PART.bottom"):
            measured.chosen(result, [name])


def test_one_call_draws_the_useful_set(result, tmp_path):
    files, left_out = figures.draw(result, tmp_path / "new", "dome", surfaces=["board.bottom"])
    names = [
        "section",
        "plan",
        "board-bottom",
        "board-bottom-3d",
        "temperature",
        "stress",
        "residuals",
    ]
    assert [f.name for f in files] == [f"dome-{name}.png" for name in names] and not left_out
    for file in files:
        grey = np.asarray(Image.open(file).convert("L").resize((600, 500)))
        assert grey.min() < 90 and grey.max() == 255  # dark lines and letters on white
    with pytest.raises(WarpError, match="png, svg, pdf"):
        figures.draw(result, tmp_path, "dome", "bmp")


def test_a_picture_can_be_svg_and_is_the_same_every_time(result, tmp_path):
    flat = measured.flat(result, "chip", "top")
    for name in ("a.svg", "b.svg"):
        figures.surface_map(flat, tmp_path / name)
    assert b"</svg>" in (tmp_path / "a.svg").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_what_cannot_be_drawn_is_said(tmp_path):
    bare = finished(stress=False)
    bare.metrics["uniform_temperature"] = True
    bare.fields = {name: field for name, field in bare.fields.items() if name == "temperature"}
    files, left_out = figures.draw(bare, tmp_path, "bare")
    assert [f.name for f in files] == [
        "bare-section.png",
        "bare-plan.png",
        "bare-residuals.png",
    ]
    assert [reason.split(":")[0] for reason in left_out] == ["surfaces", "temperature", "stress"]


def test_a_factor_has_two_digits_and_no_exponent():
    assert [plots.magnified(times) for times in (192.4, 5.54, 93.0)] == ["190", "5.5", "93"]


def test_colour_maps_rise_in_lightness():
    """The colours of a map, in grey, tell high from low everywhere."""
    from matplotlib import colormaps

    def lightness(name):
        red, green, blue, _ = colormaps[name](np.linspace(0, 1, 65)).T
        return 0.299 * red + 0.587 * green + 0.114 * blue

    for name in (field_figures.HEAT_MAP, field_figures.STRESS_MAP):
        assert (np.diff(lightness(name)) > -1e-3).all(), name
    signed = lightness(figures.HEIGHT_MAP)
    assert signed.argmax() == 32 and signed[32] > 0.95  # white at zero, darker either way
    assert (np.diff(signed[:33]) > -1e-3).all() and (np.diff(signed[32:]) < 1e-3).all()


def test_fringes_are_round_and_cover_the_surface():
    levels = figures.fringes(np.array([-31.0, 66.0]))
    assert levels[0] <= -31 and levels[-1] >= 66 and 0 in levels
    assert np.allclose(np.diff(levels), np.diff(levels)[0])
    assert len(figures.fringes(np.zeros(3))) > 1  # a flat surface can be drawn


def test_a_section_unfolds_the_quarter():
    values = np.arange(6).reshape(2, 3)
    assert field_figures._unfolded(values, (True, False)).tolist() == [
        [2, 1, 0, 0, 1, 2],
        [5, 4, 3, 3, 4, 5],
    ]
    assert field_figures._lines(np.array([0.0, 1.0, 3.0]), True).tolist() == [-3, -1, 0, 1, 3]


def test_a_history_has_a_gap_where_the_solver_began_anew():
    x, y = plots.broken(np.array([1.0, 1e-3, 1e-8, 0.5, 0.6, 1e-9]))
    assert x.tolist() == [0, 1, 2, 2.5, 3, 4, 5]
    assert np.isnan(y).tolist() == [False] * 3 + [True] + [False] * 3


def test_media_too_thin_for_a_number_get_one_beside_the_section():
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    x, z = np.linspace(0, 10, 11), np.array([0.0, 1.0, 1.01, 1.02, 2.0])
    layers = [np.zeros((4, 10), bool) for _ in range(4)]
    for k, layer in enumerate(layers):
        layer[k] = True
    inside = [
        section_labels.inside(axes, x, z, layer, str(n), room=0.1) for n, layer in enumerate(layers)
    ]
    assert inside == [True, False, False, True]
    section_labels.beside(axes, x, z, {"1": layers[1], "2": layers[2]})
    beside = {
        text.get_text(): text.get_position() for text in axes.texts if text.get_position()[0] > 10
    }
    assert set(beside) == {"1", "2"} and beside["2"][1] - beside["1"][1] >= 0.09 * 2 - 1e-9


def test_a_number_stands_within_its_medium_where_others_lie_between():
    """Leads along two sides of a plan: not in the middle between the two rows."""
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    lines = np.linspace(0.0, 10.0, 11)
    leads = np.zeros((10, 10), bool)
    leads[[0, 9]] = True
    assert section_labels.inside(axes, lines, lines, leads, "1", room=0.5)
    (text,) = axes.texts
    assert text.get_position() == (5.0, 9.5)  # of two equals the one that no mirror made
    lead_and_pad = np.zeros((10, 10), bool)
    lead_and_pad[0] = lead_and_pad[9] = True
    assert not section_labels.inside(axes, lines, lines, lead_and_pad, "2", room=1.5)


def test_a_legend_of_many_parts_joins_those_of_one_material():
    names = [f"die-{n}: silicon" for n in range(30)] + ["mould: epoxy"]
    materials, parts = ["silicon"] * 30 + ["epoxy"], [name.partition(":")[0] for name in names]
    index = np.arange(-1, 31).reshape(4, 8)
    lines = np.arange(9.0)
    share = np.full(index.shape, np.nan)
    many = sections.Section(
        sections.Cut(), 0.0, lines, lines[:5], index, names, materials, parts, share
    )
    joined = sections.by_material(many)
    assert joined.names == ["die-0, die-1 and 28 more: silicon", "mould: epoxy"]
    assert joined.index.ravel().tolist() == [-1] + [0] * 30 + [1]
    few = sections.Section(
        sections.Cut(), 0.0, lines, lines[:5], index, names[:3], materials[:3], parts[:3], share
    )
    assert sections.by_material(few) is few


LAMINATE = """
[load]
stress_free = "150 degC"
temperature = "25 degC"
[part.board]
size = "20 mm"
material = "laminate-it170"
layers = [ { repeat = 14, of = [
    { thickness = "35 um", copper = "70 %" },
    { thickness = "60 um" },
] } ]
"""
PARTS = """
[part."film-{n}"]
repeat = 19
on = "board"
size = "0.6 mm"
at = ["n * 1 mm - 10 mm", "0 mm"]
thickness = "20 um"
material = "silicon"
"""


def test_layers_that_look_alike_share_a_row_of_the_legend():
    model = check(Case.from_toml(LAMINATE), "cpu").model
    one = sections.section(model)
    joined = sections.alike_joined(one, palette.of(model))
    assert len(one.names) > 10 and len(joined.names) == 2
    assert joined.names[0] == "board: layer 1 and 13 more alike"
    assert (joined.index >= 0).tolist() == (one.index >= 0).tolist()
    assert len(np.unique(joined.index)) == 2


def test_a_page_has_room_for_many_numbers(tmp_path, monkeypatch, recwarn):
    """Twenty thin parts: all of their numbers lie beside the section, apart and on the page."""
    kept = []

    @contextmanager
    def page(*args):
        with plots.page(*args) as figure:
            yield figure
            figure.draw_without_rendering()
            (axes,) = figure.axes
            boxes = [text.get_window_extent() for text in axes.texts]
            kept.append((figure.bbox, axes.get_window_extent(), boxes))

    monkeypatch.setattr(sections, "page", page)
    model = check(Case.from_toml(LAMINATE + PARTS), "cpu").model
    sections.cross_section(model, tmp_path / "a.png", sections.Cut("y", 0.0))
    ((whole, axes, boxes),) = kept
    assert len(boxes) >= 20 and axes.height > 0.4 * whole.height
    assert all(whole.y0 <= box.y0 and box.y1 <= whole.y1 for box in boxes)
    middles = sorted(box.y0 + box.height / 2 for box in boxes[1:])
    assert np.diff(middles).min() > 0.9 * boxes[0].height
    assert not recwarn.list


def test_a_plane_off_the_centres_of_cells_says_what_was_asked_for():
    model = check(Case.from_toml(LAMINATE), "cpu").model
    shown = sections.section(model, sections.Cut("z", 13e-6))
    assert sections.asked(shown) == ", the cells' centre nearest to 0.013 mm"
    exact = sections.Cut("z", 1e-3 * shown.at)
    assert sections.asked(sections.section(model, exact)) == ""
    assert sections.asked(sections.section(model)) == ""


def test_curves_of_a_process_are_those_of_its_widest_parts():
    """A chip bends most and is there longest: the packages above and below tell more."""

    def side(um, size):
        return {"warpage_um": um, "zone_x_mm": size, "zone_y_mm": size}

    def record(um, late):
        chip = {"chip": {"top": side(3 * um, 4.0), "bottom": side(4 * um, 4.0)}}
        strips = {"underfill": {"top": side(-9 * um, 13.0)}}
        above = {"above": {"top": side(-1.5 * um, 13.0), "bottom": side(-um, 13.0)}}
        below = {"below": {"bottom": side(um, 13.0), "top": side(1.5 * um, 13.0)}}
        return {"surfaces": below | chip | strips | (above if late else {})}

    records = [record(10.0, False), record(40.0, False), record(90.0, True)]
    parts = {"above", "below", "chip"}
    found = telling(records, parts=parts)
    assert found == ["below.bottom", "above.bottom", "chip.bottom"]
    assert "underfill.top" in telling(records), "without a case every part counts"


def test_curves_of_a_process_are_unlike_ones():
    def side(um):
        return {"warpage_um": um}

    records = [
        {
            "surfaces": {
                "substrate": {"bottom": side(um), "top": side(um + 0.1)},
                "mould": {"bottom": side(um - 0.1)},
                "lid": {"top": side(um / 2)},
                "late": {"top": side(9.0)} if um > 50 else {},
            }
        }
        for um in (10.0, 40.0, 90.0)
    ]
    assert telling(records) == ["substrate.bottom", "lid.top", "late.top"]
    named = ["substrate.top", "late.top", "mould.bottom", "substrate.bottom", "absent.top"]
    assert telling(records, named) == named[:4], "all that were named and measured, in their order"


def test_a_shared_voxel_has_its_owners_name_whatever_its_own_says():
    """A voxel that two media share is known by its share; its name may say anything."""
    model = finished()
    media = model.media
    model.media = MediaTable(
        np.append(media.part, 1),
        [*media.material, "silicon 3/8 in fr4"],
        np.append(media.stress_free, 398.0),
        np.append(media.fraction, 0.375),
    )
    assert sections._row_names(model) == ["", "board: fr4", "chip: silicon", "chip: silicon"]
    model.media = MediaTable(
        media.part, ["void", "fr4 3/8 in", "silicon 1/2 in"], media.stress_free, media.fraction
    )
    assert sections._row_names(model) == ["", "board: fr4 3/8 in", "chip: silicon 1/2 in"]


def test_a_part_of_many_media_has_one_name_in_a_section():
    """Balls meet voxels in many shares; all of them are the balls in the legend."""
    model = finished()
    media = model.media
    model.media = MediaTable(
        np.append(media.part, [1, 1]),
        [*media.material, "silicon", "silicon"],
        np.append(media.stress_free, [398.0, 398.0]),
        np.append(media.fraction, [0.375, 0.5]),
    )
    model.ids[2:, 0, 0], model.ids[2:, 0, 1] = 3, 4
    assert sections.section(model).names == ["chip: silicon", "board: fr4"]


def test_a_section_lies_where_most_parts_are_met_or_where_it_is_asked_for():
    result = finished()
    shown = sections.section(result)
    assert shown.names == ["chip: silicon", "board: fr4"] and shown.at == pytest.approx(0.15)
    assert (shown.across[0], shown.across[-1]) == pytest.approx((-5.0, 5.0))
    away = sections.section(result, sections.read_cut("y = -3 mm"))
    assert away.names == ["board: fr4"]  # and cropped to it
    assert (away.up[0], away.up[-1]) == pytest.approx((0.0, 1.0))
    plan = sections.section(result, Cut("z", 1.2e-3))
    assert plan.names == ["chip: silicon"] and np.ptp(plan.across) == pytest.approx(4.0)
    for text in ("y", "w = 1 mm", "y = 3", "y = 3 degC"):
        with pytest.raises(WarpError, match="--at .*'y=3 mm'"):
            sections.read_cut(text)
    with pytest.raises(WarpError, match="x = 9 mm lies beyond the package"):
        sections.section(result, Cut("x", 9e-3))


def test_a_material_has_the_colour_of_its_class_in_every_picture():
    paints = palette.of(finished())
    assert paints["silicon"].colour == palette.CLASSES["silicon"]
    assert paints["fr4"].colour == palette.CLASSES["laminate"]
    unknown = palette.of(finished(case="title = 'x'"))  # the case is not known: the library is
    assert unknown["silicon"] == paints["silicon"] and unknown["fr4"] == paints["fr4"]
    light = {name: int(c[1:3], 16) + int(c[3:5], 16) for name, c in palette.CLASSES.items()}
    assert len(set(light.values())) == len(light)


def test_a_material_that_shrank_keeps_its_colour():
    cure = """
[[step]]
do = "cure"
parts = "board"
temperature = "125 degC"
shrinkage = "0.1 %"
"""
    paints = palette.of(finished(case=CASE + cure))
    assert paints["fr4 shrunk by 0.1 %"] == paints["fr4"]
    assert palette.of(finished())["fr4"] == paints["fr4"]


def test_lines_to_numbers_never_cross():
    random = np.random.default_rng(5)
    for _ in range(20):
        ends = {str(n): tuple(random.uniform(0, 1, 2)) for n in range(7)}
        levels = [(1.2, float(v)) for v in np.linspace(0, 1, 7)]
        found = section_labels.uncrossed(ends, dict(zip(ends, levels, strict=True)))
        lines = [(ends[name], found[name]) for name in ends]
        assert sorted(found.values()) == levels
        assert not any(
            section_labels.crossing(a, b) for n, a in enumerate(lines) for b in lines[:n]
        )


TAPED = """
[part.mould]
size = "4 mm"
thickness = "0.4 mm"
material = "copper"
[part.tape]
under = "mould"
size = "4 mm"
layers = [
    { thickness = "0.05 mm", material = "fr4", copper = 0.4 },
    { thickness = "0.05 mm", material = "fr4", copper = 0.4 },
]
[part.rdl]
under = "mould"
size = "4 mm"
thickness = "0.05 mm"
material = "polyimide"
[load]
stress_free = "100 degC"
[[step]]
do = "cool"
temperature = "25 degC"
[[step]]
do = "remove"
parts = ["tape"]
[[step]]
do = "attach"
name = "rdl"
parts = ["rdl"]
temperature = "200 degC"
"""


def test_parts_that_are_never_there_together_are_drawn_step_by_step(tmp_path, monkeypatch):
    case = Case.from_toml(TAPED)
    report = check(case, "cpu")
    drawn = []

    def draw(axes, shown, paints):
        drawn.append(shown)
        sections.draw_cells(axes, shown, paints)

    monkeypatch.setattr(bodies, "draw_cells", draw)
    bodies.of_case(case, report.model, tmp_path / "a.png")
    parts = [list(dict.fromkeys(shown.parts)) for shown in drawn]
    assert parts == [["mould", "tape"], ["mould"], ["mould", "rdl"]]
    assert (tmp_path / "a.png").exists()


def test_a_body_that_the_first_step_changes_is_drawn_as_it_was_before():
    first = TAPED[: TAPED.index("[[step]]")]
    steps = TAPED[TAPED.index('[[step]]\ndo = "remove"') :]
    attach = '[[step]]\ndo = "attach"\nname = "rdl"\nparts = ["rdl"]\ntemperature = "150 degC"\n'
    for text, present in (
        (first + steps, [("at the start", ["mould", "tape"]), ("1. ", ["mould"])]),
        (first + attach, [("at the start", ["mould", "tape"]), ("1. ", ["mould", "tape", "rdl"])]),
        (TAPED, [("1. ", ["mould", "tape"]), ("2. ", ["mould"])]),
    ):
        case = Case.from_toml(text)
        shown = list(bodies._bodies(case, common_grid(case), None))
        for (name, one), (wanted, parts) in zip(shown, present, strict=False):
            assert name.startswith(wanted) and {*one.parts} == {*parts}, name


def test_layers_that_are_alike_have_one_colour():
    case = Case.from_toml(TAPED)
    paints = palette.of(check(case, "cpu").model, case)
    assert paints["tape: layer 1"] == paints["tape: layer 2"] != paints["polyimide"]


def test_a_patterned_layer_is_one_entry_shaded_by_its_copper():
    """Whatever shares of copper are met: one number, one name, and the shares in the cells."""
    media = [("fr4", 0), ("board: top 0/16", 0), ("board: top 4/16", 0), ("board: top 16/16", 0)]
    ids = np.array([[[1, 1, 1]], [[2, 3, 4]]], np.uint16)
    rows = Rows()
    for name, part in media:
        rows.solid(part, name, library()["fr4"], 300.0)
    shares = {"board: top 0/16": 0.0, "board: top 4/16": 0.25, "board: top 16/16": 1.0}
    model = VoxelModel(
        Grid(np.arange(4.0), np.arange(2.0), np.arange(3.0)),
        ids,
        rows.media(),
        ["board"],
        patterns={name: ("board: top", share) for name, share in shares.items()},
    )
    shown = sections.section(model)
    assert shown.names == ["board: top", "board: fr4"]
    assert np.array_equal(shown.share[1], [0.0, 0.25, 1.0]) and np.isnan(shown.share[0]).all()
    assert sections._said(shown, {})[0] == "board: top, 0 to 100 % copper"
    paints = palette.of(model)
    assert paints["board: top 16/16"].colour == palette.CLASSES["metal"]
    assert paints["board: top 0/16"].colour == palette.CLASSES["laminate"]
    assert sections.section(model, Cut("z")).at == pytest.approx(1500.0)  # through the pattern


def test_a_window_shows_a_part_of_a_section_and_names_what_is_met_there(result):
    whole = sections.section(result, sections.read_cut("y = 0.1 mm"))
    middle = float(0.1 * whole.up[0] + 0.9 * whole.up[-1])
    window = read_window(f"x=-1..2 mm, z={1e3 * middle:g} um .. {float(whole.up[-1]):g} mm")
    shown = sections.section(result, replace(sections.read_cut("y = 0.1 mm"), window=window))
    assert (shown.across[0], shown.across[-1]) == (-1.0, 2.0)
    assert shown.up[0] == pytest.approx(middle) and shown.up[-1] == whole.up[-1]
    assert shown.index.shape == (len(shown.up) - 1, len(shown.across) - 1)
    assert 0 < len(shown.names) < len(whole.names)
    assert set(np.unique(shown.index)) - {-1} == set(range(len(shown.names)))
    for text, words in (
        ("x=3..1 mm", "lesser length first"),
        ("10 mm", "an axis and two lengths"),
        ("x=1..2 mm, y=0..1 mm", "has no y"),
        ("x=1..2 mm, x=0..1 mm", "x has two ranges"),
        ("x=90..91 mm", "window lies beyond x"),
    ):
        with pytest.raises(WarpError, match=words):
            sections.section(result, Cut("y", 1e-4, read_window(text)))


def test_copper_layers_of_nearly_the_same_share_look_alike():
    """75 % and 78 % copper in one laminate differ by less than two materials of a class do."""
    layers = ", ".join(
        f'{{ thickness = "30 um", copper = "{share} %" }}, {{ thickness = "0.2 mm" }}'
        for share in (75, 78, 30)
    )
    case = Case.from_toml(
        f"""
[load]
stress_free = "150 degC"
[part.board]
size = "10 mm"
material = "fr4"
layers = [{layers}]
"""
    )
    paints = palette.of(check(case, "cpu").model, case)
    colours = [int(p.colour[1:3], 16) for name, p in paints.items() if name.startswith("board")]
    first, second, third = sorted(colours, reverse=True)
    assert first - second < 6 < 20 < second - third


def test_names_of_steps_have_room_on_their_axis():
    """Ten steps of one load step each, then one of sixty."""
    records = [{"step": n, "last": True} for n in range(10)]
    records += [{"step": 10, "last": n == 59} for n in range(60)]
    places = step_figures.spread(records)
    ends = [at for at, record in zip(places, records, strict=True) if record["last"]]
    assert np.diff([0.0, *ends]).min() >= 0.99 * step_figures.LEAST * ends[-1]
    assert (np.diff(places) > 0).all()


def test_a_body_much_narrower_than_the_widest_has_its_own_scale(tmp_path, monkeypatch):
    """A die of 4 mm before its board of 20 mm: from -2 to 2 mm, five times as wide."""
    case = Case.from_toml(
        """
[load]
stress_free = "150 degC"
[part.die]
size = "4 mm"
thickness = "0.5 mm"
material = "silicon"
[part.solder]
under = "die"
size = "die"
thickness = "0.1 mm"
material = "sac305"
[part.board]
under = "solder"
size = "20 mm"
thickness = "1 mm"
material = "fr4"
[part.tape]
on = "die"
size = "die"
thickness = "50 um"
material = "polyimide"
[[step]]
name = "on board"
do = "attach"
parts = ["solder", "board"]
temperature = "150 degC"
[[step]]
do = "remove"
parts = ["tape"]
"""
    )
    drawn = []

    @contextmanager
    def page(path, height):
        with plots.page(path, height) as figure:
            yield figure
            drawn.append([(axes.get_title("left"), axes.get_xlim()) for axes in figure.axes])

    monkeypatch.setattr(bodies, "page", page)
    bodies.of_case(case, check(case, "cpu").model, tmp_path / "a.png")
    (first, limits), (second, whole), *_ = drawn[0]
    assert first.endswith("5 times as wide") and limits == pytest.approx((-2.0, 2.0))
    assert "times as wide" not in second and whole == pytest.approx((-10.0, 10.0))
