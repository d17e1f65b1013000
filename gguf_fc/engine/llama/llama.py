"""The loaded model: one context of llama.cpp behind ``model.Model``.

Owns every native pointer (``close`` frees them, any number of times) and uses the low-level
functions of ``llama_cpp``.  Knows nothing of jobs or sampling.

Theory of operation.  One context holds all slots in one unified KV cache (``kv_unified``): sequence
ids share its cells, so that a prefix is shared by ``seq_cp`` without a copy, and the room of an
idle slot is not lost to the others.  The price: attention looks at the cells of all slots, whosever
they are (``idle_costs``).  Logits are views of llama.cpp's own memory, valid until the next decode.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

from gguf_fc.engine.batching.costs import Costs
from gguf_fc.engine.llama.batch import Batch
from gguf_fc.engine.llama.load_model import (
    default_threads,
    device_name,
    load_model,
    start_backend,
)
from gguf_fc.engine.llama.memory import SlotMemory, can_trim, fingerprint
from gguf_fc.engine.llama.native_grammar import NativeGrammar
from gguf_fc.engine.llama.rank_pair import PairTokenizer
from gguf_fc.engine.llama.tokenizer import PromptTokenizer
from gguf_fc.engine.llama.vocabulary import infill_of, read_vocabulary
from gguf_fc.engine.model import DecodeError, Feed, Logits, NoRoom
from gguf_fc.errors import GrammarError, ModelFileError
from gguf_fc.job import Load, Ready, Segment

LARGEST_DEFAULT_CONTEXT = 32_768  # a longer one has to be asked for: its memory is set aside
IDLE_SLOTS = 16  # for finished conversations and pinned prefixes; an empty one costs nothing
IDLE_STATES = 4  # the same where each slot has a recurrent state of its own, used or not
NO_ROOM = 1  # llama_decode's status for a full cache


class Llama:
    """GGUF file that is loaded, with one context."""

    def __init__(self, load: Load) -> None:
        """Load as asked.  Raises ModelFileError, whose message says what to change."""
        self._model: Any = None
        self._context: Any = None
        start_backend()
        try:
            self._model, self._n_gpu_layers = load_model(load)
            self._vocab = llama_cpp.llama_model_get_vocab(self._model)
            self._open_context(load)
        except BaseException:
            self.close()
            raise
        self._load = load
        self._memory = SlotMemory(self._model, self._context)
        self._batch = Batch.of(self.n_batch)
        self.vocabulary = read_vocabulary(self._vocab)
        self.costs = Costs()  # until somebody measures them
        self._row = ctypes.c_float * len(self.vocabulary.pieces)
        self._tokenizer = PromptTokenizer(self._vocab, self.vocabulary)

    def _open_context(self, load: Load) -> None:
        n_train = llama_cpp.llama_model_n_ctx_train(self._model)
        self.can_trim = can_trim(self._model)
        idle = IDLE_SLOTS if self.can_trim else IDLE_STATES
        most = llama_cpp.llama_max_parallel_sequences() - 1
        self.n_slots = min(load.n_parallel + idle, most)
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = load.n_ctx or min(n_train, LARGEST_DEFAULT_CONTEXT)
        params.n_batch = params.n_ubatch = load.n_batch
        params.n_seq_max = self.n_slots + 1  # the memory's scratch slot
        params.kv_unified = True
        params.n_threads = params.n_threads_batch = self.n_threads = (
            load.n_threads or default_threads()
        )
        params.no_perf = True
        self._context = llama_cpp.llama_init_from_model(self._model, params)
        if not self._context:
            raise ModelFileError(
                f"{load.path}: no context of {params.n_ctx} tokens could be made; "
                "there is probably not enough memory for it. Ask for a smaller context."
            )
        # In an encoder every token attends to those after it too, so a text must be read at once
        # and none can be generated.
        self.reads_whole = not llama_cpp.llama_get_causal_attn(self._context)
        self.n_ctx: int = llama_cpp.llama_n_ctx(self._context)
        self.n_ctx_seq: int = min(self.n_ctx, n_train)
        self.n_batch: int = llama_cpp.llama_n_batch(self._context)

    def close(self) -> None:
        """Free everything native.  May be called again."""
        if self._context:
            llama_cpp.llama_free(self._context)
        if self._model:
            llama_cpp.llama_model_free(self._model)
        self._context = self._model = None

    def ready(self) -> Ready:
        """Description of what was loaded, for the server."""
        buffer = ctypes.create_string_buffer(256)
        llama_cpp.llama_model_desc(self._model, buffer, len(buffer))
        return Ready(
            n_ctx=self.n_ctx_seq,
            n_ctx_train=llama_cpp.llama_model_n_ctx_train(self._model),
            n_parallel=self._load.n_parallel,
            n_vocab=len(self.vocabulary.pieces),
            n_threads=self.n_threads,
            n_gpu_layers=self._n_gpu_layers,
            device=device_name(self._n_gpu_layers, self.n_threads),
            use_extra_bufts=self._load.use_extra_bufts,
            description=buffer.value.decode(errors="replace"),
            infill=infill_of(self._vocab),
            generates=not self.reads_whole,
        )

    @property
    def native(self) -> Any:
        """The loaded model, for another context of it."""
        return self._model

    def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Tokens of a prompt, with the begin-of-text token if the model wants one."""
        return self._tokenizer.tokenize(segments)

    def n_tokens(self, text: str, most: int) -> int:
        """Number of tokens of *text*, at least about; it is not counted far beyond *most*."""
        return self._tokenizer.n_tokens(text, most)

    def tokenize_text(self, text: str, *, frame: bool = False, special: bool) -> list[int]:
        """Tokens of *text*; with *frame* also those that the model wants around it."""
        return self._tokenizer.tokenize_text(text, frame=frame, special=special)

    def tokenize_pair(self, query: str, document: str) -> list[int]:
        """Tokens of a query and a document, for a model that ranks."""
        return PairTokenizer(self._model, self._tokenizer).tokens(query, document)

    def decode(self, feeds: Sequence[Feed]) -> list[list[Logits]]:
        """Evaluate a batch; the logits that each feed wants.  Raises NoRoom or DecodeError."""
        wanted = self._batch.fill(feeds)
        status = llama_cpp.llama_decode(self._context, self._batch.native)
        if status == NO_ROOM:
            raise NoRoom
        if status != 0:
            raise DecodeError(f"llama_decode returned {status}")
        return [[self._logits(index) for index in indices] for indices in wanted]

    def _logits(self, index: int) -> Logits:
        pointer = llama_cpp.llama_get_logits_ith(self._context, index)
        row = self._row.from_address(ctypes.addressof(pointer.contents))
        return np.ndarray(len(row), np.float32, buffer=memoryview(row))

    def trim(self, slot: int, length: int) -> None:
        """Drop what *slot* holds from position *length* on."""
        self._memory.trim(slot, length)

    def copy(self, source: int, target: int, length: int) -> None:
        """Let the empty slot *target* share the first *length* tokens of *source*."""
        self._memory.copy(source, target, length)

    def shortest_prefix(self, slot: int) -> int:
        """Length of the shortest proper prefix that *slot* can be cut to or that can be copied."""
        return self._memory.shortest_prefix(slot)

    def save(self, slot: int, start: int, end: int) -> memoryview:
        """State of what *slot* holds from position *start* up to *end*, its end."""
        return self._memory.save(slot, start, end)

    def load(self, slot: int, data: bytes | memoryview, start: int, end: int) -> bool:
        """Put positions *start* to *end* of a saved state behind what *slot* holds, if possible."""
        return self._memory.load(slot, data, start, end)

    @property
    def can_cut_states(self) -> bool:
        """True if a saved state is of use to a prompt that begins with only a part of it."""
        return self._memory.can_cut_states

    @property
    def idle_costs(self) -> bool:
        """True if idle slots make all steps longer, and are better kept as saved states.

        So it is on a processor, where attention looks at every cell of the unified cache.  On a
        GPU it skips foreign cells by whole tiles, and a state takes longer to load.
        """
        return self.can_cut_states and not self._n_gpu_layers

    @property
    def fingerprint(self) -> str:
        """Identifier of all that a saved state depends on."""
        return fingerprint(Path(self._load.path))

    def open_grammar(self, gbnf: str) -> NativeGrammar:
        """Grammar at its start, run by llama.cpp's own sampler.  Raises GrammarError."""
        sampler = llama_cpp.llama_sampler_init_grammar(self._vocab, gbnf.encode(), b"root")
        if not sampler:
            raise GrammarError(
                "llama.cpp cannot use this grammar: it is malformed, or counts too high. "
                "Without '--constraint llama.cpp' more grammars can be used."
            )
        return NativeGrammar(sampler)
