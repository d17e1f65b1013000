"""The arguments of past calls, as models and clients really write them.

A conversation may hold calls that some other program let through: JSON in a code fence, with
trailing commas, Python's literals and quotes, keys without quotes, or cut off before its end.
``read_object`` reads all of these; what it cannot read it refuses, and it never guesses at words.
``read_arguments`` refuses nothing.

Theory of operation.  A recursive descent over the text in which every construct has one strict
form and a few forgiving ones.  The end of the text closes whatever is still open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 64  # levels of nesting

_FENCE = re.compile(r"\A```[\w+-]*[ \t]*\n?(.*?)(?:```\s*)?\Z", re.DOTALL)
_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?(?:\*/|\Z))*", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"[^\W\d][\w$.-]*")
_PLAIN = {quote: re.compile(rf"[^\\{quote}]*") for quote in "\"'"}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNICODE = re.compile(r"[0-9a-fA-F]{4}")
_NO_ARGUMENTS = frozenset({"null", "None", "undefined", "[]", "()", '""'})
_MARKUP = re.compile(r"(?:\s|<[^<>{}]*>|\[/?\w+\]|```)*")
_WORDS = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "None": None,
    "undefined": None,
}


class Unreadable(Exception):
    """Raised for text that is no object however it is read; the message says where."""


def read_arguments(given: object) -> tuple[dict[str, Any], bool]:
    """Arguments of a past call as an object, and True if they could be read as they were sent.

    Markup behind an object is left out; ``null`` and its like are no arguments.  Anything else
    that is no object is kept as the text ``input``, where custom tools have theirs, so that the
    model sees what the result behind it answers.  Raises TypeError for what is no JSON.
    """
    if given is None:
        return {}, True
    if isinstance(given, dict) and _depth(given) <= MAX_DEPTH:
        return given, True
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    if text.strip() in _NO_ARGUMENTS:
        return {}, False
    try:
        return read_object(text), True
    except Unreadable:
        before = _before_markup(text.strip())
        return ({"input": text} if before is None else before), False


def _before_markup(text: str) -> dict[str, Any] | None:
    """The object that *text* begins with, if nothing but markup is behind it."""
    try:
        found, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    fits = isinstance(found, dict) and _depth(found) <= MAX_DEPTH
    return found if fits and _MARKUP.fullmatch(text, end) else None


def read_object(text: str) -> dict[str, Any]:
    """The object that *text* means; nothing at all means none.  Raises Unreadable."""
    try:
        found = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        found = _Mender(_unfenced(text)).read()
    if isinstance(found, str):  # encoded twice
        return read_object(found) if found.lstrip().startswith("{") else _refuse(found)
    if not isinstance(found, dict):
        return _refuse(found)
    if _depth(found) > MAX_DEPTH:
        raise Unreadable(f"nested more than {MAX_DEPTH} levels deep")
    return found


def _refuse(found: object) -> dict[str, Any]:
    raise Unreadable(f"a JSON object is needed, not {type(found).__name__}")


def _unfenced(text: str) -> str:
    fenced = _FENCE.match(text.strip())
    return fenced.group(1) if fenced else text


def _depth(value: Any) -> int:
    """Levels of nesting, counted without recursion."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return depth


@dataclass(slots=True)
class _Mender:
    """Reads one value from *text*, forgiving what can only be meant one way."""

    text: str
    at: int = 0
    depth: int = 0

    def read(self) -> Any:
        value = self._value()
        if self._peek():
            raise self._unreadable()
        return value

    def _peek(self) -> str:
        """The next character that is no space; nothing at the end."""
        space = _SPACE.match(self.text, self.at)
        assert space is not None  # it may be empty
        self.at = space.end()
        return self.text[self.at : self.at + 1]

    def _unreadable(self) -> Unreadable:
        near = self.text[self.at : self.at + 20]
        return Unreadable(f"at character {self.at}, near {near!r}")

    def _value(self) -> Any:
        match self._peek():
            case "{":
                return self._inside(self._object)
            case "[":
                return self._inside(self._array)
            case '"' | "'":
                return self._string()
            case _:
                return self._scalar()

    def _inside(self, read: Callable[[], Any]) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"nested more than {MAX_DEPTH} levels deep")
        self.at += 1
        value = read()
        self.depth -= 1
        return value

    def _object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (nxt := self._peek()) not in ("", "}"):
            if nxt == ",":
                self.at += 1
                continue
            key = self._key()
            if not self._peek():
                break  # cut off before the value: the key was not given
            if self._peek() != ":":
                raise self._unreadable()
            self.at += 1
            if self._peek():
                found[key] = self._value()
            self._separator("}")
        self.at += 1
        return found

    def _array(self) -> list[Any]:
        found = []
        while (nxt := self._peek()) not in ("", "]"):
            if nxt == ",":
                self.at += 1
                continue
            found.append(self._value())
            self._separator("]")
        self.at += 1
        return found

    def _separator(self, closing: str) -> None:
        if self._peek() not in ("", ",", closing):
            raise self._unreadable()

    def _key(self) -> str:
        if self._peek() in "\"'":
            return self._string()
        word = _WORD.match(self.text, self.at)
        if word and word.end() < len(self.text):
            self.at = word.end()
            return word.group()
        raise self._unreadable()

    def _string(self) -> str:
        quote = self.text[self.at]
        self.at += 1
        pieces = []
        while True:
            plain = _PLAIN[quote].match(self.text, self.at)
            assert plain is not None  # it may be empty
            pieces.append(plain.group())
            self.at = plain.end()
            if self.text[self.at : self.at + 1] != "\\":
                break
            pieces.append(self._escape())
        self.at += 1
        return _paired("".join(pieces))

    def _escape(self) -> str:
        code = self.text[self.at + 1 : self.at + 2]
        self.at += 2
        if code == "u" and (digits := _UNICODE.match(self.text, self.at)):
            self.at = digits.end()
            return chr(int(digits.group(), 16))
        return _ESCAPES.get(code, code)

    def _scalar(self) -> Any:
        if (word := _WORD.match(self.text, self.at)) and word.group() in _WORDS:
            self.at = word.end()
            return _WORDS[word.group()]
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return _number(number.group())
        raise self._unreadable()


def _number(text: str) -> int | float:
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError as error:
        raise Unreadable(f"a number of {len(text)} digits") from error


def _paired(text: str) -> str:
    """*text* with surrogates that were escaped one by one joined to characters."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
