"""Compare the copper of real board layers with an independent raster, gerbv.

    git clone https://github.com/jaseg/gerbonara
    python tests/benchmarks/gerber_boards.py gerbonara/tests/resources PAGE.md

The layers come from nine layout programs and stand in the test suite of gerbonara; none of them is
part of this project. Each is drawn by gerbv with 40 million pixels, at most 4000 per inch; the
areas of copper are compared.
"""

from __future__ import annotations

import subprocess
import sys
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from warp.files.bounded import decoded
from warp.geometry import gerber
from warp.geometry.copper import copper_share
from warp.geometry.part import Drawing

LAYERS = [
    "Target3001/IRNASIoTbank1.2.Bot",
    "allegro/l1_primary.art",
    "allegro/l2_gnd.art",
    "allegro/l3_vcc.art",
    "allegro/l4_secondary.art",
    "allegro-2/MinnowMax_RevA1_GAF_Gerber/MinnowMax_lyr2.art",
    "allegro-2/MinnowMax_RevA1_GAF_Gerber/MinnowMax_lyr3.art",
    "allegro-2/MinnowMax_RevA1_GAF_Gerber/MinnowMax_lyr8.art",
    "altium-composite-drill/Gerber/LimeSDR-QPCIe_1v2.G1",
    "altium-composite-drill/Gerber/LimeSDR-QPCIe_1v2.G5",
    "altium-composite-drill/Gerber/LimeSDR-QPCIe_1v2.GTL",
    "diptrace/keyboard_Bottom.gbr",
    "diptrace/mainboard_Bottom.gbr",
    "diptrace/mainboard_Top.gbr",
    "eagle_files/copper_bottom_l4.gbr",
    "eagle_files/copper_inner_l2.gbr",
    "eagle_files/copper_inner_l3.gbr",
    "eagle_files/copper_top_l1.gbr",
    "easyeda/Gerber_BottomLayer.GBL",
    "easyeda/Gerber_TopLayer.GTL",
    "fab-3000/bl",
    "fab-3000/tl",
    "fritzing/combined.gbl",
    "fritzing/combined.gtl",
    "geda/controller.bottom.gbr",
    "geda/controller.top.gbr",
    "geda/driver.bottom.gbr",
    "kicad-older/chibi_2024-B.Cu.gbr",
    "kicad-older/chibi_2024-F.Cu.gbr",
    "p-cad/ZXINET.GTL",
    "siemens/80101_0125_F200_L01_Top.gdo",
    "siemens/80101_0125_F200_L02.gdo",
]
INCH = 25.4  # mm
MARGIN = 1.0  # mm
MOST_PIXELS = 40e6


def areas(path: Path) -> tuple[float, float]:
    """Return the area of copper (mm2) by this program and by gerbv."""
    drawn = gerber.read(decoded(path.read_bytes())).drawn
    boxes = np.array([polygon.bounding_box() for polygon, _ in drawn])
    low = boxes[:, 0].min(axis=0) - MARGIN
    size = boxes[:, 1].max(axis=0) + MARGIN - low
    drawing = Drawing(file=path.name, centre=[f"{v:.9f} mm" for v in low + size / 2])
    share = copper_share(drawing, path.parent, tuple(1e-3 * size), ("copper",))
    return float(share.mean() * size.prod()), _by_gerbv(path, low, size)


def _by_gerbv(path: Path, low: np.ndarray, size: np.ndarray) -> float:
    dots = int(min(4000, sqrt(MOST_PIXELS / size.prod()) * INCH))
    with TemporaryDirectory() as folder:
        picture = Path(folder) / "raster.png"
        origin, window = (f"{v[0] / INCH:.6f}x{v[1] / INCH:.6f}" for v in (low, size))
        colours = ["--background=#000000", "--foreground=#ffffffff"]
        command = ["gerbv", "-x", "png", "-D", str(dots), "-o", str(picture), *colours]
        command += ["-O", origin, "-W", window, str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=600)
        grey = np.asarray(Image.open(picture).convert("L"), float) / 255
    return float(grey.sum() * (INCH / dots) ** 2)


def main(folder: Path, table: Path) -> None:
    """Write the table of all layers."""
    lines = [
        "# Copper of real board layers against gerbv",
        "",
        "Made by tests/benchmarks/gerber_boards.py, which says where the files come from.",
        "",
        "| layer | copper (mm2) | gerbv (mm2) | difference |",
        "|---|---|---|---|",
    ]
    worst = 0.0
    for name in LAYERS:
        ours, theirs = areas(folder / name)
        worst = max(worst, abs(ours / theirs - 1))
        lines.append(f"| {name} | {ours:.2f} | {theirs:.2f} | {100 * (ours / theirs - 1):+.2f} % |")
        print(lines[-1], flush=True)
    lines += ["", f"{len(LAYERS)} layers; the largest difference is {100 * worst:.2f} %."]
    table.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
