"""Reader of one value that arrives in pieces, in any notation, which is passed on as JSON text.

``ValueReader`` checks the text as it comes, so that every character it has taken belongs to a
well-formed value; it builds nothing.  It knows nothing of calls or markers, and never evaluates.

Theory of operation.  A pushdown automaton: ``_expect`` is what may come next, ``_stack`` holds the
brackets that are open.  Strict JSON goes out as it came.  Any other notation is read leniently
(either quote, the words of Python and of JSON, bare keys, a comma before a closing bracket, a tuple
as a list) and goes out as JSON; its strings are read in ``strings``.

Linear time, and what is held back is at most one escape, one number or word, or part of a quote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.dialect.read.reader import MOST_HELD, Mismatch, Reader, Steps
from gguf_fc.dialect.read.strings import Progress, StringReader, as_json_string
from gguf_fc.grammar.values.notation import BARE_KEY, JSON, Notation
from gguf_fc.grammar.values.spacing import SPACE

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMBER_CHARS = frozenset("+-.eE0123456789")
_JSON_STRING = re.compile(r'(?:[^"\\\x00-\x1f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_BEGUN_ESCAPE = re.compile(r"(?:\\(?:u[0-9a-fA-F]{0,3})?)?")
_CLOSING = {"{": "}", "[": "]", "(": ")"}
_JSON_WORDS = {"true": "true", "false": "false", "null": "null"}
_WORDS = {**_JSON_WORDS, "True": "true", "False": "false", "None": "null"}
_BARE_KEY = re.compile(BARE_KEY)


@dataclass(slots=True)
class ValueReader:
    """Push reader of one value: ``feed`` it text, ``take`` the JSON that is certain so far."""

    notation: Notation = JSON
    state: Progress = field(default="open", init=False)
    _expect: str = field(default="value", init=False)
    _stack: list[str] = field(default_factory=list, init=False)
    _word: str = field(default="", init=False)  # number, word, key or escape, as far as it came
    _strings: StringReader = field(init=False)
    _comma: bool = field(default=False, init=False)  # held: one before a closing bracket is dropped
    _out: list[str] = field(default_factory=list, init=False)
    _strict: bool = field(init=False)
    _words: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._strict = self.notation.escapes == "json" and self.notation.quote == '"'
        self._strict = self._strict and self.notation.true == "true" and self.notation.quoted_keys
        self._words = _JSON_WORDS if self._strict else _WORDS
        self._strings = StringReader(self.notation, self._say)

    def take(self) -> str:
        """The JSON text since the last time."""
        out, self._out = "".join(self._out), []
        return out

    def feed(self, text: str) -> int:
        """Take what belongs to the value from the front of *text*; how many characters."""
        at = 0
        while at < len(text) and self.state == "open":
            at = self._step(text, at)
        return at

    def finish(self) -> None:
        """No more text is coming: a number may end here."""
        if self.state == "open" and self._expect == "number":
            self._end_number()
        elif self.state == "open" and self._expect == "string" and not self._strict:
            self._strings.finish()
            self._after_string()
        if self.state == "open":
            self.state = "broken"

    def _step(self, text: str, at: int) -> int:
        """Take one character, or the plain run of a string."""
        char = text[at]
        match self._expect:
            case "string" | "key string" if self._strict:
                return self._in_json_string(text, at)
            case "string" | "key string":
                end = self._strings.feed(text, at)
                self._after_string()
                return end
            case "number":
                return self._in_number(char, at)
            case "word":
                return self._in_word(char, at)
            case "bare key":
                return self._in_bare_key(char, at)
            case _ if char in SPACE:
                self._say(char)
                return at + 1
            case "value" | "first value":
                return self._at_value(char, at)
            case _:
                return self._at_structure(char, at)

    def _say(self, text: str) -> None:
        if self._comma and text in SPACE:
            return
        self._out.append("," + text if self._comma else text)
        self._comma = False

    # Structure.

    def _at_value(self, char: str, at: int) -> int:
        closes = self._stack and char == _CLOSING[self._stack[-1]]
        if closes and (self._expect == "first value" or not self._strict):
            return self._close(at)
        if char in "{[" or (char == "(" and not self._strict):
            self._stack.append(char)
            self._expect = "first key" if char == "{" else "first value"
            self._say("[" if char == "(" else char)
        elif char in "-0123456789":
            self._expect, self._word = "number", char
        elif self._begins_string(char):
            self._begin_string(char, "string")
        elif char.isalpha() and any(word.startswith(char) for word in self._words):
            self._expect, self._word = "word", char
        else:
            return self._break(at)
        return at + 1

    def _at_structure(self, char: str, at: int) -> int:
        """At a key, or between keys and values."""
        expect, inner = self._expect, self._stack[-1]
        if expect == "colon" and char == ":":
            self._expect = "value"
            self._say(":")
        elif expect == "next" and char == ",":
            self._expect = "key" if inner == "{" else "value"
            self._comma = not self._strict
            if self._strict:
                self._say(",")
        elif char == _CLOSING[inner] and (expect != "key" or not self._strict):
            return self._close(at)
        elif expect in ("key", "first key") and self._begins_string(char):
            self._begin_string(char, "key string")
        elif expect in ("key", "first key") and not self._strict and _BARE_KEY.match(char):
            self._expect, self._word = "bare key", char
        else:
            return self._break(at)
        return at + 1

    def _close(self, at: int) -> int:
        self._comma = False
        self._say("]" if self._stack.pop() in "[(" else "}")
        self._end_value()
        return at + 1

    def _end_value(self) -> None:
        self._word = ""
        if self._stack:
            self._expect = "next"
        else:
            self.state = "done"

    def _break(self, at: int) -> int:
        self.state = "broken"
        return at

    # Strings.

    def _begins_string(self, char: str) -> bool:
        return char == '"' if self._strict else self._strings.may_begin(char)

    def _begin_string(self, char: str, expect: str) -> None:
        self._expect = expect
        if self._strict:
            self._say(char)
        else:
            self._strings.begin(char, key=expect == "key string")

    def _in_json_string(self, text: str, at: int) -> int:
        """Take a string of strict JSON as far as it is certain: it goes out as it came."""
        shift = 0
        if self._word:  # an escape that was cut
            shift, text, at = at - len(self._word), self._word + text[at:], 0
            self._word = ""
        run = _JSON_STRING.match(text, at)
        end = run.end() if run else at
        self._say(text[at:end])
        if text.startswith('"', end):
            self._say('"')
            self._end_string()
            return shift + end + 1
        begun = _BEGUN_ESCAPE.match(text, end)
        stop = begun.end() if begun else end
        if stop < len(text):
            return self._break(shift + stop)
        self._word = text[end:]
        return shift + stop

    def _after_string(self) -> None:
        """Go on behind a string of another notation, if it is over."""
        if self._strings.progress == "broken":
            self.state = "broken"
        elif self._strings.progress == "done":
            self._end_string()

    def _end_string(self) -> None:
        if self._expect == "key string":
            self._expect = "colon"
        else:
            self._end_value()

    # Words and numbers.

    def _in_bare_key(self, char: str, at: int) -> int:
        if _BARE_KEY.match(char):
            self._word += char
            return at + 1
        self._say(f'"{as_json_string(self._word)}"')
        self._expect, self._word = "colon", ""
        return at

    def _in_number(self, char: str, at: int) -> int:
        if char in _NUMBER_CHARS:
            self._word += char
            return at + 1
        self._end_number()
        return at

    def _end_number(self) -> None:
        if _NUMBER.fullmatch(self._word):
            self._say(self._word)
            self._end_value()
        else:
            self.state = "broken"

    def _in_word(self, char: str, at: int) -> int:
        self._word += char
        if (word := self._words.get(self._word)) is not None:
            self._say(word)
            self._end_value()
        elif not any(word.startswith(self._word) for word in self._words):
            return self._break(at)
        return at + 1


def read_value(source: Reader) -> Generator[None, None, str]:
    """Take one JSON value."""
    reader, taken = ValueReader(), []
    while reader.state == "open":
        yield from source.more()
        taken.append(source.take(reader.feed(source.pending)))
    if reader.state == "broken":
        raise Mismatch
    return "".join(taken)


def pass_value(source: Reader, say: Callable[[str], None], notation: Notation = JSON) -> Steps:
    """Take one value of *notation*, passed on to *say* as JSON while it arrives."""
    values = ValueReader(notation)
    while values.state == "open":
        source.take(values.feed(source.pending))
        if text := values.take():
            say(text)
        if values.state == "open":
            yield from source.more()
    if values.state == "broken":
        raise Mismatch


def expect_object(source: Reader) -> Steps:
    """See that a JSON object begins here: with a key, its end, or the end of the text."""
    while not (inside := source.pending[1:].lstrip(SPACE)):
        if not "{".startswith(source.peek) or len(source.pending) > MOST_HELD:
            raise Mismatch
        if source.final and source.peek:
            return
        yield from source.wait()
    if source.peek != "{" or inside[0] not in '"}':
        raise Mismatch


def as_json(text: str, notation: Notation = JSON) -> str | None:
    """The JSON of a *text* that is one value in *notation*; None if it is not."""
    reader = ValueReader(notation)
    taken = reader.feed(text)
    reader.finish()
    whole = reader.state == "done" and not text[taken:].strip()
    return reader.take().strip(SPACE) if whole else None


def spell(value: Any, notation: Notation) -> str:
    """*value* as a writer with this *notation* spells it."""
    match value:
        case None:
            return notation.null
        case bool():
            return notation.true if value else notation.false
        case str():
            return _spelled_string(value, notation)
        case dict():
            members = (
                f"{spell_key(k, notation)}{notation.key}{spell(v, notation)}"
                for k, v in value.items()
            )
            return "{" + notation.item.join(members) + "}"
        case list():
            return "[" + notation.item.join(spell(v, notation) for v in value) + "]"
        case _:
            return json.dumps(value)


def spell_key(key: str, notation: Notation) -> str:
    """The *key* of a member as a writer with this *notation* spells it."""
    return key if notation.is_bare(key) else _spelled_string(key, notation)


def _spelled_string(text: str, notation: Notation) -> str:
    if notation.escapes != "python":
        inside = text if notation.escapes == "none" else as_json_string(text)
    else:
        inside = "".join(map(notation.letter, text))
    return notation.quote + inside + notation.quote
