"""The state of a body between steps: strains since attachment, and forces at free edges."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from warp.machine.arrays import Array
from warp.machine.device import Device
from warp.solvers.elastic.free_edges import Edges
from warp.solvers.elastic.history.maxwell import Memory
from warp.solvers.elastic.layout import along
from warp.solvers.sparse import find

Slices = tuple[slice, slice, slice]


@dataclass(frozen=True)
class State:
    """The end of a step. Strains are zero where nothing exists.

    displacement (3, nz+1, ny+1, nx+1) in m, rigid motion included; solid (nz, ny, nx); strain of
    voxels (3, nz, ny, nx), xx yy zz, and shear of edges (3, nz+1, ny+1, nx+1), yz xz xy, since they
    were attached; these three may stay on a device until they are read. lateral (n, 7): face, k, m,
    p, layer, plane of the edges at free faces and the side of the face on which the body lies (0
    below, 1 above), with their forces (n,) in N m; held (n, 7) and held_forces: such edges that new
    voxels have covered; memory of viscoelastic voxels.
    """

    displacement: np.ndarray
    solid: np.ndarray
    strain: np.ndarray
    shear: np.ndarray
    lateral: np.ndarray
    forces: np.ndarray
    held: np.ndarray
    held_forces: np.ndarray
    memory: Memory

    @classmethod
    def start(cls, shape: tuple[int, ...]) -> State:
        """Return the state before the first step, without voxels, on a grid (nz, ny, nx)."""
        faces = tuple(n + 1 for n in shape)
        none = np.zeros((0, 7), np.int32), np.zeros(0)
        fields = (
            np.zeros((3, *faces)),
            np.zeros(shape, bool),
            np.zeros((3, *shape)),
            np.zeros((3, *faces)),
        )
        return cls(*fields, *none, *none, Memory.start())

    @classmethod
    def on_device(cls, device: Device, on_it: dict[str, Array], *others: Any) -> State:
        """Return a state whose displacement, strain and shear are copied to the host when read.

        `others`: solid and all after shear, in order. What was copied leaves the device.
        """
        state = object.__new__(cls)
        names = [f.name for f in fields(cls) if f.name not in on_it]
        vars(state).update(zip(names, others, strict=True), _device=device, _on_device=on_it)
        return state

    def __getattr__(self, name: str) -> np.ndarray:
        """Copy to the host what is only on the device."""
        on_it = vars(self).get("_on_device", {})
        if name not in on_it:
            raise AttributeError(name)
        vars(self)[name] = vars(self)["_device"].to_host(on_it.pop(name))
        found: np.ndarray = vars(self)[name]
        return found

    def on(self, device: Device, name: str) -> Array:
        """Return the displacement, strain or shear on its own device; do not modify it."""
        on_it = vars(self).get("_on_device", {})
        return on_it[name] if name in on_it else device.asarray(getattr(self, name))

    def displaced(self, device: Device, U: Array) -> State:
        """Return the state at another displacement, an array on `device`."""
        on_it = vars(self).get("_on_device", {}) | {"displacement": U}
        others = (getattr(self, f.name) for f in fields(self) if f.name not in on_it)
        return State.on_device(device, on_it, *others)

    @property
    def is_empty(self) -> bool:
        """Tell whether no voxel has been attached yet."""
        return not self.solid.any()

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything as named arrays, for a file; `of` restores the state bit for bit."""
        names = (f.name for f in fields(self) if f.name != "memory")
        own = {name: getattr(self, name) for name in names}
        return own | {f"memory_{name}": value for name, value in vars(self.memory).items()}

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray]) -> State:
        """Rebuild the state from `arrays`."""
        memory = {
            name.removeprefix("memory_"): a
            for name, a in arrays.items()
            if name.startswith("memory_")
        }
        own = {name: a for name, a in arrays.items() if not name.startswith("memory_")}
        return cls(**own, memory=Memory(**memory))

    def forces_at(self, at: np.ndarray) -> np.ndarray:
        """Return the forces (n,) of the lateral edges at `flat_indices`, 0 if absent."""
        own = flat_indices(self.lateral, self.solid.shape)
        order = np.argsort(own)
        number = find(own[order], at)
        return np.where(number >= 0, np.append(self.forces[order], 0.0)[number], 0.0)

    def without(self, removed: np.ndarray) -> State:
        """Release the stress of the voxels `removed` (nz, ny, nx), which keep their shape.

        The next step attaches them free of stress.
        """
        solid = self.solid & ~removed
        exists = between_four(solid)
        keep, held = present(self.lateral, solid), present(self.held, solid)
        exists.reshape(-1)[flat_indices(self.lateral[keep], solid.shape)] = True
        shear = np.where(exists, self.shear, 0.0)
        memory = self.memory.cropped(solid.shape, [0, 0, 0], solid, exists)
        tables = self.lateral[keep], self.forces[keep], self.held[held], self.held_forces[held]
        return State(
            self.displacement, solid, np.where(solid, self.strain, 0.0), shear, *tables, memory
        )

    def cropped(self, slices: Slices) -> State:
        """Cut out the voxels [z, y, x] of a block; return its state on the block's own grid.

        The block has no mirror planes. Edges on the cut lose their forces. Slices have no step.
        """
        shape = self.solid.shape
        low = [s.indices(n)[0] for s, n in zip(slices, shape, strict=True)]
        high = [s.indices(n)[1] for s, n in zip(slices, shape, strict=True)]
        cells = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        faces = tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))
        solid = self.solid[cells].copy()
        lateral, forces = crop_edges(self.lateral, self.forces, low, solid)
        held, held_forces = crop_edges(self.held, self.held_forces, low, solid)
        exists = between_four(solid)
        exists.reshape(-1)[flat_indices(lateral, solid.shape)] = True
        U = np.where(faces_of(solid), self.displacement[(slice(None), *faces)], 0.0)
        shear = np.where(exists, self.shear[(slice(None), *faces)], 0.0)
        memory = self.memory.cropped(shape, low, solid, exists)
        strain = self.strain[(slice(None), *cells)].copy()
        return State(U, solid, strain, shear, lateral, forces, held, held_forces, memory)


