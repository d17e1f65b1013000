"""LangChain: tools bound by name or any, structured output, an agent, functions as of old."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_function
from langchain_openai import ChatOpenAI

from tests.clients.world import QUESTION, TOO_LONG, TWO_CITIES, Place, Weather


@pytest.fixture
def model(url: str) -> ChatOpenAI:
    return ChatOpenAI(
        base_url=url, api_key="none", model="demo", temperature=0, max_retries=0, max_tokens=200
    )


@pytest.fixture
def get_weather(weather: Weather) -> Any:
    @tool
    def get_weather(city: str) -> str:
        """Get the current weather in a city."""
        return weather.get(city)

    return get_weather


@tool
def get_time(city: str) -> str:
    """Current time in a city."""
    return f"12:00 in {city}"


def test_bound_tools_are_called_streamed_or_not(model: ChatOpenAI, get_weather: Any) -> None:
    bound = model.bind_tools([get_weather])
    whole = bound.invoke(TWO_CITIES)
    assert isinstance(whole, AIMessage)
    assert [(call["name"], call["args"]) for call in whole.tool_calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Lyon"}),
    ]
    joined: Any = None
    for chunk in bound.stream(TWO_CITIES):
        assert isinstance(chunk, AIMessageChunk)
        joined = chunk if joined is None else joined + chunk
    assert [(call["name"], call["args"]) for call in joined.tool_calls] == [
        (call["name"], call["args"]) for call in whole.tool_calls
    ]


@pytest.mark.parametrize(
    ("choice", "names"), [("get_time", {"get_time"}), ("any", {"get_time", "get_weather"})]
)
def test_a_choice_by_name_or_any_is_kept(
    model: ChatOpenAI, get_weather: Any, choice: str, names: set[str]
) -> None:
    bound = model.bind_tools([get_weather, get_time], tool_choice=choice)
    called = bound.invoke("Hello!").tool_calls
    assert called
    assert {call["name"] for call in called} <= names
    assert all(set(call["args"]) == {"city"} for call in called)


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_structured_output_has_its_form(model: ChatOpenAI, method: Any) -> None:
    structured = model.with_structured_output(Place, method=method)
    assert isinstance(structured.invoke("Describe Paris."), Place)


def test_structured_output_is_an_object_in_json_mode(model: ChatOpenAI, root: str) -> None:
    # A model this small never ends an object of its own making, so it is told to.
    asked = httpx.post(f"{root}/tokenize", json={"content": "{}}"}).json()
    ending = model.bind(logit_bias={str(token): 100 for token in asked["tokens"]})
    structured = ending.bound.with_structured_output(method="json_mode", **ending.kwargs)
    assert isinstance(structured.invoke("Describe Paris, as JSON."), dict)


def test_a_tool_calling_agent_gets_the_result_and_tells_it(
    model: ChatOpenAI, get_weather: Any, weather: Weather
) -> None:
    agent = create_agent(model, [get_weather])
    messages = agent.invoke({"messages": [{"role": "user", "content": QUESTION}]})["messages"]
    assert weather.asked == ["Paris"]
    assert any(isinstance(message, ToolMessage) for message in messages)
    assert "18" in messages[-1].content


def test_functions_as_of_old_are_called_streamed_or_not(
    model: ChatOpenAI, get_weather: Any
) -> None:
    function = convert_to_openai_function(get_weather)
    bound = model.bind(functions=[function], function_call={"name": "get_weather"})
    ask: list[Callable[[], Any]] = [
        lambda: bound.invoke(QUESTION),
        lambda: _joined(bound.stream(QUESTION)),
    ]
    for answer in ask:
        assert answer().additional_kwargs["function_call"] == {
            "name": "get_weather",
            "arguments": '{"city": "Paris"}',
        }


def _joined(chunks: Any) -> Any:
    first, *others = chunks
    for chunk in others:
        first += chunk
    return first


def test_a_prompt_over_the_context_is_an_error_of_its_kind(model: ChatOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        model.invoke(TOO_LONG)
    assert caught.value.code == "context_length_exceeded"
