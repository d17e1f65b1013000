"""Does not echo the prefill: the beginning of a turn that the client itself sent.

A parser reads a turn from its beginning, so that it knows where it is; ``SkipPrefill`` stands
between it and the client and leaves out the text that the client sent.  Withholds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gguf_fc.dialect.prompt.segments import Prompt
from gguf_fc.dialect.read.parser import Parser
from gguf_fc.events import ParseEvent, ReasoningDelta, TextDelta


@dataclass(slots=True)
class SkipPrefill:
    """A parser that does not echo the prefill of *prompt*.  ``feed``, then ``finish``."""

    parser: Parser
    prompt: Prompt
    _content: str = ""
    _thought: str = ""

    def __post_init__(self) -> None:
        if self.parser.prefill:  # otherwise the parser never sees what was begun
            # White space at the beginning is layout to it.
            self._content = self.prompt.said.lstrip()
            self._thought = self.prompt.thought.lstrip()
            if self.parser.shows_reasoning and self._thought:
                self._content = self.parser.prefill.lstrip()

    def feed(self, piece: str) -> list[ParseEvent]:
        """Read more of the model's text."""
        return list(self._new(self.parser.feed(piece)))

    def finish(self, *, whole: bool = True, stopped: bool = False) -> list[ParseEvent]:
        """End the model's text; see ``Parser.finish``."""
        return list(self._new(self.parser.finish(whole=whole, stopped=stopped)))

    def _new(self, events: Iterable[ParseEvent]) -> Iterator[ParseEvent]:
        for event in events:
            match event:
                case TextDelta(text=text):
                    new, self._content = _without(text, self._content)
                case ReasoningDelta(text=text):
                    new, self._thought = _without(text, self._thought)
                case _:
                    yield event
                    continue
            if new:
                yield replace(event, text=new)


def _without(text: str, said: str) -> tuple[str, str]:
    """Split: the part of *text* beyond *said*, and the part of *said* that is still to come."""
    pairs = enumerate(zip(text, said, strict=False))
    shared = next((n for n, (one, other) in pairs if one != other), min(len(text), len(said)))
    return text[shared:], said[shared:] if shared == len(text) else ""
