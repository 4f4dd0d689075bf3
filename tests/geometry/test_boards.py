"""Boards in IPC-2581 and ODB++: the copper that Gerber files of the same board have."""

import io
import tarfile
import zipfile
from math import pi

import boards
import numpy as np
import pytest

pytest.importorskip("gdstk", reason="needs the extra 'layout'")
pytest.importorskip("lxml", reason="needs the extra 'layout'")

from warp.case.case import CaseError, load
from warp.errors import Fault
from warp.geometry import ipc2581, odbpp
from warp.geometry.copper import copper_fraction
from warp.geometry.odb_symbols import standard_symbol
from warp.geometry.part import Drawing
from warp.run import process

SIZE = (40e-3, 30e-3)
LAYERS = ("TOP", "GND", "PWR", "BOTTOM")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The example board in four formats; ODB++ as a folder, and packed in two ways."""
    path = tmp_path_factory.mktemp("boards")
    board = boards.example()
    boards.write_gerber(board, path)
    boards.write_ipc2581(board, path / "board.xml")
    boards.write_odb(board, path / "job")
    with tarfile.open(path / "job.tgz", "w:gz") as archive:
        archive.add(path / "job", "job")
    with zipfile.ZipFile(path / "job.zip", "w") as archive:
        for file in sorted((path / "job").rglob("*")):
            if file.is_file():
                archive.write(file, f"some/folder/{file.relative_to(path)}")
    return path


def share(folder, **words):
    return copper_fraction(Drawing(**words), folder, SIZE, ("copper",))


@pytest.mark.parametrize("file", ["board.xml", "job", "job.tgz", "job.zip"])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_has_the_copper_of_its_gerber_file(folder, file, layer):
    """The share within 0.5 % of itself, and pixel by pixel."""
    gerber = share(folder, file=f"{layer}.gbr", centre=["120 mm", "65 mm"], pixel="0.1 mm")
    found = share(folder, file=file, layer=layer, pixel="0.1 mm")
    assert found.mean() == pytest.approx(gerber.mean(), rel=5e-3)
    assert np.abs(found - gerber).max() < 0.02


@pytest.mark.parametrize("file", ["board.xml", "job"])
def test_holes_through_a_dielectric_are_those_of_the_drill_file(folder, file):
    drilled = share(folder, file="holes.drl", plating="25 um", centre=["120 mm", "65 mm"])
    found = share(folder, file=file, layer="CORE", plating="25 um")
    assert found.mean() == pytest.approx(drilled.mean(), rel=5e-3)
    assert found.mean() * 1200 == pytest.approx(24 * pi * (0.325**2 - 0.3**2), rel=5e-3)


@pytest.mark.parametrize("name", ["board.xml", "job"])
def test_stackup_and_components(folder, name):
    path = folder / name
    board = odbpp.read_folder(path) if name == "job" else ipc2581.read(path.read_bytes())
    stack = boards.example().stack
    assert [(layer.name, layer.kind) for layer in board.layers] == [entry[:2] for entry in stack]
    assert [layer.thickness for layer in board.layers] == pytest.approx(
        [t for *_, t in stack], rel=1e-5
    )
    assert board.layers[1].material == "FR-4"
    (part,) = board.components
    assert (part.name, part.side) == ("U1", "top")
    assert part.centre == pytest.approx(110 + 59j) and part.size == pytest.approx(6 + 8j)


CASE = """\
[part.board]
size = ["40 mm", "30 mm"]
material = "fr4"
layers = [
{layers}
]
[load]
stress_free = "180 degC"
[grid]
spacing = "4 mm"
edge_spacing = "2 mm"
cells_per_layer = 1
"""


def solved(folder, copper):
    rows = []
    for name, kind, thickness in boards.example().stack:
        word = f"copper = {copper(name)}" if kind == "copper" else 'name = "core"'
        rows.append(f'  {{ thickness = "{thickness} mm", {word} }},')
    (folder / "case.toml").write_text(CASE.replace("{layers}", "\n".join(rows)))
    return process.solve(load(folder / "case.toml"), "cpu")


def test_a_board_bends_as_from_its_gerber_files(folder):
    """All within 1 %."""
    found = {
        "gerber": lambda name: f'{{ file = "{name}.gbr", centre = ["120 mm", "65 mm"] }}',
        "ipc": lambda name: f'{{ file = "board.xml", layer = "{name}" }}',
        "odb": lambda name: f'{{ file = "job.tgz", layer = "{name}" }}',
    }
    bow = {
        key: solved(folder, copper).metrics["surfaces"]["board"]["bottom"]["warpage_um"]
        for key, copper in found.items()
    }
    assert abs(bow["gerber"]) > 10.0
    assert bow["ipc"] == pytest.approx(bow["gerber"], rel=1e-2)
    assert bow["odb"] == pytest.approx(bow["gerber"], rel=1e-2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"file": "board.xml"}, "layer: is missing: name a layer of the board: TOP, PREPREG_1"),
        ({"file": "board.xml", "layer": "TOPP"}, "has no layer 'TOPP'; did you mean 'TOP'?"),
        ({"file": "job", "layer": "CORE"}, "plating: is missing: holes need"),
        ({"file": "job", "layer": "TOP", "cell": "panel"}, "has no step 'panel'; it has pcb"),
        ({"file": "board.xml", "layer": "TOP", "datatype": 1}, "datatype: belongs to a GDSII"),
        ({"file": "TOP.gbr", "layer": "TOP"}, "layer: belongs to a GDSII or OASIS file"),
    ],
)
def test_what_is_wrong_with_a_board_s_drawing(folder, words, message):
    with pytest.raises(Fault) as error:
        share(folder, **words)
    key = ".".join(map(str, error.value.key[1:]))
    assert message in f"{key}: {error.value.message}"


HEAD = '<IPC-2581 revision="C"><Ecad><CadHeader units="MILLIMETER"/><CadData>'
LAYER = '<Layer name="T" layerFunction="SIGNAL"/>'


LINE = '<Line startX="0" startY="0" endX="4" endY="0"><LineDesc lineWidth="1" lineEnd="{}"/></Line>'


def ipc(features, more=""):
    body = (
        f'{LAYER}<Step name="s">{more}<LayerFeature layerRef="T">{features}</LayerFeature></Step>'
    )
    return f"{HEAD}{body}</CadData></Ecad></IPC-2581>".encode()


def area(drawn):
    """mm2 of polygons that do not overlap."""
    return sum(polygon.area() * (1 if dark else -1) for polygon, dark in drawn)


def placed(shape):
    return ipc(f"<Set><Features>{shape}</Features></Set>")


@pytest.mark.parametrize(
    ("shape", "mm2"),
    [
        ('<Circle diameter="2"/>', pi),
        ('<RectCenter width="2" height="3"/>', 6.0),
        ('<RectRound width="4" height="2" radius="0.5"/>', 8 - (4 - pi) * 0.25),
        ('<RectRound width="4" height="2" radius="0.5" upperLeft="false"/>', 8 - (4 - pi) * 0.1875),
        ('<RectCham width="4" height="2" chamfer="0.5"/>', 7.5),
        ('<RectCorner lowerLeftX="0" lowerLeftY="0" upperRightX="2" upperRightY="1"/>', 2.0),
        ('<Oval width="4" height="2"/>', 4 + pi),
        ('<Ellipse width="4" height="2"/>', 2 * pi),
        ('<Diamond width="4" height="2"/>', 4.0),
        ('<Donut shape="ROUND" outerDiameter="4" innerDiameter="2"/>', 3 * pi),
        ('<Hexagon length="2"/>', 1.5 * 3**0.5),
        ('<Xform scale="2"/><Circle diameter="1"/>', pi),
        (LINE.format("SQUARE"), 5.0),
        (LINE.format("NONE"), 4.0),
        (LINE.format("ROUND"), 4.0 + pi / 4),
    ],
)
def test_shapes_have_the_area_of_their_formula(shape, mm2):
    drawn, _ = ipc2581.read(placed(shape)).draw("T")
    assert area(drawn) == pytest.approx(mm2, rel=4e-3)


def test_pads_come_from_their_stack_and_panels_repeat_their_boards():
    stack = (
        '<PadStackDef name="p"><PadstackPadDef layerRef="T" padUse="REGULAR">'
        '<Location x="0" y="0"/><RectCenter width="2" height="1"/></PadstackPadDef></PadStackDef>'
    )
    pad = '<Set><Pad padstackDefRef="p"><Location x="5" y="5"/><Xform rotation="90"/></Pad></Set>'
    drawn, _ = ipc2581.read(ipc(pad, stack)).draw("T")
    assert np.allclose(drawn[0][0].bounding_box(), [(4.5, 4.0), (5.5, 6.0)])
    panel = ipc(pad, stack).replace(
        b"</CadData>",
        b'<Step name="panel"><StepRepeat stepRef="s" x="100" y="0" nx="3" ny="2" dx="20" dy="30" '
        b'angle="90" mirror="false"/></Step></CadData>',
    )
    drawn, _ = ipc2581.read(panel, "panel").draw("T")
    assert len(drawn) == 6
    assert np.allclose(drawn[0][0].bounding_box(), [(94.0, 4.5), (96.0, 5.5)])
    assert np.allclose(drawn[-1][0].bounding_box(), [(134.0, 34.5), (136.0, 35.5)])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<IPC-2581>", "is no XML"),
        (b"<IPC-2581/>", "has no Ecad section"),
        (placed('<Circle diameter="x"/>'), "line 1: diameter of Circle is no number"),
        (placed('<StandardPrimitiveRef id="q"/>'), "line 1: there is no shape 'q'"),
        (placed("<Blob/>"), "line 1: Blob is not understood"),
        (ipc("").replace(b"MILLIMETER", b"FOOT"), "units 'FOOT'"),
    ],
)
def test_what_is_wrong_with_ipc_2581(content, words):
    with pytest.raises(ValueError, match=".*") as error:
        ipc2581.read(content).draw("T")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("symbol", "mm2"),
    [
        ("r2000", pi),
        ("s2000", 4.0),
        ("rect2000x3000", 6.0),
        ("rect4000x2000xr500", 8 - (4 - pi) * 0.25),
        ("rect4000x2000xc500x13", 7.75),
        ("oval4000x2000", 4 + pi),
        ("di4000x2000", 4.0),
        ("el4000x2000", 2 * pi),
        ("donut_r4000x2000", 3 * pi),
        ("donut_s4000x2000", 12.0),
        ("thr4000x2000x0x4x500", 3 * pi - 4 * 0.5 * 1.0),
    ],
)
def test_symbols_of_odb_have_the_area_of_their_formula(symbol, mm2):
    polygons = standard_symbol(symbol, 1e-3)
    assert sum(p.area() for p in polygons) == pytest.approx(mm2, rel=1.2e-2)


def test_what_is_wrong_with_odb(folder, tmp_path):
    import shutil

    shutil.copytree(folder / "job", tmp_path / "job")
    features = tmp_path / "job" / "steps" / "pcb" / "layers" / "top" / "features"
    text = features.read_text()
    for new, words in (
        (text.replace("$0 r400.000", "$0 strange"), "names symbol 'strange'"),
        (text.replace("L 103.000000", "L x"), "has 'x' where a number should be"),
        (text + "P 1 2 99 P 0 8 0\n", "'P 1 2 99 P 0 8 0'"),
        (text + "OS 1 2\n", "'OS 1 2'"),
    ):
        features.write_text(new)
        with pytest.raises(Fault) as error:
            share(tmp_path, file="job", layer="TOP")
        assert words in error.value.message
    for content, words in ((b"PK\x03\x04 matrix/matrix", "damaged archive"), (_tar(), "no matrix")):
        (tmp_path / "job.tar").write_bytes(content)
        with pytest.raises(Fault) as error:
            share(tmp_path, file="job.tar", layer="TOP")
        assert words in error.value.message


def _tar():
    """An archive whose only file speaks of a matrix."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo("readme")
        entry.size = 13
        archive.addfile(entry, io.BytesIO(b"matrix/matrix"))
    return file.getvalue()


