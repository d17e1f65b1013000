"""What every protocol refuses about tools, with the path the protocol has."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc.dialect.openai_json.tool_choice import known_name
from gguf_fc.dialect.openai_json.tools import Declared, checked_tools
from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Tool


def declared(n: int, name: str, schema: Any = None) -> Declared:
    tool = Tool(name=name, parameters=schema)
    return Declared(tool=tool, name_at=f"tools[{n}].name", schema_at=f"tools[{n}].input_schema")


def test_tools_come_in_their_order() -> None:
    schemas: list[Any] = [None, True, {}, {"type": "object"}, {"type": ["null", "object"]}]
    schemas += [{"type": odd} for odd in ("", "OBJECT", None, 3, [None], "any")]
    found = checked_tools(declared(n, f"f{n}", schema) for n, schema in enumerate(schemas))
    assert [tool.name for tool in found] == [f"f{n}" for n in range(11)]


def test_two_tools_of_one_name_are_refused_where_the_second_is() -> None:
    with pytest.raises(InvalidParameter, match="'f'") as caught:
        checked_tools([declared(0, "f"), declared(1, "f")])
    assert caught.value.param == "tools[1].name"


@pytest.mark.parametrize("schema", [False, {"type": "string"}, {"type": ["array", "null"]}])
def test_a_schema_that_no_object_meets_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidParameter, match=r"tools\[0\]\.input_schema") as caught:
        checked_tools([declared(0, "f", schema)])
    assert caught.value.param == "tools[0].input_schema"


def test_a_name_must_be_that_of_a_tool() -> None:
    assert known_name("f", [Tool(name="f")], "tool_choice.name") == "f"
    with pytest.raises(InvalidParameter, match="'g', which is not in 'tools'") as caught:
        known_name("g", [Tool(name="f")], "tool_choice.name")
    assert caught.value.param == "tool_choice.name"
