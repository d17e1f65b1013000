"""The rules of a number.

Where a schema sets no limit, an integer has at most 16 digits: more than any program keeps exactly
that reads JSON's numbers as floating point, and an end for a model that writes digit after digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gguf_fc.grammar.rules import CharClass, Literal, Node, Repeat, Token, choice, sequence
from gguf_fc.grammar.schema.tree import Number
from gguf_fc.grammar.values.json_text import LARGEST_INTEGER, JsonText
from gguf_fc.grammar.values.json_tokens import DIGIT
from gguf_fc.grammar.values.multiples import multiple_range
from gguf_fc.grammar.values.number_ranges import Bound, integer_range, number_range

_FRACTION = sequence(Literal("."), Repeat(DIGIT), CharClass(((ord("1"), ord("9")),)), Repeat(DIGIT))


def number_rule(text: JsonText, number: Number, loosen: Callable[[str, str], None]) -> Node:
    """The rule of *number*; *loosen* is told what it does not hold, and why."""
    if number.multiple is not None:
        found = multiple_range(
            number.multiple,
            number.least,
            number.most,
            integer=number.integer,
            builder=text.builder,
        )
        if found is not None:
            return Token(found)
        loosen("multipleOf", "too large for a grammar")
    if number.integer:
        return Token(_integers(number))
    if number.fractional:
        if _is_whole(number.least) and _is_whole(number.most):
            return Token(_fractions(number))
        loosen("not", "integers between these limits are let through")
    if number.least is None and number.most is None:
        return text.number
    return Token(number_range(number.least, number.most))


def _integers(number: Number) -> Node:
    least, most = _ceiling(number.least), _floor(number.most)
    if least is None and (most is None or most >= -LARGEST_INTEGER):
        least = -LARGEST_INTEGER
    if most is None and (least is None or least <= LARGEST_INTEGER):
        most = LARGEST_INTEGER
    return integer_range(least, most)


def _fractions(number: Number) -> Node:
    """The numbers between whole limits that are not whole: each is just above or below one."""
    least = None if number.least is None else int(number.least.value)
    most = None if number.most is None else int(number.most.value)
    options: list[Node] = []
    if least is None or least < 0:
        nearest = 0 if most is None else max(0, -most)
        farthest = None if least is None else -least - 1
        if farthest is None or nearest <= farthest:
            options.append(sequence(Literal("-"), integer_range(nearest, farthest)))
    if most is None or most > 0:
        nearest = max(0, least or 0)
        if most is None or nearest < most:
            options.append(integer_range(nearest, None if most is None else most - 1))
    return sequence(choice(*options), _FRACTION)


def _is_whole(bound: Bound | None) -> bool:
    return bound is None or bound.value == bound.value.to_integral_value()


def _ceiling(bound: Bound | None) -> int | None:
    if bound is None:
        return None
    whole = math.ceil(bound.value)
    return whole if bound.inclusive or whole != bound.value else whole + 1


def _floor(bound: Bound | None) -> int | None:
    if bound is None:
        return None
    whole = math.floor(bound.value)
    return whole if bound.inclusive or whole != bound.value else whole - 1
