"""Parts on both sides of a mirror plane: the modelled one gives the numbers of the full package."""

import pytest

from warp import load
from warp.case.errors import CaseError
from warp.results.file import read, write
from warp.run import process

CASE = """
[load]
stress_free = "150 degC"
temperature = "solved"
[grid]
refine = 0.5
[part.substrate]
size = "20 mm"
thickness = "1 mm"
material = "bt-hl832ns"
[part.a]
on = "substrate"
size = "4 mm"
at = ["5 mm", "0 mm"]
thickness = "0.5 mm"
material = "silicon"
power = POWER
[part.b]
on = "substrate"
size = "4 mm"
at = ["-5 mm", "0 mm"]
thickness = "0.5 mm"
material = "silicon"
power = POWER
[boundary.air]
face = "package.bottom"
film = "50000 W/(m^2 K)"
ambient = "25 degC"
"""
BLOCKS = '{ blocks = [{ power = "1 W", size = "1 mm" }], total = "2 W" }'


def numbers(tmp_path, symmetry, power='"2 W"', more=""):
    path = tmp_path / "twins.toml"
    path.write_text(f'symmetry = "{symmetry}"\n' + CASE.replace("POWER", power) + more)
    return process.solve(load(path), "cpu").metrics


@pytest.mark.parametrize("symmetry", ["half-x", "half-y", "quarter"])
@pytest.mark.parametrize("power", ['"2 W"', BLOCKS])
def test_twins_about_a_plane_are_those_of_the_full_package(tmp_path, symmetry, power):
    full = numbers(tmp_path, "none", power)
    piece = numbers(tmp_path, symmetry, power)
    for key in ("junction_C", "power_W", "theta_ja_K_per_W"):
        assert piece["thermal"][key] == pytest.approx(full["thermal"][key], rel=2e-3), key
    for part in ("substrate", "a"):
        for side in ("top", "bottom"):
            own, whole = (n["surfaces"][part][side]["warpage_um"] for n in (piece, full))
            assert own == pytest.approx(whole, rel=0.01), (part, side)
    assert piece["temperature"]["a"]["mean_C"] == pytest.approx(
        full["temperature"]["a"]["mean_C"], rel=1e-3
    )


def test_films_and_contacts_of_the_twin_beyond_are_accepted(tmp_path):
    more = """
[boundary.fan]
face = ["a.top", "b.top"]
film = "1000 W/(m^2 K)"
ambient = "25 degC"
"""
    for part in "ab":
        more += f"""
[interface.{part}]
between = ["{part}", "substrate"]
resistance = "10 mm^2 K/W"
"""
    full, piece = (numbers(tmp_path, symmetry, more=more) for symmetry in ("none", "quarter"))
    assert piece["thermal"]["junction_C"] == pytest.approx(full["thermal"]["junction_C"], rel=2e-3)


def test_a_surface_beyond_the_plane_is_refused_before_the_run(tmp_path):
    with pytest.raises(CaseError, match="'b' lies beyond the mirror plane x = 0"):
        numbers(tmp_path, "quarter", more='[output]\nsurfaces = ["b.top"]\n')


def test_the_twin_is_read_from_a_file_as_it_was_solved(tmp_path):
    path = tmp_path / "twins.toml"
    path.write_text('symmetry = "quarter"\n' + CASE.replace("POWER", '"2 W"'))
    result = process.solve(load(path), "cpu")
    write(result, tmp_path / "twins.h5")
    again = read(tmp_path / "twins.h5").warpage("a", "top").value
    assert 1e6 * again == pytest.approx(result.metrics["surfaces"]["a"]["top"]["warpage_um"])


BUMPED = """
symmetry = "half-x"
[load]
stress_free = "217 degC"
[part.substrate]
size = "20 mm"
thickness = "1 mm"
material = "bt-hl832ns"
[part."fill-{n}"]
repeat = 2
on = "substrate"
size = "4 mm"
at = ["(2 * n - 3) * 5 mm", "0 mm"]
thickness = "70 um"
material = "underfill-uf9000ae"
[part."bumps-{n}"]
repeat = 2
shape = "columns"
inside = "fill-{n}"
pitch = "150 um"
diameter = "DIAMETER"
material = "sac305"
model = "effective"
fill = "underfill-uf9000ae"
[part."chip-{n}"]
repeat = 2
on = "fill-{n}"
size = "fill-{n}"
material = "bt-hl832ns"
layers = [{ thickness = "18 um", copper = 0.5 }, { thickness = "200 um" }]
"""


def test_effective_bumps_and_laminates_are_mirrored_by_those_of_another_part(tmp_path):
    path = tmp_path / "bumped.toml"
    path.write_text(BUMPED.replace("DIAMETER", "80 um"))
    load(path)
    path.write_text(BUMPED.replace("DIAMETER", "10 um * n + 70 um"))
    with pytest.raises(CaseError, match="'bumps-1' has no mirror image"):
        load(path)


PANEL = """
[load]
stress_free = "150 degC"
[grid]
refine = 0.5
[part.board]
size = "20 mm"
thickness = "0.5 mm"
material = "bt-hl832ns"
[part.dies]
shape = "block-array"
on = "board"
size = "4 mm"
pitch = "8 mm"
count = [2, 2]
thickness = "0.2 mm"
material = "silicon"
[part.cap]
on = "dies"
size = "3 mm"
at = ["4 mm", "4 mm"]
thickness = "0.3 mm"
material = "mould-compound"
[[step]]
do = "attach"
parts = ["board", "dies"]
temperature = "150 degC"
[[step]]
do = "cool"
temperature = "25 degC"
[[step]]
do = "singulate"
size = "7 mm"
at = ["4 mm", "4 mm"]
[[step]]
do = "attach"
parts = ["cap"]
temperature = "130 degC"
[[step]]
do = "cool"
temperature = "25 degC"
"""


def test_what_joins_a_unit_beside_the_planes_needs_no_twin(tmp_path):
    """The panel is a quarter, its unit a whole one."""
    bows = []
    for symmetry in ("none", "quarter"):
        path = tmp_path / f"{symmetry}.toml"
        path.write_text(f'symmetry = "{symmetry}"\n' + PANEL)
        metrics = process.solve(load(path), "cpu").metrics
        bows.append(metrics["surfaces"]["board"]["bottom"]["warpage_um"])
    assert bows[1] == pytest.approx(bows[0], rel=0.01)


def test_what_joins_the_whole_needs_a_twin(tmp_path):
    path = tmp_path / "whole.toml"
    cut = PANEL.index('[[step]]\ndo = "singulate"')
    attached = PANEL.index('[[step]]\ndo = "attach"\nparts = ["cap"]')
    path.write_text('symmetry = "quarter"\n' + PANEL[:cut] + PANEL[attached:])
    with pytest.raises(CaseError, match="part 'cap' has no mirror image"):
        load(path)
