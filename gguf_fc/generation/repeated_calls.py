"""Repeated calls: small models write the same call again and again, up to the token limit.

A call with the name and the arguments of an earlier one of the same turn asks for nothing new, so
it ends the turn, and the client never sees it.  Arguments are the same if they are equal as JSON:
order of keys, white space and escapes do not count.  That a call repeats is known only at its end:
it is held back while what is written of it may still become an earlier one's arguments, and streams
on from the first difference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.events import CallDelta, CallEnd, CallStart, ParseEvent
from gguf_fc.grammar.schema.known_values import key_of

_SPACE = re.compile(r"[ \t\n\r]*")
# The beginning of a string, up to its quote or to the last whole character.
_STRING = re.compile(r'"(?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*')
_WORD = re.compile(r"[-+.\w]*")  # a number, true, false or null
_HALF_PAIR = re.compile("[\ud800-\udbff]$")  # the other half has yet to come


@dataclass(slots=True, eq=False)
class RepeatedCalls:
    """Filter of one turn's events, up to the first call that repeats another.

    *whole*: nothing is streamed, so every later call of a known name is held back to its end.
    """

    whole: bool = False
    ended: bool = field(default=False, init=False)  # the turn, by a repeated call
    count: int = field(default=0, init=False)  # calls that were not sent
    _earlier: dict[str, dict[Hashable, str]] = field(default_factory=dict, init=False)
    _name: str = field(default="", init=False)  # of the call that is being written
    _text: str = field(default="", init=False)  # of its arguments
    _held: list[ParseEvent] = field(default_factory=list, init=False)

    def add(self, name: str, arguments: str) -> None:
        """Count a finished call that was sent among the earlier ones."""
        self._earlier.setdefault(name, {})[_key(arguments)] = arguments

    def passed(self, events: Iterable[ParseEvent]) -> list[ParseEvent]:
        """Part of *events* that may be sent now, after those that were held back before."""
        return [sent for event in events for sent in self._passed(event)]

    def finish(self) -> list[ParseEvent]:
        """Events of a call that was cut off while it was held back."""
        held, self._held = self._held, []
        return held

    def _passed(self, event: ParseEvent) -> Iterator[ParseEvent]:
        if self.ended:
            return
        match event:
            case CallStart(name=name):
                self._name, self._text = name, ""
                if name in self._earlier:
                    self._held.append(event)
                    return
            case CallDelta(arguments=arguments):
                self._text += arguments
            case CallEnd():
                self.ended = self._is_repeated()
                if self.ended and self._held:
                    self._held.clear()
                    self.count += 1
                    return
            case _:
                pass
        if self._held and isinstance(event, CallDelta) and self._may_repeat():
            self._held.append(event)
            return
        yield from self.finish()
        yield event

    def _may_repeat(self) -> bool:
        texts = self._earlier[self._name].values()
        if self.whole or any(text.startswith(self._text) for text in texts):
            return True
        return any(may_become(self._text, text) for text in texts)

    def _is_repeated(self) -> bool:
        """True if the finished call equals an earlier one; if not, it is one from now on."""
        earlier = self._earlier.setdefault(self._name, {})
        key = _key(self._text)
        if key in earlier:
            return True
        earlier[key] = self._text
        return False


def _key(arguments: str) -> Hashable:
    """Key that arguments of equal JSON values have in common; the text where it is no JSON."""
    try:
        return key_of(json.loads(arguments))
    except (ValueError, RecursionError):
        return arguments


def may_become(begun: str, text: str) -> bool:
    """True if *begun*, the beginning of a JSON text, can go on to say the same as *text*.

    Keys may come in another order, but each once.
    """
    try:
        value = json.loads(text)
        rest = _Written(begun)
        rest.match(value)
    except _Ended:
        return True
    except (_Different, ValueError, RecursionError):
        return False
    return not rest.left


class _Ended(Exception):
    """The text ends where it may go on to be the same."""


class _Different(Exception):
    """The text says something else."""


@dataclass(slots=True)
class _Written:
    """Beginning of a JSON text, compared with a value piece by piece."""

    text: str
    _at: int = field(default=0, init=False)

    @property
    def left(self) -> str:
        """The text behind what was compared, without white space around it."""
        return self.text[self._at :].strip()

    def match(self, value: Any) -> None:
        """Read *value*.  Raises _Ended or _Different."""
        match value:
            case dict():
                self._take("{")
                self._members(dict(value))
            case list():
                self._take("[")
                for n, item in enumerate(value):
                    if n:
                        self._take(",")
                    self.match(item)
                self._take("]")
            case str():
                self._string([value])
            case _:
                self._scalar(value)

    def _members(self, missing: dict[str, Any]) -> None:
        for n in range(len(missing)):
            if n:
                self._take(",")
            key = self._string(missing)
            self._take(":")
            self.match(missing.pop(key))
        self._take("}")

    def _take(self, mark: str) -> None:
        """Read *mark*, which may have white space before it."""
        self._skip_space()
        if self.text[self._at] != mark:
            raise _Different
        self._at += 1

    def _string(self, candidates: Iterable[str]) -> str:
        """Read a string that is one of *candidates*."""
        self._skip_space()
        if (found := _STRING.match(self.text, self._at)) is None:
            raise _Different
        said = json.loads(found[0] + '"', strict=False)
        self._at = found.end()
        if self._at < len(self.text) and self.text[self._at] == '"':
            self._at += 1
            if said in candidates:
                return str(said)
            raise _Different
        said = _HALF_PAIR.sub("", said)
        raise _Ended if any(text.startswith(said) for text in candidates) else _Different

    def _scalar(self, value: Any) -> None:
        """Read a number, true, false or null."""
        self._skip_space()
        found = _WORD.match(self.text, self._at)
        word = found[0] if found else ""
        self._at += len(word)
        if self._at < len(self.text):
            if not _says(word, value):
                raise _Different
        elif json.dumps(value).startswith(word) or _says(word, value) or _says(word + "0", value):
            raise _Ended  # 1 or 1. may become 1.0
        else:
            raise _Different

    def _skip_space(self) -> None:
        found = _SPACE.match(self.text, self._at)
        self._at = found.end() if found else self._at
        if self._at == len(self.text):
            raise _Ended


def _says(word: str, value: Any) -> bool:
    """True if *word* is JSON for *value*."""
    try:
        return key_of(json.loads(word)) == key_of(value)
    except ValueError:
        return False
