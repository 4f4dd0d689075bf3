"""Write a 3D-ICE stack description as a case: dies with floorplans, layers, heat sinks.

    warp new --from stack.stk

Lengths are in um, conductivities in W/(um K), heat capacities in J/(um3 K), films in W/(um2 K). The
stack lists its elements from the top down, as dies list their layers. Microchannels, pin fins and
pluggable heat sinks are refused: they move heat by a coolant.
3D-ICE user guide 2.2 (EPFL), section 3.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warp.errors import WarpError
from warp.files.bounded import decoded, read_bytes
from warp.geometry.floorplan import REMARK

NUMBER = r"([-+]?[\d.]+(?:[eE][-+]?\d+)?)"
HEAD = re.compile(r"\b(material|layer|die)\s+(\w+)\s*:|\b(top|bottom|conventional) heat sink\s*:")
REFUSED = re.compile(r"\b(microchannel|pinfin|channel|pluggable)\b")
SECTIONS = re.compile(r"\b(dimensions|stack|solver|output)\s*:")


@dataclass(frozen=True)
class Slab:
    """A layer of the stack: name, thickness in um, material, floorplan of its heat."""

    name: str
    thickness: float
    material: str
    floorplan: str | None = None


def case_text(path: Path, named: Path) -> str:
    """Return the text of the case; `named`: the folder from which it names its files."""
    try:
        text = REMARK.sub(" ", decoded(read_bytes(path)))
    except (OSError, ValueError) as error:
        raise WarpError(f"cannot read {str(path)!r}: {error}") from None
    refused = REFUSED.search(text)
    if refused:
        raise WarpError(f"{str(path)!r} has a {refused[1]}: coolants are not modelled")
    try:
        return "\n".join(_lines(text, path, named)) + "\n"
    except ValueError as error:
        raise WarpError(f"{str(path)!r}: {error}") from None


def _lines(text: str, path: Path, named: Path) -> Iterator[str]:
    blocks = _blocks(text)
    length = _number(rf"chip\s+length\s+{NUMBER}", text, "chip length")
    width = _number(rf"chip\s+length\s+[\d.eE+-]+\s*,\s*width\s+{NUMBER}", text, "chip width")
    slabs = list(_slabs(blocks, text))
    yield f"# Converted from the 3D-ICE stack {path.name}: heat only, with the mean of its powers."
    yield f'title = "{path.stem}"'
    for (kind, name), body in blocks.items():
        if kind == "material":
            k = _number(rf"thermal conductivity\s+{NUMBER}", body, f"material {name}")
            c = _number(rf"volumetric heat capacity\s+{NUMBER}", body, f"material {name}")
            yield f"\n[material.{_plain(name)}]"
            yield f'conductivity = "{k * 1e6:.9g} W/(m K)"'
            yield f'specific_heat = "{c * 1e18 / 1000:.9g} J/(kg K)"'
            yield 'density = "1000 kg/m^3"  # 3D-ICE gives the heat capacity of a volume'
    below = ""
    for slab in reversed(slabs):
        yield f"\n[part.{slab.name}]"
        if below:
            yield f'on = "{below}"'
        yield f'size = ["{length:.9g} um", "{width:.9g} um"]'
        yield f'thickness = "{slab.thickness:.9g} um"'
        yield f'material = "{_plain(slab.material)}"'
        if slab.floorplan is not None:
            file = os.path.relpath(path.parent / slab.floorplan, named)
            yield f'power = {{ floorplan = "{file}" }}'
        below = slab.name
    faces = {"top": f"{slabs[0].name}.top", "bottom": f"{slabs[-1].name}.bottom"}
    ambient = 300.0
    for (kind, _), body in blocks.items():
        if kind in ("top", "conventional", "bottom"):
            h = _number(rf"heat transfer coefficient\s+{NUMBER}", body, f"{kind} heat sink")
            ambient = _number(rf"temperature\s+{NUMBER}", body, f"{kind} heat sink")
            yield f"\n[boundary.{kind}]"
            yield f'face = "{faces["bottom" if kind == "bottom" else "top"]}"'
            yield f'film = "{h * 1e12:.9g} W/(m^2 K)"'
            yield f'ambient = "{ambient:.9g} K"'
    yield "\n[load]"
    yield f'stress_free = "{ambient:.9g} K"'
    yield 'temperature = "solved"'


def _blocks(text: str) -> dict[tuple[str, str], str]:
    """Return the text of every material, layer, die and heat sink by kind and name."""
    ends = [match.start() for match in (*HEAD.finditer(text), *SECTIONS.finditer(text))]
    found = {}
    for head in HEAD.finditer(text):
        end = min((end for end in ends if end > head.start()), default=len(text))
        found[head[1] or head[3], head[2] or ""] = text[head.end() : end]
    if not any(kind in ("top", "conventional", "bottom") for kind, _ in found):
        raise ValueError("has no heat sink: heat would have no way out")
    return found


def _slabs(blocks: dict[tuple[str, str], str], text: str) -> Iterator[Slab]:
    """Yield the layers from the top down."""
    stack = re.search(r"\bstack\s*:(.*?)(?=\b(?:solver|output|dimensions)\s*:|$)", text, re.DOTALL)
    if stack is None:
        raise ValueError("has no stack")
    for statement in filter(str.strip, stack[1].split(";")):
        words = statement.split()
        if len(words) == 3 and words[0] == "layer":
            body = blocks.get(("layer", words[2]))
            if body is None:
                raise ValueError(f"the stack names layer {words[2]}, which is not defined")
            height = _number(rf"height\s+{NUMBER}", body, f"layer {words[2]}")
            made_of = re.search(r"material\s+(\w+)", body)
            if made_of is None:
                raise ValueError(f"layer {words[2]} has no material")
            yield Slab(_plain(words[1]), height, made_of[1])
        elif len(words) == 5 and words[0] == "die" and words[3] == "floorplan":
            body = blocks.get(("die", words[2]))
            if body is None:
                raise ValueError(f"the stack names die {words[2]}, which is not defined")
            layers = re.findall(rf"(layer|source)\s+{NUMBER}\s+(\w+)", body)
            for n, (kind, height, material) in enumerate(layers, 1):
                heat = words[4].strip('"') if kind == "source" else None
                yield Slab(f"{_plain(words[1])}-{n}", float(height), material, heat)
        else:
            raise ValueError(
                f"cannot read {' '.join(words)[:60]!r} of its stack: expected 'layer NAME LAYER' "
                "or 'die NAME DIE floorplan \"FILE\"'"
            )


def _number(pattern: str, text: str, what: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"{what} is missing")
    return float(found[1])


def _plain(name: str) -> str:
    plain = name.replace("_", "-").strip("-").lower()
    return plain if plain[:1].isalpha() else f"x{plain}"
