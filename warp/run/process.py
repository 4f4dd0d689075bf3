"""The process: parts join one after the other, warm up, cool down, are cut apart; the warpage after each step.

A case without steps is one elastic step from the stress-free state (`process`). With steps, every moment of its plan
(`plan`) is one solve that begins with what the body remembers (`history`): the parts of the moment's stage are
voxelised on one grid that suits them all, new voxels are born on the deformed body, those that are gone let go. Where a
material relaxes, a moment is as many solves as that needs (`substeps`).

    sigma = C(T) (strain since birth - thermal_strain(T, T_birth) + shrinkage)

Temperature is the same everywhere, or the field that heat makes where power is on: at rest, or some time after the
switch. Numbers are those of `metrics` at every moment; fields those of the last. A checkpoint after every moment lets
a killed run go on where it was, with the same numbers to the last bit (on the same device).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from warp import compiling
from warp import device as devices
from warp.case.plan import Moment, Stage
from warp.case.singulation import Rectangle
from warp.device import Device
from warp.geometry.shapes import Body, Box
from warp.run import checkpoint, resources, single
from warp.run import model as run_model
from warp.run.checkpoint import Progress
from warp.run.kernels import compile_for
from warp.solvers.elastic.history import handover, substeps
from warp.solvers.elastic.history.maxwell import relaxations
from warp.solvers.elastic.history.state import Slices, State
from warp.solvers.elastic.multigrid.reuse import Reuse
from warp.units import ZERO_CELSIUS
from warp.voxels import voxelize
from warp.voxels.grid import Grid, make_grid
from warp.voxels.supports import Clamp
from warp.voxels.voxelize import VoxelModel

if TYPE_CHECKING:
    from warp.case.case import Case
    from warp.results.file import Result

Told = Callable[[int, int], None]
"""Called with how many moments a resumed run has done, of how many."""


def solve(
    case: Case,
    device: str | Device = "auto",
    progress: single.Progress | None = None,
    *,
    kept: Path | None = None,
    resume: bool = False,
    told: Told | None = None,
) -> Result:
    """Solve a case, step by step where it has steps; with `kept` a checkpoint lies there until `done_with`."""
    if not case.moments:
        return single.solve(case, device, progress)
    place = device if isinstance(device, Device) else devices.select(device)
    compile_for(case, place, progress or _silent)
    start = time.perf_counter()
    return _Run(case, place, progress or _silent).result(start, kept, resume, told)


def done_with(kept: Path) -> None:
    """The result is written: its checkpoint goes."""
    kept.unlink(missing_ok=True)


@dataclass(eq=False)
class _Run:
    """A process on one device."""

    case: Case
    place: Device
    tell: single.Progress

    def result(self, start: float, kept: Path | None, resume: bool, told: Told | None) -> Result:
        from warp.solvers.elastic.multigrid import reuse

        case = self.case
        self.tell("grid and voxels", 0, single.NO_RESIDUAL)
        self.whole = common_grid(case)
        run_model.refuse_too_large(case, self.whole, self.place)
        self.mark = self._mark()
        now = Progress()
        if kept is not None:
            checkpoint.tidy(kept)
            now = (checkpoint.read(kept, self.mark) if resume else None) or now
        if now.done and told is not None:
            told(now.done, len(case.moments))
        self.stage: Stage | None = None
        if now.done:
            self._enter(case.moments[now.done - 1].stage)
            if now.done < len(case.moments) and case.moments[now.done].stage == self.stage:
                self.reuse = reuse.restored(now.cycle, self.model, self.place)
        for number in range(now.done, len(case.moments)):
            now = self._advance(number, now)
            if kept is not None:
                checkpoint.write(kept, now, self.mark)
        return self._collect(now, start)

    def _mark(self) -> str:
        """What the numbers depend on."""
        case, grid = self.case, self.whole
        from warp.results.file import origin

        program = origin()
        lines = [axis.tobytes() for axis in (grid.x, grid.y, grid.z)]
        watts = [np.asarray(source.watts).tobytes() for source in case.sources]
        words = (case.text, json.dumps(dict(case.overrides), sort_keys=True), program["program"], self.place.describe())
        images = [image.tobytes() for image in case.package.images.values()]
        return checkpoint.mark(*words, program["numpy"], *lines, *watts, *images)

    def _enter(self, stage: Stage) -> None:
        """Voxelise a stage."""
        if stage == self.stage:
            return
        case = self.case
        self.stage, self.made = stage, case.stages[stage]
        self.reuse = Reuse()
        grid = self.whole if stage.unit is None else cut_grid(self.whole, stage.unit)[0]
        self.model: VoxelModel = voxelize.voxelize(self.made.package.bodies, self.made.media, grid, case.loads.stress_free)

    def _advance(self, number: int, before: Progress) -> Progress:
        """One moment: its stage, its temperature, its displacement, its numbers."""
        from warp.solvers.elastic import solve as elastic

        moment = self.case.moments[number]
        name = f"{moment.step + 1}. {moment.name}"
        self.tell(name, 0, single.NO_RESIDUAL)
        state, field = before.state, before.temperature
        if moment.stage != self.stage:
            was = (self.stage, self.model) if self.stage is not None else None
            self._enter(moment.stage)
            run_model.refuse_loose(self.model, f"step {moment.step + 1} ({moment.name}): ")
            if was is not None and state is not None:
                state, field = self._carried(moment, was, state, field)
        temperature, residuals = self._temperature(moment, field, before.records)
        told = partial(self.tell, name)
        state = state or State.start(self.model.grid.shape)

        def step(T: float | np.ndarray, state: State, duration: float) -> elastic.Solution:
            return elastic.solve(
                self.model, T, self.place, single.TOLERANCE, told, state, duration, self.reuse, moment.support
            )

        laws = relaxations(self.model)
        if laws and moment.duration:
            begin, grid = self._begin(field, before.records), self.model.grid
            extent = max(float(line[-1] - line[0]) for line in (grid.x, grid.y, grid.z))
            bent = substeps.solve(step, laws, state, begin, temperature, moment.duration, extent)
        else:
            bent = step(temperature, state, moment.duration)
        assert bent.state is not None
        residuals["elastic"] = np.asarray(bent.residuals, np.float64)
        warm = temperature if isinstance(temperature, np.ndarray) else None
        now = Progress(number + 1, list(before.records), bent.state, warm, residuals, dict(before.shapes), self.reuse.arrays())
        now.records.append(self._record(moment, now, temperature, bent))
        if moment.last:
            now.shapes.update(self._shapes(moment, now))
        return now

    def _carried(self, moment: Moment, was: tuple[Stage, VoxelModel], state: Any, field: np.ndarray | None) -> Any:
        """What the body remembers, on the voxels of a new stage."""
        stage, model = was
        if moment.stage.unit != stage.unit:
            _, block = cut_grid(model.grid, moment.stage.unit)  # type: ignore[arg-type]  # a unit stays one
            state = state.cropped(block)
            return state, None if field is None else np.ascontiguousarray(field[block])
        if moment.born:
            assert moment.temperature is not None
            taken = handover.replaced(model, self.model, moment.born)
            state = state.without(taken) if taken.any() else state
            state = handover.stiffened(state, model, self.model, moment.temperature)
        return state, field

    def _temperature(self, moment: Moment, field: np.ndarray | None, records: list[dict[str, Any]]) -> tuple:
        """In K, one or a field; and the residuals of the heat solve."""
        if moment.temperature is not None:
            return moment.temperature, {}
        from warp.solvers.heat import steady as heat

        sources = self.made.sources if moment.powered else []
        name = f"{moment.step + 1}. {moment.name}: heat"
        if moment.at_rest:
            if not moment.do == "power" and field is not None:
                return field, {}
            told = partial(self.tell, name)
            solved = heat.solve_steady(self.model, self.made.boundaries, sources, self.place, single.TOLERANCE, told)
            return solved.temperature, {"heat": np.asarray(solved.residuals, np.float64)}
        from warp.solvers.heat import transient

        begin = self._begin(field, records)
        passed = transient.solve(self.model, self.made.boundaries, sources, self.place, begin, moment.duration)
        return passed.frames[-1][1], {}

    def _begin(self, field: np.ndarray | None, records: list[dict[str, Any]]) -> float | np.ndarray:
        """The temperature in K, one or a field, at which a moment begins."""
        if field is not None:
            return field
        return records[-1]["temperature_C"] + ZERO_CELSIUS if records else self.case.loads.stress_free

    def _record(self, moment: Moment, now: Progress, temperature: float | np.ndarray, bent: Any) -> dict[str, Any]:
        """The numbers of a moment, as JSON gives them back."""
        from warp.results import hdf5, metrics
        from warp.run import warnings as run_warnings

        numbers = self._numbers(now, temperature, moment.last)
        height = self._height()
        surfaces = numbers["surfaces"]
        record = {
            "step": moment.step + 1,
            "name": moment.name,
            "do": moment.do,
            "last": moment.last,
            "time_s": moment.time,
            "temperature_C": None if isinstance(temperature, np.ndarray) else temperature - metrics.ZERO_CELSIUS,
            "unit": moment.stage.unit_name or None,
            "parts": list(self.model.parts),
            "voxels": self.model.grid.cells,
            "iterations": {name: max(0, history.size - 1) for name, history in now.residuals.items()},
            "height_mm": 1e3 * height,
            "bends": run_warnings.bends(surfaces, height),
            "beyond_linear": run_warnings.beyond_linear_theory(surfaces, height),
            **_support(moment, bent),
            **numbers,
        }
        return json.loads(json.dumps(hdf5.plain(record)))

    def _numbers(self, now: Progress, temperature: float | np.ndarray, stresses: bool) -> dict[str, Any]:
        from warp.results import metrics
        from warp.solvers.elastic import stress as elastic_stress

        case, model = self.case, self.model
        assert now.state is not None
        displacement = reported(now.state.displacement, model)
        stress = elastic_stress.stress(model, displacement, temperature, now.state) if stresses else None
        there = set(_gridded_parts(model))
        surfaces = None if case.surfaces is None else [(p, s) for p, s in case.surfaces if p in there]
        return metrics.evaluate(
            model,
            temperature if isinstance(temperature, np.ndarray) else None,
            displacement,
            stress,
            surfaces=surfaces,  # type: ignore[arg-type]  # checked to be "top" or "bottom"
            zones=self._zones(),
            terminals=case.terminals if case.terminals in there else None,
            power={source.part: float(np.sum(source.watts)) for source in self.made.sources},
            ambient=single.ambient(self.made.boundaries),
        )

    def _shapes(self, moment: Moment, now: Progress) -> dict[str, np.ndarray]:
        """The measured surfaces after a step."""
        from warp.results import surface

        assert now.state is not None
        displacement = reported(now.state.displacement, self.model)
        found: dict[str, np.ndarray] = {}
        for part, sides in now.records[-1]["surfaces"].items():
            for side in sides:
                s = surface.sample(self.model, displacement, part, side)
                name = f"{moment.step + 1}/{part}.{side}"
                found |= {f"{name}/x": s.x, f"{name}/y": s.y, f"{name}/w": s.w}
        return found

    def _zones(self) -> dict:
        """The measuring zones, within the unit that remains; one beside it is the unit itself."""
        unit = self.stage.unit if self.stage is not None else None
        if unit is None:
            return self.case.zones
        found = {}
        for face, (x0, x1, y0, y1) in self.case.zones.items():
            zone = max(x0, unit[0]), min(x1, unit[1]), max(y0, unit[2]), min(y1, unit[3])
            if zone[0] < zone[1] and zone[2] < zone[3]:
                found[face] = zone
        return found

    def _height(self) -> float:
        bounds = [body.bounds for body in self.made.package.bodies if body.material is not None]
        return max(b[5] for b in bounds) - min(b[4] for b in bounds)

    def _collect(self, now: Progress, start: float) -> Result:
        """The result after the last moment: its fields and numbers, and the numbers of all before."""
        from warp.results.file import Result
        from warp.solvers.elastic import solve as elastic
        from warp.solvers.elastic import stress as elastic_stress

        case, model, last = self.case, self.model, now.records[-1]
        assert now.state is not None
        displacement = reported(now.state.displacement, model)
        temperature: Any = now.temperature
        if temperature is None:
            temperature = case.moments[-1].temperature
        stress = elastic_stress.stress(model, displacement, temperature, now.state) if "stress" in case.fields else None
        seconds = time.perf_counter() - start
        bent = elastic.Solution(displacement, 0, list(now.residuals["elastic"]), seconds)
        own = ("surfaces", "coplanarity_um", "temperature", "uniform_temperature", "thermal", "stress", "interfaces")
        numbers = {name: last[name] for name in own if name in last}
        result = Result.of(
            case.text,
            model,
            elastic=bent,
            temperature=now.temperature,
            stress=stress,
            numbers={**numbers, "steps": now.records},
            tolerances={"elastic": single.TOLERANCE},
            provenance={
                "case_file": str(case.path),
                "overrides": dict(case.overrides),
                "device": self.place.describe(),
                "compile_s": compiling.Waited.take(),
                "wall_s": seconds,
                "peak_memory_MB": resources.peak_memory() / 1e6,
            },
        )
        total = sum(record["iterations"]["elastic"] for record in now.records)
        result.provenance["solver"]["elastic"]["iterations"] = total
        result.residuals.update(now.residuals)
        fields = {name: field for name, field in result.fields.items() if name in case.fields}
        return replace(result, fields=fields, shapes=now.shapes)


def _support(moment: Moment, bent: Any) -> dict[str, Any]:
    """What carries the body at a moment: on a table its weight, the area that touches and the highest lower face."""
    if isinstance(moment.support, Clamp):
        return {"support": {"on": "clamped", "faces": list(moment.support.faces)}}
    if bent.resting is None:
        return {}
    lies = bent.resting
    return {"support": {"on": "table", "weight_N": lies.weight, "area_mm2": 1e6 * lies.area, "lift_um": 1e6 * lies.lift}}


def reported(raw: np.ndarray, model: VoxelModel) -> np.ndarray:
    """A state's displacement without rigid motion."""
    from warp.solvers.elastic.layout import bordered
    from warp.solvers.elastic.rigid import remove_rigid_motion

    found = raw.copy()
    cpu = devices.select("cpu")
    remove_rigid_motion(cpu, found, bordered(cpu, model.ids), model.grid)
    return found


