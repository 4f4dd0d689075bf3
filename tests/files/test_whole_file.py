"""A file is replaced whole or stays, and an output is never an input, a device or a folder."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from finished import finished
from small_case import CASE

from warp.case.case import load
from warp.cli import case as case_verbs
from warp.cli import result as result_verbs
from warp.errors import WarpError
from warp.files.whole_file import FileError, check_writable, replacing, sweep
from warp.report import figures
from warp.results import file as results
from warp.results import vtkhdf
from warp.run import checkpoint, to_file


@pytest.fixture
def case(tmp_path):
    path = tmp_path / "case.toml"
    path.write_text(CASE)
    return path


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(FileError, match="No space left"), replacing(path) as temporary:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a"]


def test_a_symbolic_link_stays_and_leads_to_the_new_file(tmp_path):
    (tmp_path / "there").mkdir()
    link, target = tmp_path / "link", tmp_path / "there" / "file"
    target.write_text("old")
    link.symlink_to(target)
    with replacing(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink() and target.read_text() == "new"


def test_a_name_of_255_bytes_can_be_written(tmp_path):
    path = tmp_path / ("x" * 252 + ".h5")
    check_writable(path)
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    for side in (checkpoint.beside(path), vtkhdf.side_file(path)):
        side.touch()


@pytest.mark.parametrize("beside", [checkpoint.beside, vtkhdf.side_file])
def test_no_two_outputs_share_a_side_file(beside):
    long = ["x" * 240 + end for end in ("1.h5", "2.h5")]
    names = ["a", "a.h5", "a.v1", "a.v2", "a.v1.h5", "a.hdf5", *long]
    assert len({beside(Path(name)) for name in names}) == len(names)


@pytest.mark.parametrize("name", ["a.xdmf", "a.checkpoint.h5"])
def test_a_result_does_not_take_the_name_of_a_side_file(tmp_path, name):
    with pytest.raises(WarpError, match="side files"):
        finished().write(tmp_path / name)


def special(kind, folder):
    path = folder / "special"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    elif kind == "link to a device":
        path.symlink_to("/dev/null")
    elif kind == "loop":
        path.symlink_to(path)
    return Path("/dev/null") if kind == "device" else path


@pytest.mark.skipif(os.name != "posix", reason="no such files")
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "link to a device", "loop"])
def test_what_is_no_regular_file_is_no_output(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    with pytest.raises(FileError, match="cannot write"):
        check_writable(special(kind, Path()))


@pytest.mark.skipif(os.name != "posix", reason="links and modes of POSIX")
def test_a_folder_that_cannot_be_listed_costs_nothing(tmp_path, monkeypatch):
    opened = os.open

    def refuse(path, *more):
        if Path(path) == tmp_path:
            raise PermissionError(13, "Permission denied")
        return opened(path, *more)

    def unlisted(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "scandir", unlisted)
    with replacing(tmp_path / "a") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a").read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="processes are not asked for elsewhere")
def test_temporary_files_of_killed_commands_are_swept_and_others_stay(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from warp.files.whole_file import replacing\n"
        "with replacing(Path(sys.argv[1])) as temporary:\n"
        "    temporary.touch(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "killed"], check=False)
    left = os.listdir(tmp_path)
    assert len(left) == 1
    with replacing(tmp_path / "b") as mine:
        mine.touch()
        (tmp_path / left[0].replace("-", "-0", 1)).touch()  # not one of ours by its name
        sweep(tmp_path)
        assert mine.exists()
    assert left[0] not in os.listdir(tmp_path) and len(os.listdir(tmp_path)) == 2


def links_to(path):
    """Other names of a file: itself, a symbolic link, a hard link."""
    soft, hard = path.with_name("soft" + path.suffix), path.with_name("hard" + path.suffix)
    soft.symlink_to(path)
    os.link(path, hard)
    return path, soft, hard


def test_a_run_does_not_write_over_what_its_case_reads(case, tmp_path):
    power = tmp_path / "power.csv"
    power.write_text("1")
    loaded, tables = to_file.inputs, {"note": {"map": "power.csv"}}
    fake = type("Case", (), {"path": case, "tables": tables, "included": {}, "overrides": {}})
    assert set(loaded(fake)) == {case, power}
    case.write_text(CASE)
    for output in links_to(case):
        with pytest.raises(WarpError, match="this command reads that file"):
            to_file.solve_to_file(load(case), output, "cpu", None, None, None)
    assert case.read_text() == CASE


def test_no_verb_writes_over_its_input(tmp_path, case):
    path = finished().write(tmp_path / "r.h5")
    whole = path.read_bytes()
    vtr, csv = tmp_path / "q.vtr", tmp_path / "q-numbers.csv"
    for name in (vtr, csv):
        name.write_bytes(whole)
    picture = tmp_path / "case.png"
    picture.write_text(CASE)
    deck = tmp_path / "deck.inp"
    deck.write_text(CASE)
    commands = (
        lambda: result_verbs.report(path, path),
        lambda: result_verbs.report(path, tmp_path / "v.json", verified=tmp_path / "v.json"),
        lambda: result_verbs.compare([path, path], picture=path),
        lambda: result_verbs.export(vtr, tmp_path / "q", vtr=True),
        lambda: result_verbs.export(csv, tmp_path / "q", csv=True),
        lambda: result_verbs.export(deck, tmp_path, calculix=True),
        lambda: case_verbs.check(picture, picture=picture),
    )
    for command in commands:
        with pytest.raises(WarpError, match="this command reads that file"):
            command()
    assert path.read_bytes() == vtr.read_bytes() == csv.read_bytes() == whole
    assert picture.read_text() == deck.read_text() == CASE


def test_a_full_disk_leaves_the_old_picture_and_is_an_error(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    def full(self, path, **more):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    old = tmp_path / "r-section.png"
    old.write_text("old")
    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(FileError, match="No space left"):
        figures.draw(results.read(finished().write(tmp_path / "r.h5")), tmp_path, "r")
    assert old.read_text() == "old"
