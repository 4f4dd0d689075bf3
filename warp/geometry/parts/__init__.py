"""The kinds of parts: one file each, with its table, extent, heights and solids.

A new kind is a file in this folder, its line in KINDS and a test. It derives from `part.Solid` (or
from `part.Part`, if it is made of nothing), names itself in `shape` and answers `extent`,
`own_height` or `heights`, and `bodies`. The case file's schema, the messages about unknown shapes
and keys, stacking and solids follow from KINDS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union, get_args

from pydantic import Discriminator, Tag

from warp.geometry.part import Part
from warp.geometry.parts.balls import Balls
from warp.geometry.parts.block_array import BlockArray
from warp.geometry.parts.blocks import Blocks
from warp.geometry.parts.chip import Chip
from warp.geometry.parts.columns import Columns
from warp.geometry.parts.disc import Disc
from warp.geometry.parts.fillet import Fillet
from warp.geometry.parts.frame import Frame
from warp.geometry.parts.lid import Lid
from warp.geometry.parts.plate import Plate
from warp.geometry.parts.prism import Prism
from warp.geometry.parts.step_solid import StepSolid
from warp.geometry.parts.void import Void
from warp.geometry.parts.wires import Wires

KINDS: tuple[type[Part], ...] = (
    Plate,
    Chip,
    Frame,
    Lid,
    Columns,
    Balls,
    Fillet,
    Blocks,
    BlockArray,
    Wires,
    Disc,
    Prism,
    StepSolid,
    Void,
)
DEFAULT = "plate"


def _shape(kind: type[Part]) -> str:
    """Return the word that selects a kind."""
    literal = kind.model_fields["shape"].annotation
    return str(get_args(literal)[0])


def _tag(value: object) -> str:
    """Return the tag of a table, or of a part made already."""
    if isinstance(value, dict):
        return f"<{value.get('shape', DEFAULT)}>"
    return f"<{getattr(value, 'shape', DEFAULT)}>"


SHAPES = tuple(_shape(kind) for kind in KINDS)
SYNONYMS = {word: _shape(kind) for kind in KINDS for word in kind.synonyms}
if TYPE_CHECKING:
    AnyPart = Part
else:
    AnyPart = Annotated[
        Union[tuple(Annotated[kind, Tag(f"<{_shape(kind)}>")] for kind in KINDS)],  # noqa: UP007
        Discriminator(_tag),
    ]

__all__ = ["DEFAULT", "KINDS", "SHAPES", "SYNONYMS", "AnyPart"]
