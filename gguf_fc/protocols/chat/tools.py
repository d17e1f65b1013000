"""What a chat completion may call: ``tools``, custom tools among them, or legacy ``functions``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gguf_fc.errors import InvalidParameter
from gguf_fc.protocols.chat.schema import ChatBody
from gguf_fc.protocols.chat.types import ChatTool, Custom
from gguf_fc.protocols.custom_tools import ANY_TEXT, matching, text_tool
from gguf_fc.protocols.tools import Declared, checked_tools, known_name, tool_choice_of
from gguf_fc.request import Tool, ToolChoice


@dataclass(frozen=True, slots=True)
class Callables:
    """What may be called, and in which form the calls are told to the client."""

    tools: tuple[Tool, ...]
    choice: ToolChoice
    parallel: bool
    legacy: bool = False  # the request has ``functions``, so the reply has ``function_call``
    custom: frozenset[str] = frozenset()  # names of the custom tools


def callables_of(body: ChatBody) -> Callables:
    """What *body* lets the model call.  Raises InvalidParameter."""
    if body.functions:
        return _legacy(body)
    if body.function_call not in (None, "none", "auto"):
        raise InvalidParameter(
            "'function_call' asks for a call but 'functions' is empty.", param="function_call"
        )
    tools = checked_tools(_declared(body.tools or []))
    return Callables(
        tools=tools,
        choice=tool_choice_of(body.tool_choice, tools),
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
    tools = checked_tools(
        Declared(
            tool=Tool(
                name=function.name,
                description=function.description,
                parameters=function.parameters,
            ),
            name_at=f"functions[{i}].name",
            schema_at=f"functions[{i}].parameters",
        )
        for i, function in enumerate(body.functions or [])
    )
    return Callables(tools=tools, choice=_legacy_choice(body, tools), parallel=False, legacy=True)


def _legacy_choice(body: ChatBody, tools: tuple[Tool, ...]) -> ToolChoice:
    match body.function_call:
        case None | "auto":
            return ToolChoice("auto")
        case "none":
            return ToolChoice("none")
        case {"name": str(name)}:
            return ToolChoice("named", known_name(name, tools, "function_call.name", "functions"))
        case _:
            raise InvalidParameter(
                '\'function_call\' must be "none", "auto" or {"name": ...}.', param="function_call"
            )


def _declared(tools: list[ChatTool]) -> Iterator[Declared]:
    for i, tool in enumerate(tools):
        where = f"tools[{i}]"
        if tool.type == "custom" and tool.custom is not None:
            yield _custom(tool.custom, f"{where}.custom")
        elif tool.type == "function" and (function := tool.function) is not None:
            yield Declared(
                tool=Tool(
                    name=function.name,
                    description=function.description,
                    parameters=function.parameters,
                    strict=bool(function.strict),
                ),
                name_at=f"{where}.function.name",
                schema_at=f"{where}.function.parameters",
            )
        else:
            raise InvalidParameter(
                f"'{where}.{tool.type}' is required.", param=f"{where}.{tool.type}"
            )


def _custom(custom: Custom, where: str) -> Declared:
    form = ANY_TEXT
    if custom.format is not None and custom.format.type == "grammar":
        param = f"{where}.format.grammar"
        grammar = custom.format.grammar
        if grammar is None:
            raise InvalidParameter(f"'{param}' is required.", param=param)
        form = matching(grammar.syntax, grammar.definition, param)
    return text_tool(custom.name, custom.description, form, where)
