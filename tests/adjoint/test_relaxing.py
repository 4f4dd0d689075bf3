"""The gradient of processes in which a material relaxes against central differences."""

import frozen
import frozen_process
import numpy as np
import pytest
from small_process import MOULDED, PARTS, STEPS, case

import warp

RELAXING = """
[material.mould]
like = "mould-compound"
youngs_modulus = "22 GPa"

[material.mould.relaxation]
shear = [["1 ms", "20 %"], ["1 s", "40 %"], ["200 s", "20 %"]]
bulk = [["1 s", "30 %"]]
SHIFT
"""
WLF = 'wlf = { reference = "150 degC", c1 = 17.4, c2 = "51.6 K" }'
ARRHENIUS = 'arrhenius = { reference = "150 degC", activation_energy = "250 kJ/mol" }'
TABLE = 'shift = [["25 degC", 8.0], ["130 degC", 2.0], ["160 degC", -1.5], ["250 degC", -5.0]]'
MOULD = PARTS.replace('material = "mould-compound"', 'material = "mould"')
WHOLE = MOULD + (
    STEPS.replace('stress_free = "160 degC"', 'stress_free = "160 degC"\nduration = "90 s"')
    .replace('temperature = "25 degC"', 'temperature = "130 degC"\nrate = "20 K/s"')
    .replace('temperature = "240 degC"', 'temperature = "140 degC"\nduration = "1 ms"')
)
SMALL = (
    MOULDED
    + """
[[step]]
name = "moulded"
do = "cure"
parts = ["mould"]
temperature = "150 degC"
stress_free = "160 degC"
shrinkage = "0.1 %"
duration = "90 s"

[[step]]
name = "cold"
do = "cool"
temperature = "130 degC"
rate = "20 K/s"

[[step]]
name = "released"
do = "remove"
parts = ["carrier"]
"""
)
METRICS = [
    "board.bottom.corner_minus_centre",
    "mould.von_mises_mean at cold",
    "chip.max_principal_p at cold",
]
KEYS = [
    "material.mould.youngs_modulus",
    "material.mould.relaxation.time@200 s",
    "material.mould.relaxation.shear@1 s",
    "step.moulded.temperature",
    "step.moulded.duration",
    "part.mould.height",
]
SLOW_KEYS = [
    "material.mould.relaxation.bulk@1 s",
    "step.moulded.stress_free",
    "step.cold.rate",
    "step.cold.temperature",
    "part.carrier.thickness",
    "step.cut.size.1",
    "material.mould.poissons_ratio",
    "material.mould.cte.glassy",
]
SHIFTS = {
    WLF: ["reference", "c1", "c2"],
    ARRHENIUS: ["reference", "activation_energy"],
    TABLE: ["shift@160 degC"],
}


def point(cpu, tmp_path, monkeypatch, text=SMALL, shift=WLF):
    frozen.tighten(monkeypatch)
    return frozen_process.point(case(tmp_path, text + RELAXING.replace("SHIFT", shift)), cpu)


def test_gradient_is_the_central_difference(cpu, tmp_path, monkeypatch):
    """Through curing, cooling and release, on the substeps of the solve."""
    at = point(cpu, tmp_path, monkeypatch)
    assert sum(one.ends for one in at.steps) < len(at.steps)
    frozen_process.check(at, METRICS, KEYS)


@pytest.mark.slow
@pytest.mark.weekly
def test_gradient_of_a_whole_process_is_the_central_difference(cpu, tmp_path, monkeypatch):
    """With bumps that are filled before, a cut of what has relaxed, and a hot end."""
    at = point(cpu, tmp_path, monkeypatch, WHOLE)
    frozen_process.check(at, METRICS, SLOW_KEYS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "shift", [WLF, *(pytest.param(s, marks=pytest.mark.weekly) for s in (ARRHENIUS, TABLE))]
)
def test_constants_of_the_shift_have_derivatives(cpu, tmp_path, monkeypatch, shift):
    at = point(cpu, tmp_path, monkeypatch, shift=shift)
    keys = [f"material.mould.relaxation.{word}" for word in SHIFTS[shift]]
    frozen_process.check(at, METRICS, keys)


def test_scaled_stiffness_moves_nothing(cpu, tmp_path):
    """Every modulus and every branch by the same factor; the field of voxels sums to zero."""
    result = warp.solve(case(tmp_path, SMALL + RELAXING.replace("SHIFT", WLF)), "cpu")
    found = warp.gradient(result, "board.bottom at cold", "cpu", maps=True)
    sizes = [np.diff(line) * 1e3 for line in (result.grid.z, result.grid.y, result.grid.x)]
    volume = np.prod(np.meshgrid(*sizes, indexing="ij"), axis=0)
    assert abs((found.stiffness * volume).sum()) < 2e-4 * np.abs(found.stiffness * volume).sum()


UNDERFILL = (
    MOULD.replace('"underfill-uf9000ae"', '"fill"')
    .replace('edge_spacing = "0.75 mm"', 'edge_spacing = "2 mm"')
    .replace('spacing = "1.5 mm"', 'spacing = "2 mm"')
    + STEPS[: STEPS.index('[[step]]\nname = "moulded"')]
    .replace("[[step]]", "\n[[step]]")
    .replace('shrinkage = "0.1 %"', 'shrinkage = "0.1 %"\nduration = "5 s"')
    + """
[[step]]
name = "cold"
do = "cool"
temperature = "120 degC"
rate = "20 K/s"

[material.fill]
like = "underfill-uf9000ae"
youngs_modulus = "9 GPa"
relaxation = { youngs_modulus = [["2 s", "60 %"]] }
"""
)


@pytest.mark.slow
@pytest.mark.weekly
def test_bumps_that_a_relaxing_underfill_fills_have_derivatives(cpu, tmp_path, monkeypatch):
    """Their branches begin with the strain that they have had as free bumps."""
    frozen.tighten(monkeypatch)
    text = UNDERFILL.replace('material = "mould"', 'material = "fr4"')
    at = frozen_process.point(case(tmp_path, text), cpu)
    keys = ["step.chip.temperature", "material.fill.relaxation.time@2 s", "part.bumps.diameter"]
    frozen_process.check(at, METRICS[::2], keys)


PRESSED = (
    SMALL.replace(
        '[[step]]\nname = "cold"',
        """[[step]]
name = "pressed"
do = "support"
on = "clamped"
faces = "board.top"
sliding = true
flat = true

[[step]]
name = "cold\"""",
    )
    + """
[[step]]
name = "free"
do = "support"
on = "free"
"""
)


@pytest.mark.slow
@pytest.mark.weekly
def test_gradient_through_a_press_is_the_central_difference(cpu, tmp_path, monkeypatch):
    """A relaxing mould, pressed flat as it cools and while its carrier is taken off."""
    at = point(cpu, tmp_path, monkeypatch, PRESSED)
    keys = ["material.mould.relaxation.time@200 s", "step.moulded.temperature", "part.mould.height"]
    frozen_process.check(at, METRICS[:1], keys)
