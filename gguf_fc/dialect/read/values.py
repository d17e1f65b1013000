"""Reads one value that arrives in pieces, in any notation, and passes it on as JSON text.

``ValueReader`` checks the text as it comes, so that every character it has taken belongs to a
well-formed value; it builds nothing.  It knows nothing of calls or markers, and never evaluates.

Theory of operation.  A pushdown automaton: ``_expect`` is what may come next, ``_stack`` holds the
brackets that are open.  Strict JSON goes out as it came.  Any other notation is read leniently
(either quote, the words of Python and of JSON, bare keys, a comma before a closing bracket, a tuple
as a list) and goes out as JSON.

Linear time, and what is held back is at most one escape, one number or word, or part of a quote.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from typing import Any, Literal

from gguf_fc.grammar.values.notation import JSON, Notation
from gguf_fc.grammar.values.spacing import SPACE

Progress = Literal["open", "done", "broken"]

_PLAIN_JSON = re.compile(r'[^"\\\x00-\x1f]*')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMBER_CHARS = frozenset("+-.eE0123456789")
_CLOSING = {"{": "}", "[": "]", "(": ")"}
_JSON_WORDS = {"true": "true", "false": "false", "null": "null"}
_WORDS = {**_JSON_WORDS, "True": "true", "False": "false", "None": "null"}
_ESCAPED = {"'": "'", '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r"}
_ESCAPED |= {"t": "\t", "a": "\a", "v": "\v", "0": "\0", "\n": ""}
_DIGITS = {"x": 2, "u": 4, "U": 8}
_BARE_KEY = re.compile(r"[\w.$-]")


def as_json_string(text: str) -> str:
    """*text* as it stands inside a JSON string, without the quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


