"""Tell which parts of a case are plates: bodies with a shape of their own.

Their warpage is asked for: substrates, boards, chips, moulds, lids. No plates are arrays of bumps,
balls, leads and wires; solder; and polymer that is thin or soft: underfill, die attach, adhesive,
tape, gel. Those have the shape of what they lie on.
"""

from __future__ import annotations

from warp.case.case import Case
from warp.materials.material import Medium

FILM = 0.1e-3
"""Thickness in m below which polymer has the shape of what it lies on."""
SOFT = 0.4e9
"""Shear modulus in Pa at room temperature below which polymer is a rubber or gel.

Glassy epoxies have about 1 GPa and more, silicones a few MPa.
"""
ROOM = 298.15  # K


def plates(case: Case) -> set[str]:
    """Return the names of the parts of a case that are plates."""
    media = case.materials()
    return {
        name
        for name, part in case.parts.items()
        if part.plate
        and not part.is_void
        and not _gives_way(media.get(part.made_of or ""), _thickness(case, name))
    }


def quotable(case: Case) -> set[str]:
    """Return the parts whose warpage a table shows first: the plates and the terminals."""
    return {*plates(case), *case.terminals}


def _thickness(case: Case, name: str) -> float:
    place = case.package.places[name]
    return place.z1 - place.z0


def _gives_way(medium: Medium | None, thickness: float) -> bool:
    """Tell whether a part of this medium and thickness (m) has no shape of its own."""
    kind = None if medium is None else medium.material_class
    if medium is None or kind not in ("solder", "polymer"):
        return False
    return kind == "solder" or thickness < FILM or float(medium.shear(ROOM)[..., 0].min()) < SOFT
