"""Turn kernels into machine code with Numba: one object file for each kernel and list of types.

Only this module imports Numba. Run as a program it is a worker of `warp.machine.compiling`: it
reads one specialisation per line and writes the object file into the cache. The file needs only
the C library (no Python, no Numba), and exports one function for `warp.machine.cpu`:

    void SYMBOL(int64 part, int64 parts, const int64 *arguments)

`arguments` holds 8 bytes for each scalar, and for each array its address and then its shape.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numba
import numpy as np
from llvmlite import binding, ir
from numba import extending, types
from numba.core import cgutils, compiler, registry
from numba.core.compiler_lock import global_compiler_lock
from numba.np import arrayobj, numpy_support

from warp import kernels
from warp.machine import cache
from warp.machine.cache import Specialisation

# Else a loop that reads u[i] and u[i + 1] hands u[i + 1] to its next turn, and stays scalar.
binding.set_option("warp", "-enable-load-pre=false")

OPTIONS = {"error_model": "numpy", "_nrt": False}
"""Division follows IEEE: void has infinite compliance, so x / inf = 0 is intended.

There is no reference counting.
"""


@extending.intrinsic
def _scratch(typing: Any, shape: Any, like: Any) -> Any:
    """Implement `kernels.scratch` by calloc."""
    array = types.Array(like.dtype, len(shape), "C")

    def generate(context: Any, build: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        word = ir.IntType(64)
        element = context.get_data_type(array.dtype)
        size = word(context.get_abi_sizeof(element))
        lengths = [
            context.cast(build, length, kind, types.intp)
            for length, kind in zip(cgutils.unpack_tuple(build, args[0]), shape, strict=True)
        ]
        count = word(1)
        for length in lengths:
            count = build.mul(count, length)
        calloc = ir.FunctionType(ir.IntType(8).as_pointer(), [word, word])
        allocate = cgutils.get_or_insert_function(build.module, calloc, "calloc")
        address = build.bitcast(build.call(allocate, [count, size]), element.as_pointer())
        return _array(context, build, array, address, lengths)

    return array(shape, like), generate


@extending.intrinsic
def _release(typing: Any, memory: Any) -> Any:
    """Implement `kernels.release` by free."""

    def generate(context: Any, build: ir.IRBuilder, signature: Any, args: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        free = cgutils.get_or_insert_function(
            build.module, ir.FunctionType(ir.VoidType(), [byte]), "free"
        )
        array = context.make_array(memory)(context, build, args[0])
        build.call(free, [build.bitcast(array.data, byte)])
        return context.get_dummy_value()

    return types.void(memory), generate


def _array(target: Any, build: ir.IRBuilder, kind: types.Array, address: Any, shape: Any) -> Any:
    """Build the value that represents a C-contiguous array inside a kernel."""
    size = ir.IntType(64)(target.get_abi_sizeof(target.get_data_type(kind.dtype)))
    strides = [size]
    for length in shape[:0:-1]:
        strides.insert(0, build.mul(strides[0], length))
    array = target.make_array(kind)(target, build)
    arrayobj.populate_array(array, address, shape, strides, size, None)
    return array._getvalue()


_compiled: dict[Callable[..., Any], Any] = {kernels.scratch: _scratch, kernels.release: _release}


def _resolved(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with the marked ones that it calls replaced by what Numba can compile."""
    assert isinstance(function, FunctionType)
    known = dict(function.__globals__)
    for name in function.__code__.co_names:
        called = known.get(name)
        if called in (kernels.scratch, kernels.release) or hasattr(called, "inlined"):
            known[name] = _callable(called)
    copy = FunctionType(function.__code__, known, function.__name__)
    copy.__module__ = function.__module__
    return copy


def _callable(function: Callable[..., Any]) -> Any:
    if function not in _compiled:
        how = "always" if function.__dict__["inlined"] else "never"
        _compiled[function] = numba.njit(inline=how, **OPTIONS)(_resolved(function))
    return _compiled[function]


def _type(code: str) -> types.Type:
    """Read a type as `Specialisation` writes it: f8, or f8[3] for an array."""
    dtype, _, dimensions = code.rstrip("]").partition("[")
    scalar = numpy_support.from_dtype(np.dtype(dtype))
    return types.Array(scalar, int(dimensions), "C") if dimensions else scalar


def machine_code(wanted: Specialisation) -> bytes:
    """Compile one kernel for one list of types and return the object file."""
    return bytes(_library(wanted)._get_compiled_object())


def assembly(wanted: Specialisation) -> str:
    """Compile one kernel and return its machine code as text."""
    return str(_library(wanted).get_asm_str())


@global_compiler_lock
def _library(wanted: Specialisation) -> Any:
    found = getattr(importlib.import_module(f"warp.kernels.{wanted.module}"), wanted.function)
    share = (types.UniTuple(types.int64, 2),) if found.parallel else ()
    argument_types = (*share, *map(_type, wanted.types))
    typing, target = registry.cpu_target.typing_context, registry.cpu_target.target_context
    typing.refresh()
    target.refresh()
    library = target.codegen().create_library(wanted.symbol)
    library.enable_object_caching()
    flags = compiler.Flags()
    flags.nrt, flags.error_model = False, "numpy"
    flags.noalias = True  # else a table's look-ups could read what the loop writes: no gathers
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    body = _resolved(found.function)
    made = compiler.compile_extra(
        typing, target, body, argument_types, types.void, flags, {}, library=library
    )
    _add_entry(target, library, made.fndesc, argument_types, wanted.symbol)
    library.finalize()
    return library


def _add_entry(target: Any, library: Any, body: Any, argument_types: Any, symbol: str) -> None:
    """Add the exported function: unpack the arguments and call the kernel."""
    module = library.create_ir_module(f"{symbol}.entry")
    word = ir.IntType(64)
    kind = ir.FunctionType(ir.VoidType(), [word, word, word.as_pointer()])
    entry = ir.Function(module, kind, symbol)
    build = ir.IRBuilder(entry.append_basic_block())
    slots = iter(range(sys.maxsize))

    def load(of: ir.Type = word) -> ir.Value:
        address = build.gep(entry.args[2], [word(next(slots))])
        return build.load(build.bitcast(address, of.as_pointer()))

    values = []
    for kind_of in argument_types:
        if isinstance(kind_of, types.UniTuple):
            values.append(target.make_tuple(build, kind_of, entry.args[:2]))
        elif isinstance(kind_of, types.Array):
            element = target.get_data_type(kind_of.dtype)
            address = build.inttoptr(load(), element.as_pointer())
            shape = [load() for _ in range(kind_of.ndim)]
            values.append(_array(target, build, kind_of, address, shape))
        else:
            values.append(load(target.get_value_type(kind_of)))
    callee = target.declare_function(module, body)
    target.call_conv.call_function(build, callee, types.void, argument_types, values)
    build.ret_void()
    library.add_ir_module(module)


def main() -> None:
    """Compile each specialisation that standard input names, one per line.

    Answer with `done`, or with `busy` if another process is compiling it.
    """
    # Numba's many small objects are needed as long as the process runs: collection finds nothing.
    gc.disable()
    for line in sys.stdin:
        wanted = Specialisation.read(line)
        with cache.turn(wanted) as mine:
            if mine and not wanted.path.exists():
                cache.write(wanted.path, machine_code(wanted))
        print("done" if mine else "busy", flush=True)
