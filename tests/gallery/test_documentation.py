"""README and data/docs: pages made from the program are current, examples run, numbers are those
of the records.
"""

from __future__ import annotations

import re
import runpy
import sys
from itertools import pairwise
from pathlib import Path

import docs_pages
import pytest

import warp

TOP = Path(__file__).parents[2]
DOCS = TOP / "data" / "docs"
README = (TOP / "README.md").read_text(encoding="utf-8")
PAGES = [TOP / "README.md", *sorted(DOCS.glob("*.md"))]
CASES = {
    "two plates": "01_bilayer",
    "flip chip, 35 x 35 mm": "02_flipchip",
    "flip chip under a cap lid with a soft seal": "04_caplid",
    "the same with 60 W in the chip": "12_power",
    "flip chip under a flat spreader on a soft interface": "03_spreader",
}
SURFACES = ("substrate.bottom", "chip.top", "lid.top")


def rows(text: str) -> list[list[str]]:
    """The cells of every row of Markdown tables."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("name", docs_pages.PAGES)
def test_a_page_made_from_the_program_is_current(name):
    """`python tests/support/docs_pages.py` makes it anew."""
    assert (DOCS / name).read_text(encoding="utf-8") == docs_pages.PAGES[name]()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert "://" in target or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_packages_that_exist(page):
    for name in re.findall(r"`([a-z*-]+)\.toml`", page.read_text(encoding="utf-8")):
        assert list((TOP / "data" / "packages").glob(f"{name}.toml")), name


def test_the_readme_s_table_of_packages_names_files():
    table = README.partition("| package | files")[2].partition("\n\n")[0]
    for name in re.findall(r"`([a-z*-]+)`", table):
        assert list((TOP / "data" / "packages").glob(f"{name}.toml")), name


def test_the_readme_s_accuracy_is_that_of_the_verification():
    """Errors as data/verify.md has them (`warp verify --markdown`), voxels as the grid has them."""
    verified = {row[0]: row[3] for row in rows((TOP / "data" / "verify.md").read_text())}
    shown = {row[0]: row[1:] for row in rows(README.partition("## Accuracy")[2]) if row[0] in CASES}
    assert shown.keys() == CASES.keys()
    for title, (voxels, *errors) in shown.items():
        case = warp.load(TOP / "data" / "calculix" / f"{CASES[title]}.toml")
        assert voxels == f"{grid_of(case).cells:,}"
        for surface, error in zip(SURFACES, errors, strict=True):
            known = verified.get(f"{CASES[title]}: {surface}", "")
            assert error == (f"{float(known.split()[0]):+.2f} %" if known else "")


def test_the_readme_s_speed_is_that_of_the_record():
    found = {row[0]: row for row in rows((TOP / "data" / "benchmarks" / "speed.md").read_text())}
    million, ten = found["993,168"], found["9,959,268"]
    words = " ".join(README.partition("## Speed")[2].partition("## From")[0].split())
    assert f"993,168 voxels ({million[1]} displacements)" in words
    seconds, most = (float(row[3]) + float(row[4]) for row in (million, ten))
    assert f"take {seconds:.1f} s and {million[6]}, 9,959,268 voxels {most:.0f} s" in words
    assert f"in {million[2]} and {ten[2]} iterations" in words


def tables_of(page):
    """Return the blocks of case files on a page."""
    return re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S)


def test_the_process_page_s_tables_are_a_case():
    """Its [[step]] and [material] tables, in the order of the page, with parts to act on."""
    from warp.case.case import parse

    steps, lid, _, mould, underfill, _, support = tables_of("process.md")
    plates = "carrier", "board", "bumps", "underfill", "chip", "tim", "adhesive", "lid"
    parts = "".join(
        f'[part.{name}]\non = "{below}"\nsize = "10 mm"\nthickness = "0.5 mm"\nmaterial = "fr4"\n'
        for below, name in pairwise(plates)
        if name != "chip"
    )
    head = (
        '[load]\nstress_free = "217 degC"\n[part.carrier]\nsize = "10 mm"\nthickness = "1 mm"\n'
        f'material = "silicon"\n{parts}[part.chip]\non = "underfill"\nsize = "5 mm"\n'
        'thickness = "0.3 mm"\nmaterial = "silicon"\n'
    )
    load, _, underfill = underfill.partition("[material")
    head = head.replace("[load]\n", load)
    text = f"{head}{mould}[material{underfill}" + steps.replace('"bumps", "chip"', '"bumps"')
    text += lid + support
    assert parse(text, Path("process.toml"), {}).load_steps


def test_the_process_page_s_package_that_is_made_apart_is_a_case():
    """Its steps between those that begin with the substrates, with parts to act on."""
    from warp.case.case import parse

    steps = tables_of("process.md")[2]
    plate = 'size = "8 mm"\nthickness = "0.5 mm"\nmaterial = '
    names = ("bottom-substrate", "fr4"), ("solder", "sac305"), ("top-substrate", "fr4")
    stack = (*names, ("top-mould", "mould-compound"))
    parts = "".join(
        f'[part.{name}]\n{below}{plate}"{material}"\n'
        for (name, material), below in zip(
            stack, ["", *(f'on = "{name}"\n' for name, _ in stack)], strict=False
        )
    )
    begin = '[[step]]\ndo = "attach"\ntemperature = "175 degC"\nparts = '
    first = f'{begin}"bottom-substrate"\n{begin}"top-substrate"\nbody = "top package"\n'
    case = parse(f'[load]\nstress_free = "175 degC"\n{parts}{first}{steps}', Path("x.toml"), {})
    assert case.load_steps[-1].bodies == ("top package",)


def test_the_materials_of_the_materials_page_are_a_case():
    """Every one of them is the material of a plate, and solves nothing but its own properties."""
    from warp.case.case import parse

    (block,) = tables_of("materials.md")
    names = re.findall(r"^\[material\.(.*?)\]", block, re.M)
    assert len(names) == 6
    plates = "".join(
        f'[part.{name}]\n{below}size = "5 mm"\nthickness = "1 mm"\nmaterial = "{name}"\n'
        for name, below in zip(names, ["", *(f'on = "{n}"\n' for n in names)], strict=False)
    )
    case = parse(f'[load]\nstress_free = "150 degC"\n{block}{plates}', Path("materials.toml"))
    core = case.materials()["my-core"]
    assert core.stiffness(298.15)[0] != core.stiffness(298.15)[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("first_warpage", "chip 0.2 mm: substrate.bottom"),
        ("sweep_in_python", "150 degC"),
        ("fields_to_xarray", "hottest:"),
        ("own_material_and_metric", "twist"),
        ("compare_with_measurement", ""),
        ("layout_to_slide", ""),
    ],
)
def test_an_example_runs(name, says, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [name])
    try:
        runpy.run_path(str(TOP / "data" / "examples" / f"{name}.py"), run_name="__main__")
    except SystemExit as stop:
        assert not stop.code
    assert says in capfd.readouterr().out


def grid_of(case):
    """The grid of a case, without solving it."""
    from warp.run.process import common_grid

    return common_grid(case)
