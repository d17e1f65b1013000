"""Reads one JSON value that arrives in pieces.

``JsonReader`` checks the text as it comes, so that every character it has taken belongs to a
well-formed value; it builds nothing.  It knows nothing of calls or markers.

Linear time, and nothing is held back: each character is looked at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

State = Literal["open", "done", "broken"]

_SPACE = " \t\r\n"
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMBER_CHARS = frozenset("+-.eE0123456789")
_CLOSING = {"{": "}", "[": "]"}
_WORDS = {"t": "true", "f": "false", "n": "null"}


@dataclass(slots=True)
class JsonReader:
    """A pushdown automaton for one JSON value.

    ``_expect`` is what may come next; ``_stack`` holds the brackets that are open.
    """

    state: State = field(default="open", init=False)
    _expect: str = field(default="value", init=False)
    _stack: list[str] = field(default_factory=list, init=False)
    _word: str = field(default="", init=False)  # of a number or a literal, as far as it came

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
        if self.state == "open":
            self.state = "broken"

    def _step(self, text: str, at: int) -> int:
        """Take one character, or the plain run of a string."""
        char = text[at]
        match self._expect:
            case "string" | "key string":
                return self._in_string(text, at)
            case "escape":
                return self._in_escape(char, at)
            case "number":
                return self._in_number(char, at)
            case "word":
                return self._in_word(char, at)
            case _ if char in _SPACE:
                return at + 1
            case "value" | "first value":
                return self._at_value(char, at)
            case _:
                return self._at_structure(char, at)

    def _at_value(self, char: str, at: int) -> int:
        if self._expect == "first value" and char == "]":
            return self._close(at)
        return self._begin_value(char, at)

    def _at_structure(self, char: str, at: int) -> int:
        """At a key, or between keys and values."""
        match self._expect, char:
            case (("key" | "first key"), '"'):
                self._expect = "key string"
            case "first key", "}":
                return self._close(at)
            case "colon", ":":
                self._expect = "value"
            case "next", ",":
                self._expect = "key" if self._stack[-1] == "{" else "value"
            case "next", ("}" | "]") if char == _CLOSING[self._stack[-1]]:
                return self._close(at)
            case _:
                return self._break(at)
        return at + 1

    def _begin_value(self, char: str, at: int) -> int:
        if char in "{[":
            self._stack.append(char)
            self._expect = "first key" if char == "{" else "first value"
        elif char == '"':
            self._expect = "string"
        elif char in _WORDS:
            self._expect, self._word = "word", char
        elif char in "-0123456789":
            self._expect, self._word = "number", char
        else:
            return self._break(at)
        return at + 1

    def _in_string(self, text: str, at: int) -> int:
        run = _PLAIN.match(text, at)
        end = run.end() if run else at
        if end == len(text):
            return end
        if text[end] == '"':
            if self._expect == "key string":
                self._expect = "colon"
            else:
                self._end_value()
            return end + 1
        if text[end] == "\\":
            self._word = "key " if self._expect == "key string" else ""
            self._expect = "escape"
            return end + 1
        return self._break(end)

    def _in_escape(self, char: str, at: int) -> int:
        in_key, digits = self._word.startswith("key "), self._word.removeprefix("key ")
        if not digits and char == "u":
            self._word += "u"
            return at + 1
        if digits:
            if char not in "0123456789abcdefABCDEF":
                return self._break(at)
            self._word += char
            if len(digits) < len("uXXX"):
                return at + 1
        elif char not in '"\\/bfnrt':
            return self._break(at)
        self._expect, self._word = ("key string" if in_key else "string"), ""
        return at + 1

    def _in_number(self, char: str, at: int) -> int:
        if char in _NUMBER_CHARS:
            self._word += char
            return at + 1
        self._end_number()
        return at

    def _end_number(self) -> None:
        if _NUMBER.fullmatch(self._word):
            self._end_value()
        else:
            self.state = "broken"

    def _in_word(self, char: str, at: int) -> int:
        self._word += char
        word = _WORDS[self._word[0]]
        if not word.startswith(self._word):
            return self._break(at)
        if word == self._word:
            self._end_value()
        return at + 1

    def _close(self, at: int) -> int:
        self._stack.pop()
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
