"""The gallery, data/packages: what each package shows, on a coarse grid.

Numbers that a file's comment gives hold on its own grid; here a relation of the same sign and size
is enough. Qualitative laws (i) to (vi): a bare flip chip is convex at room temperature and flat
near its stress-free one; a thicker or less expanding core warps less; copper on a stiff thermal
interface pulls towards concave; a chip's area is curved and the overhang conical; warpage grows
with the temperature step; a core of half the thickness warps nearly twice as much.
"""

from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

import warp
from warp.results import surface, surface_points
from warp.run import warnings as run_warnings

GALLERY = Path(str(resources.files("warp.data"))).joinpath("packages")
COARSE = {"grid.edge_spacing": "0.5 mm", "grid.cells_per_layer": "3", "grid.growth": "1"}
DISC = {
    "part.wafer.diameter": "100 mm",
    "part.layer.diameter": "100 mm",
    "part.bumps.size": "70 mm",
}
WAFER = {**DISC, "grid.edge_spacing": "2 mm", "grid.spacing": "2 mm", "grid.cells_per_layer": "8"}
VOID = "void"


@cache
def _solved(name, changes):
    grid = WAFER if name.startswith("wafer") else COARSE
    return warp.solve(
        warp.load(GALLERY / f"{name}.toml", {**grid, **dict(changes)}), "cpu"
    ).summary()


def solved(name, **changes):
    """Numbers of a gallery file; `changes` are keys below part: chip__size="8 mm"; others come as a
    `keys` dict.
    """
    keys = changes.pop("keys", {})
    for key, value in changes.items():
        part, *rest = key.split("__")
        keys = {**keys, ".".join(("part", part.replace("_", "-"), *rest)): value}
    return _solved(name, tuple(sorted(keys.items())))


def warpage(name, **changes):
    """Of the substrate's underside, um."""
    return solved(name, **changes)["surfaces"]["substrate"]["bottom"]["warpage_um"]


def hottest(name, part="chip", **changes):
    return solved(name, **changes)["temperature"][part]["max_C"]


def shear(name, lower, upper):
    return next(
        i["shear_max_MPa"]
        for i in solved(name)["interfaces"]
        if (i["lower"], i["upper"]) == (lower, upper)
    )


@pytest.mark.parametrize("path", sorted(GALLERY.glob("*.toml")), ids=lambda path: path.stem)
def test_every_file_says_what_to_look_at(path):
    comment = path.read_text(encoding="utf-8").split("\n\n")[0]
    assert comment.startswith("# ") and "ook at" in comment
    assert warp.load(path).title


def test_bumps_couple_less_than_underfill():
    """Bumps without underfill give way in shear."""
    assert 0.7 < warpage("flip-chip") / warpage("flip-chip-underfill") < 0.9
    assert 100 < warpage("flip-chip-underfill") < 120
    layer = solved("flip-chip")["temperature"]
    assert layer["chip"]["max_C"] > layer["layer"]["max_C"] > 60


def test_stiffer_layers_hand_the_coppers_pull_on():
    """Elastomer, film, epoxy; law (iii)."""
    bare = warpage("layer-polymer", spreader__material=VOID)
    soft, film, epoxy = warpage("layer-polymer"), warpage("layer-film"), warpage("layer-epoxy")
    assert bare > soft > 3 * film > film > epoxy
    assert epoxy < 0
    assert soft > 0.65 * bare


def test_cure_shrinkage_strains_the_epoxy():
    """Stress-free further up is a layer that shrinks more."""
    cured, shrunk = (
        solved("layer-epoxy", layer__stress_free=T)["stress"]["layer"]["von_mises_q999_MPa"]
        for T in ("150 degC", "175 degC")
    )
    assert 1.1 < shrunk / cured < 1.4


def test_interface_resistances_heat_the_chip():
    """8 W through 64 mm2 and 16 mm2 K/W would be 2 K; a part of the heat goes the other way."""
    none = {f"interface.{name}.resistance": "0 mm^2 K/W" for name in ("below", "above")}
    assert 1.0 < hottest("spreader-bonded") - hottest("spreader-bonded", keys=none) < 2.0


