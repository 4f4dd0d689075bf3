"""The gradient of small processes against central differences of whole processes."""

import frozen
import frozen_process
import numpy as np
import pytest
from small_process import MOULDED, PARTS, STEPS, case

import warp
from warp.adjoint.material_values import copies_in, materials_in
from warp.adjoint.refused import refuse
from warp.errors import WarpError

CLAMPED = STEPS.replace(
    '[[step]]\nname = "moulded"',
    """[[step]]
name = "chuck"
do = "support"
on = "clamped"
faces = ["carrier.bottom"]

[[step]]
name = "moulded\"""",
).replace(
    '[[step]]\nname = "released"',
    '[[step]]\nname = "free"\ndo = "support"\non = "free"\n\n[[step]]\nname = "released"',
)
METRICS = [
    "board.bottom.corner_minus_centre",
    "board.bottom at cold",
    "chip.top.warpage_p at 150 degC",
    "chip.von_mises_p",
    "board.max_principal_mean at cold",
]
STEP_KEYS = [
    "step.chip.temperature",
    "step.underfill.temperature",
    "step.underfill.shrinkage",
    "step.moulded.stress_free",
    "step.cold.temperature",
    "step.hot.temperature",
    "load.stress_free",
]
OTHER_KEYS = [
    "part.board.thickness",
    "part.underfill.thickness",
    "part.bumps.diameter",
    "part.mould.width",
    "part.carrier.thickness",
    "step.cut.size.1",
    "material.silicon.cte@100 degC",
    "material.underfill-uf9000ae.youngs_modulus.glassy",
    "material.fr4.youngs_modulus.in_plane.glassy",
    "material.sac305.youngs_modulus@25 degC",
    "material.mould-compound.glass_transition",
]


FEW = ["step.underfill.shrinkage", "part.underfill.thickness"]


@pytest.mark.parametrize(
    "keys", [FEW, *(pytest.param(keys, marks=pytest.mark.slow) for keys in (STEP_KEYS, OTHER_KEYS))]
)
def test_gradient_of_a_process_is_the_central_difference(cpu, tmp_path, monkeypatch, keys):
    """Attached, filled, shrunk, cooled, released, cut and heated."""
    frozen.tighten(monkeypatch)
    frozen_process.check(frozen_process.point(case(tmp_path), cpu), METRICS, keys)


COVERED = (
    MOULDED
    + """
[material.mould]
like = "mould-compound"

[[step]]
name = "moulded"
do = "cure"
parts = ["mould"]
temperature = "200 degC"
shrinkage = "0.1 %"

[[step]]
name = "cold"
do = "cool"
temperature = "25 degC"
"""
)


def test_a_process_that_begins_by_joining_has_a_gradient(cpu, tmp_path, monkeypatch):
    """New parts cover edges of the body that it begins with, which was never solved alone."""
    frozen.tighten(monkeypatch)
    at = frozen_process.point(case(tmp_path, COVERED), cpu)
    assert len(at.steps[1].state().held)
    keys = ["step.moulded.temperature", "part.mould.height"]
    frozen_process.check(at, ["board.bottom.corner_minus_centre"], keys)


LID = """
[part.lid-glue]
on = "chip"
size = "chip"
thickness = "0.1 mm"
material = "mould-compound"

[part.lid]
on = "lid-glue"
size = "10 mm"
thickness = "0.3 mm"
material = "copper"

[load]"""
LIDDED = PARTS.replace("\n[load]", LID) + STEPS.split('[[step]]\nname = "moulded"')[0]
LIDDED += """
[[step]]
name = "lid"
do = "attach"
parts = ["lid-glue", "lid"]
flat = "lid"
temperature = "80 degC"

[[step]]
name = "cold"
do = "cool"
temperature = "25 degC"
"""


def test_gradient_of_a_flat_part_is_the_central_difference(cpu, tmp_path, monkeypatch):
    """It has what comes after it joined; the top of the adhesive has its shape."""
    frozen.tighten(monkeypatch)
    at = frozen_process.point(case(tmp_path, LIDDED.replace("[part.mould]", "[part.mould-]")), cpu)
    names = ["lid.top.corner_minus_centre", "lid-glue.bottom.warpage_p", "lid.bottom.kappa_x"]
    frozen_process.check(at, names, ["step.lid.temperature", "part.chip.thickness"])


def test_gradient_of_flat_pieces_goes_through_their_tilt(cpu, tmp_path, monkeypatch):
    """Each of four caps is tilted as the chip is there: together they show its shape."""
    frozen.tighten(monkeypatch)
    caps = 'shape = "block-array"\npitch = "3 mm"\ncount = [2, 2]\non = "lid-glue"\nsize = "2 mm"'
    text = LIDDED.replace('on = "lid-glue"\nsize = "10 mm"', caps)
    at = frozen_process.point(case(tmp_path, text), cpu)
    names = ["lid.top.warpage_p", "lid.top.warpage_p at lid"]
    keys = ["step.lid.temperature", "part.chip.thickness", "step.underfill.shrinkage"]
    frozen_process.check(at, names, keys)


