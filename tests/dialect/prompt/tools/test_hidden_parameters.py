"""What a template does not show of a tool's parameters, the model is told all the same."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc import Dialect
from tests.support.corpus import corpus

USER = {"role": "user", "content": "Go."}
STRING = {"type": "string"}
RECORD = {"type": "object", "properties": {"amount_in": STRING}}
KEYWORDS: dict[str, Any] = {
    "type": "object",
    "properties": {"description": STRING, "type": STRING, "required": {"type": "boolean"}},
    "required": ["description"],
}
SCHEMAS: dict[str, Any] = {
    "nested": {"record": RECORD},
    "in a list": {"record": {"type": "array", "items": RECORD}},
    "or null": {"record": {"anyOf": [RECORD, {"type": "null"}]}},
    "keywords": KEYWORDS["properties"],
    "keywords inside": {"record": KEYWORDS},
}


def tool(properties: dict[str, Any], name: str = "create", **more: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, **more}
    function = {"name": name, "description": "Makes one.", "parameters": parameters}
    return {"type": "function", "function": function}


# Prints names and types only, of what lies on top, and takes names of keywords for keywords.
TERSE = (
    "{% for m in messages %}{% if loop.first and tools %}{% for t in tools %}"
    "{{ t.function.name }}: {{ t.function.description }}"
    "{% for k, v in t.function.parameters.properties.items() if k not in ['type', 'description'] %}"
    "[{{ k }} {{ v.type }}]{% endfor %}{% endfor %}{% endif %}"
    "<|{{ m.role }}|>{{ m.content }}{% for c in m.tool_calls %}<tool_call>"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}'
    "</tool_call>{% endfor %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def test_a_template_that_shows_everything_is_left_alone() -> None:
    prompt = Dialect.from_template(TERSE).render([USER], tools=[tool({"amount": STRING})])
    assert "create: Makes one.[amount string]<" in prompt.text


@pytest.mark.parametrize("case", SCHEMAS)
def test_what_is_hidden_is_told_in_the_description(case: str) -> None:
    tools = [tool({"amount": STRING}, "other"), tool(SCHEMAS[case])]
    prompt = Dialect.from_template(TERSE).render([USER], tools=tools)
    assert prompt.text.count("Parameters: {") == 1
    name = "description" if "keywords" in case else "amount_in"
    assert f'"{name}": {{"type": "string"}}' in prompt.text


def test_descriptions_stay_the_same_whatever_is_said() -> None:
    dialect = Dialect.from_template(TERSE)
    tools = [tool(SCHEMAS["nested"])]
    first = dialect.render([USER], tools=tools, add_generation_prompt=False).text
    dialect.render([USER], tools=[tool({})])
    again = dialect.render([USER, {"role": "user", "content": "amount_in"}], tools=tools).text
    assert again.startswith(first)


def test_a_shared_definition_is_told() -> None:
    definitions: dict[str, Any] = {"$defs": {"Record": RECORD}}
    hidden = tool({"record": {"$ref": "#/$defs/Record"}}, **definitions)
    assert "amount_in" in Dialect.from_template(TERSE).render([USER], tools=[hidden]).text


@pytest.mark.parametrize("case", SCHEMAS)
def test_every_template_tells_of_every_parameter(case: str) -> None:
    for name, dialect in corpus().items():
        prompt = dialect.render([USER], tools=[tool(SCHEMAS[case])])
        assert prompt.warning is None, (name, prompt.warning)
        if "keywords" not in case:
            assert "amount_in" in prompt.text, name
            continue
        # As a name the word stands between other marks than as a keyword.
        others = {key: value for key, value in KEYWORDS["properties"].items() if key != "required"}
        fewer = others if case == "keywords" else {"record": {**KEYWORDS, "properties": others}}
        less = dialect.render([USER], tools=[tool(fewer)])
        assert prompt.text.count("required") > less.text.count("required"), name
