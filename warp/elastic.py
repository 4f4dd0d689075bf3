"""Linear thermo-elasticity of the free body: div sigma = 0, sigma = C (strain - thermal strain).

Unknown: displacement U in m on the faces of the voxels (u on x-faces, v on y-faces, w on z-faces). Finite differences
in energy form: normal strains at cell centres, shear strains on cell edges, so the matrix is symmetric and rigid
motions cost nothing; second order in space, no shear locking at any aspect ratio, thin soft layers exact in series. One
cell through a layer has no bending stiffness of its own: 1 - 1/N^2 of it with N cells. Free surfaces carry no traction;
at a mirror plane the normal displacement is zero; the body floats, its mean displacement and rotation are taken out. In
a step of a process faces may be held, or a table may carry it (supports, contact).
In the notation of kernels/elastic.py,

    A U = f,    A = Bn^T (V C) Bn + Bs^T K Bs,    f = Bn^T (V C thermal strain) + Bs^T K (free shear at lateral faces)

Solved by conjugate gradients in float64, preconditioned by one float32 V-cycle (elastic_level). Stiffness is taken at
the mean temperature of each medium, thermal strain at each voxel's own temperature, from the medium's stress-free one.
Virieux, Geophysics 51 (1986) 889, for the staggered grid.
"""

import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy import sparse

from warp import contact, history, krylov
from warp.device import Device, parts, select
from warp.elastic_coefficients import spacings
from warp.elastic_level import Cycle
from warp.free_edges import (
    PAD,
    bordered,
    displacement_shape,
    energy_matrix,
    free_shear,
    lateral_faces,
    stiffness_of,
    strain_matrix,
)
from warp.reuse import Moduli, Reuse, moduli_of
from warp.rigid import remove_rigid_motion
from warp.scattered import SparseRows, add, numbered
from warp.springs import Springs
from warp.supports import Carrier, Clamp, Table, flattening, held
from warp.voxelize import VoxelModel

NODES = 65
"""Temperatures at which the thermal stress of a medium is tabulated when the temperature varies in space."""


@dataclass(frozen=True)
class Solution:
    """Displacement (3, nz+1, ny+1, nx+1) in m; the residual of each iteration relative to the load.

    `state`: what the body remembers, where the solve was a step of a process (`before`); `resting`: on a table.
    """

    displacement: np.ndarray
    iterations: int
    residuals: list[float]
    seconds: float
    state: history.State | None = None
    resting: contact.Resting | None = None


class Operator:
    """A of the module's equation on a device, from material ids; and the parts a preconditioner is built from."""

    def __init__(self, model: VoxelModel, device: Device, temperature: np.ndarray, stiffness: Moduli | None = None) -> None:
        """`temperature` (media,): the temperature in K at which each medium's stiffness is taken, unless it is given."""
        grid = model.grid
        nz, ny, nx = grid.shape
        self.device, self.mirror, self.n = device, grid.mirror, (nx, ny, nz)
        self.lines = grid.x, grid.y, grid.z
        normal, shear = moduli(model, temperature) if stiffness is None else stiffness
        self.cell = np.ascontiguousarray(normal.T)
        with np.errstate(divide="ignore"):
            self.soft = np.ascontiguousarray(4 / shear.T)
        self.widths = []
        for d in (grid.dx, grid.dy, grid.dz):
            a = np.ones(len(d) + PAD)
            a[1 : len(d) + 1] = d
            self.widths.append(a)
        ids = bordered(device, model.ids)
        self.edges = lateral_faces(device, ids, self.soft, (grid.dx, grid.dy, grid.dz), grid.mirror)
        self.free = self._lateral = energy_matrix(self.edges, spacings(self.lines)[1::2], self.n)
        self.springs: Springs | None = None
        self._eased: tuple | None = None
        self._tilts = self.free.rows(device, np.float32, np.float64)
        tables = (self.cell, self.soft, *self.widths, *spacings(self.lines))
        law = np.zeros((self.cell.shape[1], 12))
        law[:, :6], law[:, 6:9] = normal, self.soft.T / 4
        geometry = *self.widths, *spacings(self.lines)
        self._applied = {real: (ids, *(device.asarray(a, real) for a in (law, *geometry))) for real in (np.float32, np.float64)}
        self._arguments = {real: (ids, *(device.asarray(a, real) for a in tables)) for real in (np.float32, np.float64)}

    def on(self, springs: Springs, moved: np.ndarray | None = None, ease: np.ndarray | None = None) -> "Operator":
        """The same body on springs S to the ground; with `moved` V (springs, m) and `ease` E (m, m) on S - V E V^T."""
        other = copy(self)
        other.springs = springs
        other.free = self._lateral + springs.matrix
        other._tilts = other.free.rows(self.device, np.float32, np.float64)
        if moved is not None and ease is not None:
            sums, V = np.arange(moved.shape[1]), sparse.csr_matrix(moved)
            gather = SparseRows(self.device, sums, (sparse.csr_matrix(ease) @ V.T).tocsr(), springs.at, np.float64)
            spread = SparseRows(self.device, springs.at, V, sums, np.float64)
            other._eased = gather, spread, self.device.zeros(len(sums))
        return other

    @cached_property
    def ids(self) -> np.ndarray:
        """Material ids with their border on the host, for steps."""
        return self.device.to_host(self.arguments(np.float64)[0])

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the solver's displacement arrays."""
        return displacement_shape(*self.n)

    def arguments(self, real) -> tuple:
        """The kernels' (ids, cell, soft, dx, dy, dz, rdx, rcx, rdy, rcy, rdz, rcz)."""
        return self._arguments[real]

    def apply(self, out, x, keep: float = 0.0, sign: float = 1.0) -> None:
        """out = keep out + sign A x."""
        self.apply_plain(out, x, keep, sign)
        self._tilts.apply(out, x, sign, 1.0)
        if self._eased is not None:
            gather, spread, sums = self._eased
            gather.apply(sums, x, 1.0, 0.0)
            spread.apply(out, sums, -sign, 1.0)

    def apply_plain(self, out, x, keep: float = 0.0, sign: float = 1.0) -> None:
        """Do the same without the free edges."""
        nx, ny, nz = self.n
        real = x.dtype.type
        args = (out, x, keep, sign, *self._applied[real], *map(int, self.mirror), *self.n)
        extent = nx + 1, ny + 1, parts((nx + 1) * (ny + 1), nz + 1)
        self.device.launch("elastic", "media_apply", extent, *args, real=real)


