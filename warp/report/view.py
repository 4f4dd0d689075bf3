"""Show a result in an interactive window, in a browser, or as one picture: needs pyvista.

The package is drawn deformed, so many times as high as it is, and cut open by a plane x = const.
The colour is the height above the plane of the board's surface in um, white at zero; or a field. Of
a process a slider takes the measured surfaces from step to step; the last step shows the body.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from warp.errors import WarpError
from warp.report import palette, paraview
from warp.report.plots import SIGNED_MAP, magnified
from warp.results import measured

if TYPE_CHECKING:
    from warp.results.file import Result

RISE = 0.1  # of the width: how high the warpage is drawn at first
COLOURS = ("height", "temperature", "stress", "part", "material")
MAPS = {"height": SIGNED_MAP, "temperature": "inferno", "stress": "viridis"}
UNITS = {"height": "height (um)", "temperature": "temperature (degC)", "stress": "von Mises (MPa)"}
NEED = "warp view needs pyvista, with --browser trame too: pip install 'warpage[view]'"


def require(browser: bool = False) -> None:
    """Raise WarpError where what the view needs is not installed."""
    try:
        import pyvista  # noqa: F401

        if browser:
            import trame  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
            import trame_vtk  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
            import trame_vuetify  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    except ImportError:
        raise WarpError(NEED) from None


class Scene:
    """A package and its measured surfaces, deformed and cut; each `set_` draws anew.

    times: how many times as high it is drawn. cut: the fraction of the width that is left, from the
    left. step: number of a process step among `steps`; the last one is the body itself.
    """

    def __init__(self, result: Result, plotter: Any, colour: str = "height") -> None:
        """Build the scene; WarpError where the result lacks what is asked for."""
        if colour not in COLOURS:
            raise WarpError(f"no colour {colour!r}: choose {', '.join(COLOURS)}")
        if "displacement" not in result.fields:
            raise WarpError("this result has no displacement to show")
        self.plotter = plotter
        self.colour = colour
        self.body = _body(result, colour)
        self.names = _names(result, self.body, colour)
        self.surfaces = _surfaces(result)
        ends = [r for r in result.metrics.get("steps", []) if r["last"]]
        self.steps = [f"{r['step']}. {r['name']}" for r in ends] or ["the result"]
        low, high = self.body.bounds[0], self.body.bounds[1]
        bent = np.ptp(self.body.point_data["displacement_m"][:, 2])
        self.most = float(RISE * (high - low) / max(bent, 1e-12))
        self.times, self.cut, self.step = self.most, 1.0, len(self.steps) - 1
        self.draw()

    def set_times(self, value: float) -> None:
        """Draw the warpage so many times as high as it is."""
        self.times = float(value)
        self.draw()

    def set_cut(self, value: float) -> None:
        """Leave this fraction of the width."""
        self.cut = float(value)
        self.draw()

    def set_step(self, value: float) -> None:
        """Show a step by its number from 0."""
        self.step = round(value)
        self.draw()

    def draw(self) -> None:
        """Replace what is shown."""
        last = self.step >= len(self.steps) - 1
        shown = self.body if last else self.surfaces[self.step]
        bent = shown.warp_by_vector("displacement_m", factor=self.times)
        if self.cut < 1.0:
            low, high = self.body.bounds[0], self.body.bounds[1]
            at = (low + self.cut * (high - low), 0.0, 0.0)
            bent = bent.clip(normal="x", origin=at)
        name, limits = self._scale(shown, last)
        named = self.names if last else {}
        bar = {"title": f"{UNITS.get(name, name)}\n", "vertical": True, "fmt": "%.4g"}
        bar |= {"position_x": 0.95 if named else 0.92, "position_y": 0.05, "width": 0.05}
        bar |= {"n_labels": 0} if named else {}
        for old in list(self.plotter.scalar_bars.keys()):
            self.plotter.remove_scalar_bar(old)
        self.plotter.add_mesh(
            bent,
            name="body",
            scalars=name,
            clim=limits,
            cmap=list(named.values()) if named else MAPS[name],
            annotations={float(n): text for n, text in enumerate(named)},
            scalar_bar_args=bar,
            show_edges=False,
            ambient=0.3,
            diffuse=0.7,
            reset_camera=False,
        )
        text = f"{self.steps[self.step]}, drawn {magnified(self.times)} times as high"
        self.plotter.add_text(text, name="told", position="upper_left", font_size=10)

    def _scale(self, shown: Any, last: bool) -> tuple[str, tuple[float, float]]:
        """Return the array that is coloured, and its range: centred at zero for heights."""
        name = self.colour if last else "height"
        if last and self.names:
            return name, (-0.5, len(self.names) - 0.5)
        values = shown[name][np.isfinite(shown[name])]
        if name == "height":
            limit = float(max(np.abs(values).max(), 1e-6))
            return name, (-limit, limit)
        return name, (float(values.min()), float(values.max()))


def _body(result: Result, colour: str) -> Any:
    """Return the solid cells of the whole package, with the array that is coloured."""
    import pyvista

    with TemporaryDirectory() as folder:
        voxels = pyvista.read(paraview.voxels(result, Path(folder) / "body.vtr"))
    solid = voxels.extract_cells(np.flatnonzero(voxels.cell_data["part"] >= 0))
    u = np.array(solid.point_data["displacement_m"])
    u[:, 2] -= _plane(result, solid.points)
    solid.point_data["displacement_m"] = u
    solid.point_data["height"] = 1e6 * u[:, 2]
    if colour == "temperature":
        if "temperature_K" not in solid.cell_data:
            raise WarpError("this result has no temperature field")
        solid.cell_data["temperature"] = solid.cell_data["temperature_K"] - 273.15
    if colour == "stress":
        if "stress_Pa" not in solid.cell_data:
            raise WarpError("this result has no stress field")
        solid.cell_data["stress"] = 1e-6 * _mises(np.asarray(solid.cell_data["stress_Pa"]))
    return solid


def _names(result: Result, body: Any, colour: str) -> dict[str, str]:
    """Return colours by the names of what is there, in their order; count cells by it.

    Empty for colours that are numbers. Parts and materials have those of sections (`palette`).
    """
    if colour not in ("part", "material"):
        return {}
    paints = palette.of(result)
    names, materials = (
        [str(name) for name in body.field_data[f"{word}_names"]] for word in (colour, "material")
    )
    material = np.asarray(body.cell_data["material"])
    used, first, order = np.unique(
        np.asarray(body.cell_data[colour]), return_index=True, return_inverse=True
    )
    body.cell_data[colour] = order.reshape(-1)
    made_of = [materials[number] for number in material[first]]
    return {
        names[number]: paints[own].colour if own in paints else palette.UNKNOWN
        for number, own in zip(used, made_of, strict=True)
    }


def _plane(result: Result, points: np.ndarray) -> np.ndarray:
    """Return the height of the plane of the board's surface at points [m]."""
    board = measured.board_part(result)
    if board is None:
        return np.zeros(len(points))
    a, b, c = measured.flat(result, board, "bottom").warpage.plane
    return np.asarray(a + b * points[:, 0] + c * points[:, 1])