def test_a_fault_names_the_line_of_the_case(folder):
    with pytest.raises(
        CaseError, match=r"case.toml:5: part.board.layers.1.copper.layer: the board"
    ):
        solved(folder, lambda name: f'{{ file = "board.xml", layer = "{name}x" }}')


@pytest.mark.parametrize("name", ["board.xml", "job.tgz", "job"])
def test_a_board_becomes_a_case(folder, tmp_path, name):
    from warp.case import converted

    case = load(converted.write(folder / name, tmp_path / "case.toml"))
    place = case.package.places["board"]
    assert place.z1 - place.z0 == pytest.approx(1.306e-3, rel=1e-5)
    assert (place.outline.width, place.outline.depth) == pytest.approx(SIZE)
    shares = {name: float(image.mean()) for name, image in case.package.images.items()}
    assert len(shares) == 7  # four layers of copper, three with holes
    assert shares["board: CORE"] == pytest.approx(24 * pi * (0.325**2 - 0.3**2) / 1200, rel=5e-3)
    text = (tmp_path / "case.toml").read_text()
    assert '# [part.U1]  on = "board"' in text and 'at = ["-10 mm", "-6 mm"]' in text


def test_a_heavy_copper_weight_is_a_thickness(folder, tmp_path):
    """Metric jobs of Altium and Ansys give um, which no board has in ounces."""
    import shutil

    shutil.copytree(folder / "job", tmp_path / "job")
    attributes = tmp_path / "job" / "steps" / "pcb" / "layers" / "top" / "attrlist"
    attributes.write_text("UNITS=MM\n.copper_weight = 35.56\n")
    board = odbpp.read_folder(tmp_path / "job")
    assert board.layers[0].thickness == pytest.approx(0.03556)


