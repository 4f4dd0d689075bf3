"""Support: what carries the body from then on: clamped faces, a table under its weight, nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from warp.case.process import Process
from warp.case.stage import LoadStep
from warp.case.step import Step
from warp.errors import Fault, Key
from warp.geometry.section import Names
from warp.voxels.faces import FACE_SIDES
from warp.voxels.supports import Clamp, Table


class Support(Step):
    """What carries the body, until the next such step."""

    do: Literal["support"]
    on: Annotated[Literal["table", "clamped", "free"], Field(examples=["table"])]
    """A rigid flat table under the lowest faces; held faces; nothing."""
    gravity: bool = True
    """On a table: without weight nothing presses on it, and the body is free."""
    faces: Annotated[Names, Field(examples=[["carrier.bottom"]])] | None = None
    """Clamped: PART.SIDE; "package" is the whole. Held as they are at that load step."""
    sliding: bool = False
    """Clamped: held normal to the faces only, as a vacuum chuck or a press does, and free to slide
    along them."""
    flat: bool = False
    """Clamped: the faces are pressed flat first."""

    @property
    def label(self) -> str:
        """Return the name of the step in tables."""
        return {"table": "on a table", "clamped": "clamped", "free": "free"}[self.on]

    def plan(self, process: Process, key: Key) -> Iterator[LoadStep]:
        """Change the support of the body."""
        for word, owner in (
            ("faces", "clamped"),
            ("sliding", "clamped"),
            ("flat", "clamped"),
            ("gravity", "table"),
        ):
            if self.on != owner and word in self.model_fields_set:
                message = f'belongs to on = "{owner}": leave it out with {self.on!r}'
                raise Fault((*key, word), message)
        process.support, process.held_by = None, self.called(key)
        if self.on == "table" and self.gravity:
            process.support = Table()
        elif self.on == "clamped":
            if self.faces is None:
                raise Fault((*key, "faces"), 'is missing: add faces = ["package.bottom"]')
            for face in self.faces:
                _check_face(face, process, (*key, "faces"))
            process.support = Clamp(self.faces, self.sliding, self.flat)
        yield process.load_step(self.duration)


def _check_face(face: str, process: Process, key: Key) -> None:
    """Refuse a face that does not exist, or whose part is not present."""
    part, _, side = face.rpartition(".")
    if side not in FACE_SIDES or not part:
        sides = f"PART.SIDE with side one of {', '.join(FACE_SIDES)}"
        raise Fault(key, f"{face!r} is not a face: write {sides}")
    if part != "package":
        list(process.named((part,), key))
        process.refuse_absent(part, key)
