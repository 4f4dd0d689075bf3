"""Choosing a device, launching, recording, and the cache of compiled kernels."""

import os
import subprocess
import sys

import numpy as np
import pytest

from warp.errors import WarpError
from warp.kernels import reduce
from warp.machine import cache, compiling, declarations, device
from warp.machine import cpu as processor


def run_python(code: str, **env: str) -> str:
    """Run code in a fresh interpreter outside the checkout."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


COPY = """
import numpy as np
from warp.machine import device
d = device.select("cpu")
y = np.zeros(5, np.{real})
d.launch("reduce", "copy", (5, 1, 1), y, np.full(5, 2, np.{real}), 5, real=np.{real})
print(y.sum())
"""


def test_importing_the_module_imports_neither_numba_nor_cupy():
    """Nor anything else that takes long beside NumPy."""
    out = run_python(
        "import sys, time; t = time.process_time; a = t(); import numpy; b = t(); import warp;"
        "c = t(); import warp.machine.device; d = t();"
        "print((d - c) / (b - a), [m for m in ('numba', 'cupy', 'llvmlite') if m in sys.modules])"
    )
    share, rest = out.split(" ", 1)
    assert rest.strip() == "[]"
    assert float(share) < 2


def test_auto_without_a_gpu_is_the_cpu(monkeypatch):
    monkeypatch.setattr(device, "_cuda_problem", lambda index: "none")
    assert device.select("auto") == device.Device("cpu", device.cores())
    with pytest.raises(WarpError, match="device 'cuda:3': none; --device cpu works everywhere"):
        device.select("cuda:3")


def test_without_cupy_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr(device, "find_spec", lambda name: None)
    with pytest.raises(WarpError, match=r"pip install 'warpage\[cuda13\]'"):
        device.select("cuda")


def test_an_unknown_device_and_too_many_threads_are_errors():
    with pytest.raises(WarpError, match="none of auto, cpu, cuda"):
        device.select("gpu")
    with pytest.raises(WarpError, match="threads asked for, this machine offers 1 to"):
        device.select("cpu", threads=100_000)
    assert device.select("cpu", threads=1).threads == 1


@pytest.mark.parametrize(
    ("name", "always"), [("cpu", False), ("cpu/float64", True), ("cpu/float32", False)]
)
def test_float64_in_solves_of_any_size_must_be_asked_for(name, always):
    assert device.select(name).always_double is always


def test_the_record_of_a_machine_tells_the_precision_of_large_solves():
    described = {name: device.select(name).describe() for name in ("cpu", "cpu/float64")}
    assert "iterations in float32 above 4 million unknowns" in described["cpu"]
    assert "float32" not in described["cpu/float64"]


FROM_THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from warp.kernels import surface

sys.setswitchinterval(1e-6)


def on_lines(n):
    out = np.empty((7, 9))
    surface.to_lines(out, np.full((7, 8), float(n)), np.arange(9.0), False)
    between = np.empty((7, 17))
    surface.with_middles(between, out, np.arange(9.0), False)
    return (between == n).all()


with ThreadPoolExecutor(4) as threads:
    print(all(threads.map(on_lines, range(8))))
"""


def test_kernels_may_be_called_first_by_several_threads_at_once():
    """Surfaces are measured so (`results.metrics.solved`)."""
    assert run_python(FROM_THREADS) == "True\n"


def test_launch_gives_scalars_the_declared_type_and_refuses_wrong_arrays(cpu):
    y, one, cell = np.zeros(1, np.float32), np.ones(1, np.float32), np.zeros(1, np.int64)
    film = "heat", "film_apply", (1, 1, 1)
    cpu.launch(*film, y, one, cell, one, 1, 0.1, real=np.float32)
    assert y == np.float32(0.1)
    with pytest.raises(
        TypeError,
        match="heat.film_apply: out must be a contiguous float64 array, got float32 array",
    ):
        cpu.launch(*film, y, one, cell, one, 1, 0.1)
    with pytest.raises(TypeError, match="contiguous"):
        cpu.launch(*film, np.zeros(6)[::2], one, cell, one, 1, 0.1)
    with pytest.raises(TypeError, match="heat.film_apply takes 6 arguments, got 2"):
        cpu.launch(*film, y, 0.1)


