"""Sweep two inputs of a packaged case in Python and tabulate the warpage.

    python sweep_in_python.py

`warp sweep` does the same from the command line, in parallel, and continues where it stopped.
"""

from importlib import resources
from itertools import product

import warp

CASE = str(resources.files("warp.data") / "packages" / "flip-chip.toml")
CHIP = ("0.2 mm", "0.4 mm", "0.6 mm")
TEMPERATURE = ("25 degC", "150 degC")


def sweep() -> list[tuple[str, str, float]]:
    """Return one row (thickness, temperature, warpage in um) a run."""
    rows = []
    for thickness, temperature in product(CHIP, TEMPERATURE):
        overrides = {
            "part.chip.thickness": thickness,
            "load.temperature": temperature,
            "grid.refine": "0.5",
        }
        numbers = warp.solve(warp.load(CASE, overrides), device="cpu").metrics
        warpage = numbers["surfaces"]["substrate"]["bottom"]["warpage_um"]
        rows.append((thickness, temperature, warpage))
    return rows


if __name__ == "__main__":
    print(f"{'chip':>8} {'at':>9} {'warpage':>10}")
    for thickness, temperature, warpage in sweep():
        print(f"{thickness:>8} {temperature:>9} {warpage:+7.1f} um")
