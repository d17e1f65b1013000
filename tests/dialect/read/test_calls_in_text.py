"""Calls behind text in forms without a mark: the name of a tool announces them."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc.dialect import Dialect
from tests.support.families import Heard, canonical, function, hear

HEAD = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
TAIL = "<|eot|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
JSON = (
    "{% for call in m.tool_calls or [] %}"
    '{"name": "{{ call.function.name }}", "parameters": {{ call.function.arguments | tojson }}}'
    "{% endfor %}"
)
DIALECTS = {
    "JSON": Dialect.from_template(HEAD + JSON + TAIL),
    "a Python list": Dialect.from_template(
        "{# Write [func_name1(k='v'), func_name2(k='v')]. #}" + HEAD + TAIL
    ),
}
EVERY_DIALECT = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


def tool(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return function(name, parameters)


TOOLS = [tool("look", at={"enum": ["left", "right"]}), tool("look_up"), tool("get")]
LEFT = {"name": "look", "arguments": {"at": "left"}}


def heard(dialect: Dialect, text: str, tools: list[dict[str, Any]]) -> Heard:
    whole = hear(dialect.parser(tools=tools), [text])
    assert hear(dialect.parser(tools=tools), text) == whole
    return whole


@EVERY_DIALECT
@pytest.mark.parametrize("before", ["I look: ", "\n Hi.\n\n", "See [look] or {look}. "])
@pytest.mark.parametrize("call", [LEFT, {"name": "look_up", "arguments": {}}])
def test_a_call_may_stand_behind_text(dialect: Dialect, before: str, call: dict[str, Any]) -> None:
    text = before + dialect.write(tool_calls=[call])
    read = heard(dialect, text, TOOLS)
    assert read.content == before.rstrip()
    assert read.calls == [(call["name"], canonical(call["arguments"]))]
    assert dialect.grammar(TOOLS).matches(text)
    assert not dialect.grammar(TOOLS, "required").matches(text)


@EVERY_DIALECT
def test_such_a_call_is_held_to_its_schema(dialect: Dialect) -> None:
    text = "I look: " + dialect.write(tool_calls=[LEFT])
    assert not dialect.grammar(TOOLS).matches(text.replace("left", "up"))
    assert not dialect.grammar(TOOLS).matches(text[:-1])
    assert dialect.grammar(TOOLS).matches(text.replace("look", "lock"))
    assert heard(dialect, text.replace("look", "lock"), TOOLS).started == 0


def test_several_calls_may_stand_behind_text() -> None:
    dialect = DIALECTS["a Python list"]
    text = "I look: " + dialect.write(tool_calls=[LEFT, LEFT])
    assert heard(dialect, text, TOOLS).ended == 2
    assert dialect.grammar(TOOLS).matches(text)
    assert not dialect.grammar(TOOLS, parallel_tool_calls=False).matches(text)


def test_what_begins_like_a_call_and_is_none_is_text() -> None:
    text = 'So: {"name": "look" and more'
    read = heard(DIALECTS["JSON"], text, TOOLS)
    assert (read.content, read.started) == (text, 0)


@EVERY_DIALECT
def test_only_a_few_names_are_looked_for(dialect: Dialect) -> None:
    many = [*TOOLS, *(tool(f"other_{n}") for n in range(20))]
    text = "I look: " + dialect.write(tool_calls=[LEFT])
    assert heard(dialect, text, many).content == text
    assert dialect.grammar(many).matches(text.replace("left", "up"))


@EVERY_DIALECT
def test_a_tool_that_may_not_be_called_is_text(dialect: Dialect) -> None:
    text = "I look: " + dialect.write(tool_calls=[LEFT])
    assert heard(dialect, text, []).content == text
    assert dialect.grammar(TOOLS, "none").matches(text)
