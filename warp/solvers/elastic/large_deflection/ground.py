"""A body beyond linear theory on a table: one-sided springs under its lowest faces, and its weight.

    energy += sum s <-g>^2 / 2 - weight x,    g = height + w of the lowest face of every column

The springs press a face in by at most SINK of the body's height, far below what is measured, and
are no stiffer than the table of linear theory (`contact`): one as stiff as a voxel would hold a
thin plate ten orders of magnitude more firmly than the plate holds its own shape. The table starts
soft and stiffens, as there.

A face of a thin wafer that has moved by millimetres is known to half the last bit of that; across
a voxel of some micrometres this is a force, in pairs that bend nothing, which no displacement in
double precision is without. A residual as large is enough.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from warp.machine.arrays import Array
from warp.solvers.elastic import contact
from warp.solvers.elastic.large_deflection.law import Law
from warp.solvers.elastic.large_deflection.newton import Shape, Told, minimum
from warp.solvers.elastic.large_deflection.preconditioner import Preconditioner
from warp.solvers.elastic.rigid import rising_motions
from warp.voxels.voxelize import VoxelModel

SINK = 1e-4
"""Depth to which a face may sink in, over the height of the body."""
STIFFENING = 100.0
ROUNDINGS = 4.0
"""Residual over that of displacements off by half their last bit: several are added up."""
SETTLED = 0.01
"""Energy that may be left to fall before the table stiffens, over that of the weight sinking in."""
TRIED = 50
"""Iterations of a Newton step: faces that come to touch end a long one early."""
STAGES = 12
"""Most times that the table stiffens."""


class Ground:
    """Springs under the lowest faces; `touching`: of which faces, at the last `push`.

    lift: height in m of the body beyond its displacement, kept apart so as not to round forces.
    """

    def __init__(self, model: VoxelModel, law: Law, displacement: np.ndarray) -> None:
        """displacement: the total one before the increment, in the solver's layout."""
        self.device = law.device
        self.faces = contact.lowest(model, law.A)
        self.pull = contact.weight(model, law.A)
        heights = self.faces.height + displacement.reshape(-1)[self.faces.at]
        self.at = self.device.asarray(self.faces.at, np.int64)
        self.start, self.lift = self.device.asarray(heights), 0.0
        self.s = self.device.zeros(len(heights))
        self.touching = self.device.zeros(len(heights), bool)

    def gaps(self, x: Array) -> Array:
        """Return the heights of the faces above the table."""
        found: Array = self.start + self.lift + x.reshape(-1)[self.at]
        return found

    def energy(self, x: Array) -> float:
        """Return the energy of the springs in J."""
        xp = self.device.xp
        return float((self.s * xp.minimum(self.gaps(x), 0.0) ** 2).sum()) / 2

    def push(self, out: Array, x: Array) -> None:
        """Subtract the forces of the springs."""
        g = self.gaps(x)
        self.touching = g < 0
        out.reshape(-1)[self.at] += self.s * self.device.xp.minimum(g, 0.0)

    def hold(self, out: Array, p: Array) -> None:
        """Subtract the change of these forces by p."""
        out.reshape(-1)[self.at] += self.stiffness * p.reshape(-1)[self.at]

    @property
    def stiffness(self) -> Array:
        """Return the stiffness in N/m of the springs that touch, 0 of the others."""
        return self.s * self.touching


def settle(
    model: VoxelModel,
    law: Law,
    pre: Preconditioner,
    ground: Ground,
    floating: Shape,
    goal: float,
    rough: float,
    on_step: Told | None = None,
) -> tuple[Shape, contact.TableContact]:
    """Put a body down on a table from the shape in which it floats.

    goal, rough: residuals in N at the end, and while the table is softer than then.
    """
    faces, to_host = ground.faces, law.device.to_host
    size = float(np.linalg.norm(ground.pull))
    weight = -float(ground.pull.sum())
    rising = rising_motions(model)[:1].reshape(-1)[faces.at][:, None]
    height = float(model.grid.z[-1] - model.grid.z[0])
    x, iterations = floating.x.copy(), 0
    exists = pre.modes.exists[2]
    gaps = to_host(ground.gaps(x))
    soft = weight / faces.area.sum() / max(float(np.ptp(gaps)), SINK * height)
    settled = SETTLED * weight * SINK * height
    law.rest_on(ground)
    for _ in range(STAGES):
        s = np.minimum(soft * faces.area, faces.hardness)
        ground.s = law.device.asarray(s)
        gaps = to_host(ground.gaps(x))
        load = np.array([-weight])
        ground.lift += float(contact.balanced_motion(gaps, rising, load, s)[0])
        tolerance = max(goal, rough) / size
        shape = minimum(
            law, pre, size, tolerance, x, np.inf, on_step, enough=settled, products=TRIED
        )
        x, iterations = shape.x, iterations + shape.iterations
        moved = float(x.reshape(-1)[ground.at].mean())
        x[2] -= moved * exists
        ground.lift += moved
        deepest = -float(ground.gaps(x).min())
        if deepest <= SINK * height or bool((s == faces.hardness).all()):
            break
        soft *= min(STIFFENING, 2 * deepest / (SINK * height))
    rounded = min(ROUNDINGS * round_off(law, x) / size, contact.WHILE_SOFTER)
    tolerance = max(goal / size, rounded)
    last = minimum(law, pre, size, tolerance, x, np.inf, on_step, products=TRIED)
    gaps, copies = ground.gaps(last.x), model.grid.copies
    touching = to_host(gaps < 0)
    resting = contact.TableContact(
        weight=copies * weight,
        area=copies * float(faces.area[touching].sum()),
        lift=max(0.0, float(gaps.max())),
    )
    last.x[2] += ground.lift * exists
    return replace(last, iterations=iterations + last.iterations), resting


def round_off(law: Law, x: Array) -> float:
    """Return the residual in N of displacements that are off by half their last bit at random."""
    to_host, asarray = law.device.to_host, law.device.asarray
    bits = np.spacing(to_host(x)) * to_host(x).astype(bool)
    shares = np.random.default_rng(0).uniform(-0.5, 0.5, bits.shape)
    residual = law.device.zeros(bits.shape)
    law.linear(residual, asarray(bits * shares))
    return float(law.device.xp.linalg.norm(residual))
