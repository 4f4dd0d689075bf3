"""`warp bench`: both solvers and every kernel are timed, and the document says so."""

import json

from warp.verify import bench


def test_both_solvers_are_measured(cpu):
    """On the smallest grid that the package allows."""
    found = json.loads(json.dumps(bench.run(cpu, 30_000)))
    assert [row["name"] for row in found["solves"]] == ["elastic", "heat"]
    assert all(row["iterations"] > 0 and row["solve_s"] > 0 for row in found["solves"])
    assert {row["name"].split()[0] for row in found["kernels"]} == {"elastic", "heat"}
    assert found["parity"]["fields"].keys() == {"temperature", "displacement"}
    assert max(found["parity"]["fields"].values()) < 1e-6
    memory = found["memory"]
    assert 0 < memory["voxels"] * memory["bytes"] <= 1.001e9 * memory["free_GB"]


def test_a_card_of_141_gb_has_room_for_half_a_billion_voxels(cpu, monkeypatch):
    monkeypatch.setattr(type(cpu), "memory", lambda self: (139_000_000_000, 141_000_000_000))
    assert 3e8 < bench.room(cpu)["voxels"] < 2e9
