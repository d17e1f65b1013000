"""Messages between the server and its worker process: text, bytes and numbers only.

Nothing here knows HTTP, templates, tools or llama.cpp.

The unions at the end of this file list every message, and are the only such list: the frames'
decoder, the worker's dispatch and the server's client all work from them.  So a new question is a
class and its answer here, listed in ``Question`` and ``Answer``; a handler in the engine; and the
code that asks it.

Order of messages.  The server sends ``Load`` once and gets ``Ready`` or ``LoadFailed``.  Then each
``Job`` is answered by ``Accepted``, any number of ``PromptScores``, any number of ``Chunk``, and
exactly one of ``Done`` or ``Failed``; a job that cannot start gets ``Failed`` alone.  Each
``Question`` gets its one ``Answer`` or ``Failed``, and each ``Ping`` a ``Pong``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from gguf_fc.errors import EngineError, GgufFcError
from gguf_fc.scored_tokens import TokenLogprob

FinishReason = Literal["stop", "length", "cancelled"]
# Use that a prompt makes of the KV cache: nothing, as no cached sequence shares a prefix with it;
# go on in the slot of one that ended; share another slot's prefix; load a saved state; or wait
# until a slot is free.
CacheDecision = Literal["nothing", "go on", "share", "load", "wait"]
ConstraintEngine = Literal["llguidance", "llama.cpp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Model file to load, and its settings.  ``None`` leaves the choice to the engine."""

    path: str
    n_ctx: int | None = None  # tokens, shared by all sequences
    n_parallel: int = 4  # sequences that can run at once
    n_threads: int | None = None
    n_gpu_layers: int | None = None  # None or -1: all that fit; 0: none
    n_batch: int = 512  # tokens one decode step may hold
    use_extra_bufts: bool = True  # weight repacking; False is the safe fallback
    max_queue: int = 64  # jobs that may wait for a free sequence
    constraint: ConstraintEngine = "llguidance"  # engine that enforces grammars
    drafts: bool = True  # speculative decoding; changes the speed of a reply, not its text
    state_folder: str | None = None  # saves evaluated prompts as files; None: no files
    max_state_files: int = 10 << 30  # bytes of these, of all models together
    max_state_ram: int = 1 << 30  # bytes of evaluated prompts saved in RAM beside the context
    self_test: bool = True  # evaluate a few tokens before Ready, to crash now if at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Infill:
    """Tokens of a fill-in-the-middle prompt: before the prefix, before the suffix, at the end."""

    begin: tuple[int, ...]  # before the text that comes first
    between: tuple[int, ...]  # before the text that comes after the gap
    end: tuple[int, ...]  # the gap's text follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Announces that the model is loaded, and describes it."""

    n_ctx: int  # tokens one sequence can have
    n_ctx_train: int
    n_parallel: int
    n_vocab: int
    n_threads: int
    n_gpu_layers: int  # layers that lie on a GPU
    device: str  # e.g. "CPU (2 threads)" or the GPU's name
    use_extra_bufts: bool
    description: str  # llama.cpp's own words for the model: architecture, size, quantization
    infill: Infill | None = None  # None: the model was not trained to fill gaps
    generates: bool = True  # False: it makes embeddings only


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFailed:
    """Reports that the model cannot be loaded; the worker process ends after it."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Sampling parameters.  ``temperature`` 0 is greedy."""

    temperature: float = 0.8
    top_k: int = 40  # 0: off
    top_p: float = 0.95  # 1: off
    min_p: float = 0.05  # 0: off
    typical_p: float = 1.0  # 1: off
    repeat_penalty: float = 1.0  # 1: off
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    penalty_last_n: int = 64  # tokens the penalties look back at
    seed: int | None = None  # None: a fresh one for each job
    logit_bias: tuple[tuple[int, float], ...] = ()  # (token, added to its logit)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrammarText:
    """Grammar over the whole output, in the notation of its engine; the other may be empty.

    *tokens* are the control tokens it names, for an engine that cannot tell them from text; *begun*
    is the beginning of the described text that already stands in the prompt (the prefill).
    """

    gbnf: str = ""
    llguidance: str = ""
    tokens: tuple[int, ...] = ()
    begun: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """Piece of a prompt.  Control tokens are recognised in its text only if *special*.

    *tokens*, if given, take the place of the text and are used as they are.
    """

    text: str
    special: bool = True
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningLimit:
    """Token budget of the reasoning at the beginning of a reply.

    *closing* is forced once *tokens* tokens of reasoning were generated, or where the model would
    end its reply without having closed its reasoning.
    """

    opening: str  # mark that the model opens it with; "": the prompt already has
    closing: str
    tokens: int | None = None  # None: no limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Beginning of a job that another worker carried out before it died, and its client has."""

    tokens: tuple[int, ...] = ()  # of the reply
    n_characters: int = 0  # of their text, that were sent
    n_draws: int = 0  # random numbers that were drawn for them
    n_scored: int = 0  # tokens of the prompt whose logprobs were sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One generation."""

    id: str
    prompt: tuple[Segment, ...]
    # Characters of the prompt's prefix that is shared with other conversations; None: unknown.
    prefix: int | None = None
    max_tokens: int | None = None  # None: until the context is full
    min_tokens: int = 0  # before the model may end its reply; a grammar, a stop string may
    sampling: Sampling = field(default_factory=Sampling)
    grammar: GrammarText | None = None
    reasoning: ReasoningLimit | None = None  # only where there is a grammar
    stop: tuple[str, ...] = ()
    turn_marks: tuple[str, ...] = ()  # end it as stop strings do, which nobody asked for
    prediction: str | None = None  # text the reply probably repeats: a source of draft tokens
    logprobs: int | None = None  # top logprobs beside that of each token; None: no logprobs
    prompt_logprobs: int | None = None  # the same for the prompt, all of which is then evaluated
    begun: Begun | None = None  # go on from here; the queue's limit does not hold for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Question: length of a prompt in tokens, and its cache hit.  Generates nothing."""

    id: str
    prompt: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """Question: the embedding of a text."""

    id: str
    text: str
    tokens: tuple[int, ...] = ()  # in place of the text
    cut: bool = False  # to what the model reads, where it is longer; else that is an error


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """Question: how well *document* answers *query*, of a model that ranks."""

    id: str
    query: str
    document: str
    most: int | None = None  # tokens of the document that are read; None: all
    cut: bool = False  # the document, to what the model reads; else a longer one is an error


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenize:
    """Question: the tokens of a text."""

    id: str
    text: str
    frame: bool = False  # add the tokens that the model wants around a text, such as BOS
    special: bool = True  # recognise control tokens
    pieces: bool = False  # answer with the text of each token too


