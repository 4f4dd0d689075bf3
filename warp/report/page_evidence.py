"""Tabulate the rows of `warp verify --json` for a report, each with its source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warp.errors import WarpError
from warp.files import bounded
from warp.report.blocks import Block, number, within


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


def block(evidence: Mapping[str, Any] | None) -> Block | None:
    """Tabulate the closed forms and published cases that the program was compared with."""
    if not evidence:
        return None

    def size(row: Mapping[str, Any], key: str, sign: str = "") -> str:
        if row.get("absolute"):
            return number(row[key], f"{{:{sign}.2g}}") + f" {row.get('unit') or ''}"
        return number(None if row[key] is None else 100 * row[key], f"{{:{sign}.2g}} %")

    rows = [
        [
            row["name"],
            number(row["expected"], "{:.6g}") + f" {row.get('unit') or ''}",
            number(row["got"], "{:.6g}"),
            size(row, "error", "+"),
            size(row, "tolerance"),
            within(bool(row.get("passed")), "holds", "off"),
            row["source"],
        ]
        for row in evidence["rows"]
    ]
    held = sum(bool(row.get("passed")) for row in evidence["rows"])
    return Block(
        "The program against known answers",
        ("problem", "expected", "got", "error", "tolerance", "verdict", "source"),
        rows,
        words=(0, 6),
        lead=f"{held} of {len(rows)} hold on {evidence['device']}.",
    )
