"""LangChain's own conformance tests of chat models, over each protocol that LangChain speaks.

Where the demo model is too weak for what a test asks, its reply is held closer (``gateway``).
What is skipped are pictures, sounds and documents, which the server does not read, recorded
replies, and a choice of tools where the client has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests

from tests.clients.gateway import gateway

LONG = "Hello! " * 40  # enough for the KV cache to be worth a word in the usage
TOO_HARD = ("structured_output", "json_mode", "unicode_tool_call")
CACHE_READ = {"invoke": ["cache_read_input"], "stream": ["cache_read_input"]}
LIMITED = {"model": "default", "temperature": 0}


@pytest.fixture(scope="module")
def closer(root: str) -> Iterator[str]:
    with gateway(root) as found:
        yield found


class Conformance(ChatModelIntegrationTests):
    """What is the same for all protocols."""

    address = ""  # without /v1
    too_hard: tuple[str, ...] = TOO_HARD

    @pytest.fixture
    def model(self, request: pytest.FixtureRequest, root: str, closer: str) -> BaseChatModel:
        hard = any(words in request.node.name for words in self.too_hard)
        type(self).address = closer if hard else root
        options = {**self.chat_model_params, **(getattr(request, "param", None) or {})}
        return self.chat_model_class(**options)

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "demo"

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        """The second of two equal questions."""
        model = self.chat_model_class(**self.chat_model_params)
        model.invoke(LONG)
        if not stream:
            return model.invoke(LONG)
        whole, *chunks = model.stream(LONG)
        for chunk in chunks:
            whole += chunk
        assert isinstance(whole, AIMessage)
        return whole


class TestChatCompletions(Conformance):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            **LIMITED,
            "base_url": f"{self.address}/v1",
            "api_key": "none",
            "max_tokens": 100,
            "max_retries": 0,
            "stream_usage": True,
        }

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> dict[str, list[str]]:
        return CACHE_READ


class TestResponses(TestChatCompletions):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "use_responses_api": True}


class TestMessages(Conformance):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatAnthropic

    @property
    def chat_model_params(self) -> dict[str, Any]:
        own = {"base_url": self.address, "api_key": "none", "max_tokens": 100, "max_retries": 0}
        return {**LIMITED, **own}

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> dict[str, list[str]]:
        return CACHE_READ


class TestOllama(Conformance):
    # This client cannot ask for a call, and of its own accord the demo model makes none here.
    too_hard = (*TOO_HARD, "test_tool_calling")

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOllama

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**LIMITED, "base_url": self.address, "num_predict": 100}

    @property
    def has_tool_choice(self) -> bool:
        return False
