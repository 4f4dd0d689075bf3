"""The functions of `import warp`: cases from tables and back, and what each command does."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from finished import finished
from small_case import CASE

import warp

EXAMPLES = Path(__file__).parents[1] / "data" / "examples"
TABLES = {
    "title": 'a "quoted" title\n',
    "symmetry": "quarter",
    "load": {"stress_free": "165 degC"},
    "part": {
        "board": {
            "size": ("12 mm", "10 mm"),
            "material": "fr4",
            "conductor": "copper",
            "layers": [
                {"name": "top", "thickness": "50 um", "copper": 0.5},
                {"name": "core", "thickness": "1 mm"},
            ],
        },
        "chip": {"on": "board", "size": "6 mm", "thickness": "0.5 mm", "material": "silicon"},
    },
    "step": [{"do": "cool", "temperature": "25 degC", "name": None}],
    "output": {"zones": {"board.bottom": ["8 mm", "8 mm"]}},
}


def test_a_case_from_tables_and_back():
    case = warp.Case.from_dict(TABLES)
    assert list(case.parts) == ["board", "chip"] and case.title == TABLES["title"]
    again = warp.Case.from_toml(case.to_toml())
    assert again.file == case.file and again.to_toml() == case.to_toml()
    assert "<b>a &quot;quoted&quot; title" in case._repr_html_()


def test_overrides_are_written_into_the_file(tmp_path):
    (tmp_path / "a.toml").write_text(CASE)
    same = warp.load(tmp_path / "a.toml")
    assert same.to_toml() == CASE  # with its comments
    thick = warp.load(tmp_path / "a.toml", {"part.chip.thickness": "0.7 mm", "grid.refine": "2"})
    again = warp.Case.from_toml(thick.to_toml())
    assert again.file == thick.file and not again.overrides


def test_errors_are_exported_and_name_the_key():
    with pytest.raises(warp.CaseError, match=r"part\.chip\.thicknes.*did you mean 'thickness'"):
        chip = TABLES["part"]["chip"] | {"thicknes": "1 mm"}
        warp.Case.from_dict(TABLES | {"part": TABLES["part"] | {"chip": chip}})
    assert issubclass(warp.CaseError, warp.WarpError)
    assert issubclass(warp.ConvergenceError, warp.WarpError)
    with pytest.raises(warp.WarpError, match="load.temperature: .* is neither text, number"):
        warp.Case.from_dict(TABLES | {"load": {"temperature": object()}})


def test_check_and_sweep(tmp_path):
    case = warp.Case.from_toml(CASE)
    report = warp.check(case)
    assert report.voxels > 0 and "<table>" in report._repr_html_()
    varied = {"part.chip.thickness": ["0.4 mm", "0.6 mm"]}
    outcome = warp.sweep(case, varied, tmp_path / "sweep", device="cpu", workers=1)
    assert len(outcome.records) == 2 and not outcome.failed
    pandas = pytest.importorskip("pandas")
    table = outcome.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert list(table["part.chip.thickness (mm)"]) == [0.4, 0.6]
    assert outcome._repr_html_().count("<tr>") == 3


def test_compare_plot_and_report(tmp_path):
    a, b = finished(), finished(60e-6)
    found = warp.compare(a, b, picture=tmp_path / "ab.png")
    assert (tmp_path / "ab.png").exists() and "difference" in found._repr_html_()
    json.dumps(found, allow_nan=False)
    pictures = warp.plot(a, tmp_path / "pictures", surfaces=["board.bottom"], at=["y=0.5 mm"])
    assert [path.name for path in pictures][:2] == ["dome-section.png", "dome-board-bottom.png"]
    assert warp.write_report(a, tmp_path / "a.html", pitch="1 mm", title="T") == []
    assert "<h1>T</h1>" in (tmp_path / "a.html").read_text()


def test_a_result_is_a_table_in_a_notebook_and_in_pandas():
    result = finished()
    assert "board.bottom" in result._repr_html_()
    pytest.importorskip("pandas")
    table = result.to_pandas()
    row = table[(table["where"] == "surfaces.board.bottom") & (table.quantity == "warpage")]
    number = result.metrics["surfaces"]["board"]["bottom"]["warpage_um"]
    assert row["value"].item() == pytest.approx(number) and row["unit"].item() == "um"


def test_xarray_has_units_and_names_of_parts_and_materials():
    pytest.importorskip("xarray")
    result = finished()
    data = result.to_xarray()
    assert {name: data[name].attrs["units"] for name in ("x", "temperature", "displacement")} == {
        "x": "m",
        "temperature": "K",
        "displacement": "m",
    }
    assert data.stress.attrs["units"] == "Pa"
    for name, at in (("part", "chip"), ("material", "silicon")):
        values = data[name].attrs["names"]
        assert (data[name] == values.index(at)).sum() == 2 * 4 * 4  # two layers of the quarter
        assert data[name].attrs["flag_meanings"].split() == values
    sxy = data.stress.sel(component="xy").values
    assert np.nanmax(np.abs(sxy - result.stress[5])) == 0


def cells():
    notebook = json.loads((EXAMPLES / "notebook.ipynb").read_text(encoding="utf-8"))
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


def test_the_notebook_runs(tmp_path, monkeypatch, capsys):
    """Cell by cell in one namespace, with what a notebook shows of the last expression."""
    import ast

    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    shown = []
    for source in cells():
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "notebook", "exec"), space)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "notebook", "eval"), space)
            shown.append(value._repr_html_() if hasattr(value, "_repr_html_") else repr(value))
    assert "board.bottom" in "".join(shown) and "load.stress_free" in capsys.readouterr().out
    assert list((tmp_path / "pictures").iterdir())


@pytest.mark.slow
def test_the_notebook_runs_in_a_kernel(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
    settings = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=settings).execute()
    tables = [
        output["data"]["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    assert len(tables) >= 4


@pytest.mark.slow
def test_from_a_layout_to_slides(tmp_path, monkeypatch):
    pptx = pytest.importorskip("pptx")
    pytest.importorskip("gdstk")
    plane = "%ADD10R,7.5X15*%\nD10*\nX-3750000Y0D03*"  # the left half, and traces on the right
    traces = [f"X{n}250000Y0D03*" for n in range(1, 7)]
    head = "%FSLAX46Y46*%\n%MOMM*%\n%ADD11R,0.5X14*%"
    lines = [head, plane, "D11*", *traces, "M02*"]
    (tmp_path / "top.gbr").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["layout_to_slide", "top.gbr"])
    runpy.run_path(str(EXAMPLES / "layout_to_slide.py"), run_name="__main__")
    titles = [s.shapes.title.text_frame.text for s in pptx.Presentation("package.pptx").slides]
    assert any(title.startswith("Warpage of substrate.bottom") for title in titles)
    lines = (EXAMPLES / "layout_to_slide.py").read_text().split('"""')[2].splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 10
