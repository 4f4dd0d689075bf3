"""From the tables of the process to what is computed: which parts are there, at which temperature, in which order.

A stage is what the body is made of; a moment is one computed state of a stage: the end of a step, or a point of its
profile. A step that joins parts at another temperature than the body's begins with a moment that takes the body there.
Every complaint about the order of steps is made here, before anything is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from warp.case.assembly import FACE_SIDES, MIRRORS
from warp.case.profiles import moments as profile_moments
from warp.case.singulation import Rectangle, extent, meets, span
from warp.case.steps import AnyStep, Attach, Cure, Heat, Power, Remove, Singulate, Support
from warp.case.tables import CaseFile
from warp.errors import Fault, Key, nearest
from warp.geometry.part import AnyPart, Array, Plate, Solid
from warp.geometry.stacking import LEVEL, Place
from warp.units import ZERO_CELSIUS
from warp.voxels.supports import Carrier, Clamp, Table

EVERY = 20.0  # K between computed points of a profile: a curve of 12 points up to 260 degC
SAME = 1e-6  # K


@dataclass(frozen=True)
class Stage:
    """What the body is made of: parts that are there, what steps made of them, and the rectangle that remains."""

    present: tuple[str, ...]
    since: tuple[tuple[str, float], ...] = ()
    """Stress-free temperature (K) of parts that a step joined."""
    shrunk: tuple[tuple[str, float], ...] = ()
    """Linear shrinkage of parts that a step cured."""
    unit: Rectangle | None = None
    unit_name: str = ""
    around: tuple[tuple[str, str, float], ...] = ()
    """Surroundings that a step changed: boundary, "film" or "ambient", value."""


@dataclass(frozen=True)
class Moment:
    """One computed state, `duration` s after the one before; temperature in K, None: the field under power."""

    step: int
    name: str
    do: str
    stage: Stage
    temperature: float | None
    time: float
    duration: float = 0.0
    born: tuple[str, ...] = ()
    """Parts that appear here, free of stress on the body as it was."""
    powered: bool = False
    at_rest: bool = True
    """Whether the field under power has settled; else it goes on from the one before for the duration."""
    last: bool = True
    """Of its step."""
    support: Carrier = None
    """What carries the body here."""


def plan(
    file: CaseFile, places: dict[str, Place], heated: bool, powered: bool
) -> tuple[list[Moment], list[Fault]]:
    """The moments of a case's steps, and what is wrong with their order: the first complaint only."""
    try:
        return list(_Planner(file, places, heated, powered).moments()), []
    except Fault as fault:
        return [], [fault]


def _of_solids(file: CaseFile) -> list[str]:
    return [name for name, part in file.part.items() if isinstance(part, Solid)]


