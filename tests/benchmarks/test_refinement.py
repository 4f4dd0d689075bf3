"""The printed error of `--refine` holds: surfaces that CalculiX knows."""

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
