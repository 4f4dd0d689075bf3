"""Mixing rules against closed forms, published tables, and the identities that hold for any
geometry.
"""

import copy
import pickle

import numpy as np
import pytest

from warp.materials import composites
from warp.materials.library import MaterialError, MaterialSpec, library, mix
from warp.materials.material import normal_matrix
from warp.materials.mixing import Filler
from warp.voxels.media import Rows

ROOM = 298.15
RULES = (
    "x-layers",
    "y-layers",
    "z-layers",
    "columns",
    "balls",
    "particulate",
    "fibres",
    "voigt",
    "reuss",
    "traces",
)


def built(E, nu, ppm, k=1.0, name="phase"):
    table = {
        "youngs_modulus": f"{E} GPa",
        "poissons_ratio": nu,
        "cte": f"{ppm} ppm/K",
        "conductivity": f"{k} W/(m K)",
        "density": "2000 kg/m^3",
        "specific_heat": "800 J/(kg K)",
    }
    return MaterialSpec.model_validate(table).build(name)


EPOXY = built(3, 0.35, 60, 0.2, "epoxy")
SILICA = built(73, 0.17, 0.5, 1.4, "silica")
COPPER = built(110, 0.34, 16.4, 398, "copper")


def engineering(medium):
    """Young's moduli and Poisson's ratio nu_xy."""
    S = np.linalg.inv(normal_matrix(medium.stiffness(ROOM)))
    return 1 / np.diag(S), -S[0, 1] / S[0, 0]


# a, f: Maxwell, Bruggeman (asymmetric), Lewis-Nielsen (0.637), in units of the matrix's
# conductivity
CONDUCTION = [
    (10, 0.2, 1.5294, 1.5923, 1.5142),
    (10, 0.4, 2.2857, 2.5870, 2.5560),
    (10, 0.5, 2.8000, 3.3002, 3.6594),
    (1000, 0.2, 1.7472, 1.9476, 1.6988),
    (1000, 0.4, 2.9900, 4.5800, 3.4885),
    (1000, 0.5, 3.9821, 7.8369, 6.2847),
]


@pytest.mark.parametrize(("a", "f", "maxwell", "bruggeman", "nielsen"), CONDUCTION)
def test_conductivity_of_spheres(a, f, maxwell, bruggeman, nielsen):
    phases = [built(3, 0.35, 60, k) for k in (0.2 * a, 0.2)]
    for rule, expected in (
        ("maxwell", maxwell),
        ("bruggeman", bruggeman),
        ("lewis-nielsen", nielsen),
    ):
        k = mix(phases, [f, 1 - f], "particulate", filler=Filler(rule)).conductivity(ROOM)
        assert k / 0.2 == pytest.approx(np.full(3, expected), rel=5e-5)


# f: lower Hashin-Shtrikman bounds G, E GPa, nu; Schapery's upper expansion ppm/K
COMPOSITE = [
    (0.3, 2.0370, 5.3862, 0.32208, 37.80),
    (0.5, 3.1864, 8.3113, 0.30418, 25.41),
    (0.6, 4.1203, 10.6667, 0.29443, 19.80),
]


@pytest.mark.parametrize(("f", "G", "E", "nu", "alpha"), COMPOSITE)
def test_silica_filled_epoxy(f, G, E, nu, alpha):
    filled = mix([SILICA, EPOXY], [f, 1 - f], "particulate")
    moduli, ratio = engineering(filled)
    assert moduli == pytest.approx(np.full(3, E * 1e9), rel=2e-5)
    assert ratio == pytest.approx(nu, rel=3e-5)
    assert filled.shear(ROOM) == pytest.approx(np.full(3, G * 1e9), rel=3e-5)
    assert filled.cte(ROOM) == pytest.approx(np.full(3, alpha * 1e-6), rel=3e-4)


@pytest.mark.parametrize("rule", RULES)
def test_one_material_mixed_with_itself_is_that_material(rule):
    mixed = mix([COPPER, COPPER], [0.3, 0.7], rule)
    assert mixed.stiffness(ROOM) == pytest.approx(COPPER.stiffness(ROOM))
    assert mixed.shear(ROOM) == pytest.approx(COPPER.shear(ROOM))
    assert mixed.cte(ROOM) == pytest.approx(COPPER.cte(ROOM))
    assert mixed.conductivity(ROOM) == pytest.approx(COPPER.conductivity(ROOM))
    assert mixed.density == pytest.approx(2000) and mixed.specific_heat(ROOM) == pytest.approx(800)


