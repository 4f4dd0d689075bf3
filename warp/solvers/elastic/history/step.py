"""One step of a body: strains since each voxel was attached free of stress, on one displacement.

    sigma = C(T) [strain - thermal_strain(T, T_ref)],     strain += B dU  in every step

U is counted from the first step on, in the undeformed grid; small strain. The strain of a voxel
counts from the step in which it is attached: it is then free of stress on the deformed body, at the
stress-free temperature T_ref of its medium. Media of the incremental law sum increments of stress
instead (`incremental`). A voxel that is removed loses its stress, and the next
solve lets the rest spring back. An edge (shear) exists between four solid voxels, or at a lateral
free face (free_edges); its strain counts from when it becomes one or the other. A face that appears
takes the displacement of the nearest existing one, first along z: a layer laid on a warped plate is
as warped as the plate, unless it joins `flat`. This is for display only; its strain starts at zero.

Every step solves for the increment, A dU = -(forces of the present stresses under the new
conditions), so that attaching alone moves nothing. When new voxels cover a lateral free face, the
edge there becomes one between four voxels and starts at zero; the force that the half voxel at the
face carried stays as it is (`held`) while its voxels exist. So does the force of an edge whose
face is clamped (solvers.elastic.held), until the clamp ends.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.elastic.free_edges import stiffness_of, strain_matrix
from warp.solvers.elastic.held import NOWHERE, between_held
from warp.solvers.elastic.history import incremental
from warp.solvers.elastic.history.maxwell import Memory, Sites, Voxels
from warp.solvers.elastic.history.state import State, edges_of, flat_indices, transferred
from warp.solvers.elastic.layout import host_of
from warp.solvers.elastic.load import (
    Strain,
    free_edge_shear,
    free_strain,
    mean_temperature,
    thermal_stress,
)
from warp.solvers.elastic.operator import Frame, moduli, operator
from warp.solvers.sparse import FewColumns, add, find
from warp.voxels.voxelize import VoxelModel


class Step:
    """Operator and forces of a step, and the state after it.

    `A`: operator at the end of the step; `begin`: the state before, on the voxels of this step;
    `displacement` (3, nz+1, ny+1, nx+1): the total one before.
    """

    def __init__(
        self,
        model: VoxelModel,
        temperature: np.ndarray,
        device: Device,
        before: State,
        duration: float,
        clamped: np.ndarray = NOWHERE,
        start: np.ndarray | None = None,
        frame: Frame | None = None,
    ) -> None:
        """temperature: K at the end, (nz, ny, nx) or (1, 1, 1); duration in s.

        clamped: flat indices of displacements that are held during the step. start: temperature in
        K at its beginning, by default the stress-free one of each medium; it counts for media of
        the incremental law only. frame: of the same voxels, if there is one.
        """
        self.model, self.temperature, self.device = model, temperature, device
        self.solid, self.host = model.ids > 0, host_of(device)
        self.free_strain = free_strain(model, temperature)
        mean = mean_temperature(model, temperature)
        elastic = partial(elastic_strain, before, self.free_strain)
        stiffness = moduli(model, mean)
        self.way = incremental.Way(model, start, temperature, stiffness)
        stiffness = self.way.moduli
        self.voxels = Voxels(before.memory, model, stiffness, mean, duration, elastic)
        self.A = operator(model, device, self.voxels.moduli, frame)
        self.thermal = thermal_stress(model, self.voxels.moduli.normal, temperature)
        self.edge_shear = free_edge_shear(model, self.A.body, self.free_strain)
        edges = self.A.edges
        if self.way:
            edges = incremental.lateral_edges(self.A, self.way.at_start)
        self.begin = transferred(before, self.solid, edges)
        self.displacement = self.begin.displacement
        self.lateral = flat_indices(self.begin.lateral, self.solid.shape)
        self.sites = Sites(
            before.memory, model, self.voxels, self.lateral, self.begin.lasting, self.begin.shear
        )
        self.unstrained = before.is_empty and not self.way
        self.tilt = FewColumns.of(strain_matrix(self.A.edges, self.A.body.spacings[1::2], self.A.n))
        marked = (between_held(e, clamped, self.A.shape) for e in self.A.edges)
        self.fixed = np.concatenate([np.zeros(0, bool), *marked])
        self.fixed_forces = before.forces_at(self.lateral[self.fixed])
        if self.way:
            self._take_mean_stiffness(before)

    def _take_mean_stiffness(self, before: State) -> None:
        """Convert the strains before the step to the stiffness of the step (`incremental`)."""
        way, A, model, begin = self.way, self.A, self.model, self.begin
        shear = begin.shear.copy()
        shear.reshape(-1)[self.lateral] -= free_edge_shear(model, A.body, way.free_strain)
        mean = mean_temperature(model, way.start)
        elastic = partial(elastic_strain, before, way.free_strain)
        voxels = Voxels(before.memory, model, way.at_start, mean, 0.0, elastic)
        sites = Sites(before.memory, model, voxels, self.lateral, begin.lasting, begin.shear)
        shear.reshape(-1)[sites.edges] -= sites.offset
        forces = incremental.edge_stiffness(A, self.host, voxels.moduli) * shear
        begin.shear[...] += forces * way.stretch(A, self.host, ending=False)
        way.begin(begin.strain)

    def _take_last_stiffness(self, loaded_shear: np.ndarray) -> None:
        """Convert the strains after the step to the stiffness at its end (`incremental`)."""
        way, A, begin = self.way, self.A, self.begin
        forces = incremental.edge_stiffness(A, self.host, self.voxels.moduli) * loaded_shear
        begin.shear[...] += forces * way.stretch(A, self.host, ending=True)
        way.end(begin.strain, self.free_strain)

    def loaded_shear(self) -> np.ndarray:
        """Return the shear (3, nz+1, ny+1, nx+1) that causes stress.

        The strain less the free shear and less the relaxed part.
        """
        shear = self.begin.shear.copy()
        shear.reshape(-1)[self.lateral] -= self.edge_shear
        shear.reshape(-1)[self.sites.edges] -= self.sites.offset
        return shear

    def imbalance(self) -> Array:
        """Compute the forces that the step must balance, in the solver's layout on the device."""
        A, device, n = self.A, self.device, self.A.n
        ids, _, _, *widths = A.arguments(np.float64)[:7]
        centres = A.arguments(np.float64)[8::2]
        stress, shear, t = self._stresses()
        forces = self._lateral_forces(self._at(shear, self.lateral))
        f = device.zeros(A.shape)
        args = f, stress, t, ids, *widths, *centres, *map(int, A.mirror), *n
        device.launch("history", "imbalance", _faces(n), *args)
        add(device, f, self.tilt.at, -self.tilt.matrix.transposed_times(forces))
        held = edges_of(self.begin.held, self.begin.held_forces)
        pull = FewColumns.of(strain_matrix(held, A.body.spacings[1::2], n))
        add(device, f, pull.at, -pull.matrix.transposed_times(stiffness_of(held)))
        return f

    def in_plane(self) -> np.ndarray:
        """Compute the stress in the plane (3, nz+1, ny+1, nx+3) before the increment, in N m.

        Stress times volume: xx and yy of voxels, xy of edges along z; in the solver's layout.
        """
        nx, ny, nz = self.A.n
        on_device, _, edges = self._stresses()
        stress, t = self.device.to_host(on_device), self.device.to_host(edges)
        dx, dy, _, hz = (
            d[1 : n + 1] for d, n in zip(self.A.body.widths, (nx, ny, nz, nz), strict=True)
        )
        found = np.zeros(self.A.shape)
        volume = hz[:, None, None] * dy[:, None] * dx
        found[:2, :nz, :ny, 1 : nx + 1] = stress[:2] * volume
        if t[2].any():  # memory that is not written takes no room
            found[2, :, :, 1 : nx + 2] = t[2]
        return found

    def _strains(self) -> tuple[Array, Array]:
        """Return the strain of voxels and the shear of edges before the step, on the device."""
        nx, ny, nz = self.A.n
        if self.unstrained:
            edges = (3, nz + 1, ny + 1, nx + 1)
            return self.device.zeros((3, nz, ny, nx)), self.device.zeros(edges)
        return self.device.asarray(self.begin.strain), self.device.asarray(self.begin.shear)

    def _stresses(self) -> tuple[Array, Array, Array]:
        """Return the stress of voxels in Pa, the `loaded_shear`, and it times K in N m.

        All on the device.
        """
        A, device, n = self.A, self.device, self.A.n
        ids, cell, soft, *widths = A.arguments(np.float64)[:7]
        strain, shear = self._strains()
        stress, t = device.empty(strain.shape), device.empty(shear.shape)
        table, T, *nodes = self.thermal
        thermal = *device.together(table, T), *nodes
        device.launch("history", "cell_stress", _faces(n), stress, strain, ids, cell, *thermal, *n)
        if len(self.voxels.at):
            at = device.asarray(self.voxels.at)
            stress.reshape(3, -1)[:, at] += device.asarray(self.voxels.past())
        del strain
        if not self.unstrained:
            shear = shear.copy()
        add(device, shear, self.lateral, -self.edge_shear)
        add(device, shear, self.sites.edges, -self.sites.offset)
        device.launch("history", "edge_forces", _faces(n), t, shear, ids, soft, *widths, *n)
        return stress, shear, t

    def _at(self, field: Array, at: np.ndarray) -> np.ndarray:
        """Read a field on the device at flat indices."""
        if not len(at):
            return np.zeros(0)
        found: np.ndarray = self.device.to_host(field.reshape(-1)[self.device.asarray(at)])
        return found

    def _lateral_forces(self, shear: np.ndarray) -> np.ndarray:
        """Return the forces of the lateral edges in N m; shear: their `loaded_shear`.

        Edges in a clamped face keep the force of the step before.
        """
        forces = stiffness_of(self.A.edges) * shear
        forces[self.fixed] = self.fixed_forces
        return forces

    def after(
        self, x: Array, added: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    ) -> State:
        """Return the state after the increment x (solver's layout); overwrites `begin`.

        added: strain xx, yy of voxels and xy of edges along z beyond the linear one, by slopes.
        """
        A, begin, device, n = self.A, self.begin, self.device, self.A.n
        ids, spacings = A.arguments(np.float64)[0], A.arguments(np.float64)[7:]
        x = device.asarray(x)
        strain, shear = self._strains()
        U = device.zeros(shear.shape) if self.unstrained else device.asarray(begin.displacement)
        dU = device.asarray(x[..., 1 : n[0] + 2])
        device.launch("history", "add_strains", _faces(n), strain, shear, dU, ids, *spacings, *n)
        if added is not None:
            strain[0] += device.asarray(added[0])
            strain[1] += device.asarray(added[1])
            shear[2, : n[2]] += device.asarray(added[2])
        device.launch("history", "add_motion", _faces(n), U, dU, ids, *n)
        del dU
        add(device, shear, self.lateral, self.tilt.matrix.times(self._at(x, self.tilt.at)))
        forces = self._lateral_forces(self._at(shear, self.lateral) - self.edge_shear)
        memory = self._memory(strain, shear)
        fields = {"displacement": U, "strain": strain, "shear": shear}
        rows = begin.lateral, forces, begin.held, begin.held_forces
        if not self.way:
            return State.on_device(device, fields, self.solid, *rows, memory)
        U, begin.strain[...], begin.shear[...] = (device.to_host(a) for a in (U, strain, shear))
        self._take_last_stiffness(self.loaded_shear())
        return State(U, self.solid, begin.strain, begin.shear, *rows, memory)

    def _memory(self, strain: Array, shear: Array) -> Memory:
        """Return the memory after the step, of the strain of voxels and the shear of edges."""
        at, edges, device = self.voxels.at, self.sites.edges, self.device
        voxels = device.to_host(strain.reshape(3, -1)[:, device.asarray(at)])
        order = np.argsort(self.lateral)
        number = find(self.lateral[order], edges)
        free = np.append(self.edge_shear[order], 0.0)[number]  # number is -1 where there is none
        temperature = np.take(self.temperature, at, mode="clip")  # a uniform one has a single entry
        keys, gamma = self.sites.after(self._at(shear, edges) - free)
        q = self.voxels.after(voxels - stacked(self.free_strain, at))
        return Memory(at, q, temperature, keys, gamma)


def _faces(n: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the counts of faces along x, y and z of a grid of n cells."""
    return n[0] + 1, n[1] + 1, n[2] + 1


def elastic_strain(before: State, free: Strain, cells: np.ndarray) -> np.ndarray:
    """Return the strain (3, n) without the free one of cells before a step, 0 if they are new."""
    strain = before.strain.reshape(3, -1)[:, cells] - stacked(free, cells)
    return np.where(before.solid.reshape(-1)[cells], strain, 0.0)


def stacked(free_strain: Strain, cells: np.ndarray) -> np.ndarray:
    """Return the thermal strain (3, n) of cells along x, y and z."""
    return np.stack([free_strain(axis, cells) for axis in range(3)])
