"""The JSON schema of a case file: what editors understand, with the language of `language`.

pydantic's schema describes plain tables. Files may also compute numbers, repeat tables and entries
of lists, include other files and have variables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

EXPRESSION = {
    "type": "string",
    "description": "arithmetic with variables and units, e.g. 2 * n",
}
INCLUDE = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    "description": "Case files whose tables come first; those of this file replace them.",
    "examples": ["stack.toml"],
}
VARIABLES = {
    "type": "object",
    "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "number"}]},
    "description": "Quantities and numbers by name, for arithmetic in any value.",
    "examples": [{"pitch": "150 um", "dies": 8}],
}
REPEAT = {
    "anyOf": [
        {"type": "integer", "minimum": 1},
        {"type": "string"},
        {
            "type": "object",
            "additionalProperties": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        },
    ],
    "description": "How often the table is written out, with {n} in its texts as 1, 2, ...; or "
    "several counters by name.",
    "examples": [8, {"row": 2, "n": 4}],
}


def in_language(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a case file with variables, repetitions and includes."""
    kinds = schema["$defs"]
    properties = schema["properties"]
    repeated = [
        *_kinds(properties["part"]["additionalProperties"]),
        *_kinds(properties["step"]["items"]),
        *(
            name
            for kind in kinds.values()
            for key in kind.get("properties", {}).values()
            for name in _kinds(key.get("items", {}))
        ),
    ]
    for name in ("material", "boundary", "interface"):
        repeated += _kinds(properties[name]["additionalProperties"])
    for name in dict.fromkeys(repeated):
        kinds[name]["properties"]["repeat"] = {"$ref": "#/$defs/Repeat"}
    group = {
        "description": "Entries that are repeated together.",
        "type": "object",
        "properties": {
            "repeat": {"$ref": "#/$defs/Repeat", "description": "How often."},
            "of": {
                "type": "array",
                "items": {"type": "object"},
                "description": "The entries, in their order.",
            },
        },
        "required": ["repeat", "of"],
        "additionalProperties": False,
    }
    for key in (properties["step"], *_lists_of_tables(kinds)):
        items = key["items"]
        key["items"] = {"anyOf": [*items.get("anyOf", [items]), {"$ref": "#/$defs/Group"}]}
    found: dict[str, Any] = _computed(schema)
    found["$defs"] |= {"Expression": EXPRESSION, "Repeat": REPEAT, "Group": group}
    found["properties"] |= {"include": INCLUDE, "variables": VARIABLES}
    return found


def _lists_of_tables(kinds: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas of lists in tables whose entries are tables, such as layers."""
    for kind in kinds.values():
        for key in kind.get("properties", {}).values():
            for option in (key, *key.get("anyOf", ())):
                if any(kinds[name].get("properties") for name in _kinds(option.get("items", {}))):
                    yield option


def _kinds(schema: dict[str, Any]) -> list[str]:
    """Return the names of the definitions that a schema allows."""
    options = [schema, *schema.get("anyOf", ())]
    return [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]


def _computed(schema: Any) -> Any:
    """Let a text with arithmetic stand wherever there is a number."""
    if isinstance(schema, list):
        return [_computed(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") in ("integer", "number") or "const" in schema and schema["const"] == 0:
        words = {
            key: schema[key] for key in ("description", "examples", "default") if key in schema
        }
        number = {key: value for key, value in schema.items() if key not in words}
        return {**words, "anyOf": [number, {"$ref": "#/$defs/Expression"}]}
    return {key: _computed(entry) for key, entry in schema.items()}


def tidied(schema: Any) -> Any:
    """Drop null, which TOML lacks, defaults in SI where the file wants text, and tags of unions."""
    if isinstance(schema, list):
        return [tidied(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    branches = [
        b for b in (*schema.get("anyOf", ()), *schema.get("oneOf", ())) if b != {"type": "null"}
    ]
    schema = {
        key: value
        for key, value in schema.items()
        if key not in ("anyOf", "oneOf", "discriminator")
    }
    if len(branches) == 1:
        return tidied({**branches[0], **schema})
    if branches:
        schema = {**schema, "anyOf": branches}
    dropped = {"title"} if isinstance(schema.get("title"), str) else set()
    if "default" in schema and not isinstance(schema["default"], str | bool):
        dropped.add("default")
    return {key: tidied(value) for key, value in schema.items() if key not in dropped}
