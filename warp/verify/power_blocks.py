"""Compare blocks of power, from the case file to the highest temperature, with a Fourier series.

A chip under a lid of the same outline, a by b, adiabatic but for a film h on the lid. A block heats
the chip through its thickness t1 with q W/m3. In the mode cos(lx x) cos(ly y), l^2 = lx^2 + ly^2,
the temperature of the chip is

    f(z) = A cosh(l z) + P,    P = q / (k1 l^2)

and with r = (k2 l tanh(l t2) + h) / (k2 l + h tanh(l t2)), the flux of the lid over k2 l and its
temperature, both are continuous for

    A cosh(l t1) = -P k2 r / (k1 tanh(l t1) + k2 r)

It is highest at the bottom, z = 0.

H. S. Carslaw and J. C. Jaeger, Conduction of Heat in Solids (1959), 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from warp.machine.device import Device
from warp.verify.problem import MM, Problem, Row
from warp.verify.spreading import Rectangle, cosine_weights

SERIES = "Carslaw and Jaeger (1959), 5: cosine series of two layers"
SIDE, CHIP, LID = 16 * MM, 0.15 * MM, 1 * MM
K_CHIP, K_LID, FILM = 130.0, 390.0, 1e4
AMBIENT = 45.0  # degC
MODES = 1000
TOLERANCE = 0.01  # what the cells across a block are for (`voxels.features`)
CASE = """
symmetry = "{symmetry}"
[load]
stress_free = "45 degC"
temperature = "solved"
[material.die]
conductivity = "130 W/(m K)"
[material.metal]
conductivity = "390 W/(m K)"
[part.chip]
size = "16 mm"
thickness = "0.15 mm"
material = "die"
power = {{ blocks = [{block}] }}
[part.lid]
on = "chip"
size = "16 mm"
thickness = "1 mm"
material = "metal"
[boundary.air]
face = "lid.top"
film = "10000 W/(m^2 K)"
ambient = "45 degC"
"""


@dataclass(frozen=True)
class Block:
    """A heated rectangle about the middle of the chip, in m, its heat in W."""

    rectangle: Rectangle
    watts: float
    symmetry: str

    @property
    def text(self) -> str:
        """Return its entry in the case file."""
        x, y, dx, dy = (f'"{1e3 * value:g} mm"' for value in self.rectangle)
        return f'{{ power = "{self.watts:g} W", size = [{dx}, {dy}], at = [{x}, {y}] }}'


BLOCKS = {
    "square of 0.5 mm in the middle": Block(Rectangle(0, 0, 0.5 * MM, 0.5 * MM), 5.0, "quarter"),
    "oblong of 2 by 0.4 mm near an edge": Block(
        Rectangle(5 * MM, -6 * MM, 2 * MM, 0.4 * MM), 5.0, "none"
    ),
}


def rise(block: Block, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sum the series at the bottom of the chip: (m, n) in K.

    x (n,) and y (m,): in m, from the middle of the chip.
    """
    at = block.rectangle
    lx, strip_x, twice_x = cosine_weights(SIDE, at.x + SIDE / 2, at.dx, MODES)
    ly, strip_y, twice_y = cosine_weights(SIDE, at.y + SIDE / 2, at.dy, MODES)
    along_x = twice_x * strip_x * np.cos(np.outer(x + SIDE / 2, lx)) / SIDE
    along_y = twice_y * strip_y * np.cos(np.outer(y + SIDE / 2, ly)) / SIDE
    l = np.sqrt(lx[None, :] ** 2 + ly[:, None] ** 2)  # noqa: E741
    l[0, 0] = 1.0
    lid, chip = np.tanh(l * LID), np.tanh(l * CHIP)
    r = (K_LID * l * lid + FILM) / (K_LID * l + FILM * lid)
    top = -K_LID * r / (K_CHIP * chip + K_LID * r)
    mode = (1 + top * np.sqrt(1 - chip**2)) / (K_CHIP * l**2 * CHIP)
    mode[0, 0] = 1 / FILM + LID / K_LID + CHIP / (2 * K_CHIP)
    found: np.ndarray = block.watts * along_y @ mode @ along_x.T
    return found


def hottest(name: str, device: Device) -> list[Row]:
    """Solve the case on its default grid; compare the highest temperature."""
    from warp import solve
    from warp.case.case import parse

    block = BLOCKS[name]
    text = CASE.format(symmetry=block.symmetry, block=block.text)
    found = solve(parse(text, Path("block.toml")), device=device.name).metrics
    got, at = found["temperature"]["chip"]["max_C"] - AMBIENT, block.rectangle
    across = np.linspace(-0.5, 0.5, 41)
    expected = float(rise(block, at.x + at.dx * across, at.y + at.dy * across).max())
    return [Row(f"power block, {name}", expected, got, TOLERANCE, SERIES, "K")]


PROBLEMS = [Problem(f"power block, {name}", partial(hottest, name)) for name in BLOCKS]
