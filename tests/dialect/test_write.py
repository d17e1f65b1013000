"""The writer."""

from __future__ import annotations

import pytest

from gguf_fc.dialect.syntax import Syntax
from gguf_fc.dialect.write import Call, write
from tests.support import syntaxes

PARIS = Call("get_weather", {"city": "Paris"}, "abcdefgh0")
LYON = Call("get_weather", {"city": "Lyon"}, "abcdefgh1")


@pytest.mark.parametrize(
    ("syntax", "expected"),
    [
        (
            syntaxes.TAGGED,
            (
                "Hi.\n<tool_call>\n"
                '{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>\n'
                "<tool_call>\n"
                '{"name": "get_weather", "arguments": {"city": "Lyon"}}\n</tool_call>'
            ),
        ),
        (
            syntaxes.ARRAY,
            (
                'Hi.<calls>[{"name": "get_weather", "arguments": {"city": "Paris"}}, '
                '{"name": "get_weather", "arguments": {"city": "Lyon"}}]</calls>'
            ),
        ),
        (
            syntaxes.WITH_ID,
            (
                'Hi.[CALLS][{"name": "get_weather", "arguments": {"city": "Paris"}, '
                '"id": "abcdefgh0"}, {"name": "get_weather", "arguments": {"city": "Lyon"}, '
                '"id": "abcdefgh1"}]'
            ),
        ),
        (
            syntaxes.TIGHT,
            (
                'Hi.<c>{"name":"get_weather","arguments":{"city":"Paris"}}</c>'
                '<c>{"name":"get_weather","arguments":{"city":"Lyon"}}</c>'
            ),
        ),
        (
            syntaxes.NAME_IN_TAG,
            (
                'Hi.<function=get_weather>{"city": "Paris"}</function>'
                '<function=get_weather>{"city": "Lyon"}</function>'
            ),
        ),
        (
            syntaxes.RECIPIENT,
            '>>>all\nHi.>>>get_weather\n{"city": "Paris"}>>>get_weather\n{"city": "Lyon"}',
        ),
        (
            syntaxes.HEADED,
            (
                "<|from|>me\n<|to|>all\n<|content|>Hi.\n<|from|>me\n<|to|>get_weather\n<|content|>"
                '{"city": "Paris"}\n<|from|>me\n<|to|>get_weather\n<|content|>{"city": "Lyon"}'
            ),
        ),
    ],
)
def test_text_and_two_calls_are_written_as_the_syntax_says(syntax: Syntax, expected: str) -> None:
    assert write(syntax, content="Hi.", calls=[PARIS, LYON]) == expected


def test_reasoning_is_written_only_where_the_syntax_has_it() -> None:
    assert write(syntaxes.TAGGED, reasoning="Hm.", content="Yes.") == (
        "<think>\nHm.\n</think>\n\nYes."
    )
    assert write(syntaxes.ARRAY, reasoning="Hm.", content="Yes.") == "Yes."


def test_a_name_is_escaped_inside_json_and_bare_elsewhere() -> None:
    odd = Call('say "é"', {})
    assert write(syntaxes.BARE, calls=[odd]) == r'{"name": "say \"é\"", "parameters": {}}'
    assert write(syntaxes.NAME_IN_TAG, calls=[odd]) == '<function=say "é">{}</function>'
