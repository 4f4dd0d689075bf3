"""--set begins tables that the file lacks, where their names are the schema's."""

import re

import pytest

from warp.case.case import schema
from warp.case.overrides import WITHIN, apply


@pytest.mark.parametrize(
    "key",
    ["grid.cells.die", "tolerance.part.die.thickness", "identify.free.part.die.size"],
)
def test_tables_that_the_file_lacks_are_begun(key):
    tables = {"part": {"die": {}}}
    changed, refused = apply(tables, {key: "4"})
    assert changed == {tuple(key.split("."))} and not refused
    for name in key.split("."):
        tables = tables[name]
    assert tables == 4


@pytest.mark.parametrize("key", ["grid.cell.die", "material.silicn.cte", "loads.temperature"])
def test_a_table_that_the_case_has_no_name_for_is_not_begun(key):
    tables = {"part": {}, "grid": {"refine": 1.0}, "material": {"silicon": {}}}
    _, refused = apply(tables, {key: "4"})
    missing = key.rpartition(".")[0]
    assert f"the file has no {missing}" in refused[0][1]
    assert tables == {"part": {}, "grid": {"refine": 1.0}, "material": {"silicon": {}}}


def test_tables_within_others_are_those_of_the_schema():
    named = {
        name
        for table in schema()["$defs"].values()
        for name, value in table.get("properties", {}).items()
        if re.search(r"'type': 'object'|'\$ref'", str(value))
    }
    assert named >= WITHIN
