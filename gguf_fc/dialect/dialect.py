"""The language one model speaks: the package's front door.

A ``Dialect`` puts together what the other modules do; it decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, replace
from functools import partial
from itertools import count
from typing import Any, Self

from gguf_fc.dialect.constrain.grammar import Wanted, build_grammar
from gguf_fc.dialect.learn.analysis import Analysis, FileFacts, Store, analyse
from gguf_fc.dialect.learn.chosen_templates import chosen_templates
from gguf_fc.dialect.learn.derive import Finding
from gguf_fc.dialect.learn.derive_reasoning import telling_tokens
from gguf_fc.dialect.learn.known import Origin, named_template
from gguf_fc.dialect.learn.thinking import Thinking
from gguf_fc.dialect.openai_json.library import (
    GivenCalls,
    GivenChoice,
    GivenFormat,
    GivenMessages,
    GivenTools,
    read_calls,
    read_choice,
    read_format,
    read_messages,
    read_tools,
)
from gguf_fc.dialect.prompt.file_templates import FileTemplates
from gguf_fc.dialect.prompt.generic import GENERIC, GenericFormat
from gguf_fc.dialect.prompt.ids import short_id
from gguf_fc.dialect.prompt.needs import Needs
from gguf_fc.dialect.prompt.prompting import Prompter
from gguf_fc.dialect.prompt.render import Compile, probe_clock
from gguf_fc.dialect.prompt.repair import Unreadable, read_object
from gguf_fc.dialect.prompt.segments import Guard, Prompt
from gguf_fc.dialect.prompt.template import Clock, Template
from gguf_fc.dialect.read.parser import Parser
from gguf_fc.dialect.read.reply import Reply, read
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.dialect.write import Call, write
from gguf_fc.errors import InvalidParameter
from gguf_fc.grammar import Grammar, KeyOrder
from gguf_fc.job import ReasoningLimit
from gguf_fc.request import Tool, ToolCall


class Dialect:
    """Writes, constrains, reads and renders what one model says and is told."""

    def __init__(
        self,
        templates: FileTemplates[Analysis],
        *,
        special_tokens: Collection[str] = (),
        generic: GenericFormat = GENERIC,
    ) -> None:
        self._templates = templates
        self._analysis = templates.tools  # by which turns are written and read
        self._prompter = Prompter(templates=templates, guard=Guard(special_tokens), generic=generic)
        self._special_tokens = tuple(filter(None, special_tokens))

    @classmethod
    def from_template(  # noqa: PLR0913  what a model file says about its template
        cls,
        template_text: str,
        *,
        bos_token: str = "",
        eos_token: str = "</s>",  # noqa: S107  not a password
        special_tokens: Collection[str] = (),
        architecture: str = "",
        pre_tokenizer: str = "",
        other_templates: Mapping[str, str] | None = None,
        clock: Clock = probe_clock,
        compile_template: Compile = Template,
        store: Store | None = None,
    ) -> Self:
        """Derive and check.  An odd template gives a dialect that is not native, never an error.

        *template_text* may also be the name of a built-in format that some files carry instead, or
        empty: then *architecture* and *pre_tokenizer* decide, which are those of the file's header.
        *special_tokens* are the texts of the vocabulary's control tokens, some of which may name
        reasoning or calls; *other_templates* of the file, by name, are used where a request needs
        one (tools, documents, a schema); *clock* says what ``strftime_now`` shows;
        *compile_template* decides where the template runs; *store* keeps what is learned.
        """
        origin = Origin(architecture, pre_tokenizer)
        named = named_template(template_text, origin)
        facts = FileFacts(
            text=named.text if named else template_text,
            bos_token=bos_token,
            eos_token=eos_token,
            tokens=telling_tokens(special_tokens),
            origin=origin,
        )
        understood = partial(analyse, clock=clock, compile_template=compile_template, store=store)
        base = understood(facts)
        if named is not None:
            base = base.with_evidence(Finding("template", named.word, named.evidence))
        templates = chosen_templates(
            base, other_templates or {}, lambda text: understood(replace(facts, text=text))
        )
        return cls(templates, special_tokens=special_tokens)

    @property
    def syntax(self) -> Syntax:
        """Syntax of calls and reasoning."""
        return self._analysis.syntax

    @property
    def native(self) -> bool:
        """True if the syntax is the template's own."""
        return self._analysis.native

    @property
    def evidence(self) -> tuple[Finding, ...]:
        """Findings that the syntax was derived from."""
        return self._analysis.evidence

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings for the operator."""
        return tuple(dict.fromkeys(text for each in self._templates.used for text in each.warnings))

    @property
    def templates(self) -> FileTemplates[Analysis]:
        """The template and others of the file, and what each is used for."""
        return self._templates

    @property
    def label(self) -> str:
        """A few words for the start-up line."""
        return f"{'native' if self.native else 'generic'} ({_form(self.syntax)})"

    @property
    def decided_by(self) -> str:
        """The kind of evidence that decided how calls are written, in words."""
        found = {item.name: item for item in self.evidence}
        ways = (_DECIDED[name].format(found[name].value) for name in _DECIDED if name in found)
        return next(ways, "the template")

    @property
    def turn_marks(self) -> tuple[str, ...]:
        """Texts that begin another turn, before which a reply ends where no token ends it."""
        marks = self._analysis.turn_marks
        ended = any(token in mark for mark in marks for token in self._special_tokens)
        return () if ended else marks

    @property
    def needs(self) -> Needs:
        """Requirements of the template on a conversation."""
        return self._analysis.needs

    @property
    def thinking(self) -> Thinking:
        """Variables of the template that control reasoning."""
        return self._analysis.thinking

    def thinking_variables(
        self,
        on: bool | None = None,  # noqa: FBT001
        effort: str | None = None,
    ) -> dict[str, Any]:
        """The template variables that switch reasoning *on* or off, or set its *effort*.

        Empty where the template has none; None leaves the choice to the template.
        """
        return self.thinking.variables(on, effort)

    def write(
        self,
        content: str | None = None,
        reasoning: str | None = None,
        tool_calls: GivenCalls = None,
        *,
        prefill: str = "",
        tools: GivenTools = None,
    ) -> str:
        """Text that the model would write; without *prefill*, which the prompt already holds.

        With the *tools* arguments come in declared order, and are written so that they are read
        back as they are where only a schema tells a string from another value.
        """
        text = write(
            self.syntax,
            content=content or "",
            reasoning=reasoning or "",
            calls=[_call(call, n) for n, call in enumerate(read_calls(tool_calls))],
            schemas=_schemas(tools),
        )
        own = self._own_part(prefill)
        marks = self.syntax.reasoning
        opened = marks is not None and marks.open.strip() in own
        if marks and not reasoning and opened and marks.close.strip() not in own:
            # What the prompt has opened is closed first.
            text = marks.open + marks.close + text
        return text.removeprefix(own)

    def parser(
        self,
        tools: GivenTools = None,
        prefill: str = "",
        new_id: Callable[[], str] | None = None,
        *,
        inline: bool = False,
    ) -> Parser:
        """Streaming parser of one turn.  Without *tools* everything is text.

        With *inline* reasoning is text too, between its marks.
        """
        own = self._own_part(prefill)
        return Parser(self.syntax, _schemas(tools), new_id or _numbered_ids(), own, inline)

    def parse(self, text: str, tools: GivenTools = None, prefill: str = "") -> Reply:
        """Read a whole turn."""
        return read(self.parser(tools=tools, prefill=prefill), text)

    def grammar(
        self,
        tools: GivenTools = None,
        tool_choice: GivenChoice = "auto",
        parallel_tool_calls: bool | None = None,  # noqa: FBT001  the documented public signature
        response_format: GivenFormat = None,
        prefill: str = "",
        key_order: KeyOrder = "declared",
    ) -> Grammar:
        """Grammar over the whole output, the same that such a request is held to.

        *parallel_tool_calls* None: several calls where the syntax is the template's own, and one
        in the generic format, which models repeat up to the token limit.  *key_order* ``any``: the
        members of an object of up to eight properties may come in any order.
        """
        offered = read_tools(tools)
        wanted = Wanted(
            tools=offered,
            choice=read_choice(tool_choice, offered),
            parallel=self.native if parallel_tool_calls is None else parallel_tool_calls,
            format=read_format(response_format),
            prefill=self._own_part(prefill),
            key_order=key_order,
        )
        return build_grammar(self.syntax, wanted)

    def reasoning_limit(
        self, prefill: str = "", tokens: int | None = None
    ) -> ReasoningLimit | None:
        """Marks by which reasoning ends after so many *tokens*; None if a reply cannot reason.

        *tokens* None: it may take as long as it likes, but is closed before the reply ends.
        """
        marks, own = self.syntax.reasoning, self._own_part(prefill)
        if marks is None:
            return None
        opening = marks.open.strip()
        if opening not in own:
            if own.strip():
                return None  # something else was begun
        elif marks.close.strip() in own:
            return None
        else:
            opening = ""
        return ReasoningLimit(opening=opening, closing=marks.close.rstrip(), tokens=tokens)

    def render(
        self,
        /,
        messages: GivenMessages,
        tools: GivenTools = None,
        add_generation_prompt: bool = True,  # noqa: FBT001, FBT002  named as templates name it
        parallel_tool_calls: bool | None = None,  # noqa: FBT001  the same as in ``grammar``
        **template_variables: Any,
    ) -> Prompt:
        """The prompt.  An assistant's turn at the end is a prefill, which the model continues.

        *parallel_tool_calls* says what ``grammar`` is told, and is a variable of the template too.
        Raises InvalidParameter if the conversation makes no sense.
        """
        if parallel_tool_calls is not None:
            template_variables["parallel_tool_calls"] = parallel_tool_calls
        return self._prompter.render(
            read_messages(messages),
            read_tools(tools),
            generate=add_generation_prompt,
            variables=template_variables,
            several=self.native if parallel_tool_calls is None else parallel_tool_calls,
        )

    def _own_part(self, prefill: str) -> str:
        """*prefill* without the turn's header, and with the reasoning it closes opened."""
        header = self._analysis.header
        fits = (header[at:] for at in range(len(header)) if prefill.startswith(header[at:]))
        own = prefill.removeprefix(next(fits, ""))
        reasoning = self.syntax.reasoning
        opened = reasoning is not None and reasoning.open.strip() in own
        if reasoning and not opened and reasoning.close.strip() in own:
            return reasoning.open + own
        return own


