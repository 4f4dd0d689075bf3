"""Materials: published values come back, thermal strain integrates the expansion, impossible ones
are refused.
"""

import math
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from warp.materials.curves import Secant, Table, Transition
from warp.materials.library import (
    CITED,
    MaterialError,
    MaterialSpec,
    Mixture,
    find,
    library,
    mix,
    resolve,
    rotated,
)
from warp.materials.material import compliance, normal_matrix
from warp.materials.mixing import RULES

ROOM = 298.15
CELSIUS = 273.15


def built(**table):
    return MaterialSpec.model_validate(table).build("test")


STEEL = {"youngs_modulus": "200 GPa", "poissons_ratio": 0.25, "cte": "12 ppm/K"}
LAMINATE = {
    "youngs_modulus": {"x": "30 GPa", "y": "20 GPa", "z": "10 GPa"},
    "poissons_ratio": {"xy": 0.2, "xz": 0.3, "yz": 0.25},
    "shear_modulus": {"xy": "8 GPa", "xz": "5 GPa", "yz": "4 GPa"},
    "cte": {"in_plane": "12 ppm/K", "z": "50 ppm/K"},
}


def test_isotropic_stiffness_is_lame():
    steel = built(**STEEL)
    assert steel.stiffness(ROOM) == pytest.approx(np.array([240, 240, 240, 80, 80, 80]) * 1e9)
    assert steel.shear(ROOM) == pytest.approx(np.full(3, 80e9))


def test_orthotropic_stiffness_inverts_the_compliance():
    laminate = built(**LAMINATE)
    S = np.linalg.inv(normal_matrix(laminate.stiffness(ROOM)))
    assert 1 / np.diag(S) == pytest.approx([30e9, 20e9, 10e9])
    assert -S[0, 1] * 30e9 == pytest.approx(0.2)
    assert -S[0, 2] * 30e9 == pytest.approx(0.3)
    assert -S[1, 2] * 20e9 == pytest.approx(0.25)
    assert laminate.shear(ROOM) == pytest.approx([4e9, 5e9, 8e9])  # yz, xz, xy
    assert laminate.cte(ROOM) == pytest.approx([12e-6, 12e-6, 50e-6])


def test_a_quarter_turn_exchanges_x_and_y():
    laminate = built(**LAMINATE)
    turned = rotated(laminate, 1)
    S = np.linalg.inv(normal_matrix(turned.stiffness(ROOM)))
    assert 1 / np.diag(S) == pytest.approx([20e9, 30e9, 10e9])
    assert -S[1, 0] * 30e9 == pytest.approx(
        0.2
    )  # still the ratio under stress along the stiff axis
    assert turned.shear(ROOM) == pytest.approx([5e9, 4e9, 8e9])
    assert rotated(turned, 3) is laminate and rotated(laminate, 2) is laminate


def test_a_temperature_array_adds_leading_axes():
    T = np.array([[250.0, 300.0], [400.0, 500.0]])
    for name in ("sac305", "core", "silicon-110", "underfill", "alsic-9", "lid-adhesive"):
        material = library()[name]
        for values in (
            material.stiffness(T),
            material.shear(T),
            material.cte(T),
            material.thermal_strain(T, ROOM),
        ):
            assert values.shape[:2] == (2, 2)
        assert material.stiffness(T)[1, 0] == pytest.approx(material.stiffness(400.0))
        assert material.thermal_strain(T, ROOM)[1, 1] == pytest.approx(
            material.thermal_strain(500.0, ROOM)
        )


@pytest.mark.parametrize(
    "name", ["copper-plated", "underfill", "alsic-9", "silicon", "core", "abf", "lid-adhesive"]
)
def test_thermal_strain_is_the_integral_of_the_instantaneous_expansion(name):
    material = library()[name]
    for T0, T1 in ((ROOM, 490.15), (230.0, 250.0), (450.0, 380.0)):
        T = np.linspace(T0, T1, 20_001)
        midpoints = material.cte((T[1:] + T[:-1]) / 2)
        expected = midpoints.sum(axis=0) * (T[1] - T[0])
        assert material.thermal_strain(T1, T0) == pytest.approx(expected, rel=1e-4)
    assert material.thermal_strain(400.0, 400.0) == pytest.approx(np.zeros(3))


