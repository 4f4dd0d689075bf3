"""Media: the meaning of a voxel's id. One row per id, row 0 is void; solvers read tables of rows.

A row is a part's material, or two rows mixed by volume where a curved side crosses the voxel; each
phase of a mixture keeps its own stress-free temperature. Properties come at one temperature T (K)
for all rows; void rows are zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from warp.errors import WarpError
from warp.materials.material import Medium, Phase
from warp.materials.mixing import filled, mix

# Volume fractions are rounded to 1/64: a bump of 4 x 4 cells keeps its area within 0.3 %.
LEVELS = 64
MOST_ROWS = 65_535  # ids are 16 bits wide
KEPT = 1 << 22  # bytes of a table of free strains, at most, that is kept for the next question


@dataclass(frozen=True, eq=False)
class Media:
    """Tables over M rows: one part, material, stress-free temperature and name per row.

    `names` are for tables and pictures only; what a row is stands in the other columns.
    """

    part: np.ndarray
    """(M,) index into the model's parts, -1 = void."""
    materials: list[Medium | None]
    stress_free: np.ndarray
    """(M,) in K."""
    names: list[str]
    fraction: np.ndarray | None = None
    """(M,) fraction of a voxel that is the part's own; None: all of it in every row."""
    shared: np.ndarray = None  # type: ignore[assignment]  # filled in below
    """(M,) true for rows of voxels that two rows share: a curved or oblique side crosses them."""
    _kept: dict[bytes, np.ndarray] = field(default_factory=dict, init=False, repr=False)
    """The last of `thermal_strains`, by all temperatures: a load step asks several times."""

    def __post_init__(self) -> None:
        """Take rows as unshared by default."""
        if self.shared is None:
            object.__setattr__(self, "shared", np.zeros(len(self.materials), bool))

    def __len__(self) -> int:
        return len(self.materials)

    def stiffness(self, T: float) -> np.ndarray:
        """Return the normal block (M, 6) in Pa: c_xx, c_yy, c_zz, c_yz, c_xz, c_xy."""
        return self._table(lambda m: m.stiffness(T), 6)

    def shear(self, T: float) -> np.ndarray:
        """Return the shear moduli (M, 3) in Pa: G_yz, G_xz, G_xy."""
        return self._table(lambda m: m.shear(T), 3)

    def moduli(self, T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return `stiffness` (M, 6) and `shear` (M, 3) in Pa, each row at its own T (M,)."""
        known: dict[tuple[int, float], tuple[np.ndarray, np.ndarray]] = {}
        normal, shear = np.zeros((len(self), 6)), np.zeros((len(self), 3))
        for row, (material, t) in enumerate(zip(self.materials, T.tolist(), strict=True)):
            if material is not None:
                which = id(material), t
                if which not in known:
                    known[which] = material.stiffness(t), material.shear(t)
                normal[row], shear[row] = known[which]
        return normal, shear

    def cte(self, T: float) -> np.ndarray:
        """Return the instantaneous expansion coefficients (M, 3) in 1/K."""
        return self._table(lambda m: m.cte(T), 3)

    def conductivity(self, T: float) -> np.ndarray:
        """Return the thermal conductivities (M, 3) in W/(m K)."""
        return self._table(lambda m: m.conductivity(T), 3)

    @property
    def filled(self) -> np.ndarray:
        """Return the solid fraction (M,) of voxels: less than 1 where a side cuts them, void 0."""
        found = np.array([material is not None for material in self.materials], float)
        for row in np.flatnonzero(self.shared):
            found[row] = filled(self.materials[row])
        return found

    @property
    def density(self) -> np.ndarray:
        """Return the densities (M,) in kg/m3."""
        return self._table(lambda m: m.density, 1)[:, 0]

    def heat_capacity(self, T: float) -> np.ndarray:
        """Return the volumetric heat capacities (M,) in J/(m3 K)."""
        return self._table(lambda m: m.heat_capacity(T), 1)[:, 0]

    def thermal_strain(self, T: float) -> np.ndarray:
        """Return the free strain (M, 3) from each row's stress-free temperature to T."""
        table = np.zeros((len(self), 3))
        for row, (material, start) in enumerate(zip(self.materials, self.stress_free, strict=True)):
            if material is not None:
                table[row] = material.thermal_strain(T, float(start))
        return table

    def thermal_strains(self, T: np.ndarray) -> np.ndarray:
        """Return the free strains (n, M, 3) from each row's stress-free temperature to n T."""
        key = T.tobytes() + np.asarray(self.stress_free).tobytes()
        if key in self._kept:
            return self._kept[key].copy()
        table = np.zeros((len(T), len(self), 3))
        known: dict[tuple[int, float], np.ndarray] = {}
        for row, (material, start) in enumerate(zip(self.materials, self.stress_free, strict=True)):
            if material is not None:
                which = id(material), float(start)
                if which not in known:
                    known[which] = material.thermal_strain(T, float(start))
                table[:, row] = known[which]
        self._kept.clear()
        if table.nbytes <= KEPT:
            self._kept[key] = table.copy()
        return table

    def _table(self, read: Callable[[Medium], np.ndarray | float], width: int) -> np.ndarray:
        known: dict[int, np.ndarray] = {}  # rows of different parts share materials
        table = np.zeros((len(self), width))
        for row, material in enumerate(self.materials):
            if material is not None:
                if id(material) not in known:
                    known[id(material)] = np.asarray(read(material), dtype=float)
                table[row] = known[id(material)]
        return table


@dataclass
class Rows:
    """Collect rows while bodies are painted; equal media get one id."""

    part: list[int] = field(default_factory=lambda: [-1])
    materials: list[Medium | None] = field(default_factory=lambda: [None])
    stress_free: list[float] = field(default_factory=lambda: [0.0])
    names: list[str] = field(default_factory=lambda: ["void"])
    fraction: list[float] = field(default_factory=lambda: [0.0])
    parents: list[tuple[int, int, int] | None] = field(default_factory=lambda: [None])
    ids: dict[tuple[object, ...], int] = field(default_factory=dict)

    def solid(self, part: int, name: str, material: Medium, stress_free: float) -> int:
        """Return the id of a part made of one material."""
        key: tuple[object, ...] = (part, name, stress_free)
        if key not in self.ids:
            self.ids[key] = self._add(part, material, stress_free, name, 1.0, None)
        return self.ids[key]

    def mixed(self, inside: int, outside: int, level: int, rule: str) -> int:
        """Return the id of a voxel that `inside` covers to level / LEVELS, `outside` the rest."""
        parents = self.parents[outside]
        if parents and parents[0] == inside:
            # Two shapes of one body meet in the voxel: their fractions add up.
            outside, level = parents[1], min(LEVELS, level + parents[2])
        if inside == outside or level == LEVELS:
            return inside
        key = (inside, outside, level, rule)
        if key not in self.ids:
            fraction = level / LEVELS
            material = mix(
                [self._phase(inside), self._phase(outside)], [fraction, 1 - fraction], rule
            )
            owner = inside if outside == 0 or (inside and 2 * level >= LEVELS) else outside
            name = f"{self.names[inside]} {level}/{LEVELS} in {self.names[outside]}"
            own = sum(
                s
                for row, s in ((inside, fraction), (outside, 1 - fraction))
                if self.part[row] == self.part[owner]
            )
            self.ids[key] = self._add(
                self.part[owner],
                material,
                self.stress_free[owner],
                name,
                own,
                (inside, outside, level),
            )
        return self.ids[key]

    def _phase(self, row: int) -> Medium | None:
        """Return a row's material, strained since the row's own stress-free temperature."""
        material = self.materials[row]
        if material is None or self.parents[row]:
            return material
        return Phase(material, self.stress_free[row])

    def media(self) -> Media:
        """Return the rows as tables."""
        return Media(
            np.array(self.part, np.int32),
            self.materials,
            np.array(self.stress_free),
            self.names,
            np.array(self.fraction),
            np.array([parents is not None for parents in self.parents]),
        )

    def _add(
        self,
        part: int,
        material: Medium | None,
        stress_free: float,
        name: str,
        fraction: float,
        parents: tuple[int, int, int] | None,
    ) -> int:
        if len(self.part) > MOST_ROWS:
            raise WarpError(
                f"the package has more than {MOST_ROWS} different media: too many materials cross "
                "curved or oblique sides; use boxes, fewer layers at those sides, or effective "
                "layers"
            )
        self.part.append(part)
        self.materials.append(material)
        self.stress_free.append(stress_free)
        self.names.append(name)
        self.fraction.append(fraction)
        self.parents.append(parents)
        return len(self.part) - 1