COVERED_TWICE = COVERED.replace(
    "[load]",
    """[part.low]
on = "board"
around = "chip"
shape = "fillet"
width = "0.4 mm"
height = "0.2 mm"
material = "underfill-uf9000ae"

[load]""",
).replace(
    '[[step]]\nname = "moulded"',
    """[[step]]
name = "chip"
do = "attach"
parts = ["chip"]
temperature = "217 degC"

[[step]]
name = "filled"
do = "cure"
parts = ["low"]
temperature = "165 degC"

[[step]]
name = "moulded\"""",
)


def test_faces_covered_one_after_the_other_have_a_gradient(cpu, tmp_path, monkeypatch):
    """Forces of x faces and y faces come in turn, those of the first step before the second's."""
    frozen.tighten(monkeypatch)
    at = frozen_process.point(case(tmp_path, COVERED_TWICE), cpu)
    assert list(at.steps[-1].state().held[[0, -1], 0]) == [0, 1]
    assert (np.diff(at.steps[-1].state().held[:, 0]) < 0).any()
    keys = ["step.filled.temperature", "material.silicon.poissons_ratio"]
    frozen_process.check(at, ["board.bottom.corner_minus_centre"], keys)


CLAMPED_KEYS = ["step.moulded.temperature", "step.cold.temperature", "part.board.thickness"]


@pytest.mark.slow
def test_gradient_through_a_clamp_is_the_central_difference(cpu, tmp_path, monkeypatch):
    """Held while the mould cures and the body cools, then let go."""
    frozen.tighten(monkeypatch)
    at = frozen_process.point(case(tmp_path, PARTS + CLAMPED), cpu)
    frozen_process.check(at, METRICS[:2], [*CLAMPED_KEYS, "material.silicon.youngs_modulus"])


PRESSED = CLAMPED.replace('on = "clamped"', 'on = "clamped"\nflat = true\nsliding = true')
PRESSED = PRESSED.replace(
    'name = "chuck"',
    'name = "cool"\ndo = "cool"\ntemperature = "60 degC"\n\n[[step]]\nname = "chuck"',
)
PRESSED_KEYS = ["step.cool.temperature", "part.chip.size", "part.chip.thickness"]


def test_gradient_through_a_press_is_the_central_difference(cpu, tmp_path, monkeypatch):
    """Pressed flat where it is warped, moulded and cooled there, then let go."""
    frozen.tighten(monkeypatch)
    at = frozen_process.point(case(tmp_path, PARTS + PRESSED), cpu)
    pressed = next(one for one in at.steps if one.step.name == "chuck")
    assert np.ptp(pressed.displacement()[2, 0, :-1, :-1]) < 1e-9
    frozen_process.check(at, METRICS[:2], PRESSED_KEYS)


def test_scaled_stiffness_moves_nothing(cpu, tmp_path):
    """Every stiffness in every step together; before a cut the voxels are those of the whole."""
    whole, cut = STEPS[: STEPS.index('[[step]]\nname = "cut"')], STEPS
    result = warp.solve(case(tmp_path, PARTS + whole), "cpu")
    found = warp.gradient(result, "board.bottom", "cpu", maps=True)
    sizes = [np.diff(line) * 1e3 for line in (result.grid.z, result.grid.y, result.grid.x)]
    volume = np.prod(np.meshgrid(*sizes, indexing="ij"), axis=0)
    assert abs((found.stiffness * volume).sum()) < 2e-4 * np.abs(found.stiffness * volume).sum()
    assert found.value == pytest.approx(result.metrics["surfaces"]["board"]["bottom"]["warpage_um"])
    result = warp.solve(case(tmp_path, PARTS + cut), "cpu")
    at_cold = warp.gradient(result, "board.bottom at cold", "cpu", maps=True)
    assert at_cold.stiffness.shape == volume.shape != result.grid.shape


def test_a_material_of_the_case_is_listed_once(tmp_path):
    """Every stage of a process has its own copy of it."""
    stages = case(tmp_path, COVERED).stages.values()
    media = [medium for stage in stages for medium in stage.media.values()]
    assert [name for name, _ in copies_in(media)].count("mould") == 2
    assert [name for name, _ in materials_in(media)].count("mould") == 1


def test_metrics_are_of_a_step_by_name_or_temperature(cpu, tmp_path):
    at = frozen_process.point(case(tmp_path), cpu)
    steps = [one.step.name for one in at.steps]
    assert steps[at.wanted("board.bottom at underfill").at + 1] == "moulded"
    assert at.wanted("board.bottom at 240 degC").at == at.wanted("board.bottom").at
    with pytest.raises(WarpError, match="at frozen: the steps are chip, underfill, moulded"):
        at.wanted("board.bottom at frozen")
    with pytest.raises(WarpError, match="at 100 degC: the process is computed at 25 degC, 150"):
        at.wanted("board.bottom at 100 degC")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ('on = "clamped"\nfaces = ["carrier.bottom"]', 'on = "table"'),
            "lies on a table, whose contact has no gradient",
        ),
    ],
)
def test_steps_without_a_gradient_are_one_sentence(tmp_path, change, said):
    with pytest.raises(WarpError, match=said):
        refuse(case(tmp_path, PARTS + CLAMPED.replace(*change)))
