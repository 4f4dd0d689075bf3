"""A deck of CalculiX in which layers are added to a bent plate, free of strain in their own plane.

Quarter of a square plate of C3D20R, lengths in mm. *MODEL CHANGE, ADD=STRAINFREE takes the strains
at the moment of adding as those of no stress; nodes of added bricks alone have not moved before, so
an added layer is flat. All nodes start at COLD, where expansion is zero, so that each layer strains
from its own stress-free temperature (`verify.calculix_deck`). CalculiX adds by finite rotations
only: the bent plate is to sag little against the thickness of the layers.
"""

import re
import subprocess
from itertools import product
from pathlib import Path

import numpy as np

from warp.verify.calculix_deck import COLD, CORNERS, MIDDLES, UPRIGHT


def nodes_of(cell):
    """Return the places (i, j, k) of a brick's nodes on the lines halved."""
    places = (*CORNERS, *MIDDLES, *UPRIGHT)
    return [tuple(2 * c + p for c, p in zip(cell, place, strict=True)) for place in places]


def halved(line):
    """Return a line with the middle of every cell."""
    return np.sort(np.concatenate([line, (line[1:] + line[:-1]) / 2]))


def deck(layers, added, side, temperatures):
    """Return the text, and x, y, z of the nodes by number.

    layers: name -> (Layer in SI, stress-free degC), from the bottom up; added: names that join at
    the first of the temperatures, at which the plate is solved before and after.
    """
    line = 1e3 * side / 2 * np.array([0.0, 0.25, 0.5, 0.7, 0.85, 0.93, 0.97, 1.0])
    z = np.concatenate([[0.0], np.cumsum([1e3 * layer.t for layer, _ in layers.values()])])
    x, heights = halved(line), halved(z)
    count = len(line) - 1
    bricks = {
        name: [nodes_of((i, j, k)) for j, i in product(range(count), repeat=2)]
        for k, name in enumerate(layers)
    }
    place = dict.fromkeys(node for own in bricks.values() for brick in own for node in brick)
    number = {node: n for n, node in enumerate(place, start=1)}
    where = {n: (x[i], x[j], heights[k]) for (i, j, k), n in number.items()}
    text = ["*NODE, NSET=ALL", *(f"{n}, {p[0]}, {p[1]}, {p[2]}" for n, p in where.items())]
    label = 0
    for name, own in bricks.items():
        text.append(f"*ELEMENT, TYPE=C3D20R, ELSET={name}")
        for brick in own:
            label += 1
            words = [str(number[node]) for node in brick]
            text += [", ".join([str(label), *words[:10]]) + ",", ", ".join(words[10:])]
    for name, (layer, free) in layers.items():
        text += [
            f"*MATERIAL, NAME={name}",
            "*ELASTIC",
            f"{layer.E * 1e-6}, {layer.nu}",
            f"*EXPANSION, ZERO={free}",
            f"0., {COLD}",
            f"{layer.alpha}, {COLD + 100}",
            f"{layer.alpha}, 500.",
            f"*SOLID SECTION, ELSET={name}, MATERIAL={name}",
        ]
    for axis in (0, 1):
        text += [f"*NSET, NSET=N{axis}", *(str(n) for n, p in where.items() if p[axis] == 0)]
    text += ["*BOUNDARY", "N0, 1", "N1, 2", f"{number[0, 0, 0]}, 3"]
    text += ["*INITIAL CONDITIONS, TYPE=TEMPERATURE", f"ALL, {COLD}"]
    first, *later = temperatures
    for change, T in (("REMOVE", first), ("ADD=STRAINFREE", first), *(("", T) for T in later)):
        text += ["*STEP, NLGEOM", "*STATIC"]
        if change:
            text += [f"*MODEL CHANGE, TYPE=ELEMENT, {change}", *added]
        text += ["*TEMPERATURE", f"ALL, {T}", "*NODE PRINT, NSET=ALL", "U", "*END STEP"]
    return "\n".join([*text, ""]), where


def displacements(program, folder: Path, text):
    """Run a deck; return u, v, w in mm by node after each step."""
    (folder / "added.inp").write_text(text)
    subprocess.run([program, "-i", "added"], cwd=folder, check=True, capture_output=True)
    blocks = re.split(r"displacements.*\n", (folder / "added.dat").read_text())[1:]
    return [
        {int(n): tuple(map(float, u)) for n, *u in map(str.split, block.strip().splitlines())}
        for block in blocks
    ]


def curvature(where, displacement, level):
    """Return -d2w/dx2 in 1/m along y = 0 near the middle, at a height in mm."""
    x, w = np.transpose(
        [
            (x, displacement[n][2])
            for n, (x, y, z) in where.items()
            if y == 0 and np.isclose(z, level) and x < 1.6
        ]
    )
    return -2e3 * np.polyfit(x, w, 2)[0]
