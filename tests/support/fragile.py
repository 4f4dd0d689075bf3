"""Runs that kill their process or never end, alone in a module so that new processes import nothing
else for it.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def fragile(task, device, threads=None):
    """Die as "once" the first time, as "always" every time; otherwise be done."""
    name, folder = task[0], Path(task[1])
    with open(folder / name, "a") as file:
        file.write("x")
    if name == "always" or (name == "once" and (folder / name).stat().st_size == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return {"overrides": task[2], "status": "done", "seconds": 0.0}


def listening(task, device, threads=None):
    """Return the network addresses at which this process, its parent or a sibling listens."""
    parent = os.getppid()
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    own = set()
    for process in (parent, *children):
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):  # it has been closed meanwhile
                own.add(os.readlink(descriptor))
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if f"socket:[{words[9]}]" in own and (words[3] == "0A" or table.startswith("udp")):
                found.append(words[1])
    return {"overrides": task[2], "status": "done", "seconds": 0.0, "addresses": found}


def sleeper(task, device, threads=None):
    """Leave the process's number and sleep."""
    (Path(task[1]) / f"{os.getpid()}.pid").touch()
    time.sleep(600)
