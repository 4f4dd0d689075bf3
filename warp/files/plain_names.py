"""Make parts of file names from a user's words: letters, digits, dots and signs, all different."""

from __future__ import annotations

import re
from collections.abc import Iterable


def plain_names(words: Iterable[str]) -> list[str]:
    """Return a part of a file name for each: "-40 degC" becomes "-40-degC"; equal ones get numbers.

    Upper and lower case count as equal, as some file systems have it.
    """
    found: list[str] = []
    seen: set[str] = set()
    for text in words:
        plain = re.sub(r"[^A-Za-z0-9.+-]+", "-", text).strip(".").rstrip("-") or "unnamed"
        name, number = plain, 2
        while name.lower() in seen:
            name, number = f"{plain}-{number}", number + 1
        seen.add(name.lower())
        found.append(name)
    return found
