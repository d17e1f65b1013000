"""The whole path, for real: the shipped model, the real engine, the official client."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import psutil
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionMessage

from tests.support.server import QUIET, Server, running

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
RESULTS = {
    "Paris": {"temperature": 18, "condition": "sunny"},
    "Lyon": {"temperature": 21, "condition": "cloudy"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    with server.client() as opened:
        yield opened


def ask(client: OpenAI, messages: list[Any], **options: Any) -> ChatCompletionMessage:
    completion: ChatCompletion = client.chat.completions.create(
        model="demo", messages=messages, temperature=0, **options
    )
    return completion.choices[0].message


def streamed(client: OpenAI, messages: list[Any], **options: Any) -> Any:
    """The same request as a stream, joined by the official client."""
    with client.chat.completions.stream(
        model="demo", messages=messages, temperature=0, **options
    ) as stream:
        stream.until_done()
        return stream.get_final_completion()


def spoken(message: Any) -> tuple[str | None, list[tuple[str, str]]]:
    """What a message says, without its random ids."""
    calls = message.tool_calls or []
    return message.content, [(call.function.name, call.function.arguments) for call in calls]


def with_results(message: ChatCompletionMessage) -> list[Any]:
    """The conversation after every call of *message* was answered."""
    results = [
        {
            "role": "tool",
            "tool_call_id": call.id,
            "content": json.dumps(RESULTS[json.loads(call.function.arguments)["city"]]),
        }
        for call in message.tool_calls or []
        if call.type == "function"
    ]
    return [QUESTION, message.model_dump(exclude_none=True), *results]


def test_two_cities_are_two_parallel_calls(client: OpenAI) -> None:
    completion = client.chat.completions.create(
        model="demo", messages=[QUESTION], tools=[WEATHER], temperature=0
    )
    assert completion.choices[0].finish_reason == "tool_calls"
    _, calls = spoken(completion.choices[0].message)
    assert [(name, json.loads(arguments)) for name, arguments in calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Lyon"}),
    ]
    ids = [call.id for call in completion.choices[0].message.tool_calls or []]
    assert len(set(ids)) == 2


def test_both_results_come_back_in_one_answer(client: OpenAI) -> None:
    message = ask(client, [QUESTION], tools=[WEATHER])
    answer = ask(client, with_results(message), tools=[WEATHER])
    assert answer.content is not None
    assert "Paris" in answer.content
    assert "Lyon" in answer.content


def test_a_stream_and_a_whole_reply_are_equal(client: OpenAI) -> None:
    whole = ask(client, [QUESTION], tools=[WEATHER])
    joined = streamed(client, [QUESTION], tools=[WEATHER])
    assert spoken(joined.choices[0].message) == spoken(whole)
    assert joined.choices[0].finish_reason == "tool_calls"

    answered = with_results(whole)
    whole = ask(client, answered, tools=[WEATHER])
    joined = streamed(client, answered, tools=[WEATHER])
    assert spoken(joined.choices[0].message) == spoken(whole)
    assert joined.choices[0].finish_reason == "stop"


def test_the_second_turn_reads_only_what_is_new(client: OpenAI) -> None:
    first = client.chat.completions.create(
        model="demo", messages=[QUESTION], tools=[WEATHER], temperature=0
    )
    assert first.usage is not None
    second = client.chat.completions.create(
        model="demo",
        messages=with_results(first.choices[0].message),
        tools=[WEATHER],
        temperature=0,
    )
    assert second.usage is not None
    assert second.usage.prompt_tokens_details is not None
    assert (second.usage.prompt_tokens_details.cached_tokens or 0) >= first.usage.prompt_tokens


def test_usage_of_a_stream_equals_that_of_a_whole_reply(client: OpenAI) -> None:
    options: dict[str, Any] = {"model": "demo", "messages": [QUESTION], "temperature": 0}
    whole = client.chat.completions.create(**options)
    chunks = list(
        client.chat.completions.create(
            **options, stream=True, stream_options={"include_usage": True}
        )
    )
    usage = chunks[-1].usage
    assert whole.usage is not None
    assert usage is not None
    assert chunks[-1].choices == []
    assert (usage.prompt_tokens, usage.completion_tokens) == (
        whole.usage.prompt_tokens,
        whole.usage.completion_tokens,
    )


def test_a_call_cut_off_by_the_limit_is_not_reported(client: OpenAI) -> None:
    completion = client.chat.completions.create(
        model="demo",
        messages=[QUESTION],
        tools=[WEATHER],
        tool_choice="required",
        max_tokens=5,
    )
    assert completion.choices[0].finish_reason == "length"
    assert not completion.choices[0].message.tool_calls


def test_an_answer_can_be_held_to_a_schema(client: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "mood": {"enum": ["good", "bad"]},
            "score": {"type": "integer", "minimum": 0, "maximum": 10},
        },
        "required": ["mood", "score"],
        "additionalProperties": False,
    }
    message = ask(
        client,
        [{"role": "user", "content": "How are you?"}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "mood", "schema": schema, "strict": True},
        },
        max_tokens=200,
    )
    answer = json.loads(message.content or "")
    assert answer.keys() == {"mood", "score"}
    assert answer["mood"] in ("good", "bad")
    assert isinstance(answer["score"], int)


def test_a_prompt_over_the_context_is_refused_whole(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, [{"role": "user", "content": "word " * 50_000}])
    assert caught.value.code == "context_length_exceeded"
    assert caught.value.param == "messages"


@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_field_is_named_in_the_error(client: OpenAI, stream: bool) -> None:  # noqa: FBT001
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model="demo",
            messages=[{"role": "user", "content": "hi"}],
            temperature=9,
            stream=stream,
        )
    assert caught.value.param == "temperature"


def test_an_unknown_model_is_refused_with_what_is_offered(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(
            model="gpt-none", messages=[{"role": "user", "content": "hi"}]
        )
    assert caught.value.code == "model_not_found"
    assert "demo" in caught.value.message


def test_eight_requests_at_once_get_their_own_answers(server: Server) -> None:
    cities = ["Paris", "Lyon", "Rome", "Berlin", "Oslo", "Madrid", "London", "Tokyo"]

    def weather_in(n: int) -> tuple[str | None, list[tuple[str, str]]]:
        question = {"role": "user", "content": f"What is the weather in {cities[n]}?"}
        with server.client() as client:
            options: dict[str, Any] = {"tools": [WEATHER], "tool_choice": "required"}
            if n % 2:
                return spoken(streamed(client, [question], **options).choices[0].message)
            return spoken(ask(client, [question], **options))

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(weather_in, range(8)))
    alone = [weather_in(n) for n in range(8)]
    assert together == alone
    assert len({str(answer) for answer in together}) > 1


def busy_seconds(worker: psutil.Process) -> float:
    times = worker.cpu_times()
    return float(times.user + times.system)


ENDLESS: Any = {
    "model": "demo",
    "messages": [{"role": "user", "content": "hello"}],
    "temperature": 2,
    "logit_bias": {},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"schema": {"type": "array", "items": {"enum": [1, 2]}, "minItems": 5000}},
    },
}


@pytest.mark.parametrize("stream", [False, True])
def test_work_stops_within_a_second_when_the_client_goes(server: Server, stream: bool) -> None:  # noqa: FBT001
    body = {**ENDLESS, "stream": stream}
    try:
        with httpx.stream(
            "POST", f"{server.url}/chat/completions", json=body, timeout=0.5
        ) as response:
            for n, _ in enumerate(response.iter_lines()):
                if n > 10:
                    break
    except httpx.ReadTimeout:
        pass
    time.sleep(1.0)
    worker = server.worker
    before = busy_seconds(worker)
    time.sleep(0.5)
    assert busy_seconds(worker) - before < 0.1


def text_of(lines: Iterable[str]) -> str:
    """Text of a streamed reply, which must come to its regular end."""
    *chunks, last = (line.removeprefix("data: ") for line in lines if line.startswith("data: "))
    assert last == "[DONE]"
    choices = [choice for chunk in map(json.loads, chunks) for choice in chunk["choices"]]
    assert choices[-1]["finish_reason"] in {"stop", "length"}
    return "".join(choice["delta"].get("content") or "" for choice in choices)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP])
def test_a_worker_that_dies_or_stops_is_a_pause_in_a_reply_that_its_grammar_holds(
    server: Server, client: OpenAI, number: int
) -> None:
    body = {**ENDLESS, "stream": True, "max_tokens": 1000, "temperature": 1}
    with httpx.stream("POST", f"{server.url}/chat/completions", json=body, timeout=60) as response:
        lines = response.iter_lines()
        first = [next(lines) for _ in range(6)]
        os.kill(server.worker.pid, number)
        text = text_of([*first, *lines])
    assert re.fullmatch(r"\[ ?([12],? ?)+", text)
    assert ask(client, [QUESTION], tools=[WEATHER]).tool_calls
    assert server.process.poll() is None


def test_what_the_grammar_forces_is_not_sampled(client: OpenAI) -> None:
    completion = client.chat.completions.create(
        model="demo", messages=[QUESTION], tools=[WEATHER], tool_choice="required", temperature=0
    )
    assert completion.usage is not None
    steps = completion.model_dump()["timings"]["decode_steps"]
    assert completion.usage.completion_tokens >= 1.5 * steps


def test_the_catalog_lists_the_model_with_its_context(client: OpenAI) -> None:
    (model,) = client.models.list().data
    assert model.id == "demo"
    assert model.model_dump()["context_length"] > 0
    assert client.models.retrieve("demo").id == "demo"


def test_health_is_ok_while_the_model_is_loaded(server: Server) -> None:
    response = httpx.get(server.url.removesuffix("/v1") + "/health")
    assert (response.status_code, response.json()["status"]) == (200, "ok")


def test_the_start_says_what_is_served(server: Server) -> None:
    heads = [line.split()[0] for line in server.lines]
    assert heads == ["model", "context", "parallel", "device", "tools", "cache", "url"]
    assert "native (tagged JSON)" in next(line for line in server.lines if "tools" in line)


def test_weights_that_are_not_repacked_are_said_to_be_so(tmp_path: Path) -> None:
    with running(tmp_path, "--no-repack") as server:
        (device,) = (line for line in server.lines if line.startswith("device"))
        assert device.endswith("; weights not repacked: as asked")


def test_nothing_is_written_to_standard_error(tmp_path: Path) -> None:
    """Warnings are errors in the server's process, and any network access ends it."""
    with running(tmp_path, *QUIET) as server, server.client() as client:
        assert ask(client, [QUESTION], tools=[WEATHER]).tool_calls
        assert server.process.poll() is None
    assert server.errors.read_text() == ""
