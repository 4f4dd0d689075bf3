"""Cases that have no gradient, each in one sentence."""

from __future__ import annotations

from warp.case.case import Case
from warp.errors import WarpError
from warp.materials.material import constituents
from warp.voxels.supports import Clamp, Table


def refuse(case: Case) -> None:
    """Raise WarpError for a case that cannot be differentiated."""
    if case.bond_lines:
        raise WarpError(
            "load.bond_lines lets heat follow the displacement, which has no gradient: leave it out"
        )
    if any(getattr(b, "natural", None) is not None for b in case.boundaries):
        raise WarpError('convection = "natural" has no gradient yet: give a film')
    if case.large_deflection:
        raise WarpError("load.large_deflection has no gradient yet: leave it out")
    media = case.materials().values()
    if any(getattr(medium, "elastic_law", None) == "incremental" for medium in media):
        raise WarpError('elastic_law = "incremental" has no gradient yet: take the total law')
    if case.has_steps:
        _refuse_steps(case)


def _refuse_steps(case: Case) -> None:
    """Raise WarpError for a step that cannot be taken backwards."""
    for medium in case.materials().values():
        for name, material in constituents(medium, medium.name):
            if getattr(material, "relaxation", None) is not None:
                raise WarpError(
                    f"{name!r} relaxes during the process, which has no gradient yet: "
                    "take a material without relaxation"
                )
    for load_step in case.load_steps:
        called = f"step {load_step.step + 1} ({load_step.name})"
        if load_step.temperature is None:
            raise WarpError(f"{called} is under power, which has no gradient in a process yet")
        if isinstance(load_step.support, Table):
            raise WarpError(f"{called} lies on a table, whose contact has no gradient")
        if isinstance(load_step.support, Clamp) and load_step.support.flat:
            raise WarpError(f"{called} is pressed flat, which has no gradient yet")
