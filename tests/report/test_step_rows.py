"""Tables of steps as an engineer reads them: every row has a name, times where time passes."""

import pytest

from warp.cli import tables
from warp.report import step_rows, terminal
from warp.results import heights


def record(step, do, last, um, time=0.0, at=25.0, parts=("a",)):
    return {
        "step": step,
        "name": f"step {step}",
        "do": do,
        "last": last,
        "time_s": time,
        "temperature_C": at,
        "unit": None,
        "parts": list(parts),
        "surfaces": {"a": {"top": {"warpage_um": um}}},
    }


RECORDS = [
    record(1, "attach", True, 0.0),
    record(2, "cure", False, 3.84, at=165.0),
    record(2, "cure", False, 3.84, at=165.0, parts=("a", "b")),
    record(2, "cure", True, -0.04, at=165.0, parts=("a", "b")),
    record(3, "heat", False, 5.0, 60.0, 200.0, ("a", "b")),
    record(3, "heat", True, -103210.0, 180.0, None, ("a", "b")),
]


def test_the_last_line_tells_the_largest_solve_of_a_process_that_ends_with_a_unit():
    steps = [{"voxels": 30_000}, {"voxels": 504}]
    cut = {"voxels": 504, "unknowns": 1716, "steps": steps}
    assert tables._size(cut) == [
        "solves of up to 30,000 voxels",
        "at the end 504 voxels, 1,716 displacements",
    ]
    assert tables._size(cut | {"steps": []}) == ["504 voxels", "1,716 displacements"]


def test_every_row_of_a_process_has_a_name_and_time_only_where_it_passes():
    rows = list(step_rows.rows(RECORDS, ["a.top"]))
    assert [row.name for row in rows] == [
        "1. step 1",
        "2. brought to temperature",
        "2. joined, before it shrinks",
        "2. step 2",
        "3. on the way",
        "3. step 3",
    ]
    assert [row.time for row in rows] == ["–", "–", "–", "–", "60 s", "3 min"]
    assert rows[3].warpages == ["0.0 um"] and rows[5].cells == ["field", "3 min", "-103.21 mm"]
    assert step_rows.heads(RECORDS, ["a.top"], "degC") == ["step", "degC", "time", "a.top"]


def test_a_process_without_durations_has_no_column_of_times():
    (row,) = step_rows.rows(RECORDS[:1], ["a.top"])
    assert row.cells == ["25", "0.0 um"]
    assert step_rows.heads(RECORDS[:1], ["a.top"], "degC") == ["step", "degC", "a.top"]


@pytest.mark.parametrize(
    ("um", "text"),
    [(-0.04, "0.0 um"), (74.63, "+74.6 um"), (9999.0, "+9999.0 um"), (-1e4, "-10.00 mm")],
)
def test_heights_are_written_in_the_unit_that_an_engineer_reads(um, text):
    assert heights.signed(um) == text
    assert heights.plain(abs(um)) == text.lstrip("+-")


def test_a_narrow_terminal_gets_the_first_surfaces_and_names_the_others(monkeypatch, capsys):
    monkeypatch.setattr(tables, "screen", lambda: terminal.screen(width=40))
    many = [
        one | {"surfaces": {part: {"top": {"warpage_um": 1.0}} for part in ("a", "b", "lid")}}
        for one in RECORDS
    ]
    tables.print_steps(many, ["lid.top", "a.top", "b.top"])
    out = capsys.readouterr().out
    assert (
        "lid.top" in out.splitlines()[1] and "2. brought to temperature" not in out.splitlines()[1]
    )
    assert "with --json also: a.top, b.top" in out
    assert all(len(line) <= 40 for line in out.splitlines())


def test_a_long_table_shows_the_first_the_ends_and_the_extremes():
    way = [record(1, "heat", False, um) for um in (0.0, 1.0, 9.0, *range(10, 20), -3.0, 2.0, 5.0)]
    records = [*way, record(1, "heat", True, 4.0), record(2, "cool", True, 1.0)]
    assert step_rows.shown(records, ["a.top"]) == [0, 12, 13, 16, 17]
    assert step_rows.shown(records[-5:], ["a.top"]) == [0, 1, 2, 3, 4]


def test_named_terminals_have_a_column_of_coplanarity():
    records = [
        record(1, "attach", True, 0.0),
        record(2, "cool", True, 1.0) | {"coplanarity_um": 16},
    ]
    assert step_rows.heads(records, ["a.top"], "degC")[-1] == "coplanarity"
    assert [row.cells[-1] for row in step_rows.rows(records, ["a.top"])] == ["–", heights.plain(16)]
