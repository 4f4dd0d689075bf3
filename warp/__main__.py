"""`python -m warp` is the command `warp`."""

from warp.cli.main import main

main()
