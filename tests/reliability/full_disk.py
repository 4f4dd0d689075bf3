"""Let the disk fill up at 50 stages of every command: old files stay, one line says why.

    python tests/reliability/full_disk.py 500 --seed 1         needs root, for disks of its own

Each trial mounts a small disk (tmpfs), puts the inputs and older outputs there, and leaves free a
fiftieth, two fiftieths ... of what the command writes. The command must end well with whole
outputs, or with exit code 2 and one line; every older file is then as before, or whole and new, and
there is no temporary file. A run is refused before it solves where its prediction does not fit; in
every other trial another program takes the space later, while the run is under way.
"""

from __future__ import annotations

import os
import subprocess
import sys

import campaign
import kills
from campaign import Trial

STAGES = 50
VERBS = tuple(name for name in kills.VERBS if name != "resume")
PAGE = 4096
BESIDE = 40  # pages for folders and rounding


def attempt(trial: Trial) -> None:
    """Run one command on a disk that is too small for it, more or less."""
    name = VERBS[trial.number % len(VERBS)]
    stage = trial.number // len(VERBS) % STAGES + 1
    verb, (right, _) = kills.VERBS[name], kills.undisturbed(name)
    folder = trial.folder / "disk"
    folder.mkdir()
    older = {f: data if f.endswith((".h5", ".json")) else b"old" for f, data in right.items()}
    if name == "sweep" and trial.random.random() < 0.5:
        older = {}
    pages = sum(-(-len(data) // PAGE) for data in right.values())
    there = sum(-(-len(d) // PAGE) for d in (*older.values(), *kills.inputs(name).values()))
    size = (there + 2 * pages + BESIDE) * PAGE
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        kills.put(folder, kills.inputs(name) | older)
        fill(folder, round(stage / STAGES * 1.5 * pages))
        later = trial.random.random() < 0.5
        ended = campaign.warp(verb.words, folder, prepare=nobody_looks if later else None)
        (folder / "filler").unlink()
        judge(trial, name, f"{name}, stage {stage}", ended, older)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def judge(
    trial: Trial, name: str, where: str, ended: campaign.Ended, older: dict[str, bytes]
) -> None:
    """Complain about how the command ended and what is on the disk."""
    folder, right = trial.folder / "disk", kills.undisturbed(name)[0]
    said = f"{where}, exit {ended.code}: {ended.err[-800:]!r}"
    found = campaign.files(folder)
    if ended.code == 0:
        trial.outcomes["it was enough"] += 1
        trial.expect(set(found) == set(right) | set(kills.inputs(name)), f"{said}: {set(found)}")
    else:
        trial.outcomes["refused"] += 1
        trial.expect(ended.code == 2 and ended.one_line, said)
        trial.expect("cannot write" in ended.err or "No space" in ended.err, said)
    temporary = [file for file in found if file.endswith(campaign.TEMPORARY)]
    trial.expect(not temporary, f"{said}: left {temporary}")
    kills.after_a_kill(trial, folder, name, older)
    if ended.code == 0:
        for file in right.keys() & found.keys():
            same = kills.is_right(file, found[file].read_bytes(), right[file])
            trial.expect(same, f"{said}: {file} is not new")
    place = campaign.temporary_folder(folder)
    trial.expect(not list(place.iterdir()), f"{said}: left {sorted(place.iterdir())}")


def fill(folder: os.PathLike[str], pages: int) -> None:
    """Leave so many pages of a disk free."""
    with open(os.path.join(folder, "filler"), "wb") as file:
        left = os.statvfs(folder).f_bavail - pages
        file.write(bytes(max(0, left) * PAGE))


def nobody_looks() -> None:
    """Let a command find room before its work, which another program takes meanwhile."""
    from warp.files import whole_file

    whole_file.refuse_full_disk = lambda *_: None


def can_mount() -> bool:
    """Tell whether this user may mount a disk."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", folder]
        try:
            done = subprocess.run(mount, capture_output=True)
        except OSError:
            return False
        if done.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return done.returncode == 0


if __name__ == "__main__":
    if not can_mount():
        sys.exit("a disk of one's own needs root")
    campaign.preload()
    kills.prepare()
    count = STAGES * len(VERBS)
    sys.exit(campaign.main(attempt, __doc__.splitlines()[0], count))
