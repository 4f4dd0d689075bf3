"""Cases that have no gradient, each in one sentence."""

from __future__ import annotations

from warp.case.case import Case
from warp.case.plan import LoadStep
from warp.errors import WarpError
from warp.voxels.supports import Table


class NoGradient(WarpError):
    """A case, or the state that a solve found, that cannot be differentiated."""


def refuse(case: Case) -> None:
    """Raise NoGradient for a case that cannot be differentiated."""
    if case.bond_lines and case.large_deflection:
        raise NoGradient("load.bond_lines beside large_deflection has no gradient yet: drop one")
    if any(getattr(b, "natural", None) is not None for b in case.boundaries):
        raise NoGradient('convection = "natural" has no gradient yet: give a film')
    media = case.materials().values()
    if any(getattr(medium, "elastic_law", None) == "incremental" for medium in media):
        _refuse_increments(case)
    if case.has_steps:
        _refuse_steps(case)


def _refuse_increments(case: Case) -> None:
    """Raise NoGradient for a case with the incremental law that cannot be differentiated."""
    named = 'elastic_law = "incremental"'
    if not case.has_steps:
        raise NoGradient(f"{named} has a gradient in a process only: write [[step]] tables")
    if any(step.temperature is None for step in case.load_steps):
        raise NoGradient(f"{named} under power has no gradient yet: take the total law")
    if any(getattr(m, "relaxation", None) is not None for m in case.materials().values()):
        raise NoGradient(f"{named} beside a material that relaxes has no gradient yet: drop one")


def _refuse_steps(case: Case) -> None:
    """Raise NoGradient for a step that cannot be taken backwards."""
    if case.large_deflection:
        raise NoGradient(
            "load.large_deflection has no gradient in a process yet: "
            "--set load.large_deflection=false gives that of linear theory"
        )
    for load_step in case.load_steps:
        called = f"step {load_step.step + 1} ({load_step.name})"
        if load_step.bodies:
            remedy = "attach its parts with a stress_free temperature instead"
            raise NoGradient(f"{called} joins a body made apart, which has none yet: {remedy}")
        if load_step.stage.unit_spacing is not None:
            raise NoGradient(f"{called} has a finer grid, which has no gradient yet: drop spacing")
        if load_step.temperature is None:
            _refuse_power(case, load_step, called)
        if isinstance(load_step.support, Table):
            raise NoGradient(
                f"{called} lies on a table, whose contact has no gradient: let it be free"
            )


def _refuse_power(case: Case, load_step: LoadStep, called: str) -> None:
    """Raise NoGradient for a step under power that cannot be taken backwards."""
    if not load_step.at_rest:
        raise NoGradient(
            f"{called} warms up in its duration, which has no gradient yet: without a duration "
            "it is settled, which has one"
        )
    if not load_step.solves_heat:
        raise NoGradient(
            f"{called} changes the body under power, which has no gradient yet: switch the power "
            "off before it"
        )
    if any(getattr(m, "relaxation", None) is not None for m in case.materials().values()):
        raise NoGradient(
            f"{called} is under power while something relaxes, which has no gradient yet: drop one"
        )
