"""Draw the copper of substrate-layout.toml: two PNG images, white is copper, a pixel is 0.1 mm.

A plane with antipads on one half of each side of the substrate, traces on the other half; above and
below the halves are exchanged.

    python tests/gallery/substrate_layout.py
"""

from pathlib import Path

import numpy as np
from PIL import Image

PACKAGES = Path(__file__).parents[2] / "data" / "packages"
PIXELS = 150


def pattern() -> tuple[np.ndarray, np.ndarray]:
    """Copper (1) of the upper and the lower side, rows from y+ down."""
    row, column = np.indices((PIXELS, PIXELS))
    inside = (np.minimum(row, column) >= 3) & (
        np.maximum(row, column) < PIXELS - 3
    )  # 0.3 mm from the edge
    antipads = ((row - 5) % 20 < 4) & ((column - 5) % 20 < 4)
    plane = inside & ~antipads
    traces = inside & (row % 4 == 1)  # 0.1 mm wide, 0.4 mm pitch
    left = column < PIXELS // 2
    return np.where(left, plane, traces), np.where(left, traces, plane)


if __name__ == "__main__":
    for side, copper in zip(("top", "bottom"), pattern(), strict=True):
        target = PACKAGES / f"substrate-layout-{side}.png"
        Image.fromarray((255 * copper).astype(np.uint8)).convert("1").save(target, optimize=True)
        print(f"{target.name}: {copper.mean():.3f} copper")
