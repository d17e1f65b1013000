"""Ollama's bodies become requests; what does not make sense is refused by name."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from ollama._types import ChatRequest, GenerateRequest, Options

from gguf_fc.errors import InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.protocols.ollama.request import RawPrompt, chat_request, generate_request
from gguf_fc.protocols.ollama.schema import OLLAMA_CHAT, OLLAMA_GENERATE
from gguf_fc.request import Form, Format, Message, Request, Tool, ToolCall, ToolChoice

USER = {"role": "user", "content": "Hello"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Weather", "parameters": SCHEMA},
}


def ask(**fields: Any) -> tuple[Request, tuple[str, ...]]:
    raw = orjson.dumps({"model": "demo", "messages": [USER], **fields})
    body, ignored = OLLAMA_CHAT.parse(raw)
    return chat_request(body, "demo", Sampling()), ignored


def chat(**fields: Any) -> Request:
    return ask(**fields)[0]


def prompted(**fields: Any) -> Request | RawPrompt:
    body, _ = OLLAMA_GENERATE.parse(orjson.dumps({"model": "demo", **fields}))
    return generate_request(body, "demo", Sampling())


def generate(**fields: Any) -> Request:
    found = prompted(**fields)
    assert isinstance(found, Request)
    return found


def refused(**fields: Any) -> str | None:
    """The parameter that is named."""
    with pytest.raises(InvalidParameter) as caught:
        ask(**fields)
    return caught.value.param


def test_every_field_of_the_official_client_has_a_word_said_on_it() -> None:
    assert set(ChatRequest.model_fields) <= OLLAMA_CHAT.known
    assert set(GenerateRequest.model_fields) <= OLLAMA_GENERATE.known


def test_options_of_the_model_s_loading_are_named_and_have_no_effect() -> None:
    options = {name: 1 for name in Options.model_fields if name not in ("stop", "mirostat")}
    found, ignored = ask(options=options, keep_alive="5m")
    assert found.sampling.top_k == 1
    assert {"keep_alive", "options.num_gpu", "options.num_thread", "options.numa"} <= set(ignored)
    assert "options.top_k" not in ignored


def test_options_are_where_the_protocol_has_them() -> None:
    options = {
        "temperature": 0.5,
        "top_k": 3,
        "top_p": 0.9,
        "min_p": 0.1,
        "seed": 7,
        "repeat_penalty": 1.1,
        "repeat_last_n": 32,
        "presence_penalty": 0.2,
        "frequency_penalty": 0.3,
        "num_predict": 5,
        "num_ctx": 2048,
        "stop": ["a", "b"],
        "mirostat": 0,
        "tfs_z": 1,
        "typical_p": 1.0,
    }
    found, ignored = ask(options=options)
    assert found.sampling == Sampling(
        temperature=0.5,
        top_k=3,
        top_p=0.9,
        min_p=0.1,
        seed=7,
        repeat_penalty=1.1,
        penalty_last_n=32,
        presence_penalty=0.2,
        frequency_penalty=0.3,
    )
    assert (found.max_tokens, found.n_ctx, found.stop) == (5, 2048, ("a", "b"))
    assert ignored == ()
    assert chat(options={"stop": "a"}).stop == ("a",)


@pytest.mark.parametrize("limit", [-1, -2, None])
def test_a_reply_without_a_limit(limit: int | None) -> None:
    assert chat(options={"num_predict": limit}).max_tokens is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"options": {"num_predict": 0}}, "options.num_predict"),
        ({"options": {"num_ctx": 0}}, "options.num_ctx"),
        ({"options": {"mirostat": 1}}, "options.mirostat"),
        ({"options": {"tfs_z": 0.5}}, "options.tfs_z"),
        ({"options": {"typical_p": 1.5}}, "options.typical_p"),
        ({"options": {"temperature": -1}}, "options.temperature"),
        ({"model": None}, "model"),
        ({"format": "xml"}, "format"),
        ({"think": "much"}, "think"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"message": []}, "message"),
        ({"messages": [{**USER, "images": ["aGk="]}]}, "messages[0].images"),
        ({"messages": [{**USER, "role": "wizard"}]}, "messages[0].role"),
        (
            {"messages": [{**USER, "tool_calls": [{"function": {"name": "f"}}]}]},
            "messages[0].tool_calls",
        ),
        ({"tools": [WEATHER, WEATHER]}, "tools[1].function.name"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields) == param


def test_a_conversation_with_calls_and_results() -> None:
    call = {"function": {"name": "f", "arguments": {"x": 1}, "index": 0}}
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi", "images": []},
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [call]},
        {"role": "tool", "tool_name": "f", "content": "2"},
        {"role": "tool", "tool_call_id": "a"},
        {"role": "assistant", "content": "Two."},
    ]
    assert chat(messages=messages).messages == (
        Message(role="system", content="Be kind."),
        Message(role="user", content="Hi"),
        Message(
            role="assistant",
            reasoning_content="hm",
            tool_calls=(ToolCall(None, "f", '{"x":1}'),),
        ),
        Message(role="tool", content="2", name="f"),
        Message(role="tool", content="", tool_call_id="a"),
        Message(role="assistant", content="Two."),
    )


def test_tools_may_be_called_where_there_are_any() -> None:
    found = chat(tools=[WEATHER])
    assert found.tools == (Tool(name="get_weather", description="Weather", parameters=SCHEMA),)
    assert found.tool_choice == ToolChoice("auto")
    assert chat(tools=[]).tool_choice == ToolChoice("none")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("none", ToolChoice("none")),
        ("auto", ToolChoice("auto")),
        ("required", ToolChoice("required")),
        ("get_weather", ToolChoice("named", "get_weather")),
        (
            {"type": "function", "function": {"name": "get_weather"}},
            ToolChoice("named", "get_weather"),
        ),
        (None, ToolChoice("auto")),
    ],
)
def test_a_choice_of_tools_is_read_as_in_chat_completions(
    choice: str | dict[str, Any] | None, expected: ToolChoice
) -> None:
    assert chat(tools=[WEATHER], tool_choice=choice).tool_choice == expected
    assert refused(tools=[WEATHER], tool_choice={"name": "other"}) == "tool_choice.name"
    assert refused(tool_choice="required") == "tool_choice"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (None, Format()),
        ("", Format()),
        ("json", Format(type="json_object")),
        (SCHEMA, Format(type="json_schema", schema=SCHEMA)),
    ],
)
def test_the_form_of_an_answer(form: Any, expected: Format) -> None:
    assert chat(format=form).format == generate(prompt="Hi", format=form).format == expected


@pytest.mark.parametrize(
    ("think", "expected"),
    [(None, (None, None)), (True, (True, None)), (False, (False, None)), ("low", (True, "low"))],
)
def test_thinking(think: Any, expected: tuple[bool | None, str | None]) -> None:
    found = chat(think=think)
    assert (found.thinking, found.effort) == expected


def test_a_reply_is_streamed_unless_that_is_declined() -> None:
    assert chat().stream
    assert generate(prompt="Hi", stream=True).stream
    assert not chat(stream=False).stream


def test_scores_are_given_where_they_are_wanted() -> None:
    assert chat().logprobs is None
    assert chat(logprobs=True).logprobs == 0
    assert chat(logprobs=True, top_logprobs=3).logprobs == 3


def test_a_prompt_is_a_conversation_of_one_turn() -> None:
    assert generate(prompt="Hi", system="Be kind.").messages == (
        Message(role="system", content="Be kind."),
        Message(role="user", content="Hi"),
    )


@pytest.mark.parametrize("fields", [{}, {"prompt": ""}, {"system": "Be kind."}])
def test_without_a_prompt_there_is_nothing_to_answer(fields: dict[str, Any]) -> None:
    assert generate(**fields).messages == ()
    assert chat(messages=None).messages == chat(messages=[]).messages == ()


@pytest.mark.parametrize("name", sorted(OLLAMA_GENERATE.refused))
def test_what_a_prompt_may_not_have_is_refused_by_name(name: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        generate(prompt="Hi", **{name: "something"})
    assert caught.value.param == name
    for value in OLLAMA_GENERATE.refused[name].harmless:
        assert generate(prompt="Hi", **{name: value}).messages


def test_a_raw_prompt_is_gone_on_with_as_it_is() -> None:
    options = {"num_predict": 5, "num_ctx": 64, "stop": "x", "temperature": 0.5}
    found = prompted(prompt="1, 2,", raw=True, format=SCHEMA, options=options, logprobs=True)
    assert isinstance(found, RawPrompt)
    text = found.text
    assert (text.prompt.text, text.suffix, text.max_tokens, text.stop) == ("1, 2,", None, 5, ("x",))
    assert (found.n_ctx, text.sampling.temperature, text.logprobs) == (64, 0.5, 0)
    assert text.form == Form(schema=SCHEMA, param="format")


def test_a_suffix_asks_for_the_gap_before_it() -> None:
    found = prompted(prompt="a", suffix="c", format="json")
    assert isinstance(found, RawPrompt)
    assert (found.text.suffix, found.text.max_tokens) == ("c", None)
    assert found.text.form == Form(schema={"type": "object"}, param="format")


@pytest.mark.parametrize("field", [{"system": "Be kind."}, {"think": True}])
@pytest.mark.parametrize("kind", [{"raw": True}, {"suffix": "c"}])
def test_what_only_the_template_can_say_is_refused_without_it(
    field: dict[str, Any], kind: dict[str, Any]
) -> None:
    with pytest.raises(InvalidParameter, match="template") as caught:
        prompted(prompt="a", **kind, **field)
    assert caught.value.param == next(iter(field))


def test_without_a_prompt_a_raw_one_is_not_answered_either() -> None:
    assert generate(raw=True).messages == ()
