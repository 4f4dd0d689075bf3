"""Press Ctrl-C at random moments from 0 ms on: one line, exit code 130, and how to go on.

    python tests/reliability/interrupts.py 100 --seed 1

Each command is a new process, started by the same lines as the installed script, and SIGINT goes to
its whole process group, as a terminal sends it. It must end within seconds, by one line on stderr
that begins with "stopped" and exit code 130, or have ended well before; it leaves no half file and
no temporary file. A run whose checkpoint is there says that --resume goes on from it. Signals that
come while the interpreter itself starts, before it runs a line of the program, are counted apart:
no program can hear them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import campaign
import kills
from campaign import Ended, Trial

SCRIPT = """\
import sys
from warp.__main__ import main
if __name__ == "__main__":
    sys.exit(main())
"""
"""The lines of an installed console script."""
VERBS = ("run", "resume", "run-one", "sweep", "plot", "report", "export", "compare", "check")
EARLY = 0.5  # s in which the interpreter starts, on a busy machine


@cache
def length(name: str) -> float:
    """Seconds that a command takes as a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "f"
        folder.mkdir()
        kills.put(folder, kills.inputs(name))
        ended = interrupted([*kills.VERBS[name].words], folder, None)
        assert ended.code == 0, ended.err
        return ended.seconds


def interrupted(words: list[str], folder: Path, moment: float | None) -> Ended:
    """Run the command as a process of its own and interrupt its group after `moment` seconds."""
    script = folder.with_name("warp-command")
    script.write_text(SCRIPT)
    environment = os.environ | {"TMPDIR": str(campaign.temporary_folder(folder))}
    with tempfile.TemporaryFile("w+") as err:
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, str(script), *words],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=err,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        signals = [] if moment is None else [(moment, signal.SIGINT)]
        code = campaign.wait(process.pid, begun, signals, 60.0)
        process.returncode = code
        err.seek(0)
        return Ended(code, "", err.read(), time.monotonic() - begun)


def before_the_program(ended: Ended, moment: float) -> bool:
    """Tell whether the signal came while the interpreter started."""
    if ended.code == -signal.SIGINT and not ended.err:
        return moment < EARLY
    return "Traceback" in ended.err and "/warp/" not in ended.err


def prepare() -> None:
    """Make once what every trial needs."""
    for name in VERBS:
        kills.undisturbed(name)
        length(name)


def attempt(trial: Trial) -> None:
    """Interrupt one command, look at how it ends, and let the next one end."""
    chance = trial.random
    name = chance.choice(VERBS)
    verb = kills.VERBS[name]
    folder = trial.folder / "f"
    folder.mkdir()
    kills.put(folder, kills.inputs(name))
    right, _ = kills.undisturbed(name)
    moment = chance.uniform(0.0, 1.2 * length(name))
    if chance.random() < 0.3:  # while it starts
        moment = chance.uniform(0.0, 0.5)
    ended = interrupted([*verb.words], folder, moment)
    lines = [t for t in ended.err.splitlines() if not t.startswith(("warning: ", "resumed: "))]
    said = f"{name}, {1e3 * moment:.0f} ms, exit {ended.code}: {ended.err[-1500:]!r}"
    found = campaign.files(folder)
    if before_the_program(ended, moment):
        trial.outcomes["before the program's first line"] += 1
    elif ended.code == 0 and not lines:
        trial.outcomes["ended before"] += 1
        trial.expect(set(found) == set(right) | set(verb.inputs), f"{said}: an output lacks")
    else:
        trial.outcomes["stopped"] += 1
        right_end = ended.code == 130 and len(lines) == 1 and lines[0].startswith("stopped")
        trial.expect(right_end, said)
        if "r.checkpoint.h5" in found:
            trial.outcomes["with a checkpoint"] += 1
            trial.expect("--resume" in ended.err, f"{said}: does not name --resume")
    trial.expect(ended.seconds < moment + 10.0, f"{said}: took {ended.seconds:.0f} s to stop")
    kills.after_a_kill(trial, folder, name, {})
    left = [file for file in found if file.endswith(campaign.TEMPORARY)]
    trial.expect(not left, f"{said}: left {left}")
    place = campaign.temporary_folder(folder)
    trial.expect(not list(place.iterdir()), f"{said}: left {sorted(place.iterdir())}")


if __name__ == "__main__":
    campaign.preload()
    prepare()
    sys.exit(campaign.main(attempt, __doc__.splitlines()[0], 100))
