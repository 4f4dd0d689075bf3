"""The body while its process is planned: parts that are present, temperature, support.

Steps (`warp.case.steps`) read and change it one after the other and yield load steps. Every
complaint about the order of steps is made here or there, before anything is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from warp.case.singulation import meets
from warp.case.stage import LoadStep, Stage
from warp.errors import Fault, Key, nearest
from warp.geometry import fills
from warp.geometry.bump_array import BumpArray
from warp.geometry.part import Part, Solid
from warp.geometry.place import Place
from warp.voxels.supports import Clamp, Support

SAME = 1e-6  # K: temperatures closer than this are one


@dataclass(frozen=True)
class Setting:
    """What does not change while the process is planned."""

    parts: Mapping[str, Part]
    places: Mapping[str, Place]
    symmetry: str
    mirror: tuple[bool, bool]
    """True where x = 0 or y = 0 is a plane of symmetry."""
    has_film: Mapping[str, bool]
    """The boundaries by name: true for a film, false for a fixed temperature."""
    stress_free: float
    """[load] stress_free in K: the temperature at which the process begins."""
    heated: bool
    """True where heat has a way out, so that there is a temperature field to solve."""
    powered: bool
    """True where a part gives off heat."""
    joined_by_steps: frozenset[str]
    """Parts that some step attaches or cures."""
    complete: bool = False
    """True: a body is brought to the temperature of a step even if it is there already."""

    @cached_property
    def hosts(self) -> Mapping[str, tuple[str, ...]]:
        """Return the parts that bring the fill of each homogenised part."""
        return fills.hosts(self.parts, self.places)

    @property
    def solids(self) -> list[str]:
        """Return the names of the parts that are made of something."""
        return [name for name, part in self.parts.items() if isinstance(part, Solid)]


def misnamed(named: Sequence[str], parts: Mapping[str, Part], key: Key) -> Iterator[Fault]:
    """Find the names in a step that no part has, those of voids, and repetitions."""
    for n, name in enumerate(named):
        own = parts.get(name)
        if own is None:
            solid = [other for other, one in parts.items() if not one.is_void]
            yield Fault(key, f"there is no part {name!r}{nearest(name, solid)}")
        elif own.is_void:
            yield Fault(key, f"part {name!r} is void: it is there from the start")
        elif name in named[:n]:
            yield Fault(key, f"names {name!r} twice")


@dataclass
class Process:
    """The state of the body between two steps."""

    setting: Setting
    stage: Stage
    present: bool
    """True once a solid part is present."""
    temperature: float | None
    """Of the body in K, None before anything is present; meaningless unless `uniform`."""
    uniform: bool = True
    """True: one temperature everywhere; False: the field under power."""
    power: bool = False
    support: Support = None
    held_by: str = ""
    """The step that clamped the body."""
    joined: dict[str, str] = field(default_factory=dict)
    """Parts that a step joined, and that step."""
    removed: dict[str, str] = field(default_factory=dict)
    """Parts that a step removed, and that step."""
    body: str = ""
    """Its name if it is made apart, "" for the package."""
    apart: dict[str, Process] = field(default_factory=dict)
    """The bodies that are made apart and have not joined yet."""
    taken: dict[str, str] = field(default_factory=dict)
    """Bodies that have joined, and the step in which they did."""

    @classmethod
    def start(cls, setting: Setting) -> Process:
        """Return the body before its first step: the parts that no step joins."""
        present = tuple(name for name in setting.parts if name not in setting.joined_by_steps)
        there = any(name not in setting.joined_by_steps for name in setting.solids)
        return cls(setting, Stage(present), there, setting.stress_free if there else None)

    def made_apart(self, body: str, key: Key) -> Process:
        """Return the body of this name that is made apart, nothing of it before its first step."""
        if body in self.taken:
            raise Fault(key, f"{body!r} joined the package in {self.taken[body]}: leave it out")
        if body not in self.apart:
            voids = tuple(n for n in self.stage.present if self.setting.parts[n].is_void)
            self.apart[body] = Process(
                self.setting, Stage(voids), False, None, joined=self.joined, body=body
            )
        return self.apart[body]

    def take(self, bodies: tuple[str, ...], called: str, key: Key) -> Iterator[Process]:
        """Yield the bodies that join in a step; Fault where one cannot."""
        for name in bodies:
            if name not in self.apart:
                why = (
                    f"joined in {self.taken[name]}" if name in self.taken else "is not made before"
                )
                remedy = f'steps with body = "{name}" make it'
                raise Fault(key, f"{name!r} {why}{nearest(name, list(self.apart))}; {remedy}")
            own = self.apart.pop(name)
            self.taken[name] = called
            if self.stage.unit is not None:
                message = f"{name!r} joins a package of which {self.stage.unit_name!r} is left"
                raise Fault(key, f"{message}: let it join before the cut")
            if own.support is not None:
                remedy = f'do = "support", on = "free", body = "{name}"'
                raise Fault(key, f"{name!r} is held since {own.held_by}: let it go, {remedy}")
            yield own

    @property
    def uniform_temperature(self) -> float | None:
        """Return the temperature in K where it is the same everywhere."""
        return self.temperature if self.uniform else None

    def load_step(self, duration: float | None = None, attached: tuple[str, ...] = ()) -> LoadStep:
        """Return the present state as a load step; the planner numbers and names it."""
        return LoadStep(
            0,
            "",
            "",
            self.stage,
            self.uniform_temperature,
            0.0,
            duration or 0.0,
            attached,
            self.power,
            support=self.support,
            body=self.body,
        )

    def move_to(self, temperature: float) -> None:
        """Bring the body to one temperature (K) everywhere."""
        self.temperature, self.uniform = temperature, True

    def bring_to(self, temperature: float, duration: float | None) -> Iterator[LoadStep]:
        """Take the body to the temperature at which parts are joined, if it is not there yet."""
        at = self.temperature or 0.0
        there = self.uniform and abs(at - temperature) < SAME
        if self.present and (self.setting.complete or not there):
            self.move_to(temperature)
            yield self.load_step(duration)
        self.move_to(temperature)

    def time_at(self, rate: float, target: float, key: Key) -> float:
        """Return the time in s to a temperature (K) at a rate in K/s, up or down."""
        before = self.uniform_temperature
        if before is None:
            message = "says nothing where the parts differ in temperature: give a duration"
            raise Fault((*key, "rate"), message)
        return abs(target - before) / rate

    def join(
        self,
        parts: tuple[str, ...],
        stress_free: float,
        duration: float | None,
        bodies: Sequence[Process] = (),
    ) -> LoadStep:
        """Add parts at the body's temperature, free of stress at `stress_free` (K), and bodies."""
        stages = [self.stage, *(own.stage for own in bodies)]
        present = {name for stage in stages for name in stage.present} | {*parts}
        since = dict(pair for stage in stages for pair in stage.since)
        since |= dict.fromkeys(parts, stress_free)
        shrunk = dict(pair for stage in stages for pair in stage.shrunk)
        carried = [
            name
            for own in bodies
            for name in own.stage.present
            if not self.setting.parts[name].is_void
        ]
        self.stage = replace(
            self.stage,
            present=tuple(name for name in self.setting.parts if name in present),
            since=tuple(sorted(since.items())),
            shrunk=tuple(sorted(shrunk.items())),
        )
        for own in bodies:
            self.removed |= own.removed
        self.present = True
        joined = self.load_step(duration, parts)
        names = tuple(own.body for own in bodies)
        return replace(joined, bodies=names, carried=tuple(carried))

    def named(self, parts: tuple[str, ...], key: Key) -> Iterator[str]:
        """Yield the parts that a step names; Fault for an unknown one, a void or a repetition."""
        for fault in misnamed(parts, self.setting.parts, key):
            raise fault
        yield from parts

    def refuse_attaching(self, part: str, key: Key) -> None:
        """Raise the fault of a part that cannot be joined now."""
        if part in self.removed:
            remedy = "a part of another name may take its place"
            raise Fault(key, f"{part!r} was removed by {self.removed[part]}: {remedy}")
        self._refuse_own_temperature(part)
        unit = self.stage.unit
        if unit is not None and not meets(self.setting.places[part], unit):
            message = f"{part!r} lies outside {self.stage.unit_name!r}, which was cut out before"
            raise Fault(key, message)

    def refuse_absent(self, part: str, key: Key) -> None:
        """Raise the fault of a part that is not present."""
        if part in self.stage.present:
            return
        if part in self.removed:
            why = f"was removed by {self.removed[part]}"
        elif part not in self.joined and part in self.setting.joined_by_steps:
            why = "is not present yet: a later step attaches it"
        elif self.body or any(part in own.stage.present for own in self.apart.values()):
            of = f"body = {self.body!r}" if self.body else "the package"
            why = f"is not in {of}: it came with {self.joined.get(part, 'the start')}"
        else:
            why = f"is no part of {self.stage.unit_name!r}"
        raise Fault(key, f"{part!r} {why}")

    def refuse_loss(self, lost: set[str], key: Key) -> None:
        """Raise the fault of losing parts that a clamp holds."""
        for face in self.support.faces if isinstance(self.support, Clamp) else ():
            if face.rpartition(".")[0] in lost:
                remedy = 'let it go first, with do = "support", on = "free"'
                raise Fault(key, f"{face!r} is held since {self.held_by}: {remedy}")

    def refuse_empty(self, key: Key, message: str) -> None:
        """Raise the fault of a step that leaves no solid part."""
        if not any(name in self.stage.present for name in self.setting.solids):
            raise Fault(key, message)

    def _refuse_own_temperature(self, part: str) -> None:
        """Refuse a stress-free temperature in the table of a part that a step joins."""
        own = self.setting.parts[part]
        if isinstance(own, Solid) and own.stress_free is not None:
            raise Fault(
                ("part", part, "stress_free"),
                "the steps say where it is free of stress: leave it out here",
            )
        fill = own.fill_stress_free if isinstance(own, BumpArray) else None
        hosts = self.setting.hosts.get(part, ())
        host = next((name for name in hosts if name in self.setting.joined_by_steps), None)
        if fill is not None and host is not None:
            raise Fault(
                ("part", part, "fill_stress_free"),
                f"the steps say it of {host!r}: leave it out here",
            )
