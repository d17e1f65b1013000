"""``POST /v1/explain``: everything about a request but its answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gguf_fc.job import Failed
from tests.support.gguf_files import write_gguf
from tests.support.serving import Application, entry
from tests.support.templates import template_text

USER = {"role": "user", "content": "Weather in Paris?"}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


@pytest.fixture
def served(tmp_path: Path) -> Application:
    path = write_gguf(tmp_path / "m.gguf", template=template_text("tagged"))
    return Application([entry("m", path)])


def explain(served: Application, **fields: Any) -> dict[str, Any]:
    response = served.post("/v1/explain", {"messages": [USER], **fields})
    assert response.status_code == 200, response.text
    explained: dict[str, Any] = response.json()
    return explained


def test_the_prompt_is_shown_with_its_tokens_and_those_that_tools_cost(served: Application) -> None:
    prompt = explain(served, tools=[TOOL])["prompt"]
    with_tools, without_tools = served.worker.prompts
    assert prompt["text"] == with_tools
    assert "get_weather" in with_tools
    assert "get_weather" not in without_tools
    assert prompt["tokens"] == len(with_tools)
    assert prompt["tool_tokens"] == len(with_tools) - len(without_tools)
    assert prompt["fits"] == (len(with_tools) < prompt["context_length"])


@pytest.mark.parametrize("fields", [{}, {"tools": [TOOL], "tool_choice": "none"}])
def test_tools_that_are_not_shown_cost_nothing(served: Application, fields: dict[str, Any]) -> None:
    assert explain(served, **fields)["prompt"]["tool_tokens"] == 0
    assert len(served.worker.prompts) == 1


def test_syntax_grammar_and_cache_are_shown(served: Application) -> None:
    explained = explain(served, tools=[TOOL], tool_choice="required")
    assert explained["dialect"]["tools"] == "native"
    assert "<tool_call>" in explained["dialect"]["syntax"]["call"][0]
    assert "get_weather" in explained["gbnf"]
    assert explained["report"] == []
    assert explained["cache"] == {"decision": "share", "cached_tokens": 3}
    assert explained["model"] == "m"


def test_ignored_fields_are_named(served: Application) -> None:
    assert explain(served, user="me")["ignored"] == ["user"]


def test_template_variables_reach_the_template(tmp_path: Path) -> None:
    template = "{{ mood }} {% for m in messages %}{{ m.content }}{% endfor %}"
    path = write_gguf(tmp_path / "m.gguf", template=template)
    served = Application([entry("m", path)])
    explained = explain(served, chat_template_kwargs={"mood": "cheerful"})
    assert explained["prompt"]["text"].startswith("cheerful ")


@pytest.mark.parametrize("fields", [{"enable_thinking": False}, {"reasoning_effort": "none"}])
def test_thinking_can_be_switched_off(tmp_path: Path, fields: dict[str, Any]) -> None:
    template = (
        "{% for m in messages %}{{ m.content }}{% endfor %}"
        "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
    )
    path = write_gguf(tmp_path / "m.gguf", template=template)
    served = Application([entry("m", path)])
    assert not explain(served)["prompt"]["text"].endswith("<think></think>")
    assert explain(served, **fields)["prompt"]["text"].endswith("<think></think>")


def test_a_request_that_makes_no_sense_is_refused_as_it_would_be(served: Application) -> None:
    response = served.post("/v1/explain", {"messages": [USER], "tool_choice": "required"})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "tool_choice"


def test_a_worker_that_cannot_measure_is_an_error(served: Application) -> None:
    served.worker.failure = Failed(id="x", code="worker_died", message="gone")
    response = served.post("/v1/explain", {"messages": [USER]})
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "worker_died"


def test_a_begun_reply_that_cannot_have_the_form_asked_for_is_refused(served: Application) -> None:
    messages = [USER, {"role": "assistant", "content": "Well, "}]
    fields = {"messages": messages, "response_format": {"type": "json_object"}}
    response = served.post("/v1/explain", fields)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "messages"
    assert explain(served, messages=messages)["prompt"]["text"].endswith("Well, ")
