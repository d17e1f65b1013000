"""Reranking: by a model that ranks as llama.cpp's server has it, and by cosine on another."""

from __future__ import annotations

import math
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.embedding_model import N_CTX, RANK, write_embedding_model
from tests.support.real_models import real_model
from tests.support.server import QUIET, Server, running

pytestmark = pytest.mark.live

QUERY = "what is the weather"
DOCUMENTS = ["the sun is out", "cats sleep all day", "it rains", "x", "the weather is what it is"]
NEAR = 1e-3  # how far a batch's other texts move a score
LLAMA_SERVER = Path("~/.cache/gguf-fc/llama.cpp/0.3.36/llama-server").expanduser()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_embedding_model(tmp_path_factory.mktemp("m") / "ranks.gguf", pooling=RANK)


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), str(model), *QUIET) as started:
        yield started


def rerank(server: Server, path: str = "/v1/rerank", **body: Any) -> httpx.Response:
    return httpx.post(f"{server.root}{path}", json={"query": QUERY, **body}, timeout=60)


def scores(server: Server, documents: list[str]) -> list[float]:
    results = rerank(server, documents=documents).json()["results"]
    return [one["relevance_score"] for one in sorted(results, key=lambda one: one["index"])]


@contextmanager
def llama_server(model: Path) -> Iterator[str]:
    if not LLAMA_SERVER.exists():
        pytest.skip(f"{LLAMA_SERVER} is absent: scripts/build_llama_server.py builds it")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["-m", str(model), "--port", str(port), "--reranking", "-t", "1", "--no-repack"]
    with subprocess.Popen(
        [str(LLAMA_SERVER), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            for _ in range(300):
                try:
                    if httpx.get(f"{url}/health").status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def test_scores_are_those_of_llama_cpp_s_server(server: Server, model: Path) -> None:
    with llama_server(model) as url:
        body = {"query": QUERY, "documents": DOCUMENTS}
        theirs = httpx.post(f"{url}/v1/rerank", json=body, timeout=60).json()
    expected = {one["index"]: one["relevance_score"] for one in theirs["results"]}
    ours = scores(server, DOCUMENTS)
    assert len(set(ours)) == len(ours)
    assert ours == pytest.approx([expected[n] for n in range(len(ours))], abs=NEAR)
    found = rerank(server, documents=DOCUMENTS).json()
    assert found["usage"]["prompt_tokens"] == theirs["usage"]["prompt_tokens"]


def test_a_document_scores_alone_as_among_others(server: Server) -> None:
    together = scores(server, DOCUMENTS)
    assert [scores(server, [text])[0] for text in DOCUMENTS] == pytest.approx(together, abs=NEAR)


@pytest.mark.parametrize(
    "path", ["/v1/rerank", "/rerank", "/v1/reranking", "/reranking", "/v2/rerank", "/v1/rerank/"]
)
def test_the_best_come_first_under_every_path(server: Server, path: str) -> None:
    found = rerank(server, path, documents=DOCUMENTS, top_n=3).json()
    order = [one["relevance_score"] for one in found["results"]]
    assert len(order) == 3
    best = sorted(scores(server, DOCUMENTS), reverse=True)[:3]
    assert order == pytest.approx(best, abs=NEAR)
    assert "document" not in found["results"][0]


def test_documents_come_back_as_they_were_sent_where_that_is_asked(server: Server) -> None:
    sent: list[Any] = ["the sun", {"text": "it rains", "title": "t"}]
    results = rerank(server, documents=sent, return_documents=True).json()["results"]
    documents = {one["index"]: one["document"] for one in results}
    assert documents == {0: {"text": "the sun"}, 1: sent[1]}


def test_texts_are_answered_with_a_list(server: Server) -> None:
    raw = rerank(server, texts=DOCUMENTS, return_text=True, raw_scores=True).json()
    assert [one["text"] for one in raw] == [DOCUMENTS[one["index"]] for one in raw]
    expected = scores(server, DOCUMENTS)
    assert [one["score"] for one in raw] == pytest.approx(sorted(expected, reverse=True), abs=NEAR)
    between = rerank(server, texts=DOCUMENTS, raw_scores=False).json()
    assert [one["score"] for one in between] == pytest.approx(
        [1 / (1 + math.exp(-one["score"])) for one in raw], abs=NEAR
    )


def test_a_long_document_is_cut_with_a_warning_or_refused(server: Server) -> None:
    long = "a b c " * N_CTX
    cut = rerank(server, documents=["a b", long])
    assert cut.status_code == 200, cut.text
    assert "documents[1]: the last" in cut.headers["x-gguf-fc-warning"]
    for refused in (
        rerank(server, documents=["a b", long], truncate=False),
        rerank(server, texts=["a b", long]),
    ):
        assert refused.status_code == 400
        assert "[1]" in refused.json()["error"]["param"]
    assert rerank(server, documents=["a b c d e"], max_tokens_per_doc=3).json()["results"][0][
        "relevance_score"
    ] == pytest.approx(scores(server, ["a b c"])[0], abs=NEAR)
    query = httpx.post(f"{server.root}/v1/rerank", json={"query": long, "documents": ["a"]})
    assert query.status_code == 400


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "documents"),
        ({"documents": []}, "documents"),
        ({"documents": ["a"], "texts": ["a"]}, "documents"),
        ({"documents": [""]}, "documents[0]"),
        ({"documents": ["a", {"image": "x"}]}, "documents[1].text"),
        ({"documents": ["a"], "query": ""}, "query"),
        ({"documents": ["a"], "top_n": 0}, "top_n"),
        ({"documents": ["a"], "rank_fields": ["title"]}, "rank_fields"),
        ({"documents": ["a"] * 3000}, "documents"),
        ({"documents": ["a"], "truncate": True, "truncation": False}, "truncation"),
    ],
)
def test_what_cannot_be_ranked_is_refused_by_its_place(
    server: Server, body: dict[str, Any], param: str
) -> None:
    response = rerank(server, **body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_a_model_that_ranks_neither_embeds_nor_writes(server: Server) -> None:
    for path, body in (("embeddings", {"input": "a"}), ("completions", {"prompt": "a"})):
        response = httpx.post(f"{server.url}/{path}", json=body, timeout=60)
        assert response.status_code == 400
        assert "rank" in response.json()["error"]["message"]


def test_another_model_compares_embeddings_and_says_so(tmp_path: Path) -> None:
    with running(tmp_path, *QUIET) as demo:
        response = rerank(demo, documents=["the weather", "what is the weather"])
        assert "does not rank" in response.headers["x-gguf-fc-warning"]
        best = response.json()["results"][0]
        assert (best["index"], best["relevance_score"]) == (1, pytest.approx(1, abs=1e-3))
        assert rerank(demo, documents=["a"], max_tokens_per_doc=3).status_code == 400


def test_a_real_embedding_model_puts_the_answer_first(tmp_path: Path) -> None:
    documents = [
        "Bread is baked in an oven.",
        "Tomorrow it will rain in the north, with strong winds.",
        "The parliament voted on the budget.",
    ]
    with running(tmp_path, str(real_model("minilm")), *QUIET) as server_:
        query = "What will the weather be like?"
        body = {"query": query, "documents": documents, "return_documents": True}
        results = httpx.post(f"{server_.root}/v1/rerank", json=body, timeout=60).json()["results"]
    assert results[0]["index"] == 1
    assert results[0]["relevance_score"] > 0.3 > results[1]["relevance_score"]
