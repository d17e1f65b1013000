"""Tiny random models of other architectures than llama's: recurrent, hybrid, fused and more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.support.random_model import Value, small_tokenizer, value_of, write_file

WIDTH, HEADS, STATE, RANK, CONV = 32, 2, 8, 4, 4
WINDOW = 32
Tensor = NDArray[np.float16] | NDArray[np.float32]


def write_recurrent(path: Path) -> Path:
    """Two layers of state space."""
    blocks = [{**_norm("attn_norm"), **_state_space(layer)} for layer in range(2)]
    return _write_model(path, "mamba", blocks, {**_ssm("mamba"), **_heads("mamba", 0, 0)})


def write_hybrid(path: Path) -> Path:
    """A layer of state space and one of attention."""
    space = {**_norm("attn_norm"), **_state_space(0), **_inner_norms(), **_forward(0)}
    attention = {**_norm("attn_norm"), **_attention(1), **_forward(1)}
    about = {**_ssm("jamba"), **_heads("jamba", HEADS, [0, HEADS])}
    return _write_model(path, "jamba", [space, attention], about)


def write_sliding_window(path: Path) -> Path:
    """Six layers, five of which see only the last ``WINDOW`` tokens."""
    names = ("attn_norm", "post_attention_norm", "post_ffw_norm")
    norms = {key: value for name in names for key, value in _norm(name).items()}
    for name in ("attn_q_norm", "attn_k_norm"):
        norms |= _norm(name, WIDTH // HEADS)
    blocks = [{**norms, **_attention(layer), **_forward(layer)} for layer in range(6)]
    about = {**_heads("gemma3", HEADS, HEADS), "gemma3.attention.sliding_window": WINDOW}
    return _write_model(path, "gemma3", blocks, about)


def write_fused(path: Path, about: Mapping[str, Value], controls: tuple[str, ...]) -> Path:
    """Two layers of attention whose projections are one matrix, as the gate and the input are."""
    name = "chatglm"
    blocks = [
        {
            **_norm("attn_norm"),
            "attn_qkv.weight": _matrix(layer, 3 * WIDTH, WIDTH),
            "attn_qkv.bias": np.zeros(3 * WIDTH, np.float32),
            "attn_output.weight": _matrix(layer + 10, WIDTH, WIDTH),
            **_norm("ffn_norm"),
            "ffn_up.weight": _matrix(layer + 20, 4 * WIDTH, WIDTH),
            "ffn_down.weight": _matrix(layer + 30, WIDTH, 2 * WIDTH),
        }
        for layer in range(2)
    ]
    heads = {**_heads(name, HEADS, HEADS), f"{name}.rope.dimension_count": WIDTH // HEADS // 2}
    return _write_model(path, name, blocks, {**heads, **about}, controls, output=True)


def write_linear(path: Path, about: Mapping[str, Value], controls: tuple[str, ...]) -> Path:
    """Two layers of linear attention, whose state is as large after a token as after thousands."""
    name = "rwkv7"
    blocks = [_time_mix(layer) for layer in range(2)]
    sizes: dict[str, Value] = {
        f"{name}.attention.layer_norm_epsilon": 1e-5,
        f"{name}.attention.head_count": 0,
        f"{name}.wkv.head_size": WIDTH // HEADS,
        f"{name}.attention.decay_lora_rank": RANK,
        f"{name}.attention.iclr_lora_rank": RANK,
        f"{name}.attention.value_residual_mix_lora_rank": RANK,
        f"{name}.attention.gate_lora_rank": RANK,
        f"{name}.token_shift_count": 2,
    }
    norms = {**_biased("token_embd_norm"), **_biased("output_norm")}
    return _write_model(path, name, blocks, {**sizes, **about}, controls, output=True, more=norms)


def _write_model(  # noqa: PLR0913  a model has many sides
    path: Path,
    architecture: str,
    blocks: list[dict[str, Tensor]],
    header: Mapping[str, Value],
    controls: tuple[str, ...] = (),
    *,
    output: bool = False,
    more: Mapping[str, Tensor] | None = None,
) -> Path:
    tokenizer = dict(small_tokenizer(controls))
    n_vocab = int.from_bytes(tokenizer["tokenizer.ggml.tokens"][8:16], "little")
    about: dict[str, Value] = {
        "general.architecture": architecture,
        f"{architecture}.context_length": 4096,
        f"{architecture}.embedding_length": WIDTH,
        f"{architecture}.block_count": len(blocks),
        f"{architecture}.feed_forward_length": 2 * WIDTH,
        f"{architecture}.attention.layer_norm_rms_epsilon": 1e-5,
        f"{architecture}.vocab_size": n_vocab,
        **header,
    }
    tensors: dict[str, Tensor] = {
        "token_embd.weight": _matrix(99, n_vocab, WIDTH),
        "output_norm.weight": np.ones(WIDTH, np.float32),
        **({"output.weight": _matrix(98, n_vocab, WIDTH)} if output else {}),
        **(more or {}),
    }
    for layer, block in enumerate(blocks):
        tensors |= {f"blk.{layer}.{name}": tensor for name, tensor in block.items()}
    fields = tokenizer | {name: value_of(value) for name, value in about.items()}
    write_file(path, fields, tensors)
    return path


def _matrix(seed: int, rows: int, columns: int) -> NDArray[np.float16]:
    return np.random.default_rng(seed).normal(0, 0.5, (rows, columns)).astype(np.float16)


def _norm(name: str, width: int = WIDTH) -> dict[str, Tensor]:
    return {f"{name}.weight": np.ones(width, np.float32)}


def _heads(architecture: str, heads: int, shared: Value) -> dict[str, Value]:
    return {
        f"{architecture}.attention.head_count": heads,
        f"{architecture}.attention.head_count_kv": shared,
    }


def _ssm(architecture: str) -> dict[str, Value]:
    return {
        f"{architecture}.ssm.conv_kernel": CONV,
        f"{architecture}.ssm.inner_size": 2 * WIDTH,
        f"{architecture}.ssm.state_size": STATE,
        f"{architecture}.ssm.time_step_rank": RANK,
    }


def _state_space(layer: int) -> dict[str, Tensor]:
    inner = 2 * WIDTH
    return {
        "ssm_in.weight": _matrix(layer, 2 * inner, WIDTH),
        "ssm_conv1d.weight": _matrix(layer + 10, inner, CONV).astype(np.float32),
        "ssm_conv1d.bias": np.zeros(inner, np.float32),
        "ssm_x.weight": _matrix(layer + 20, RANK + 2 * STATE, inner),
        "ssm_dt.weight": _matrix(layer + 30, inner, RANK),
        "ssm_dt.bias": np.zeros(inner, np.float32),
        "ssm_a": np.full((inner, STATE), -0.3, np.float32),
        "ssm_d": np.ones(inner, np.float32),
        "ssm_out.weight": _matrix(layer + 40, WIDTH, inner),
    }


def _inner_norms() -> dict[str, Tensor]:
    return {
        **_norm("ssm_dt_norm", RANK),
        **_norm("ssm_b_norm", STATE),
        **_norm("ssm_c_norm", STATE),
    }


def _biased(name: str) -> dict[str, Tensor]:
    return {
        f"{name}.weight": np.ones(WIDTH, np.float32),
        f"{name}.bias": np.zeros(WIDTH, np.float32),
    }


def _time_mix(layer: int) -> dict[str, Tensor]:
    """One layer of linear attention: mixing over time, then over channels.

    Large weights would have the state grow from token to token.
    """

    def small(seed: int, rows: int, columns: int) -> NDArray[np.float16]:
        return (_matrix(seed, rows, columns) * 0.1).astype(np.float16)

    vectors = ("w0", "a0", "v0", "k_k", "k_a", "r_k")
    squares = ("key", "value", "receptance", "output")
    ranks = ("w", "a", "v", "g")
    found: dict[str, Tensor] = {**_biased("attn_norm"), **_biased("attn_norm_2")}
    found |= {**_biased("time_mix_ln")}
    found |= {f"time_mix_{name}.weight": np.full(WIDTH, 0.1, np.float32) for name in vectors}
    found |= {
        f"time_mix_{name}.weight": small(layer + 10 * n, WIDTH, WIDTH)
        for n, name in enumerate(squares)
    }
    for n, name in enumerate(ranks):
        found[f"time_mix_{name}1.weight"] = small(layer + 50 + n, RANK, WIDTH)
        found[f"time_mix_{name}2.weight"] = small(layer + 60 + n, WIDTH, RANK)
    found["time_mix_lerp_fused.weight"] = np.full((6, 1, 1, WIDTH), 0.5, np.float32)
    found["channel_mix_lerp_k.weight"] = np.full((1, 1, WIDTH), 0.5, np.float32)
    found["channel_mix_key.weight"] = small(layer + 70, 2 * WIDTH, WIDTH)
    found["channel_mix_value.weight"] = small(layer + 80, WIDTH, 2 * WIDTH)
    return found


def _attention(layer: int) -> dict[str, Tensor]:
    names = ("attn_q", "attn_k", "attn_v", "attn_output")
    return {
        f"{name}.weight": _matrix(layer + 50 + 10 * n, WIDTH, WIDTH) for n, name in enumerate(names)
    }


def _forward(layer: int) -> dict[str, Tensor]:
    return {
        **_norm("ffn_norm"),
        "ffn_gate.weight": _matrix(layer + 100, 2 * WIDTH, WIDTH),
        "ffn_up.weight": _matrix(layer + 110, 2 * WIDTH, WIDTH),
        "ffn_down.weight": _matrix(layer + 120, WIDTH, 2 * WIDTH),
    }
