"""A metric is declared once: every table, the process and the page of the file read it there."""

from pathlib import Path

import pytest
import result_tables
from finished import finished
from small_case import CASE

from warp.case.case import parse
from warp.cli import tables
from warp.report import export, number_tables
from warp.report import page as report_page
from warp.results import metrics
from warp.results.metrics.declaration import (
    MICROMETRE,
    Column,
    Each,
    Group,
    Metric,
    Number,
    surface_metric,
)
from warp.results.metrics.surface_flatness import SURFACES
from warp.run import process, sweep

SLOPE = Number(
    "slope",
    MICROMETRE,
    "an invented number",
    console=Column("slope", "slope {:.1f}"),
    report=Column("slope of it", "slope {:.1f}"),
    compared="slope",
    swept="slope",
    of=lambda w: 17.0,
)


@pytest.fixture
def invented(monkeypatch):
    """A result in which every surface has one more number, declared here alone."""
    monkeypatch.setattr(metrics, "METRICS", (*metrics.METRICS, surface_metric(SURFACES, (SLOPE,))))
    return finished()


def test_every_number_that_is_computed_is_declared_and_the_other_way_round():
    result = finished()
    for group in dict.fromkeys(metric.group for metric in metrics.METRICS):
        declared = {
            number.key
            for metric in metrics.METRICS
            if metric.group == group
            for number in metric.numbers
        }
        for name, values in group.entries(result.metrics):
            if group.each is not Each.PACKAGE:
                assert set(values) == declared, (group.pattern, name)


def test_keys_are_unique_within_a_group():
    keys = [(group, number.key) for group, number in metrics.declared()]
    assert len(set(keys)) == len(keys)


def test_a_number_that_is_not_declared_is_refused():
    group = Group(("made",), Each.PART, "part")
    metric = Metric(group, (SLOPE,))
    metric.check({"made": {"chip": {"slope_um": 1.0}}})
    with pytest.raises(ValueError, match="made.PART of chip has undeclared"):
        metric.check({"made": {"chip": {"height_um": 1.0}}})


def test_a_declared_number_is_in_the_result_and_in_its_table(invented, tmp_path, capsys):
    assert invented.metrics["surfaces"]["chip"]["top"]["slope_um"] == 17.0
    tables.print_summary(invented.summary(), "")
    shown = capsys.readouterr().out
    assert "top slope" in shown and "slope 17.0" in shown
    text, _ = report_page.html(invented)
    assert '<th scope="col">slope of it</th>' in text and "<td>slope 17.0</td>" in text
    row = export.numbers_csv(invented, tmp_path / "n.csv").read_text()
    assert "surfaces.chip.top,slope,17.0,um" in row


def test_a_declared_number_is_compared_swept_and_documented(invented):
    rows = number_tables.compared(invented.metrics, invented.metrics)
    assert {"slope"} == {row["quantity"] for row in rows if row["a"] == 17.0}
    assert sweep.outputs(invented.summary())["chip.top slope (um)"] == 17.0
    assert "| `surfaces.PART.SIDE.slope_um` | um | an invented number |" in result_tables.numbers()


STEPS = """
[[step]]
do = "attach"
parts = ["chip"]
temperature = "165 degC"
[[step]]
do = "cool"
temperature = "25 degC"
"""


def test_a_process_keeps_every_metric_in_its_steps_and_at_its_end(monkeypatch):
    group = Group(("weight",), Each.PACKAGE, "package")
    metric = Metric(group, (SLOPE,), lambda solved: {"slope_um": 3.0})
    monkeypatch.setattr(metrics, "METRICS", (*metrics.METRICS, metric))
    text = CASE.replace('power = "2 W"\n', "").replace("cells_per_layer = 3", "cells_per_layer = 2")
    text = text[: text.index("[boundary.air]")] + text[text.index("[load]") :]
    result = process.solve(parse(text + STEPS, Path("small.toml")))
    assert result.metrics["weight"] == {"slope_um": 3.0}
    assert [record["weight"] for record in result.metrics["steps"]] == [{"slope_um": 3.0}] * 2
