"""Refuse to share an environment with NVIDIA Warp.

Its distribution `warp-lang` also installs a folder `warp`.
"""

from warp.errors import WarpError


class NameClash(WarpError):
    """Both programs are installed, so that files in `warp/` may belong to either."""


def refuse_nvidia_warp() -> None:
    """Stop with one sentence when NVIDIA Warp shares this environment."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution("warp-lang")
    except PackageNotFoundError:
        return
    raise NameClash(
        "NVIDIA Warp (warp-lang) is installed in this environment and also owns the folder 'warp': "
        "install warpage into a virtual environment of its own (python3 -m venv)"
    )
