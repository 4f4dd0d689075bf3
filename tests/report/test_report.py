"""The report: one file, right numbers, escaped text, and a browser that draws it without a
network.
"""

import json
import re
import shutil
import subprocess
import tempfile

import pytest
from finished import finished

from warp.errors import WarpError
from warp.report import documents
from warp.report import page as report_page
from warp.report.contents import Wanted

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


@pytest.fixture(scope="module")
def page():
    text, left_out = report_page.html(finished())
    assert not left_out
    return text


def test_it_fetches_nothing(page):
    addresses = re.findall(r"https?://[^\"'\s<>)]+", page)
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}
    assert not re.findall(r"(?:src|href)=['\"](?!data:)", page)


def test_its_numbers_are_the_results(page):
    number = finished().metrics["surfaces"]["board"]["bottom"]["warpage_um"]
    assert number == pytest.approx(2 * 80 * 0.9**2, rel=0.01)  # the measuring zone is 9 of 10 mm
    assert f"{number:+.1f} um" in page
    assert "59 %" in page  # of 0.22 mm, the balls' pitch being 1 mm
    assert re.search(r"class='?\"?mark.*?1 mm", page)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])
    first = data["surfaces"][1]
    assert first["text"] == f"board.bottom: {number:+.1f} um, convex"
    assert first["height"][30][30] - first["height"][0][0] == pytest.approx(160.0, rel=2e-3)
    assert data["residuals"][0]["y"] == [1.0, 1e-5, 1e-9]


def test_text_is_escaped_and_sources_are_there(page):
    assert (
        "dome <of>" not in page.replace("&lt;of&gt;", "") and "dome &lt;of&gt; known height" in page
    )
    assert "Hopcroft" in page  # the source of silicon's modulus
    for heading in (
        "Against the limits",
        "Surfaces",
        "Loads and boundaries",
        "Stack",
        "Materials",
        "Grid",
        "Solvers",
        "Provenance",
    ):
        assert f"<h2>{heading}" in page


@pytest.fixture
def no_pictures(monkeypatch):
    monkeypatch.setattr(report_page, "picture", lambda *_: "")


def test_an_unreadable_case_leaves_out_what_needs_it(no_pictures):
    text, left_out = report_page.html(finished(case="title = 'x'\n[part]"))
    assert "Surfaces" in text and "Hopcroft" not in text
    assert len(left_out) == 1 and "stored case" in left_out[0]


def test_pitch_may_be_given_and_is_checked(tmp_path, no_pictures):
    text, _ = report_page.html(finished(), Wanted(pitch=0.4e-3))
    assert "130 %" in text and "above the limit" in text
    with pytest.raises(WarpError, match="--pitch 1"):
        Wanted.of(pitch="1")


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium found")
def test_a_browser_draws_it(tmp_path, no_pictures):
    from PIL import Image

    path, shot = tmp_path / "report.html", tmp_path / "shot.png"
    documents.write(finished(), [path])
    browser = [
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    browser += [
        "--virtual-time-budget=3000",
        "--window-size=1100,1500",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]
    run = [*browser, "--dump-dom", f"--screenshot={shot}", path.as_uri()]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert 'data-ready="yes"' in done.stdout, done.stderr[-2000:]
    assert re.search(r'id="diagonals"[^>]*viewBox.*?<path d="M', done.stdout, re.S)
    assert "drawn" in re.search(r'id="told">([^<]*)<', done.stdout)[1]
    picture = Image.open(shot).convert("RGB")
    red = sum(n for n, (r, g, b) in picture.getcolors(1 << 24) if r > 140 and g < 60 and b < 60)
    assert red > 200  # the top of the dome, well above zero


def test_the_error_of_the_grid_stands_beside_the_warpage(no_pictures):
    result = finished()
    for part, error, limit in (("board", 0.34, 131.0), ("chip", 2.0, None)):
        for numbers in result.metrics["surfaces"][part].values():
            numbers.update(
                warpage_error_um=error, warpage_extrapolated_um=limit, warpage_order=None
            )
    result.metrics["refinement"] = {"voxels": [100, 800], "order": "2 assumed"}
    text, _ = report_page.html(result)
    number = result.metrics["surfaces"]["board"]["bottom"]["warpage_um"]
    assert f'class="number">{number:+.1f} ± 0.34 um<' in text
    assert "<td>0.34 um</td><td>+131.0 um</td>" in text and "<td>&lt; 2 um</td><td>–</td>" in text
    assert "grids of 100, 800 voxels, order 2 assumed" in text


def test_a_process_has_its_table_curve_and_worst_moment(no_pictures):
    result = finished()

    def load_step(step, name, last, at, value):
        surfaces = {"board": {"bottom": {"warpage_um": value}}}
        body = {"parts": ["board", "chip"], "unit": None}
        return {
            "step": step,
            "name": name,
            "last": last,
            "temperature_C": at,
            "time_s": 0.0,
            "surfaces": surfaces,
            **body,
        }

    result.metrics["steps"] = [
        load_step(1, "cool <1>", True, 25.0, 100.0),
        load_step(2, "reflow", False, 150.0, 10.0),
        load_step(2, "reflow", True, 245.0, -230.0),
    ]
    text, _ = report_page.html(result)
    assert (
        "<td>1. cool &lt;1&gt;</td><td>25 °C</td>" in text
        and "<td>2. on the way</td><td>150 °C</td>" in text
    )
    assert "Largest on the way: board.bottom -230.0 um at 245 °C (reflow), above JEITA" in text
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])
    assert data["curves"] == [
        {"name": "board.bottom", "x": [25.0, 150.0, 245.0], "y": [100.0, 10.0, -230.0]}
    ]


