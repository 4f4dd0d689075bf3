"""From the voxels of one stage to those of the next, backwards (run/process, `carried`).

A cut drops what lies beside the unit; voxels that new parts take lose their stress. Voxels that
gain material keep their stress (history/material_change), with C, a before and C', a' after it

    C' (e' - a') = C (e - a),    K' (g' - b') = K (g - b)

so with q = C'^-1 times the derivative by e' (K'^-1 by g') the derivative by e is C q (K q), and an
input changes - q C (e - a) + q C' (e' - a'): two forms of `elastic`, one on either side.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from warp.adjoint.backwards import Costate
from warp.adjoint.elastic import Form
from warp.adjoint.refused import NoGradient
from warp.adjoint.relaxed import Remembered
from warp.adjoint.strains import Kinematics, Strains
from warp.case.singulation import Rectangle
from warp.machine.device import Device
from warp.materials.material import normal_matrix
from warp.run.grids import cut_grid
from warp.solvers.elastic.history import material_change
from warp.solvers.elastic.history.flat import Flat
from warp.solvers.elastic.history.maxwell import Memory
from warp.solvers.elastic.history.state import (
    Slices,
    State,
    between_four,
    crop_edges,
    faces_of,
    flat_indices,
    present,
)
from warp.solvers.elastic.layout import host_of, temperature_array
from warp.solvers.elastic.load import free_edge_shear, free_strain
from warp.solvers.elastic.operator import Body, Moduli
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Cut:
    """A block that was cut out of a body."""

    state: State
    new: State
    block: Slices

    @classmethod
    def of(cls, model: VoxelModel, unit: Rectangle, state: State) -> Cut:
        """Cut a unit out of a state on the voxels of a model."""
        _, block = cut_grid(model.grid, unit)
        return cls(state, state.cropped(block), block)

    def back(self, by: Costate) -> Costate:
        """Return the derivatives by the whole body from those by the block."""
        old, new, shape = self.state, self.new, self.state.solid.shape
        low = [s.indices(n)[0] for s, n in zip(self.block, shape, strict=True)]
        cells = tuple(slice(a, a + n) for a, n in zip(low, new.solid.shape, strict=True))
        faces = tuple(slice(a, a + n + 1) for a, n in zip(low, new.solid.shape, strict=True))
        found = Costate.zero(old)
        found.strain[(slice(None), *cells)] = np.where(new.solid, by.strain, 0.0)
        exists = between_four(new.solid)
        exists.reshape(-1)[flat_indices(new.lateral, new.solid.shape)] = True
        found.shear[(slice(None), *faces)] = np.where(exists, by.shear, 0.0)
        moved = np.where(faces_of(new.solid), by.displacement, 0.0)
        found.displacement[(slice(None), *faces)] = moved
        tables = (
            (old.lateral, found.forces, by.forces),
            (old.held, found.held_forces, by.held_forces),
        )
        for rows, out, values in tables:
            numbers = np.arange(len(rows), dtype=float)
            _, which = crop_edges(rows, numbers, low, new.solid)
            out[which.astype(int)] = values
        remembered(found.memory, old.memory, by.memory, shape, low, new.solid, exists)
        return found


def remembered(
    found: Remembered,
    memory: Memory,
    by: Remembered,
    shape: tuple[int, ...],
    low: list[int],
    solid: Array,
    exists: Array,
) -> None:
    """Put derivatives by what Memory.cropped returns where they came from in a memory."""
    numbered = replace(
        memory,
        strain=np.arange(len(memory.voxels))[None, None],
        shear=np.arange(len(memory.sites))[None],
    )
    left = numbered.cropped(shape, low, solid, exists)
    found.strain[..., left.strain[0, 0]] = by.strain
    found.shear[:, left.shear[0]] = by.shear


@dataclass(frozen=True, eq=False)
class Filled:
    """Voxels that lost their stress, and voxels that gained material, at one temperature in K.

    state: before both, on the voxels of the model `before`; `new`: after both.
    """

    state: State
    before: VoxelModel
    after: VoxelModel
    attached: Collection[str]
    T: float
    device: Device
    join: Callable[[State], Flat | None]

    @cached_property
    def between(self) -> State:
        """Return the state without the stress of the voxels that were taken."""
        return self.state.without(self.taken) if self.taken.any() else self.state

    @cached_property
    def flat(self) -> Flat | None:
        """Return how flat parts join, None without such."""
        return self.join(self.filled)

    @cached_property
    def filled(self) -> State:
        """Return the state after both, without flat parts."""
        models = self.before, self.after
        return material_change.stiffened(self.between, *models, self.T, self.device)

    @cached_property
    def new(self) -> State:
        """Return the state after all."""
        return self.filled if self.flat is None else self.flat.new

    @cached_property
    def taken(self) -> Array:
        """Mark the voxels (nz, ny, nx) that new parts take from others."""
        return material_change.replaced(self.before, self.after, self.attached)

    @cached_property
    def both(self) -> Array:
        """Mark the voxels that are solid before and after."""
        found: Array = self.between.solid & (self.after.ids > 0)
        return found

    @cached_property
    def sides(self) -> tuple[_Side, _Side]:
        """Return the media and edges before and after."""
        one, other = (_Side(m, self.T, self.device) for m in (self.before, self.after))
        return one, other

    @cached_property
    def changed(self) -> list[tuple[int, int]]:
        """Return the media before and after of voxels that gain material."""
        both = self.both
        pairs = np.unique(np.stack([self.before.ids[both], self.after.ids[both]]), axis=1).T
        one, other = self.sides
        return [(int(a), int(b)) for a, b in pairs if not one.alike(other, a, b)]

    def back(self, by: Costate, maps: bool) -> tuple[Costate, list[Form]]:
        """Return the derivatives by the state before, and the forms of both sides, if any."""
        found = by
        forms: list[Form] = []
        if self.flat is not None:
            found = replace(by, displacement=self.flat.back(by.displacement))
        if self.changed and len(self.between.memory.voxels):
            raise NoGradient(
                "a step adds material to voxels of another part while something relaxes, "
                "which has no gradient yet: `warp sweep` samples it"
            )
        if self.changed:
            found, forms = self._stiffened(found, maps)
        if self.taken.any():
            found = self._without(found)
        return found, forms

    def _stiffened(self, by: Costate, maps: bool) -> tuple[Costate, list[Form]]:
        one, other = self.sides
        C, D = normal_matrix(one.moduli.normal), normal_matrix(other.moduli.normal)
        strain, q = by.strain.copy(), np.zeros_like(by.strain)
        for a, b in self.changed:
            here = self.both & (self.before.ids == a) & (self.after.ids == b)
            q[:, here] = np.linalg.solve(D[b], by.strain[:, here])
            strain[:, here] = C[a] @ q[:, here]
        K, L = one.motion.edge_stiffness, other.motion.edge_stiffness
        lasting = (K > 0) & (L > 0) & ((K != L) | (one.tilt != other.tilt))
        t = np.divide(by.shear, L, out=np.zeros_like(L), where=lasting)
        shear = np.where(lasting, K * t, by.shear)
        forms = []
        for side, state, sign in ((one, self.between, -1.0), (other, self.new, 1.0)):
            form = Form(side.model, side.motion.body, temperature_array(self.T), maps)
            loaded = form.loaded(side.motion, Strains(state.strain, state.shear))
            pull = Strains(sign * q / side.motion.volumes, sign * t)
            form.add(pull, loaded, volumes=False)
            forms.append(form)
        return replace(by, strain=strain, shear=shear), forms

    def _without(self, by: Costate) -> Costate:
        """Go back through `State.without`."""
        old, new = self.state, self.between
        exists = between_four(new.solid)
        exists.reshape(-1)[flat_indices(new.lateral, new.solid.shape)] = True
        found = Costate.zero(old)
        found.strain[...] = np.where(new.solid, by.strain, 0.0)
        found.shear[...] = np.where(exists, by.shear, 0.0)
        found.displacement[...] = by.displacement
        found.forces[present(old.lateral, new.solid)] = by.forces
        found.held_forces[present(old.held, new.solid)] = by.held_forces
        shape, low = new.solid.shape, [0, 0, 0]
        remembered(found.memory, old.memory, by.memory, shape, low, new.solid, exists)
        return found


class _Side:
    """The media and edges of a model at one temperature in K."""

    def __init__(self, model: VoxelModel, T: float, device: Device) -> None:
        self.model = model
        self.moduli = Moduli(model.media.stiffness(T), model.media.shear(T))
        self.free = model.media.thermal_strain(T)
        body = Body(model, host_of(device), self.moduli)
        self.motion = Kinematics(model, body)
        self.tilt = np.zeros(tuple(n + 1 for n in (2, *model.ids.shape)))
        free = free_edge_shear(model, body, free_strain(model, T))
        self.tilt.reshape(-1)[self.motion.lateral] = free

    def alike(self, other: _Side, a: int, b: int) -> bool:
        """Tell whether row a is as stiff and as long as row b of another model."""
        stiff = np.array_equal(self.moduli.normal[a], other.moduli.normal[b])
        return stiff and np.array_equal(self.free[a], other.free[b])
