"""Grammar of a block of reasoning before the reply, which either the prompt or the model opens."""

from __future__ import annotations

from typing import Protocol

from gguf_fc.dialect.constrain.grammar_prefix import without_start
from gguf_fc.dialect.syntax import Marked, Syntax
from gguf_fc.grammar import Builder, Literal, Node, Until, choice, sequence
from gguf_fc.grammar.values.spacing import SPACE


class ReplyRules(Protocol):
    """Makes the rules of a reply, text and calls.

    *after* is the end of the reasoning before it; *instead_of* is the mark that could have stood in
    its place, so that text may not begin like it.
    """

    def __call__(self, *, after: str = "", instead_of: str = "") -> Node: ...


def begun_reply(reasoning: Marked | None, prefill: str) -> str:
    """The part of *prefill* behind the reasoning; "" where that is not over."""
    if reasoning is None:
        return prefill
    closing = reasoning.close.strip()
    if closing in prefill:
        return prefill.rsplit(closing, 1)[1].lstrip(SPACE)
    return "" if reasoning.open.strip() in prefill else prefill


def with_reasoning(syntax: Syntax, prefill: str, reply: ReplyRules, builder: Builder) -> Node:
    """Put reasoning before the *reply*; cut off what the prompt holds of both, the *prefill*."""
    reasoning, end = syntax.reasoning, syntax.thought_end
    if reasoning is None:
        return without_start(reply(), prefill, builder)
    opening, closing = reasoning.open.strip(), reasoning.close.strip()
    if closing in prefill:
        return without_start(reply(), begun_reply(reasoning, prefill), builder)
    # Referred to twice: with and without the mark that opens the block.
    behind = builder.define("reply", reply(after=reasoning.close))
    thought = sequence(Until((end,)), Literal(closing.removeprefix(end)), behind)
    if opening in prefill:
        return thought
    direct = reply(instead_of=opening)
    return without_start(choice(sequence(Literal(opening), thought), direct), prefill, builder)
