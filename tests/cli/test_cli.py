"""The command line: what a person or a script gets back, exit codes included."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_case import CASE

from warp.cli.app import app, command


@pytest.fixture
def case(tmp_path, monkeypatch) -> Path:
    """A small case in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.toml"
    path.write_text(CASE)
    return path


def test_help_imports_nothing_heavy():
    heavy = "{'numpy', 'numba', 'h5py', 'pydantic', 'pint', 'matplotlib', 'cupy'}"
    code = f"import sys, warp.cli.app; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_imports_only_what_it_uses(case):
    idle = (
        "{'pint', 'matplotlib', 'scipy', 'numba', 'http.client', 'xarray', 'distributed', "
        "'warp.geometry.copper', 'warp.solvers.elastic.large_deflection.solve'}"
    )
    code = (
        f"import atexit, sys, warp.cli.main as cli; atexit.register(lambda: "
        f"print(sorted({idle} & set(sys.modules)))); cli.main()"
    )
    words = [sys.executable, "-c", code, "run", str(case), "--device", "cpu"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_command_has_the_verb_that_is_named_or_all():
    def names(*words):
        return [one.callback.__name__ for one in command(words).registered_commands]

    assert names("run", "check") == ["run"]
    assert set(VERBS) == set(names()) == set(names("--help")) == set(names("rum"))


def test_version(warp):
    from importlib.metadata import version

    assert warp("--version") == (0, f"warpage {version('warpage')}\n", "")


def test_run_writes_one_file_and_prints_numbers(warp, case):
    code, out, err = warp("run", case, "--json", "--device", "cpu")
    assert (code, err) == (0, "")
    numbers = json.loads(out)
    # The board shrinks more than the chip: its edges go down, the package is a dome.
    assert numbers["surfaces"]["board"]["bottom"]["warpage_um"] > 0
    assert numbers["temperature"]["chip"]["max_C"] == pytest.approx(
        25 + 2 / (1000 * 36e-6), rel=0.01
    )
    for solver in ("heat", "elastic"):
        assert numbers["solver"][solver]["residual"] <= 1e-8
    assert numbers["voxels"] > 0 and numbers["unknowns"] > 0 and numbers["wall_s"] > 0
    assert numbers["device"].startswith("cpu") and numbers["peak_memory_MB"] > 0
    assert (case.parent / "small.h5").is_file()
    code, again, _ = warp("summary", "small.h5", "--json")
    assert code == 0 and json.loads(again) == numbers


def test_run_for_people_says_the_shape_in_words(warp, case):
    code, out, err = warp("run", case, "-o", "out.h5", "--set", "part.chip.thickness=0.4 mm")
    assert (code, err) == (0, "")  # no progress bars in a pipe
    assert "convex" in out and "chip" in out and "um" in out and "out.h5" in out


def test_resume_of_a_case_without_steps_says_that_there_is_nothing_to_resume(warp, case):
    code, _, err = warp("run", case, "--resume", "--device", "cpu")
    assert code == 0 and "nothing to resume: a case without [[step]] keeps no checkpoint" in err
    assert sorted(p.suffix for p in case.parent.iterdir()) == [".h5", ".toml", ".xdmf"]


def test_check_solves_nothing_and_draws(warp, case):
    code, out, _ = warp("check", case, "--json")
    assert code == 0
    report = json.loads(out)
    assert [b["name"] for b in report["stack"]] == ["board"]
    assert [b["name"] for b in report["stack"][0]["children"]] == ["chip"]
    assert report["symmetry"] == "quarter" and report["warnings"] == [] and report["voxels"] > 0
    assert Path(report["picture"]).read_bytes()[:4] == b"\x89PNG"
    assert not list(case.parent.glob("*.h5"))
    code, out, _ = warp("check", case)
    assert code == 0 and "voxels" in out and "chip" in out


def test_check_names_no_place_of_the_finest_cells_where_all_are_alike(warp, case):
    code, out, _ = warp("check", case)
    assert code == 0 and "all alike" not in out
    uniform = ("--set", "grid.uniform=true", "--set", "grid.spacing=0.5 mm")
    code, out, _ = warp("check", case, *uniform)
    assert code == 0 and out.count("all alike") == 2


def test_floating_part_is_a_warning_in_check_and_an_error_in_run(warp, case):
    lifted = ("--set", "part.chip.lift=40 um")
    code, out, _ = warp("check", case, *lifted, "--json")
    assert code == 0 and json.loads(out)["warnings"] == ["part 'chip' floats 40 um above 'board'"]
    code, _, err = warp("run", case, *lifted)
    assert code == 2 and "floats 40 um above 'board'" in err and not list(case.parent.glob("*.h5"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "nothing.toml"], "nothing.toml: cannot be read"),
        (["run", "small.toml", "--set", "part.chip.thickness"], "write KEY=VALUE"),
        (["run", "small.toml", "--set", "part.chip.thickness=0.5"], "mm"),
        (["run", "small.toml", "--set", "part.chip.thicknes=0.5 mm"], "thickness"),
        (["run", "small.toml", "--device", "gpu"], "device 'gpu'"),
        (["run", "small.toml", "-o", "no/such/folder/out.h5"], "there is no folder"),
        (["run", "small.toml", "--set", "grid.spacing=100 nm"], "voxels"),
        (["summary", "small.toml"], "small.toml"),
        (["materials", "silicium"], "silicon"),
        (["check", "small.toml", "--picture", "no/such/folder/a.png"], "there is no folder"),
        (["check", "small.toml", "--picture", "picture.doc"], "png"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(warp, case, words, says):
    code, out, err = warp(*words)
    assert code == 2 and out == "" and says in err
    assert len(err.strip().splitlines()) == 1, err
    assert sorted(p.name for p in case.parent.iterdir()) == ["small.toml"]


def test_a_grid_beyond_the_memory_is_refused_before_it_is_made(warp, case, monkeypatch):
    from warp.machine.device import Device
    from warp.run import model, resources
    from warp.voxels import voxelize

    monkeypatch.setattr(
        model,
        "predicted_bytes",
        lambda grid, case, **_: resources.BYTES_OF_THE_PROGRAM + 400 * grid.cells,
    )
    monkeypatch.setattr(
        Device, "memory", lambda self: (resources.BYTES_OF_THE_PROGRAM + 40_000, 1 << 40)
    )
    monkeypatch.setattr(voxelize, "voxelize", lambda *_: pytest.fail("voxels were made"))
    code, _, err = warp("run", case)
    assert code == 2 and "the limit is 100" in err and "GB are free on cpu" in err
    assert len(err.strip().splitlines()) == 1


def test_materials_cite_their_sources(warp):
    code, out, _ = warp("materials", "silicon", "--json")
    silicon = json.loads(out)
    assert code == 0 and silicon["properties"]["youngs_modulus"]["value"] == "130 GPa"
    assert all(law["source"] for law in silicon["properties"].values())
    code, out, _ = warp("materials", "silicon")
    assert code == 0 and "Hopcroft" in out
    code, out, _ = warp("materials", "--json")
    assert code == 0 and json.loads(out)["silicon"]["youngs_modulus_GPa"] == 130
    code, out, _ = warp("materials")
    assert code == 0 and "silicon" in out


def test_schema_is_json(warp):
    code, out, _ = warp("schema")
    assert code == 0 and "part" in json.loads(out)["properties"]


def test_api(case):
    import warp as program

    loaded = program.load(case, {"load.temperature": "100 degC"})
    result = program.solve(loaded, device="cpu")
    assert result.temperature.shape == result.grid.shape
    assert result.displacement.shape == (3, *(n + 1 for n in result.grid.shape))
    result.write("api.h5")
    assert program.read("api.h5").summary()["surfaces"] == result.summary()["surfaces"]
    assert program.solve(str(case), "cpu").summary()["surfaces"] != result.summary()["surfaces"]
    with pytest.raises(AttributeError):
        program.nothing  # noqa: B018


def test_the_readme_s_case_loads(tmp_path):
    import warp as program

    text = (Path(__file__).parents[2] / "README.md").read_text()
    path = tmp_path / "readme.toml"
    path.write_text(text.partition("```toml\n")[2].partition("```")[0])
    assert set(program.load(path).parts) == {"substrate", "chip"}


VERBS = sorted(command.name or command.callback.__name__ for command in app.registered_commands)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_shows_examples_that_are_its_own(warp, verb):
    code, out, _ = warp(verb, "--help")
    examples = out.partition("Examples:")[2].partition("╭")[0]
    lines = [line.strip() for line in examples.splitlines() if line.strip().startswith("warp ")]
    assert code == 0 and lines and any(line.startswith(f"warp {verb}") for line in lines)


def test_examples_fit_into_80_columns():
    """A longer line would be wrapped in the help, in the middle of a command."""
    docs = [command.callback.__doc__ or "" for command in app.registered_commands]
    lines = [line.strip() for text in docs for line in text.partition("Examples:")[2].splitlines()]
    assert [line for line in lines if len(line) > 76] == []


def test_ctrl_c_leaves_no_file(warp, case, monkeypatch):
    from warp.run import process

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "solve", stop)
    code, out, err = warp("run", case)
    assert (code, out, err.strip()) == (130, "", "stopped")
    assert [path.name for path in case.parent.iterdir()] == [case.name]


def test_the_readme_s_commands_are_ones_that_the_program_knows():
    import shlex

    import typer

    readme = (Path(__file__).parents[2] / "README.md").read_text().replace("\\\n", " ")
    verbs = typer.main.get_command(app).commands
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", readme, re.S)
        for line in block.splitlines()
    ]
    commands = [
        words[1:]
        for line in lines
        if (words := shlex.split(line, comments=True)) and words[0] == "warp"
    ]
    assert len(commands) > 12
    for verb, *words in commands:
        words = words[: words.index(">")] if ">" in words else words
        verbs[verb].make_context(verb, words)  # raises where an option is unknown or missing
        for case_file in (word for word in words if word.startswith("data/")):
            assert (Path(__file__).parents[2] / case_file).is_file(), case_file


