"""Case files: what a file says, what the command line changes, and one clear line for everything
that is wrong.
"""

import json
import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warp.case.case import CaseError, load, schema
from warp.case.toml_lines import key_lines
from warp.errors import WarpError
from warp.voxels.boundary import Film, Fixed, Interface

PACKAGES = sorted(Path(str(resources.files("warp.data"))).joinpath("packages").glob("*.toml"))

TEXT = """\
title = "two layers"
symmetry = "quarter"

[material.stiff]
youngs_modulus = "130 GPa"
poissons_ratio = 0.28
cte = "2.8 ppm/K"
conductivity = "130 W/(m K)"

[part.substrate]
size = ["10 mm", "8 mm"]
thickness = "1 mm"
material = "fr4"

[part.chip]
on = "substrate"
size = "4 mm"
thickness = "0.5 mm"
material = "stiff"
power = "10 W"
stress_free = "217 degC"

[boundary.air]
face = ["chip.top", "package.bottom"]
film = "1000 W/(m^2 K)"
ambient = "20 degC"

[load]
stress_free = "165 degC"

[output]
surfaces = ["substrate.bottom", "chip.top"]
zones = { "substrate.bottom" = "chip", "chip.top" = "3 mm" }
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str = TEXT, *edits: tuple[str, str]) -> Path:
        for old, new in edits:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "case.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def complaint(path: Path, overrides: dict[str, str] | None = None) -> str:
    with pytest.raises(CaseError) as caught:
        load(path, overrides)
    assert caught.value.exit_code == 2
    return str(caught.value).replace(f"{path}", path.name)


def test_a_case(write):
    case = load(write())
    assert (case.title, case.mirror, case.heated) == ("two layers", (True, True), True)
    assert (case.loads.stress_free, case.loads.temperature) == (438.15, 298.15)
    assert [(body.part, body.material, body.stress_free) for body in case.bodies()] == [
        ("substrate", "fr4", None),
        ("chip", "stiff", 490.15),
    ]
    assert case.materials()["stiff"].stiffness(298.15)[0] > 130e9
    assert case.boundaries == [
        Film("chip.top", 1000.0, 293.15),
        Film("package.bottom", 1000.0, 293.15),
    ]
    assert [(source.part, source.watts) for source in case.sources] == [("chip", 10.0)]
    assert case.surfaces == [("substrate", "bottom"), ("chip", "top")]
    zones = {key: tuple(round(1e3 * v, 9) for v in zone) for key, zone in case.zones.items()}
    assert zones == {
        ("substrate", "bottom"): (-2, 2, -2, 2),
        ("chip", "top"): (-1.5, 1.5, -1.5, 1.5),
    }
    assert case.text == TEXT


def test_overrides(write):
    path = write()
    case = load(
        path,
        {"part.chip.thickness": "0.3 mm", "load.temperature": '"solved"', "grid.spacing": "0.2 mm"},
    )
    assert case.bodies()[1].bounds[5] == pytest.approx(1.3e-3)
    assert case.loads.temperature is None
    assert case.grid.spacing == pytest.approx(2e-4)
    assert load(path, {"part.substrate.size.2": "9 mm"}).bodies()[0].bounds[3] == pytest.approx(
        4.5e-3
    )
    assert load(path, {"boundary.air.face": '["chip.top"]'}).boundaries == [
        Film("chip.top", 1000.0, 293.15)
    ]


BAD = [
    (
        'thickness = "0.5 mm"',
        'thicknes = "0.5 mm"',
        "case.toml:18: part.chip.thicknes: unknown key; did you mean 'thickness'?",
    ),
    ('thickness = "0.5 mm"', "thickness = 0.5", "case.toml:18: part.chip.thickness: needs a unit, e.g. mm, um"),
    (
        'thickness = "0.5 mm"',
        'thickness = "0.5 K"',
        "case.toml:18: part.chip.thickness: 'K' is a temperature, not a length",
    ),
    ('thickness = "0.5 mm"', 'thickness = "-0.5 mm"', "case.toml:18: part.chip.thickness: must be greater than zero"),
    ('thickness = "0.5 mm"', 'thickness = "0 mm"', "case.toml:18: part.chip.thickness: must be greater than zero"),
    ('size = "4 mm"', 'size = "4e-6 mm"', "case.toml:15: part.chip: is 4 nm thin: is the unit right?"),
    ('size = "4 mm"', 'size = "1e-300 mm"', "case.toml:17: part.chip.size: is 1e-294 nm: is the unit right?"),
    ('size = "4 mm"', "size = 2026-01-01", "case.toml:17: part.chip.size"),
    ('on = "substrate"', "on = 2026-01-01", "case.toml:16: part.chip.on: must be a list, not 2026-01-01"),
    ('on = "substrate"', "on = 0x" + "f" * 5000, "part.chip.on: must be a list, not a number of so many digits"),
    ('power = "10 W"', f"power = {'9' * 400}", "part.chip.power: a number of so many digits is out of range"),
    ('power = "10 W"', f"power = {'9' * 5000}", "case.toml: has a number of too many digits"),
    ('title = "two layers"', f"interface = {'[' * 150}{']' * 150}", "interface: must be a table of keys, not [[[...]]]"),
    ('thickness = "0.5 mm"', '"\\u0000" = 1', r'case.toml:18: part.chip."\x00": unknown key'),
    ('thickness = "0.5 mm"', f'thickness = "{"x" * 5000}"', "xxx ... xxx"),
    ('thickness = "0.5 mm"', 'thickness = "1 (9**9**9**9) mm"', "unknown unit '(9**9**9**9) mm': needs a unit"),
    ('thickness = "0.5 mm"', 'pitch = "1 mm"', "it belongs to shape = 'balls' or 'block-array' or 'columns'"),
    ('thickness = "0.5 mm"\n', "", 'case.toml:15: part.chip: has no thickness: add thickness = "0.5 mm"'),
    ('size = "4 mm"\n', "", 'case.toml:15: part.chip.size: is missing: add size = ["20 mm", "20 mm"]'),
    ('material = "stiff"\n', "", "case.toml:15: part.chip.material: is missing"),
    (
        'on = "substrate"',
        'on = "substrat"',
        "case.toml:16: part.chip.on: there is no part 'substrat'; did you mean 'substrate'?",
    ),
    ('on = "substrate"', 'on = "chip"', "case.toml:15: part.chip: stands on itself: chip rests on chip"),
    (
        'size = "4 mm"',
        'size = "4 mm"\nshape = "plat"',
        "case.toml:18: part.chip.shape: 'plat' is not a shape; did you mean 'plate'?",
    ),
    ('size = "4 mm"', 'size = "4 mm"\nshape = "ring"', "'ring' is not a shape; did you mean 'frame'?"),
    ('size = "4 mm"', 'size = "4 mm', "case.toml:17: is not TOML: Illegal character '\\n'; a quotation mark is missing"),
    ('size = "4 mm"', 'size = "4 mm"\nturn = 45', "case.toml:18: part.chip.turn: 45 is not one of 0, 90, 180 or 270"),
    (
        'size = "4 mm"',
        'size = "4 mm"\nat = ["1 mm", "0 mm"]',
        "case.toml:2: symmetry: part 'chip' has no mirror image in the plane x = 0",
    ),
    ("poissons_ratio = 0.28", "poissons_ratio = 0.5", "case.toml:6: material.stiff.poissons_ratio: "),
    (
        'material = "fr4"',
        'material = "fr5"',
        "case.toml:13: part.substrate.material: there is no material 'fr5'; did you mean 'fr4'?",
    ),
    ('power = "10 W"', 'power = "10 K"', "case.toml:20: part.chip.power: 'K' is a temperature, not a power"),
    ('power = "10 W"', 'power = { map = "no.csv" }', "case.toml:20: part.chip.power.map: cannot read power map"),
    (
        'power = "10 W"',
        'power = { blocks = [{ power = "1 W", size = "1 mm", at = ["1 mm", "0 mm"] }] }',
        "heat of part 'chip' is not mirrored in the plane x = 0; use symmetry = \"half-y\"",
    ),
    (
        'power = "10 W"',
        'power = { blocks = [{ power = "1 W", size = "5 mm" }] }',
        "case.toml:20: part.chip.power.blocks.1: reaches beyond 'chip'",
    ),
    (
        'power = "10 W"',
        'power = { total = "1 W", blocks = [{ power = "2 W", size = "1 mm" }] }',
        "is less than the blocks give off (2 W)",
    ),
    ('"chip.top", "package', '"chip.up", "package', "case.toml:24: boundary.air.face: 'chip.up' is not a face"),
    (
        '"chip.top", "package',
        '"ship.top", "package',
        "case.toml:24: boundary.air.face: there is no part 'ship'; did you mean 'chip'?",
    ),
    ('"chip.top", "package', '"chip.x+", "package', "the boundary on 'chip.x+' is not mirrored in the plane x = 0"),
    ('ambient = "20 degC"\n', "", "case.toml:23: boundary.air: has a film but no ambient"),
    ('film = "1000 W/(m^2 K)"\n', "", "case.toml:23: boundary.air: needs film"),
    ('[load]\nstress_free = "165 degC"\n', "", "case.toml: load: [load] is missing"),
    (
        'stress_free = "165 degC"',
        'stress_free = "-300 degC"',
        "case.toml:29: load.stress_free: '-300 degC' is below absolute zero",
    ),
    ('symmetry = "quarter"', 'symmetry = "quater"', "case.toml:2: symmetry: 'quater' is not one of"),
    ("[load]", "[lode]", "unknown key; did you mean 'load'?"),
    (
        'surfaces = ["substrate.bottom"',
        'surfaces = ["substrate.left"',
        "case.toml:32: output.surfaces.1: 'substrate.left' is not a face",
    ),
    (
        '"substrate.bottom" = "chip"',
        '"substrate.bottom" = "chop"',
        "case.toml:33: output.zones.\"substrate.bottom\": there is no part 'chop'",
    ),
    ("[part.chip]", '[part."my chip"]', "the name 'my chip' is not plain"),
    (
        'thickness = "0.5 mm"',
        "thickness = 0.5 mm",
        "case.toml:18: is not TOML: Expected newline or end of document after a statement; quantities are quoted",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), BAD)
def test_one_line_for_what_is_wrong(write, old, new, words):
    text = complaint(write(TEXT, (old, new)))
    assert words in text
    assert all(line.startswith("case.toml") for line in text.splitlines())
    assert len(text.splitlines()) == 1 or new == "[lode]"


def test_all_that_is_wrong_is_listed_in_the_order_of_the_file(write):
    edits = (
        ('thickness = "0.5 mm"', "thickness = 0.5"),
        ("poissons_ratio", "poison_ratio"),
        ('"20 degC"', '"20 W"'),
    )
    lines = complaint(write(TEXT, *edits)).splitlines()
    assert [line.split(":")[1] for line in lines] == ["6", "18", "26"]


STEPS = """
[[step]]
do = "attach"
parts = ["chip", "lit"]
temperature = "217"

