"""Parts that a step joins flat: which of the present parts take their shape, and which cannot.

Solder that is there before and melts at the temperature of the step takes up the difference; a
liquid that cures under a flat tool takes the shape of whatever it lies on. Anything else is as bent
as the body where the flat part touches it, and then there is no room for the difference.
"""

from __future__ import annotations

from warp.case.case import Case
from warp.case.plan import LoadStep
from warp.case.plausibility import HOLDS_NOTHING, NEAR
from warp.case.step import degrees
from warp.errors import WarpError
from warp.solvers.elastic.history import flat
from warp.solvers.elastic.history.state import State
from warp.voxels.voxelize import VoxelModel


def melts(case: Case, part: str) -> bool:
    """Tell whether a part is made of solder."""
    medium = case.materials().get(case.parts[part].made_of or "")
    return medium is not None and medium.material_class == "solder"


def molten(case: Case, part: str, temperature: float) -> bool:
    """Tell whether a part is of solder that is molten at a temperature in K.

    Solder melts at the temperature at which it sets, alloys are often mixed up (NEAR). Without one
    it may be molten at any, as may what is too soft to be solid: a stand-in for molten solder.
    """
    medium = case.materials().get(case.parts[part].made_of or "")
    if medium is None or not melts(case, part):
        return False
    solidus = medium.stress_free_temperature
    if solidus is None or temperature > solidus - NEAR:
        return True
    return float(medium.shear(temperature).min()) < HOLDS_NOTHING


def yielding(case: Case, load_step: LoadStep) -> list[str]:
    """Return the parts that were there before and take the shape of those that join flat."""
    if load_step.do != "attach":
        return []
    before = set(load_step.stage.present) - set(load_step.joining)
    T = case.loads.stress_free if load_step.temperature is None else load_step.temperature
    return sorted(part for part in before if molten(case, part, T))


def join(case: Case, load_step: LoadStep, state: State, model: VoxelModel) -> flat.Flat | None:
    """Return how the flat parts of a load step join the state before it, None without such."""
    level = (*load_step.flat, *load_step.carried)
    if not level:
        return None
    return flat.Flat.of(state, model, level, yielding(case, load_step))


def refuse_bare_contact(case: Case, load_step: LoadStep, model: VoxelModel, where: str) -> None:
    """Raise WarpError where an attached flat part touches what is bent; where: begins the text."""
    if load_step.do != "attach" or not (load_step.flat or load_step.carried):
        return
    T = case.loads.stress_free if load_step.temperature is None else load_step.temperature
    own = [part for part in load_step.carried if not molten(case, part, T)]
    level, soft = [*load_step.flat, *own], yielding(case, load_step)
    found = flat.bare_contact(model, load_step.joining, level, soft)
    if found is not None:
        part, other = found
        if part in own:
            raise WarpError(
                f"{where}'{part}' joins with its own shape and touches '{other}', which has that "
                "of the package: nothing between them takes up the difference. Let adhesive or "
                "solder join in this step too, or give it the temperature at which their solder "
                "melts"
            )
        if melts(case, other):
            melting = case.materials()[case.parts[other].made_of or ""].stress_free_temperature
            raise WarpError(
                f"{where}'{part}' joins flat and touches '{other}', which is solid: it melts at "
                f"{degrees(melting or 0.0)}. Let the step have that temperature, or take '{part}' "
                "out of flat"
            )
        raise WarpError(
            f"{where}'{part}' joins flat and touches '{other}', which has the shape of the body: "
            "nothing between them takes up the difference. Let their adhesive or solder join in "
            f"this step too, or take '{part}' out of flat"
        )
