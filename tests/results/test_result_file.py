"""data/docs/result-file.md describes the whole file and no more; damage ends in one sentence."""

import json
import os
import random
import re
import tracemalloc
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from finished import finished

from warp.errors import WarpError
from warp.report import documents, export, figures, paraview
from warp.results import file as results
from warp.results import hdf5, measured
from warp.results.cells import GRADIENTS
from warp.run import checkpoint

PAGE = (Path(__file__).parents[2] / "data" / "docs" / "result-file.md").read_text()


@pytest.fixture(scope="module")
def result():
    done = finished()
    done.metrics["coplanarity_um"] = 3.0
    line = {"thickness_um": 50.0, "change_um": 0.1, "change_min_um": -0.1, "change_max_um": 0.2}
    done.metrics["bond_lines"] = {"rounds": 4, "parts": {"tim": line}}
    done.metrics["refinement"] = {"voxels": [10, 80], "order": "2 assumed"}
    for sides in done.metrics["surfaces"].values():
        for numbers in sides.values():
            numbers.update(warpage_error_um=0.5, warpage_extrapolated_um=1.0, warpage_order=None)
            numbers.update(warpage_spread_um=2.0, warpage_beyond_jeita=0.1)
    done.metrics["thermal"]["junction_spread_K"] = 1.0
    return done


@pytest.fixture
def path(result, tmp_path):
    return result.write(tmp_path / "out.h5")


def table(title):
    """Rows of the page's table below a heading, as lists of cells."""
    part = PAGE.partition(title)[2].partition("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in part.splitlines()
        if line.startswith("| `")
    ]


def test_every_dataset_is_on_the_page_with_its_shape_and_type(result, tmp_path):
    surface = {
        "x": np.zeros(4),
        "y": np.zeros(3),
        "w": np.zeros((3, 4)),
        "z": np.zeros((2, 3)),
    }
    shapes = {f"1/board.bottom/{name}": values for name, values in surface.items()}
    apart = frozenset({"chip"}), frozenset[str]()
    maps = dict.fromkeys(GRADIENTS, np.zeros(result.grid.shape, np.float32))
    whole = replace(result, shapes=shapes, apart=apart, fields={**result.fields, **maps})
    path = whole.write(tmp_path / "out.h5")
    said = {name.strip("`"): (shape, kind) for name, shape, kind, _ in table("# The result file")}
    nz, ny, nx = result.grid.shape
    sizes = {"nz": nz, "ny": ny, "nx": nx, "sx": 4, "sy": 3, "rows": len(result.media.material)}
    found = set()
    with h5py.File(path) as file:
        assert file.attrs["format"] == b"warpage" and tuple(file.attrs["schema"]) == results.SCHEMA
        assert f"schema {results.SCHEMA[0]}.{results.SCHEMA[1]}." in PAGE
        assert list(file["grid"].attrs["mirror"]) == [1, 1]
        for dataset in datasets(file):
            name = re.sub(r"residuals/\w+", "residuals/NAME", dataset.name)
            name = re.sub(r"steps/1/board.bottom", "steps/N/PART.SIDE", name)
            shape, kind = said[name]
            assert dataset.dtype == kind, name
            assert dataset.shape == eval(shape, {**sizes, "n": dataset.size}), name
            found.add(name)
    assert found == set(said)


@contextmanager
def edited(path):
    """Change a file as another program would that knows its digests."""
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        yield file
        hdf5.seal(file)


def datasets(group):
    """All but the links of /VTKHDF; h5py's visit would show an object under its first name only."""
    for name in group:
        if isinstance(group[name], h5py.Dataset):
            yield group[name]
        elif name != "VTKHDF":
            yield from datasets(group[name])


def documented(title):
    """Every name of a table."""
    return {name for first, *_ in table(title) for name in re.findall(r"`([^`]+)`", first)}


