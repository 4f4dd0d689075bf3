"""Start the command `warp` and end it with an exit code; every failure is one line on stderr.

Exit codes: 0 done, 1 a solve did not reach its tolerance, 2 bad input or too little memory, 3 the
output could not be printed, 130 stopped by Ctrl-C or SIGTERM (`interrupt`). The verbs are imported
inside `main`, while Ctrl-C is heard already.
"""

from __future__ import annotations

import gc
import os
import sys

from warp.cli import interrupt


def main() -> None:
    """Run the command line; an expected failure is a sentence and an exit code, no traceback."""
    listening = interrupt.listen()
    # OpenBLAS would start threads for one small matrix, and they compete with the kernels'.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Else pydantic reads the metadata of every installed package in search of plug-ins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.set_threshold(500_000)  # imports create as many objects that stay
    from warp.cli import streams

    try:
        code = streams.guarded(lambda: _run(listening))
    except KeyboardInterrupt:  # between the verb and the next line
        interrupt.stop_at_once()
    if listening:
        interrupt.listen_again()
    gc.freeze()  # spares a last search through all objects at exit
    sys.exit(code)


def _run(listening: bool) -> int:
    """Run the verb and print why it failed, if it did; return the exit code."""
    from warp.cli.failures import code_of

    try:
        from warp.machine import host_memory

        host_memory.require_least()
        from warp.cli.app import command
        from warp.name_clash import refuse_nvidia_warp

        if listening:
            interrupt.raise_it()
        refuse_nvidia_warp()
        if "_WARP_COMPLETE" in os.environ:  # the shell asks what a word may become
            from typer.completion import completion_init  # type: ignore[attr-defined]

            completion_init()
        command(sys.argv[1:])()
    except SystemExit as end:  # Typer's own, also for Ctrl-C
        if end.code == interrupt.STOPPED or interrupt.Heard.interrupt:
            return code_of(KeyboardInterrupt())
        return int(end.code or 0)
    except BaseException as error:
        return code_of(error, "--json" in sys.argv[1:])
    return 0


if __name__ == "__main__":
    main()
