"""Responses for real: the shipped model, the real engine, the official client."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from openai.types.responses import Response, ResponseFunctionToolCall
from pydantic import BaseModel

from tests.support.server import Server, running

pytestmark = pytest.mark.live

QUESTION = "What is the weather like in Paris and Lyon?"
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Name of the city"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
SUNNY = '{"temperature": 18, "condition": "sunny"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    with server.client() as opened:
        yield opened


def ask(client: OpenAI, given: Any, **options: Any) -> Response:
    response: Response = client.responses.create(
        model="demo", input=given, temperature=0, **options
    )
    return response


def streamed(client: OpenAI, given: Any, **options: Any) -> list[Any]:
    return list(
        client.responses.create(model="demo", input=given, temperature=0, stream=True, **options)
    )


def calls_of(response: Response) -> list[ResponseFunctionToolCall]:
    return [item for item in response.output if item.type == "function_call"]


def spoken(response: Response) -> tuple[str, list[tuple[str, str]]]:
    """What a response says, without its random ids."""
    return response.output_text, [(call.name, call.arguments) for call in calls_of(response)]


def results(response: Response) -> list[Any]:
    return [
        {"type": "function_call_output", "call_id": call.call_id, "output": SUNNY}
        for call in calls_of(response)
    ]


def test_two_cities_are_two_calls(client: OpenAI) -> None:
    response = ask(client, QUESTION, tools=[WEATHER])
    assert response.status == "completed"
    assert [json.loads(call.arguments) for call in calls_of(response)] == [
        {"city": "Paris"},
        {"city": "Lyon"},
    ]
    assert len({call.call_id for call in calls_of(response)}) == 2


def test_a_response_is_gone_on_from_by_its_id_or_by_its_items_alike(client: OpenAI) -> None:
    first = ask(client, QUESTION, tools=[WEATHER])
    by_id = ask(client, results(first), previous_response_id=first.id, tools=[WEATHER])
    items: list[Any] = [{"role": "user", "content": QUESTION}]
    items += [item.model_dump() for item in first.output]
    by_items = ask(client, [*items, *results(first)], tools=[WEATHER], store=False)
    assert "Paris" in by_id.output_text
    assert "Lyon" in by_id.output_text
    assert by_items.output_text == by_id.output_text
    assert by_items.usage is not None
    assert by_id.usage is not None
    assert by_items.usage.input_tokens == by_id.usage.input_tokens
    assert by_id.usage.input_tokens_details.cached_tokens > 0


def test_a_stream_and_a_whole_response_are_equal(client: OpenAI) -> None:
    whole = ask(client, QUESTION, tools=[WEATHER])
    events = streamed(client, QUESTION, tools=[WEATHER])
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert spoken(events[-1].response) == spoken(whole)
    with client.responses.stream(
        model="demo", input=QUESTION, tools=[WEATHER], temperature=0
    ) as stream:
        assert spoken(stream.get_final_response()) == spoken(whole)


class City(BaseModel):
    name: str
    inhabitants: int


def test_an_answer_in_a_form_is_parsed_by_the_client(client: OpenAI) -> None:
    parsed = client.responses.parse(
        model="demo", input="Name a city.", text_format=City, temperature=0, max_output_tokens=200
    )
    assert isinstance(parsed.output_parsed, City)
    json_object: Any = {"format": {"type": "json_object"}}
    loose = ask(client, "Name a city.", text=json_object, max_output_tokens=200)
    if loose.status == "completed":
        assert isinstance(json.loads(loose.output_text), dict)


@pytest.mark.parametrize(
    "choice",
    [
        "required",
        {"type": "function", "name": "get_weather"},
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "get_weather"}, {"type": "web_search"}],
        },
    ],
)
def test_a_call_that_is_asked_for_comes(client: OpenAI, choice: Any) -> None:
    other = {**WEATHER, "name": "tell_time"}
    response = ask(
        client, "Hello!", tools=[other, WEATHER], tool_choice=choice, parallel_tool_calls=False
    )
    (call,) = calls_of(response)
    assert call.name in ("get_weather", "tell_time")
    if choice != "required":
        assert call.name == "get_weather"


def test_no_call_comes_where_none_is_wanted(client: OpenAI) -> None:
    response = ask(client, QUESTION, tools=[WEATHER], tool_choice="none")
    assert calls_of(response) == []
    assert response.output[-1].type == "message"


def test_tools_of_other_servers_are_passed_over_and_named(client: OpenAI) -> None:
    raw = client.responses.with_raw_response.create(
        model="demo",
        input=QUESTION,
        tools=[{"type": "web_search"}, WEATHER, {"type": "local_shell"}],
        include=["web_search_call.action.sources"],
        prompt_cache_key="k",
        temperature=0,
    )
    assert raw.headers["x-gguf-fc-ignored"] == "prompt_cache_key, tools[0], tools[2], include[0]"
    assert [call.name for call in calls_of(raw.parse())] == ["get_weather"] * 2


def test_a_call_of_a_tool_in_a_namespace_says_so_and_is_read_back(client: OpenAI) -> None:
    tools = [{"type": "namespace", "name": "mcp__weather", "description": "", "tools": [WEATHER]}]
    options: Any = {"tools": tools, "tool_choice": {"type": "namespace", "name": "mcp__weather"}}
    whole = ask(client, QUESTION, **options)
    last = streamed(client, QUESTION, **options)[-1].response
    for response in (whole, last):
        calls = calls_of(response)
        assert calls
        assert {(call.namespace, call.name) for call in calls} == {("mcp__weather", "get_weather")}
    items = [{"role": "user", "content": QUESTION}, *whole.output]
    results = [
        {"type": "function_call_output", "call_id": call.call_id, "output": SUNNY}
        for call in calls_of(whole)
    ]
    answer = ask(client, [*items, *results], tools=tools)
    assert "18" in answer.output_text


def test_a_cut_off_call_is_incomplete_and_left_out(client: OpenAI) -> None:
    options: Any = {"tools": [WEATHER], "tool_choice": "required", "max_output_tokens": 18}
    whole = ask(client, QUESTION, **options)
    last = streamed(client, QUESTION, **options)[-1]
    assert last.type == "response.incomplete"
    for response in (whole, last.response):
        assert response.status == "incomplete"
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == "max_output_tokens"
        assert response.output == []


def test_logprobs_come_with_the_text(client: OpenAI) -> None:
    events = streamed(client, "Hello!", include=["message.output_text.logprobs"], top_logprobs=2)
    in_deltas = [
        token.token
        for event in events
        if event.type == "response.output_text.delta"
        for token in event.logprobs
    ]
    response = events[-1].response
    (part,) = response.output[-1].content
    assert "".join(in_deltas) == "".join(token.token for token in part.logprobs) == part.text
    assert all(len(token.top_logprobs) == 2 for token in part.logprobs)


def test_kept_responses_are_shown_listed_and_deleted(client: OpenAI) -> None:
    first = ask(client, "Hello!", instructions="Be kind.", metadata={"a": "b"})
    second = ask(client, "And in Lyon?", previous_response_id=first.id)
    shown = client.responses.retrieve(first.id)
    assert shown.model_dump() == first.model_dump()
    listed = client.responses.input_items.list(second.id, order="asc", limit=2)
    assert listed.has_more
    assert [item.type for item in listed] == ["message"] * 3
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError) as gone:
        client.responses.retrieve(first.id)
    assert gone.value.code == "response_not_found"
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, "Go on.", previous_response_id=first.id)
    assert refused.value.code == "previous_response_not_found"
    assert refused.value.param == "previous_response_id"
    assert ask(client, "Go on.", previous_response_id=second.id).status == "completed"
    with pytest.raises(openai.BadRequestError):
        client.responses.cancel(second.id)


def test_a_response_that_is_not_to_be_stored_is_not(client: OpenAI) -> None:
    response = ask(client, "Hello!", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)


def test_an_item_can_be_referred_to_by_its_id(client: OpenAI) -> None:
    first = ask(client, QUESTION, tools=[WEATHER])
    references = [{"type": "item_reference", "id": item.id} for item in first.output]
    given = [{"role": "user", "content": QUESTION}, *references, *results(first)]
    assert "Paris" in ask(client, given, tools=[WEATHER]).output_text


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": 3}, "input"),
        ({"input": [{"type": "computer_call_output", "output": {}}]}, "input"),
        ({"input": [{"role": "critic", "content": "x"}]}, "input[0].role"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
            "input[0].content[0].type",
        ),
        ({"input": "x", "background": True}, "background"),
        ({"input": "x", "conversation": "conv_1"}, "conversation"),
        ({"input": "x", "temprature": 1}, "temprature"),
        ({"input": "x", "tools": [{"type": "function"}]}, "tools[0].name"),
        ({"input": "x", "tool_choice": "required"}, "tool_choice"),
        ({"input": "x", "text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"input": "x", "include": ["everything"]}, "include[0]"),
        ({"input": "x", "metadata": {"a": 1}}, "metadata[...]"),
        ({"input": [{"type": "item_reference", "id": "msg_x"}]}, "input[0].id"),
    ],
)
def test_a_refusal_names_its_field(server: Server, body: Any, param: str) -> None:
    reply = httpx.post(f"{server.url}/responses", json=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param


def test_what_cannot_be_enforced_is_named_by_its_place_in_the_body(server: Server) -> None:
    list_of_unlike = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    schema = {"type": "object", "properties": {"x": list_of_unlike}}
    tool = {"type": "function", "name": "f", "parameters": schema, "strict": True}
    body = {"input": "x", "tools": [{"type": "web_search"}, tool]}
    refused = httpx.post(f"{server.url}/responses", json=body)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "tools[1].parameters.properties.x"
    form = {"type": "json_schema", "name": "n", "schema": schema, "strict": True}
    refused = httpx.post(f"{server.url}/responses", json={"input": "x", "text": {"format": form}})
    assert refused.json()["error"]["param"] == "text.format.schema.properties.x"


def test_a_conversation_that_is_too_long_is_refused_by_its_field(server: Server) -> None:
    refused = httpx.post(f"{server.url}/responses", json={"input": "word " * 20_000}, timeout=60)
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert (error["code"], error["param"]) == ("context_length_exceeded", "input")


def test_a_custom_tool_gets_a_text_of_its_form(client: OpenAI) -> None:
    pin = {
        "type": "custom",
        "name": "enter_pin",
        "description": "Enter a pin",
        "format": {"type": "grammar", "syntax": "regex", "definition": "[0-9]{4}"},
    }
    options: Any = {"tools": [pin, WEATHER], "tool_choice": {"type": "custom", "name": "enter_pin"}}
    response = ask(client, "My pin is 1234.", parallel_tool_calls=False, **options)
    (call,) = response.output
    assert call.type == "custom_tool_call"
    assert re.fullmatch("[0-9]{4}", call.input)
    result: Any = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "Right."}
    after = ask(client, [result], previous_response_id=response.id, tools=[pin])
    assert after.status == "completed"


def test_the_oldest_turns_are_left_out_where_that_is_asked_for(client: OpenAI) -> None:
    turns = [
        {"role": role, "content": "word " * 500} for _ in range(6) for role in ("user", "assistant")
    ]
    given = [*turns, {"role": "user", "content": QUESTION}]
    options: Any = {"instructions": "Be kind.", "tools": [WEATHER], "max_output_tokens": 200}
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, given, **options)
    assert refused.value.param == "input"
    response = ask(client, given, truncation="auto", **options)
    left_out = (response.model_extra or {})["left_out"]
    assert 0 < left_out < len(turns)
    assert left_out % 2 == 0
    assert response.usage is not None
    assert response.usage.input_tokens < 4096 - 200


def test_the_tokens_of_a_prompt_are_counted_as_they_are_read(client: OpenAI) -> None:
    counted = client.responses.input_tokens.count(model="demo", input=QUESTION, tools=[WEATHER])
    response = ask(client, QUESTION, tools=[WEATHER])
    assert response.usage is not None
    assert counted.input_tokens == response.usage.input_tokens


def test_a_stream_whose_engine_dies_goes_on_and_is_kept_whole(
    server: Server, client: OpenAI
) -> None:
    numbers = {"type": "array", "items": {"enum": [1, 2]}, "minItems": 300, "maxItems": 300}
    form: Any = {"format": {"type": "json_schema", "name": "numbers", "schema": numbers}}
    events = []
    for event in client.responses.create(model="demo", input="Count.", text=form, stream=True):
        events.append(event)
        if len(events) == 20:
            server.worker.kill()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last = events[-1]
    assert last.type == "response.completed"
    assert len(json.loads(last.response.output_text)) == 300
    assert client.responses.retrieve(last.response.id).output_text == last.response.output_text
    assert ask(client, "Hello!").status == "completed"
