"""What does not fit, in Ollama's protocol: warned of, left out where that was asked, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.server import QUIET, Server, running

pytestmark = pytest.mark.live

N_CTX = 512
WARNING = "x-gguf-fc-warning"
HI: Any = [{"role": "user", "content": "hi"}]
SHORT: Any = {"num_predict": 4}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    arguments = ("--ctx", str(N_CTX), "--parallel", "1", *QUIET)
    with running(tmp_path_factory.mktemp("server"), *arguments) as started:
        yield started


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.root, timeout=60) as opened:
        yield opened


def turns(count: int) -> list[Any]:
    said = [
        message
        for n in range(count)
        for message in (
            {"role": "user", "content": f"Question {n}: " + "word " * 30},
            {"role": "assistant", "content": f"Answer {n}"},
        )
    ]
    system = {"role": "system", "content": "Answer briefly."}
    return [system, *said, {"role": "user", "content": "The newest question?"}]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/chat", {"messages": HI}),
        ("/api/generate", {"prompt": "hi"}),
        ("/api/generate", {"prompt": "hi", "raw": True}),
    ],
)
def test_more_context_than_there_is_is_a_warning(
    client: httpx.Client, path: str, said: Any, *, stream: bool
) -> None:
    options = SHORT | {"num_ctx": 32768.0}
    body = {"model": "demo:latest", **said, "options": options, "stream": stream, "shift": False}
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    assert "num_ctx: 32768" in response.headers[WARNING]
    assert '"warnings":["num_ctx: 32768' in response.text.splitlines()[-1]
    body["options"] = SHORT | {"num_ctx": N_CTX}
    assert WARNING not in client.post(path, json=body).headers


def test_a_conversation_that_does_not_fit_is_refused_unless_it_may_be_shortened(
    client: httpx.Client,
) -> None:
    body = {"model": "demo", "messages": turns(20), "options": SHORT, "stream": False}
    for refused in (body, body | {"truncate": False}):
        response = client.post("/api/chat", json=refused)
        assert response.status_code == 400
        assert isinstance(response.json()["error"], str)
    response = client.post("/api/chat", json=body | {"truncate": True})
    assert response.status_code == 200
    assert "oldest were left out" in response.headers[WARNING]
    assert response.json()["prompt_eval_count"] < N_CTX
    assert (
        WARNING
        not in client.post(
            "/api/chat", json=body | {"messages": turns(1), "truncate": True}
        ).headers
    )


def test_a_last_turn_that_does_not_fit_alone_is_refused(client: httpx.Client) -> None:
    long = [*turns(3), {"role": "user", "content": "word " * 2000}]
    body = {"model": "demo", "messages": long, "truncate": True, "stream": False}
    assert client.post("/api/chat", json=body).status_code == 400
    alone = {"model": "demo", "prompt": "word " * 2000, "truncate": True, "stream": False}
    assert client.post("/api/generate", json=alone).status_code == 400


def test_texts_to_embed_are_cut_unless_that_is_forbidden(client: httpx.Client) -> None:
    long = "word " * 3000
    body = {"model": "demo", "input": ["short", long]}
    response = client.post("/api/embed", json=body)
    assert response.status_code == 200
    first, second = response.json()["embeddings"]
    assert "input[1]: the last" in response.headers[WARNING]
    assert "input[0]" not in response.headers[WARNING]
    assert len(first) == len(second)
    refused = client.post("/api/embed", json=body | {"truncate": False})
    assert (refused.status_code, "input[1]" in refused.json()["error"]) == (400, True)
    older = client.post("/api/embeddings", json={"model": "demo", "prompt": long})
    assert older.json()["embedding"] == pytest.approx(second, abs=1e-3)  # read in other batches
    assert "prompt: the last" in older.headers[WARNING]
    openai = client.post("/v1/embeddings", json={"model": "demo", "input": long})
    assert openai.status_code == 400


@pytest.mark.parametrize("nothing", ["", [], None])
def test_no_text_is_no_vector(client: httpx.Client, nothing: Any) -> None:
    response = client.post("/api/embed", json={"model": "demo", "input": nothing})
    assert response.json()["embeddings"] == []
    older = client.post("/api/embeddings", json={"model": "demo", "prompt": nothing or ""})
    assert older.json() == {"embedding": []}


def test_every_option_of_the_documentation_is_accepted(client: httpx.Client) -> None:
    options = {
        "num_keep": 5,
        "seed": 42,
        "num_predict": 4,
        "top_k": 20,
        "top_p": 0.9,
        "min_p": 0.0,
        "typical_p": 0.7,
        "repeat_last_n": 33,
        "temperature": 0.8,
        "repeat_penalty": 1.2,
        "presence_penalty": 1.5,
        "frequency_penalty": 1.0,
        "penalize_newline": True,
        "stop": ["\n", "user:"],
        "numa": False,
        "num_ctx": 1024,
        "num_batch": 2,
        "num_gpu": 1,
        "main_gpu": 0,
        "use_mmap": True,
        "num_thread": 8,
    }
    body = {"model": "demo", "prompt": "Why is the sky blue?", "stream": False, "options": options}
    response = client.post("/api/generate", json=body)
    assert response.status_code == 200, response.text
    assert "options.num_keep" in response.headers["x-gguf-fc-ignored"]
