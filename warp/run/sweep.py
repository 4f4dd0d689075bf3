"""Many runs of one case: what varies goes in, one table comes out; a sweep that stopped goes on where it was.

    FOLDER/points/KEY.json    one run each, KEY made of the case's text, what was changed, and the program's version
    FOLDER/sweep.json         what varied and how
    FOLDER/sweep.csv          one row a run: the varied values, then the outputs (sweep.parquet too, with pyarrow)
    FOLDER/effects.csv        how strongly each variable moves each output (`effects`)

`warp.report.effect_figures` draws them.

A run is kept when it ends, whatever happens to the others, and is never repeated: the same command continues, a larger
one adds. A run that the case refuses (a lid thinner than its foot) is kept as failed, with the reason; one whose
process died is tried again, alone, and given up after the third time. A sweep that is stopped or killed takes its
processes with it.

On one machine runs go to processes that share the cores; with a scheduler's address to Dask's workers, which need
nothing but this package.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.errors import WarpError
from warp.results import csv_table, hdf5
from warp.run import effects
from warp.run.sampling import Design

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.case.errors import Problem

TRIES = 3  # of a run whose process dies
PATIENCE = 20  # s that a scheduler has to answer
DECIDED = ("done", "failed")
Task = tuple[str, str, dict[str, str]]
"""The case's text, its path (for its power maps) and the values given instead of the file's."""
Progress = Callable[[int, int, Mapping[str, Any]], None]
"""Called after each run with how many are decided, of how many, and its record."""
# What a table shows of a summary: where it stands, the quantity, and what its column is called.
COLUMNS = (
    ("surfaces", "warpage", "warpage"),
    ("", "coplanarity", "coplanarity"),
    ("thermal", "junction", "junction"),
    ("thermal", "theta_ja", "theta JA"),
    ("temperature", "max", "hottest"),
    ("stress", "max_principal_q999", "largest tension"),
)


@dataclass(frozen=True)
class Outcome:
    """A sweep that is through: the design, one record a point, and the files."""

    design: Design
    records: list[dict[str, Any]]
    files: list[Path]
    effects: list[effects.Effect]
    series: dict[str, np.ndarray]
    """Every output, one number a point; nan where a run failed."""
    main: str | None

    @property
    def failed(self) -> list[dict[str, Any]]:
        return [record for record in self.records if record["status"] != "done"]


def point(task: Task, device: str = "auto", threads: int | None = None) -> dict[str, Any]:
    """Run one point wherever this process stands; a run that cannot be is a record with its reason."""
    from warp import device as devices
    from warp.case import case as cases
    from warp.results import measured
    from warp.run import process as flow

    start = time.perf_counter()
    text, path, overrides = task
    record: dict[str, Any] = {"overrides": overrides, "status": "done"}
    try:
        case = cases.parse(text, Path(path), overrides)
        result = flow.solve(case, devices.select(device, threads))
        record["numbers"] = outputs(result.summary())
        board = measured.board_part(result)
        record["main"] = None if board is None else f"{board}.bottom warpage (um)"
        record["telling"] = [
            f"{part}.{side} warpage (um)" for part, side in measured.telling(result)
        ]
    except WarpError as error:
        record |= {"status": "failed", "error": str(error)}
    except (
        Exception
    ) as error:  # one broken run must not take the others with it; the next sweep tries it again
        record |= {"status": "crashed", "error": f"{type(error).__name__}: {error}"}
    return record | {"seconds": time.perf_counter() - start}


def outputs(summary: Mapping[str, Any]) -> dict[str, float]:
    """The outputs of a run by their columns' names, e.g. "substrate.bottom warpage (um)"."""
    found = {}
    for where, quantity, value, unit in csv_table.numbers(hdf5.plain(summary)):
        for group, wanted, name in COLUMNS:
            place, _, part = where.partition(".")
            if place == group and quantity == wanted:
                label = f"{part} {name}".strip()
                found[f"{label} ({unit.replace('K_per_W', 'K/W')})"] = float(value)
    return found


