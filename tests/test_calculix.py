"""Whole packages, from the case file to the warpage, on the grid they get when they ask for none: against CalculiX.

tests/calculix/references.json says how the values were made; cases are the files beside it.
"""

import json
from pathlib import Path

import pytest

import warp

FOLDER = Path(__file__).parent / "calculix"
REFERENCES = json.loads((FOLDER / "references.json").read_text())
CONVERGED = 0.3  # percent: surfaces that the reference itself knows better than this are compared


@pytest.mark.parametrize(
    "name, warpage, chip",
    [("01_bilayer", 1, 2), ("02_flipchip", 1, 2), ("04_caplid", 1, 2), ("12_power", 2, 2)],
)
def test_case(name, warpage, chip):
    """Warpage of every surface within `warpage` percent, of the chip within `chip`; temperature rise within 1."""
    got = warp.solve(warp.load(FOLDER / f"{name}.toml"), device="cpu").metrics
    for place, expected in REFERENCES[name].items():
        if expected["error_pct"] >= CONVERGED:
            continue
        part, _, side = place.partition(".")
        if side:
            value = -got["surfaces"][part][side]["warpage_um"]  # convex counts positive here
            assert value == pytest.approx(expected["warpage_um"], rel=(chip if part == "chip" else warpage) / 100), (
                place
            )
        else:
            assert got["temperature"][part]["max_C"] - 25 == pytest.approx(expected["rise_K"], rel=0.01)
