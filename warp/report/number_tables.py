"""Tables of a result's numbers for console, report and comparison, made from their declarations.

No table names a metric: which numbers it has, their heads and forms come from
`warp.results.metrics`. Cells are plain text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from warp.results import metrics
from warp.results.metrics.declaration import Column, Each, Group, Number, Values, cell
from warp.results.surface import SIDES

Numbers = Mapping[str, Any]


class Table(NamedTuple):
    """Hold the heads of a table, without that of the names, and one row of cells a name."""

    heads: list[str]
    rows: dict[str, list[str]]


def by_part(numbers: Numbers) -> Table:
    """Tabulate what the console shows of parts and their two sides, one row a part."""
    table = Table([], {})
    for group, number in metrics.declared():
        column = number.console
        if column is None:
            continue
        if group.each is Each.SURFACE:
            for side in SIDES:
                _add(table, f"{side} {column.head}".strip(), _of_side(group, numbers, side), number)
        elif group.each is Each.PART:
            _add(table, column.head, dict(group.entries(numbers)), number)
    return table


def _of_side(group: Group, numbers: Numbers, side: str) -> dict[str, Values]:
    """Give the entries of one side by part."""
    named = ((name.rpartition("."), values) for name, values in group.entries(numbers))
    return {part: values for (part, _, which), values in named if which == side}


def _add(table: Table, head: str, entries: Mapping[str, Values], number: Number) -> None:
    """Add a column for the parts that `entries` has; one without entries is left out."""
    if not entries or number.console is None:
        return
    for part, values in entries.items():
        row = table.rows.setdefault(part, [])
        row += [""] * (len(table.heads) - len(row))
        row.append(cell(values, number, number.console))
    table.heads.append(head)
    for row in table.rows.values():
        row += [""] * (len(table.heads) - len(row))


def facts(numbers: Numbers) -> list[str]:
    """Write what the console shows of the package: "junction 88.10 degC" and so on."""
    found = []
    for group, number in metrics.declared():
        if group.each is Each.PACKAGE and number.console is not None:
            for _, values in group.entries(numbers):
                text = cell(values, number, number.console)
                found += [f"{number.console.head} {text}"] if text else []
    return found


def cards(numbers: Numbers) -> list[tuple[str, str]]:
    """Write what the report's head shows of the package, value and name."""
    found = []
    for group, number in metrics.declared():
        if group.each is Each.PACKAGE and number.report is not None:
            for _, values in group.entries(numbers):
                text = cell(values, number, number.report)
                found += [(text, number.report.head)] if text else []
    return found


def of_group(numbers: Numbers, path: Sequence[str], missing: str) -> tuple[Group, Table]:
    """Tabulate what the report shows of a group, given by its path; empty columns are left out."""
    group = next(g for g, _ in metrics.declared() if g.path == tuple(path))
    entries = dict(group.entries(numbers))
    columns: list[tuple[Number, Column]] = [
        (number, number.report)
        for other, number in metrics.declared()
        if other == group and number.report is not None
    ]
    shown = [
        (number, column)
        for number, column in columns
        if any(values.get(number.key) is not None for values in entries.values())
    ]
    rows = {
        name: [cell(values, number, column, missing) for number, column in shown]
        for name, values in entries.items()
    }
    return group, Table([column.head for _, column in shown], rows)


def plain(numbers: Numbers, path: Sequence[str]) -> tuple[list[str], list[list[Any]]]:
    """Tabulate a group for a program: heads with units, rows of a name and numbers or None."""
    group = next(g for g, _ in metrics.declared() if g.path == tuple(path))
    entries = dict(group.entries(numbers))
    shown = [
        number
        for other, number in metrics.declared()
        if other == group
        and any(isinstance(values.get(number.key), int | float) for values in entries.values())
    ]
    heads = [f"{n.name} ({n.unit.table})" if n.unit.table else n.name for n in shown]
    rows = [[name, *(values.get(n.key) for n in shown)] for name, values in entries.items()]
    return [group.title, *heads], rows


def compared(a: Numbers, b: Numbers) -> list[dict[str, Any]]:
    """List every compared number that both results have, and words that they say.

    Each row: quantity, where, unit, a, b, difference; None where an entry of both results has the
    number in one of them only. The difference of words is None.
    """
    rows = []
    for group, number in metrics.declared():
        if not number.compared:
            continue
        others = dict(group.entries(b))
        for where, values in group.entries(a):
            if not others.get(where):
                continue
            first, second = (_compared(entry, number) for entry in (values, others[where]))
            if first is None and second is None:
                continue
            difference = None
            if isinstance(first, float) and isinstance(second, float):
                difference = second - first
            rows.append(
                {
                    "quantity": _head(number),
                    "where": where,
                    "unit": number.unit.text,
                    "a": first,
                    "b": second,
                    "difference": difference,
                }
            )
    return rows


def signed(value: float | str | None) -> str:
    """Write what `compared` found: a number with its sign, words, or nothing."""
    return f"{value:+.2f}" if isinstance(value, float) else value or ""


def _head(number: Number) -> str:
    return number.compared if isinstance(number.compared, str) else number.compared.head


def _compared(values: Values, number: Number) -> float | str | None:
    """Return a number as it is compared, or the words for it; None where an entry has none."""
    if values.get(number.key) is None:
        return None
    if isinstance(number.compared, Column):
        return cell(values, number, number.compared)
    return float(values[number.key])
