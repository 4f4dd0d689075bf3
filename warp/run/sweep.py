"""Run one case many times with varied values and tabulate the results.

    FOLDER/points/KEY.json    one run each, KEY from case, values and program version
    FOLDER/sweep.json         the case, the varied keys and the points (`sweep_folder`)
    FOLDER/sweep.csv          one row per run: the varied values, then the outputs (with
                              pyarrow also sweep.parquet)
    FOLDER/effects.csv        how strongly each variable moves each output (`effects`)

`warp.report.effect_figures` draws them.

A run is stored as soon as it ends and never repeated: the same command continues an interrupted
sweep, a larger one adds to it; another sweep needs a folder of its own. A run that the case refuses
(a lid thinner than its foot) is stored as failed, with the reason; one whose process died is tried
again, alone, and given up after the third time. A sweep that is stopped or killed ends its
processes too.

On one machine runs go to processes that share the cores, through pipes: nothing listens on a
network address. With a scheduler's address they go to Dask workers, which need nothing but this
package.
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

from warp.case import named_files
from warp.errors import WarpError
from warp.files import bounded, html_table, whole_file
from warp.results import csv_table, hdf5, metrics
from warp.results.metrics.declaration import Each
from warp.run import child_processes, effects, sweep_folder
from warp.run.sampling import Design
from warp.run.to_file import inputs

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.case.errors import Problem

TRIES = 3  # for a run whose process dies
PATIENCE = 20  # s for a scheduler to answer
OUTPUTS = ("sweep.json", "sweep.csv", "effects.csv", "points/key.json")
DECIDED = ("done", "failed")
"""Status of a record that is not computed again."""
Task = tuple[str, str, dict[str, str]]
"""The case's text, its path (for its power maps), and the values that replace the file's."""
OnRun = Callable[[int, int, Mapping[str, Any]], None]
"""Called after each run with the number of ended runs, the number of all, and its record."""


@dataclass(frozen=True)
class Outcome:
    """A finished sweep: the design, one record per point, the files and the effects.

    series: every output, one number per point, NaN where a run failed. main: the output to draw.
    """

    design: Design
    records: list[dict[str, Any]]
    files: list[Path]
    effects: list[effects.Effect]
    series: dict[str, np.ndarray]
    main: str | None

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Return the records of the runs that gave no numbers."""
        return [record for record in self.records if record["status"] != "done"]

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame: a row a run, the varied values and then the outputs."""
        try:
            import pandas  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ImportError:
            raise WarpError("to_pandas needs pandas: pip install pandas") from None
        variables = self.design.variables
        columns: dict[str, Any] = {
            v.label: [v.number(point[n]) if v.numeric else point[n] for point in self.design.points]
            for n, v in enumerate(variables)
        }
        return pandas.DataFrame(columns | self.series)

    def _repr_html_(self) -> str:
        """Return a table of the runs with the main output, for notebooks."""
        keys = [v.key for v in self.design.variables]
        values = self.series.get(self.main or "", np.full(len(self.records), np.nan))
        rows = [
            [*point, f"{value:+.1f}" if np.isfinite(value) else str(record.get("error", "–"))]
            for point, value, record in zip(self.design.points, values, self.records, strict=True)
        ]
        return html_table.html(f"{len(rows)} runs", (*keys, self.main or "output"), rows)


def point(task: Task, device: str = "auto", threads: int | None = None) -> dict[str, Any]:
    """Run one point in this process; return its record, with the reason if it failed."""
    from warp.case import case as cases
    from warp.machine import device as devices
    from warp.results import measured
    from warp.run import process

    start = time.perf_counter()
    text, path, overrides = task
    record: dict[str, Any] = {"overrides": overrides, "status": "done"}
    try:
        case = cases.parse(text, Path(path), overrides)
        result = process.solve(case, devices.select(device, threads))
        record["numbers"] = outputs(result.summary())
        board = measured.board_part(result)
        record["main"] = None if board is None else f"{board}.bottom warpage (um)"
        record["telling"] = [
            f"{part}.{side} warpage (um)" for part, side in measured.telling(result)
        ]
    except WarpError as error:
        record |= {"status": "failed", "error": str(error)}
    except Exception as error:  # must not end the other runs; the next sweep tries it again
        record |= {"status": "crashed", "error": f"{type(error).__name__}: {error}"}
    return record | {"seconds": time.perf_counter() - start}


def outputs(summary: Mapping[str, Any]) -> dict[str, float]:
    """Return the outputs of a run by column name, e.g. "substrate.bottom warpage (um)"."""
    found = {}
    numbers = hdf5.plain(summary)
    for group, number in metrics.declared():
        if number.swept:
            for where, values in group.entries(numbers):
                subject = where if group.each in (Each.SURFACE, Each.PART) else ""
                label = f"{subject} {number.swept}".strip()
                if values.get(number.key) is not None:
                    found[f"{label} ({number.unit.table})"] = float(values[number.key])
    return found


def sweep(
    case: Case,
    design: Design,
    folder: Path,
    *,
    device: str = "auto",
    workers: int | None = None,
    scheduler: str | None = None,
    on_run: OnRun | None = None,
) -> Outcome:
    """Make every run that is not stored yet, then the tables."""
    refuse_misspelt(case, design)
    sweep_folder.refuse_another(case, design, folder)
    points = folder / "points"
    points.mkdir(parents=True, exist_ok=True)
    for output in OUTPUTS:
        whole_file.check_writable(folder / output, inputs=inputs(case))
    with sweep_folder.held(folder):
        return _sweep(case, design, folder, device, workers, scheduler, on_run)


def _sweep(
    case: Case,
    design: Design,
    folder: Path,
    device: str,
    workers: int | None,
    scheduler: str | None,
    on_run: OnRun | None,
) -> Outcome:
    points = folder / "points"
    tasks = [_task(case, design, values) for values in design.points]
    keys = [key_of(task) for task in tasks]
    _put(folder / "sweep.json", sweep_folder.described(case, design))
    records = {key: found for key in set(keys) if (found := _stored(points / f"{key}.json"))}
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
            if on_run is not None:
                on_run(len(records), len(set(keys)), record)
    outcome = tabulate(design, [records[key] for key in keys], folder)
    if len(outcome.failed) == len(outcome.records):
        reason = outcome.failed[0].get("error")
        raise WarpError(f"none of the {len(outcome.records)} runs could be made: {reason}")
    return outcome


def refuse_misspelt(case: Case, design: Design) -> None:
    """Raise CaseError if both end values of a key are rejected with the same message.

    No value between them can work then; usually the key is misspelt.
    """
    from warp.case import case as cases
    from warp.case.errors import CaseError

    problems: list[set[Problem]] = []
    for fraction in (0.0, 1.0):
        text, path, overrides = _task(case, design, [v.at(fraction) for v in design.variables])
        try:
            cases.parse(text, Path(path), overrides)
            return
        except CaseError as error:
            problems.append(set(error.problems))
    keys = {f"--set {v.key}": f"--vary {v.key}" for v in design.variables}
    wrong = [
        replace(problem, key=keys[problem.key])
        for problem in problems[0] & problems[1]
        if problem.key in keys
    ]
    if wrong:
        raise CaseError(sorted(wrong, key=str))


def key_of(task: Task) -> str:
    """Return a name for a run, from everything that decides its result."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        program = version("warpage")
    except PackageNotFoundError:
        program = "unknown"
    text, path, overrides = task
    whole = json.dumps([program, text, sorted(overrides.items())]).encode()
    whole += named_files.digest_of_files(text, Path(path), overrides)
    return hashlib.sha256(whole).hexdigest()[:20]


