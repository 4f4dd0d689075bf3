"""Write kernels/specialisations.txt anew: the kernels that runs call, and for which types.

    python tests/kernels/specialisations.py

Solves small cases and notes which kernels they load. A line gives the first group of
`warp.machine.compiling.GROUPS` that calls the kernel; those that both displacements and heat alone
call are common. Those with the most machine code come first, so that a pool of processes ends
evenly.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import warp
from warp.case.case import parse
from warp.machine import cache, compiling, cpu, device
from warp.machine.cache import Specialisation
from warp.run import warmup

PACKAGES = cache.kernels().parent / "data" / "packages"
COARSE = {"grid.refine": "0.4"}
CASES = {
    "elastic": {"fcbga-bare": {}, "wafer": COARSE},  # its default grid has more coarse levels
    "heat": {"fcbga-lid": COARSE},
    "history": {"process-mould": COARSE},
    "transient": {"process-reflow": COARSE},
}
HEAD = """# Kernels that runs call, for which types. Made by tests/kernels/specialisations.py.
# group module.function types; the longest machine code first.
"""


@contextmanager
def loaded() -> Iterator[list[Specialisation]]:
    """Note every specialisation that is called in the block."""
    found: list[Specialisation] = []
    load: Callable[..., tuple] = cpu.loaded

    def noting(module: str, function: str, kinds: tuple) -> tuple:
        found.append(Specialisation(module, function, cpu.types_of(kinds)))
        return load(module, function, kinds)

    cpu.loaded = noting
    try:
        yield found
    finally:
        cpu.loaded = load


HEAT_ALONE = """
[load]
stress_free = "25 degC"
[material.paste]
conductivity = "3 W/(m K)"
[part.board]
size = "30 mm"
thickness = "1 mm"
material = "paste"
[part.chip]
on = "board"
shape = "disc"
diameter = "10 mm"
thickness = "0.5 mm"
material = "paste"
power = "1 W"
[boundary.air]
face = "chip.top"
film = "1000 W/(m^2 K)"
ambient = "25 degC"
"""


def called_by_heat_alone() -> set[Specialisation]:
    """Return what a case calls whose materials have no mechanical property."""
    with loaded() as found:
        warp.solve(parse(HEAT_ALONE, Path("heat.toml")), device="cpu")
    return set(found)


def called(group: str) -> list[Specialisation]:
    """List what the cases of a group call, more than once where they do."""
    with loaded() as found:
        for name, overrides in CASES[group].items():
            warp.solve(warp.load(PACKAGES / f"{name}.toml", overrides), device="cpu")
        if group == compiling.GROUPS[-1]:
            warmup.solve_small(device.select("cpu"))
    return found


def main() -> None:
    """Write the list."""
    elastic, warm = called("elastic"), called_by_heat_alone()
    group_of = {one: "common" if one in warm else "elastic" for one in elastic}
    for group in compiling.GROUPS[2:]:
        for one in called(group):
            group_of.setdefault(one, group)
    order = sorted(group_of, key=lambda one: (-one.path.stat().st_size, str(one)))
    path = cache.kernels() / "specialisations.txt"
    path.write_text(HEAD + "".join(f"{group_of[one]} {one}\n" for one in order), encoding="utf-8")
    print(f"{path}: {len(order)} specialisations", file=sys.stderr)


if __name__ == "__main__":
    main()
