"""Identification: derivatives of surfaces, the normal posterior, what is not told, resuming."""

from dataclasses import replace

import numpy as np
import pytest
from moulded import moulded, observations

from warp.adjoint.identified import Identified
from warp.adjoint.identify import Noise, Search
from warp.adjoint.observation import Observation
from warp.adjoint.runs_log import Logged
from warp.adjoint.stepwise import Stepwise
from warp.adjoint.surrogate import sample
from warp.adjoint.tangent import Seen, Steady
from warp.adjoint.unknowns import Unknown, at, unknowns
from warp.case.tolerance import tolerances
from warp.errors import WarpError
from warp.run import process

STEP = """
[[step]]
name = "cold"
do = "cool"
temperature = "25 degC"
"""


def silent(*_):
    """Report no progress."""


def line(count, unit="um", deviation=2.0):
    """Return unknowns without a case."""
    return [Unknown(f"load.{n}", 1.0, unit, deviation, ()) for n in range(count)]


class Bent:
    """Heights that are polynomials of the unknowns: G p + bend (p_0 - 1)^2 of a dome."""

    def __init__(self, G, dome, bend=0.0):
        self.G, self.dome, self.bend = G, dome, bend

    def solve(self, values):
        return Seen([self.G @ values + self.bend * (values[0] - 1) ** 2 * self.dome])

    def differentiate(self, values):
        slopes = self.G.copy()
        slopes[:, 0] += 2 * self.bend * (values[0] - 1) * self.dome
        return Seen(self.solve(values).heights, [slopes])


def bent(bend=0.0, noise=0.0, count=400):
    """Return a forward model of two unknowns, its observation at (1.5, 0.5), and the unknowns."""
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-1, 1, (2, count))
    one = Observation("a", "p", "top", x, y, np.zeros(count), 300.0)
    G = np.column_stack([one.levelled(x**2 + 0.3 * x * y), one.levelled(x * y)])
    forward = Bent(G, one.levelled(x**2), bend)
    heights = forward.solve(np.array([1.5, 0.5])).heights[0] + noise * rng.standard_normal(count)
    return forward, replace(one, height=heights + 7 + 3 * x - y), line(2)


class Rough(Bent):
    """Heights on a grid that is another in every run, and slopes that are 5 % off."""

    runs = 0

    def solve(self, values):
        self.runs += 1
        rest = self.measured - super().solve(values).heights[0]
        return Seen([self.measured - (1.0 + 1e-5 * self.runs) * rest])

    def differentiate(self, values):
        return Seen(self.solve(values).heights, [0.95 * self.G])


def test_a_search_ends_where_grids_alone_decide():
    """Near the minimum the misfit changes with the grid more than with the values."""
    smooth, one, free = bent(noise=0.05)
    found = Search(smooth, free, [one]).run()
    rough = Rough(smooth.G, one.levelled(one.x**2))
    rough.measured = one.measured
    again = Search(rough, free, [one]).run()
    deviations = np.sqrt(np.diag(found.covariance)) * [u.deviation for u in free]
    assert (np.abs(again.values - found.values) < 0.2 * deviations).all()


def test_derivatives_of_surfaces_are_those_of_whole_runs(cpu):
    case = moulded()
    sizes = {"material.core.cte": "10 %", "part.mould.thickness": "20 um"}
    free = unknowns(case, tolerances(sizes))
    seen = observations(6)[:1]
    forward = Steady(case, free, seen, cpu, silent)
    start = np.array([one.start for one in free])
    found = forward.differentiate(start)
    for n, one in enumerate(free):
        step = np.zeros(2)
        step[n] = 0.02 * one.deviation
        ends = [
            seen[0].of(result, result.displacement)
            for sign in (1, -1)
            for result in [process.solve(at(case, free, start + sign * step), cpu)]
        ]
        expected = (ends[0] - ends[1]) / (2 * step[n])
        error = np.abs(found.slopes[0][:, n] - expected).max()
        assert error < 2e-4 * np.abs(expected).max(), one.key


