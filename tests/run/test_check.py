"""What a run would cost, reported by a machine that could not hold it."""

from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import pytest

import warp
from warp.errors import WarpError
from warp.machine import compiling
from warp.machine.device import Device
from warp.run import check as checks
from warp.run import conditions, process
from warp.run import warnings as run_warnings
from warp.voxels import voxelize

GALLERY = Path(str(resources.files("warp.data"))).joinpath("packages")
LARGE = {
    "part.substrate.size": "44 mm",
    "part.chip.size": "40 mm",
    "symmetry": "none",
    "grid.uniform": "true",
    "grid.spacing": "25 um",
}


def test_a_large_grid_is_counted_not_made(monkeypatch):
    """70,756 resolved bumps on 160 million voxels: memory and time are reported, whatever this
    machine has.
    """
    made = []
    monkeypatch.setattr(checks, "LARGEST_VOXELISED", 2_000_000)
    paint = voxelize.voxelize
    monkeypatch.setattr(
        voxelize,
        "voxelize",
        lambda bodies, media, grid, T: made.append(grid) or paint(bodies, media, grid, T),
    )
    monkeypatch.setattr(Device, "memory", lambda self: (8_000_000_000, 8_000_000_000))
    report = checks.check(warp.load(GALLERY / "bumps-fine-pitch.toml", LARGE), on="cpu")
    assert 1.4e8 < report.voxels < 1.8e8
    assert 30e9 < report.bytes < 50e9
    assert report.seconds and report.seconds > 600
    assert all(grid.cells <= 2_000_000 for grid in made)
    large, looked, *_ = report.warnings
    assert large.startswith(
        "too large for this machine: the grid would have 2292 x 2292 x 27 = 1.42e+08 voxels"
    )
    assert "cells_per_diameter" in large and "(8.0 GB are free on cpu)" in large
    assert looked.startswith("gaps and loose pieces were")


def test_a_package_of_nothing_is_no_solid(tmp_path):
    path = tmp_path / "void.toml"
    path.write_text(
        '[load]\nstress_free = "200 degC"\n[part.p]\nsize = "9 mm"\nthickness = "1 '
        'mm"\nmaterial = "void"\n'
    )
    assert checks.check(warp.load(path), on="cpu").warnings == ["no part is solid"]
    with pytest.raises(WarpError, match="no part is solid"):
        process.solve(warp.load(path), "cpu")


def test_a_part_that_a_later_one_covers_is_an_error(tmp_path):
    path = tmp_path / "moulded.toml"
    board = (
        '[load]\nstress_free = "60 degC"\n[part.board]\nsize = "10 mm"\nthickness = '
        '"1 mm"\nmaterial = "fr4"\n'
    )
    chip = '[part.chip]\non = "board"\nsize = "4 mm"\nthickness = "0.5 mm"\nmaterial = "silicon"\n'
    mould = '[part.mould]\non = "board"\nsize = "board"\nthickness = "0.8 mm"\nmaterial = "emc"\n'
    path.write_text(board + mould + chip)
    assert checks.check(warp.load(path), on="cpu").warnings == []
    path.write_text(board + chip + mould)
    words = "nothing is left of part 'chip': 'mould' comes later and covers it"
    assert checks.check(warp.load(path), on="cpu").warnings == [words]
    with pytest.raises(WarpError, match=words):
        process.solve(warp.load(path), "cpu")


def test_a_part_may_take_the_place_of_one_that_was_removed(tmp_path):
    path = tmp_path / "lidded.toml"
    layer = '[part.{}]\non = "{}"\nsize = "10 mm"\nthickness = "{} mm"\nmaterial = "silicon"\n'
    step = '[[step]]\ndo = "{}"\nparts = "{}"\n'
    at = 'temperature = "150 degC"\n'
    path.write_text(
        '[load]\nstress_free = "150 degC"\n[part.board]\nsize = "10 mm"\nthickness = '
        '"1 mm"\nmaterial = "fr4"\n'
        + layer.format("cap", "board", 0.2)
        + layer.format("lid", "board", 0.5)
        + step.format("attach", "board")
        + at
        + step.format("attach", "cap")
        + at
        + step.format("remove", "cap")
        + step.format("attach", "lid")
        + at
    )
    assert checks.check(warp.load(path), on="cpu").warnings == []


