"""Gerber as the standard defines it: areas that a hand can check, and refusals."""

from math import pi

import numpy as np
import pytest

pytest.importorskip("gdstk", reason="needs the extra 'layout'")

from warp.errors import Fault
from warp.geometry import gerber
from warp.geometry.copper import copper_fraction
from warp.geometry.part import Drawing

HEAD = "%FSLAX46Y46*%\n%MOMM*%\n%LPD*%\nG01*\n"
SQUARE = (
    "G36*\nX{0}000000Y{0}000000D02*\nX{1}000000D01*\nY{1}000000D01*\n"
    "X{0}000000D01*\nY{0}000000D01*\nG37*\n"
)
POUR = SQUARE.format(-3, 3)


def fractions(folder, body, head=HEAD, end="M02*\n", **words):
    (folder / "layer").write_text(head + body + end)
    drawing = Drawing(file="layer", pixel="0.1 mm", **words)
    return copper_fraction(drawing, folder, (20e-3, 20e-3), ("copper",))


def area(folder, body, **words) -> float:
    """mm2 of 400."""
    return float(fractions(folder, body, **words).mean()) * 400


AREAS = {
    # step and repeat
    "SR of 4 x 3 squares": (
        "%SRX4Y3I2.0J2.0*%\n" + SQUARE.format(-6, -5) + "%SR*%\n",
        12.0,
    ),
    "SR that overlaps itself": (
        "%SRX3Y1I0.5J0*%\n" + SQUARE.format(-1, 0) + "%SR*%\n",
        2.0,
    ),
    "SR closed by the next": (
        "%SRX2Y1I4J0*%\n" + SQUARE.format(-6, -5) + "%SRX1Y1*%\n" + SQUARE.format(4, 5),
        3.0,
    ),
    "SR with clear shapes in it": (
        "%SRX2Y1I4J0*%\n" + SQUARE.format(-4, -1) + "%LPC*%\n" + SQUARE.format(-3, -2) + "%LPD*%\n",
        16.0,
    ),
    # apertures with holes leave what is below
    "hole over a pour": (POUR + "%ADD10C,2.0X1.0*%\nD10*\nX0Y0D03*\n", 36.0),
    "circle with a hole": ("%ADD10C,2.0X1.0*%\nD10*\nX0Y0D03*\n", pi * 0.75),
    "rectangle with a hole": ("%ADD10R,2X1X0.5*%\nD10*\nX0Y0D03*\n", 2 - pi / 16),
    "rectangle with a square hole": ("%ADD10R,2X1X0.5X0.4*%\nD10*\nX0Y0D03*\n", 1.8),
    "obround": ("%ADD10O,3X1*%\nD10*\nX0Y0D03*\n", 2 + pi / 4),
    "hexagon with a hole": ("%ADD10P,2X6X30X1*%\nD10*\nX0Y0D03*\n", 1.5 * 3**0.5 - pi / 4),
    # macros
    "clear flash of a ring on nothing": (
        "%AMRING*\n1,1,2.0,0,0*\n1,0,1.0,0,0*%\n%ADD10RING*%\n"
        + SQUARE.format(5, 7)
        + "%LPC*%\nD10*\nX0Y0D03*\n",
        4.0,
    ),
    "clear flash of a ring on a pour": (
        "%AMRING*1,1,2.0,0,0*1,0,1.0,0,0*%\n%ADD10RING*%\n" + POUR + "%LPC*%\nD10*\nX0Y0D03*\n",
        36 - pi * 0.75,
    ),
    "macro in its order": (
        "%AMA*21,1,4,4,0,0,0*21,0,2,2,0,0,0*21,1,1,1,0,0,0*%%ADD10A*%D10*X0Y0D03*",
        13.0,
    ),
    "arithmetic and parameters": (
        "%AMB*$3=$1x2+($2-1)/0.5*0 a remark*21,1,$3,$2X$1-$1,0,0,0*%%ADD10B,2X3*%D10*X0Y0D03*",
        8.0 * 4.0,
    ),
    "outline of a macro": ("%AMD*4,1,3,0,0,$1,0,0,$1,0,0,90*%%ADD11D,2*%D11*X0Y0D03*", 2.0),
    "vector line, lower left line, polygon": (
        "%AME*20,1,0.5,0,0,4,0,45*22,1,1,2,-3,-4,0*5,1,4,-5,5,2,0*%%ADD10E*%D10*X0Y0D03*",
        2.0 + 2.0 + 2.0,
    ),
    "thermal": ("%AMT*7,0,0,4,2,0.5,0*%%ADD10T*%D10*X0Y0D03*", None),
    "moire": ("%AMM*6,0,0,4,0.5,0.5,2,0.1,6,0*%%ADD10M*%D10*X0Y0D03*", None),
    # pens
    "square pen": ("%ADD10R,1X1*%D10*X-2000000Y0D02*X2000000Y0D01*", 5.0),
    "square pen, slanted": ("%ADD10R,1X1*%D10*X0Y0D02*X3000000Y3000000D01*", 1.0 + 2 * 3.0),
    "round pen": ("%ADD10C,1*%D10*X-2000000Y0D02*X2000000Y0D01*", 4 + pi / 4),
    "a pen that stays": ("%ADD10C,1*%D10*X0Y0D02*X0Y0D01*", pi / 4),
    "a pen of no size": (SQUARE.format(0, 1) + "%ADD10C,0*%D10*X-2000000Y0D02*X2000000Y0D01*", 1.0),
    "square pen on an arc": (
        "%ADD10R,0.2X0.2*%D10*G75*X2000000Y0D02*G03*X2000000Y0I-2000000J0D01*",
        None,
    ),
    "round pen on an arc, single quadrant": (
        "%ADD10C,0.2*%D10*G74*X2000000Y0D02*G03*X0Y2000000I2000000J0D01*",
        pi * 2 / 2 * 0.2 + pi * 0.01,
    ),
    "round pen on a small arc": (
        "%ADD10C,2*%D10*G75*X500000Y0D02*G03*X500000Y0I-500000J0D01*",
        pi * 1.5**2,
    ),
    # states
    "LR and LS": ("%ADD10R,2X1*%D10*%LR90*%%LS2*%X0Y0D03*", 8.0),
    "LS of a pen": ("%ADD10C,0.5*%D10*%LS2*%X-2000000Y0D02*X2000000Y0D01*", 4 + pi / 4),
    "LR of a pen": ("%ADD10R,1X0.5*%D10*%LR90*%X-2000000Y0D02*X2000000Y0D01*", 4.5),
    "LPC over a pour": (POUR + "%LPC*%" + SQUARE.format(-1, 1), 32.0),
    "regions that overlap": (SQUARE.format(0, 2) + SQUARE.format(1, 3), 7.0),
    "IP NEG": ("%IPNEG*%" + POUR, 400 - 36.0),
    # block apertures
    "a block": ("%ABD20*%" + SQUARE.format(0, 1) + "%AB*%D20*X0Y0D03*X5000000Y0D03*", 2.0),
    "a block within a block, turned and scaled": (
        "%ABD20*%" + SQUARE.format(0, 1) + "%AB*%%ABD21*%D20*X0Y0D03*X2000000Y0D03*%AB*%"
        "D21*%LS2*%%LR90*%X0Y0D03*",
        8.0,
    ),
    "a block with a clear part erases": (
        POUR + "%ABD20*%" + SQUARE.format(0, 2) + "%LPC*%" + SQUARE.format(0, 1) + "%LPD*%%AB*%"
        "D20*X0Y0D03*",
        35.0,
    ),
    "a clear block turns its polarities over": (
        POUR + "%ABD20*%" + SQUARE.format(0, 2) + "%LPC*%" + SQUARE.format(0, 1) + "%LPD*%%AB*%"
        "%LPC*%D20*X0Y0D03*",
        33.0,
    ),
    # old habits
    "D01 goes on": ("%ADD10C,1*%D10*X-2000000Y0D02*X0Y0D01*X2000000*", 4 + pi / 4),
    "attributes and names": (
        "%TF.Part,Single*%%LNtop*%%INx*%%TA.AperFunction,X*%G04 #@! TO.N,*" + POUR + "%TD*%",
        36.0,
    ),
    "neutral commands": (
        "%ASAXBY*%%MIA0B0*%%OFA0.0B0*%%SFA1.0B1.0*%%IR0*%%IJALBL*%%IPPOS*%" + POUR,
        36.0,
    ),
}


