"""The official Python client of Ollama."""

from __future__ import annotations

import ollama
import pytest

from tests.clients.world import QUESTION, TOO_LONG, TOOL, Place

MESSAGES = [{"role": "user", "content": QUESTION}]
GREEDY = {"temperature": 0, "num_predict": 200}


@pytest.fixture
def client(root: str) -> ollama.Client:
    return ollama.Client(host=root)


def test_a_call_streamed_equals_the_call_in_one_piece(client: ollama.Client) -> None:
    options = {"model": "demo", "messages": MESSAGES, "tools": [TOOL], "options": GREEDY}
    whole = client.chat(**options).message.tool_calls
    streamed = [
        call
        for part in client.chat(stream=True, **options)
        for call in part.message.tool_calls or []
    ]
    for calls in (whole, streamed):
        assert [(call.function.name, dict(call.function.arguments)) for call in calls] == [
            ("get_weather", {"city": "Paris"})
        ]


def test_a_result_that_is_sent_back_is_told(client: ollama.Client) -> None:
    first = client.chat(model="demo", messages=MESSAGES, tools=[TOOL], options=GREEDY)
    result = {"role": "tool", "tool_name": "get_weather", "content": '{"degrees": 18}'}
    told = client.chat(
        model="demo", messages=[*MESSAGES, first.message, result], tools=[TOOL], options=GREEDY
    )
    assert "18" in told.message.content
    assert told.done_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_a_structured_answer_has_its_form(client: ollama.Client, *, stream: bool) -> None:
    reply = client.chat(
        model="demo",
        messages=[{"role": "user", "content": "Describe Paris."}],
        format=Place.model_json_schema(),
        options=GREEDY,
        stream=stream,
    )
    parts = list(reply) if stream else [reply]
    Place.model_validate_json("".join(part.message.content for part in parts))
    assert parts[-1].done


def test_the_models_are_listed_and_shown(client: ollama.Client) -> None:
    assert "demo:latest" in [model.model for model in client.list().models]
    assert "tools" in client.show("demo").capabilities


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_over_the_context_is_a_bad_request(client: ollama.Client, *, stream: bool) -> None:
    messages = [{"role": "user", "content": TOO_LONG}]
    with pytest.raises(ollama.ResponseError) as caught:
        list(client.chat(model="demo", messages=messages, stream=stream))
    assert caught.value.status_code == 400
    assert "context" in caught.value.error
