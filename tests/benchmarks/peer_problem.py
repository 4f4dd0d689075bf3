"""The problem that other programs solve: a case's bricks, their media, supports and surfaces.

The bricks are those of `warp export --calculix` (`warp.verify.calculix_deck`): the same snapped
lines and media, void left out, symmetry planes held. Strains in Voigt's order xx, yy, zz, yz, xz,
xy; m, Pa.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from warp import load
from warp.results import flatness
from warp.verify import calculix, calculix_deck
from warp.verify.calculix_deck import Mesh


@dataclass(frozen=True, eq=False)
class Problem:
    """Hold what a finite-element program needs.

    medium (m,): number of each brick's medium; stiffness (n, 6, 6) in Pa and free strain (n, 6) of
    each medium; held (nodes, 3): displacements that are zero.
    """

    case: Any
    mesh: Mesh
    medium: np.ndarray
    stiffness: np.ndarray
    free_strain: np.ndarray
    held: np.ndarray

    def surfaces(self, w: np.ndarray) -> dict[str, float]:
        """Return the warpage of each surface in um from the nodes' heights w (m)."""
        found = {}
        for part, side in calculix_deck.wanted_surfaces(self.case, self.mesh.model):
            sampled = calculix.sample(self.mesh, w, part, side)
            found[f"{part}.{side}"] = 1e6 * flatness.warpage(sampled).value
        return found


def problem(path: Path, coarser: float, overrides: dict[str, str], linear: bool) -> Problem:
    """Mesh a case with bricks `coarser` times as wide as its voxels; it has one temperature."""
    case = load(path, overrides)
    mesh = calculix_deck.build(case, coarser, linear)
    ids = mesh.model.ids.ravel()[mesh.voxel]
    rows, medium = np.unique(ids, return_inverse=True)
    media = [_medium(mesh, int(row), float(case.loads.temperature)) for row in rows]
    held = np.zeros(mesh.nodes.shape, bool)
    for line in calculix_deck.supports(mesh):
        node, axis = map(int, line.split(","))
        held[node - 1, axis - 1] = True
    stiffness, strain = (np.array(values) for values in zip(*media, strict=True))
    return Problem(case, mesh, medium, stiffness, strain, held)


def _medium(mesh: Mesh, row: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Return stiffness (6, 6) in Pa and free strain (6,) at a temperature."""
    at = np.array([temperature])
    E, ratios, shear = calculix_deck.engineering_constants(mesh.model, row, at)
    compliance = np.diag([*(1 / E[0]), *(1 / G[0] for G in reversed(shear))])
    for ratio, (i, j) in zip(ratios, ((0, 1), (0, 2), (1, 2)), strict=True):
        compliance[i, j] = compliance[j, i] = -ratio[0] / E[0, i]
    zero, alpha = calculix_deck.expansion(mesh.model, row, at)
    strain = np.zeros(6)
    strain[:3] = alpha[0] * (temperature - calculix_deck.ZERO_CELSIUS - zero)
    return np.linalg.inv(compliance) / calculix_deck.MPA, strain


class Clock:
    """Processor seconds of a process since the clock was made."""

    def __init__(self) -> None:
        self.start = time.process_time()

    def seconds(self) -> float:
        """Return the seconds so far."""
        return time.process_time() - self.start


def answer(unknowns: int, seconds: float, surfaces: dict[str, float], **more: Any) -> None:
    """Print what a peer found as one line of JSON."""
    found = {"unknowns": unknowns, "seconds": seconds, "surfaces": surfaces, **more}
    print(json.dumps(found))


def words(arguments: list[str]) -> tuple[str, Path, float, dict[str, str]]:
    """Read a peer's command line: METHOD CASE.toml COARSER [KEY=VALUE ...]."""
    method, path, coarser, *pairs = arguments
    return method, Path(path), float(coarser), dict(pair.split("=", 1) for pair in pairs)
