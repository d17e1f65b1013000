"""Repeated calls: small models write the same call again and again, up to the token limit.

A call with the name and the arguments of an earlier one of the same turn asks for nothing new, so
it ends the turn, and the client never sees it.  That it repeats is known only at its end: a call is
held back while its text equals the beginning of an earlier one's, and streams on from the first
difference.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from gguf_fc.events import CallDelta, CallEnd, CallStart, ParseEvent
from gguf_fc.grammar.schema.known_values import key_of


@dataclass(slots=True, eq=False)
class RepeatedCalls:
    """Filter of one turn's events, up to the first call that repeats another.

    *whole*: nothing is streamed, so every later call of a known name is held back to its end.
    Without it a call that spells equal arguments otherwise is sent, as it ends the turn.
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
        return self.whole or any(text.startswith(self._text) for text in texts)

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
