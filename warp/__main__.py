"""Start the command `warp`, as the installed script and `python -m warp` do.

Ctrl-C is heard before anything else of the program is imported, hence no `signal`, which would
bring `enum` and `re`. `warp.cli.interrupt` says what follows.
"""

import os
from _signal import (  # type: ignore[import-not-found]
    SIGINT,
    default_int_handler,
    getsignal,
    signal,
)


def _stop(*_: object) -> None:
    os.write(2, b"stopped\n")
    os._exit(128 + SIGINT)


if getsignal(SIGINT) is default_int_handler:
    signal(SIGINT, _stop)


def main() -> None:
    """Run the command line."""
    from warp.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
