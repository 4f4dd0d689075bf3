"""What a run asked of the device: launches, copies, waits, and what is forbidden while recording.

STANDIN_LOG=FILE writes the counts as JSON at the end of the process.
"""

import atexit
import json
import os
from collections import Counter
from pathlib import Path

KINDS = "launches", "direct", "graphs", "operations", "to_device", "to_host"
"""`direct`: launches that no graph holds."""
COUNTS: dict[str, Counter] = {name: Counter() for name in KINDS}
recording: list["object"] = []
"""The stream that captures, if one does: only launches are allowed then."""


def note(kind: str, what: str, amount: int = 1) -> None:
    """Count something."""
    COUNTS[kind][what] += amount


class Kernels:
    """Processor time in s that kernels took, which a GPU would take from the host."""

    seconds = 0.0


def busy(what: str) -> None:
    """Refuse what CUDA refuses while a stream captures."""
    if recording:
        raise RuntimeError(f"cudaErrorStreamCaptureUnsupported: {what}")


@atexit.register
def _write() -> None:
    if path := os.environ.get("STANDIN_LOG"):
        counts = {name: dict(counter.most_common()) for name, counter in COUNTS.items()}
        Path(path).write_text(json.dumps(counts, indent=1))
