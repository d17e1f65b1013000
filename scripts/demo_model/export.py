"""Writes a checkpoint as a GGUF file that llama.cpp loads unmodified."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGUFWriter, TokenType

from demo_model.network import Network, Shape
from demo_model.render import TEMPLATE_FILE
from demo_model.tokenizer import CONTROL, END_OF_TURN, SPECIAL, Tokenizer

_DESCRIPTION = (
    "A tiny model that calls tools: the demonstration of gguf-fc, not a useful assistant."
)


def load(folder: Path) -> Network:
    """The network of the checkpoint in *folder*."""
    kept = torch.load(folder / "checkpoint.pt", weights_only=True)
    network = Network(Shape(**kept["shape"]))
    network.load_state_dict(kept["network"])
    network.eval()
    return network


def tensors(network: Network) -> Iterator[tuple[str, np.ndarray]]:
    """The weights under the names that llama.cpp gives them."""
    yield "token_embd.weight", network.embedding.weight.detach().numpy()
    yield "output_norm.weight", network.norm.weight.detach().numpy()
    for i, layer in enumerate(network.layers):
        parts = dict(layer.named_parameters())
        for name in ("attn_norm", "ffn_norm", "attn_output", "ffn_down"):
            yield f"blk.{i}.{name}.weight", parts[f"{name}.weight"].detach().numpy()
        q, k, v = parts["qkv.weight"].detach().numpy().reshape(3, network.shape.width, -1)
        gate, up = parts["gate_up.weight"].detach().numpy().reshape(2, -1, network.shape.width)
        for name, weight in (
            ("attn_q", q),
            ("attn_k", k),
            ("attn_v", v),
            ("ffn_gate", gate),
            ("ffn_up", up),
        ):
            yield f"blk.{i}.{name}.weight", weight


def export(folder: Path, output: Path, *, full: bool = False) -> None:
    """Write the model in *folder* to *output*, as Q8_0 or (with *full*) as F16."""
    network, tokenizer = load(folder), Tokenizer.load(folder / "tokenizer.json")
    output.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(output, "llama")
    shape = network.shape
    writer.add_name("gguf-fc demo")
    writer.add_description(_DESCRIPTION)
    writer.add_author("The gguf-fc authors")
    writer.add_license("MIT")
    writer.add_size_label("10M")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if full else gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)
    add_tokenizer(writer, tokenizer, shape.vocabulary)
    kind = gguf.GGMLQuantizationType.F16 if full else gguf.GGMLQuantizationType.Q8_0
    for name, weight in tensors(network):
        raw = np.ascontiguousarray(weight, dtype=np.float32)
        if raw.ndim == 1:
            writer.add_tensor(name, raw)
        else:
            writer.add_tensor(name, gguf.quants.quantize(raw, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_tokenizer(writer: GGUFWriter, tokenizer: Tokenizer, size: int) -> None:
    """The tokenizer, filled up to *size* tokens, and the chat template."""
    spare = size - len(tokenizer.tokens)
    kinds = [TokenType.NORMAL] * len(tokenizer.tokens) + [TokenType.UNUSED] * spare
    for text in SPECIAL:
        kind = TokenType.CONTROL if text in CONTROL else TokenType.USER_DEFINED
        kinds[tokenizer.ids[text]] = kind
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokenizer.tokens + [f"<|unused_{i}|>" for i in range(spare)])
    writer.add_token_types(kinds)
    writer.add_token_merges([f"{a} {b}" for a, b in tokenizer.merges])
    end = tokenizer.ids[END_OF_TURN]
    writer.add_bos_token_id(tokenizer.ids["<|endoftext|>"])
    writer.add_eos_token_id(end)
    writer.add_eot_token_id(end)
    writer.add_pad_token_id(tokenizer.ids["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE_FILE.read_text(encoding="utf-8"))
