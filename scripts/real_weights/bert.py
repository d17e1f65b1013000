"""Sentence embedding models of BERT's architecture: safetensors -> GGUF, as llama.cpp reads it.

Matrices become half precision; vectors and the two small embeddings stay as they are.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFWriter, LlamaFileType, PoolingType, TokenType
from numpy.typing import NDArray

Tensor = NDArray[Any]
# Names of tensors, outside of the layers and in them.
_TOP = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
}
_LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
# Of no use for embeddings: the numbers 0, 1, 2 ..., and a layer for BERT's own training.
_UNUSED = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")
_FULL = ("position_embd.weight", "token_types.weight")
_NUMPY = {"F32": np.float32, "F16": np.float16, "I64": np.int64}


def convert_bert(source: Path, path: Path, name: str) -> None:
    """Write the model in the folder *source*, of which the tokens' mean is taken, to *path*."""
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    tokens = (source / "vocab.txt").read_text(encoding="utf-8").splitlines()
    writer = GGUFWriter(path, "bert")
    writer.add_name(name)
    writer.add_file_type(LlamaFileType.MOSTLY_F16)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(PoolingType.MEAN)
    _add_vocabulary(writer, tokens)
    writer.add_token_type_count(config["type_vocab_size"])
    for tensor_name, tensor in read_safetensors(source / "model.safetensors"):
        if tensor_name not in _UNUSED:
            writer.add_tensor(*_converted(tensor_name, tensor))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_safetensors(path: Path) -> Iterator[tuple[str, Tensor]]:
    """Tensors of a file: the length of a JSON header, the header, and the numbers it points to."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    body = memoryview(data)[8 + length :]
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            numbers = np.frombuffer(body[begin:end], _NUMPY[entry["dtype"]])
            yield name, numbers.reshape(entry["shape"])


def _converted(name: str, tensor: Tensor) -> tuple[str, Tensor]:
    """Name and numbers of a tensor as llama.cpp wants them.  Raises KeyError for an unknown one."""
    stem, kind = name.rsplit(".", 1)
    if layer := re.fullmatch(r"encoder\.layer\.(\d+)\.(.+)", stem):
        new = f"blk.{layer[1]}.{_LAYER[layer[2]]}.{kind}"
    else:
        new = f"{_TOP[stem]}.{kind}"
    half = tensor.ndim > 1 and new not in _FULL
    return new, tensor.astype(np.float16 if half else np.float32)


def _add_vocabulary(writer: GGUFWriter, tokens: list[str]) -> None:
    """Add WordPiece as llama.cpp has it: the beginning of a word is marked, not its rest."""
    control = [bool(re.fullmatch(r"\[(PAD|UNK|CLS|SEP|MASK)\]", token)) for token in tokens]
    kinds = [TokenType.CONTROL if is_control else TokenType.NORMAL for is_control in control]
    writer.add_tokenizer_model("bert")
    writer.add_token_list(
        [
            token if is_control else token[2:] if token.startswith("##") else f"\u2581{token}"
            for token, is_control in zip(tokens, control, strict=True)
        ]
    )
    writer.add_token_types(kinds)
    writer.add_bos_token_id(tokens.index("[CLS]"))
    writer.add_eos_token_id(tokens.index("[SEP]"))
    writer.add_sep_token_id(tokens.index("[SEP]"))
    writer.add_unk_token_id(tokens.index("[UNK]"))
    writer.add_pad_token_id(tokens.index("[PAD]"))
    writer.add_mask_token_id(tokens.index("[MASK]"))
