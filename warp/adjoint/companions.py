"""Values that have a derivative together with one that has none alone.

Two parts that end on one grid line cannot leave it alone (`moved_grid`); a joint change moves both.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice

from warp.adjoint.inputs import JOINED, Input, joint
from warp.adjoint.moved_grid import Unchangeable
from warp.adjoint.variant import Changeable, Made

MOST = 12
"""Values that are tried beside one input."""


def advice(
    base: Changeable[Made], found: Sequence[Input[Made]], one: Input[Made], why: Unchangeable
) -> str:
    """Return why an input has no derivative, and what to do instead.

    found: all inputs of the case.
    """
    if not why.parts:
        return str(why)
    for other in islice(_beside(found, one, why.parts), MOST):
        keys = *one.key.split(JOINED), other.key
        both = joint(base, keys)
        try:
            for sign in (1, -1):
                both.make(both.value + sign * both.step)
        except Unchangeable:
            continue
        return f"{why}: --together {','.join(keys)} moves both"
    return f"{why}: add by --together what moves with it, or sample it by `warp sweep`"


def _beside(
    found: Sequence[Input[Made]], one: Input[Made], parts: Collection[str]
) -> Sequence[Input[Made]]:
    """Return values that could change with an input, the likeliest first."""
    keys, word = one.key.split(JOINED), one.key.rpartition(".")[2]
    own = {key.split(".")[1] for key in keys}
    single = [o for o in found if o.key.startswith("part.") and JOINED not in o.key]
    alike = [other for other in single if other.key not in keys and other.unit == one.unit]

    def distance(other: Input[Made]) -> tuple[bool, bool]:
        part = other.key.split(".")[1]
        return part in own or part not in parts, other.key.rpartition(".")[2] != word

    near = [other for other in alike if sum(distance(other)) < 2]
    return sorted(near, key=distance)