@dataclass(frozen=True)
class Transferred:
    """A state on the voxels of the next step. Its arrays may be modified in place.

    `lasting` (3, nz+1, ny+1, nx+1): edges that exist before and now.
    """

    displacement: np.ndarray
    strain: np.ndarray
    shear: np.ndarray
    lasting: np.ndarray
    lateral: np.ndarray
    held: np.ndarray
    held_forces: np.ndarray


def transferred(before: State, solid: np.ndarray, edges: list[Edges]) -> Transferred:
    """Attach and remove voxels and edges; `edges`: those of the lateral free faces now."""
    lateral = edge_rows(edges, solid)
    if before.is_empty:
        start = State.start(solid.shape)
        lasting, none = np.zeros(start.shear.shape, bool), (start.held, start.held_forces)
        return Transferred(start.displacement, start.strain, start.shear, lasting, lateral, *none)
    lasting = between_four(before.solid & solid)
    was, now = (flat_indices(rows, solid.shape) for rows in (before.lateral, lateral))
    flat = lasting.reshape(-1)
    flat[was] = False
    flat[now] = False
    same = np.isin(now, was) & present(lateral, before.solid)
    flat[now[same]] = True
    shear = masked(before.shear, lasting)
    strain = masked(before.strain, before.solid & solid)
    known = faces_of(before.solid) | (before.displacement != 0)  # released voxels included
    U = extended(before.displacement, known, faces_of(solid))
    covered = ~np.isin(was, now)
    held = np.concatenate([before.held, before.lateral[covered]])
    held_forces = np.concatenate([before.held_forces, before.forces[covered]])
    keep = present(held, solid)
    held, held_forces = held[keep], held_forces[keep]
    back = np.isin(flat_indices(held, solid.shape), now)
    if back.any():  # uncovered: the force that was held is the edge's again, as a strain
        stiffness = np.zeros(flat.size)
        stiffness[now] = np.concatenate([e.stiffness for e in edges])
        at = flat_indices(held[back], solid.shape)
        shear.reshape(-1)[at] = held_forces[back] / stiffness[at]
    return Transferred(U, strain, shear, lasting, lateral, held[~back], held_forces[~back])


