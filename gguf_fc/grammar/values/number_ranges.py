"""Ranges of numbers as rules over their decimal text.

Knows digits, not JSON Schema.  Integers are written without fraction or exponent and without
``-0``; numbers with a bound other than zero are written without an exponent, since where the point
stands would then decide the range.

Theory of operation.  A bound is a string of digits.  The texts at or above ``4 56`` begin ``45``
and go on at or above ``6``, or begin ``4[6-9]``, or begin ``[5-9]``, or have more digits before the
point.  A range is handled by walking along both bounds as long as they agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from gguf_fc.grammar.rules import (
    NEVER,
    CharClass,
    Literal,
    Node,
    Repeat,
    choice,
    optional,
    sequence,
)
from gguf_fc.grammar.values.json_tokens import DIGIT, EXPONENT, FRACTION, INTEGER_PART

_MINUS = Literal("-")
_ZEROS = Repeat(Literal("0"))


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit and whether it is itself allowed."""

    value: Decimal
    inclusive: bool = True


def integer_range(least: int | None, most: int | None) -> Node:
    """The integers from *least* to *most*; None: no limit."""
    options: list[Node] = []
    if least is None or least < 0:
        low = 1 if most is None or most >= 0 else -most
        high = None if least is None else -least
        options.append(sequence(_MINUS, _naturals(low, high)))
    if most is None or most >= 0:
        options.append(_naturals(max(0, least or 0), most))
    return choice(*options)


def number_range(least: Bound | None, most: Bound | None) -> Node:
    """The numbers between *least* and *most*; None: no limit."""
    options: list[Node] = []
    if least is None or least.value < 0:
        low = Bound(Decimal(0), inclusive=False)
        if most is not None and most.value <= 0:
            low = Bound(-most.value, most.inclusive and most.value != 0)
        high = None if least is None else Bound(-least.value, least.inclusive)
        options.append(sequence(_MINUS, _decimals(low, high)))
    if most is None or most.value >= 0:
        low = Bound(Decimal(0))
        if least is not None and least.value >= 0:
            low = least
        options.append(_decimals(low, most))
    return choice(*options)


def _digits(low: int, high: int) -> Node:
    if low > high:
        return NEVER
    if low == high:
        return Literal(str(low))
    return CharClass(((ord("0") + low, ord("0") + high),))


def _any_digits(count: int) -> Node:
    return Repeat(DIGIT, count, count) if count else Literal("")


def _naturals(low: int, high: int | None) -> Node:
    """low..high, both at least 0."""
    if high is not None and low > high:
        return NEVER
    if low == 0 and high is None:
        return INTEGER_PART
    first = str(low)
    options: list[Node] = []
    if high is None:
        options.append(_same_length(first, "9" * len(first)))
        options.append(sequence(_digits(1, 9), Repeat(DIGIT, len(first))))
        return choice(*options)
    last = str(high)
    if len(first) == len(last):
        return _same_length(first, last)
    options.append(_same_length(first, "9" * len(first)))
    shortest, longest = len(first) + 1, len(last) - 1
    if shortest <= longest:
        options.append(sequence(_digits(1, 9), Repeat(DIGIT, shortest - 1, longest - 1)))
    options.append(_same_length("1" + "0" * (len(last) - 1), last))
    return choice(*options)


def _same_length(first: str, last: str) -> Node:
    """The digit strings from *first* to *last*, which have the same length."""
    shared = 0
    while shared < len(first) and first[shared] == last[shared]:
        shared += 1
    prefix = Literal(first[:shared])
    first, last = first[shared:], last[shared:]
    if not first:
        return prefix
    rest = len(first) - 1
    low, high = int(first[0]), int(last[0])
    options: list[Node] = []
    if first[1:].strip("0"):
        options.append(sequence(Literal(first[0]), _at_least(first[1:])))
        low += 1
    tail: list[Node] = []
    if last[1:].strip("9"):
        tail.append(sequence(Literal(last[0]), _at_most(last[1:])))
        high -= 1
    options.append(sequence(_digits(low, high), _any_digits(rest)))
    return sequence(prefix, choice(*options, *tail))


