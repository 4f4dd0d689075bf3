"""Variables of a case file, and the arithmetic in its values.

    [variables]                          [part.bumps]
    pitch = "150 um"                     pitch = "pitch"
    dies = 8                             diameter = "0.5 * pitch"
    side = "2 * pitch + 1 mm"

A value that names a variable or computes something is replaced by its result before the tables are
checked, in the unit of its first quantity (`arithmetic`). Keys that hold names, words or prose are
left alone, so a part and a variable cannot share a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warp.case.arithmetic import (
    FUNCTIONS,
    ExpressionError,
    Value,
    computes,
    evaluate,
    names_in,
    units,
)
from warp.errors import Fault, Key, nearest
from warp.materials.library import library

PROSE = frozenset({"title", "description", "source", "aliases", "tolerance", "identify"})
"""Keys whose texts and tables are for readers, or have a language of their own."""
WORDS = """
name class like do shape profile material on under inside around over fill conductor parts part face
faces between file map floorplan trace sample cell layer terminals surfaces fields sides side
pattern section bond_lines flat bodies body model rule conductivity_rule elastic_law symmetry branch
unit convection step surface
"""
WORD_KEYS = PROSE | frozenset(WORDS.split())
"""Keys whose texts are names or words."""


def resolved(given: Any, tables: Mapping[str, Any]) -> dict[str, Value]:
    """Return the values of the table [variables]; Fault where one has none."""
    if not isinstance(given, dict):
        raise Fault(("variables",), 'is a table: [variables], then pitch = "150 um"')
    parts = tables.get("part")
    own = tables.get("material")
    taken = {**(parts if isinstance(parts, dict) else {}), **(own if isinstance(own, dict) else {})}
    found: dict[str, Value] = {}
    for name in given:
        _check_name(name, taken)
    for name in given:
        _resolve(name, given, found, ())
    return found


def _check_name(name: str, taken: Mapping[str, Any]) -> None:
    key: Key = ("variables", name)
    if not name.isidentifier() or not name.isascii():
        raise Fault(key, "is no plain name: a letter, then letters, digits and _")
    if name in units() or name in FUNCTIONS:
        raise Fault(key, f"{name!r} is a unit or a function: choose another name")
    if name in taken or name in library():
        raise Fault(key, f"{name!r} is a part or a material: choose another name")


def _resolve(
    name: str, given: Mapping[str, Any], found: dict[str, Value], trail: tuple[str, ...]
) -> None:
    if name in found:
        return
    key: Key = ("variables", name)
    if name in trail:
        raise Fault(key, f"is computed from itself: {' from '.join((*trail, name))}")
    text = given[name]
    if isinstance(text, bool) or not isinstance(text, int | float | str):
        raise Fault(key, 'is a quantity, a number or arithmetic, e.g. "150 um" or "2 * pitch"')
    text = str(text)
    words = names_in(text) or set()
    for other in sorted(words & given.keys()):
        _resolve(other, given, found, (*trail, name))
    try:
        found[name] = evaluate(text, found)
    except ExpressionError as error:
        raise Fault(key, str(error)) from None


def substituted(value: Any, names: Mapping[str, Value], key: Key = ()) -> Any:
    """Return tables, lists or a text with its expressions replaced by their values.

    Fault where an expression has none.
    """
    if isinstance(value, dict):
        return {
            name: entry if _has_words(name, entry) else substituted(entry, names, (*key, name))
            for name, entry in value.items()
        }
    if isinstance(value, list):
        return [substituted(entry, names, (*key, n)) for n, entry in enumerate(value)]
    return _value(value, names, key) if isinstance(value, str) else value


def _has_words(name: str, entry: Any) -> bool:
    """Tell whether an entry is names, words or prose: a text or a list of texts."""
    texts = entry if isinstance(entry, list) else [entry]
    return name in PROSE or (name in WORD_KEYS and all(isinstance(text, str) for text in texts))


def text_value(text: Any, names: Mapping[str, Value], key: Key) -> Any:
    """Return one text as `substituted` does, by the last word of its key."""
    words = [step for step in key if isinstance(step, str)]
    return text if words and words[-1] in WORD_KEYS else substituted(text, names, key)


def _value(text: str, names: Mapping[str, Value], key: Key) -> Any:
    words = names_in(text)
    if words is None:
        return text
    own = words & names.keys()
    unknown = sorted(words - names.keys() - units().keys() - FUNCTIONS.keys())
    has_operator = any(sign in text for sign in "+-*/(")
    if not own or (unknown and not has_operator):
        _refuse_misspelt(text, unknown, names, key)
        if own or unknown or not computes(text):
            return text
    try:
        return evaluate(text, names).written()
    except ExpressionError as error:
        if not own:
            return text
        raise Fault(key, str(error)) from None


def _refuse_misspelt(text: str, unknown: list[str], names: Mapping[str, Value], key: Key) -> None:
    """Refuse a text that computes with a name that is nearly a variable's."""
    if unknown and any(sign in text for sign in "*+"):
        hint = nearest(unknown[0], list(names))
        if "did you mean" in hint:
            raise Fault(key, f"there is no variable {unknown[0]!r}{hint}")