[[step]]
do = "cool"
temperature = "250 degC"
"""


def test_errors_of_every_kind_are_listed_in_one_round(write):
    """A wrong unit, a wrong key, names in parts, faces and steps, a part beside its support."""
    ring = '[part.ring]\non = "substrate"\nsize = "2 mm"\nat = ["20 mm", "0 mm"]\n'
    ring += 'thickness = "1 mm"\nmaterial = "coper"\n\n[boundary.air]'
    edits = (
        ('"130 GPa"', '"130"'),
        ('thickness = "0.5 mm"', 'thicknes = "0.5 mm"'),
        ("[boundary.air]", ring),
        ('["chip.top"', '["ship.top"'),
        ('"substrate.bottom" = "chip"', '"substrate.bottom" = "chop"'),
    )
    lines = complaint(write(TEXT + STEPS, *edits)).splitlines()
    keys = [line.split(": ")[1] for line in lines]
    assert keys == [
        "material.stiff.youngs_modulus",
        "part.chip.thicknes",
        "part.ring.on",
        "part.ring.material",
        "boundary.air.face",
        'output.zones."substrate.bottom"',
        "step.1.parts",
        "step.1.temperature",
    ]


def test_what_rests_on_a_part_with_an_error_is_not_blamed(write):
    lid = '[part.lid]\non = "chip"\nunder = "roof"\nsize = "chip"\nmaterial = "copper"\n\n'
    lid += '[part.roof]\non = "chip"\nlift = "1 mm"\nsize = "4 mm"\nthickness = "1 mm"\n'
    lid += 'material = "copper"\n\n[boundary.air]'
    edits = (('thickness = "0.5 mm"', "thickness = 0.5"), ("[boundary.air]", lid))
    assert complaint(write(TEXT, *edits)).count("\n") == 0


def test_an_order_of_steps_is_judged_beside_a_fault_of_the_geometry(write):
    steps = STEPS.replace('"217"', '"217 degC"').replace(', "lit"', "")
    text = complaint(write(TEXT + steps, ('stress_free = "217 degC"', 'at = ["20 mm", "0 mm"]')))
    assert [line.split(": ")[1] for line in text.splitlines()] == [
        "part.chip.on",
        "step.2.temperature",
    ]


def test_overrides_that_cannot_be(write):
    path = write()
    assert complaint(path, {"part.chip.thickness": "0.5"}) == (
        "case.toml: --set part.chip.thickness: needs a unit, e.g. mm, um (0.5 is a bare number)"
    )
    assert "the file has no part.ship; did you mean 'chip'?" in complaint(
        path, {"part.ship.size": "1 mm"}
    )
    assert "a value without keys" in complaint(path, {"title.size": "1 mm"})
    assert "has entries 1 to 2" in complaint(path, {"part.substrate.size.3": "1 mm"})
    assert "--set part.chip.on: there is no part 'lid'" in complaint(path, {"part.chip.on": "lid"})


def test_orthotropy_that_is_not_positive_definite(write):
    ortho = """poissons_ratio = { xy = 0.3, out_of_plane = 0.9 }
