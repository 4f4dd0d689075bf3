"""What looks wrong to a run stands in its result, once, and in all that shows a result."""

import json

import warp
from warp.report import page
from warp.run import law_warnings, to_file

CASE = """
symmetry = "quarter"
[load]
stress_free = "175 degC"
temperature = "25 degC"
[grid]
spacing = "2 mm"
[part.tape]
size = "16 mm"
thickness = "0.4 mm"
material = "silicon"
[part.mould]
on = "tape"
size = "16 mm"
thickness = "0.4 mm"
material = "mould-compound"
"""


def test_warnings_stand_in_file_numbers_and_report(tmp_path):
    case, path = warp.Case.from_toml(CASE), tmp_path / "out.h5"
    ignore = lambda *_: None  # noqa: E731
    written = to_file.solve_to_file(case, path, "cpu", ignore, ignore, ignore)
    assert written.warnings and written.numbers["warnings"] == written.warnings
    result = warp.read(path)
    assert result.summary()["warnings"] == written.warnings
    assert len(set(written.warnings)) == len(written.warnings)
    json.dumps(result.summary())
    text, _ = page.html(result)
    assert "<h2>Warnings</h2>" in text and "relaxation = { youngs_modulus" in text


def test_the_remedy_by_relaxation_can_be_written_as_it_stands():
    relaxing = CASE.replace('"mould-compound"', '"mine"') + (
        '[material.mine]\nlike = "mould-compound"\nyoungs_modulus = "20 GPa"\n'
    )
    case = warp.Case.from_toml(relaxing + law_warnings.RELAXATION_TABLE)
    assert case.materials()["mine"].relaxation is not None
    assert not law_warnings.laws_apart(case)
