"""Grammar of the form in which every part of a turn has a header that says what it is.

Text ends only where its part does (the joint); behind that, calls have a header of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.dialect.constrain.grammar_prefix import merged
from gguf_fc.dialect.constrain.turn.announced import closed_then, lead_in_two, perhaps_ended
from gguf_fc.dialect.constrain.turn.text import TextComposer
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.grammar import Literal, Node, Until, Without, choice, sequence


@dataclass(slots=True)
class FramedComposer:
    """Makes the rules of a part of text and the part of calls that may follow it."""

    syntax: Syntax
    text: TextComposer

    def text_only(self, gap: Node, instead_of: str) -> Node:  # noqa: ARG002  the header tells
        """No call, and nothing that reads like one."""
        return sequence(gap, self.text.framed_without((self.syntax.joint,)))

    def text_then(self, calls: Node, gap: Node, instead_of: str) -> Node:  # noqa: ARG002
        """Text, then perhaps calls, then the end."""
        mark, rest = lead_in_two(self.syntax)
        calls = perhaps_ended(self.syntax, calls)
        announced = sequence(Literal(mark), sequence(Literal(rest), calls))
        if self.syntax.content.close:
            return sequence(gap, merged(closed_then(self.text, announced), announced))
        joint = self.syntax.joint
        behind = sequence(Literal(self.syntax.lead), calls)
        text = choice(Without((joint,)), sequence(Until((joint,)), behind))
        return sequence(gap, merged(self.text.framed(text), announced))
