"""Embeddings from llama.cpp: a second context of the loaded model, made on first use.

Implements ``embedding.EmbeddingModel``.  The rows are taken from the context as they are, one for
each token, and pooled by ``embedding``: so a long text can be read in parts, and the buffers stay
small.  A context that gives rows also computes the logits of every row, which sets the batch.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp
import numpy as np

from gguf_fc.engine.embedding import Pooling, Rows
from gguf_fc.engine.llama.batch import Batch
from gguf_fc.engine.llama.llama import Llama
from gguf_fc.engine.model import DecodeError, Feed
from gguf_fc.errors import EngineError

SLOTS = 16  # texts that can be read at once
RECURRENT_SLOTS = 4  # where each slot costs a whole state
LEAST_ROOM = 2048  # tokens
LEAST_WHOLE = 512  # tokens, where all of them are read at once
LEAST_BATCH, MOST_BATCH = 32, 512  # tokens
LOGITS_BYTES = 64 << 20  # what the logits of one batch may take
# By the file's ``pooling_type``: 0 (none) is left to us; of 4, ranking, llama.cpp pools, as a
# classifier follows.
POOLINGS: dict[int, Pooling] = {0: "mean", 1: "mean", 2: "first", 3: "last", 4: "score"}


class LlamaEmbeddings:
    """Second context of *llama*, which must be closed before it."""

    def __init__(self, llama: Llama) -> None:
        self._llama = llama
        self._context: Any = None
        self._memory: Any = None
        self._batch: Batch | None = None
        self.n_ctx = llama.n_ctx_seq
        self.n_slots = SLOTS if llama.can_trim else RECURRENT_SLOTS
        self.room = 0
        self.n_batch = 0
        self.reads_whole = llama.reads_whole
        self._width = llama_cpp.llama_model_n_embd_out(llama.native)
        self.pooling: Pooling = POOLINGS[_pooling_type(llama)]

    def tokenize_text(self, text: str, *, frame: bool, special: bool) -> list[int]:
        """Tokens of *text*; with *frame* also those that the model wants around it."""
        return self._llama.tokenize_text(text, frame=frame, special=special)

    def tokenize_pair(self, query: str, document: str) -> list[int]:
        """Tokens of a query and a document, for a model that ranks."""
        return self._llama.tokenize_pair(query, document)

    def make_room(self, n_tokens: int) -> None:
        """Empty all slots and hold at least *n_tokens*.  Raises EngineError."""
        self.close()
        least = LEAST_WHOLE if self.reads_whole else LEAST_ROOM
        room = min(self.n_ctx, max(least, 1 << (n_tokens - 1).bit_length()))
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = room
        params.n_batch = params.n_ubatch = self._batch_size(room)
        params.n_seq_max = self.n_slots
        params.kv_unified = True
        params.n_threads = params.n_threads_batch = self._llama.n_threads
        params.embeddings = True
        ranks = self.pooling == "score"
        kind = llama_cpp.LLAMA_POOLING_TYPE_RANK if ranks else llama_cpp.LLAMA_POOLING_TYPE_NONE
        params.pooling_type = kind
        params.no_perf = True
        self._context = llama_cpp.llama_init_from_model(self._llama.native, params)
        if not self._context:
            raise EngineError(f"There is not enough memory to embed a text of {n_tokens} tokens.")
        self._memory = llama_cpp.llama_get_memory(self._context)
        self.room = room
        self.n_batch = llama_cpp.llama_n_batch(self._context)
        self._batch = Batch.of(self.n_batch)

    def _batch_size(self, room: int) -> int:
        if self.reads_whole:
            return room
        fitting = LOGITS_BYTES // (4 * len(self._llama.vocabulary.pieces))
        return min(room, max(LEAST_BATCH, min(MOST_BATCH, fitting)))

    def read(self, feeds: Sequence[Feed]) -> list[Rows]:
        """Evaluate *feeds*; the embedding rows that each wants.  Raises DecodeError."""
        assert self._batch is not None
        wanted = self._batch.fill(feeds)
        status = llama_cpp.llama_decode(self._context, self._batch.native)
        if status != 0:
            raise DecodeError(f"llama_decode returned {status}")
        if self.pooling == "score":
            return [self._score(feed.slot) for feed in feeds]
        return [self._rows(indices) for indices in wanted]

    def _score(self, slot: int) -> Rows:
        """One row: the classifier's first number for what *slot* has read."""
        pointer = llama_cpp.llama_get_embeddings_seq(self._context, slot)
        return np.ctypeslib.as_array(pointer, (1, 1)).astype(np.float32)

    def _rows(self, indices: range) -> Rows:
        rows = np.empty((len(indices), self._width), np.float32)
        for row, index in zip(rows, indices, strict=True):
            pointer = llama_cpp.llama_get_embeddings_ith(self._context, index)
            row[:] = np.ctypeslib.as_array(pointer, (self._width,))
        return rows

    def clear(self, slot: int) -> None:
        """Empty that slot."""
        llama_cpp.llama_memory_seq_rm(self._memory, slot, -1, -1)

    def close(self) -> None:
        """Free the context.  May be called again."""
        if self._context:
            llama_cpp.llama_free(self._context)
        self._context, self.room = None, 0


def _pooling_type(llama: Llama) -> int:
    """Pooling type in the file's metadata; 0 if it has none."""
    architecture = _metadata(llama, "general.architecture")
    number = _metadata(llama, f"{architecture}.pooling_type")
    return int(number) if number.isdigit() and int(number) in POOLINGS else 0


def _metadata(llama: Llama, key: str) -> str:
    buffer = ctypes.create_string_buffer(256)
    llama_cpp.llama_model_meta_val_str(llama.native, key.encode(), buffer, len(buffer))
    return buffer.value.decode(errors="replace")
