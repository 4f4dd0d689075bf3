"""Input of Ansys: read back from its fixed columns, it is the mesh, the media and the loads."""

import numpy as np
import pytest
from small_case import CASE

from warp.case.case import parse
from warp.units import ZERO_CELSIUS
from warp.verify import ansys_deck, calculix_deck
from warp.voxels import boundary

SOLVED = 'temperature = "solved"'


def case(tmp_path, more=""):
    text = CASE.replace('stress_free = "165 degC"', f'stress_free = "165 degC"\n{more}')
    return parse(text, tmp_path / "small.toml")


def columns(line, width):
    return [line[n : n + width] for n in range(0, len(line), width)]


def blocks(lines):
    """Return nodes [mm], and (material, corners) of each brick from 0."""
    start = lines.index("(3i9,6e21.13e3)") + 1
    end = lines.index("N,R5.3,LOC,-1")
    nodes = [[float(v) for v in columns(line[27:], 21)] for line in lines[start:end]]
    bricks = []
    rows = iter(lines[lines.index("(19i10)") + 1 :])
    for line in rows:
        if line == "-1":
            break
        head = [int(v) for v in columns(line, 10)]
        corners = head[11:] if head[8] == 8 else [*head[11:], *map(int, columns(next(rows), 10))]
        bricks.append((head[0], [n - 1 for n in corners]))
    return np.array(nodes), bricks


@pytest.mark.parametrize("linear", [False, True])
def test_blocks_are_the_mesh(tmp_path, linear):
    found = case(tmp_path)
    mesh = calculix_deck.build(found, 4.0, linear)
    nodes, bricks = blocks(list(ansys_deck.elastic_deck(found, mesh, "small")))
    assert nodes == pytest.approx(1e3 * mesh.nodes, abs=1e-9)
    assert [corners for _, corners in bricks] == mesh.bricks.tolist()
    assert [row for row, _ in bricks] == mesh.model.ids.ravel()[mesh.voxel].tolist()
    low, high = (nodes[[corners[n] for _, corners in bricks]] for n in (0, 6))
    assert (high > low).all()  # the seventh corner is the far one: bricks are not inside out


def test_a_material_strains_since_its_own_temperature(tmp_path):
    found = case(tmp_path, SOLVED)
    mesh = calculix_deck.build(found, 4.0)
    lines = list(ansys_deck.elastic_deck(found, mesh, "small"))
    media = mesh.model.media
    row = media.names.index("silicon")
    zero = float(next(t for t in lines if t.startswith(f"MP,REFT,{row},")).split(",")[3])
    assert zero == pytest.approx(165)
    start = max(
        n for n, t in enumerate(lines) if t == "MPTEMP" and n < lines.index(f"MP,REFT,{row},165")
    )
    T = [float(v) for t in lines[start + 1 :] if t.startswith("MPTEMP,") for v in t.split(",")[2:]]
    alpha = [
        float(v) for t in lines if t.startswith(f"MPDATA,ALPX,{row},") for v in t.split(",")[4:]
    ]
    T = np.array(T[: len(alpha)])
    kelvin = T + ZERO_CELSIUS
    strain = media.materials[row].thermal_strain(kelvin, 165 + ZERO_CELSIUS)[:, 0]
    away = np.abs(T - zero) > 1e-2
    assert (np.array(alpha) * (T - zero))[away] == pytest.approx(strain[away], rel=1e-6)
    assert "LDREAD,TEMP,LAST,,,,small-heat,rth" in lines


def test_heat_comes_in_and_leaves_by_the_named_faces(tmp_path):
    found = case(tmp_path, SOLVED)
    mesh = calculix_deck.build(found, 4.0)
    lines = list(ansys_deck.heat_deck(found, mesh, "small"))
    nodes, bricks = blocks(lines)
    watts = 0.0
    for line in (t for t in lines if t.startswith("BFE,")):
        corners = bricks[int(line.split(",")[1]) - 1][1]
        volume = np.prod(nodes[corners[6]] - nodes[corners[0]])
        watts += 1e-3 * float(line.split(",")[4]) * volume
    assert watts == pytest.approx(2 / 4)  # of the quarter
    films = [t.split(",") for t in lines if t.startswith("SFE,") and t.split(",")[4] == "1"]
    faces = boundary.faces(mesh.model, "chip.top")
    assert len(films) == len(faces.cell)
    for _, element, face, _, _, h in films:
        corners = nodes[bricks[int(element) - 1][1]]
        assert face == "6" and float(h) == pytest.approx(1000 * 1e3 / 1e6)
        assert corners[4:8, 2] == pytest.approx(1.5)  # the top of the chip


def test_the_faces_of_a_brick_have_ansys_numbers(tmp_path):
    """Of SOLID90: J-I-L-K, I-J-N-M, J-K-O-N, K-L-P-O, L-I-M-P, M-N-O-P."""
    known = ((1, 0, 3, 2), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7))
    corners = np.array(calculix_deck.CORNERS)
    for side, number in enumerate(ansys_deck.SIDES):
        axis, high = divmod(side, 2)
        assert (corners[list(known[number - 1]), axis] == 2 * high).all()


def test_supports_and_large_deflection(tmp_path):
    found = case(tmp_path)
    mesh = calculix_deck.build(found, 4.0)
    files = ansys_deck.write(found, tmp_path / "decks", "small", mesh, nlgeom=True)
    assert [file.name for file in files] == ["small-heat.dat", "small.dat"]
    text = files[1].read_text()
    assert "NLGEOM,ON" in text and "BFUNIF,TEMP,25\n" in text
    held = [t.split(",") for t in text.splitlines() if t.startswith("D,")]
    at = mesh.nodes[[int(node) - 1 for _, node, *_ in held]]
    for (_, _, direction, value), (x, y, _) in zip(held, at, strict=True):
        assert value == "0" and {"UX": x, "UY": y}.get(direction, 0.0) == 0.0
    assert sum(direction == "UZ" for _, _, direction, _ in held) == 1
