"""The memory that a process may take is the least of all limits that hold for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from warp.machine import host_memory

GIB = 2**30


def group(folder, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


def test_groups_of_version_2_up_to_the_root(tmp_path):
    own = tmp_path / "cgroup"
    own.write_text("0::/job/step\n")
    root = tmp_path / "fs"
    group(root, memory__current=9)
    group(root / "job", memory__max=4 * GIB, memory__current=3 * GIB)
    (root / "job" / "memory.stat").write_text(f"anon {2 * GIB}\ninactive_file {GIB}\n")
    group(root / "job" / "step", memory__max="max", memory__current=GIB)
    assert list(host_memory._groups(root, own)) == [(2 * GIB, 4 * GIB)]


def test_groups_of_version_1(tmp_path):
    own = tmp_path / "cgroup"
    own.write_text("5:cpu,cpuacct:/other\n4:memory:/job\n0::/\n")
    files = {"memory__limit_in_bytes": GIB, "memory__usage_in_bytes": GIB // 4}
    group(tmp_path / "fs" / "memory" / "job", **files)
    assert list(host_memory._groups(tmp_path / "fs", own)) == [(3 * GIB // 4, GIB)]


def test_the_root_counts_where_the_own_group_is_not_mounted(tmp_path):
    own = tmp_path / "cgroup"
    own.write_text("0::/../../outside\n")
    group(tmp_path / "fs", memory__max=GIB, memory__current=0)
    assert list(host_memory._groups(tmp_path / "fs", own)) == [(GIB, GIB)]


@pytest.mark.parametrize(
    ("environment", "total"),
    [
        ({"SLURM_MEM_PER_NODE": "2048"}, [2 * GIB]),
        ({"SLURM_MEM_PER_CPU": "1024", "SLURM_CPUS_ON_NODE": "4"}, [4 * GIB]),
        ({"SLURM_MEM_PER_NODE": "0"}, []),
        ({"SLURM_MEM_PER_NODE": "all"}, []),
    ],
)
def test_a_batch_system_says_what_a_job_may_take(environment, total):
    found = list(host_memory._batch(environment))
    assert [most for _, most in found] == total
    assert all(0 < free < most for free, most in found)


def test_a_limit_of_the_address_space_counts():
    pytest.importorskip("resource")
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30));"
        "from warp.machine import host_memory; print(*host_memory.free_and_total())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    free, total = map(int, done.stdout.split())
    assert 0 < free < total <= 2**30