def test_what_verify_found_can_stand_on_the_page(tmp_path, no_pictures):
    row = {
        "name": "slab <1>",
        "expected": 2.0,
        "got": 2.1,
        "error": 0.05,
        "tolerance": 0.01,
        "source": "Carslaw & Jaeger",
    }
    rows = [
        row | {"unit": "K", "absolute": False, "passed": False},
        row | {"got": None, "error": None, "passed": True},
    ]
    found = tmp_path / "verify.json"
    found.write_text(json.dumps({"device": "cpu", "seconds": 1, "rows": rows}))
    documents.write(finished(), [tmp_path / "r.html"], Wanted.of(verified=found))
    text = (tmp_path / "r.html").read_text()
    assert (
        "1 of 2 hold on cpu" in text and "slab &lt;1&gt;" in text and "Carslaw &amp; Jaeger" in text
    )
    assert "<td>+5 %</td><td>1 %</td>" in text and "off</span>" in text
    for damaged in ("{}", "[1]", "no json", '{"device": "cpu", "rows": [{}]}'):
        found.write_text(damaged)
        with pytest.raises(WarpError, match="not what `warp verify --json` prints"):
            Wanted.of(verified=found)
    with pytest.raises(WarpError, match="cannot read"):
        Wanted.of(verified=tmp_path / "none.json")


def with_worst(surface):
    """Return a process whose worst case is -230 um of a surface; board.bottom has -150 um."""
    result = finished()
    body = {"temperature_C": 245.0, "step": 2, "name": "reflow <2>", "parts": 2, "unit": None}
    bottom = {"warpage_um": -230.0 if surface == "board.bottom" else -150.0}
    step = {"do": "heat", "last": True, "time_s": 0.0, "surfaces": {"board": {"bottom": bottom}}}
    before = {"surfaces": {"board": {"bottom": {"warpage_um": 900.0}}}, "parts": 1}
    result.metrics["steps"] = [body | step | before, body | step]
    result.metrics["worst"] = body | {"warpage_um": -230.0, "surface": surface}
    return result


def test_the_worst_step_is_the_headline(no_pictures):
    text, _ = report_page.html(with_worst("board.bottom"))
    head = text.split('class="headline">')[1].split("</div>")[0]
    assert "-230.0 um" in head and "worst case: board.bottom, concave" in head
    assert "at 245 °C, in step 2 (reflow &lt;2&gt;)" in head
    assert "105 % of JEITA" in head and 'class="bad">above the limit' in head


def test_limits_are_those_of_the_surface_to_the_board(no_pictures):
    """The chip bends most; the body of the step before was another one."""
    text, _ = report_page.html(with_worst("chip.top"))
    head = text.split('class="headline">')[1].split("</div>")[0]
    assert "worst case: chip.top, concave" in head
    assert "board.bottom -150.0 um: 68 % of JEITA" in head and "within the limit" in head
    limits = text.split("<h2>Against the limits</h2>")[1].split("<h2>")[0]
    assert "board.bottom: -0.150 mm" in limits and "(step 2)" in limits


def test_a_mounted_package_is_judged_before_its_board(no_pictures):
    result = with_worst("chip.top")
    result.metrics["unmounted"] = {
        "warpage_um": 240.0,
        "surface": "mould.bottom",
        "temperature_C": 25.0,
        "step": 1,
        "name": "whole",
        "board": "board",
    }
    text, _ = report_page.html(result)
    head = text.split('class="headline">')[1].split("</div>")[0]
    assert "before it is mounted mould.bottom +240.0 um" in head and "above the limit" in head
    limits = text.split("<h2>Against the limits</h2>")[1].split("<h2>")[0]
    assert (
        "mould.bottom: +0.240 mm" in limits and "before it is mounted to board (step 1)" in limits
    )
    assert "Largest before it is mounted to board: mould.bottom +240.0 um at 25 °C (whole)" in text


def test_loads_are_those_of_the_case(no_pictures):
    text, _ = report_page.html(finished())
    loads = text.split("<h2>Loads and boundaries</h2>")[1].split("<h2>")[0]
    for cells in (
        '<td>free of stress at</td><td class="text">125 °C</td>',
        "<td>chip</td><td>1 W</td>",
        '<td>air</td><td class="text">chip.top</td><td>1000 W/m²K</td><td>25 °C</td>',
    ):
        assert cells in loads
    assert "Every other face is adiabatic." in loads


def test_readers_who_hear_the_page_or_use_keys_reach_everything(page):
    """Tables that scroll take the focus and have names; the surface turns by arrow keys."""
    assert page.count('tabindex="0" role="region" aria-label="') == page.count("<table>")
    assert not re.search('aria-label=""|alt=""', page)
    assert 'id="scene" tabindex="0" role="img" aria-label=' in page and "ArrowLeft" in page
    assert "@media print" in page and "prefers-color-scheme: dark" in page


def test_the_pictures_of_a_page_need_no_temporary_file(tmp_path, monkeypatch):
    """A killed command would leave them behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    documents.write(finished(), [tmp_path / "page.html"])
