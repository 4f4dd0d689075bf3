"""Draw the gallery: run every case of data/packages, draw one picture each, and write its
README.md.

    python tests/gallery/gallery.py [FOLDER]

FOLDER keeps the result files; a case whose result is there is not run again.

A picture is a section near the middle beside the warped surface, or a process's steps, in
data/pictures/packages.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from PIL import Image

import warp
from warp.case.case import Case
from warp.geometry.shapes import Balls, Columns
from warp.report import figures, sections, step_figures
from warp.report.sections import Cut
from warp.results import measured

DATA = Path(__file__).parents[2] / "data"
PACKAGES, PICTURES = DATA / "packages", DATA / "pictures" / "packages"
SHOWN = ("substrate", "wafer", "panel")  # the surface of the first of these
Side = Literal["top", "bottom"]
WIDTH, COLOURS = 560, 128  # of each half, in pixels; of the palette

PAGE = """# Packages

Every kind of package is a file here that runs as it stands, `warp run data/packages/NAME.toml`,
and `warp new NAME` copies it to start from. The sections are drawn much higher than they are; the
surface beside each is the one whose warpage is given, seen from above, + is convex. Beside a
process stands its warpage step by step, and over the temperature. All pictures and numbers are
the program's own, on default grids; `python tests/gallery/gallery.py` makes them anew.
[The search for an optimum](../docs/optimize.md) improves the lid of `fcbga-lid` over the reflow.

"""


def main(folder: Path) -> None:
    """Run, draw and write."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    entries = [entry(path, folder) for path in sorted(PACKAGES.glob("*.toml"))]
    (PACKAGES / "README.md").write_text(PAGE + "\n".join(entries), encoding="utf-8")


def entry(path: Path, folder: Path) -> str:
    """Heading, first sentence, numbers and picture of one case."""
    stored = folder / f"{path.stem}.h5"
    case = warp.load(path)
    if stored.is_file():
        result = warp.read(stored)
    else:
        print(f"solving {path.name}", flush=True)
        result = warp.solve(case)
        result.write(stored)
    picture = PICTURES / f"{path.stem}.png"
    surfaces = result.metrics["surfaces"]
    part = next((name for name in SHOWN if name in surfaces), next(iter(surfaces)))
    side: Side = "bottom" if "bottom" in surfaces[part] else "top"
    draw(result, part, side, through_a_bump(case), picture)
    numbers = [f"{part}.{side} {surfaces[part][side]['warpage_um']:+.1f} um"]
    for chip, found in (result.metrics.get("temperature") or {}).items():
        if chip.startswith(("chip", "logic")):
            numbers.append(f"{chip} at most {found['max_C']:.1f} degC")
    lead = path.read_text(encoding="utf-8").split("\n#\n")[0].lstrip("# ").replace("\n# ", " ")
    return (
        f"## [{path.stem}]({path.name})\n\n{lead} **{'; '.join(numbers)}.**\n\n"
        f"![{figures.heading(result)}](../pictures/packages/{picture.name})\n"
    )


def through_a_bump(case: Case) -> float | None:
    """The y nearest to the middle at which a resolved column or ball stands; None where there is
    none.
    """
    rows = [
        shape.centres[:, 1]
        for body in case.bodies()
        for shape in body.shapes
        if isinstance(shape, Columns | Balls) and len(shape.centres) > 1
    ]
    return float(min((abs(row).min() for row in rows), default=0.0)) if rows else None


def draw(result: warp.Result, part: str, side: Side, y: float | None, target: Path) -> None:
    """The section at y and the warped surface side by side, in few colours; of a process its
    warpage step by step.
    """
    with TemporaryDirectory() as scratch:
        halves = [Path(scratch) / "section.png", Path(scratch) / "surface.png"]
        sections.cross_section(result, halves[0], None if y is None else Cut("y", y))
        if result.metrics.get("steps"):
            step_figures.draw(result, halves[1])
        else:
            figures.relief(measured.flat(result, part, side), halves[1])
        images = [Image.open(half).convert("RGB") for half in halves]
    sizes = [(WIDTH, round(WIDTH * image.height / image.width)) for image in images]
    small = [
        image.resize(size, Image.Resampling.LANCZOS)
        for image, size in zip(images, sizes, strict=True)
    ]
    both = Image.new("RGB", (2 * WIDTH, max(height for _, height in sizes)), "white")
    for n, image in enumerate(small):
        both.paste(image, (n * WIDTH, 0))
    both.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        target, optimize=True
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with TemporaryDirectory() as results:
            main(Path(results))
