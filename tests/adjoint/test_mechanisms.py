"""Pieces that a layer one cell thick joins to a body move free of energy."""

import frozen
import frozen_process
import numpy as np
import pytest

import warp
from warp.adjoint import attainable
from warp.adjoint.measures import measure
from warp.adjoint.mechanisms import mechanisms
from warp.adjoint.observation import Observation
from warp.adjoint.refused import NoGradient
from warp.adjoint.tangent import Steady
from warp.adjoint.unknowns import unknowns
from warp.case.tolerance import tolerances
from warp.errors import WarpError
from warp.run.grids import common_grid
from warp.run.stage_model import enter
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.operator import moduli, operator
from warp.solvers.elastic.rigid import activity, rising_motions
from warp.solvers.krylov import Control

ON_TAPE = """
symmetry = "quarter"
[load]
stress_free = "200 degC"
[grid]
cells_per_layer = 1
spacing = "0.5 mm"
[part.mould]
size = "8 mm"
thickness = "0.6 mm"
material = "mould-compound"
[part.pad]
inside = "mould"
size = "4 mm"
thickness = "0.2 mm"
material = "copper"
[part.lead]
inside = "mould"
shape = "block-array"
size = "1.2 mm"
pitch = "6 mm"
count = [2, 2]
thickness = "0.2 mm"
material = "copper"
[part.tape]
under = "pad"
size = "8 mm"
thickness = "25 um"
material = "polyimide"
[part.die]
on = "pad"
size = "3 mm"
thickness = "0.25 mm"
material = "silicon"
[[step]]
name = "die"
do = "cure"
parts = "die"
temperature = "175 degC"
[[step]]
name = "press"
do = "support"
on = "clamped"
faces = "tape.bottom"
flat = true
[[step]]
name = "mould"
do = "cure"
parts = "mould"
temperature = "175 degC"
shrinkage = "0.2 %"
[[step]]
name = "open"
do = "support"
on = "free"
[[step]]
name = "off"
do = "remove"
parts = "tape"
[[step]]
name = "cold"
do = "cool"
temperature = "25 degC"
"""

LOOSE = (
    ON_TAPE[: ON_TAPE.index("[[step]]")]
    .replace('inside = "mould"', 'on = "tape"')
    .replace('"200 degC"', '"175 degC"\ntemperature = "25 degC"')
)
START, END = LOOSE.index("[part.mould]"), LOOSE.index("[part.pad]")
TAPE = """[part.tape]
size = "8 mm"
thickness = "25 um"
material = "polyimide"
"""
LOOSE = (
    LOOSE[:START] + TAPE + LOOSE[END:].replace(TAPE.replace("size", 'under = "pad"\nsize', 1), "")
)
"""Pad, leads and die on the tape alone, cooled at once."""
DEPENDS = "depends on how pieces move that a layer one cell thick joins to the body"


@pytest.fixture
def case(tmp_path):
    path = tmp_path / "on-tape.toml"
    path.write_text(ON_TAPE)
    return warp.load(path)


def test_pieces_on_a_tape_move_free_of_energy(cpu, case):
    """Random motions of every piece, beside forces of single displacements."""
    stage = enter(case, case.load_steps[0], common_grid(case)).voxels
    A = operator(stage, cpu, moduli(stage, np.full(len(stage.media), 300.0)))
    found = mechanisms(A, stage.ids > 0, stage.grid)
    rng = np.random.default_rng(0)
    for motion in found.motions:
        amount = np.append(rng.standard_normal(found.owner.max() + 1), 0.0)[found.owner]
        signs = rng.integers(0, 2, A.shape) * 2.0 - 1.0
        forces = [np.zeros(A.shape) for _ in range(2)]
        for out, x in zip(forces, (motion * amount, motion * amount * signs), strict=True):
            A.apply(out, x, 0.0, 1.0)
        assert np.linalg.norm(forces[0]) < 1e-9 * np.linalg.norm(forces[1])
        assert motion.any()


