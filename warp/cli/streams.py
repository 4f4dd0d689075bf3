"""Guard stdout and stderr: any encoding will do, and output that is lost has its own exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Any

from warp.errors import WarpError

LOST = 3


class OutputLost(WarpError):
    """Stdout is closed or full: what the command found did not reach its reader."""

    exit_code = LOST


class Checked:
    """A text stream that raises OutputLost where it cannot be written to."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text."""
        return self._tried(self._stream.write, text)

    def flush(self) -> None:
        """Hand over what is buffered."""
        self._tried(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _tried(self, action: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return action(*arguments)
        except OSError as error:
            raise OutputLost(f"cannot write to stdout: {error.strerror or error}") from None


def guarded(command: Callable[[], int]) -> int:
    """Run a command that returns its exit code, with streams that fail in one line."""
    _fill_gaps()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if sys.stdout is None:
        print("error: stdout is closed: send it to a file or to /dev/null", file=sys.stderr)
        return LOST
    whole = sys.stdout
    sys.stdout = Checked(whole)
    try:
        code = command()
        if code != LOST:
            code = _handed_over(code)
        if code == LOST:  # what is still buffered must not fail again when the process ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), whole.fileno())
        return code
    finally:
        if sys.stdout.__class__ is Checked:
            sys.stdout = whole


def _handed_over(code: int) -> int:
    try:
        sys.stdout.flush()
    except OutputLost as error:
        print(f"error: {error}", file=sys.stderr)
        return LOST
    return code


def _fill_gaps() -> None:
    """Open what was closed, so that no file takes the number of a standard stream."""
    for number, name in ((0, "stdin"), (2, "stderr")):
        if getattr(sys, name) is None:
            stream = os.fdopen(os.open(os.devnull, os.O_RDWR), "w" if number else "r")
            setattr(sys, name, stream)
