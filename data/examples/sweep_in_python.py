"""Sweep two inputs of a packaged case in Python and tabulate the warpage.

    python sweep_in_python.py

`warp sweep` does the same from the command line; both continue where they stopped.
"""

from importlib import resources

import warp

CASE = str(resources.files("warp.data") / "packages" / "flip-chip.toml")
VARIED = {
    "part.chip.thickness": ["0.2 mm", "0.4 mm", "0.6 mm"],
    "load.temperature": ["25 degC", "150 degC"],
}


def sweep(folder: str) -> list[tuple[str, ...]]:
    """Return one row (thickness, temperature, warpage) a run."""
    case = warp.load(CASE, {"grid.refine": "0.5"})
    outcome = warp.sweep(case, VARIED, folder, device="cpu")
    warpage = outcome.series["substrate.bottom warpage (um)"]
    points = zip(outcome.design.points, warpage, strict=True)
    return [(*point, f"{value:+.1f} um") for point, value in points]


if __name__ == "__main__":
    print(f"{'chip':>8} {'at':>9} {'warpage':>10}")
    for thickness, temperature, warpage in sweep("sweep"):
        print(f"{thickness:>8} {temperature:>9} {warpage:>10}")
