"""Streaming parser of a turn: text in pieces -> events.  The inverse of ``write``.

Theory of operation.  The parser is a recursive descent written as generators: it runs until it
needs text that has not arrived, yields, and goes on at the same place when ``feed`` brings more.

1. A turn is reasoning, then text and calls in one of three forms (``Syntax.form``), each read by a
   module of ``turn/``: *announced* (a mark announces a call, anywhere in text), *framed* (every
   part of the turn has a header), *bare* (a call is known by its form alone).  Behind the same
   names in ``constrain/turn/`` stands the grammar of each.
2. Backtracking: where something that may be a call begins, the place in the text is kept.  Until
   the call's name is known and its arguments begin, the parser can go back there; what was read
   then goes out as text.
3. Once ``CallStart`` is out nothing is taken back: a call that breaks or is cut off stays without
   its ``CallEnd``, and what follows the break is text.
4. White space around calls and reasoning is layout, everywhere else it is content; at the end of
   text it is withheld until it is known which (``turn/text.py``).
5. The beginning of a mark is withheld until it is whole or cannot become one (``reader.py``), since
   an event that was sent cannot be taken back.
6. JSON may be spaced and its keys ordered otherwise than the template does it.

Each character is looked at a bounded number of times.  Withheld are: part of a mark, white space,
and a call up to its first argument (bounded in ``reader.py``).  Knows neither templates nor JSON
Schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.dialect.read.calls import CallReader
from gguf_fc.dialect.read.reader import Reader, Steps
from gguf_fc.dialect.read.turn.announced import AnnouncedReader
from gguf_fc.dialect.read.turn.bare import BareReader
from gguf_fc.dialect.read.turn.code import CodeReader
from gguf_fc.dialect.read.turn.framed import FramedReader
from gguf_fc.dialect.read.turn.reasoning import ReasoningReader
from gguf_fc.dialect.read.turn.section import SectionReader
from gguf_fc.dialect.read.turn.text import TextReader
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.events import ParseEvent

_SLICE = 4096  # long pieces are read in slices, so that looking ahead copies little


@dataclass(slots=True)
class Parser:
    """Reads one turn.  ``feed`` pieces, then ``finish``; both return the events they complete.

    *schemas* are the parameters of the tools that may be called, by name; None: any name is a
    tool's.  Empty: nothing is a call.  *prefill* is the part of the turn that the prompt holds;
    where none is given and prompts end with the beginning of a turn, the text may have that or not.
    With *inline*, reasoning is emitted as text, between its marks.
    """

    syntax: Syntax
    schemas: Mapping[str, Any] | None
    new_id: Callable[[], str]
    prefill: str = ""
    inline: bool = False
    _reader: Reader = field(default_factory=Reader, init=False)
    _text: TextReader = field(init=False)
    _reasoning: ReasoningReader = field(init=False)
    _steps: Steps = field(init=False)
    _first: str | None = field(default=None, init=False)  # what may begin the turn, or goes on

    def __post_init__(self) -> None:
        self._text = TextReader(self.syntax, self._reader)
        self._reasoning = ReasoningReader(
            self.syntax, self.prefill, self.inline, self._reader, self._text
        )
        self._steps = self._turn()
        self._reader.push(self.prefill)
        if self.syntax.opened and not self.prefill:
            self._first = ""

    @property
    def shows_reasoning(self) -> bool:
        """Reasoning is emitted as text."""
        return self._reasoning.shown

    def feed(self, piece: str) -> list[ParseEvent]:
        """Read more of the model's text."""
        events: list[ParseEvent] = []
        if self._first is not None:
            piece = self._begun(piece)
        for start in range(0, len(piece), _SLICE):
            self._reader.push(piece[start : start + _SLICE])
            events += self._run()
        return events

    def finish(self, *, whole: bool = True, stopped: bool = False) -> list[ParseEvent]:
        """End the model's text; not *whole* if something else than the model ended it.

        *stopped*: that was a stop string of the client, up to which code is complete.
        """
        if self._first:
            self._reader.push(self._first)
        self._reader.whole, self._reader.stopped = whole and not stopped, stopped
        self._reader.final = True
        return self._run()

    def _begun(self, piece: str) -> str:
        """*piece* with the beginning of the turn, once it shows whether the text has it."""
        text, marks = (self._first or "") + piece, self.syntax.reasoning
        begun = (self.syntax.opened, *filter(None, (marks.open.strip() if marks else "",)))
        if any(mark.startswith(text) and text != mark for mark in begun):
            self._first = text
            return ""
        self._first = None
        return text if text.startswith(begun) else self.syntax.opened + text

    def _run(self) -> list[ParseEvent]:
        next(self._steps, None)
        return self._text.events()

    def _turn(self) -> Steps:
        if self.syntax.reasoning is not None:
            yield from self._reasoning.read()
        yield from self._form().read()

    def _form(self) -> AnnouncedReader | FramedReader | BareReader:
        """Make the reader of this syntax's form."""
        syntax, reader, text, reasoning = self.syntax, self._reader, self._text, self._reasoning
        calls = CallReader(syntax, self.schemas, self.new_id, reader, text.call)
        section = SectionReader(syntax, reader, calls)
        code = CodeReader(syntax.code, calls, section) if syntax.code else None
        code = code if code and code.offered else None
        match syntax.form:
            case "announced":
                return AnnouncedReader(syntax, text, reasoning, section, code)
            case "framed":
                return FramedReader(syntax, reader, text, reasoning, section)
            case "bare":
                return BareReader(syntax, reader, text, reasoning, section, code)
