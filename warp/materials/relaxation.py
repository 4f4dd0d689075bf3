"""Linear viscoelasticity: a Prony series of relaxation and how temperature shifts its time.

    modulus(t) = modulus0 [1 - sum m_i (1 - exp(-xi / tau_i))],      xi = INT dt / a_T(T)

modulus0 is the instantaneous (glassy) modulus, m_i the fraction of it that relaxes with tau_i; bulk
and shear modulus have fractions of their own. Every term is a spring in series with a dashpot; its
spring strain q follows dq = de - q dxi/tau. Over a step in which strain and temperature change
linearly in time that is exactly

    q(end) = decay q + mean (e(end) - e)
    decay = exp(-xi/tau),    mean = (1/dt) INT exp(-(xi(end) - xi(t))/tau) dt

with mean = (1 - exp(-x))/x, x = dt/(a_T tau), at constant temperature. Shift laws, log = log10 of
a_T:

    WLF        log = -c1 (T - Tr) / (c2 + T - Tr)
               Williams, Landel, Ferry, J. Am. Chem. Soc. 77 (1955) 3701
    Arrhenius  ln a_T = (Q/R) (1/T - 1/Tr)
    table      log is linear between given temperatures, constant outside

In a file, one list of terms for Young's modulus (constant Poisson's ratio), or one for bulk and one
for shear, as fractions of the instantaneous modulus, which is `youngs_modulus`; and a shift:

    [material.my-mould.relaxation]
    shear = [["1 s", "10 %"], ["100 s", "25 %"]]
    bulk = [["10 s", "5 %"]]
    wlf = {reference = "120 degC", c1 = 17.4, c2 = "51.6 K"}

J. D. Ferry, Viscoelastic Properties of Polymers (1980); Taylor, Pister, Goudreau, Int. J. Numer.
Meth. Eng. 2 (1970) 45.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from warp.units import (
    NOT_NEGATIVE,
    POSITIVE,
    Dimensionless,
    Kind,
    Temperature,
    TemperatureDifference,
    Time,
)

ENERGY = Kind(
    "activation energy", "J/mol", "J/mol=1 kJ/mol=1e3 kcal/mol=4184", ("kJ/mol",), "80 kJ/mol"
)
GAS_CONSTANT = 8.314462618  # J/(mol K), CODATA 2018
FROZEN = 200.0
"""Largest shift in decades: WLF has a pole at Tr - c2, and below it relaxation is frozen."""
KELVINS = 0.02
"""Temperature step over which a_T is taken as exponential in time: 1e-5 of a decade of WLF."""
MOST = 20_000
"""Such steps at most: 400 K at full fineness."""


@dataclass(frozen=True)
class Wlf:
    """Shift after Williams, Landel and Ferry; reference in K, c2 in K."""

    reference: float
    c1: float
    c2: float

    def log(self, T: Any) -> Any:
        """log10 of the shift factor at T in K."""
        rise = np.asarray(T, float) - self.reference
        room = np.maximum(self.c2 + rise, 1e-9 * self.c2)
        return np.where(
            self.c2 + rise <= 0, FROZEN, np.clip(-self.c1 * rise / room, -FROZEN, FROZEN)
        )


@dataclass(frozen=True)
class Arrhenius:
    """Shift after Arrhenius; reference in K, activation energy in J/mol."""

    reference: float
    activation_energy: float

    def log(self, T: Any) -> Any:
        """log10 of the shift factor at T in K."""
        found = (
            self.activation_energy
            / GAS_CONSTANT
            * (1 / np.asarray(T, float) - 1 / self.reference)
            / np.log(10)
        )
        return np.clip(found, -FROZEN, FROZEN)


@dataclass(frozen=True)
class ShiftTable:
    """Shift from a table of log10 a_T over temperature in K."""

    temperatures: tuple[float, ...]
    logs: tuple[float, ...]

    def log(self, T: Any) -> Any:
        """log10 of the shift factor at T in K."""
        return np.interp(T, self.temperatures, self.logs)


Shift = Wlf | Arrhenius | ShiftTable


@dataclass(frozen=True)
class Relaxation:
    """Fractions of the instantaneous bulk and shear modulus that relax with each time.

    Times in s, at the reference temperature of the shift.
    """

    times: tuple[float, ...]
    bulk: tuple[float, ...]
    shear: tuple[float, ...]
    shift: Shift | None = None

    def __post_init__(self) -> None:
        if min(self.times, default=1.0) <= 0.0:
            raise ValueError("relaxation times must be greater than zero")
        for name, fractions in (("bulk", self.bulk), ("shear", self.shear)):
            if (
                len(fractions) != len(self.times)
                or min(fractions, default=0.0) < 0.0
                or sum(fractions) >= 1.0
            ):
                raise ValueError(
                    f"{name}: one fraction a relaxation time, none negative, and less than 1 in all"
                )

    @property
    def remaining(self) -> tuple[float, float]:
        """Return the fractions of the bulk and shear modulus that never relax."""
        return 1 - sum(self.bulk), 1 - sum(self.shear)

    def reduced_time(self, start: float, end: float, duration: float) -> tuple[np.ndarray, int]:
        """Return the increments of xi over equal parts of the duration, and their number.

        The temperature goes from `start` to `end` (K) at a constant rate.
        """
        if self.shift is None:
            return np.array([duration]), 1
        parts = int(np.clip(np.ceil(abs(end - start) / KELVINS), 1, MOST))
        log = -np.log(10) * np.asarray(self.shift.log(np.linspace(start, end, parts + 1)))
        low, rise = np.minimum(log[1:], log[:-1]), abs(np.diff(log))
        return duration / parts * np.exp(low) * _growth(rise), parts

    def step(self, start: float, end: float, duration: float) -> tuple[np.ndarray, np.ndarray]:
        """Return (decay, mean) of every term over a step, after the 1 and 1 of the lone spring."""
        xi, parts = self.reduced_time(start, end, duration)
        left = np.append(
            np.cumsum(xi[::-1])[::-1], 0.0
        )  # from the beginning of each part to the end of the step
        decay, mean = np.ones(len(self.times) + 1), np.ones(len(self.times) + 1)
        for n, tau in enumerate(self.times, 1):
            decay[n] = np.exp(-left[0] / tau)
            mean[n] = (np.exp(-left[1:] / tau) * _decline(xi / tau)).sum() / parts
        return decay, mean

    def modulus(self, t: Any, T: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the master curve: fractions of bulk and shear modulus left after t, at one T."""
        a = 1.0 if self.shift is None else 10.0 ** self.shift.log(T)
        relaxed = 1 - np.exp(-np.asarray(t, float)[..., None] / a / np.array(self.times))
        return 1 - relaxed @ np.array(self.bulk), 1 - relaxed @ np.array(self.shear)