def test_a_flat_spreader_spreads():
    """12 x 12 instead of 8 x 8 mm for the heat to leave."""
    assert hottest("spreader-flat", spreader__size="chip") - hottest("spreader-flat") > 30


@pytest.mark.slow
def test_a_cap_holds_the_package():
    """Law (iii): less warpage than bare; concave with a stiff thermal interface."""
    bare = warpage("lid-cap", lid__material=VOID, seal__material=VOID)
    assert 0 < warpage("lid-cap") < 0.5 * bare
    assert warpage("lid-cap", layer__material="tim-indium") < 0


@pytest.mark.slow
def test_stiffer_beads_bear_more():
    """What the bead must bear; the warpage hardly changes."""
    seals = [
        solved("lid-adhesive", **change)
        for change in ({"seal__material": "lid-adhesive-ea-7100"}, {})
    ]
    stress = [seal["stress"]["seal"]["von_mises_q999_MPa"] for seal in seals]
    assert 10 * stress[0] < stress[1]
    assert warpage("lid-adhesive", seal__gaps="[]") == pytest.approx(
        warpage("lid-adhesive"), rel=0.1
    )


@pytest.mark.slow
def test_spreaders_that_expand_like_the_chip_spare_it():
    """Copper balances the substrate, aluminium nitride and silicon do not, but load the chip
    less.
    """
    copper, matched, silicon = "spreader-copper", "spreader-matched", "spreader-silicon"
    assert warpage(copper) < 0 < warpage(matched) < warpage(silicon)
    stress = [
        solved(name)["stress"]["chip"]["von_mises_q999_MPa"] for name in (copper, matched, silicon)
    ]
    assert 0.9 * stress[0] > max(stress[1:])
    assert shear(copper, "chip", "layer") > 2 * max(
        shear(name, "chip", "layer") for name in (matched, silicon)
    )


@pytest.mark.slow
def test_a_ring_lowers_the_warpage():
    """With a spreader on it, alone, and not at all."""
    no_spreader = {"spreader__material": VOID, "spreader_glue__material": VOID}
    alone = warpage("stiffener-ring", **no_spreader)
    bare = warpage("stiffener-ring", **no_spreader, ring__material=VOID, ring_glue__material=VOID)
    assert warpage("stiffener-ring") < 0.6 * alone < 0.6 * 0.7 * bare
    low = warpage("stiffener-ring", **no_spreader, ring__material="sus430")
    assert low > bare, "it shrinks less than the substrate"


def test_resolved_and_effective_bumps_agree():
    """One beam between two half-spaces against 112 columns of voxels."""
    grid = {"grid.cells_per_layer": "4", "grid.edge_spacing": "0.3 mm"}
    resolved, effective = (
        solved("bumps-resolved", bumps__model=m, keys=grid) for m in ("resolved", "effective")
    )
    for part, side in (("substrate", "bottom"), ("chip", "top")):
        one, other = (
            found["surfaces"][part][side]["warpage_um"] for found in (resolved, effective)
        )
        assert other == pytest.approx(one, rel=0.03)
    one, other = (found["temperature"]["chip"]["max_C"] - 25 for found in (resolved, effective))
    assert other == pytest.approx(one, rel=0.01)


def test_a_layout_bends_each_half_its_own_way():
    """Copper from a picture, above left and below right: skewed along x, which the mean coverage
    cannot know.
    """
    mean = {f"part.substrate.layers.{side}-copper.copper": "0.55" for side in ("top", "bottom")}
    drawn, even = (
        solved("substrate-layout", keys=keys)["surfaces"]["substrate"]["bottom"]
        for keys in ({}, mean)
    )
    assert drawn["warpage_um"] > 1.15 * even["warpage_um"]


def test_mould_decides_the_sign_over_a_wire_bonded_chip():
    """Concave under 1 mm, convex under 0.55 mm; gold wires carry heat off the chip's top."""
    assert warpage("wire-bond") < -15 and warpage("wire-bond", mould__thickness="0.55 mm") > 10
    assert hottest("wire-bond", wires__pitch="8 mm") > hottest("wire-bond")


