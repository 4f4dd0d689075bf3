"""Deliberate bugs in the kernels: does a fast test notice each?

    python tests/kernels/mutations.py [NAME ...]

Applies one bug at a time (a sign, an index, a mean) to a copy of the tree, in the Numba kernel and
in its .cu twin alike, so that comparing the twins cannot tell, and runs fast tests on it until one
fails; without a bug all of them must pass. The last bug is in the .cu alone. Exit code 1 if one
escapes. Bugs, and the tests that catch them:

    shear-sign           test_elastic.py::test_operator_is_the_assembled_one[1-mirror0]
    neighbour-stiffness  test_elastic.py::test_operator_is_the_assembled_one[1-mirror0]
    edge-weights         test_elastic.py::test_operator_is_the_assembled_one[1-mirror0]
    diagonal             test_laws.py::test_the_diagonal_is_the_operators
    line-sign            test_laws.py::test_elastic_cycle_is_symmetric_and_positive[whole]
    load-area            test_elastic.py::test_load_is_the_assembled_one[mirror0]
    stress-poisson       test_convergence.py::test_no_section_carries_a_force
    face-resistance      test_heat.py::test_operator_is_the_assembled_matrix[float32]
    restrict-rows        test_heat.py::test_operator_and_cycle_are_symmetric_and_positive
    restrict-weight      test_laws.py::test_elastic_cycle_is_symmetric_and_positive[whole]
    column-face          test_laws.py::test_elastic_cycle_is_symmetric_and_positive[whole]
    sum-start            test_parity.py::test_dot[oncpu-float32-5001]
    disc-corner          test_voxelize.py::test_volume_is_conserved[round]
    twin-only            test_parity.py::test_heat_apply[oncpu-float32]
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutation:
    """`edits`: (file, text, replacement) each found exactly once; `tests`: what is run, in this
    order.
    """

    name: str
    bug: str
    edits: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...]


ELASTIC = ("tests/solvers/test_elastic.py", "tests/solvers/test_laws.py")
HEAT = tuple(
    f"tests/solvers/test_heat.py::test_{law}"
    for law in (
        "operator_is_the_assembled_matrix",
        "operator_and_cycle_are_symmetric_and_positive",
        "layers_are_exact",
    )
)

MUTATIONS = (
    Mutation(
        "shear-sign",
        "sign: the shear stress of the edge above enters the force on u turned round",
        (
            (
                "kernels/elastic_rows.py",
                "(txz[i + 1] * cz - txzk[i + 1] * czk)",
                "(txz[i + 1] * cz + txzk[i + 1] * czk)",
            ),
            ("kernels/elastic.cu", "t.xz * cz - tp.xz * czp", "t.xz * cz + tp.xz * czp"),
            ("kernels/elastic.cu", "lx * (q.xz - qp.xz)", "lx * (q.xz + qp.xz)"),
        ),
        ELASTIC,
    ),
    Mutation(
        "neighbour-stiffness",
        "index: the force on v takes c_yz, or all of the stress, of its own row for the row before",
        (
            (
                "kernels/elastic_rows.py",
                "(before[i + 1] * rym - sy[i + 1] * ry)",
                "(sy[i + 1] * rym - sy[i + 1] * ry)",
            ),
            ("kernels/elastic.cu", "n.cyz_y * (xp.wym - x.wym)", "n.cyz * (xp.wym - x.wym)"),
            (
                "kernels/elastic.cu",
                "front.cyz * ((wymk - wym) * rz)",
                "n.cyz * ((wymk - wym) * rz)",
            ),
        ),
        ELASTIC,
    ),
    Mutation(
        "edge-weights",
        "mean: two of the four cross sections round an edge along y are exchanged",
        (
            (
                "kernels/elastic_rows.py",
                "(a00 * below[i] + a01 * below[i + 1] + a10 * above[i] + a11",
                "(a00 * below[i] + a10 * below[i + 1] + a01 * above[i] + a11",
            ),
            (
                "kernels/elastic.py",
                "a01 * soft[1, ids[k, j + 1, i]]",
                "a10 * soft[1, ids[k, j + 1, i]]",
            ),
            (
                "kernels/elastic.py",
                "a10 * soft[1, ids[k + 1, j + 1, i - 1]]",
                "a01 * soft[1, ids[k + 1, j + 1, i - 1]]",
            ),
            (
                "kernels/elastic.cuh",
                "a01 * SOFT(1, MEDIUM(k, j + 1, i))",
                "a10 * SOFT(1, MEDIUM(k, j + 1, i))",
            ),
            (
                "kernels/elastic.cuh",
                "a10 * SOFT(1, MEDIUM(k + 1, j + 1, i - 1))",
                "a01 * SOFT(1, MEDIUM(k + 1, j + 1, i - 1))",
            ),
        ),
        ELASTIC,
    ),
    Mutation(
        "diagonal",
        "index: the diagonal of u takes the stiffness of the cell behind for the one before",
        (
            (
                "kernels/elastic.py",
                "                    cell[0, ids[k + 1, j + 1, i - 1]]\n",
                "                    cell[0, m]\n",
            ),
            (
                "kernels/elastic.cu",
                "CELL(0, MEDIUM(k + 1, j + 1, i - 1)) * dx[i - 1]",
                "CELL(0, m) * dx[i - 1]",
            ),
        ),
        ("tests/solvers/test_laws.py", "tests/solvers/test_elastic.py"),
    ),
    Mutation(
        "line-sign",
        "sign: the forward substitution of the line smoother",
        (
            (
                "kernels/elastic.py",
                "yk[i] = rk[i] - l[i] * ym[i]",
                "yk[i] = rk[i] + l[i] * ym[i]",
            ),
            ("kernels/elastic.cu", "t = rd[o] - l * t;", "t = rd[o] + l * t;"),
        ),
        ("tests/solvers/test_laws.py",),
    ),
    Mutation(
        "load-area",
        "index: a thermal force on u acts on a horizontal face's area",
        (
            (
                "kernels/elastic_load.py",
                "        return dy[j + 1] * hz[k + 1]\n",
                "        return dy[j + 1] * dx[i + 1]\n",
            ),
            (
                "kernels/elastic.cuh",
                "if (a == 0) return dy[j + 1] * hz[k + 1];",
                "if (a == 0) return dy[j + 1] * dx[i + 1];",
            ),
        ),
        ELASTIC,
    ),
    Mutation(
        "stress-poisson",
        "index: c_xy and c_yz exchanged in sigma_yy (the same number in an isotropic material)",
        (
            (
                "kernels/history.py",
                "cell[5, m] * x + cell[1, m] * y + cell[3, m] * z",
                "cell[3, m] * x + cell[1, m] * y + cell[5, m] * z",
            ),
        ),
        (
            "tests/solvers/test_elastic.py",
            "tests/solvers/test_convergence.py::test_no_section_carries_a_force",
        ),
    ),
    Mutation(
        "face-resistance",
        "mean: the far half of a face's resistance takes the near cell's width",
        (
            (
                "kernels/heat.py",
                "return dx[low] * table[ids[k, j, low], 1] + dx[high] * table",
                "return dx[low] * table[ids[k, j, low], 1] + dx[low] * table",
            ),
            (
                "kernels/heat.cu",
                "(dx[low] * TABLE(ids[AT(k, j, low)], 1) + dx[high] * TABLE",
                "(dx[low] * TABLE(ids[AT(k, j, low)], 1) + dx[low] * TABLE",
            ),
        ),
        HEAT,
    ),
    Mutation(
        "restrict-rows",
        "index: heat's restriction gives a fine row's share to the other coarse row",
        (
            (
                "kernels/heat_level.py",
                "(b if j0 < jc else one - b) * r",
                "(one - b if j0 < jc else b) * r",
            ),
            ("kernels/heat_level.cu", "(j0 < J ? b : 1 - b) * r", "(j0 < J ? 1 - b : b) * r"),
        ),
        HEAT,
    ),
    Mutation(
        "restrict-weight",
        "mean: elasticity's restriction forgets the weight in y",
        (
            ("kernels/multigrid.py", "total[i] = wy * row[i]", "total[i] = row[i]"),
            ("kernels/multigrid.py", "total[i] += wy * row[i]", "total[i] += row[i]"),
            ("kernels/multigrid.cu", "o += wy * weightx[", "o += weightx["),
        ),
        ("tests/solvers/test_laws.py",),
    ),
    Mutation(
        "column-face",
        "index: a column's solution for its right face lands on its left one",
        (
            ("kernels/columns.py", "u[i + 1] += b * right[i]", "u[i] += b * right[i]"),
            (
                "kernels/columns.cu",
                "if (i >= 2 && i <= nx + 1) u += b * Y[COLUMN(2, k, j, i - 1)]",
                "if (i >= 1 && i <= nx) u += b * Y[COLUMN(2, k, j, i)]",
            ),
        ),
        ("tests/solvers/test_laws.py",),
    ),
    Mutation(
        "sum-start",
        "index: a fold starts at the third number",
        (
            ("kernels/reduce.py", "range(rest, count, rest)", "range(2 * rest, count, rest)"),
            (
                "kernels/reduce.cu",
                "for (long long e = i + rest; e < count; e += rest)",
                "for (long long e = i + 2 * rest; e < count; e += rest)",
            ),
        ),
        ("tests/kernels/test_parity.py::test_dot",),
    ),
    Mutation(
        "disc-corner",
        "sign: one corner of the area of a disc in a cell (host only)",
        (
            (
                "kernels/host/voxelize.py",
                "- _corner(r, b) + _corner(a, b)",
                "- _corner(r, b) - _corner(a, b)",
            ),
        ),
        ("tests/voxels/test_voxelize.py",),
    ),
    Mutation(
        "twin-only",
        "sign, in the .cu alone: the flux that enters a cell from below",
        (("kernels/heat.cu", "sign * (q - fz + up)", "sign * (q + fz + up)"),),
        ("tests/kernels/test_parity.py",),
    ),
)


def copy(to: Path) -> None:
    """The tree as an importable checkout: `warp.kernels` and `warp.data` are folders of its own,
    not the installed ones.
    """
    for name in ("warp", "kernels", "data", "tests"):
        shutil.copytree(
            ROOT / name,
            to / name,
            ignore=shutil.ignore_patterns("__pycache__", "*.h5", "packages.md"),
        )
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, to / name)
    for name in ("kernels", "data"):
        (to / "warp" / name).symlink_to(to / name, target_is_directory=True)


def apply(tree: Path, edits: tuple[tuple[str, str, str], ...]) -> None:
    """Make the edits; each text must be there once."""
    for file, text, replacement in edits:
        source = (tree / file).read_text(encoding="utf-8")
        if source.count(text) != 1:
            raise SystemExit(f"{file} holds {source.count(text)} times: {text}")
        (tree / file).write_text(source.replace(text, replacement), encoding="utf-8")


def caught(tree: Path, tests: tuple[str, ...], cache: Path) -> str | None:
    """The first fast test that fails, or None."""
    known = {"PYTHONPATH": str(tree), "NUMBA_CACHE_DIR": str(cache)}
    for test in tests:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-x",
                "-q",
                "-p",
                "no:cacheprovider",
                "-m",
                "not slow and not gpu",
                test,
            ],
            cwd=tree,
            env=os.environ | known,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1):
            raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
        failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
        if failed:
            return failed[1].removeprefix("tests/")
    return None


def main(names: list[str]) -> int:
    """Try the named mutations, or all; the number that no test caught."""
    chosen = [m for m in MUTATIONS if not names or m.name in names]
    escaped = 0
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder, "sound")
        copy(sound)
        wrong = caught(
            sound,
            tuple(dict.fromkeys(test for m in chosen for test in m.tests)),
            Path(folder, "cache"),
        )
        if wrong:
            raise SystemExit(f"{wrong} fails without any mutation")
        for mutation in chosen:
            tree = Path(folder, mutation.name)
            shutil.copytree(sound, tree, symlinks=True)
            for name in ("kernels", "data"):
                (tree / "warp" / name).unlink()
                (tree / "warp" / name).symlink_to(tree / name, target_is_directory=True)
            apply(tree, mutation.edits)
            by = caught(tree, mutation.tests, Path(folder, "cache"))
            escaped += by is None
            print(f"{mutation.name:20s} {mutation.bug}\n{'':20s} -> {by or 'ESCAPED'}", flush=True)
            shutil.rmtree(tree)
    print(f"{len(chosen) - escaped} of {len(chosen)} caught")
    return escaped


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))
