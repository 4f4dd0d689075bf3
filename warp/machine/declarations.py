"""Read what the CUDA sources declare, and hold the arguments of a launch against it.

A kernel's arguments are declared once, in its .cu file: scalars are converted to the types there,
arrays must have them, and lengths that only CUDA needs are read from the arrays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from warp.machine import cache as compiled


class Parameter(NamedTuple):
    """One argument of a kernel as the .cu declares it."""

    name: str
    type: str  # "real", "double", "int", ...
    pointer: bool
    const: bool

    @property
    def length_of(self) -> tuple[str, int] | None:
        """(array, axis) if this is `ARRAY_dimAXIS`, a length that `launch` reads from the array."""
        return _length_of(self.name)


@cache
def _length_of(name: str) -> tuple[str, int] | None:
    found = re.fullmatch(r"(\w+)_dim(\d)", name)
    return (found[1], int(found[2])) if found else None


_FUNCTION = re.compile(r"\bKERNEL\s+(?:__launch_bounds__\([\d, ]+\)\s+)?(\w+)\s*\(([^)]*)\)")
_PARAMETER = re.compile(
    r"(?P<const>const\s+)?(?P<type>[\w ]+?)\s*(?P<pointer>\*)?\s*(?:__restrict__)?\s*(?P<name>\w+)"
)
_TYPES = {
    "float": np.float32, "double": np.float64, "int": np.int32, "long long": np.int64,
    "bool": np.bool_,
    "uint8": np.uint8, "uint16": np.uint16, "unsigned int": np.uint32,
}  # fmt: skip


def source(module: str) -> str:
    """Return the text of kernels/`module`.cu with its headers in place of the #include lines.

    A compiler's cache keyed by the source would not notice an edited header.
    """
    seen = set()

    def expand(file: str) -> str:
        seen.add(file)
        lines = (compiled.kernels() / file).read_text(encoding="utf-8").splitlines()
        for i, line in enumerate(lines):
            header = re.match(r'\s*#include\s+"(.+)"', line)
            if header:
                text = "" if header[1] in seen else expand(header[1])
                lines[i] = f'{text}\n#line {i + 2} "{file}"'
        return (
            "\n".join([f'#line 1 "{file}"', *(x for x in lines if x.strip() != "#pragma once")])
            + "\n"
        )

    return expand(f"{module}.cu")


@cache
def signatures(module: str) -> dict[str, tuple[Parameter, ...]]:
    """Read the arguments of every kernel in kernels/`module`.cu; empty if there is no such file."""
    path = compiled.kernels() / f"{module}.cu"
    if not path.exists():
        return {}
    text = re.sub(r"//.*|/\*.*?\*/", "", path.read_text(encoding="utf-8"))
    found = {}
    for function, declared in _FUNCTION.findall(text):
        parameters = []
        for item in declared.split(","):
            part = _PARAMETER.fullmatch(item.strip())
            if part is None:
                raise ValueError(f"{path.name}: {function}: cannot read '{item.strip()}'")
            parameters.append(
                Parameter(part["name"], part["type"], bool(part["pointer"]), bool(part["const"]))
            )
        found[function] = tuple(parameters)
    return found


class _Scalar(NamedTuple):
    """A number among the arguments of a kernel, and how it is converted."""

    convert: Callable[[Any], Any]


class _Pointer(NamedTuple):
    """An array among the arguments of a kernel, and the type that it must have."""

    name: str
    dtype: np.dtype[Any]


class _Form(NamedTuple):
    """The arguments of a kernel in one precision.

    `given`: those that a caller gives; `lengths`: (argument, axis) of those read from an array.
    """

    given: tuple[_Scalar | _Pointer, ...]
    lengths: tuple[tuple[int, int], ...]


@cache
def _form(module: str, function: str, real: np.dtype[Any]) -> _Form | None:
    """Read the arguments of a kernel; None if only the CPU form exists."""
    declared = signatures(module).get(function)
    if declared is None:
        return None
    names = [p.name for p in declared if not p.length_of]
    given: list[_Scalar | _Pointer] = []
    lengths = []
    for parameter in declared:
        dtype = real if parameter.type == "real" else np.dtype(_TYPES[parameter.type])
        if of := parameter.length_of:
            lengths.append((names.index(of[0]), of[1]))
        elif parameter.pointer:
            given.append(_Pointer(parameter.name, dtype))
        else:
            given.append(_Scalar(dtype.type))
    return _Form(tuple(given), tuple(lengths))


def checked(
    module: str, function: str, args: tuple[Any, ...], real: np.dtype[Any]
) -> tuple[tuple[Any, ...], tuple[np.int32, ...]]:
    """Convert scalars to the declared types and refuse arrays of another type or layout.

    Returns the arguments, and the array lengths that only the CUDA form needs.
    """
    form = _form(module, function, real)
    if form is None:
        return tuple(real.type(a) if isinstance(a, float) else a for a in args), ()
    if len(form.given) != len(args):
        raise TypeError(f"{module}.{function} takes {len(form.given)} arguments, got {len(args)}")
    values = []
    for declared, value in zip(form.given, args, strict=True):
        if isinstance(declared, _Scalar):
            value = declared.convert(value)
        elif getattr(value, "dtype", None) != declared.dtype or not value.flags.c_contiguous:
            got = f"{value.dtype} array" if hasattr(value, "dtype") else type(value).__name__
            raise TypeError(
                f"{module}.{function}: {declared.name} must be a contiguous {declared.dtype} "
                f"array, got {got}"
            )
        values.append(value)
    shapes = tuple(np.int32(args[which].shape[axis]) for which, axis in form.lengths)
    return tuple(values), shapes
