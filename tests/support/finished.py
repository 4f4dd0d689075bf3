"""A finished run that took no solve: a quarter of a chip on a board, bent into a known dome."""

from types import SimpleNamespace

import numpy as np

from warp.results import metrics
from warp.results.file import Result
from warp.voxels.grid import Grid

CASE = """
title = "dome <of> known height"
symmetry = "quarter"
[load]
stress_free = "125 degC"
[part.board]
size = "10 mm"
thickness = "1 mm"
material = "fr4"
[part.chip]
on = "board"
size = "4 mm"
thickness = "0.5 mm"
material = "silicon"
power = "1 W"
[part.balls]
shape = "balls"
under = "board"
pitch = "1 mm"
diameter = "0.5 mm"
height = "0.4 mm"
material = "sac305"
[boundary.air]
face = "chip.top"
film = "1000 W/(m^2 K)"
ambient = "25 degC"
"""
HEIGHT = 80e-6  # of the dome at the middle above the board's edge middles


def dome(x, y):
    """w of the whole package [m]: a paraboloid, 2 HEIGHT from the middle to a corner."""
    return HEIGHT * (1 - (x / 5e-3) ** 2 - (y / 5e-3) ** 2)


def finished(height: float = HEIGHT, stress: bool = True, case: str = CASE) -> Result:
    """A quarter of the package, x and y from 0 to 5 mm."""
    lines = 1e-3 * np.array([0.0, 0.3, 0.8, 1.4, 2.0, 2.5, 3.1, 3.8, 4.5, 5.0])
    grid = Grid(lines, lines, 1e-3 * np.array([0.0, 0.5, 1.0, 1.25, 1.5]), (True, True))
    ids = np.zeros(grid.shape, np.uint16)
    ids[:2], ids[2:, :4, :4] = 1, 2
    media = SimpleNamespace(
        part=np.array([-1, 0, 1], np.int32),
        names=["void", "fr4", "silicon"],
        stress_free=np.array([0.0, 398.0, 398.0]),
        fraction=np.array([0.0, 1.0, 1.0]),
    )
    model = SimpleNamespace(grid=grid, ids=ids, media=media, parts=["board", "chip"])
    nz, ny, nx = grid.shape
    u = np.zeros((3, nz + 1, ny + 1, nx + 1))
    u[2, :, :ny, :nx] = dome(grid.xc[None, :], grid.yc[:, None]) * height / HEIGHT
    warm = (
        320.0
        + 10 * grid.zc[:, None, None] / grid.z[-1]
        - np.hypot(grid.xc[None, :], grid.yc[:, None])[None] * 1e3
    )
    s = np.random.default_rng(1).normal(0, 2e7, (6, *grid.shape)).astype(np.float32)
    heat = SimpleNamespace(temperature=warm, iterations=2, residuals=[1.0, 1e-5, 1e-9], seconds=0.1)
    bent = SimpleNamespace(displacement=u, iterations=1, residuals=[1.0, 1e-9], seconds=0.2)
    zones = {("board", "bottom"): (-4.5e-3, 4.5e-3, -4.5e-3, 4.5e-3)}
    numbers = metrics.evaluate(
        model, warm, u, s if stress else None, zones=zones, power={"chip": 1.0}, ambient=298.15
    )
    return Result.of(
        case,
        model,
        heat=heat,
        elastic=bent,
        stress=s if stress else None,
        numbers=numbers,
        tolerances={"heat": 1e-8, "elastic": 1e-8},
        provenance={
            "device": "cpu",
            "wall_s": 0.4,
            "peak_memory_MB": 12,
            "case_file": "dome.toml",
            "overrides": {},
        },
    )
