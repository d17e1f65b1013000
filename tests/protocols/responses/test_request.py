"""What a body asks for, beside its conversation."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from gguf_fc.errors import InvalidParameter, RequestError, UnsupportedParameter
from gguf_fc.job import Sampling
from gguf_fc.protocols.responses.open_items import OutputShape
from gguf_fc.protocols.responses.request import offers_of, passed_over, shape_of, to_request
from gguf_fc.protocols.responses.schema import RESPONSES, ResponsesBody
from gguf_fc.protocols.responses.tools import Offers
from gguf_fc.request import Format, Message, Request, Tool, ToolChoice
from gguf_fc.server.pages.field_tables import tables

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
F: dict[str, Any] = {"type": "function", "name": "f", "parameters": SCHEMA}
G: dict[str, Any] = {"type": "function", "name": "g"}
SEARCH = {"type": "web_search"}
PATCH: dict[str, Any] = {
    "type": "custom",
    "name": "apply_patch",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"},
}
MESSAGES = (Message(role="user", content="Hi"),)


def body(**fields: Any) -> ResponsesBody:
    return RESPONSES.convert({"input": "Hi", **fields})[0]


def read_body(fields: ResponsesBody, defaults: Sampling) -> Request:
    return to_request(fields, MESSAGES, defaults, offers_of(fields))


def shape(**fields: Any) -> OutputShape:
    return shape_of(body(**fields), Offers())


def request(**fields: Any) -> Request:
    return read_body(body(**fields), Sampling(temperature=0.7))


def test_instructions_come_before_the_conversation() -> None:
    assert request(instructions="Be kind.").messages == (
        Message(role="system", content="Be kind."),
        *MESSAGES,
    )
    assert request(instructions="").messages == MESSAGES


def test_tools_are_flat_and_others_are_passed_over() -> None:
    fields = body(tools=[SEARCH, {**F, "strict": True}, {"type": "local_shell"}])
    found = read_body(fields, Sampling())
    assert found.tools == (Tool(name="f", parameters=SCHEMA, strict=True),)
    assert found.tools[0].schema_at == "tools[1].parameters"
    assert list(passed_over(fields, offers_of(fields))) == ["tools[0]", "tools[2]"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ToolChoice("auto")),
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "g"}, ToolChoice("named", "g")),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [G, SEARCH]},
            ToolChoice("auto", allowed=("g",)),
        ),
    ],
)
def test_a_tool_choice_is_what_it_says(choice: Any, expected: ToolChoice) -> None:
    assert request(tools=[F, G], tool_choice=choice).tool_choice == expected


def test_a_custom_tool_takes_a_text_whose_form_may_be_given() -> None:
    digits = {"type": "grammar", "syntax": "regex", "definition": "[0-9]+"}
    fields = body(
        tools=[
            {"type": "custom", "name": "sh", "description": "d"},
            {"type": "custom", "name": "pin", "format": digits},
            {"type": "custom", "name": "say", "format": {"type": "text"}},
            PATCH,
        ],
        tool_choice={"type": "custom", "name": "pin"},
    )
    found = read_body(fields, Sampling())
    forms = {tool.name: tool.parameters["properties"]["input"] for tool in found.tools}  # type: ignore[index]
    assert forms == {
        "sh": {"type": "string"},
        "pin": {"type": "string", "pattern": "^(?:[0-9]+)$"},
        "say": {"type": "string"},
    }
    assert found.tool_choice == ToolChoice("named", "pin")
    assert shape_of(fields, offers_of(fields)).custom == frozenset({"sh", "pin", "say"})
    assert list(passed_over(fields, offers_of(fields))) == ["tools[3]"]


def test_a_choice_among_tools_leaves_out_those_that_are_passed_over() -> None:
    entries = [F, {"type": "custom", "name": "apply_patch"}, SEARCH]
    choice = {"type": "allowed_tools", "mode": "required", "tools": entries}
    fields = body(tools=[F, G, PATCH, SEARCH], tool_choice=choice)
    found = read_body(fields, Sampling())
    assert found.tool_choice == ToolChoice("required", allowed=("f",))
    assert list(passed_over(fields, offers_of(fields))) == [
        "tools[2]",
        "tools[3]",
        "tool_choice.tools[1]",
        "tool_choice.tools[2]",
    ]


def test_without_a_function_nothing_may_be_called() -> None:
    assert request(tools=[SEARCH]).tool_choice == ToolChoice("none")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"type": "text"}, Format()),
        ({"type": "json_object"}, Format(type="json_object")),
        (
            {
                "type": "json_schema",
                "name": "n",
                "schema": SCHEMA,
                "strict": True,
                "description": "d",
            },
            Format(type="json_schema", schema=SCHEMA, name="n", strict=True, description="d"),
        ),
    ],
)
def test_the_form_of_an_answer(form: Any, expected: Format) -> None:
    found = request(text={"format": form, "verbosity": "low"})
    assert found.format == expected
    assert found.verbosity == "low"


def test_reasoning_is_switched_and_shaped() -> None:
    assert request(reasoning={"effort": "none"}).thinking is False
    assert request(reasoning={"effort": "high"}).effort == "high"
    assert request(reasoning={"effort": None}).thinking is None
    assert shape(reasoning={"summary": "auto"}) == OutputShape(summary=True)
    assert shape(reasoning={"generate_summary": "concise"}) == OutputShape(summary=True)
    assert shape(include=["reasoning.encrypted_content"]) == OutputShape(sealed=True)


def test_limits_and_sampling_are_taken_over() -> None:
    found = request(max_output_tokens=9, temperature=0.25, top_p=0.5, seed=3, top_k=7, stop="x")
    assert (found.max_tokens, found.stop) == (9, ("x",))
    assert found.sampling == Sampling(temperature=0.25, top_p=0.5, seed=3, top_k=7)
    assert request().sampling == Sampling(temperature=0.7)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"include": ["message.output_text.logprobs"]}, 0),
        ({"include": ["message.output_text.logprobs"], "top_logprobs": 3}, 3),
        ({"top_logprobs": 3}, 3),
        ({"top_logprobs": 0}, None),
    ],
)
def test_logprobs_come_where_they_are_asked_for(fields: Any, expected: int | None) -> None:
    assert request(**fields).logprobs == expected


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "a b"}]}, "tools[0].name"),
        ({"tools": [F, F]}, "tools[1].name"),
        ({"tools": [SEARCH, {**F, "parameters": {"type": "array"}}]}, "tools[1].parameters"),
        ({"tools": [SEARCH], "tool_choice": "required"}, "tool_choice"),
        ({"tools": [F], "tool_choice": {"type": "web_search_preview"}}, "tool_choice"),
        ({"tools": [F], "tool_choice": {"type": "function", "name": "h"}}, "tool_choice.name"),
        (
            {
                "tools": [F],
                "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [SEARCH]},
            },
            "tool_choice.tools",
        ),
        ({"tools": [{"type": "custom"}]}, "tools[0].name"),
        (
            {"tools": [{"type": "custom", "name": "x", "format": {"type": "grammar"}}]},
            "tools[0].format.syntax",
        ),
        (
            {
                "tools": [
                    {
                        "type": "custom",
                        "name": "x",
                        "format": {"type": "grammar", "syntax": "regex", "definition": "("},
                    }
                ]
            },
            "tools[0].format.definition",
        ),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"verbosity": "much"}}, "text.verbosity"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"include": ["all"]}, "include[0]"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"metadata": {"a": "b" * 513}}, "metadata[...]"),
        ({"stream_options": {"include_obfuscation": False}}, "stream_options"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_name(fields: Any, param: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        request(**fields)
    assert refused.value.param == param


@pytest.mark.parametrize(
    "fields",
    [
        {"background": True},
        {"conversation": "conv_1"},
        {"prompt": {"id": "pmpt_1"}},
        {"context_management": [{"type": "compaction"}]},
        {"unknown": 1},
    ],
)
def test_what_is_not_offered_is_refused_by_its_name(fields: Any) -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        request(**fields)
    assert refused.value.param == next(iter(fields))


def test_every_field_has_a_meaning() -> None:
    rows = [row for table in tables(RESPONSES) for row in table.rows if row.name != "type"]
    assert [row.name for row in rows if not row.meaning] == []


def test_every_field_of_the_official_client_has_its_place() -> None:
    official = ResponseCreateParamsBase.__annotations__.keys() | {"stream"}
    assert official - RESPONSES.known == set()


@pytest.mark.parametrize(
    "fields",
    [
        # A coding assistant that keeps the conversation itself.
        {
            "instructions": "You are a coding agent.",
            "tools": [
                {"type": "function", "name": "shell", "strict": False, "parameters": SCHEMA},
                PATCH,
                {"type": "web_search", "external_web_access": False},
                {"type": "local_shell"},
            ],
            "tool_choice": "auto",
            "parallel_tool_calls": False,
            "reasoning": {"effort": "medium", "summary": "auto"},
            "store": False,
            "stream": True,
            "include": ["reasoning.encrypted_content"],
            "prompt_cache_key": "0198",
            "text": {"verbosity": "low"},
            "client_metadata": {"a": "b"},
            "service_tier": None,
        },
        # An agent framework with hosted tools beside its functions.
        {
            "tools": [
                F,
                {"type": "file_search", "vector_store_ids": ["vs_1"], "max_num_results": 3},
                {
                    "type": "mcp",
                    "server_label": "x",
                    "server_url": "http://x",
                    "require_approval": "never",
                },
                {"type": "code_interpreter", "container": {"type": "auto"}},
                {
                    "type": "computer_use_preview",
                    "display_width": 1,
                    "display_height": 1,
                    "environment": "linux",
                },
            ],
            "include": ["file_search_call.results"],
            "truncation": "disabled",
            "metadata": {},
            "max_tool_calls": 3,
            "top_logprobs": 0,
        },
    ],
)
def test_requests_of_known_clients_are_read(fields: Any) -> None:
    try:
        found = request(**fields)
    except RequestError as error:
        pytest.fail(f"{error.param}: {error.message}")
    assert found.tools[0].name in ("shell", "f")
