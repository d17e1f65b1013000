"""What crosses the process line between the server and its worker.

Text, bytes and numbers only.  Nothing here knows HTTP, templates, tools or llama.cpp.

Server to worker: ``Load`` (once), then ``Job``, ``Measure``, ``Embed``, ``Tokenize``,
``Detokenize``, ``Survey``, ``Cancel``, ``Ping``, ``Stop``.
Worker to server: ``Ready`` or ``LoadFailed`` (once), then for each job ``Accepted``, any number of
``PromptScores``, any number of ``Chunk``, and exactly one of ``Done`` or ``Failed``; ``Pong`` for
each ``Ping``.
A job that cannot start ends with ``Failed`` without having been accepted.
``Measure``, ``Embed``, ``Tokenize``, ``Detokenize``, ``Survey`` are each answered by one message:
``Measured``, ``Embedded``, ``Tokenized``, ``Detokenized``, ``Surveyed``, or ``Failed``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

FinishReason = Literal["stop", "length", "cancelled"]
# What the prefix cache would do for a prompt: nothing, as nothing kept begins like it; go on in the
# place of one that ended; share the beginning of another; load what was saved; or wait until a
# place is free.
CacheDecision = Literal["nothing", "go on", "share", "load", "wait"]
ConstraintEngine = Literal["llguidance", "llama.cpp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The model file to load, and how.  ``None`` leaves the choice to the engine."""

    path: str
    n_ctx: int | None = None  # tokens, shared by all sequences
    n_parallel: int = 4  # sequences that can run at once
    n_threads: int | None = None
    n_gpu_layers: int | None = None  # None: all that fit; 0: none
    n_batch: int = 512  # tokens one decode step may hold
    use_extra_bufts: bool = True  # weight repacking; False is the safe fallback
    max_queue: int = 64  # jobs that may wait for a free sequence
    constraint: ConstraintEngine = "llguidance"  # what holds replies to their grammars
    drafts: bool = True  # guess tokens ahead; changes how quick a reply is, not what it says
    state_folder: str | None = None  # where evaluated prompts are kept as files; None: nowhere
    max_state_files: int = 10 << 30  # bytes of these, of all models together
    max_state_ram: int = 1 << 30  # bytes of evaluated prompts kept beside the context
    self_test: bool = True  # evaluate a few tokens before Ready, to crash now if at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Infill:
    """The tokens that tell a model to write what is missing between two texts, in their order."""

    begin: tuple[int, ...]  # before the text that comes first
    between: tuple[int, ...]  # before the text that comes after the gap
    end: tuple[int, ...]  # the gap's text follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The model is loaded."""

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
    """The model cannot be loaded; the worker ends after saying so."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is chosen.  ``temperature`` 0 is greedy."""

    temperature: float = 0.8
    top_k: int = 40  # 0: off
    top_p: float = 0.95  # 1: off
    min_p: float = 0.05  # 0: off
    repeat_penalty: float = 1.0  # 1: off
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    penalty_last_n: int = 64  # tokens the penalties look back at
    seed: int | None = None  # None: a fresh one for each job
    logit_bias: tuple[tuple[int, float], ...] = ()  # (token, added to its logit)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrammarText:
    """One grammar over the whole output, in the notation its engine runs; the other may be empty.

    *tokens* are the control tokens it names, for an engine that cannot tell them from text; *begun*
    is what the prompt already holds of the text that it describes.
    """

    gbnf: str = ""
    llguidance: str = ""
    tokens: tuple[int, ...] = ()
    begun: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the prompt.  Control tokens are recognised in it only if *special*.

    *tokens* stand in the place of a text; they are taken as they are.
    """

    text: str
    special: bool = True
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningLimit:
    """How the reasoning that a reply may begin with is ended.

    *closing* is written for the model once it has reasoned for *tokens* tokens, or where it would
    end its reply without having closed.
    """

    opening: str  # what the model begins it with; "": the prompt has
    closing: str
    tokens: int | None = None  # None: as many as it likes


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One generation."""

    id: str
    prompt: tuple[Segment, ...]
    # Characters of the prompt that other conversations begin with too; None: unknown.
    prefix: int | None = None
    max_tokens: int | None = None  # None: until the context is full
    sampling: Sampling = field(default_factory=Sampling)
    grammar: GrammarText | None = None
    reasoning: ReasoningLimit | None = None  # only where there is a grammar
    stop: tuple[str, ...] = ()
    prediction: str | None = None  # text much of which the reply may repeat; makes it quicker only
    logprobs: int | None = None  # score each token, beside so many likely ones; None: not wanted
    prompt_logprobs: int | None = None  # the same for the prompt, all of which is then evaluated


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How long is this prompt, and what of it is evaluated already?  Generates nothing."""

    id: str
    prompt: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """What does this text mean, as a vector?"""

    id: str
    text: str
    tokens: tuple[int, ...] = ()  # in the text's place, as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenize:
    """Which tokens is this text?"""

    id: str
    text: str
    frame: bool = False  # with the tokens that the model wants around a text
    special: bool = True  # control tokens are recognised
    pieces: bool = False  # say what each token is as text


@dataclass(frozen=True, slots=True, kw_only=True)
class Detokenize:
    """Which text are these tokens?"""

    id: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """How busy are you, and what have you done so far?"""

    id: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a job; it answers with ``Done`` whose finish reason is ``cancelled``."""

    id: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you still there?"""

    n: int


@dataclass(frozen=True, slots=True)
class Pong:
    """Yes."""

    n: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish nothing more; end the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The prompt was tokenized and fits; the job will run."""

    id: str
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token's bytes, and how probable the model held it, as a natural logarithm."""

    bytes: tuple[int, ...]
    logprob: float | None  # None: nothing stands before it

    @property
    def text(self) -> str:
        """Its bytes as text; the parts of a character that is split show as U+FFFD."""
        return bytes(self.bytes).decode(errors="replace")


