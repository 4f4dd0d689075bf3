"""Linear thermo-elasticity of the free body: div sigma = 0, sigma = C (strain - thermal strain).

Unknown: displacement U in m on the faces of the voxels (u on x-faces, v on y-faces, w on z-faces). Finite differences
in energy form: normal strains at cell centres, shear strains on cell edges, so the matrix is symmetric and rigid
motions cost nothing; second order in space, no shear locking at any aspect ratio, thin soft layers exact in series. One
cell through a layer has no bending stiffness of its own: 1 - 1/N^2 of it with N cells. Free surfaces carry no traction;
at a mirror plane the normal displacement is zero; the body floats, its mean displacement and rotation are taken out.
In the notation of kernels/elastic.py,

    A U = f,    A = Bn^T (V C) Bn + Bs^T K Bs,    f = Bn^T (V C thermal strain) + Bs^T K (free shear at lateral faces)

Solved by conjugate gradients in float64, preconditioned by one float32 V-cycle (elastic_level). Stiffness is taken at
the mean temperature of each medium, thermal strain at each voxel's own temperature, from the medium's stress-free one.
Virieux, Geophysics 51 (1986) 889, for the staggered grid.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from warp import history, krylov
from warp.device import Device
from warp.elastic_coefficients import spacings
from warp.elastic_level import Cycle, SparseRows
from warp.free_edges import (
    PAD,
    displacement_shape,
    energy_matrix,
    free_shear,
    lateral_faces,
    stiffness_of,
    strain_matrix,
)
from warp.reuse import Moduli, Reuse, moduli_of
from warp.voxelize import VoxelModel

NODES = 65
"""Temperatures at which the thermal stress of a medium is tabulated when the temperature varies in space."""


@dataclass(frozen=True)
class Solution:
    """Displacement (3, nz+1, ny+1, nx+1) in m; the residual of each iteration relative to the load.

    `state`: what the body remembers, where the solve was a step of a process (`before`).
    """

    displacement: np.ndarray
    iterations: int
    residuals: list[float]
    seconds: float
    state: history.State | None = None


class Operator:
    """A of the module's equation on a device, from material ids; and the parts a preconditioner is built from."""

    def __init__(self, model: VoxelModel, device: Device, temperature: np.ndarray, stiffness: Moduli | None = None) -> None:
        """`temperature` (media,): the temperature in K at which each medium's stiffness is taken, unless it is given."""
        grid = model.grid
        nz, ny, nx = grid.shape
        self.device, self.mirror, self.n = device, grid.mirror, (nx, ny, nz)
        self.lines = grid.x, grid.y, grid.z
        self.ids = np.zeros((nz + 2, ny + 2, nx + PAD), np.uint16)
        self.ids[1 : nz + 1, 1 : ny + 1, 1 : nx + 1] = model.ids
        normal, shear = moduli(model, temperature) if stiffness is None else stiffness
        self.cell = np.ascontiguousarray(normal.T)
        with np.errstate(divide="ignore"):
            self.soft = np.ascontiguousarray(4 / shear.T)
        self.widths = []
        for d in (grid.dx, grid.dy, grid.dz):
            a = np.ones(len(d) + PAD)
            a[1 : len(d) + 1] = d
            self.widths.append(a)
        w = np.zeros((nz + 1, ny, nx), bool)
        solid = model.ids > 0
        w[:-1] |= solid
        w[1:] |= solid

        def compliance(e, k, j, i):
            return self.soft[e, model.ids[k, j, i]] / 4

        self.edges = lateral_faces(solid, compliance, (grid.dx, grid.dy, grid.dz), w, grid.mirror)
        self.free = energy_matrix(self.edges, spacings(self.lines)[1::2], self.n)
        self._tilts = SparseRows(self.free, device, np.float32, np.float64)
        ids = device.asarray(self.ids)
        tables = (self.cell, self.soft, *self.widths, *spacings(self.lines))
        self._arguments = {real: (ids, *(device.asarray(a, real) for a in tables)) for real in (np.float32, np.float64)}

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

    def apply_plain(self, out, x, keep: float = 0.0, sign: float = 1.0) -> None:
        """Do the same without the free edges."""
        nx, ny, nz = self.n
        real = x.dtype.type
        args = (out, x, keep, sign, *self.arguments(real), *map(int, self.mirror), *self.n)
        self.device.launch("elastic", "media_apply", (nx + 1, ny + 1, nz + 1), *args, real=real)


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
) -> Solution:
    """Solve for the displacement at `temperature` in K (one, or (nz, ny, nx)); `progress(iteration, residual)`.

    With `before`, a step of a process (history): from the state of the step before (or State.start) on the same grid, in
    `duration` s, which only viscoelastic media notice; without it these have their instantaneous stiffness.
    `reuse` keeps the preconditioner from one step to the next on the same voxels.
    Raises ConvergenceError when the relative residual does not reach `tolerance`.
    """
    if before is not None:
        return _step(model, temperature, device, tolerance, progress, before, duration, reuse or Reuse())
    start = time.perf_counter()
    A = Operator(model, device, mean_temperature(model, temperature))
    f = load(model, A, temperature)
    x, residuals = krylov.solve(device, A.apply, device.asarray(f), Cycle(A), tolerance, "thermo-elasticity", progress)
    nx, ny, nz = A.n
    U = device.to_host(x)[..., 1 : nx + 2].copy()
    remove_rigid_motion(U, model)
    return Solution(U, len(residuals) - 1, residuals, time.perf_counter() - start)


