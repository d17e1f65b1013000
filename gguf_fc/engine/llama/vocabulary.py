"""The vocabulary of a model that llama.cpp has loaded: texts to tokens, tokens to bytes.

Knows nothing of contexts; what it is given belongs to the model, which must outlive it.
"""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp

from gguf_fc.engine.model import Vocabulary
from gguf_fc.job import Infill


def tokenize(vocab: Any, text: str, *, frame: bool, special: bool) -> list[int]:
    """The tokens of *text*; with *frame* also those that the model wants around it.

    Control tokens are recognised only if *special*.
    """
    data = text.encode()
    room = len(data) + 8
    while True:
        buffer = (llama_cpp.llama_token * room)()
        n = llama_cpp.llama_tokenize(vocab, data, len(data), buffer, room, frame, special)
        if n >= 0:
            return list(buffer[:n])
        room = -n


def read_vocabulary(vocab: Any) -> Vocabulary:
    """Every token of *vocab*, a native vocabulary."""
    n = llama_cpp.llama_vocab_n_tokens(vocab)
    hidden = (
        llama_cpp.LLAMA_TOKEN_ATTR_CONTROL
        | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
        | llama_cpp.LLAMA_TOKEN_ATTR_UNUSED
    )
    native = llama_cpp.llama_cpp._lib.llama_tokenize  # noqa: SLF001 - its address is wanted
    return Vocabulary(
        pieces=_pieces(vocab, n),
        special=frozenset(t for t in range(n) if llama_cpp.llama_vocab_get_attr(vocab, t) & hidden),
        ends=frozenset(t for t in range(n) if llama_cpp.llama_vocab_is_eog(vocab, t)),
        pointer=vocab,
        tokenizer=ctypes.cast(native, ctypes.c_void_p).value or 0,
    )


def infill_of(vocab: Any) -> Infill | None:
    """How the model is told to fill a gap, if it has the tokens for that."""
    prefix, suffix, middle = (
        llama_cpp.llama_vocab_fim_pre(vocab),
        llama_cpp.llama_vocab_fim_suf(vocab),
        llama_cpp.llama_vocab_fim_mid(vocab),
    )
    if min(prefix, suffix, middle) < 0:
        return None
    bos = (llama_cpp.llama_vocab_bos(vocab),) if llama_cpp.llama_vocab_get_add_bos(vocab) else ()
    return Infill(begin=(*bos, prefix), between=(suffix,), end=(middle,))


def _pieces(vocab: Any, n: int) -> tuple[bytes, ...]:
    """Each token's bytes, control tokens by their text."""
    pieces, size = [], 256
    buffer = ctypes.create_string_buffer(size)
    for token in range(n):
        length = llama_cpp.llama_token_to_piece(vocab, token, buffer, size, 0, True)
        if length < 0:
            size = -length
            buffer = ctypes.create_string_buffer(size)
            length = llama_cpp.llama_token_to_piece(vocab, token, buffer, size, 0, True)
        pieces.append(ctypes.string_at(buffer, length))
    return tuple(pieces)
