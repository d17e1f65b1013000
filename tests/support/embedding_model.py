"""A tiny model of the kind that only embeds: its tokens look both ways, and it writes no text."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase

import numpy as np
from gguf import GGUFWriter
from numpy.typing import NDArray

N_CTX = 128
WIDTH, HEADS, INNER = 32, 2, 64
CONTROLS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BEGIN, END = 2, 3
TOKENS = [*CONTROLS, *(f"\u2581{letter}" for letter in ascii_lowercase), *ascii_lowercase]
NORMAL, UNKNOWN, CONTROL = 1, 2, 3
RANK = 4  # llama.cpp's number for the pooling of a model that ranks


def write_embedding_model(path: Path, *, pooling: int) -> Path:
    """Random weights; *pooling* is llama.cpp's number, that of ranking with a classifier."""
    writer = GGUFWriter(path, "bert")
    writer.add_name("embeds")
    writer.add_context_length(N_CTX)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_uint32("bert.pooling_type", pooling)
    writer.add_tokenizer_model("bert")
    writer.add_token_list(TOKENS)
    kinds = [UNKNOWN if text == "[UNK]" else CONTROL for text in CONTROLS]
    writer.add_token_types([*kinds, *[NORMAL] * (len(TOKENS) - len(CONTROLS))])
    writer.add_token_type_count(2)
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(END)
    writer.add_sep_token_id(END)
    writer.add_unk_token_id(1)
    writer.add_pad_token_id(0)
    for name, tensor in _tensors().items():
        writer.add_tensor(name, tensor)
    for name, tensor in _classifier().items() if pooling == RANK else ():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _classifier() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(1)
    shapes = {"cls.weight": (WIDTH, WIDTH), "cls.bias": (WIDTH,)}
    shapes |= {"cls.output.weight": (1, WIDTH), "cls.output.bias": (1,)}
    return {name: random.normal(0, 0.5, size).astype(np.float32) for name, size in shapes.items()}


def _tensors() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(0)

    def noise(*shape: int) -> NDArray[np.float32]:
        return random.normal(0, 0.5, shape).astype(np.float32)

    tensors = {
        "token_embd.weight": noise(len(TOKENS), WIDTH),
        "token_types.weight": noise(2, WIDTH),
        "position_embd.weight": noise(N_CTX, WIDTH),
        "blk.0.ffn_up.weight": noise(INNER, WIDTH),
        "blk.0.ffn_up.bias": noise(INNER),
        "blk.0.ffn_down.weight": noise(WIDTH, INNER),
        "blk.0.ffn_down.bias": noise(WIDTH),
    }
    for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
        tensors[f"blk.0.{part}.weight"] = noise(WIDTH, WIDTH)
        tensors[f"blk.0.{part}.bias"] = noise(WIDTH)
    for norm in ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"):
        tensors[f"{norm}.weight"] = np.ones(WIDTH, np.float32)
        tensors[f"{norm}.bias"] = np.zeros(WIDTH, np.float32)
    return tensors
