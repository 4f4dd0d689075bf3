"""One step of a body: strains since each voxel was attached free of stress, on one displacement.

    sigma = C(T) [strain - thermal_strain(T, T_ref)],     strain += B dU  in every step

U is counted from the first step on, in the undeformed grid; small strain. The strain of a voxel
counts from the step in which it is attached: it is then free of stress on the deformed body, at the
stress-free temperature T_ref of its medium. Media of the incremental law sum increments of stress
instead (`incremental`). A voxel that is removed loses its stress, and the next
solve lets the rest spring back. An edge (shear) exists between four solid voxels, or at a lateral
free face (free_edges); its strain counts from when it becomes one or the other. A face that appears
takes the displacement of the nearest existing one, first along z: a layer laid on a warped plate is
as warped as the plate. This is for display only; its strain starts at zero.

Every step solves for the increment, A dU = -(forces of the present stresses under the new
conditions), so that attaching alone moves nothing. When new voxels cover a lateral free face, the
edge there becomes one between four voxels and starts at zero; the force that the half voxel at the
face carried stays as it is (`held`) while its voxels exist. So does the force of an edge whose
face is clamped (solvers.elastic.held), until the clamp ends.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from warp.machine.device import Device
from warp.solvers.elastic.free_edges import stiffness_of, strain_matrix
from warp.solvers.elastic.held import NOWHERE, between_held
from warp.solvers.elastic.history import incremental
from warp.solvers.elastic.history.maxwell import Memory, Sites, Voxels
from warp.solvers.elastic.history.state import State, edges_of, faces_of, flat_indices, transferred
from warp.solvers.elastic.layout import host_of
from warp.solvers.elastic.load import (
    Strain,
    free_edge_shear,
    free_strain,
    mean_temperature,
    thermal_stress,
)
from warp.solvers.elastic.operator import Frame, moduli, operator
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
        self.model, self.temperature = model, temperature
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
        self.centres = self.A.body.spacings[1::2]
        self.B = strain_matrix(self.A.edges, self.centres, self.A.n)
        held = edges_of(self.begin.held, self.begin.held_forces)
        of_held = strain_matrix(held, self.centres, self.A.n)
        self.held = of_held.transposed_times(stiffness_of(held))
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

    def imbalance(self) -> np.ndarray:
        """Compute the forces that the step must balance, in the solver's layout."""
        A, body, host, n = self.A, self.A.body, self.host, self.A.n
        extent = n[0] + 1, n[1] + 1, n[2] + 1
        stress, shear, t = self._stresses()
        f, mirror = np.zeros(A.shape), map(int, A.mirror)
        args = f, stress, t, A.ids, *body.widths, *self.centres, *mirror, *n
        host.launch("host.history", "imbalance", extent, *args)
        lateral = self.B.transposed_times(self._lateral_forces(shear))
        f -= (lateral + self.held).reshape(f.shape)
        return f

    def in_plane(self) -> np.ndarray:
        """Compute the stress in the plane (3, nz+1, ny+1, nx+3) before the increment, in N m.

        Stress times volume: xx and yy of voxels, xy of edges along z; in the solver's layout.
        """
        nx, ny, nz = self.A.n
        stress, _, t = self._stresses()
        dx, dy, _, hz = (
            d[1 : n + 1] for d, n in zip(self.A.body.widths, (nx, ny, nz, nz), strict=True)
        )
        found = np.zeros(self.A.shape)
        volume = hz[:, None, None] * dy[:, None] * dx
        found[:2, :nz, :ny, 1 : nx + 1] = stress[:2] * volume
        found[2, :, :, 1 : nx + 2] = t[2]
        return found

    def _stresses(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the stress of voxels in Pa, the `loaded_shear`, and it times K in N m."""
        A, body, host, n = self.A, self.A.body, self.host, self.A.n
        extent = n[0] + 1, n[1] + 1, n[2] + 1
        stress, t = np.empty_like(self.begin.strain), np.empty_like(self.begin.shear)
        args = stress, self.begin.strain, A.ids, body.cell, *self.thermal, *n
        host.launch("host.history", "cell_stress", extent, *args)
        stress.reshape(3, -1)[:, self.voxels.at] += self.voxels.past()
        shear = self.loaded_shear()
        host.launch(
            "host.history", "edge_forces", extent, t, shear, A.ids, body.soft, *body.widths, *n
        )
        return stress, shear, t

    def _lateral_forces(self, shear: np.ndarray) -> np.ndarray:
        """Return the forces of the lateral edges in N m; shear: as `loaded_shear`.

        Edges in a clamped face keep the force of the step before.
        """
        forces = stiffness_of(self.A.edges) * shear.reshape(-1)[self.lateral]
        forces[self.fixed] = self.fixed_forces
        return forces

    def after(
        self, x: np.ndarray, added: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    ) -> State:
        """Return the state after the increment x (solver's layout); overwrites `begin`.

        added: strain xx, yy of voxels and xy of edges along z beyond the linear one, by slopes.
        """
        A, begin, n = self.A, self.begin, self.A.n
        dU = np.ascontiguousarray(x[..., 1 : n[0] + 2])
        extent = n[0] + 1, n[1] + 1, n[2] + 1
        args = begin.strain, begin.shear, dU, A.ids, *A.body.spacings, *n
        self.host.launch("host.history", "add_strains", extent, *args)
        if added is not None:
            begin.strain[0] += added[0]
            begin.strain[1] += added[1]
            begin.shear[2, : n[2]] += added[2]
        U = begin.displacement
        U += dU
        U[~faces_of(self.solid)] = 0.0
        del dU
        shear = begin.shear.reshape(-1)
        shear[self.lateral] += self.B.times(x.reshape(-1))
        loaded = self.loaded_shear()
        forces, memory = self._lateral_forces(loaded), self._memory(shear.copy())
        if self.way:
            self._take_last_stiffness(loaded)
        return State(
            displacement=U,
            solid=self.solid,
            strain=begin.strain,
            shear=begin.shear,
            lateral=begin.lateral,
            forces=forces,
            held=begin.held,
            held_forces=begin.held_forces,
            memory=memory,
        )

    def _memory(self, shear: np.ndarray) -> Memory:
        """Return the memory after the step; `shear`: that of all edges, flat, overwritten."""
        at = self.voxels.at
        strain = self.begin.strain.reshape(3, -1)[:, at] - stacked(self.free_strain, at)
        shear[self.lateral] -= self.edge_shear
        sites, gamma = self.sites.after(shear[self.sites.edges])
        temperature = np.take(self.temperature, at, mode="clip")  # a uniform one has a single entry
        return Memory(at, self.voxels.after(strain), temperature, sites, gamma)


def elastic_strain(before: State, free: Strain, cells: np.ndarray) -> np.ndarray:
    """Return the strain (3, n) without the free one of cells before a step, 0 if they are new."""
    strain = before.strain.reshape(3, -1)[:, cells] - stacked(free, cells)
    return np.where(before.solid.reshape(-1)[cells], strain, 0.0)


def stacked(free_strain: Strain, cells: np.ndarray) -> np.ndarray:
    """Return the thermal strain (3, n) of cells along x, y and z."""
    return np.stack([free_strain(axis, cells) for axis in range(3)])
