"""Bend moulded wafers in CalculiX (ccx), with finite rotations, on meshes made for them.

    python tests/benchmarks/calculix_wafer.py FOLDER [NAME ...]

A quarter of a disc of twenty-node bricks (C3D20R, NLGEOM), two through each layer, narrower towards
the rim; it is made of three blocks, so that its rim is round. The upper layer expands less along y
by ASYMMETRY, so that a wafer beyond its critical load rolls up along x. Every wafer is solved on
two meshes. Prints the sags of the lower face along x and along y;
tests/run/test_large_deflection_calculix.py has them.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from warp.verify.calculix import table

ASYMMETRY = 0.03
PER_LAYER = 2
EDGE, GRADED = 0.5, 0.35
"""Width of the outermost brick over the height, and the share of the radius that is graded."""


@dataclass(frozen=True)
class Layer:
    """Thickness in mm; stiffness in MPa as CalculiX takes it; expansion in 1/K along x, y and z."""

    thickness: float
    elastic: str
    expansion: tuple[float, float, float]


def isotropic(thickness: float, E: float, nu: float, alpha: float) -> Layer:
    """Return a layer of an isotropic material."""
    return Layer(thickness, f"*ELASTIC\n{E}, {nu}", (alpha,) * 3)


SILICON = isotropic(0.775, 130e3, 0.17, 2.6e-6)
MOULD = isotropic(0.5, 20e3, 0.35, 9e-6)
RADIUS = 150.0  # mm
WAFERS = {"dome": -30.0, "cylinder": -100.0}
"""Change of temperature in K."""
MESHES = (8, 12)
"""Bricks along a radius."""


def widths(count: int, half: float, height: float) -> np.ndarray:
    """Return lines 0 .. half, the outermost brick EDGE heights wide, growing inwards."""
    outer = max(3, count // 2)
    inner = count - outer
    growth = np.linspace(1.0, 6.0, 2000)
    sums = EDGE * height * np.array([sum(g**n for n in range(outer)) for g in growth])
    g = growth[np.abs(sums - GRADED * half).argmin()]
    steps = EDGE * height * g ** np.arange(outer)
    steps *= GRADED * half / steps.sum()
    core = np.linspace(0, half * (1 - GRADED), inner + 1)
    return np.concatenate([core, core[-1] + np.cumsum(steps[::-1])])


def halved(lines: np.ndarray) -> np.ndarray:
    """Return lines with their middles."""
    return np.sort(np.concatenate([lines, (lines[1:] + lines[:-1]) / 2]))


def disc(count: int, half: float, height: float) -> list[np.ndarray]:
    """Return three blocks of a quarter: a square with bent sides, and two out to the rim."""
    line = widths(count, half, height)
    inner = 0.5 * half
    outward = halved(np.concatenate([[inner], line[line > inner + 0.02 * half]]))
    t = np.linspace(0, 1, 2 * (count // 2) + 1)
    x, y = np.meshgrid(inner * t, inner * t, indexing="ij")
    bulge = 1 - 0.16 * (np.maximum(x, y) / inner) * (np.minimum(x, y) / np.maximum(x, y).clip(1e-9))
    core = np.stack([x * bulge, y * bulge], axis=-1)
    blocks = [core]
    for side, swap in ((core[-1], False), (core[:, -1], True)):
        angle = np.pi / 4 * t
        ends = half * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        ends = ends[:, ::-1] if swap else ends
        share = ((outward - inner) / (half - inner))[:, None, None]
        block = (1 - share) * side + share * ends
        blocks.append(block if not swap else block.transpose(1, 0, 2))
    return blocks


CORNERS = ((0, 0, 0), (2, 0, 0), (2, 2, 0), (0, 2, 0), (0, 0, 2), (2, 0, 2), (2, 2, 2), (0, 2, 2))
MIDDLES = ((1, 0, 0), (2, 1, 0), (1, 2, 0), (0, 1, 0), (1, 0, 2), (2, 1, 2), (1, 2, 2), (0, 1, 2))
UPRIGHT = ((0, 0, 1), (2, 0, 1), (2, 2, 1), (0, 2, 1))


def meshed(
    blocks: list[np.ndarray], layers: tuple[Layer, ...]
) -> tuple[np.ndarray, list[list[list[int]]]]:
    """Return nodes (n, 3) and the bricks of every layer, numbered from 1."""
    number: dict[tuple[int, ...], int] = {}
    nodes: list[tuple[float, ...]] = []
    bricks: list[list[list[int]]] = []
    low = 0.0
    for layer in layers:
        z = low + layer.thickness * np.linspace(0, 1, 2 * PER_LAYER + 1)
        own = []
        for block in blocks:
            for i in range(0, block.shape[0] - 1, 2):
                for j in range(0, block.shape[1] - 1, 2):
                    for k in range(0, len(z) - 1, 2):
                        brick = []
                        for a, b, c in CORNERS + MIDDLES + UPRIGHT:
                            place = (*block[i + a, j + b], z[k + c])
                            key = tuple(round(1e5 * q) for q in place)
                            if key not in number:
                                nodes.append(place)
                                number[key] = len(nodes)
                            brick.append(number[key])
                        own.append(brick)
        bricks.append(own)
        low += layer.thickness
    return np.array(nodes), bricks


def deck(name: str, count: int) -> tuple[str, np.ndarray]:
    """Return the deck of a wafer and its nodes."""
    layers, change = (SILICON, MOULD), WAFERS[name]
    height = sum(layer.thickness for layer in layers)
    nodes, bricks = meshed(disc(count, RADIUS, height), layers)
    lines = ["*NODE, NSET=all"]
    lines += [f"{n}, {x:.9g}, {y:.9g}, {z:.9g}" for n, (x, y, z) in enumerate(nodes, 1)]
    element = 0
    for n, (layer, own) in enumerate(zip(layers, bricks, strict=True)):
        lines.append(f"*ELEMENT, TYPE=C3D20R, ELSET=layer{n}")
        for brick in own:
            element += 1
            numbers = [str(v) for v in (element, *brick)]
            lines += [", ".join(numbers[:11]) + ",", ", ".join(numbers[11:])]
        x, y, z = layer.expansion
        if n == len(layers) - 1:
            y *= 1 - ASYMMETRY
        lines += [
            f"*MATERIAL, NAME=m{n}",
            layer.elastic,
            "*EXPANSION, TYPE=ORTHO, ZERO=0",
            f"{x:.9g}, {y:.9g}, {z:.9g}",
            f"*SOLID SECTION, ELSET=layer{n}, MATERIAL=m{n}",
        ]
    lines += ["*INITIAL CONDITIONS, TYPE=TEMPERATURE", "all, 0", "*BOUNDARY"]
    for axis in (0, 1):
        lines += [f"{n + 1}, {axis + 1}" for n in np.flatnonzero(nodes[:, axis] < 1e-6)]
    low = np.flatnonzero((np.abs(nodes) < 1e-6).all(axis=1))[0]
    bottom = np.flatnonzero(nodes[:, 2] < 1e-6)
    lines += [f"{low + 1}, 3", "*NSET, NSET=bottom"]
    lines += [str(n + 1) for n in bottom]
    lines += ["*STEP, NLGEOM, INC=1000", "*STATIC", "0.05, 1.0", "*TEMPERATURE", f"all, {change}"]
    lines += ["*NODE PRINT, NSET=bottom, FREQUENCY=1000", "U", "*END STEP"]
    return "\n".join(lines) + "\n", nodes


def main(folder: Path, names: list[str]) -> None:
    """Solve wafers on their meshes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or WAFERS:
        for count in MESHES:
            stem = folder / f"{name}-{count}"
            text, nodes = deck(name, count)
            stem.with_suffix(".inp").write_text(text)
            subprocess.run(["ccx", "-i", stem.name], cwd=folder, check=True, capture_output=True)
            number, values = table(stem.with_suffix(".dat"), 3)
            at = {int(n): w for n, w in zip(number, values[:, 2], strict=True)}
            sags = []
            for end in ((RADIUS, 0.0, 0.0), (0.0, RADIUS, 0.0)):
                nearest = int(np.linalg.norm(nodes - end, axis=1).argmin())
                sags.append(1e3 * at[nearest + 1])
            print(
                f"{name}, {count} bricks: {sags[0]:.1f} um along x, {sags[1]:.1f} um along y",
                flush=True,
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