def test_a_table_is_linear_inside_and_constant_outside():
    table = Table((300.0, 400.0), (10.0, 20.0))
    assert [table(T) for T in (200.0, 350.0, 500.0)] == [10.0, 15.0, 20.0]
    assert table.integral(300.0, 400.0) == pytest.approx(1500.0)
    assert table.integral(200.0, 500.0) == pytest.approx(1000.0 + 1500.0 + 2000.0)


def test_a_transition_is_halfway_at_the_glass_transition():
    modulus = Transition(13.5e9, 0.136e9, 384.15, 8.0)
    assert modulus(384.15) == pytest.approx((13.5e9 + 0.136e9) / 2)
    assert modulus(ROOM) == pytest.approx(13.5e9, rel=1e-4)
    assert modulus(523.15) == pytest.approx(0.136e9, rel=1e-4)
    assert modulus(5000.0) == 0.136e9  # no overflow


def test_a_secant_coefficient_counts_from_its_reference():
    alsic = library()["alsic-9"].law("cte")[0]
    assert isinstance(alsic, Secant)
    for celsius, mean in ((100, 8.0), (150, 8.37), (200, 8.75)):  # validation: secant from 30 degC
        strain = library()["alsic-9"].thermal_strain(celsius + CELSIUS, 30 + CELSIUS)[0]
        assert strain == pytest.approx(mean * 1e-6 * (celsius - 30))


@pytest.mark.parametrize(("celsius", "ppm"), [(-40, 1.89), (25, 2.55), (125, 3.20), (260, 3.69)])
def test_silicon_expands_as_okada_and_tokumaru_measured(celsius, ppm):
    T = celsius + CELSIUS
    formula = 3.725 * (1 - math.exp(-5.88e-3 * (T - 124))) + 5.548e-4 * T
    found = library()["silicon"].cte(T)[0] * 1e6
    assert found == pytest.approx(ppm, abs=0.006)
    assert found == pytest.approx(formula, rel=1e-3)


def test_silicon_along_110_is_the_cubic_crystal_turned_by_45_degrees():
    C11, C12, C44 = 165.7e9, 63.9e9, 79.6e9
    turned = [(C11 + C12) / 2 + C44, C11, C12, (C11 + C12) / 2 - C44]
    stiffness = library()["silicon-110"].stiffness(ROOM)
    assert stiffness[[0, 2, 3, 5]] == pytest.approx(turned, rel=0.015)
    assert library()["silicon-110"].shear(ROOM) == pytest.approx(
        [C44, C44, (C11 - C12) / 2], rel=0.001
    )


@pytest.mark.parametrize("name", ["silicon", "silicon-110", "silicon-100"])
def test_every_silicon_bends_with_the_biaxial_modulus_of_the_100_plane(name):
    S = np.linalg.inv(normal_matrix(library()[name].stiffness(ROOM)))
    assert 1 / (S[0, 0] + S[0, 1]) == pytest.approx(180.3e9, rel=0.003)


@pytest.mark.parametrize(
    ("name", "celsius", "modulus", "ppm"),
    [
        ("copper-plated", 25, 110e9, 16.4),
        ("copper", 25, 120e9, 17.0),
        ("sac305", 75, 38.2e9, 22.5),
        ("underfill-uf9000ae", 250, 0.136e9, 85),
        ("abf-gl102", 25, 13e9, 20),
        ("core-mcl-e-795g", 25, 36e9, 4.0),
        ("core-r-1515w", 250, 21e9, 9),
        ("core-r-1515a", 250, 10e9, 12),
        ("lid-adhesive-eccobond-3005", 25, 0.358e9, 136),
        ("tim-gel", 25, 5e6, 200),
        ("tim-indium", 25, 12.7e9, 29),
        ("glass", 25, 64e9, 3.3),
    ],
)
def test_the_library_repeats_its_sources(name, celsius, modulus, ppm):
    material = library()[name]
    T = celsius + CELSIUS
    S = np.linalg.inv(normal_matrix(material.stiffness(T)))
    assert 1 / S[0, 0] == pytest.approx(modulus, rel=0.01)
    assert material.cte(T)[0] * 1e6 == pytest.approx(ppm, rel=1e-3)


