"""Parts that are flat as they join a bent body: a lid, a board, a package that was made apart.

Each connected piece of them is a plane at that moment, whatever the shape of the body,

    w = a + b x + c y      nearest by area to the displacement of the body's faces in its columns

level across a mirror plane that it meets. Strains begin at zero all the same (`step`), so nothing
moves: what lies between, adhesive or molten solder, fills the difference and is free of stress
then. By linear theory the body bends afterwards as if the parts had its shape; their own surfaces
have what came since. By moderate rotations their slopes count from the plane, too. In plane a piece
follows the body, on which it lies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

from warp.solvers.elastic.history.state import State, faces_of, nearest_along
from warp.voxels.voxelize import VoxelModel

W = 2
"""Index of w among the displacements."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A connected piece: w[faces] = terms @ fit @ w[sources], all of one displacement array.

    faces (n,), sources (m,): flat indices in (nz+1, ny+1, nx+1); terms (n, t), fit (t, m).
    """

    faces: np.ndarray
    terms: np.ndarray
    sources: np.ndarray
    fit: np.ndarray


@dataclass(frozen=True, eq=False)
class Flat:
    """A state, and the pieces that join it flat."""

    state: State
    pieces: list[Piece]

    @classmethod
    def of(
        cls, state: State, model: VoxelModel, parts: Collection[str], yielding: Collection[str]
    ) -> Flat:
        """Find the pieces; model: with the parts; yielding: present parts that take their shape."""
        return cls(state, list(_pieces(state, model, parts, yielding)))

    @property
    def new(self) -> State:
        """Return the state in which the pieces are flat."""
        if not self.pieces:
            return self.state
        before = self.state.displacement[W].reshape(-1)
        U = self.state.displacement.copy()
        w = U[W].reshape(-1)
        for piece in self.pieces:
            values = piece.terms @ (piece.fit @ before[piece.sources])
            w[piece.faces] = np.where(values == 0, np.finfo(float).tiny, values)  # 0 is unknown
        return replace(self.state, displacement=U)

    def back(self, by: np.ndarray) -> np.ndarray:
        """Return the derivatives by the displacement before from those by the one in `new`."""
        found = by.copy()
        given, w = by[W].reshape(-1), found[W].reshape(-1)
        for piece in self.pieces:
            w[piece.faces] = 0.0
        for piece in self.pieces:
            np.add.at(w, piece.sources, (given[piece.faces] @ piece.terms) @ piece.fit)
        return found


def bare_contact(
    model: VoxelModel, attached: Collection[str], parts: Collection[str], yielding: Collection[str]
) -> tuple[str, str] | None:
    """Return one of the flat parts and a part that it touches along z with nothing between them.

    attached: parts that join with them. Those that yield do not count.
    """
    of = np.append(model.media.part, -1)[model.ids]
    flat = np.isin(of, _numbers(model, parts))
    stiff = (of >= 0) & ~np.isin(of, _numbers(model, [*attached, *yielding]))
    for a, b in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
        touching = flat[a] & stiff[b]
        if touching.any():
            at = tuple(np.argwhere(touching)[0])
            return model.parts[of[a][at]], model.parts[of[b][at]]
    return None


def _numbers(model: VoxelModel, parts: Collection[str]) -> list[int]:
    return [n for n, name in enumerate(model.parts) if name in parts]


def _pieces(
    state: State, model: VoxelModel, parts: Collection[str], yielding: Collection[str]
) -> Iterator[Piece]:
    if state.is_empty:
        return
    from scipy import ndimage

    _, ny, nx = model.ids.shape
    rows = np.isin(model.media.part, _numbers(model, parts))
    labels, _ = ndimage.label(rows[model.ids] & ~state.solid)
    soft = np.isin(model.media.part, _numbers(model, yielding))
    stiff = faces_of(state.solid & ~soft[model.ids])[W]
    known = faces_of(state.solid)[W] | (state.displacement[W] != 0)
    known = known[:, :ny, :nx]
    near = nearest_along(known, 0)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        inside = np.zeros((labels.shape[0] + 1, *labels[box].shape[1:]), bool)
        cells = labels[:, box[1], box[2]] == number
        inside[:-1] = cells
        inside[1:] |= cells
        k, j, i = np.nonzero(inside)
        j, i = j + box[1].start, i + box[2].start
        free = ~stiff[k, j, i]
        columns = cells.any(axis=0)
        whole = np.zeros((ny, nx), bool)
        whole[box[1], box[2]] = columns
        lowest = np.zeros((ny, nx), np.int64)
        lowest[box[1], box[2]] = cells.argmax(axis=0)
        yield _piece(model, (k[free], j[free], i[free]), whole, lowest, known, near)


def _piece(
    model: VoxelModel,
    faces: tuple[np.ndarray, ...],
    columns: np.ndarray,
    lowest: np.ndarray,
    known: np.ndarray,
    near: np.ndarray,
) -> Piece:
    """Fit the plane of a piece to the body's faces in its `columns` (ny, nx).

    faces: k, j, i of those that it takes; lowest (ny, nx): its lowest one; near (nz+1, ny, nx): the
    nearest face along z that is known.
    """
    grid = model.grid
    over = known.any(axis=0)
    shared = over & columns
    tj, ti = np.nonzero(shared if shared.any() else over)
    tk = near[lowest[tj, ti], tj, ti]
    x, y = np.asarray(grid.xc), np.asarray(grid.yc)
    meets = grid.mirror[0] and columns[:, 0].any(), grid.mirror[1] and columns[0].any()

    def terms(j: np.ndarray, i: np.ndarray) -> np.ndarray:
        found = [np.ones(len(j))]
        for at, line, level in ((i, x, meets[0]), (j, y, meets[1])):
            if not level:
                found.append((line[at] - line[0]) / (line[-1] - line[0] or 1.0))
        return np.stack(found, axis=1)

    root = np.sqrt(grid.area[tj, ti])
    fit = np.linalg.pinv(terms(tj, ti) * root[:, None]) * root
    shape = tuple(n + 1 for n in model.ids.shape)
    at = np.ravel_multi_index(faces, shape)
    return Piece(at, terms(*faces[1:]), np.ravel_multi_index((tk, tj, ti), shape), fit)
