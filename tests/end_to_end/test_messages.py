"""The Messages protocol for real: the shipped model, the real engine, the official client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import pytest
from anthropic import Anthropic
from anthropic.types import Message

from tests.support.server import Server, running

pytestmark = pytest.mark.live

QUESTION: Any = {"role": "user", "content": "What is the weather like in Paris and Lyon?"}
WEATHER: Any = {
    "name": "get_weather",
    "description": "Get the current weather in a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Name of the city"}},
        "required": ["city"],
    },
}
GREEDY: Any = {"temperature": 0}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def client(server: Server) -> Iterator[Anthropic]:
    url = server.url.removesuffix("/v1")
    with Anthropic(base_url=url, api_key="none", max_retries=0, timeout=60) as opened:
        yield opened


def ask(client: Anthropic, messages: list[Any], **options: Any) -> Message:
    options = {"max_tokens": 200, "extra_body": GREEDY, **options}
    message: Message = client.messages.create(model="demo", messages=messages, **options)
    return message


def streamed(client: Anthropic, messages: list[Any], **options: Any) -> Any:
    """The same request as a stream, joined by the official client."""
    options = {"max_tokens": 200, "extra_body": GREEDY, **options}
    with client.messages.stream(model="demo", messages=messages, **options) as stream:
        return stream.get_final_message()


def spoken(message: Any) -> list[dict[str, Any]]:
    """What a message says, without its random ids."""
    return [block.model_dump(exclude={"id"}, exclude_none=True) for block in message.content]


def calls(message: Message) -> list[tuple[str, dict[str, Any]]]:
    return [(block.name, block.input) for block in message.content if block.type == "tool_use"]


def text(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def with_results(message: Message, **more: Any) -> list[Any]:
    """The conversation after every call of *message* was answered."""
    results = [
        {
            "type": "tool_result",
            "tool_use_id": block.id,
            "content": json.dumps({"temperature": 18, "condition": "sunny"}),
            **more,
        }
        for block in message.content
        if block.type == "tool_use"
    ]
    said = {"role": "assistant", "content": message.content}
    return [QUESTION, said, {"role": "user", "content": results}]


def test_two_cities_are_two_calls(client: Anthropic) -> None:
    message = ask(client, [QUESTION], tools=[WEATHER])
    assert calls(message) == [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Lyon"})]
    assert (message.stop_reason, message.role, message.type) == ("tool_use", "assistant", "message")
    assert message.id.startswith("msg_")
    ids = [block.id for block in message.content if block.type == "tool_use"]
    assert len(set(ids)) == 2
    assert all(id_.startswith("toolu_") for id_ in ids)


def test_the_results_come_back_in_an_answer(client: Anthropic) -> None:
    message = ask(client, [QUESTION], tools=[WEATHER])
    answer = ask(client, with_results(message), tools=[WEATHER])
    assert "Paris" in text(answer)
    assert "Lyon" in text(answer)
    assert answer.stop_reason == "end_turn"
    assert answer.usage.cache_read_input_tokens


def test_a_stream_and_a_whole_message_are_equal(client: Anthropic) -> None:
    whole = ask(client, [QUESTION], tools=[WEATHER])
    joined = streamed(client, [QUESTION], tools=[WEATHER])
    assert spoken(joined) == spoken(whole)
    assert joined.stop_reason == whole.stop_reason

    answered = with_results(whole)
    whole = ask(client, answered, tools=[WEATHER])
    joined = streamed(client, answered, tools=[WEATHER])
    assert spoken(joined) == spoken(whole)
    assert joined.stop_reason == whole.stop_reason == "end_turn"


def test_the_messages_and_the_chat_protocol_say_the_same(client: Anthropic, server: Server) -> None:
    function: Any = {
        "name": WEATHER["name"],
        "description": WEATHER["description"],
        "parameters": WEATHER["input_schema"],
    }
    with server.client() as chat:
        said = chat.chat.completions.create(
            model="demo",
            messages=[QUESTION],
            tools=[{"type": "function", "function": function}],
            temperature=0,
        ).choices[0]
    theirs = [
        (call.function.name, json.loads(call.function.arguments))
        for call in said.message.tool_calls or []
        if call.type == "function"
    ]
    assert calls(ask(client, [QUESTION], tools=[WEATHER])) == theirs


@pytest.mark.parametrize(
    ("choice", "count"),
    [
        ({"type": "any"}, {1, 2}),
        ({"type": "tool", "name": "get_weather"}, {1, 2}),
        ({"type": "any", "disable_parallel_tool_use": True}, {1}),
        ({"type": "auto", "disable_parallel_tool_use": True}, {1}),
        ({"type": "none"}, {0}),
    ],
)
def test_tool_choice_means_what_it_says(client: Anthropic, choice: Any, count: set[int]) -> None:
    message = ask(client, [QUESTION], tools=[WEATHER], tool_choice=choice)
    assert len(calls(message)) in count
    assert (message.stop_reason == "tool_use") == bool(calls(message))


def test_an_answer_in_a_schema(client: Anthropic) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Lyon"]}, "n": {"type": "integer"}},
        "required": ["city", "n"],
        "additionalProperties": False,
    }
    form: Any = {"format": {"type": "json_schema", "schema": schema}}
    answer = json.loads(text(ask(client, [QUESTION], output_config=form)))
    assert answer["city"] in {"Paris", "Lyon"}
    assert isinstance(answer["n"], int)


def test_a_stop_sequence_is_named_and_not_shown(client: Anthropic) -> None:
    answered = with_results(ask(client, [QUESTION], tools=[WEATHER]))
    whole = text(ask(client, answered, tools=[WEATHER]))
    message = ask(client, answered, tools=[WEATHER], stop_sequences=["never", "Lyon"])
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "Lyon")
    assert text(message) == whole[: whole.index("Lyon")]


@pytest.mark.parametrize("max_tokens", [4, 12, 19])
def test_max_tokens_cuts_and_a_cut_call_is_not_reported(client: Anthropic, max_tokens: int) -> None:
    message = ask(
        client, [QUESTION], tools=[WEATHER], tool_choice={"type": "any"}, max_tokens=max_tokens
    )
    assert (message.stop_reason, calls(message)) == ("max_tokens", [])
    assert message.usage.output_tokens == max_tokens


def test_the_tokens_counted_are_the_tokens_used(client: Anthropic) -> None:
    asked: Any = {"messages": [QUESTION], "tools": [WEATHER], "system": "Be brief."}
    counted = client.messages.count_tokens(model="demo", **asked).input_tokens
    used = client.messages.create(model="demo", max_tokens=1, **asked).usage
    assert counted == used.input_tokens + (used.cache_read_input_tokens or 0)
    with client.messages.stream(model="demo", max_tokens=1, **asked) as stream:
        start = next(iter(stream))
    assert start.type == "message_start"
    assert start.message.usage.input_tokens == counted


def test_a_coding_assistant_s_request_is_answered(client: Anthropic) -> None:
    """Large cached instructions, many tools, some of them another server's, and betas."""
    cached: Any = {"cache_control": {"type": "ephemeral"}}
    tools = [{**WEATHER, "name": f"tool_{n}"} for n in range(30)]
    request: Any = {
        "max_tokens": 60,
        "betas": ["interleaved-thinking-2025-05-14", "context-management-2025-06-27"],
        "system": [
            {"type": "text", "text": "x-billing-header: version=1; hash=abc;"},
            {"type": "text", "text": "You write code. " * 40, **cached},
        ],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello", **cached}]}],
        "tools": [*tools, {"type": "web_search_20250305", "name": "web_search"}, WEATHER],
        "tool_choice": {"type": "tool", "name": "get_weather"},
        "metadata": {"user_id": "someone"},
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    }
    answer = client.beta.messages.with_raw_response.create(
        model="demo", extra_body=GREEDY, **request
    )
    ignored = answer.headers["x-gguf-fc-ignored"]
    for named in ("metadata", "context_management", "system[0]", "web_search_20250305"):
        assert named in ignored
    called = [block.name for block in answer.parse().content if block.type == "tool_use"]
    assert set(called) == {"get_weather"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"top_k": -2}, "top_k"),
        ({"top": 3}, "top_p"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content"),
    ],
)
def test_errors_have_the_client_s_class_and_name_the_field(
    client: Anthropic, fields: Any, named: str
) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        ask(client, [QUESTION], extra_body=fields)
    body: Any = caught.value.body
    assert (body["type"], body["error"]["type"]) == ("error", "invalid_request_error")
    assert named in body["error"]["message"]


