"""A tiny llama model with random weights and a real or a small vocabulary, as a GGUF file.

It talks nonsense, which is what a grammar has to be held against.  The file is written by hand:
copying a vocabulary as bytes takes milliseconds where parsing it takes seconds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

UINT32, FLOAT32, BOOL, STRING, ARRAY, INT32 = 4, 6, 7, 8, 9, 5
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, UINT32: 4, INT32: 4, FLOAT32: 4, BOOL: 1, 10: 8, 11: 8, 12: 8}
ALIGNMENT = 32
F32, F16 = 0, 1
NORMAL, CONTROL = 1, 3
CONTROLS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
WORDS = """
    the and name arguments tool call city function type string number null true false get set
    weather time Paris London hello world answer user assistant
"""

Value = int | float | bool | str | list[str] | list[int]
Tensors = Mapping[str, NDArray[np.float16] | NDArray[np.float32]]


def write_random_model(  # noqa: PLR0913 - a model has many sides
    path: Path,
    *,
    vocabulary: Path | None = None,
    chat_template: str | None = None,
    n_ctx: int = 8192,
    n_layers: int = 1,
    controls: tuple[str, ...] = (),
    extra: Mapping[str, Value] | None = None,
) -> Path:
    """Write the model to *path*; the tokenizer is that of the GGUF file *vocabulary*, if given.

    A small tokenizer has *controls* as control tokens beside its own.  *extra* are further fields
    of the header.
    """
    fields = dict(_tokenizer_of(vocabulary) if vocabulary else small_tokenizer(controls))
    n_vocab = _count(fields["tokenizer.ggml.tokens"])
    if chat_template is not None:
        fields["tokenizer.chat_template"] = value_of(chat_template)
    width, heads = 32, 2
    about: dict[str, Value] = {
        "general.architecture": "llama",
        "general.name": "random",
        "llama.context_length": n_ctx,
        "llama.embedding_length": width,
        "llama.block_count": n_layers,
        "llama.feed_forward_length": 2 * width,
        "llama.attention.head_count": heads,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": width // heads,
        "llama.vocab_size": n_vocab,
    }
    header = {name: value_of(value) for name, value in about.items()} | fields
    header |= {name: value_of(value) for name, value in (extra or {}).items()}
    write_file(path, header, _tensors(n_vocab, width, n_layers, np.random.default_rng(0)))
    return path


def _tensors(n_vocab: int, width: int, n_layers: int, random: np.random.Generator) -> Tensors:
    def matrix(rows: int, columns: int) -> NDArray[np.float16]:
        return random.normal(0, 0.5, (rows, columns)).astype(np.float16)

    tensors: dict[str, NDArray[np.float16] | NDArray[np.float32]] = {
        "token_embd.weight": matrix(n_vocab, width),
        "output_norm.weight": np.ones(width, np.float32),
    }
    for layer in range(n_layers):
        block = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensors[f"{block}{name}.weight"] = matrix(width, width)
        tensors[f"{block}ffn_gate.weight"] = matrix(2 * width, width)
        tensors[f"{block}ffn_up.weight"] = matrix(2 * width, width)
        tensors[f"{block}ffn_down.weight"] = matrix(width, 2 * width)
        for name in ("attn_norm", "ffn_norm"):
            tensors[f"{block}{name}.weight"] = np.ones(width, np.float32)
    return tensors


def write_file(path: Path, header: Mapping[str, bytes], tensors: Tensors) -> None:
    """A GGUF file of metadata, each value with its type, and tensors."""
    infos, data = b"", bytearray()
    for name, tensor in tensors.items():
        kind = F16 if tensor.dtype == np.float16 else F32
        shape = tensor.shape[::-1]
        infos += _string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        infos += struct.pack("<IQ", kind, len(data))
        data += tensor.tobytes()
        data += bytes(-len(data) % ALIGNMENT)
    start = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(header))
    start += b"".join(_string(name) + value for name, value in header.items()) + infos
    path.write_bytes(start + bytes(-len(start) % ALIGNMENT) + data)


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def value_of(value: Value) -> bytes:
    """A metadata value with its type in front."""
    match value:
        case bool():
            return struct.pack("<I?", BOOL, value)
        case int():
            return struct.pack("<II", UINT32, value)
        case float():
            return struct.pack("<If", FLOAT32, value)
        case str():
            return struct.pack("<I", STRING) + _string(value)
        case [int(), *_]:
            return struct.pack(f"<IIQ{len(value)}i", ARRAY, INT32, len(value), *value)
        case _:
            items = b"".join(_string(str(item)) for item in value)
            return struct.pack("<IIQ", ARRAY, STRING, len(value)) + items


def _count(array: bytes) -> int:
    length: int = struct.unpack_from("<Q", array, 8)[0]
    return length


def _tokenizer_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """The tokenizer's metadata of a GGUF file, as bytes."""
    data = path.read_bytes()
    count: int = struct.unpack_from("<Q", data, 16)[0]
    at = 24
    for _ in range(count):
        start = at + 8
        at = _end(data, at, STRING)
        name, begin = data[start:at].decode(), at
        kind = struct.unpack_from("<I", data, at)[0]
        at = _end(data, at + 4, kind)
        if name.startswith("tokenizer.ggml."):
            yield name, data[begin:at]


def _end(data: bytes, at: int, kind: int) -> int:
    """Where the value of type *kind* that starts at *at* ends."""
    if kind == STRING:
        length: int = struct.unpack_from("<Q", data, at)[0]
        return at + 8 + length
    if kind != ARRAY:
        return at + SIZES[kind]
    item, count = struct.unpack_from("<IQ", data, at)
    at += 12
    if item in SIZES:
        return int(at + SIZES[item] * count)
    for _ in range(count):
        at = _end(data, at, item)
    return at


def small_tokenizer(controls: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Every byte, the beginnings of a few words, and a few control tokens."""
    controls = tuple(dict.fromkeys((*CONTROLS, *controls)))
    letters = _letters()
    merges: dict[str, None] = {}
    spellings = [start + word for word in WORDS.split() for start in ("", "\u0120")]
    for word in spellings:
        for end in range(1, len(word)):
            merges[f"{word[:end]} {word[end]}"] = None
    tokens = [*letters, *dict.fromkeys(merge.replace(" ", "") for merge in merges), *controls]
    values: dict[str, Value] = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [CONTROL if token in controls else NORMAL for token in tokens],
        "tokenizer.ggml.merges": list(merges),
        "tokenizer.ggml.bos_token_id": tokens.index("<|endoftext|>"),
        "tokenizer.ggml.eos_token_id": tokens.index("<|im_end|>"),
        "tokenizer.ggml.add_bos_token": False,
    }
    yield from ((name, value_of(value)) for name, value in values.items())


def _letters() -> list[str]:
    """The printable stand-ins of the 256 bytes in a byte-level vocabulary, in order of byte."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = iter(range(256, 512))
    return [chr(byte if byte in printable else next(hidden)) for byte in range(256)]
