"""Print what the machine has: versions of the packages, the GPU, and the time to compile every .cu.

    python tests/gpu/environment.py      one JSON object a line

Imports the package inside the function, so that the versions are printed even where it cannot load.
"""

import json
import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    *("numpy", "scipy", "numba", "llvmlite", "h5py", "pydantic", "pint", "typer", "rich"),
    *("platformdirs", "matplotlib", "cupy-cuda13x", "cupy-cuda12x", "pytest", "pytest-xdist"),
)


def installed(name: str) -> str | None:
    """Return the version of a distribution, None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def main() -> None:
    """Print versions first, then select the GPU and compile all its kernels."""
    found: dict[str, object] = {"python": platform.python_version(), "cores": os.cpu_count()}
    print(json.dumps({"env": found | {name: installed(name) for name in PACKAGES}}), flush=True)

    import numba  # noqa: F401  # refuses a NumPy that is too new, with a sentence that says so

    from warp.machine import device

    chosen = device.select(os.environ.get("GPU_DAY_DEVICE", "cuda"))
    memory = [round(size / 1e9, 1) for size in chosen.memory()]
    print(json.dumps({"device": chosen.describe(), "memory_GB": memory}), flush=True)
    if chosen.cuda:
        runtime = chosen.xp.cuda.runtime
        versions = {"cupy": chosen.xp.__version__, "driver": runtime.driverGetVersion()}
        print(json.dumps(versions | {"runtime": runtime.runtimeGetVersion()}), flush=True)
    start = time.perf_counter()
    chosen.compile_all()
    print(json.dumps({"compile_all_s": round(time.perf_counter() - start, 2)}), flush=True)


if __name__ == "__main__":
    main()