def _at_least(first: str) -> Node:
    """The digit strings of this length from *first* on: innermost digit first, no recursion."""
    node: Node = Literal("")
    for at in range(len(first) - 1, -1, -1):
        digit, rest = int(first[at]), len(first) - at - 1
        above = sequence(_digits(digit + 1, 9), _any_digits(rest))
        node = choice(sequence(_digits(digit, digit), node), above)
    return node


def _at_most(last: str) -> Node:
    node: Node = Literal("")
    for at in range(len(last) - 1, -1, -1):
        digit, rest = int(last[at]), len(last) - at - 1
        below = sequence(_digits(0, digit - 1), _any_digits(rest))
        node = choice(below, sequence(_digits(digit, digit), node))
    return node


def _decimals(low: Bound, high: Bound | None) -> Node:
    """The numbers from *low* (at least 0) to *high*, without a sign."""
    if high is None and low.value == 0:
        return _from_zero(inclusive=low.inclusive)
    whole, part = _split(low.value)
    start = _Edge(part, low.inclusive)
    if high is None:
        above = sequence(_naturals(whole + 1, None), optional(FRACTION))
        return choice(sequence(Literal(str(whole)), _fraction(start, None)), above)
    if high.value < low.value:
        return NEVER
    last, last_part = _split(high.value)
    end = _Edge(last_part, high.inclusive)
    if whole == last:
        return sequence(Literal(str(whole)), _fraction(start, end))
    return choice(
        sequence(Literal(str(whole)), _fraction(start, None)),
        sequence(_naturals(whole + 1, last - 1), optional(FRACTION)),
        sequence(Literal(str(last)), _fraction(None, end)),
    )


def _from_zero(*, inclusive: bool) -> Node:
    """Any number without a sign; an exponent does no harm."""
    if inclusive:
        return sequence(INTEGER_PART, optional(FRACTION), optional(EXPONENT))
    whole = sequence(_naturals(1, None), optional(FRACTION))
    part = sequence(Literal("0."), _ZEROS, _digits(1, 9), Repeat(DIGIT))
    return sequence(choice(whole, part), optional(EXPONENT))


def _split(value: Decimal) -> tuple[int, str]:
    """The whole part and the digits after the point, without zeros at the end."""
    whole, _, part = f"{value:f}".partition(".")
    return int(whole), part.rstrip("0")


@dataclass(frozen=True, slots=True)
class _Edge:
    """The digits of a bound that are still to be compared, without zeros at the end."""

    digits: str
    inclusive: bool

    @property
    def first(self) -> int:
        return int(self.digits[:1] or "0")

    @property
    def rest(self) -> _Edge:
        return _Edge(self.digits[1:], self.inclusive)


def _fraction(low: _Edge | None, high: _Edge | None) -> Node:
    """Continuations of a whole part.  An edge is None where the whole part has decided already."""
    point = sequence(Literal("."), _tail(low, high, some=True))
    return choice(Literal(""), point) if _may_stop(low, high) else point


def _may_stop(low: _Edge | None, high: _Edge | None) -> bool:
    """True if nothing but zeros from here on is within the edges."""
    above = low is None or (not low.digits and low.inclusive)
    below = high is None or bool(high.digits) or high.inclusive
    return above and below


def _tail(low: _Edge | None, high: _Edge | None, *, some: bool = False) -> Node:
    """Digits within the edges; if *some*, at least one."""
    if low is not None and not low.digits:
        if low.inclusive:
            low = None
        elif high is None:
            return sequence(_ZEROS, _digits(1, 9), Repeat(DIGIT))
    if low is None and high is None:
        return Repeat(DIGIT, int(some))
    if high is not None and not high.digits:
        return Repeat(Literal("0"), int(some)) if high.inclusive and low is None else NEVER
    options: list[Node] = [] if some or not _may_stop(low, high) else [Literal("")]
    first = 0 if low is None else low.first
    last = 9 if high is None else high.first
    if low is not None and high is not None and first == last:
        options.append(sequence(_digits(first, last), _tail(low.rest, high.rest)))
        return choice(*options)
    if low is not None:
        options.append(sequence(_digits(first, first), _tail(low.rest, None)))
        first += 1
    if high is not None:
        options.append(sequence(_digits(last, last), _tail(None, high.rest)))
        last -= 1
    options.append(sequence(_digits(first, last), Repeat(DIGIT)))
    return choice(*options)