@pytest.mark.parametrize("name", [name for name, case in AREAS.items() if case[1]])
def test_areas(tmp_path, name):
    body, right = AREAS[name]
    assert area(tmp_path, body) == pytest.approx(right, rel=3e-4)


def test_a_thermal_is_a_ring_less_a_cross(tmp_path):
    found = fractions(tmp_path, AREAS["thermal"][0])
    assert found[:, 98:102].max() == 0 and found[98:102].max() == 0
    arms = 4 * (_strip(2.0) - _strip(1.0))
    assert found.sum() * 0.01 == pytest.approx(3 * pi - arms, rel=1e-3)


def _strip(r: float, width: float = 0.5) -> float:
    """Area of half a strip of this width through the middle of a disc."""
    h = width / 2
    return h * np.sqrt(r**2 - h**2) + r**2 * np.arcsin(h / r)


def test_a_moire_is_rings_and_a_cross(tmp_path):
    """The rings end at 2.0, 1.5, 1.0 and 0.5 mm; the cross shows in the gaps and outside."""
    found = fractions(tmp_path, AREAS["moire"][0]).sum() * 0.01
    rings = pi * (2**2 - 1.5**2 + 1.0**2 - 0.5**2)
    cross = 4 * 0.1 * (1.0 + 0.5 + 0.5) - 0.01
    assert found == pytest.approx(rings + cross, rel=1e-3)


