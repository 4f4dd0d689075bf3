"""One step of a load history backwards: the derivatives of a metric by the state before it.

A state is linear in the one before (solvers/elastic/history): strains e of voxels and shears g of
edges since they were attached, displacement U, forces F of lateral free edges, and forces H that
new voxels cover. With e', g', U', F', H' the derivatives of the metric by the state after a step,

    A mu = Bn^T e' + Bs^T (g' + K F') + U'          the solve of the step, backwards
    e' -= V C Bn mu,    g' -= K (Bs mu - F'),    H' -= B mu

and then the voxels and edges that the step took over, each where it came from. Displacements that a
clamp holds have mu = 0; those that it presses flat follow the ones before (`pressed`). Media that
relax have a memory, whose derivatives go back beside these (`relaxed`). An input moves the metric
by the form of `elastic` with v = Bn mu, gamma = Bs mu - F' and the strains after the step, and by
what grid lines change in Bn and Bs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from warp.adjoint.elastic import Form
from warp.adjoint.elastic import forces as forces_of
from warp.adjoint.increments import Increment
from warp.adjoint.mechanisms import Mechanisms, mechanisms
from warp.adjoint.pressed import Pressed
from warp.adjoint.refused import NoGradient
from warp.adjoint.relaxed import Relaxed, Remembered
from warp.adjoint.strains import Kinematics, Strains
from warp.machine.device import Device
from warp.solvers.elastic.history.state import (
    State,
    edges_of,
    extended,
    faces_of,
    flat_indices,
    present,
)
from warp.solvers.elastic.history.step import Step
from warp.solvers.elastic.layout import temperature_array
from warp.solvers.sparse import find
from warp.voxels.voxelize import VoxelModel

Array = np.ndarray
Solve = Callable[[Array], Array]
"""Solve A mu = load in the solver's layout."""


@dataclass(frozen=True, eq=False)
class Costate:
    """Derivatives of a metric by the arrays of a `State` of the same names."""

    strain: Array
    shear: Array
    displacement: Array
    forces: Array
    held_forces: Array
    memory: Remembered

    @classmethod
    def zero(cls, state: State) -> Costate:
        """Return the derivatives of what does not depend on a state."""
        return cls(
            np.zeros_like(state.strain),
            np.zeros_like(state.shear),
            np.zeros_like(state.displacement),
            np.zeros_like(state.forces),
            np.zeros_like(state.held_forces),
            Remembered.zero(state.memory),
        )


