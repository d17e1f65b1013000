"""Renders a conversation to the prompt a model reads.

Tries the forms a template can be given a conversation in (``forms``), best first, so that a
template which refuses one, or leaves out what was said, is given the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gguf_fc.dialect.prompt.continuation import Begun, begun_turn, continued, reasoning_at_end
from gguf_fc.dialect.prompt.file_templates import FileTemplates
from gguf_fc.dialect.prompt.forms import RenderForm, TemplateFacts, forms
from gguf_fc.dialect.prompt.generic import GENERIC, GenericFormat
from gguf_fc.dialect.prompt.history import mended
from gguf_fc.dialect.prompt.said import SaidInPrompt, check_users_words
from gguf_fc.dialect.prompt.segments import Guard, Prompt
from gguf_fc.dialect.prompt.tools.hidden_parameters import ToolForms
from gguf_fc.dialect.prompt.values import normalised, tool_values
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.errors import InvalidParameter, TemplateError
from gguf_fc.grammar.values.spacing import SPACE
from gguf_fc.request import Message, Tool

_Values = list[dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class Prompter:
    """Renders for one dialect."""

    templates: FileTemplates[TemplateFacts]
    guard: Guard
    generic: GenericFormat = GENERIC  # of calls, where the template has none
    _own_guard: Guard = field(init=False)  # for what the model itself said
    _tool_forms: ToolForms = field(init=False)
    _said: SaidInPrompt = field(default_factory=SaidInPrompt, init=False)
    # Tools and how they were shown, or why they were not.
    _recent: tuple[Any, _Values | TemplateError] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._tool_forms = ToolForms(self._facts.chat.template.text)
        reasoning = self._facts.syntax.reasoning
        marks = (reasoning.open.strip(), reasoning.close.strip()) if reasoning else ()
        self._own_guard = self.guard.sparing(marks)

    def render(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool],
        *,
        generate: bool,
        variables: Mapping[str, Any],
        several: bool = True,
    ) -> Prompt:
        """Render the prompt.  With *generate*, the model continues an assistant's turn at the end.

        *several*: the model may call more than once in a turn, which a form of ours has to say.
        Raises InvalidParameter if the conversation makes no sense.
        """
        turns: tuple[Message, ...] = mended(messages)
        begun = None
        if generate:
            turns, begun = begun_turn(turns)
        failures: list[TemplateError] = []
        tell = partial(self.generic.with_tools, several=several)
        for form in forms(self.templates.choice(turns, tools, variables), tools, tell):
            try:
                self._said.check(form, turns, self._bare)
                prompt = self._rendered(form, turns, begun, generate=generate, variables=variables)
                check_users_words(turns, prompt.text)
            except TemplateError as error:
                failures.append(error)
                continue
            except RecursionError as error:
                raise InvalidParameter("The messages or tools are nested too deeply.") from error
            return replace(prompt, warning=failures[0].message) if form.makeshift else prompt
        raise failures[0]

    def _rendered(
        self,
        form: RenderForm,
        turns: Sequence[Message],
        begun: Message | None,
        *,
        generate: bool,
        variables: Mapping[str, Any],
    ) -> Prompt:
        prepared = form.prepare(turns)
        values = self._wrapped(normalised(prepared.turns, form.needs))
        given: dict[str, Any] = self.guard.wrap(dict(variables))
        described = self._described(form, given)

        def rendered(values: _Values, *, generate: bool) -> str:
            shown = form.chat.render(values, described, generate=generate, variables=given)
            return self._tight(shown, form, prepared.calls) if form.needs.tight else shown

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

    def _tight(self, prompt: str, form: RenderForm, calls: Sequence[str]) -> str:
        """*prompt* without the white space between a header and *calls*, or the end."""
        header, space = self._facts.header, self._syntax.space
        for text in map(self._own_guard.wrap, calls):
            prompt = prompt.replace(header + space + text, header + text)
        ends = form.tools and prompt.rstrip(SPACE).endswith(header)
        return prompt.rstrip(SPACE) if ends else prompt

    def _described(self, form: RenderForm, given: Mapping[str, Any]) -> _Values:
        """The tools as the template is given them; clients send the same ones turn after turn.

        Found in a conversation of one word, so that they are the same throughout a conversation.
        Raises TemplateError if the template does not show them.
        """
        key = (form.chat, form.tools, form.tools_told, given)
        if self._recent is None or self._recent[0] != key:
            try:
                self._recent = (key, self._shown_tools(form, given))
            except TemplateError as error:
                self._recent = (key, error)
        found = self._recent[1]
        if isinstance(found, TemplateError):
            raise found
        return found

    def _shown_tools(self, form: RenderForm, given: Mapping[str, Any]) -> _Values:
        asking = normalised([Message(role="user", content="?")], form.needs)

        def rendered(tools: Sequence[Mapping[str, Any]]) -> str:
            return form.chat.render(asking, tools, variables=given)

        values: _Values = self.guard.wrap(tool_values(form.tools))
        if form.tools and not form.tools_told:
            return self._tool_forms.shown(values, rendered)
        return values

    def _bare(self, form: RenderForm, turns: Sequence[Message]) -> str:
        """The template's rendering of *turns*, with a small tool for the tools."""
        tools = tool_values([Tool(name="look")] if form.tools else [])
        return form.chat.render(normalised(turns, form.needs), tools)

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
    def _facts(self) -> TemplateFacts:
        """Analysis of the template that tells of tools, by which turns are written and read."""
        return self.templates.tools

    @property
    def _syntax(self) -> Syntax:
        return self._facts.syntax

    def _own_part(self, prompt: str) -> str:
        """End of a rendered prompt that belongs to the model's turn."""
        prefill = self._facts.prefill
        if prefill and prompt.endswith(prefill):
            return prefill
        return reasoning_at_end(self._syntax, prompt)
