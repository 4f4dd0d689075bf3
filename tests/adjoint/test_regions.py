"""Shares of copper in regions as inputs: the gradient, mirror planes, and one solve for all."""

import frozen
import frozen_process
import numpy as np
import pytest

import warp
from warp.adjoint.gradient import of_result
from warp.adjoint.tape import Tape
from warp.adjoint.to_file import with_fields
from warp.run import process

BOARD = """
symmetry = "half-x"

[load]
stress_free = "150 degC"

[part.board]
size = ["12 mm", "9 mm"]
material = "abf-gl102"
layers = [
    { name = "up", thickness = "30 um", copper = [[0.2, 0.5, 0.2], [0.7, 0.4, 0.7]] },
    { name = "core", thickness = "200 um", material = "core-mcl-e-795g" },
    { name = "down", thickness = "30 um", copper = 0.5, pattern = "plane" },
]

[part.chip]
on = "board"
size = "5 mm"
thickness = "0.3 mm"
material = "silicon"

[grid]
refine = 0.5
"""
STEPS = """
[[step]]
do = "attach"
parts = ["chip"]
temperature = "150 degC"

[[step]]
do = "cool"
temperature = "25 degC"
"""
UP = "part.board.layers.up.copper"
PAIR = [f"{UP}.1.1", f"{UP}.1.3"]


@pytest.fixture
def load(tmp_path):
    def read(text=BOARD, **more):
        path = tmp_path / "board.toml"
        path.write_text(text)
        return warp.load(path, {key.replace("__", "."): value for key, value in more.items()})

    return read


def differences(case, pairs, metric, h=1e-3):
    """Return central differences of whole solves by groups of keys."""
    found = []
    for keys in pairs:
        values = []
        for sign in (1, -1):
            changed = {key: repr(_share(case, key) + sign * h) for key in keys}
            solved = warp.solve(warp.load(case.path, {**case.overrides, **changed}), "cpu")
            values.append(metric(solved))
        found.append((values[0] - values[1]) / (2 * h))
    return found


def _share(case, key):
    from warp.case.overrides import found

    return found(case.tables, key)


def test_the_gradient_by_shares_is_the_central_difference(cpu, load, monkeypatch):
    """Within 1e-4, for a mirrored pair and for a region that is its own image."""
    frozen.tighten(monkeypatch)
    case = load(symmetry="none")
    keys = [f"{UP}.1.1", f"{UP}.1.2", f"{UP}.2.3"]
    frozen.check(frozen.point(case, cpu), ["board.bottom", "chip.top.kappa_y"], keys)
    case = load()
    (found,) = of_result(
        warp.solve(case, "cpu"),
        ["board.bottom.kappa_y"],
        cpu,
        together=[PAIR],
        keys=[" + ".join(PAIR), f"{UP}.1.2"],
    )
    expected = differences(
        case,
        [PAIR, [f"{UP}.1.2"]],
        lambda r: r.metrics["surfaces"]["board"]["bottom"]["kappa_y_per_m"],
    )
    assert [e.derivative for e in found.effects] == pytest.approx(expected, rel=1e-3)


def test_a_process_has_the_gradient_by_shares(cpu, load, monkeypatch):
    frozen.tighten(monkeypatch)
    case = load(BOARD + STEPS, symmetry="none")
    at = frozen_process.point(case, cpu)
    frozen_process.check(at, ["board.bottom"], [f"{UP}.1.1", f"{UP}.2.2"])


def test_one_region_alone_breaks_a_mirror_plane(cpu, load):
    (found,) = of_result(warp.solve(load(), "cpu"), ["board.bottom"], cpu, keys=[PAIR[0]])
    assert found.effects[0].derivative is None and 0.0 < found.residual <= 1e-5
    assert "breaks the mirror symmetry in x" in found.effects[0].reason


def test_bounds_of_a_share_have_a_derivative(cpu, load):
    shares = f"[[{', '.join(['0.0', '1.0', '0.0'])}], [0.5, 0.5, 0.5]]"
    case = load(**{UP.replace(".", "__"): shares})
    (found,) = of_result(
        warp.solve(case, "cpu"), ["board.bottom"], cpu, together=[PAIR], keys=[" + ".join(PAIR)]
    )
    assert np.isfinite(found.effects[0].derivative) and found.effects[0].derivative != 0.0


def test_a_process_and_its_tape_agree_about_shares_and_stress_free_temperatures(cpu, load):
    """A case that is read again has media of its own, which no voxel has."""
    case = load(BOARD + STEPS, part__board__stress_free="140 degC")
    keys = [f"{UP}.1.2", "part.board.layers.down.copper", "part.board.stress_free"]
    tape = Tape(case)
    solved = process.solve(with_fields(case), cpu, on_state=tape)
    found = [
        of_result(solved, ["board.bottom"], cpu, keys=keys, tape=one)[0].effects
        for one in (tape, None)
    ]
    slopes = [[effect.derivative for effect in effects] for effects in found]
    assert all(slopes[0]) and slopes[0] == pytest.approx(slopes[1], rel=1e-5)
