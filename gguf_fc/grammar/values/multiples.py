"""Multiples of a number as rules over their decimal text, within a range.

Knows digits, not JSON Schema.  As in ``numeric``, an integer has no fraction, a number no exponent,
and zero no sign.

Theory of operation.  With every digit the value so far is multiplied by ten, so of a multiple only
the remainder has to be remembered; and of a bound, whether the digits so far are below it, equal,
or above.  Which of two numbers has more digits before the point is only known at the point, so
until then digits are counted.  All of this together is the state of an automaton.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from math import gcd
from typing import Literal

from gguf_fc.grammar.regex.charset import of
from gguf_fc.grammar.regex.dfa import Dfa, TooLarge, explore, partition
from gguf_fc.grammar.regex.to_rules import automaton_rules
from gguf_fc.grammar.rules import Builder, Node
from gguf_fc.grammar.values.number_ranges import Bound
from gguf_fc.grammar.values.spelling import char_class

_MOST_STATES = 8_000
_MOST_DIVISOR = 10_000
_MOST_COPRIME = 400  # states the automaton has at least
_MOST_KEPT = 100  # automata, from one grammar to the next
_LETTERS = "-.0123456789"

Sign = Literal[1, -1]
Phase = Literal["start", "sign", "zero", "whole", "point", "part"]


def multiple_range(
    step: Decimal, least: Bound | None, most: Bound | None, *, integer: bool, builder: Builder
) -> Node | None:
    """The multiples of *step* (above 0) between the bounds; None where that is too large."""
    dfa = _automaton(step, least, most, integer=integer)
    return None if dfa is None else automaton_rules(dfa, char_class, builder)


@lru_cache(maxsize=_MOST_KEPT)
def _automaton(
    step: Decimal, least: Bound | None, most: Bound | None, *, integer: bool
) -> Dfa | None:
    scale = max(0, -int(step.normalize().as_tuple().exponent))
    divisor = int(step.scaleb(scale))
    if integer:
        divisor, scale = divisor // gcd(divisor, 10**scale), 0
    if divisor > _MOST_DIVISOR or _coprime(divisor) > _MOST_COPRIME:
        return None
    reader = _Division(divisor, scale, integer, _edges(least, most, 1), _edges(least, most, -1))
    alphabet, _ = partition(of(letter) for letter in _LETTERS)
    letters = [chr(ranges[0][0]) for ranges in alphabet]
    try:
        return explore(
            _Remainder("start"),
            lambda state: (reader.step(state, letter) for letter in letters),
            reader.accepts,
            alphabet,
            _MOST_STATES,
        )
    except TooLarge:
        return None


def _coprime(divisor: int) -> int:
    """*divisor* without what divides a power of ten, which the last digits decide."""
    while (shared := gcd(divisor, 10)) > 1:
        divisor //= shared
    return divisor


@dataclass(frozen=True, slots=True)
class _Limit:
    """A bound on the digits after the sign.  *wanted*: on which side of it a number may be."""

    whole: str
    part: str
    wanted: frozenset[int]  # of -1, 0, 1: below, equal, above


def _edges(least: Bound | None, most: Bound | None, sign: Sign) -> tuple[_Limit, ...] | None:
    """The bounds on numbers of that sign; None where there are none.  Zero has no sign."""
    bounds = [(least, 1), (most, -1)]
    if sign < 0:
        bounds.append((Bound(Decimal(0), inclusive=False), -1))
    edges: list[_Limit] = []
    for bound, beyond in bounds:
        if bound is None:
            continue
        value = bound.value * sign
        wanted = frozenset({beyond * sign, *([0] if bound.inclusive else [])})
        if value < 0 or (value == 0 and wanted <= {-1}):
            if 1 not in wanted:
                return None
            continue
        whole, _, part = f"{value:f}".partition(".")
        edges.append(_Limit(whole.lstrip("-"), part.rstrip("0"), wanted))
    return tuple(edges)


@dataclass(frozen=True, slots=True)
class _Remainder:
    """State of the division: what has been read, as far as it matters."""

    phase: Phase
    sign: Sign = 1
    count: int = 0  # digits before the point; then those after it
    remainder: int = 0
    sides: tuple[int, ...] = ()  # where the digits are compared with those of each edge


@dataclass(frozen=True, slots=True)
class _Division:
    """Reads the digits of multiples of *divisor* divided by ten to the *scale*."""

    divisor: int
    scale: int
    integer: bool
    positive: tuple[_Limit, ...] | None
    negative: tuple[_Limit, ...] | None

    def step(self, state: _Remainder, letter: str) -> _Remainder | None:
        """The state after *letter*; None where no number goes on like this."""
        if letter not in _LETTERS:
            return None
        match state.phase, letter:
            case "start", "-":
                return None if self.negative is None else _Remainder("sign", -1)
            case "zero" | "whole", ".":
                hopeless = self.integer or (self.scale == 0 and state.remainder != 0)
                return None if hopeless else self._at_point(state)
            case ("zero", _) | (_, "-" | "."):
                return None
            case "start" | "sign", _:
                edges = self._edges(state.sign)
                first = replace(state, phase="zero", sides=(0,) * len(edges))
                if state.sign > 0 and self.positive is None:
                    return None
                read = self._whole(first, int(letter))
                return read if letter == "0" else replace(read, phase="whole")
            case "whole", _:
                return self._whole(state, int(letter))
            case _:
                return self._part(state, int(letter))

    def accepts(self, state: _Remainder) -> bool:
        """True if what was read is a multiple within the bounds."""
        if state.phase in ("start", "sign", "point"):
            return False
        whole = state.phase != "part"
        state = self._at_point(state) if whole else state
        missing = self.scale - min(state.count, self.scale)
        if state.remainder * 10**missing % self.divisor:
            return False
        return all(
            (side or (-1 if edge.part[state.count :] else 0)) in edge.wanted
            for edge, side in zip(self._edges(state.sign), state.sides, strict=True)
        )

    def _edges(self, sign: Sign) -> tuple[_Limit, ...]:
        return (self.positive if sign > 0 else self.negative) or ()

    def _whole(self, state: _Remainder, digit: int) -> _Remainder:
        edges = self._edges(state.sign)
        longest = max((len(edge.whole) for edge in edges), default=0)
        sides = tuple(
            (side or _compared(digit, edge.whole[state.count]))
            if state.count < len(edge.whole)
            else 1
            for edge, side in zip(edges, state.sides, strict=True)
        )
        remainder = (state.remainder * 10 + digit) % self.divisor
        count = min(state.count + 1, longest + 1)
        return replace(state, count=count, remainder=remainder, sides=sides)

    def _at_point(self, state: _Remainder) -> _Remainder:
        """The whole part is complete: fewer digits than an edge has are below it."""
        sides = tuple(
            -1 if state.count < len(edge.whole) else side
            for edge, side in zip(self._edges(state.sign), state.sides, strict=True)
        )
        return replace(state, phase="point", count=0, sides=sides)

    def _part(self, state: _Remainder, digit: int) -> _Remainder | None:
        edges = self._edges(state.sign)
        remainder = state.remainder
        if state.count < self.scale:
            remainder = (remainder * 10 + digit) % self.divisor
            if state.count + 1 == self.scale and remainder:
                return None
        elif digit:
            return None
        sides = tuple(
            side or _compared(digit, edge.part[state.count : state.count + 1] or "0")
            for edge, side in zip(edges, state.sides, strict=True)
        )
        deepest = max([self.scale, *(len(edge.part) for edge in edges)])
        count = min(state.count + 1, deepest)
        return replace(state, phase="part", count=count, remainder=remainder, sides=sides)


def _compared(digit: int, other: str) -> int:
    return (digit > int(other)) - (digit < int(other))
