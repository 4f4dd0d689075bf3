"""Solve packages on one device, or compare what two devices found: fields, warpage, iterations.

    python tests/gpu/parity.py solve DEVICE FOLDER      results of every case of CASES into FOLDER
    python tests/gpu/parity.py compare CPU GPU          two such folders; exit code 1 if they differ

Prints one JSON object a line.
"""

import json
import os
import sys
import time
import traceback
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

import warp
from warp.case import case
from warp.machine.device import Device, select

# Name of data/packages/NAME.toml: overrides. Heat and stress, pins, a process, a table, relaxation,
# orthotropic layers.
CASES: dict[str, dict[str, str]] = {
    "flip-chip": {},
    "fcbga-lid": {
        "load.temperature": '"solved"',
        "output.fields": '["temperature", "displacement", "stress"]',
    },
    "bumps-resolved": {"grid.refine": "0.7"},
    "process-fcbga": {"grid.refine": "0.5"},
    "wafer-table": {"grid.refine": "0.6"},
    "process-mould": {"grid.refine": "0.4"},
    "substrate-layout": {"grid.refine": "0.4"},
}
# Largest difference between the devices, relative to the field's largest value (1e-6 unless named).
# Solves end at a
# relative residual of 1e-8; one iteration more or less moves a displacement by 1e-7, a wafer's by
# 1e-6.
TOLERANCE = {"displacement": 5e-6, "stress": 1e-5}


def package(name: str) -> str:
    """Return the path of data/packages/NAME.toml."""
    return str(resources.files("warp.data") / "packages" / f"{name}.toml")


def chosen() -> dict[str, dict[str, str]]:
    """Return the cases that GPU_DAY_CASES names (blanks between them), or all."""
    names = os.environ.get("GPU_DAY_CASES", "").split() or list(CASES)
    return {name: CASES.get(name, {}) for name in names}


def solve(device: str, folder: str) -> None:
    """Solve every case on a device; write numbers and fields into `folder`."""
    selected = select(device)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, overrides in chosen().items():
        try:
            solve_one(name, overrides, selected, Path(folder))
        except Exception as error:  # the other cases are still worth running
            tell(parity=name, device=device, failed=f"{type(error).__name__}: {error}")
            traceback.print_exc()


def solve_one(name: str, overrides: dict[str, str], device: Device, folder: Path) -> None:
    """Solve one case; write NAME.json and a .npy for each field."""
    start = time.perf_counter()
    result = warp.solve(case.load(package(name), overrides), device)
    found = {
        "voxels": int(result.grid.cells),
        "seconds": round(time.perf_counter() - start, 2),
        "iterations": {k: int(np.size(v)) - 1 for k, v in result.residuals.items()},
    }
    for field, values in result.fields.items():
        np.save(folder / f"{name}-{field}.npy", np.asarray(values))
    document = json.dumps(found | {"metrics": result.metrics}, default=str)
    (folder / f"{name}.json").write_text(document)
    tell(parity=name, device=device.name, **found)


def compare(cpu: str, gpu: str) -> None:
    """Compare the folders of two devices; exit with 1 if any case differs or lacks its GPU
    result.
    """
    same = [compare_one(Path(cpu), Path(gpu), name) for name in chosen()]
    sys.exit(0 if all(same) else 1)


def compare_one(on_cpu: Path, on_gpu: Path, name: str) -> bool:
    """Compare one case and print the differences; a case that only the CPU could not finish counts
    as the same.
    """
    files = [folder / f"{name}.json" for folder in (on_cpu, on_gpu)]
    missing = [str(file) for file in files if not file.exists()]
    if missing:
        tell(compare=name, missing=missing)
        return files[1].exists()
    cpu, gpu = (json.loads(file.read_text()) for file in files)
    fields = {}
    for file in sorted(on_gpu.glob(f"{name}-*.npy")):
        field = file.stem.removeprefix(f"{name}-")
        fields[field] = difference(np.load(on_cpu / file.name), np.load(file))
    a, b = warpages(cpu["metrics"]), warpages(gpu["metrics"])
    within = all(value <= TOLERANCE.get(field, 1e-6) for field, value in fields.items())
    same = within and a.keys() == b.keys()
    tell(
        compare=name,
        same=same,
        fields=fields,
        warpage_um=max((abs(a[k] - b[k]) for k in a.keys() & b.keys()), default=0.0),
        surfaces=len(a),
        iterations=[cpu["iterations"], gpu["iterations"]],
        seconds=[cpu["seconds"], gpu["seconds"]],
    )
    return same


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest difference relative to the largest value of `a`."""
    largest = float(np.abs(a).max(initial=0.0))
    return float(np.abs(a - b).max(initial=0.0)) / (largest or 1.0)


def warpages(metrics: dict[str, Any]) -> dict[str, float]:
    """Return PART.SIDE -> warpage in um of every surface."""
    found = {}
    for part, sides in (metrics.get("surfaces") or {}).items():
        for side, numbers in sides.items():
            if isinstance(numbers, dict) and numbers.get("warpage_um") is not None:
                found[f"{part}.{side}"] = float(numbers["warpage_um"])
    return found


def tell(**found: Any) -> None:
    """Print one JSON object on a line of its own."""
    print(json.dumps(found, default=str), flush=True)


if __name__ == "__main__":
    {"solve": solve, "compare": compare}[sys.argv[1]](*sys.argv[2:])
