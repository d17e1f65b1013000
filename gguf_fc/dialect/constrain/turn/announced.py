"""Grammar of the form in which a mark announces a call, anywhere in the text.

Text is ``Until`` such a mark: a lazy lexeme, which ends at the first mark, as the reader does.  A
greedy one would read on behind the mark and take calls for text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gguf_fc.dialect.constrain.grammar_prefix import merged
from gguf_fc.dialect.constrain.turn.calls import CallComposer
from gguf_fc.dialect.constrain.turn.code import CodeCall
from gguf_fc.dialect.constrain.turn.quoted_marks import QuotedMarks
from gguf_fc.dialect.constrain.turn.text import TextComposer
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.grammar import Literal, Node, Reference, Until, Without, choice, sequence


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
        if self.syntax.content.open:
            called = perhaps_ended(self.syntax, called)
            announced = sequence(Literal(mark), called)
            return sequence(gap, merged(self._framed_then(called, announced), announced))
        called = choice(called, *self.calls.loosely(rest))
        text, behind = self._text(Without(self._told), self._called(called))
        if not instead_of:
            return text
        # Text may not begin with a mark: what that is followed by is told here.
        quoted = behind.get(self.syntax.marker)
        begun = [sequence(Literal(mark), called if quoted is None else choice(called, quoted))]
        begun += [sequence(Literal(m), rest) for m, rest in behind.items() if m != mark]
        return choice(*begun, self.text.guarded(text, instead_of))

    def _framed_then(self, called: Node, announced: Node) -> Node:
        """Text in a frame, then perhaps calls."""
        content = self.syntax.content
        end: Node = Without(self._told)
        if content.close:
            closed = Until((content.close,), self._told)
            behind = sequence(Literal(self.syntax.gap), announced)
            end = sequence(closed, choice(Literal(""), behind))
        written = {} if content.close else self._called(called)
        text, _ = self._text(end, written, content.close)
        return sequence(Literal(content.open), text)

    def _called(self, called: Node) -> dict[str, Node]:
        """Calls by the mark that announces them; *called* are those in the written form."""
        written = {self.syntax.marker: called}
        for pattern in self.syntax.patterns[1:]:
            if pattern.marker and pattern.marker not in written:
                written[pattern.marker] = self.calls.written_like(pattern)
        for mark, marks in self.syntax.section_marks.items():
            opening = marks.open + self.syntax.patterns[0].opening
            loose = self.calls.loosely(opening[opening.index(mark) + len(mark) :])
            called = choice(self.calls.otherwise_marked(marks, mark), *loose)
            written.setdefault(mark, called)
        if self.code is not None:
            written[self.code.mark] = self.code.call
        return written

    def _text(
        self, end: Node, written: Mapping[str, Node], closing: str = ""
    ) -> tuple[Node, Mapping[str, Node]]:
        """Text in which marks may be quoted, up to its *end* or calls; what stands behind a mark.

        *written* are calls, by their mark; *closing* is the text with which the end begins.
        """
        builder, marks = self.calls.builder, self._told
        text = builder.reserve("text")
        behind = {
            mark: builder.define("behind", choice(*self._behind(mark, written, text)))
            for mark in marks
        }
        found: list[Node] = []
        for mark, rest in behind.items():
            others = (*(other for other in marks if other != mark), closing)
            found.append(sequence(Until((mark,), tuple(filter(None, others))), rest))
        node = choice(end, *found)
        builder.fill(text, node)
        return node, behind

    def _behind(self, mark: str, written: Mapping[str, Node], text: Reference) -> Iterator[Node]:
        """The ways to go on behind *mark*: calls *written* behind a mark that holds it, or text."""
        for longer, called in written.items():
            if mark in longer:
                yield sequence(Literal(longer[longer.index(mark) + len(mark) :]), called)
        yield from self._quoted(mark, text)

    def _quoted(self, mark: str, text: Reference) -> list[Node]:
        """Text that goes on behind *mark*, as no call does."""
        if self.code and mark == self.code.mark:
            return []
        names = [tool.name for _, tool in self.calls.tools]
        return QuotedMarks(self.syntax, names, self._announcing).behind(mark, text)

    @property
    def _told(self) -> tuple[str, ...]:
        """The marks to look for: one that holds another is found by that.

        A lexer that reads on to the longer one has passed the shorter.
        """
        known = self._announcing
        return tuple(m for m in known if not any(other in m for other in known if other != m))

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
