"""Write a report as PowerPoint slides: text, tables and charts that can be edited.

Summary, stack, warpage map, warpage over the temperature or by surface, the process, loads, limits.
Maps and sections are pictures; everything else is native. Needs python-pptx.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warp.errors import WarpError, listed
from warp.files import whole_file
from warp.geometry.tree import folded
from warp.report import bodies, figures, sections
from warp.report.blocks import Block, Verdict
from warp.report.plots import LINE_COLOURS
from warp.results import heights

if TYPE_CHECKING:
    from warp.geometry.tree import Branch
    from warp.report.contents import Contents

WIDE, HIGH = 13.333, 7.5  # inches, 16:9
MARGIN = 0.5
TOP = 1.25  # below the title
ROW = 0.3  # inches of a row of a table
LETTER = 0.11  # inches of a letter of a table, with room to spare
LONGEST = 40  # letters of the widest column: longer texts are wrapped


def require() -> None:
    """Raise WarpError where python-pptx is not installed."""
    try:
        import pptx  # noqa: F401
    except ImportError:
        raise WarpError("--pptx needs python-pptx: pip install 'warpage[office]'") from None


def write(contents: Contents, path: Path) -> None:
    """Write the slides in one piece."""
    require()
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDE), Inches(HIGH)
    _summary(deck, contents)
    _stack(deck, contents)
    if contents.process is not None and contents.loads:  # the case is known
        _bodies(deck, contents)
    _warpage(deck, contents)
    _curve(deck, contents)
    _tables(deck, "Process", [contents.process])
    _tables(deck, "Surfaces", [contents.every])
    _tables(deck, "Measured over computed", [contents.measured])
    _tables(deck, "Loads and boundaries", contents.loads)
    _tables(deck, "Against the limits", [contents.limits])
    with whole_file.replacing(path) as temporary:
        deck.save(str(temporary))


def _slide(deck: Any, title: str) -> Any:
    """Add a slide that has a title and nothing else."""
    from pptx.util import Inches, Pt

    slide = deck.slides.add_slide(deck.slide_layouts[5])
    box = slide.shapes.title
    box.left, box.top, box.width, box.height = (
        Inches(v) for v in (MARGIN, 0.35, WIDE - 2 * MARGIN, 0.8)
    )
    box.text_frame.text = title
    paragraph = box.text_frame.paragraphs[0]
    paragraph.font.size, paragraph.font.bold = Pt(28), True
    paragraph.alignment = 1  # left
    return slide


def _text(
    slide: Any, box: Sequence[float], lines: Sequence[tuple[str, int, bool]], indent: bool = False
) -> None:
    """Write paragraphs (text, points, bold) into a box of left, top, width, height in inches."""
    from pptx.util import Inches, Pt

    frame = slide.shapes.add_textbox(*(Inches(v) for v in box)).text_frame
    frame.word_wrap = True
    for n, (text, points, bold) in enumerate(lines):
        paragraph = frame.paragraphs[0] if n == 0 else frame.add_paragraph()
        run = paragraph.add_run()
        run.text, run.font.size, run.font.bold = text.lstrip(), Pt(points), bold
        paragraph.level = min(8, (len(text) - len(text.lstrip())) // 2) if indent else 0


def _picture(slide: Any, draw: Callable[[BytesIO], object], box: Sequence[float]) -> bool:
    """Draw a picture into a box, as large as fits; return False where there is none."""
    from pptx.util import Inches

    drawn = BytesIO()
    try:
        draw(drawn)
    except WarpError:
        return False
    left, top, width, height = box
    shape = slide.shapes.add_picture(drawn, Inches(left), Inches(top), width=Inches(width))
    if shape.height > Inches(height):
        shape.width = int(shape.width * Inches(height) / shape.height)
        shape.height = Inches(height)
    return True


def _summary(deck: Any, contents: Contents) -> None:
    slide = _slide(deck, contents.title)
    lines: list[tuple[str, int, bool]] = []
    if contents.headline is not None:
        head = contents.headline
        lines += [(head.value, 60, True), (head.what, 20, False)]
        lines += [(head.when, 20, False)] if head.when else []
        if head.verdict is not None:
            lines.append((f"{head.limit}: {head.verdict.word}", 20, True))
    lines.append(("", 12, False))
    lines += [(f"{small}: {big}", 16, False) for big, small in contents.cards]
    half = (WIDE - 3 * MARGIN) / 2
    _text(slide, (MARGIN, TOP, half, 5), lines)
    _text(slide, (MARGIN, 6.8, WIDE - 2 * MARGIN, 0.4), [(contents.facts, 11, False)])
    if contents.first is not None:
        draw = partial(figures.relief, contents.first)
        _picture(slide, draw, (2 * MARGIN + half, TOP + 0.4, half, 4.6))


def _branches(branches: Sequence[Branch], depth: int = 0) -> Iterator[str]:
    for one in branches:
        more = f"; alike: {listed(one.alike)}" if one.alike else ""
        yield f"{'  ' * depth}{one.name}: {one.note}{more}"
        yield from _branches(one.children, depth + 1)


def _stack(deck: Any, contents: Contents) -> None:
    slide = _slide(deck, "Stack")
    wide = 7.6
    _picture(slide, partial(sections.cross_section, contents.result), (MARGIN, TOP, wide, 5.6))
    lines = [(text, 12, False) for text in _branches(folded(contents.stack))]
    if lines:
        left = 2 * MARGIN + wide
        _text(slide, (left, TOP, WIDE - MARGIN - left, 5.6), lines, indent=True)


def _bodies(deck: Any, contents: Contents) -> None:
    slide = _slide(deck, "Stack, step by step")
    box = (MARGIN, TOP, WIDE - 2 * MARGIN, 5.8)
    _picture(slide, partial(bodies.by_steps, contents.result), box)


def _warpage(deck: Any, contents: Contents) -> None:
    flat = contents.first
    if flat is None:
        return
    slide = _slide(
        deck, f"Warpage of {flat.name}: {heights.signed(1e6 * flat.warpage.value)} {flat.shape}"
    )
    _picture(slide, partial(figures.surface_map, flat), (MARGIN, TOP, 6.3, 5.8))
    rows = [(f.name, 1e6 * f.warpage.value) for f in contents.flats]
    left = MARGIN + 6.5
    _bars(slide, rows, (left, TOP, WIDE - MARGIN - left, 5.8))


def _bars(slide: Any, rows: Sequence[tuple[str, float]], box: Sequence[float]) -> None:
    """Chart the warpage of every surface."""
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE, XL_TICK_LABEL_POSITION
    from pptx.util import Inches, Pt

    data = CategoryChartData(number_format="+0.0;-0.0;0")
    data.categories = [name for name, _ in rows]
    data.add_series("warpage (um), + is convex", [round(value, 3) for _, value in rows])
    kind = XL_CHART_TYPE.BAR_CLUSTERED
    chart = slide.shapes.add_chart(kind, *(Inches(v) for v in box), data).chart
    chart.font.size = Pt(12)
    chart.has_title, chart.has_legend = True, False
    chart.chart_title.text_frame.text = "warpage (um), + is convex"
    chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    chart.category_axis.reverse_order = True
    chart.value_axis.has_major_gridlines = True
    chart.plots[0].has_data_labels = True
    chart.plots[0].gap_width = 60


def _curve(deck: Any, contents: Contents) -> None:
    """Chart the warpage over the temperature, each stretch of computed points a series."""
    from pptx.chart.data import XyChartData
    from pptx.dml.color import RGBColor
    from pptx.enum.chart import (
        XL_CHART_TYPE,
        XL_LEGEND_POSITION,
        XL_MARKER_STYLE,
        XL_TICK_LABEL_POSITION,
    )
    from pptx.util import Inches, Pt

    if not contents.curves:
        return
    slide = _slide(deck, "Warpage over the temperature")
    data = XyChartData(number_format="0.0")
    colours: list[tuple[str, bool]] = []
    unnamed: list[int] = []  # later stretches of a curve, which the legend names once
    for n, curve in enumerate(contents.curves):
        for m, points in enumerate(_stretches(curve["x"], curve["y"])):
            if m:
                unnamed.append(len(colours))
            series = data.add_series(curve["name"])
            for x, y in points:
                series.add_data_point(round(x, 3), round(y, 3))
            colours.append((LINE_COLOURS[n % 6], False))
    if contents.overlays:
        series = data.add_series("measured")
        for one in contents.overlays:
            series.add_data_point(one.measurement.celsius, round(1e6 * one.match.warpage, 3))
        colours.append(("#000000", True))
    box = (MARGIN, TOP, WIDE - 2 * MARGIN, 5.8)
    kind = XL_CHART_TYPE.XY_SCATTER_LINES
    chart = slide.shapes.add_chart(kind, *(Inches(v) for v in box), data).chart
    chart.font.size = Pt(12)
    chart.has_title, chart.has_legend = False, True
    chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.TOP, False
    _leave_out(chart.legend, unnamed)
    axes = (
        (chart.category_axis, "temperature (degC)"),
        (chart.value_axis, "warpage (um), + is convex"),
    )
    for axis, title in axes:
        axis.axis_title.text_frame.text = title
        axis.axis_title.text_frame.paragraphs[0].font.size = Pt(12)
        axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    chart.category_axis.has_major_gridlines = False
    for series, (colour, alone) in zip(chart.plots[0].series, colours, strict=True):
        series.smooth = False
        series.format.line.color.rgb = RGBColor.from_string(colour[1:])
        series.format.line.width = Pt(2)
        series.marker.style = XL_MARKER_STYLE.DIAMOND if alone else XL_MARKER_STYLE.CIRCLE
        series.marker.size = 10 if alone else 5
        series.marker.format.fill.solid()
        series.marker.format.fill.fore_color.rgb = RGBColor.from_string(colour[1:])
        if alone:
            series.format.line.fill.background()


def _leave_out(legend: Any, series: Sequence[int]) -> None:
    """Take series out of a legend, by their numbers."""
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import nsdecls

    for n in reversed(series):
        text = (
            f'<c:legendEntry {nsdecls("c")}><c:idx val="{n}"/><c:delete val="1"/></c:legendEntry>'
        )
        legend._element.insert(1, parse_xml(text))  # after the position, as the schema has it


def _stretches(
    x: Sequence[float | None], y: Sequence[float | None]
) -> Iterator[list[tuple[float, float]]]:
    """Yield the computed points between two breaks of a curve."""
    points: list[tuple[float, float]] = []
    for at, value in zip(x, y, strict=True):
        if at is None or value is None:
            if points:
                yield points
            points = []
        else:
            points.append((at, value))
    if points:
        yield points


def _tables(deck: Any, title: str, blocks: Sequence[Block | None]) -> None:
    """Write native tables under one title, below each other, on as many slides as they need."""
    slide, at, number = None, HIGH, 0
    for block in blocks:
        rows = list(block.rows) if block is not None else []
        while block is not None and rows:
            lead = 0.3 * -(-len(block.lead) // 130)
            fits = int((HIGH - MARGIN - at - lead) / ROW) - 1
            if slide is None or (fits < len(rows) and at > TOP):
                number += 1
                slide = _slide(deck, title if number == 1 else f"{title} ({number})")
                at = TOP
                continue
            if block.lead:
                box = (MARGIN, at, WIDE - 2 * MARGIN, lead)
                _text(slide, box, [(block.lead, 14, False)])
                at += lead + 0.1
            _table(slide, block, rows[:fits], at)
            at += ROW * (len(rows[:fits]) + 1) + 0.25
            rows = rows[fits:]


def _table(slide: Any, block: Block, rows: Sequence[Sequence[Any]], top: float) -> None:
    from pptx.enum.text import MSO_ANCHOR
    from pptx.util import Inches, Pt

    texts = [[str(cell) for cell in row] for row in (block.head, *rows)]
    longest = [max(len(row[n]) for row in texts) for n in range(len(block.head))]
    shares = [min(length, LONGEST) + 4 for length in longest]
    wide = min(WIDE - 2 * MARGIN, LETTER * sum(shares))
    box = (MARGIN, top, wide, ROW * len(texts))
    shape = slide.shapes.add_table(len(texts), len(block.head), *(Inches(v) for v in box))
    for n, share in enumerate(shares):
        shape.table.columns[n].width = Inches(wide * share / sum(shares))
    marked = _marked(block, rows)
    for k, row in enumerate(texts):
        shape.table.rows[k].height = Inches(ROW)
        for n, text in enumerate(row):
            cell = shape.table.cell(k, n)
            cell.text = text
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            cell.margin_top = cell.margin_bottom = Inches(0.02)
            cell.margin_left = cell.margin_right = Inches(0.06)
            paragraph = cell.text_frame.paragraphs[0]
            paragraph.font.size = Pt(10)
            paragraph.alignment = 1 if n == 0 or n in block.words else 3
            source = rows[k - 1][n] if k else None
            broken = isinstance(source, Verdict) and not source.kept
            paragraph.font.bold = k == 0 or broken or k in marked


def _marked(block: Block, rows: Sequence[Any]) -> set[int]:
    """Return the numbers, from 1, of the rows of a slide that stand out."""
    wanted = [row for row, mark in zip(block.rows, block.marks, strict=False) if mark]
    return {k for k, row in enumerate(rows, start=1) if any(row is one for one in wanted)}
