"""One conversation in every protocol: the same calls, the same text, whole and streamed.

Each protocol is spoken here by its own rules only: what is sent, what comes back, and what a
stream adds up to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
import pytest

from tests.support.server import Server, running

pytestmark = pytest.mark.live

Json = dict[str, Any]
QUESTION = "What is the weather like in Paris and Lyon?"
RESULTS = {
    "Paris": '{"temperature": 18, "condition": "sunny"}',
    "Lyon": '{"temperature": 21, "condition": "cloudy"}',
}
NAME, ABOUT = "get_weather", "Get the current weather in a city"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Name of the city"}},
    "required": ["city"],
}
FUNCTION = {"name": NAME, "description": ABOUT, "parameters": SCHEMA}


@dataclass(frozen=True)
class Said:
    """What a reply says; *calls* are cities asked for, with the ids the protocol gives."""

    text: str
    calls: tuple[tuple[str, str], ...] = ()

    @property
    def cities(self) -> list[str]:
        return [city for _, city in self.calls]


def city(arguments: str | Json) -> str:
    read = json.loads(arguments) if isinstance(arguments, str) else arguments
    assert set(read) == {"city"}
    return str(read["city"])


class Chat:
    path = "/v1/chat/completions"
    tools: ClassVar[Json] = {"tools": [{"type": "function", "function": FUNCTION}]}

    def ask(self) -> Json:
        return {"messages": [{"role": "user", "content": QUESTION}], "temperature": 0, **self.tools}

    def answered(self, calls: Said) -> Json:
        called = [
            {
                "id": id_,
                "type": "function",
                "function": {"name": NAME, "arguments": json.dumps({"city": asked})},
            }
            for id_, asked in calls.calls
        ]
        results = [
            {"role": "tool", "tool_call_id": id_, "content": RESULTS[c]} for id_, c in calls.calls
        ]
        body = self.ask()
        turn = {"role": "assistant", "content": calls.text or None, "tool_calls": called}
        body["messages"] += [turn, *results]
        return body

    def whole(self, reply: Json) -> Said:
        message = reply["choices"][0]["message"]
        calls = message.get("tool_calls", [])
        return Said(
            message["content"] or "",
            tuple((call["id"], city(call["function"]["arguments"])) for call in calls),
        )

    def joined(self, events: list[Json]) -> Said:
        text = ""
        calls: dict[int, list[str]] = {}
        for event in events:
            delta = event["choices"][0]["delta"]
            text += delta.get("content") or ""
            for call in delta.get("tool_calls", []):
                known = calls.setdefault(call["index"], [call.get("id", ""), ""])
                known[1] += call["function"]["arguments"]
        return Said(text, tuple((id_, city(arguments)) for id_, arguments in calls.values()))


class Legacy:
    """Has room for one call, so it asks for the second city in its second turn."""

    path = "/v1/chat/completions"

    def ask(self) -> Json:
        question = [{"role": "user", "content": QUESTION}]
        return {"messages": question, "temperature": 0, "functions": [FUNCTION]}

    def answered(self, calls: Said) -> Json:
        body = self.ask()
        for _, asked in calls.calls:
            called = {"name": NAME, "arguments": json.dumps({"city": asked})}
            body["messages"] += [
                {"role": "assistant", "content": None, "function_call": called},
                {"role": "function", "name": NAME, "content": RESULTS[asked]},
            ]
        return body

    def whole(self, reply: Json) -> Said:
        message = reply["choices"][0]["message"]
        called = message.get("function_call")
        calls = ((("", city(called["arguments"])),)) if called else ()
        return Said(message["content"] or "", calls)

    def joined(self, events: list[Json]) -> Said:
        text = arguments = ""
        for event in events:
            delta = event["choices"][0]["delta"]
            text += delta.get("content") or ""
            arguments += delta.get("function_call", {}).get("arguments", "")
        return Said(text, (("", city(arguments)),) if arguments else ())


class Responses:
    path = "/v1/responses"

    def ask(self) -> Json:
        tool = {"type": "function", "strict": False, **FUNCTION}
        asked = [{"role": "user", "content": QUESTION}]
        return {"input": asked, "tools": [tool], "temperature": 0}

    def answered(self, calls: Said) -> Json:
        body = self.ask()
        for id_, asked in calls.calls:
            arguments = json.dumps({"city": asked})
            body["input"] += [
                {"type": "function_call", "call_id": id_, "name": NAME, "arguments": arguments}
            ]
        for id_, asked in calls.calls:
            body["input"] += [
                {"type": "function_call_output", "call_id": id_, "output": RESULTS[asked]}
            ]
        return body

    def whole(self, reply: Json) -> Said:
        items = reply["output"]
        text = [
            part["text"] for item in items if item["type"] == "message" for part in item["content"]
        ]
        calls = [item for item in items if item["type"] == "function_call"]
        return Said("".join(text), tuple((one["call_id"], city(one["arguments"])) for one in calls))

    def joined(self, events: list[Json]) -> Said:
        text = ""
        arguments: dict[int, str] = {}
        ids: dict[int, str] = {}
        for event in events:
            match event["type"]:
                case "response.output_text.delta":
                    text += event["delta"]
                case "response.output_item.added" if event["item"]["type"] == "function_call":
                    ids[event["output_index"]] = event["item"]["call_id"]
                case "response.function_call_arguments.delta":
                    at = event["output_index"]
                    arguments[at] = arguments.get(at, "") + event["delta"]
                case _:
                    pass
        return Said(text, tuple((ids[at], city(one)) for at, one in arguments.items()))


class Messages:
    path = "/v1/messages"

    def ask(self) -> Json:
        tool = {"name": NAME, "description": ABOUT, "input_schema": SCHEMA}
        question = [{"role": "user", "content": QUESTION}]
        return {"messages": question, "max_tokens": 200, "tools": [tool], "temperature": 0}

    def answered(self, calls: Said) -> Json:
        used = [
            {"type": "tool_use", "id": id_, "name": NAME, "input": {"city": asked}}
            for id_, asked in calls.calls
        ]
        results = [
            {"type": "tool_result", "tool_use_id": id_, "content": RESULTS[asked]}
            for id_, asked in calls.calls
        ]
        body = self.ask()
        body["messages"] += [
            {"role": "assistant", "content": used},
            {"role": "user", "content": results},
        ]
        return body

    def whole(self, reply: Json) -> Said:
        blocks = reply["content"]
        text = [block["text"] for block in blocks if block["type"] == "text"]
        calls = [block for block in blocks if block["type"] == "tool_use"]
        return Said("".join(text), tuple((one["id"], city(one["input"])) for one in calls))

    def joined(self, events: list[Json]) -> Said:
        text = ""
        inputs: dict[int, str] = {}
        ids: dict[int, str] = {}
        for event in events:
            match event:
                case {
                    "type": "content_block_start",
                    "content_block": {"type": "tool_use"} as block,
                }:
                    ids[event["index"]] = block["id"]
                case {"delta": {"type": "text_delta", "text": piece}}:
                    text += piece
                case {"delta": {"type": "input_json_delta", "partial_json": piece}}:
                    inputs[event["index"]] = inputs.get(event["index"], "") + piece
                case _:
                    pass
        return Said(text, tuple((ids[at], city(one)) for at, one in inputs.items()))


class Ollama(Chat):
    path = "/api/chat"

    def ask(self) -> Json:
        question = [{"role": "user", "content": QUESTION}]
        return {"model": "demo", "messages": question, "options": {"temperature": 0}, **self.tools}

    def answered(self, calls: Said) -> Json:
        called = [
            {"function": {"name": NAME, "arguments": {"city": asked}}} for asked in calls.cities
        ]
        results = [
            {"role": "tool", "tool_name": NAME, "content": RESULTS[asked]} for asked in calls.cities
        ]
        body = self.ask()
        body["messages"] += [{"role": "assistant", "content": "", "tool_calls": called}, *results]
        return body

    def whole(self, reply: Json) -> Said:
        return self.joined([reply])

    def joined(self, events: list[Json]) -> Said:
        messages = [event["message"] for event in events]
        calls = [call for message in messages for call in message.get("tool_calls", [])]
        text = "".join(message.get("content", "") for message in messages)
        return Said(text, tuple(("", city(call["function"]["arguments"])) for call in calls))


def events_of(response: httpx.Response) -> list[Json]:
    """The objects of a stream, in whichever framing."""
    sse = response.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in response.text.splitlines()
             if not sse or line.startswith("data: {")]  # fmt: skip
    return [json.loads(line) for line in lines if line.strip()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


def say(server: Server, speaker: Any, body: Json, *, stream: bool) -> Said:
    url = server.url.removesuffix("/v1") + speaker.path
    response = httpx.post(url, json={**body, "stream": stream}, timeout=60)
    assert response.status_code == 200, response.text
    if stream:
        said: Said = speaker.joined(events_of(response))
        return said
    whole: Said = speaker.whole(response.json())
    return whole


def talk(server: Server, speaker: Any, *, stream: bool) -> tuple[list[str], str]:
    """The cities asked for in all turns, and the last turn's text."""
    calls: tuple[tuple[str, str], ...] = ()
    said = say(server, speaker, speaker.ask(), stream=stream)
    while said.calls:
        calls += said.calls
        assert len(calls) <= 2
        said = say(server, speaker, speaker.answered(Said("", calls)), stream=stream)
    return [city for _, city in calls], said.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("speaker", [Chat, Responses, Messages, Ollama])
def test_a_conversation_is_the_same_in_every_protocol(
    server: Server,
    speaker: type[Any],
    stream: bool,  # noqa: FBT001
) -> None:
    expected = talk(server, Chat(), stream=False)
    assert expected[0] == ["Paris", "Lyon"]
    assert "18" in expected[1]
    assert talk(server, speaker(), stream=stream) == expected


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_the_legacy_form_says_the_same_one_call_at_a_time(server: Server, stream: bool) -> None:  # noqa: FBT001
    first = say(server, Legacy(), Legacy().ask(), stream=stream)
    modern = Chat().ask() | {"parallel_tool_calls": False}
    assert first.cities == say(server, Chat(), modern, stream=stream).cities == ["Paris"]
    called = Said("", (("a", "Paris"),))
    again = say(server, Legacy(), Legacy().answered(called), stream=stream)
    body = Chat().answered(called) | {"parallel_tool_calls": False}
    assert (again.text, again.cities) == (
        (told := say(server, Chat(), body, stream=stream)).text,
        told.cities,
    )