class StepBack:
    """A step that has been solved, for any number of metrics.

    `A`: the operator of the step; `motion`: its strains; `held`: flat indices that a clamp holds.
    """

    def __init__(
        self,
        model: VoxelModel,
        temperature: float | Array,
        device: Device,
        before: State,
        after: State,
        held: Array,
        duration: float = 0.0,
        start: float | Array | None = None,
        pressed: Pressed | None = None,
    ) -> None:
        """temperature: K at the end, one or a field; duration: s.

        before: the state on the voxels of this step. start: K at the beginning, for media of the
        incremental law.
        """
        self.model, self.T = model, temperature_array(temperature)
        self.before, self.after, self.held = before, after, held
        self.pressed = pressed
        first = None if start is None else temperature_array(start)
        self.step = step = Step(model, self.T, device, before, duration, held, first)
        self.A = step.A if not len(held) else step.A.holding(held)
        self.motion = Kinematics(model, step.A.body)
        self.relaxed = Relaxed(model, step, before, self.motion)
        self.increment_law = None
        if step.way:
            assert first is not None
            self.increment_law = Increment.of(model, step, self.motion, before, first)
        self.solid = model.ids > 0
        self.increment = np.where(
            faces_of(self.solid), after.displacement - step.begin.displacement, 0.0
        )
        known = faces_of(before.solid) | (before.displacement != 0)
        place = 1.0 + np.arange(before.displacement.size).reshape(before.displacement.shape)
        found = extended(place, known, faces_of(self.solid)).astype(np.int64)
        self.source = found.reshape(-1) - 1  # of each displacement at the beginning, -1: none
        self._find_held()

    def _find_held(self) -> None:
        """Find where the forces of covered edges came from, as `state.transferred` does."""
        before, solid = self.before, self.solid
        was = flat_indices(before.lateral, solid.shape)
        covered = np.flatnonzero(~np.isin(was, self.motion.lateral))
        rows = np.concatenate([before.held, before.lateral[covered]])
        keep = present(rows, solid)
        count = len(before.held)
        self.origin = np.concatenate([np.arange(count), count + covered])[keep]
        self.held_at = flat_indices(rows[keep], solid.shape)
        self.uncovered = np.isin(self.held_at, self.motion.lateral)

    @cached_property
    def mechanisms(self) -> Mechanisms | None:
        """Return the motions without energy of the pieces of a body that floats."""
        return mechanisms(self.A, self.solid, self.model.grid)

    def form(self, maps: bool) -> Form:
        """Return the form of the step, without anything added."""
        return Form(self.model, self.motion.body, self.T, maps)

    def run(self, by: Costate, solve: Solve, form: Form) -> Costate:
        """Return the derivatives by the state before, from those by the state after the step.

        Adds what inputs change to `form`.
        """
        motion, step = self.motion, self.step
        K, lateral = motion.edge_stiffness.reshape(-1), motion.lateral
        free = ~step.fixed
        shear = np.where(motion.edge_stiffness > 0, by.shear, 0.0)
        strain = np.where(self.solid, by.strain, 0.0)
        after = Strains(self.after.strain, self.after.shear)
        loaded = form.loaded(motion, after)
        law = self.increment_law
        if law is not None:
            loaded = law.solved(after, loaded)
            strain, shear = law.ended(Strains(strain, shear), loaded, form)
        relaxed = self.relaxed.of(by.memory) if self.relaxed else None
        if relaxed is not None:
            strain += relaxed.by_cells
            shear += relaxed.by_edges
        loads = shear.copy()
        loads.reshape(-1)[lateral[free]] += (K[lateral] * by.forces)[free]
        load = motion.transposed(Strains(strain, loads)) + motion.padded(by.displacement)
        mu = np.ascontiguousarray(solve(load)[..., 1 : self.A.n[0] + 2])
        pull = motion.of(mu)
        edges = pull.edges.reshape(-1)
        fixed_pull = edges[lateral[step.fixed]]
        edges[lateral] = np.where(free, edges[lateral] - by.forces, 0.0)
        stressed = loaded if relaxed is None else self.relaxed.stressed(loaded)
        form.add(pull, stressed)
        own = forces_of(motion, pull)
        strain += own.cells
        shear += own.edges
        self._add_lines(mu, form, stressed, Strains(strain, shear))
        moved = by.displacement
        if self.pressed is not None:
            given = motion.transposed(Strains(strain, shear)) + motion.padded(moved)
            moved = moved + self.pressed.back(given, step.begin.displacement, form.lines)
        memory = Remembered.zero(self.before.memory)
        if relaxed is not None:
            by_branches = relaxed.run(pull, own, loaded, form)
            memory, begun = relaxed.begun(by_branches, form)
            strain += begun.cells
            shear += begun.edges
        if law is not None:
            strain, shear = law.begin(Strains(strain, shear), form)
        forces = np.zeros_like(by.forces)
        forces[step.fixed] = by.forces[step.fixed] - fixed_pull
        held = by.held_forces - self._held_shear(mu)
        return self._begun(Costate(strain, shear, moved, forces, held, memory), form)

    def _held_shear(self, mu: Array) -> Array:
        """Return the shear of a displacement at the edges that new voxels cover."""
        begin = self.step.begin
        rows = edges_of(begin.held, begin.held_forces)
        found = np.empty(len(begin.held))
        by_face = np.argsort(begin.held[:, 0], kind="stable")  # the order of `edges_of`
        found[by_face] = self.motion.matrix(rows).times(self.motion.padded(mu).reshape(-1))
        return found

    def _add_lines(self, mu: Array, form: Form, loaded: Strains, by: Strains) -> None:
        """Add what grid lines change in the strains of mu and of the step's displacement."""
        motion, begin = self.motion, self.step.begin
        forces = forces_of(motion, loaded)
        if self.relaxed:
            forces.cells[...] -= motion.volumes * self.relaxed.past_of_cells()
        fixed = self.step.fixed
        forces.edges.reshape(-1)[motion.lateral[fixed]] = -self.step.fixed_forces
        motion.by_lines(mu, forces, form.lines)
        for edges in edges_of(begin.held, -begin.held_forces):
            motion.lateral_by_lines(edges, mu, edges.stiffness, form.lines)
        motion.by_lines(self.increment, by, form.lines)

    def _begun(self, by: Costate, form: Form) -> Costate:
        """Go back through `state.transferred`; by.forces: of edges in a clamped face alone."""
        motion, before, begin = self.motion, self.before, self.step.begin
        held = np.zeros(len(self.origin))
        held[~self.uncovered] = by.held_forces
        at = self.held_at[self.uncovered]
        if len(at) and self.increment_law is not None:
            raise NoGradient(
                "a step uncovers a face beside a material of the incremental law, which has no "
                "gradient yet; the total law has one"
            )
        if len(at):  # the force that was held became a strain
            by_strain = by.shear.reshape(-1)[at]
            held[self.uncovered] = by_strain / motion.edge_stiffness.reshape(-1)[at]
            product = np.zeros(by.shear.size)
            product[at] = held[self.uncovered] * begin.shear.reshape(-1)[at]
            first = 0
            for edges in motion.body.edges:
                flat = motion.lateral[first : first + len(edges.k)]
                first += len(edges.k)
                form.add_lateral(edges, product[flat])
        count = len(before.held)
        forces = np.zeros(len(before.forces))
        new = self.origin >= count
        forces[self.origin[new] - count] = held[new]
        held_forces = np.zeros(count)
        held_forces[self.origin[~new]] = held[~new]
        self._add_fixed(forces, by.forces)
        found = self.source >= 0
        U = np.bincount(
            self.source[found], by.displacement.reshape(-1)[found], before.displacement.size
        )
        return Costate(
            np.where(before.solid & self.solid, by.strain, 0.0),
            np.where(begin.lasting, by.shear, 0.0),
            U.reshape(before.displacement.shape),
            forces,
            held_forces,
            by.memory,
        )

    def _add_fixed(self, forces: Array, by_forces: Array) -> None:
        """Add to the forces before those that a clamp keeps, as `State.forces_at` reads them."""
        fixed = np.flatnonzero(self.step.fixed)
        if not len(fixed):
            return
        own = flat_indices(self.before.lateral, self.before.solid.shape)
        order = np.argsort(own)
        number = find(own[order], self.motion.lateral[fixed])
        known = number >= 0
        np.add.at(forces, order[number[known]], by_forces[fixed[known]])
