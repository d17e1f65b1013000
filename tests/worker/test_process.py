"""The worker's dispatch: every message that can be sent to it is handled by one of its parts."""

from __future__ import annotations

from typing import get_args

from gguf_fc.engine.embedding import EmbeddingQueue
from gguf_fc.engine.loop import Engine
from gguf_fc.engine.tokenization import Tokenization
from gguf_fc.job import FromWorker, Load, Ping, Pong, Stop, ToWorker
from gguf_fc.worker.process import Dispatcher
from tests.support.engine import no_grammars
from tests.support.scripted_model import ScriptedModel, rambling


def dispatcher(sent: list[FromWorker]) -> Dispatcher:
    model = ScriptedModel(rambling)
    return Dispatcher(
        Engine(model, no_grammars, sent.append, Load(path="")),  # type: ignore[arg-type]
        EmbeddingQueue(model, sent.append),  # type: ignore[arg-type] # embeds nothing here
        Tokenization(model),  # type: ignore[arg-type] # nor tokenizes
        sent.append,
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
