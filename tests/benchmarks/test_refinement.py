"""The printed error of `--refine` holds: surfaces that CalculiX knows."""

import json
from pathlib import Path
from runpy import run_path

import pytest


@pytest.mark.slow
def test_the_printed_error_holds():
    """At least 60 surfaces, 95 % of them inside, the median interval three times the true error."""
    study = run_path(str(Path(__file__).with_name("refinement.py")), run_name="refinement")
    verdicts = study["judged"](list(study["surfaces"]()), 2)
    assert len(verdicts) >= 60
    share, width = study["share_and_width"](verdicts)
    outside = [verdict.surface.name for verdict in verdicts if not verdict.holds]
    assert share >= study["INSIDE"] and width <= study["WIDEST"], outside


@pytest.mark.xfail(strict=True, reason="79 % of 109: corner errors that two grids do not show")
def test_the_printed_error_holds_on_the_held_out_set():
    """Random stacks that had no part in choosing the constants; two grids, CalculiX's answers."""
    folder = Path(__file__).parent
    study = run_path(str(folder / "refinement.py"), run_name="refinement")
    rows = json.loads((folder.parents[1] / "data/calculix/held-out.json").read_text()).values()
    found = [study["Surface"](*row) for package in rows for row in package]
    assert len(found) >= 60
    share, width = study["share_and_width"](study["judged"](found, 2))
    assert share >= study["INSIDE"] and width <= study["WIDEST"]