@dataclass(frozen=True, slots=True, kw_only=True)
class Detokenize:
    """Question: the text of tokens."""

    id: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Question: how many jobs run and wait, and the decode counters."""

    id: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ends a job, which answers with ``Done`` and the finish reason ``cancelled``."""

    id: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Liveness check."""

    n: int


@dataclass(frozen=True, slots=True)
class Pong:
    """Answer to ``Ping``, with its number."""

    n: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Ends the process, whatever is running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Confirms that the prompt was tokenized and fits: the job will run."""

    id: str
    prompt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptScores:
    """Logprobs of the prompt's next tokens; all come before the first ``Chunk``."""

    id: str
    logprobs: tuple[TokenLogprob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Next piece of the reply's text: always whole characters.

    *tokens* are those taken since the last chunk, in so far as their logprobs, if asked for, have
    gone out; *n_draws* the random numbers drawn for them and all before them.  Another worker can
    go on from there (``Begun``).
    """

    id: str
    text: str
    n_tokens: int  # completion tokens behind this text
    logprobs: tuple[TokenLogprob, ...] = ()  # of the tokens behind this text, if asked for
    tokens: tuple[int, ...] = ()
    n_draws: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Regular end of a job, with its exact counts."""

    id: str
    finish_reason: FinishReason
    prompt_tokens: int
    cached_tokens: int  # of the prompt, found in the KV cache
    completion_tokens: int
    forced_tokens: int  # of the completion, jump-forward: decoded without sampling
    drafted_tokens: int = 0  # draft tokens that were evaluated
    accepted_tokens: int = 0  # of those, right
    drafted_predictions: int = 0  # of the drafted, those taken from the job's prediction
    accepted_predictions: int = 0
    decode_steps: int  # llama_decode calls that carried completion tokens
    prompt_ms: float
    completion_ms: float
    stop_string: str | None = None  # the stop string that ended it


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Answer to ``Measure``, valid until the next job starts."""

    id: str
    prompt_tokens: int
    cached_tokens: int  # of the prompt, that a job would find in the KV cache
    cache: CacheDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """Answer to ``Embed``."""

    id: str
    prompt_tokens: int
    n_cut: int = 0  # tokens that were cut off
    vector: str  # normalized to length 1; little-endian float32, in base64


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Answer to ``Rank``: higher is better, on the scale the model was trained for."""

    id: str
    prompt_tokens: int
    n_cut: int = 0  # tokens that were cut off
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenized:
    """Answer to ``Tokenize``.

    *pieces* are the texts of the tokens, or their bytes where these are not whole characters.
    """

    id: str
    tokens: tuple[int, ...]
    pieces: tuple[str | tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Detokenized:
    """Answer to ``Detokenize``; bytes that are not UTF-8 show as U+FFFD."""

    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """Answer to ``Survey``: queue lengths now, and decode counters since the worker started."""

    id: str
    running: int  # jobs that have a sequence
    waiting: int  # jobs in the queue
    batch_bounds: tuple[int, ...]  # upper bounds of the histogram's buckets, in tokens per decode
    batches: tuple[int, ...]  # decodes in each bucket; the last is for those over every bound
    decoded_tokens: int
    decode_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Irregular end of a job or a question.  *code* is the ``code`` of a class in ``errors``."""

    id: str
    code: str
    message: str

    @classmethod
    def because(cls, message_id: str, error: GgufFcError) -> Failed:
        """End of a job or a question for *error*; one without a code is the engine's."""
        return cls(id=message_id, code=error.code or EngineError.code, message=error.message)


# Every message, once.  Each question is answered by one message.
Question = Measure | Embed | Rank | Tokenize | Detokenize | Survey
Answer = Measured | Embedded | Ranked | Tokenized | Detokenized | Surveyed

ToWorker = Load | Job | Question | Cancel | Ping | Stop

Progress = Accepted | PromptScores | Chunk  # of a job that goes on
Ending = Done | Failed | Answer  # last message of a job or a question
FromWorker = Ready | LoadFailed | Progress | Ending | Pong

Message = ToWorker | FromWorker
MESSAGE_TYPES: tuple[type[Message], ...] = get_args(Message)

# A part of the worker names the messages it handles.  Its method returns what is to be sent at
# once, or None where that comes later or not at all.
Handlers = Mapping[type[Message], Callable[[Any], FromWorker | None]]
