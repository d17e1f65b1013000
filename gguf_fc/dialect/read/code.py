"""Reader of calls that are written as code behind a mark.

It goes on to the end of the turn: nothing but that tells where code ends.  Knows no mark of its
own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from gguf_fc.dialect.code_tools import code_tool
from gguf_fc.dialect.read.calls import CallReader
from gguf_fc.dialect.read.reader import Steps
from gguf_fc.dialect.syntax import Code, Row
from gguf_fc.events import CallDelta, CallEnd, CallStart


@dataclass(slots=True)
class CodeReader:
    """Reads what stands behind the mark.  *calls* has read the turn up to there."""

    code: Code
    calls: CallReader

    @property
    def offered(self) -> bool:
        """Whether a tool that is called so may be called."""
        schemas = self.calls.schemas or {}
        return any(name in schemas for name in self.code.takes) or self._runs is not None

    @property
    def _runs(self) -> tuple[str, str] | None:
        return code_tool(self.code, self.calls.schemas or {})

    def read(self) -> Steps:
        """One call, if it is one."""
        calls = self.calls
        syntax = replace(calls.syntax, call=self.code.call, also=(), pairs=self.code.pairs)
        takes = {n: s for n, s in (calls.schemas or {}).items() if n in self.code.takes}
        keywords = replace(calls, syntax=syntax, schemas=takes)
        before = keywords.count = calls.count
        calls.reader.buffer.mark()
        yield from keywords.read(Row(self.code.call))
        calls.count = keywords.count
        if calls.count == before:
            calls.reader.buffer.rewind()
            if self._runs is not None:
                yield from self._text(*self._runs)

    def _text(self, name: str, argument: str) -> Steps:
        """Code up to the end of the turn, which is the only argument of the tool."""
        calls, buffer = self.calls, self.calls.reader.buffer
        yield from calls.reader.skip_space()
        buffer.release()
        calls.say(CallStart(calls.count, calls.new_id(), name))
        calls.say(CallDelta(calls.count, f'{{{json.dumps(argument)}: "'))
        while True:
            if text := buffer.take(len(buffer.pending)):
                calls.say(CallDelta(calls.count, json.dumps(text, ensure_ascii=False)[1:-1]))
            if calls.reader.ended:
                break
            yield
        if calls.reader.whole:
            calls.say(CallDelta(calls.count, '"}'))
            calls.say(CallEnd(calls.count))
        calls.count += 1
