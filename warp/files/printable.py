"""Make text from files safe to print: a control character becomes its code."""

from __future__ import annotations

import re

_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, delete, C1
    r"\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # marks that reverse the direction of what follows
)


def printable(text: str) -> str:
    r"""Write control characters and marks of direction as codes such as \x1b; keep lines, tabs."""
    return _CONTROLS.sub(_code, text)


def _code(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
