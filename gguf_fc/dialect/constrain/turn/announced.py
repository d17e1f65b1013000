"""Grammar of the form in which a mark announces a call, anywhere in the text.

Text is ``Until`` such a mark: a lazy lexeme, which ends at the first mark, as the reader does.  A
greedy one would read on behind the mark and take calls for text.
"""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.dialect.constrain.grammar_prefix import merged
from gguf_fc.dialect.constrain.turn.calls import CallComposer
from gguf_fc.dialect.constrain.turn.code import CodeCall, or_code
from gguf_fc.dialect.constrain.turn.text import TextComposer
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.grammar import Literal, Node, Until, Without, choice, sequence


@dataclass(slots=True)
class AnnouncedComposer:
    """Makes the rules of text and calls; *code* is a call as code, if there is such a tool."""

    syntax: Syntax
    text: TextComposer
    calls: CallComposer
    code: CodeCall | None

    def text_only(self, gap: Node, instead_of: str) -> Node:
        """No call, and nothing that reads like one."""
        if self.syntax.content.open:
            return sequence(gap, self.text.framed_without((self.syntax.marker,)))
        return self.text.guarded(Without(self.syntax.announcements), instead_of)

    def text_then(self, calls: Node, gap: Node, instead_of: str) -> Node:
        """Text, then perhaps calls, then the end."""
        mark, rest = lead_in_two(self.syntax)
        called = sequence(Literal(rest), calls)
        announced = sequence(Literal(mark), called)
        if self.syntax.content.open:
            called = perhaps_ended(self.syntax, called)
            return sequence(gap, self._framed_then(called, sequence(Literal(mark), called)))
        called = choice(called, *self.calls.loosely(rest))
        announced = sequence(Literal(mark), called)
        text = self.text.guarded(choice(Without(self._announcing), *self._then(called)), instead_of)
        return choice(or_code(announced, self.code), text) if instead_of else text

    def _framed_then(self, called: Node, announced: Node) -> Node:
        """Text in a frame, then perhaps calls, or calls alone."""
        marker = self.syntax.marker
        if self.syntax.content.close:
            return merged(closed_then(self.text, announced), announced)
        text = choice(Without((marker,)), sequence(Until((marker,)), called))
        return merged(self.text.framed(text), announced)

    def _then(self, called: Node) -> list[Node]:
        """Text up to each of the marks, and the calls behind it."""
        marker = self.syntax.marker
        options = [self._up_to(marker, called)]
        options += [
            self._up_to(pattern.marker, self.calls.written_like(pattern))
            for pattern in self.syntax.patterns[1:]
            if pattern.marker not in ("", marker)
        ]
        if self.code is not None:
            options.append(self._up_to(self.code.mark, self.code.call))
        return options

    def _up_to(self, mark: str, calls: Node) -> Node:
        # A mark that is a part of this one is no other: it stands in the text that ends here.
        others = tuple(other for other in self._announcing if other not in mark)
        return sequence(Until((mark,), others), calls)

    @property
    def _announcing(self) -> tuple[str, ...]:
        """The texts of which each announces a call."""
        marks = self.syntax.announcements
        return (*marks, self.code.mark) if self.code else marks


def lead_in_two(syntax: Syntax) -> tuple[str, str]:
    """Split the fixed text before the first call: up to and with the marker, and behind it."""
    at = syntax.lead.index(syntax.marker) + len(syntax.marker)
    return syntax.lead[:at], syntax.lead[at:]


def perhaps_ended(syntax: Syntax, calls: Node) -> Node:
    """*calls*, and perhaps the mark that ends the turn: text in a frame may have it as well."""
    return sequence(calls, choice(Literal(""), Literal(syntax.end))) if syntax.end else calls


def closed_then(text: TextComposer, announced: Node) -> Node:
    """Text between an opening and a closing mark, then perhaps *announced* calls."""
    written = text.framed_without(text.syntax.announcements)
    return sequence(written, choice(Literal(""), sequence(Literal(text.syntax.gap), announced)))
