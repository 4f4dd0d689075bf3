"""The language of a case file: variables, arithmetic, repetitions, includes."""

from fractions import Fraction

import pytest

from warp.case.arithmetic import ExpressionError, Value, computes, evaluate, names_in
from warp.case.case import CaseError, load, schema
from warp.case.variables import WORD_KEYS
from warp.errors import WarpError

NAMES = {
    "pitch": evaluate("0.4 mm", {}),
    "n": Value(Fraction(3)),
    "T": evaluate("260 degC", {}),
}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2 * pitch", "0.8 mm"),
        ("2*pitch + 100 um", "0.9 mm"),
        ("(n - 1) * 8 mm", "16.0 mm"),
        ("1 mm / 2 mm", 0.5),
        ("6 / n", 2),
        ("min(pitch, 1 mm)", "0.4 mm"),
        ("max(pitch, 1 mm)", "1.0 mm"),
        ("-pitch", "-0.4 mm"),
        ("T - 30 K", "503.15 K"),
        ("-40 degC", "233.15 K"),
        ("10 W / (2 mm)^2", "2500000.0 W/m^2"),
        ("2 * 148 W/(m K)", "296.0 W/(m*K)"),
        ("3 * 4 kg/m/s^2", "12.0 Pa"),
        ("50 % * pitch", "0.2 mm"),
    ],
)
def test_arithmetic_keeps_its_unit(text, written):
    assert evaluate(text, NAMES).written() == written


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pitch + 3", "adds a quantity in m and a bare number"),
        ("pitch + 1 K", "adds a quantity in m and a quantity in K"),
        ("2 * pich", "no variable 'pich'; did you mean 'pitch'?"),
        ("2 * T", "cannot be multiplied"),
        ("T + T", "cannot be added"),
        ("T - 25 degC", "write the difference in K"),
        ("pitch / 0", "divides by zero"),
        ("(2 * pitch", "lacks a ')'"),
        ("2 *", "lacks a value at its end"),
        ("2 ^ 99", "small whole number"),
        ("9e99 * pitch", "out of range"),
        ("pitch * " * 40 + "1", "more than 200 characters"),
    ],
)
def test_an_expression_without_a_value_says_why(text, words):
    with pytest.raises(ExpressionError, match=".*") as error:
        evaluate(text, NAMES)
    assert words in str(error.value)


STACK = """\
[variables]
dies = 8
film = "20 um"

[part.die-0]
size = ["11 mm", "10 mm"]
thickness = "60 um"
material = "silicon"
on = "base"

[part."film-{n}"]
repeat = "dies"
on = "die-{n - 1}"
size = "die-0"
thickness = "film"
material = "underfill-uf9000ae"

[part."die-{n}"]
repeat = "dies"
on = "film-{n}"
size = "die-0"
thickness = "2 * film + 10 um"
material = "silicon"
"""
MODULE = """\
include = "shared/stack.toml"
title = "a module - 2 stacks"

[variables]
dies = 3

[part.base]
size = "20 mm"
thickness = "1 mm"
material = "fr4"

[load]
stress_free = "217 degC"
"""


@pytest.fixture
def module(tmp_path):
    def write(stack: str = STACK, text: str = MODULE, /, **changes: str):
        (tmp_path / "shared").mkdir(exist_ok=True)
        (tmp_path / "shared" / "stack.toml").write_text(stack)
        (tmp_path / "module.toml").write_text(text)
        return load(tmp_path / "module.toml", changes)

    return write


def test_a_stack_is_included_and_its_dies_repeated(module):
    case = module()
    assert case.title == "a module - 2 stacks"  # prose is not arithmetic
    assert [name for name in case.parts if name.startswith("die")] == [
        "die-0",
        *(f"die-{n}" for n in (1, 2, 3)),
    ]
    # base 1 mm, die-0 60 um, then three times a film of 20 um and a die of 2 x 20 + 10 um
    assert case.package.places["die-3"].z1 == pytest.approx(1e-3 + 60e-6 + 3 * 70e-6)