def test_a_process_has_the_derivatives_of_a_single_step(cpu):
    sizes = tolerances({"material.mould.cte.glassy": "15 %"})
    found = []
    for kind, case in ((Steady, moulded()), (Stepwise, moulded(more=STEP))):
        seen = [replace(observations(6)[0], step=0)]
        free = unknowns(case, sizes)
        forward = kind(case, free, seen, cpu, silent)
        found.append(forward.differentiate(np.array([free[0].start])))
    one, other = found
    assert np.allclose(one.heights[0], other.heights[0], rtol=0, atol=1e-10)
    assert np.allclose(one.slopes[0], other.slopes[0], rtol=0, atol=1e-3 * one.slopes[0].max())


def test_linear_heights_give_the_normal_posterior_of_the_textbook():
    forward, one, free = bent(noise=0.1)
    search = Search(forward, free, [one], noise=0.1)
    search.run()
    found = Identified.of(search)
    G = forward.G / 0.1
    covariance = np.linalg.inv(G.T @ G + np.eye(2) / 4)
    rest = (one.measured - forward.solve(np.ones(2)).heights[0]) / 0.1
    assert np.allclose(found.covariance, covariance)
    assert np.allclose(found.values, 1 + covariance @ (G.T @ rest))
    assert np.abs(found.values - [1.5, 0.5]).max() < 4 * found.deviations.max()


def test_noise_that_is_not_given_is_that_of_the_residuals():
    forward, one, free = bent(noise=0.1)
    search = Search(forward, free, [one])
    assert search.run().noise.deviation == pytest.approx(0.1, rel=0.1)


def test_a_model_error_is_a_factor_on_the_shape():
    _, one, _ = bent()
    z, e, s = one.measured, 0.05, 0.2
    covariance = s**2 * np.eye(len(z)) + e**2 * np.outer(z, z)
    v = np.random.default_rng(0).standard_normal(len(z))
    white = Noise(s, e).whitened(one, v)
    assert white @ white == pytest.approx(v @ np.linalg.solve(covariance, v))


def test_a_search_finds_values_that_bend_the_surface():
    forward, one, free = bent(bend=3.0)
    search = Search(forward, free, [one])
    assert np.allclose(search.run().values, [1.5, 0.5], atol=1e-3)


def test_samples_of_a_linear_model_are_normal():
    pytest.importorskip("emcee")
    forward, one, free = bent(noise=0.1)
    search = Search(forward, free, [one], noise=0.1)
    search.run()
    found, drawn = Identified.of(search), sample(search)
    assert np.allclose(drawn.std(axis=0), found.deviations, rtol=0.1)
    assert np.allclose(drawn.mean(axis=0), found.values, atol=0.1 * found.deviations.max())


def test_samples_follow_a_posterior_that_is_not_normal():
    pytest.importorskip("emcee")
    forward, one, _ = bent(bend=0.5, noise=0.1, count=12)
    free = line(2, deviation=0.2)
    search = Search(forward, free, [one], noise=0.5)
    search.run()
    drawn = sample(search)
    p = np.linspace(-1, 3, 161)
    grid = np.array([[a, b] for a in p for b in p])
    weights = np.array(
        [-0.5 * search.misfit(search.path[-1].noise, forward.solve(v), v) for v in grid]
    )
    weights = np.exp(weights - weights.max())
    mean = weights @ grid / weights.sum()
    spread = np.sqrt(weights @ (grid - mean) ** 2 / weights.sum())
    assert np.allclose(drawn.mean(axis=0), mean, atol=0.1 * spread.max())
    assert np.allclose(drawn.std(axis=0), spread, rtol=0.1)


def test_what_the_surfaces_do_not_tell_is_named():
    forward, one, free = bent(noise=0.1)
    forward.G[:, 1] = 0.0
    search = Search(forward, free, [one], noise=0.1)
    search.run()
    assert "do not tell load.1: its interval" in Identified.of(search).remarks()[0]
    forward.G[:, 1] = -forward.G[:, 0]
    search = Search(forward, free, [one], noise=0.1)
    search.run()
    first, *_ = Identified.of(search).remarks()
    assert "cannot tell load.0 from load.1" in first or "cannot tell load.1 from" in first
    assert "by +1.41 um" in first


