"""Errors of a case file, one line each: file:line: key: sentence and remedy.

    cool.toml:14: part.chip.thicknes: unknown key; did you mean 'thickness'?
    cool.toml: --set part.chip.thickness: needs a unit, e.g. mm, um (0.5 is a bare number)

Keys are spelt as --set takes them; the line is the key's own, or that of the table if the key is
missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from warp.case.steps import WORDS
from warp.errors import Key, WarpError, nearest
from warp.geometry.parts import SHAPES, SYNONYMS

PLAIN = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Problem:
    """One error; `line` counts from 1, None if the file has no such line."""

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        location = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(
            word
            for word in (location, _one_line(self.key, 100), _one_line(self.message, 400))
            if word
        )


def _one_line(text: str, most: int) -> str:
    """Escape what moves the cursor, and keep the two ends of long text."""
    text = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"


class CaseError(WarpError):
    """The case cannot be computed: `problems`, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: (p.line is None, p.line or 0))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def as_dict(self) -> dict[str, Any]:
        """Return the error for a script, with file, line, key and message of each problem."""
        return super().as_dict() | {"problems": [asdict(problem) for problem in self.problems]}


@dataclass(frozen=True)
class Reporter:
    """Turn key paths into problems, by the file, the lines, its tables and the keys set.

    lines: file and line, from 1, of each key; an included file has its own name.
    """

    file: str
    lines: Mapping[Key, tuple[str, int]]
    tables: Mapping[str, Any]
    changed: frozenset[Key] = frozenset()

    def problem(self, key: Key, message: str) -> Problem:
        key = self.existing(key)
        words = self.spell(key)
        starts = [key[:length] for length in range(len(key), 0, -1)]
        if any(start in self.changed for start in starts):
            return Problem(self.file, None, f"--set {words}", message)
        found = next((self.lines[start] for start in starts if start in self.lines), None)
        file, line = (self.file, None) if found is None else found
        return Problem(file, line, words, message)

    def existing(self, key: Key) -> Key:
        """Drop a list index if the file has no list there: one length may stand for two."""
        value: Any = self.tables
        for depth, step in enumerate(key):
            if isinstance(step, int) and not isinstance(value, list):
                return key[:depth]
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return key
        return key

    def spell(self, key: Key) -> str:
        """Write a key as --set takes it: dots, list entries by their name or counted from 1."""
        words, value = [], self.tables
        for step in key:
            try:
                value = value[step]  # type: ignore[index]
            except (KeyError, IndexError, TypeError):
                value = {}
            if isinstance(step, int):
                name = value.get("name") if isinstance(value, dict) else None
                words.append(
                    str(name) if isinstance(name, str) and PLAIN.fullmatch(name) else str(step + 1)
                )
            else:
                words.append(step if PLAIN.fullmatch(step) else f'"{step}"')
        return ".".join(words)

    def invalid(self, error: ValidationError, schema: Mapping[str, Any]) -> list[Problem]:
        """Return one problem for every error of pydantic, in the words of the case file."""
        entries = error.errors(include_url=False)
        paths = [entry["loc"] for entry in entries]
        problems = [
            self.problem(_key(entry), _sentence(entry, schema))
            for entry in entries
            if not (entry["type"] == "too_short" and _explained(entry["loc"], paths))
        ]
        return list({_place(problem): problem for problem in problems[::-1]}.values())[::-1]


def _place(problem: Problem) -> tuple[Any, ...]:
    """Return what tells problems apart: tables that are repeated share their lines and faults."""
    last = problem.key if problem.line is None else problem.key.rpartition(".")[2]
    return problem.file, problem.line, last, problem.message


def blamed(error: ValidationError) -> list[Key]:
    """Return the keys that pydantic's errors are about."""
    return [_key(entry) for entry in error.errors(include_url=False)]


def _key(entry: Any) -> Key:
    """Return a pydantic location without the tags of unions; an unknown tag blames its key."""
    key = tuple(
        step for step in entry["loc"] if not (isinstance(step, str) and step.startswith("<"))
    )
    if entry["type"] != "union_tag_invalid":
        return key
    return (*key, "do" if key[:1] == ("step",) else "shape")


def _explained(loc: Key, paths: list[Key]) -> bool:
    """Tell whether an entry of the list is wrong, so that it is not reported as short as well."""
    return any(len(path) > len(loc) and path[: len(loc)] == loc for path in paths)


