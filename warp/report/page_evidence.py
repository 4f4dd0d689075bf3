"""Write the rows of `warp verify --json` on a result's page, each with its source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from warp.errors import WarpError
from warp.files import bounded
from warp.report.html import number, table, verdict


def read(path: Path) -> dict[str, Any]:
    """Read what `warp verify --json` printed."""
    try:
        found = json.loads(bounded.read_text(path))
        rows = [
            [row[key] for key in ("name", "expected", "got", "error", "tolerance", "source")]
            for row in found["rows"]
        ]
        texts = [found["device"], *(text for row in rows for text in (row[0], row[5]))]
        texts += [row.get("unit") or "" for row in found["rows"]]
        numbers = [v for row in rows for v in row[1:5]]
        if all(isinstance(v, float | int | None) for v in numbers) and all(
            isinstance(text, str) for text in texts
        ):
            return found
    except OSError as error:
        raise WarpError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise WarpError(f"{path} is not what `warp verify --json` prints")


def section(evidence: Mapping[str, Any] | None) -> str:
    """Tabulate the closed forms and published cases that the program was compared with."""
    if not evidence:
        return ""

    def size(row: Mapping[str, Any], key: str, sign: str = "") -> str:
        if row.get("absolute"):
            return number(row[key], f"{{:{sign}.2g}} {escape(row.get('unit') or '')}")
        return number(None if row[key] is None else 100 * row[key], f"{{:{sign}.2g}} %")

    rows = [
        [
            escape(row["name"]),
            number(row["expected"], "{:.6g}") + f" {escape(row.get('unit') or '')}",
            number(row["got"], "{:.6g}"),
            size(row, "error", "+"),
            size(row, "tolerance"),
            verdict(bool(row.get("passed")), "holds", "off"),
            escape(row["source"]),
        ]
        for row in evidence["rows"]
    ]
    held = sum(bool(row.get("passed")) for row in evidence["rows"])
    head = ("problem", "expected", "got", "error", "tolerance", "", "source")
    return (
        f"<h2>The program against known answers</h2><p>{held} of {len(rows)} hold on "
        f"{escape(evidence['device'])}.</p><details><summary>every row with its source</summary>"
        f"{table(head, rows, text=(0, 6))}</details>"
    )
