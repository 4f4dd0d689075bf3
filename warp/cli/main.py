"""Start the command `warp` and end it with an exit code; every failure is one line on stderr.

Exit codes: 0 done, 1 a solve did not reach its tolerance, 2 bad input or too little memory, 3 the
output could not be printed, 130 stopped by Ctrl-C. The verbs are imported inside `main`, so that
Ctrl-C is heard from the start.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import Any


def main() -> None:
    """Run the command line; an expected failure is a sentence and an exit code, no traceback."""
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heard:
        signal.signal(signal.SIGINT, stop_at_once)
    # OpenBLAS would start threads for one small matrix, and they compete with the kernels'.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(100_000)  # imports create half a million objects that stay
    from warp.cli import streams

    code = streams.guarded(lambda: _run(heard))
    if heard:
        signal.signal(signal.SIGINT, stop_at_once)
    gc.freeze()  # spares a last search through all objects at exit
    sys.exit(code)


def stop_at_once(*_: Any) -> None:
    """End the process while it starts or ends, where an exception would become a traceback."""
    os.write(2, b"stopped\n")
    os._exit(128 + signal.SIGINT)


def _run(heard: bool) -> int:
    """Run the verb and print why it failed, if it did; return the exit code."""
    from warp.cli.failures import STOPPED, code_of

    try:
        from warp.machine import host_memory

        host_memory.require_least()
        from warp.cli.app import app
        from warp.name_clash import refuse_nvidia_warp

        if heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        refuse_nvidia_warp()
        app()
    except SystemExit as end:  # Typer's own, also for Ctrl-C
        if end.code != STOPPED:
            return int(end.code or 0)
        return code_of(KeyboardInterrupt())
    except BaseException as error:
        return code_of(error)
    return 0


if __name__ == "__main__":
    main()
