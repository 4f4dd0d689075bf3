"""Parts that a step joins flat: which of the present parts take their shape, and which cannot.

Solder that is there before is molten when parts are attached, and takes up the difference; a liquid
that cures under a flat tool takes the shape of whatever it lies on. Anything else is as bent as the
body where the flat part touches it, and then there is no room for the difference.
"""

from __future__ import annotations

from warp.case.case import Case
from warp.case.plan import LoadStep
from warp.errors import WarpError
from warp.solvers.elastic.history import flat
from warp.solvers.elastic.history.state import State
from warp.voxels.voxelize import VoxelModel


def melts(case: Case, part: str) -> bool:
    """Tell whether a part is made of solder."""
    medium = case.materials().get(case.parts[part].made_of or "")
    return medium is not None and medium.material_class == "solder"


def yielding(case: Case, load_step: LoadStep) -> list[str]:
    """Return the parts that were there before and take the shape of those that join flat."""
    if load_step.do != "attach":
        return []
    before = set(load_step.stage.present) - set(load_step.attached)
    return sorted(part for part in before if melts(case, part))


def join(case: Case, load_step: LoadStep, state: State, model: VoxelModel) -> flat.Flat | None:
    """Return how the flat parts of a load step join the state before it, None without such."""
    if not load_step.flat:
        return None
    return flat.Flat.of(state, model, load_step.flat, yielding(case, load_step))


def refuse_bare_contact(case: Case, load_step: LoadStep, model: VoxelModel, where: str) -> None:
    """Raise WarpError where an attached flat part touches what is bent; where: begins the text."""
    if not load_step.flat or load_step.do != "attach":
        return
    soft = yielding(case, load_step)
    found = flat.bare_contact(model, load_step.attached, load_step.flat, soft)
    if found is not None:
        part, other = found
        raise WarpError(
            f"{where}'{part}' joins flat and touches '{other}', which has the shape of the body: "
            "nothing between them takes up the difference. Let their adhesive or solder join in "
            f"this step too, or take '{part}' out of flat"
        )
