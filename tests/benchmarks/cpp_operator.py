"""The elastic operator against plain C++: the loop of kernels/elastic.cu compiled with g++ -O3,
same arrays, same threads.

    python tests/benchmarks/cpp_operator.py [OVERRIDE=VALUE ...]          needs g++ with OpenMP

Both compute out = A x from material ids on the lidded flip chip, turn by turn; the best of ten
turns counts. Every point of the C++ loop looks its coefficients up anew, as one would write it
first; the rows of kernels/elastic.py share them. Prints one JSON object.
"""

import ctypes
import json
import re
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from warp.case import case
from warp.machine import declarations
from warp.machine import device as devices
from warp.run.model import build
from warp.solvers.elastic import load as elastic_load
from warp.solvers.elastic import operator as elastic_operator
from warp.verify import bench

HEADER = """
struct Place { int x, y, z; };
static const Place blockIdx{0, 0, 0}, threadIdx{0, 0, 0}, blockDim{1, 1, 1}, gridDim{1, 1, 1};
template <class T> T min(T a, T b) { return a < b ? a : b; }
template <class T> T max(T a, T b) { return a > b ? a : b; }
#define __global__
#define __device__
#define __launch_bounds__(...)
"""
TURNS = 10


def compiled(real: str) -> ctypes.CDLL:
    """kernels/elastic.cu as a library: rows in parallel, points one after another."""
    text = declarations.source("elastic")
    loop = '_Pragma("omp parallel for") for (int j = (first); j < (end); ++j)'
    macro = f"#define EACH_Y(j, first, end) {loop}"
    text = re.sub(r"#define EACH_Y(?:.*\\\n)*.*", macro, text)
    for axis in "XZ":
        loop = f"#define EACH_{axis}(n, first, end) for (int n = (first); n < (end); ++n)"
        text = re.sub(rf"#define EACH_{axis}(?:.*\\\n)*.*", loop, text)
    out = Path(tempfile.mkdtemp()) / "elastic.so"
    flags = [
        "-x",
        "c++",
        "-std=c++17",
        "-O3",
        "-march=native",
        "-fopenmp",
        "-fPIC",
        "-shared",
        "-w",
        f"-DREAL={real}",
    ]
    subprocess.run(["g++", *flags, "-", "-o", str(out)], input=HEADER + text, text=True, check=True)
    return ctypes.CDLL(str(out))


def passed(values: list) -> list:
    """Arrays by address, numbers by their type."""
    kinds = {bool: ctypes.c_bool, int: ctypes.c_int}
    return [
        ctypes.c_void_p(v.ctypes.data) if isinstance(v, np.ndarray) else kinds[type(v)](v)
        for v in values
    ]


def main() -> None:
    place = devices.select("cpu")
    found = case.load(bench.package(), dict(text.split("=", 1) for text in sys.argv[1:]))
    model = build(found, place)
    A = elastic_operator.operator(
        model,
        place,
        elastic_operator.moduli(
            model, elastic_load.mean_temperature(model, found.loads.temperature)
        ),
    )
    report = {"case": bench.PACKAGE, "voxels": model.grid.cells, "precisions": {}}
    for real, name, number in (
        (np.float64, "double", ctypes.c_double),
        (np.float32, "float", ctypes.c_float),
    ):
        x = np.random.default_rng(1).standard_normal(A.shape).astype(real)
        x[..., 0] = x[..., -2:] = 0
        ours, theirs = np.zeros(A.shape, real), np.zeros(A.shape, real)
        media = A.arguments(real)
        sizes = [bool(A.mirror[0]), bool(A.mirror[1]), *A.n, media[1].shape[1], media[2].shape[1]]
        call = partial(
            compiled(name).media_apply,
            *passed([theirs, x]),
            number(0),
            number(1),
            *passed([*media, *sizes]),
        )
        times: dict[str, list[float]] = {"numba": [], "c++": []}
        A.body.apply(ours, x, 0.0, 1.0)
        for _ in range(TURNS):
            for who, run in (("numba", partial(A.body.apply, ours, x, 0.0, 1.0)), ("c++", call)):
                start = time.perf_counter()
                run()
                times[who].append(time.perf_counter() - start)
        best = {who: min(seconds) for who, seconds in times.items()}
        inside = (slice(None),) * 3 + (slice(1, A.n[0] + 2),)
        report["precisions"][name] = {
            "ns_per_voxel": {
                who: 1e9 * seconds / model.grid.cells for who, seconds in best.items()
            },
            "ratio": best["numba"] / best["c++"],
            "difference": float(abs(ours[inside] - theirs[inside]).max() / abs(ours).max()),
        }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
