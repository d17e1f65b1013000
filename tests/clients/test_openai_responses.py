"""The official Python client, in Responses."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI

from tests.clients.world import FLAT_TOOL, QUESTION, TOO_LONG, TWO_CITIES, Place


@pytest.fixture
def client(url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=url, api_key="none", max_retries=0, timeout=60) as opened:
        yield opened


def test_a_call_streamed_equals_the_call_in_one_piece(client: OpenAI) -> None:
    options = {"model": "demo", "input": TWO_CITIES, "tools": [FLAT_TOOL], "temperature": 0}
    whole = client.responses.create(**options)
    with client.responses.stream(**options) as stream:
        numbers = [event.sequence_number for event in stream]
        streamed = stream.get_final_response()
    for reply in (whole, streamed):
        calls = [item for item in reply.output if item.type == "function_call"]
        assert [(c.name, json.loads(c.arguments)) for c in calls] == [
            ("get_weather", {"city": "Paris"}),
            ("get_weather", {"city": "Lyon"}),
        ]
        assert reply.status == "completed"
    assert numbers == list(range(len(numbers)))


def test_a_result_is_sent_back_by_the_previous_response_s_id(client: OpenAI) -> None:
    options = {"model": "demo", "tools": [FLAT_TOOL], "temperature": 0}
    first = client.responses.create(input=QUESTION, **options)
    (call,) = first.output
    result = {"type": "function_call_output", "call_id": call.call_id, "output": '{"degrees": 18}'}
    second = client.responses.create(input=[result], previous_response_id=first.id, **options)
    assert "18" in second.output_text


def test_parse_returns_the_model_that_was_asked_for(client: OpenAI) -> None:
    found = client.responses.parse(
        model="demo", input="Describe Paris.", text_format=Place, max_output_tokens=200
    )
    assert isinstance(found.output_parsed, Place)


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_over_the_context_is_a_bad_request_by_its_code(
    client: OpenAI, *, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="demo", input=TOO_LONG, stream=stream)
    assert caught.value.code == "context_length_exceeded"
    assert caught.value.param == "input"
