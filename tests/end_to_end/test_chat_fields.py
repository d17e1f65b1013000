"""Every way of asking in a chat completion, against the shipped model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from tests.support.server import Server, running

pytestmark = pytest.mark.live

QUESTION: Any = {"role": "user", "content": "What is the weather like in Paris?"}
FUNCTION: Any = {
    "name": "get_weather",
    "description": "Get the current weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Name of the city"}},
        "required": ["city"],
    },
}
TOOL: Any = {"type": "function", "function": FUNCTION}
RESULT = json.dumps({"temperature": 18, "condition": "sunny"})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    with server.client() as opened:
        yield opened


def ask(client: OpenAI, **options: Any) -> Any:
    options = {"model": "demo", "messages": [QUESTION], "temperature": 0, **options}
    return client.chat.completions.create(**options)


def joined(chunks: Any) -> tuple[dict[str, Any], str]:
    """The message a stream adds up to, and its finish reason, by the protocol's rules."""
    message: dict[str, Any] = {"content": "", "name": "", "arguments": ""}
    reasons = []
    for chunk in chunks:
        (choice,) = chunk.choices
        delta = choice.delta
        message["content"] += delta.content or ""
        if delta.function_call is not None:
            message["name"] += delta.function_call.name or ""
            message["arguments"] += delta.function_call.arguments or ""
        reasons += [choice.finish_reason] * (choice.finish_reason is not None)
    (reason,) = reasons
    return message, reason


def test_a_legacy_conversation_works_whole_and_streamed(client: OpenAI) -> None:
    for function_call in ("auto", {"name": "get_weather"}):
        options = {"functions": [FUNCTION], "function_call": function_call}
        (choice,) = ask(client, **options).choices
        assert choice.finish_reason == "function_call"
        called = choice.message.function_call
        assert called.name == "get_weather"
        assert json.loads(called.arguments) == {"city": "Paris"}
        message, reason = joined(ask(client, **options, stream=True))
        assert (message["name"], message["arguments"]) == (called.name, called.arguments)
        assert reason == "function_call"


def test_the_result_of_a_legacy_call_reaches_the_model_as_any_result_does(client: OpenAI) -> None:
    called = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    legacy = [
        QUESTION,
        {"role": "assistant", "content": None, "function_call": called},
        {"role": "function", "name": "get_weather", "content": RESULT},
    ]
    modern = [
        QUESTION,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "type": "function", "function": called}],
        },
        {"role": "tool", "tool_call_id": "1", "content": RESULT},
    ]
    old = ask(client, messages=legacy, functions=[FUNCTION])
    new = ask(client, messages=modern, tools=[TOOL])
    assert old.choices[0].message.content == new.choices[0].message.content
    assert "18" in old.choices[0].message.content
    assert old.usage.prompt_tokens == new.usage.prompt_tokens


def test_an_observation_is_a_result(client: OpenAI) -> None:
    called = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    messages = [
        QUESTION,
        {"role": "assistant", "content": None, "function_call": called},
        {"role": "observation", "content": RESULT},
    ]
    reply = ask(client, messages=messages, functions=[FUNCTION])
    assert "18" in reply.choices[0].message.content


def test_function_call_none_never_calls(client: OpenAI) -> None:
    (choice,) = ask(client, functions=[FUNCTION], function_call="none", max_tokens=40).choices
    assert choice.message.function_call is None
    assert choice.finish_reason in ("stop", "length")


def test_a_custom_tool_is_called_with_a_text_of_its_form(client: OpenAI) -> None:
    grammar = {"syntax": "regex", "definition": "(red|green) [0-9]{2}"}
    custom = {"name": "paint", "format": {"type": "grammar", "grammar": grammar}}
    reply = ask(client, tools=[{"type": "custom", "custom": custom}], tool_choice="required")
    (call,) = reply.choices[0].message.tool_calls
    assert call.type == "custom"
    assert re.fullmatch("(red|green) [0-9]{2}", call.custom.input)


def test_choices_are_different_replies_to_one_prompt(client: OpenAI) -> None:
    free = {"top_k": 0, "top_p": 1, "min_p": 0}
    reply = ask(client, n=3, temperature=2, seed=5, max_tokens=12, extra_body=free)
    assert [choice.index for choice in reply.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in reply.choices}) > 1
    assert reply.usage.completion_tokens > 12


def test_choices_stream_side_by_side(client: OpenAI) -> None:
    # Greedy, because what shares a batch moves a logit's last digits, and then a seed's choices.
    options = {"n": 3, "temperature": 0, "max_tokens": 12}
    texts = [choice.message.content for choice in ask(client, **options).choices]
    streamed = ["", "", ""]
    ends = []
    for chunk in ask(client, **options, stream=True):
        (choice,) = chunk.choices
        streamed[choice.index] += choice.delta.content or ""
        ends += [choice.index] * (choice.finish_reason is not None)
    assert sorted(ends) == [0, 1, 2]
    assert streamed == texts


def test_logprobs_come_with_calls_and_streams(client: OpenAI) -> None:
    options = {"tools": [TOOL], "tool_choice": "required", "logprobs": True, "top_logprobs": 2}
    whole = ask(client, **options)
    scores = whole.choices[0].logprobs.content
    assert whole.usage.completion_tokens - len(scores) in (0, 1)  # the end of the turn has no text
    assert all(score.logprob <= 0 and len(score.top_logprobs) == 2 for score in scores)
    text = b"".join(bytes(score.bytes) for score in scores).decode()
    assert "get_weather" in text
    streamed: list[Any] = []
    for chunk in ask(client, **options, stream=True):
        if chunk.choices[0].logprobs is not None:
            streamed += chunk.choices[0].logprobs.content
    assert [score.token for score in streamed] == [score.token for score in scores]


def test_a_prediction_changes_nothing_but_the_count(client: OpenAI) -> None:
    plain = ask(client, max_tokens=30).choices[0].message.content
    predicted = ask(client, max_tokens=30, prediction={"type": "content", "content": plain})
    assert predicted.choices[0].message.content == plain
    details = predicted.usage.completion_tokens_details
    assert details.accepted_prediction_tokens >= 0
    assert details.rejected_prediction_tokens >= 0


def test_what_has_no_effect_is_named_in_a_header(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="demo", messages=[QUESTION], max_tokens=2, user="me", store=True
    )
    assert raw.headers["x-gguf-fc-ignored"] == "store, user"


def test_a_wish_for_padding_is_named_too(server: Server) -> None:
    body = {
        "messages": [QUESTION],
        "max_tokens": 2,
        "stream": True,
        "stream_options": {"include_obfuscation": True},
    }
    response = httpx.post(f"{server.url}/chat/completions", json=body, timeout=60)
    assert response.headers["x-gguf-fc-ignored"] == "stream_options.include_obfuscation"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"audio": {"voice": "x", "format": "mp3"}}, "audio"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"n": 100}, "n"),
        ({"top_logprobs": 2}, "top_logprobs"),
    ],
)
def test_what_is_not_offered_is_refused_by_name(
    client: OpenAI, fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **fields)
    assert caught.value.param == param