shear_modulus = "10 GPa"
"""
    edits = (
        ("poissons_ratio = 0.28\n", ortho),
        ('"130 GPa"', '{ in_plane = "20 GPa", z = "10 GPa" }'),
    )
    text = complaint(write(TEXT, *edits))
    assert (
        text.startswith("case.toml:6: material.stiff.poissons_ratio: ")
        and "positive definite" in text
    )


def test_heat_needs_a_way_out(write):
    start, _, rest = TEXT.partition("[boundary.air]")
    cold = start + "[load]" + rest.partition("[load]")[2]
    assert "part.chip.power: has no way out" in complaint(write(cold))
    text = complaint(write(cold, ('power = "10 W"\n', "")), {"load.temperature": "solved"})
    assert "load.temperature: cannot be" in text


def test_boundaries(write):
    more = """
[boundary.board]
face = "substrate.bottom"
temperature = "25 degC"

[interface.bond]
between = ["chip", "substrate"]
resistance = "10 mm^2 K/W"
"""
    case = load(write(TEXT + more, (', "package.bottom"', "")))
    assert case.boundaries[1:] == [
        Fixed("substrate.bottom", 298.15),
        Interface("chip", "substrate", 1e-5),
    ]
    assert "names the same part twice" in complaint(
        write(TEXT + more, ('["chip", "substrate"]', '["chip", "chip"]'))
    )


def test_unreadable_files(tmp_path):
    assert (
        complaint(tmp_path / "none.toml") == "none.toml: cannot be read: No such file or directory"
    )
    assert "cannot be read" in complaint(tmp_path)
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    assert "is a device, a pipe or a socket" in complaint(tmp_path / "zero.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\x00")
    assert "is not UTF-8 text" in complaint(tmp_path / "bytes.toml")


# power maps


def test_power_map_lies_as_drawn(write, tmp_path):
    (tmp_path / "map.csv").write_text("# watts\n1, 2, 3\n4, 5, 6\n")
    path = write(TEXT, ('power = "10 W"', 'power = { map = "map.csv" }'), ('"quarter"', '"none"'))
    [source] = load(path).sources
    assert source.watts.tolist() == [[4, 5, 6], [1, 2, 3]]  # first row at y-
    assert source.x == pytest.approx(np.linspace(-2e-3, 2e-3, 4)) and source.y == pytest.approx(
        [-2e-3, 0, 2e-3]
    )
    [turned] = load(path, {"part.chip.turn": "90"}).sources
    assert turned.watts.tolist() == [
        [1, 4],
        [2, 5],
        [3, 6],
    ]  # the picture's left column is now its bottom row
    np.save(tmp_path / "map.npy", np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    [scaled] = load(
        path, {"part.chip.power": '{ map = "map.npy", total = "42 W", side = "bottom" }'}
    ).sources
    assert scaled.watts.tolist() == [[8, 10, 12], [2, 4, 6]]
    assert scaled.z == pytest.approx((1e-3, 1.01e-3))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("1,2\n3\n", "rows differ"),
        ("a,b\n", "not a table of watts"),
        ("1,-2\n", "negative"),
        ("1,nan\n", "no number"),
        ("", "holds 0 entries"),
        ("1e308,1\n", "is the unit right"),
    ],
)
def test_power_map_that_is_none(write, tmp_path, content, words):
    (tmp_path / "map.csv").write_text(content)
    text = complaint(write(TEXT, ('power = "10 W"', 'power = { map = "map.csv" }')))
    assert text.startswith("case.toml:20: part.chip.power.map: ") and words in text


# symmetry

TWINS = """
symmetry = "quarter"
[load]
stress_free = "150 degC"
[boundary.air]
face = ["left.top", "right.top"]
film = "1000 W/(m^2 K)"
ambient = "20 degC"
[part.base]
size = "20 mm"
thickness = "1 mm"
material = "fr4"
[part.left]
on = "base"
at = ["-5 mm", "0 mm"]
size = "4 mm"
thickness = "1 mm"
material = "silicon"
power = "3 W"
[part.right]
on = "base"
at = ["5 mm", "0 mm"]
size = "4 mm"
thickness = "1 mm"
material = "silicon"
power = { blocks = [{ power = "3 W", size = "4 mm" }] }
"""


def test_two_parts_may_mirror_each_other(write):
    even = TWINS.replace('{ blocks = [{ power = "3 W", size = "4 mm" }] }', '"3 W"')
    assert load(write(even)).mirror == (True, True)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"5 mm", "0 mm"', '"5.001 mm", "0 mm"', "part 'left' has no mirror image"),
        ('"5 mm", "0 mm"', '"5 mm", "1 mm"', 'use symmetry = "none"'),
        ('power = "3 W"\n[', 'power = "2 W"\n[', "the heat of part 'left' is not mirrored"),
        ('"right.top"', '"base.bottom"', "the boundary on 'left.top' is not mirrored"),
        ('at = ["5 mm"', 'stress_free = "9 degC"\nat = ["5 mm"', "part 'left' has no mirror image"),
    ],
)
def test_twins_that_are_not(write, old, new, words):
    even = TWINS.replace('{ blocks = [{ power = "3 W", size = "4 mm" }] }', '"3 W"')
    assert words in complaint(write(even, (old, new)))


def test_twins_that_override_each_other_the_other_way_round(write):
    even = TWINS.replace('power = { blocks = [{ power = "3 W", size = "4 mm" }] }', "").replace(
        'power = "3 W"', ""
    )
    even = even.replace(
        "[part.right]",
        """[part.cover]