def sweep(
    case: Case,
    design: Design,
    folder: Path,
    *,
    device: str = "auto",
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Make every run that is not there yet, then the tables."""
    refuse_misspelt(case, design)
    points = folder / "points"
    points.mkdir(parents=True, exist_ok=True)
    hdf5.check_writable(points / "key.json")
    tasks = [_task(case, design, values) for values in design.points]
    keys = [key_of(task) for task in tasks]
    _put(
        folder / "sweep.json",
        {"case": str(case.path), "overrides": dict(case.overrides), **design.to_dict()},
    )
    records = {key: found for key in set(keys) if (found := _kept(points / f"{key}.json"))}
    left = {key: task for key, task in zip(keys, tasks, strict=True) if key not in records}
    if left:
        finish = (
            through_dask(left, scheduler, device)
            if scheduler
            else on_this_machine(left, workers, device)
        )
        for key, record in finish:
            _put(points / f"{key}.json", record)
            records[key] = record
            if progress is not None:
                progress(len(records), len(set(keys)), record)
    outcome = report(design, [records[key] for key in keys], folder)
    if len(outcome.failed) == len(outcome.records):
        raise WarpError(
            f"none of the {len(outcome.records)} runs could be made: {outcome.failed[0].get('error')}"
        )
    return outcome


def refuse_misspelt(case: Case, design: Design) -> None:
    """Raise CaseError where the case says the same of a key at both ends of what it varies: no value will do."""
    from warp.case import case as cases

    said: list[set[Problem]] = []
    for share in (0.0, 1.0):
        text, path, overrides = _task(case, design, [v.at(share) for v in design.variables])
        try:
            cases.parse(text, Path(path), overrides)
            return
        except cases.CaseError as error:
            said.append(set(error.problems))
    keys = {f"--set {v.key}": f"--vary {v.key}" for v in design.variables}
    wrong = [
        replace(problem, key=keys[problem.key])
        for problem in said[0] & said[1]
        if problem.key in keys
    ]
    if wrong:
        raise cases.CaseError(sorted(wrong, key=str))


def key_of(task: Task) -> str:
    """Name a run by all that decides its result."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        program = version("warpage")
    except PackageNotFoundError:
        program = "unknown"
    text, _, overrides = task
    whole = json.dumps([program, text, sorted(overrides.items())])
    return hashlib.sha256(whole.encode()).hexdigest()[:20]


def on_this_machine(
    tasks: Mapping[str, Task],
    workers: int | None = None,
    device: str = "auto",
    run: Callable[..., Any] = point,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run tasks in processes that share the cores (or the GPU), and yield each as it ends."""
    from multiprocessing import active_children, get_context

    from warp import device as devices

    place, others = devices.select(device), set(active_children())
    cores = devices.cores()
    count = min(len(tasks), workers or (1 if place.cuda else cores))
    left, deaths = dict(tasks), Counter[str]()
    suspects = 0  # after a death: the runs that were under way, made one at a time until the culprit is found
    while left:
        many = 1 if suspects else count
        batch = dict(list(left.items())[: 1 if suspects else None])
        pool = ProcessPoolExecutor(
            many, mp_context=get_context("spawn"), initializer=_follow_parent
        )
        try:
            futures = {
                pool.submit(run, task, place.name, max(1, cores // many)): key
                for key, task in batch.items()
            }
            for future in as_completed(futures):
                key, record = futures[future], future.result()
                left.pop(key)
                yield key, record
            suspects = max(0, suspects - 1)
        except BrokenProcessPool:
            first = next(iter(left))
            if not suspects:
                suspects = (
                    many + 1
                )  # a pool takes runs in order, and one more than it has processes
            elif deaths[first] < TRIES - 2:
                deaths[first] += 1
            else:
                task = left.pop(first)
                suspects -= 1
                yield (
                    first,
                    {
                        "overrides": task[2],
                        "status": "crashed",
                        "error": "its process died",
                        "seconds": 0.0,
                    },
                )
        except BaseException:  # stopped: nobody waits for the runs under way
            for process in set(active_children()) - others:
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _follow_parent() -> None:
    """Leave Ctrl-C to the process that started this one, and end when that ends, however it dies."""
    import multiprocessing
    import os
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def through_dask(
    tasks: Mapping[str, Task], scheduler: str, device: str = "auto", run: Callable[..., Any] = point
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run tasks on the workers of a Dask scheduler; it repeats on another worker what died with one."""
    try:
        from distributed import Client  # type: ignore[import-not-found,unused-ignore]
        from distributed import as_completed as completed
    except ImportError:
        raise WarpError("--scheduler needs Dask: pip install 'warpage[sweep]'") from None
    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise WarpError(
            f"no Dask scheduler answers at {scheduler}: {error or type(error).__name__}"
        ) from None
    with client:
        futures = {
            client.submit(run, task, device, key=f"warp-{key}", retries=TRIES - 1): key
            for key, task in tasks.items()
        }
        for future in completed(list(futures)):
            key = futures[future]
            if future.status == "finished":
                yield key, future.result()
            else:
                reason = f"{type(future.exception()).__name__}: {future.exception()}"
                yield (
                    key,
                    {
                        "overrides": tasks[key][2],
                        "status": "crashed",
                        "error": reason,
                        "seconds": 0.0,
                    },
                )


def report(design: Design, records: list[dict[str, Any]], folder: Path) -> Outcome:
    """Write the tables of all runs."""
    columns = list(dict.fromkeys(name for record in records for name in record.get("numbers", {})))
    head = ["run", *(v.label for v in design.variables), *columns, "seconds", "status", "error"]
    rows = []
    for n, (point, record) in enumerate(zip(design.points, records, strict=True), start=1):
        inputs = [
            v.number(t) if v.numeric else t for v, t in zip(design.variables, point, strict=True)
        ]
        found = [record.get("numbers", {}).get(name) for name in columns]
        rows.append(
            [
                n,
                *inputs,
                *found,
                round(record["seconds"], 3),
                record["status"],
                record.get("error", ""),
            ]
        )
    files = [csv_table.write_csv(folder / "sweep.csv", head, rows)]
    files += _parquet(folder / "sweep.parquet", head, rows)

    main = next((record["main"] for record in records if record.get("main")), None)
    series = {
        name: np.array([r.get("numbers", {}).get(name, np.nan) for r in records], float)
        for name in columns
    }
    everything = [
        effect
        for name, values in series.items()
        for effect in effects.effects(design, name, values)
    ]
    table = [
        [
            e.output,
            e.variable,
            *("" if not np.isfinite(v) else f"{v:.6g}" for v in (e.effect, e.r2, e.first, e.total)),
        ]
        for e in everything
    ]
    head = ["output", "variable", "effect", "r2", "first_order", "total"]
    files.append(csv_table.write_csv(folder / "effects.csv", head, table))
    return Outcome(design, records, files, everything, series, main)


def _task(case: Case, design: Design, values: Sequence[str]) -> Task:
    own = {v.key: text for v, text in zip(design.variables, values, strict=True)}
    return case.text, str(case.path), {**case.overrides, **own}


def _kept(path: Path) -> dict[str, Any] | None:
    """A run that is decided; a file that cannot be read, and a run that crashed, count as not there."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return record if record["status"] in DECIDED else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _put(path: Path, value: Mapping[str, Any]) -> None:
    with hdf5.replacing(path) as temporary:
        temporary.write_text(json.dumps(hdf5.plain(value), indent=1), encoding="utf-8")


def _parquet(path: Path, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Path]:
    """The same table for data tools, where pyarrow is installed."""
    try:
        import pyarrow  # type: ignore[import-not-found,unused-ignore]
        from pyarrow import parquet
    except ImportError:
        return []
    columns = {name: [row[n] for row in rows] for n, name in enumerate(head)}
    with hdf5.replacing(path) as temporary:
        parquet.write_table(pyarrow.table(columns), temporary)
    return [path]
