"""Tools reach a template by the variable and in the shape that it takes."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc import Dialect
from gguf_fc.dialect.prompt.needs import SYSTEM_TOOLS, Inputs

CHAT = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}TOLD"
    "{% for c in m.tool_calls or [] %}<call>{{ c.function | tojson }}</call>{% endfor %}"
    "<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
USER = {"role": "user", "content": "How is Paris?"}
SYSTEM = {"role": "system", "content": "Be brief."}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Looks.",
        "parameters": {
            "type": "object",
            "properties": {"at": {"type": "string", "description": "Where."}},
            "required": ["at"],
        },
    },
}
FLAT = "{% for t in tools or [] %}{{ t.name + t.parameters | tojson }}{% endfor %}"
DEFINED = (
    "{% for t in tools or [] %}def {{ t.name + '(' }}"
    "{% for k, v in t.parameter_definitions.items() %}{{ k }}: {{ v.type }}, {{ v.required }}"
    "{% endfor %}){% endfor %}"
)


@pytest.mark.parametrize(
    ("head", "told", "inputs", "shown"),
    [
        ("{{ tools | tojson if tools }}", "", Inputs(), '"name": "look"'),
        ("{{ xml_tools | tojson if xml_tools }}", "", Inputs(tools="xml_tools"), '"name": "look"'),
        (
            "{{ 'Functions: ' + functions + date_text }}",
            "",
            Inputs(tools="functions", shape="text", date="date_text"),
            '"name": "look"',
        ),
        (FLAT, "", Inputs(shape="flat"), 'look{"type": "object"'),
        (DEFINED, "", Inputs(shape="definitions"), "def look(at: string, True"),
        (
            "",
            "{% if m['tools'] %}{{ m['tools'] | tojson }}{% endif %}",
            Inputs(tools=SYSTEM_TOOLS),
            '"name": "look"',
        ),
        ("", "", Inputs(), ""),
        ("{{ my_tools.nothing.ever }}", "", Inputs(), ""),
    ],
)
def test_the_first_variable_and_shape_that_tell_of_tools_are_used(
    head: str, told: str, inputs: Inputs, shown: str
) -> None:
    dialect = Dialect.from_template(head + CHAT.replace("TOLD", told))
    assert dialect.needs.inputs == inputs
    for messages in ([USER], [SYSTEM, USER]):
        text = dialect.render(messages, tools=[TOOL]).text
        assert shown in text
        assert "How is Paris?" in text
        assert ("Be brief." in text) == (SYSTEM in messages)
        assert "look" not in dialect.render(messages).text  # nothing is told without tools


def test_odd_schemas_are_defined_as_any() -> None:
    dialect = Dialect.from_template(DEFINED + CHAT.replace("TOLD", ""))
    odd = {"type": "function", "function": {"name": "odd", "parameters": {"properties": {"a": 1}}}}
    assert "def odd(a: any" in dialect.render([USER], tools=[odd]).text
