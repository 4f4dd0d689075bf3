"""Repeat tables of a case file: dies with their films, layers of a build-up, cycles of a process.

    [part."die-{n}"]                     [[step]]
    repeat = 8                           repeat = 3
    on = "film-{n}"                      of = [{do = "heat", temperature = "125 degC"},
    at = ["(n - 1) * shift", "0 mm"]           {do = "cool", temperature = "-40 degC"}]

`repeat = 8` counts n from 1 to 8; `repeat = {row = 2, n = 4}` counts several, the last one fastest.
A table with a name becomes one table for each count, an entry of a list one entry, or those of its
key `of`. Braces in names and texts hold whole numbers: "die-{n - 1}" is the die below; elsewhere
counters are variables as any other (`variables`). In tables that are not repeated braces hold
variables, and a text that is nothing but braces, "{2 * pitch}", is the arithmetic in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

from warp.case.arithmetic import FUNCTIONS, ExpressionError, Value, evaluate, names_in, units
from warp.case.included import Lines
from warp.errors import Fault, Key

BRACES = re.compile(r"\{([^{}]*)\}")
WHOLLY = re.compile(r"\s*\{([^{}]*)\}\s*")
MOST = 100_000
"""Repeated tables of a case, and tables inside them."""
Names = Mapping[str, Value]
Substitute = Callable[[Any, Names, Key], Any]
"""Replaces expressions in a text; called with it, the values by name, and the key."""


def expanded(
    tables: dict[str, Any], lines: Lines, names: Names, substitute: Substitute
) -> tuple[dict[str, Any], Lines]:
    """Return the tables with every repetition written out, and the lines of their keys.

    names: the variables. Fault where a repetition is none.
    """
    work = _Expansion(lines, names, substitute)
    return work.table(tables, (), (), {}), work.found


class _Expansion:
    """Copy tables, template by template."""

    def __init__(self, lines: Lines, names: Names, substitute: Substitute) -> None:
        self.lines, self.names, self.substitute = lines, names, substitute
        self.found: Lines = {}
        self.made = 0

    def value(self, value: Any, at: Key, now: Key, counters: Names) -> Any:
        """Return the copy at `now` of a value at `at` of the file."""
        line = self.lines.get(at)
        if line is not None:
            self.found[now] = line
        if isinstance(value, dict):
            return self.table(value, at, now, counters)
        if isinstance(value, list):
            return self.list(value, at, now, counters)
        if not isinstance(value, str) or not (counters or "{" in value):
            return value
        within = WHOLLY.fullmatch(value)
        if within and self.knows(within[1], counters):
            return self.substitute(within[1], counters, at)
        if not counters:
            return self.known(value, at)
        return self.substitute(self.filled(value, at, counters), counters, at)

    def table(self, table: dict[str, Any], at: Key, now: Key, counters: Names) -> dict[str, Any]:
        """Return a table, the repeated ones in it written out."""
        done: dict[str, Any] = {}
        for name, value in table.items():
            if not isinstance(value, dict) or "repeat" not in value:
                own = name if counters or at == () else self.named(name, (*at, name))
                if own in done:
                    raise Fault((*at, name), f"is {own!r}, and so is another table")
                done[own] = self.value(value, (*at, name), (*now, own), counters)
                continue
            for counted in self.counts(value["repeat"], (*at, name, "repeat"), counters):
                new = self.filled(name, (*at, name), counted)
                if new in done:
                    remedy = 'put the counter into its name: "' + name + '-{n}"'
                    raise Fault((*at, name), f"is {new!r} more than once; {remedy}")
                rest = {key: entry for key, entry in value.items() if key != "repeat"}
                done[new] = self.value(rest, (*at, name), (*now, new), counted)
        return done

    def list(self, entries: list[Any], at: Key, now: Key, counters: Names) -> list[Any]:
        """Return a list, its repeated entries written out."""
        done: list[Any] = []

        def add(entry: Any, where: Key, counted: Names) -> None:
            done.append(self.value(entry, where, (*now, len(done)), counted))

        for number, entry in enumerate(entries):
            here = (*at, number)
            if not isinstance(entry, dict) or "repeat" not in entry:
                add(entry, here, counters)
                continue
            for counted in self.counts(entry["repeat"], (*here, "repeat"), counters):
                rest = {key: value for key, value in entry.items() if key != "repeat"}
                group = rest.get("of")
                if set(rest) == {"of"} and isinstance(group, list):
                    for n, member in enumerate(group):
                        add(member, (*here, "of", n), counted)
                else:
                    add(rest, here, counted)
        return done

    def counts(self, given: Any, key: Key, counters: Names) -> Iterator[dict[str, Value]]:
        """Yield the counters of every repetition."""
        ranges = given if isinstance(given, dict) else {"n": given}
        counts = {}
        for name, count in ranges.items():
            if name in self.names and not isinstance(given, dict):
                remedy = f"name it otherwise, repeat = {{ k = {given} }}, or rename the variable"
                raise Fault(key, f"counts {name!r}, which is a variable here: {remedy}")
            if name in units() or name in self.names or not name.isidentifier():
                raise Fault(key, f"{name!r} is a unit or a variable: name the counter otherwise")
            counts[name] = self.count(count, key, counters)
        for each in product(*(range(1, count + 1) for count in counts.values())):
            self.made += 1
            if self.made > MOST:
                raise Fault(key, f"makes more than {MOST:,} tables")
            yield {
                **counters,
                **{name: Value(Fraction(n)) for name, n in zip(counts, each, strict=True)},
            }

    def count(self, given: Any, key: Key, counters: Names) -> int:
        """Return how often a table is repeated."""
        if isinstance(given, str):
            given = self.whole(given, key, counters)
        if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MOST:
            raise Fault(key, "is a whole number from 1: repeat = 8, or repeat = {row = 2, n = 4}")
        return given

    def filled(self, text: str, key: Key, counters: Names) -> str:
        """Return a text with the braces in it replaced by whole numbers."""
        return BRACES.sub(lambda match: str(self.whole(match[1], key, counters)), text)

    def knows(self, text: str, counters: Names) -> bool:
        """Tell whether a text computes with counters or variables; units alone are words."""
        words = names_in(text) or set()
        own = {*counters, *self.names}
        return bool(words & own) and words <= {*own, *units(), *FUNCTIONS}

    def known(self, text: str, key: Key) -> str:
        """Return a text of a table that is not repeated, the variables in braces filled in."""

        def filled(match: re.Match[str]) -> str:
            known = self.knows(match[1], {})
            return str(self.whole(match[1], key, {})) if known else match[0]

        return BRACES.sub(filled, text)

    def named(self, name: str, key: Key) -> str:
        """Return the name of a table that is not repeated; Fault where braces hold no variable."""
        found = self.known(name, key)
        if BRACES.search(found):
            example = "{" + BRACES.findall(found)[0] + "}"
            remedy = "add repeat = 8 to the table, or the name to [variables]"
            raise Fault(key, f"{example} counts nothing: {remedy}")
        return found

    def whole(self, text: str, key: Key, counters: Names) -> int:
        """Return the whole number that an expression gives."""
        try:
            value = evaluate(text, {**self.names, **counters}).written()
        except ExpressionError as error:
            raise Fault(key, str(error)) from None
        if not isinstance(value, int):
            remedy = "braces hold what is part of a name; write a value without them"
            raise Fault(key, f"{text!r} is {value}, not a whole number: {remedy}")
        return value