def test_quiet_prints_nothing_and_a_log_says_what_happened(warp, case, tmp_path):
    words = ("run", case, "--device", "cpu", "-o", "q.h5", "--log", "runs.log")
    assert warp(*words, "--quiet") == (0, "", "")
    code, out, err = warp(*words, "--verbose")
    assert code == 0 and "elastic: " in err and "iterations, residual" in err and out
    assert (tmp_path / "runs.log").read_text().count("written to q.h5") == 2
    code, _, err = warp(*words[:-1], case)
    assert code == 2 and "cannot log to" in err and "[part" in case.read_text()
    assert warp(*words[:-1], "none/runs.log")[0] == 2


def test_an_error_is_json_where_json_is_asked_for(warp, case):
    code, out, err = warp("run", case, "--set", "grid.refin=2", "--json")
    error = json.loads(out)["error"]
    assert code == error["exit_code"] == 2 and err.startswith("error: ")
    assert error["kind"] == "CaseError" and error["message"] in err
    assert error["problems"][0]["key"] == "--set grid.refin"
    code, out, _ = warp("summary", "none.h5", "--json")
    assert code == 2 and json.loads(out)["error"]["kind"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(warp, shell):
    code, out, _ = warp("completion", shell)
    assert code == 0 and "_WARP_COMPLETE" in out
    assert warp("completion", "csh")[0] == 2


def test_a_word_is_completed(case):
    asked = {"_WARP_COMPLETE": "complete_bash", "COMP_WORDS": "warp su", "COMP_CWORD": "1"}
    code = "import sys; sys.argv = ['warp']; import warp.cli.main as cli; cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | asked
    )
    assert done.stdout.split() == ["summary"]
