"""The process steps: one file each, with its table, the load steps it makes and its effect.

    [[step]]                      [[step]]                        [[step]]
    do = "attach"                 do = "cool"                     do = "heat"
    parts = ["chip", "bumps"]     temperature = "25 degC"         profile = "jedec-pb-free-260"
    temperature = "217 degC"      rate = "3 K/s"

Parts that no step attaches or cures are present from the start. A liquid carries no load: it
becomes present when it cures. A step takes `duration`, or heats at a `rate`; only relaxing
materials and powered transients notice. The body is free until a step says how it is supported.
SI units and kelvin after reading; `plan` turns the tables into load steps.

A new step is a file in this folder, its line in KINDS and a test. It derives from `step.Step`,
names itself in `do` and answers `label` and `plan`; the schema and the messages follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union, get_args

from pydantic import Discriminator, Tag

from warp.case.step import Step
from warp.case.steps.attach import Attach
from warp.case.steps.cure import Cure
from warp.case.steps.heat import Heat
from warp.case.steps.hold import Hold
from warp.case.steps.power import Power
from warp.case.steps.remove import Remove
from warp.case.steps.singulate import Singulate
from warp.case.steps.support import Support

KINDS: tuple[type[Step], ...] = (
    Attach,
    Cure,
    Heat,
    Hold,
    Power,
    Singulate,
    Remove,
    Support,
)


def _words(kind: type[Step]) -> tuple[str, ...]:
    """Return the words that select a kind of step; the first one is its tag."""
    return tuple(map(str, get_args(kind.model_fields["do"].annotation)))


WORDS = tuple(word for kind in KINDS for word in _words(kind))
_TAGS = {word: _words(kind)[0] for kind in KINDS for word in _words(kind)}


def _tag(value: object) -> str:
    """Return the tag of a table, or of a step made already."""
    given = value.get("do") if isinstance(value, dict) else getattr(value, "do", None)
    word = "missing" if given is None else given
    return f"<{_TAGS.get(word, word) if isinstance(word, str) else word}>"


if TYPE_CHECKING:
    AnyStep = Step
else:
    AnyStep = Annotated[
        Union[tuple(Annotated[kind, Tag(f"<{_words(kind)[0]}>")] for kind in KINDS)],  # noqa: UP007
        Discriminator(_tag),
    ]

__all__ = ["KINDS", "WORDS", "AnyStep"]