@pytest.mark.parametrize("rule", RULES)
def test_mixtures_lie_between_the_bounds(rule):
    parts, f = [SILICA, EPOXY], [0.4, 0.6]
    low, mixed, high = (
        normal_matrix(mix(parts, f, r).stiffness(ROOM)) for r in ("reuss", rule, "voigt")
    )
    if (
        rule != "traces"
    ):  # engineering constants are no strain distribution: no bound holds for the cross terms
        assert np.linalg.eigvalsh(mixed - low).min() > -1e-6 * high.max()
        assert np.linalg.eigvalsh(high - mixed).min() > -1e-6 * high.max()
    k = mix(parts, f, rule).conductivity(ROOM)
    assert np.all(k >= mix(parts, f, "reuss").conductivity(ROOM) * (1 - 1e-12))
    assert np.all(k <= mix(parts, f, "voigt").conductivity(ROOM) * (1 + 1e-12))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "traces"])
def test_levins_identity_in_tensor_form(rule):
    """Two phases of any geometry: alpha* - alpha_m = (S* - S_m)(S_f - S_m)^-1 (alpha_f -
    alpha_m).
    """
    mixed = mix([SILICA, EPOXY], [0.35, 0.65], rule)
    S, Sf, Sm = (
        np.linalg.inv(normal_matrix(medium.stiffness(ROOM))) for medium in (mixed, SILICA, EPOXY)
    )
    step = np.linalg.solve(Sf - Sm, SILICA.cte(ROOM) - EPOXY.cte(ROOM))
    assert mixed.cte(ROOM) == pytest.approx(EPOXY.cte(ROOM) + (S - Sm) @ step, rel=1e-9)


def test_laminate_in_plane_stiffness_is_the_sum_of_plane_stress_layers():
    mixed = mix([SILICA, EPOXY], [0.35, 0.65], "z-layers")
    S = np.linalg.inv(normal_matrix(mixed.stiffness(ROOM)))
    biaxial = 0.35 * 73e9 / (1 - 0.17) + 0.65 * 3e9 / (1 - 0.35)
    assert 1 / (S[0, 0] + S[0, 1]) == pytest.approx(biaxial)
    expected = (0.35 * 73e9 / 0.83 * 0.5e-6 + 0.65 * 3e9 / 0.65 * 60e-6) / biaxial
    assert mixed.cte(ROOM)[:2] == pytest.approx([expected] * 2)
    assert mixed.shear(ROOM)[0] == pytest.approx(1 / (0.35 / 31.196581e9 + 0.65 / (3e9 / 2.7)))
    assert mixed.conductivity(ROOM) == pytest.approx([0.62, 0.62, 1 / (0.35 / 1.4 + 0.65 / 0.2)])


def test_fibres_have_hills_axial_modulus():
    """Hill 1964: E_z = f Ef + g Em + 4 f g (nu_f - nu_m)^2 / (f/k_m + g/k_f + 1/G_m), k = K +
    G/3.
    """
    f, g = 0.35, 0.65
    mixed = mix([SILICA, EPOXY], [f, g], "fibres")
    Gf, Gm = 73 / 2.34, 3 / 2.7
    kf, km = 73 / (3 * 0.66) + Gf / 3, 3 / (3 * 0.30) + Gm / 3
    Ez = f * 73 + g * 3 + 4 * f * g * (0.17 - 0.35) ** 2 / (f / km + g / kf + 1 / Gm)
    assert engineering(mixed)[0][2] == pytest.approx(Ez * 1e9, rel=1e-12)
    C = mixed.stiffness(ROOM)
    k = km + f / (1 / (kf - km) + g / (km + Gm))
    G = Gm + f / (1 / (Gf - Gm) + g * (km + 2 * Gm) / (2 * Gm * (km + Gm)))
    assert (C[0] + C[5]) / 2 == pytest.approx(k * 1e9) and (C[0] - C[5]) / 2 == pytest.approx(
        G * 1e9
    )
    axial = Gm + f / (1 / (Gf - Gm) + g / (2 * Gm))
    assert mixed.shear(ROOM) == pytest.approx(np.array([axial, axial, G]) * 1e9)


def test_fibres_need_what_is_alike_across_them():
    """A woven laminate (E_x = E_y, but G_xy not E / 2 (1 + nu)) has no cylinder assemblage,
    whichever way it lies.
    """
    core, copper = library()["core-mcl-e-795g"], library()["copper"]
    for rule in ("fibres", "x-fibres", "y-fibres"):
        woven = mix([copper, core], [0.2, 0.8], rule)
        for law in (woven.stiffness, woven.shear, woven.cte):
            with pytest.raises(MaterialError, match="'core-mcl-e-795g' is not"):
                law(ROOM)
    assert mix([copper, core], [0.2, 0.8], "columns").stiffness(ROOM)[2] > 0
    layered = mix([SILICA, EPOXY], [0.5, 0.5], "z-layers")
    isotropic_across = mix([COPPER, layered], [0.1, 0.9], "fibres").stiffness(ROOM)
    assert isotropic_across[0] == pytest.approx(isotropic_across[1])
    with pytest.raises(MaterialError, match="fibres along x"):
        mix([COPPER, layered], [0.1, 0.9], "x-fibres").stiffness(ROOM)


