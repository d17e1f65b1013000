"""A history that went wrong does not end its conversation, whatever the protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.server import Server, running

pytestmark = pytest.mark.live

Json = dict[str, Any]


def chat(arguments: Any) -> tuple[str, Json, str]:
    call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": arguments}}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "bad arguments"},
        {"role": "user", "content": "HALF go on"},
    ]
    body = {"messages": messages, "max_tokens": 2}
    return "/v1/chat/completions", body, "messages[1].tool_calls[0].function.arguments"


def explain(arguments: Any) -> tuple[str, Json, str]:
    return "/v1/explain", *chat(arguments)[1:]


def legacy(arguments: Any) -> tuple[str, Json, str]:
    call = {"name": "look", "arguments": arguments}
    messages = [
        {"role": "user", "content": "HALF"},
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "look", "content": "bad arguments"},
    ]
    body = {"messages": messages, "max_tokens": 2}
    return "/v1/chat/completions", body, "messages[1].function_call.arguments"


def responses(arguments: Any) -> tuple[str, Json, str]:
    items = [
        {"role": "user", "content": "HALF"},
        {"type": "function_call", "call_id": "a", "name": "look", "arguments": arguments},
        {"type": "function_call_output", "call_id": "a", "output": "bad arguments"},
    ]
    return "/v1/responses", {"input": items, "max_output_tokens": 2}, "input[1].arguments"


def messages(arguments: Any) -> tuple[str, Json, str]:
    turns = [
        {"role": "user", "content": "HALF"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "a", "name": "look", "input": arguments}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "a", "content": "bad arguments"}],
        },
    ]
    return "/v1/messages", {"messages": turns, "max_tokens": 2}, "messages[1].content[0].input"


def count_tokens(arguments: Any) -> tuple[str, Json, str]:
    _, body, path = messages(arguments)
    return "/v1/messages/count_tokens", {"messages": body["messages"]}, path


def ollama(arguments: Any) -> tuple[str, Json, str]:
    call = {"function": {"name": "look", "arguments": arguments}}
    turns = [
        {"role": "user", "content": "HALF"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_name": "look", "content": "bad arguments"},
    ]
    body = {"model": "demo", "messages": turns, "options": {"num_predict": 2}}
    return "/api/chat", body, "messages[1].tool_calls[0].function.arguments"


PROTOCOLS = [chat, explain, legacy, responses, messages, count_tokens, ollama]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield from opened(started)


def opened(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.root, timeout=60) as client:
        yield client


def post(client: httpx.Client, path: str, body: Json) -> httpx.Response:
    """Send *body* with half a character where HALF stands."""
    raw = json.dumps(body).replace("HALF", r"cut \ud83d here")
    return client.post(path, content=raw, headers={"content-type": "application/json"})


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "arguments",
    ['{"base": nokk"}', "run it", '{"a": 1}{"b": 2}', '{"a": 1}</x>', "[]", "undefined", [], 7],
)
def test_arguments_that_cannot_be_read_are_named(
    client: httpx.Client, protocol: Any, arguments: Any
) -> None:
    path, body, named = protocol(arguments)
    response = post(client, path, body)
    assert response.status_code == 200, response.text
    assert named in response.headers["x-gguf-fc-ignored"].split(", ")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arguments_that_can_be_read_are_not(client: httpx.Client, protocol: Any) -> None:
    path, body, _ = protocol({"a": 1})
    response = post(client, path, body)
    assert response.status_code == 200, response.text
    assert "arguments" not in response.headers.get("x-gguf-fc-ignored", "")


PICTURE = "data:image/png;base64,AA=="
PART = {"type": "image_url", "image_url": {"url": PICTURE}}
BLOCK = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
USED = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
CALL = {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"}
# Path, field of the conversation, its items, and the place of a picture among them.
PICTURES: dict[str, tuple[str, str, list[Json], str]] = {
    "chat": (
        "/v1/chat/completions",
        "messages",
        [{"role": "user", "content": [PART]}, {"role": "assistant", "content": "no"}],
        "messages[0].content[0]",
    ),
    "explain": (
        "/v1/explain",
        "messages",
        [{"role": "user", "content": [PART]}, {"role": "assistant", "content": "no"}],
        "messages[0].content[0]",
    ),
    "messages": (
        "/v1/messages",
        "messages",
        [
            {"role": "user", "content": "look"},
            {"role": "assistant", "content": [USED]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "a", "content": [BLOCK]}],
            },
        ],
        "messages[2].content[0].content[0]",
    ),
    "responses": (
        "/v1/responses",
        "input",
        [
            {"role": "user", "content": "look"},
            CALL,
            {
                "type": "function_call_output",
                "call_id": "a",
                "output": [{"type": "input_image", "image_url": PICTURE}],
            },
        ],
        "input[2].output[0]",
    ),
    "ollama": (
        "/api/chat",
        "messages",
        [
            {"role": "user", "content": "x", "images": ["AA=="]},
            {"role": "assistant", "content": "y"},
        ],
        "messages[0].images",
    ),
}
LIMITS: dict[str, Json] = {
    "/v1/responses": {"max_output_tokens": 1},
    "/api/chat": {"model": "demo", "options": {"num_predict": 1}, "stream": False},
}


@pytest.mark.parametrize(("path", "name", "items", "place"), PICTURES.values(), ids=PICTURES)
def test_a_picture_ends_no_conversation(
    client: httpx.Client, path: str, name: str, items: list[Json], place: str
) -> None:
    body = {name: [*items, {"role": "user", "content": "Say hello."}]}
    response = post(client, path, body | LIMITS.get(path, {"max_tokens": 1}))
    assert response.status_code == 200, response.text
    assert place in response.headers["x-gguf-fc-ignored"].split(", ")


def test_a_picture_in_the_newest_message_is_refused_in_each_protocol_s_shape(
    client: httpx.Client,
) -> None:
    bodies: list[tuple[str, Json]] = [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": [PART]}]}),
        ("/v1/messages", {"messages": [{"role": "user", "content": [BLOCK]}], "max_tokens": 1}),
        (
            "/v1/responses",
            {
                "input": [
                    {"role": "user", "content": [{"type": "input_image", "image_url": PICTURE}]}
                ]
            },
        ),
        (
            "/api/chat",
            {"model": "demo", "messages": [{"role": "user", "content": "x", "images": ["AA=="]}]},
        ),
    ]
    for path, body in bodies:
        response = post(client, path, body)
        assert response.status_code == 400
        assert "reads only text. Say in words what" in response.text
