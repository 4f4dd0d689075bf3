"""Remove: parts go. A carrier, a tape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from warp.case.process import Process
from warp.case.stage import LoadStep
from warp.case.step import PartNames, Step, with_parts
from warp.errors import Key


class Remove(Step):
    """Remove parts from the body."""

    do: Literal["remove"]
    parts: PartNames
    """Parts that are taken away."""

    @property
    def label(self) -> str:
        """Return the name of the step in tables."""
        return with_parts(self.do, self.parts)

    @property
    def named(self) -> tuple[str, ...]:
        """Return the parts that the key `parts` names."""
        return self.parts

    def plan(self, process: Process, key: Key) -> Iterator[LoadStep]:
        """Take the parts away; the rest springs back."""
        at: Key = (*key, "parts")
        for part in process.named(self.parts, at):
            process.refuse_absent(part, at)
            process.removed[part] = self.called(key)
            process.joined.pop(part, None)
        process.refuse_loss(set(self.parts), at)
        left = tuple(name for name in process.stage.present if name not in self.parts)
        process.stage = replace(process.stage, present=left)
        process.refuse_empty(at, "leaves nothing")
        yield process.load_step(self.duration)
