"""Tell how much memory this process may still take: of the machine, its container, its limits.

The least of these counts, each less what is in use:

    /proc/meminfo              MemAvailable and MemTotal
    control groups             the limit of the own group and of every group above it, version 2
                               (memory.max) and 1 (memory.limit_in_bytes)
    RLIMIT_AS, RLIMIT_DATA     `ulimit -v`, `ulimit -d`
    Slurm                      SLURM_MEM_PER_NODE, or SLURM_MEM_PER_CPU times SLURM_CPUS_ON_NODE
                               (MB, as sbatch(1) lists them)
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

UNKNOWN = 1 << 62
LEAST = 512 * 2**20
"""Bytes of addresses below which libraries abort or hang while they are loaded (OpenBLAS 0.3)."""
Limit = tuple[int, int]
"""(free, total) in bytes."""


def free_and_total() -> Limit:
    """Return the bytes that this process may still take without swapping, and those it may have."""
    limits = [_installed(), *_groups(), *_process_limits(), *_batch(os.environ)]
    free, total = (min(values) for values in zip(*limits, strict=True))
    return max(free, 0), total


def _installed() -> Limit:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        if not hasattr(os, "sysconf"):
            return UNKNOWN, UNKNOWN  # no limit is enforced
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return total, total
    entries = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return entries["MemAvailable"], entries["MemTotal"]


def _groups(
    root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")
) -> Iterator[Limit]:
    """Read the limits of the control groups from the own one up.

    In a container the root that is mounted may be the own group: a folder that is not there is
    passed over, and the root always read.
    """
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = []
    second, first = "/", "/"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            second = path
        elif "memory" in controllers.split(","):
            first = path
    yield from _upward(root, second, "memory.max", "memory.current", "inactive_file")
    files = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    yield from _upward(root / "memory", first, *files)


def _upward(mount: Path, path: str, limit: str, usage: str, reclaimable: str) -> Iterator[Limit]:
    inside = Path(path.lstrip("/"))
    for group in (inside, *inside.parents):
        if ".." in group.parts:  # a group outside this container's view
            continue
        most, used = (_number(mount / group / name) for name in (limit, usage))
        if most is not None:
            idle = _entry(mount / group / "memory.stat", reclaimable)
            yield most - max(0, (used or 0) - idle), most


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # "max" is no limit
        return None


def _entry(path: Path, name: str) -> int:
    """Return an entry of memory.stat: the page cache that a group gives back counts as free."""
    try:
        pairs = (line.split() for line in path.read_text().splitlines())
        return next((int(value) for key, value in pairs if key == name), 0)
    except (OSError, ValueError):
        return 0


def _process_limits() -> Iterator[Limit]:
    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    for kind, column in ((resource.RLIMIT_AS, 0), (resource.RLIMIT_DATA, 5)):
        soft, _ = resource.getrlimit(kind)
        if soft != resource.RLIM_INFINITY:
            yield soft - _taken(column), soft


def require_least() -> None:
    """Raise MemoryError if this process may not even load the libraries."""
    if any(total < LEAST for _, total in _process_limits()):
        raise MemoryError


def _taken(column: int) -> int:
    """Read bytes of this process from /proc/self/statm (proc(5)): 0 all, 1 resident, 5 data."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[column])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _batch(environment: Mapping[str, str]) -> Iterator[Limit]:
    def number(name: str) -> int:
        text = environment.get(name, "")
        return int(text) if text.isascii() and text.isdigit() else 0

    megabytes = number("SLURM_MEM_PER_NODE")
    megabytes = megabytes or number("SLURM_MEM_PER_CPU") * number("SLURM_CPUS_ON_NODE")
    if megabytes:  # 0 asks for a whole node
        yield megabytes * 2**20 - _taken(1), megabytes * 2**20
