"""Write one report in several forms: a page, slides, a workbook, PDF pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from warp.files import whole_file
from warp.report import page, pdf, slides, workbook
from warp.report.contents import Contents, Wanted, gather

if TYPE_CHECKING:
    from warp.results.file import Result


def _page(contents: Contents, path: Path) -> None:
    with whole_file.replacing(path) as temporary:
        temporary.write_text(page.rendered(contents), encoding="utf-8")


FORMS: dict[str, Callable[[Contents, Path], None]] = {
    ".html": _page,
    ".pptx": slides.write,
    ".xlsx": workbook.write,
    ".pdf": pdf.write,
}
NEEDS: dict[str, Callable[[], None]] = {".pptx": slides.require, ".xlsx": workbook.require}


def files(path: Path, kinds: Sequence[str] = ()) -> list[Path]:
    """Name the files of a report: `path`, and one beside it for each kind ("pptx", ...).

    Raises WarpError where what a kind needs is not installed.
    """
    found = [path, *(path.with_suffix(f".{kind}") for kind in kinds)]
    for file in found:
        NEEDS.get(file.suffix.lower(), lambda: None)()
    return list(dict.fromkeys(found))


def write(result: Result, paths: Sequence[Path], wanted: Wanted | None = None) -> list[str]:
    """Write each file in the form of its suffix, by default a page; return what was left out."""
    contents = gather(result, wanted)
    for path in paths:
        FORMS.get(path.suffix.lower(), _page)(contents, path)
    return contents.left_out