def _mises(s: np.ndarray) -> np.ndarray:
    """Return von Mises' stress of cells in VTK's order xx yy zz xy yz xz."""
    normal = (s[:, 0] - s[:, 1]) ** 2 + (s[:, 1] - s[:, 2]) ** 2 + (s[:, 2] - s[:, 0]) ** 2
    return np.asarray(np.sqrt(normal / 2 + 3 * (s[:, 3:] ** 2).sum(axis=1)))


def _surfaces(result: Result) -> list[Any]:
    """Return the measured surfaces after each step of a process as one mesh each."""
    import pyvista

    if not any(record["last"] for record in result.metrics.get("steps", [])):
        return []
    with TemporaryDirectory() as folder:
        files = paraview.surfaces(result, Path(folder) / "steps.pvd")
        found = []
        for file in sorted(file for file in files if file.suffix == ".vtm"):
            merged = pyvista.merge([block for block in pyvista.read(file) if block is not None])
            merged.point_data["displacement_m"] = merged.point_data["warpage_m"]
            merged.point_data["height"] = merged.point_data["warpage_um"]
            found.append(merged)
    return found


def screenshot(result: Result, path: Path, colour: str = "height", cut: float = 1.0) -> None:
    """Draw the view once into a picture."""
    require()
    import pyvista

    plotter = pyvista.Plotter(off_screen=True, window_size=(1400, 900))
    scene = Scene(result, plotter, colour)
    scene.set_cut(cut)
    _camera(plotter)
    plotter.screenshot(str(path))
    plotter.close()


