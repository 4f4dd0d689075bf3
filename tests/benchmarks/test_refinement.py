"""The printed error of `--refine` holds: surfaces that CalculiX knows."""

import json
from pathlib import Path
from runpy import run_path

import pytest


@pytest.mark.slow
@pytest.mark.weekly
def test_the_printed_error_holds():
    """At least 60 surfaces of packages, 95 % of them inside."""
    study = run_path(str(Path(__file__).with_name("refinement.py")), run_name="refinement")
    assert_holds(study, list(study["surfaces"]()))


def test_the_printed_error_holds_on_random_stacks():
    """Stacks of one seed, CalculiX's answers."""
    folder = Path(__file__).parent
    study = run_path(str(folder / "refinement.py"), run_name="refinement")
    rows = json.loads((folder.parents[1] / "data/calculix/held-out.json").read_text()).values()
    assert_holds(study, [study["Surface"](*row) for package in rows for row in package])


def assert_holds(study: dict, found: list) -> None:
    """Check the share of intervals that hold, and that they are not idle claims."""
    assert len(found) >= 60
    for coarser, widest in study["WIDEST"].items():
        verdicts = study["judged"](found, coarser)
        share, width = study["share_and_width"](verdicts)
        outside = [verdict.surface.name for verdict in verdicts if not verdict.holds]
        assert share >= study["INSIDE"] and width <= widest, (coarser, width, outside)