on = "base"
size = ["8 mm", "2 mm"]
thickness = "1 mm"
material = "copper"
[part.right]""",
    )
    assert "mirrored in the plane x = 0 the other one would be on top" in complaint(write(even))


# the shipped files


@pytest.fixture(scope="module")
def language():
    """Return the validator of the published schema, which is itself valid."""
    validators = pytest.importorskip("jsonschema.validators")
    published = schema()
    validator = validators.validator_for(published)
    validator.check_schema(published)
    return validator(published)


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.stem)
def test_shipped_package(path, language):
    case = load(path)
    assert case.title and case.bodies()
    language.validate(tomllib.loads(case.text))


def test_fcbga_follows_its_publication():
    bare, lid = (load(PACKAGES[0].with_name(f"fcbga-{name}.toml")) for name in ("bare", "lid"))
    places = lid.package.places
    assert places["substrate"].z1 == pytest.approx(1.356e-3)
    assert places["chip"].z1 == pytest.approx(2.206e-3)
    assert places["lid"].ceiling - places["lid"].z0 == pytest.approx(0.8e-3)
    bumps = lid.package.recipes["bumps: effective"].of["sac305"]
    assert bumps == pytest.approx(np.pi * 99.5**2 / (4 * 150**2))
    assert [b.bounds for b in bare.bodies()] == [
        b.bounds for b in lid.bodies()[: len(bare.bodies())]
    ]


def test_schema_is_one_that_editors_understand():
    text = json.dumps(schema())
    assert '"null"' not in text and "$ref" in text
    for shape in ("plate", "frame", "lid", "columns", "balls", "prism", "void"):
        assert f'"const": "{shape}"' in text


# lines and noise


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.stem)
def test_every_key_has_its_line(path):
    text = path.read_text(encoding="utf-8")
    lines, rows = key_lines(text), text.splitlines()

    def visit(value: object, at: tuple) -> None:
        if at:
            assert at in lines
            assert isinstance(at[-1], int) or at[-1] in rows[lines[at] - 1]
        entries = (
            value.items()
            if isinstance(value, dict)
            else enumerate(value)
            if isinstance(value, list)
            else ()
        )
        for step, entry in entries:
            visit(entry, (*at, step))

    visit(tomllib.loads(text), ())


def test_lines_of_odd_toml():
    text = """a.b = '''
x
'''

