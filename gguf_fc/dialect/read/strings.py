"""Reader of one string that arrives in pieces, in a lenient notation, passed on as JSON text.

Read is either quote, three quotes, the escapes of Python, or a longer mark without escapes.  Held
back is at most an escape or a part of a mark.  Strings of strict JSON go out as they come, which
``values`` sees to.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from gguf_fc.grammar.values.notation import Notation

Progress = Literal["open", "done", "broken"]

_ESCAPED = {"'": "'", '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r"}
_ESCAPED |= {"t": "\t", "a": "\a", "v": "\v", "0": "\0", "\n": ""}
_DIGITS = {"x": 2, "u": 4, "U": 8}


def as_json_string(text: str) -> str:
    """*text* as it stands inside a JSON string, without the quotes."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


@dataclass(slots=True)
class StringReader:
    """Reader of strings one after the other: ``begin``, then ``feed`` until it is not open."""

    notation: Notation
    say: Callable[[str], None]
    progress: Progress = field(default="done", init=False)
    _key: bool = field(default=False, init=False)
    _expect: str = field(default="text", init=False)  # or "mark", "escape", "third quote"
    _quote: str = field(default='"', init=False)
    _held: str = field(default="", init=False)  # of an escape or a mark, as far as it came
    _empty: bool = field(default=True, init=False)

    def may_begin(self, char: str) -> bool:
        """True if a string may begin with *char*."""
        return char in ('"', "'", self.notation.quote[0])

    def begin(self, char: str, *, key: bool) -> None:
        """Open a string, or the mark that opens it, with *char*; *key*: it is that of a member."""
        self.progress, self._key = "open", key
        if char == self.notation.quote[0] and len(self.notation.quote) > 1:
            self._expect, self._held = "mark", char
        else:
            self._open(char)

    def feed(self, text: str, at: int) -> int:
        """Take what belongs to the string of *text* from *at* on; return where that ends."""
        while at < len(text) and self.progress == "open":
            match self._expect:
                case "mark":
                    at = self._in_mark(text[at], at)
                case "escape":
                    at = self._in_escape(text[at], at)
                case "third quote":
                    at = self._after_two_quotes(text[at], at)
                case _ if len(self._quote) > 1:
                    at = self._in_marked(text, at)
                case _:
                    at = self._in_text(text, at)
        return at

    def finish(self) -> None:
        """No more text is coming: two quotes were an empty string."""
        if self.progress == "open" and self._expect == "third quote":
            self._close()

    def _open(self, quote: str) -> None:
        self._expect, self._quote, self._held, self._empty = "text", quote, "", True
        self.say('"')

    def _close(self) -> None:
        self.say('"')
        self.progress = "done"

    def _break(self, at: int) -> int:
        self.progress = "broken"
        return at

    def _in_mark(self, char: str, at: int) -> int:
        """In the opening quote, which is a longer mark."""
        self._held += char
        if not self.notation.quote.startswith(self._held):
            return self._break(at)
        if self._held == self.notation.quote:
            self._open(self.notation.quote)
        return at + 1

    def _in_text(self, text: str, at: int) -> int:
        """Between quotes of one character, up to the closing one or an escape."""
        end = at
        while end < len(text) and text[end] not in (self._quote, "\\"):
            end += 1
        if end > at:
            self.say(as_json_string(text[at:end]))
            self._empty = False
        if end == len(text):
            return end
        if text[end] == self._quote:
            if self._empty and not self._key:
                self._expect = "third quote"
            else:
                self._close()
        else:
            self._expect, self._held = "escape", ""
        return end + 1

    def _in_marked(self, text: str, at: int) -> int:
        """In a string without escapes, up to a mark that may be cut anywhere."""
        held, text = self._held, self._held + text[at:]
        start = len(held)
        found = text.find(self._quote)
        if found >= 0:
            self.say(as_json_string(text[:found]))
            self._close()
            return at + found + len(self._quote) - start
        keep = next(
            n for n in range(len(self._quote) - 1, -1, -1) if text.endswith(self._quote[:n])
        )
        self.say(as_json_string(text[: len(text) - keep]))
        self._held = text[len(text) - keep :]
        return at + len(text) - start

    def _after_two_quotes(self, char: str, at: int) -> int:
        """An empty string, or the beginning of one in three quotes."""
        if char == self._quote:
            self._expect, self._quote = "text", char * 3
            return at + 1
        self._close()
        return at

    def _in_escape(self, char: str, at: int) -> int:
        self._held += char
        kind, digits = self._held[0], self._held[1:]
        if kind in _DIGITS:
            if digits and char not in "0123456789abcdefABCDEF":
                return self._break(at)
            if len(digits) == _DIGITS[kind]:
                written = f"\\{self._held}" if kind == "u" else as_json_string(_character(digits))
                self._end_escape(written)
            return at + 1
        # Python keeps the backslash of an escape that it does not know.
        self._end_escape(as_json_string(_ESCAPED.get(kind, f"\\{kind}")))
        return at + 1

    def _end_escape(self, written: str) -> None:
        self.say(written)
        self._expect, self._held, self._empty = "text", "", False


def _character(digits: str) -> str:
    code = int(digits, 16)
    return chr(code) if code <= sys.maxunicode else "\ufffd"
