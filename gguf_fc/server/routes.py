"""Table of routes: every path, and the protocol or the work that answers it.

``operations`` describes the same paths for clients; a test holds the two together.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from gguf_fc import __version__
from gguf_fc.generation.generator import Generator, Ids
from gguf_fc.protocols.chat.wire import chat_wire
from gguf_fc.protocols.completions.wire import text_wire
from gguf_fc.protocols.embeddings import Embeddings
from gguf_fc.protocols.error_body import ErrorBody, error_body
from gguf_fc.protocols.explain import Explain
from gguf_fc.protocols.infill import GapFiller, infill_wire
from gguf_fc.protocols.messages.count import CountTokens
from gguf_fc.protocols.messages.error_body import error_body as messages_error
from gguf_fc.protocols.messages.wire import messages_wire
from gguf_fc.protocols.ollama.catalog import OllamaCatalog
from gguf_fc.protocols.ollama.embed import OllamaEmbed
from gguf_fc.protocols.ollama.error_body import error_body as ollama_error
from gguf_fc.protocols.ollama.load_or_generate import OllamaGenerator
from gguf_fc.protocols.ollama.wire import ollama_wire
from gguf_fc.protocols.protocol import Json, Wire
from gguf_fc.protocols.rerank import Reranker
from gguf_fc.protocols.responses.input_tokens import InputTokens
from gguf_fc.protocols.responses.request import ResponsesReader
from gguf_fc.protocols.responses.store import ResponseStore
from gguf_fc.protocols.responses.stored import StoredResponses
from gguf_fc.protocols.responses.wire import responses_wire
from gguf_fc.protocols.server_views import ServerViews
from gguf_fc.protocols.tokens import Tokens
from gguf_fc.server.catalog import Catalog
from gguf_fc.server.endpoint import Begin, Endpoint
from gguf_fc.server.json_endpoint import JsonEndpoint, JsonView, JsonViewEndpoint, JsonWork
from gguf_fc.server.json_response import json_response
from gguf_fc.server.metrics import Metrics
from gguf_fc.server.operations import OPERATIONS
from gguf_fc.server.pages.docs_page import ApiReference
from gguf_fc.server.pages.front_page import FrontPage

COMPLETION_IDS = Ids.with_prefixes("cmpl-", "call_")
CHAT_IDS = Ids.with_prefixes("chatcmpl-", "call_")
MESSAGE_IDS = Ids.with_prefixes("msg_", "toolu_")
# Read without a key even where all else needs one: they say nothing of models or requests.
OPEN_PATHS = frozenset({"/", "/health"})

RESPONSE_IDS = Ids.with_prefixes("resp_", "call_")


def routes(generator: Generator, metrics: Metrics) -> list[Route]:
    """All of them."""
    return [
        *openai_routes(generator),
        *response_routes(generator),
        *messages_routes(generator),
        *ollama_routes(generator),
        *own_routes(generator, metrics),
    ]


def openai_routes(generator: Generator) -> list[Route]:
    """Chat completions, completions and embeddings; the models are also for other protocols."""
    pool = generator.pool
    catalog = Catalog(pool, started=int(time.time()))
    return [
        _generate("/v1/chat/completions", chat_wire(pool), generator.replies(CHAT_IDS)),
        _generate("/v1/completions", text_wire(pool), generator.completions(COMPLETION_IDS)),
        _post("/v1/embeddings", Embeddings(pool, _new_id).embed),
        _post("/v1/rerank", Reranker(pool, _new_id).rerank),
        Route("/v1/models", catalog.models),
        Route("/v1/models/{name:path}", catalog.model),
        Route("/health", catalog.health),
    ]


def response_routes(generator: Generator) -> list[Route]:
    """The Responses protocol: making responses, and the store they are kept in."""
    store = ResponseStore()
    reader = ResponsesReader(generator.pool, store, _new_id)
    wire = responses_wire(reader, time.time)
    return [
        _generate("/v1/responses", wire, generator.replies(RESPONSE_IDS)),
        _post("/v1/responses/input_tokens", InputTokens(reader).count),
        *stored_response_routes(store),
    ]


def stored_response_routes(store: ResponseStore) -> list[Route]:
    """Responses in *store*."""
    stored, one = StoredResponses(store), "/v1/responses/{response_id}"
    return [
        Route(one, _of_stored(stored.retrieve), methods=["GET"]),
        Route(one, _of_stored(stored.delete), methods=["DELETE"]),
        Route(f"{one}/input_items", _of_stored(stored.input_items), methods=["GET"]),
        Route(f"{one}/cancel", _of_stored(stored.cancel), methods=["POST"]),
    ]


def messages_routes(generator: Generator) -> list[Route]:
    """The Messages protocol."""
    pool = generator.pool
    count = CountTokens(pool, MESSAGE_IDS).count
    return [
        _generate("/v1/messages", messages_wire(pool), generator.replies(MESSAGE_IDS)),
        _post("/v1/messages/count_tokens", count, messages_error),
    ]


def ollama_routes(generator: Generator) -> list[Route]:
    """Ollama's protocol."""
    pool = generator.pool
    complete = generator.completions(COMPLETION_IDS)
    ollama = OllamaGenerator(pool, generator.replies(CHAT_IDS), complete)
    embed = OllamaEmbed(Embeddings(pool, _new_id), time.monotonic_ns)
    catalog = OllamaCatalog(pool)
    return [
        _generate("/api/chat", ollama_wire(pool, "chat"), ollama.start),
        _generate("/api/generate", ollama_wire(pool, "generate"), ollama.start),
        _post("/api/embed", embed.embed, ollama_error),
        _post("/api/embeddings", embed.embed_one, ollama_error),
        _post("/api/show", catalog.show, ollama_error),
        _post("/api/copy", catalog.copy, ollama_error),
        _view("/api/tags", catalog.tags),
        _view("/api/ps", catalog.ps),
        _view("/api/version", catalog.version),
    ]


