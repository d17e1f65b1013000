"""A syntax that a template asks for in words, where its history shows none or another."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc import Dialect

CHAT = (
    "{% if tools %}ASKED{{ tools | tojson }}<|end|>{% endif %}"
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}HISTORY<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
BARE = (
    "{% for c in m.tool_calls or [] %}"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}'
    "{% endfor %}"
)
INDENTED = "{% if m.tool_calls %}{{ m.tool_calls | tojson(indent=4) }}{% endif %}"
USER = {"role": "user", "content": "How is Paris?"}
CALL: dict[str, Any] = {"name": "look", "arguments": {"at": "left"}}
TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}


def asking(asked: str, history: str = "") -> Dialect:
    return Dialect.from_template(CHAT.replace("ASKED", asked).replace("HISTORY", history))


FENCED = """For example:
```
[
    {"name": "f", "arguments": {"a": "b"}},
    ... (more)
]
```"""
ACTION = """Write 'Action:' followed by a json-formatted list, for example:
```json
[
    {
        "tool_name": its title,
        "parameters": a dict, or {} if none
    }
]```"""
ARRAY = '[{"name": "look", "arguments": {"at": "left"}}]'


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ('As marked[{"name": [the name], "arguments": [as JSON]}, ...].', f"marked{ARRAY}"),
        (
            'Answer within tags:\n<call>\n{"name": <its-name>, "arguments": <an-object>}\n</call>',
            '<call>\n{"name": "look", "arguments": {"at": "left"}}\n</call>',
        ),
        (FENCED, ARRAY),
        (
            ACTION,
            'Action:\n```json\n[{"tool_name": "look", "parameters": {"at": "left"}}]```',
        ),
        ("Respond with <|calls|> followed by a JSON list of tools.", f"<|calls|>{ARRAY}"),
        (
            'Respond in the format {"name": its name, "parameters": a dictionary}.',
            '{"name": "look", "parameters": {"at": "left"}}',
        ),
    ],
)
@pytest.mark.parametrize("history", ["", INDENTED])
def test_what_is_asked_for_is_written_read_and_held(asked: str, written: str, history: str) -> None:
    dialect = asking(asked, history)
    assert dialect.native
    assert [item.name for item in dialect.evidence] == ["instructions"]
    assert dialect.write(tool_calls=[CALL]) == written
    (call,) = dialect.parse(written, tools=[TOOL]).tool_calls
    assert (call.name, call.arguments) == ("look", '{"at": "left"}')
    assert dialect.grammar([TOOL], "required").matches(written)


def test_calls_that_the_history_drops_are_written_as_they_were_asked_for() -> None:
    dialect = asking("Respond with <|calls|> followed by a JSON list of tools.")
    turn = {"role": "assistant", "tool_calls": [{"id": "a", "function": CALL}]}
    result = {"role": "tool", "tool_call_id": "a", "content": "Rain."}
    text = dialect.render([USER, turn, result], tools=[TOOL]).text
    assert '<|assistant|><|calls|>[{"name": "look", "arguments": {"at": "left"}}]<|end|>' in text


def test_a_mark_that_is_asked_for_is_preferred_to_bare_json_in_the_history() -> None:
    dialect = asking('As marked[{"name": [a name], "arguments": [JSON]}, ...].', BARE)
    assert dialect.write(tool_calls=[CALL]).startswith("marked[")


def test_a_history_with_marks_is_preferred_to_an_example_without() -> None:
    dialect = asking('As {"name": its name, "arguments": an object}.', f"<call>{BARE}</call>")
    assert dialect.write(tool_calls=[CALL]).startswith("<call>")


@pytest.mark.parametrize(
    "asked",
    ["", "Call them.", 'As {"name": "f", "arguments": {.', 'As {"name": "f", "about": "g"}.'],
)
def test_words_without_a_whole_example_ask_for_nothing(asked: str) -> None:
    assert not asking(asked).native


def test_an_example_is_no_evidence_where_the_tools_are_not_told() -> None:
    text = CHAT.replace("HISTORY", "").replace("ASKED{{ tools | tojson }}", "")
    example = '{# <call>{"name": "f", "arguments": {}}</call> #}'
    assert not Dialect.from_template(example + text).native