@pytest.mark.parametrize(("spacing", "told"), [(8, True), (1, False)])
def test_a_unit_of_few_cells_is_named(tmp_path, spacing, told):
    path = tmp_path / "panel.toml"
    path.write_text(
        'symmetry = "quarter"\n[load]\nstress_free = "150 degC"\n'
        f'[grid]\nspacing = "{spacing} mm"\nedge_spacing = "{spacing} mm"\n'
        '[part.panel]\nsize = "100 mm"\nthickness = "1 mm"\nmaterial = "fr4"\n'
        '[[step]]\ndo = "attach"\nparts = "panel"\ntemperature = "150 degC"\n'
        '[[step]]\ndo = "cool"\ntemperature = "25 degC"\n'
        '[[step]]\ndo = "singulate"\nname = "sawn"\nsize = "20 mm"\n'
    )
    found = checks.check(warp.load(path), on="cpu").warnings
    assert (
        any(text.startswith("step 3 (sawn) leaves a unit of 4 x 4 cells") for text in found) == told
    )


def test_the_defaults_of_the_grid_are_those_of_the_page():
    """A plate of 90 x 90 x 0.9 mm: cells of a ninth of 0.9 mm at its edge, of 0.9 mm in the middle.

    One of 9 x 9 x 0.9 mm has a forty-fifth of 9 mm there.
    """
    found = []
    for side in (90, 9):
        text = f'[load]\nstress_free = "150 degC"\n[part.a]\nsize = "{side} mm"\n'
        case = warp.Case.from_toml(text + 'thickness = "0.9 mm"\nmaterial = "fr4"\n')
        found.append(checks.check(case, on="cpu").spacing["x"][1:])
    assert found[0] == pytest.approx((1e-4, 0.9e-3), rel=0.25)
    assert found[1] == pytest.approx((1e-4, 0.2e-3), rel=0.25)


def test_a_loose_part_is_found_on_the_coarser_grid(tmp_path, monkeypatch):
    path = tmp_path / "loose.toml"
    path.write_text(
        '[load]\nstress_free = "200 degC"\n[part.board]\nsize = "10 mm"\nthickness = '
        '"1 mm"\nmaterial = "fr4"\n'
        '[part.chip]\non = "board"\nlift = "50 um"\nsize = "4 mm"\nthickness = "0.5 '
        'mm"\nmaterial = "silicon"\n'
    )
    monkeypatch.setattr(checks, "LARGEST_VOXELISED", 10_000)
    report = checks.check(warp.load(path), on="cpu")
    assert report.voxels > 10_000
    assert report.warnings[0] == "part 'chip' floats 50 um above 'board'"
    assert [(gap.below, gap.above) for gap in report.gaps] == [("board", "chip")]


def test_parts_that_run_into_one_another():
    """A ring wide enough to reach the chips; what lies within another part is meant so, as in every
    gallery file.
    """
    found = run_warnings.overlaps(
        warp.load(GALLERY / "two-chips-ring.toml", {"part.ring.width": '"20 mm"'})
    )
    assert found and all("'ring'" in text and "mm into" in text for text in found)
    assert all(run_warnings.overlaps(warp.load(path)) == [] for path in GALLERY.glob("*.toml"))


def test_a_material_beyond_its_source():
    """Sn-3.5Ag melts at 221 degC; its values end there."""
    hot = warp.load(GALLERY / "flip-chip.toml", {"load.temperature": '"245 degC"'})
    assert run_warnings.outside_temperature_range(hot) == [
        "material 'sn35ag' at 217 to 245 degC (-40 to 221): is used beyond what its source covers, "
        "where values are constant"
    ]
    warm = warp.load(GALLERY / "flip-chip.toml")
    assert run_warnings.outside_temperature_range(warm) == []
    after = run_warnings.outside_temperature_range(
        warm, [{"bumps": {"min_C": 30.0, "max_C": 240.0}}]
    )
    assert after[0].startswith("material 'sn35ag' at 25 to 240 degC")


REFUSED = """
[load]
stress_free = "150 degC"
temperature = "solved"
[part.board]
size = "20 mm"
thickness = "1 mm"
material = "fr4"
[part.chip]
on = "board"
size = "4 mm"
thickness = "0.5 mm"
material = "silicon"
power = "1 W"
[part.other]
on = "board"
size = "4 mm"
at = ["7 mm", "0 mm"]
thickness = "0.5 mm"
material = "silicon"
[boundary.air]
face = FACES
film = "500 W/(m^2 K)"
ambient = "25 degC"
"""
APART = '[interface.x]\nbetween = ["chip", "other"]\nresistance = "10 mm^2 K/W"\n'


@pytest.mark.parametrize(
    ("faces", "more", "words"),
    [
        ('["board.bottom", "chip.bottom"]', "", "face 'chip.bottom' is covered everywhere"),
        ('"board.bottom"', APART, "interface 'chip' / 'other': these parts do not touch"),
        ('["board.bottom", "package.bottom"]', "", "overlap: a face takes one film"),
    ],
)
def test_check_says_what_the_run_refuses(tmp_path, faces, more, words):
    path = tmp_path / "refused.toml"
    path.write_text(REFUSED.replace("FACES", faces) + more)
    case = warp.load(path, {"grid.refine": "0.5"})
    (warning,) = checks.check(case, on="cpu").warnings
    assert words in warning
    with pytest.raises(WarpError, match=words):
        process.solve(case, "cpu")


