"""The generic format as models are told of it: tools, a call, examples, and how many calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

import pytest

from gguf_fc import Dialect
from gguf_fc.dialect.prompt.generic import CHAT_TEMPLATE, GENERIC
from gguf_fc.request import Tool
from tests.support.corpus import corpus

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
REFUSES = "{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}"
NO_SYSTEM = CHATML.replace("<|im_start|>", REFUSES + "<|im_start|>", 1)
TOOL = {
    "type": "function",
    "function": {
        "name": "book_flight",
        "description": "Book a flight",
        "parameters": {
            "type": "object",
            "properties": {
                "legs": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"departs": {"type": "string"}}},
                },
                "cabin": {"enum": ["economy", "business"]},
            },
            "required": ["legs"],
        },
    },
}
MESSAGES = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "To Rome!"}]
CALLED = [example.call for example in GENERIC.examples if example.call]


def generic() -> Iterator[tuple[str, Dialect]]:
    for name, template in (("plain", CHAT_TEMPLATE), ("chatml", CHATML), ("roles", NO_SYSTEM)):
        yield name, Dialect.from_template(template)


def real() -> Iterator[tuple[str, Dialect]]:
    yield from ((name, each) for name, each in corpus().items() if not each.native)


def test_tools_a_call_and_examples_stand_before_what_the_user_says() -> None:
    names = ("book_flight", "legs", "departs", "cabin", "economy", "Book a flight")
    asked = [example.asks for example in GENERIC.examples]
    for name, dialect in chain(generic(), real()):
        _check_told(name, dialect, [*names, *asked, "Be kind."])


def _check_told(name: str, dialect: Dialect, texts: list[str]) -> None:
    prompt = dialect.render(MESSAGES, tools=[TOOL]).text
    question = prompt.rindex("To Rome!")
    written = [
        dialect.write(tool_calls=[{"name": c.name, "arguments": c.arguments}]) for c in CALLED
    ]
    for text in (*texts, *written):
        assert 0 <= prompt.find(text) < question, (name, text)


def test_without_tools_nothing_is_told() -> None:
    for _, dialect in generic():
        prompt = dialect.render(MESSAGES).text
        assert "function" not in prompt
        assert GENERIC.examples[0].asks not in prompt


def test_replies_of_the_examples_are_read_as_what_they_show_and_may_be_written() -> None:
    dialect = Dialect.from_template(CHATML)
    tools = [Tool(name=call.name, parameters=_taking(call.arguments)) for call in CALLED]
    grammar = dialect.grammar(tools=tools)
    for example in GENERIC.examples:
        shown = (
            [{"name": example.call.name, "arguments": example.call.arguments}]
            if example.call
            else []
        )
        text = dialect.write(example.answers, tool_calls=shown)
        reply = dialect.parse(text, tools=tools)
        assert [(c.name, json.loads(c.arguments)) for c in reply.tool_calls] == [
            (call["name"], call["arguments"]) for call in shown
        ]
        assert (reply.content or "") == example.answers
        assert grammar.matches(text)


def _taking(arguments: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": {key: {"type": "string"} for key in arguments}}


def test_an_example_of_a_tool_that_is_really_there_is_left_out() -> None:
    dialect = Dialect.from_template(CHATML)
    name = CALLED[0].name
    function = {"name": name, "description": "Plays", "parameters": {"type": "object"}}
    prompt = dialect.render(MESSAGES, tools=[{"type": "function", "function": function}]).text
    assert prompt.count(f'"{name}"') == 1
    assert f'"{CALLED[1].name}"' in prompt


@pytest.mark.parametrize(("parallel", "said"), [(None, False), (False, False), (True, True)])
def test_several_calls_are_spoken_of_only_where_the_grammar_allows_them(
    parallel: bool | None,  # noqa: FBT001
    said: bool,  # noqa: FBT001
) -> None:
    for name, dialect in generic():
        prompt = dialect.render(MESSAGES, tools=[TOOL], parallel_tool_calls=parallel)
        assert (GENERIC.several in prompt.text) == said, name
        grammar = dialect.grammar([TOOL], "required", parallel)
        call = {"name": "book_flight", "arguments": {"legs": []}}
        assert grammar.matches(dialect.write(tool_calls=[call])), name
        assert grammar.matches(dialect.write(tool_calls=[call, call])) == said, name


def test_a_template_may_ask_for_parallel_calls_by_their_name() -> None:
    dialect = Dialect.from_template(CHATML + "{% if parallel_tool_calls is false %}One.{% endif %}")
    ends = {
        parallel: dialect.render(MESSAGES, parallel_tool_calls=parallel).text.endswith("One.")
        for parallel in (None, False, True)
    }
    assert ends == {None: False, False: True, True: False}
