"""Replace tables with errors by stand-ins, so that what the others name is checked as well.

A table that is not valid is replaced by a valid one that keeps the names which can be read in it:
of parts, of the material. Its numbers are unknown, and so is the place of such a part and of all
that rests on it; laws, symmetry and the order of the steps wait until the tables are valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from warp.errors import Key

RELATIONS = ("on", "under", "inside", "around")
PART = {"size": "1 mm", "thickness": "1 mm"}
LOAD = {"stress_free": "25 degC"}
MATERIAL = {
    "youngs_modulus": "1 GPa",
    "poissons_ratio": 0.3,
    "cte": "1 ppm/K",
    "conductivity": "1 W/(m K)",
}


def standing_in(
    tables: Mapping[str, Any], wrong: Iterable[Key]
) -> tuple[dict[str, Any], frozenset[str]] | None:
    """Return tables that are valid as far as they are known, and the parts that have a stand-in.

    wrong: the keys with errors. None where the parts are no tables at all.
    """
    blamed = set(wrong)
    if not all(isinstance(table, dict) for table in _parts(tables)) or ("part",) in blamed:
        return None
    found: dict[str, Any] = deepcopy(dict(tables))
    for key in sorted(blamed, key=len):
        first = str(key[0])
        owner: Any = found.get(first)
        owns = len(key) > 1 and isinstance(owner, dict | list)
        if first == "load":
            found[first] = dict(LOAD)
        elif not owns:
            found.pop(first, None)
        elif first == "part":
            owner[key[1]] = _part(tables["part"][key[1]], key[:2], blamed)
        elif first == "material":
            owner[key[1]] = dict(MATERIAL)
        elif first == "step":
            owner[key[1]] = _step(tables["step"][key[1]])
        else:
            owner.pop(key[1], None)
    return found, frozenset(str(key[1]) for key in blamed if key[0] == "part")


def _parts(tables: Mapping[str, Any]) -> Iterable[Any]:
    parts = tables.get("part")
    return parts.values() if isinstance(parts, dict) else (None,)


def _part(table: Mapping[str, Any], key: Key, blamed: set[Key]) -> dict[str, Any]:
    """Return a plate that names what the table of a part names."""
    names = {
        word: table[word]
        for word in (*RELATIONS, "material")
        if word in table and not any(other[:3] == (*key, word) for other in blamed)
    }
    return PART | names


def _step(table: Any) -> dict[str, Any]:
    """Return a step of no numbers that names the parts which a step names."""
    named = table.get("parts") if isinstance(table, dict) else None
    listed = [named] if isinstance(named, str) else named
    if isinstance(listed, list) and listed and all(isinstance(name, str) for name in listed):
        return {"do": "remove", "parts": listed}
    return {"do": "support", "on": "free"}
