"""Templates that show a call in one way only, or make a mistake where they show it.

Each is a kind that was found in real templates: a call beside null alone, a section that is not
closed, JSON that is none, what the user says behind the prompt, one notation for strings and
another for lists; and vocabularies that know more than their template says.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from gguf_fc import Dialect
from gguf_fc.dialect.syntax import Marked
from tests.support.families import hear

TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Looks.",
        "parameters": {
            "type": "object",
            "properties": {
                "at": {"type": "string"},
                "all": {"type": "array", "items": {"type": "string"}},
                "far": {"type": "boolean"},
            },
        },
    },
}
USER = {"role": "user", "content": "Where?"}
TELLING = "{% if tools %}{{ tools | tojson }}{% endif %}"
PROMPT = "{% if add_generation_prompt %}<|me|>{% endif %}"


def one_call(dialect: Dialect, **arguments: Any) -> str:
    """A call as the dialect writes it, which must be read back and held."""
    text = dialect.write(tool_calls=[{"name": "look", "arguments": arguments}], tools=[TOOL])
    (call,) = dialect.parse(text, [TOOL]).tool_calls
    assert json.loads(call.arguments) == arguments
    assert dialect.grammar([TOOL]).matches(text)
    return text


ONLY_NULL = (
    TELLING + "{% for m in messages %}{% if m['role'] == 'assistant' and m['content'] is none %}"
    "{% for call in m['tool_calls'] %}{% if loop.first %}<|me|><calls>{% else %}\n{% endif %}"
    "<call>{{ call['function']['name'] + '\n' + call['function']['arguments'] }}</call>"
    "{% if not loop.first %}</calls><|end|>{% endif %}{% endfor %}"
    "{% else %}<|{{ 'me' if m['role'] == 'assistant' else m['role'] }}|>{{ m['content'] }}<|end|>"
    "{% endif %}{% endfor %}" + PROMPT
)


def test_a_call_that_is_shown_beside_null_alone_is_found_though_its_section_stays_open() -> None:
    dialect = Dialect.from_template(ONLY_NULL)
    assert dialect.native, dialect.evidence
    assert one_call(dialect, at="x") == '<calls><call>look\n{"at": "x"}</call></calls>'
    call = {"id": "a", "function": {"name": "look", "arguments": '{"at": "x"}'}}
    turn = {"role": "assistant", "content": "I look.", "tool_calls": [call]}
    text = dialect.render([USER, turn], [TOOL]).text
    assert '<|me|>I look.<|end|><|me|><calls><call>look\n{"at": "x"}</call>' in text


BROKEN = (
    "{% if tools %}{{ tools | tojson }} For each call return <tool_call>\n"
    '{"name": <name>, "arguments": <object>}\n</tool_call>{% endif %}'
    "{% for m in messages %}<|{{ m.role }}|>{% for call in m.tool_calls or [] %}<tool_call>\n"
    '{{ \'{"name": "\' + call.function.name + \', "arguments": \' }}{{ call.function.arguments | '
    "tojson }}\n</tool_call>{% else %}{{ m.content }}{% endfor %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def test_json_that_the_history_breaks_is_written_as_it_is_asked_for() -> None:
    dialect = Dialect.from_template(BROKEN)
    assert dialect.native
    assert dialect.decided_by == "what the template asks for"
    assert '{"name": "look", "arguments": {"at": "x"}}' in one_call(dialect, at="x")


TOLD_LAST = (
    "{% for m in messages %}{% if m.role == 'user' and loop.last %}<|user|>{{ tools | tojson }}"
    " {{ m.content }}<|me|>{% elif m.role == 'user' %}<|user|>{{ m.content }}<|me|>"
    "{% elif m.tool_calls %}{% for call in m.tool_calls %}<call>{{ call.function | tojson }}</call>"
    "{% endfor %}<|end|>{% else %}{{ m.content }}<|end|>{% endif %}{% endfor %}"
)


def test_what_the_user_says_is_no_part_of_a_call() -> None:
    dialect = Dialect.from_template(TOLD_LAST)
    assert dialect.native, dialect.evidence
    assert one_call(dialect, at="x") == '<call>{"name": "look", "arguments": {"at": "x"}}</call>'


TWO_NOTATIONS = (
    TELLING
    + "{% macro shown(v) %}{% if v is string %}{{ \"'\" + v | replace('\\\\', '\\\\\\\\') | "
    'replace("\'", "\\\\\'") | replace("\\n", "\\\\n") + "\'" }}'
    "{% elif v is boolean or v is none %}{{ v | string }}"
    "{% elif v is iterable %}{{ v | tojson }}{% else %}{{ v }}{% endif %}{% endmacro %}"
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% for call in m.tool_calls or [] %}"
    "{{ '<calls>[' if loop.first else ', ' }}{{ call.function.name }}("
    "{% for key, value in call.function.arguments.items() %}{{ key }}={{ shown(value) }}"
    "{{ ', ' if not loop.last }}{% endfor %}){{ ']</calls>' if loop.last }}{% endfor %}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def test_strings_may_be_spelled_as_python_does_and_lists_as_json() -> None:
    dialect = Dialect.from_template(TWO_NOTATIONS)
    assert dialect.native, dialect.evidence
    written = one_call(dialect, at="it's \\n", all=['a "b"'], far=True)
    assert written == ('<calls>[look(at=\'it\\\'s \\\\n\', all=["a \\"b\\""], far=True)]</calls>')


TOLD_ONLY = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
    "{% if m.role == 'system' and m['tools'] %}<|tool|>{{ m['tools'] }}<|/tool|>{% endif %}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.mark.parametrize(
    ("tokens", "written"),
    [
        ((), None),
        (
            ("<|tool_call|>", "<|/tool_call|>"),
            '<|tool_call|>[{"name": "look", "arguments": {"at": "x"}}]<|/tool_call|>',
        ),
        (("[TOOL_CALLS]",), '[TOOL_CALLS] [{"name": "look", "arguments": {"at": "x"}}]'),
        (
            ("<|tool_call_start|>", "<|tool_call_end|>"),
            "<|tool_call_start|>[look(at='x')]<|tool_call_end|>",
        ),
    ],
)
def test_control_tokens_for_calls_decide_where_a_template_only_tells_of_tools(
    tokens: tuple[str, ...], written: str | None
) -> None:
    dialect = Dialect.from_template(TOLD_ONLY, special_tokens=tokens)
    assert dialect.native == (written is not None)
    if written is not None:
        assert one_call(dialect, at="x") == written
        assert dialect.decided_by == "control tokens of the vocabulary"


CAPITALS = (
    "{% for m in messages %}{% if m.role == 'system' %}[SYSTEM_PROMPT]{{ m.content }}"
    "[/SYSTEM_PROMPT]{% elif m.role == 'user' %}[INST]{{ m.content }}[/INST]{% else %}"
    "{{ m.content }}{% for call in m.tool_calls or [] %}[TOOL_CALLS]{{ call.function.name }}"
    "[ARGS]{{ call.function.arguments | tojson }}{% endfor %}</s>{% endif %}{% endfor %}"
)


def test_a_vocabulary_that_is_known_has_marks_of_reasoning() -> None:
    assert Dialect.from_template(CAPITALS).syntax.reasoning == Marked("[THINK]", "[/THINK]")
    with_ids = CAPITALS.replace("[ARGS]", "[CALL_ID]x[ARGS]")
    assert Dialect.from_template(with_ids).syntax.reasoning is None


def test_a_mark_that_text_may_quote_makes_no_call_of_another_name() -> None:
    with_ids = CAPITALS.replace("[ARGS]", "[CALL_ID]{{ call.id }}[ARGS]")
    told = "{% if tools %}[TOOLS]{{ tools | tojson }}[/TOOLS]{% endif %}" + with_ids
    for dialect in (Dialect.from_template(with_ids), Dialect.from_template(told)):
        assert dialect.native, dialect.evidence
        other = "[TOOL_CALLS]other[CALL_ID]a[ARGS]{}"
        assert dialect.parse(other, [TOOL]).content == other


FENCED = (
    "{% if tools %}{{ tools | tojson }}\nThe example format is as follows.\n```\n[\n    "
    '{"name": "f1", "arguments": {"a": "b"}},\n    ... (more calls as required)\n]\n```{% endif %}'
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.mark.parametrize(
    ("reply", "calls"),
    [
        ('[{"name": "look", "arguments": {"at": "x"}}]', 1),
        ('```\n[\n    {"name": "look", "arguments": {"at": "x"}}\n]\n```', 1),
        ("```\nlook\n```", 0),
        ("`look` is a tool.", 0),
        ("[1]", 0),
    ],
)
def test_a_list_may_stand_within_the_fence_of_its_example(reply: str, calls: int) -> None:
    dialect = Dialect.from_template(FENCED)
    assert dialect.native
    read = dialect.parse(reply, [TOOL])
    assert (len(read.tool_calls), bool(read.content)) == (calls, not calls)
    assert dialect.grammar([TOOL]).matches(reply) == (reply != "[1]")


MARK_AND_FENCE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if tools %}{{ tools | tojson }} Write 'Action:' followed by a json-formatted list of "
    'actions, for example:\n```json\n[\n    {\n        "tool_name": title of the tool,\n        '
    '"parameters": its parameters\n    }\n]```<|end|>{% endif %}'
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.mark.parametrize("between", ["\n", " "])
@pytest.mark.parametrize("before", ["", "I look.\n"])
@pytest.mark.parametrize("layout", ["\n    {\n        ", "{"])
def test_a_mark_and_a_fence_may_stand_on_one_line(between: str, before: str, layout: str) -> None:
    dialect = Dialect.from_template(MARK_AND_FENCE)
    assert dialect.native, dialect.evidence
    call = f'[{layout}"tool_name": "look", "parameters": {{"at": "x"}}}}]```'
    reply = f"{before}Action:{between}```json\n{call}"
    for pieces in ([reply], list(reply)):
        heard = hear(dialect.parser(tools=[TOOL]), pieces)
        assert (heard.content, heard.calls) == (before.strip(), [("look", '{"at": "x"}')])
    assert dialect.grammar([TOOL]).matches(reply)
