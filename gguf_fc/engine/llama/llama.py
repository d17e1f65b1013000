"""The one door to llama.cpp.

Loads a model file, owns every native pointer (``close`` frees them, any number of times) and
implements ``model.Model`` with the low-level functions of ``llama_cpp``, and binds its grammar
sampler.  Knows nothing of jobs or sampling.

Theory of operation.  One context holds all slots in one unified cache (``kv_unified``).  The batch
arrays are numpy arrays made once; ``llama_batch`` only points at them.  Logits are views of
llama.cpp's own memory, valid until the next decode.  llama.cpp reports through a callback whose
Python object must outlive the library's use of it, so it is kept for the process's lifetime.
"""

from __future__ import annotations

import ctypes
import logging
import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp import _ggml
from numpy.typing import NDArray

from gguf_fc.engine.batching.costs import Costs
from gguf_fc.engine.llama.memory import SlotMemory, can_trim, fingerprint
from gguf_fc.engine.llama.vocabulary import infill_of, read_vocabulary, tokenize
from gguf_fc.engine.model import DecodeError, Feed, Logits, NoRoom
from gguf_fc.engine.prompt_segments import parts
from gguf_fc.errors import GrammarError, ModelFileError
from gguf_fc.job import Load, Ready, Segment

logger = logging.getLogger(__name__)

LARGEST_DEFAULT_CONTEXT = 32_768  # a longer one has to be asked for: its memory is set aside
IDLE_SLOTS = 16  # for finished conversations and pinned beginnings; an empty one costs nothing
IDLE_STATES = 4  # the same where each slot has a recurrent state of its own, used or not
NO_ROOM = 1  # llama_decode's word for a full cache
GPU = 1  # ggml's device type
_CANDIDATE = np.dtype(llama_cpp.llama_token_data)
LEVELS = {2: logging.DEBUG, 3: logging.INFO, 4: logging.ERROR}  # ggml: info, warn, error


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator, unused-ignore]
def _log(level: int, text: bytes, _data: object) -> None:
    logger.log(LEVELS.get(level, logging.DEBUG), "%s", text.decode(errors="replace").rstrip())


@dataclass(slots=True, eq=False)
class Batch:
    """The arrays behind ``llama_batch``: one sequence per token."""

    tokens: Any
    positions: Any
    counts: Any
    slots: Any
    outputs: Any
    native: Any

    @classmethod
    def of(cls, size: int) -> Batch:
        tokens, positions, slots = (np.zeros(size, np.int32) for _ in range(3))
        counts, outputs = np.ones(size, np.int32), np.zeros(size, np.int8)
        number = ctypes.POINTER(ctypes.c_int32)
        first = slots.ctypes.data
        rows = (number * (size + 1))()  # ends with a null pointer
        for at in range(size):
            rows[at] = ctypes.cast(first + 4 * at, number)
        native = llama_cpp.llama_batch(
            n_tokens=0,
            token=tokens.ctypes.data_as(number),
            pos=positions.ctypes.data_as(number),
            n_seq_id=counts.ctypes.data_as(number),
            seq_id=rows,
            logits=outputs.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )
        return cls(tokens, positions, counts, slots, outputs, native)

    def fill(self, feeds: Sequence[Feed]) -> list[range]:
        """Lay *feeds* out one after another; for each, where the wanted logits will be."""
        end, wanted = 0, []
        for feed in feeds:
            start, end = end, end + len(feed.tokens)
            self.tokens[start:end] = feed.tokens
            self.positions[start:end] = np.arange(feed.start, feed.start + len(feed.tokens))
            self.slots[start:end] = feed.slot
            last = end - feed.n_padding
            self.outputs[start:end] = 0
            self.outputs[last - feed.n_rows : last] = 1
            wanted.append(range(last - feed.n_rows, last))
        self.native.n_tokens = end
        return wanted