def restored(arrays: Mapping[str, np.ndarray], model: VoxelModel, device: Device) -> Reuse:
    """Make a preconditioner again from `Reuse.arrays`, with the same numbers."""
    if not arrays:
        return Reuse()
    stiffness = moduli_of(arrays)
    cycle = Cycle(Operator(model, device, np.zeros(0), stiffness))
    return Reuse(cycle, stiffness, *(float(pace) for pace in arrays["pace"]))


def moduli(model: VoxelModel, temperature: np.ndarray) -> Moduli:
    """Normal stiffness (media, 6) and shear moduli (media, 3) in Pa, each medium at its own temperature."""
    known = {}
    for t in np.unique(temperature):
        known[t] = model.media.stiffness(float(t)), model.media.shear(float(t))
    rows = range(len(temperature))
    return np.stack([known[temperature[m]][0][m] for m in rows]), np.stack([known[temperature[m]][1][m] for m in rows])


def solve(
    model: VoxelModel,
    temperature: float | np.ndarray,
    device: Device,
    tolerance: float = 1e-8,
    progress: Callable[[int, float], None] | None = None,
    before: history.State | None = None,
    duration: float = 0.0,
    reuse: Reuse | None = None,
    support: Carrier = None,
) -> Solution:
    """Solve for the displacement at `temperature` in K (one, or (nz, ny, nx)); `progress(iteration, residual)`.

    With `before`, a step of a process (history): from the state of the step before (or State.start) on the same grid, in
    `duration` s, which only viscoelastic media notice; without it these have their instantaneous stiffness.
    `reuse` keeps the preconditioner from one step to the next on the same voxels; `support` carries the body in a step.
    Raises ConvergenceError when the relative residual does not reach `tolerance`.
    """
    if before is not None:
        return _step(model, temperature, device, tolerance, progress, before, duration, reuse or Reuse(), support)
    start = time.perf_counter()
    A = Operator(model, device, mean_temperature(model, temperature))
    f = partial(load, model, A, temperature)
    x, residuals = krylov.solve(device, A.apply, f, Cycle(A), tolerance, "thermo-elasticity", progress)
    U = device.asarray(x[..., 1 : A.n[0] + 2])
    remove_rigid_motion(device, U, A.arguments(np.float64)[0], model.grid)
    return Solution(device.to_host(U), len(residuals) - 1, residuals, time.perf_counter() - start)


