"""The table [optimize]: layers whose copper is to be balanced, region by region.

    [[optimize.balance]]
    layer = "substrate.top-copper"      a layer that has an entry of its own
    tiles = [8, 8]                      columns and rows of regions, or their size: "2 mm"
    between = ["30 %", "80 %"]          least and largest share of copper in a region
    mean = ["50 %", "60 %"]             least and largest share in the whole layer
    smooth = "3 mm"                     radius over which shares are averages

Every region is an unknown of `warp optimize` (`warp.adjoint.balance`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator

from warp.geometry.part import MOST_REGIONS
from warp.geometry.section import Fraction, Section, Thickness

Number = Annotated[int, Field(ge=1, le=MOST_REGIONS)]


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    if not pair[0] < pair[1]:
        raise ValueError("needs the lesser share first")
    return pair


Range = Annotated[
    tuple[Fraction, Fraction], AfterValidator(_rising), Field(examples=[["30 %", "80 %"]])
]


class BalanceSection(Section):
    """A layer whose shares of copper vary."""

    layer: Annotated[str, Field(examples=["substrate.top-copper"])]
    """PART.LAYER, the layer by its name or its number from the top."""
    tiles: Annotated[
        Annotated[tuple[Number, Number], Tag("<counts>")] | Annotated[Thickness, Tag("<size>")],
        Discriminator(lambda value: "<counts>" if isinstance(value, list | tuple) else "<size>"),
        Field(examples=[[8, 8], "2 mm"]),
    ]
    """Columns and rows of equal regions, or how large they shall be at most."""
    between: Range = (0.2, 0.8)
    """Least and largest share of copper in a region."""
    mean: Range | None = None
    """Least and largest share of copper in the whole layer."""
    smooth: Thickness | None = None
    """Radius of the cone by which neighbouring shares are averaged, so that they change gradually;
    by default every region is free."""

    @field_validator("layer")
    @classmethod
    def _of_a_part(cls, name: str) -> str:
        """Refuse what names no layer of a part."""
        part, dot, layer = name.partition(".")
        if not (part and dot and layer):
            raise ValueError("names a layer of a part: substrate.top-copper")
        return name


class OptimizeSection(Section):
    """Unknowns of `warp optimize` without --vary."""

    balance: tuple[BalanceSection, ...] = ()
    """Layers whose copper is balanced."""