def _step(
    model: VoxelModel,
    temperature: float | np.ndarray,
    device: Device,
    tolerance: float,
    progress: Callable[[int, float], None] | None,
    before: history.State,
    duration: float,
    reuse: Reuse,
) -> Solution:
    """Solve A dU = -(forces of the present stresses); residuals relative to the load or the forces of the past."""
    start = time.perf_counter()
    mean, strain = mean_temperature(model, temperature), free_strain(model, temperature)
    voxels = history.relaxing_voxels(before, model, moduli(model, mean), mean, duration, strain)
    A = Operator(model, device, mean, (voxels.normal, voxels.shear))
    bent = np.concatenate([np.zeros(0), *(free_shear(e, model.ids, partial(strain, e.face), A.lines) for e in A.edges)])
    step = history.Step(before, model, A, voxels, thermal_stress(model, A.cell.T, temperature), bent)
    f, hindered = step.imbalance(), load(model, A, temperature)
    scale = max(float(np.linalg.norm(a.reshape(-1))) for a in (f, hindered, f - hindered))
    ratio = float(np.linalg.norm(f.reshape(-1))) / scale if scale else 0.0
    x, residuals = np.zeros(A.shape), [ratio]
    if ratio > tolerance:
        told = None if progress is None else lambda n, r: progress(n, r * ratio)
        name, goal = "thermo-elasticity", tolerance / ratio
        cycle = reuse.of(A, (voxels.normal, voxels.shear))
        found, relative = krylov.solve(device, A.apply, device.asarray(f), cycle, goal, name, told)
        reuse.took(relative)
        x, residuals = device.to_host(found), [r * ratio for r in relative]
    field = temperature if isinstance(temperature, np.ndarray) else np.full((1, 1, 1), temperature)
    state = step.after(x, strain, np.broadcast_to(field, model.ids.shape))
    U = state.displacement.copy()
    remove_rigid_motion(U, model)
    return Solution(U, len(residuals) - 1, residuals, time.perf_counter() - start, state)


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
    """Kernel arguments (table (3, media, nodes), T, first, per_kelvin, tk, tj, ti) of elastic_setup.thermal_load."""
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
    inside = temperature[model.ids > 0]
    low, high = float(inside.min()), float(inside.max())
    return low + max(high - low, 1e-3) * np.linspace(0, 1, NODES)


def load(model: VoxelModel, A: Operator, temperature: float | np.ndarray) -> np.ndarray:
    """Thermal load f of A U = f in the solver's layout."""
    from warp.kernels import elastic_setup

    f = np.zeros(A.shape)
    args = thermal_stress(model, A.cell.T, temperature)
    elastic_setup.thermal_load(f, A.ids, *args, *A.widths, *map(int, A.mirror), *A.n)
    if isinstance(temperature, np.ndarray):
        f += free_edge_load(model, A, temperature)
    return f


def free_edge_load(model: VoxelModel, A: Operator, temperature: np.ndarray) -> np.ndarray:
    """Bs^T K (free shear) of the lateral free edges, whose tilt is that of a plane inside."""
    strain = free_strain(model, temperature)
    free = [free_shear(e, model.ids, partial(strain, e.face), A.lines) for e in A.edges]
    B = strain_matrix(A.edges, spacings(A.lines)[1::2], A.n)
    return (B.T @ (stiffness_of(A.edges) * np.concatenate(free))).reshape(A.shape)


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


