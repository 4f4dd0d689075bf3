"""Make the tables of numbers in the description of the result file from their declarations.

They stand between the marks `<!-- numbers -->` or `<!-- provenance -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re

from warp.results import metrics
from warp.results.metrics.declaration import Group, Number

HEAD = "| name | unit | meaning | shown by |\n|---|---|---|---|"


def numbers() -> str:
    """Tabulate all numbers under /metrics, one a row."""
    rows = [_row(group, number) for group, number in metrics.declared()]
    computed = ", ".join(f"`steps[].{key}`" for key in metrics.top_keys())
    rows.append(f"| {computed} | | as above, at this load step | |")
    return "\n".join([HEAD, *rows])


def provenance() -> str:
    """Tabulate what is stored under /provenance/info, one entry a row."""
    rows = [_row(metric.group, number) for metric in metrics.RUN for number in metric.numbers]
    return "\n".join([HEAD, *rows])


def _row(group: Group, number: Number) -> str:
    name = f"{group.pattern}.{number.key}".lstrip(".")
    cells = (f"`{name}`", number.unit.text, number.meaning, ", ".join(number.shown))
    return f"| {' | '.join(cells)} |"


def written(page: str) -> str:
    """Return the page with its tables replaced by those of the declarations."""
    for mark, made in (("numbers", numbers()), ("provenance", provenance())):
        start, end = f"<!-- {mark} -->", "<!-- end -->"
        pattern = f"{re.escape(start)}.*?{re.escape(end)}"
        text = f"{start}\n{made}\n{end}"
        page, count = re.subn(pattern, lambda _, text=text: text, page, count=1, flags=re.DOTALL)
        if not count:
            raise ValueError(f"the page has no mark {start}")
    return page
