"""Identify random values from synthetic surfaces with noise, and count how often intervals hold.

    python tests/benchmarks/identify.py --trials 100

Values are drawn from what is known before; surfaces of the substrate's underside are computed at
five temperatures and get 1 um of noise and an arbitrary tilt. Writes data/benchmarks/identify.md.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from moulded import FREE, TEMPERATURES, moulded, observations

from warp.adjoint.identified import Identified
from warp.adjoint.identify import Search
from warp.adjoint.runs_log import Logged
from warp.adjoint.tangent import Steady
from warp.adjoint.unknowns import unknowns
from warp.case.tolerance import tolerances
from warp.machine import device as devices

CHI2_95 = 9.487729
"""0.95 quantile of chi-squared with four degrees of freedom."""
PAGE = Path(__file__).parents[2] / "data" / "benchmarks" / "identify.md"


def campaign(trials, noise_known=True, say=print):
    """Return for each trial (a seed) which intervals hold, the ellipsoid, errors and widths."""
    case = moulded()
    free = unknowns(case, tolerances(FREE))
    blank = observations()
    forward = Steady(case, free, blank, devices.select("cpu"), lambda *_: None)
    first = Logged(forward.solve, forward.differentiate, None, "")
    start = np.array([one.start for one in free])
    first.differentiate(start)
    held, inside, errors, widths = [], [], [], []
    for trial in trials:
        rng = np.random.default_rng(trial)
        truth = start + rng.standard_normal(len(free)) * [one.deviation for one in free]
        heights = forward.solve(truth).heights
        seen = [
            replace(o, height=h + 1e-6 * rng.standard_normal(h.size) + tilt * o.x + shift)
            for o, h, tilt, shift in zip(
                blank,
                heights,
                1e-3 * rng.standard_normal(len(blank)),
                1e-4 * rng.standard_normal(len(blank)),
                strict=True,
            )
        ]
        logged = Logged(forward.solve, forward.differentiate, None, "", list(first.known))
        search = Search(logged, free, seen, 1e-6 if noise_known else None)
        search.run()
        found = Identified.of(search)
        low, high = found.intervals.T
        error = found.values - truth
        held.append((low <= truth) & (truth <= high))
        inside.append(error @ np.linalg.solve(found.covariance, error) <= CHI2_95)
        errors.append(error / start)
        widths.append(found.deviations / start)
        say(f"{trial}: {held[-1].astype(int)} {int(inside[-1])}, {found.steps} steps")
    return free, np.array(held), np.array(inside), np.array(errors), np.array(widths)


def page(free, held, inside, errors, widths):
    """Write the record."""
    count = len(held)
    temperatures = ", ".join(f"{T:g}" for T in TEMPERATURES)
    lines = [
        "# Identification: how often the intervals hold",
        "",
        "A moulded chip on a core, underside at " + temperatures + " degC, 1 um of noise and an",
        f"unknown tilt; {len(observations()[0].x)} points a surface; {count} trials, each with",
        "values drawn from what is known before (20 % of moduli, 15 % and 10 % of expansions).",
        "The surfaces are computed on the grid of the search: errors of the grid are left out, for",
        "which `model_error` stands.",
        "",
        f"`python tests/benchmarks/identify.py --trials {count}`",
        "",
        "| value | true value inside its 95 % interval | standard deviation: before | after |"
        " rms error |",
        "|---|---|---|---|---|",
    ]
    for n, one in enumerate(free):
        before = one.deviation / one.start
        after = float(np.sqrt(np.mean(widths[:, n] ** 2)))
        rms = float(np.sqrt(np.mean(errors[:, n] ** 2)))
        lines.append(
            f"| `{one.key}` | {held[:, n].sum()} of {count} | {before:.1%} | {after:.2%} |"
            f" {rms:.2%} |"
        )
    lines += [
        "",
        f"All four values inside the joint 95 % ellipsoid: {inside.sum()} of {count}; all four",
        f"inside their own intervals at once: {held.all(axis=1).sum()} of {count}.",
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=100)
    page(*campaign(range(parser.parse_args().trials)))