@dataclass(slots=True)
class ValueReader:
    """Feed it text; ``take`` returns the JSON that is certain so far."""

    notation: Notation = JSON
    state: Progress = field(default="open", init=False)
    _expect: str = field(default="value", init=False)
    _stack: list[str] = field(default_factory=list, init=False)
    _word: str = field(default="", init=False)  # a number, word, escape or quote, as far as it came
    _quote: str = field(default='"', init=False)  # of the string that is open
    _comma: bool = field(default=False, init=False)  # held: one before a closing bracket is dropped
    _out: list[str] = field(default_factory=list, init=False)
    _strict: bool = field(init=False)

    def __post_init__(self) -> None:
        self._strict = self.notation.escapes == "json" and self.notation.quote == '"'
        self._strict = self._strict and self.notation.true == "true" and self.notation.quoted_keys

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
        elif self.state == "open" and self._expect == "quoted twice":
            self._expect = "string"
            self._close_string()
        if self.state == "open":
            self.state = "broken"

    def _step(self, text: str, at: int) -> int:
        """Take one character, or the plain run of a string."""
        char = text[at]
        match self._expect:
            case "string" | "key string":
                return self._in_string(text, at)
            case "escape" | "key escape":
                return self._in_escape(char, at)
            case "number":
                return self._in_number(char, at)
            case "word":
                return self._in_word(char, at)
            case "bare key":
                return self._in_bare_key(char, at)
            case "quoted twice":
                return self._after_two_quotes(char, at)
            case "quote" | "key quote":
                return self._in_quote(char, at)
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
            self._open_string(char)
        elif char.isalpha() and any(word.startswith(char) for word in self._words()):
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
            self._open_string(char, "key ")
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
        return char == '"' or (not self._strict and char in ("'", self.notation.quote[0]))

    def _open_string(self, char: str, role: str = "") -> None:
        """*role* is "key " for a key."""
        if char == self.notation.quote[0] and len(self.notation.quote) > 1:
            self._expect, self._word = f"{role}quote", char
            return
        self._quote, self._word = char, ""
        self._expect = f"{role}string"
        self._say('"')

    def _in_quote(self, char: str, at: int) -> int:
        """In the opening quote, which may be a longer mark."""
        self._word += char
        if not self.notation.quote.startswith(self._word):
            return self._break(at)
        if self._word == self.notation.quote:
            self._quote, self._word = self.notation.quote, ""
            self._expect = self._role + "string"
            self._say('"')
        return at + 1

    @property
    def _role(self) -> str:
        return "key " if self._expect.startswith("key ") else ""

    def _in_string(self, text: str, at: int) -> int:
        if len(self._quote) > 1:
            return self._in_marked_string(text, at)
        if self._strict:
            run = _PLAIN_JSON.match(text, at)
            end = run.end() if run else at
        else:
            end = at
            while end < len(text) and text[end] not in (self._quote, "\\"):
                end += 1
        if end > at:
            said = text[at:end]
            self._say(said if self._strict else as_json_string(said))
            self._word = "more"  # the string is not empty
        if end == len(text):
            return end
        if text[end] == self._quote:
            if not self._word and not self._strict and not self._role:
                self._expect = "quoted twice"
            else:
                self._close_string()
            return end + 1
        if text[end] == "\\":
            self._expect, self._word = f"{self._role}escape", ""
            return end + 1
        return self._break(end)

    def _in_marked_string(self, text: str, at: int) -> int:
        """In a string without escapes, up to a mark that may be cut anywhere."""
        held, text = self._word, self._word + text[at:]
        start = len(held)
        found = text.find(self._quote)
        if found >= 0:
            self._say(as_json_string(text[:found]))
            self._close_string()
            return at + found + len(self._quote) - start
        keep = next(
            n for n in range(len(self._quote) - 1, -1, -1) if text.endswith(self._quote[:n])
        )
        self._say(as_json_string(text[: len(text) - keep]))
        self._word = text[len(text) - keep :]
        return at + len(text) - start

    def _close_string(self) -> None:
        self._say('"')
        if self._role:
            self._word, self._expect = "", "colon"
        else:
            self._end_value()

    def _after_two_quotes(self, char: str, at: int) -> int:
        """An empty string, or the beginning of one in three quotes."""
        self._expect = "string"
        if char == self._quote:
            self._quote, self._word = char * 3, ""
            return at + 1
        self._close_string()
        return at

    def _in_escape(self, char: str, at: int) -> int:
        self._word += char
        kind, digits = self._word[0], self._word[1:]
        if kind in _DIGITS and (self._strict is False or kind == "u"):
            if digits and char not in "0123456789abcdefABCDEF":
                return self._break(at)
            if len(digits) == _DIGITS[kind]:
                self._say(f"\\{self._word}" if kind == "u" else as_json_string(_character(digits)))
                self._end_escape()
            return at + 1
        if self._strict:
            if kind not in '"\\/bfnrt':
                return self._break(at)
            self._say(f"\\{kind}")
        else:
            # Python keeps the backslash of an escape that it does not know.
            self._say(as_json_string(_ESCAPED.get(kind, f"\\{kind}")))
        self._end_escape()
        return at + 1

    def _end_escape(self) -> None:
        self._expect, self._word = f"{self._role}string", "more"

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

    def _words(self) -> dict[str, str]:
        return _JSON_WORDS if self._strict else _WORDS

    def _in_word(self, char: str, at: int) -> int:
        self._word += char
        if (word := self._words().get(self._word)) is not None:
            self._say(word)
            self._end_value()
        elif not any(word.startswith(self._word) for word in self._words()):
            return self._break(at)
        return at + 1


def _character(digits: str) -> str:
    code = int(digits, 16)
    return chr(code) if code <= sys.maxunicode else "\ufffd"


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
                f"{_spelled_string(k, notation) if notation.quoted_keys else k}{notation.key}"
                f"{spell(v, notation)}"
                for k, v in value.items()
            )
            return "{" + notation.item.join(members) + "}"
        case list():
            return "[" + notation.item.join(spell(v, notation) for v in value) + "]"
        case _:
            return json.dumps(value)


def _spelled_string(text: str, notation: Notation) -> str:
    if notation.escapes != "python":
        inside = text if notation.escapes == "none" else as_json_string(text)
    else:
        inside = "".join(map(notation.letter, text))
    return notation.quote + inside + notation.quote
