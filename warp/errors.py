"""The program's expected failures: each prints as one line, in the user's words.

Bad input exits with code 2, a solve that does not reach its tolerance with code 1; neither shows a
traceback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any


class WarpError(Exception):
    """An expected failure, reported in one clear sentence; the command line returns `exit_code`."""

    exit_code = 2

    def as_dict(self) -> dict[str, Any]:
        """Return the error for a script, ready for JSON."""
        message = str(self)
        return {"kind": type(self).__name__, "message": message, "exit_code": self.exit_code}


class ConvergenceError(WarpError):
    """A solve did not reach its tolerance: its result would be wrong, so none is returned."""

    exit_code = 1


Key = tuple[str | int, ...]


class Fault(Exception):
    """A part of the case is wrong: the key path to blame and the sentence to print."""

    def __init__(self, key: Key, message: str) -> None:
        super().__init__(message)
        self.key = key
        self.message = message


def nearest(word: str, known: Mapping[str, Any] | list[str] | tuple[str, ...]) -> str:
    """Return "; did you mean 'x'?" for a misspelt word, else a list of the known names."""
    known = list(known)
    close = get_close_matches(word.lower(), [name.lower() for name in known], n=1, cutoff=0.65)
    if close:
        match = next(name for name in known if name.lower() == close[0])
        return f"; did you mean {match!r}?"
    return (
        f"; there are {', '.join(known[:12])}{', ...' if len(known) > 12 else ''}" if known else ""
    )


def listed(words: Sequence[str], between: str = ", ", most: int = 6) -> str:
    """Join words for a sentence; of many the first ones and how many more there are."""
    if len(words) <= most + 1:
        return between.join(words)
    return f"{between.join(words[:most])} and {len(words) - most} more"
