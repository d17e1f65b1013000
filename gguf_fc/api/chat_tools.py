"""What a chat completion may call: ``tools``, custom tools among them, or legacy ``functions``.

A custom tool takes a text; to the model it is a tool with one argument, ``input``, whose form a
regular expression may give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gguf_fc.api.chat_types import ChatTool, Custom, CustomGrammar
from gguf_fc.api.schema import ChatBody
from gguf_fc.api.tools import Declared, checked_tools, known_name, tool_choice_of
from gguf_fc.errors import GrammarError, InvalidParameter, UnsupportedParameter
from gguf_fc.gbnf import schema_to_grammar
from gguf_fc.request import Schema, Tool, ToolChoice


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
    form: Schema = {"type": "string"}
    if custom.format is not None and custom.format.type == "grammar":
        if custom.format.grammar is None:
            param = f"{where}.format.grammar"
            raise InvalidParameter(f"'{param}' is required.", param=param)
        form = _matching(custom.format.grammar, f"{where}.format.grammar")
    schema: Schema = {
        "type": "object",
        "properties": {"input": form},
        "required": ["input"],
        "additionalProperties": False,
    }
    tool = Tool(name=custom.name, description=custom.description, parameters=schema)
    return Declared(tool=tool, name_at=f"{where}.name", schema_at=where)


def _matching(grammar: CustomGrammar, where: str) -> Schema:
    """The schema of the texts that *grammar* describes, all of which must be enforceable."""
    if grammar.syntax == "lark":
        raise UnsupportedParameter(
            f"'{where}.syntax' is 'lark', which cannot be enforced inside of a call; use 'regex', "
            "or a function with a JSON Schema.",
            param=f"{where}.syntax",
        )
    schema: Schema = {"type": "string", "pattern": f"^(?:{grammar.definition})$"}
    try:
        report = schema_to_grammar(schema).report
    except GrammarError as error:
        raise InvalidParameter(
            f"'{where}.definition' is no regular expression: {error.message}.",
            param=f"{where}.definition",
        ) from error
    for item in report:
        raise UnsupportedParameter(
            f"'{where}.definition' cannot be enforced ({item.reason}); use a simpler expression.",
            param=f"{where}.definition",
        )
    return schema
