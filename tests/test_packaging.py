"""The distribution: what it ships, what it declares, and who else is called `warp`."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from warp.errors import WarpError
from warp.name_clash import refuse_nvidia_warp

TOP = Path(__file__).parents[1]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())


def imports(path: Path) -> set[str]:
    """Top-level names of every import in a file, those for type checkers left out."""
    found = set()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def names(requirements: list[str]) -> set[str]:
    return {
        match[0].lower() for match in (re.match(r"[\w-]+", text) for text in requirements) if match
    }


def test_imports_and_declared_dependencies_agree():
    used = set().union(
        *(imports(path) for folder in ("warp", "kernels") for path in (TOP / folder).rglob("*.py"))
    )
    used -= {"warp", *sys.stdlib_module_names}
    second_names = {
        "pydantic_core": "pydantic",
        "llvmlite": "numba",
        "cupyx": "cupy",
        "OCP": "cadquery-ocp",
        "pptx": "python-pptx",
    }
    used = {second_names.get(name, name.replace("_", "-")) for name in used}
    extras = PROJECT["project"]["optional-dependencies"]
    assert names(extras["cuda12"]) == {"cupy-cuda12x"}
    optional = {"cupy"}.union(*(names(extras[name]) for name in extras.keys() - {"test", "dev"}))
    assert used - optional == names(PROJECT["project"]["dependencies"])


def test_every_folder_of_modules_is_installed():
    """setuptools cannot find them by itself: kernels/ and data/ lie outside warp/."""
    tool = PROJECT["tool"]["setuptools"]
    outside = {name: folder for name, folder in tool["package-dir"].items() if name != "warp"}
    found = {".".join(p.parent.relative_to(TOP).parts) for p in (TOP / "warp").rglob("__init__.py")}
    assert set(tool["packages"]) == found | set(outside)
    for name, folder in outside.items():
        inner = {p.parent for p in (TOP / folder).rglob("__init__.py")} - {TOP / folder}
        assert inner <= {TOP / other for other in outside.values()}, name


# For readers of the repository.
NOT_SHIPPED = (
    "data/pictures",
    "data/packages/README.md",
    "data/benchmarks",
    "data/verify.md",
    "data/docs",
    "data/examples",
)


def test_every_data_file_is_packaged():
    data = PROJECT["tool"]["setuptools"]["package-data"]
    for package, folder in PROJECT["tool"]["setuptools"]["package-dir"].items():
        assert (TOP / folder / "__init__.py").is_file()
        for path in (TOP / folder).rglob("*"):
            if path.is_dir() or path.suffix in (".py", ".pyc") or "__pycache__" in path.parts:
                continue
            if str(path.relative_to(TOP)).startswith(NOT_SHIPPED):
                continue
            name = path.relative_to(TOP / folder).as_posix()
            assert any(fnmatch(name, pattern) for pattern in data[package]), (
                f"{folder}/{name} is not in the wheel"
            )


def test_data_and_kernels_are_found_at_run_time():
    import warp.data
    import warp.kernels

    for module, name in ((warp.data, "materials.toml"), (warp.kernels, "heat.cu")):
        assert Path(module.__file__).with_name(name).is_file()


def test_readme_names_its_two_commands():
    readme = (TOP / "README.md").read_text()
    for mark in ("main-job", "tests"):
        block = readme.partition(f"<!-- {mark} -->\n```sh\n")[2].partition("```")[0].strip()
        assert block.startswith("python3 -m venv .venv && ") and "\n" not in block


def test_nvidia_warp_in_the_same_environment_stops_with_one_sentence(tmp_path, monkeypatch):
    refuse_nvidia_warp()
    other = tmp_path / "warp_lang-1.9.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: warp-lang\nVersion: 1.9.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WarpError, match="virtual environment of its own") as error:
        refuse_nvidia_warp()
    assert "\n" not in str(error.value)

    import warp

    with pytest.raises(WarpError):
        warp.load("any.toml")
    with pytest.raises(WarpError):
        warp.init  # noqa: B018  # the first call of a program written for the other
