"""The library and the chat protocol read OpenAI's JSON alike: the same values, the same refusals.

Examples are JSON that is right, then damaged in up to two places: a value replaced, a member
renamed, dropped or put in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.dialect.openai_json.library import (
    read_choice,
    read_format,
    read_messages,
    read_tools,
)
from gguf_fc.errors import GgufFcError, InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.protocols.chat.request import to_request
from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.request import Request
from tests.support.templates import dialect_of

Outcome = tuple[str, object, object]

USER = {"role": "user", "content": "hi"}
WORDS = st.sampled_from(
    [
        *("function", "custom", "text", "refusal", "grammar", "regex", "lark", "json_object"),
        *("json_schema", "allowed_tools", "auto", "any", "none", "required", "tool", "user"),
        *("assistant", "observation", "f", "g", "a b", "", "{}", '{"x": 1,}', "{oops", "a(", "[]"),
    ]
)
KEYS = st.sampled_from(
    [
        *("type", "name", "function", "custom", "schema", "json_schema", "strict", "parameters"),
        *("content", "role", "tool_calls", "function_call", "arguments", "id", "mode", "tools"),
        *("text", "refusal", "reasoning", "format", "input", "allowed_tools", "description"),
    ]
)
SCHEMAS = st.sampled_from(
    [
        *(None, True, False, {}, {"type": "object"}, {"type": "integer"}, {"type": ["object"]}),
        {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
    ]
)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 2), WORDS, SCHEMAS, st.lists(WORDS, max_size=2)
)


def function(name: str, schema: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def _objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects in which any member may be missing."""
    return st.fixed_dictionaries({}, optional=members)


