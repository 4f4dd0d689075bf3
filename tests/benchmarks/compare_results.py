"""Compare two result files dataset by dataset and number by number: bit for bit, or within a
tolerance.

    python tests/benchmarks/compare_results.py OLD.h5 NEW.h5 [--rtol 1e-9]

Prints a line for each dataset, attribute or number that differs, is missing or is new; exit code 1
if there is one. JSON datasets are compared name by name. Provenance that differs from run to run
(IGNORED) is left out.

`--rtol R`: numbers may differ by R times the largest value of their dataset; a number in JSON by R
times itself or, in a list, the list's largest. Integers, texts, shapes and types must agree.
Residual histories then count only by their number of iterations, because their last digits are
round-off.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

IGNORED = {
    *("program", "python", "numpy", "platform", "device", "command", "case_file"),
    *("written", "wall_s", "seconds", "compile_s", "peak_memory_MB"),
}
RESIDUALS = "provenance/residuals"
DIGESTS = {"blake2b", "contents"}  # attributes that differ where data or names do


def differences(old: h5py.File, new: h5py.File, rtol: float = 0.0) -> Iterator[str]:
    """Yield a line for each difference between two open files."""
    names = dict(contents(old)), dict(contents(new))
    for name in sorted(names[0].keys() | names[1].keys()):
        if name not in names[1]:
            yield f"/{name}: missing in the new file"
        elif name not in names[0]:
            yield f"/{name}: only in the new file"
        else:
            yield from attributes(name, names[0][name], names[1][name])
            if all(isinstance(item, h5py.Dataset) for item in (names[0][name], names[1][name])):
                yield from datasets(name, names[0][name][()], names[1][name][()], rtol)


def contents(file: h5py.File) -> Iterator[tuple[str, Any]]:
    """Yield (path, group or dataset), the root first; links to the same dataset (/VTKHDF) once
    each.
    """
    yield "", file
    stack = [("", file)]
    while stack:
        path, group = stack.pop()
        for name, item in group.items():
            inner = f"{path}/{name}".lstrip("/")
            yield inner, item
            if isinstance(item, h5py.Group):
                stack.append((inner, item))


def attributes(name: str, old: Any, new: Any) -> Iterator[str]:
    """Compare the attributes of one group or dataset."""
    for key in sorted((old.attrs.keys() | new.attrs.keys()) - DIGESTS):
        pair = old.attrs.get(key), new.attrs.get(key)
        if not np.array_equal(*pair):
            yield f"/{name}@{key}: {pair[0]} -> {pair[1]}"


def datasets(name: str, old: Any, new: Any, rtol: float) -> Iterator[str]:
    """Compare two datasets: JSON by its names, other text as it is, numbers by value."""
    old, new = np.asarray(old), np.asarray(new)
    documents = [document(old), document(new)]
    if None not in documents:
        yield from values(f"/{name}", *documents, rtol)
    elif old.dtype != new.dtype or (old.shape != new.shape):
        yield f"/{name}: {old.dtype}{old.shape} -> {new.dtype}{new.shape}"
    elif not (rtol and name.startswith(RESIDUALS)) and not same(old, new, rtol):
        yield f"/{name}: {extent(old, new)}"


def document(array: np.ndarray) -> Any:
    """Return the JSON value stored in an array of bytes, None if it is none."""
    if array.dtype != np.uint8 or array.ndim != 1:
        return None
    try:
        return json.loads(array.tobytes())
    except ValueError:
        return None


def values(path: str, old: Any, new: Any, rtol: float, scale: float = 0.0) -> Iterator[str]:
    """Compare two JSON values; `scale`: the largest number of the list that holds them."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if key in IGNORED:
                continue
            if key not in old or key not in new:
                yield (
                    f"{path}.{key}: "
                    f"{'only in the new file' if key in new else 'missing in the new file'}"
                )
            else:
                yield from values(f"{path}.{key}", old[key], new[key], rtol)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        largest = max((abs(v) for v in old if number(v)), default=0.0)
        for n, pair in enumerate(zip(old, new, strict=True)):
            yield from values(f"{path}[{n}]", *pair, rtol, largest)
    elif number(old) and number(new) and float in (type(old), type(new)):
        if not close(old, new, rtol, scale):
            yield f"{path}: {old!r} -> {new!r} ({abs(new - old) / (abs(old) or 1.0):.1e} relative)"
    elif old != new:
        yield f"{path}: {short(old)} -> {short(new)}"


def number(value: Any) -> bool:
    """Tell whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def close(old: float, new: float, rtol: float, scale: float) -> bool:
    """Tell whether two numbers agree; NaN agrees with NaN."""
    if old == new or (old != old and new != new):
        return True
    return abs(new - old) <= rtol * max(abs(old), scale)


def same(old: np.ndarray, new: np.ndarray, rtol: float) -> bool:
    """Tell whether two arrays of one shape agree, bit for bit or relative to the largest value."""
    if not rtol or old.dtype.kind != "f":
        return old.tobytes() == new.tobytes()
    if not np.array_equal(np.isfinite(old), np.isfinite(new)):
        return False
    finite = np.isfinite(old)
    largest = np.abs(old[finite]).max(initial=0.0)
    return bool((np.abs(new[finite] - old[finite]) <= rtol * largest).all())


def extent(old: np.ndarray, new: np.ndarray) -> str:
    """Describe how far two arrays differ: how many values, and the largest difference."""
    if old.dtype.kind not in "fiu":
        return "differs"
    count = int((old != new).sum())
    if old.dtype == np.uint8 and old.ndim == 1:
        return f"{count} of {old.size} bytes differ"
    gap = np.abs(new.astype(float) - old.astype(float)).max(initial=0.0)
    largest = np.abs(old.astype(float)).max(initial=0.0)
    return f"{count} of {old.size} values differ, by {gap / (largest or 1.0):.1e} of the largest"


def short(value: Any, most: int = 60) -> str:
    """Return a value's text, cut to `most` characters."""
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def main(words: list[str] | None = None) -> int:
    """Compare the files that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--rtol", type=float, default=0.0)
    asked = parser.parse_args(words)
    try:
        with h5py.File(asked.old, "r") as old, h5py.File(asked.new, "r") as new:
            found = list(differences(old, new, asked.rtol))
    except OSError as error:
        parser.error(str(error))
    for line in found:
        print(line)
    how = f"within {asked.rtol:g}" if asked.rtol else "bit for bit"
    print(f"{asked.new}: {len(found)} differences" if found else f"{asked.new}: the same {how}")
    return min(1, len(found))


if __name__ == "__main__":
    sys.exit(main())
