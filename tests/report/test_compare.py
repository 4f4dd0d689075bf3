"""Comparisons: two runs in one table, and a measured surface found again under tilt, shift, scale
and noise.
"""

import json

import numpy as np
import pytest
from finished import CASE, HEIGHT, dome, finished

from warp.errors import WarpError
from warp.report import compare, scan
from warp.results import measured


def moire(path, factor=1.0, noise=0.0, head="X (mm),Y (mm),Z (um)", mark=","):
    """A measured board bottom: its zone with a tilt, an offset and another origin."""
    x, y = (v.ravel() for v in np.meshgrid(np.linspace(-4.5, 4.5, 31), np.linspace(-4.5, 4.5, 31)))
    z = 1e6 * factor * dome(1e-3 * x, 1e-3 * y) + noise * np.random.default_rng(0).normal(
        size=x.size
    )
    z += 40 + 3 * x - 7 * y
    text = "\n".join(
        mark.join(f"{v:.5f}" for v in row) for row in zip(x + 100, y - 3, z, strict=True)
    )
    path.write_text((head + "\n" if head else "") + text + "\n")
    return path


@pytest.fixture
def flat():
    return measured.flat(finished(), "board", "bottom")


def test_a_perfect_scan_fits(tmp_path, flat):
    found = compare.match(flat, scan.read(moire(tmp_path / "m.csv")))
    assert found.correlation == pytest.approx(1, abs=1e-3)
    assert found.slope == pytest.approx(1, abs=5e-3)
    assert found.warpage == pytest.approx(2 * HEIGHT * 0.81, rel=1e-3)
    assert found.rms < 1.5e-6  # the computed surface is linear between 0.5 mm lines


def test_scale_sign_and_noise_are_told_apart(tmp_path, flat):
    larger = compare.match(flat, scan.read(moire(tmp_path / "a.csv", 1.2, noise=1.0)))
    assert larger.slope == pytest.approx(1.2, abs=0.01) and larger.correlation > 0.999
    assert larger.rms == pytest.approx(np.hypot(0.2 * np.std(larger.computed), 1e-6), rel=0.1)
    flipped = compare.match(flat, scan.read(moire(tmp_path / "b.csv", -1.0)))
    assert flipped.warpage < 0 and flipped.correlation == pytest.approx(-1, abs=1e-3)
    assert flipped.to_dict()["same_sign"] is False


def test_a_scan_that_is_denser_somewhere_is_drawn_as_an_even_one(tmp_path, flat):
    """Points crowd at one side: their own plane would lift and tilt the curve."""
    x, y = (
        v.ravel()
        for v in np.meshgrid(4.5 * (2 * np.linspace(0, 1, 41) ** 3 - 1), np.linspace(-4.5, 4.5, 31))
    )
    path = tmp_path / "m.csv"
    path.write_text(
        "x,y,z\n"
        + "\n".join(f"{a},{b},{1e6 * dome(1e-3 * a, 1e-3 * b)}" for a, b in zip(x, y, strict=True))
    )
    lattice = compare.match(flat, scan.read(path)).lattice
    even = compare.match(flat, scan.read(moire(tmp_path / "n.csv"))).lattice
    assert np.nanmax(np.abs(lattice.w - even.w)) < 0.02 * 2 * HEIGHT


@pytest.mark.parametrize(
    ("head", "mark"),
    [
        ("", ","),
        ("", "\t"),
        ("x y z", " "),
        ("x;y;height [µm]", ";"),
        ("# a tool\nx_mm,y_mm,z_um", ","),
    ],
)
def test_tables_as_tools_write_them(tmp_path, head, mark):
    points = scan.read(moire(tmp_path / "m.csv", head=head, mark=mark))
    assert points.x.size == 961 and points.x.max() == pytest.approx(104.5e-3)
    assert np.ptp(points.z) < 1e-3


def test_units_of_the_header_count(tmp_path):
    points = scan.read(moire(tmp_path / "m.csv", head="x [um], y [um], z [mm]"))
    assert points.x.max() == pytest.approx(104.5e-6) and np.ptp(points.z) > 0.1


def test_bad_scans_are_one_sentence(tmp_path, flat):
    path = tmp_path / "m.csv"
    with pytest.raises(WarpError, match="cannot read"):
        scan.read(path)
    for text, complaint in (
        ("", "is empty"),
        ("a,b,c\n1,2,3\n", "names no x, y, z"),
        ("x,y,z\n1,2,3\n", "1 points"),
    ):
        path.write_text(text)
        with pytest.raises(WarpError, match=complaint):
            scan.read(path)
    with pytest.raises(WarpError, match="x and y in mm"):
        compare.match(flat, scan.read(moire(path, head="x (m), y (m), z (um)")))


def test_the_difference_of_two_runs_is_a_map_on_shared_lines():
    a, b = (measured.flat(finished(h), "board", "bottom") for h in (HEIGHT, 1.5 * HEIGHT))
    found = compare.difference(a, b)
    middle = len(found.x) // 2
    rise = found.values[middle, middle] - found.values[0, 0]
    # Half of the dome over its zone; the computed surface is linear between 0.5 mm lines.
    assert rise == pytest.approx(HEIGHT * 0.81, rel=5e-3)
    assert found.to_dict()["highest_um"] == pytest.approx(1e6 * np.nanmax(found.values))
    assert np.abs(compare.difference(a, a).values).max() == 0


def test_two_runs_and_a_scan(tmp_path):
    finished().write(tmp_path / "a.h5")
    finished(1.5 * HEIGHT, case=CASE.replace("0.5 mm", "0.4 mm", 1)).write(tmp_path / "b.h5")
    paths = [tmp_path / "a.h5", tmp_path / "b.h5", moire(tmp_path / "m.csv", 1.5)]
    found, names = compare.files(paths, None, tmp_path / "diagonals.png")
    assert names == ["a", "b"] and found["surface"] == "board.bottom"
    row = next(n for n in found["numbers"] if n["where"] == "board.bottom")
    assert row["b"] == pytest.approx(1.5 * row["a"]) and row["difference"] == pytest.approx(
        0.5 * row["a"]
    )
    assert found["changed"] == ['-thickness = "0.5 mm"', '+thickness = "0.4 mm"']
    assert found["measured"]["b"]["rms_um"] < 0.1 * found["measured"]["a"]["rms_um"]
    assert (tmp_path / "diagonals.png").stat().st_size > 10_000
    json.dumps(found, allow_nan=False)
    with pytest.raises(WarpError, match="nothing to compare"):
        compare.files(paths[:1])
    with pytest.raises(WarpError, match="one or two results"):
        compare.files(paths[2:])
