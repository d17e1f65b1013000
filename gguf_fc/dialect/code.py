"""Calls of tools that were built into a model, written as code behind a mark.

What of the offered tools is called so, the rules of it, and its reader.  A reader goes on to the
end of the turn: nothing but that tells where code ends.  Knows no mark of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gguf_fc.dialect.calls import CallReader
from gguf_fc.dialect.grammar_pairs import PairsComposer
from gguf_fc.dialect.kinds import Typed
from gguf_fc.dialect.reader import SPACE, Steps
from gguf_fc.dialect.syntax import Code, Row, Slot
from gguf_fc.events import CallDelta, CallEnd, CallStart
from gguf_fc.grammar import (
    Builder,
    Literal,
    Loosened,
    Node,
    choice,
    not_opening,
    sequence,
)


def code_argument(schema: Any) -> str | None:
    """The one argument of a tool with these parameters, if any text will do for it."""
    listed = Typed.root(schema).listed()
    if len(listed.keys) != 1 or listed.required != set(listed.keys):
        return None
    ((name, value),) = listed.keys.items()
    return name if value.kinds() == {"string"} and not value.restricted() else None


def code_tool(code: Code, schemas: Mapping[str, Any]) -> tuple[str, str] | None:
    """The tool that runs code, of those that may be called, and the name of its argument."""
    found = ((name, code_argument(schemas[name])) for name in code.runs if name in schemas)
    return next(((name, argument) for name, argument in found if argument is not None), None)


@dataclass(slots=True)
class CodeComposer:
    """Makes the rules of what stands behind the mark."""

    code: Code
    builder: Builder
    report: list[Loosened] = field(default_factory=list)

    def calls(self, schemas: Mapping[str, tuple[Any, str]], barred: tuple[str, ...]) -> Node | None:
        """One call of the tools whose parameters are *schemas*, each with its path; None: none.

        Code begins with none of *barred*, which begin other calls.
        """
        taken = [name for name in self.code.takes if name in schemas]
        options = [self._keywords(name, *schemas[name]) for name in taken]
        if code_tool(self.code, {name: schema for name, (schema, _) in schemas.items()}):
            # What begins like a call with keywords is one.
            begun = (*SPACE, *barred, *map(self._begun, taken))
            options.append(not_opening(self.builder, begun))
        return self.builder.define("code", choice(*options)) if options else None

    def _keywords(self, name: str, schema: Any, path: str) -> Node:
        composer = PairsComposer(self.code.pairs, self.builder, self.report)
        members = composer.members(schema, path)
        options = [members.some, Literal("") if members.may_be_none else None]
        arguments = choice(*(option for option in options if option is not None))
        texts = {"name": Literal(name), "arguments": arguments}
        return sequence(
            *(texts[p.kind] if isinstance(p, Slot) else Literal(p) for p in self.code.call)
        )

    def _begun(self, name: str) -> str:
        """What a call of that tool with keywords begins with."""
        texts = (name if isinstance(part, Slot) else part for part in self.code.call[:2])
        return "".join(texts)


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
