"""Forms in which a template is given a conversation, best first.

The template's own way comes first, with ever less that it might refuse or leave out; then calls and
results as text, told in words; at last a plain format of ours.  What is done to the messages is in
``history`` and ``generic``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Protocol

from gguf_fc.dialect.prompt.generic import (
    CHAT_TEMPLATE,
    call_texts,
    told_tools,
    with_calls,
)
from gguf_fc.dialect.prompt.history import alternating, plain, settled
from gguf_fc.dialect.prompt.needs import Needs
from gguf_fc.dialect.prompt.render import Chat
from gguf_fc.dialect.prompt.template import Template
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.request import Message, Tool

_Order = Callable[[Sequence[Message], Needs], list[Message]]
# Turns of text that tell of tools, from a conversation with calls.
TellInWords = Callable[[Sequence[Message], Sequence[Tool], Syntax], list[Message]]


class TemplateFacts(Protocol):
    """Analysis of a template, as far as prompts need it."""

    @property
    def chat(self) -> Chat: ...
    @property
    def needs(self) -> Needs: ...
    @property
    def syntax(self) -> Syntax: ...
    @property
    def native(self) -> bool: ...
    @property
    def calls_as_text(self) -> bool: ...
    @property
    def prefill(self) -> str: ...
    @property
    def header(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """Turns as a template gets them."""

    turns: list[Message]
    calls: tuple[str, ...] = ()  # texts of turns that stand right behind their header


@dataclass(frozen=True, slots=True)
class RenderForm:
    """Form in which a template is given a conversation."""

    name: str  # one for each form of a template
    chat: Chat
    needs: Needs
    prepare: Callable[[Sequence[Message]], Prepared]
    tools: Sequence[Tool] = ()  # given to the template
    tools_told: bool = False  # they are told in a system message, whatever the template shows
    makeshift: bool = False  # the template's own way did not do


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to give a template calls and results of its own form."""

    needs: Needs  # for the order of the turns
    order: _Order
    joining: str  # of text and calls: "together", "apart" or "as text"
    told: Message | None  # what the model is told of the tools
    syntax: Syntax

    def __call__(self, messages: Sequence[Message]) -> Prepared:
        apart = self.told is not None and self.needs.told.apart
        given = messages if self.told is None or apart else [self.told, *messages]
        turns = self.order(given, self.needs)
        if self.told is not None and apart:
            turns = [self.told, *_with_system(turns, self.needs.told.system)]
        if self.joining != "as text":
            return Prepared(turns)
        # Results have found their calls before those become text.
        shown = with_calls(turns, self.syntax, self.needs.result_text)
        return Prepared(shown, call_texts(turns, self.syntax))


def _with_system(turns: Sequence[Message], text: str) -> list[Message]:
    """The conversation with *text* as its system message, if it has none."""
    needed = text and not (turns and turns[0].role == "system")
    return [Message(role="system", content=text), *turns] if needed else list(turns)


def forms(
    templates: Sequence[TemplateFacts], tools: Sequence[Tool], tell: TellInWords
) -> Iterator[RenderForm]:
    """Forms to render a conversation in, best first; the last of *templates* fits any."""

    def in_words(facts: TemplateFacts) -> _InWords:
        return lambda turns: tell(settled(turns, facts.needs), tools, facts.syntax)

    for facts in templates:
        if facts.native:
            yield from _native_forms(facts, tools)
        else:
            yield from _text_forms(facts, in_words(facts))
    last = templates[-1]
    if last.native:
        yield from (replace(form, makeshift=True) for form in _text_forms(last, in_words(last)))
    yield _own_form(last, in_words(last))


_InWords = Callable[[Sequence[Message]], list[Message]]


def _text_forms(analysis: TemplateFacts, in_words: _InWords) -> Iterator[RenderForm]:
    """Calls and results as text, the tools told in words."""
    needs = analysis.needs

    def as_text(turns: Sequence[Message], needed: Needs) -> Prepared:
        return Prepared(settled(in_words(turns), needed))

    for name, needed in _placings(needs).items():
        yield RenderForm(f"text, {name}", analysis.chat, needs, partial(as_text, needed=needed))
    yield RenderForm(
        "plain",
        analysis.chat,
        needs,
        lambda turns: Prepared(plain(in_words(turns), needs)),
    )


def _own_form(analysis: TemplateFacts, in_words: _InWords) -> RenderForm:
    """A plain format of ours."""
    chat = analysis.chat
    own = Chat(template=Template(CHAT_TEMPLATE), bos_token=chat.bos_token, eos_token=chat.eos_token)
    return RenderForm(
        "own",
        own,
        Needs(),
        lambda turns: Prepared(plain(in_words(turns), Needs())),
        makeshift=True,
    )


def _native_forms(analysis: TemplateFacts, tools: Sequence[Tool]) -> Iterator[RenderForm]:
    """The template's own way, with ever less that it might refuse or leave out."""
    needs = analysis.needs
    orders: dict[str, _Order] = {
        "settled": settled,
        "alternating": alternating,
        "calls alternating": partial(alternating, calls_count=True),
    }
    joinings = ["together", "apart", "as text"]
    if analysis.calls_as_text or not (tools or needs.calls_without_tools):
        joinings = ["as text"]
    # Where the template does not show the tools they are told; where it shows too little, at last.
    tellings = (False, True) if tools and needs.tells_tools else (not needs.tells_tools,)
    for told in tellings:
        words = told_tools(tools, analysis.syntax, needs.told) if tools and told else None
        for (place, placing), (order_name, order), joining in product(
            _placings(needs).items(), orders.items(), joinings
        ):
            settling = replace(placing, text_apart=needs.text_apart or joining == "apart")
            way = _Way(settling, order, joining, words, analysis.syntax)
            name = f"{place}, {order_name}, {joining}, {'told' if told else 'shown'}"
            yield RenderForm(name, analysis.chat, needs, way, tools, tools_told=told)


def _placings(needs: Needs) -> dict[str, Needs]:
    """Needs by which system messages are placed.

    What is rendered in general may be refused, or left out, in some conversations.
    """
    found = {"as it likes": needs}
    if needs.late_system:
        found["system first"] = replace(needs, late_system=False)
    if needs.system:
        found["system with the user"] = replace(needs, system=False, late_system=False)
    return found