def test_set_changes_variables_and_single_copies(module):
    case = module(**{"variables.film": "30 um", "part.die-2.thickness": "3 * film"})
    heights = [case.parts[f"die-{n}"].thickness for n in (1, 2, 3)]
    assert heights == pytest.approx([70e-6, 90e-6, 70e-6])


def test_faults_name_the_included_file_and_the_line_of_the_template(module, tmp_path):
    for old, new, place in (
        (
            'material = "underfill-uf9000ae"',
            'materiel = "copper"',
            ":16: part.film-1.materiel: unkn",
        ),
        ("2 * film", "2 * flim", ":22: part.\"die-{n}\".thickness: there is no variable 'flim'"),
        ("dies = 8", "dies = 8\nmm = 3", ":3: variables.mm: 'mm' is a unit"),
        ("dies = 8", 'dies = 8\na = "b"\nb = "2 * a"', ":3: variables.a: is computed from itself"),
        ('"film-{n}"]', '"film-{m}"]', ":11: part.\"film-{m}\": 'm' is 1.0 m, not a whole number"),
        ('"film-{n}"]', '"sheet"]', ":11: part.sheet: is 'sheet' more than once; put the counter"),
        (
            'repeat = "dies"',
            'repeat = "dies / 2"',
            ":12: part.\"film-{n}\".repeat: 'dies / 2' is 1.5",
        ),
    ):
        with pytest.raises(CaseError) as error:
            module(STACK.replace(old, new, 1))
        line = str(error.value)
        assert line.startswith(f"{tmp_path}/shared/stack.toml{place}"), line
        assert "\n" not in line


def test_an_included_file_that_cannot_be_read(module, tmp_path):
    for text, words in (
        (MODULE.replace("stack.toml", "other.toml"), "cannot be read: No such file"),
        (MODULE.replace("shared/stack.toml", "module.toml"), "'module.toml' includes itself"),
        (MODULE.replace('"shared/stack.toml"', "3"), "names case files"),
    ):
        with pytest.raises(CaseError, match="module.toml:1: include: ") as error:
            module(STACK, text)
        assert words in str(error.value)
    with pytest.raises(CaseError, match=r"'shared/stack.toml' line 2 is not TOML"):
        module("a = 1\nb = x")


def test_a_record_is_read_without_the_included_files(module, tmp_path):
    from warp.case.case import parse

    case = module()
    (tmp_path / "shared" / "stack.toml").unlink()
    again = parse(case.record, case.path)
    assert again.tables == case.tables and again.title == case.title
    assert parse(again.record, case.path).record == again.record
    with pytest.raises(CaseError, match="No such file"):
        parse(case.text, case.path)


def test_a_case_goes_back_to_toml_with_its_includes_and_overrides(module):
    from warp.case.case import Case

    case = module(**{"part.die-2.thickness": "3 * film", "variables.film": "30 um"})
    again = Case.from_toml(case.to_toml(), case.path.parent)
    assert again.tables == case.tables
    assert again.parts["die-2"].thickness == pytest.approx(90e-6)


def test_files_that_an_included_case_names_lie_beside_it(module, tmp_path):
    stack = STACK.replace('thickness = "60 um"', 'thickness = "60 um"\npower = { map = "w.csv" }')
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "w.csv").write_text("1,2\n3,4\n")
    text = (
        MODULE
        + '[boundary.air]\nface = "base.bottom"\nfilm = "1 kW/(m^2 K)"\nambient = "20 degC"\n'
    )
    (source,) = module(stack, text).sources
    assert source.watts.sum() == 10.0


def test_entries_of_lists_and_groups_are_repeated(module):
    text = (
        MODULE
        + """
[[step]]
repeat = 2
of = [
    { do = "heat", temperature = "250 degC", name = "hot {n}" },
    { do = "cool", temperature = "-40 degC" },
]
[[step]]
do = "heat"
temperature = "25 degC"
"""
    )
    case = module(STACK, text)
    assert [step.name for step in case.load_steps] == [
        "hot 1",
        "cool to -40 degC",
        "hot 2",
        "cool to -40 degC",
        "heat to 25 degC",
    ]


