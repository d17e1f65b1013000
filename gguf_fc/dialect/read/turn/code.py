"""Reads calls that are written as code behind a mark (``<|python_tag|>print(1)``).

It goes on to the end of the turn: nothing but that tells where code ends.  Knows no mark of its
own.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass, replace

from gguf_fc.dialect.code_tools import code_tool
from gguf_fc.dialect.read.calls import CallReader
from gguf_fc.dialect.read.reader import Steps
from gguf_fc.dialect.read.turn.section import SectionReader
from gguf_fc.dialect.syntax import CallPattern, Code
from gguf_fc.events import CallDelta, CallEnd, CallStart


@dataclass(slots=True)
class CodeReader:
    """Reads the mark of *code* and a call behind it."""

    code: Code
    calls: CallReader
    section: SectionReader

    @property
    def offered(self) -> bool:
        """A tool that is called as code may be called."""
        schemas = self.calls.schemas or {}
        return any(name in schemas for name in self.code.takes) or self._runs is not None

    @property
    def _runs(self) -> tuple[str, str] | None:
        return code_tool(self.code, self.calls.schemas or {})

    def begins(self) -> Generator[None, None, bool]:
        """Take the mark if it stands here, and white space before it."""
        reader = self.calls.reader
        reader.mark()
        yield from self.calls.reader.skip_space()
        if (yield from self.calls.reader.follows(self.code.open)):
            reader.release()
            return True
        reader.rewind()
        return False

    def read(self) -> Generator[None, None, bool]:
        """Read a call from behind its mark; False, and nothing taken, if there is none."""
        reader, before = self.calls.reader, self.calls.count
        reader.mark()
        yield from reader.skip_space()
        yield from self.section.one()  # some models put the mark before any call
        if self.calls.count == before:
            yield from self._keywords()
        if self.calls.count == before and self._runs is not None:
            yield from self._text(*self._runs)
        if self.calls.count == before:
            reader.rewind()
        return self.calls.count > before

    def _keywords(self) -> Steps:
        """Read a call with keywords: ``name.call(key="value")``."""
        calls = self.calls
        syntax = replace(calls.syntax, call=self.code.call, also=(), pairs=self.code.pairs)
        takes = {n: s for n, s in (calls.schemas or {}).items() if n in self.code.takes}
        keywords = replace(calls, syntax=syntax, schemas=takes)
        before = keywords.count = calls.count
        calls.reader.mark()
        yield from keywords.read(CallPattern(self.code.call))
        calls.count = keywords.count
        if calls.count == before:
            calls.reader.rewind()

    def _text(self, name: str, argument: str) -> Steps:
        """Read code up to the end of the turn as the only *argument* of the tool."""
        calls, reader = self.calls, self.calls.reader
        yield from calls.reader.skip_space()
        reader.release()
        calls.say(CallStart(calls.count, calls.new_id(), name))
        calls.say(CallDelta(calls.count, f'{{{json.dumps(argument)}: "'))
        while True:
            if text := reader.take(len(reader.pending)):
                calls.say(CallDelta(calls.count, json.dumps(text, ensure_ascii=False)[1:-1]))
            if calls.reader.ended:
                break
            yield
        if calls.reader.whole or calls.reader.stopped:
            calls.say(CallDelta(calls.count, '"}'))
            calls.say(CallEnd(calls.count))
        calls.count += 1
