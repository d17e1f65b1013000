"""Vocabulary of a model that llama.cpp has loaded: bytes, control tokens, tokens of infilling.

Knows nothing of contexts; what it is given belongs to the model, which must outlive it.
"""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp

from gguf_fc.engine.model import Vocabulary
from gguf_fc.job import Infill


def read_vocabulary(vocab: Any) -> Vocabulary:
    """Read every token of *vocab*, a native vocabulary."""
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
    """Tokens of a fill-in-the-middle prompt; None if the model has none."""
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
    """Bytes of each token; of control tokens, their text."""
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
