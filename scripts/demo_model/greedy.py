"""Runs a GGUF through llama.cpp directly: one prompt at a time, the best token each step.

No server, no grammar: this is what the model does when nothing keeps it on the rails.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp
import numpy as np

_CONTEXT = 4096


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _silent(level: int, text: bytes, data: object) -> None:
    """Drop llama.cpp's log."""
    del level, text, data


class Greedy:
    """A loaded model that answers greedily."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        wanted = llama_cpp.llama_model_default_params()
        wanted.n_gpu_layers = 0
        # The repacked buffers crash on some processors, and a small model gains nothing by them.
        wanted.use_extra_bufts = False
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), wanted)
        if not self._model:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        context = llama_cpp.llama_context_default_params()
        context.n_ctx = context.n_batch = _CONTEXT
        context.n_threads = context.n_threads_batch = threads
        self._context = llama_cpp.llama_init_from_model(self._model, context)
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self._size = llama_cpp.llama_vocab_n_tokens(self._vocabulary)

    def tokenize(self, text: str) -> list[int]:
        """The tokens of *text*, control tokens included."""
        raw = text.encode()
        room = (llama_cpp.llama_token * (len(raw) + 8))()
        count = llama_cpp.llama_tokenize(
            self._vocabulary,
            raw,
            len(raw),
            room,
            len(room),
            False,
            True,
        )
        return list(room[:count])

    def complete(self, prompt: str, limit: int = 400) -> str:
        """Greedy completion of *prompt*, up to the end of the turn."""
        tokens = self.tokenize(prompt)
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), True)
        written = bytearray()
        for _ in range(min(limit, _CONTEXT - len(tokens) - 1)):
            held = (llama_cpp.llama_token * len(tokens))(*tokens)  # the batch only points to it
            batch = llama_cpp.llama_batch_get_one(held, len(tokens))
            if llama_cpp.llama_decode(self._context, batch):
                raise RuntimeError("llama_decode failed")
            scores = np.ctypeslib.as_array(
                llama_cpp.llama_get_logits_ith(self._context, -1), (self._size,)
            )
            best = int(scores.argmax())
            if llama_cpp.llama_vocab_is_eog(self._vocabulary, best):
                break
            written += self._piece(best)
            tokens = [best]
        return written.decode(errors="replace")

    def _piece(self, token: int) -> bytes:
        room = ctypes.create_string_buffer(256)
        count = llama_cpp.llama_token_to_piece(self._vocabulary, token, room, len(room), 0, True)
        return room.raw[:count]
