"""What a body remembers from step to step: strains since birth, on one grid and one displacement field.

    sigma = C(T) [strain since birth - thermal_strain(T, T_birth)],     strain since birth += B dU  in every step

U is counted from the first step on, in the undeformed grid; small strain. A voxel is *born* in the step in which it
first exists, and its strain counts from there: it is free of stress on the deformed body, at its medium's stress-free
temperature. A voxel that is taken away loses its stress, and the next solve lets the rest spring back. An edge (shear)
exists between four solid voxels, or at a lateral free face (free_edges); it is born when it begins to be one or the
other. A face that appears takes the displacement of the nearest one that there was, first along z: a layer laid on a
bent plate is bent as the plate is; that is a way of showing it, its strain counts from zero all the same.

Every step solves for the increment, A dU = -(forces of the present stresses under the new conditions), so that birth
itself moves nothing. Where new voxels cover a lateral free face, the edge there becomes one between four voxels and
starts at zero; the force that the half voxel at the face bore stays as it is (`held`) for as long as its voxels do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from warp.solvers.elastic.free_edges import stiffness_of, strain_matrix
from warp.solvers.elastic.history.maxwell import Memory, Sites, Voxels
from warp.solvers.elastic.history.state import State, Strain, carry, faces_of, places, rows_of
from warp.solvers.elastic.layout import spacings
from warp.voxels.voxelize import VoxelModel

if TYPE_CHECKING:
    from warp.solvers.elastic.operator import Operator


def relaxing_voxels(
    before: State, model: VoxelModel, moduli: tuple, end: np.ndarray, duration: float, free: Strain
) -> Voxels:
    """The viscoelastic voxels of a step that ends at the mean temperatures `end` (media,)."""

    def remembered(cells: np.ndarray) -> np.ndarray:
        strain = before.strain.reshape(3, -1)[:, cells] - np.stack(
            [free(a, cells) for a in range(3)]
        )
        return np.where(before.solid.reshape(-1)[cells], strain, 0.0)

    return Voxels(before.memory, model, moduli, end, duration, remembered)


class Step:
    """One step of a body: the forces it begins with, and its state after a displacement."""

    def __init__(
        self,
        before: State,
        model: VoxelModel,
        A: Operator,
        voxels: Voxels,
        thermal_stress: tuple,
        bent: np.ndarray,
    ) -> None:
        """thermal_stress: arguments of kernels; bent: free shear of A's lateral edges (free_edges)."""
        self.A, self.voxels, self.thermal_stress, self.bent = A, voxels, thermal_stress, bent
        self.solid = model.ids > 0
        self.body = carry(before, self.solid, A.edges)
        self.lateral = places(self.body.lateral, self.solid.shape)
        self.sites = Sites(
            before.memory, model, voxels, self.lateral, self.body.lasting, self.body.shear
        )
        self.spacing = spacings(A.lines)
        self.B = strain_matrix(A.edges, self.spacing[1::2], A.n)
        held = rows_of(self.body.held, self.body.held_forces)
        self.held = strain_matrix(held, self.spacing[1::2], A.n).T @ stiffness_of(held)

    def springs(self) -> np.ndarray:
        """Shear (3, nz+1, ny+1, nx+1) that bears stress: less what is free, and what the past has relaxed."""
        shear = self.body.shear.copy()
        shear.reshape(-1)[self.lateral] -= self.bent
        shear.reshape(-1)[self.sites.edges] -= self.sites.offset
        return shear

    def imbalance(self) -> np.ndarray:
        """What the stresses leave to be balanced, in the solver's layout."""
        from warp.kernels.host import history as kernels

        A, n = self.A, self.A.n
        S, t, f = np.empty_like(self.body.strain), np.empty_like(self.body.shear), np.zeros(A.shape)
        kernels.cell_stress(S, self.body.strain, A.ids, A.cell, *self.thermal_stress, *n)
        S.reshape(3, -1)[:, self.voxels.at] += self.voxels.past()
        springs = self.springs()
        kernels.edge_forces(t, springs, A.ids, A.soft, *A.widths, *n)
        kernels.imbalance(f, S, t, A.ids, *A.widths, *self.spacing[1::2], *map(int, A.mirror), *n)
        lateral = stiffness_of(A.edges) * springs.reshape(-1)[self.lateral]
        f -= (self.B.T @ lateral + self.held).reshape(f.shape)
        return f

    def after(self, x: np.ndarray, free: Strain, temperature: np.ndarray) -> State:
        """The state after the displacement x (solver's layout); temperature (nz, ny, nx) in K."""
        from warp.kernels.host import history as kernels

        A, body, n = self.A, self.body, self.A.n
        dU = np.ascontiguousarray(x[..., 1 : n[0] + 2])
        kernels.add_strains(body.strain, body.shear, dU, A.ids, *self.spacing, *n)
        flat = body.shear.reshape(-1)
        flat[self.lateral] += self.B @ x.reshape(-1)
        forces = stiffness_of(A.edges) * self.springs().reshape(-1)[self.lateral]
        at = self.voxels.at
        strain = body.strain.reshape(3, -1)[:, at] - np.stack([free(a, at) for a in range(3)])
        shear = flat.copy()
        shear[self.lateral] -= self.bent
        sites, gamma = self.sites.after(shear[self.sites.edges])
        memory = Memory(at, self.voxels.after(strain), temperature.reshape(-1)[at], sites, gamma)
        U = np.where(faces_of(self.solid), body.displacement + dU, 0.0)
        return State(
            U,
            self.solid,
            body.strain,
            body.shear,
            body.lateral,
            forces,
            body.held,
            body.held_forces,
            memory,
        )
