"""No serious finding of axe-core on the page, light and dark, wide and narrow.

Runs where Chromium, Playwright and axe-playwright-python are installed; nothing else needs them.
"""

import shutil
from pathlib import Path

import pytest
from finished import finished

from warp.report import documents

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium found")
@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (1400, "dark"), (400, "light")])
def test_the_page_has_no_serious_fault(tmp_path, width, scheme):
    documents.write(finished(), [tmp_path / "page.html"])
    script = next(Path(axe.__file__).parent.rglob("axe*.js")).read_text(encoding="utf-8")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.goto((tmp_path / "page.html").as_uri())
        page.wait_for_selector("body[data-ready=yes]")
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        page.evaluate(script)
        found = page.evaluate("async () => (await axe.run()).violations")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        browser.close()
    serious = [v["id"] for v in found if v["impact"] in ("serious", "critical")]
    assert not serious


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium found")
def test_a_legend_of_many_surfaces_stays_inside_its_picture(tmp_path):
    result = finished()
    names = [f"a-part-of-long-name-{n}" for n in range(6)]
    result.metrics["steps"] = [
        {
            "step": n,
            "name": "heat",
            "do": "heat",
            "last": True,
            "time_s": 0.0,
            "temperature_C": at,
            "parts": names,
            "unit": None,
            "surfaces": {name: {"top": {"warpage_um": at * k}} for k, name in enumerate(names, 1)},
        }
        for n, at in enumerate((25.0, 150.0), 1)
    ]
    documents.write(result, [tmp_path / "page.html"])
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto((tmp_path / "page.html").as_uri())
        page.wait_for_selector("body[data-ready=yes]")
        ends = page.evaluate(ENDS_OF_NAMES)
        browser.close()
    assert len(ends) == 3 and max(ends) <= 0.0


ENDS_OF_NAMES = """[...document.querySelectorAll("svg text")]
    .filter(one => one.textContent.startsWith("a-part-of"))
    .map(one => one.getBoundingClientRect().right
        - one.ownerSVGElement.getBoundingClientRect().right)"""
