"""Give materials that name no law of their stiffness that of the whole case.

A glass transition is what the two laws differ by: polymers and laminates take the case's law.
Metals and solders, whose stiffness softens reversibly, keep the total one, as does a material that
names its law or relaxes.
"""

from __future__ import annotations

from dataclasses import replace

from warp.materials.library import Medium
from warp.materials.material import ElasticLaw, Material, Phase, Shrunk
from warp.materials.mixing import Mixed

WITH_TRANSITION = ("polymer", "laminate")
"""Classes of materials that have a glass transition."""


def by_law(medium: Medium, law: ElasticLaw) -> Medium:
    """Return a medium whose polymers and laminates follow a law, where they name none."""
    if isinstance(medium, Mixed):
        media = tuple(None if part is None else by_law(part, law) for part in medium.media)
        return replace(medium, media=media)
    if isinstance(medium, Shrunk | Phase):
        return replace(medium, medium=by_law(medium.medium, law))
    if not isinstance(medium, Material) or medium.material_class not in WITH_TRANSITION:
        return medium
    if medium.elastic_law is not None or medium.relaxation is not None:
        return medium
    return replace(medium, elastic_law=law)
