"""Every template renders every conversation, and nothing that was said to the model is lost."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from gguf_fc import Dialect
from tests.support.histories import histories, marked
from tests.support.models import DATA
from tests.support.templates import NAMES, dialect_of

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
SPECIAL = ("<|im_end|>", "<think>", "</think>", "<tool_call>", "[TOOL_CALLS]")


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


@cache
def ours() -> dict[str, Dialect]:
    return {name: dialect_of(name, special_tokens=SPECIAL) for name in NAMES}


@cache
def corpus() -> dict[str, Dialect]:
    return {
        path.stem: Dialect.from_template(
            path.read_text(encoding="utf-8"),
            bos_token="<s>",  # noqa: S106  not a password
            special_tokens=SPECIAL,
        )
        for path in sorted((DATA / "templates").glob("*.jinja"))
    }


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
    check(corpus(), history)
