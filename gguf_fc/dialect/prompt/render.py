"""A chat template with the values that belong to it.

What compiles and renders the template is the caller's choice: a ``Template`` in this process, or
something of the same form that runs it where it can do no harm.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from gguf_fc.dialect.prompt.needs import SYSTEM_TOOLS, Inputs, Shape
from gguf_fc.dialect.prompt.template import Clock
from gguf_fc.errors import TemplateError

_PROBE_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def probe_clock() -> datetime:
    """A fixed time: what a dialect takes for now unless it is told otherwise."""
    return _PROBE_TIME


class CompiledTemplate(Protocol):
    """Chat template.  Raises TemplateError, or RunawayTemplate if it had to be ended."""

    @property
    def text(self) -> str: ...

    def render(self, variables: Mapping[str, Any], now: datetime) -> str: ...


# Raises TemplateError if the text does not compile, at once or when it is first rendered.
Compile = Callable[[str], CompiledTemplate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A template and what every rendering of it shares."""

    template: CompiledTemplate
    bos_token: str = ""
    eos_token: str = ""
    clock: Clock = probe_clock
    inputs: Inputs = field(default_factory=Inputs)

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] = (),
        *,
        generate: bool = True,
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """The prompt text.  Raises TemplateError."""
        values: dict[str, Any] = {
            **(variables or {}),
            "bos_token": self.bos_token,
            "eos_token": self.eos_token,
            "messages": messages,
            "add_generation_prompt": generate,
        }
        now = self.clock()
        values |= self._own_inputs(messages, tools, now)
        if self.inputs.role:
            return self._with_message_of_tools(values, tools, now)
        if self.inputs.tools != "tools":
            tools = ()
        if tools:
            return self.template.render({"tools": list(tools), **values}, now)
        try:
            return self.template.render({**values, "tools": None}, now)
        except TemplateError:
            # Some templates loop over tools without asking whether there are any.
            return self.template.render(values, now)

    def _with_message_of_tools(
        self, values: dict[str, Any], tools: Sequence[Mapping[str, Any]], now: datetime
    ) -> str:
        """Render with the tools in a message of their own role; one of no tools if there must be.

        Raises TemplateError.
        """
        functions = _shaped(tools, "flat")
        content = json.dumps(functions, ensure_ascii=False, indent=4)
        message = {"role": self.inputs.role, "content": content}
        given = values["messages"]
        at = 1 if given and given[0]["role"] == "system" else 0
        told = {**values, "messages": [*given[:at], message, *given[at:]]}
        if tools:
            return self.template.render(told, now)
        try:
            return self.template.render(values, now)
        except TemplateError:
            return self.template.render(told, now)

    def _own_inputs(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        now: datetime,
    ) -> dict[str, Any]:
        """The variables of a template that takes tools or a date otherwise than most."""
        inputs = self.inputs
        found: dict[str, Any] = {}
        if inputs.date:
            found[inputs.date] = now.strftime("%Y-%m-%d")
        if inputs.tools == SYSTEM_TOOLS:
            if tools:
                found["messages"] = _with_tools(messages, _shaped(tools, inputs.shape))
        elif (tools and inputs.shape != "nested") or inputs.tools != "tools":
            found[inputs.tools] = _shaped(tools, inputs.shape)
        return found


def _with_tools(messages: Sequence[Mapping[str, Any]], tools: Any) -> list[Mapping[str, Any]]:
    """The messages with the tools in the system message, which is made if there is none."""
    first, rest = {"role": "system", "content": ""}, messages
    if messages and messages[0]["role"] == "system":
        first, rest = dict(messages[0]), messages[1:]
    return [{**first, "tools": tools}, *rest]


def _shaped(tools: Sequence[Mapping[str, Any]], shape: Shape) -> Any:
    """The tools, given as OpenAI has them, in another shape."""
    functions = [tool["function"] for tool in tools]
    match shape:
        case "nested":
            return list(tools)
        case "flat":
            return functions
        case "definitions":
            return [_with_definitions(function) for function in functions]
        case "text":
            return json.dumps(list(tools), ensure_ascii=False, indent=4)


def _with_definitions(function: Mapping[str, Any]) -> dict[str, Any]:
    """A function whose parameters are a mapping of names, each with type, text and necessity."""
    schema = function["parameters"]
    properties = schema.get("properties")
    required = schema.get("required")
    definitions = {
        name: {
            "description": str(member.get("description") or ""),
            "type": str(member.get("type") or "any"),
            "required": isinstance(required, list) and name in required,
        }
        for name, member in (properties.items() if isinstance(properties, Mapping) else ())
        if isinstance(member, Mapping)
    }
    return {
        "name": function["name"],
        "description": function["description"],
        "parameter_definitions": definitions,
    }
