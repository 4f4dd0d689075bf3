"""Make tests/geometry/kicad with KiCad's own writer: one board, and the Gerber files that it plots.

    python3 tests/support/kicad_board.py tests/geometry/kicad

Run by the Python that has pcbnew (6.0): every kind of pad, track, via, graphic and a filled zone on
four layers of 40 x 30 mm.
"""

from __future__ import annotations

import os
import sys

import pcbnew
from pcbnew import FromMM, wxPoint, wxPointMM, wxSizeMM

LAYERS = (pcbnew.F_Cu, pcbnew.In1_Cu, pcbnew.In2_Cu, pcbnew.B_Cu)
CORNER = (100.0, 50.0)
STACKUP = """(stackup
  (layer "F.Mask" (type "Top Solder Mask") (thickness 0.02))
  (layer "F.Cu" (type "copper") (thickness 0.035))
  (layer "dielectric 1" (type "prepreg") (thickness 0.1) (material "FR4") (epsilon_r 4.5)
    (loss_tangent 0.02) addsublayer (thickness 0.11) (material "FR4") (epsilon_r 4.5)
    (loss_tangent 0.02))
  (layer "In1.Cu" (type "copper") (thickness 0.018))
  (layer "dielectric 2" (type "core") (thickness 0.8) (material "Kapton") (epsilon_r 4.5)
    (loss_tangent 0.02))
  (layer "In2.Cu" (type "copper") (thickness 0.018))
  (layer "dielectric 3" (type "prepreg") (thickness 0.21) (material "FR4") (epsilon_r 4.5)
    (loss_tangent 0.02))
  (layer "B.Cu" (type "copper") (thickness 0.035))
  (layer "B.Mask" (type "Bottom Solder Mask") (thickness 0.02)))"""


def at(x: float, y: float) -> wxPoint:
    return wxPointMM(CORNER[0] + x, CORNER[1] + y)


def outline(board: pcbnew.BOARD) -> None:
    """Draw the edge with one rounded corner."""
    corners = [(3, 0), (40, 0), (40, 30), (0, 30), (0, 3)]
    for start, end in zip(corners[:-1], corners[1:], strict=True):
        graphic(board, pcbnew.SHAPE_T_SEGMENT, pcbnew.Edge_Cuts, start, end, 0.1)
    arc = graphic(board, pcbnew.SHAPE_T_ARC, pcbnew.Edge_Cuts, (0, 3), (3, 0), 0.1)
    arc.SetArcGeometry(at(0, 3), at(3 - 3 / 2**0.5, 3 - 3 / 2**0.5), at(3, 0))


def graphic(board, shape, layer, start, end, width, filled=False) -> pcbnew.PCB_SHAPE:
    one = pcbnew.PCB_SHAPE(board, shape)
    one.SetLayer(layer)
    one.SetStart(at(*start))
    one.SetEnd(at(*end))
    one.SetWidth(FromMM(width))
    one.SetFilled(filled)
    board.Add(one)
    return one


def tracks(board: pcbnew.BOARD) -> None:
    for n in range(8):
        track = pcbnew.PCB_TRACK(board)
        track.SetStart(at(3, 14 + 1.5 * n))
        track.SetEnd(at(18 - n, 14.5 + 1.5 * n))
        track.SetWidth(FromMM(0.3 + 0.05 * n))
        track.SetLayer(LAYERS[n % 4])
        board.Add(track)
    arc = pcbnew.PCB_ARC(board)
    arc.SetStart(at(22, 26))
    arc.SetMid(at(26, 22))
    arc.SetEnd(at(30, 26))
    arc.SetWidth(FromMM(0.6))
    arc.SetLayer(pcbnew.F_Cu)
    board.Add(arc)


def vias(board: pcbnew.BOARD) -> None:
    for n in range(10):
        via = pcbnew.PCB_VIA(board)
        via.SetPosition(at(21 + 1.8 * n, 28))
        via.SetWidth(FromMM(0.9))
        via.SetDrill(FromMM(0.4))
        if n >= 7:
            via.SetViaType(pcbnew.VIATYPE_BLIND_BURIED)
            via.SetLayerPair(pcbnew.F_Cu, pcbnew.In1_Cu)
        else:
            via.SetLayerPair(pcbnew.F_Cu, pcbnew.B_Cu)
        board.Add(via)


