"""Where a result comes from: program, machine and time."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from typing import Any

import numpy as np


def origin() -> dict[str, Any]:
    """Program version, machine and time of this run."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        program = version("warpage")
    except PackageNotFoundError:
        program = "unknown"
    return {
        "program": f"warpage {program}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
    }
