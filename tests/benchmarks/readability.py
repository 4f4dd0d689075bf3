"""Measure how source code reads, ours beside other projects': a mirror, not a limit.

    python tests/benchmarks/readability.py NAME=FOLDER [NAME=FOLDER ...]

Prints a Markdown table. Sizes come from lines, density from Python's syntax tree (nodes of a
function without its docstring), so that a long line with four assignments counts as what it is.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
IMPERATIVE = re.compile(
    r"^(What|Where|Whether|Of|How|One|Which|Who|When|As|That|Those|The|A|An)\b", re.ASCII
)


@dataclass(frozen=True)
class Source:
    """The Python files of a project: text and syntax tree."""

    files: list[tuple[str, ast.Module]]

    @classmethod
    def read(cls, folder: Path) -> Source:
        """Parse every .py file below `folder`; files that are not Python 3 are left out."""
        found = []
        for path in sorted(folder.rglob("*.py")):
            text = path.read_text(encoding="utf-8", errors="replace")
            try:
                found.append((text, ast.parse(text)))
            except SyntaxError:
                continue
        return cls(found)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Walk every function and method."""
        for _, tree in self.files:
            yield from (node for node in ast.walk(tree) if isinstance(node, FUNCTION))


def spread(values: list[int], *shares: float) -> str:
    """Return median, quantiles and maximum."""
    ordered = sorted(values) or [0]
    quantiles = [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in shares]
    return " / ".join(str(round(v)) for v in (median(ordered), *quantiles, ordered[-1]))


def files(source: Source) -> str:
    """Count the files and their lines."""
    return (
        f"{len(source.files)}: {spread([text.count(chr(10)) + 1 for text, _ in source.files], 0.9)}"
    )


def function_lines(source: Source) -> str:
    """Count the functions and their lines, docstrings included."""
    lengths = [(f.end_lineno or f.lineno) - f.lineno + 1 for f in source.functions()]
    return f"{len(lengths)}: {spread(lengths, 0.9)}"


def body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    """Return the statements after the docstring."""
    return function.body[1:] if ast.get_docstring(function) else function.body


def function_nodes(source: Source) -> str:
    """Count the syntax nodes of each function's body."""
    counts = [sum(1 for part in body(f) for _ in ast.walk(part)) for f in source.functions()]
    return spread(counts, 0.9)


def widths(source: Source) -> str:
    """Return the share of lines over 100 characters and the 90th percentile of widths."""
    lengths = [len(line) for text, _ in source.files for line in text.splitlines() if line.strip()]
    wide = sum(length > 100 for length in lengths) / max(1, len(lengths))
    return f"{100 * wide:.1f} %; {sorted(lengths)[int(0.9 * len(lengths))]}"


def arguments(source: Source) -> str:
    """Count arguments without self and cls; how many functions take more than eight."""
    counts = []
    for function in source.functions():
        named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        counts.append(sum(argument.arg not in ("self", "cls") for argument in named))
    return f"{spread(counts, 0.9)}; {sum(count > 8 for count in counts)}"


def docstrings(source: Source) -> str:
    """Return the share of modules and of functions that have a docstring."""
    modules = [bool(ast.get_docstring(tree)) for _, tree in source.files if tree.body]
    functions = [bool(ast.get_docstring(f)) for f in source.functions()]
    return " / ".join(f"{100 * sum(s) / max(1, len(s)):.0f} %" for s in (modules, functions))


def openings(source: Source) -> str:
    """Return the share of function docstrings that begin with a noun clause or an article."""
    found = [text for f in source.functions() if (text := ast.get_docstring(f))]
    return f"{100 * sum(bool(IMPERATIVE.match(t)) for t in found) / max(1, len(found)):.0f} %"


def loose_types(source: Source) -> str:
    """Count `Any` in annotations and imports, per thousand lines."""
    count = lines = 0
    for text, tree in source.files:
        lines += text.count("\n") + 1
        count += sum(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(tree))
    return f"{count}; {1000 * count / max(1, lines):.1f}"


def annotated(source: Source) -> str:
    """Return the share of functions whose return value is annotated."""
    found = [f.returns is not None for f in source.functions()]
    return f"{100 * sum(found) / max(1, len(found)):.0f} %"


def late_imports(source: Source) -> str:
    """Count imports inside functions, and uses of hasattr, getattr and narrowing asserts."""
    inside = sum(
        isinstance(node, ast.Import | ast.ImportFrom)
        for function in source.functions()
        for node in ast.walk(function)
    )
    calls = sum(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("hasattr", "getattr")
        for _, tree in source.files
        for node in ast.walk(tree)
    )
    narrowing = sum(len(re.findall(r"assert .* is not None", text)) for text, _ in source.files)
    return f"{inside} / {calls} / {narrowing}"


ROWS: tuple[tuple[str, Callable[[Source], str]], ...] = (
    ("files: lines, median / p90 / max", files),
    ("functions: lines, median / p90 / max", function_lines),
    ("syntax nodes a function, median / p90 / max", function_nodes),
    ("lines over 100 characters; p90 of line width", widths),
    ("arguments, median / p90 / max; functions with more than 8", arguments),
    ("docstring: modules / functions", docstrings),
    ("function docstrings that do not begin with a verb", openings),
    ("return type annotated", annotated),
    ("`Any`; per thousand lines", loose_types),
    ("imports inside functions / hasattr and getattr / narrowing asserts", late_imports),
)


def table(sources: dict[str, Source]) -> str:
    """Lay the measures out, one column a project."""
    lines = ["| | " + " | ".join(sources) + " |", "|---" * (len(sources) + 1) + "|"]
    for title, measure in ROWS:
        lines.append(f"| {title} | " + " | ".join(measure(s) for s in sources.values()) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    if not sys.argv[1:]:
        raise SystemExit(__doc__)
    named = dict(word.split("=", 1) for word in sys.argv[1:])
    print(table({name: Source.read(Path(folder)) for name, folder in named.items()}))
