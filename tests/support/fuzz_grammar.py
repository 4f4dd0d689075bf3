"""What `fuzz_cases` feeds the program: packages of data/ with something changed, and stacks made up
from nothing.
"""

from __future__ import annotations

import copy
import datetime
import random
import re
import tomllib
from pathlib import Path
from typing import Any

from warp.materials.library import library
from warp.units import KINDS

DATA = Path(__file__).resolve().parents[2] / "data"
QUANTITY = re.compile(r"\s*([+-]?\d[\d.eE+-]*)\s*(\S.*)?")
UNITS = {kind: [unit for unit in kind.factors if unit] for kind in KINDS}
ALL_UNITS = [unit for units in UNITS.values() for unit in units]
EXTREME = (
    "0",
    "-1",
    "1e-300",
    "1e300",
    "1e999",
    "1e-12",
    "1e12",
    "-0.0",
    "1e-7",
    "123456789",
    "00",
    "0x10",
    "1_000",
    "１２",
)
ODD_UNITS = (
    *(
        "",
        "µm",
        "μm",
        "furlong",
        "mm^2",
        "m**9999",
        "mm^1e9",
        "(9**9**9**9) mm",
        "m m m m",
        "°C",
        "degF",
        "K",
        "%",
        "ppm",
    ),
    *(
        "mm/mm",
        "1/mm",
        "mm mm",
        "[mm]",
        "🙂",
        "mm;",
        "inf",
        "mm^-1^-1",
        "delta_degC",
        "lightyear",
        "e",
        "pi",
        "mm" * 50,
    ),
)
NAMES = (
    "",
    "package",
    "void",
    "chip.top",
    "ch ip",
    "чип",
    "a" * 300,
    "-",
    "1",
    "\n",
    "\x00",
    "🙂",
    "part",
    "con",
    "../x",
)
ODD: tuple[Any, ...] = (
    *(
        True,
        False,
        0,
        -1,
        1,
        2**70,
        10**400,
        0.0,
        -0.0,
        1.5,
        1e308,
        5e-324,
        float("nan"),
        float("inf"),
        -float("inf"),
    ),
    *(
        "",
        " ",
        "nan",
        "inf mm",
        "nan K",
        "\\",
        "\n",
        "\u202e",
        "\ud7ff",
        "x" * 2000,
        "0.5 mm",
        "25 degC",
        "void",
        "solved",
    ),
    *(
        [],
        {},
        [[]],
        [{}],
        [0, 0],
        ["1 mm", "1 mm"],
        ["1 mm", 2],
        [None],
        {"a": {"b": []}},
        [["25 degC", "1 GPa"]],
    ),
    *(datetime.date(2026, 1, 1), datetime.time(1, 2), datetime.datetime(2026, 1, 1, 1, 1)),
)
FILES = (
    *(
        "substrate-layout-top.png",
        "cut.png",
        "head.png",
        "flipped.png",
        "empty.csv",
        "words.csv",
        "ragged.csv",
        "nan.csv",
    ),
    *(
        "negative.csv",
        "large.csv",
        "zero.csv",
        "map.csv",
        "text.npy",
        "text.gds",
        "text.gbr",
        "none.png",
        ".",
        "..",
        "a\0.png",
    ),
    *(
        "good.npy",
        "cut.npy",
        "none.npy",
        "large.npy",
        "minus.npy",
        "object.npy",
        "kind.npy",
        "python.npy",
        "zip.npy",
    ),
    *("header.npy", "case.toml", "x" * 300 + ".png", "/none/at/all.npy", "map.xyz"),
)
SHAPES = (
    "plate",
    "chip",
    "frame",
    "lid",
    "columns",
    "balls",
    "fillet",
    "blocks",
    "wires",
    "disc",
    "prism",
    "void",
)
PATTERNS = ("full", "perimeter", "staggered")
SETTABLE = (
    "part.chip.thickness",
    "load.temperature",
    "grid.refine",
    "part",
    "step.1.temperature",
    "x..y",
    "part.*.size",
    "",
)


class Seeds:
    """The ready packages: their texts, their tables, and what stands in them by kind of section."""

    def __init__(self) -> None:
        files = sorted(DATA.glob("packages/*.toml")) + sorted(DATA.glob("calculix/*.toml"))
        self.pictures = sorted(DATA.glob("packages/*.png"))
        self.texts = [file.read_text(encoding="utf-8") for file in files]
        self.tables = [tomllib.loads(text) for text in self.texts]
        self.materials = sorted(library())


