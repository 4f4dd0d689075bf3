"""The numbers that the comments of data/packages promise, against runs on each file's own grid."""

from functools import cache
from importlib import resources
from pathlib import Path

import pytest

import warp
from warp.case.case import parse

GALLERY = Path(str(resources.files("warp.data"))).joinpath("packages")
VOID = "void"
NO_LOWER = {"part.lower-chip.material": VOID, "part.lower-underfill.material": VOID}
NO_SPREADER = {"part.spreader.material": VOID, "part.spreader-glue.material": VOID}
NO_RING = {"part.ring.material": VOID, "part.ring-glue.material": VOID}
NO_LID = {"part.lid.material": VOID, "part.seal.material": VOID}
MEAN = {f"part.substrate.layers.{side}-copper.copper": "0.55" for side in ("top", "bottom")}

# file, what its comment says, changes, um of the warpage
WARPAGES = [
    ("bumps-fine-pitch", "substrate.bottom, 140 um", {}, 140),
    ("double-sided", "substrate.bottom: 76 um", {}, 76),
    ("double-sided", "without the lower chip 109", NO_LOWER, 109),
    ("fcbga-bare", "here +241", {}, 241),
    ("fcbga-core", "here 175 and 324", {}, 175),
    ("fcbga-core", "here 175 and 324", {"part.substrate.layers.core.thickness": "0.4 mm"}, 324),
    ("filled-ceramic", "79 um against -13", {}, 79),
    ("filled-metal", "", {}, -13),
    ("flip-chip", "88 against\n#   103 um", {}, 88),
    ("flip-chip-underfill", "substrate.bottom, 103 um", {}, 103),
    ("interposer", "substrate.bottom, 112 um", {}, 112),
    ("interposer", "bends less, 72 um", {"part.interposer.material": "substrate-ets"}, 72),
    ("layer-film", "substrate.bottom: 15 um", {}, 15),
    ("layer-polymer", "substrate.bottom: 81 um", {}, 81),
    ("layer-polymer", "109 without the spreader", {"part.spreader.material": VOID}, 109),
    ("lid-cap", "substrate.bottom: 28 um", {}, 28),
    ("lid-cap", "109 bare", NO_LID, 109),
    ("solder-balls", "substrate.bottom: 28 um", {}, 28),
    ("solder-balls", "no board, 109", {"part.board.material": VOID}, 109),
    ("spreader-copper", "only -10 um", {}, -10),
    ("spreader-matched", "substrate.bottom, 43 um", {}, 43),
    ("spreader-silicon", "substrate.bottom, 56 um", {}, 56),
    ("stiffener-ring", "substrate.bottom, 25 um", {}, 25),
    ("stiffener-ring", "it is 59 and 109", NO_SPREADER, 59),
    ("stiffener-ring", "it is 59 and 109", {**NO_SPREADER, **NO_RING}, 109),
    ("substrate-layout", "substrate.bottom: 139 um", {}, 139),
    ("substrate-layout", "coverage alone 108", MEAN, 108),
    ("two-chips-ring", "substrate.bottom: 246 um", {}, 246),
    ("two-chips-ring", "Without the ring 389", NO_RING, 389),
    ("wafer", "its bow, 82 um", {}, -82),
    ("wafer-epoxy", "wafer.bottom: 322 um", {}, -322),
    ("wafer-film", "wafer.bottom: 260 um", {}, -260),
    ("wafer-polymer", "bend the wafer by 28 um", {}, -28),
    ("wafer-moulded", "a dome, of 0.97 mm", {"part.mould.thickness": "0.1 mm"}, -968),
    ("wafer-table", "bows it by 150 um", {}, 150),
    ("wafer-table", "sags to 41 um", {"step.4.on": "table"}, 41),
]


@cache
def _solved(name, changes):
    return warp.solve(warp.load(GALLERY / f"{name}.toml", dict(changes)), "cpu").summary()


def solved(name, changes):
    return _solved(name, tuple(sorted(changes.items())))


