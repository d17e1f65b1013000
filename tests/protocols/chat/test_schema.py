"""Every field of a chat completion has its place in the table."""

from __future__ import annotations

from typing import Any, get_type_hints

import orjson
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.protocols.chat.schema import CHAT, ChatBody

MESSAGES = [{"role": "user", "content": "hi"}]


def parse(**fields: Any) -> tuple[ChatBody, tuple[str, ...]]:
    return CHAT.parse(orjson.dumps({"messages": MESSAGES, **fields}))


def refused(**fields: Any) -> InvalidParameter:
    with pytest.raises(InvalidParameter) as caught:
        parse(**fields)
    return caught.value


def test_every_field_of_the_official_client_is_covered_by_the_policy() -> None:
    assert set(get_type_hints(CompletionCreateParamsNonStreaming)) <= CHAT.known


@pytest.mark.parametrize("name", sorted(CHAT.without_effect))
def test_a_field_without_effect_is_accepted_and_named(name: str) -> None:
    assert parse(**{name: "x"})[1] == (name,)


@pytest.mark.parametrize("name", sorted(CHAT.refused))
def test_a_field_that_would_change_the_answer_is_refused_by_name(name: str) -> None:
    error = refused(**{name: "something"})
    assert isinstance(error, UnsupportedParameter)
    assert error.param == name


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, row in CHAT.refused.items() for value in row.harmless],
)
def test_a_value_that_asks_for_nothing_is_accepted(name: str, value: object) -> None:
    assert parse(**{name: value})[1] == ()


@pytest.mark.parametrize("name", sorted(CHAT.known - {"messages"}))
def test_null_counts_as_absent(name: str) -> None:
    assert parse(**{name: None})[1] == ()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"max_tokens": -2}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"stop": ""}, "stop"),
        ({"stop": ["a"] * 129}, "stop"),
        ({"seed": 2**63}, "seed"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "wizard", "content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [7]}]}, "messages[0].content[0]"),
        ({"tools": [{"type": "web_search", "function": {"name": "f"}}]}, "tools[0].type"),
        ({"tools": [{"function": {"name": "two words"}}]}, "tools[0].function.name"),
        ({"tools": [{"function": {"name": "f", "parameters": 1}}]}, "tools[0].function.parameters"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"logit_bias": {"1": 200}}, "logit_bias[...]"),
    ],
)
def test_a_wrong_value_is_refused_by_its_path(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields).param == param


def test_missing_messages_are_named() -> None:
    with pytest.raises(InvalidParameter) as caught:
        CHAT.parse(b"{}")
    assert caught.value.param == "messages"


def test_message_fields_that_clients_echo_are_accepted_and_named() -> None:
    echoed = [{"role": "assistant", "content": "x", "annotations": [{"a": 1}], "audio": None}]
    assert parse(messages=echoed)[1] == ("messages[*].annotations",)