@dataclass(frozen=True, slots=True)
class TokenLogprob(ScoredToken):
    """A token of a prompt or a reply, and the likeliest at its place, best first.

    What the model itself says: before temperature, penalties, biases and grammar.
    """

    top: tuple[ScoredToken, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptScores:
    """The next of the prompt's tokens with their logprobs; all come before the first ``Chunk``."""

    id: str
    logprobs: tuple[TokenLogprob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Text the model wrote: always whole characters."""

    id: str
    text: str
    n_tokens: int  # completion tokens behind this text
    logprobs: tuple[TokenLogprob, ...] = ()  # of the tokens behind this text, if wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A job's regular end, with its exact counts."""

    id: str
    finish_reason: FinishReason
    prompt_tokens: int
    cached_tokens: int  # of the prompt, found in the prefix cache
    completion_tokens: int
    forced_tokens: int  # of the completion, decoded without sampling
    drafted_tokens: int = 0  # guessed and evaluated ahead
    accepted_tokens: int = 0  # of those, right
    drafted_predictions: int = 0  # of the drafted, taken from the job's prediction
    accepted_predictions: int = 0
    decode_steps: int  # llama_decode calls that carried completion tokens
    prompt_ms: float
    completion_ms: float
    stop_string: str | None = None  # the one of the job's that ended it


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The answer to ``Measure``, true until the next job starts."""

    id: str
    prompt_tokens: int
    cached_tokens: int  # of the prompt, that a job would find in the prefix cache
    cache: CacheDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """The answer to ``Embed``."""

    id: str
    prompt_tokens: int
    vector: str  # of length 1: its 32-bit numbers, lowest byte first, in base64


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenized:
    """The answer to ``Tokenize``.

    *pieces* are the tokens' texts, or their bytes where those are no whole characters.
    """

    id: str
    tokens: tuple[int, ...]
    pieces: tuple[str | tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Detokenized:
    """The answer to ``Detokenize``; bytes that are no text are shown as U+FFFD."""

    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """The answer to ``Survey``: what is going on, and the work since the worker was started."""

    id: str
    running: int  # jobs that have a sequence
    waiting: int  # jobs in the queue
    batch_bounds: tuple[int, ...]  # tokens of one decode; what is counted below
    batches: tuple[int, ...]  # decodes of up to each bound but over the one before, then beyond
    decoded_tokens: int
    decode_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A job's irregular end.  *code* is the ``code`` of a class in ``errors``."""

    id: str
    code: str
    message: str


# What is answered by one message.
Question = Measure | Embed | Tokenize | Detokenize | Survey
Reply = Measured | Embedded | Tokenized | Detokenized | Surveyed

ToWorker = Load | Job | Question | Cancel | Ping | Stop
FromWorker = Ready | LoadFailed | Accepted | PromptScores | Chunk | Done | Reply | Failed | Pong