def overrides(rng: random.Random) -> dict[str, str]:
    """What `--set` changes; mostly nothing."""
    if rng.random() < 0.93:
        return {}
    return {
        rng.choice(SETTABLE): rng.choice(
            (quantity(rng, "mm"), "[", "{a=1}", "void", "25 degC", "1", "", "true")
        )
    }


def case_file(rng: random.Random, seeds: Seeds) -> bytes:
    """One case file."""
    way = rng.random()
    if way < 0.25:
        text = rng.choice(seeds.texts)
    else:
        tables = copy.deepcopy(rng.choice(seeds.tables)) if way < 0.7 else stack(rng, seeds)
        changes = CHANGES if rng.random() < 0.7 else GENTLE
        for _ in range(rng.choice((0, 0, 1, 1, 1, 1, 2, 3, 6))):
            rng.choice(changes)(tables, rng, seeds)
        if rng.random() < 0.6:
            tables["grid"] = {
                "cells_per_layer": rng.choice((1, 2)),
                "refine": rng.choice((0.125, 0.25)),
                "growth": 2,
            }
        text = document(tables, rng)
    if way < 0.25 or rng.random() < 0.1:
        for _ in range(rng.choice((1, 1, 2, 4))):
            text = rng.choice(EDITS)(text, rng)
    raw = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.02:
        raw = rng.choice(
            (
                b"\xff\xfe" + raw,
                b"\xef\xbb\xbf" + raw,
                raw.replace(b"\n", b"\r\n"),
                raw[: len(raw) // 2],
                b"\0",
            )
        )
    return raw


# values


def quantity(rng: random.Random, unit: str) -> str:
    return f"{rng.choice((rng.uniform(0.01, 3), rng.randrange(1, 200))):.3g} {unit}"


def changed(value: Any, rng: random.Random, seeds: Seeds, names: list[str]) -> Any:
    """Another value where this stood: alike, of another kind, or odd."""
    way = rng.random()
    if way < 0.08:
        return copy.deepcopy(rng.choice(ODD))
    match = QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match:
        number, unit = match[1], match[2] or ""
        if way < 0.6:
            try:
                return f"{float(number) * rng.choice((0.1, 0.5, 0.9, 1.1, 2, 10)):g} {unit}"
            except ValueError:
                return value
        if way < 0.7:
            return f"{rng.choice(EXTREME)} {unit}"
        if way < 0.77:
            return f"{number} {rng.choice(ODD_UNITS)}"
        if way < 0.87:
            alike = next(
                (units for units in UNITS.values() if unit.replace(" ", "") in units), ALL_UNITS
            )
            return f"{number} {rng.choice(alike)}"
        if way < 0.92:
            return f"{number} {rng.choice(ALL_UNITS)}"
        return rng.choice(
            (
                f"-{number} {unit}",
                f"{number}{unit}",
                f" {number}  {unit} ",
                unit,
                f"{number},5 {unit}",
                number,
            )
        )
    if isinstance(value, str):
        return rng.choice(
            (
                *names,
                *names,
                rng.choice(seeds.materials),
                rng.choice(NAMES),
                rng.choice(FILES),
                value.upper(),
            )
        )
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float) and abs(value) < 1e300:
        return rng.choice(
            (
                -value,
                value * 2,
                value / 3,
                value + 0.5,
                10**9,
                1e-9,
                str(value),
                int(value),
                f"{value} %",
            )
        )
    if isinstance(value, list) and value:
        value = list(value)
        what = rng.randrange(6)
        if what == 0:
            rng.shuffle(value)
        elif what == 1:
            value.append(copy.deepcopy(rng.choice(value)))
        elif what == 2:
            value.pop(rng.randrange(len(value)))
        elif what == 3:
            n = rng.randrange(len(value))
            value[n] = changed(value[n], rng, seeds, names)
        elif what == 4:
            value = value * rng.choice((2, 50))
        else:
            value = [value]
        return value
    return copy.deepcopy(rng.choice(ODD))