def common_grid(case: Case) -> Grid:
    """One grid for all stages, with lines on every cut."""
    bodies = case.bodies()
    bounds = np.array([body.bounds for body in bodies])
    z0, z1 = float(bounds[:, 4].min()), float(bounds[:, 5].max())
    units = dict.fromkeys(moment.stage.unit for moment in case.moments if moment.stage.unit is not None)
    cuts = [Body("cut", None, (Box(*unit, z0, z1),)) for unit in units]
    return make_grid([*bodies, *cuts], case.grid, case.mirror)


def cut_grid(grid: Grid, unit: Rectangle) -> tuple[Grid, Slices]:
    """The grid between the cuts, and its voxels [z, y, x] in `grid`; a mirror plane that is cut off is one no more."""
    kept, mirror = [slice(0, grid.shape[0])], []
    for axis in (1, 0):
        lines = (grid.x, grid.y)[axis]
        low, high = unit[2 * axis : 2 * axis + 2]
        mirrored = grid.mirror[axis] and low < lines[0] - 0.5 * (lines[1] - lines[0])
        first = 0 if mirrored else int(np.abs(lines - low).argmin())
        kept.append(slice(first, int(np.abs(lines - high).argmin())))
        mirror.append(mirrored)
    z, y, x = kept
    columns, rows = grid.x[x.start : x.stop + 1], grid.y[y.start : y.stop + 1]
    return Grid(columns, rows, grid.z, (bool(mirror[1]), bool(mirror[0]))), (z, y, x)


def _gridded_parts(model: VoxelModel) -> list[str]:
    """Parts that have voxels."""
    used = np.unique(model.media.part[np.unique(model.ids)])
    return [model.parts[p] for p in used if p >= 0]


def _silent(step: str, iteration: int, residual: float) -> Any:
    """Tell nobody."""