def test_a_graph_records_without_running_and_repeats(cpu):
    y, x, s = np.zeros(4), np.ones(4, np.float32), np.array([1.0, 1.0])
    with cpu.graph() as graph:
        cpu.launch("reduce", "direction", (4, 1, 1), y, x, s, 0, 1, 4)
        cpu.launch("reduce", "direction", (4, 1, 1), y, x, s, 0, 1, 4)
    assert (y == 0).all()
    graph.launch()
    s[0] = 10.0  # scalars that change lie in an array
    graph.launch()
    assert (y == 22).all()


def add_up(d, s, partial):
    """Add up partial sums into s[0]."""
    steps, left = reduce.folds(partial.size)
    for count, rest in steps:
        d.launch("reduce", "fold", (rest, 1, 1), partial, count, rest)
    d.launch("reduce", "fold_last", (1, 1, 1), s, partial, 0, left)


def test_sums_do_not_depend_on_the_number_of_threads():
    n = 100_003
    groups, chunk = reduce.pieces(n)
    x = np.random.default_rng(1).standard_normal(n)
    found = set()
    for threads in {1, device.cores()}:
        cpu, partial, s = device.select("cpu", threads), np.empty(groups * 256), np.zeros(1)
        cpu.launch("reduce", "dot_lanes", (256 * groups, 1, 1), partial, x, x, n, chunk, groups)
        add_up(cpu, s, partial)
        found.add(s[0])
    assert len(found) == 1


@pytest.mark.parametrize("n", [1, 2048, 2049, 10**6, 10**9])
def test_pieces_cover_the_vector(n):
    groups, chunk = reduce.pieces(n)
    assert groups <= reduce.MAX_GROUPS and chunk % 256 == 0
    assert (groups - 1) * chunk < n <= groups * chunk


def test_blocks_cover_the_extent():
    for extent in ((1, 1, 1), (1000, 1, 1), (33, 7, 1), (65, 9, 5)):
        grid, block = device.blocks(extent)
        assert all(g * b >= n > (g - 1) * b for g, b, n in zip(grid, block, extent, strict=True))
        assert np.prod(block) <= 256
    for own, threads in ((240, 128), (1000, 64), (3000, 16), (30_000, 2)):
        grid, block = device.blocks((65, 9, 3), own)
        assert (
            np.prod(block) == threads
            and grid[0] * block[0] >= 65
            and grid[1] * block[1] >= 9
            and grid[2] == 3
        )
    with pytest.raises(WarpError, match="no room"):
        device.blocks((65, 9, 3), 100_000)


def test_on_cuda_threads_get_the_memory_of_their_own(monkeypatch):
    """One number each for 33 x 9 x 3 threads: blocks of 32 x 4 with as many, and no shared memory
    where none is asked for.
    """
    seen = []

    class Kernel:
        max_dynamic_shared_size_bytes = 0
        attributes = {}  # noqa: RUF012

        def __call__(self, grid, block, args, shared_mem):
            seen.append(
                (
                    grid,
                    block,
                    shared_mem,
                    self.max_dynamic_shared_size_bytes,
                    [type(a) for a in args],
                )
            )

    module = type("Module", (), {"get_function": lambda self, name: Kernel()})()
    monkeypatch.setattr(device, "_rawmodule", lambda name, real: module)
    monkeypatch.setattr(device, "_kernel", device._kernel.__wrapped__)
    y, one, cell = np.zeros(1, np.float32), np.ones(1, np.float32), np.zeros(1, np.int64)
    for own in 0, 1:
        args = y, one, cell, one, 1, 0.1
        device.Device("cuda:0").launch(
            "heat", "film_apply", (33, 9, 3), *args, real=np.float32, own=own
        )
    types = [*[np.ndarray] * 4, np.int32, np.float32]
    assert seen == [
        ((2, 3, 3), (32, 4, 1), 0, 0, types),
        ((2, 3, 3), (32, 4, 1), 512, device.SHARED, types),
    ]