class Llama:
    """A loaded GGUF file with one context."""

    def __init__(self, load: Load) -> None:
        """Load as asked.  Raises ModelFileError, saying what to change."""
        self._model: Any = None
        self._context: Any = None
        llama_cpp.llama_log_set(_log, None)
        llama_cpp.llama_backend_init()
        try:
            self._model, self._n_gpu_layers = _load_model(load)
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
        self._controls = sorted(
            {
                self.vocabulary.pieces[token].decode(errors="replace")
                for token in self.vocabulary.special
            }
            - {""}
        )

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
        params.n_threads = params.n_threads_batch = self.n_threads = load.n_threads or _threads()
        params.no_perf = True
        self._context = llama_cpp.llama_init_from_model(self._model, params)
        if not self._context:
            raise ModelFileError(
                f"{load.path}: no context of {params.n_ctx} tokens could be made; "
                "there is probably not enough memory for it. Ask for a smaller context."
            )
        # Where every token looks at those after it too, none can be written after the others.
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
        """What was loaded, for the server to know."""
        buffer = ctypes.create_string_buffer(256)
        llama_cpp.llama_model_desc(self._model, buffer, len(buffer))
        return Ready(
            n_ctx=self.n_ctx_seq,
            n_ctx_train=llama_cpp.llama_model_n_ctx_train(self._model),
            n_parallel=self._load.n_parallel,
            n_vocab=len(self.vocabulary.pieces),
            n_threads=self.n_threads,
            n_gpu_layers=self._n_gpu_layers,
            device=_device(self._n_gpu_layers, self.n_threads),
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
        """The prompt's tokens, with the begin-of-text token if the model wants one.

        A prompt that begins with tokens has said for itself how it begins.
        """
        tokens: list[int] = []
        for is_given, group in groupby(segments, key=lambda segment: bool(segment.tokens)):
            if is_given:
                tokens += chain.from_iterable(segment.tokens for segment in group)
                continue
            for part in parts(tuple(group), self._controls):
                tokens += self._tokenize(part, first=not tokens)
        if segments and segments[0].tokens:
            return tokens
        bos = llama_cpp.llama_vocab_bos(self._vocab)
        wanted = llama_cpp.llama_vocab_get_add_bos(self._vocab) or not tokens
        if wanted and bos >= 0 and tokens[:1] != [bos]:
            tokens.insert(0, bos)
        return tokens

    def _tokenize(self, part: Segment, *, first: bool) -> list[int]:
        """Tokenize one part; some vocabularies put a space before it unless it is led by text."""
        if first:
            return self.tokenize_text(part.text, special=part.special)
        lead = self.tokenize_text("\n", special=False)
        tokens = self.tokenize_text("\n" + part.text, special=part.special)
        if tokens[: len(lead)] == lead:
            return tokens[len(lead) :]
        return self.tokenize_text(part.text, special=part.special)

    def tokenize_text(self, text: str, *, frame: bool = False, special: bool) -> list[int]:
        """The tokens of *text*; with *frame* also those that the model wants around it."""
        return tokenize(self._vocab, text, frame=frame, special=special)

    def decode(self, feeds: Sequence[Feed]) -> list[list[Logits]]:
        """Evaluate a batch; the rows that each feed wants."""
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
        """The shortest beginning, shorter than the whole, that *slot* can be cut to or copied."""
        return self._memory.shortest_prefix(slot)

    def save(self, slot: int, start: int, end: int) -> memoryview:
        """The state of what *slot* holds from position *start* up to *end*, its end."""
        return self._memory.save(slot, start, end)

    def load(self, slot: int, data: bytes | memoryview, start: int, end: int) -> bool:
        """Put positions *start* to *end* of a saved state behind what *slot* holds, if possible."""
        return self._memory.load(slot, data, start, end)

    @property
    def can_cut_states(self) -> bool:
        """Whether a saved state is of use to a prompt that begins with only a part of it."""
        return self._memory.can_cut_states

    @property
    def idle_costs(self) -> bool:
        """Whether what idle slots hold makes all steps longer, and serves as well outside.

        On a GPU attention skips foreign cells by whole tiles, and a state has a longer way.
        """
        return self.can_cut_states and not self._n_gpu_layers

    @property
    def fingerprint(self) -> str:
        """A name for all that a saved state depends on."""
        return fingerprint(Path(self._load.path))

    def open_grammar(self, gbnf: str) -> Grammar:
        """The start of a grammar run by llama.cpp's own sampler.  Raises GrammarError."""
        sampler = llama_cpp.llama_sampler_init_grammar(self._vocab, gbnf.encode(), b"root")
        if not sampler:
            raise GrammarError(
                "llama.cpp cannot use this grammar: it is malformed, or counts too high. "
                "Without '--constraint llama.cpp' more grammars can be used."
            )
        return Grammar(sampler)


class Grammar:
    """Where a reply stands in a grammar; what is native goes with the last reference to it.

    To accept a token that it does not allow ends the process.
    """

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler
        weakref.finalize(self, llama_cpp.llama_sampler_free, sampler)

    def copy(self) -> Grammar:
        """The same state, to go on from independently."""
        return Grammar(llama_cpp.llama_sampler_clone(self._sampler))

    def allowed(self, tokens: NDArray[np.int32]) -> NDArray[np.bool_]:
        """For each of *tokens*, whether it may be next."""
        entries = np.zeros(len(tokens), _CANDIDATE)
        entries["id"] = tokens
        first = entries.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data))
        candidates = llama_cpp.llama_token_data_array(first, len(tokens), -1, False)
        llama_cpp.llama_sampler_apply(self._sampler, ctypes.byref(candidates))
        allowed: NDArray[np.bool_] = np.isfinite(entries["logit"])
        return allowed

    def accept(self, token: int) -> None:
        """*token*, an allowed one, is next."""
        llama_cpp.llama_sampler_accept(self._sampler, token)


