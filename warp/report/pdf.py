"""Write a report as PDF pages of A4: numbers as text, pictures as they are drawn.

Lines in points, lengths in inches. Needs nothing but what draws the pictures.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warp.errors import WarpError
from warp.files import whole_file
from warp.files.whole_file import FileError
from warp.report import bodies, field_figures, figures, moire, sections, step_figures
from warp.report.blocks import Block, Lines
from warp.report.plots import DPI, STYLE, WIDTH

if TYPE_CHECKING:
    from warp.report.contents import Contents

A4 = (8.27, 11.69)
MARGIN = (A4[0] - WIDTH) / 2
BOTTOM = 0.8
TEXT, SMALL = 9.0, 7.5  # points
LETTER = 0.62 * SMALL / 72  # inches: a letter of a table is about so wide
BOLD = 1.15
"""Width of a bold letter over that of a plain one: a word of a head is not divided."""
LINE = 1.45 / 72  # inches of a line per point of its letters


def write(contents: Contents, path: Path) -> None:
    """Write all pages in one piece."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_pdf import PdfPages

    with (
        whole_file.replacing(path) as temporary,
        rc_context(STYLE),
        PdfPages(temporary, metadata={"Title": contents.title, "CreationDate": None}) as pdf,
    ):
        document = _Document(pdf)
        document.heading(contents)
        for block in (contents.limits, contents.every):
            document.block(block)
        for name, draw in _pictures(contents):
            document.picture(name, draw)
        for block in (contents.process, contents.measured):
            document.block(block)
        document.title("Loads and boundaries")
        for block in (*contents.loads, contents.temperatures, *contents.stresses):
            document.block(block)
        for block in (contents.materials, *contents.sources, contents.mesh, contents.solvers):
            document.block(block)
        document.block(contents.provenance)
        document.end()


def _pictures(contents: Contents) -> list[tuple[str, Callable[[Any], object]]]:
    result = contents.result
    found: list[tuple[str, Callable[[Any], object]]] = []
    if contents.first is not None:
        found.append(("Warpage", partial(figures.surface_map, contents.first)))
    if contents.process is not None:
        found.append(("Process", partial(step_figures.draw, result)))
    if contents.overlays:
        found.append(("Measured", partial(moire.draw, contents.overlays)))
    found.append(("Stack", partial(sections.cross_section, result)))
    if contents.process is not None:
        found.append(("Stack, step by step", partial(bodies.by_steps, result)))
    if not result.metrics.get("uniform_temperature"):
        found.append(("Temperatures", partial(field_figures.temperature, result)))
    found.append(("Stresses", partial(field_figures.stress, result)))
    return found


