"""The official Python client, in Chat Completions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI

from tests.clients.world import OTHER, QUESTION, TOO_LONG, TOOL, TWO_CITIES, Place

MESSAGES = [{"role": "user", "content": QUESTION}]


@pytest.fixture
def client(url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=url, api_key="none", max_retries=0, timeout=60) as opened:
        yield opened


def test_a_call_streamed_equals_the_call_in_one_piece(client: OpenAI) -> None:
    options = {
        "model": "demo",
        "messages": [{"role": "user", "content": TWO_CITIES}],
        "tools": [TOOL],
        "temperature": 0,
    }
    whole = client.chat.completions.create(**options).choices[0]
    with client.chat.completions.stream(**options) as stream:
        events = [event.type for event in stream]
        streamed = stream.get_final_completion().choices[0]
    assert whole.finish_reason == streamed.finish_reason == "tool_calls"
    calls = [[call.function for call in found.message.tool_calls] for found in (whole, streamed)]
    assert [(c.name, json.loads(c.arguments)) for c in calls[0]] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Lyon"}),
    ]
    assert [(c.name, c.arguments) for c in calls[0]] == [(c.name, c.arguments) for c in calls[1]]
    assert events.count("tool_calls.function.arguments.done") == 2


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "get_time"}}]
)
def test_a_call_that_is_asked_for_is_made(client: OpenAI, choice: object) -> None:
    made = client.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": "Hello!"}],
        tools=[TOOL, OTHER],
        tool_choice=choice,
        parallel_tool_calls=False,
        max_tokens=100,
    ).choices[0]
    (call,) = made.message.tool_calls
    assert call.function.name in (
        {"get_weather", "get_time"} if choice == "required" else {"get_time"}
    )
    assert set(json.loads(call.function.arguments)) == {"city"}


def test_results_that_are_sent_back_are_told(client: OpenAI) -> None:
    first = client.chat.completions.create(
        model="demo", messages=MESSAGES, tools=[TOOL], temperature=0
    ).choices[0]
    (call,) = first.message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": '{"temperature": 18}'}
    told = client.chat.completions.create(
        model="demo",
        messages=[*MESSAGES, first.message, result],
        tools=[TOOL],
        temperature=0,
    ).choices[0]
    assert told.finish_reason == "stop"
    assert "18" in told.message.content


def test_parse_returns_the_model_that_was_asked_for(client: OpenAI) -> None:
    completion = client.chat.completions.parse(
        model="demo",
        messages=[{"role": "user", "content": "Describe Paris."}],
        response_format=Place,
        max_tokens=200,
    )
    assert isinstance(completion.choices[0].message.parsed, Place)


def test_a_structured_answer_streams(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model="demo",
        messages=[{"role": "user", "content": "Describe Paris."}],
        response_format=Place,
        max_tokens=200,
    ) as stream:
        for _ in stream:
            pass
        parsed = stream.get_final_completion().choices[0].message.parsed
    assert isinstance(parsed, Place)


def test_a_parsed_call_has_the_tool_s_own_arguments(client: OpenAI) -> None:
    completion = client.chat.completions.parse(
        model="demo",
        messages=MESSAGES,
        tools=[openai.pydantic_function_tool(Place, name="describe")],
        tool_choice="required",
        parallel_tool_calls=False,
        max_tokens=200,
    )
    (call,) = completion.choices[0].message.tool_calls
    assert isinstance(call.function.parsed_arguments, Place)


def test_usage_is_streamed_when_asked_for(client: OpenAI) -> None:
    chunks = client.chat.completions.create(
        model="demo",
        messages=MESSAGES,
        stream=True,
        stream_options={"include_usage": True},
        max_tokens=5,
    )
    usages = [chunk.usage for chunk in chunks if chunk.usage]
    assert [usage.completion_tokens for usage in usages] == [5]


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_over_the_context_is_a_bad_request_by_its_code(
    client: OpenAI, *, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model="demo", messages=[{"role": "user", "content": TOO_LONG}], stream=stream
        )
    assert caught.value.code == "context_length_exceeded"
    assert caught.value.param == "messages"


def test_a_model_that_is_not_offered_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-nothing", messages=MESSAGES)
    assert caught.value.code == "model_not_found"


def test_the_models_are_listed(client: OpenAI) -> None:
    assert "demo" in [model.id for model in client.models.list()]