def test_every_value_of_the_library_has_a_source():
    for name, material in library().items():
        given = set(material.laws) | {
            key
            for key in ("glass_transition", "stress_free_temperature")
            if getattr(material, key) is not None
        }
        assert given <= set(material.sources) <= set(CITED), name
        assert all(material.sources[key] for key in given), name
        assert "no source" not in material.source, name
        assert material.description, name


def test_every_material_of_the_library_is_sound_and_complete():
    T = np.array([218.15, ROOM, 398.15, 490.15, 533.15])
    for name, material in library().items():
        assert material.conductivity(T).min() > 0.0 and material.density > 0.0, name
        assert np.min(material.specific_heat(T)) > 0.0, name
        if name.startswith("mfit-"):  # effective layers of a heat-conduction model
            continue
        assert np.linalg.eigvalsh(normal_matrix(material.stiffness(T))).min() > 0.0, name
        assert material.shear(T).min() > 0.0, name
        assert np.isfinite(material.thermal_strain(T, ROOM)).all(), name


def test_like_overrides_some_values_and_keeps_the_rest():
    modulus = {"glassy": "10 GPa", "rubbery": "0.1 GPa"}
    own = built(like="underfill-uf9000ae", youngs_modulus=modulus, source="DMA, 2024")
    assert own.stiffness(ROOM)[0] / find("underfill-uf9000ae").stiffness(ROOM)[0] == pytest.approx(
        10 / 13.5, rel=1e-4
    )
    assert own.cte(ROOM) == pytest.approx(np.full(3, 23e-6))
    assert own.sources["youngs_modulus"] == "DMA, 2024" and "Henkel" in own.sources["cte"]


def test_like_takes_a_single_direction_or_another_glass_transition():
    own = built(like="core", cte={"in_plane": "6 ppm/K"})
    assert own.cte(ROOM) * 1e6 == pytest.approx([6.0, 6.0, 12.5])
    softer = built(like="underfill", glass_transition="60 degC")
    assert softer.law("youngs_modulus")[0](333.15) == pytest.approx((13.5e9 + 0.136e9) / 2)


def test_materials_of_a_case_may_build_on_one_another():
    tables = {
        "lid": {"like": "alloy", "cte": "9 ppm/K"},
        "alloy": STEEL,
        "filled": {"mixture": {"of": {"silver": "40 %", "alloy": "60 %"}, "rule": "particulate"}},
    }
    found = resolve({name: MaterialSpec.model_validate(table) for name, table in tables.items()})
    assert found["lid"].cte(ROOM)[0] == pytest.approx(9e-6)
    assert 83e9 < 1 / np.linalg.inv(normal_matrix(found["filled"].stiffness(ROOM)))[0, 0] < 200e9
    with pytest.raises(MaterialError, match="'a' is made of itself: a -> b -> a"):
        resolve({"a": MaterialSpec(like="b"), "b": MaterialSpec(like="a")})