def _step(
    model: VoxelModel,
    temperature: float | np.ndarray,
    device: Device,
    tolerance: float,
    progress: Callable[[int, float], None] | None,
    before: history.State,
    duration: float,
    reuse: Reuse,
    support: Carrier,
) -> Solution:
    """Solve A dU = -(forces of the present stresses); residuals relative to the load or the forces of the past."""
    start = time.perf_counter()
    mean, strain = mean_temperature(model, temperature), free_strain(model, temperature)
    voxels = history.relaxing_voxels(before, model, moduli(model, mean), mean, duration, strain)
    A = Operator(model, device, mean, (voxels.normal, voxels.shear))
    bent = np.concatenate([np.zeros(0), *(free_shear(e, model.ids, partial(strain, e.face), A.lines) for e in A.edges)])
    step = history.Step(before, model, A, voxels, thermal_stress(model, A.cell.T, temperature), bent)
    f, hindered = step.imbalance(), device.to_host(load(model, A, temperature))
    scale = max(float(np.linalg.norm(a.reshape(-1))) for a in (f, hindered, f - hindered))
    resting = None
    if isinstance(support, Clamp):
        reuse.forget()
        at, by = held(model, support, A.shape)
        target = flattening(model, step.body.displacement, at, by) if support.flat else np.zeros(len(at))
        x, residuals = _hold(A, f, at, target, scale, tolerance, progress)
    else:
        x, residuals = _float(A, f, lambda: reuse.of(A, (voxels.normal, voxels.shear)), scale, tolerance, progress)
        reuse.took(residuals)
    if isinstance(support, Table):
        more, ways, resting = contact.rest(model, A, f, x, step.body.displacement, scale, tolerance, progress)
        x, residuals = x + more, residuals + ways
    field = temperature if isinstance(temperature, np.ndarray) else np.full((1, 1, 1), temperature)
    state = step.after(x, strain, np.broadcast_to(field, model.ids.shape))
    U = device.xp.array(state.displacement)
    remove_rigid_motion(device, U, A.arguments(np.float64)[0], model.grid)
    return Solution(device.to_host(U), len(residuals) - 1, residuals, time.perf_counter() - start, state, resting)


def _float(A: Operator, f: np.ndarray, cycle: Callable[[], Cycle], scale: float, tolerance: float, progress) -> tuple:
    """Solve A x = f with nothing that holds the body; the residuals relative to `scale`."""
    ratio = float(np.linalg.norm(f.reshape(-1))) / scale if scale else 0.0
    if ratio <= tolerance:
        return np.zeros(A.shape), [ratio]
    told = None if progress is None else lambda n, r: progress(n, r * ratio)
    goal = tolerance / ratio
    found, relative = krylov.solve(A.device, A.apply, A.device.asarray(f), cycle(), goal, "thermo-elasticity", told)
    return A.device.to_host(found), [r * ratio for r in relative]


HELD = 1e10
"""Stiffness of a support in that of a voxel: what it gives way by is below the tolerance, and is then set right."""


def _hold(A: Operator, f: np.ndarray, at: np.ndarray, target: np.ndarray, scale: float, tolerance: float, progress) -> tuple:
    """The same with x = target at flat places `at`."""
    given = np.zeros(A.shape)
    given.reshape(-1)[at] = target
    f = f - contact.product(A, given)
    f.reshape(-1)[at] = 0.0
    dx, dy, dz = (np.diff(q) for q in A.lines)
    stiff = HELD * float(A.cell[:3].max() * dx.max() * dy.max() / dz.min())
    B = A.on(Springs(at, np.full(len(at), stiff)))
    scale = max(scale, float(np.linalg.norm(f.reshape(-1))))
    x, residuals = _float(B, f, lambda: Cycle(B), scale, tolerance, progress)
    x.reshape(-1)[at] = target
    return x, residuals


def mean_temperature(model: VoxelModel, temperature: float | np.ndarray) -> np.ndarray:
    """Volume-mean temperature (media,) of each medium."""
    count = len(model.media.materials)
    if not isinstance(temperature, np.ndarray):
        return np.full(count, float(temperature))
    total, volume = np.zeros(count), np.zeros(count)
    for k, dz in enumerate(model.grid.dz):
        row, v = model.ids[k].reshape(-1), model.grid.area.reshape(-1) * dz
        total += np.bincount(row, v * temperature[k].reshape(-1), count)
        volume += np.bincount(row, v, count)
    mean = total[1:].sum() / volume[1:].sum()
    return np.where((volume > 0) & (np.arange(count) > 0), total / np.where(volume > 0, volume, 1), mean)


def thermal_stress(model: VoxelModel, normal: np.ndarray, temperature: float | np.ndarray) -> tuple:
    """Kernel arguments (table (3, media, nodes), T, first, per_kelvin, tk, tj, ti) of elastic_load.thermal_load."""
    varies = isinstance(temperature, np.ndarray)
    nodes = temperature_nodes(model, temperature)
    c = normal[:, [[0, 5, 4], [5, 1, 3], [4, 3, 2]]]
    table = np.stack([np.einsum("mab,mb->ma", c, model.media.thermal_strain(float(t))) for t in nodes], axis=-1)
    T = np.ascontiguousarray(temperature, float) if varies else np.full((1, 1, 1), nodes[0])
    return np.ascontiguousarray(table.transpose(1, 0, 2)), T, nodes[0], 1 / (nodes[1] - nodes[0]), *[int(varies)] * 3


