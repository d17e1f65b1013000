"""From a body to a request: combinations the types alone cannot judge."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gguf_fc.dialect.openai_json.messages import unread_arguments
from gguf_fc.errors import InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.protocols.chat.request import choices, to_request
from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.request import Message, OwnGrammar, Request, ToolCall, ToolChoice

USER = {"role": "user", "content": "hi"}
TOOLS = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]


def request(**fields: Any) -> Request:
    body, _ = CHAT.parse(orjson.dumps({"messages": [USER], **fields}))
    return to_request(body, Sampling(top_k=7))


def refused(**fields: Any) -> str | None:
    with pytest.raises(InvalidParameter) as caught:
        request(**fields)
    return caught.value.param


def test_sampling_left_out_comes_from_the_defaults() -> None:
    assert request(temperature=0).sampling == Sampling(temperature=0, top_k=7)


def test_text_parts_become_one_text() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert request(messages=[{"role": "user", "content": parts}]).messages[0].content == "a\nb"


def test_an_image_is_refused_by_its_path() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}]
    messages = [{"role": "user", "content": parts}]
    assert refused(messages=messages) == "messages[0].content[1].type"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"a": 1}', '{"a":1}'),
        ({"a": 1}, '{"a":1}'),
        ("", "{}"),
        (None, "{}"),
        ("```json\n{'a': True,}\n```", '{"a":true}'),
    ],
)
def test_arguments_of_earlier_calls_may_be_text_or_an_object(arguments: object, text: str) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    history = [USER, {"role": "assistant", "content": None, "tool_calls": [call]}]
    assert request(messages=history).messages[1] == Message(
        role="assistant", tool_calls=(ToolCall("1", "f", text),)
    )


def test_arguments_of_earlier_calls_that_cannot_be_read_are_named() -> None:
    calls = [
        {"id": str(n), "function": {"name": "f", "arguments": arguments}}
        for n, arguments in enumerate(["{oops", {"a": 1}, "[]"])
    ]
    legacy = {"role": "assistant", "function_call": {"name": "f", "arguments": 5}}
    found = request(messages=[USER, {"role": "assistant", "tool_calls": calls}, legacy])
    written = [call.arguments for message in found.messages for call in message.tool_calls]
    assert written == ['{"input":"{oops"}', '{"a":1}', "{}", '{"input":"5"}']
    assert unread_arguments(found.messages) == (
        "messages[1].tool_calls[0].function.arguments",
        "messages[1].tool_calls[2].function.arguments",
        "messages[2].function_call.arguments",
    )


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ToolChoice("auto")),
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "function": {"name": "g"}}, ToolChoice("named", "g")),
        ({"type": "function", "name": "g"}, ToolChoice("named", "g")),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [{"type": "function", "function": {"name": "f"}}],
                },
            },
            ToolChoice("required", allowed=("f",)),
        ),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "g"}],
            },
            ToolChoice("auto", allowed=("g",)),
        ),
    ],
)
def test_every_form_of_tool_choice_is_understood(choice: object, expected: ToolChoice) -> None:
    assert request(tools=TOOLS, tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("sometimes", "tool_choice"),
        ({"type": "function"}, "tool_choice"),
        ({"type": "function", "function": {"name": "h"}}, "tool_choice.function.name"),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"name": "h"}]}},
            "tool_choice.allowed_tools.tools[0]",
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "maybe", "tools": []}},
            "tool_choice.allowed_tools.mode",
        ),
    ],
)
def test_a_tool_choice_that_cannot_be_met_is_refused(choice: object, param: str) -> None:
    assert refused(tools=TOOLS, tool_choice=choice) == param


@pytest.mark.parametrize("tools", [None, []])
def test_without_tools_there_is_nothing_to_choose(tools: object) -> None:
    assert request(tools=tools).tool_choice == ToolChoice("none")
    assert refused(tools=tools, tool_choice="required") == "tool_choice"


def test_two_tools_of_one_name_are_refused() -> None:
    assert refused(tools=[*TOOLS, TOOLS[0]]) == "tools[2].function.name"


def test_template_variables_are_passed_on_unless_they_are_the_server_s_own() -> None:
    kwargs = {"enable_thinking": False, "builtin_tools": ["x"]}
    assert request(chat_template_kwargs=kwargs).template_variables == kwargs
    for name in ("messages", "tools", "add_generation_prompt", "bos_token", "not a name"):
        assert refused(chat_template_kwargs={name: 1}) == f"chat_template_kwargs.{name}"


@pytest.mark.parametrize(
    ("fields", "thinking", "effort"),
    [
        ({}, None, None),
        ({"enable_thinking": False}, False, None),
        ({"enable_thinking": True, "reasoning_effort": "low"}, True, "low"),
        ({"reasoning_effort": "high"}, None, "high"),
        ({"reasoning_effort": "none"}, False, None),
        ({"reasoning": {"effort": "high"}}, None, "high"),
        ({"reasoning": {"effort": "none"}}, False, None),
        ({"reasoning": {"effort": "low", "enabled": True, "summary": "auto"}}, True, "low"),
        ({"reasoning": {"enabled": False, "effort": None}}, False, None),
        ({"reasoning": {}, "reasoning_effort": "low"}, None, "low"),
    ],
)
def test_thinking_is_switched_by_either_field(
    fields: dict[str, Any], *, thinking: bool | None, effort: str | None
) -> None:
    asked = request(**fields)
    assert (asked.thinking, asked.effort) == (thinking, effort)


def test_fields_that_contradict_each_other_about_thinking_are_refused() -> None:
    assert refused(enable_thinking=True, reasoning_effort="none") == "reasoning_effort"
    assert refused(reasoning_effort="much") == "reasoning_effort"
    assert refused(reasoning={"effort": "much"}) == "reasoning.effort"
    assert refused(reasoning={"effort": "low"}, reasoning_effort="high") == "reasoning.effort"
    assert refused(reasoning={"enabled": True, "effort": "none"}) == "reasoning_effort"


def test_stream_options_need_a_stream() -> None:
    assert refused(stream_options={"include_usage": True}) == "stream_options"
    assert request(stream=True, stream_options={"include_usage": True}).include_usage


def test_the_two_names_of_the_token_limit_must_agree() -> None:
    assert request(max_tokens=5).max_tokens == 5
    assert request(max_completion_tokens=6).max_tokens == 6
    assert refused(max_tokens=5, max_completion_tokens=6) == "max_tokens"


def test_a_json_schema_format_needs_its_schema() -> None:
    bare = {"type": "json_schema", "json_schema": {"name": "x"}}
    assert refused(response_format=bare) == "response_format.json_schema.schema"


def test_logit_bias_is_keyed_by_token_ids() -> None:
    assert request(logit_bias={"5": -100}).sampling.logit_bias == ((5, -100.0),)
    assert refused(logit_bias={"hello": 1}) == "logit_bias"


def test_a_tool_result_may_be_empty() -> None:
    found = request(messages=[USER, {"role": "tool", "tool_call_id": "1", "content": None}])
    assert found.messages[1] == Message(role="tool", tool_call_id="1")


@pytest.mark.parametrize("parameters", [False, {"type": "string"}, {"type": ["array", "null"]}])
def test_parameters_must_describe_an_object(parameters: object) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    assert refused(tools=[tool]) == "tools[0].function.parameters"


@pytest.mark.parametrize(
    "parameters", [None, True, {}, {"type": ["object", "null"]}, {"type": "OBJECT"}, {"type": None}]
)
def test_parameters_may_leave_it_to_us_that_arguments_are_an_object(parameters: object) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    assert request(tools=[tool]).tools[0].parameters == parameters


def test_a_grammar_stands_alone() -> None:
    assert request(grammar="root ::= [a]").grammar == OwnGrammar(source="root ::= [a]")
    assert request(grammar="x", tools=[], response_format={"type": "text"}).grammar is not None
    assert refused(grammar="x", tools=TOOLS) == "grammar"
    assert refused(grammar="x", tools=TOOLS, tool_choice="none") == "grammar"
    assert refused(grammar="x", response_format={"type": "json_object"}) == "grammar"


def test_each_choice_of_a_seeded_request_has_a_seed_of_its_own() -> None:
    seeded = choices(request(seed=7), 3)
    assert [one.sampling.seed for one in seeded] == [7, 8, 9]
    assert choices(request(), 2) == (request(), request())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"n_predict": 5}, {"max_tokens": 5}),
        ({"max_tokens": -1}, {"max_tokens": None}),
        ({"max_tokens": 5, "n_predict": 5}, {"max_tokens": 5}),
        ({"logprobs": True}, {"logprobs": 0}),
        ({"logprobs": True, "top_logprobs": 3}, {"logprobs": 3}),
        ({"logprobs": False, "top_logprobs": 0}, {"logprobs": None}),
        ({"prediction": {"type": "content", "content": "abc"}}, {"prediction": "abc"}),
        (
            {"prediction": {"content": [{"type": "text", "text": "abc"}]}},
            {"prediction": "abc"},
        ),
        ({"verbosity": "low"}, {"verbosity": "low"}),
        ({"thinking": {"type": "disabled"}}, {"thinking": False}),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 9}},
            {"thinking": True, "thinking_budget": 9},
        ),
        ({"thinking": {"type": "adaptive"}}, {"thinking": None}),
        ({"thinking_budget": 0}, {"thinking_budget": 0}),
        ({"reasoning_budget": -1}, {"thinking_budget": None}),
        ({"reasoning": {"max_tokens": 9}}, {"thinking_budget": 9}),
        ({"reasoning_effort": "max"}, {"effort": "max"}),
        ({"reasoning_format": "none"}, {"separate_reasoning": False}),
        ({"reasoning_format": "auto"}, {"separate_reasoning": True}),
        ({"repetition_penalty": 1.5}, {"sampling": Sampling(top_k=7, repeat_penalty=1.5)}),
        ({"repeat_last_n": 9}, {"sampling": Sampling(top_k=7, penalty_last_n=9)}),
        ({"repeat_last_n": -1}, {"sampling": Sampling(top_k=7, penalty_last_n=2**31 - 1)}),
    ],
)
def test_a_field_becomes_what_it_asks_for(
    fields: dict[str, Any], expected: dict[str, object]
) -> None:
    made = request(**fields)
    assert {name: getattr(made, name) for name in expected} == expected


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"json_schema": SCHEMA}, "json_schema"),
        (
            {"response_format": {"type": "json_object", "schema": SCHEMA}},
            "response_format.schema",
        ),
        (
            {"response_format": {"type": "json_schema", "schema": SCHEMA}},
            "response_format.schema",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
            "response_format.json_schema.schema",
        ),
    ],
)
def test_a_schema_may_stand_in_any_of_its_places(fields: dict[str, Any], place: str) -> None:
    form = request(**fields).format
    assert (form.type, form.schema, form.schema_at) == ("json_schema", SCHEMA, place)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 5, "n_predict": 6}, "n_predict"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"thinking_budget": 1, "reasoning_budget": 2}, "reasoning_budget"),
        ({"enable_thinking": True, "thinking": {"type": "disabled"}}, "thinking"),
        ({"repeat_penalty": 1.1, "repetition_penalty": 1.2}, "repetition_penalty"),
        ({"json_schema": SCHEMA, "response_format": {"type": "json_object"}}, "json_schema"),
        ({"json_schema": SCHEMA, "grammar": "root ::= [a]"}, "grammar"),
        ({"functions": [{"name": "f"}], "grammar": "root ::= [a]"}, "grammar"),
        ({"prediction": {"content": [{"type": "image"}]}}, "prediction.content[0].type"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields) == param
