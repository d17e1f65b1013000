"""Embeddings on llama.cpp itself, held against its own."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from numpy.typing import NDArray

from gguf_fc.engine.embedding import EmbeddingQueue
from gguf_fc.engine.llama.embedding import LlamaEmbeddings
from gguf_fc.engine.llama.llama import Llama
from gguf_fc.job import Embed, Embedded, Failed, FromWorker
from tests.support.embedding_model import write_embedding_model
from tests.support.loading import in_process
from tests.support.model_kinds import write_hybrid, write_recurrent, write_sliding_window
from tests.support.models import talking_model
from tests.support.random_model import write_random_model

pytestmark = pytest.mark.live

TEXTS = (
    "The weather in Paris is nice today.",
    "Il fait beau à Paris.",
    "hello",
    "a much longer text " * 60,
)
Vector = NDArray[np.float32]


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    path = talking_model(tmp_path_factory.mktemp("model"))
    with closing(Llama(in_process(path))) as model:
        yield model


def embed(model: Llama, texts: Sequence[str]) -> list[FromWorker]:
    """What is said of *texts*, which are there at once, in their order."""
    messages: list[FromWorker] = []
    with closing(LlamaEmbeddings(model)) as rows:
        embeddings = EmbeddingQueue(rows, messages.append)
        for n, text in enumerate(texts):
            embeddings.submit(Embed(id=str(n), text=text))
        while not embeddings.is_idle:
            embeddings.step()
    return sorted(messages, key=lambda message: int(getattr(message, "id", "")))


def vectors(model: Llama, texts: Sequence[str]) -> list[Vector]:
    found = []
    for message in embed(model, texts):
        assert isinstance(message, Embedded), message
        found.append(np.frombuffer(base64.b64decode(message.vector), "<f4"))
    return found


def own_vector(model: Llama, text: str, pooling: int) -> Vector:
    """What llama.cpp makes of *text* when it pools by itself, in one batch."""
    tokens = model.tokenize_text(text, frame=True, special=True)
    params = llama_cpp.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = max(512, len(tokens))
    params.n_threads = params.n_threads_batch = 1
    params.embeddings = True
    params.pooling_type = pooling
    context = llama_cpp.llama_init_from_model(model.native, params)
    native = (llama_cpp.llama_token * len(tokens))(*tokens)
    assert llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(native, len(tokens))) == 0
    pointer = llama_cpp.llama_get_embeddings_seq(context, 0)
    vector = np.array(np.ctypeslib.as_array(pointer, (llama_cpp.llama_model_n_embd(model.native),)))
    llama_cpp.llama_free(context)
    normalised: Vector = vector / np.linalg.norm(vector)
    return normalised


def test_a_generative_models_vectors_are_llama_cpps_own_means(talking: Llama) -> None:
    for text, vector in zip(TEXTS, vectors(talking, TEXTS), strict=True):
        own = own_vector(talking, text, llama_cpp.LLAMA_POOLING_TYPE_MEAN)
        np.testing.assert_allclose(vector, own, atol=2e-3)
        assert float(vector @ own) > 0.9999


def test_a_vector_is_the_same_alone_and_in_a_batch(talking: Llama) -> None:
    together = vectors(talking, TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        (alone,) = vectors(talking, [text])
        assert float(vector @ alone) > 0.9999
        assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("named", "pooling"),
    [
        (llama_cpp.LLAMA_POOLING_TYPE_NONE, llama_cpp.LLAMA_POOLING_TYPE_MEAN),
        (llama_cpp.LLAMA_POOLING_TYPE_MEAN, llama_cpp.LLAMA_POOLING_TYPE_MEAN),
        (llama_cpp.LLAMA_POOLING_TYPE_CLS, llama_cpp.LLAMA_POOLING_TYPE_CLS),
        (llama_cpp.LLAMA_POOLING_TYPE_LAST, llama_cpp.LLAMA_POOLING_TYPE_LAST),
    ],
)
def test_a_model_that_names_its_pooling_is_pooled_that_way(
    named: int, pooling: int, tmp_path: Path
) -> None:
    path = write_random_model(tmp_path / "m.gguf", extra={"llama.pooling_type": named})
    with closing(Llama(in_process(path))) as model:
        (vector,) = vectors(model, [TEXTS[0]])
        own = own_vector(model, TEXTS[0], pooling)
        np.testing.assert_allclose(vector, own, atol=2e-3)


@pytest.mark.parametrize(
    "pooling", [llama_cpp.LLAMA_POOLING_TYPE_MEAN, llama_cpp.LLAMA_POOLING_TYPE_CLS]
)
def test_a_model_that_only_embeds_reads_texts_whole(pooling: int, tmp_path: Path) -> None:
    path = write_embedding_model(tmp_path / "m.gguf", pooling=pooling)
    texts = ["hello you", "a", "w" * 50, "the quick brown fox", "x" * 120]
    with closing(Llama(in_process(path))) as model:
        assert not model.ready().generates
        for text, vector in zip(texts, vectors(model, texts), strict=True):
            np.testing.assert_allclose(vector, own_vector(model, text, pooling), atol=2e-3)
        (over,) = embed(model, ["y" * 200])
        assert isinstance(over, Failed)
        assert over.code == "context_length_exceeded"


@pytest.mark.parametrize("write", [write_recurrent, write_hybrid, write_sliding_window])
def test_models_of_other_kinds_embed_alone_as_in_a_batch(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    texts = ["hello", "a b c d e", "the weather " * 30, "x", "hello you", "world " * 20]
    with closing(Llama(in_process(write(tmp_path / "m.gguf")))) as model:
        for text, vector in zip(texts, vectors(model, texts), strict=True):
            (alone,) = vectors(model, [text])
            own = own_vector(model, text, llama_cpp.LLAMA_POOLING_TYPE_MEAN)
            assert float(vector @ alone) > 0.999
            assert float(vector @ own) > 0.999


def test_a_model_that_ranks_has_no_embeddings(tmp_path: Path) -> None:
    ranks = {"llama.pooling_type": llama_cpp.LLAMA_POOLING_TYPE_RANK}
    path = write_random_model(tmp_path / "m.gguf", extra=ranks)
    with closing(Llama(in_process(path))) as model:
        (failed,) = embed(model, ["hello"])
        assert isinstance(failed, Failed)
        assert "ranks" in failed.message


def test_a_text_as_long_as_the_context_is_read_and_a_longer_one_is_not(tmp_path: Path) -> None:
    path = write_random_model(tmp_path / "m.gguf", n_ctx=3000)
    with closing(Llama(in_process(path))) as model:
        n = model.n_ctx_seq
        word = "q"
        assert len(model.tokenize_text(word * n, frame=True, special=True)) == n
        fits, over = embed(model, [word * n, word * (n + 1)])
        assert isinstance(fits, Embedded)
        assert fits.prompt_tokens == n
        assert isinstance(over, Failed)
        assert over.code == "context_length_exceeded"
