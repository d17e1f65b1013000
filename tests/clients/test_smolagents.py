"""smolagents: its model calls a tool, and its agent's calls are what its long prompt asks for."""

from __future__ import annotations

from typing import Any

import pytest
from smolagents import (
    AgentMaxStepsError,
    ChatMessage,
    MessageRole,
    OpenAIModel,
    Tool,
    ToolCallingAgent,
    tool,
)

from tests.clients.gateway import gateway
from tests.clients.world import QUESTION, Weather


@pytest.fixture
def get_weather(weather: Weather) -> Tool:
    @tool
    def get_weather(city: str) -> str:
        """Get the current weather in a city.

        Args:
            city: Name of the city
        """
        return weather.get(city)

    return get_weather


def model_at(url: str) -> OpenAIModel:
    return OpenAIModel("demo", api_base=url, api_key="none", temperature=0, max_tokens=100)


def test_a_tool_is_called_whole_and_streamed(url: str, get_weather: Any) -> None:
    text = [{"type": "text", "text": QUESTION}]
    asked = [ChatMessage(role=MessageRole.USER, content=text)]
    whole = model_at(url).generate(asked, tools_to_call_from=[get_weather])
    assert whole.tool_calls is not None
    (call,) = whole.tool_calls
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "Paris"}')
    pieces = list(model_at(url).generate_stream(asked, tools_to_call_from=[get_weather]))
    written = [
        delta.function.arguments
        for piece in pieces
        for delta in piece.tool_calls or []
        if delta.function is not None
    ]
    assert "".join(written) == call.function.arguments


def test_every_step_of_an_agent_is_a_call_of_one_of_its_tools(root: str, get_weather: Any) -> None:
    # Its prompt of 1,800 tokens is too much for the demo model, so the strings it writes are short.
    with gateway(root) as closer:
        agent = ToolCallingAgent([get_weather], model_at(f"{closer}/v1"), max_steps=2)
        agent.run(QUESTION)
    calls = [
        call for step in agent.memory.steps for call in getattr(step, "tool_calls", None) or []
    ]
    assert calls
    assert {call.name for call in calls} <= {"get_weather", "final_answer"}
    errors = [getattr(step, "error", None) for step in agent.memory.steps]
    assert {type(error) for error in errors if error} <= {AgentMaxStepsError}