def test_columns_share_the_strain_along_z_and_meet_halfway_across():
    mixed = mix([SILICA, EPOXY], [0.5, 0.5], "columns")
    across, along = (
        mix([SILICA, EPOXY], [0.5, 0.5], f"{axis}-layers").stiffness(ROOM) for axis in "xy"
    )
    assert mixed.stiffness(ROOM) == pytest.approx((across + along) / 2)
    assert (
        0.98 * 38e9 < engineering(mixed)[0][2] < 38.5e9
    )  # E_z = mean of 73 and 3, and a little from Poisson's ratios
    assert mixed.conductivity(ROOM) == pytest.approx([(0.8 + 0.35) / 2, (0.8 + 0.35) / 2, 0.8])


def test_signal_layer_follows_the_published_rule():
    """r = 0.45 copper in 13 GPa dielectric: in plane the mean of Voigt and Reuss, Turner
    expansion.
    """
    film = built(13, 0.30, 20, 0.4, "film")
    layer = mix([COPPER, film], [0.45, 0.55], "traces")
    voigt, reuss = 0.45 * 110 + 0.55 * 13, 1 / (0.45 / 110 + 0.55 / 13)
    E, nu = engineering(layer)
    assert E == pytest.approx(np.array([(voigt + reuss) / 2] * 2 + [voigt]) * 1e9)
    assert nu == pytest.approx(0.45 * 0.34 + 0.55 * 0.30)
    turner = (0.45 * 110 * 16.4 + 0.55 * 13 * 20) / voigt
    assert layer.cte(ROOM) == pytest.approx(np.full(3, turner * 1e-6))


@pytest.mark.parametrize("rule", ["columns", "balls", "z-layers", "voigt", "traces"])
def test_void_scales_the_solid_and_leaves_its_expansion(rule):
    mixed = mix([None, COPPER], [0.25, 0.75], rule)
    assert mixed.stiffness(ROOM) == pytest.approx(0.75 * COPPER.stiffness(ROOM))
    assert mixed.shear(ROOM) == pytest.approx(0.75 * COPPER.shear(ROOM))
    assert mixed.conductivity(ROOM) == pytest.approx(0.75 * COPPER.conductivity(ROOM))
    assert mixed.cte(ROOM) == pytest.approx(COPPER.cte(ROOM))
    assert mixed.heat_capacity(ROOM) == pytest.approx(0.75 * COPPER.heat_capacity(ROOM))


def test_pores_in_a_matrix():
    """Mackenzie 1950: K = Km (1 - p) / (1 + 3 p Km / 4 Gm); Maxwell: k = km 2 (1 - p) / (2 + p)."""
    p, K, G = 0.2, 110 / (3 * 0.32), 110 / 2.68
    porous = mix([None, COPPER], [p, 1 - p], "particulate")
    C = porous.stiffness(ROOM)
    assert (C[0] + 2 * C[5]) / 3 == pytest.approx(K * (1 - p) / (1 + 3 * p * K / (4 * G)) * 1e9)
    assert porous.cte(ROOM) == pytest.approx(COPPER.cte(ROOM))
    assert porous.conductivity(ROOM)[0] == pytest.approx(398 * 2 * (1 - p) / (2 + p))


def test_free_columns_carry_load_along_z_only():
    """Bumps in air, as an effective layer: the contract of void holds, properties times the
    fraction.
    """
    bumps = mix([COPPER, None], [0.2, 0.8], "fibres")
    assert engineering(bumps)[0][2] == pytest.approx(0.2 * 110e9)
    assert bumps.conductivity(ROOM)[2] == pytest.approx(0.2 * 398)


def test_thermal_strain_uses_integrated_strains_and_the_present_stiffness():
    parts = [library()["copper-plated"], library()["underfill-uf9000ae"]]
    mixed = mix(parts, [0.3, 0.7], "voigt")
    strains = [part.thermal_strain(ROOM, 490.15)[0] for part in parts]
    K = [part.stiffness(ROOM)[[0, 5, 4]].sum() for part in parts]
    expected = (0.3 * K[0] * strains[0] + 0.7 * K[1] * strains[1]) / (0.3 * K[0] + 0.7 * K[1])
    assert mixed.thermal_strain(ROOM, 490.15) == pytest.approx(np.full(3, expected))


