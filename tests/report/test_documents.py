"""Slides, a workbook and PDF pages: what can be edited, what is a number, what is text."""

import sys

import pytest
from finished import finished

import warp
from warp.errors import WarpError
from warp.report import contents, documents, pdf
from warp.report.plots import WIDTH

pptx = pytest.importorskip("pptx")
openpyxl = pytest.importorskip("openpyxl")
BODY = {"parts": ["board", "chip"], "unit": None, "time_s": 0.0}


@pytest.fixture(scope="module")
def result():
    """A process that cools and is attached to on the way: two stretches of computed points."""
    found = finished()

    def record(step, at, value, parts):
        surfaces = {"board": {"bottom": {"warpage_um": value}}}
        names = {"step": step, "name": "=cool()", "last": True, "temperature_C": at}
        return names | BODY | {"parts": parts, "surfaces": surfaces}

    found.metrics["steps"] = [
        record(1, 200.0, 5.0, ["board"]),
        record(2, 200.0, 6.0, ["board", "chip"]),
        record(3, 25.0, 120.0, ["board", "chip"]),
    ]
    return found


@pytest.fixture(scope="module")
def files(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    wanted = documents.files(folder / "dome.html", ["pptx", "xlsx", "pdf"])
    assert documents.write(result, wanted) == []
    return {file.suffix: file for file in wanted}


def test_slides_have_editable_text_tables_and_charts(files):
    deck = pptx.Presentation(str(files[".pptx"]))
    titles = [slide.shapes.title.text_frame.text for slide in deck.slides]
    assert titles[:2] == ["dome <of> known height", "Stack"]
    assert {"Process", "Loads and boundaries", "Against the limits"} <= set(titles)
    shapes = [shape for slide in deck.slides for shape in slide.shapes]
    charts = [shape.chart for shape in shapes if shape.has_chart]
    curve = next(c for c in charts if len(c.plots[0].series) == 2)
    values = [list(series.values) for series in curve.plots[0].series]
    assert values == [[5.0], [6.0, 120.0]]  # a curve joins computed points of one body only
    process = next(s.table for s in shapes if s.has_table and s.table.cell(0, 0).text == "step")
    assert process.cell(3, 2).text == "+120.0 um"
    texts = " ".join(shape.text_frame.text for shape in shapes if shape.has_text_frame)
    number = finished().metrics["surfaces"]["board"]["bottom"]["warpage_um"]
    assert f"{number:+.1f} um" in texts and "chip: plate" in texts


def test_nothing_on_a_slide_reaches_beyond_it(files):
    deck = pptx.Presentation(str(files[".pptx"]))
    for slide in deck.slides:
        for shape in slide.shapes:
            assert shape.left >= 0 and shape.left + shape.width <= deck.slide_width
            assert shape.top >= 0 and shape.top + shape.height <= deck.slide_height


def test_a_workbook_has_numbers_as_numbers_and_no_formula(files):
    book = openpyxl.load_workbook(files[".xlsx"])
    assert book.sheetnames[:3] == ["Summary", "Surfaces", "Process"]
    process = list(book["Process"].values)
    assert process[0][-1] == "board.bottom warpage (um)"
    assert process[3] == (3, "=cool()", "yes", 25.0, 0.0, 120.0)
    assert len(book["Process"]._charts) == 1
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    surfaces = {row[0]: row[1] for row in list(book["Surfaces"].values)[1:]}
    number = finished().metrics["surfaces"]["board"]["bottom"]["warpage_um"]
    assert surfaces["board.bottom"] == pytest.approx(number, rel=1e-12)


def test_a_pdf_has_pages_of_a4(files):
    content = files[".pdf"].read_bytes()
    assert content.startswith(b"%PDF") and content.count(b"/MediaBox [ 0 0 595.44 841.68 ]") > 2


def test_columns_of_single_words_fill_the_page_of_a_pdf():
    widths = pdf.column_widths(["a"] * 14, [[["0123456789"]] * 14])
    assert widths == pytest.approx([WIDTH / 14] * 14)


def test_a_word_of_a_head_is_not_divided_in_a_pdf():
    """`boundary` over `air`, beside a column that is nearly as long as the page is wide."""
    head, row = ["boundary", "faces"], [["air"], ["a.top, " * 13]]
    width, _ = pdf.column_widths(head, [row])
    assert width / pdf.LETTER >= len("boundary")


@pytest.mark.parametrize(("kind", "package"), [("pptx", "pptx"), ("xlsx", "xlsxwriter")])
def test_what_is_not_installed_is_named(monkeypatch, tmp_path, kind, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(WarpError, match=r"pip install 'warpage\[office\]'"):
        documents.files(tmp_path / "a.html", [kind])


def test_the_suffix_picks_the_form(tmp_path):
    assert [p.name for p in documents.files(tmp_path / "a.pptx", ["pptx"])] == ["a.pptx"]
    assert [p.name for p in documents.files(tmp_path / "a.htm")] == ["a.htm"]


def test_mirror_images_that_a_table_leaves_out_are_named():
    chips = "".join(
        f"""
[part.chip-{n}]
on = "board"
size = "3 mm"
at = ["{x} mm", "0 mm"]
thickness = "0.4 mm"
material = "silicon"
"""
        for n, x in ((1, -4), (2, 4))
    )
    case = warp.Case.from_toml(
        f"""
symmetry = "half-x"
[load]
stress_free = "150 degC"
[part.board]
size = "16 mm"
thickness = "0.5 mm"
material = "fr4"
{chips}
[output]
fields = ["displacement", "stress"]
[grid]
refine = 0.25
"""
    )
    stress = contents.gather(warp.solve(case)).stresses[0]
    names = [row[0] for row in stress.rows]
    assert "chip-2" in names and "chip-1" not in names
    assert stress.note.endswith("Mirror images of parts above, with their numbers: chip-1.")
