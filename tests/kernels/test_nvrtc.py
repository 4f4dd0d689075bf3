"""NVIDIA's own compiler accepts every kernel, for three generations of GPUs and both precisions.
Needs no GPU.
"""

import ctypes
import importlib.util
from pathlib import Path

import pytest

from warp.machine import cache, declarations

FILES = sorted(p.stem for p in cache.kernels().glob("*.cu"))


def library() -> ctypes.CDLL | None:
    """Load the compiler from the wheel nvidia-cuda-nvrtc (of the `test` extra)."""
    spec = importlib.util.find_spec("nvidia")
    for base in spec.submodule_search_locations if spec else ():
        for path in sorted(Path(base).glob("*/lib/libnvrtc.so.1*")):
            return ctypes.CDLL(str(path))
    return None


@pytest.fixture(scope="module")
def nvrtc() -> ctypes.CDLL:
    found = library()
    if found is None:
        pytest.skip("NVRTC is not installed: pip install nvidia-cuda-nvrtc")
    return found


def compiled(nvrtc: ctypes.CDLL, text: str, name: str, *options: str) -> bytes:
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    assert (
        nvrtc.nvrtcCreateProgram(ctypes.byref(program), text.encode(), name.encode(), 0, None, None)
        == 0
    )
    flags = (ctypes.c_char_p * len(options))(*[o.encode() for o in options])
    failed = nvrtc.nvrtcCompileProgram(program, len(options), flags)
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    assert not failed, log.value.decode()
    assert "warning" not in log.value.decode(), log.value.decode()
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    code = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetCUBIN(program, code)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return code.raw


@pytest.mark.parametrize("precision", ["float", "double"])
@pytest.mark.parametrize(
    "arch", ["sm_80", "sm_90", "sm_120"]
)  # A100, H100, GeForce and RTX Blackwell
@pytest.mark.parametrize("module", FILES)
def test_compiles(nvrtc, module, arch, precision):
    code = compiled(
        nvrtc,
        declarations.source(module),
        f"{module}.cu",
        "--std=c++17",
        f"-DREAL={precision}",
        f"-arch={arch}",
    )
    for function in declarations.signatures(module):
        assert function.encode() in code