def _load_model(load: Load) -> tuple[Any, int]:
    """The model and how many of its layers lie on a GPU."""
    if not Path(load.path).is_file():
        raise ModelFileError(f"{load.path}: there is no such file.")
    params = llama_cpp.llama_model_default_params()
    params.use_extra_bufts = load.use_extra_bufts
    for layers in _layer_choices(load.n_gpu_layers):
        params.n_gpu_layers = layers
        with _complaints() as complaints:
            model = llama_cpp.llama_model_load_from_file(os.fsencode(load.path), params)
        if model:
            if llama_cpp.llama_model_has_encoder(model):
                llama_cpp.llama_model_free(model)
                raise ModelFileError(f"{load.path}: only decoder models can be served.")
            return model, min(layers, llama_cpp.llama_model_n_layer(model) + 1)
    raise ModelFileError(
        f"{load.path}: llama.cpp cannot load this file. It is damaged, incomplete, not a GGUF "
        "file, of an architecture this build does not know, or too large for the memory. "
        f"llama.cpp says: {complaints[0] if complaints else 'nothing'}"
    )


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What llama.cpp reports as errors within the context, in words for the operator."""
    lines: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            lines.append(record.getMessage())
        return True

    logger.addFilter(note)
    try:
        yield lines
    finally:
        logger.removeFilter(note)


def _layer_choices(asked: int | None) -> tuple[int, ...]:
    """Numbers of layers to try on the GPU, in order: all, then what a smaller one can hold."""
    if not llama_cpp.llama_supports_gpu_offload():
        return (0,)
    return (999, 48, 32, 24, 16, 8, 0) if asked is None else (asked,)


def _threads() -> int:
    """A thread per physical core, as far as one can tell: larger machines count each twice."""
    usable = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    return usable if usable <= 4 else usable // 2  # noqa: PLR2004


def _device(n_gpu_layers: int, n_threads: int) -> str:
    library = _ggml.libggml
    library.ggml_backend_dev_get.restype = ctypes.c_void_p
    library.ggml_backend_dev_description.restype = ctypes.c_char_p
    for index in range(library.ggml_backend_dev_count() if n_gpu_layers else 0):
        device = ctypes.c_void_p(library.ggml_backend_dev_get(ctypes.c_size_t(index)))
        if library.ggml_backend_dev_type(device) == GPU:
            name: bytes = library.ggml_backend_dev_description(device)
            return name.decode(errors="replace")
    return f"CPU ({n_threads} thread{'s' if n_threads > 1 else ''})"
