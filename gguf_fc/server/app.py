"""The ASGI application: routes, limits and errors.  What the routes do is said elsewhere."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from gguf_fc import __version__
from gguf_fc.errors import GgufFcError
from gguf_fc.generation.answer import Answer, Ids, answer
from gguf_fc.generation.grammar_cache import GrammarCache
from gguf_fc.generation.reply_memory import Recall
from gguf_fc.generation.text_completion import Completer
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.chat.wire import ChatWire
from gguf_fc.protocols.completions.wire import TextWire
from gguf_fc.protocols.embeddings import Embeddings
from gguf_fc.protocols.error_body import ErrorBody, error_body
from gguf_fc.protocols.explain import Explain
from gguf_fc.protocols.messages.count import CountTokens
from gguf_fc.protocols.messages.error_body import error_body as messages_error
from gguf_fc.protocols.messages.wire import MessagesWire
from gguf_fc.protocols.ollama.catalog import OllamaCatalog
from gguf_fc.protocols.ollama.dispatch import Complete, Generate, OllamaWork
from gguf_fc.protocols.ollama.embed import OllamaEmbed
from gguf_fc.protocols.ollama.error_body import error_body as ollama_error
from gguf_fc.protocols.ollama.wire import OllamaWire
from gguf_fc.protocols.tokens import Tokens
from gguf_fc.request import Request, TextRequest
from gguf_fc.server.catalog import Catalog
from gguf_fc.server.docs_page import Reference
from gguf_fc.server.endpoint import Endpoint
from gguf_fc.server.errors import on_bug, on_error, on_http_error
from gguf_fc.server.guard import LocalOnly
from gguf_fc.server.json_endpoint import JsonEndpoint, JsonView, JsonViewEndpoint, JsonWork
from gguf_fc.server.metrics import Metrics
from gguf_fc.server.operations import OPERATIONS
from gguf_fc.server.response_routes import response_routes


def create_app(pool: Pool, *, allowed_hosts: tuple[str, ...] = ()) -> Starlette:
    """The application that serves *pool*, which it starts and stops.

    *allowed_hosts* are accepted in the Host header beside the loopback names.
    """
    grammars = GrammarCache()
    metrics = Metrics(pool, clock=time.monotonic)
    chat_ids = _ids("chatcmpl-", "call_")

    recall = Recall()

    generate = _generator(pool, metrics, grammars, recall)

    completer = Completer(pool, grammars.validators, _prefixed("cmpl-"))

    def complete(requests: tuple[TextRequest, ...]) -> AbstractAsyncContextManager[Answer]:
        return metrics.watch(completer.complete(requests))

    chat = Endpoint(ChatWire(pool), generate(chat_ids), clock=time.time)
    explain = Explain(pool, grammars, chat_ids, recall)
    response_ids = _ids("resp_", "call_")
    responses = response_routes(pool, generate(response_ids), new_id=_new_item_id, clock=time.time)
    catalog = Catalog(pool, started=int(time.time()))
    reference = Reference(OPERATIONS, __version__)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await pool.stop()

    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat.respond, methods=["POST"]),
            *_messages_routes(pool, generate),
            *_ollama_routes(pool, OllamaWork(pool, generate(chat_ids), complete)),
            *responses,
            *_text_routes(pool, complete),
            _plain("/v1/explain", explain.explain),
            _plain("/apply-template", explain.apply_template),
            Route("/v1/models", catalog.models),
            Route("/v1/models/{name:path}", catalog.model),
            Route("/health", catalog.health),
            Route("/metrics", metrics.respond),
            Route("/openapi.json", reference.openapi),
            Route("/docs", reference.page),
        ],
        middleware=[Middleware(LocalOnly, allowed_hosts=allowed_hosts)],
        exception_handlers={
            GgufFcError: on_error,
            HTTPException: on_http_error,
            Exception: on_bug,
        },
        lifespan=lifespan,
    )


def _messages_routes(pool: Pool, generate: Callable[[Ids], Generate]) -> list[Route]:
    ids = _ids("msg_", "toolu_")
    messages = Endpoint(MessagesWire(pool), generate(ids), clock=time.time)
    count_tokens = CountTokens(pool, ids)
    return [
        Route("/v1/messages", messages.respond, methods=["POST"]),
        _plain("/v1/messages/count_tokens", count_tokens.count, messages_error),
    ]


def _text_routes(pool: Pool, complete: Complete) -> list[Route]:
    text: Endpoint[TextRequest] = Endpoint(TextWire(pool), complete, clock=time.time)
    embeddings, tokens = Embeddings(pool, _fresh_id), Tokens(pool, _fresh_id)
    return [
        Route("/v1/completions", text.respond, methods=["POST"]),
        _plain("/v1/embeddings", embeddings.embed),
        _plain("/tokenize", tokens.tokenize),
        _plain("/detokenize", tokens.detokenize),
    ]


def _ollama_routes(pool: Pool, work: OllamaWork) -> list[Route]:
    chat = Endpoint(OllamaWire(pool, "chat"), work.start, clock=time.time)
    prompt = Endpoint(OllamaWire(pool, "generate"), work.start, clock=time.time)
    catalog = OllamaCatalog(pool)
    embed = OllamaEmbed(Embeddings(pool, _fresh_id), time.monotonic_ns)
    return [
        Route("/api/chat", chat.respond, methods=["POST"]),
        Route("/api/generate", prompt.respond, methods=["POST"]),
        _plain("/api/embed", embed.embed, ollama_error),
        _plain("/api/embeddings", embed.embed_one, ollama_error),
        _plain("/api/show", catalog.show, ollama_error),
        _view("/api/tags", catalog.tags),
        _view("/api/ps", catalog.ps),
        _view("/api/version", catalog.version),
    ]


def _plain(path: str, work: JsonWork, shape: ErrorBody = error_body) -> Route:
    return Route(path, JsonEndpoint(work, shape).respond, methods=["POST"])


def _view(path: str, view: JsonView) -> Route:
    return Route(path, JsonViewEndpoint(view).respond)


def _fresh_id() -> str:
    return uuid.uuid4().hex


def _prefixed(prefix: str) -> Callable[[], str]:
    return lambda: f"{prefix}{uuid.uuid4().hex}"


def _ids(reply: str, call: str) -> Ids:
    """Fresh ids behind the prefixes that a protocol's clients know."""
    return Ids(
        reply=lambda: f"{reply}{uuid.uuid4().hex}", call=lambda: f"{call}{secrets.token_hex(12)}"
    )


def _new_item_id(prefix: str) -> str:
    return f"{prefix}{uuid.uuid4().hex}"


def _generator(
    pool: Pool, metrics: Metrics, grammars: GrammarCache, recall: Recall
) -> Callable[[Ids], Generate]:
    """What begins replies, for a protocol's ids."""

    def generate(ids: Ids) -> Generate:
        def begin(requests: Sequence[Request]) -> AbstractAsyncContextManager[Answer]:
            mended = [recall.mended(request) for request in requests]
            return metrics.watch(recall.listen(answer(mended, pool, grammars, ids)))

        return begin

    return generate
