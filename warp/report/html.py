"""Make HTML cells, tables, charts and pictures; arguments are HTML unless named text."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any, BinaryIO

from warp.errors import WarpError
from warp.files.whole_file import FileError

UNKNOWN = "–"


def filled(frame: str, parts: Mapping[str, str]) -> str:
    """Put each part at its {{NAME}} of the frame; what a part says is not searched for names."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], frame)


def script_data(value: Any) -> str:
    """Write JSON for a <script>: no text in it can end the element or begin a comment."""
    written = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return written.replace("<", "\\u003c")


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    marks: Sequence[bool] = (),
    text: Sequence[int] = (),
) -> str:
    """Make a table of cells that are HTML already; `text` names the columns of words."""

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=text' if n in text else ''}>{cell}</{tag}>"
            for n, cell in enumerate(row)
        )

    top = f"<thead><tr>{cells('th', head)}</tr></thead>" if any(head) else ""
    marked = marks or [False] * len(rows)
    lines = [
        f"<tr{' class=mark' if m else ''}>{cells('td', row)}</tr>"
        for row, m in zip(rows, marked, strict=True)
    ]
    return f"<div class='wide'><table>{top}<tbody>{''.join(lines)}</tbody></table></div>"


def lines(value: str | dict[str, str]) -> str:
    """Write one value, or several, one a line with its name."""
    return (
        escape(value)
        if isinstance(value, str)
        else "<br>".join(f"{escape(k)}: {escape(v)}" for k, v in value.items())
    )


def number(value: float | None, form: str) -> str:
    """Write a number in its form, a dash for none."""
    return UNKNOWN if value is None else form.format(value)


def verdict(within: bool, good: str = "within", bad: str = "above") -> str:
    """Write a word with a tick or a cross."""
    return f"<span class='good'>{good}</span>" if within else f"<span class='bad'>{bad}</span>"


def chart(name: str, what: str) -> str:
    """Make room for the curves called `name`, which the page's script draws."""
    return f"<svg id='{name}' style='max-width: 620px' role='img' aria-label='{what}'></svg>"


def picture(draw: Callable[[BinaryIO], object], what: str) -> str:
    """Embed a picture, which is drawn in memory, or nothing if there is nothing to draw."""
    drawn = BytesIO()
    try:
        draw(drawn)
    except FileError:
        raise
    except WarpError:
        return ""
    packed = base64.b64encode(drawn.getvalue()).decode()
    source = f"data:image/png;base64,{packed}"
    return f"<figure><img alt='{what}' style='width: 760px' src='{source}'></figure>"
