"""Every template renders every conversation, and nothing that was said to the model is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from gguf_fc import Dialect
from tests.support.corpus import ours, real
from tests.support.histories import histories, marked
from tests.support.models import DATA
from tests.support.spoilt import chat, spoilt, words_in

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


def check(dialects: dict[str, Dialect], history: list[dict[str, Any]]) -> None:
    messages, words = marked(history)
    for name, dialect in dialects.items():
        for tools in (None, TOOLS):
            prompt = dialect.render(messages, tools=tools)
            assert prompt.warning is None, (name, prompt.warning)
            assert [word for word in words if word not in prompt.text] == [], name
            assert prompt.text.endswith(prompt.prefill), name
            assert prompt.text.encode(), name
            assert "\ufdd0" not in prompt.text, name


@settings(derandomize=True, max_examples=40, deadline=None)
@given(histories())
def test_templates_of_ours_render_every_history(history: list[dict[str, Any]]) -> None:
    check(ours(), history)


@pytest.mark.skipif(not (DATA / "templates").exists(), reason=f"no templates in {DATA}")
@settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # to make an example small takes minutes here
    suppress_health_check=[HealthCheck.too_slow],
)
@given(histories())
def test_real_templates_render_every_history(history: list[dict[str, Any]]) -> None:
    check(real(), history)


def check_spoilt(dialects: dict[str, Dialect], history: list[Any]) -> None:
    words = words_in(history)
    for name, dialect in dialects.items():
        for tools in (None, TOOLS):
            prompt = dialect.render(history, tools=tools)
            assert prompt.warning is None, (name, prompt.warning)
            assert [word for word in words if word not in prompt.text] == [], name


@settings(derandomize=True, max_examples=40, deadline=None)
@given(spoilt(chat))
def test_templates_of_ours_render_a_spoilt_history(history: list[Any]) -> None:
    check_spoilt(ours(), history)


@pytest.mark.skipif(not (DATA / "templates").exists(), reason=f"no templates in {DATA}")
@settings(
    derandomize=True,
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(spoilt(chat))
def test_real_templates_render_a_spoilt_history(history: list[Any]) -> None:
    check_spoilt(real(), history)
