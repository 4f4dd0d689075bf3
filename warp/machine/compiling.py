"""Compile kernels ahead of their first call, by processes on all cores.

Each process runs `kernels.compiler`. Numba is imported there only; a run loads their object files
(`warp.machine.cpu`). Runs that start at the same time share the work: each kernel is compiled by
the one process that holds its lock.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from functools import cache

from warp.machine import cache as compiled
from warp.machine.cache import Specialisation

OnProgress = Callable[[int, int], None]
"""Called with the number of kernels compiled so far and the number that were missing."""

GROUPS = ("common", "elastic", "heat", "history", "transient")
"""Groups of kernels that runs need: voxels and iterations; displacements and their numbers; a
temperature field; process steps; transient heating.
"""

_PAUSE = 0.05  # s between checks whether another process has finished a kernel


class Waited:
    """Time in s that this process has waited for compilers."""

    seconds = 0.0

    @classmethod
    def take(cls) -> float:
        """Return the waiting time and restart the count from zero."""
        taken, cls.seconds = cls.seconds, 0.0
        return taken


def listed(groups: Iterable[str], host_only: bool = False) -> list[Specialisation]:
    """List the kernels that runs of these groups call, from specialisations.txt, the slowest first.

    `host_only`: without those that a GPU runs.
    """
    wanted = set(groups)
    found = [one for group, one in _lines() if group in wanted]
    return [one for one in found if one.module.startswith("host.")] if host_only else found


def companions(wanted: Specialisation) -> list[Specialisation]:
    """List the kernels of the group that `wanted` belongs to: a run that calls one calls most."""
    group = next((group for group, one in _lines() if one == wanted), "")
    return listed([group]) or [wanted]


@cache
def _lines() -> list[tuple[str, Specialisation]]:
    lines = (compiled.kernels() / "specialisations.txt").read_text(encoding="utf-8").splitlines()
    parts = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(group, Specialisation.read(rest)) for group, _, rest in parts]


def compile_all(
    wanted: Iterable[Specialisation], cores: int, on_progress: OnProgress | None = None
) -> int:
    """Compile those of `wanted` that the cache lacks and return how many it lacked."""
    start = time.perf_counter()
    missing = [one for one in dict.fromkeys(wanted) if not one.path.exists()]
    if missing:
        if on_progress is None:
            announce()
        _Pool(missing, on_progress or (lambda done, total: None)).run(min(cores, len(missing)))
        Waited.seconds += time.perf_counter() - start
    return len(missing)


@cache
def announce() -> None:
    """Log, once per process, why the program pauses; a caller can silence the logger."""
    import logging

    text = "compiling kernels once for this machine: up to a minute (ahead of time: `warp warmup`)"
    logging.getLogger("warp").warning(text)


class _Pool:
    """Worker processes, each fed from a common queue by a thread of this process."""

    def __init__(self, missing: list[Specialisation], on_progress: OnProgress) -> None:
        self.todo: queue.SimpleQueue[Specialisation] = queue.SimpleQueue()
        for one in missing:
            self.todo.put(one)
        self.total = len(missing)
        self.done = 0
        self.on_progress = on_progress
        self.finished = threading.Condition()
        self.failures: list[str] = []

    def run(self, count: int) -> None:
        """Compile everything with `count` workers."""
        threads = [threading.Thread(target=self._feed, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        shown = -1
        while any(thread.is_alive() for thread in threads):
            with self.finished:
                self.finished.wait(0.2)
                done = self.done
            if done != shown:
                self.on_progress(done, self.total)
                shown = done
        if self.done < self.total:
            words = self.failures[0] if self.failures else "its process ended"
            raise RuntimeError(f"a kernel could not be compiled: {words}")
        self.on_progress(self.total, self.total)

    def _feed(self) -> None:
        """Hand kernels to one worker until none is left."""
        with _worker() as worker:
            assert worker.stdin is not None and worker.stdout is not None
            while self.done < self.total:
                try:
                    wanted = self.todo.get_nowait()
                except queue.Empty:
                    break
                try:
                    worker.stdin.write(f"{wanted}\n")
                    worker.stdin.flush()
                    answer = worker.stdout.readline().strip()
                except BrokenPipeError:
                    answer = ""
                if answer == "busy" and not wanted.path.exists():
                    self.todo.put(wanted)
                    time.sleep(_PAUSE)
                elif answer:
                    with self.finished:
                        self.done += 1
                        self.finished.notify()
                else:
                    self.failures.append(_reason(worker, wanted))
                    return
            worker.stdin.close()


def _worker() -> subprocess.Popen[str]:
    """Start a process that compiles the lines it reads, with this process's module path."""
    path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    command = [sys.executable, "-P", "-c", "from warp.kernels import compiler; compiler.main()"]
    environment = {**os.environ, "PYTHONPATH": path}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment
    )


def _reason(worker: subprocess.Popen[str], wanted: Specialisation) -> str:
    """Return the last line of a failed worker's error output."""
    _, said = worker.communicate()
    lines = said.strip().splitlines()
    return f"{wanted.module}.{wanted.function}: {lines[-1] if lines else 'no reason given'}"
