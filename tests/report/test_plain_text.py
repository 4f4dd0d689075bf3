"""Names and titles of any characters reach the terminal, pictures, pages and tables as text."""

from __future__ import annotations

import csv
import io
import json
from html import escape

import pytest

from warp.cli import tables
from warp.files.printable import printable
from warp.report import html, plots, terminal
from warp.results import csv_table

NAMES = ("[red]", "[/]", ":smile:", "lid[thin]", "$5 or $6", "{{data}}", "</script>", "=cmd()")


@pytest.mark.parametrize("name", NAMES)
def test_the_terminal_prints_a_name_as_it_is(name, capsys):
    table = tables.plain_table("part", name)
    table.add_row(name, name)
    terminal.screen().print(table)
    terminal.screen().print(f" written to {name}", style="dim")
    assert capsys.readouterr().out.count(name) == 4


def test_a_progress_bar_takes_any_name():
    with terminal.Steps() as steps:
        steps("[/]", 1, 1e-3)


def test_an_escape_sequence_is_printed_as_its_codes(capsys):
    terminal.screen().print("a\x1b[2Jb\x07")
    assert capsys.readouterr().out == "a\\x1b[2Jb\\x07\n"
    assert printable("up\u202edown\n\tnext") == "up\\u202edown\n\tnext"


def test_a_coloured_terminal_keeps_its_colours():
    file = io.StringIO()
    console = terminal.PlainConsole(file=file, force_terminal=True, color_system="standard")
    console.print("x", style="red")
    assert file.getvalue() == "\x1b[31mx\x1b[0m\n"


@pytest.mark.parametrize("name", ["$5 or $6", r"$\frac$", "$x^$"])
def test_a_picture_shows_dollar_signs(name, tmp_path):
    path = tmp_path / "picture.svg"
    with plots.page(path, 1.0) as figure:
        figure.suptitle(name)
    assert f"<!-- {name} -->" in path.read_text()


@pytest.mark.parametrize("name", [*NAMES, "<!--<script>", "{{ title }}", "</script>"])
def test_a_name_in_a_page_neither_ends_its_script_nor_takes_a_place(name):
    frame = "<title>{{ title }}</title>{{ body }}<script>{{ data|tojson }}</script>"
    page = html.environment().from_string(frame).render(title="{{ body }}", body=name, data=[name])
    assert page.startswith("<title>{{ body }}</title>" + escape(name).replace("&#x27;", "&#39;"))
    data = page.removesuffix("</script>").rpartition("<script>")[2]
    assert "<" not in data and json.loads(data) == [name]


def test_a_table_holds_no_formula(tmp_path):
    cells = ["=cmd()", "+1+cmd", "-2+3+cmd|' /C calc'!A0", "@x", "-40 degC", "+3.5 %", "lid"]
    path = csv_table.write_csv(tmp_path / "t.csv", ["=head"], [[cell, -1.5] for cell in cells])
    with open(path, newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head == ["'=head"]
    assert [row[0] for row in rows] == [f"'{cell}" for cell in cells[:4]] + cells[4:]
    assert {row[1] for row in rows} == {"-1.5"}