def test_two_counters_make_a_field_of_parts(module):
    text = (
        MODULE
        + """
[part."cap-{row}-{n}"]
repeat = { row = 2, n = 3 }
on = "base"
size = "1 mm"
thickness = "0.5 mm"
material = "silicon"
at = ["(n - 2) * 3 mm", "(2 * row - 3) * 8 mm"]
"""
    )
    case = module(STACK, text)
    assert case.parts["cap-1-1"].at == pytest.approx((-3e-3, -8e-3))
    assert case.parts["cap-2-3"].at == pytest.approx((3e-3, 8e-3))


def test_numbers_are_computed_too(module):
    text = (
        MODULE
        + """
[part.bumps]
shape = "block-array"
under = "base"
size = "0.5 mm"
thickness = "0.1 mm"
pitch = "1 mm"
count = ["dies + 1", "2 * dies"]
material = "sac305"
"""
    )
    assert module(STACK, text).parts["bumps"].count == (4, 6)


def test_an_interval_of_a_tolerance_is_no_arithmetic(module):
    free = '[identify.free]\npart.base.thickness = "+- 20 um"\n'
    case = module(STACK, MODULE + '[tolerance]\npart.base.thickness = "+- 10 um"\n' + free)
    assert case.tolerances[0].interval
    assert case.tables["identify"]["free"]["part"]["base"]["thickness"] == "+- 20 um"


def test_a_file_name_is_no_arithmetic(module):
    text = MODULE.replace("dies = 3", "dies = 3\ntop = 2") + (
        '[part.board]\nunder = "base"\nsize = "20 mm"\nmaterial = "fr4"\n'
        'layers = [{ thickness = "0.1 mm", copper = "top-2.png" }]\n'
    )
    with pytest.raises(CaseError, match="cannot read the copper layout .*top-2.png"):
        module(STACK, text)


@pytest.mark.parametrize("text", ["+- 10 um", "+-10 um", "+- 5 %"])
def test_an_interval_is_no_arithmetic(text):
    assert names_in(text) is None
    assert not computes(text)


def test_a_variable_may_not_hide_a_part_or_a_material(module):
    for name in ("base", "copper"):
        with pytest.raises(WarpError, match=f"variables.{name}: '{name}' is a part or a material"):
            module(STACK, MODULE.replace("dies = 3", f"{name} = 3"))


def test_sensitivity_reads_the_plain_tables(module):
    from warp.case.tolerance import Tolerance, nominal

    tolerance = Tolerance("part.die-2.thickness", 1.0, "um", False)
    assert nominal(module().tables, tolerance) == (50.0, "um")


def test_words_of_the_schema_are_not_taken_for_arithmetic():
    """Every key of the schema whose text is a name or a word is left alone."""
    found = schema()
    for kind in (found, *found["$defs"].values()):
        for key, value in kind.get("properties", {}).items():
            options = [value, *value.get("anyOf", ())]
            words = any("enum" in option or "const" in option for option in options)
            texts = any(option.get("type") == "string" for option in options)
            examples = [str(x) for option in options for x in option.get("examples", ())]
            quantity = any(example[0] in "-0123456789" for example in examples)
            if texts and not quantity and not words and key not in ("include", "size"):
                assert key in WORD_KEYS, key


def test_the_schema_knows_the_language():
    import tomllib

    jsonschema = pytest.importorskip("jsonschema")
    for text in (STACK, MODULE + '[[step]]\nrepeat = 2\nof = [{ do = "hold" }]\n'):
        tables = tomllib.loads(text)
        tables.setdefault("load", {"stress_free": "25 degC"})
        jsonschema.validate(tables, schema())
    field = {
        "repeat": {"row": 2},
        "shape": "block-array",
        "size": "1 mm",
        "pitch": "2 mm",
        "count": ["dies", 2],
    }
    jsonschema.validate({"part": {"x-{row}": field}, "load": {"stress_free": "T"}}, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"part": {"x": {**field, "sizes": 3}}, "load": {}}, schema())