def masked(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Copy values where a mask is true; zero elsewhere, where memory is not even touched."""
    out = np.zeros(values.shape, values.dtype)
    np.copyto(out, values, where=where)
    return out


def edge_rows(edges: list[Edges], solid: np.ndarray) -> np.ndarray:
    """Tabulate edges (n, 7): face, k, m, p, layer, plane, side.

    In the order of free_edges.strain_matrix.
    """
    found = [np.zeros((0, 7), np.int32)]
    for e in edges:
        s, below = along(solid, e.face), np.maximum(e.p - 1, 0)
        above = ~(s[e.k - 1, e.m, below] & s[e.k, e.m, below] & (e.p > 0))
        columns = np.full(len(e.k), e.face), e.k, e.m, e.p, e.layer, e.plane, above
        found.append(np.stack(columns, axis=1))
    return np.concatenate(found).astype(np.int32)


def edges_of(lateral: np.ndarray, stiffness: np.ndarray) -> list[Edges]:
    """Return the edges of such rows, x faces first; the inverse of `edge_rows`."""
    found = []
    for face in (0, 1):
        here = lateral[:, 0] == face
        k, m, p, layer, plane, _ = lateral[here, 1:].T
        found.append(Edges(face, k, m, p, stiffness[here], layer, plane))
    return found


def flat_indices(lateral: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the flat index of lateral edges in an edge array (3, nz+1, ny+1, nx+1).

    xz edges of x faces, yz edges of y faces; `shape`: (nz, ny, nx).
    """
    if not len(lateral):
        return np.zeros(0, np.int64)
    face, k, m, p = lateral[:, :4].astype(np.int64).T
    j, i = np.where(face == 0, m, p), np.where(face == 0, p, m)
    faces = (3, *(n + 1 for n in shape))
    at: np.ndarray = np.ravel_multi_index((1 - face, k, j, i), faces)
    return at


def between_four(solid: np.ndarray) -> np.ndarray:
    """Mark the edges (3, nz+1, ny+1, nx+1) between four solid voxels."""
    nz, ny, nx = solid.shape
    out = np.zeros((3, nz + 1, ny + 1, nx + 1), bool)
    along_z, along_y = solid[1:] & solid[:-1], solid[:, 1:] & solid[:, :-1]
    out[0, 1:nz, 1:ny, :nx] = along_z[:, 1:] & along_z[:, :-1]
    out[1, 1:nz, :ny, 1:nx] = along_z[..., 1:] & along_z[..., :-1]
    out[2, :nz, 1:ny, 1:nx] = along_y[..., 1:] & along_y[..., :-1]
    return out


def faces_of(solid: np.ndarray) -> np.ndarray:
    """Mark the displacements (3, nz+1, ny+1, nx+1) whose face touches a solid voxel."""
    nz, ny, nx = solid.shape
    on = np.zeros((3, nz + 1, ny + 1, nx + 1), bool)
    for shift in (0, 1):
        on[0, :nz, :ny, shift : nx + shift] |= solid
        on[1, :nz, shift : ny + shift, :nx] |= solid
        on[2, shift : nz + shift, :ny, :nx] |= solid
    return on


def present(lateral: np.ndarray, solid: np.ndarray) -> np.ndarray:
    """Mark the lateral edges whose voxels exist, and those whose tilt they borrow."""
    keep = np.zeros(len(lateral), bool)
    for face in (0, 1):
        here = lateral[:, 0] == face
        k, m, p, layer, plane, side = lateral[here, 1:].T
        s = np.pad(along(solid, face), ((1, 1), (0, 0), (1, 1)))  # [k + 1, m, p + 1]
        w = s[1:] | s[:-1]
        tilt = w[layer, m, plane] & w[layer, m, plane + 1] | (plane < 0)
        keep[here] = s[k, m, p + side] & s[k + 1, m, p + side] & tilt
    return keep


def crop_edges(
    lateral: np.ndarray, forces: np.ndarray, low: list[int], solid: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lateral edges and forces of a block that begins at voxel `low`.

    Without those whose tilt is that of a mirror plane.
    """
    face, k, m, p, layer, plane, side = lateral.T
    across = np.where(face == 0, low[2], low[1])
    beside = np.where(face == 0, low[1], low[2])
    columns = face, k - low[0], m - beside, p - across, layer - low[0], plane - across, side
    moved = np.stack(columns, axis=1)
    nz, ny, nx = solid.shape
    count_m, count_p = np.where(face == 0, ny, nx), np.where(face == 0, nx, ny)
    _, k, m, p, layer, plane, _ = moved.T
    edge_inside = (k > 0) & (k < nz) & (m >= 0) & (m < count_m) & (p >= 0) & (p <= count_p)
    level_inside = (layer >= 0) & (layer <= nz)
    plane_inside = (lateral[:, 5] >= 0) & (plane > 0) & (plane < count_p)
    inside = edge_inside & level_inside & plane_inside
    moved, forces = moved[inside].astype(np.int32), forces[inside]
    keep = present(moved, solid)
    return moved[keep], forces[keep]


def extended(U: np.ndarray, known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Extend U from known to wanted faces: the value of the nearest one along z, then x, then y."""
    out = masked(U, known & wanted)
    if not known.any():
        return out
    for a in range(3):
        if not (wanted[a] & ~known[a]).any():
            continue
        value, filled = np.where(known[a], U[a], 0.0), known[a]
        for axis in (0, 2, 1):
            at = nearest_along(filled, axis)
            value = np.take_along_axis(value, at, axis)
            filled = np.take_along_axis(filled, at, axis)
        out[a] = np.where(wanted[a], value, 0.0)
    return out


def nearest_along(on: np.ndarray, axis: int) -> np.ndarray:
    """Return the index along `axis` of the nearest entry that is on; its own if a line has none."""
    n = on.shape[axis]
    layer = np.arange(n, dtype=np.int32).reshape([-1 if a == axis else 1 for a in range(on.ndim)])
    below = np.maximum.accumulate(np.where(on, layer, -4 * n), axis)
    above = np.flip(np.minimum.accumulate(np.flip(np.where(on, layer, 4 * n), axis), axis), axis)
    pick = np.where(layer - below <= above - layer, below, above)
    return np.where((pick < 0) | (pick >= n), layer, pick)