def test_values_of_the_file_and_of_materials_are_changed(cpu):
    case = moulded()
    free = unknowns(
        case,
        tolerances(
            {
                "material.silicon.youngs_modulus": "5 %",
                "material.mould.youngs_modulus": "5 %",
                "part.chip.thickness": "10 um",
            }
        ),
    )
    assert [one.factor for one in free] == [False, True, False]
    changed = at(case, free, [1.1, 0.9, 0.2])
    assert changed.parts["chip"].thickness == pytest.approx(2e-4)
    before, after = (c.assembly.media["mould"].laws["youngs_modulus"][0] for c in (case, changed))
    assert after.glassy == pytest.approx(0.9 * before.glassy)
    assert after.rubbery == pytest.approx(0.9 * before.rubbery)
    stages = [assembly.media["mould"] for assembly in changed.stages.values()]
    assert all(one is changed.assembly.media["mould"] for one in stages)


def test_keys_that_cannot_be_free_are_one_sentence():
    case = moulded()
    for sizes, said in (
        ({"part.chip.thicknes": "5 %"}, "the case has no such value; did you mean"),
        ({"material.mould.cte": "3 ppm/K"}, "give the size in %"),
        ({"load.temperature": "3 K"}, "measured with each surface"),
        ({"part.chip.thickness": "3 ppm/K"}, "is no size of a value in mm"),
        ({}, "nothing is free"),
    ):
        with pytest.raises(WarpError, match=said):
            unknowns(case, tolerances(sizes))


def test_runs_are_stored_and_belong_to_their_problem(tmp_path):
    forward, one, free = bent(noise=0.1)
    calls = []

    def slopes(values):
        calls.append(values)
        return forward.differentiate(values)

    path = tmp_path / "log.npz"
    for _ in range(2):
        logged = Logged(forward.solve, slopes, path, "this")
        Search(logged, free, [one], noise=0.1).run()
        count = len(calls)
    assert count == len(Logged(forward.solve, slopes, path, "this").known)
    path.write_bytes(b"PK")
    with pytest.raises(WarpError, match="belongs to another search"):
        Logged(forward.solve, slopes, path, "this")


@pytest.mark.slow
def test_intervals_hold_the_true_values_of_random_trials():
    """A small share of the campaign in tests/benchmarks/identify.py."""
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    import identify

    _, held, inside, _, widths = identify.campaign(range(8), say=silent)
    assert held.sum() >= 0.9 * held.size and inside.sum() >= 7
    sizes = np.array([0.2, 0.15, 0.2, 0.1])
    assert (widths < sizes / 3).all()


def test_the_values_of_a_package_are_found(cpu):
    """With 1 um of noise: within four standard deviations, and told better than before."""
    case = moulded()
    free = unknowns(case, tolerances({"material.core.cte": "10 %"}))
    seen = observations(12)[:2]
    forward = Steady(case, free, seen, cpu, silent)
    rng = np.random.default_rng(0)
    heights = forward.solve(np.array([15.0])).heights
    noisy = [
        replace(one, height=h + 1e-6 * rng.standard_normal(h.size) + 1e-2 * one.x)
        for one, h in zip(seen, heights, strict=True)
    ]
    search = Search(forward, free, noisy, 1e-6)
    search.run()
    found = Identified.of(search)
    assert abs(found.values[0] - 15.0) < 4 * found.deviations[0]
    assert found.deviations[0] < free[0].deviation / 20


def test_values_that_cannot_be_computed_are_said():
    forward, one, free = bent(noise=0.1)
    start = forward.differentiate

    def slopes(values):
        if (values != 1.0).any():
            raise WarpError("the lid floats")
        return start(values)

    forward.differentiate = slopes
    with pytest.raises(WarpError, match="in 20 steps; the last refusal: the lid floats"):
        Search(forward, free, [one], noise=0.1).run()
