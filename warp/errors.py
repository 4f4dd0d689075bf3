"""The program's expected failures: each prints as one line, in the user's words.

Bad input exits with code 2, a solve that does not reach its tolerance with code 1; neither shows a traceback.
"""


class WarpError(Exception):
    """Stop with one clear sentence; `exit_code` is what the command line returns."""

    exit_code = 2


class ConvergenceError(WarpError):
    """A solve did not reach its tolerance: the result would be wrong, so there is none."""

    exit_code = 1