def test_parts_of_levels_fill_a_gpu():
    assert [device.parts(n, 31) for n in (10, 2**15, 2**17, 10**7)] == [7, 4, 1, 1]
    assert device.parts(10, 2) == 1


def test_memory_and_description(cpu):
    free, total = cpu.memory()
    assert 0 < free <= total
    assert cpu.describe().startswith("cpu (")
    assert cpu.seconds(lambda: None, repeat=3) >= 0


def test_every_kernel_file_can_be_read():
    for module in cache.modules():
        assert all(
            p.type == "real" or p.type in declarations._TYPES
            for ps in declarations.signatures(module).values()
            for p in ps
        )


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_any_number_of_parts_gives_the_same_bits(threads):
    """Rows are shared among more threads than there are cores, and among more than there are
    rows.
    """
    rng = np.random.default_rng(3)
    ny, shape = 5, (40, 5, 300)
    gx, gy, gz, f, T = (rng.random(shape) for _ in range(5))
    found = []
    for count in (1, threads):
        out = np.full(shape, np.nan)
        device.Device("cpu", count).launch(
            "heat_level", "level_apply", (300, ny, 1), out, T, gx, gy, gz, f, 300, ny, 40, 0.0, 1.0
        )
        found.append(out)
    np.testing.assert_array_equal(*found)


def test_python_threads_do_what_openmp_does(monkeypatch):
    team = processor._Team()
    n = 50_000
    x = np.random.default_rng(2).standard_normal(n).astype(np.float32)
    monkeypatch.setattr(processor, "_team", lambda: team)
    y = np.zeros(n)
    device.Device("cpu", 3).launch(
        "reduce", "direction", (n, 1, 1), y, x, np.array([2.0, 0.0]), 0, 1, n
    )
    np.testing.assert_array_equal(y, 2 * x.astype(float))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_has_threads_of_its_own():
    """A copy of a process has none of its threads; waiting for them would never end."""
    code = COPY.format(real="float64").replace("5", "100_000") + (
        "import os\n"
        "child = os.fork()\n"
        "d.launch('reduce', 'copy', (100_000, 1, 1), y, y.copy(), 100_000)\n"
        "print(y.sum()); sys.stdout.flush(); child or os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    assert run_python("import sys\n" + code).split() == ["200000.0"] * 3


def test_numba_is_not_imported_to_run(cpu):
    """Once compiled, kernels are loaded without it."""
    cpu.launch("reduce", "copy", (5, 1, 1), np.zeros(5), np.ones(5), 5)
    found = "print([m for m in ('numba',) if m in sys.modules])"
    assert run_python(f"import sys\n{COPY.format(real='float64')}{found}") == "10.0\n[]\n"


def test_first_run_with_a_read_only_home(tmp_path):
    """Neither the install nor the home can be written: machine code goes to a temporary folder of
    this user.
    """
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    (home / ".cache").touch()  # a file where the folder should be: not even root can write there
    where = {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "TMPDIR": str(temporary),
        "NUMBA_CACHE_DIR": "",
    }
    assert run_python(COPY.format(real="float32"), **where) == "10.0\n"
    assert list(temporary.glob("warpage-*/reduce-*/*.o"))


def test_concurrent_first_runs_share_one_cache(tmp_path):
    """Three runs at once: one file per precision, no remains of the writing, and a later run
    compiles nothing.
    """
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", COPY.format(real=real)],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        )
        for real in ("float32", "float64", "float64")
    ]
    assert [run.communicate(timeout=120)[0] for run in runs] == ["10.0\n"] * 3
    assert sorted(path.suffix for path in tmp_path.glob("reduce-*/*")) == [".o", ".o"]


def test_one_process_waits_for_another_that_compiles(tmp_path, monkeypatch):
    """Where a kernel's lock is held, a worker says so, and the kernel is asked for again."""
    monkeypatch.setattr(cache, "root", lambda: tmp_path)
    cache.folder.cache_clear()
    wanted = cache.Specialisation("reduce", "copy", ("f8[1]", "f8[1]", "i8"))
    with cache.turn(wanted) as first, cache.turn(wanted) as second:
        assert first and not second
    cache.folder.cache_clear()


