"""Hold what a report says as tables of plain text, whatever they are written to.

A page, slides and a workbook are made from the same blocks; none of them holds markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

UNKNOWN = "–"


@dataclass(frozen=True)
class Verdict:
    """A word for a number that keeps a limit, or does not."""

    kept: bool
    word: str

    def __str__(self) -> str:
        return self.word


@dataclass(frozen=True)
class Lines:
    """Several short texts below each other in one cell."""

    texts: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.texts)


Cell: TypeAlias = str | Verdict | Lines


@dataclass(frozen=True)
class Block:
    """A table under a title: `lead` stands before it, `note` after it.

    words: columns of words, which are aligned to the left; the first always is. marks: rows that
    stand out, none where it is empty. name: of the table, for readers who hear the page; the title
    by default.
    """

    title: str
    head: Sequence[str] = ()
    rows: Sequence[Sequence[Cell]] = ()
    words: Sequence[int] = ()
    marks: Sequence[bool] = ()
    lead: str = ""
    note: str = ""
    name: str = ""


@dataclass(frozen=True)
class Headline:
    """The number that a report is read for, with its limit where there is one.

    value: with sign, error and unit. what: the surface and its shape. when: the step and the
    temperature. limit: how much of which limit it takes.
    """

    value: str
    what: str
    when: str = ""
    limit: str = ""
    verdict: Verdict | None = None


def number(value: float | None, form: str) -> str:
    """Write a number in its form, a dash for none."""
    return UNKNOWN if value is None else form.format(value)


def within(kept: bool, good: str = "within", bad: str = "above") -> Verdict:
    """Say whether a limit is kept."""
    return Verdict(kept, good if kept else bad)


def lines(value: str | dict[str, str]) -> Cell:
    """Write one value, or several, one a line with its name."""
    if isinstance(value, str):
        return value
    return Lines(tuple(f"{key}: {text}" for key, text in value.items()))
