"""`python -m warp` is the command `warp`."""

from warp.cli import main

main()
