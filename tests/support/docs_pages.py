"""Make the reference pages of data/docs from the program itself: case file, commands, Python.

    python tests/support/docs_pages.py     writes case-file.md, commands.md, python.md
                                           and the tables of numbers in result-file.md

A test compares the pages with what this makes, so none of them can fall behind the program.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import result_tables
import typer

FOLDER = Path(__file__).parents[2] / "data" / "docs"
MADE = "<!-- made by tests/support/docs_pages.py -->"
TABLES = (
    ("load", "Load", "Temperatures between which the package is loaded."),
    ("grid", "GridSection", "The voxel grid. The default suits most packages."),
    ("output", "Output", "Which fields and numbers are stored."),
    ("identify", "IdentifySection", "Measured surfaces, and the values that they shall tell."),
    ("material.NAME", "MaterialSpec", "A material of this case; `like` starts from another one."),
    ("boundary.NAME", "BoundarySection", "Heat leaves or enters through a face."),
    ("interface.NAME", "InterfaceSection", "A thermal resistance between two parts."),
)
PROPERTY = "by direction"
"""Begins the description of a property's table: `materials.md` has all its forms."""
LANGUAGE = ("Expression", "Repeat", "Group")
"""Definitions that every table shares: the page of the language describes them."""

FUNCTIONS = (
    "load",
    "check",
    "solve",
    "read",
    "sweep",
    "compare",
    "plot",
    "write_report",
    "gradient",
    "identify",
    "optimize",
)