BALLS = """
[load]
stress_free = "217 degC"
[part.lower]
size = "4 mm"
thickness = "0.3 mm"
material = "fr4"
[part.mould]
on = "lower"
size = "lower"
thickness = "0.2 mm"
material = "mould-compound"
[part.balls]
shape = "balls"
on = "lower"
size = "lower"
pitch = "1 mm"
diameter = "0.4 mm"
height = "0.3 mm"
material = "sac305"
[part.upper]
on = "balls"
size = "lower"
thickness = "0.2 mm"
material = "fr4"
"""


def test_a_ball_s_bulge_makes_no_gap():
    """The upper board stays clear of the mould by 0.1 mm, and is soldered to the balls."""
    report = checks.check(warp.Case.from_toml(BALLS), on="cpu")
    assert [(gap.below, gap.above) for gap in report.gaps] == [("mould", "upper")]


TAPED = """
[load]
stress_free = "150 degC"
[part.tape]
size = "8 mm"
thickness = "30 um"
material = "polyimide"
[part.pad]
on = "tape"
size = "4 mm"
thickness = "0.2 mm"
material = "copper"
[part.lead]
on = "tape"
size = "0.5 mm"
at = ["3 mm", "0 mm"]
thickness = "0.2 mm"
material = "copper"
[part.mould]
on = ["pad", "lead"]
size = "8 mm"
thickness = "0.3 mm"
material = "mould-compound"
[part.joint]
shape = "blocks"
under = ["pad", "lead"]
size = "0.5 mm"
sites = [["0 mm", "0 mm"], ["3 mm", "0 mm"]]
thickness = "80 um"
material = "sac305"
[part.board]
under = "joint"
size = "8 mm"
thickness = "1 mm"
material = "fr4"
[[step]]
do = "cure"
parts = "mould"
temperature = "150 degC"
[[step]]
do = "remove"
parts = "tape"
[[step]]
do = "attach"
parts = ["joint", "board"]
temperature = "217 degC"
"""


def test_parts_that_are_never_together_share_their_space_and_have_no_gap():
    report = checks.check(warp.Case.from_toml(TAPED), on="cpu")
    assert [(gap.below, gap.above) for gap in report.gaps] == [("tape", "mould")]
    assert not any("hold" in text for text in report.warnings)


def test_a_part_that_nothing_holds_is_told_how_a_process_holds_it():
    early = '[[step]]\ndo = "remove"\nparts = "tape"\n'
    cure, rest = TAPED.split(early)
    head, cured = cure.split("[[step]]")
    report = checks.check(warp.Case.from_toml(f"{head}{early}[[step]]{cured}{rest}"), on="cpu")
    assert any("let a step join it later, or give it a carrier" in t for t in report.warnings)


def test_kernels_that_are_not_compiled_yet_are_counted_apart(monkeypatch, tmp_path):
    case = warp.load(GALLERY / "flip-chip.toml")
    compiled = checks.check(case, on="cpu")
    kernel = SimpleNamespace(path=tmp_path / "absent")
    monkeypatch.setattr(compiling, "listed", lambda *_, **__: [kernel, kernel])
    fresh = checks.check(case, on="cpu")
    assert fresh.to_compile == 2 and fresh.seconds == compiled.seconds


def test_a_quarter_of_a_plate_that_may_roll_up_says_which_shapes_it_cannot_see():
    """The moulded panel would sag by sixteen times its height; a critical one is some 2.45."""
    path = GALLERY / "panel-moulded.toml"
    (said,) = run_warnings.would_roll_up_in_a_quarter(warp.load(path))
    assert "16 times its height" in said and 'symmetry = "none" sees both' in said
    for change in ({"load.large_deflection": "false"}, {"symmetry": "none"}):
        assert not run_warnings.would_roll_up_in_a_quarter(warp.load(path, change))
    warm = {"load.temperature": "149 degC"}
    assert not run_warnings.would_roll_up_in_a_quarter(warp.load(path, warm))


def test_leads_at_the_underside_are_named_where_no_terminals_are():
    path = GALLERY / "qfn.toml"
    assert not [text for text in conditions.sentences(warp.load(path)) if "terminals" in text]
    bare = warp.Case.from_toml(
        path.read_text(encoding="utf-8").replace('terminals = ["leads-x", "leads-y", "pad"]', "")
    )
    (said,) = [text for text in conditions.sentences(bare) if "terminals" in text]
    assert said.endswith('here e.g. ["leads-x", "leads-y"]')
