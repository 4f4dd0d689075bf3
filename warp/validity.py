"""Where the numbers stop being right: what a result should be read with.

Linear theory bends a plate without stretching it. A disc whose sag w is not small against its height h stiffens as it
bends (Freund, J. Mech. Phys. Solids 48 (2000) 1159): with S the linear and K the true curvature, both times
d^2 / (4 h), S = K (1 + (1 - nu) K^2), and K = 2 w / h. At w = 0.15 h linear theory is 6 % too high; from K near 0.9 a
wafer prefers to roll up as a cylinder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SMALL = 0.15  # w / h: S = 0.3, where linear theory is 6 % too high
ROLLS = 0.45  # w / h: K = 0.9, beyond the bifurcation of a silicon wafer


def bends(surfaces: Mapping[str, Mapping[str, Mapping[str, Any]]], height: float) -> float:
    """The largest warpage over the height (m): linear theory holds while it is SMALL."""
    found = (abs(numbers.get("warpage_um") or 0.0) for sides in surfaces.values() for numbers in sides.values())
    return max(found, default=0.0) * 1e-6 / height


def remarks(surfaces: Mapping[str, Mapping[str, Mapping[str, Any]]], height: float) -> list[str]:
    """What to say of the surfaces' warpage in a package of this height (m): one sentence for the worst, or nothing."""
    sags = {
        f"{part}.{side}": abs(numbers.get("warpage_um") or 0.0) * 1e-6
        for part, sides in surfaces.items()
        for side, numbers in sides.items()
    }
    if not sags:
        return []
    face = max(sags, key=sags.__getitem__)
    if sags[face] <= SMALL * height:
        return []
    text = f"{face} bends by {sags[face] / height:.2g} of the height ({height * 1e3:.3g} mm): beyond linear theory"
    rolls = ", and the plate would rather roll up" if sags[face] > ROLLS * height else ""
    return [f"{text}, so the warpage is an upper bound{rolls}"]