def case_file() -> str:
    """Describe every table and key of a case file, from its JSON schema."""
    from warp.case.case import schema

    found = schema()
    kinds = found["$defs"]
    parts = sorted(_named(found["properties"]["part"]["additionalProperties"]))
    steps = sorted(_named(found["properties"]["step"]["items"]))
    named = {*parts, *steps, *(name for _, name, _ in TABLES), *LANGUAGE}
    lines = [
        "# The case file, key by key",
        "",
        MADE,
        "",
        'A case is one TOML file. Every quantity is text with its unit (`"0.775 mm"`, `"25 degC"`);'
        " `warp schema` prints the JSON schema behind this page for editors. `warp check CASE.toml`"
        " reports mistakes with file, line and key.",
        "",
        "| key at the top | value | meaning |",
        "|---|---|---|",
        *_rows(
            {
                key: value
                for key, value in found["properties"].items()
                if key in ("title", "symmetry", "include", "variables")
            }
        ),
        "",
        "Values may be computed, tables repeated and files included: "
        "[the language](case-language.md). [How parts fill the package](parts.md) and "
        "[a material of your own](materials.md) explain the two largest tables.",
        "",
    ]
    for key, name, sentence in TABLES:
        lines += [f"## `[{key}]`", "", sentence, "", *_table(kinds[name]), ""]
    example, _, keys = inspect.cleandoc(_tolerance_text()).partition("\n\n")[2].partition("\n\n")
    lines += ["## `[tolerance]`", "", "How far values of the case scatter.", "", "```toml"]
    lines += [*(line.strip() for line in example.splitlines()), "```", "", keys, ""]
    lines += [
        "## `[part.NAME]`",
        "",
        "`shape` selects the kind; without it, a plate or a chip.",
        "",
    ]
    for name in parts:
        lines += _section(name, kinds[name], "shape")
    lines += [
        "## `[[step]]`",
        "",
        "`do` selects the kind; [the process](process.md) explains how steps follow each other.",
        "",
    ]
    for name in steps:
        lines += _section(name, kinds[name], "do")
    lines += ["## Inner tables", ""]
    for name in sorted(set(kinds) - named):
        lines += [
            f"### {name}",
            "",
            kinds[name].get("description", ""),
            "",
            *_table(kinds[name]),
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def _tolerance_text() -> str:
    from warp.case import tolerance

    return tolerance.__doc__ or ""


def commands() -> str:
    """Describe every verb of the command line, from its help."""
    from warp.cli.app import app

    root = typer.main.get_command(app)
    lines = ["# Commands", "", MADE, ""]
    for name, verb in sorted(root.commands.items()):  # type: ignore[attr-defined]
        text = inspect.cleandoc(verb.help or "").replace("\b\n", "")
        sentence, _, examples = text.partition("Examples:")
        lines += [f"## `warp {name}`", "", _plain(sentence), ""]
        if examples.strip():
            lines += ["```sh", *(line.strip() for line in examples.strip().splitlines()), "```", ""]
        rows = [_option(parameter) for parameter in verb.params if parameter.name != "help"]
        lines += ["| argument | meaning |", "|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def python() -> str:
    """Describe the public Python interface, from its signatures and docstrings."""
    import warp

    lines = ["# Python", "", MADE, "", inspect.cleandoc(_opening(warp.__doc__ or "")), ""]
    for name in FUNCTIONS:
        lines += _callable(f"warp.{name}", getattr(warp, name))
    lines += ["## `warp.Case`", "", inspect.cleandoc(warp.Case.__doc__ or ""), ""]
    for name in ("from_dict", "from_toml", "to_toml"):
        lines += _callable(f".{name}", getattr(warp.Case, name), level=3)
    lines += ["## Errors", ""]
    for name in ("WarpError", "CaseError", "ConvergenceError"):
        sentence = inspect.cleandoc(getattr(warp, name).__doc__ or "").splitlines()[0]
        lines += [f"- `warp.{name}`: {sentence}"]
    lines += ["", "## `warp.Result`", "", inspect.cleandoc(warp.Result.__doc__ or ""), ""]
    for name, member in vars(warp.Result).items():
        if name.startswith("_") or not (inspect.isfunction(member) or isinstance(member, property)):
            continue
        if isinstance(member, property):
            lines += [f"### `.{name}`", "", inspect.getdoc(member) or "", ""]
        else:
            lines += _callable(f".{name}", member, level=3)
    return "\n".join(lines).rstrip() + "\n"


def result_file() -> str:
    """Replace the tables of numbers in the description of the result file."""
    return result_tables.written((FOLDER / "result-file.md").read_text(encoding="utf-8"))


PAGES: dict[str, Callable[[], str]] = {
    "case-file.md": case_file,
    "commands.md": commands,
    "python.md": python,
    "result-file.md": result_file,
}


def _opening(text: str) -> str:
    """Return the first paragraph of a docstring."""
    return text.strip().partition("\n\n")[0]


def _callable(name: str, function: Callable[..., Any], level: int = 2) -> list[str]:
    signature = str(inspect.signature(function)).replace("(self, ", "(").replace("(self)", "()")
    signature = re.sub(r"'([^']*)'", r"\1", signature)
    return [f"{'#' * level} `{name}{signature}`", "", inspect.getdoc(function) or "", ""]


def _option(parameter: Any) -> str:
    options = (*parameter.opts, *parameter.secondary_opts)
    names = ", ".join(f"`{name}`" for name in options) or f"`{parameter.name}`"
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar or parameter.name.upper()}`"
    elif parameter.metavar:
        names += f" `{parameter.metavar}`"
    return f"| {_cell(names)} | {_cell(_plain(getattr(parameter, 'help', '') or ''))} |"


def _section(name: str, kind: Mapping[str, Any], tag: str) -> list[str]:
    values = [f"`{value}`" for value in _values(kind["properties"].get(tag, {}))]
    title = f"{name}: {tag} = {', '.join(values)}" if values else name
    return [f"### {title}", "", kind.get("description", ""), "", *_table(kind, {tag}), ""]


def _table(kind: Mapping[str, Any], leave_out: set[str] = frozenset()) -> list[str]:  # type: ignore[assignment]
    hidden = {*leave_out, "repeat"}
    keys = {key: value for key, value in kind["properties"].items() if key not in hidden}
    required = set(kind.get("required", ()))
    return ["| key | value | meaning |", "|---|---|---|", *_rows(keys, required)]


def _rows(keys: Mapping[str, Any], required: set[str] | None = None) -> Iterator[str]:
    for key, schema in keys.items():
        needed = " (required)" if required and key in required else ""
        default = schema.get("default")
        given = f" Default: `{default}`." if default not in (None, "", [], {}) else ""
        meaning = schema.get("description", "") + given
        yield f"| `{key}`{needed} | {_cell(_kind(schema))} | {_cell(meaning)} |"


def _kind(schema: Mapping[str, Any]) -> str:
    """Say in words what a value is."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in _values(schema))
    if "anyOf" in schema:
        if any(option.get("description", "").startswith(PROPERTY) for option in schema["anyOf"]):
            return "[a property](materials.md)"
        kinds = [_kind(option) for option in schema["anyOf"] if option.get("type") != "null"]
        words = " or ".join(dict.fromkeys(kind for kind in kinds if kind not in LANGUAGE))
        return words.replace("number or number, `40 %`", "number, `0.4` or `40 %`")
    kind = schema.get("type", "value")
    if kind == "array":
        inner = schema.get("items") or next(iter(schema.get("prefixItems", ())), {})
        pair = schema.get("prefixItems", ())
        if len(pair) == 2 and _kind(pair[0]) != _kind(pair[1]):
            return f"pairs of {_kind(pair[0])} and {_kind(pair[1])}"
        return f"list of {_kind(inner)}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"table of {_kind(inner)}" if isinstance(inner, Mapping) else "table"
    described = schema.get("description", "") if kind == "string" else ""
    if ", e.g. " in described:
        quantity, _, example = described.partition(", e.g. ")
        return f"{quantity.removesuffix(' with its unit')}, `{example}`"
    return {"string": "text", "integer": "whole number"}.get(kind, kind)


def _values(schema: Mapping[str, Any]) -> list[Any]:
    return list(schema.get("enum", [schema["const"]] if "const" in schema else []))


def _named(schema: Mapping[str, Any]) -> Iterator[str]:
    """Walk the names of the definitions that a schema allows."""
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2]
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _named(option)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
