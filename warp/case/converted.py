"""`warp new --from FILE`: a case file made from the model of another program.

A converter is a module with `case_text(path, named)`, and its suffixes in KINDS. The case is
checked before it is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from warp.case import from_board, hotspot, starter, threed_ice
from warp.case.case import parse
from warp.errors import WarpError
from warp.files import whole_file

BOARDS = (".xml", ".cvg", ".kicad_pcb", ".tgz", ".tar", ".gz", ".zip", "")
KINDS: dict[str, Callable[[Path, Path], str]] = {
    ".flp": hotspot.case_text,
    ".config": hotspot.case_text,
    ".stk": threed_ice.case_text,
    **dict.fromkeys(BOARDS, from_board.case_text),
}


def write(source: Path, target: Path | None = None) -> Path:
    """Write the case of another program's model, by default NAME.toml here; overwrite nothing."""
    convert = KINDS.get(source.suffix.lower())
    if convert is None:
        known = "HotSpot's .flp or .config, 3D-ICE's .stk, a board of KiCad, in IPC-2581 or ODB++"
        raise WarpError(f"{str(source)!r} is no model that can be converted: {known}")
    target = target or Path(f"{source.name.partition('.')[0]}.toml")
    if target.is_symlink() or target.exists():
        raise WarpError(f"{str(target)!r} exists already: choose another name with -o")
    text = starter.with_schema(convert(source, Path(os.path.abspath(target.parent))))
    parse(text, target)
    try:
        with whole_file.replacing(target) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WarpError(f"cannot write {str(target)!r}: {error.strerror or error}") from None
    starter.write_schema(target.parent)
    return target
