"""Evaluate arithmetic with units: "2 * pitch + 0.1 mm", "(n - 1) * 8 mm", "T_peak - 30 K".

    sum      = product, then + product or - product
    product  = factors, then * factors or / factors
    factors  = powers side by side: "0.4 mm", "W/(m K)"; they bind tighter than / and *
    power    = number, name, unit, (sum), min(sum, ...) or max(sum, ...), then ^ and a whole number

Numbers are exact fractions until the end, so that "2 * 0.4 mm" is the float of "0.8 mm". A value is
its magnitude in SI and its powers of m, kg, s and K; sums need the same powers. A temperature in
degC is a point on a scale: a difference in K may be added to it, two of them have a difference, and
nothing else is defined.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from math import pi

from warp.errors import nearest
from warp.units import ANGLE, DIFFERENCE, KINDS, LENGTH, POWER, PRESSURE, RESPELL, TIME

TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*|%)"
    r"|(?P<sign>\*\*|[-+*/^(),]))"
)
FILE_NAME = re.compile(r"\.[A-Za-z]")
INTERVAL = "+-"
SCALES = ("degC", "C")
ANGLES = ("rad", "deg")
FUNCTIONS = {"min": min, "max": max}
LONGEST = 200  # characters
LARGEST_POWER = 9
MOST_DIGITS = 40
Powers = tuple[int, int, int, int]
"""Of m, kg, s and K."""
NONE: Powers = (0, 0, 0, 0)
BASES: Mapping[str, Powers] = {
    LENGTH.name: (1, 0, 0, 0),
    TIME.name: (0, 0, 1, 0),
    DIFFERENCE.name: (0, 0, 0, 1),
    PRESSURE.name: (-1, 1, -2, 0),
    POWER.name: (2, 1, -3, 0),
    ANGLE.name: NONE,
}
MORE: Mapping[str, tuple[Fraction, Powers]] = {
    "kg": (Fraction(1), (0, 1, 0, 0)),
    "g": (Fraction(1, 1000), (0, 1, 0, 0)),
    "N": (Fraction(1), (1, 1, -2, 0)),
    "J": (Fraction(1), (2, 1, -2, 0)),
    "kJ": (Fraction(1000), (2, 1, -2, 0)),
    "deg": (Fraction(pi) / 180, NONE),
    "ppm": (Fraction(1, 10**6), NONE),
    "%": (Fraction(1, 100), NONE),
}


class ExpressionError(ValueError):
    """An expression without a value; the text says why."""


@dataclass(frozen=True)
class Value:
    """A number in SI with its powers of m, kg, s and K.

    absolute: a temperature on a scale. unit: in which it is written, with its size in SI.
    """

    number: Fraction
    powers: Powers = NONE
    absolute: bool = False
    unit: tuple[str, Fraction] | None = None

    def written(self) -> str | int | float:
        """Return the value as a case file has it: a quantity, or a number without a unit."""
        if self.absolute:
            return f"{float(self.number)!r} K"
        if self.powers == NONE and (self.unit is None or self.unit[0] not in ANGLES):
            whole = self.number.denominator == 1
            return int(self.number) if whole else float(self.number)
        name, size = self.unit or (_si(self.powers), Fraction(1))
        return f"{float(self.number / size)!r} {name}"


@cache
def units() -> Mapping[str, Value]:
    """Return the units that are one word."""
    found = {
        name: Value(Fraction(factor), powers, unit=(name, Fraction(factor)))
        for kind in KINDS
        for name, factor in kind.factors.items()
        if name.isalpha() and (powers := BASES.get(kind.name)) is not None
    }
    more = {name: Value(size, powers, unit=(name, size)) for name, (size, powers) in MORE.items()}
    scale = {name: Value(Fraction(1), (0, 0, 0, 1), unit=("K", Fraction(1))) for name in SCALES}
    return {**found, **more, **scale}


@cache
def _si_units() -> Mapping[Powers, str]:
    found: dict[Powers, str] = {}
    for kind in KINDS:
        if not kind.bare and kind is not ANGLE:
            found.setdefault(_Parser(kind.si, units()).value().powers, kind.si)
    return found


def _si(powers: Powers) -> str:
    known = _si_units().get(powers)
    if known:
        return known
    pairs = zip(("m", "kg", "s", "K"), powers, strict=True)
    return " ".join(f"{unit}^{power}" for unit, power in pairs if power)


def names_in(text: str) -> set[str] | None:
    """Return the names and units in an expression, None where the text is none.

    A file's name ("top-2.png") is none, nor is the half width of an interval ("+- 10 um").
    """
    if FILE_NAME.search(text) or text.lstrip().startswith(INTERVAL):
        return None
    tokens = _tokens(text.translate(RESPELL))
    return None if tokens is None else {word for kind, word in tokens if kind == "name"}


def computes(text: str) -> bool:
    """Tell whether a text has a number that follows an operator: more than one quantity."""
    if text.lstrip().startswith(INTERVAL):
        return False
    tokens = _tokens(text.translate(RESPELL)) or []
    if tokens and tokens[0][1] in ("+", "-"):
        tokens = tokens[1:]
    pairs = zip(tokens, tokens[1:], strict=False)
    return any(b[0] == "number" and a[1] in ("+", "-", "*", "/", "(") for a, b in pairs)


def evaluate(text: str, names: Mapping[str, Value]) -> Value:
    """Return the value of an expression; ExpressionError says what is wrong with it."""
    if len(text) > LONGEST:
        raise ExpressionError(f"has more than {LONGEST} characters")
    return _Parser(text.translate(RESPELL), {**units(), **names}).value()


def _tokens(text: str) -> list[tuple[str, str]] | None:
    found, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            return None
        kind = str(match.lastgroup)
        found.append((kind, match[kind]))
        at = match.end()
    return found


class _Parser:
    """Read one expression from left to right."""

    def __init__(self, text: str, names: Mapping[str, Value]) -> None:
        tokens = _tokens(text)
        if not tokens:
            raise ExpressionError(f"{text!r} is no arithmetic")
        self.text, self.names, self.tokens, self.at = text, names, tokens, 0

    def value(self) -> Value:
        """Return the value of the whole text."""
        found = self.sum()
        if self.at < len(self.tokens):
            raise ExpressionError(f"{self.text!r} has a {self.word()!r} too many")
        return found

    def word(self) -> str:
        """Return the next token, "" at the end."""
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def kind(self) -> str:
        """Return the kind of the next token."""
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self, *words: str) -> str:
        """Pass the next token if it is one of these, and return it."""
        word = self.word()
        if word in words and self.kind() == "sign":
            self.at += 1
            return word
        return ""

    def sum(self) -> Value:
        """Return a sum of products."""
        found = self.product()
        while sign := self.take("+", "-"):
            literal = self.at
            other = self.product()
            if other.absolute and self.tokens[literal][0] == "number":
                raise ExpressionError(f"{self.text!r}: write the difference in K, not in degC")
            found = _sum(found, other, 1 if sign == "+" else -1, self.text)
        return found

    def product(self) -> Value:
        """Return a product of factors."""
        found = self.factors()
        while sign := self.take("*", "/"):
            other = self.factors()
            found = _product(found, other, 1 if sign == "*" else -1, self.text)
        return found

    def factors(self) -> Value:
        """Return powers side by side, with a sign before them."""
        if self.take("-"):
            return self.negative()
        if self.take("+"):
            return self.factors()
        on_scale = self.scale_reading(1)
        if on_scale is not None:
            return on_scale
        found = self.power()
        while self.kind() in ("number", "name") or self.word() == "(":
            found = _product(found, self.power(), 1, self.text)
        return found

    def negative(self) -> Value:
        """Return factors with the opposite sign."""
        on_scale = self.scale_reading(-1)
        if on_scale is not None:
            return on_scale
        found = self.factors()
        if found.absolute:
            raise ExpressionError(f"{self.text!r}: a temperature in degC has no negative")
        return replace(found, number=-found.number)

    def scale_reading(self, sign: int) -> Value | None:
        """Return a number of degrees Celsius as a temperature, None where none comes next."""
        after = self.tokens[self.at + 1 : self.at + 3]
        alone = len(after) < 2 or after[1][1] in ("+", "-", ")", ",", "*", "/")
        if self.kind() != "number" or not after or after[0][1] not in SCALES or not alone:
            return None
        number = sign * self.number()
        self.at += 1
        return Value(number + Fraction("273.15"), (0, 0, 0, 1), absolute=True)

    def power(self) -> Value:
        """Return a number, a name or what stands in parentheses, and its power."""
        found = self.atom()
        if not self.take("^", "**"):
            return found
        sign = -1 if self.take("-") else 1
        exponent = sign * self.number() if self.kind() == "number" else Fraction(1, 2)
        if exponent.denominator != 1 or abs(exponent) > LARGEST_POWER:
            raise ExpressionError(f"{self.text!r}: a power is a small whole number")
        one = Value(Fraction(1))
        for _ in range(abs(int(exponent))):
            one = _product(one, found, 1 if exponent > 0 else -1, self.text)
        return one

    def number(self) -> Fraction:
        """Return the next token as a number."""
        word = self.word()
        self.at += 1
        if len(word) > MOST_DIGITS or abs(int(re.split("[eE]", f"{word}e0")[1])) > MOST_DIGITS:
            raise ExpressionError(f"{self.text!r} has a number out of range")
        return Fraction(word)

    def atom(self) -> Value:
        """Return a number, a name, a function or what stands in parentheses."""
        kind, word = self.kind(), self.word()
        if kind == "number":
            return Value(self.number())
        if kind == "name" and word in FUNCTIONS:
            self.at += 1
            return self.function(word)
        if kind == "name":
            self.at += 1
            return self.named(word)
        if self.take("("):
            found = self.sum()
            self.close()
            return found
        missing = f"before {word!r}" if word else "at its end"
        raise ExpressionError(f"{self.text!r} lacks a value {missing}")

    def function(self, word: str) -> Value:
        """Return the least or the greatest of several values."""
        if not self.take("("):
            raise ExpressionError(f"{self.text!r}: write {word}(a, b)")
        values = [self.sum()]
        while self.take(","):
            values.append(self.sum())
        self.close()
        for other in values:
            _same(values[0], other, self.text)
        return FUNCTIONS[word](values, key=lambda value: value.number)

    def close(self) -> None:
        """Pass a closing parenthesis."""
        if not self.take(")"):
            raise ExpressionError(f"{self.text!r} lacks a ')'")

    def named(self, word: str) -> Value:
        """Return the value of a name or a unit."""
        if word in self.names:
            return self.names[word]
        own = [name for name in self.names if name not in units()]
        raise ExpressionError(f"there is no variable {word!r}{nearest(word, own)}")


def _same(a: Value, b: Value, text: str) -> None:
    if a.powers != b.powers:
        raise ExpressionError(f"{text!r} adds {_in_words(a)} and {_in_words(b)}")


def _in_words(value: Value) -> str:
    return "a bare number" if value.powers == NONE else f"a quantity in {_si(value.powers)}"


def _sum(a: Value, b: Value, sign: int, text: str) -> Value:
    _same(a, b, text)
    if b.absolute and (sign > 0 or not a.absolute):
        if a.absolute or sign < 0:
            raise ExpressionError(f"{text!r}: temperatures in degC cannot be added")
        return Value(a.number + b.number, a.powers, absolute=True)
    absolute = a.absolute and not b.absolute
    return Value(a.number + sign * b.number, a.powers, absolute, None if absolute else a.unit)


def _product(a: Value, b: Value, sign: int, text: str) -> Value:
    if a.absolute or b.absolute:
        raise ExpressionError(f"{text!r}: a temperature in degC cannot be multiplied")
    if sign < 0 and b.number == 0:
        raise ExpressionError(f"{text!r} divides by zero")
    x, y, z, w = (p + sign * q for p, q in zip(a.powers, b.powers, strict=True))
    unit = a.unit if b.powers == NONE else None
    if sign > 0 and a.powers == NONE:
        unit = b.unit or a.unit
    number = a.number * b.number if sign > 0 else a.number / b.number
    if max(number.numerator.bit_length(), number.denominator.bit_length()) > 2000:
        raise ExpressionError(f"{text!r} is out of range")
    return Value(number, (x, y, z, w), unit=unit)