def pad(footprint, name, shape, place, size, layers, turn=0.0, drill=None) -> pcbnew.PAD:
    one = pcbnew.PAD(footprint)
    one.SetNumber(name)
    one.SetShape(shape)
    one.SetSize(wxSizeMM(*size))
    one.SetAttribute(pcbnew.PAD_ATTRIB_SMD if drill is None else pcbnew.PAD_ATTRIB_PTH)
    one.SetLayerSet(layers)
    if drill is not None:
        one.SetDrillSize(wxSizeMM(*drill))
        if drill[0] != drill[1]:
            one.SetDrillShape(pcbnew.PAD_DRILL_SHAPE_OBLONG)
    one.SetPos0(wxPointMM(*place))
    one.SetPosition(wxPointMM(*place))
    one.SetOrientation(10 * turn)
    footprint.Add(one)
    return one


def component(board: pcbnew.BOARD) -> None:
    """Add a turned component with every shape of pad, and one on the other side."""
    front = pcbnew.PAD.SMDMask()
    through = pcbnew.PAD.PTHMask()
    footprint = pcbnew.FOOTPRINT(board)
    footprint.SetReference("U1")
    pad(footprint, "1", pcbnew.PAD_SHAPE_RECT, (-8, -3), (2, 3), front, 20)
    round_ = pad(footprint, "2", pcbnew.PAD_SHAPE_ROUNDRECT, (-5, -3), (2, 3), front, 70)
    round_.SetRoundRectRadiusRatio(0.25)
    cut = pad(footprint, "3", pcbnew.PAD_SHAPE_CHAMFERED_RECT, (-2, -3), (2, 3), front)
    cut.SetRoundRectRadiusRatio(0.1)
    cut.SetChamferRectRatio(0.3)
    cut.SetChamferPositions(1 | 8)  # top left, bottom right
    slanted = pad(footprint, "4", pcbnew.PAD_SHAPE_TRAPEZOID, (2, -3), (2.4, 3), front, 15)
    slanted.SetDelta(wxSizeMM(0, 0.8))
    other = pad(footprint, "5", pcbnew.PAD_SHAPE_TRAPEZOID, (6, -3), (2.4, 3), front)
    other.SetDelta(wxSizeMM(0.8, 0))
    pad(footprint, "6", pcbnew.PAD_SHAPE_OVAL, (-7, 2), (3, 1.6), through, 33, (1.6, 0.8))
    moved = pad(footprint, "7", pcbnew.PAD_SHAPE_RECT, (-2, 2), (3, 1.6), through, 90, (0.8, 0.8))
    moved.SetOffset(wxPointMM(0.6, 0.2))
    pad(footprint, "8", pcbnew.PAD_SHAPE_CIRCLE, (2, 2), (1.8, 1.8), through, 0, (0.9, 0.9))
    own = pad(footprint, "9", pcbnew.PAD_SHAPE_CUSTOM, (6, 2), (0.6, 0.6), front, 30)
    own.SetAnchorPadShape(pcbnew.PAD_SHAPE_CIRCLE)
    corners = [(-1, -1), (1.2, -0.6), (0.8, 1.1), (-0.6, 0.7)]
    points = pcbnew.wxPoint_Vector()
    for x, y in corners:
        points.append(wxPointMM(x, y))
    own.AddPrimitivePoly(points, FromMM(0.1), True)
    for number, (x, y) in enumerate([(-9, -5), (9, -5), (9, 4), (-9, 4)]):
        body = pcbnew.FP_SHAPE(footprint, pcbnew.SHAPE_T_SEGMENT)
        ends = [(-9, -5), (9, -5), (9, 4), (-9, 4), (-9, -5)]
        body.SetStart0(wxPointMM(x, y))
        body.SetEnd0(wxPointMM(*ends[number + 1]))
        body.SetLayer(pcbnew.F_Fab)
        body.SetWidth(FromMM(0.1))
        footprint.Add(body)
    board.Add(footprint)
    footprint.SetOrientation(100)
    footprint.SetPosition(at(12, 7))
    under = pcbnew.FOOTPRINT(board)
    under.SetReference("U2")
    pad(under, "1", pcbnew.PAD_SHAPE_ROUNDRECT, (-1.5, 0.4), (1, 2), front, 10)
    pad(under, "2", pcbnew.PAD_SHAPE_RECT, (1.5, 0.0), (1, 2), front)
    board.Add(under)
    under.SetOrientation(250)
    under.SetPosition(at(34, 10))
    under.Flip(at(34, 10), False)