def remove_rigid_motion(U: np.ndarray, model: VoxelModel) -> None:
    """Take the least-squares translation and rotation out of U (3, nz+1, ny+1, nx+1), those that mirror planes allow.

    The weight of a displacement is the solid volume beside its face.
    """
    grid = model.grid
    nz, ny, nx = grid.shape
    lines = [
        q - (q[0] if mirrored else q.mean())
        for q, mirrored in zip((grid.x, grid.y, grid.z), (*grid.mirror, False), strict=True)
    ]
    volume = np.where(model.ids > 0, grid.dz[:, None, None] * grid.area, 0.0)
    modes = motions(grid.mirror)
    gram, moment = np.zeros((len(modes),) * 2), np.zeros(len(modes))
    components = []
    for a, u in enumerate((U[0, :nz, :ny], U[1, :nz, :, :nx], U[2, :, :ny, :nx])):
        x, y, z = (q if b == a else (q[1:] + q[:-1]) / 2 for b, q in enumerate(lines))
        place = x[None, None, :], y[None, :, None], z[:, None, None]
        fields = [np.broadcast_to(np.asarray(mode(*place)[a], float), u.shape) for mode in modes]
        ends = [(1, 1) if axis == 2 - a else (0, 0) for axis in range(3)]
        beside = np.pad(volume, ends)
        weight = beside.take(range(u.shape[2 - a]), 2 - a) + beside.take(range(1, u.shape[2 - a] + 1), 2 - a)
        for p, field in enumerate(fields):
            moment[p] += np.vdot(field * weight, u)
            gram[p] += [np.vdot(field * weight, other) for other in fields]
        components.append((u, fields, weight > 0))
    unseen = np.diag(gram) <= 1e-24 * gram.max()  # the rotation about a single column of cells moves no face of it
    gram[unseen], gram[:, unseen], moment[unseen] = 0.0, 0.0, 0.0
    gram[unseen, unseen] = 1.0
    amount = np.linalg.solve(gram, moment)
    for u, fields, exists in components:
        for c, field in zip(amount, fields, strict=True):
            u -= c * field
        u *= exists
    U[0, ..., 0] *= not grid.mirror[0]
    U[1, :, 0] *= not grid.mirror[1]


def motions(mirror: tuple[bool, bool]) -> list[Callable]:
    """Rigid motions (u, v, w)(x, y, z) that respect the mirror planes."""
    found: list[Callable] = [lambda x, y, z: (0, 0, 1)]
    if not mirror[0]:
        found += [lambda x, y, z: (1, 0, 0), lambda x, y, z: (z, 0, -x)]
    if not mirror[1]:
        found += [lambda x, y, z: (0, 1, 0), lambda x, y, z: (0, z, -y)]
    if not any(mirror):
        found.append(lambda x, y, z: (-y, x, 0))
    return found


def stress(
    model: VoxelModel, displacement: np.ndarray, temperature: float | np.ndarray, state: history.State | None = None
) -> np.ndarray:
    """Stress (6, nz, ny, nx) in Pa at voxel centres: xx yy zz yz xz xy; zero in void.

    Of a step's end it is the stress of the strains since birth in `state`, and the displacement does not matter.
    """
    from warp.kernels import elastic_setup

    nz, ny, nx = model.grid.shape
    normal, shear = moduli(model, mean_temperature(model, temperature))
    ids = np.zeros((nz + 2, ny + 2, nx + PAD), np.uint16)
    ids[1 : nz + 1, 1 : ny + 1, 1 : nx + 1] = model.ids
    with np.errstate(divide="ignore"):
        soft = np.ascontiguousarray(4 / shear.T)
    widths, centres = [], []
    for d in (model.grid.dx, model.grid.dy, model.grid.dz):
        widths.append(np.concatenate([[1.0], d, [1.0, 1.0]]))
        centres.append(np.concatenate([d[:1], (d[1:] + d[:-1]) / 2, d[-1:]]))
    out = np.zeros((6, nz, ny, nx))
    args = thermal_stress(model, normal, temperature)
    cell = np.ascontiguousarray(normal.T)
    if state is not None:
        history.stress(out, state, model, (normal, shear), (ids, cell, soft), args, widths, centres)
        return out
    elastic_setup.stress(out, displacement, ids, cell, soft, *args, *widths, *centres, nx, ny, nz)
    return out
