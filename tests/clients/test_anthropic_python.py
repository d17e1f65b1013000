"""The official Python client of the Messages protocol."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import pytest
from anthropic import Anthropic

from tests.clients.world import DESCRIPTION, PARAMETERS, QUESTION, TOO_LONG, TWO_CITIES, Place

TOOL = {"name": "get_weather", "description": DESCRIPTION, "input_schema": PARAMETERS}
OPTIONS = {"model": "demo", "max_tokens": 200, "extra_body": {"temperature": 0}}


@pytest.fixture
def client(root: str) -> Iterator[Anthropic]:
    with Anthropic(base_url=root, api_key="none", max_retries=0, timeout=60) as opened:
        yield opened


def test_a_call_streamed_equals_the_call_in_one_piece(client: Anthropic) -> None:
    options = {**OPTIONS, "messages": [{"role": "user", "content": TWO_CITIES}], "tools": [TOOL]}
    whole = client.messages.create(**options)
    with client.messages.stream(**options) as stream:
        streamed = stream.get_final_message()
    for reply in (whole, streamed):
        assert reply.stop_reason == "tool_use"
        assert [
            (block.name, block.input) for block in reply.content if block.type == "tool_use"
        ] == [
            ("get_weather", {"city": "Paris"}),
            ("get_weather", {"city": "Lyon"}),
        ]
    read = [
        reply.usage.input_tokens + reply.usage.cache_read_input_tokens
        for reply in (whole, streamed)
    ]
    assert read[0] == read[1]


def test_a_result_that_is_sent_back_is_told(client: Anthropic) -> None:
    question = {"role": "user", "content": QUESTION}
    first = client.messages.create(messages=[question], tools=[TOOL], **OPTIONS)
    (call,) = (block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": '{"degrees": 18}'}
    told = client.messages.create(
        messages=[
            question,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ],
        tools=[TOOL],
        **OPTIONS,
    )
    assert told.stop_reason == "end_turn"
    assert "18" in told.content[0].text


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_a_call_that_is_asked_for_is_made(client: Anthropic, choice: dict[str, str]) -> None:
    reply = client.messages.create(
        messages=[{"role": "user", "content": "Hello!"}],
        tools=[TOOL],
        tool_choice={**choice, "disable_parallel_tool_use": True},
        **OPTIONS,
    )
    (call,) = (block for block in reply.content if block.type == "tool_use")
    assert set(call.input) == {"city"}


def test_a_structured_answer_has_its_form(client: Anthropic) -> None:
    form = {"type": "json_schema", "schema": Place.model_json_schema()}
    reply = client.messages.create(
        messages=[{"role": "user", "content": "Describe Paris."}],
        **{**OPTIONS, "extra_body": {"temperature": 0, "output_config": {"format": form}}},
    )
    Place.model_validate_json(reply.content[0].text)


def test_tokens_are_counted_as_a_reply_counts_them(client: Anthropic) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    counted = client.messages.count_tokens(model="demo", messages=messages, tools=[TOOL])
    reply = client.messages.create(messages=messages, tools=[TOOL], **OPTIONS)
    usage = reply.usage
    assert counted.input_tokens == usage.input_tokens + (usage.cache_read_input_tokens or 0)


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_over_the_context_is_a_bad_request(client: Anthropic, *, stream: bool) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.messages.create(
            messages=[{"role": "user", "content": TOO_LONG}], stream=stream, **OPTIONS
        )
    assert caught.value.body["error"]["type"] == "invalid_request_error"
