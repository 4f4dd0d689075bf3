"""A solved case with its operators: the point at which metrics are differentiated.

    A lambda = dJ/dU,   then   A_heat mu = dJ/dT + dL/dT   where a temperature field takes part

with the operators and V-cycles of the solve; beyond linear theory the Hessian takes the place of A
(`large_deflection`). The derivatives of both equations are those of `elastic` and `heat`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from warp.adjoint import attainable, elastic, stresses
from warp.adjoint.bond_lines import MOST_ROUNDS, BondLines
from warp.adjoint.by_fields import ByFields, Measure
from warp.adjoint.elastic import forces
from warp.adjoint.elastic_partials import Partials
from warp.adjoint.large_deflection import LargeDeflection
from warp.adjoint.linear import Derivatives, EdgeForces, Heated, Linear
from warp.adjoint.mechanisms import Mechanisms, mechanisms
from warp.adjoint.refused import NoGradient
from warp.adjoint.strains import Kinematics, Strains
from warp.adjoint.thermal import Thermal, through_stiffness
from warp.adjoint.variant import Base
from warp.case.case import Case
from warp.errors import ConvergenceError, WarpError
from warp.machine.device import Device
from warp.results.file import Result
from warp.results.metrics.solved import Solved
from warp.run.grids import common_grid
from warp.run.load_step import NO_RESIDUAL, TOLERANCE, OnProgress
from warp.run.stage_model import enter
from warp.solvers.elastic.history.state import State
from warp.solvers.elastic.load import mean_temperature
from warp.solvers.elastic.multigrid.cycle import Cycle
from warp.solvers.elastic.operator import Body, moduli
from warp.solvers.elastic.operator import Operator as ElasticOperator
from warp.solvers.elastic.rigid import rising_motions
from warp.solvers.elastic.stress import stress
from warp.solvers.krylov import Control
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
ADJOINT = 1e-5
"""Relative residual of adjoint solves: a gradient is as near to that of the exact solution as its
residual times what the load and a change of inputs have in common, far less than 1e-5 of it."""


@dataclass(frozen=True, eq=False)
class Point:
    """A solved case with its operators: the point at which metrics are differentiated.

    temperature: of the body in K, one or (nz, ny, nx); mean (media,): of each medium. bends: beyond
    linear theory.
    """

    base: Base
    solved: Solved
    temperature: float | Array
    mean: Array
    device: Device
    say: OnProgress
    bends: bool = False

    @classmethod
    def of(cls, case: Case, result: Result, device: Device, say: OnProgress) -> Point:
        """Take the fields of a result; WarpError if they are not those of the case."""
        say("grid and voxels", 0, NO_RESIDUAL)
        step = case.load_steps[-1]
        model = enter(case, step, common_grid(case)).voxels
        if not np.array_equal(model.ids, result.ids):
            raise WarpError("files that the case names have changed since this result was solved")
        warps = not case.heat_alone
        for name, needed in (("displacement", warps), ("temperature", case.heated)):
            if needed and name not in result.fields:
                raise WarpError(f"this result has no {name} field: add it to output.fields")
        field = np.array(result.temperature) if case.heated else None
        given = case.loads.temperature
        temperature: float | Array
        if given is None:
            assert field is not None
            temperature = field
        else:
            temperature = given
        base = Base(case, model)
        variant = base.unchanged
        solved = Solved(
            model,
            field,
            np.array(result.displacement) if warps else None,
            zones=case.zones,
            terminals=case.terminals,
            power=variant.power,
            ambient=variant.ambient,
        )
        mean = mean_temperature(model, temperature)
        theory = result.metrics.get("large_deflection", {}).get("theory", "linear")
        return cls(base, solved, temperature, mean, device, say, theory != "linear")

    @property
    def model(self) -> VoxelModel:
        """Return the voxels."""
        return self.base.model

    def linear(self, found: Sequence[Derivatives]) -> Linear:
        """Return the point with the derivatives of metrics."""
        heated = self.heated if any(d.heat is not None for d in found) else None
        stressed = any(d.edges is not None for d in found)
        solved = self._stressed if stressed else self.solved
        return Linear(self.model, solved, self.mean, heated, found)

    @cached_property
    def operator(self) -> ElasticOperator:
        """Return the elastic operator of the solve."""
        if self.large_deflection is not None:
            return self.large_deflection.A
        return ElasticOperator(Body(self.model, self.device, moduli(self.model, self.mean)))

    @cached_property
    def motion(self) -> Kinematics:
        """Return the strains of displacements."""
        return Kinematics(self.model, self.operator.body)

    @cached_property
    def _state(self) -> State:
        """Return the strains of the solved displacement."""
        assert self.solved.displacement is not None
        cells, edges = self.motion.of(self.solved.displacement)
        start = State.start(self.model.ids.shape)
        return replace(start, solid=self.model.ids > 0, strain=cells, shear=edges)

    @cached_property
    def _edge_forces(self) -> Array:
        """Return the forces of the edges between four voxels."""
        found = -forces(self.motion, Strains(self._state.strain, self._state.shear)).edges
        found.reshape(-1)[self.motion.lateral] = 0.0
        return found

    @cached_property
    def _stressed(self) -> Solved:
        """Return what was solved with its stress."""
        found = stress(self.model, self.temperature, self._state, self.device)
        return replace(self.solved, stress=found)

    def solved_for(self, wanted: Measure) -> Solved:
        """Return what a metric is computed from."""
        if self.bends and isinstance(wanted, stresses.PartStress):
            raise NoGradient(
                f"{wanted.name}: the stress of a body beyond linear theory has no gradient yet; "
                "its displacements have one"
            )
        return self._stressed if isinstance(wanted, stresses.PartStress) else self.solved

    @cached_property
    def large_deflection(self) -> LargeDeflection | None:
        """Return the shape beyond linear theory, None where linear theory stands."""
        if not self.bends:
            return None
        assert self.solved.displacement is not None
        self.say("shape", 0, NO_RESIDUAL)
        control = Control(TOLERANCE, lambda n, r: self.say("shape", n, r))
        return LargeDeflection(
            self.model, self.temperature, self.solved.displacement, self.device, control
        )

    @cached_property
    def cycle(self) -> Cycle:
        """Return the V-cycle of the solve."""
        return Cycle(self.operator)

    @cached_property
    def mechanisms(self) -> Mechanisms | None:
        """Return the motions without energy of the pieces of the body, by linear theory."""
        return mechanisms(self.operator, self.model.ids > 0, self.model.grid)

    @cached_property
    def thermal(self) -> Thermal:
        """Return the heat equation of the solve."""
        case, field = self.base.case, self.solved.temperature
        assert field is not None
        stretch = None if self.bonded is None else self.bonded.stretch
        given = case.boundaries, case.sources, self.device, self.say, stretch
        return Thermal(self.model, field, *given)

    @cached_property
    def bonded(self) -> BondLines | None:
        """Return the layers whose height follows the displacement, None without such."""
        layers, displacement = self.base.case.bond_lines, self.solved.displacement
        if not layers or displacement is None:
            return None
        return BondLines(self.model, layers, displacement)

    @property
    def heated(self) -> Heated:
        """Return the heat operator of the solve, solved again where conductivities vary."""
        return self.thermal.heated

    def derivatives(self, wanted: Measure, maps: bool) -> tuple[ByFields, Derivatives]:
        """Solve the adjoint equations of a metric, and differentiate both equations."""
        by = wanted.by_fields(self.solved_for(wanted))
        if self.bonded is not None:
            return self._coupled(wanted, by, self.bonded, maps)
        mechanical, by_temperature, edges = None, by.temperature, None
        if by.w is not None or by.stress is not None:
            own = None
            if by.stress is not None:
                own = stresses.pulled_back(self.motion, by.stress)
                edges = EdgeForces(self.motion, self._edge_forces)
            mechanical = self._mechanical(wanted.name, by.w, own, maps)
            if self.large_deflection is not None:
                by = replace(
                    by, used="; ".join(filter(None, (by.used, self.large_deflection.branch)))
                )
            if mechanical.temperature is not None:
                by_temperature = mechanical.temperature
        if by_temperature is None:
            return by, Derivatives(wanted, mechanical, None, None, edges)
        thermal, warmth = self.thermal.adjoint(wanted.name, by_temperature, ADJOINT)
        return by, Derivatives(wanted, mechanical, thermal, warmth, edges)

    def _coupled(
        self, wanted: Measure, by: ByFields, bonded: BondLines, maps: bool
    ) -> tuple[ByFields, Derivatives]:
        """Solve both adjoint equations in turn until the load by the layers' height settles."""
        own, edges, A = None, None, self.heated.operator
        if by.stress is not None:
            own = stresses.pulled_back(self.motion, by.stress)
            edges = EdgeForces(self.motion, self._edge_forces)
        first = np.zeros(bonded.load_shape) if by.w is None else by.w
        load = first
        for _ in range(MOST_ROUNDS):
            mechanical = self._mechanical(wanted.name, load, own, maps)
            assert mechanical.temperature is not None
            by_temperature = mechanical.temperature
            if by.temperature is not None:
                by_temperature = by_temperature + by.temperature
            thermal, warmth = self.thermal.adjoint(wanted.name, by_temperature, ADJOINT)
            before, load = load, first + bonded.load(A, thermal)
            if np.linalg.norm(load - before) <= ADJOINT * np.linalg.norm(load):
                bonded.add_lines(A, thermal)
                return by, Derivatives(wanted, mechanical, thermal, warmth, edges)
        raise ConvergenceError(f"adjoint of {wanted.name}: heat and bond lines do not settle")

    def _mechanical(
        self, name: str, by_w: Array | None, own: Strains | None, maps: bool
    ) -> Partials:
        """Solve the elastic adjoint; return the derivatives, by temperature through C(T), too."""
        A, (nx, _, _) = self.operator, self.operator.n
        load = np.zeros(A.shape)
        if by_w is not None:
            load[2, ..., 1 : nx + 2] = by_w
        if own is not None:
            load += self.motion.transposed(forces(self.motion, own))
        attainable.equilibrate(load, rising_motions(self.model))
        self.say(f"adjoint of {name}", 0, NO_RESIDUAL)
        control = Control(ADJOINT, lambda n, r: self.say(f"adjoint of {name}", n, r))
        if self.large_deflection is not None:
            found = self.large_deflection.partials(self.large_deflection.solve(load, control), maps)
        else:
            equation = "adjoint of thermo-elasticity"
            if self.mechanisms is not None:
                self.mechanisms.leave_out(load, name)
            given = self.cycle, load, control, None, self.mechanisms
            x = attainable.solve(self.device, equation, A.apply, *given)
            adjoint = np.ascontiguousarray(self.device.to_host(x)[..., 1 : nx + 2])
            assert self.solved.displacement is not None
            found = elastic.partials(
                self.model, A.body, self.temperature, self.solved.displacement, adjoint, maps, own
            )
        if found.temperature is not None:
            through_stiffness(self.model, self.mean, self.temperature, found)
        return found