def test_a_square_pen_on_a_full_circle(tmp_path):
    """Outside, the disc widened by the square; inside, what no square about the circle reaches."""
    found = fractions(tmp_path, AREAS["square pen on an arc"][0])
    outside = pi * 2**2 + 4 * 2 * 0.2 + 0.2**2
    x, y = np.meshgrid(*2 * [np.linspace(-2, 2, 2001)])
    inside = np.count_nonzero(np.hypot(abs(x) + 0.1, abs(y) + 0.1) < 2) * (4 / 2000) ** 2
    assert found.sum() * 0.01 == pytest.approx(outside - inside, rel=2e-3)


def test_an_aperture_mirrored_then_turned(tmp_path):
    """LM acts before LR; neither adds up."""
    corner = "%AMCORNER*4,1,3,0,0,4,0,0,2,0,0,0*%%ADD10CORNER*%"
    plain = fractions(tmp_path, corner + "D10*X0Y0D03*")
    mirrored = fractions(tmp_path, corner + "D10*%LMX*%X0Y0D03*")
    assert mirrored == pytest.approx(plain[:, ::-1])
    both = fractions(tmp_path, corner + "D10*%LR90*%%LR90*%%LMX*%X0Y0D03*")
    assert both == pytest.approx(np.rot90(plain[:, ::-1], -1), abs=1e-6)  # rows run up here
    assert fractions(tmp_path, corner + "D10*%LMXY*%X0Y0D03*") == pytest.approx(plain[::-1, ::-1])


