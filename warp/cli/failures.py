"""Say in one line why a command ended, and with which exit code."""

from __future__ import annotations

import errno
import sys

from warp.cli.interrupt import STOPPED, Heard, caused
from warp.errors import WarpError
from warp.files.printable import printable

TOO_LARGE = 2
_LOADER = ("failed to map segment", "cannot allocate memory", "cannot map zero-fill pages")
"""What the dynamic loader says of a library that finds no room."""


class Stopped(WarpError):
    """Ctrl-C ended a command that can be continued: say how."""

    exit_code = STOPPED


def code_of(error: BaseException, as_json: bool = False) -> int:
    """Print the line for `error` and return the exit code; raise it again if it is a fault here.

    as_json: print what an expected failure says of itself to stdout as well, for a script.
    """
    if isinstance(error, Stopped):
        return _stopped(f"stopped: {printable(str(error))}")
    if caused(error):
        return _stopped("stopped")
    if isinstance(error, WarpError):
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return _printed(error) if as_json else error.exit_code
    if lacks_memory(error):
        which = "the GPU has not" if of_gpu(error) else "this process may not take"
        print(
            f"error: {which} as much memory as the command needs; a coarser grid needs less, e.g. "
            "--set grid.refine=0.5",
            file=sys.stderr,
        )
        return TOO_LARGE
    raise error


def _printed(error: WarpError) -> int:
    """Print an error for a script; return its exit code, or that of output that is lost."""
    import json

    try:
        print(json.dumps({"error": error.as_dict()}, indent=2))
    except WarpError as lost:
        return lost.exit_code
    return error.exit_code


def _stopped(line: str) -> int:
    Heard.said = True
    print(line, file=sys.stderr)
    return STOPPED


def of_gpu(error: BaseException) -> bool:
    """Tell whether an exception, or one that led to it, comes from CuPy."""
    before = error.__cause__ or error.__context__
    here = type(error).__module__.partition(".")[0] == "cupy"
    return here or (before is not None and of_gpu(before))


def lacks_memory(error: BaseException) -> bool:
    """Tell whether an exception, or one that led to it, means that memory was refused."""
    before = error.__cause__ or error.__context__
    if before is not None and lacks_memory(before):
        return True
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    text = str(error).lower()
    if isinstance(error, ImportError | OSError):
        return any(said in text for said in _LOADER)
    return isinstance(error, RuntimeError) and "can't start new thread" in text
