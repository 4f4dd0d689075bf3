"""Whole solves through the CUDA sources on the CPU, with the launches of a GPU run."""

import numpy as np
import pytest
from conductors import boxes, uneven
from hard_models import ROOM, bumps
from oncpu import compiler, cuda_sources

from warp.machine import cache, declarations
from warp.materials.library import library
from warp.run import warmup
from warp.solvers.elastic import solve as elastic
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.multigrid import cycle as elastic_cycle
from warp.solvers.elastic.multigrid import level as elastic_level
from warp.solvers.heat import solve as heat
from warp.solvers.krylov import Control
from warp.voxels.boundary import Film, Fixed

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler (g++) found")


def conductors():
    """Build a lid with a cavity on a base: 27 x 23 x 7 voxels, three levels."""
    rng = np.random.default_rng(4)
    x, y, z = uneven(rng, 27, 1.0), uneven(rng, 23, 0.8), uneven(rng, 7, 0.2)
    parts = {
        "base": ((12.0, 10.0, 0.4), (0.0, 1.0, 0.0, 0.8, 0.0, z[2])),
        "chip": (130.0, (x[9], x[17], y[8], y[16], z[2], z[4])),
        "lid": (390.0, (0.0, x[25], 0.0, 0.8, z[4], z[7])),
        "foot": (0.2, (0.0, x[4], 0.0, 0.8, z[2], z[4])),
    }
    return boxes(x, y, z, parts)


def test_heat(cpu):
    model, films = conductors(), [Film("lid.top", 800, 300), Fixed("foot.x-", 305)]
    numba = heat.solve_steady(model, films, {"chip": 5.0}, cpu)
    with cuda_sources() as launched:
        cuda = heat.solve_steady(model, films, {"chip": 5.0}, cpu)
    assert cuda.iterations == numba.iterations
    np.testing.assert_allclose(cuda.temperature, numba.temperature, rtol=1e-9)
    assert launched >= {
        f"{m}.{f}" for m in ("heat", "heat_level") for f in declarations.signatures(m)
    }


@pytest.mark.slow
@pytest.mark.weekly
def test_warmup_leaves_nothing_to_compile(cpu):
    warmup.warmup(cpu)
    for module in cache.modules():
        assert list(cache.folder(module).glob("**/*.nbi")), module


def flip_chip(mirror):
    """Build a chip on a wider substrate, 19 x 17 x 8 voxels; free of stress at 150 degC."""
    rng = np.random.default_rng(5)
    x, y = (
        uneven(rng, n, 10e-3) - (0 if m else 5e-3) for n, m in zip((19, 17), mirror, strict=True)
    )
    z = np.concatenate(
        (np.linspace(0, 1e-3, 4), [1.05e-3, 1.1e-3], np.linspace(1.1e-3, 1.9e-3, 4)[1:])
    )
    known, inf = library(), np.inf
    chip = (x[0 if mirror[0] else 4], x[14], y[0 if mirror[1] else 3], y[12])
    parts = {
        "substrate": (known["copper"], (-inf, inf, -inf, inf, 0, 1e-3)),
        "underfill": (known["silver"], (*chip, 1e-3, 1.1e-3)),
        "chip": (known["silicon"], (*chip, 1.1e-3, 2e-3)),
    }
    model = boxes(x, y, z, parts, mirror)
    model.media.stress_free[:] = 423.15
    return model


@pytest.mark.parametrize(
    "mirror, wide", [((True, True), elastic_level.WIDE), ((False, False), 0.5)]
)
def test_elastic(cpu, mirror, wide, monkeypatch):
    monkeypatch.setattr(elastic_level, "WIDE", wide)
    monkeypatch.setattr(elastic_cycle, "COARSEST", 800)
    model = flip_chip(mirror)
    numba = elastic.solve(model, 298.15, cpu, State.start(model.grid.shape), Control(1e-10))
    with cuda_sources() as launched:
        cuda = elastic.solve(model, 298.15, cpu, State.start(model.grid.shape), Control(1e-10))
    assert abs(cuda.iterations - numba.iterations) <= 1
    largest = abs(numba.displacement).max()
    assert largest > 1e-6
    np.testing.assert_allclose(cuda.displacement, numba.displacement, rtol=0, atol=1e-8 * largest)
    modules = "elastic", "elastic_setup", "elastic_load", "columns", "multigrid"
    known = {f"{m}.{f}" for m in modules for f in declarations.signatures(m)}
    assert known - launched == ({"elastic.elastic_lines"} if elastic_level.WIDE < 0.3 else set())


def test_elastic_with_slender_parts(cpu):
    """Bumps two voxels wide at a pitch of five: slender rows on the two finest levels."""
    model = bumps(5, 2, 20)
    numba = elastic.solve(model, ROOM, cpu, State.start(model.grid.shape), Control(1e-10))
    with cuda_sources() as launched:
        cuda = elastic.solve(model, ROOM, cpu, State.start(model.grid.shape), Control(1e-10))
    assert abs(cuda.iterations - numba.iterations) <= 1
    largest = abs(numba.displacement).max()
    np.testing.assert_allclose(cuda.displacement, numba.displacement, rtol=0, atol=1e-8 * largest)
    assert launched >= {f"slender.{f}" for f in declarations.signatures("slender")}
