"""The elastic operator runs on packed numbers: its machine code is looked into, compiled anew as
the program does it.
"""

import re
from collections import Counter

import numba
import numpy as np
import pytest
from llvmlite import binding

from warp.kernels import elastic

ARITHMETIC = re.compile(r"\bv?(?:add|sub|mul|div|fn?m(?:add|sub)\d*)(ps|pd|ss|sd)\b")


@pytest.mark.skipif(
    not binding.get_default_triple().startswith("x86_64"), reason="instructions of x86-64"
)
@pytest.mark.parametrize(
    "real, packed, single, other",
    [
        (np.float32, "ps", "ss", "pd"),
        pytest.param(np.float64, "pd", "sd", "ps", marks=pytest.mark.slow),
    ],
)
def test_the_operator_is_vectorised(real, packed, single, other):
    """Arithmetic in the loops over x is packed; each has a single copy for the last few places, and
    no other precision.
    """
    fresh = numba.njit(parallel=True, error_model="numpy", nogil=True)(
        elastic.elastic_apply.py_func
    )
    field, line, flag, size = (
        numba.typeof(a) for a in (np.zeros((3, 2, 2, 5), real), np.zeros(5, real), 1, 1)
    )
    coefficient = numba.typeof(real(0))
    fresh.compile(
        (
            field,
            field,
            coefficient,
            coefficient,
            field,
            field,
            *[line] * 6,
            flag,
            flag,
            size,
            size,
            size,
        )
    )
    found = Counter(ARITHMETIC.findall(fresh.inspect_asm(fresh.signatures[0])))
    assert found[packed] > 150
    assert found[packed] >= 0.9 * found[single]
    assert found[other] == 0
