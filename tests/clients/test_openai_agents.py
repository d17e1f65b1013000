"""The OpenAI Agents SDK, over Chat Completions and over Responses."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI

from tests.clients.world import QUESTION, TOO_LONG, Place, Weather

set_tracing_disabled(disabled=True)
SETTINGS = ModelSettings(temperature=0, max_tokens=200)


@pytest.fixture(params=[OpenAIChatCompletionsModel, OpenAIResponsesModel])
def model(request: pytest.FixtureRequest, url: str) -> Any:
    client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    return request.param(model="demo", openai_client=client)


def agent(model: Any, weather: Weather) -> Agent[Any]:
    @function_tool
    def get_weather(city: str) -> str:
        """Get the current weather in a city."""
        return weather.get(city)

    return Agent(name="helper", model=model, model_settings=SETTINGS, tools=[get_weather])


def test_an_agent_gets_the_result_and_tells_it(model: Any, weather: Weather) -> None:
    result = asyncio.run(Runner.run(agent(model, weather), QUESTION))
    assert weather.asked == ["Paris"]
    assert "18" in result.final_output


def test_an_agent_streams_the_same(model: Any, weather: Weather) -> None:
    async def scenario() -> str:
        run = Runner.run_streamed(agent(model, weather), QUESTION)
        async for _ in run.stream_events():
            pass
        return str(run.final_output)

    assert "18" in asyncio.run(scenario())
    assert weather.asked == ["Paris"]


def test_structured_output_has_its_form(model: Any) -> None:
    described = Agent(name="helper", model=model, model_settings=SETTINGS, output_type=Place)
    assert isinstance(asyncio.run(Runner.run(described, "Describe Paris.")).final_output, Place)


def test_a_prompt_over_the_context_is_an_error_of_its_kind(model: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        asyncio.run(Runner.run(Agent(name="helper", model=model), TOO_LONG))
    assert caught.value.code == "context_length_exceeded"
