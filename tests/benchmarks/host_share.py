"""What the host of a GPU has to do for a solve, measured without a GPU: CPU time of every stage on
one thread, split.

    python tests/benchmarks/host_share.py [VOXELS | CASE.toml] [OVERRIDE=VALUE ...]

The device is the CPU with arrays of a class of its own, as a GPU's are: launches, operations on
such arrays and functions of `device.xp` count as the device's, and a host array among their
operands is an error, as it is in CuPy. The rest is the host's: on one core, or, in kernels that
divide their rows, on all of them. Bytes: those that would cross the bus. The solve stops at a
residual of 1e-2, enough for stresses that differ from voxel to voxel. `walls`: cells along the
lateral faces of all levels, with which the work of a cycle grows; of larger grids too. Prints JSON.
"""

import contextlib
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path

os.environ["NUMBA_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from warp.case import case
from warp.machine import cpu
from warp.machine import device as devices
from warp.results import metrics
from warp.run import model as run_model
from warp.solvers import krylov
from warp.solvers.elastic import rigid
from warp.solvers.elastic import stress as elastic_stress
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.history.step import Step
from warp.solvers.elastic.layout import temperature_array
from warp.solvers.elastic.multigrid.cycle import Cycle, merges
from warp.solvers.krylov import Control, System
from warp.verify import bench
from warp.voxels import voxelize
from warp.voxels.grid import make_grid

LARGER = 100_000_000, 330_000_000
SPENT = {"device": 0.0, "copies": 0.0, "all cores": 0.0, "bytes": 0}
_depth = [0]


@contextlib.contextmanager
def charged(to: str):
    """Add the CPU time of the block to an account; of nested blocks the outermost counts."""
    _depth[0] += 1
    start = time.process_time()
    try:
        yield
    finally:
        _depth[0] -= 1
        if _depth[0] == 0:
            SPENT[to] += time.process_time() - start


class There(np.ndarray):
    """An array on the device."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **more):
        if any(isinstance(a, np.ndarray) and a.ndim and not isinstance(a, There) for a in inputs):
            raise TypeError(f"{ufunc.__name__}: a host array meets one on the device")
        with charged("device"):
            more |= {} if out is None else {"out": plain(out)}
            found = getattr(ufunc, method)(*plain(inputs), **more)
        return there(found) if out is None else out[0]

    def __array_function__(self, function, types, args, more):
        with charged("device"):
            return there(function(*plain(args), **{name: plain(a) for name, a in more.items()}))

    def __getitem__(self, key):
        with charged("device"):
            return there(plain(self)[plain(key)])

    def __setitem__(self, key, value):
        with charged("device"):
            plain(self)[plain(key)] = plain(value)

    def sum(self, axis=None):
        with charged("device"):
            return there(plain(self).sum(axis))

    def min(self, axis=None):
        with charged("device"):
            return there(plain(self).min(axis))

    def max(self, axis=None):
        with charged("device"):
            return there(plain(self).max(axis))

    def any(self, axis=None):
        with charged("device"):
            return there(plain(self).any(axis))

    def copy(self, order="C"):
        with charged("device"):
            return there(plain(self).copy(order))

    def astype(self, *args, **more):
        with charged("device"):
            return there(plain(self).astype(*args, **more))


def plain(a):
    """As NumPy's own."""
    return (
        a.view(np.ndarray)
        if isinstance(a, There)
        else type(a)(map(plain, a))
        if isinstance(a, tuple | list)
        else a
    )


def there(a):
    """As the device's."""
    return np.asarray(a).view(There) if isinstance(a, np.ndarray | np.generic) else a


class Module:
    """NumPy as `device.xp`."""

    def __init__(self, of) -> None:
        self.of = of

    def __getattr__(self, name):
        found = getattr(self.of, name)
        if isinstance(found, type(np.linalg)):
            return Module(found)

        def call(*args, **more):
            with charged("device"):
                return there(found(*plain(args), **{name: plain(a) for name, a in more.items()}))

        return found if isinstance(found, type) or not callable(found) else call


class Device(devices.Device):
    """The CPU that counts."""

    xp = Module(np)

    def asarray(self, a, dtype=None):
        if isinstance(a, There):
            with charged("device"):
                return there(np.ascontiguousarray(plain(a), dtype))
        with charged("copies"):
            found = np.array(a, dtype, order="C")
        SPENT["bytes"] += found.nbytes
        return there(found)

    def to_host(self, a):
        SPENT["bytes"] += a.nbytes
        with charged("copies"):
            return np.array(plain(a))

    def _call(self, module, function, extent, args, real, own):
        if any(isinstance(a, np.ndarray) and not isinstance(a, There) for a in args):
            raise TypeError(f"{module}.{function}: a host array")
        call = super()._call(module, function, extent, plain(args), real, own)

        def run():
            with charged("device"):
                call()

        return run


def measure(path: Path, overrides: dict[str, str]) -> dict:
    """Every stage in turn."""
    rows: dict = {}

    @contextlib.contextmanager
    def stage(name: str):
        before, start = dict(SPENT), time.process_time()
        yield
        spent = {key: SPENT[key] - before[key] for key in SPENT}
        host = time.process_time() - start - spent["device"] - spent["copies"] - spent["all cores"]
        rows[name] = {
            "one core": round(host, 4),
            **{key: round(value, 4) for key, value in spent.items()},
        }

    device = Device("cpu", 1)
    with stage("model"):
        loaded = case.load(path, overrides)
        bodies, T = loaded.bodies(), loaded.loads.temperature
        grid = make_grid(bodies, loaded.grid, loaded.mirror)
        model = voxelize.voxelize(bodies, loaded.materials(), grid, loaded.loads.stress_free)
        run_model.covered_parts(loaded, model)
        run_model.refuse_loose(model)
    with stage("step"):
        temperature, start = temperature_array(T), State.start(grid.shape)
        step = Step(model, temperature, device, start, duration=0.0)
        A, forces = step.A, step.imbalance()
    with stage("cycle"):
        cycle = Cycle(A)
    with stage("solve"):
        system = System("elastic", A.apply, device.asarray(forces))
        x, _ = krylov.solve(device, system, cycle, Control(1e-2))
    del cycle
    with stage("displacement"):
        state = step.after(x)
        U = state.on(device, "displacement").copy()
        rigid.remove_rigid_motion(device, U, A.body.ids, grid)
        del x, A, step
    with stage("stress"):
        sigma = elastic_stress.stress_on_device(model, temperature, state, device)
    with stage("numbers"):
        metrics.evaluate(
            model,
            None,
            U,
            sigma,
            surfaces=loaded.surfaces,
            zones=loaded.zones,
            terminals=loaded.terminals,
            device=device,
        )
    columns = grid.shape[1] * grid.shape[2]
    sizes = {"voxels": grid.cells, "columns": columns, "walls": walls(grid)}
    return {"case": path.name, **sizes, "stages": rows}


def walls(grid) -> int:
    """Count the cells along two lateral faces, x and y, on all levels of the cycle."""
    x, y, z = grid.x, grid.y, grid.z
    levels = [(x, y), *(step.coarse for step in merges((x, y, z), grid.mirror))]
    return sum((len(a) + len(b)) * (len(z) - 1) for a, b in levels)


def walls_of(voxels: int) -> int:
    """Count them for the bench's package on a grid of about so many voxels."""
    loaded = case.load(bench.package(), bench.spaced(voxels))
    return walls(make_grid(loaded.bodies(), loaded.grid, loaded.mirror))


def on_all_cores(prepared):
    """Count kernels that divide their rows, launched on the host, as work of all its cores."""

    def counted(module, function, args, threads):
        call = prepared(module, function, args, threads)
        if not getattr(import_module(f"warp.kernels.{module}"), function).parallel:
            return call

        def run():
            with charged("all cores"):
                call()

        return run

    return counted


if __name__ == "__main__":
    cpu.prepared = on_all_cores(cpu.prepared)
    first, *more = sys.argv[1:] or ["1000000"]
    path = Path(first) if first.endswith(".toml") else bench.package()
    overrides = {} if first.endswith(".toml") else bench.spaced(int(float(first)))
    measure(bench.package(), bench.spaced(90_000))  # compiled
    measure(
        Path(__file__).parents[2] / "data" / "packages" / "bumps-resolved.toml",
        {"grid.refine": "0.5"},
    )
    found = measure(path, overrides | dict(word.split("=", 1) for word in more))
    found["walls of larger grids"] = {str(n): walls_of(n) for n in LARGER}
    print(json.dumps(found, indent=1))
