"""The adjoint of a body that bends beyond linear theory: moderate rotations, at the solved shape.

    g(x, p) = 0,    H mu = dJ/dU,    dJ = - mu . dg

with the gradient g of the energy of solvers/elastic/large_deflection and its Hessian H, which is
symmetric: one solve for each metric, with the preconditioner of Newton's method. In virtual work

    mu . g = SUM V v : C e + SUM K y g_e,    e, g_e = B x + n(x) - free,    v, y = (B + dn/dx) mu

so inputs move the metric by the forms of `elastic` with these strains, and grid lines move it
through the slopes in n as well. The derivative is that of the shape on its branch; where the shape
is about to change there is none.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from warp.adjoint import attainable
from warp.adjoint.elastic import Form, forces
from warp.adjoint.elastic_partials import Partials
from warp.adjoint.refused import NoGradient
from warp.adjoint.rim import RimForm
from warp.adjoint.strains import Kinematics, Strains
from warp.adjoint.widths import LineSums
from warp.machine.arrays import Array as DeviceArray
from warp.machine.device import Device
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.history.step import Step
from warp.solvers.elastic.large_deflection.law import Law
from warp.solvers.elastic.large_deflection.newton import minimum, tangent
from warp.solvers.elastic.large_deflection.preconditioner import Preconditioner
from warp.solvers.elastic.large_deflection.solve import loads, padded
from warp.solvers.elastic.layout import temperature_array
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.solve import scale_of
from warp.solvers.krylov import Control
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
CRITICAL = 0.02
"""Stability of a shape below which it is about to change: its derivatives grow beyond bounds."""


class LargeDeflection:
    """A shape in balance beyond linear theory: `x`, in the solver's layout; `motion`: of its body.

    Found again from the displacement of a result, which lacks its rigid motion.
    """

    def __init__(
        self,
        model: VoxelModel,
        temperature: float | Array,
        displacement: Array,
        device: Device,
        control: Control,
    ) -> None:
        """temperature: K, one or (nz, ny, nx); control: of Newton's method.

        Raises NoGradient where the shape is about to change.
        """
        self.model, self.T, self.device = model, temperature, device
        T = temperature_array(temperature)
        start = State.start(model.ids.shape)
        step = Step(model, T, device, start, 0.0)
        self.A = step.A
        f, stress, sides = loads(model, step)
        scale = scale_of(model, step.A, T, f)
        self.law = Law(step.A, sides, device.asarray(f), device.asarray(stress))
        self.law.keep_tilt(model)
        self.pre = Preconditioner(model, self.law, Cycle(step.A))
        first = device.asarray(padded(displacement))
        progress = control.progress
        on_step = None if progress is None else partial(progress, 0)
        shape = minimum(self.law, self.pre, scale, control.tolerance, first, np.inf, on_step)
        self.x, self.stability = shape.x, shape.stability
        if self.stability < CRITICAL:
            raise NoGradient(
                f"the shape is about to change (stability {max(self.stability, 0.0):.2g}), so it "
                "has no gradient: compute it further from the load at which the body rolls up"
            )
        self.motion = Kinematics(model, step.A.body)
        self.rim = RimForm(model, step.A, sides)

    @property
    def branch(self) -> str:
        """Say that the shape stays on its branch, and how stable it is there."""
        return f"the shape stays on its branch, stability {self.stability:.2g}"

    def solve(self, right: Array, control: Control) -> Array:
        """Solve H mu = right, in the solver's layout; report the residual that is left."""
        size = float(np.linalg.norm(right))
        if size == 0.0:
            return np.zeros(right.shape)
        b = self.device.asarray(right)
        rough = max(attainable.ROUGH, control.tolerance)
        x = tangent(self.law, self.pre, b, rough * size)
        if rough > control.tolerance:
            lost = attainable.uncancelled(self.device, self._apply, x) * np.finfo(float).eps
            goal = max(control.tolerance * size, attainable.MARGIN * lost)
            x = tangent(self.law, self.pre, b, goal, x)
        if control.progress is not None:
            left = b.copy()
            self._apply(left, x, 1.0, -1.0)
            control.progress(1, float(self.device.xp.linalg.norm(left)) / size)
        found: Array = self.device.to_host(x)
        return found

    def _apply(self, out: DeviceArray, p: DeviceArray, keep: float, sign: float) -> None:
        """Compute out = keep out + sign H p."""
        product = self.device.empty(self.A.shape)
        self.law.hessian(product, p)
        out *= keep
        out += sign * product

    def partials(self, adjoint: Array, maps: bool) -> Partials:
        """Return the derivatives of - mu . g; adjoint: mu in the solver's layout."""
        motion, x, nx = self.motion, self.device.to_host(self.x), self.A.n[0]
        mu, U = (np.ascontiguousarray(a[..., 1 : nx + 2]) for a in (adjoint, x))
        pull, strain = motion.of(mu), motion.of(U)
        self._add(strain, self.law.added_strains(self.x))
        self._add(pull, self._added_by(adjoint, x))
        form = Form(self.model, motion.body, temperature_array(self.T), maps)
        loaded = form.loaded(motion, strain)
        form.add(pull, loaded)
        rims = self.rim.add(form, pull, loaded)
        of_strain, of_pull = (forces(motion, s) for s in (loaded, pull))
        for own, more in zip((of_strain, of_pull), rims, strict=True):
            own.edges[2] += more
        motion.by_lines(mu, of_strain, form.lines)
        motion.by_lines(U, of_pull, form.lines)
        self._slopes(adjoint, of_strain, of_pull, form.lines)
        return form.partials()

    def _added_by(self, adjoint: Array, x: Array) -> tuple[Array, Array, Array]:
        """Return dn/dx mu: xx, yy of voxels and xy of edges, exact for products of two slopes."""
        size = float(np.linalg.norm(adjoint[2]))
        s = float(np.linalg.norm(x[2])) / size if size else 1.0
        s = s or 1.0
        sides = [
            self.law.added_strains(self.device.asarray(x + sign * s * adjoint))
            for sign in (1.0, -1.0)
        ]
        xx, yy, xy = ((a - b) / (2 * s) for a, b in zip(*sides, strict=True))
        return xx, yy, xy

    def _add(self, strain: Strains, more: tuple[Array, Array, Array]) -> None:
        strain.cells[0] += more[0]
        strain.cells[1] += more[1]
        strain.edges[2, : self.A.n[2]] += more[2]

    def _slopes(self, adjoint: Array, of_strain: Strains, of_pull: Strains, sums: LineSums) -> None:
        """Add what grid lines change in the slopes of n(x) and of dn/dx mu.

        of_strain, of_pull: the forces that go with dn/dx mu and with n(x).
        """
        nx = self.A.n[0]
        g = self.law.slopes_of(self.x)
        h = self.law.slopes_of(self.device.asarray(adjoint))
        pulled, strained = ((s.cells[0], s.cells[1], s.edges[2]) for s in (of_pull, of_strain))
        by = g * self.law.forces_on_slopes(*pulled, g)
        by += h * self.law.forces_on_slopes(*strained, g)
        by += g * self.law.forces_on_slopes(*strained, h)
        grid = self.model.grid
        for axis, widths in ((0, grid.dx), (1, grid.dy)):
            own = by[axis][..., 1 : nx + 2]  # at lines of this axis, cells of the other
            along = own.sum(axis=(0, 1) if axis == 0 else (0, 2))[1 : len(widths)]
            sums.distance(axis, -along / (widths[1:] + widths[:-1]))
