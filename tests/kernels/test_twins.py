"""Every kernel has two forms, kernels/NAME.py and kernels/NAME.cu, with the same functions and
arguments.

The bodies may differ where the .cu says why; `test_parity` compares what they compute, and here
every kernel has a case.
"""

import ast
from pathlib import Path

import pytest

from warp.machine import cache, declarations

TWINS = cache.modules()


def numba_signatures(module: str) -> dict[str, list[str]]:
    """Read the functions marked @kernel and their arguments after `share`, without importing."""
    tree = ast.parse((cache.kernels() / f"{module}.py").read_text())
    return {
        node.name: [a.arg for a in node.args.args[1:]]
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(d) == "kernel" for d in node.decorator_list)
    }


def indexed(module: str) -> dict[str, set[str]]:
    """Find which arguments of each kernel are indexed, that is: are arrays."""
    tree = ast.parse((cache.kernels() / f"{module}.py").read_text())
    return {
        f.name: {
            n.value.id
            for n in ast.walk(f)
            if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name)
        }
        for f in tree.body
        if isinstance(f, ast.FunctionDef)
    }


def test_no_cuda_file_without_a_numba_twin():
    assert {p.stem for p in cache.kernels().glob("*.cu")} <= set(TWINS)


@pytest.mark.parametrize("module", TWINS)
def test_twins_have_the_same_functions_in_the_same_order(module):
    assert (cache.kernels() / f"{module}.cu").exists(), f"kernels/{module}.cu is missing"
    assert list(declarations.signatures(module)) == list(numba_signatures(module))


@pytest.mark.parametrize("module", TWINS)
def test_twins_have_the_same_arguments_in_the_same_order(module):
    """Lengths of arrays (`ARRAY_dimAXIS`) follow in the .cu: `launch` reads them from the array."""
    cuda = {
        f: [p.name for p in parameters if not p.length_of]
        for f, parameters in declarations.signatures(module).items()
    }
    assert cuda == {f: names for f, names in numba_signatures(module).items() if f in cuda}


@pytest.mark.parametrize("module", TWINS)
def test_pointers_are_the_arrays(module):
    for function, parameters in declarations.signatures(module).items():
        arrays = indexed(module)[function] & {p.name for p in parameters}
        assert arrays <= {p.name for p in parameters if p.pointer}, function


@pytest.mark.parametrize("module", TWINS)
def test_the_first_argument_is_written(module):
    for function, parameters in declarations.signatures(module).items():
        assert parameters[0].pointer and not parameters[0].const, function


@pytest.mark.parametrize("module", TWINS)
def test_source_holds_its_headers(module):
    text = declarations.source(module)
    assert "#include" not in text and "typedef REAL real;" in text


@pytest.mark.parametrize("module", TWINS)
def test_a_kernel_walks_its_own_share_of_rows(module):
    """The first argument of the CPU form is `share`; one loop or view uses it, else every thread
    would do everything.
    """
    tree = ast.parse((cache.kernels() / f"{module}.py").read_text())
    for node in (
        n
        for n in tree.body
        if isinstance(n, ast.FunctionDef) and n.name in numba_signatures(module)
    ):
        assert node.args.args[0].arg == "share", node.name
        calls = [ast.unparse(n) for n in ast.walk(node) if isinstance(n, ast.Call)]
        assert sum(c.startswith(("portion(share, ", "view(share, ")) for c in calls) == 1, node.name


def test_every_kernel_has_a_parity_case():
    """A case names the kernel: twins("heat", "heat_apply", ...), or "heat.heat_apply"."""
    text = Path(__file__).with_name("test_parity.py").read_text()
    known = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    for module in TWINS:
        for function in declarations.signatures(module):
            assert known & {function, f"{module}.{function}"}, (
                f"{module}.{function} has no case in test_parity.py"
            )
