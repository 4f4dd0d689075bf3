"""Keep a folder for one sweep: no other sweep replaces its tables, no second command runs in it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warp.case.named_files import digest_of_files
from warp.errors import WarpError
from warp.files import bounded

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.run.sampling import Design

_ELSEWHERE = "choose another folder with -o, or remove this one"


def described(case: Case, design: Design) -> dict[str, Any]:
    """Return what makes a sweep itself, ready for JSON."""
    whole = case.text.encode() + digest_of_files(case.text, case.path, case.overrides)
    return {
        "case": str(case.path),
        "case_digest": hashlib.sha256(whole).hexdigest()[:20],
        "overrides": dict(case.overrides),
        **design.to_dict(),
        "points": [list(values) for values in design.points],
    }


def refuse_another(case: Case, design: Design, folder: Path) -> None:
    """Raise WarpError if the folder holds another sweep, whose tables this one would replace.

    The same sweep has the same case, fixed values and varied keys, and every point of the sweep
    that is stored: more values or points add to it.
    """
    try:
        old = json.loads(bounded.read_text(folder / "sweep.json"))
    except FileNotFoundError:
        return
    except (OSError, ValueError, RecursionError) as error:
        raise WarpError(f"{folder / 'sweep.json'} cannot be read: {error}; {_ELSEWHERE}") from None
    new = described(case, design)
    differs = _difference(old, new) if isinstance(old, dict) else "other contents"
    if differs:
        raise WarpError(f"{folder} holds another sweep ({differs}); {_ELSEWHERE}")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder while a sweep runs; WarpError if another process holds it.

    The lock is on the folder itself and ends with the process: it leaves no file. Where folders
    cannot be locked (Windows, some network drives), nothing is held.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            words = (
                "another sweep is running in this folder; wait for it, or choose another with -o"
            )
            raise WarpError(f"{folder}: {words}") from None
        except OSError:
            pass
        yield
    finally:
        os.close(descriptor)


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Say in which point two sweeps differ; empty if the new one goes on with the old one."""
    if old.get("case_digest", new["case_digest"]) != new["case_digest"]:
        same_file = old.get("case") == new["case"]
        return (
            "its case or a file that it names had other contents"
            if same_file
            else f"of {old.get('case')}"
        )
    if old.get("overrides") != new["overrides"]:
        return "other values of --set"
    if not isinstance(old.get("vary"), dict) or list(old["vary"]) != list(new["vary"]):
        return "other keys vary"
    if "points" not in old:  # written by version 0.2
        return "" if all(old.get(key) == new[key] for key in ("vary", "size")) else "other values"
    wanted = {tuple(values) for values in new["points"]}
    if not all(tuple(values) in wanted for values in old["points"]):
        return "it has values that this one has not"
    return ""