def temperature_nodes(model: VoxelModel, temperature: float | np.ndarray) -> np.ndarray:
    """Temperatures, evenly spaced, that span those of the solid."""
    if not isinstance(temperature, np.ndarray):
        return temperature + np.array([0, 1e-3])
    levels = (t[ids > 0] for t, ids in zip(temperature, model.ids, strict=True))
    spans = [(float(t.min()), float(t.max())) for t in levels if t.size]
    low, high = min(s[0] for s in spans), max(s[1] for s in spans)
    return low + max(high - low, 1e-3) * np.linspace(0, 1, NODES)


def load(model: VoxelModel, A: Operator, temperature: float | np.ndarray, out: Any = None) -> Any:
    """Thermal load f of A U = f in the solver's layout, on A's device, written into `out` if that is given."""
    device, (nx, ny, nz) = A.device, A.n
    f = device.zeros(A.shape) if out is None else out
    f[...] = 0
    table, T, *where = thermal_stress(model, A.cell.T, temperature)
    ids, _, _, *widths = A.arguments(np.float64)[:6]
    args = (f, ids, device.asarray(table), device.asarray(T), *where, *widths, *map(int, A.mirror), nx, ny, nz)
    device.launch("elastic_load", "thermal_load", (nx + 1, ny + 1, nz + 1), *args)
    if isinstance(temperature, np.ndarray):
        add(device, f, *free_edge_load(model, A, temperature))
    return f


def free_edge_load(model: VoxelModel, A: Operator, temperature: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bs^T K (free shear) of the lateral free edges, whose tilt is that of a plane inside: flat places, values."""
    strain = free_strain(model, temperature)
    free = [free_shear(e, model.ids, partial(strain, e.face), A.lines) for e in A.edges]
    B = strain_matrix(A.edges, spacings(A.lines)[1::2], A.n)
    at, number = numbered(B.indices)
    forces = np.repeat(stiffness_of(A.edges) * np.concatenate(free), np.diff(B.indptr))
    return at, np.bincount(number, B.data * forces, len(at))


def free_strain(model: VoxelModel, temperature: float | np.ndarray) -> Callable[[int, np.ndarray], np.ndarray]:
    """Return strain(axis, flat cell indices): the thermal strain as `thermal_stress` interpolates it."""
    nodes = temperature_nodes(model, temperature)
    table = np.stack([model.media.thermal_strain(float(t)) for t in nodes])
    ids = model.ids.reshape(-1)

    def strain(axis: int, cells: np.ndarray) -> np.ndarray:
        T = temperature.reshape(-1)[cells] if isinstance(temperature, np.ndarray) else np.full(len(cells), nodes[0])
        at = (T - nodes[0]) / (nodes[1] - nodes[0])
        n = np.clip(at.astype(int), 0, len(nodes) - 2)
        low, high = (table[m, ids[cells], axis] for m in (n, n + 1))
        return low + (at - n) * (high - low)

    return strain


def stress(
    model: VoxelModel,
    displacement: np.ndarray,
    temperature: float | np.ndarray,
    state: history.State | None = None,
    device: Device | None = None,
) -> np.ndarray:
    """Stress (6, nz, ny, nx) in Pa at voxel centres: xx yy zz yz xz xy; zero in void. On the CPU if no device is given.

    Of a step's end it is the stress of the strains since birth in `state`, and the displacement does not matter.
    """
    nz, ny, nx = model.grid.shape
    normal, shear = moduli(model, mean_temperature(model, temperature))
    device = device or select("cpu")
    ids = bordered(select("cpu") if state is not None else device, model.ids)
    with np.errstate(divide="ignore"):
        soft = np.ascontiguousarray(4 / shear.T)
    widths, centres = [], []
    for d in (model.grid.dx, model.grid.dy, model.grid.dz):
        widths.append(np.concatenate([[1.0], d, [1.0, 1.0]]))
        centres.append(np.concatenate([d[:1], (d[1:] + d[:-1]) / 2, d[-1:]]))
    table, T, *where = thermal_stress(model, normal, temperature)
    cell = np.ascontiguousarray(normal.T)
    if state is not None:
        out = np.zeros((6, nz, ny, nx))
        history.stress(out, state, model, (normal, shear), (ids, cell, soft), (table, T, *where), widths, centres)
        return out
    found = device.zeros((6, nz, ny, nx))
    U, *tables = (device.asarray(a) for a in (displacement, cell, soft, table, T))
    lengths = (device.asarray(a) for a in (*widths, *centres))
    device.launch("elastic_load", "stress", (nx, ny, nz), found, U, ids, *tables, *where, *lengths, nx, ny, nz)
    return device.to_host(found)
