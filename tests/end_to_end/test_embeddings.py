"""``/v1/embeddings`` on the shipped model, through the official client."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from numpy.typing import NDArray
from openai import OpenAI
from openai.types import CreateEmbeddingResponse

from tests.support.embedding_model import write_embedding_model
from tests.support.server import Server, running

pytestmark = pytest.mark.live

TEXTS = ["What is the weather like in Paris?", "Is it raining in Paris?", "a b c d e f g"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), "--ctx", "1024") as started:
        yield started


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    with server.client() as opened:
        yield opened


def post(server: Server, path: str, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(server.url.removesuffix("/v1") + path, json=body, timeout=60)


def tokens_of(server: Server, text: str) -> list[int]:
    reply = post(server, "/tokenize", {"content": text, "add_special": True})
    tokens: list[int] = reply.json()["tokens"]
    return tokens


def vectors(response: CreateEmbeddingResponse) -> NDArray[np.float32]:
    assert [item.index for item in response.data] == list(range(len(response.data)))
    return np.array([item.embedding for item in response.data], np.float32)


def assert_same(a: Sequence[NDArray[np.float32]], b: Sequence[NDArray[np.float32]]) -> None:
    for one, other in zip(a, b, strict=True):
        assert float(one @ other) > 0.9999


def test_the_official_client_reads_the_reply(client: OpenAI) -> None:
    response = client.embeddings.create(model="demo", input=TEXTS, encoding_format="float")
    found = vectors(response)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert response.object == "list"
    assert response.model == "demo"
    assert response.usage.prompt_tokens == response.usage.total_tokens > len(TEXTS)
    assert found[0] @ found[1] > found[0] @ found[2]  # alike in what they are about


def test_alone_and_in_a_batch_as_text_and_as_tokens_the_vectors_are_equal(
    server: Server, client: OpenAI
) -> None:
    together = vectors(client.embeddings.create(model="demo", input=TEXTS))
    alone = [vectors(client.embeddings.create(model="demo", input=text))[0] for text in TEXTS]
    assert_same(list(together), alone)
    tokens = [tokens_of(server, text) for text in TEXTS]
    assert_same(list(together), list(vectors(client.embeddings.create(model="demo", input=tokens))))
    single = vectors(client.embeddings.create(model="demo", input=tokens[0]))
    assert_same(list(together[:1]), list(single))


def test_numbers_and_base64_say_the_same(server: Server) -> None:
    plain = post(server, "/v1/embeddings", {"input": TEXTS[0]}).json()["data"][0]["embedding"]
    body = {"input": TEXTS[0], "encoding_format": "base64"}
    packed = post(server, "/v1/embeddings", body).json()["data"][0]["embedding"]
    np.testing.assert_allclose(np.frombuffer(base64.b64decode(packed), "<f4"), plain, atol=1e-6)


@pytest.mark.parametrize("form", [{"encoding_format": "float"}, {}])  # the client's own: base64
def test_fewer_dimensions_are_the_first_ones_scaled_again(client: OpenAI, form: Any) -> None:
    whole = vectors(client.embeddings.create(model="demo", input=TEXTS))
    cut = vectors(client.embeddings.create(model="demo", input=TEXTS, dimensions=16, **form))
    assert cut.shape == (len(TEXTS), 16)
    heads = whole[:, :16]
    assert_same(list(cut), list(heads / np.linalg.norm(heads, axis=1, keepdims=True)))


def test_a_batch_larger_than_all_slots_comes_back_in_order(client: OpenAI) -> None:
    texts = [f"number {n} " * (n % 7 + 1) for n in range(60)]
    together = vectors(client.embeddings.create(model="demo", input=texts))
    for n in (0, 17, 59):
        alone = vectors(client.embeddings.create(model="demo", input=texts[n]))
        assert_same([together[n]], list(alone))


def test_replies_and_embeddings_do_not_change_each_other(client: OpenAI) -> None:
    question: Any = {"role": "user", "content": "Tell me about yourself."}
    long_texts = [f"{n} " + "the quick brown fox " * 60 for n in range(6)]

    def reply() -> str:
        stream = client.chat.completions.create(
            model="demo", messages=[question], temperature=0, max_tokens=60, stream=True
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

    def embed() -> NDArray[np.float32]:
        return vectors(client.embeddings.create(model="demo", input=long_texts))

    quiet_reply, quiet_vectors = reply(), embed()
    with ThreadPoolExecutor() as threads:
        replies = [threads.submit(reply) for _ in range(3)]
        embedded = [threads.submit(embed) for _ in range(2)]
    assert [one.result() for one in replies] == [quiet_reply] * 3
    for one in embedded:
        assert_same(list(one.result()), list(quiet_vectors))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"input": [[1, 2], []]}, "input[1]"),
        ({"input": ["a", 1]}, "input"),
        ({"input": ["a", [1]]}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": [1, 10_000_000]}, "input"),
        ({"input": [[1], [-1]]}, "input[1]"),
        ({"input": {"text": "a"}}, "input"),
        ({"input": ["a", "long " * 3000]}, "input[1]"),
        ({"input": "long " * 3000}, "input"),
        ({}, "input"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": 100_000}, "dimensions"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
        ({"input": "a", "inptu": "a"}, "inptu"),
    ],
)
def test_what_cannot_be_embedded_is_a_400_that_names_it(
    server: Server, fields: dict[str, Any], param: str
) -> None:
    response = post(server, "/v1/embeddings", fields)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param


def test_a_text_over_the_context_says_both_numbers(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"1024 tokens") as caught:
        client.embeddings.create(model="demo", input=["short", "long " * 3000])
    assert caught.value.code == "context_length_exceeded"
    assert vectors(client.embeddings.create(model="demo", input="short")).shape[0] == 1


def test_a_field_without_effect_is_named_in_the_header(server: Server) -> None:
    response = post(server, "/v1/embeddings", {"input": "a", "user": "me"})
    assert response.headers["x-gguf-fc-ignored"] == "user"


def test_an_unknown_model_is_a_404(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="text-embedding-nobody-has", input="a")


def test_a_model_that_only_embeds_is_served_and_asked_for_nothing_else(tmp_path: Path) -> None:
    path = write_embedding_model(tmp_path / "m.gguf", pooling=1)
    with running(tmp_path, str(path)) as server, server.client() as client:
        assert any("embeddings only" in line for line in server.lines)
        assert vectors(client.embeddings.create(model="default", input=["hello", "you"])).shape == (
            2,
            32,
        )
        (model,) = client.models.list().data
        assert (model.model_extra or {})["capabilities"]["text"] is False
        for ask in (
            partial(client.completions.create, prompt="hello"),
            partial(client.chat.completions.create, messages=[{"role": "user", "content": "a"}]),
        ):
            with pytest.raises(openai.BadRequestError) as caught:
                ask(model="default")
            assert caught.value.param == "model"
