"""Pydantic AI: agents with tools, structured output in its modes, streams."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.clients.world import DESCRIPTION, QUESTION, TOO_LONG, Place, Weather

SETTINGS: Any = {"temperature": 0, "max_tokens": 200}


@pytest.fixture(params=[OpenAIChatModel, OpenAIResponsesModel])
def model(request: pytest.FixtureRequest, url: str) -> Any:
    return request.param("demo", provider=OpenAIProvider(base_url=url, api_key="none"))


def test_an_agent_gets_the_result_and_tells_it(model: Any, weather: Weather) -> None:
    agent = Agent(model, model_settings=SETTINGS)
    agent.tool_plain(name="get_weather", description=DESCRIPTION)(weather.get)
    assert "18" in agent.run_sync(QUESTION).output
    assert weather.asked == ["Paris"]


def test_an_agent_streams_the_same(model: Any, weather: Weather) -> None:
    agent = Agent(model, model_settings=SETTINGS)
    agent.tool_plain(name="get_weather", description=DESCRIPTION)(weather.get)

    async def scenario() -> str:
        async with agent.run_stream(QUESTION) as run:
            return str(await run.get_output())

    assert "18" in asyncio.run(scenario())
    assert weather.asked == ["Paris"]


@pytest.mark.parametrize("mode", [NativeOutput, ToolOutput])
def test_structured_output_has_its_form(model: Any, mode: Any) -> None:
    agent = Agent(model, output_type=mode(Place), model_settings=SETTINGS)
    assert isinstance(agent.run_sync("Describe Paris.").output, Place)


def test_a_prompt_over_the_context_is_a_bad_request(model: Any) -> None:
    with pytest.raises(ModelHTTPError) as caught:
        Agent(model).run_sync(TOO_LONG)
    assert caught.value.status_code == 400
    assert "context_length_exceeded" in str(caught.value.body)
