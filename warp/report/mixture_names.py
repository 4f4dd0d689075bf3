"""Say what homogenised parts are made of, for legends: "c4: sac305 in underfill-uf9000ae"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from warp.geometry.package import FreeColumns, FreeWires, Mixture
from warp.materials.mixing import FIBRES
from warp.report.palette import case_of, wires_of

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result
    from warp.voxels.voxelize import VoxelModel


class Made(NamedTuple):
    """The part of a homogenised layer, and what the layer is made of."""

    part: str
    of: str


def of(model: VoxelModel | Result, case: Case | None = None) -> dict[str, Made]:
    """Return what each layer of bumps and of wires is made of, by its name.

    Empty where the case of the model is not known.
    """
    case = case_of(model, case)
    return {} if case is None else of_case(case)


def of_case(case: Case) -> dict[str, Made]:
    """Return the same of a case; in a process it is what they are made of at the end."""
    found: dict[str, Made] = {}
    wires = wires_of(case)
    for assembly in (case.assembly, *case.stages.values()):
        for label, recipe in assembly.package.recipes.items():
            part = str(recipe.key[1])
            if isinstance(recipe, Mixture) and (recipe.rule in FIBRES or label in wires):
                found[label] = Made(part, " in ".join(recipe.of))
            elif isinstance(recipe, FreeColumns | FreeWires):
                found[label] = Made(part, f"{recipe.material} in air")
    return found


def put(name: str, material: str, made_of: Mapping[str, Made]) -> str:
    """Return a legend's name with what its material is made of in its place.

    The name begins with the part, or with several that are alike.
    """
    if material not in made_of:
        return name
    part, of = made_of[material]
    return name.replace(material, f"{part}: {of}" if name.startswith(material) else of)
