"""The worker's dispatch: every message that can be sent to it is handled by one of its parts."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import get_args

import pytest

from gguf_fc import frames
from gguf_fc.engine.embedding import EmbeddingQueue
from gguf_fc.engine.loop import Engine
from gguf_fc.engine.tokenization import Tokenization
from gguf_fc.frames import MESSAGES
from gguf_fc.job import Failed, FromWorker, Load, Ping, Pong, Stop, Tokenized, ToWorker
from gguf_fc.worker.child import _environment
from gguf_fc.worker.process import Dispatcher, Line
from tests.support.engine import no_grammars
from tests.support.scripted_model import ScriptedModel, rambling


def dispatcher(sent: list[FromWorker]) -> Dispatcher:
    model = ScriptedModel(rambling)
    return Dispatcher(
        Engine(model, no_grammars, sent.append, Load(path="")),  # type: ignore[arg-type]
        EmbeddingQueue(model, sent.append),  # type: ignore[arg-type] # embeds nothing here
        Tokenization(model),  # type: ignore[arg-type] # nor tokenizes
        sent.append,
        lambda: None,
    )


def test_every_message_to_the_worker_has_a_handler() -> None:
    before_and_after = {Load, Stop}  # the process itself begins and ends with them
    assert set(dispatcher([]).handlers) == {*get_args(ToWorker)} - before_and_after


def test_no_message_is_claimed_by_two_parts() -> None:
    parts = dispatcher([])
    claims = [
        kind
        for part in (parts.engine, parts.embeddings, parts.tokenization)
        for kind in part.handlers
    ]
    assert len(claims) == len(set(claims))


def test_an_answer_is_sent() -> None:
    sent: list[FromWorker] = []
    dispatcher(sent).handle(Ping(3))
    assert sent == [Pong(3)]


def test_an_answer_that_no_message_can_hold_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_FRAME", 300)
    ours, theirs = socket.socketpair()
    with ours, closing(Line(theirs)) as line:
        line.send(Tokenized(id="long", tokens=tuple(range(1000))))
        line.send(Tokenized(id="short", tokens=(1, 2)))
        failed, tokenized = MESSAGES.decoder().feed(ours.recv(1 << 16))
    assert isinstance(failed, Failed)
    assert (failed.id, failed.code) == ("long", "request_too_large")
    assert tokenized == Tokenized(id="short", tokens=(1, 2))
    assert line.is_open


def test_a_worker_gets_nothing_secret_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ("HF_TOKEN", "GGUF_FC_API_KEY", "AWS_SECRET_ACCESS_KEY", "MY_PASSWORD", "gh_token")
    for name in secrets:
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    environment = _environment()
    assert "secret" not in environment.values()
    assert environment["CUDA_VISIBLE_DEVICES"] == "1"