# By the name of the finding, the one that counts most first.
_DECIDED = {
    "fallback": "nothing that shows calls: the format is ours",
    "file": "the file ({}), whose models are known",
    "known": "the template's text, which is known",
    "instructions": "what the template asks for",
    "call": "the turns that the template writes",
    "tokens": "control tokens of the vocabulary",
}


def describe(dialect: Dialect) -> dict[str, Any]:
    """All of it as JSON-able data, with an example call and its grammar."""
    tool = Tool(
        name="get_weather",
        parameters={
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    )
    example = {"name": tool.name, "arguments": {"city": "Paris"}}
    return {
        "native": dialect.native,
        "label": dialect.label,
        "decided_by": dialect.decided_by,
        "syntax": dialect.syntax.to_dict(),
        "needs": asdict(dialect.needs),
        "thinking": dialect.thinking.to_dict(),
        "other_templates": dict(dialect.templates.uses),
        "evidence": [
            {"name": item.name, "value": item.value, "evidence": item.evidence}
            for item in dialect.evidence
        ],
        "warnings": list(dialect.warnings),
        "example": dialect.write(tool_calls=[example]),
        "gbnf": dialect.grammar(tools=[tool], tool_choice="required").gbnf,
    }


def _form(syntax: Syntax) -> str:
    """The kind of call in words."""
    if syntax.pairs is not None:
        return "name and key-value pairs"
    if syntax.keys is None:
        return "name and JSON arguments"
    return "tagged JSON" if syntax.marker else "bare JSON"


def _schemas(tools: GivenTools) -> dict[str, Any]:
    """Parameters of each tool, by its name."""
    return {tool.name: tool.parameters for tool in read_tools(tools)}


def _call(call: ToolCall, n: int) -> Call:
    param = f"tool_calls[{n}].arguments"
    try:
        arguments = read_object(call.arguments)
    except Unreadable as error:
        raise InvalidParameter(f"'{param}' is not a JSON object: {error}.", param=param) from error
    return Call(call.name, arguments, short_id(call.id or f"call{n:05}"))


def _numbered_ids() -> Callable[[], str]:
    """Ids that are the same at every run: ``call_`` and 24 digits."""
    numbers = count()
    return lambda: f"call_{next(numbers):024d}"