def own_routes(generator: Generator, metrics: Metrics) -> list[Route]:
    """Tools for whoever runs the server or looks into a request."""
    pool = generator.pool
    tokens = Tokens(pool, _new_id)
    filler = GapFiller(pool, generator.completions(COMPLETION_IDS), _new_id)
    explain = Explain(pool, generator.grammars, CHAT_IDS, generator.memory)
    views = ServerViews(pool, _new_id)
    reference = ApiReference(OPERATIONS, __version__)
    return [
        _generate("/infill", infill_wire(pool), filler.start),
        _post("/tokenize", tokens.tokenize),
        _post("/detokenize", tokens.detokenize),
        _post("/v1/explain", explain.explain),
        _post("/apply-template", explain.apply_template),
        _view("/props", views.props),
        _view("/slots", views.slots),
        _view("/version", views.version),
        Route("/", FrontPage(pool).respond),
        Route("/metrics", metrics.respond),
        Route("/openapi.json", reference.openapi),
        Route("/docs", reference.page),
    ]


def _generate(path: str, wire: Wire[Any], begin: Begin[Any]) -> Route:
    """Route to replies in the protocol of *wire*."""
    return Route(path, Endpoint(wire, begin, clock=time.time).respond, methods=["POST"])


def _post(path: str, work: JsonWork, shape: ErrorBody = error_body) -> Route:
    """Route to *work* that answers a body with one object; its errors have the *shape*."""
    return Route(path, JsonEndpoint(work, shape).respond, methods=["POST"])


def _view(path: str, view: JsonView) -> Route:
    """Route to one object that needs no body."""
    return Route(path, JsonViewEndpoint(view).respond)


def _of_stored(
    work: Callable[[str, Mapping[str, str]], Json],
) -> Callable[[HttpRequest], Awaitable[Response]]:
    """A handler that answers with what *work* makes of a response's id and the query."""

    async def respond(http: HttpRequest) -> Response:
        return json_response(work(http.path_params["response_id"], http.query_params))

    return respond


def _new_id(prefix: str = "") -> str:
    return f"{prefix}{uuid.uuid4().hex}"
