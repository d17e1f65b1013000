"""What a chat completion may call: tools, custom tools, legacy functions."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gguf_fc.errors import InvalidParameter
from gguf_fc.protocols.chat.request import Callables, callables_of
from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.request import ToolChoice

USER = {"role": "user", "content": "hi"}
F: Any = {"name": "f", "description": "does f", "parameters": {"type": "object"}}


def read(**fields: Any) -> Callables:
    body, _ = CHAT.parse(orjson.dumps({"messages": [USER], **fields}))
    return callables_of(body)


def refused(**fields: Any) -> str | None:
    with pytest.raises(InvalidParameter) as caught:
        read(**fields)
    return caught.value.param


def custom(**more: Any) -> list[Any]:
    return [{"type": "custom", "custom": {"name": "shell", **more}}]


def regex(definition: str, syntax: str = "regex") -> list[Any]:
    grammar = {"syntax": syntax, "definition": definition}
    return custom(format={"type": "grammar", "grammar": grammar})


def test_functions_are_tools_of_which_one_may_be_called() -> None:
    modern = read(tools=[{"type": "function", "function": F}])
    legacy = read(functions=[F])
    assert (legacy.tools, legacy.choice) == (modern.tools, modern.choice)
    assert (legacy.legacy, legacy.parallel) == (True, False)
    assert (modern.legacy, modern.parallel) == (False, None)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ToolChoice("auto")),
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ({"name": "f"}, ToolChoice("named", "f")),
    ],
)
def test_function_call_is_a_tool_choice(choice: object, expected: ToolChoice) -> None:
    assert read(functions=[F], function_call=choice).choice == expected


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"functions": [F], "tools": [{"function": F}]}, "functions"),
        ({"functions": [F], "tool_choice": "auto"}, "functions"),
        ({"functions": [F], "function_call": {"name": "g"}}, "function_call.name"),
        ({"functions": [F], "function_call": "always"}, "function_call"),
        ({"functions": [F], "function_call": {"name": 1}}, "function_call"),
        ({"functions": [F, F]}, "functions[1].name"),
        ({"functions": [{"name": "f", "parameters": False}]}, "functions[0].parameters"),
        ({"function_call": {"name": "f"}}, "function_call"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"function": {"name": "f\n"}}]}, "tools[0].function.name"),
        ({"tools": custom(name="f\n")}, "tools[0].custom.name"),
        ({"functions": [{"name": "f\n"}]}, "functions[0].name"),
        ({"tools": [{"type": "custom"}]}, "tools[0].custom"),
        ({"tools": [{"type": "custom", "function": F}]}, "tools[0].custom"),
        ({"tools": custom(format={"type": "grammar"})}, "tools[0].custom.format.grammar"),
        ({"tools": regex("a", "lark")}, "tools[0].custom.format.grammar.syntax"),
        ({"tools": regex("a(")}, "tools[0].custom.format.grammar.definition"),
        ({"tools": regex(r"(a)\1")}, "tools[0].custom.format.grammar.definition"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_path(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields) == param


def test_no_functions_are_no_legacy_request() -> None:
    assert read(functions=[], function_call="none") == read()


def test_a_custom_tool_takes_one_text() -> None:
    found = read(tools=custom(description="runs"), tool_choice="required")
    (tool,) = found.tools
    assert (tool.name, tool.description) == ("shell", "runs")
    assert isinstance(tool.parameters, dict)
    assert tool.parameters["properties"] == {"input": {"type": "string"}}
    assert found.custom == {"shell"}


def test_a_custom_tool_s_expression_holds_for_the_whole_text() -> None:
    (tool,) = read(tools=regex("a|b+")).tools
    assert isinstance(tool.parameters, dict)
    assert tool.parameters["properties"]["input"]["pattern"] == "^(?:a|b+)$"


@pytest.mark.parametrize(
    "choice",
    [{"type": "custom", "custom": {"name": "shell"}}, {"name": "shell"}, "shell"],
)
def test_a_custom_tool_can_be_named(choice: object) -> None:
    assert read(tools=custom(), tool_choice=choice).choice == ToolChoice("named", "shell")


def test_a_tool_whose_name_is_a_mode_is_named_by_an_object_only() -> None:
    tools = [{"function": {"name": "any"}}]
    assert read(tools=tools, tool_choice="any").choice == ToolChoice("required")
    assert read(tools=tools, tool_choice={"name": "any"}).choice == ToolChoice("named", "any")