def warpage(name, changes):
    surfaces = solved(name, changes)["surfaces"]
    return surfaces["wafer" if name.startswith("wafer") else "substrate"]["bottom"]["warpage_um"]


def comment(name):
    return (GALLERY / f"{name}.toml").read_text(encoding="utf-8").split("\n\n")[0]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "says", "changes", "um"), WARPAGES)
def test_warpage(name, says, changes, um):
    """As rounded: to a micrometre, or to two digits where the number ends in a nought."""
    slack = 5 if um % 10 == 0 and abs(um) > 200 else 0.6
    assert warpage(name, changes) == pytest.approx(um, abs=slack)


@pytest.mark.parametrize(("name", "says"), [(name, says) for name, says, _, _ in WARPAGES if says])
def test_the_comments_say_so(name, says):
    assert says in comment(name)


@pytest.mark.slow
def test_temperatures():
    """A spreader as large as the chip, and one that overhangs."""
    for changes, says, degC in (
        ({}, "77 degC", 77),
        ({"part.spreader.size": "chip"}, "122 under", 122),
    ):
        assert says in comment("spreader-flat")
        assert solved("spreader-flat", changes)["temperature"]["chip"]["max_C"] == pytest.approx(
            degC, abs=0.6
        )


@pytest.mark.slow
def test_a_spreader_like_the_chip_spares_it():
    assert "a fifth less stress, and\n#   a fifth of the shear" in comment("spreader-matched")
    copper, matched = solved("spreader-copper", {}), solved("spreader-matched", {})
    stress = [found["stress"]["chip"]["von_mises_q999_MPa"] for found in (copper, matched)]
    assert stress[1] / stress[0] == pytest.approx(0.8, abs=0.05)
    shear = [
        next(
            i["shear_max_MPa"]
            for i in found["interfaces"]
            if (i["lower"], i["upper"]) == ("chip", "layer")
        )
        for found in (copper, matched)
    ]
    assert shear[1] / shear[0] == pytest.approx(0.2, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("bumps-resolved", {}),
        ("bumps-fine-pitch", {}),
        ("bumps-fine-pitch", {"part.underfill.material": VOID}),
    ],
)
def test_one_layer_instead_of_every_bump(name, changes):
    """Less than 1 % of the warpage, under the chip and at the rim."""
    layer = {"part.bumps.model": "effective", **({"part.bumps.fill": VOID} if changes else {})}
    resolved, effective = (solved(name, {**changes, **more})["surfaces"] for more in ({}, layer))
    one, other = (found["substrate"]["bottom"]["warpage_um"] for found in (resolved, effective))
    assert other == pytest.approx(one, rel=0.01)


