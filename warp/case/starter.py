"""`warp new KIND`: a commented case file to start from, copied from the gallery of packages.

Every kind is a file of data/packages that solves as it stands; its first comment says what it shows
and what to look at. A title is the file's own. Pictures of copper that it reads are written beside
it.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from warp.errors import WarpError, nearest
from warp.files import bounded, whole_file


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
    content = {target: _text(f"{kind}.toml").encode()}
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
    return target


def _gallery() -> Traversable:
    return resources.files("warp.data").joinpath("packages")


def _text(name: str) -> str:
    return _gallery().joinpath(name).read_text(encoding="utf-8")
