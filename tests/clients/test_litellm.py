"""LiteLLM, through its generic OpenAI-compatible provider."""

from __future__ import annotations

import json
from typing import Any

import litellm
import pytest

from tests.clients.world import QUESTION, TOO_LONG, TOOL, Place

litellm.telemetry = False


@pytest.fixture
def options(url: str) -> dict[str, Any]:
    return {
        "model": "openai/demo",
        "api_base": url,
        "api_key": "none",
        "temperature": 0,
        "num_retries": 0,
        "max_tokens": 200,
    }


def test_a_call_streamed_equals_the_call_in_one_piece(options: dict[str, Any]) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    whole = litellm.completion(messages=messages, tools=[TOOL], **options)
    chunks = list(litellm.completion(messages=messages, tools=[TOOL], stream=True, **options))
    streamed = litellm.stream_chunk_builder(chunks)
    for reply in (whole, streamed):
        assert reply.choices[0].finish_reason == "tool_calls"
        (call,) = reply.choices[0].message.tool_calls
        assert call.function.name == "get_weather"
        assert json.loads(call.function.arguments) == {"city": "Paris"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_structured_answer_has_its_form(options: dict[str, Any], *, stream: bool) -> None:
    messages = [{"role": "user", "content": "Describe Paris."}]
    reply = litellm.completion(messages=messages, response_format=Place, stream=stream, **options)
    reply = litellm.stream_chunk_builder(list(reply)) if stream else reply
    Place.model_validate_json(reply.choices[0].message.content)


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_over_the_context_is_an_error_of_its_kind(
    options: dict[str, Any], *, stream: bool
) -> None:
    messages = [{"role": "user", "content": TOO_LONG}]
    with pytest.raises(litellm.ContextWindowExceededError):
        litellm.completion(messages=messages, stream=stream, **options)
