"""Write heights and displacements as text: micrometres, millimetres from ten of them on."""

from __future__ import annotations

LARGE = 1e4
"""Micrometres from which on millimetres are written."""


def signed(micrometres: float, error: str = "") -> str:
    """Write a height with its sign: "+74.6 um", "-103.21 mm"; one that rounds to zero has none.

    error: what stands between the value and its unit, in micrometres; the unit then stays.
    """
    if abs(micrometres) >= LARGE and not error:
        return f"{1e-3 * micrometres:+.2f} mm"
    text = f"{micrometres:+.1f}"
    return f"{'0.0' if text in ('+0.0', '-0.0') else text}{error} um"


def plain(micrometres: float) -> str:
    """Write a height that has no sign."""
    return signed(micrometres).lstrip("+")
