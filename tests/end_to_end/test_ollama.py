"""Ollama's protocol for real: the shipped model, the real engine, the official client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import ollama
import pytest
from ollama import ChatResponse

from tests.support.server import Server, running

pytestmark = pytest.mark.live

QUESTION: Any = {"role": "user", "content": "What is the weather like in Paris and Lyon?"}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Name of the city"}},
            "required": ["city"],
        },
    },
}
RESULT: Any = {
    "role": "tool",
    "tool_name": "get_weather",
    "content": '{"temperature": 18, "condition": "sunny"}',
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def client(server: Server) -> Iterator[ollama.Client]:
    with ollama.Client(host=server.url.removesuffix("/v1"), timeout=60) as opened:
        yield opened


def ask(client: ollama.Client, messages: list[Any], **options: Any) -> ChatResponse:
    response: ChatResponse = client.chat("demo", messages=messages, **options)
    return response


def calls(response: ChatResponse) -> list[tuple[str, dict[str, Any]]]:
    made = response.message.tool_calls or []
    return [(call.function.name, dict(call.function.arguments)) for call in made]


def joined(parts: list[ChatResponse]) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """What a stream said."""
    text = "".join(part.message.content or "" for part in parts)
    return text, [call for part in parts for call in calls(part)]


def test_two_cities_are_two_calls_streamed_and_not(client: ollama.Client) -> None:
    whole = ask(client, [QUESTION], tools=[WEATHER])
    assert calls(whole) == [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Lyon"})]
    assert (whole.done, whole.done_reason) == (True, "stop")
    parts = list(client.chat("demo", messages=[QUESTION], tools=[WEATHER], stream=True))
    assert joined(parts) == (whole.message.content, calls(whole))
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert parts[-1].eval_count == whole.eval_count


def test_the_results_come_back_in_an_answer(client: ollama.Client) -> None:
    message = ask(client, [QUESTION], tools=[WEATHER]).message
    conversation = [QUESTION, message, RESULT, RESULT]
    whole = ask(client, conversation, tools=[WEATHER])
    assert "Paris" in (whole.message.content or "")
    parts = list(client.chat("demo", messages=conversation, tools=[WEATHER], stream=True))
    assert joined(parts) == (whole.message.content, [])
    assert len(parts) > 2


def test_ollama_s_and_the_chat_protocol_say_the_same(client: ollama.Client, server: Server) -> None:
    with server.client() as chat:
        said = chat.chat.completions.create(
            model="demo", messages=[QUESTION], tools=[WEATHER], temperature=0
        ).choices[0]
    theirs = [
        (call.function.name, json.loads(call.function.arguments))
        for call in said.message.tool_calls or []
        if call.type == "function"
    ]
    assert calls(ask(client, [QUESTION], tools=[WEATHER])) == theirs


def test_an_answer_in_a_schema(client: ollama.Client) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Lyon"]}, "n": {"type": "integer"}},
        "required": ["city", "n"],
        "additionalProperties": False,
    }
    answer = json.loads(ask(client, [QUESTION], format=schema).message.content or "")
    assert answer["city"] in {"Paris", "Lyon"}
    assert isinstance(answer["n"], int)
    free = client.generate("demo", "Name a city.", format="json", options={"num_predict": 60})
    assert free.done_reason == "length" or isinstance(json.loads(free.response or ""), dict)


def test_a_prompt_is_answered_streamed_and_not(client: ollama.Client) -> None:
    whole = client.generate("demo", "Hello", system="You are a helpful assistant.")
    parts = list(
        client.generate("demo", "Hello", system="You are a helpful assistant.", stream=True)
    )
    assert whole.response
    assert "".join(part.response or "" for part in parts) == whole.response


def test_a_raw_prompt_is_what_the_model_reads(client: ollama.Client) -> None:
    raw = "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    told = client.generate("demo", "Hello")
    found = client.generate("demo", raw, raw=True)
    assert found.response == told.response
    parts = list(client.generate("demo", raw, raw=True, stream=True))
    assert "".join(part.response or "" for part in parts) == told.response
    assert (parts[-1].done_reason, parts[-1].eval_count) == ("stop", told.eval_count)


def test_a_gap_the_model_cannot_fill_is_refused(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="suffix") as caught:
        client.generate("demo", "def f(", suffix="return x")
    assert caught.value.status_code == 400


def test_options_limit_and_stop(client: ollama.Client) -> None:
    cut = ask(client, [QUESTION], options={"num_predict": 3})
    assert (cut.done_reason, cut.eval_count) == ("length", 3)
    whole = client.generate("demo", "Hello").response or ""
    stop = whole[3:6]
    stopped = client.generate("demo", "Hello", options={"stop": [stop]})
    assert stopped.response == whole[: whole.index(stop)]


def test_texts_become_vectors_as_in_the_other_protocol(
    client: ollama.Client, server: Server
) -> None:
    texts = ["It is sunny.", "The sun shines."]
    found = client.embed("demo:latest", texts, dimensions=8, truncate=True)
    with server.client() as openai:
        theirs = openai.embeddings.create(model="demo", input=texts, dimensions=8)
    for vector, entry in zip(found.embeddings, theirs.data, strict=True):
        assert vector == pytest.approx(entry.embedding, rel=1e-6)
    assert found.prompt_eval_count == theirs.usage.prompt_tokens
    (one,) = client.embed("demo", texts[0]).embeddings
    assert client.embeddings("demo", texts[0]).embedding == pytest.approx(one)


def test_scores_come_with_the_tokens(client: ollama.Client) -> None:
    found = ask(client, [QUESTION], logprobs=True, top_logprobs=2, options={"num_predict": 2})
    assert found.logprobs is not None
    assert [len(score.top_logprobs or ()) for score in found.logprobs] == [2, 2]


@pytest.mark.parametrize("stream", [True, False])
def test_without_a_prompt_the_model_is_only_loaded(server: Server, stream: bool) -> None:  # noqa: FBT001
    url = server.url.replace("/v1", "/api/generate")
    answer = httpx.post(url, json={"model": "demo:latest", "stream": stream, "keep_alive": -1})
    assert answer.json()["done_reason"] == "load"
    assert answer.headers["x-gguf-fc-ignored"] == "keep_alive"
    kind = "application/x-ndjson" if stream else "application/json"
    assert answer.headers["content-type"].startswith(kind)


def test_the_loaded_model_is_listed_and_shown(client: ollama.Client) -> None:
    assert [model.model for model in client.list().models] == ["demo:latest"]
    (running_model,) = client.ps().models
    shown = client.show("demo:latest")
    assert shown.modelinfo is not None
    assert shown.modelinfo["llama.context_length"] == running_model.context_length
    assert f"num_ctx{running_model.context_length:>28}" in (shown.parameters or "")
    assert "tools" in (shown.capabilities or [])


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ({"options": {"num_ctx": 0}}, 400, "options.num_ctx"),
        ({"options": {"top_k": -2}}, 400, "options.top_k"),
        ({"messages": [{"role": "user", "content": "x" * 100_000}]}, 400, "context"),
        ({"model": "other"}, 404, "this server offers: demo"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_errors_have_the_protocol_s_shape(
    server: Server,
    options: Any,
    status: int,
    message: str,
    stream: bool,  # noqa: FBT001
) -> None:
    body = {"model": "demo", "messages": [QUESTION], "stream": stream, **options}
    answer = httpx.post(server.url.replace("/v1", "/api/chat"), json=body, timeout=60)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert message in answer.json()["error"]
