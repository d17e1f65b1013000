"""A base model without a chat template ends its turn where it would write the user's next one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from real_weights.models import MODELS
from tests.support.real_models import real_model
from tests.support.server import QUIET, Server, running

pytestmark = pytest.mark.live

QUESTIONS = ("Hello! How are you?", "What is the capital of France?", "Say yes.")
NAME = Path(MODELS["gemma3"].file).stem
MARKS = ("User:", "Assistant:", "###")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    model = real_model("gemma3")
    with running(tmp_path_factory.mktemp("server"), str(model), "--ctx", "2048", *QUIET) as server:
        yield server


def asked(base: Server, path: str, **fields: Any) -> Any:
    answer = httpx.post(base.root + path, json={"model": NAME, **fields}, timeout=100)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_reply_ends_before_the_next_turn(base: Server, question: str) -> None:
    messages: Any = [{"role": "user", "content": question}]
    options: Any = {"model": NAME, "messages": messages, "temperature": 0, "max_tokens": 60}
    whole = base.client().chat.completions.create(**options).choices[0]
    content = whole.message.content or ""
    assert content.strip()
    assert whole.finish_reason == "stop"
    assert not any(mark in content for mark in MARKS)
    chunks = [
        chunk.choices[0] for chunk in base.client().chat.completions.create(**options, stream=True)
    ]
    assert "".join(chunk.delta.content or "" for chunk in chunks) == content
    assert chunks[-1].finish_reason == "stop"


def test_no_protocol_takes_the_end_of_a_turn_for_a_stop_string_of_the_client(base: Server) -> None:
    messages = [{"role": "user", "content": QUESTIONS[1]}]
    said = asked(base, "/v1/messages", messages=messages, max_tokens=60, temperature=0)
    assert (said["stop_reason"], said["stop_sequence"]) == ("end_turn", None)
    options = {"temperature": 0, "num_predict": 60}
    chat = asked(base, "/api/chat", messages=messages, stream=False, options=options)
    assert chat["done_reason"] == "stop"
    response = asked(base, "/v1/responses", input=QUESTIONS[1], max_output_tokens=60, temperature=0)
    assert response["status"] == "completed"
    texts = (said["content"][0]["text"], chat["message"]["content"])
    assert texts[0] == texts[1] == response["output"][0]["content"][0]["text"]


def test_a_stop_string_of_the_client_is_still_reported_as_such(base: Server) -> None:
    messages = [{"role": "user", "content": QUESTIONS[1]}]
    said = asked(
        base, "/v1/messages", messages=messages, max_tokens=60, temperature=0,
        stop_sequences=["France"],
    )  # fmt: skip
    assert (said["stop_reason"], said["stop_sequence"]) == ("stop_sequence", "France")


def test_text_that_is_no_conversation_goes_on(base: Server) -> None:
    prompt = "### User:\nHello!\n\n### Assistant:\nHello!\n\n### User:\nHello!\n\n### Assistant:\n"
    reply = asked(base, "/v1/completions", prompt=prompt, max_tokens=24, temperature=0)
    assert "### User:" in reply["choices"][0]["text"]
