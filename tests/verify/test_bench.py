"""`warp bench`: both solvers and every kernel are timed, and the document says so."""

import json

from warp.verify import bench


def test_both_solvers_are_measured(cpu):
    """On the smallest grid that the package allows."""
    found = json.loads(json.dumps(bench.run(cpu, 30_000)))
    assert [row["name"] for row in found["solves"]] == ["elastic", "heat"]
    assert all(row["iterations"] > 0 and row["solve_s"] > 0 for row in found["solves"])
    assert {row["name"].split()[0] for row in found["kernels"]} == {"elastic", "heat"}
