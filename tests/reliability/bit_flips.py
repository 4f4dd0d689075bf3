"""Flip one bit in the memory of a solve and look at what becomes of its solution.

    python tests/reliability/bit_flips.py 1000 --seed 1

Before a random iteration of the heat or the elastic solve one bit flips in a vector (x, r, p, A p,
the V-cycle's correction, the load), in the solver's scalars, in the coefficients (ids of media,
tables of stiffness or conductance, widths, in the precision of the solve or of the V-cycle) or in
the smoothers of the V-cycle. Outcomes: harmless (the solution is the right one, often some
iterations later), refused (an error), ended (the process crashed), or wrong and unseen. The right
solution is that of an undisturbed solve, within a hundred times the tolerance of the residual.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import campaign
import damaged_results
import numpy as np
from campaign import Trial

from warp.case.case import load
from warp.errors import WarpError
from warp.machine import device
from warp.run import process
from warp.solvers import krylov
from warp.solvers.elastic import operator as elastic
from warp.solvers.heat import operator as heat

SAME = 5e-6  # of the largest value; the residual is 1e-8 of the load, see warp/run/load_step.py
SECONDS = 60


class Injector:
    """Count the iterations of all solves and flip one bit before one of them."""

    def __init__(self, at: int = -1, target: str = "", chance: Any = None) -> None:
        self.at, self.target, self.chance = at, target, chance
        self.count = 0
        self.flipped = ""

    def install(self) -> None:
        """Stand between the solver and its iterations, in this process only."""
        began, stagnates = krylov.Iteration.__init__, krylov._stagnates
        seen: dict[str, Any] = {}

        def begin(iteration: Any, *words: Any) -> None:
            began(iteration, *words)
            seen["iteration"] = iteration

        def before_an_iteration(history: list[float]) -> bool:
            self.count += 1
            if self.count - 1 == self.at:
                self.flip(seen["iteration"])
            return bool(stagnates(history))

        krylov.Iteration.__init__ = begin  # type: ignore[method-assign]
        krylov._stagnates = before_an_iteration

    def flip(self, iteration: Any) -> None:
        """Flip one bit of one number of the target."""
        arrays = [a for a in targets(iteration)[self.target] if a.size]
        if not arrays:
            return
        array = self.chance.choice(arrays)
        flat = array.reshape(-1)
        assert np.shares_memory(flat, array)
        at, bit = self.chance.randrange(flat.size), self.chance.randrange(8 * flat.itemsize)
        before = flat[at]
        flat.view(f"u{flat.itemsize}")[at] ^= np.array(1, f"u{flat.itemsize}") << bit
        self.flipped = f"{iteration.system.name}, {self.target}: {before} to {flat[at]}, bit {bit}"


TARGETS = (
    "x", "r", "p", "A p", "correction", "scalars", "load", "ids", "tables", "single", "smoothers",
)  # fmt: skip


def targets(iteration: Any) -> dict[str, list[np.ndarray]]:
    """The arrays of a solve, by what they are."""
    operator = iteration.system.apply.__self__
    if isinstance(operator, heat.Operator):
        stored = operator._arrays
        ids = [stored["ids"], stored["cell"]]
        tables, single = stored[np.float64], stored.get(np.float32, [])
    else:
        assert isinstance(operator, elastic.Operator)
        body = operator.body
        ids = [body.ids]
        tables, single = list(body._applied[np.float64][1:]), list(body._applied[np.float32][1:])
    levels = [value for level in iteration.cycle.levels for value in inside(level, 3)]
    return {
        "x": [iteration.x],
        "r": [iteration.r],
        "p": [iteration.p],
        "A p": [iteration.q],
        "correction": [iteration.cycle.fine.x],
        "scalars": [iteration.s],
        "load": [iteration.system.b],
        "ids": ids,
        "tables": tables,
        "single": single,
        "smoothers": [a for a in levels if a.dtype.kind == "f"],
    }


def inside(thing: Any, depth: int) -> list[np.ndarray]:
    """Arrays that an object holds."""
    if isinstance(thing, np.ndarray):
        return [thing] if thing.flags.c_contiguous and thing.flags.writeable else []
    if depth == 0:
        return []
    below = (
        list(thing)
        if isinstance(thing, list | tuple)
        else list(getattr(thing, "__dict__", {}).values())
    )
    return [array for value in below for array in inside(value, depth - 1)]


def solved(injector: Injector) -> dict[str, np.ndarray]:
    """Solve the heated package; return its fields."""
    injector.install()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "case.toml"
        path.write_text(damaged_results.HEATED)
        result = process.solve(load(path), device.select("cpu"))
    return {name: np.asarray(field) for name, field in result.fields.items()}


def in_a_child(injector: Injector, folder: Path) -> tuple[int | None, str, str]:
    """Solve in a process of its own; return its exit code, its outcome and what was flipped."""
    child = os.fork()
    if not child:
        code = 70
        try:
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            outcome = "refused"
            try:
                fields = solved(injector)
                np.savez(folder / "fields.npz", **fields)
                outcome = f"{injector.count}"
            except WarpError as error:
                outcome = f"refused: {error}"
            except Exception as error:
                outcome = f"fault: {type(error).__name__}: {error}"
            (folder / "said.json").write_text(json.dumps([outcome, injector.flipped]))
            code = 0
        finally:
            os._exit(code)
    import time

    code = campaign.wait(child, time.monotonic(), [], SECONDS)
    said = folder / "said.json"
    outcome, flipped = json.loads(said.read_text()) if said.exists() else ("", "")
    return code, outcome, flipped


@cache
def undisturbed() -> tuple[dict[str, np.ndarray], int]:
    """The fields without a flip, and how many iterations they take."""
    with tempfile.TemporaryDirectory() as name:
        code, outcome, _ = in_a_child(Injector(), Path(name))
        assert code == 0 and outcome.isdigit(), outcome
        with np.load(Path(name) / "fields.npz") as fields:
            return dict(fields), int(outcome)


def attempt(trial: Trial) -> None:
    """Flip one bit in one solve."""
    right, iterations = undisturbed()
    target = TARGETS[trial.number % len(TARGETS)]
    injector = Injector(trial.random.randrange(iterations), target, trial.random)
    code, outcome, flipped = in_a_child(injector, trial.folder)
    if code != 0:
        kind = "not ended" if code is None else f"ended by signal {signal.Signals(-code).name}"
    elif not flipped:
        kind = "nothing to flip"
    elif not outcome.isdigit():
        kind = outcome.partition(":")[0]
        trial.expect(kind == "refused", f"{flipped}: {outcome}")
    else:
        with np.load(trial.folder / "fields.npz") as fields:
            worst = max(
                float(np.abs(fields[n] - right[n]).max() / np.abs(right[n]).max())
                for n in ("temperature", "displacement")
            )
        kind = "harmless" if worst <= SAME else "wrong"
        if kind == "harmless" and int(outcome) > iterations:
            kind = "harmless, with more iterations"
        trial.expect(kind != "wrong", f"unseen: {flipped}: differs by {worst:.1e}")
    trial.outcomes[f"{target}: {kind}"] += 1


def prepare() -> None:
    """Make once what every trial needs."""
    undisturbed()


if __name__ == "__main__":
    campaign.preload()
    prepare()
    sys.exit(campaign.main(attempt, __doc__.splitlines()[0], 1000))