def test_the_models_can_be_listed(client: Anthropic) -> None:
    assert [model.id for model in client.models.list()] == ["demo"]
    assert client.models.retrieve("demo").display_name == "demo"


def test_a_worker_that_dies_is_a_pause_in_the_stream(client: Anthropic, server: Server) -> None:
    numbers = {"type": "array", "items": {"enum": [1, 2]}, "minItems": 300, "maxItems": 400}
    form: Any = {"format": {"type": "json_schema", "schema": numbers}}
    with client.messages.stream(
        model="demo", max_tokens=4000, messages=[QUESTION], output_config=form
    ) as stream:
        next(iter(stream))
        server.worker.kill()
        message = stream.get_final_message()
    assert message.stop_reason == "end_turn"
    (block,) = message.content
    assert block.type == "text"
    assert len(json.loads(block.text)) >= 300
    assert calls(ask(client, [QUESTION], tools=[WEATHER]))


def test_an_unknown_model_is_not_found(client: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="this server offers: demo"):
        client.messages.create(model="other", max_tokens=1, messages=[QUESTION])


def test_a_prompt_over_the_context_is_refused_also_in_a_stream(server: Server) -> None:
    body = {
        "max_tokens": 5,
        "stream": True,
        "messages": [{"role": "user", "content": "word " * 100_000}],
    }
    found = httpx.post(f"{server.url}/messages", json=body, timeout=60)
    assert found.status_code == 400
    assert found.json()["type"] == "error"
    assert "context" in found.json()["error"]["message"]
