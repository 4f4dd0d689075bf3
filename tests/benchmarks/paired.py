"""Two checkouts of the program side by side: processor time of whole solves and of each kernel.

    python tests/benchmarks/paired.py CASE.toml BEFORE AFTER [runs] [KEY=VALUE ...]

BEFORE and AFTER are Python interpreters of environments with one checkout each, kernels compiled.
Runs take turns, on one thread, so that a machine's other work meets both alike; processor time is
used because wall time is not comparable on a shared machine. Prints the least of the runs, and its
ratio to BEFORE, as a table.
"""

import json
import os
import statistics
import subprocess
import sys

SOLVE = """
import json, sys, time
import warp
from warp.machine import cpu

spent, names = {}, {}
loaded, call = cpu.loaded, cpu._Call.__call__

def named(module, function, kinds):
    found = loaded(module, function, kinds)
    names[found[0]] = function
    return found

def timed(self):
    start = time.process_time()
    call(self)
    name = names.get(self.kernel, "others")
    spent[name] = spent.get(name, 0.0) + time.process_time() - start

cpu.loaded, cpu._Call.__call__ = named, timed
case = warp.load(sys.argv[1], dict(pair.split("=", 1) for pair in sys.argv[2:]))
start = time.process_time()
result = warp.solve(case, device="cpu")
total = time.process_time() - start
iterations = {name: one["iterations"] for name, one in result.summary()["solver"].items()}
print(json.dumps({"total": total, "kernels": sum(spent.values()), **spent, "of": iterations}))
"""
LISTED = 14
ONE_THREAD = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def solved(python: str, words: list[str]) -> dict:
    """Solve once with an interpreter."""
    command = [python, "-c", SOLVE, *words]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **ONE_THREAD}
    )
    return json.loads(done.stdout.splitlines()[-1])


def main(case: str, before: str, after: str, runs: int, overrides: list[str]) -> None:
    """Solve in turns and print the table."""
    found: tuple[list[dict], list[dict]] = ([], [])
    for _ in range(runs):
        for python, into in zip((before, after), found, strict=True):
            into.append(solved(python, [case, *overrides]))
    print(f"iterations {found[0][0]['of']} before, {found[1][0]['of']} after")
    names = set(found[0][0]) & set(found[1][0]) - {"of"}

    def least(side: int, name: str) -> float:
        return min(one[name] for one in found[side])

    for name in sorted(names, key=lambda name: -least(0, name))[:LISTED]:
        pairs = zip(*found, strict=True)
        ratio = statistics.median(new[name] / old[name] for old, new in pairs)
        print(f"{name:20s} {least(0, name):8.3f} {least(1, name):8.3f} s   {ratio:.2f}")


if __name__ == "__main__":
    case, before, after, *more = sys.argv[1:]
    count = int(more.pop(0)) if more and more[0].isdigit() else 3
    main(case, before, after, count, more)