class _Planner:
    """Walks through the steps with the parts that are there and the body's temperature."""

    def __init__(
        self, file: CaseFile, places: dict[str, Place], heated: bool, powered: bool
    ) -> None:
        self.file, self.places, self.heated, self.powered = file, places, heated, powered
        attached = {
            part for step in file.step if isinstance(step, Attach | Cure) for part in step.parts
        }
        self.stage = Stage(tuple(name for name in file.part if name not in attached))
        self.joined: dict[str, str] = {}
        self.gone: dict[str, str] = {}
        self.time = 0.0
        there = any(name not in attached for name in _of_solids(file))
        self.temperature: float | None = file.load.stress_free if there else None
        self.there = there
        self.uniform = True
        self.power = False
        self.support: Carrier = None
        self.held_by = ""

    def moments(self) -> Iterator[Moment]:
        if "temperature" in self.file.load.model_fields_set and self.file.step:
            raise Fault(
                ("load", "temperature"),
                "stands beside [[step]]: the last step says it, leave this one out",
            )
        named: dict[str, int] = {}
        for n, step in enumerate(self.file.step):
            key: Key = ("step", n)
            if step.name is not None and named.setdefault(step.name, n) != n:
                raise Fault((*key, "name"), f"{step.name!r} names an earlier step: choose another")
            found = list(self._moments(step, key))
            label = step.name or _label(step)
            for count, moment in enumerate(found, start=1):
                self.time += moment.duration
                last = count == len(found)
                moment = replace(moment, support=self.support)
                yield replace(moment, step=n, name=label, do=step.do, time=self.time, last=last)

    def _moments(self, step: AnyStep, key: Key) -> Iterator[Moment]:
        if isinstance(step, Attach):
            yield from self._attach(step, key)
        elif isinstance(step, Cure):
            yield from self._cure(step, key)
        elif not self.there:
            raise Fault(key, 'nothing is there yet: begin with do = "attach"')
        elif isinstance(step, Heat):
            yield from self._heat(step, key)
        elif isinstance(step, Power):
            yield from self._power(step, key)
        elif isinstance(step, Remove):
            yield from self._remove(step, key)
        elif isinstance(step, Support):
            yield from self._carry(step, key)
        else:
            yield from self._singulate(step, key)

    def _at(self, duration: float | None = None, born: tuple[str, ...] = ()) -> Moment:
        return Moment(
            0,
            "",
            "",
            self.stage,
            self.temperature if self.uniform else None,
            0.0,
            duration or 0.0,
            born,
            self.power,
        )

    def _joining(self, step: Attach | Cure) -> Iterator[Moment]:
        """Take the body to the temperature at which parts are joined, in the step's time."""
        if self.there and not (
            self.uniform and abs((self.temperature or 0.0) - step.temperature) < SAME
        ):
            self.temperature, self.uniform = step.temperature, True
            yield self._at(step.duration if isinstance(step, Attach) else 0.0)
        self.temperature, self.uniform = step.temperature, True

    def _attach(self, step: Attach, key: Key) -> Iterator[Moment]:
        for part in self._named(step.parts, (*key, "parts")):
            if part in self.joined:
                raise Fault(
                    (*key, "parts"), f"{part!r} is there already: it came with {self.joined[part]}"
                )
            self._refuse_birth(part, (*key, "parts"))
            self.joined[part] = _called(step, key)
        brought = list(self._joining(step))
        yield from brought
        yield self._birth(step, step.parts, 0.0 if brought else step.duration)

    def _cure(self, step: Cure, key: Key) -> Iterator[Moment]:
        fresh = []
        for part in self._named(step.parts, (*key, "parts")):
            if part in self.joined:
                self._refuse_absent(part, (*key, "parts"))
            else:
                self._refuse_birth(part, (*key, "parts"))
                fresh.append(part)
            own = self.file.part[part]
            if step.shrinkage and (
                getattr(own, "material", None) is None or (isinstance(own, Plate) and own.layers)
            ):
                raise Fault(
                    (*key, "shrinkage"),
                    f"{part!r} has layers of several materials: which one shrinks?",
                )
        for part in fresh:
            self.joined[part] = _called(step, key)
        if step.stress_free is not None and len(fresh) < len(step.parts):
            solid = next(part for part in step.parts if part not in fresh)
            raise Fault(
                (*key, "stress_free"),
                f"{solid!r} is solid already and keeps its stress: leave it out",
            )
        yield from self._joining(step)
        if fresh:
            yield self._birth(step, tuple(fresh), 0.0 if step.shrinkage else step.duration)
        if step.shrinkage or not fresh:
            before = dict(self.stage.shrunk)
            shrunk = before | {part: before.get(part, 0.0) + step.shrinkage for part in step.parts}
            self.stage = replace(
                self.stage,
                shrunk=tuple(sorted((part, much) for part, much in shrunk.items() if much)),
            )
            yield self._at(step.duration)

    def _birth(self, step: Attach | Cure, parts: tuple[str, ...], duration: float | None) -> Moment:
        """Parts appear at the body's temperature."""
        present = {*self.stage.present, *parts}
        since = {**dict(self.stage.since), **dict.fromkeys(parts, _free_at(step))}
        self.stage = replace(
            self.stage,
            present=tuple(name for name in self.file.part if name in present),
            since=tuple(sorted(since.items())),
        )
        self.there = True
        return self._at(duration, parts)

    def _heat(self, step: Heat, key: Key) -> Iterator[Moment]:
        if (step.temperature is None) == (step.profile is None):
            which = (
                "is missing" if step.temperature is None else "stands beside a profile: keep one"
            )
            raise Fault(
                (*key, "temperature"),
                which if step.profile else f'{which}: add temperature = "25 degC"',
            )
        before = self.temperature if self.uniform else None
        if step.profile is not None:
            yield from self._profile(step, key, before)
            return
        target = step.temperature
        assert target is not None
        if before is not None and (target - before) * (1 if step.do == "heat" else -1) < -SAME:
            word = "below" if step.do == "heat" else "above"
            other = "cool" if step.do == "heat" else "heat"
            raise Fault(
                (*key, "temperature"),
                f'is {word} the {_degrees(before)} that it starts from: write do = "{other}"',
            )
        duration = step.duration or 0.0
        if step.rate is not None:
            if step.duration is not None:
                raise Fault((*key, "rate"), "stands beside a duration: keep one")
            if before is None:
                raise Fault(
                    (*key, "rate"),
                    "says nothing where the parts differ in temperature: give a duration",
                )
            duration = abs(target - before) / step.rate
        points = [(0.0, target if before is None else before), (duration, target)]
        since = 0.0
        for time, value in profile_moments(points, step.every or float("inf")):
            self.temperature, self.uniform = value, True
            yield self._at(time - since)
            since = time

    def _profile(self, step: Heat, key: Key, before: float | None) -> Iterator[Moment]:
        points = step.profile
        assert points is not None and not isinstance(points, str)  # a name has become its points
        for word in ("rate", "duration"):
            if getattr(step, word) is not None:
                raise Fault(
                    (*key, word), "stands beside a profile, which has its own times: leave it out"
                )
        begins, start = points[0]
        if before is not None and abs(start - before) > SAME:
            raise Fault(
                (*key, "profile"),
                f"begins at {_degrees(start)}, but the body is at {_degrees(before)}: take it there first",
            )
        for time, value in profile_moments(points, step.every or EVERY):
            self.temperature, self.uniform = value, True
            yield self._at(time - begins)
            begins = time

    def _power(self, step: Power, key: Key) -> Iterator[Moment]:
        if not self.heated:
            raise Fault(
                (*key, "on"),
                "heat has no way out: add a [boundary.NAME] with a film or a fixed temperature",
            )
        if step.on and not self.powered:
            raise Fault((*key, "on"), 'no part gives off heat: add power = "10 W" to one')
        for word, given in (("film", step.film), ("ambient", step.ambient)):
            for name, value in given.items():
                self._refuse_boundary(name, word, (*key, word))
                kept = tuple(change for change in self.stage.around if change[:2] != (name, word))
                self.stage = replace(self.stage, around=tuple(sorted((*kept, (name, word, value)))))
        self.power, self.uniform = step.on, False
        if not step.duration:
            if step.every is not None:
                raise Fault((*key, "every"), "divides a duration: add one, or leave it out")
            yield self._at()
            return
        count = max(1, round(step.duration / step.every + 0.4999)) if step.every else 1
        for _ in range(count):
            yield replace(self._at(step.duration / count), at_rest=False)

    def _refuse_boundary(self, name: str, word: str, key: Key) -> None:
        section = self.file.boundary.get(name)
        if section is None:
            raise Fault(key, f"there is no [boundary.{name}]{nearest(name, self.file.boundary)}")
        if word == "film" and section.film is None:
            raise Fault(key, f"{name!r} has a fixed temperature, no film: change that with ambient")

    def _remove(self, step: Remove, key: Key) -> Iterator[Moment]:
        for part in self._named(step.parts, (*key, "parts")):
            self._refuse_absent(part, (*key, "parts"))
            self.gone[part] = _called(step, key)
            self.joined.pop(part, None)
        self._refuse_loss(set(step.parts), (*key, "parts"))
        self.stage = replace(
            self.stage, present=tuple(name for name in self.stage.present if name not in step.parts)
        )
        if not any(name in self.stage.present for name in _of_solids(self.file)):
            raise Fault((*key, "parts"), "leaves nothing")
        yield self._at(step.duration)

    def _carry(self, step: Support, key: Key) -> Iterator[Moment]:
        for word in ("faces", "sliding", "flat"):
            if step.on != "clamped" and word in step.model_fields_set:
                raise Fault(
                    (*key, word), f'belongs to on = "clamped": leave it out with {step.on!r}'
                )
        if step.on != "table" and "gravity" in step.model_fields_set:
            raise Fault(
                (*key, "gravity"), f'belongs to on = "table": leave it out with {step.on!r}'
            )
        self.support, self.held_by = None, _called(step, key)
        if step.on == "table" and step.gravity:
            self.support = Table()
        elif step.on == "clamped":
            if step.faces is None:
                raise Fault((*key, "faces"), 'is missing: add faces = ["package.bottom"]')
            for face in step.faces:
                self._refuse_face(face, (*key, "faces"))
            self.support = Clamp(step.faces, step.sliding, step.flat)
        yield self._at(step.duration)

    def _refuse_face(self, face: str, key: Key) -> None:
        part, _, side = face.rpartition(".")
        if side not in FACE_SIDES or not part:
            raise Fault(
                key,
                f"{face!r} is no face: write PART.SIDE with side one of {', '.join(FACE_SIDES)}",
            )
        if part != "package":
            list(self._named((part,), key))
            self._refuse_absent(part, key)

    def _refuse_loss(self, lost: set[str], key: Key) -> None:
        """Parts that a clamp holds do not go."""
        for face in self.support.faces if isinstance(self.support, Clamp) else ():
            if face.rpartition(".")[0] in lost:
                raise Fault(
                    key,
                    f'{face!r} is held since {self.held_by}: let it go first, with do = "support", on = "free"',
                )

    def _singulate(self, step: Singulate, key: Key) -> Iterator[Moment]:
        whole = self.stage.unit or extent(self.places)
        found = []
        for axis, (word, mirror) in enumerate(zip("xy", MIRRORS[self.file.symmetry], strict=True)):
            low, high = span(step, axis, whole[2 * axis : 2 * axis + 2], key)
            cut = low > whole[2 * axis] + LEVEL or high < whole[2 * axis + 1] - LEVEL
            if mirror and (self.stage.unit is None or self.stage.unit[2 * axis] < -LEVEL) and cut:
                if high < LEVEL:
                    raise Fault(
                        (*key, "at"),
                        f"lies on the mirrored side of {word} = 0: take its twin at +{word}",
                    )
                if low < -LEVEL and abs(low + high) > LEVEL:
                    remedy = f"centre it there, move it to one side, or use another symmetry than {self.file.symmetry!r}"
                    raise Fault(key, f"the unit is not its own image in {word} = 0: {remedy}")
            found += [low, high]
        x0, x1, y0, y1 = found
        unit = x0, x1, y0, y1
        present = tuple(name for name in self.stage.present if meets(self.places[name], unit))
        if not any(name in present for name in _of_solids(self.file)):
            raise Fault(key, "leaves nothing: no part lies there")
        self._refuse_loss(set(self.stage.present) - set(present), key)
        self.stage = replace(self.stage, present=present, unit=unit, unit_name=step.unit)
        yield self._at(step.duration)

    # what steps name

    def _named(self, parts: tuple[str, ...], key: Key) -> Iterator[str]:
        for n, part in enumerate(parts):
            own = self.file.part.get(part)
            if own is None:
                raise Fault(key, f"there is no part {part!r}{nearest(part, self.file.part)}")
            if not isinstance(own, Solid) or own.material == "void":
                raise Fault(key, f"part {part!r} is void: it is there from the start")
            if part in parts[:n]:
                raise Fault(key, f"names {part!r} twice")
            yield part

    def _refuse_birth(self, part: str, key: Key) -> None:
        if part in self.gone:
            raise Fault(key, f"{part!r} was removed by {self.gone[part]}")
        self._refuse_own_temperature(part)
        if self.stage.unit is not None and not meets(self.places[part], self.stage.unit):
            raise Fault(
                key, f"{part!r} lies outside {self.stage.unit_name!r}, which was cut out before"
            )

    def _refuse_absent(self, part: str, key: Key) -> None:
        if part not in self.stage.present:
            if part in self.gone:
                why = f"was removed by {self.gone[part]}"
            elif part not in self.joined and any(
                part in step.parts for step in self.file.step if isinstance(step, Attach | Cure)
            ):
                why = "is not there yet: it comes with a later step"
            else:
                why = f"is no part of {self.stage.unit_name!r}"
            raise Fault(key, f"{part!r} {why}")

    def _refuse_own_temperature(self, part: str) -> None:
        own: AnyPart = self.file.part[part]
        if isinstance(own, Solid) and own.stress_free is not None:
            raise Fault(
                ("part", part, "stress_free"),
                "the steps say where it is free of stress: leave it out here",
            )
        if (
            isinstance(own, Array)
            and own.fill_stress_free is not None
            and own.inside in self.joined
        ):
            raise Fault(
                ("part", part, "fill_stress_free"),
                f"the steps say it of {own.inside!r}: leave it out here",
            )


def _free_at(step: Attach | Cure) -> float:
    return step.temperature if step.stress_free is None else step.stress_free


def _called(step: AnyStep, key: Key) -> str:
    return f"step {key[1] + 1}" + (f" ({step.name})" if step.name else "")  # type: ignore[operator]


def _label(step: AnyStep) -> str:
    if isinstance(step, Attach | Cure | Remove):
        return f"{step.do} {', '.join(step.parts)}"
    if isinstance(step, Power):
        return f"power {'on' if step.on else 'off'}"
    if isinstance(step, Singulate):
        return f"singulate {step.unit}"
    if isinstance(step, Support):
        return {"table": "on a table", "clamped": "clamped", "free": "free"}[step.on]
    return (
        f"{step.do} along a profile"
        if step.profile
        else f"{step.do} to {_degrees(step.temperature or 0.0)}"
    )


def _degrees(kelvin: float) -> str:
    return f"{round(kelvin - ZERO_CELSIUS, 6):g} degC"