def window(result: Result, colour: str = "height") -> None:
    """Open a window with sliders for the height, the cut and the step; return when it closes."""
    require()
    import pyvista

    plotter = pyvista.Plotter(window_size=(1400, 900))
    scene = Scene(result, plotter, colour)
    for n, (title, limits, value, change) in enumerate(_sliders(scene)):
        left, up = 0.02, 0.08 + 0.12 * n
        plotter.add_slider_widget(
            change,
            limits,
            value=value,
            title=title,
            pointa=(left, up),
            pointb=(left + 0.2, up),
            style="modern",
        )
    _camera(plotter)
    plotter.show()


def browser(result: Result, colour: str = "height", port: int = 8080, show: bool = True) -> None:
    """Serve the view to browsers of this machine until it is stopped."""
    require(browser=True)
    server = served(result, colour)
    server.start(port=port, host="127.0.0.1", open_browser=show)


def served(result: Result, colour: str = "height") -> Any:
    """Return the server of the view, ready to start."""
    import pyvista
    from trame.app import get_server
    from trame.ui.vuetify3 import SinglePageLayout
    from trame.widgets import vtk, vuetify3

    plotter = pyvista.Plotter(off_screen=True)
    scene = Scene(result, plotter, colour)
    _camera(plotter)
    server = get_server(client_type="vue3")
    with SinglePageLayout(server) as layout:
        layout.title.set_text("warp view")
        with layout.toolbar:
            for title, (low, high), value, change in _sliders(scene):
                key = title.split()[0]
                step = 1 if key == "step" else (high - low) / 100
                vuetify3.VSlider(
                    v_model=(key, value),
                    min=low,
                    max=high,
                    step=step,
                    label=title,
                    hide_details=True,
                    thumb_label=True,
                    classes="mx-6",
                )
                server.state.change(key)(_redrawing(key, change, server))
        with layout.content:
            remote = vtk.VtkRemoteView(plotter.render_window, interactive_ratio=1)
            server.controller.view_update = remote.update
    return server


def _redrawing(key: str, change: Callable[[float], None], server: Any) -> Callable[..., None]:
    """Return what a slider of the page calls."""

    def changed(**state: Any) -> None:
        change(float(state[key]))
        server.controller.view_update()

    return changed


def _sliders(
    scene: Scene,
) -> list[tuple[str, tuple[float, float], float, Callable[[float], None]]]:
    """List title, range, value and action of each slider."""
    found: list[tuple[str, tuple[float, float], float, Callable[[float], None]]] = [
        ("times as high", (1.0, 3 * scene.most), scene.times, scene.set_times),
        ("cut at x", (0.05, 1.0), scene.cut, scene.set_cut),
    ]
    if len(scene.steps) > 1:
        last = len(scene.steps) - 1
        found.append(("step", (0.0, float(last)), float(scene.step), scene.set_step))
    return found


def _camera(plotter: Any) -> None:
    """Look from above the corner."""
    plotter.set_background("white")
    plotter.camera_position = "iso"
    plotter.camera.elevation -= 10
    plotter.reset_camera()
    plotter.camera.zoom(1.25)
