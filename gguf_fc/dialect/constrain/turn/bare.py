"""Grammar of the form in which no mark announces a call: it is known by its form alone.

Text may not begin as a call does, or the two could not be told apart by what was written so far.
Behind text a call is known by what its form begins with together with the name of a tool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gguf_fc.dialect.constrain.grammar_prefix import without_start
from gguf_fc.dialect.constrain.turn.calls import CallComposer
from gguf_fc.dialect.constrain.turn.code import CodeCall, or_code
from gguf_fc.dialect.constrain.turn.text import TextComposer, none_of
from gguf_fc.dialect.syntax import CallPattern, Syntax
from gguf_fc.grammar import (
    CharClass,
    Literal,
    Node,
    Repeat,
    Until,
    Without,
    choice,
    not_opening,
    sequence,
)
from gguf_fc.grammar.values.spacing import SPACE
from gguf_fc.request import Tool

_LAYOUT = CharClass(tuple((ord(character), ord(character)) for character in SPACE))


@dataclass(slots=True)
class BareComposer:
    """Makes the rules of calls or text; *tools* are all that the model knows of."""

    syntax: Syntax
    text: TextComposer
    calls: CallComposer
    code: CodeCall | None
    tools: Sequence[Tool]

    def text_only(self, gap: Node, instead_of: str) -> Node:  # noqa: ARG002  text may be spaced
        """No call, and nothing that reads like one."""
        return self._text(instead_of)

    def text_then(self, calls: Node, gap: Node, instead_of: str) -> Node:
        """Calls; or text, then perhaps calls."""
        written = sequence(Literal(self.syntax.lead), calls)
        called = or_code(choice(written, *map(self._marked, self._marking)), self.code)
        return choice(sequence(gap, called), self._text(instead_of))

    @property
    def _marking(self) -> list[CallPattern]:
        """Other ways to write a call, with marks around it."""
        return [pattern for pattern in self.syntax.patterns[1:] if pattern.marker]

    def _marked(self, pattern: CallPattern) -> Node:
        """One call with marks around it, which models may leave out."""
        one = (self.calls.one(numbered, pattern.parts) for numbered in self.calls.tools)
        return sequence(Literal(pattern.opening), choice(*one))

    def _text(self, instead_of: str) -> Node:
        """Text that does not begin like a call; without tools, any text."""
        if not self.tools:
            return self.text.guarded(Without(()), instead_of)
        begun = self.syntax.lead.strip()[:1] or self._names_begun()
        marks = [self.code.mark] if self.code else []
        marks += [pattern.marker for pattern in self._marking]
        if named := self._with_calls():
            barred = {*SPACE, *instead_of[:1], *begun, *(mark[0] for mark in marks)}
            text = choice(sequence(none_of(barred), named), Literal(""))
        else:
            text = not_opening(self.calls.builder, (*SPACE, *instead_of[:1], *begun, *marks))
        return sequence(Repeat(_LAYOUT), text)

    def _with_calls(self) -> Node | None:
        """Text, then perhaps calls that only the name of a tool announces; None: it holds none."""
        tools = self.calls.tools
        begun = self.syntax.beginnings([tool.name for _, tool in tools])
        options: list[Node] = []
        for numbered in tools if begun else ():
            mark = begun[numbered[1].name]
            others = tuple(other for other in begun.values() if other != mark)
            call = self.calls.one(numbered, self.syntax.call)
            rest = without_start(call, mark.removeprefix(self.syntax.lead))
            closing = Literal(self.syntax.section.close)
            options.append(sequence(Until((mark,), others), rest, self.calls.more(), closing))
        return choice(Without(tuple(begun.values())), *options) if options else None

    def _names_begun(self) -> list[str]:
        """Beginnings of calls where nothing stands before the name."""
        fixed = "".join(part for part in self.syntax.call if isinstance(part, str))
        following = dict.fromkeys((*SPACE, "{", *fixed.strip()[:1]))
        return [tool.name + character for tool in self.tools for character in following]
