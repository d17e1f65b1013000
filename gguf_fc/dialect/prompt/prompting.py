"""Renders a conversation to the prompt a model reads.

Tries the forms a template can be given a conversation in, best first, so that a template which
refuses one is given the next; the forms themselves are in ``history`` and ``generic``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any, Protocol

from gguf_fc.dialect.prompt.continuation import Begun, begun_turn, continued, reasoning_at_end
from gguf_fc.dialect.prompt.generic import (
    CHAT_TEMPLATE,
    call_texts,
    told_tools,
    with_calls,
    with_tools,
)
from gguf_fc.dialect.prompt.hidden_parameters import with_hidden_parameters
from gguf_fc.dialect.prompt.history import alternating, mended, plain, settled
from gguf_fc.dialect.prompt.needs import Needs
from gguf_fc.dialect.prompt.render import Chat
from gguf_fc.dialect.prompt.segments import Guard, Prompt
from gguf_fc.dialect.prompt.template import Template
from gguf_fc.dialect.prompt.values import normalised, tool_values
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.errors import InvalidParameter, TemplateError
from gguf_fc.grammar.values.spacing import SPACE
from gguf_fc.request import Message, Tool

_Values = list[dict[str, Any]]
_Order = Callable[[Sequence[Message], Needs], list[Message]]


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
class RenderForm:
    """Form in which a template is given a conversation."""

    chat: Chat
    needs: Needs
    turns: Sequence[Message]
    tools: Sequence[Tool]
    plain_schemas: bool = False
    calls: Sequence[str] = ()  # texts of turns that stand right behind their header
    makeshift: bool = False  # the template's own way did not do


@dataclass(slots=True, kw_only=True)
class Prompter:
    """Renders for one dialect."""

    analysis: TemplateFacts  # the template that knows tools
    toolless: TemplateFacts  # the template for conversations without any
    guard: Guard
    _own_guard: Guard = field(init=False)  # for what the model itself said
    _recent: tuple[Any, _Values] | None = field(default=None, init=False)  # tools, as described

    def __post_init__(self) -> None:
        reasoning = self.analysis.syntax.reasoning
        marks = (reasoning.open.strip(), reasoning.close.strip()) if reasoning else ()
        self._own_guard = self.guard.sparing(marks)

    def render(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool],
        *,
        generate: bool,
        variables: Mapping[str, Any],
    ) -> Prompt:
        """Render the prompt.  With *generate*, the model continues an assistant's turn at the end.

        Raises InvalidParameter if the conversation makes no sense.
        """
        turns: tuple[Message, ...] = mended(messages)
        begun = None
        if generate:
            turns, begun = begun_turn(turns)
        failures: list[TemplateError] = []
        for form in self._forms(self.analysis if tools else self.toolless, turns, tools):
            try:
                prompt = self._rendered(form, begun, generate=generate, variables=variables)
            except TemplateError as error:
                failures.append(error)
                continue
            except RecursionError as error:
                raise InvalidParameter("The messages or tools are nested too deeply.") from error
            return replace(prompt, warning=failures[0].message) if form.makeshift else prompt
        raise failures[0]

    def _forms(
        self, analysis: TemplateFacts, turns: Sequence[Message], tools: Sequence[Tool]
    ) -> Iterator[RenderForm]:
        """Forms to render a conversation in, best first."""
        needs, chat = analysis.needs, analysis.chat
        if analysis.native:
            yield from self._native_forms(analysis, turns, tools)
        as_text = with_tools(settled(turns, needs), tools, analysis.syntax)
        yield RenderForm(chat, needs, settled(as_text, needs), (), makeshift=analysis.native)
        yield RenderForm(chat, needs, plain(as_text, needs), (), makeshift=analysis.native)
        own = Chat(
            template=Template(CHAT_TEMPLATE), bos_token=chat.bos_token, eos_token=chat.eos_token
        )
        yield RenderForm(own, Needs(), plain(as_text, Needs()), (), makeshift=True)

    def _native_forms(
        self, analysis: TemplateFacts, turns: Sequence[Message], tools: Sequence[Tool]
    ) -> Iterator[RenderForm]:
        """The template's own way, with ever less that it might refuse."""
        needs = analysis.needs
        told = None
        if tools and not needs.tells_tools:
            told = told_tools(tools, analysis.syntax, needs.told)
        calls_as_text = analysis.calls_as_text or not (tools or needs.calls_without_tools)
        orders: tuple[_Order, ...] = (
            settled,
            alternating,
            partial(alternating, calls_count=True),
        )
        # Where late system messages are rendered in general, they may be refused in this place.
        placed = [needs] + [replace(needs, late_system=False)] * needs.late_system
        schemas = (False, True) if tools else (False,)
        for plain_schemas, placing, order in product(schemas, placed, orders):
            apart = told is not None and needs.told.apart
            given = turns if told is None or apart else [told, *turns]
            ordered = order(given, placing)
            if told is not None and apart:
                ordered = [told, *_with_system(ordered, needs.told.system)]
            # Results have found their calls before those become text.
            shown, texts = ordered, tuple[str, ...]()
            if calls_as_text:
                shown = with_calls(ordered, analysis.syntax, needs.result_text)
                texts = call_texts(ordered, analysis.syntax)
            yield RenderForm(
                analysis.chat, needs, shown, tools, plain_schemas=plain_schemas, calls=texts
            )

    def _rendered(
        self,
        form: RenderForm,
        begun: Message | None,
        *,
        generate: bool,
        variables: Mapping[str, Any],
    ) -> Prompt:
        values = self._wrapped(normalised(form.turns, form.needs))
        given: dict[str, Any] = self.guard.wrap(dict(variables))
        described = self._described(form, given)

        def rendered(values: _Values, *, generate: bool) -> str:
            shown = form.chat.render(values, described, generate=generate, variables=given)
            return self._tight(shown, form) if form.needs.tight else shown

        prompt = rendered(values, generate=generate)
        own = self._own_part(prompt) if generate else ""
        if begun is None:
            return Prompt(self.guard.cut(prompt), self._plain(own))
        base = prompt[: len(prompt) - len(own)]
        thought = begun.reasoning_content or ""
        last_turn = replace(begun, name=self.guard.wrap(begun.name))

        def continued_with(content: str, thought: str) -> str:
            last = replace(last_turn, content=content, reasoning_content=thought)
            return rendered([*values, *normalised([last], form.needs)], generate=False)

        own = continued(
            Begun(
                content=self._own_guard.wrap(begun.content or ""),
                thought=self.guard.wrap(thought),
                base=base,
                own=own,
            ),
            continued_with,
            self._syntax,
        )
        return Prompt(
            self.guard.cut(base + own),
            prefill=self._plain(own),
            said=begun.content or "",
            thought=thought if thought.strip() in self._plain(own) else "",
        )

    def _tight(self, prompt: str, form: RenderForm) -> str:
        """*prompt* without the white space between a header and a call, or the end."""
        header, space = self.analysis.header, self._syntax.space
        for text in map(self._own_guard.wrap, form.calls):
            prompt = prompt.replace(header + space + text, header + text)
        ends = form.tools and prompt.rstrip(SPACE).endswith(header)
        return prompt.rstrip(SPACE) if ends else prompt

    def _described(self, form: RenderForm, given: Mapping[str, Any]) -> _Values:
        """The tools as the template is given them; clients send the same ones turn after turn.

        Found in a conversation of one word, so that they are the same throughout a conversation.
        """
        key = (form.chat, form.tools, form.plain_schemas, given)
        if self._recent is not None and self._recent[0] == key:
            return self._recent[1]
        asking = normalised([Message(role="user", content="?")], form.needs)

        def rendered(tools: Sequence[Mapping[str, Any]]) -> str:
            return form.chat.render(asking, tools, variables=given)

        values: _Values = self.guard.wrap(tool_values(form.tools, plain=form.plain_schemas))
        if form.tools and form.needs.tells_tools:
            values = with_hidden_parameters(values, rendered)
        self._recent = (key, values)
        return values

    def _wrapped(self, values: _Values) -> _Values:
        """Guard the messages' texts against being read as control tokens.

        Templates look for past reasoning in what the model said, so its marks are left there.
        """
        own = {"assistant": self._own_guard}
        return [
            {
                **self.guard.wrap(value),
                "content": own.get(value["role"], self.guard).wrap(value["content"]),
            }
            for value in values
        ]

    def _plain(self, rendered: str) -> str:
        """The text of a part of a prompt."""
        return "".join(segment.text for segment in self.guard.cut(rendered))

    @property
    def _syntax(self) -> Syntax:
        return self.analysis.syntax

    def _own_part(self, prompt: str) -> str:
        """End of a rendered prompt that belongs to the model's turn."""
        prefill = self.analysis.prefill
        if prefill and prompt.endswith(prefill):
            return prefill
        return reasoning_at_end(self._syntax, prompt)


def _with_system(turns: Sequence[Message], text: str) -> list[Message]:
    """The conversation with *text* as its system message, if it has none."""
    needed = text and not (turns and turns[0].role == "system")
    return [Message(role="system", content=text), *turns] if needed else list(turns)