def test_compiling_is_announced_and_done_once(tmp_path):
    runs = []
    for _ in range(2):
        env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        command = [sys.executable, "-c", COPY.format(real="float32")]
        runs.append(
            subprocess.run(command, env=env, capture_output=True, text=True, check=True).stderr
        )
    assert runs[0].count("compiling kernels once for this machine") == 1
    assert runs[1] == ""


def test_a_kernel_that_cannot_be_compiled_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    cache.root.cache_clear()
    cache.folder.cache_clear()
    wrong = cache.Specialisation("reduce", "copy", ("f8", "f8", "i8"))
    with pytest.raises(RuntimeError, match="reduce.copy: "):
        compiling.compile_all([wrong], 1)
    cache.root.cache_clear()
    cache.folder.cache_clear()


def test_the_cache_folder_changes_with_the_source_of_an_inlined_function(tmp_path, monkeypatch):
    for name, text in {"__init__": "", "a": "from .b import f\n", "b": "f = 1\n", "c": ""}.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(cache, "kernels", lambda: tmp_path)
    before = cache.folder("a"), cache.folder("c")
    (tmp_path / "b.py").write_text("f = 2\n")
    cache.folder.cache_clear()
    assert cache.folder("a") != before[0]
    assert cache.folder("c") == before[1]


@pytest.mark.gpu
def test_gpu_runs_a_kernel_and_a_graph(gpu):
    y, x = gpu.zeros(1000), gpu.asarray(np.ones(1000, np.float32))
    s = gpu.asarray(np.array([3.0, 1.0]))
    gpu.launch("reduce", "direction", (1000, 1, 1), y, x, s, 0, 1, 1000)
    with gpu.graph() as graph:
        gpu.launch("reduce", "direction", (1000, 1, 1), y, x, s, 0, 1, 1000)
    graph.launch()
    graph.launch()
    gpu.synchronize()
    assert (gpu.to_host(y) == 9).all()


@pytest.mark.gpu
@pytest.mark.parametrize("n", [257, 300_007])
def test_gpu_sums_equal_the_cpus(gpu, cpu, n):
    groups, chunk = reduce.pieces(n)
    x = np.random.default_rng(1).standard_normal(n)
    sums = []
    for d in (gpu, cpu):
        partial, s, v = d.empty(groups * 256), d.zeros(1), d.asarray(x)
        d.launch("reduce", "dot_lanes", (256 * groups, 1, 1), partial, v, v, n, chunk, groups)
        add_up(d, s, partial)
        sums.append(d.to_host(s)[0])
    np.testing.assert_allclose(*sums, rtol=1e-13)  # fused multiply-adds differ in the last bits


@pytest.mark.parametrize("text", ["many", "0", "-1", "1e3", "\u0663", "2.0"])
def test_a_number_of_threads_that_is_none_is_one_sentence(text, monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", text)
    with pytest.raises(WarpError, match="NUMBA_NUM_THREADS="):
        device.select("cpu")
    monkeypatch.setenv("NUMBA_NUM_THREADS", " 1 ")
    assert device.cores() == 1


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files here")
def test_a_cache_folder_that_others_can_write_to_is_not_used(tmp_path):
    own = tmp_path / "own"
    assert cache._is_private(own) and own.stat().st_mode & 0o777 == 0o700
    for mode, taken in ((0o755, True), (0o775, False), (0o777, False), (0o1777, False)):
        own.chmod(mode)
        assert cache._is_private(own) == taken, oct(mode)
    own.chmod(0o700)
    (tmp_path / "link").symlink_to(own)
    assert not cache._is_private(tmp_path / "link")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files here")
def test_a_cache_folder_that_others_can_replace_is_not_used(tmp_path):
    above = tmp_path / "above"
    above.mkdir()
    for mode, taken in ((0o777, False), (0o1777, True), (0o755, True)):
        above.chmod(mode)
        assert cache._is_private(above / "own") == taken, oct(mode)
