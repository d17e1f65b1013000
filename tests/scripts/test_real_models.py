"""Files of real models: put together, checked, and converted so that numpy agrees with them."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gguf_fc.engine.embedding import EmbeddingQueue
from gguf_fc.engine.llama.embedding import LlamaEmbeddings
from gguf_fc.engine.llama.llama import Llama
from gguf_fc.job import Embed, Embedded, FromWorker
from gguf_fc.models.gguf import read_header
from real_weights import models
from real_weights.bert import convert_bert
from real_weights.models import MODELS, RealModel, WrongWeights, fetched, folder_of, joined
from tests.support.loading import in_process
from tests.support.real_models import real_model

Array = NDArray[np.float32]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "##ly", "new"]
WIDTH, HEADS, INNER, POSITIONS = 32, 2, 64, 16


def shipping(parts: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Have *parts* lie where packages are installed; returns what was asked for."""
    asked = []

    def install(packages: tuple[str, ...], target: Path) -> None:
        asked.append(packages)
        for name, data in parts.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(data)

    monkeypatch.setattr(models, "_install", install)
    return asked


def model_of(digest: str) -> RealModel:
    return RealModel("m", "m.gguf", ("p==1",), partial(joined, "*/data/*.part*", digest))


def test_parts_are_joined_in_the_order_of_their_names_and_fetched_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = {"a2/data/m.part01": b"world", "b/data/m.part00": b"hello ", "b/data/terms": b"x"}
    asked = shipping(parts, monkeypatch)
    model = model_of(hashlib.sha256(b"hello world").hexdigest())
    for _ in range(2):
        assert fetched(model, tmp_path).read_bytes() == b"hello world"
    assert asked == [("p==1",)]
    assert [path.name for path in tmp_path.iterdir()] == ["m.gguf"]


def test_other_bytes_than_expected_leave_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipping({"a/data/m.part00": b"hello"}, monkeypatch)
    with pytest.raises(WrongWeights, match=r"m\.gguf: SHA-256 2cf24dba"):
        fetched(model_of("0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_can_be_named() -> None:
    assert folder_of({"GGUF_FC_REAL_MODELS": "/x"}) == Path("/x")
    assert folder_of({"XDG_CACHE_HOME": "/c"}) == Path("/c/gguf-fc/real-models")


@pytest.mark.live
def test_a_converted_model_embeds_as_its_weights_say(tmp_path: Path) -> None:
    weights = tiny_bert(tmp_path)
    convert_bert(tmp_path, tmp_path / "m.gguf", name="tiny")
    ours = embedded(tmp_path / "m.gguf", "Hello newly world")
    tokens = [WORDS.index(word) for word in ("[CLS]", "hello", "new", "##ly", "world", "[SEP]")]
    distance, reversed_distance = (
        1 - ours @ forward(weights, order) for order in (tokens, tokens[::-1])
    )
    assert distance < 1e-4
    assert distance < reversed_distance / 10  # the places of words count, too


@pytest.mark.live
@pytest.mark.parametrize("name", ["smollm2", "gemma3", "minilm"])
def test_a_real_model_is_what_it_is_taken_for(name: str) -> None:
    header = read_header(real_model(name))
    kinds = {"smollm2": "llama", "gemma3": "gemma3", "minilm": "bert"}
    assert header.architecture == kinds[name]
    assert bool(header.chat_template) == (name == "smollm2")
    assert set(MODELS) == set(kinds)


def embedded(path: Path, text: str) -> Array:
    messages: list[FromWorker] = []
    with closing(Llama(in_process(path))) as model, closing(LlamaEmbeddings(model)) as rows:
        queue = EmbeddingQueue(rows, messages.append)
        queue.submit(Embed(id="0", text=text))
        while not queue.is_idle:
            queue.step()
    (message,) = messages
    assert isinstance(message, Embedded), message
    vector: Array = np.frombuffer(base64.b64decode(message.vector), "<f4")
    return vector


def tiny_bert(folder: Path) -> dict[str, Array]:
    """Random weights in *folder* as safetensors, with a configuration and a vocabulary."""
    weights = random_weights()
    config = {
        "max_position_embeddings": POSITIONS,
        "hidden_size": WIDTH,
        "num_hidden_layers": 1,
        "intermediate_size": INNER,
        "num_attention_heads": HEADS,
        "layer_norm_eps": 1e-12,
        "type_vocab_size": 2,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, tensor in weights.items():
        offsets = [len(data), len(data) + tensor.nbytes]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": offsets}
        data += tensor.tobytes()
    text = json.dumps(header).encode()
    file = struct.pack("<Q", len(text)) + text + data
    (folder / "model.safetensors").write_bytes(file)
    return weights


def random_weights() -> dict[str, Array]:
    random = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "pooler.dense.weight": (WIDTH, WIDTH),
    }
    layer = "encoder.layer.0."
    for part in ("self.query", "self.key", "self.value", "output.dense"):
        shapes[f"{layer}attention.{part}.weight"] = (WIDTH, WIDTH)
        shapes[f"{layer}attention.{part}.bias"] = (WIDTH,)
    shapes[f"{layer}intermediate.dense.weight"] = (INNER, WIDTH)
    shapes[f"{layer}intermediate.dense.bias"] = (INNER,)
    shapes[f"{layer}output.dense.weight"] = (WIDTH, INNER)
    shapes[f"{layer}output.dense.bias"] = (WIDTH,)
    for norm in ("embeddings", f"{layer}attention.output", f"{layer}output"):
        shapes[f"{norm}.LayerNorm.weight"] = shapes[f"{norm}.LayerNorm.bias"] = (WIDTH,)
    return {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def forward(weights: dict[str, Array], tokens: list[int]) -> Array:
    """The sentence's vector by BERT's equations: attention, two layers, the mean, length 1."""

    def linear(name: str, x: Array) -> Array:
        y: Array = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        return y

    def norm(name: str, x: Array) -> Array:
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True))
        y: Array = x * weights[f"{name}.LayerNorm.weight"] + weights[f"{name}.LayerNorm.bias"]
        return y

    def heads(x: Array) -> Array:
        return x.reshape(len(tokens), HEADS, -1).transpose(1, 0, 2)

    layer = "encoder.layer.0"
    x = weights["embeddings.word_embeddings.weight"][tokens]
    x = x + weights["embeddings.position_embeddings.weight"][: len(tokens)]
    x = norm("embeddings", x + weights["embeddings.token_type_embeddings.weight"][0])
    query, key, value = (
        heads(linear(f"{layer}.attention.self.{part}", x)) for part in ("query", "key", "value")
    )
    scores = np.exp(query @ key.transpose(0, 2, 1) / np.sqrt(WIDTH / HEADS))
    seen = (scores / scores.sum(-1, keepdims=True)) @ value
    seen = seen.transpose(1, 0, 2).reshape(len(tokens), WIDTH)
    x = norm(f"{layer}.attention.output", x + linear(f"{layer}.attention.output.dense", seen))
    wide = linear(f"{layer}.intermediate.dense", x)
    wide = wide / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)))  # GELU
    mean = norm(f"{layer}.output", x + linear(f"{layer}.output.dense", wide)).mean(0)
    vector: Array = mean / np.linalg.norm(mean)
    return vector
