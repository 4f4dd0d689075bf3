"""Chip: a plate with an active side, where its heat arises."""

from __future__ import annotations

from typing import ClassVar, Literal

from warp.geometry.parts.plate import Slab


class Chip(Slab):
    """A chip: a plate with an active side, where its heat arises."""

    plate: ClassVar = True
    synonyms: ClassVar = ("die",)
    shape: Literal["chip"]
    face: Literal["down", "up"] = "down"
    """Direction of the active side with the pads: down onto bumps, up for bond wires."""

    def active_side(self) -> Literal["bottom", "top"] | None:
        """Return the side at which the heat arises by default."""
        return "bottom" if self.face == "down" else "top"
