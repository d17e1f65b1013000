"""The body of a message becomes a request; what does not make sense is refused by name."""

from __future__ import annotations

from typing import Any, get_type_hints

import orjson
import pytest
from anthropic.types import message_count_tokens_params, message_create_params
from anthropic.types.beta import message_create_params as beta_params

from gguf_fc.errors import InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.protocols.messages.request import omits_thinking, to_prompt, to_request
from gguf_fc.protocols.messages.schema import COUNT_TOKENS, MESSAGES
from gguf_fc.request import Format, Message, Request, Tool, ToolChoice

USER = {"role": "user", "content": "Hello"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"name": "get_weather", "description": "Weather", "input_schema": SCHEMA}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
FORMAT = {"type": "json_schema", "schema": SCHEMA}


def ask(**fields: Any) -> tuple[Request, tuple[str, ...]]:
    raw = orjson.dumps({"max_tokens": 9, "messages": [USER], **fields})
    body, ignored = MESSAGES.parse(raw)
    request, passed_over = to_request(body, Sampling())
    return request, (*ignored, *passed_over)


def request(**fields: Any) -> Request:
    return ask(**fields)[0]


def refused(**fields: Any) -> str | None:
    """The parameter that is named."""
    with pytest.raises(InvalidParameter) as caught:
        ask(**fields)
    return caught.value.param


def test_every_field_of_the_official_client_has_a_word_said_on_it() -> None:
    assert set(get_type_hints(message_create_params.MessageCreateParamsBase)) <= MESSAGES.known
    betas = set(get_type_hints(beta_params.MessageCreateParamsBase))
    assert betas - {"betas"} <= MESSAGES.known  # that one is sent as a header
    counted = get_type_hints(message_count_tokens_params.MessageCountTokensParams)
    assert set(counted) <= COUNT_TOKENS.known


def test_the_plain_fields() -> None:
    found = request(
        model="m", max_tokens=5, stop_sequences=["a", "b"], stream=True, temperature=0.5, top_k=3
    )
    assert (found.model, found.max_tokens, found.stop, found.stream) == ("m", 5, ("a", "b"), True)
    assert found.sampling == Sampling(temperature=0.5, top_k=3)
    assert found.messages == (Message(role="user", content="Hello"),)
    assert request(top_p=0.5).sampling == Sampling(top_p=0.5)


@pytest.mark.parametrize("missing", ["max_tokens", "messages"])
def test_what_the_protocol_requires_is_required(missing: str) -> None:
    assert refused(**{missing: None}) == missing


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("Be kind.", ["Be kind."]),
        (
            [{"type": "text", "text": "a", "cache_control": {}}, {"type": "text", "text": "b"}],
            ["a\nb"],
        ),
        ("", []),
        ([], []),
    ],
)
def test_the_system_field_is_the_first_message(system: Any, expected: list[str]) -> None:
    messages = request(system=system).messages
    assert [message.content for message in messages if message.role == "system"] == expected
    assert messages[-1].role == "user"


def test_a_header_of_the_transport_among_the_instructions_is_passed_over() -> None:
    header = {"type": "text", "text": "x-billing-header: version=1.2; hash=abc;"}
    found, ignored = ask(system=[header, {"type": "text", "text": "x-y: z\nBe kind."}])
    assert found.messages[0].content == "x-y: z\nBe kind."
    assert ignored == ("system[0]",)


