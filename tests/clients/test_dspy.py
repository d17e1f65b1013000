"""DSPy: a signature by JSON Schema, tools called natively, and the plain text of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import dspy
import pytest
from dspy.lm15 import (
    AccessPolicy,
    ModelSupport,
    OpenAIChatCompat,
    ProviderDefinition,
    register_provider,
    unregister_provider,
)

from tests.clients.world import QUESTION, Weather


@pytest.fixture
def lm(url: str) -> Iterator[dspy.LM]:
    access = AccessPolicy(provider="gguf-fc", env_keys=("DSPY_KEY",), base_url=url)
    register_provider(
        ProviderDefinition.chat(access, compat=OpenAIChatCompat()),
        supports=ModelSupport(function_calling=True, response_schema=True),
    )
    yield dspy.LM("gguf-fc/demo", api_key="none", temperature=0, max_tokens=100, cache=False)
    unregister_provider("gguf-fc")


def test_a_text_is_answered(lm: dspy.LM) -> None:
    (text,) = lm("Hello")
    assert text


def test_a_signature_is_held_by_its_schema(lm: dspy.LM) -> None:
    class Size(dspy.Signature):
        """Say how large a city is."""

        city: str = dspy.InputField()
        size: Literal["small", "large"] = dspy.OutputField()

    with dspy.context(lm=lm, adapter=dspy.JSONAdapter()):
        assert dspy.Predict(Size)(city="Paris").size in ("small", "large")


def test_a_tool_is_called(lm: dspy.LM, weather: Weather) -> None:
    def get_weather(city: str) -> str:
        """Get the current weather in a city."""
        return weather.get(city)

    class Ask(dspy.Signature):
        """Answer."""

        question: str = dspy.InputField()
        tools: list[dspy.Tool] = dspy.InputField()
        outputs: dspy.ToolCalls = dspy.OutputField()

    with dspy.context(lm=lm, adapter=dspy.JSONAdapter(use_native_function_calling=True)):
        found = dspy.Predict(Ask)(question=QUESTION, tools=[dspy.Tool(get_weather)])
    (call,) = found.outputs.tool_calls
    assert (call.name, call.args) == ("get_weather", {"city": "Paris"})
