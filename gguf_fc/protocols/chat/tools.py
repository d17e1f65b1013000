"""Tools of a chat completion: ``tools``, custom tools among them, or legacy ``functions``."""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.dialect.openai_json.functions import function_choice_of, functions_of
from gguf_fc.dialect.openai_json.tool_choice import tool_choice_of
from gguf_fc.dialect.openai_json.tools import tools_of
from gguf_fc.errors import InvalidParameter
from gguf_fc.protocols.chat.schema import ChatBody
from gguf_fc.request import Tool, ToolChoice


@dataclass(frozen=True, slots=True)
class Callables:
    """Tools, the choice among them, and the form in which the client reads calls."""

    tools: tuple[Tool, ...]
    choice: ToolChoice
    parallel: bool
    legacy: bool = False  # the request has ``functions``, so the reply has ``function_call``
    custom: frozenset[str] = frozenset()  # names of the custom tools


def callables_of(body: ChatBody) -> Callables:
    """The tools that *body* offers.  Raises InvalidParameter."""
    if body.functions:
        return _legacy(body)
    if body.function_call not in (None, "none", "auto"):
        raise InvalidParameter(
            "'function_call' asks for a call but 'functions' is empty.", param="function_call"
        )
    tools = tools_of(body.tools or [])
    return Callables(
        tools=tools,
        choice=ToolChoice("auto" if tools else "none")
        if body.tool_choice is None
        else tool_choice_of(body.tool_choice, tools),
        parallel=body.parallel_tool_calls is not False,
        custom=frozenset(
            tool.custom.name for tool in body.tools or [] if tool.type == "custom" and tool.custom
        ),
    )


def _legacy(body: ChatBody) -> Callables:
    """A reply in the legacy form has room for one call."""
    for name, given in (("tools", body.tools), ("tool_choice", body.tool_choice)):
        if given:
            raise InvalidParameter(
                f"'functions' and '{name}' cannot be combined; send only 'tools'.",
                param="functions",
            )
    tools = functions_of(body.functions or [])
    choice = function_choice_of(body.function_call, tools)
    return Callables(tools=tools, choice=choice, parallel=False, legacy=True)
