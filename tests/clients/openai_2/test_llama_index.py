"""LlamaIndex: calls, an agent, structured prediction, streams."""

from __future__ import annotations

import asyncio

import openai
import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike

from tests.clients.world import DESCRIPTION, QUESTION, TOO_LONG, Place, Weather


@pytest.fixture
def model(url: str) -> OpenAILike:
    return OpenAILike(
        model="demo",
        api_base=url,
        api_key="none",
        is_chat_model=True,
        is_function_calling_model=True,
        context_window=4096,
        max_tokens=200,
        temperature=0,
        max_retries=0,
    )


@pytest.fixture
def tool(weather: Weather) -> FunctionTool:
    return FunctionTool.from_defaults(weather.get, name="get_weather", description=DESCRIPTION)


def test_a_tool_is_called_streamed_or_not(model: OpenAILike, tool: FunctionTool) -> None:
    whole = model.chat_with_tools([tool], QUESTION)
    *_, last = model.stream_chat_with_tools([tool], QUESTION)
    for reply in (whole, last):
        (call,) = model.get_tool_calls_from_response(reply)
        assert (call.tool_name, call.tool_kwargs) == ("get_weather", {"city": "Paris"})


def test_a_required_call_is_made(model: OpenAILike, tool: FunctionTool) -> None:
    reply = model.chat_with_tools([tool], "Hello!", tool_required=True)
    assert {c.tool_name for c in model.get_tool_calls_from_response(reply)} == {"get_weather"}


def test_a_structured_prediction_has_its_form(model: OpenAILike) -> None:
    found = model.structured_predict(Place, PromptTemplate("Describe {city}."), city="Paris")
    assert isinstance(found, Place)


def test_an_agent_gets_the_result_and_tells_it(
    model: OpenAILike, tool: FunctionTool, weather: Weather
) -> None:
    async def scenario() -> str:
        return str(await FunctionAgent(tools=[tool], llm=model).run(QUESTION))

    assert "18" in asyncio.run(scenario())
    assert weather.asked == ["Paris"]


def test_a_prompt_over_the_context_is_an_error_of_its_kind(model: OpenAILike) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        model.chat([ChatMessage(role="user", content=TOO_LONG)])
    assert caught.value.code == "context_length_exceeded"
