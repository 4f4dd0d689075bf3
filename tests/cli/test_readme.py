"""README's commands run, in its order, on coarse grids in a folder of their own."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text()
COARSE = ("--set", "grid.refine=0.4")
SOLVING = ("run", "check", "sensitivity")
LONG = ("sweep", "verify", "bench")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def commands() -> list[list[str]]:
    """The words after `warp` of every command line."""
    lines = "".join(blocks("sh")).replace("\\\n", " ").splitlines()
    split = [shlex.split(line, comments=True) for line in lines]
    return [words[1:] for words in split if words and words[0] == "warp"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The checkout's data and a measured surface, a dome of 15 x 15 mm."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(TOP / "data", target_is_directory=True)
    x = np.linspace(-1, 1, 61)
    heights = 80 * (1 - (x[:, None] ** 2 + x**2) / 2)
    np.savetxt(tmp_path / "heights.csv", heights, delimiter=",", fmt="%.3f")
    return tmp_path


def test_the_commands_succeed(warp, folder):
    done = []
    for verb, *words in commands():
        if verb in LONG:
            continue
        words = words[: words.index(">")] if ">" in words else words
        code, out, err = warp(verb, *words, *(COARSE if verb in SOLVING else ()))
        assert code == 0, (verb, words, err)
        assert out or verb == "new"
        done.append(verb)
    assert {"new", "check", "run", "plot", "report", "compare", "summary", "export"} <= set(done)
    assert (folder / "thin.h5").exists() and (folder / "mine.html").exists()


def test_the_first_case_is_valid(warp, folder):
    (case,) = blocks("toml")
    (folder / "first.toml").write_text(case)
    code, out, err = warp("run", "first.toml", "-o", "first.h5", "--json", *COARSE)
    assert (code, err) == (0, "") and '"substrate"' in out


@pytest.mark.slow
def test_the_long_commands_succeed(warp, folder):
    found = [words for words in commands() if words[0] in LONG]
    assert {words[0] for words in found} == set(LONG)
    for verb, *words in found:
        code, _, err = warp(verb, *words, *(COARSE if verb == "sweep" else ()))
        assert code == 0, (verb, words, err)


@pytest.mark.slow
def test_the_python_example_runs(folder):
    (code,) = blocks("python")
    code = code.replace('"0.5 mm"}', '"0.5 mm", "grid.refine": "0.4"}')
    exec(compile(code, "README.md", "exec"), {})
    assert (folder / "out.h5").exists()
