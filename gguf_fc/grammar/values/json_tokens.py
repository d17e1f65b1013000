"""Lexical pieces of JSON, each as a rule: digits, parts of a number, characters of a string.

The same in every grammar, so that they are constants.
"""

from __future__ import annotations

from gguf_fc.grammar.rules import CharClass, Literal, Repeat, Sequence, choice, optional
from gguf_fc.grammar.values.spacing import SPACE


def _class(*parts: str) -> CharClass:
    """A class of single characters and three-character ranges such as ``0-9``."""
    ranges = [(ord(part[0]), ord(part[-1])) for part in parts]
    return CharClass(tuple(sorted(ranges)))


DIGIT = _class("0-9")
_HEX = _class("0-9", "A-F", "a-f")
WHITE = _class(*SPACE)

PLAIN = CharClass(((0x00, 0x1F), (ord('"'), ord('"')), (ord("\\"), ord("\\"))), negated=True)
_SHORT_ESCAPE = _class('"', "\\", "/", "b", "f", "n", "r", "t")

# \uXXXX: either no surrogate, or a high one followed by a low one.
_NO_SURROGATE = choice(
    Sequence((_class("0-9", "A-C", "E-F", "a-c", "e-f"), _HEX, _HEX, _HEX)),
    Sequence((_class("D", "d"), _class("0-7"), _HEX, _HEX)),
)
_PAIR = Sequence(
    (
        _class("D", "d"),
        _class("8-9", "A-B", "a-b"),
        _HEX,
        _HEX,
        Literal("\\u"),
        _class("D", "d"),
        _class("C-F", "c-f"),
        _HEX,
        _HEX,
    )
)

# One character of a JSON string, however it is written.
CHARACTER = choice(
    PLAIN,
    Sequence(
        (
            Literal("\\"),
            choice(_SHORT_ESCAPE, Sequence((Literal("u"), choice(_NO_SURROGATE, _PAIR)))),
        )
    ),
)

# The escapes that json.dumps writes.
CANONICAL_ESCAPE = Sequence(
    (
        Literal("\\"),
        choice(
            _class('"', "\\", "b", "f", "n", "r", "t"),
            Sequence((Literal("u00"), _class("0-1"), _class("0-9", "a-f"))),
        ),
    )
)

INTEGER_PART = choice(Literal("0"), Sequence((_class("1-9"), Repeat(DIGIT))))
FRACTION = Sequence((Literal("."), Repeat(DIGIT, 1)))

# Exponents up to those of the largest and the smallest number of 64 bits, 1.8e308 and 5e-324.  With
# others clients read infinity or zero, and a model that writes digit after digit has to end.
_SIZE = choice(Repeat(DIGIT, 1, 2), Sequence((_class("0-2"), DIGIT, DIGIT)))
_RAISED = choice(_SIZE, Sequence((Literal("30"), _class("0-8"))))
_LOWERED = choice(
    _SIZE,
    Sequence((Literal("3"), _class("0-1"), DIGIT)),
    Sequence((Literal("32"), _class("0-4"))),
)
EXPONENT = Sequence(
    (
        _class("E", "e"),
        choice(
            Sequence((optional(Literal("+")), _RAISED)),
            Sequence((Literal("-"), _LOWERED)),
        ),
    )
)
