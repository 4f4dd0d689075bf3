"""Write a board of KiCad, in IPC-2581 or ODB++ as a case: its layers with their copper and vias.

    warp new --from board.kicad_pcb

The case reads the copper of each layer from the file itself. Materials are matched by the words of
the file; what is not known becomes FR4, and a comment gives the file's own word. Components stand
in comments with their places, since a design file does not say what they are made of.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from warp.errors import WarpError
from warp.files.bounded import decoded, read_bytes
from warp.geometry import ipc2581, kicad, odbpp
from warp.geometry.board import FOIL, WHOLE, Board, BoardLayer

MATERIALS = (
    ("polyimide|kapton|flex", "polyimide"),
    ("it.?170", "laminate-it170"),
    ("em.?890", "laminate-em890k"),
    ("n4000", "laminate-n4000-13"),
    ("hl832|bt", "bt-hl832ns"),
    ("gx.?t31", "abf-gx-t31"),
    ("gx.?13", "abf-gx13"),
    ("gx.?92", "abf-gx92"),
    ("gz.?41", "abf-gz41"),
    ("abf|gl.?102", "abf-gl102"),
    ("703|mask|resist|lpi", "solder-resist-aus703"),
)
"""Words of a design file, and materials of the library."""
PLAIN, MASK, COPPER = "fr4", "solder-resist-aus703", "copper-plated"
PLATING = "25 um"  # of holes: IPC-6012, class 3, asks for 25 um on average
MOST_COMPONENTS = 40


def case_text(path: Path, named: Path) -> str:
    """Return the text of the case; `named`: the folder from which it names its files."""
    board = _board(path)
    low, high = board.bounds if board.outline else (0j, 0j)
    if low.real == high.real or low.imag == high.imag:
        raise WarpError(f"{str(path)!r}: the board has no outline")
    if not any(layer.kind == "copper" for layer in board.layers) and not board.drawable:
        raise WarpError(f"{str(path)!r}: the board has no copper")
    drilled = {layer.name for layer in board.layers if board.through(layer.name)}
    board = _completed(board)
    stack = [layer for layer in board.layers if layer.thickness > 0.0]
    file = os.path.relpath(path, named)
    return "\n".join(_lines(board, stack, drilled, path, file)) + "\n"


def _board(path: Path) -> Board:
    try:
        if odbpp.is_folder(path):
            return odbpp.read_folder(path)
        content = read_bytes(path)
        if odbpp.is_odb(content):
            return odbpp.read(content)
        if ipc2581.is_ipc2581(decoded(content[:20_000])):
            return ipc2581.read(content)
        if kicad.is_kicad(decoded(content[:20_000])):
            return kicad.read(content)
    except ImportError:
        raise WarpError(f"reading boards needs the extra layout: {ipc2581.REMEDY}") from None
    except OSError as error:
        raise WarpError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
    except ValueError as error:
        raise WarpError(f"{str(path)!r} {error}") from None
    raise WarpError(f"{str(path)!r} is no board of KiCad, in IPC-2581 or ODB++")


def _completed(board: Board) -> Board:
    """Return a board with thicknesses, and a remark on every one that its file does not give."""
    layers = list(board.layers)
    if not layers:
        for n, name in enumerate(board.drawable):
            layers += [BoardLayer(f"dielectric {n}", "dielectric", 0.0)] if n else []
            layers.append(BoardLayer(name, "copper", 0.0, "copper"))
    remarks = list(board.remarks)
    bare = [layer for layer in layers if layer.kind == "copper" and layer.thickness <= 0.0]
    if bare:
        names = ", ".join(layer.name for layer in bare)
        remarks.append(f"ASSUMED, the file does not say: {1e3 * FOIL:g} um of copper in {names}.")
    between = [layer for layer in layers if layer.kind == "dielectric"]
    missing = between and not any(layer.thickness > 0.0 for layer in between)
    copper = sum(layer.thickness or FOIL for layer in layers if layer.kind == "copper")
    each = max(WHOLE - copper, 0.1 * WHOLE) / max(len(between), 1)
    if missing:
        total = f"{each * len(between):.4g} mm of dielectrics in all"
        remarks.append(f"ASSUMED, the file does not say: {total}.")
    filled = [
        replace(layer, thickness=FOIL)
        if layer in bare
        else replace(layer, thickness=each)
        if missing and layer in between
        else layer
        for layer in layers
    ]
    return replace(board, layers=tuple(filled), remarks=tuple(remarks))


def _lines(
    board: Board, stack: list[BoardLayer], drilled: set[str], path: Path, file: str
) -> Iterator[str]:
    low, high = board.bounds
    size = high - low
    yield f"# Converted from {path.name}: {len(stack)} layers, {len(board.drills)} holes."
    for remark in board.remarks:
        yield f"# {remark}"
    missing = [layer.name for layer in board.layers if layer.thickness <= 0.0]
    if missing:
        yield f"# Layers without a thickness are left out: {', '.join(missing)}."
    yield f'title = "{_plain(path.stem)}"'
    yield ""
    yield "[variables]"
    yield f'plating = "{PLATING}"                       # copper on the walls of plated holes'
    yield ""
    yield "[load]"
    yield 'stress_free = "180 degC"                  # lamination; change it to your press cycle'
    yield ""
    yield "[part.board]"
    yield f'size = ["{size.real:.9g} mm", "{size.imag:.9g} mm"]'
    yield f'material = "{_material(stack)}"'
    yield f'conductor = "{COPPER}"'
    yield "layers = ["
    for layer in stack:
        yield f"    {{ {_layer(layer, drilled, file)} }},{_remark(layer)}"
    yield "]"
    yield from _components(board)


def _layer(layer: BoardLayer, drilled: set[str], file: str) -> str:
    words = [f'name = "{_name(layer.name)}"', f'thickness = "{1e3 * layer.thickness:.6g} um"']
    source = f'file = "{_plain(file)}", layer = "{_plain(layer.name)}"'
    if layer.kind == "copper":
        words.append(f"copper = {{ {source} }}")
        return ", ".join(words)
    words.append(f'material = "{_known(layer)}"')
    if layer.kind == "dielectric" and layer.name in drilled:
        words.append(f'vias = {{ {source}, plating = "plating" }}')
    return ", ".join(words)


def _remark(layer: BoardLayer) -> str:
    own = layer.material and layer.kind != "copper"
    return f"  # {_plain(layer.material)}" if own else ""


def _known(layer: BoardLayer) -> str:
    for words, material in MATERIALS:
        if re.search(words, layer.material, re.I):
            return material
    return MASK if layer.kind == "mask" else PLAIN


def _material(stack: list[BoardLayer]) -> str:
    """Return the material between the copper of its layers: that of most of the stack."""
    found: dict[str, float] = {}
    for layer in stack:
        if layer.kind == "dielectric":
            found[_known(layer)] = found.get(_known(layer), 0.0) + layer.thickness
    return max(found, key=lambda name: found[name], default=PLAIN)


def _components(board: Board) -> Iterator[str]:
    """Yield the largest components as comments: a part each, centred as the board is."""
    known = [one for one in board.components if min(one.size.real, one.size.imag) > 0.0]
    largest = sorted(known, key=lambda one: -one.size.real * one.size.imag)
    for n, one in enumerate(largest[:MOST_COMPONENTS]):
        if n == 0:
            yield ""
            yield "# Components, the largest first: uncomment what matters, and say of what it is."
        at = one.centre - board.middle
        relation = "on" if one.side == "top" else "under"
        height = f"{one.height:.6g} mm" if one.height > 0.0 else "?"
        yield (
            f'# [part.{_name(one.name)}]  {relation} = "board", thickness = "{height}", '
            f'size = ["{one.size.real:.6g} mm", "{one.size.imag:.6g} mm"], '
            f'at = ["{at.real:.6g} mm", "{at.imag:.6g} mm"]'
        )


def _name(text: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")
    return plain if plain[:1].isalpha() else f"x{plain}"


def _plain(text: str) -> str:
    """Return a text as it may stand in a quoted string."""
    return re.sub(r'[\\"\x00-\x1f\x7f]', "/", text)