def _growth(x: np.ndarray) -> np.ndarray:
    """(exp(x) - 1) / x."""
    return np.where(x < 1e-8, 1.0, np.expm1(x) / np.where(x < 1e-8, 1.0, x))


def _decline(x: np.ndarray) -> np.ndarray:
    """(1 - exp(-x)) / x."""
    return np.where(x < 1e-8, 1.0, -np.expm1(-x) / np.where(x < 1e-8, 1.0, x))


Term = tuple[Annotated[Time, POSITIVE], Annotated[Dimensionless, NOT_NEGATIVE]]
Terms = Annotated[list[Term], Field(min_length=1, examples=[[["1 s", "10 %"], ["100 s", "25 %"]]])]


class WlfSpec(BaseModel):
    """Williams, Landel, Ferry: log10 a_T = -c1 (T - reference) / (c2 + T - reference)."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    reference: Temperature
    c1: Annotated[Dimensionless, POSITIVE] = Field(description="dimensionless constant of the law")
    c2: Annotated[TemperatureDifference, POSITIVE]


class ArrheniusSpec(BaseModel):
    """ln a_T = activation_energy / R (1/T - 1/reference)."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    reference: Temperature
    activation_energy: Annotated[float, ENERGY, POSITIVE]


class RelaxationSpec(BaseModel):
    """Relaxation of the modulus: Prony terms (relaxation time, fraction) and a shift law."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    youngs_modulus: Terms | None = Field(
        None, description="of Young's modulus, with a constant Poisson's ratio"
    )
    bulk: Terms | None = Field(None, description="of the bulk modulus")
    shear: Terms | None = Field(None, description="of the shear modulus")
    wlf: WlfSpec | None = Field(None, description="shift of the times after Williams-Landel-Ferry")
    arrhenius: ArrheniusSpec | None = Field(None, description="shift of the times after Arrhenius")
    shift: list[tuple[Temperature, Dimensionless]] | None = Field(
        None, min_length=2, description="rows of temperature and log10 of the shift factor"
    )

    @model_validator(mode="after")
    def _one_of_each(self) -> RelaxationSpec:
        if (self.youngs_modulus is None) == (self.bulk is None and self.shear is None):
            raise ValueError("give terms for youngs_modulus, or for bulk and shear")
        if sum(law is not None for law in (self.wlf, self.arrhenius, self.shift)) > 1:
            raise ValueError("one law shifts the times: wlf, arrhenius or shift")
        if self.shift and any(
            b[0] <= a[0] for a, b in zip(self.shift, self.shift[1:], strict=False)
        ):
            raise ValueError("shift: the temperatures must rise from row to row")
        for name in ("youngs_modulus", "bulk", "shear"):
            total = sum(fraction for _, fraction in getattr(self, name) or [])
            if total >= 1.0:
                remains = "something must remain of the modulus"
                raise ValueError(f"{name}: the fractions sum to {total:.6g}, and {remains}")
        return self

    def build(self) -> Relaxation:
        """Return the law, bulk and shear on one list of times."""
        law: Shift | None = None
        if self.wlf is not None:
            law = Wlf(self.wlf.reference, self.wlf.c1, self.wlf.c2)
        elif self.arrhenius is not None:
            law = Arrhenius(self.arrhenius.reference, self.arrhenius.activation_energy)
        elif self.shift is not None:
            law = ShiftTable(
                tuple(T for T, _ in self.shift), tuple(value for _, value in self.shift)
            )
        bulk, shear = (self.youngs_modulus or terms or [] for terms in (self.bulk, self.shear))
        times = sorted({tau for tau, _ in (*bulk, *shear)})
        k, g = (
            tuple(float(sum(f for t, f in terms if t == tau)) for tau in times)
            for terms in (bulk, shear)
        )
        return Relaxation(tuple(times), k, g, law)