def test_a_chip_in_an_opening_reaches_the_spreader():
    """The chip is cooler than on a substrate without an opening, and the package lower."""
    closed = {"layer__on": "substrate", "opening__size": "0.2 mm", "mould__thickness": "0.8 mm"}
    assert hottest("substrate-opening", **closed) > hottest("substrate-opening") + 0.2
    assert warpage("substrate-opening") > 20


def test_a_board_holds_the_package_that_balls_alone_do_not():
    """The board takes most of the warpage away."""
    assert warpage("solder-balls") < 0.4 * warpage("solder-balls", board__material=VOID)


def test_chips_on_both_sides_balance():
    """Without the lower chip the package bends more."""
    alone = warpage("double-sided", lower_chip__material=VOID, lower_underfill__material=VOID)
    assert 0.5 * alone < warpage("double-sided") < 0.8 * alone


def curvature(name, **changes):
    """Of the wafer's underside, 1/m."""
    return solved(name, **changes)["surfaces"]["wafer"]["bottom"]["kappa_x_per_m"]


def test_wafers_bow_as_stoney_says():
    """kappa = 6 M_f eps h_f (1 + h_f / h) / (M_s h^2), concave for a layer that shrinks.

    eps: the epoxy's from 150 degC, 30 K x 115 + 95 K x 40 ppm/K, the elastomer's from 125 degC, 100
    K x 150 ppm/K, less the silicon's 603 ppm from 217 degC. M = E / (1 - nu). Bumps so thin that
    they leave the wafer alone.
    """
    for name, M_f, eps, h_f, h in (
        ("wafer", 5e9 / 0.65, 30 * 115e-6 + 95 * 40e-6, 5e-6, 0.725e-3),
        ("wafer-epoxy", 5e9 / 0.65, 30 * 115e-6 + 95 * 40e-6, 10e-6, 0.775e-3),
        ("wafer-polymer", 15e6 / 0.55, 100 * 150e-6, 100e-6, 0.775e-3),
    ):
        stoney = 6 * M_f * (eps - 603e-6) * h_f * (1 + h_f / h) / (130e9 / 0.72 * h**2)
        assert curvature(name, bumps__diameter="20 um") == pytest.approx(-stoney, rel=0.03), name


def test_a_warning_where_linear_theory_ends():
    """25 um of film on 0.775 mm of silicon bow 100 mm by 29 um, 300 mm nine times as much: still
    linear. A height 20 times less is left at half a height of sag, 90 times less at 2.45 heights.
    """
    surfaces = solved("wafer-film")["surfaces"]
    height = warp.load(GALLERY / "wafer-film.toml").height
    assert height == pytest.approx(0.95e-3)
    assert not run_warnings.beyond_linear_theory(surfaces, height / 9)
    (remark,) = run_warnings.beyond_linear_theory(surfaces, height / 20)
    assert "beyond linear theory" in remark and remark.startswith("wafer.")
    assert "roll up" not in remark
    assert "roll up" in run_warnings.beyond_linear_theory(surfaces, height / 90)[0]
    assert not run_warnings.beyond_linear_theory({}, 1e-3)


def test_powders_conduct_and_stiffen():
    """Silver in epoxy against alumina in silicone; less silver conducts worse."""
    less = {"material.filled.mixture.of": "{ silver = 0.3, epoxy = 0.7 }"}
    assert hottest("filled-metal", keys=less) > hottest("filled-metal") + 2
    assert warpage("filled-ceramic") > 60 > 0 > warpage("filled-metal")


@pytest.mark.slow
def test_flip_chip_ball_grid_arrays_near_the_published_numbers():
    """An independent finite-element tool, um; it counts strain from the warped state at each
    assembly step.
    """
    thin = {"substrate__layers__core__thickness": "0.4 mm"}
    assert warpage("fcbga-core") == pytest.approx(174, rel=0.05)
    assert warpage("fcbga-core", **thin) == pytest.approx(313, rel=0.09)
    assert 1.7 < warpage("fcbga-core", **thin) / warpage("fcbga-core") < 2.0
    assert warpage("fcbga-bare") == pytest.approx(236, rel=0.05)
    core = {"705g": 278, "795g-lh": 182}
    for kind, published in core.items():
        found = warpage("fcbga-bare", substrate__layers__core__material=f"core-mcl-e-{kind}")
        assert found == pytest.approx(published, rel=0.05)


