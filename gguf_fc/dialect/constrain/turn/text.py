"""Rules of text: in the frame that the syntax has around it, and told apart from what it is not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gguf_fc.dialect.syntax import Syntax
from gguf_fc.grammar import CharClass, Literal, Node, Until, Without, choice, departing, sequence
from gguf_fc.grammar.regex.charset import of
from gguf_fc.grammar.values.spacing import SPACE


@dataclass(frozen=True, slots=True)
class TextComposer:
    """Makes the rules of one syntax's text."""

    syntax: Syntax

    def framed(self, text: Node) -> Node:
        """*text* between the marks that stand around content."""
        framing = self.syntax.content
        return sequence(Literal(framing.open), text, Literal(framing.close))

    def framed_without(self, barred: tuple[str, ...]) -> Node:
        """Any text between these marks in which none of *barred* stands."""
        framing = self.syntax.content
        if not framing.close:
            return sequence(Literal(framing.open), Without(barred))
        return sequence(Literal(framing.open), Until((framing.close,), barred))

    def guarded(self, text: Node, instead_of: str) -> Node:
        """*text* that begins neither with *instead_of* nor with what announces a call."""
        if not instead_of:
            return text
        marks = self.syntax.announcements
        begun = sequence(departing((instead_of, *marks), marks, of(SPACE)), text)
        return choice(begun, Literal(""))


def none_of(characters: Collection[str]) -> CharClass:
    """One character that is none of these."""
    codes = sorted({ord(character) for character in characters})
    return CharClass(tuple((code, code) for code in codes), negated=True)
