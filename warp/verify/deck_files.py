"""Write input decks of other programs to files, in the order of their runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from warp.files import whole_file


def write(folder: Path, decks: Mapping[str, Iterable[str]], ending: str) -> list[Path]:
    """Write the lines of each deck to a file of its name in the folder; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.{ending}" for name in decks]
    for file, lines in zip(files, decks.values(), strict=True):
        whole_file.check_writable(file)
        with whole_file.replacing(file) as temporary:
            text = "".join(f"{line}\n" for line in lines)
            temporary.write_text(text, encoding="ascii", errors="replace")
    return files