def _sentence(entry: Any, schema: Mapping[str, Any]) -> str:
    kind, loc, context = entry["type"], entry["loc"], entry.get("ctx", {})
    last = loc[-1] if loc else ""
    if kind == "missing":
        return _missing(str(last), _find(schema, loc))
    if kind == "extra_forbidden":
        return _unknown(str(last), schema, loc)
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", context["expected"])
        hint = _did_you_mean(entry["input"], known)
        return f"{_shown(entry['input'])} is not one of {context['expected']}{hint}"
    if kind == "union_tag_invalid":
        shape = str(context["tag"]).strip("<>")
        if loc[:1] == ("step",):
            return _no_step(shape)
        hint = _did_you_mean(SYNONYMS.get(shape, shape), SHAPES) or nearest(shape, SHAPES)
        return f"{shape!r} is not a shape{hint}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"must be a table of keys, not {_shown(entry['input'])}"
    if kind == "tuple_type":
        return f"must be a list, not {_shown(entry['input'])}"
    if kind == "too_short":
        least = context["min_length"]
        return f"needs at least {least} entr{'y' if least == 1 else 'ies'}"
    if kind == "too_long":
        return f"takes at most {context['max_length']} entries"
    text = str(entry["msg"]).removeprefix("Value error, ")
    text = text.replace("Input should be ", "must be ")
    return text.splitlines()[0] if text else "is not valid"


def _shown(value: Any, depth: int = 3) -> str:
    """Write a value as the file does, nested tables and lists only to this depth."""
    if depth == 0 and isinstance(value, dict | list):
        return "..."
    if isinstance(value, dict):
        entries = [f"{key} = {_shown(entry, depth - 1)}" for key, entry in value.items()]
        return f"{{{', '.join(entries)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_shown(entry, depth - 1) for entry in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) > 10**18:
        return "a number of so many digits"  # Python refuses to write more than 4300
    return repr(value) if isinstance(value, str) else str(value)


def _no_step(kind: str) -> str:
    if kind == "missing":
        return (
            'is missing: add do = "attach" (or '
            + ", ".join(kind for kind in WORDS if kind != "attach")
            + ")"
        )
    return f"{kind!r} is not a step{nearest(kind, WORDS)}"


def _did_you_mean(word: Any, known: Sequence[str]) -> str:
    hint = nearest(word, list(known)) if isinstance(word, str) else ""
    return hint if "did you mean" in hint else ""


def _missing(key: str, schema: Mapping[str, Any]) -> str:
    example = _example(schema)
    if example is None:
        return f"[{key}] is missing" if key in ("load", "part") else "is missing"
    return f"is missing: add {key} = {example}"


def _example(schema: Mapping[str, Any]) -> str | None:
    if schema.get("examples"):
        return _toml(schema["examples"][0])
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        found = _example(branch)
        if found:
            return found
    return None


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_toml(v) for v in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _unknown(key: str, schema: Mapping[str, Any], loc: Key) -> str:
    table = _find(schema, loc[:-1])
    known = list(table.get("properties", {}))
    known += ["include", "variables"] if len(loc) == 1 else ["repeat"] * (len(loc) > 2)
    hint = nearest(key, known)
    if "did you mean" not in hint:
        owners = [
            definition["properties"]["shape"].get("const") or "plate"
            for definition in schema.get("$defs", {}).values()
            if key in definition.get("properties", {})
            and "shape" in definition.get("properties", {})
        ]
        if owners and loc[0] == "part" and "shape" in known:
            shapes = " or ".join(repr(owner) for owner in owners)
            return f"unknown key for this shape; it belongs to shape = {shapes}"
    return f"unknown key{hint}"


def _find(schema: Mapping[str, Any], loc: Key) -> Mapping[str, Any]:
    """Return the part of a JSON schema that describes a pydantic location."""
    here: Mapping[str, Any] = schema
    for step in loc:
        here = _resolve(here, schema)
        if isinstance(step, str) and step.startswith("<"):
            title = step.strip("<>").replace("-", "")
            branches = [
                _resolve(b, schema) for b in (*here.get("oneOf", ()), *here.get("anyOf", ()))
            ]
            here = next((b for b in branches if str(b.get("title", "")).lower() == title), here)
            continue
        for branch in (
            here,
            *(_resolve(b, schema) for b in (*here.get("anyOf", ()), *here.get("oneOf", ()))),
        ):
            if isinstance(step, int) and "items" in branch:
                here = branch["items"]
                break
            if isinstance(step, str) and step in branch.get("properties", {}):
                here = branch["properties"][step]
                break
            if isinstance(step, str) and isinstance(branch.get("additionalProperties"), dict):
                here = branch["additionalProperties"]
                break
        else:
            return {}
    return _resolve(here, schema)


def _resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema
