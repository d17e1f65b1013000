"""A GGUF of the size and shape of a 0.5B model with a real vocabulary and random weights.

It says nothing, but it costs what such a model costs, and its tokens are those of real models: what
a grammar leaves it to say has the same length whoever runs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter

HEAD = 64
BLOCK = 32  # weights that share a scale
SPREAD = 0.02
TEMPLATE = Path(__file__).parent.parent / "demo_model" / "template.jinja"


@dataclass(frozen=True, slots=True)
class Shape:
    """The measures of the model; the vocabulary is the file's."""

    layers: int = 24
    heads: int = 14
    key_heads: int = 2
    feed_forward: int = 4864
    context: int = 32_768

    @property
    def width(self) -> int:
        """The width of the state."""
        return HEAD * self.heads


def make_random_model(vocabulary: Path, output: Path, shape: Shape) -> None:
    """Write the model to *output*, with the tokenizer of the GGUF *vocabulary*."""
    source = GGUFReader(vocabulary)
    output.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(output, "llama", use_temp_file=True)
    n_vocab = _copy_tokenizer(source, writer)
    _describe(writer, shape, n_vocab)
    random = np.random.default_rng(0)
    for name, size in _matrices(shape, n_vocab):
        kind = GGMLQuantizationType.Q8_0 if name.startswith("token") else GGMLQuantizationType.Q4_0
        writer.add_tensor(name, _random(size, kind, random), raw_dtype=kind)
    for name in _norms(shape):
        writer.add_tensor(name, np.ones(shape.width, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _copy_tokenizer(source: GGUFReader, writer: GGUFWriter) -> int:
    for key, entry in source.fields.items():
        if key.startswith("tokenizer.") and key != "tokenizer.chat_template":
            kinds = entry.types
            writer.add_key_value(
                key, entry.contents(), kinds[0], kinds[1] if len(kinds) > 1 else None
            )
    tokens = source.get_field("tokenizer.ggml.tokens")
    assert tokens is not None, "the vocabulary has no tokens"
    return len(tokens.data)


def _describe(writer: GGUFWriter, shape: Shape, n_vocab: int) -> None:
    writer.add_name("random 0.5B")
    writer.add_size_label("0.5B")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(HEAD)
    writer.add_vocab_size(n_vocab)
    writer.add_chat_template(TEMPLATE.read_text(encoding="utf-8"))


def _matrices(shape: Shape, n_vocab: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """The name and the (rows, columns) of every matrix."""
    width, keys = shape.width, HEAD * shape.key_heads
    yield "token_embd.weight", (n_vocab, width)
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        yield f"{block}attn_q.weight", (width, width)
        yield f"{block}attn_k.weight", (keys, width)
        yield f"{block}attn_v.weight", (keys, width)
        yield f"{block}attn_output.weight", (width, width)
        yield f"{block}ffn_gate.weight", (shape.feed_forward, width)
        yield f"{block}ffn_up.weight", (shape.feed_forward, width)
        yield f"{block}ffn_down.weight", (width, shape.feed_forward)


def _norms(shape: Shape) -> Iterator[str]:
    yield "output_norm.weight"
    for layer in range(shape.layers):
        yield f"blk.{layer}.attn_norm.weight"
        yield f"blk.{layer}.ffn_norm.weight"


def _random(
    size: tuple[int, int], kind: GGMLQuantizationType, random: np.random.Generator
) -> np.ndarray:
    """Random bytes as quantized weights: each block a scale and its numbers."""
    rows, columns = size
    _, block_bytes = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (rows, columns // BLOCK, block_bytes), np.uint8)
    steps = 128 if kind == GGMLQuantizationType.Q8_0 else 8
    blocks[:, :, :2] = np.array([SPREAD / steps], np.float16).view(np.uint8)
    return blocks.reshape(rows, -1)
