"""Hear Ctrl-C from the program's first line to its last, in one line whenever it comes.

SIGTERM, by which schedulers and `timeout` stop a program, is heard alike while a verb runs.

While the process starts or ends, `stop_at_once`: an exception would become a traceback there. While
a verb runs, KeyboardInterrupt, so that what is half written is removed. Libraries turn an exception
that comes inside them into another one, or print and forget it; `Heard` and `insist` see to both.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from _thread import interrupt_main
from signal import SIGINT, SIGTERM

SOON = 0.01  # s

STOPPED = 128 + SIGINT  # the convention of shells


class Heard:
    """Tell whether Ctrl-C or SIGTERM has interrupted a verb, and whether that has been said."""

    interrupt = False
    said = False


def listen() -> bool:
    """Stop at once from now on; return False where Ctrl-C is not for this process.

    A job in the background is started so that it ignores the signal.
    """
    Heard.interrupt = Heard.said = False
    ours = callable(signal.getsignal(SIGINT))
    if ours:
        signal.signal(SIGINT, stop_at_once)
    return ours


def listen_again() -> None:
    """Stop at once, now that the verb has ended."""
    signal.signal(SIGINT, stop_at_once)
    signal.signal(SIGTERM, stop_at_once)


def raise_it() -> None:
    """Raise KeyboardInterrupt at Ctrl-C or SIGTERM from now on; a second one stops at once."""
    signal.signal(SIGINT, _interrupt)
    signal.signal(SIGTERM, _interrupt)
    sys.unraisablehook = insist


def stop_at_once(*_: object) -> None:
    """End the process with one line."""
    if not Heard.said:
        os.write(2, b"stopped\n")
    os._exit(STOPPED)


def insist(unraisable: sys.UnraisableHookArgs) -> None:
    """Interrupt again, soon, where the exception came in a place that cannot raise one."""
    if unraisable.exc_type is KeyboardInterrupt:
        Heard.interrupt = False
        again = threading.Timer(SOON, _signal_main_thread)
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(unraisable)


def _signal_main_thread() -> None:
    """Send the signal again, so that it ends a wait of the main thread too."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, SIGINT)
    else:  # Windows
        interrupt_main()


def caused(error: BaseException) -> bool:
    """Tell whether an exception is Ctrl-C, or what a library made of it."""
    return isinstance(error, KeyboardInterrupt) or Heard.interrupt


def _interrupt(*_: object) -> None:
    if Heard.interrupt:
        stop_at_once()
    Heard.interrupt = True
    raise KeyboardInterrupt