def test_thicknesses_give_the_fractions_of_layers():
    stack = {"of": {"copper": "10 um", "abf": "30 um"}, "rule": "z-layers"}
    layers = MaterialSpec.model_validate({"mixture": stack}).build("test")
    assert layers.density == pytest.approx(0.25 * 8960 + 0.75 * 1700)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({**STEEL, "poissons_ratio": 0.5}, "below 0.5"),
        ({**STEEL, "poissons_ratio": -0.1}, "at least 0"),
        (
            {
                **STEEL,
                "poissons_ratio": {"glassy": 0.3, "rubbery": 0.5, "glass_transition": "600 degC"},
            },
            "below 0.5",
        ),
        ({**LAMINATE, "poissons_ratio": 0.9}, "not positive definite"),
        (
            {key: LAMINATE[key] for key in ("youngs_modulus", "poissons_ratio")},
            "needs a shear_modulus",
        ),
        ({"youngs_modulus": "3 GPa"}, "has no poissons_ratio"),
        ({"like": "silicum"}, "did you mean silica or silicon"),
        ({**LAMINATE, "cte": {"x": "3 ppm/K", "z": "5 ppm/K"}}, "cte is missing along y"),
        ({**STEEL, "cte": {"glassy": "3 ppm/K", "rubbery": "5 ppm/K"}}, "needs a glass_transition"),
        (
            {"mixture": {"of": {"copper": 0.4, "abf": 0.6}, "rule": "voigt"}, "cte": "3 ppm/K"},
            "beside a mixture",
        ),
    ],
)
def test_what_no_material_can_be_is_refused(table, words):
    with pytest.raises(MaterialError, match=words):
        built(**table)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({**STEEL, "youngs_modulus": 200}, "needs a unit, e.g. GPa, MPa"),
        ({**STEEL, "youngs_modulus": "200 mm"}, "is a length, not a pressure"),
        ({**STEEL, "youngs_modulus": "-200 GPa"}, "greater than zero"),
        (
            {**STEEL, "cte": {"in_plane": "3 ppm/K", "zz": "5 ppm/K"}},
            "zz is not a direction: x, y, z",
        ),
        ({**STEEL, "cte": {"z": "5 GPa"}}, "z: 'GPa' is a pressure"),
        ({**STEEL, "cte": {"x": "5 ppm/K", "in_plane": "5 ppm/K"}}, "given twice"),
        ({**STEEL, "cte": [["30 degC", "5 ppm/K"], ["20 degC", "5 ppm/K"]]}, "must rise"),
        ({**STEEL, "cte": [["30 degC", "5 ppm/K"]]}, "at least two rows"),
        ({**STEEL, "youngs_modulus": {"glassy": "3 GPa"}}, "rubbery is missing"),
        ({**STEEL, "colour": "grey"}, "Extra inputs"),
        ({"mixture": {"of": {"copper": 0.4, "abf": 0.4}, "rule": "voigt"}}, "sum to 0.8"),
    ],
)
def test_a_malformed_table_says_what_was_expected(table, words):
    with pytest.raises(ValidationError, match=words):
        built(**table)


def test_a_file_may_name_every_rule_of_mixing():
    assert set(get_args(Mixture.model_fields["rule"].annotation)) == set(RULES)


def test_a_medium_tells_where_its_properties_bend():
    """The tables' temperatures and the transitions', whatever is mixed or turned: where solvers
    have to look.
    """
    heat = [["215 degC", "200 J/(kg K)"], ["217 degC", "9 kJ/(kg K)"], ["219 degC", "200 J/(kg K)"]]
    solder = built(**STEEL, specific_heat=heat)
    melting = [488.15, 490.15, 492.15]
    assert [*solder.knots] == pytest.approx(melting)
    paste = mix([solder, library()["copper"], None], [0.5, 0.3, 0.2], "voigt")
    assert [*rotated(paste, 1).knots] == pytest.approx(
        sorted({*melting, *library()["copper"].knots})
    )


def test_a_missing_property_is_named_when_it_is_asked_for():
    with pytest.raises(MaterialError, match="'test' has no conductivity"):
        built(**STEEL).conductivity(ROOM)


def test_the_schema_of_a_material_can_be_written():
    properties = MaterialSpec.model_json_schema()["properties"]
    assert {"youngs_modulus", "cte", "like", "mixture"} <= set(properties)


def test_compliance_of_equal_moduli_is_the_isotropic_one():
    S = compliance(np.full(3, 200e9), np.full(3, 0.25))
    assert np.linalg.inv(S)[0] == pytest.approx([240e9, 80e9, 80e9])


def test_every_library_material_has_a_class():
    assert all(material.material_class is not None for material in library().values())
    own = resolve({"mine": MaterialSpec(like="silicon-110")})["mine"]
    assert own.material_class == "silicon"
    named = MaterialSpec.model_validate({"like": "silicon-110", "class": "glass"})
    assert resolve({"mine": named})["mine"].material_class == "glass"


def test_a_mixture_is_of_the_class_of_its_largest_part():
    known = library()
    mixed = mix([known["copper"], known["epoxy"]], [0.3, 0.7], "voigt")
    assert mixed.material_class == "polymer"


def test_a_library_material_holds_where_its_tables_have_values():
    """Conductivity from -60, expansion from -65 degC; both to 260 degC at least."""
    assert library()["silicon"].temperature_range == pytest.approx((213.15, 533.15))
    assert library()["sac305"].temperature_range == pytest.approx((233.15, 490.15))
    assert all(material.temperature_range for material in library().values())
    assert library()["gold"].temperature_range == pytest.approx((208.15, 573.15))