def graphics(board: pcbnew.BOARD) -> None:
    layer = pcbnew.B_Cu
    graphic(board, pcbnew.SHAPE_T_RECT, layer, (3, 2), (7, 5), 0.3)
    graphic(board, pcbnew.SHAPE_T_RECT, layer, (9, 2), (13, 5), 0.2, True)
    graphic(board, pcbnew.SHAPE_T_CIRCLE, layer, (17, 4), (18.5, 4), 0.3)
    graphic(board, pcbnew.SHAPE_T_CIRCLE, layer, (22, 4), (23.5, 4), 0.3, True)
    arc = graphic(board, pcbnew.SHAPE_T_ARC, layer, (3, 8), (6, 8), 0.4)
    arc.SetArcGeometry(at(3, 8), at(4.5, 10), at(6, 8))


def zone(board: pcbnew.BOARD, layer: int, corners) -> None:
    one = pcbnew.ZONE(board)
    one.SetLayer(layer)
    one.SetIsFilled(False)
    chain = pcbnew.wxPoint_Vector()
    for x, y in corners:
        chain.append(at(x, y))
    one.AddPolygon(chain)
    one.SetMinThickness(FromMM(0.25))
    one.SetLocalClearance(FromMM(0.3))
    board.Add(one)


def plotted(board: pcbnew.BOARD, folder: str) -> None:
    """Plot every copper layer without marks of drills, and the drill files."""
    control = pcbnew.PLOT_CONTROLLER(board)
    options = control.GetPlotOptions()
    options.SetOutputDirectory(folder)
    options.SetDrillMarksType(pcbnew.PCB_PLOT_PARAMS.NO_DRILL_SHAPE)
    options.SetExcludeEdgeLayer(True)
    options.SetPlotFrameRef(False)
    options.SetUseGerberX2format(False)
    options.SetIncludeGerberNetlistInfo(False)
    options.SetCreateGerberJobFile(False)
    for layer in LAYERS:
        control.SetLayer(layer)
        control.OpenPlotfile(board.GetLayerName(layer), pcbnew.PLOT_FORMAT_GERBER, "")
        control.PlotLayer()
    control.ClosePlot()
    writer = pcbnew.EXCELLON_WRITER(board)
    writer.SetFormat(True)
    writer.SetOptions(False, False, wxPoint(0, 0), False)
    writer.CreateDrillandMapFilesSet(folder, True, False)


def main(folder: str) -> None:
    path = os.path.join(folder, "board.kicad_pcb")
    board = pcbnew.BOARD()
    board.SetCopperLayerCount(4)
    outline(board)
    tracks(board)
    vias(board)
    component(board)
    graphics(board)
    zone(board, pcbnew.In1_Cu, [(1, 1), (39, 1), (39, 29), (1, 29)])
    zone(board, pcbnew.B_Cu, [(20, 8), (38, 8), (38, 26), (26, 26)])
    zone(board, pcbnew.F_Cu, [(22, 2), (38, 2), (38, 20), (22, 20)])
    pcbnew.SaveBoard(path, board)
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:  # its Python cannot make a stackup; it writes it anew below
        file.write(text.replace("(setup", f"(setup {STACKUP}", 1))
    board = pcbnew.LoadBoard(path)
    board.BuildConnectivity()
    pcbnew.ZONE_FILLER(board).Fill(board.Zones())
    pcbnew.SaveBoard(path, board)
    plotted(board, os.path.abspath(folder))


if __name__ == "__main__":
    main(sys.argv[1])
