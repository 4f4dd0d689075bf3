"""Write a HotSpot model as a case: chip, thermal interface, spreader and sink over a floorplan.

    warp new --from ev6.flp        with ev6.ptrace and hotspot.config beside it, if they are there
    warp new --from hotspot.config its own -f and -p, or the one floorplan beside it

HotSpot's default package is a chip face down with its heat in the whole silicon, and a sink whose
surface has the resistance r_convec to the ambient. Its block model spreads the film over the sink's
top, as this case does. Lateral sizes and thicknesses are in m, conductivities in W/(m K).
W. Huang et al., IEEE Trans. VLSI 14 (2006) 501; the defaults are those of hotspot.config, 6.0.
"""

from __future__ import annotations

from pathlib import Path

from warp.errors import WarpError
from warp.files.bounded import decoded, read_bytes
from warp.geometry import floorplan

DEFAULTS = {
    "t_chip": 0.00015,
    "k_chip": 100.0,
    "p_chip": 1.75e6,
    "t_interface": 2e-5,
    "k_interface": 4.0,
    "p_interface": 4e6,
    "s_spreader": 0.03,
    "t_spreader": 0.001,
    "k_spreader": 400.0,
    "p_spreader": 3.55e6,
    "s_sink": 0.06,
    "t_sink": 0.0069,
    "k_sink": 400.0,
    "p_sink": 3.55e6,
    "r_convec": 0.1,
    "ambient": 318.15,
}
PARTS = ("chip", "interface", "spreader", "sink")


def case_text(path: Path, named: Path) -> str:
    """Return the text of the case; `named`: the folder from which it names its files."""
    own = path if path.suffix == ".flp" else None
    configuration = path if own is None else _beside(path, "hotspot.config", ".config")
    options = {} if configuration is None else _options(configuration)
    plan = own or _named(options.get("f"), path, ".flp")
    if plan is None:
        raise WarpError(f"{str(path)!r} names no floorplan: give its .flp file")
    trace = _named(options.get("p"), path, ".ptrace") or _beside(plan, "", ".ptrace")
    values = {**DEFAULTS, **_numbers(options, configuration)}
    try:
        width, depth = floorplan.read(decoded(read_bytes(plan))).size
    except (OSError, ValueError) as error:
        raise WarpError(f"{str(plan)!r} {error}") from None
    sizes = {
        "chip": (width, depth),
        "interface": (width, depth),
        "spreader": (values["s_spreader"],) * 2,
        "sink": (values["s_sink"],) * 2,
    }
    power = f'floorplan = "{_from(plan, named)}"'
    power += f', trace = "{_from(trace, named)}"' if trace else ', total = "1 W"'
    lines = [
        f"# Converted from the HotSpot model {path.name}: heat only, with the mean of its trace.",
        f'title = "{plan.stem}"',
        "",
    ]
    for part in PARTS:
        lines += [
            f"[material.{part}]",
            f'conductivity = "{values[f"k_{part}"]:.6g} W/(m K)"',
            f'specific_heat = "{values[f"p_{part}"] / 1000:.6g} J/(kg K)"',
            'density = "1000 kg/m^3"  # HotSpot gives the heat capacity of a volume',
            "",
        ]
    for below, part in zip(("", *PARTS), PARTS, strict=False):
        x, y = sizes[part]
        lines += [f"[part.{part}]", *([f'on = "{below}"'] if below else [])]
        lines += [
            f'size = ["{x * 1e3:.9g} mm", "{y * 1e3:.9g} mm"]',
            f'thickness = "{values[f"t_{part}"] * 1e6:.9g} um"',
            f'material = "{part}"',
            *([f"power = {{ {power} }}"] if part == "chip" else []),
            "",
        ]
    film = 1 / (values["r_convec"] * values["s_sink"] ** 2)
    lines += [
        "[boundary.air]",
        'face = "sink.top"',
        f'film = "{film:.9g} W/(m^2 K)"',
        f'ambient = "{values["ambient"]:.9g} K"',
        "",
        "[load]",
        f'stress_free = "{values["ambient"]:.9g} K"',
        'temperature = "solved"',
    ]
    return "\n".join(lines) + "\n"


def _options(path: Path) -> dict[str, str]:
    """Return the options of a configuration: lines of -NAME VALUE."""
    try:
        text = decoded(read_bytes(path))
    except (OSError, ValueError) as error:
        raise WarpError(f"cannot read {str(path)!r}: {error}") from None
    words = [line.split("#")[0].split() for line in text.splitlines()]
    return {row[0][1:]: row[1] for row in words if len(row) == 2 and row[0].startswith("-")}


def _numbers(options: dict[str, str], path: Path | None) -> dict[str, float]:
    found = {}
    for name in DEFAULTS.keys() & options.keys():
        try:
            found[name] = float(options[name])
        except ValueError:
            found[name] = 0.0
        if not found[name] > 0.0:
            raise WarpError(f"{str(path)!r}: -{name} {options[name]} is no positive number")
    if "r_convec" not in found and options.get("package_model_used", "0") != "0":
        raise WarpError(f"{str(path)!r}: a package model file is not read; give -r_convec")
    return found


def _named(name: str | None, path: Path, suffix: str) -> Path | None:
    if name and name != "NULL" and name != "(null)":
        return path.parent / name
    if path.suffix == suffix:
        return path
    there = sorted(path.parent.glob(f"*{suffix}"))
    return there[0] if len(there) == 1 else None


def _beside(path: Path, name: str, suffix: str) -> Path | None:
    options = [path.with_suffix(suffix), *([path.parent / name] if name else [])]
    return next((option for option in options if option.is_file()), None)


def _from(path: Path | None, folder: Path) -> str:
    import os

    return "" if path is None else os.path.relpath(path, folder).replace("\\", "/")