def test_filled_polymer_in_a_case_file():
    """Silver powder in epoxy with an interface resistance: a' = a / (1 + 2 R k_f / d) (Hasselman
    and Johnson).
    """
    table = {
        "of": {"silver": "50 %", "epoxy": "50 %"},
        "rule": "particulate",
        "conductivity_rule": "lewis-nielsen",
        "particle_size": "5 um",
        "interface_resistance": "0.1 mm2 K/W",
    }
    filled = MaterialSpec.model_validate({"mixture": table}).build("tim")
    seen = 429 / (1 + 2 * 1e-7 * 429 / 5e-6)
    assert filled.conductivity(ROOM)[0] == pytest.approx(
        0.2 * composites.lewis_nielsen(seen / 0.2, 0.5, 0.637)
    )
    assert filled.name == "tim" and "silver" in filled.source
    del table["particle_size"]
    with pytest.raises(MaterialError, match="needs a particle_size"):
        MaterialSpec.model_validate({"mixture": table}).build("tim").conductivity(ROOM)


def test_arrays_of_temperature():
    T = np.array([[250.0, 300.0], [400.0, 500.0]])
    parts = [library()["sac305"], library()["underfill"]]
    for rule in RULES:
        mixed = mix(parts, [0.4, 0.6], rule)
        for law in (mixed.stiffness, mixed.shear, mixed.cte, mixed.conductivity):
            assert law(T)[1, 0] == pytest.approx(law(400.0))
        assert mixed.thermal_strain(T, ROOM)[1, 1] == pytest.approx(
            mixed.thermal_strain(500.0, ROOM)
        )
        assert np.shape(mixed.heat_capacity(T)) == (2, 2)


@pytest.mark.parametrize(
    "sent", [copy.deepcopy, lambda media: pickle.loads(pickle.dumps(media))], ids=["copy", "pickle"]
)
def test_media_can_be_copied_and_sent(sent):
    """Of the rows two are materials, one is mixed of both, each strained since its own
    temperature.
    """
    rows = Rows()
    rows.mixed(
        rows.solid(0, "copper", COPPER, 400.0), rows.solid(1, "epoxy", EPOXY, 450.0), 16, "columns"
    )
    np.testing.assert_array_equal(
        sent(rows.media()).thermal_strain(ROOM), rows.media().thermal_strain(ROOM)
    )


SOFT = built(1e-3, 0.49, 200, 1e-3, "soft")
STIFF = built(1e3, 0.2, 1, 1e3, "stiff")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rule", [*RULES[:-1], "x-fibres", "y-fibres"])
@pytest.mark.parametrize(
    "pair", [(STIFF, SOFT), (SOFT, STIFF), (None, SOFT)], ids=["hard", "soft", "pores"]
)
def test_a_contrast_of_a_million_and_the_ends(rule, pair):
    """Stable from one end to the other, between the phases; at an end the phase itself."""
    present = [medium for medium in pair if medium]
    low, high = (
        order([m.conductivity(ROOM).max() if m else 0.0 for m in pair]) for order in (min, max)
    )
    for f in (0.0, 1e-9, 0.3, 1 - 1e-9, 1.0):
        if f == 1 and pair[0] is None:
            continue
        mixed = mix(pair, [f, 1 - f], rule)
        k = mixed.conductivity(ROOM)
        assert (
            np.linalg.eigvalsh(normal_matrix(mixed.stiffness(ROOM))).min() > 0
            and mixed.shear(ROOM).min() > 0
        )
        assert k.min() >= low * (1 - 1e-9) and k.max() <= high * (1 + 1e-9)
        assert mixed.cte(ROOM).max() < 3 * max(medium.cte(ROOM).max() for medium in present)
        if f in (0.0, 1.0):
            one = pair[0] if f else pair[1]
            for law in ("stiffness", "shear", "cte", "conductivity"):
                np.testing.assert_allclose(
                    getattr(mixed, law)(ROOM), getattr(one, law)(ROOM), rtol=1e-9
                )


def test_traces_that_are_no_elastic_body():
    with pytest.raises(MaterialError, match="differ too much in stiffness for the rule 'traces'"):
        mix([STIFF, SOFT], [0.3, 0.7], "traces").stiffness(ROOM)


@pytest.mark.parametrize(
    ("media", "fractions", "rule", "words"),
    [
        ([COPPER, EPOXY], [0.5, 0.4], "voigt", "sum 1"),
        ([COPPER, EPOXY], [1.5, -0.5], "voigt", "none negative"),
        ([COPPER, EPOXY], [0.5, 0.5], "shaken", "not known"),
        ([None, None], [0.5, 0.5], "voigt", "at least one material"),
        ([COPPER, None], [0.0, 1.0], "x-layers", "at least one material"),
    ],
)
def test_impossible_mixtures_are_refused(media, fractions, rule, words):
    with pytest.raises(MaterialError, match=words):
        mix(media, fractions, rule)