def test_every_key_of_the_schema_is_described():
    found = schema()
    silent = [
        f"{name}.{key}"
        for name, kind in (("case", found), *found["$defs"].items())
        for key, value in kind.get("properties", {}).items()
        if len(_said(value, found).split()) < 2 and "const" not in value
    ]
    assert not silent


def _said(value, found):
    """Return the description of a key, or that of what it refers to."""
    if "description" in value or "$ref" not in value:
        return value.get("description", "")
    return _said(found["$defs"][value["$ref"].rpartition("/")[2]], found)


def test_proposals_fit_the_key(module):
    """Neither a void where a solid is wanted, nor silence about the words of the language."""
    hole = '[part.bast]\nshape = "void"\ninside = "base"\nsize = "1 mm"\n'
    face = '[boundary.air]\nface = "bass.top"\nfilm = "9 W/(m^2 K)"\nambient = "20 degC"\n'
    for text, words in (
        (MODULE + hole + face, "there is no part 'bass'; did you mean 'base'?"),
        (MODULE.replace("[variables]", "[variable]"), "unknown key; did you mean 'variables'?"),
        (MODULE.replace('material = "fr4"', 'material = "fr4"\nrepeet = 2'), "mean 'repeat'?"),
    ):
        with pytest.raises(CaseError) as error:
            module(STACK, text)
        assert words in str(error.value)


def test_a_step_names_parts_by_a_pattern(module):
    """In the order of the file, each once; a pattern that fits none is an unknown part."""
    steps = """
[[step]]
do = "attach"
parts = ["base", "film-*", "{}"]
temperature = "150 degC"
"""
    case = module(STACK, MODULE + steps.format("die-*"))
    (load_step,) = case.load_steps[-1:]
    dies = [name for name in case.parts if name.startswith("die-")]
    assert len(dies) > 1
    assert {*case.parts} == {*load_step.stage.present}
    with pytest.raises(CaseError, match=r"there is no part 'dram-\*'"):
        module(STACK, MODULE + steps.format("dram-*"))


def test_a_part_stands_on_all_that_a_pattern_names(module):
    text = (
        MODULE
        + """
[part.lid]
on = "{}"
size = "4 mm"
thickness = "1 mm"
material = "copper"
"""
    )
    case = module(STACK, text.format("die-3*"))
    assert case.parts["lid"].on == ("die-3",)
    with pytest.raises(CaseError, match=r"there is no part 'logic-\*'"):
        module(STACK, text.format("logic-*"))


PLAIN = """\
[variables]
dies = 2
pitch = "1 mm"

[part.base]
size = "{10 * pitch}"
thickness = "1 mm"
material = "silicon"

[part."die-{dies}"]
on = "base"
size = "4 * pitch"
thickness = "0.5 mm"
material = "silicon"

[part.top]
on = "die-{dies}"
size = "pitch"
thickness = "0.5 mm"
material = "silicon"

[load]
stress_free = "100 degC"
"""


def test_braces_hold_variables_where_nothing_is_repeated(module):
    case = module(STACK, PLAIN)
    assert list(case.parts) == ["base", "die-2", "top"]
    assert case.package.places["base"].outline.width == pytest.approx(10e-3)


def test_braces_around_a_unit_are_text(module):
    assert module(STACK, 'title = "10^{m} and {K}"\n' + PLAIN).title == "10^{m} and {K}"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('[part."die-{dies}"]', '[part."die-{k}"]', "{k} counts nothing: add repeat = 8"),
        ('"die-{dies}"\nsize', '"die-{pitch}"\nsize', "'pitch' is 1.0 mm, not a whole number"),
        ("[part.top]", "[part.die-2]", "is 'die-2', and so is another table"),
        ("dies = 2\n", "n = 2\ndies = 2\n", ""),
    ],
)
def test_braces_that_hold_no_number_say_what_to_write(module, old, new, words):
    text = PLAIN.replace(old, new)
    if not words:
        text, words = text.replace("[part.top]", "[part.top]\nrepeat = 3"), "repeat = { k = 3 }"
    with pytest.raises(CaseError) as error:
        module(STACK, text)
    assert words in str(error.value)