def test_thicknesses_that_a_file_does_not_give_are_assumed_and_said(folder, tmp_path):
    from warp.case import converted

    whole = (folder / "board.xml").read_text()
    begin, end = whole.index("<Stackup "), whole.index("</Stackup>") + len("</Stackup>")
    (tmp_path / "bare.xml").write_text(whole[:begin] + whole[end:])
    path = converted.write(tmp_path / "bare.xml", tmp_path / "case.toml")
    text = path.read_text()
    assert "# ASSUMED, the file does not say: 35 um of copper in TOP, GND" in text
    assert "# ASSUMED, the file does not say: 1.46 mm of dielectrics in all" in text
    place = load(path).package.places["board"]
    assert place.z1 - place.z0 == pytest.approx(1.6e-3)


def test_a_layer_of_the_stackup_that_is_not_declared_is_a_dielectric(folder):
    whole = (folder / "board.xml").read_text()
    row = '<Layer name="CORE" layerFunction="DIELCORE" side="NONE" polarity="POSITIVE"/>'
    assert row in whole
    board = ipc2581.read(whole.replace(row, "").encode())
    core = next(layer for layer in board.layers if layer.name == "CORE")
    assert (core.kind, core.thickness) == ("dielectric", pytest.approx(0.8))


def test_files_that_are_no_board(tmp_path):
    from warp.case import converted
    from warp.errors import WarpError

    for name, content, words in (
        ("a.xml", b"<svg/>", "is no board of KiCad, in IPC-2581 or ODB++"),
        ("a.xml", ipc(""), "the board has no outline"),
        ("a.zip", b"PK\x03\x04 matrix/matrix", "damaged archive"),
        ("nothing.xml", None, "No such file"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(WarpError, match=".*") as error:
            converted.write(tmp_path / name, tmp_path / "case.toml")
        assert words in str(error.value)
