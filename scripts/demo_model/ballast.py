"""Widens and deepens a GGUF of the demo model without changing what it says.

It knows the llama architecture and GGUF; `make_bench_model.py` says what it is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, TokenType

_HEAD = 64
_KEPT = GGMLQuantizationType.Q8_0  # what the demo model's own weights are kept in
_ADDED = GGMLQuantizationType.Q4_0  # what says nothing may be coarse
_EPSILON = "llama.attention.layer_norm_rms_epsilon"
_SIZES = {
    "llama.block_count": "layers",
    "llama.embedding_length": "width",
    "llama.feed_forward_length": "feed_forward",
    "llama.attention.head_count": "heads",
    "llama.attention.head_count_kv": "heads",
    "llama.vocab_size": "vocabulary",
}
_REPLACED = {"tokenizer.ggml.tokens", "tokenizer.ggml.token_type", _EPSILON, "general.name"}
_SKIPPED = {"general.architecture", "general.quantization_version", "general.size_label"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Dimensions of the widened model: by default, about those of a 0.5B model."""

    layers: int = 24
    heads: int = 14
    feed_forward: int = 4864
    vocabulary: int = 151_936

    @property
    def width(self) -> int:
        """The width of the state."""
        return self.heads * _HEAD


class _Widener:
    """Makes the tensors of the widened model, one at a time."""

    def __init__(self, source: GGUFReader, sizes: Sizes, seed: int = 0) -> None:
        self.old = {tensor.name: _floats(tensor) for tensor in source.tensors}
        self.sizes = sizes
        self.layers = int(_value(source, "llama.block_count"))
        self.old_width = int(_value(source, "llama.embedding_length"))
        self.random = np.random.default_rng(seed)

    @property
    def shrink(self) -> float:
        """The share of the wide state that holds something."""
        return self.old_width / self.sizes.width

    def tensors(self) -> Iterator[tuple[str, np.ndarray, GGMLQuantizationType]]:
        """Name, values and type of every tensor."""
        yield "token_embd.weight", self._embedding(), _KEPT
        yield "output_norm.weight", self._norm(self.old["output_norm.weight"]), _KEPT
        for layer in range(self.sizes.layers):
            yield from self._layer(layer)

    def _layer(self, layer: int) -> Iterator[tuple[str, np.ndarray, GGMLQuantizationType]]:
        width, inner = self.sizes.width, self.sizes.feed_forward
        shapes = {
            **dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (width, width)),
            **dict.fromkeys(("ffn_gate", "ffn_up"), (inner, width)),
            "ffn_down": (width, inner),
        }
        for name in ("attn_norm", "ffn_norm"):
            known = self.old.get(f"blk.{layer}.{name}.weight")
            yield f"blk.{layer}.{name}.weight", self._norm(known), _KEPT
        for name, shape in shapes.items():
            known = self.old.get(f"blk.{layer}.{name}.weight")
            silent = name in {"attn_output", "ffn_down"}
            yield (
                f"blk.{layer}.{name}.weight",
                self._matrix(shape, known, silent=silent),
                _ADDED if known is None else _KEPT,
            )

    def _matrix(
        self, shape: tuple[int, int], known: np.ndarray | None, *, silent: bool
    ) -> np.ndarray:
        """*known* in the corner; the rest random where nothing reads it, and zero elsewhere."""
        wide = np.zeros(shape, np.float32)
        if not silent:
            # Added columns read only the zeros of the state; added rows feed only zero columns.
            wide[:] = self.random.standard_normal(shape, np.float32) * shape[1] ** -0.5
        if known is not None:
            rows, columns = known.shape
            wide[:rows, :] = 0
            wide[:rows, :columns] = known
        return wide

    def _norm(self, known: np.ndarray | None) -> np.ndarray:
        wide = np.ones(self.sizes.width, np.float32)
        if known is not None:
            wide[: self.old_width] = known * self.shrink**0.5
        return wide

    def _embedding(self) -> np.ndarray:
        known = self.old["token_embd.weight"]
        wide = np.zeros((self.sizes.vocabulary, self.sizes.width), np.float32)
        wide[: len(known), : self.old_width] = known
        # A byte that no text of the training had: its score never wins.
        wide[len(known) :, : self.old_width] = known[_unsaid(known)]
        return wide


def _unsaid(embedding: np.ndarray) -> int:
    """A token that was never learned as a target: all of them ended up close to each other."""
    middle = embedding.mean(axis=0)
    return int(np.argmin(((embedding - middle) ** 2).sum(axis=1)))


def _floats(tensor: Any) -> np.ndarray:
    plain: np.ndarray = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    return plain.astype(np.float32)


def _value(source: GGUFReader, key: str) -> Any:
    found = source.get_field(key)
    assert found is not None, key
    return found.contents()


def make_ballast(model: Path, output: Path, sizes: Sizes) -> None:
    """Write the widened *model* to *output*."""
    source = GGUFReader(model)
    widener = _Widener(source, sizes)
    output.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(output, "llama", use_temp_file=True)
    _copy_metadata(source, writer, sizes, widener.shrink)
    for name, values, kind in widener.tensors():
        if values.ndim == 1:
            writer.add_tensor(name, values)
        else:
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _copy_metadata(source: GGUFReader, writer: GGUFWriter, sizes: Sizes, shrink: float) -> None:
    for key, entry in source.fields.items():
        if key.startswith("GGUF.") or key in _REPLACED | _SKIPPED:
            continue
        value = getattr(sizes, _SIZES[key]) if key in _SIZES else entry.contents()
        kind = entry.types[0]
        writer.add_key_value(key, value, kind, entry.types[1] if len(entry.types) > 1 else None)
    writer.add_name("gguf-fc bench")
    writer.add_size_label("0.5B")
    writer.add_layer_norm_rms_eps(_value(source, _EPSILON) * shrink)
    tokens = list(_value(source, "tokenizer.ggml.tokens"))
    kinds = list(_value(source, "tokenizer.ggml.token_type"))
    spare = sizes.vocabulary - len(tokens)
    writer.add_token_list(tokens + [f"<|unused_{len(tokens) + i}|>" for i in range(spare)])
    writer.add_token_types(kinds + [int(TokenType.UNUSED)] * spare)
