"""Emits events, and holds white space back until it is known to be content or layout.

White space around calls and reasoning is the template's layout; inside of text it is content.
Which of the two it is shows only in what follows, so white space at the end of text is withheld
until more text comes (it was content) or a call or mark does (it was layout).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gguf_fc.events import CallStart, ParseEvent, ReasoningDelta, TextDelta
from gguf_fc.grammar.values.spacing import SPACE


@dataclass(slots=True)
class Emitter:
    """Collects the events of a turn; ``take`` hands over those that are due."""

    _events: list[ParseEvent] = field(default_factory=list, init=False)
    _space: str = field(default="", init=False)  # withheld: content or layout
    _written: bool = field(default=False, init=False)  # text was emitted since the last layout
    _called: bool = field(default=False, init=False)  # a call was emitted

    def take(self) -> list[ParseEvent]:
        """Return the events since the last time."""
        events, self._events = self._events, []
        return events

    def call(self, event: ParseEvent) -> None:
        """Emit a piece of a call; white space before a call is layout."""
        if isinstance(event, CallStart):
            self._called = True
            self.drop_space()
        self._events.append(event)

    def text(self, text: str) -> None:
        """Emit content, except for white space at its end."""
        kept = self._hold_space(text)
        if not self._written and self._called:
            kept = kept.lstrip(SPACE)  # between a call and the text behind it: layout
        if kept:
            self._written = True
            self._events.append(TextDelta(kept))

    def thought(self, text: str) -> None:
        """Emit reasoning, except for white space at its end."""
        if thought := self._hold_space(text):
            self._events.append(ReasoningDelta(thought))

    def drop_space(self) -> None:
        """Begin anew behind layout: the white space withheld was a part of it."""
        self._space, self._written = "", False

    def end_thought(self) -> None:
        """Drop the white space before the mark that closes reasoning."""
        self._space = ""

    def end_text(self) -> None:
        """Emit the white space at the end of the turn: nothing followed that makes it layout."""
        if self._written and self._space:
            self._events.append(TextDelta(self._space))

    def _hold_space(self, text: str) -> str:
        """Return what was withheld and *text*, but withhold the white space at the end."""
        text = self._space + text
        kept = text.rstrip(SPACE)
        self._space = text[len(kept) :]
        return kept
