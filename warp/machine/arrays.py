"""The type of arrays that may live on a GPU."""

from typing import Any, TypeAlias

Array: TypeAlias = Any
"""An array on a device: NumPy's on the CPU, CuPy's on a GPU.

CuPy is optional, so the type checker cannot name its class.
"""
