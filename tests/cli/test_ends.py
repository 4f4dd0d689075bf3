"""Every end of the command is one line on stderr and its own exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_case import CASE

from warp.cli import failures, interrupt, solve, streams
from warp.errors import ConvergenceError, WarpError

COMMAND = (sys.executable, "-m", "warp.cli.main")


def ended(*words: str, **options) -> tuple[int, str]:
    """Run the command with other streams: exit code and stderr."""
    done = subprocess.run(
        [*COMMAND, *words], stderr=subprocess.PIPE, text=True, check=False, **options
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device here")
@pytest.mark.parametrize("words", [("schema",), ("--help",), ("materials",)])
def test_a_full_stdout_is_one_line(words):
    with open("/dev/full", "w") as full:
        code, output = ended(*words, stdout=full)
    assert (code, output) == (3, "error: cannot write to stdout: No space left on device\n")


def test_a_pipe_that_nobody_reads_is_one_line():
    reader, writer = os.pipe()
    os.close(reader)
    code, output = ended("schema", stdout=writer)
    os.close(writer)
    assert (code, output) == (3, "error: cannot write to stdout: Broken pipe\n")


def test_a_closed_stdout_is_one_line():
    code, output = ended("schema", preexec_fn=lambda: os.close(1))
    assert (code, output.count("\n")) == (3, 1) and output.startswith("error: stdout is closed")


def test_an_ascii_stdout_gets_codes_for_other_letters(tmp_path):
    options = {"env": os.environ | {"PYTHONIOENCODING": "ascii"}, "cwd": tmp_path}
    code, output = ended("materials", stdout=subprocess.PIPE, **options)
    assert code == 0 and not output
    code, output = ended("check", str(tmp_path / "none-µ.toml"), stdout=subprocess.PIPE, **options)
    assert code == 2 and "none-\\xb5.toml" in output and "Traceback" not in output


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (WarpError("a\x1b[2Jb"), 2, "error: a\\x1b[2Jb"),
        (ConvergenceError("no"), 1, "error: no"),
        (MemoryError(), 2, "error: this process may not take as much memory"),
        (OSError(12, "Cannot allocate memory"), 2, "error: this process may not take"),
        (ImportError("x.so: failed to map segment from shared object"), 2, "error: this process"),
        (RuntimeError("can't start new thread"), 2, "error: this process"),
        (KeyboardInterrupt(), 130, "stopped"),
        (failures.Stopped("go on"), 130, "stopped: go on"),
        (streams.OutputLost("lost"), 3, "error: lost"),
    ],
)
def test_an_expected_failure_is_a_line_and_a_code(error, code, line, capsys):
    assert failures.code_of(error) == code
    output = capsys.readouterr().err
    assert output.startswith(line) and output.count("\n") == 1


def test_memory_refused_is_seen_behind_another_error():
    cause = OSError("lib.so: failed to map segment from shared object")
    try:
        raise OSError("could not load it") from cause
    except OSError as error:
        assert failures.lacks_memory(error)
    assert not failures.lacks_memory(OSError("could not load it"))


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
@pytest.mark.parametrize("megabytes", [120, 250, 375, 400])
def test_a_process_that_may_take_no_memory_ends_in_one_line(megabytes, tmp_path):
    import resource

    case = tmp_path / "small.toml"
    case.write_text(CASE)
    limit = megabytes * 2**20
    code, output = ended(
        *("run", str(case), "-o", str(tmp_path / "r.h5"), "--device", "cpu"),
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert code == 2 and output.startswith("error: ") and output.count("\n") == 1


def test_a_fault_of_the_program_is_raised():
    with pytest.raises(ZeroDivisionError):
        failures.code_of(ZeroDivisionError())


@pytest.mark.parametrize("fraction", [0.15, 0.3, 0.45, 0.6, 0.75, 0.9])
def test_ctrl_c_while_the_command_starts_or_ends_is_one_line(fraction):
    begin = time.monotonic()
    ended("schema", stdout=subprocess.DEVNULL)
    whole = time.monotonic() - begin
    process = subprocess.Popen(
        [*COMMAND, "schema"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(fraction * whole)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[1]
    if process.returncode >= 0:  # else the interpreter itself had not begun to listen
        assert (process.returncode, output) in ((130, "stopped\n"), (0, ""))


def test_sigterm_ends_a_verb_as_ctrl_c_does(tmp_path):
    code = (
        "import os, signal\n"
        "from warp.cli import failures, interrupt\n"
        "interrupt.raise_it()\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "except KeyboardInterrupt as error:\n"
        "    raise SystemExit(failures.code_of(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "stopped\n")


def test_ctrl_c_names_the_checkpoint_that_resume_continues_from(tmp_path):
    with pytest.raises(failures.Stopped, match=r"--resume continues from .*lid\.checkpoint\.h5"):
        (tmp_path / "lid.checkpoint.h5").touch()
        solve._say_how_to_go_on(tmp_path / "lid.h5")
    assert solve._say_how_to_go_on(tmp_path / "other.h5") is None


@pytest.mark.parametrize("module", ["warp", "warp.__main__"])
def test_hardly_anything_is_imported_before_ctrl_c_is_heard(module):
    """`warp.__main__` is what the installed script imports first."""
    code = (
        f"import os, sys; old = set(sys.modules); import {module}; print(*set(sys.modules) - old)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(interrupt.__file__).parents[2])},
    )
    assert set(done.stdout.split()) <= {"warp", "warp.__main__", "__future__", "_signal"}


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_is_not_lost_where_no_exception_can_be_raised():
    """In a destructor Python would print the exception and go on."""
    code = (
        "import os, signal, time\n"
        "from warp.cli import interrupt\n"
        "class Dying:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        time.sleep(0.01)\n"
        "interrupt.raise_it()\n"
        "try:\n"
        "    Dying()\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    print('heard')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("heard\n", "")


def test_what_a_library_makes_of_ctrl_c_is_still_ctrl_c(monkeypatch, capsys):
    monkeypatch.setattr(interrupt.Heard, "interrupt", True)
    monkeypatch.setattr(interrupt.Heard, "said", False)
    assert failures.code_of(ImportError("numpy failed to import")) == 130
    assert capsys.readouterr().err == "stopped\n"
