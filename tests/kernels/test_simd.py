"""The elastic operator runs on packed numbers: the machine code that runs is compiled anew and
read.
"""

import re
from collections import Counter

import numpy as np
import pytest
from llvmlite import binding

from warp.kernels import compiler
from warp.machine import compiling

LEAST = {"media_apply": 150, "elastic_apply": 115}
"""Packed operations: those of the source, where each loop stands once; looking up adds its own."""
ARITHMETIC = re.compile(r"\bv?(?:add|sub|mul|div|fn?m(?:add|sub)\d*)(ps|pd|ss|sd)\b")


@pytest.mark.skipif(
    not binding.get_default_triple().startswith("x86_64"), reason="instructions of x86-64"
)
@pytest.mark.parametrize("function", LEAST)
@pytest.mark.parametrize(
    "real, packed, single, other",
    [(np.float32, "ps", "ss", "pd"), pytest.param(np.float64, "pd", "sd", "ps")],
)
def test_the_operator_is_vectorised(function, real, packed, single, other):
    """Arithmetic in the loops over x is packed, with one single copy for the last few; no other
    precision.
    """
    code = np.dtype(real).str[1:]
    wanted = next(
        one
        for one in compiling.listed(compiling.GROUPS)
        if one.function == function and one.types[0] == f"{code}[4]"
    )
    found = Counter(ARITHMETIC.findall(compiler.assembly(wanted)))
    assert found[packed] > LEAST[function]
    assert found[packed] >= 0.9 * found[single]
    assert found[other] == 0