def test_inches_trailing_zeros_and_steps(tmp_path):
    """A square of 0.1 inch in three ways of writing it."""
    points = "X{0}Y{0}D02*\nX{1}D01*\nY{1}D01*\nX{0}D01*\nY{0}D01*\n"
    inch = 2.54**2
    for head, low, high in (
        ("%FSLAX24Y24*%\n%MOIN*%\n", "0", "1000"),
        ("%FSTAX24Y24*%\n%MOIN*%\n", "00", "001"),
        ("%FSLAX24Y24*%\nG70*\n", "0", "0.1"),
    ):
        body = "G36*\n" + points.format(low, high) + "G37*\n"
        assert area(tmp_path, body, head=head) == pytest.approx(inch, rel=1e-6)
    body = "G36*\nX0Y0D02*\nX1000D01*\nY1000D01*\nX-1000D01*\nY-1000D01*\nG37*\n"
    found = area(tmp_path, body, head="%FSLIX24Y24*%\n%MOIN*%\n")
    assert found == pytest.approx(inch, rel=1e-6)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("D10*\n", "line 5: aperture D10 is not defined"),
        ("X0Y0D03*\n", "line 5: a flash before any aperture"),
        ("%ADD10C,1*%\nD10*\nX0Y0Z0D03*\n", "line 7: 'X0Y0Z0D03' is not a command"),
        ("%ADD10THERMAL*%\n", "line 5: there is no macro 'THERMAL'"),
        ("%AMA*9,1,1*%\n%ADD10A*%\nD10*\nX0Y0D03*\n", "line 8: primitive 9 of a macro"),
        ("%AMA*1,1,$1(,0,0*%\n%ADD10A,1*%\nD10*\nX0Y0D03*\n", "line 8: "),
        ("%AMA*1,1,2/$1,0,0*%\n%ADD10A*%\nD10*\nX0Y0D03*\n", "divides by zero"),
        (
            "%AMA*1,1," + "(" * 60 + "1" + ")" * 60 + ",0,0*%\n%ADD10A*%\nD10*\nX0Y0D03*\n",
            "brackets",
        ),
        ("%AMA*1,1,1,0,0*%\n%ADD10A*%\nD10*\nX0Y0D02*\nX1Y0D01*\n", "cannot draw a line"),
        ("%ADD10C,1X0.5*%\nD10*\nX0Y0D02*\nX1Y0D01*\n", "an aperture with a hole cannot draw"),
        ("%ADD10C,-1*%\n", "line 5: an aperture has a size below zero"),
        ("%ADD10P,1X99*%\n", "line 5: a polygon has 99 corners"),
        ("%ADD10C,1*%\nD10*\nG02*\nX1Y1I1J0D01*\n", "line 8: an arc before G75 or G74"),
        (
            "%ADD10C,1*%\nD10*\nG75*\nG02*\nX1000000Y1000000I900000J0D01*\n",
            "line 9: an arc whose ends lie",
        ),
        ("%MIA1B0*%\n", "line 5: %MIA1B0*% moves or turns the whole image"),
        ("%XYZ*%\n", "line 5: "),
        ("%FSLAX99*%\n", "line 5: %FSLAX99*% is not a format"),
        ("G36*\nX0Y0D03*\n", "line 6: a flash within a region"),
        ("%ABD11*%\n" + POUR, "ends within a block aperture"),
        ("%SRX0Y1I1J1*%\n", "line 5: a step and repeat needs counts"),
        ("G36*\nX0Y0D02*\n", "ends within a region"),
        ("%ADD10C,1*\n", "line 5: '%ADD10C,1*"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_line(tmp_path, body, says):
    with pytest.raises(Fault) as error:
        area(tmp_path, body)
    assert says in error.value.message and "\n" not in error.value.message


def test_a_command_without_its_end_before_a_percent_sign(tmp_path):
    """As gerbonara writes G75."""
    head = HEAD.replace("%LPD*%", "G75\n%LPD*%")
    assert area(tmp_path, POUR, head=head) == pytest.approx(36.0)


def test_a_file_that_is_cut_off(tmp_path):
    with pytest.raises(Fault, match="ends without M02"):
        area(tmp_path, POUR, end="")
    with pytest.raises(Fault, match="draws nothing"):
        area(tmp_path, "")


@pytest.mark.parametrize(
    "body",
    [
        "%SRX30000Y30000I0.001J0.001*%\n" + POUR + "%SR*%\n",
        "%SRX4000Y4000I0J0*%\n" + POUR + "%SR*%\n",
        POUR.join(["%ABD10*%\n", "%AB*%\n"])
        + "".join(f"%ABD{n}*%\nD{n - 1}*\n" + "X0Y0D03*\n" * 10 + "%AB*%\n" for n in range(11, 30))
        + "D29*\nX0Y0D03*\n",
        "%AMM*6,0,0,4,0.0001,0.0001,100000,0,0,0*%%ADD10M*%D10*X0Y0D03*",
    ],
)
def test_a_repetition_beyond_all_layouts_is_refused_before_it_is_made(tmp_path, body):
    with pytest.raises(Fault, match=r"corners: is a repetition right\?|100000 rings"):
        area(tmp_path, body)


def test_gerber_is_told_by_its_first_commands():
    assert gerber.is_gerber(HEAD) and gerber.is_gerber("G04 made by X*\n%FSLAX24Y24*%")
    assert not gerber.is_gerber("x,y,z\n1,2,3\n") and not gerber.is_gerber("M48\nMETRIC\n")