def test_tools_are_the_client_s_and_others_are_passed_over_by_name() -> None:
    custom = {"type": "custom", "name": "f", "input_schema": {"type": "object"}, "strict": True}
    found, ignored = ask(tools=[WEATHER, SEARCH, custom])
    assert found.tools == (
        Tool(name="get_weather", description="Weather", parameters=SCHEMA),
        Tool(name="f", parameters={"type": "object"}, strict=True),
    )
    assert "tools[1] of type web_search_20250305" in ignored


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ([{"input_schema": {}}], "tools[0].name"),
        ([WEATHER, {"name": "f"}], "tools[1].input_schema"),
        ([WEATHER, WEATHER], "tools[1].name"),
        ([{"name": "f", "input_schema": {"type": "array"}}], "tools[0].input_schema"),
        ([{"name": "a b", "input_schema": {}}], "tools[0].name"),
    ],
)
def test_a_tool_that_cannot_be_called_is_refused(tools: Any, param: str) -> None:
    assert refused(tools=tools) == param


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ToolChoice("auto")),
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "any"}, ToolChoice("required")),
        ({"type": "tool", "name": "get_weather"}, ToolChoice("named", "get_weather")),
        ({"type": "none"}, ToolChoice("none")),
    ],
)
def test_tool_choice(choice: Any, expected: ToolChoice) -> None:
    assert request(tools=[WEATHER], tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize(
    ("tools", "choice", "param"),
    [
        ([], {"type": "any"}, "tool_choice"),
        ([SEARCH], {"type": "any"}, "tool_choice"),
        ([SEARCH, WEATHER], {"type": "tool", "name": "web_search"}, "tool_choice.name"),
        ([WEATHER], {"type": "tool"}, "tool_choice.name"),
        ([WEATHER], {"type": "all"}, "tool_choice.type"),
        ([WEATHER], "auto", "tool_choice"),
    ],
)
def test_a_choice_that_cannot_be_met_is_refused(tools: Any, choice: Any, param: str) -> None:
    assert refused(tools=tools, tool_choice=choice) == param


@pytest.mark.parametrize("kind", ["auto", "any"])
def test_parallel_calls_can_be_switched_off(kind: str) -> None:
    one = {"type": kind, "disable_parallel_tool_use": True}
    several = {"type": kind, "disable_parallel_tool_use": False}
    assert request(tools=[WEATHER], tool_choice=one).parallel_tool_calls is False
    assert request(tools=[WEATHER], tool_choice=several).parallel_tool_calls is True
    assert request(tools=[WEATHER], tool_choice={"type": kind}).parallel_tool_calls is None


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        (None, (None, None)),
        ({"type": "enabled", "budget_tokens": 2000}, (True, 2000)),
        ({"type": "disabled"}, (False, None)),
        ({"type": "adaptive"}, (None, None)),
        ({"type": "between_tools"}, (None, None)),
    ],
)
def test_thinking(thinking: Any, expected: tuple[bool | None, int | None]) -> None:
    found = request(thinking=thinking)
    assert (found.thinking, found.thinking_budget) == expected


def test_thinking_without_a_budget_is_refused() -> None:
    assert refused(thinking={"type": "enabled"}) == "thinking.budget_tokens"


@pytest.mark.parametrize(
    "thinking",
    [
        {"type": "enabled", "budget_tokens": 1, "display": "omitted"},
        {"type": "adaptive", "display": "omitted"},
    ],
)
def test_reasoning_may_be_left_out(thinking: Any) -> None:
    shown = {**thinking, "display": "summarized"}
    for asked, omitted in ((thinking, True), (shown, False), ({"type": "disabled"}, False)):
        raw = orjson.dumps({"messages": [USER], "thinking": asked})
        assert omits_thinking(COUNT_TOKENS.parse(raw)[0]) is omitted


@pytest.mark.parametrize(
    "fields",
    [
        {"output_config": {"format": FORMAT}},
        {"output_format": FORMAT},
        {"output_format": FORMAT, "output_config": {"format": FORMAT, "effort": "low"}},
    ],
)
def test_the_form_of_an_answer_has_two_names(fields: dict[str, Any]) -> None:
    assert request(**fields).format == Format(type="json_schema", schema=SCHEMA)


def test_two_forms_that_differ_are_refused() -> None:
    other = {"type": "json_schema", "schema": {}}
    assert refused(output_format=FORMAT, output_config={"format": other}) == "output_format"


def test_effort_is_said_in_output_config() -> None:
    assert request(output_config={"effort": "max"}).effort == "max"
    assert request(output_config={}).effort is None


def test_a_request_of_a_coding_assistant_is_understood_and_told_what_has_no_effect() -> None:
    cached = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    found, ignored = ask(
        system=[{"type": "text", "text": "You write code.", **cached}],
        messages=[{"role": "user", "content": [{"type": "text", "text": "Hi", **cached}]}],
        tools=[{**WEATHER, "eager_input_streaming": True, **cached}],
        metadata={"user_id": "u"},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        thinking={"type": "adaptive"},
        output_config={"effort": "medium"},
        temperature=1,
    )
    assert [message.content for message in found.messages] == ["You write code.", "Hi"]
    assert set(ignored) == {
        "context_management",
        "messages[*].content[*].cache_control",
        "metadata",
        "system[*].cache_control",
        "tools[*].cache_control",
        "tools[*].eager_input_streaming",
    }


def test_counting_reads_the_same_and_ignores_what_is_said_of_the_reply() -> None:
    fields = {"system": "a", "messages": [USER], "tools": [WEATHER]}
    body, ignored = COUNT_TOKENS.parse(orjson.dumps({**fields, "max_tokens": 5, "stream": True}))
    assert to_prompt(body, Sampling())[0].messages == request(**fields).messages
    assert set(ignored) == {"max_tokens", "stream"}
