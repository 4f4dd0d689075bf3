"""Measured surfaces as tools write them: lists and matrices, told apart by header and shape."""

import numpy as np
import pytest
from finished import HEIGHT, dome, finished

from warp.errors import WarpError
from warp.report import compare, scan
from warp.results import measured

ZONE = np.linspace(-4.5e-3, 4.5e-3, 37)  # the measuring zone of the finished run
PITCH = 0.25e-3


def heights() -> np.ndarray:
    """Heights in um, first row at y+, with a tilt."""
    x, y = np.meshgrid(ZONE, ZONE[::-1])
    return 1e6 * dome(x, y) + 3e3 * x - 5e3 * y


def table(z, mark=",", form="{:.3f}") -> str:
    return "\n".join(mark.join(form.format(v) for v in row) for row in z) + "\n"


def read(folder, text, **words):
    path = folder / "m.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return scan.read(path, **words)


@pytest.fixture
def flat():
    return measured.flat(finished(), "board", "bottom")


def test_a_matrix_without_a_pitch_is_laid_over_the_zone(tmp_path, flat):
    """It is not a list of its first three columns; its warpage is the dome's."""
    found = compare.match(flat, read(tmp_path, table(heights())))
    assert found.x.size == 37 * 37
    assert found.warpage == pytest.approx(2 * HEIGHT * 0.81, rel=2e-3)
    assert found.slope == pytest.approx(1, abs=0.01) and found.correlation > 0.999
    assert "37 x 37 heights without a pitch" in found.to_dict()["note"]


@pytest.mark.parametrize(
    "text",
    [
        table(heights(), ";", "{:.3f}").replace(".", ","),
        table(heights(), "\t"),
        table(heights(), "  "),
        table(heights(), ", "),
        table(heights(), " ", "{:.3f}").replace(".", ","),
        "# a tool\n# heights in um\n" + table(heights(), ";"),
        "moire 4.1\nsample 7\n" + table(heights(), ";"),
        table(heights()).replace("\n", ",\n"),
        table(1e-3 * heights(), form="{:.6f}").join(("# z in mm\n", "")),
        '"' + table(heights(), '","').replace(".", ",").replace("\n", '"\n"')[:-1],
        table(heights()).encode("utf-16"),
    ],
)
def test_marks_and_heads_of_a_matrix(tmp_path, text):
    found = read(tmp_path, text)
    assert isinstance(found, scan.Matrix) and found.pitch is None
    assert 1e6 * found.z == pytest.approx(heights(), abs=0.01)


def test_the_pitch_of_a_matrix(tmp_path, flat):
    """Given, in the header, or as a first row of x and a first column of y; else asked for."""
    z = heights()
    assert read(tmp_path, table(z), pitch=2e-4).pitch == (2e-4, 2e-4)
    assert read(tmp_path, "# pitch: 0.2 mm\n" + table(z)).pitch == pytest.approx((2e-4, 2e-4))
    mm = 1e3 * ZONE
    rows = [
        f"{y:.3f}," + ",".join(f"{v:.3f}" for v in row) for y, row in zip(mm[::-1], z, strict=True)
    ]
    for corner in ("", "y\\x"):
        head = corner + "," + ",".join(f"{x:.3f}" for x in mm)
        for turned in (rows, rows[::-1]):  # y+ first, or y- first: the file says which
            found = read(tmp_path, "\n".join([head, *turned]) + "\n")
            assert found.pitch == pytest.approx((PITCH, PITCH))
            assert 1e6 * found.z == pytest.approx(z, abs=0.001)
    with pytest.raises(WarpError, match="give --pitch"):
        compare.match(flat, read(tmp_path, table(z[:20])))
    found = compare.match(flat, read(tmp_path, table(z[:20]), pitch=PITCH))
    assert found.x.size == 20 * 37


def test_no_readings_outside_the_part(tmp_path, flat):
    z = np.pad(heights(), 3, constant_values=np.nan)
    z[20, 20] = np.nan
    for word in ("nan", "NaN", "", "-", "---"):
        found = read(tmp_path, table(z).replace("nan", word))
        assert found.z.shape == (37, 37) and np.isnan(found.z).sum() == 1
    assert compare.match(flat, found).warpage == pytest.approx(2 * HEIGHT * 0.81, rel=2e-3)
    with pytest.raises(WarpError, match="-9999.*write NaN"):
        read(tmp_path, table(np.nan_to_num(z, nan=-9999)))


def test_a_list_in_disorder_with_holes_and_decimal_commas(tmp_path, flat):
    x, y = (v.ravel() for v in np.meshgrid(ZONE, ZONE))
    z = 1e6 * dome(x, y)
    order = np.random.default_rng(1).permutation(x.size)
    rows = [f"{1e3 * x[n]:.4f};{1e3 * y[n]:.4f};{z[n]:.3f}" for n in order]
    rows[7] = rows[7].rpartition(";")[0] + ";NaN"
    text = "Nr;X [mm];Y [mm];Z [µm]\n" + "\n".join(f"{n};{row}" for n, row in enumerate(rows))
    found = read(tmp_path, text.replace(".", ","))
    assert isinstance(found, scan.Points) and found.x.size == x.size - 1
    assert compare.match(flat, found).slope == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        ("1,2,3\n" * 30, {}, "may be points or a matrix.*--pitch"),
        (table(np.random.default_rng(0).normal(size=(30, 3))), {}, "add a header line"),
        (table(heights()[:, :5]), {}, "may be points or a matrix"),
        ("a,b,c\n" + "1,2,3\n" * 30, {}, "names no x, y, z"),
        ("x,y,z\n" + "1,2,3\n" * 30, {"pitch": 1e-3}, "leave --pitch out"),
        (table(abs(heights()[:, :36]), form="{:.0f}"), {}, "write decimal points, or semicolons"),
        (table(np.vstack((np.arange(37), heights())), form="{:.6g}"), {}, "counts 0, 1, 2"),
        (table(heights()) + "1,2,3\n", {}, "differ in length"),
        (table(heights()) + "end of data\n", {}, "line 38: 'end of data' is not a number"),
        (table(np.full((9, 9), np.nan)), {}, "holds no numbers"),
        (b"x,y,z\n\0\0", {}, "zero bytes"),
    ],
)
def test_what_can_be_read_in_two_ways_is_asked(tmp_path, text, words, says):
    with pytest.raises(WarpError, match=says) as error:
        read(tmp_path, text, **words)
    assert "\n" not in str(error.value)


def test_results_and_scans_are_told_by_content(tmp_path):
    finished().write(tmp_path / "a.result")
    (tmp_path / "heights.dat").write_text(table(heights()))
    paths = [tmp_path / "heights.dat", tmp_path / "a.result"]
    found, names = compare.files(paths, pitch=PITCH)
    assert names == ["a"] and found["measured"]["a"]["points"] == 37 * 37
