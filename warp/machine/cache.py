"""Store the machine code of CPU kernels, so that only the first run compiles.

Machine code depends on the kernel's source, on the sources that it inlines, on Numba and on the
processor. Each kernel module therefore has a folder named by a hash of all of these: an upgrade, an
edit or another machine with the same home directory gets a folder of its own, and a copy of the
program elsewhere finds what the first one compiled.

The folder lies under `NUMBA_CACHE_DIR` if that is set, else in the user's cache folder, else
(nothing writable, as in a container with a read-only home) in a private temporary folder. The
installed program is never written to.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import stat
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from warp.files import whole_file

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_INLINED = re.compile(r"^\s*from\s+(?:warp\.kernels|\.)\.?([\w.]*)\s+import\s+(.+)$", re.MULTILINE)
_ALWAYS = ("__init__", "compiler")  # modules that the machine code of every kernel depends on


class Specialisation(NamedTuple):
    """One kernel for one list of types, as "elastic.media_apply f8[4] f8[4] f8 i8".

    A type is `dtype`, or `dtype[dimensions]` for an array.
    """

    module: str
    function: str
    types: tuple[str, ...]

    @classmethod
    def read(cls, line: str) -> Specialisation:
        """Read a specialisation from a line that `str` wrote."""
        name, *types = line.split()
        module, _, function = name.rpartition(".")
        return cls(module, function, tuple(types))

    def __str__(self) -> str:
        return " ".join((f"{self.module}.{self.function}", *self.types))

    @property
    def symbol(self) -> str:
        """Name the function in its object file, unlike any other of this version."""
        return f"{self.function}_{hashlib.sha256(str(self).encode()).hexdigest()[:16]}"

    @property
    def path(self) -> Path:
        """Locate the object file, which exists once it is compiled."""
        return folder(self.module) / f"{self.symbol}.o"


@cache
def kernels() -> Path:
    """Find the folder of the kernels without importing them."""
    spec = find_spec("warp.kernels")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def modules() -> list[str]:
    """List the modules that hold kernels for both devices, by name."""
    found = (p for p in kernels().glob("*.py") if "\n@kernel\n" in p.read_text(encoding="utf-8"))
    return sorted(p.stem for p in found)


@cache
def folder(module: str) -> Path:
    """Name the folder of one module's machine code; `write` creates it."""
    digest = hashlib.sha256()
    for part in (_compiler(), *_sources(module)):
        digest.update(part.encode())
    return root() / f"{module}-{digest.hexdigest()[:16]}"


@cache
def root() -> Path:
    """Choose a writable folder: as the environment says, the user's cache, or a temporary one."""
    from platformdirs import user_cache_path

    asked = os.environ.get("NUMBA_CACHE_DIR")
    wishes = [Path(asked)] if asked else []
    wishes.append(user_cache_path("warpage", appauthor=False) / "kernels")
    user = getattr(os, "getuid", lambda: "user")()
    wishes.append(Path(tempfile.gettempdir()) / f"warpage-{user}")
    for wish in wishes:
        if _is_private(wish):
            return wish
    return Path(tempfile.mkdtemp(prefix="warpage-"))


def write(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it or none of it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with whole_file.replacing(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def turn(wanted: Specialisation) -> Iterator[bool]:
    """Tell whether this process is to compile `wanted`; False while another one compiles it."""
    try:
        import fcntl
    except ImportError:  # Windows: two processes may then compile the same, and one of them wins
        yield True
        return
    path = wanted.path.with_suffix(".lock")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(path, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
        path.unlink(missing_ok=True)


def _sources(module: str) -> list[str]:
    """Read a kernel module and, after it, every kernel module whose functions it inlines."""
    seen: dict[str, str] = {}
    todo = [module, *_ALWAYS]
    while todo:
        name = todo.pop()
        path = kernels().joinpath(*name.split(".")).with_suffix(".py")
        if name in seen or not path.exists():
            continue
        seen[name] = path.read_text(encoding="utf-8")
        if name not in _ALWAYS:
            for found, names in _INLINED.findall(seen[name]):
                todo += [found] if found else re.findall(r"\w+", names)
    return [seen[name] for name in sorted(seen)]


@cache
def _compiler() -> str:
    """Describe Numba and the processor by a string that changes with them."""
    return "".join((version("numba"), version("llvmlite"), _processor()))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
    except OSError:
        return platform.machine() + platform.processor()
    wanted = ("model name", "flags", "Features", "CPU part")
    return "".join(line for line in lines if line.startswith(wanted))


def _is_private(path: Path) -> bool:
    """Create a folder and try to write there; refuse one that another user could have filled."""
    try:
        if path.is_symlink():
            return False
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "getuid") and not _only_mine(path):
            return False
        with tempfile.TemporaryFile(dir=path):
            return True
    except OSError:
        return False


def _only_mine(path: Path) -> bool:
    """Tell whether only this user, or root, can write to a folder or put another in its place.

    In a folder above it others may write only if its sticky bit keeps them from renaming.
    """
    found = path.stat()
    if found.st_uid != os.getuid() or found.st_mode & OTHERS_WRITE:
        return False
    trusted = {
        0,
        os.getuid(),
        Path("/").stat().st_uid,
    }  # root has another number in some containers
    for above in {*path.absolute().parents, *path.resolve().parents}:
        found = above.stat()
        if found.st_uid not in trusted:
            return False
        if found.st_mode & OTHERS_WRITE and not found.st_mode & stat.S_ISVTX:
            return False
    return True
