"""Write a report as an Excel workbook: numbers as numbers, the reflow curve as a native chart.

Sheets: summary, surfaces, process, measured, loads, limits, materials, and every number of the run,
one a row. Texts are never formulas. Needs XlsxWriter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warp.errors import WarpError
from warp.files import whole_file
from warp.report import number_tables
from warp.report.blocks import Block
from warp.report.plots import LINE_COLOURS
from warp.report.step_figures import shown, value_of
from warp.results.csv_table import numbers

if TYPE_CHECKING:
    from warp.report.contents import Contents

PLAIN = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
WIDEST = 60  # letters of a column


def require() -> None:
    """Raise WarpError where XlsxWriter is not installed."""
    try:
        import xlsxwriter  # noqa: F401
    except ImportError:
        raise WarpError("--xlsx needs XlsxWriter: pip install 'warpage[office]'") from None


def write(contents: Contents, path: Path) -> None:
    """Write the workbook in one piece."""
    require()
    import xlsxwriter

    with whole_file.replacing(path) as temporary:
        book = xlsxwriter.Workbook(str(temporary), PLAIN)
        styles = {
            "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True}),
            "big": book.add_format({"bold": True, "font_size": 18}),
            "number": book.add_format({"num_format": "0.0###;-0.0###;0"}),
            "bold": book.add_format({"bold": True}),
        }
        _summary(book, styles, contents)
        if contents.every is not None:
            heads, rows = number_tables.plain(contents.result.metrics, ("surfaces",))
            _sheet(book, styles, "Surfaces", heads, rows)
        if contents.process is not None:
            _process(book, styles, contents)
        if contents.measured is not None:
            _blocks(book, styles, "Measured", [contents.measured])
        if contents.loads:
            _blocks(book, styles, "Loads", contents.loads)
        if contents.limits is not None:
            _blocks(book, styles, "Limits", [contents.limits])
        if contents.materials is not None:
            _blocks(book, styles, "Materials", [contents.materials, *contents.sources])
        head = ("where", "quantity", "value", "unit")
        _sheet(book, styles, "Numbers", head, list(numbers(contents.result.summary())))
        book.close()


def _put(sheet: Any, row: int, column: int, value: Any, style: Any = None) -> None:
    """Write a number as a number and everything else as text."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is None or (number and not math.isfinite(value)):
        sheet.write_blank(row, column, None, style)
    elif number:
        sheet.write_number(row, column, value, style)
    else:
        sheet.write_string(row, column, str(value), style)


def _printed(sheet: Any) -> None:
    """Print a sheet on pages as wide as it is."""
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _shown(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _sheet(
    book: Any, styles: Any, name: str, head: Sequence[str], rows: Sequence[Sequence[Any]]
) -> Any:
    """Write one table, its head frozen and its columns as wide as their texts."""
    sheet = book.add_worksheet(name)
    for column, text in enumerate(head):
        _put(sheet, 0, column, text, styles["head"])
        longest = max([len(text), *(len(_shown(row[column])) for row in rows)])
        sheet.set_column(column, column, min(WIDEST, longest + 2))
    for k, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            _put(sheet, k, column, value, styles["number"] if isinstance(value, float) else None)
    sheet.freeze_panes(1, 1)
    _printed(sheet)
    return sheet


def _summary(book: Any, styles: Any, contents: Contents) -> None:
    sheet = book.add_worksheet("Summary")
    _printed(sheet)
    sheet.set_column(0, 0, 60)
    sheet.set_column(1, 1, 44)
    _put(sheet, 0, 0, contents.title, styles["big"])
    _put(sheet, 1, 0, contents.facts)
    row = 3
    if contents.headline is not None:
        head = contents.headline
        _put(sheet, row, 0, head.what + (f", {head.when}" if head.when else ""), styles["bold"])
        _put(sheet, row, 1, head.value, styles["big"])
        if head.verdict is not None:
            _put(sheet, row + 1, 0, head.limit)
            _put(sheet, row + 1, 1, head.verdict.word, styles["bold"])
        row += 3
    for big, small in contents.cards:
        _put(sheet, row, 0, small)
        _put(sheet, row, 1, big)
        row += 1


def _process(book: Any, styles: Any, contents: Contents) -> None:
    """Tabulate every load step, and chart the warpage over the temperature."""
    records = contents.result.metrics["steps"]
    names = shown(contents.result)
    head = ("step", "name", "end of step", "temperature (degC)", "time (s)")
    rows = [
        [
            record["step"],
            record["name"],
            "yes" if record["last"] else "no",
            record["temperature_C"],
            record["time_s"],
            *(value_of(record, name) for name in names),
        ]
        for record in records
    ]
    heads = (*head, *(f"{name} warpage (um)" for name in names))
    sheet = _sheet(book, styles, "Process", heads, rows)
    chart = book.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
    known = [r["temperature_C"] for r in records if r["temperature_C"] is not None] or [0.0]
    stretches = _stretches(records)
    for start, end in stretches:
        for n, name in enumerate(names):
            chart.add_series(
                {
                    "name": name,
                    "line": {"color": LINE_COLOURS[n % 6], "width": 1.5},
                    "marker": {"type": "circle", "size": 4, **_filled(LINE_COLOURS[n % 6])},
                    "categories": ["Process", start + 1, 3, end + 1, 3],
                    "values": ["Process", start + 1, 5 + n, end + 1, 5 + n],
                }
            )
    chart.set_x_axis({"name": "temperature (degC)", "label_position": "low", "min": min(known)})
    chart.set_legend(
        {"position": "top", "delete_series": list(range(len(names), len(names) * len(stretches)))}
    )
    chart.set_y_axis({"name": "warpage (um), + is convex", "label_position": "low"})
    chart.set_size({"width": 760, "height": 420})
    sheet.insert_chart(len(rows) + 3, 1, chart)


def _filled(colour: str) -> dict[str, Any]:
    return {"fill": {"color": colour}, "border": {"color": colour}}


def _stretches(records: Sequence[Any]) -> list[tuple[int, int]]:
    """Return the first and the last row of every stretch of load steps of one body."""
    found: list[tuple[int, int]] = []
    before = None
    for n, record in enumerate(records):
        body = (record["parts"], record["unit"])
        if body == before:
            found[-1] = (found[-1][0], n)
        else:
            found.append((n, n))
        before = body
    return found


def _blocks(book: Any, styles: Any, name: str, blocks: Sequence[Block]) -> None:
    """Write tables of text below each other."""
    sheet = book.add_worksheet(name)
    _printed(sheet)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 8, 24)
    row = 0
    for block in blocks:
        for text in (block.title or block.name, block.lead):
            if text:
                _put(sheet, row, 0, text, styles["bold"] if text == block.title else None)
                row += 1
        for column, text in enumerate(block.head if block.rows else ()):
            _put(sheet, row, column, text, styles["head"])
        for cells in block.rows:
            row += 1
            for column, cell in enumerate(cells):
                _put(sheet, row, column, str(cell))
        row += 1
        if block.note:
            _put(sheet, row, 0, block.note)
            row += 1
        row += 1