class _Document:
    """Pages that fill from the top; `at` is the height left on the current one."""

    def __init__(self, pdf: Any) -> None:
        self.pdf = pdf
        self.number = 0
        self.page: Any = None
        self.at = 0.0

    def _room(self, needed: float) -> None:
        """Begin a page where the current one has not as much room as is needed."""
        from matplotlib.figure import Figure

        if self.page is None or self.at - needed < BOTTOM:
            self.end()
            self.page = Figure(figsize=A4, dpi=DPI)
            self.at = A4[1] - MARGIN

    def end(self) -> None:
        """Finish the current page."""
        if self.page is not None:
            self.number += 1
            self.page.text(0.5, 0.4 / A4[1], str(self.number), ha="center", fontsize=SMALL)
            self.pdf.savefig(self.page, dpi=DPI)
        self.page = None

    def text(self, text: str, points: float = TEXT, bold: bool = False, width: int = 104) -> None:
        """Write a paragraph."""
        for line in textwrap.wrap(text, max(10, int(width * TEXT / points))):
            self._room(points * LINE)
            weight = "bold" if bold else "normal"
            self._put(MARGIN, line, points, weight)
            self.at -= points * LINE

    def _put(
        self, x: float, text: str, points: float, weight: str = "normal", to: str = "left"
    ) -> None:
        where = x / A4[0], self.at / A4[1]
        self.page.text(*where, text, fontsize=points, fontweight=weight, ha=to, va="top")

    def heading(self, contents: Contents) -> None:
        """Write the title, the headline and what else is known of the package."""
        self.text(contents.title, 18, True)
        self.text(contents.facts, SMALL)
        self.at -= 0.2
        if contents.headline is not None:
            head = contents.headline
            self.text(head.value, 30, True)
            self.text(head.what + (f", {head.when}" if head.when else ""))
            if head.verdict is not None:
                self.text(f"{head.limit}: {head.verdict.word}", bold=True)
        for big, small in contents.cards:
            self.text(f"{small}: {big}")

    def title(self, text: str) -> None:
        """Write the title of a section."""
        self._room(1.2)
        self.at -= 0.25
        self.text(text, 13, True)
        self.at -= 0.05

    def block(self, block: Block | None) -> None:
        """Write a table with its title, lead and note."""
        if block is None:
            return
        widths, rows = _laid(block)
        begins = sum(max(map(len, row)) for row in rows[:2]) * SMALL * LINE
        lead = len(textwrap.wrap(block.lead, 104)) * TEXT * LINE
        self._room((0.6 if block.title else 0.0) + lead + begins + 0.1)
        if block.title:
            self.title(block.title)
        self.text(block.lead)
        for n, row in enumerate(rows):
            self._row(row, widths, block, "normal" if n else "bold")
        self.text(block.note, SMALL)
        self.at -= 0.08

    def _row(
        self, cells: Sequence[list[str]], widths: Sequence[float], block: Block, weight: str
    ) -> None:
        from matplotlib.lines import Line2D

        lines = max(map(len, cells))
        step = SMALL * LINE
        self._room(lines * step + 0.05)
        top, left = self.at - 0.02, MARGIN
        for n, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            words = n == 0 or n in block.words
            for k, line in enumerate(cell):
                self.at = top - k * step
                x, to = (left, "left") if words else (left + width - 0.08, "right")
                self._put(x, line, SMALL, weight, to)
            left += width
        self.at = top - lines * step - 0.04
        across, up = (MARGIN / A4[0], left / A4[0]), 2 * ((self.at + 0.025) / A4[1],)
        colour = "#000000" if weight == "bold" else "#D0D5DA"
        self.page.add_artist(Line2D(across, up, linewidth=0.4, color=colour))

    def picture(self, name: str, draw: Callable[[Any], object]) -> None:
        """Place a picture under its name, nothing where there is none."""
        from matplotlib.image import imread

        drawn = BytesIO()
        try:
            draw(drawn)
        except FileError:
            raise
        except WarpError:
            return
        drawn.seek(0)
        pixels = imread(drawn, format="png")
        height = WIDTH * pixels.shape[0] / pixels.shape[1]
        self._room(height + 0.7)
        self.title(name)
        self.at -= height
        box = (MARGIN / A4[0], self.at / A4[1], WIDTH / A4[0], height / A4[1])
        axes = self.page.add_axes(box)
        axes.imshow(pixels, interpolation="none", aspect="auto")
        axes.set_axis_off()
        self.at -= 0.1


def _texts(cell: Any) -> list[str]:
    return list(cell.texts) if isinstance(cell, Lines) else [str(cell)]


def _laid(block: Block) -> tuple[list[float], list[list[list[str]]]]:
    """Return the widths of a table's columns in inches and its rows, the head first, in lines."""
    if not block.rows:
        return [], []
    head = [str(text) for text in block.head]
    rows = [[_texts(cell) for cell in row] for row in block.rows]
    widths = column_widths(head, rows)
    return widths, [
        [
            [line for text in cell for line in textwrap.wrap(text, max(4, int(w / LETTER)))] or [""]
            for cell, w in zip(row, widths, strict=True)
        ]
        for row in ([[text] for text in head], *rows)
    ]


def column_widths(head: Sequence[str], rows: Sequence[Sequence[list[str]]]) -> list[float]:
    """Return widths of columns in inches that fill the page.

    Each has room for its longest word if that takes less than twice its share of the page; the rest
    goes to the columns that have more to say.
    """
    columns = range(len(head))
    texts = [[text for row in rows for text in row[n]] for n in columns]
    whole = [BOLD * max(map(len, head[n].split()), default=0) for n in columns]
    longest = [max(0.6 * len(head[n]), whole[n], *map(len, texts[n])) + 2 for n in columns]
    letters = int(WIDTH / LETTER)
    if sum(longest) <= letters:
        return [WIDTH * n / sum(longest) for n in longest]
    words = [
        max(len(word) for text in (head[n], *texts[n]) for word in text.split()) for n in columns
    ]
    least = [min(longest[n], words[n] + 2, 2 * letters / len(head)) for n in columns]
    wanted = sum(longest) - sum(least)  # zero where every text is a word
    share = max(0.0, letters - sum(least)) / wanted if wanted else 0.0
    found = [a + share * (b - a) for a, b in zip(least, longest, strict=True)]
    return [WIDTH * n / sum(found) for n in found]
