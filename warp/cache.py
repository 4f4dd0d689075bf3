"""Where compiled CPU kernels are kept, so that only the first run compiles.

Machine code depends on the kernel's source, on the sources that it inlines, on Numba, Python and the processor.
Each kernel module therefore has a folder named by a hash of all of these: an upgrade, an edit or another machine on
the same home finds a folder of its own and never a stale file. Numba alone would miss an edited inline function of
another module.

The folder lies under `NUMBA_CACHE_DIR` if that is set, else in the user's cache folder, else (nothing writable, as in
a container with a read-only home) in a private temporary folder. The installed program is never written to.
"""

import contextlib
import hashlib
import os
import platform
import re
import stat
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_INLINED = re.compile(r"^\s*from\s+(?:warp\.kernels|\.)\.?(\w*)\s+import\s+(.+)$", re.MULTILINE)


@cache
def kernels() -> Path:
    """Find the folder of the kernels without importing them (that would import Numba)."""
    spec = find_spec("warp.kernels")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def modules() -> list[str]:
    """List the modules that hold kernels for both devices, by name."""
    return sorted(
        p.stem for p in kernels().glob("*.py") if "\n@kernel\n" in p.read_text(encoding="utf-8")
    )


def folder(module: str) -> Path:
    """Name the folder of one module's machine code; it exists after `create`."""
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
    wishes.append(
        Path(tempfile.gettempdir()) / f"warpage-{getattr(os, 'getuid', lambda: 'user')()}"
    )
    for wish in wishes:
        if _mine(wish):
            return wish
    return Path(tempfile.mkdtemp(prefix="warpage-"))


def attach(dispatcher: Any) -> Any:
    """Make a Numba dispatcher keep its machine code; concurrent first runs take turns to write it.

    Numba numbers a function's files from an index that it reads, extends and writes back. Two processes doing that at
    once give one number to two signatures, so the whole step holds a lock. A folder that fails costs the cache only.
    """
    import numba

    name = dispatcher.py_func.__module__.rpartition(".")[2]
    place = folder(name)
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(place)  # read by Numba in the next call and only there
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        dispatcher.enable_caching()
    except (OSError, RuntimeError):
        return dispatcher
    finally:
        config.CACHE_DIR = before
    store = dispatcher._cache
    save = store.save_overload
    load = getattr(
        store, "_load_overload", store.load_overload
    )  # without first importing all that Numba can compile

    def save_in_turn(signature: Any, data: Any) -> None:
        with contextlib.suppress(OSError), _turn(place / "lock"):
            save(signature, data)

    def load_or_tell(signature: Any, context: Any) -> Any:
        from numba.core.runtime import rtsys

        rtsys.initialize(context)
        found = None
        with contextlib.suppress(PermissionError):
            found = load(signature, context)
        if found is None:
            announce()
        return found

    store.save_overload, store.load_overload = save_in_turn, load_or_tell
    return dispatcher


@cache
def announce() -> None:
    """Say why nothing seems to happen, once a process; through logging, which a program around this one can silence."""
    import logging

    logging.getLogger("warp").warning(
        "compiling kernels once for this machine: a minute or two (ahead: `warp warmup`)"
    )


def _sources(module: str) -> list[str]:
    """Read a kernel module and, after it, every kernel module whose functions it inlines."""
    seen: dict[str, str] = {}
    todo = [module, "__init__"]
    while todo:
        name = todo.pop()
        path = kernels() / f"{name}.py"
        if name in seen or not path.exists():
            continue
        seen[name] = path.read_text(encoding="utf-8")
        for found, names in _INLINED.findall(seen[name]):
            todo += [found] if found else re.findall(r"\w+", names)
    return [seen[name] for name in sorted(seen)]


@cache
def _compiler() -> str:
    """Numba, Python and the processor, in words."""
    return "".join((version("numba"), version("llvmlite"), sys.version, _processor()))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
        return "".join(
            line
            for line in lines
            if line.startswith(("model name", "flags", "Features", "CPU part"))
        )
    except OSError:
        return platform.machine() + platform.processor()


def _mine(path: Path) -> bool:
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


@contextlib.contextmanager
def _turn(path: Path) -> Any:
    try:
        import fcntl
    except ImportError:  # Windows: Numba's own atomic renames are all there is
        yield
        return
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