def places(tables: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a tree."""
    found = []
    entries = (
        tables.items()
        if isinstance(tables, dict)
        else enumerate(tables)
        if isinstance(tables, list)
        else ()
    )
    for key, value in entries:
        found.append((tables, key))
        found += places(value)
    return found


def names_of(tables: dict[str, Any]) -> list[str]:
    parts = tables.get("part")
    return [*parts] if isinstance(parts, dict) and parts else ["chip"]


# changes of tables


def change_value(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    found = [(c, k) for c, k in places(tables) if not isinstance(c[k], dict) or rng.random() < 0.1]
    if found:
        container, key = rng.choice(found)
        container[key] = changed(container[key], rng, seeds, names_of(tables))


def drop(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    found = places(tables)
    if found:
        container, key = rng.choice(found)
        del container[key]


def rename(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    found = [(c, k) for c, k in places(tables) if isinstance(c, dict)]
    if found:
        container, key = rng.choice(found)
        other = rng.choice(
            (key[:-1] or "x", key.upper(), key + "s", rng.choice(NAMES), rng.choice(found)[1])
        )
        container[other] = container.pop(key)


def exchange(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    """Two values of the file change places."""
    found = places(tables)
    if len(found) > 1:
        (a, i), (b, j) = rng.sample(found, 2)
        a[i], b[j] = copy.deepcopy(b[j]), copy.deepcopy(a[i])


def graft(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    """A section of another package."""
    other = rng.choice(seeds.tables)
    section = rng.choice(list(other))
    value = copy.deepcopy(other[section])
    mine = tables.get(section)
    if isinstance(value, dict) and isinstance(mine, dict) and rng.random() < 0.6:
        key = rng.choice(list(value))
        mine[key if rng.random() < 0.7 or not mine else rng.choice(list(mine))] = value[key]
    else:
        tables[section] = value


def shuffle_parts(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    parts = tables.get("part")
    if isinstance(parts, dict):
        tables["part"] = dict(rng.sample(list(parts.items()), len(parts)))


def add_steps(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    tables["step"] = [step(rng, names_of(tables)) for _ in range(rng.choice((1, 2, 3, 5)))]


def add_part(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    if isinstance(tables.get("part"), dict):
        tables["part"][f"more{rng.randrange(3)}"] = part(
            rng, seeds, names_of(tables), rng.choice(SHAPES)
        )


def add_material(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    own = tables.setdefault("material", {})
    if not isinstance(own, dict):
        return
    parts = tables.get("part")
    used = [p for p in parts.values() if isinstance(p, dict)] if isinstance(parts, dict) else []
    name = rng.choice(("mine", "silicon", "other"))
    own[name] = material(rng, seeds, list(own))
    if used:
        rng.choice(used)["material"] = name


def add_layers(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    parts = tables.get("part")
    plates = (
        [p for p in parts.values() if isinstance(p, dict) and "thickness" in p]
        if isinstance(parts, dict)
        else []
    )
    if plates:
        plate = rng.choice(plates)
        if rng.random() < 0.9:
            plate.pop("thickness")
        plate["layers"] = layers(rng, seeds)


def add_heat(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    names = names_of(tables)
    sides = ("top", "bottom", "x-", "x+", "y-", "y+", "sides", "all")
    films = tables.setdefault("boundary", {})
    if isinstance(films, dict):
        face = f"{rng.choice((*names, 'package'))}.{rng.choice(sides)}"
        films[f"film{rng.randrange(2)}"] = rng.choice(
            (
                {"face": face, "film": quantity(rng, "kW/m^2/K"), "ambient": "25 degC"},
                {"face": [face, f"{rng.choice(names)}.top"], "temperature": quantity(rng, "degC")},
                {
                    "face": face,
                    "film": quantity(rng, rng.choice(ALL_UNITS)),
                    "temperature": "25 degC",
                },
            )
        )
    parts = tables.get("part")
    if isinstance(parts, dict) and parts:
        hot = rng.choice(list(parts.values()))
        if isinstance(hot, dict):
            hot["power"] = power(rng)
    if rng.random() < 0.3:
        tables["interface"] = {
            "i": {"between": rng.choices(names, k=2), "resistance": quantity(rng, "mm^2 K/W")}
        }
    if isinstance(tables.get("load"), dict) and rng.random() < 0.5:
        tables["load"]["temperature"] = "solved"


def add_grid(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    keys = (
        "edge_spacing",
        "spacing",
        "z_spacing",
        "growth",
        "cells_per_layer",
        "cells_per_diameter",
        "uniform",
        "max_cells",
    )
    tables["grid"] = {
        key: rng.choice((quantity(rng, "mm"), "1 nm", "1 km", 1, 0.5, 1000, 1e-9, True, 64))
        if rng.random() < 0.3
        else (
            quantity(rng, "mm")
            if key.endswith("spacing")
            else rng.choice((1, 2, 4))
            if key != "uniform"
            else True
        )
        for key in rng.sample(keys, rng.randrange(1, 4))
    }


def add_output(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    names = names_of(tables)
    face = f"{rng.choice(names)}.{rng.choice(('top', 'bottom', 'x-'))}"
    zone = rng.choice((quantity(rng, "mm"), [quantity(rng, "mm")] * 2, rng.choice(names)))
    tables["output"] = rng.choice(
        (
            {"surfaces": [face]},
            {"zones": {face: zone}},
            {"terminals": rng.choice(names)},
            {"fields": rng.sample(["temperature", "displacement", "stress"], 2)},
            {"surfaces": [face], "zones": {face: zone}, "terminals": rng.choice(names)},
        )
    )


def set_symmetry(tables: dict[str, Any], rng: random.Random, seeds: Seeds) -> None:
    tables["symmetry"] = rng.choice(("none", "half-x", "half-y", "quarter"))


GENTLE = (
    add_steps,
    add_material,
    add_layers,
    add_heat,
    add_output,
    add_part,
    set_symmetry,
    shuffle_parts,
)
CHANGES = (
    *(change_value,) * 12,
    *(
        drop,
        drop,
        rename,
        rename,
        exchange,
        graft,
        graft,
        graft,
        shuffle_parts,
        add_steps,
        add_steps,
        add_part,
        add_part,
    ),
    *(
        add_material,
        add_material,
        add_layers,
        add_heat,
        add_heat,
        add_grid,
        add_output,
        set_symmetry,
    ),
)


# made up


def stack(rng: random.Random, seeds: Seeds) -> dict[str, Any]:
    """Plates and things between them, each on the one before."""
    names: list[str] = []
    parts: dict[str, Any] = {}
    for n in range(rng.choice((1, 2, 2, 3, 4, 6))):
        name = f"p{n}"
        parts[name] = part(
            rng,
            seeds,
            names,
            rng.choice(("plate", "plate", "plate", "chip", *SHAPES)) if n else "plate",
        )
        names.append(name)
    load = {"stress_free": quantity(rng, "degC")} | (
        {"temperature": quantity(rng, "degC")} if rng.random() < 0.7 else {}
    )
    return {
        "title": "made up",
        "symmetry": rng.choice(("none", "none", "half-x", "quarter")),
        "part": parts,
        "load": load,
    }


def part(rng: random.Random, seeds: Seeds, names: list[str], shape: str) -> dict[str, Any]:
    """A table that fits its shape, and often its place."""

    def mm(most: float = 10.0) -> str:
        return f"{rng.uniform(0.02, most):.2g} mm"

    def two() -> Any:
        return rng.choice((mm(), [mm(), mm()]))

    made: dict[str, Any] = {} if shape == "plate" else {"shape": shape}
    if names:
        made[rng.choice((*("on",) * 5, "under", "inside", "around"))] = rng.choice(
            (names[-1], rng.choice(names))
        )
    if shape != "void":
        made["material"] = (
            "void"
            if rng.random() < 0.03
            else rng.choice(("silicon", "copper", rng.choice(seeds.materials)))
        )
    own: dict[str, dict[str, Any]] = {
        "plate": {"size": two(), "thickness": mm(1)},
        "chip": {"size": two(), "thickness": mm(1), "face": rng.choice(("up", "down"))},
        "void": {"size": two()},
        "disc": {"diameter": mm(), "thickness": mm(1)},
        "prism": {
            "outline": [["0 mm", mm()], ["-2 mm", "0 mm"], ["0 mm", "-2 mm"], [mm(), "0 mm"]],
            "thickness": mm(1),
        },
        "frame": {
            "size": two(),
            "width": two(),
            "thickness": mm(1),
            "gaps": [{"side": "all", "width": mm(2)}],
        },
        "lid": {
            "size": two(),
            "thickness": mm(1),
            "foot_width": mm(2),
            "foot_height": mm(1),
            "corner_cut": mm(1),
        },
        "fillet": {
            "around": "p0",
            "width": mm(1),
            "height": mm(1),
            "steps": rng.choice((1, 3, 50)),
        },
        "blocks": {"size": mm(2), "sites": [[mm(), mm()], ["0 mm", "0 mm"]], "thickness": mm(1)},
        "wires": {
            "diameter": "25 um",
            "pitch": mm(0.3),
            "reach": mm(2),
            "loop": mm(0.3),
            "fill": "epoxy",
            "around": "p0",
        },
        "columns": {
            "pitch": mm(2),
            "diameter": mm(1),
            "height": mm(1),
            "section": rng.choice(("round", "square")),
        },
        "balls": {
            "pitch": mm(2),
            "diameter": mm(1),
            "height": mm(0.5),
            "pattern": rng.choice(PATTERNS),
        },
    }
    made |= own[shape]
    if shape in ("columns", "balls"):
        more: tuple[dict[str, Any], ...] = (
            {"model": "effective", "fill": rng.choice(("void", "epoxy", "silicon"))},
            {"rows": rng.choice((1, 2, 99))},
            {"depopulate": {"centre": mm(), "sites": [[1, 1], [rng.randrange(9), 2]]}},
            {"size": rng.choice((two(), "p0")), "inset": mm(1)},
            {},
        )
        made |= rng.choice(more)
    if rng.random() < 0.3:
        made |= rng.choice(
            (
                {"at": [mm(), mm()]},
                {"turn": 90},
                {"lift": mm(0.5)},
                {"stress_free": "150 degC"},
                {"power": power(rng)},
            )
        )
    if names and "size" in made and rng.random() < 0.3:
        made["size"] = rng.choice(names)
    return made


def power(rng: random.Random) -> Any:
    block = {
        "power": quantity(rng, "W"),
        "size": quantity(rng, "mm"),
        "at": [quantity(rng, "mm"), "0 mm"],
    }
    return rng.choice(
        (
            quantity(rng, "W"),
            {"total": quantity(rng, "W"), "side": "top"},
            {"blocks": [block, block]},
            {"total": quantity(rng, "W"), "blocks": [block]},
            {"map": rng.choice(FILES), "total": quantity(rng, "W")},
            {"map": rng.choice(FILES)},
            {"map": "map.csv"},
            {"depth": "1 um"},
        )
    )


def layers(rng: random.Random, seeds: Seeds) -> list[Any]:
    def layer() -> dict[str, Any]:
        made: dict[str, Any] = {"thickness": quantity(rng, "um")}
        if rng.random() < 0.3:
            made["material"] = rng.choice(seeds.materials)
        share = rng.choice((0.5, "40 %", 1, 0, 1.5, rng.choice(FILES), "substrate-layout-top.png"))
        drawing = {
            "file": rng.choice(FILES),
            "layer": 1,
            "centre": ["0 mm", "0 mm"],
            "pixel": quantity(rng, "um"),
        }
        more: tuple[dict[str, Any], ...] = (
            *({}, {"copper": share}, {"vias": rng.choice((0.02, 1, "2 %"))}, {"copper": drawing}),
            {"copper": share, "pattern": "plane"},
        )
        return made | rng.choice(more)

    return [
        layer() if rng.random() < 0.8 else {"lump": [layer(), layer()]}
        for _ in range(rng.choice((1, 2, 4)))
    ]


def curve(rng: random.Random, unit: str) -> Any:
    def value() -> str:
        return quantity(rng, unit)

    rows = [
        [f"{T} degC", value()] for T in sorted(rng.sample(range(-60, 300), rng.choice((1, 2, 4))))
    ]
    tg = rng.choice(({}, {"glass_transition": "120 degC"}, {"width": quantity(rng, "K")}))
    return rng.choice(
        (
            *(
                value(),
                value(),
                rows,
                {"glassy": value(), "rubbery": value(), **tg},
                {"secant": rows, "reference": "25 degC"},
            ),
            {"table": rows, "interpolation": rng.choice(("log", "linear", "cubic"))},
            {"x": value(), "y": value(), "z": value()},
            {"in_plane": value(), "through": rows},
        )
    )


def material(rng: random.Random, seeds: Seeds, own: list[str]) -> dict[str, Any]:
    """Constants, curves, a mixture, a relaxation; sound or not."""
    made: dict[str, Any] = {
        "youngs_modulus": curve(rng, "GPa"),
        "poissons_ratio": rng.choice(
            (0.3, 0.3, 0, 0.49999, 0.5, -0.2, "30 %", {"yz": 0.2, "xz": 0.2, "xy": 0.1})
        ),
        "cte": curve(rng, "ppm/K"),
        "conductivity": curve(rng, "W/(m K)"),
    }
    other = rng.choice([*seeds.materials, *own, "mine"])
    if rng.random() < 0.2:
        made["shear_modulus"] = curve(rng, "GPa")
    if rng.random() < 0.3:
        made["glass_transition"] = "110 degC"
    if rng.random() < 0.3:
        made["relaxation"] = relaxation(rng)
    if rng.random() < 0.3:
        made = {"like": other} | dict(rng.sample(list(made.items()), 1))
    if rng.random() < 0.25:
        rules = (
            "particulate",
            "fibres",
            "columns",
            "balls",
            "x-layers",
            "z-layers",
            "voigt",
            "reuss",
            "traces",
        )
        f = rng.choice((0.0, 1e-9, 0.3, 0.7, 1.0))
        of = {rng.choice(seeds.materials): f, rng.choice(("void", other, "copper")): 1 - f}
        size = rng.choice(
            (
                {},
                {"particle_size": "5 um", "interface_resistance": "1e-8 m^2 K/W"},
                {"maximum_packing": f},
            )
        )
        rule = rng.choice(("maxwell", "bruggeman", "lewis-nielsen"))
        made = {"mixture": {"of": of, "rule": rng.choice(rules), "conductivity_rule": rule, **size}}
    return made


def relaxation(rng: random.Random) -> dict[str, Any]:
    fractions = rng.sample((0.1, "20 %", 0.5, 1), rng.choice((1, 1, 2, 3)))
    terms = [[quantity(rng, rng.choice(("s", "min", "us"))), fraction] for fraction in fractions]
    shifts: tuple[dict[str, Any], ...] = (
        *(
            {},
            {
                "wlf": {
                    "reference": "100 degC",
                    "c1": rng.choice((17.4, 1e-9, 1e9)),
                    "c2": quantity(rng, "K"),
                }
            },
        ),
        {
            "arrhenius": {
                "reference": "100 degC",
                "activation_energy": quantity(rng, rng.choice(("kJ/mol", "J/mol", "eV"))),
            }
        },
        {"shift": [["25 degC", 5], ["125 degC", rng.choice((0, 300, -300))]]},
    )
    return rng.choice(
        ({"youngs_modulus": terms}, {"shear": terms}, {"bulk": terms, "shear": terms}, {})
    ) | rng.choice(shifts)


def step(rng: random.Random, names: list[str]) -> dict[str, Any]:
    """One of a process."""
    T = quantity(rng, "degC")
    parts = rng.sample(names, rng.randrange(1, len(names) + 1))
    points = [["0 s", "25 degC"], [quantity(rng, "min"), "200 degC"]]
    face = f"{parts[0]}.{rng.choice(('bottom', 'x+', 'all', 'left'))}"
    made: dict[str, Any] = rng.choice(
        (
            *(
                {"do": "attach", "parts": parts[:2], "temperature": T},
                {"do": "cool", "temperature": T},
            ),
            {
                "do": "cure",
                "parts": parts[:2],
                "temperature": T,
                "shrinkage": rng.choice(("0.1 %", 0.1, 0.19, 0.5)),
            },
            {
                "do": "heat",
                "temperature": T,
                "rate": rng.choice(("3 K/s", "1e-9 K/s", "0 K/s")),
                "every": quantity(rng, "K"),
            },
            {
                "do": "heat",
                "profile": rng.choice(("jedec-pb-free-245", "none", points)),
                "every": "60 K",
            },
            {"do": "heat", "profile": points, "every": "1e-6 K"},
            {"do": "power", "on": rng.choice((True, False))},
            {
                "do": "power",
                "on": True,
                "duration": quantity(rng, "s"),
                "every": rng.choice(("10 s", "1 ns")),
            },
            {
                "do": "singulate",
                "size": [quantity(rng, "mm"), quantity(rng, "mm")],
                "at": ["0 mm", "0 mm"],
            },
            {
                "do": "singulate",
                "x": [f"-{quantity(rng, 'mm')}", quantity(rng, "mm")],
                "kerf": quantity(rng, "um"),
            },
            {"do": "support", "on": "table", "gravity": rng.choice((True, False))},
            {"do": "support", "on": "clamped", "faces": [face], "flat": True},
            *(
                {"do": "remove", "parts": parts[:1]},
                {"do": "support", "on": "free"},
                {"do": "press"},
                {},
            ),
        )
    )
    if rng.random() < 0.2:
        made["duration"] = rng.choice((quantity(rng, "min"), "0 s", "1e300 s"))
    return made


# text


def edit_line(text: str, rng: random.Random) -> str:
    """Delete, double, move, indent or cut a line."""
    lines = text.split("\n")
    n, m = rng.randrange(len(lines)), rng.randrange(len(lines))
    what = rng.randrange(6)
    if what == 0:
        del lines[n]
    elif what == 1:
        lines.insert(m, lines[n])
    elif what == 2:
        lines[n], lines[m] = lines[m], lines[n]
    elif what == 3:
        lines[n] = lines[n][: rng.randrange(len(lines[n]) + 1)]
    elif what == 4:
        lines[n] = "\t" + lines[n].replace("=", rng.choice((":", "==", "", " = = ")))
    else:
        lines = lines[: n + 1]
    return "\n".join(lines)


def edit_letter(text: str, rng: random.Random) -> str:
    n = rng.randrange(len(text) + 1)
    letter = rng.choice("\"'[]{}=,.#\\\n\t\r\0 \u202e\u2028\x85é°µ🙂0e-_" + text[:1])
    return text[:n] + letter + text[n + rng.choice((0, 1)) :]


def edit_number(text: str, rng: random.Random) -> str:
    found = list(re.finditer(r"\d+\.?\d*", text))
    if not found:
        return text
    match = rng.choice(found)
    long = ("9" * 5000, "0x" + "f" * 5000, "9" * 400)
    other = rng.choice(
        (
            *EXTREME,
            *long,
            "nan",
            "inf",
            "1e5",
            "2",
            "0.5",
            "2026-01-01",
            "true",
            "0b11",
            "0o7",
            "1.",
            ".5",
        )
    )
    return text[: match.start()] + other + text[match.end() :]


def edit_word(text: str, rng: random.Random) -> str:
    found = list(re.finditer(r"[A-Za-z_-]{2,}", text))
    if len(found) < 2:
        return text
    match, other = rng.choice(found), rng.choice(found)[0]
    return (
        text[: match.start()] + rng.choice((other, other[:-1], other + other)) + text[match.end() :]
    )


def edit_nest(text: str, rng: random.Random) -> str:
    depth = rng.choice((3, 30, 200, 300, 400, 470, 490, 600, 3000))
    opening, closing = rng.choice((("[", "]"), ("{a=", "}"), ("[[", "]]")))
    inside = "1" if opening != "[[" else ""
    return (
        f"{rng.choice(('deep', 'title', 'symmetry', 'part'))} = "
        f"{opening * depth}{inside}{closing * depth}\n" + text
    )


def edit_dots(text: str, rng: random.Random) -> str:
    return (
        f"{rng.choice(('part', 'grid', 'x'))}.{'.'.join('a' * rng.choice((2, 100, 2000)))} = 1\n"
        + text
    )


EDITS = (
    *(edit_line,) * 4,
    *(edit_letter,) * 3,
    *(edit_number,) * 3,
    *(edit_word,) * 3,
    edit_nest,
    edit_dots,
)


def document(tables: dict[str, Any], rng: random.Random) -> str:
    """TOML: sections two deep as a person writes them, or all in one line each."""
    if rng.random() < 0.1:
        return "".join(f"{key_text(key)} = {value_text(value)}\n" for key, value in tables.items())
    lines, later = [], []
    for key, value in tables.items():
        if isinstance(value, dict) and value:
            plain = {k: v for k, v in value.items() if not isinstance(v, dict)}
            if plain:
                later.append(f"\n[{key_text(key)}]")
                later += [f"{key_text(k)} = {value_text(v)}" for k, v in plain.items()]
            for name, table in value.items():
                if isinstance(table, dict):
                    later.append(f"\n[{key_text(key)}.{key_text(name)}]")
                    later += [f"{key_text(k)} = {value_text(v)}" for k, v in table.items()]
        elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
            for table in value:
                later.append(f"\n[[{key_text(key)}]]")
                later += [f"{key_text(k)} = {value_text(v)}" for k, v in table.items()]
        else:
            lines.append(f"{key_text(key)} = {value_text(value)}")
    return "\n".join([*lines, *later]) + "\n"


def key_text(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else value_text(key)


def value_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", escaped) + '"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key_text(k)} = {value_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(value_text(v) for v in value if v is not None) + "]"
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return repr(value)