def on_this_machine(
    tasks: Mapping[str, Task],
    workers: int | None = None,
    device: str = "auto",
    run: Callable[..., Any] = point,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run tasks in processes that share the cores (or the GPU), and yield each as it ends."""
    from multiprocessing import active_children, get_context

    from warp.machine import device as devices

    chosen, others = devices.select(device), set(active_children())
    cores = devices.cores()
    count = min(len(tasks), workers or (1 if chosen.cuda else cores))
    left, deaths = dict(tasks), Counter[str]()
    suspects = 0  # after a death: runs that were under way, now made alone to find the culprit
    while left:
        many = 1 if suspects else count
        batch = dict(list(left.items())[: 1 if suspects else None])
        pool = ProcessPoolExecutor(
            many, mp_context=get_context("spawn"), initializer=child_processes.follow_parent
        )
        try:
            with child_processes.unheard(), child_processes.without_main():
                futures = {
                    pool.submit(run, task, chosen.choice, max(1, cores // many)): key
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
                suspects = many + 1  # a pool takes runs in order, one more than it has processes
            elif deaths[first] < TRIES - 2:
                deaths[first] += 1
            else:
                task = left.pop(first)
                suspects -= 1
                yield first, _crashed(task, "its process died")
        except BaseException:  # interrupted: end the runs under way
            for process in set(active_children()) - others:
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def through_dask(
    tasks: Mapping[str, Task], scheduler: str, device: str = "auto", run: Callable[..., Any] = point
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run tasks on the workers of a Dask scheduler, which repeats a run whose worker died."""
    try:
        import distributed  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise WarpError("--scheduler needs Dask: pip install 'warpage[sweep]'") from None
    dask: Any = distributed  # without types
    try:
        client = dask.Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise WarpError(
            f"no Dask scheduler answers at {scheduler}: {error or type(error).__name__}"
        ) from None
    with client:
        futures = {
            client.submit(run, task, device, key=f"warp-{key}", retries=TRIES - 1): key
            for key, task in tasks.items()
        }
        for future in dask.as_completed(list(futures)):
            key = futures[future]
            if future.status == "finished":
                yield key, future.result()
            else:
                reason = f"{type(future.exception()).__name__}: {future.exception()}"
                yield key, _crashed(tasks[key], reason)


def _crashed(task: Task, reason: str) -> dict[str, Any]:
    return {"overrides": task[2], "status": "crashed", "error": reason, "seconds": 0.0}


def tabulate(design: Design, records: list[dict[str, Any]], folder: Path) -> Outcome:
    """Write the tables of all runs to `folder`; records: one per point of the design."""
    outputs = list(dict.fromkeys(name for record in records for name in record.get("numbers", {})))
    series = {
        name: np.array([r.get("numbers", {}).get(name, np.nan) for r in records], float)
        for name in outputs
    }
    moved = [
        one for name, values in series.items() for one in effects.effects(design, name, values)
    ]
    head = ["run", *(v.label for v in design.variables), *outputs, "seconds", "status", "error"]
    rows = [_row(design, number, record, outputs) for number, record in enumerate(records, start=1)]
    files = [
        csv_table.write_csv(folder / "sweep.csv", head, rows),
        *_parquet(folder / "sweep.parquet", head, rows),
        _effects_table(moved, folder / "effects.csv"),
    ]
    main = next((record["main"] for record in records if record.get("main")), None)
    return Outcome(design, records, files, moved, series, main)


def _row(design: Design, number: int, record: dict[str, Any], outputs: Sequence[str]) -> list[Any]:
    """Return the row of the table for run `number`, counted from 1."""
    values = zip(design.variables, design.points[number - 1], strict=True)
    inputs = [variable.number(text) if variable.numeric else text for variable, text in values]
    found = [record.get("numbers", {}).get(name) for name in outputs]
    end = [round(record["seconds"], 3), record["status"], record.get("error", "")]
    return [number, *inputs, *found, *end]


def _effects_table(found: Sequence[effects.Effect], path: Path) -> Path:
    """Write the effects as a table, unknown ones as empty cells."""
    rows = []
    for effect in found:
        numbers = effect.effect, effect.r2, effect.first, effect.total
        cells = [f"{number:.6g}" if np.isfinite(number) else "" for number in numbers]
        rows.append([effect.output, effect.variable, *cells])
    head = ["output", "variable", "effect", "r2", "first_order", "total"]
    return csv_table.write_csv(path, head, rows)


def _task(case: Case, design: Design, values: Sequence[str]) -> Task:
    own = {v.key: text for v, text in zip(design.variables, values, strict=True)}
    return case.text, str(case.path), {**case.overrides, **own}


def _stored(path: Path) -> dict[str, Any] | None:
    """Read the record of a run; None if it crashed, or the file is missing or damaged.

    A damaged record is one without the digest of its content: the run is made again.
    """
    try:
        record = json.loads(bounded.read_text(path))
        whole = record.pop("digest") == _digest(record)
        return record if whole and record["status"] in DECIDED else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _digest(record: Mapping[str, Any]) -> str:
    """Return a digest of a record's content, whatever the order of its keys."""
    text = json.dumps(record, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _put(path: Path, value: Mapping[str, Any]) -> None:
    """Write a record or a description with the digest of its content."""
    plain = json.loads(json.dumps(hdf5.plain(value)))
    with whole_file.replacing(path) as temporary:
        whole = plain | {"digest": _digest(plain)}
        temporary.write_text(json.dumps(whole, indent=1), encoding="utf-8")


def _parquet(path: Path, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Path]:
    """Write the same table as Parquet, if pyarrow is installed."""
    try:
        import pyarrow  # type: ignore[import-not-found,unused-ignore]
        from pyarrow import parquet
    except ImportError:
        return []
    columns = {name: [row[n] for row in rows] for n, name in enumerate(head)}
    with whole_file.replacing(path) as temporary:
        parquet.write_table(pyarrow.table(columns), temporary)
    return [path]
