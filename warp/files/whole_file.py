"""Write files whole or not at all: a temporary file in the same folder, flushed, then renamed.

No reader sees half a file, a failed command leaves none, and an older file stays until its
successor is complete. The temporary files that killed commands left are removed by the next
command that writes into the folder.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from warp.errors import WarpError

LONGEST_NAME = 255  # bytes, of Linux, macOS and (in UTF-16 units) Windows
TEMPORARY = re.compile(r"\.warp-[0-9a-f]{16}-([0-9a-f]{8})\.(\d+)\.tmp")


class FileError(WarpError):
    """Report a file that cannot be written, or whose content is not what was written."""


def check_writable(
    path: str | os.PathLike[str], need: int = 0, inputs: Iterable[Path] = ()
) -> None:
    """Fail before the work if `path` cannot be written or its disk is too full.

    need: bytes that must be free. inputs: files that the command reads and `path` may not be.
    """
    path = Path(path)
    target = followed(path)
    folder = target.parent
    with _told(path):
        if target.is_symlink():
            raise FileError(f"cannot write {path}: it is a symbolic link that leads back to itself")
        if target.is_dir():
            raise FileError(
                f"cannot write {path}: it is a folder; give a file name such as {path / 'out.h5'}"
            )
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            raise FileError(
                f"cannot write {path}: it is a device, a pipe or a socket, not a regular file"
            )
        for source in inputs:
            if same_file(target, Path(source)):
                raise FileError(
                    f"cannot write {path}: this command reads that file; choose another name"
                )
        if not folder.is_dir():
            raise FileError(f"cannot write {path}: there is no folder {folder}; create it first")
        if target.exists() and not os.access(target, os.W_OK):
            raise FileError(f"cannot write {path}: the file exists and is read-only")
    sweep(folder)
    temporary = _temporary(target)
    try:
        temporary.open("wb").close()
        temporary.unlink()
    except OSError as error:
        raise FileError(
            f"cannot write {path}: {error.strerror or error}; choose another folder with -o"
        ) from None
    with suppress(OSError):
        refuse_full_disk(path, shutil.disk_usage(folder).free, need)


def refuse_full_disk(path: Path, free: int, need: int) -> None:
    """Raise FileError if less than `need` bytes are free."""
    if free < need:
        unit, name = (1e9, "GB") if need > 1e8 else (1e6, "MB")
        raise FileError(
            f"cannot write {path}: the result needs about {need / unit:.1f} {name} "
            f"and the disk has {free / unit:.1f} {name} free"
        )


def followed(path: Path) -> Path:
    """Return the file that a symbolic link leads to, the path itself if it is none."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def same_file(one: Path, other: Path) -> bool:
    """Tell whether two paths name one file, through links and other spellings."""
    try:
        return one.samefile(other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)


def beside(path: Path, ending: str) -> Path:
    """Return a side file of an output, which no other output in the folder has.

    `lid.h5` has lid + ending; the name of an output without this suffix, or one that would be too
    long, has a hash before the ending.
    """
    usual = path.suffix == ".h5"
    stem = path.stem if usual else path.name
    if not usual or len(os.fsencode(stem + ending)) > LONGEST_NAME:
        mark = "-" + hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest()
        room = LONGEST_NAME - len(os.fsencode(mark + ending))
        stem = os.fsencode(stem)[:room].decode(errors="ignore") + mark
    return path.with_name(stem + ending)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path` that takes its name once complete and on the disk.

    It is removed on failure. A symbolic link stays, the file that it leads to is replaced. Raises
    FileError if the disk is full or the folder does not allow it.
    """
    target = followed(path)
    temporary = _temporary(target)
    sweep(target.parent)
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    if os.name == "posix":
        with suppress(OSError):  # the file has its name; some folders cannot be opened or synced
            _flush(target.parent)


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed commands of this machine left in a folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = TEMPORARY.fullmatch(entry.name)
            if found and found[1] == _machine() and not _alive(int(found[2])):
                with suppress(OSError):
                    os.unlink(entry.path)


def _temporary(target: Path) -> Path:
    mark = hashlib.blake2b(os.fsencode(target.name), digest_size=8).hexdigest()
    return target.with_name(f".warp-{mark}-{_machine()}.{os.getpid()}.tmp")


@cache
def _machine() -> str:
    """Identify the machine and container in which a process number means something."""
    names = platform.node()
    with suppress(OSError):
        names += os.readlink("/proc/self/ns/pid")
    return hashlib.blake2b(names.encode(), digest_size=4).hexdigest()


def _alive(process: int) -> bool:
    if os.name != "posix":  # signal 0 would end a process there
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"cannot write {path}: {reason}") from None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