def test_an_equilibrated_load_does_no_work(cpu, case):
    stage = enter(case, case.load_steps[0], common_grid(case)).voxels
    A = operator(stage, cpu, moduli(stage, np.full(len(stage.media), 300.0)))
    found = mechanisms(A, stage.ids > 0, stage.grid)
    load = np.random.default_rng(1).standard_normal(A.shape)
    assert found.equilibrate(load) > 0.1
    assert found.equilibrate(load) < 1e-12


def test_an_equilibrated_load_is_solved_for(cpu, case):
    """Forces in the range of the operator, and noise that no piece can carry."""
    stage = enter(case, case.load_steps[0], common_grid(case)).voxels
    A = operator(stage, cpu, moduli(stage, np.full(len(stage.media), 300.0)))
    found, rng = mechanisms(A, stage.ids > 0, stage.grid), np.random.default_rng(2)
    right = np.zeros(A.shape)
    exists = activity(stage.ids > 0, stage.grid.mirror)
    A.apply(right, np.where(exists, rng.standard_normal(A.shape), 0.0), 0.0, 1.0)
    noise = np.where(exists, rng.standard_normal(A.shape), 0.0)
    right += 1e-7 * np.linalg.norm(right) / np.linalg.norm(noise) * noise
    attainable.equilibrate(right, rising_motions(stage))
    found.equilibrate(right)
    control = Control(1e-11)
    x = attainable.solve(cpu, "", A.apply, Cycle(A), right, control, None, found)
    left = right.copy()
    A.apply(left, x, 1.0, -1.0)
    assert np.linalg.norm(left) < 1e-9 * np.linalg.norm(right)


@pytest.mark.slow
def test_gradient_through_a_press_of_pieces_on_a_tape(cpu, case, monkeypatch):
    """The load of the first step does no work on the pieces but by round-off."""
    frozen.tighten(monkeypatch)
    keys = ["part.die.thickness", "step.die.temperature", "step.mould.shrinkage"]
    frozen_process.check(frozen_process.point(case, cpu), ["mould.top"], keys)


@pytest.fixture
def loose(tmp_path):
    path = tmp_path / "loose.toml"
    path.write_text(LOOSE)
    return warp.load(path)


def test_a_metric_that_pieces_decide_has_no_gradient(cpu, loose, monkeypatch):
    """The leads lie where nothing holds them; the pad bends as its load says."""
    frozen.tighten(monkeypatch)
    at = frozen.point(loose, cpu)
    with pytest.raises(NoGradient, match=f"^tape.bottom {DEPENDS}"):
        at.derivatives(measure("tape.bottom", at.solved), False)
    frozen.check(at, ["pad.bottom"], ["part.die.thickness", "load.temperature"])


def test_a_metric_of_a_process_that_pieces_decide_has_no_gradient(cpu, case):
    at = frozen_process.point(case, cpu)
    with pytest.raises(NoGradient, match=f"^tape.bottom at die {DEPENDS}"):
        at.linear([at.wanted("tape.bottom at die")])


def test_heights_that_pieces_decide_identify_nothing(cpu, loose, monkeypatch):
    for name in ("TOLERANCE", "TANGENT", "UNSEEN"):
        monkeypatch.setattr(f"warp.adjoint.tangent.{name}", frozen.TIGHT)
    free = unknowns(loose, tolerances({"material.copper.cte": "10 %"}))
    start = np.array([one.start for one in free])

    def scanned(part, reach):
        x, y = np.random.default_rng(0).uniform(-reach, reach, (2, 50))
        one = Observation("scan.csv", part, "bottom", x, y, np.zeros(50), 298.15)
        return Steady(loose, free, [one], cpu, lambda *_: None)

    with pytest.raises(WarpError, match=rf"^scan.csv \(tape.bottom\) {DEPENDS}"):
        scanned("tape", 3.9e-3).solve(start)
    forward, step = scanned("pad", 1.9e-3), 0.1 * free[0].deviation
    found = forward.differentiate(start).slopes[0][:, 0]
    above, below = (forward.solve(start + sign * step).heights[0] for sign in (1, -1))
    right = (above - below) / (2 * step)
    assert np.abs(found - right).max() < 1e-4 * np.abs(right).max()