NAMED = _objects(name=WORDS, description=WORDS, parameters=SCHEMAS, strict=st.booleans())
GRAMMAR = _objects(syntax=st.just("regex") | WORDS, definition=WORDS)
TOOLS = st.lists(
    st.one_of(
        st.builds(function, st.sampled_from("fgh"), SCHEMAS),
        st.builds(lambda form: {"type": "custom", "custom": form}, NAMED),
        st.builds(
            lambda grammar: {
                "type": "custom",
                "custom": {"name": "c", "format": {"type": "grammar", "grammar": grammar}},
            },
            GRAMMAR,
        ),
        _objects(type=WORDS, function=NAMED, custom=NAMED, name=WORDS),
    ),
    max_size=3,
)
REFERENCES = st.one_of(
    WORDS,
    st.builds(lambda name: {"name": name}, WORDS),
    st.builds(lambda name: {"type": "function", "function": {"name": name}}, WORDS),
    st.builds(lambda name: {"type": "custom", "custom": {"name": name}}, WORDS),
)
ALLOWED = _objects(mode=WORDS, tools=st.lists(REFERENCES, max_size=2))
CHOICES = st.one_of(
    st.none(),
    REFERENCES,
    st.builds(lambda allowed: {"type": "allowed_tools", "allowed_tools": allowed}, ALLOWED),
    st.builds(lambda allowed: {"type": "allowed_tools", **allowed}, ALLOWED),
)
FORMATS = _objects(
    type=st.sampled_from(["text", "json_object", "json_schema"]),
    schema=SCHEMAS,
    json_schema=_objects(name=WORDS, schema=SCHEMAS, strict=st.booleans()),
)
RIGHT_TOOLS = st.sampled_from(
    [
        [],
        [function("f", None)],
        [function("f", {"type": "object"}), function("g", True)],
        [{"type": "custom", "custom": {"name": "f"}}, function("any", {})],
    ]
)
RIGHT_CHOICES = st.sampled_from(
    [
        *(None, "auto", "none", "any", "f", {"name": "f"}, {"function": {"name": "f"}}),
        {"type": "allowed_tools", "mode": "required", "tools": [{"name": "f"}]},
    ]
)
RIGHT_FORMATS = st.sampled_from(
    [
        *(None, {"type": "text"}, {"type": "json_object"}),
        {"type": "json_object", "schema": {"type": "integer"}},
        {"type": "json_schema", "schema": {"type": "object"}},
        {"type": "json_schema", "json_schema": {"schema": {"enum": ["a", 1]}}},
    ]
)
OFFERED = [function("f", None), function("any", {})]
PARTS = st.lists(
    st.builds(lambda text: {"type": "text", "text": text}, WORDS)
    | _objects(type=WORDS, text=WORDS, refusal=WORDS),
    max_size=2,
)
CALLED = _objects(name=WORDS, arguments=WORDS | st.just({"x": 1}))
CALLS = st.lists(
    st.builds(lambda called: {"id": "1", "function": called}, CALLED)
    | _objects(id=WORDS, type=WORDS, function=CALLED, custom=_objects(name=WORDS, input=WORDS)),
    max_size=2,
)
MESSAGES = st.lists(
    st.one_of(
        st.builds(lambda content: {"role": "user", "content": content}, WORDS | PARTS),
        st.builds(lambda calls: {"role": "assistant", "tool_calls": calls}, CALLS),
        st.builds(lambda call: {"role": "assistant", "function_call": call}, CALLED),
        st.builds(lambda text: {"role": "observation", "content": text}, WORDS),
        _objects(
            role=WORDS,
            content=WORDS | PARTS,
            refusal=WORDS,
            reasoning=WORDS,
            reasoning_content=WORDS,
            tool_call_id=WORDS,
            name=WORDS,
        ),
    ),
    max_size=3,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container within *value*, with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    inner = [value[key] for key in keys]
    return [(value, key) for key in keys] + [
        place for one in inner if isinstance(one, dict | list) for place in places(one)
    ]


def fresh(value: Any) -> Any:
    """A copy that shares nothing: examples are drawn from the same objects again and again."""
    return orjson.loads(orjson.dumps(value))


@st.composite
def damaged(draw: st.DrawFn, right: st.SearchStrategy[Any]) -> Any:
    value = [fresh(draw(right))]
    for _ in range(draw(st.integers(0, 2))):
        holder, key = draw(st.sampled_from(places(value)))
        match draw(st.sampled_from(["replace", "drop", "rename", "add"])):
            case "drop" if holder is not value:
                del holder[key]
            case "rename" if isinstance(holder, dict):
                holder[draw(KEYS)] = holder.pop(key)
            case "add" if isinstance(holder[key], dict):
                holder[key][draw(KEYS)] = fresh(draw(VALUES))
            case _:
                holder[key] = fresh(draw(VALUES))
    return value[0]


def outcome(read: Callable[[], object]) -> Outcome:
    try:
        return ("read", read(), None)
    except InvalidParameter as error:
        return (type(error).__name__, error.message, error.param)


def over_http(**fields: Any) -> Request:
    body, _ = CHAT.parse(orjson.dumps({"messages": [USER], **fields}))
    return to_request(body, Sampling())


def agrees(library: Callable[[], object], part: str, **fields: Any) -> Outcome:
    found = outcome(lambda: getattr(over_http(**fields), part))
    assert outcome(library) == found
    return found


@settings(max_examples=300, derandomize=True, deadline=None)
@given(damaged(TOOLS))
def test_tools_are_read_alike(tools: Any) -> None:
    agrees(lambda: read_tools(tools), "tools", tools=tools)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(RIGHT_CHOICES | damaged(CHOICES), st.sampled_from([[], OFFERED, OFFERED, OFFERED]))
def test_a_tool_choice_is_read_alike(choice: Any, tools: Any) -> None:
    offered = read_tools(tools)
    agrees(lambda: read_choice(choice, offered), "tool_choice", tools=tools, tool_choice=choice)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(damaged(FORMATS))
def test_a_response_format_is_read_alike(form: Any) -> None:
    _, found, _ = agrees(lambda: read_format(form), "format", response_format=form)
    if not isinstance(found, str):
        ours, theirs = read_format(form), over_http(response_format=form).format
        assert ours.schema_at == theirs.schema_at


@settings(max_examples=400, derandomize=True, deadline=None)
@given(damaged(MESSAGES))
def test_messages_are_read_alike(messages: Any) -> None:
    agrees(lambda: read_messages(messages), "messages", messages=messages)


def grammar_text(make: Callable[[], Any]) -> Outcome:
    try:
        return ("grammar", make().gbnf, None)
    except GgufFcError as error:
        return (type(error).__name__, error.message, error.param)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(RIGHT_TOOLS, RIGHT_CHOICES, RIGHT_FORMATS)
def test_the_library_makes_the_grammar_that_a_request_is_held_to(
    tools: Any, choice: Any, form: Any
) -> None:
    dialect = dialect_of("tagged")

    def of_request() -> Any:
        request = over_http(tools=tools, tool_choice=choice, response_format=form)
        return dialect.grammar(request.tools, request.tool_choice, response_format=request.format)

    library = grammar_text(lambda: dialect.grammar(tools, choice, response_format=form))
    assert library == grammar_text(of_request)


OBJECT = {"type": "object", "properties": {"x": {"type": "integer"}}}


@pytest.mark.parametrize(("text", "accepted"), [('{"x": 1}', True), ('{"x": 1, "y": 2}', False)])
def test_arguments_have_no_members_but_the_declared_ones(text: str, *, accepted: bool) -> None:
    dialect = dialect_of("tagged")
    called = dialect.write(tool_calls=[{"name": "f", "arguments": {"x": 1}}])
    grammar = dialect.grammar([function("f", OBJECT)], "required")
    assert grammar.matches(called.replace('{"x": 1}', text)) == accepted
