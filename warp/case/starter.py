"""`warp new KIND`: a commented case file to start from, copied from the gallery of packages.

Every kind is a file of data/packages that solves as it stands; its first comment says what it shows
and what to look at. A title is the file's own. Pictures of copper that it reads are written beside
it, and the JSON schema that its first line names: editors check and complete the file by it.
"""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from warp.case.case import schema
from warp.errors import WarpError, nearest
from warp.files import bounded, whole_file

SCHEMA_FILE = "warp-case.schema.json"


def kinds() -> dict[str, str]:
    """Return the names of the starter files, with their titles."""
    found = sorted(
        file.name.removesuffix(".toml")
        for file in _gallery().iterdir()
        if file.name.endswith(".toml")
    )
    return {name: str(tomllib.loads(_text(f"{name}.toml")).get("title", "")) for name in found}


def write(kind: str, target: Path | None = None) -> Path:
    """Write the starter to `target`, by default KIND.toml here; never overwrite a file."""
    if kind not in kinds():
        raise WarpError(
            f"there is no starter {kind!r}{nearest(kind, kinds())}; `warp new` lists them"
        )
    target = target or Path(f"{kind}.toml")
    pictures = [
        file
        for file in _gallery().iterdir()
        if file.name.startswith(f"{kind}-") and file.name.endswith(".png")
    ]
    content = {target: with_schema(_text(f"{kind}.toml")).encode()}
    content |= {target.with_name(file.name): file.read_bytes() for file in pictures}
    for path, data in content.items():
        try:
            there = path.is_symlink() or path.exists()
            if there and (path == target or bounded.read_bytes(path) != data):
                raise ValueError
        except ValueError:
            raise WarpError(f"{str(path)!r} exists already: choose another name with -o") from None
        except OSError as error:
            raise WarpError(f"cannot write {str(path)!r}: {error.strerror or error}") from None
        if not there:
            with whole_file.replacing(path) as temporary:
                temporary.write_bytes(data)
    write_schema(target.parent)
    return target


def with_schema(text: str) -> str:
    """Return a case's text with the line by which editors find its schema."""
    return f"#:schema ./{SCHEMA_FILE}\n{text}"


def write_schema(folder: Path) -> None:
    """Write the schema into a folder, in place of that of another version."""
    path = folder / SCHEMA_FILE
    try:
        with whole_file.replacing(path) as temporary:
            temporary.write_text(json.dumps(schema(), indent=1), encoding="utf-8")
    except OSError as error:
        raise WarpError(f"cannot write {str(path)!r}: {error.strerror or error}") from None


def _gallery() -> Traversable:
    return resources.files("warp.data").joinpath("packages")


def _text(name: str) -> str:
    return _gallery().joinpath(name).read_text(encoding="utf-8")
