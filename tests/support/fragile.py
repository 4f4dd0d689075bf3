"""Runs that kill their process or never end, alone in a module so that new processes import nothing
else for it.
"""

import os
import signal
import time
from pathlib import Path


def fragile(task, device, threads=None):
    """Die as "once" the first time, as "always" every time; otherwise be done."""
    name, folder = task[0], Path(task[1])
    with open(folder / name, "a") as file:
        file.write("x")
    if name == "always" or (name == "once" and (folder / name).stat().st_size == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return {"overrides": task[2], "status": "done", "seconds": 0.0}


def sleeper(task, device, threads=None):
    """Leave the process's number and sleep."""
    (Path(task[1]) / f"{os.getpid()}.pid").touch()
    time.sleep(600)