# file, what its comment says, the step's name, degC, surface, um
PROCESSES = [
    ("process-fcbga", "convex, +234 um", "to room temperature", 25, "substrate.bottom", 234),
    ("process-fcbga", "concave, -12 um", "board assembly", 245, "substrate.bottom", -12),
    (
        "process-reflow",
        "room temperature (+169 um)",
        "room temperature",
        25,
        "substrate.bottom",
        169,
    ),
    ("process-reflow", "at the peak (-16 um)", "reflow", 260, "substrate.bottom", -16),
    ("cowos", "concave, -23 um", "module cooled", 25, "interposer.bottom", -23),
    ("cowos", "convex by 135 um", "on the board", 25, "substrate.bottom", 135),
    ("cowos", "by 230 um at the peak", "reflow", 245, "substrate.bottom", 230),
    ("fan-out-panel", "-0.95 mm", "cooled on carrier", 25, "mould.top", -949),
    ("fan-out-panel", "is concave, -48.0 um", "unit released", 25, "mould.top", -48.0),
    ("qfn", "convex by 11.0 um", "package", 25, "mould.top", 11.0),
    ("qfn", "its underside reaches -18 um", "solder", 217, "mould.bottom", -18.0),
    ("qfn", "is concave, -13.6 um", "assembled", 25, "mould.top", -13.6),
    ("pop", "convex by 128 um", "bottom package", 25, "bottom-substrate.bottom", 128),
    ("pop", "concave by 34 um", "bottom package hot", 260, "bottom-substrate.bottom", -34),
    ("pop", "by 167 and 82 um", "top package", 25, "top-substrate.bottom", -167),
    ("pop", "by 167 and 82 um", "top package hot", 260, "top-substrate.bottom", -82),
    ("pop", "at +72 and +56 um", "as soldered", 25, "bottom-substrate.bottom", 72),
    ("pop", "at +72 and +56 um", "as soldered", 25, "top-substrate.bottom", 56),
    ("process-mould", "it is -30 um in the", "reflow", 25, "substrate.bottom", -30),
    ("panel-debond", "a cylinder of 6.99 mm", "cold", 25, "dies.bottom", 6992),
    ("panel-debond", "ground of 7.61 mm", "ground", 25, "dies.bottom", 7614),
    ("panel-debond", "dome of 5.00 mm", "debonded", 25, "dies.bottom", 4999),
    ("panel-debond", "convex by 24.6 um", "cut", 25, "dies.bottom", 24.6),
    ("wafer-carrier", "a dome of 1.13 mm", "cold", 25, "carrier.bottom", 1130),
    ("wafer-carrier", "no more, 1.05 mm", "ground", 25, "carrier.bottom", 1048),
    ("wafer-thin", "a cylinder of 2.50 mm", "free", 25, "wafer.bottom", -2499),
    ("wafer-thin", "lifts off, by 0.15 mm", "table", 25, "wafer.bottom", -152),
    ("wafer-moulded", "a dome of 1.06 mm", "warm", 100, "wafer.bottom", -1063),
    ("wafer-moulded", "a cylinder of 3.78 mm", "cold", 25, "wafer.bottom", -3782),
    ("wafer-level-film", "wafer by 0.90 mm", "panel cold", 25, "wafer.top", 901),
    ("wafer-level-film", "the middle by 11 um", "singulate", 25, "wafer.top", 11),
    ("wafer-level-epoxy", "concave, -274 um", "wafer cold", 25, "wafer.top", -274),
    ("wafer-level-epoxy", "convex, +255 um", "panel cold", 25, "wafer.top", 255),
    ("wafer-level-epoxy", "of the bow, +3.5 um", "singulate", 25, "wafer.top", 3.5),
]


LONG = (
    "cowos",
    "fan-out-panel",
    "panel-debond",
    "pop",
    "process-mould",
    "qfn",
    "wafer-thin",
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "says", "step", "degC", "surface", "um"),
    [pytest.param(*row, marks=[pytest.mark.weekly] * (row[0] in LONG)) for row in PROCESSES],
)
def test_process(name, says, step, degC, surface, um):
    assert says in comment(name)
    part, side = surface.split(".")
    moments = [record for record in solved(name, {})["steps"] if record["name"] == step]
    shown = [record for record in moments if record["temperature_C"] == pytest.approx(degC)]
    assert shown[-1]["surfaces"][part][side]["warpage_um"] == pytest.approx(um, abs=0.6, rel=2e-3)


@pytest.mark.slow
def test_gravity_changes_a_package_s_warpage_by_a_fifth_of_a_per_cent():
    """`data/docs/process.md` says so, of a 40 x 40 mm package on a table at room temperature."""
    assert "package's warpage by 0.2 %" in (GALLERY.parent / "docs" / "process.md").read_text()
    path = GALLERY / "process-reflow.toml"
    warpages = []
    for gravity in ("true", "false"):
        table = f'\n[[step]]\ndo = "support"\non = "table"\ngravity = {gravity}\n'
        case = parse(path.read_text() + table, path, {"grid.refine": "0.4"})
        surfaces = warp.solve(case, "cpu").metrics["surfaces"]
        warpages.append(surfaces["substrate"]["bottom"]["warpage_um"])
    with_weight, without = warpages
    assert with_weight / without - 1 == pytest.approx(-0.002, abs=0.0005)