"c d" = {e = [1,
2], f.g = ''}
[[h]]
i = 1 # ]
[h.j]
k = 1979-05-27 07:32:00
[[h]]
i = 2
"""
    lines = key_lines(text)
    wanted = {
        ("a", "b"): 1,
        ("c d",): 5,
        ("c d", "e", 1): 6,
        ("c d", "f", "g"): 6,
        ("h", 0, "i"): 8,
    }
    wanted |= {("h", 0, "j", "k"): 10, ("h", 1): 11, ("h", 1, "i"): 12}
    assert {key: lines[key] for key in wanted} == wanted


KEYS = [
    *(
        "part.chip.thickness",
        "part.chip.on",
        "part.chip.at",
        "part.chip.size",
        "part.chip.shape",
        "part.chip.power",
    ),
    *(
        "part.substrate.layers",
        "part.substrate.inside",
        "part.chip.turn",
        "material.stiff.cte",
        "load.temperature",
    ),
    *(
        "output.zones",
        "boundary.air.face",
        "grid.refine",
        "symmetry",
        "part.chip.lift",
        "part.chip",
        "material.stiff",
    ),
]
VALUES = st.one_of(
    st.sampled_from(
        ["1 mm", "-1 mm", "nan mm", "1e300 mm", "chip", "substrate", "lid", "solved", "columns"]
    ),
    st.sampled_from(
        ["[]", "{}", "[[1]]", "[{}]", "90", "true", "1e400", "1979-05-27", '"\\u0000"']
    ),
    st.sampled_from(
        ['["1 mm", "2 mm"]', '{map = "."}', "{blocks = []}", '{total = "1 W", side = "top"}']
    ),
    st.text(max_size=8),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=2))
def test_noise_is_refused_in_words(write, overrides):
    path = write()
    try:
        load(path, overrides)
    except WarpError as error:
        assert str(error)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, len(TEXT)), st.integers(0, 12), st.text(max_size=4))
def test_damaged_files_are_refused_in_words(write, at, cut, pasted):
    path = write(TEXT[:at] + pasted.replace("\r", "") + TEXT[at + cut :])
    try:
        load(path)
    except WarpError as error:
        assert str(error)
