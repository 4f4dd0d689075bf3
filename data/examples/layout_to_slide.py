"""From a copper layout to slides: python layout_to_slide.py [LAYOUT: Gerber or picture]."""

import sys
from importlib import resources
from pathlib import Path

import warp

FOLDER = Path(str(resources.files("warp.data"))) / "packages"
LAYOUT = Path(sys.argv[1]).resolve() if sys.argv[1:] else FOLDER / "substrate-layout-top.png"
KEY = "part.substrate.layers.top-copper.copper"
case = warp.load(FOLDER / "substrate-layout.toml", {KEY: f'{{ file = "{LAYOUT}" }}'})
warp.write_report(warp.solve(case), "package.pptx", pitch="0.8 mm")
