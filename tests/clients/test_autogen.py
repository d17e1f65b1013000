"""AutoGen: an agent that calls a tool and tells its result, whole and streamed; a typed answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from autogen_agentchat.agents import AssistantAgent
from autogen_core.models import ModelInfo, UserMessage
from autogen_ext.models.openai import OpenAIChatCompletionClient

from tests.clients.world import QUESTION, Place, Weather

# What a client must say of a model that its own table does not list.
ABLE = ModelInfo(
    vision=False, function_calling=True, json_output=True, family="unknown", structured_output=True
)


@pytest_asyncio.fixture
async def model(url: str) -> AsyncIterator[OpenAIChatCompletionClient]:
    opened = OpenAIChatCompletionClient(
        model="demo", base_url=url, api_key="none", temperature=0, max_tokens=100, model_info=ABLE
    )
    yield opened
    await opened.close()


@pytest.mark.parametrize("stream", [False, True])
async def test_an_agent_gets_the_result_and_tells_it(
    model: OpenAIChatCompletionClient, weather: Weather, *, stream: bool
) -> None:
    async def get_weather(city: str) -> str:
        """Get the current weather in a city."""
        return weather.get(city)

    agent = AssistantAgent(
        "helper",
        model_client=model,
        tools=[get_weather],
        reflect_on_tool_use=True,
        model_client_stream=stream,
        system_message=None,
    )
    found = await agent.run(task=QUESTION)
    assert weather.asked == ["Paris"]
    assert "18" in found.messages[-1].to_text()


async def test_a_structured_answer_has_its_form(model: OpenAIChatCompletionClient) -> None:
    asked = [UserMessage(content="Describe Paris.", source="user")]
    found = await model.create(asked, json_output=Place)
    assert isinstance(found.content, str)
    assert Place.model_validate_json(found.content)