def spoken(value, where=""):
    """Names of numbers as the page writes them."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            if re.search(r"(^surfaces|^temperature|^stress|^solver|^bond_lines.parts)$", where):
                key = "NAME" if where == "solver" else "PART"
            elif where == "surfaces.PART":
                key = "SIDE"
            yield from spoken(below, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for entry in value:
            yield from spoken(entry, f"{where}[]")
    else:
        yield where


def test_every_number_is_on_the_page(path):
    with h5py.File(path) as file:
        numbers, info = (
            json.loads(bytes(file[name][()])) for name in ("metrics", "provenance/info")
        )
    said = documented("## Numbers")
    found = set(spoken(numbers))
    assert not found - said
    process = {
        "uniform_temperature",
        "frame",
        "warnings",  # of `warp run`, not of a result that is written
        *(
            name
            for name in said
            if name.startswith(("steps[].", "worst.", "unmounted.", "large_deflection."))
        ),
    }
    assert said - found <= process, said - found - process
    said = set(spoken({key: value or "none" for key, value in info.items()})) - {"overrides"}
    assert not {name for name in said if not name.startswith("overrides.")} - documented(
        "## Provenance"
    )


def damaged(whole, rng):
    """Flip a bit, write over bytes, wipe a stretch or cut; half of the places in the first
    kilobytes, where HDF5 keeps its metadata.
    """
    data = bytearray(whole)
    at = rng.randrange(6000 if rng.random() < 0.5 else len(data))
    how = rng.choice(("bit", "bytes", "noise", "wipe", "cut"))
    if how == "bit":
        data[at] ^= 1 << rng.randrange(8)
    elif how == "bytes":
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif how == "noise":
        data[at : at + 16] = rng.randbytes(len(data[at : at + 16]))
    elif how == "wipe":
        data[at : at + 64] = bytes(len(data[at : at + 64]))
    else:
        del data[at:]
    return bytes(data)


def test_300_damaged_files_end_in_one_sentence_each(result, path, tmp_path):
    whole, rng = path.read_bytes(), random.Random(3)
    refused = 0
    for n in range(300):
        path.write_bytes(damaged(whole, rng))
        try:
            back = results.read(path)
            json.dumps(back.summary(), allow_nan=False)
            measured.flat(back, "board", "bottom")
            if n % 20 == 0:
                paraview.voxels(back, tmp_path / "out.vtr")
            assert np.array_equal(back.displacement, result.displacement)  # harmless
        except WarpError as error:
            refused += 1
            assert "\n" not in str(error) and len(str(error)) < 400 and str(path) in str(error)
    assert refused > 100


@pytest.mark.slow
@pytest.mark.weekly
def test_damaged_files_in_every_reader(path, tmp_path):
    from warp.report import compare, figures

    whole, rng = path.read_bytes(), random.Random(4)
    good = tmp_path / "good.h5"
    good.write_bytes(whole)
    readers = (
        lambda one: figures.draw(results.read(one), tmp_path / "plots", "a"),
        lambda one: documents.write(results.read(one), [tmp_path / "a.html"]),
        lambda one: export.write(results.read(one), tmp_path / "a", True, True),
        lambda one: compare.files([one, good]),
    )
    for _ in range(25):
        path.write_bytes(damaged(whole, rng))
        for read in readers:
            try:
                read(path)
            except WarpError as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("grid/x", np.linspace(5e-3, 0, 10), "does not rise"),
        ("grid/z", np.array([0.0, np.nan, 1e-3, 1.1e-3, 1.2e-3]), "does not rise"),
        ("fields/displacement", np.zeros((3, 2, 2, 2)), "does not fit the grid"),
        ("media/part", np.array([-1, 0, 7], np.int32), "rows of media"),
        ("metrics", np.frombuffer(b"[]", np.uint8), "not a table"),
        ("ids", np.full((4, 9, 9), 9, np.uint16), "beyond the rows"),
    ],
)
def test_datasets_that_do_not_belong_together_are_refused(path, name, value, complaint):
    """Somebody changed the file with valid checksums."""
    with edited(path) as file:
        del file[name]
        hdf5.put(file, name, value)
    with pytest.raises(WarpError, match=complaint) as error:
        results.read(path).ids  # noqa: B018
    assert "\n" not in str(error.value)


def test_xarray_holds_the_fields_over_the_centres(result):
    pytest.importorskip("xarray")
    view, solid = result.to_xarray(), result.ids > 0
    np.testing.assert_array_equal(view.x, result.grid.xc)
    np.testing.assert_array_equal(view.temperature.values[solid], result.temperature[solid])
    assert (
        np.isnan(view.temperature.values[~solid]).all() and (view.part.values[~solid] == -1).all()
    )
    w = (result.displacement[2, :-1, :-1, :-1] + result.displacement[2, 1:, :-1, :-1]) / 2
    np.testing.assert_allclose(view.displacement.sel(axis="z").values[solid], w[solid])
    assert view.temperature.attrs["units"] == "K" and view.attrs["parts"] == result.parts


def test_a_missing_extra_says_what_to_install(result, monkeypatch):
    import sys

    for name, method in (("xarray", result.to_xarray), ("pyvista", result.to_pyvista)):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(WarpError, match=f"pip install {name}"):
            method()


def zeroed(path, name, last=False):
    """Make the chunks of a dataset, or the last one, read as zeros, as after a power cut."""
    with h5py.File(path) as file:
        data = file[name]
        chunks = [data.id.get_chunk_info(n) for n in range(data.id.get_num_chunks())]
    with open(path, "r+b") as file:
        for chunk in chunks[-1:] if last else chunks:
            file.seek(chunk.byte_offset)
            file.write(bytes(chunk.size))


@pytest.fixture
def unpacked(result, tmp_path, monkeypatch):
    """A file as that of a large model, whose fields are not compressed."""
    monkeypatch.setattr(results, "PACKED_CELLS", 0)
    return result.write(tmp_path / "large.h5")


def uses(back, tmp_path):
    """Every reader of a damaged displacement."""
    return {
        "array": lambda: back.displacement,
        "layer": lambda: back.fields["displacement"][2, -1],
        "section": lambda: back.fields["displacement"][:, :, 1],
        "csv": lambda: export.write(back, tmp_path / "e", False, True),
        "vtr": lambda: export.write(back, tmp_path / "e", True, False),
        "plot": lambda: figures.draw(back, tmp_path / "plots", "x"),
        "report": lambda: documents.write(back, [tmp_path / "page.html"]),
    }


@pytest.mark.parametrize("use", uses(None, Path()))
def test_a_block_of_zeros_is_refused_by_every_reader(unpacked, tmp_path, use):
    zeroed(unpacked, "fields/displacement", last=True)
    with pytest.raises(WarpError, match="damaged.*fields/displacement.*digest"):
        uses(results.read(unpacked), tmp_path)[use]()


def test_a_plot_does_not_leave_out_a_damaged_field(unpacked, tmp_path):
    zeroed(unpacked, "fields/stress")
    with pytest.raises(WarpError, match=r"damaged.*fields/stress"):
        figures.draw(results.read(unpacked), tmp_path / "plots", "x")


def test_numbers_of_zeros_are_refused(unpacked):
    zeroed(unpacked, "grid/x")
    with pytest.raises(WarpError, match=r"damaged.*grid/x"):
        results.read(unpacked)


@pytest.mark.parametrize(
    "key", [(), 1, -1, (0, 2), (..., 1), (slice(None), slice(1, 3), 2), (2, -1, [0, 2])]
)
def test_a_checked_part_is_that_of_the_whole(result, path, key):
    stored = results.read(path).fields["displacement"]
    assert np.array_equal(stored[key], result.displacement[key])


def test_a_dataset_without_its_digest_is_refused(path):
    with edited(path) as file:
        del file["ids"].attrs["blake2b"]
    with pytest.raises(WarpError, match="ids has no digest"):
        results.read(path).ids  # noqa: B018


def test_a_file_of_schema_1_1_is_read_without_digests(result, path):
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        file.attrs["schema"] = np.array((1, 1))
        del file.attrs["contents"]
        for place in (file, *datasets(file)):
            del place.attrs["blake2b"]
    assert np.array_equal(results.read(path).displacement, result.displacement)


def text(what):
    return np.frombuffer(what.encode(), np.uint8)


FOREIGN = {
    "ids-negative": ("ids", np.full((4, 9, 9), -5, np.int32)),
    "ids-float": ("ids", np.full((4, 9, 9), 0.3)),
    "u-complex": ("fields/displacement", np.zeros((3, 5, 10, 10), complex)),
    "u-bytes": ("fields/displacement", np.full((3, 5, 10, 10), b"x")),
    "u-int8": ("fields/displacement", np.zeros((3, 5, 10, 10), np.int8)),
    "field-unknown": ("fields/other", np.zeros((4, 9, 9))),
    "parts-numbers": ("parts", text("[1, 2]")),
    "part-nul": ("parts", text('["board", "a\\u0000b"]')),
    "part-surrogate": ("parts", text('["board", "\\ud800"]')),
    "part-markup": ("parts", text('["board", "[/]"]')),
    "part-path": ("parts", text('["board", "../x"]')),
    "metrics-list": ("metrics", text("[]")),
    "surfaces-list": ("metrics", text('{"surfaces": [1, 2]}')),
    "warpage-text": ("metrics", text('{"surfaces": {"chip": {"top": {"warpage_um": "x"}}}}')),
    "steps-number": ("metrics", text('{"steps": 5}')),
    "steps-bare": ("metrics", text('{"steps": [{"step": 1}]}')),
    "position-short": ("metrics", text('{"temperature": {"chip": {"max_at_mm": [1]}}}')),
    "warpage-none": ("metrics", text('{"surfaces": {"chip": {"top": {"zone_x_mm": 1}}}}')),
    "surface-of-no-part": ("metrics", text('{"stress": {"lid": {}}}')),
    "surface-inside": ("metrics", text('{"surfaces": {"chip": {"middle": {}}}}')),
    "worst-bare": ("metrics", text('{"worst": {"warpage_um": 1.0}}')),
    "refinement-text": ("metrics", text('{"refinement": {"voxels": "x", "order": "2"}}')),
    "metric-endless": ("metrics", text('{"other": {"x": 1e999}}')),
    "metric-huge": ("metrics", text('{"other": 1' + 400 * "0" + "}")),
    "metric-nan": ("metrics", text('{"surfaces": {"chip": {"top": {"warpage_um": NaN}}}}')),
    "solver-list": ("provenance/info", text('{"solver": [1]}')),
    "solver-text": ("provenance/info", text('{"solver": {"heat": {"iterations": "x"}}}')),
    "case-file-number": ("provenance/info", text('{"case_file": 5}')),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_other_types_and_tables_than_the_schema_says_are_refused(path, name):
    where, value = FOREIGN[name]
    with edited(path) as file:
        if where in file:
            del file[where]
        hdf5.put(file, where, value)
    with pytest.raises(WarpError, match="damaged or incomplete"):
        results.read(path)


def test_displacements_that_are_no_numbers_are_refused(path):
    with edited(path) as file:
        del file["fields/displacement"]
        hdf5.put(file, "fields/displacement", np.full((3, 5, 10, 10), np.nan))
    with pytest.raises(WarpError, match="no numbers"):
        results.read(path).displacement  # noqa: B018


def external(file, secret):
    file.create_dataset("case", (5,), "u1", external=[(str(secret), 0, 5)])


def external_link(file, secret):
    with h5py.File(secret.with_suffix(".h5"), "w") as other:
        hdf5.put_text(other, "case", "other")
    file["case"] = h5py.ExternalLink(str(secret.with_suffix(".h5")), "/case")


def soft_link(file, secret):
    file["case"] = h5py.SoftLink("/case")


@pytest.mark.parametrize("lead_out", [external, external_link, soft_link])
def test_a_file_that_leads_to_others_or_in_circles_is_refused(path, tmp_path, lead_out):
    (tmp_path / "secret").write_text("five!")
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        del file["case"], file.attrs["blake2b"]
        file.attrs["schema"] = np.array((1, 1))
        lead_out(file, tmp_path / "secret")
    with pytest.raises(WarpError, match="link|another file"):
        results.read(path)


def test_a_group_that_contains_itself_is_no_endless_loop(path):
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        file["steps"] = file["/"]
    with pytest.raises(WarpError):
        results.read(path)


def exchange_names(file):
    file.move("parts", "other")
    file.move("media/material", "parts")
    file.move("other", "media/material")


def unfold(file):
    file["grid"].attrs["mirror"] = np.array((0, 0), np.int8)


def add_a_share(file):
    file["media/share"] = file["media/stress_free"]


@pytest.mark.parametrize("edit", [exchange_names, unfold, add_a_share])
def test_names_links_and_attributes_have_a_digest_too(result, tmp_path, edit):
    """Each dataset is as it was written, under its own digest."""
    media = replace(result.media, fraction=None)
    path = replace(result, media=media).write(tmp_path / "out.h5")
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        edit(file)
    with pytest.raises(WarpError, match="not those that were written"):
        results.read(path)


def bomb_of_text(file):
    del file["case"]
    zeros = file.create_dataset("case", (2_000_000_000,), "u1", chunks=(100_000_000,), **PACKED)
    zeros[:100_000_000] = 0


def bomb_of_zeros(file):
    del file["metrics"]
    file.create_dataset("metrics", (1 << 40,), "u1", chunks=(1 << 20,))


def bomb_in_a_bomb(file):
    del file["ids"]
    file.create_dataset("ids", (4, 9, 9), "u2", chunks=(1, 9, 9), **PACKED, scaleoffset=2)


def chunk_of_gigabytes(file):
    del file["grid/x"]
    file.create_dataset("grid/x", (10,), "f8", maxshape=(None,), chunks=(100_000_000,))


PACKED = {"compression": "gzip", "shuffle": True}


@pytest.mark.parametrize("bomb", [bomb_of_text, bomb_of_zeros, bomb_in_a_bomb, chunk_of_gigabytes])
def test_what_would_unpack_to_more_than_is_in_it_is_not_read(path, bomb):
    with edited(path) as file:
        bomb(file)
    tracemalloc.start()
    with pytest.raises(WarpError, match="unpack|packed|larger than itself|damaged"):
        results.read(path).ids  # noqa: B018
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_pipe_is_no_result_and_no_checkpoint(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for read in (results.read, lambda path: checkpoint.read(path, "x")):
        with pytest.raises(WarpError, match="pipe or a socket"):
            read(tmp_path / "pipe")


def test_text_of_variable_length_is_not_read(path):
    """HDF5 keeps it in a heap without checksums: damage there makes the library hang."""
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        kinds = [file.attrs.get_id(key).dtype.kind for key in file.attrs]
        assert "O" not in kinds
        file["grid"].attrs["note"] = "text"
    with pytest.raises(WarpError, match="grid has an attribute of variable length"):
        results.read(path)


def test_the_name_of_a_format_of_variable_length_is_that_of_older_files(result, path):
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        file.attrs["format"] = "whatever"
        file.attrs["schema"] = np.array((1, 2))
        del file.attrs["contents"]
    assert np.array_equal(results.read(path).displacement, result.displacement)
