"""Time kernels whose spacings come as one packed array against those that take an array for each.

    python tests/benchmarks/packed_arguments.py

Makes the packed form of a kernel from its source (one argument `spacing`, unpacked by rows), runs
both in turn on one thread and prints arguments and the ratio of their processor times.
"""

from __future__ import annotations

import inspect
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from warp.kernels import compiler, elastic
from warp.kernels.host import history
from warp.machine import cache, cpu
from warp.machine.cache import Specialisation

SIZES = NX, NY, NZ = 120, 120, 40
ROUNDS, CALLS = 40, 6


def packed(module: ModuleType, name: str, arrays: list[str], folder: Path) -> str:
    """Add to a kernel module the form of a kernel with one array of spacings; return its name."""
    new = f"{name}_packed"
    source = inspect.getsource(getattr(module, name).function).replace(
        f"def {name}(", f"def {new}("
    )
    head, doc, body = source.split('"""', 2)
    head = re.sub(r",\s*".join(arrays), "spacing", head)
    rows = ", ".join(f"spacing[{n}]" for n in range(len(arrays)))
    text = f'{head}"""{doc}"""\n    {", ".join(arrays)} = {rows}{body}'
    path = folder / f"{new}.py"  # Numba reads the source of what it compiles
    path.write_text(text, encoding="utf-8")
    exec(compile(text, path, "exec"), module.__dict__)
    return new


def kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype.str[1:]}[{value.ndim}]"
    return "f8" if isinstance(value, float) else "i8"


def prepared(module: str, name: str, args: list[Any]) -> Callable[[], None]:
    """Compile a kernel for these arguments and return its call on one thread."""
    wanted = Specialisation(module, name, tuple(map(kind, args)))
    if not wanted.path.exists():
        cache.write(wanted.path, compiler.machine_code(wanted))
    return lambda: cpu.launch(module, name, tuple(args), 1)


def compare(
    module: ModuleType, name: str, before: list[Any], after: list[Any], folder: Path
) -> None:
    """Print the ratio for a kernel with random spacings between the arguments given."""
    names = list(inspect.signature(getattr(module, name).function).parameters)[1:]
    arrays = names[len(before) : len(names) - len(after)]
    spacing = 0.5 + np.random.default_rng(2).random((len(arrays), max(SIZES) + 3))
    spacing = spacing.astype(before[0].dtype)
    short = module.__name__.removeprefix("warp.kernels.")
    separate = prepared(short, name, [*before, *(row.copy() for row in spacing), *after])
    together = prepared(short, packed(module, name, arrays, folder), [*before, spacing, *after])
    ratios = []
    for turn in range(ROUNDS):
        seconds = {}
        for call in (separate, together)[:: 1 if turn % 2 else -1]:
            start = time.process_time()
            for _ in range(CALLS):
                call()
            seconds[call] = time.process_time() - start
        ratios.append(seconds[together] / seconds[separate])
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    count = len(names) - len(arrays) + 1
    print(f"| `{short}.{name}` | {len(names)} | {count} | {middle:.3f} ({low:.3f} to {high:.3f}) |")


def main() -> None:
    """Print a table."""
    rng = np.random.default_rng(1)
    faces, edges = (3, NZ + 1, NY + 1, NX + 3), (3, NZ + 1, NY + 1, NX + 1)
    out, x, K = (rng.random(faces).astype(np.float32) for _ in range(3))
    C = rng.random((6, *faces[1:])).astype(np.float32)
    ids = np.ones((NZ + 2, NY + 2, NX + 3), np.uint16)
    stress, tension = rng.random((3, NZ, NY, NX)), rng.random(edges)
    stored = np.arange(NY + 1, dtype=np.int32)
    ends = [1, 0, NX, NY, NZ]
    print(
        "| kernel | arguments | packed | packed / separate, median (quartiles) |\n|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compare(elastic, "elastic_apply", [out, x, 0.0, 1.0, C, K, stored], ends, folder)
        compare(history, "imbalance", [np.zeros(faces), stress, tension, ids], ends, folder)


if __name__ == "__main__":
    sys.exit(main())
