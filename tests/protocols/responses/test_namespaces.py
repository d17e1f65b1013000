"""Tools in namespaces: one name for the model, two for the client, in every place."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gguf_fc.errors import InvalidParameter
from gguf_fc.events import CallDelta, CallEnd, CallStart
from gguf_fc.job import Sampling
from gguf_fc.protocols.responses.conversation import messages_of
from gguf_fc.protocols.responses.echo import echo
from gguf_fc.protocols.responses.input import read_input
from gguf_fc.protocols.responses.items import kept_items
from gguf_fc.protocols.responses.output import Output
from gguf_fc.protocols.responses.request import offers_of, passed_over, shape_of, to_request
from gguf_fc.protocols.responses.schema import RESPONSES
from gguf_fc.protocols.responses.store import ResponseStore
from gguf_fc.protocols.responses.tools import LONGEST
from gguf_fc.request import Message, Request, ToolCall, ToolChoice

Json = dict[str, Any]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
F = {"type": "function", "name": "f", "parameters": CITY}


def space(name: str, *tools: Any, **more: Any) -> Json:
    return {"type": "namespace", "name": name, "tools": list(tools), **more}


def tool(name: str, **more: Any) -> Json:
    return {"type": "function", "name": name, "parameters": CITY, **more}


WEATHER = space("mcp__weather", tool("get", description="d"), tool("set"), description="Weather")


class Asked:
    """A body as it is read."""

    def __init__(self, *items: Any, tools: Any = (), **fields: Any) -> None:
        given = [*items, {"role": "user", "content": "Hi"}]
        self.body, _ = RESPONSES.convert({"input": given, "tools": list(tools), **fields})
        numbers = count()
        found = read_input(self.body, ResponseStore(), lambda prefix: f"{prefix}{next(numbers)}")
        self.offers = offers_of(self.body, found.placed)
        messages = tuple(messages_of(found.placed, self.offers.name_of))
        self.request: Request = to_request(self.body, messages, Sampling(), self.offers)
        self.passed_over = list(passed_over(self.body, self.offers))

    @property
    def names(self) -> list[str]:
        return [tool.name for tool in self.request.tools]

    def called(self, name: str) -> list[Json]:
        """Events of a call that the model makes by *name*, and at last the item."""
        output = Output(lambda prefix: f"{prefix}1", shape_of(self.body, self.offers))
        events = (CallStart(0, "call_1", name), CallDelta(0, '{"input":"x"}'), CallEnd(0))
        return [*(one for event in events for one in output.take(event)), output.items[0]]


def test_the_tools_of_a_namespace_are_offered_under_one_name_each() -> None:
    asked = Asked(tools=[WEATHER, F])
    assert asked.names == ["mcp__weather__get", "mcp__weather__set", "f"]
    assert [one.description for one in asked.request.tools] == ["d", "Weather", None]
    assert asked.request.tools[1].schema_at == "tools[0].tools[1].parameters"
    assert asked.passed_over == []


def test_a_call_says_namespace_and_name_apart_in_every_event() -> None:
    names = {"namespace": "mcp__weather", "name": "get"}
    added, _, done_arguments, done, item = Asked(tools=[WEATHER]).called("mcp__weather__get")
    for found in (added["item"], done_arguments, done["item"], item):
        assert found.items() >= names.items()
    assert item["type"] == "function_call"
    assert "namespace" not in Asked(tools=[WEATHER, F]).called("f")[-1]
    (kept,) = kept_items([item])
    assert (kept.namespace, kept.name) == ("mcp__weather", "get")  # type: ignore[union-attr]


def test_a_custom_tool_in_a_namespace_is_called_by_both_names() -> None:
    asked = Asked(tools=[space("sh", {"type": "custom", "name": "run"})])
    item = asked.called("sh__run")[-1]
    assert item["type"] == "custom_tool_call"
    assert (item["namespace"], item["name"], item["input"]) == ("sh", "run", "x")


@pytest.mark.parametrize("tools", [[WEATHER], []], ids=["offered", "offered no more"])
def test_a_past_call_is_read_by_the_name_the_model_knows(tools: Any) -> None:
    call = {"type": "function_call", "call_id": "a", "name": "get", "namespace": "mcp__weather"}
    custom = {
        "type": "custom_tool_call",
        "call_id": "b",
        "name": "x",
        "namespace": "n",
        "input": "",
    }
    output = {"type": "function_call_output", "call_id": "a", "output": "18", "name": "get"}
    found = Asked(call, custom, output | {"namespace": "mcp__weather"}, tools=tools)
    assert found.request.messages[0].tool_calls == (ToolCall("a", "mcp__weather__get", "{}"),)
    assert found.request.messages[1].tool_calls[0].name == "n__x"
    assert found.request.messages[2] == Message(
        role="tool", tool_call_id="a", content="18", name="mcp__weather__get"
    )


def test_a_past_call_without_its_namespace_is_found_where_the_name_is_one_tool_s() -> None:
    call = {"type": "function_call", "call_id": "a", "name": "get"}
    assert (
        Asked(call, tools=[WEATHER]).request.messages[0].tool_calls[0].name == "mcp__weather__get"
    )
    two = Asked(call, tools=[WEATHER, space("b", tool("get"))])
    assert two.request.messages[0].tool_calls[0].name == "get"


CHOICES: dict[str, tuple[Any, ToolChoice]] = {
    "by both names": (
        {"type": "function", "namespace": "mcp__weather", "name": "get"},
        ToolChoice("named", "mcp__weather__get"),
    ),
    "by the name that only one has": (
        {"type": "function", "name": "set"},
        ToolChoice("named", "mcp__weather__set"),
    ),
    "by the model's name": (
        {"type": "function", "name": "mcp__weather__get"},
        ToolChoice("named", "mcp__weather__get"),
    ),
    "a namespace": (
        {"type": "namespace", "name": "mcp__weather"},
        ToolChoice("required", allowed=("mcp__weather__get", "mcp__weather__set")),
    ),
    "a namespace among the allowed": (
        {
            "type": "allowed_tools",
            "mode": "auto",
            "tools": [{"type": "namespace", "name": "mcp__weather"}, {"type": "web_search"}, F],
        },
        ToolChoice("auto", allowed=("mcp__weather__get", "mcp__weather__set", "f")),
    ),
    "both names among the allowed": (
        {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "set", "namespace": "mcp__weather"}],
        },
        ToolChoice("required", allowed=("mcp__weather__set",)),
    ),
}


@pytest.mark.parametrize(("choice", "meant"), CHOICES.values(), ids=CHOICES)
def test_a_choice_names_tools_of_namespaces(choice: Any, meant: ToolChoice) -> None:
    assert Asked(tools=[WEATHER, F], tool_choice=choice).request.tool_choice == meant


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "namespace", "name": "other"},
        {"type": "function", "name": "get", "namespace": "other"},
        {"type": "web_search"},
    ],
)
def test_a_choice_of_what_is_not_offered_is_refused(choice: Any) -> None:
    with pytest.raises(InvalidParameter) as caught:
        Asked(tools=[WEATHER, F], tool_choice=choice)
    assert str(caught.value.param).startswith("tool_choice")


def test_what_is_no_tool_in_a_namespace_is_passed_over_and_named() -> None:
    asked = Asked(tools=[space("a", {"type": "web_search"}, tool("x")), {"type": "tool_search"}])
    assert asked.names == ["a__x"]
    assert asked.passed_over == ["tools[0].tools[0]", "tools[1]"]
    assert Asked(tools=[space("a")]).names == []


def test_two_tools_of_one_name_in_one_namespace_are_refused() -> None:
    with pytest.raises(InvalidParameter, match="Two tools are called 'x'") as caught:
        Asked(tools=[space("a", tool("x"), tool("x"))])
    assert caught.value.param == "tools[0].tools[1].name"


def test_names_are_each_their_own_and_can_be_written() -> None:
    asked = Asked(
        tools=[
            tool("a__x"),
            space("a", tool("x"), tool("_x")),
            space("a_", tool("x")),
            space("my server (é)", tool("x")),
            space("n" * 120, tool("y" * 100), tool("y" * 101)),
        ]
    )
    assert len(set(asked.names)) == len(asked.names) == 7
    assert asked.names[0] == "a__x"
    assert all(re.fullmatch(r"[\w.:/-]{1,128}", name) for name in asked.names)
    for name, (namespace, own) in asked.offers.namespaced.items():
        assert asked.offers.name_of(namespace, own) == name


NAMES = st.text("ab_.", min_size=1, max_size=3)


@given(st.lists(st.tuples(NAMES | st.none(), NAMES), unique=True, max_size=8))
def test_every_name_leads_back(fulls: list[tuple[str | None, str]]) -> None:
    tools = [tool(own) if inside is None else space(inside, tool(own)) for inside, own in fulls]
    asked = Asked(tools=tools)
    assert len(set(asked.names)) == len(fulls)
    for offer in asked.offers.offered:
        item = asked.called(offer.name)[-1]
        assert (item.get("namespace"), item["name"]) == offer.full
        assert len(offer.name) <= LONGEST


def test_tools_in_the_conversation_are_offered_and_replace_earlier_ones() -> None:
    later = {"type": "additional_tools", "role": "developer", "tools": [tool("f", description="n")]}
    asked = Asked({"type": "additional_tools", "tools": [WEATHER]}, later, tools=[F])
    assert asked.names == ["f", "mcp__weather__get", "mcp__weather__set"]
    assert asked.request.tools[0].description == "n"
    assert asked.request.messages == (Message(role="user", content="Hi"),)
    assert asked.called("mcp__weather__get")[-1]["namespace"] == "mcp__weather"


def test_the_response_shows_namespaces_as_they_were_sent() -> None:
    asked = Asked(tools=[WEATHER, {"type": "web_search"}])
    (shown,) = echo(asked.body, asked.request)["tools"]
    assert (shown["type"], shown["name"]) == ("namespace", "mcp__weather")
    assert [inner["name"] for inner in shown["tools"]] == ["get", "set"]
