"""Haystack: tools called whole, streamed and in Responses; an agent; a structured answer."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from haystack.components.agents import Agent
from haystack.components.generators.chat import (
    OpenAIChatGenerator,
    OpenAIResponsesChatGenerator,
)
from haystack.dataclasses import ChatMessage
from haystack.tools import Tool, tool
from haystack.utils import Secret

from tests.clients.world import QUESTION, Place, Weather

KEY = Secret.from_token("none")
ASKED = [ChatMessage.from_user(QUESTION)]


@pytest.fixture
def get_weather(weather: Weather) -> Tool:
    @tool
    def get_weather(city: Annotated[str, "Name of the city"]) -> str:
        """Get the current weather in a city"""
        return weather.get(city)

    return get_weather


@pytest.fixture
def generator(url: str) -> OpenAIChatGenerator:
    return OpenAIChatGenerator(
        api_key=KEY,
        model="demo",
        api_base_url=url,
        generation_kwargs={"temperature": 0, "max_completion_tokens": 100},
    )


def called(reply: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(call.tool_name, call.arguments) for call in reply["replies"][0].tool_calls]


def test_a_tool_is_called_whole_and_streamed(
    generator: OpenAIChatGenerator, get_weather: Tool
) -> None:
    chunks: list[Any] = []
    for options in ({}, {"streaming_callback": chunks.append}):
        found = generator.run(ASKED, tools=[get_weather], **options)
        assert called(found) == [("get_weather", {"city": "Paris"})]
        assert found["replies"][0].meta["finish_reason"] == "tool_calls"
    assert len(chunks) > 1


def test_a_tool_is_called_in_responses(url: str, get_weather: Tool) -> None:
    generator = OpenAIResponsesChatGenerator(
        api_key=KEY, model="demo", api_base_url=url, generation_kwargs={"temperature": 0}
    )
    found = generator.run(ASKED, tools=[get_weather])
    assert called(found) == [("get_weather", {"city": "Paris"})]


def test_an_agent_gets_the_result_and_tells_it(
    generator: OpenAIChatGenerator, get_weather: Tool, weather: Weather
) -> None:
    found = Agent(chat_generator=generator, tools=[get_weather]).run(ASKED)
    assert weather.asked == ["Paris"]
    assert "18" in found["messages"][-1].text


def test_a_structured_answer_has_its_form(generator: OpenAIChatGenerator) -> None:
    found = generator.run(
        [ChatMessage.from_user("Describe Paris.")], generation_kwargs={"response_format": Place}
    )
    assert Place.model_validate_json(found["replies"][0].text)