def test_a_bare_package_flattens_towards_its_stress_free_temperature():
    """Laws (i), (iv), (v)."""
    reflow = warpage("fcbga-bare", keys={"load.temperature": "210 degC"})
    assert abs(reflow) < 0.15 * warpage("fcbga-bare")
    surfaces = solved("fcbga-bare")["surfaces"]
    under_chip = surfaces["chip"]["bottom"]["warpage_um"]
    assert 0 < under_chip < 0.5 * surfaces["substrate"]["bottom"]["warpage_um"]


LINEAR = """
symmetry = "quarter"
[load]
stress_free = "125 degC"
[material.a]
youngs_modulus = "130 GPa"
poissons_ratio = 0.28
cte = "2.6 ppm/K"
[material.b]
youngs_modulus = "26 GPa"
poissons_ratio = 0.2
cte = "15 ppm/K"
[part.substrate]
size = "16 mm"
thickness = "1 mm"
material = "b"
[part.chip]
on = "substrate"
size = "8 mm"
thickness = "0.5 mm"
material = "a"
[grid]
refine = 0.4
"""


@pytest.fixture(scope="module")
def cooled(tmp_path_factory):
    """A chip on a substrate of twice its size, constant properties, by temperature in degC."""
    path = tmp_path_factory.mktemp("linear") / "linear.toml"
    path.write_text(LINEAR)
    return cache(lambda T: warp.solve(warp.load(path, {"load.temperature": f"{T} degC"}), "cpu"))


def test_warpage_grows_with_the_temperature_step(cooled):
    """Law (v), and none at the stress-free temperature."""
    w = {
        T: cooled(T).metrics["surfaces"]["substrate"]["bottom"]["warpage_um"] for T in (25, 75, 125)
    }
    assert w[25] > 5 and w[75] == pytest.approx(w[25] / 2, rel=1e-6)
    assert w[125] == pytest.approx(0, abs=1e-9)


def test_a_chips_area_is_curved_and_the_overhang_conical(cooled):
    """Law (iv): along x, the substrate's underside bends under the chip and runs straight
    beyond.
    """
    result = cooled(25)
    bottom = surface.sample(result, result.displacement, "substrate", "bottom")

    def bend(low, high):
        x = np.linspace(low, high, 25)
        return (
            2
            * np.polyfit(
                x, np.ravel(surface_points.interpolate(bottom, bottom.w, x, np.zeros(1))), 2
            )[0]
        )

    under, beyond = bend(0, 2.5e-3), bend(4.5e-3, 7e-3)
    assert under < 0, "convex"
    assert abs(beyond) < 0.3 * abs(under)


@pytest.mark.slow
def test_more_than_one_chip():
    """Two chips under a ring, a stack off centre, two on an interposer between capacitors."""
    bare = warpage("two-chips-ring", ring__material=VOID, ring_glue__material=VOID)
    assert 0.5 * bare < warpage("two-chips-ring") < 0.75 * bare
    stacked = solved("stacked-chips")
    x, y, _ = stacked["temperature"]["logic"]["max_at_mm"]
    assert (x, y) == pytest.approx((-3, 1.5), abs=1.2), "over the block of 1 W"
    assert abs(stacked["surfaces"]["substrate"]["bottom"]["warpage_um"]) < 10
    assert warpage("interposer", interposer__material="substrate-ets") < 0.7 * warpage("interposer")


def test_the_gallery_shows_every_package():
    """Pictures are small, and the page names each file; `python tests/gallery/gallery.py` draws
    them anew.
    """
    page = (GALLERY / "README.md").read_text(encoding="utf-8")
    for path in GALLERY.glob("*.toml"):
        assert f"({path.name})" in page and f"(../pictures/packages/{path.stem}.png)" in page
    pictures = list((GALLERY.parent / "pictures" / "packages").glob("*.png"))
    assert all(picture.stat().st_size < 60_000 for picture in pictures)
    assert sum(picture.stat().st_size for picture in pictures) < 2_000_000
