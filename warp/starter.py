"""`warp new KIND`: a commented case file to start from, copied from the gallery of packages.

Every kind is a file of data/packages that solves as it stands; its first comment says what it shows and what to look
at. A title is the file's own.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from warp.errors import WarpError
from warp.stacking import nearest


def kinds() -> dict[str, str]:
    """Names of the starter files, with their titles."""
    found = sorted(file.name for file in _gallery().iterdir() if file.name.endswith(".toml"))
    return {name.removesuffix(".toml"): str(tomllib.loads(_text(name)).get("title", "")) for name in found}


def write(kind: str, target: Path | None = None) -> Path:
    """Write the starter of this kind to `target` (KIND.toml here unless told); a file that is there stays."""
    if kind not in kinds():
        raise WarpError(f"there is no starter {kind!r}{nearest(kind, kinds())}; `warp new` lists them")
    target = target or Path(f"{kind}.toml")
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(_text(f"{kind}.toml"))
    except FileExistsError:
        raise WarpError(f"{str(target)!r} exists already: choose another name with -o") from None
    except OSError as error:
        raise WarpError(f"cannot write {str(target)!r}: {error.strerror or error}") from None
    return target


def _gallery() -> Traversable:
    return resources.files("warp.data").joinpath("packages")


def _text(name: str) -> str:
    return _gallery().joinpath(name).read_text(encoding="utf-8")
