"""``POST /infill``: code completion in editors, as llama.cpp's server has it.

The model fills the gap between two texts.  Excerpts from other files stand before them, the last of
them as far as they fit; which are left out is a warning, because editors send what they have.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated

from msgspec import Struct

from gguf_fc.errors import UnsupportedParameter
from gguf_fc.events import Event, Finish, TextDelta
from gguf_fc.generation.generation import Complete, Generation, PendingGeneration
from gguf_fc.generation.questions import ask
from gguf_fc.job import Tokenize, Tokenized
from gguf_fc.models.pool import LoadedModel, Pool
from gguf_fc.protocols.error_body import error_body
from gguf_fc.protocols.field_types import (
    FrequencyPenalty,
    LookBack,
    MinP,
    ModelName,
    PresencePenalty,
    RepeatPenalty,
    Seed,
    Stop,
    Temperature,
    TokenLimit,
    TopK,
    TopP,
    TypicalP,
)
from gguf_fc.protocols.fields import Fields
from gguf_fc.protocols.protocol import Asked, Envelope, Json, Wire
from gguf_fc.protocols.sampling import sampling_of, stop_strings
from gguf_fc.protocols.shared_rows import SHARED_REFUSED, SHARED_WITHOUT_EFFECT
from gguf_fc.request import Given, TextRequest
from gguf_fc.typed_json import about

SNIPPET = "\n\n--- snippet ---\n\n"  # before each excerpt, as models see it from llama.cpp
MARGIN = 32  # tokens for the marks of the gap
LEAST_REPLY = 64  # tokens kept for the reply, where its limit is not known


class InfillExtra(Struct):
    """An excerpt of another file."""

    text: Annotated[str, about("the excerpt")]
    filename: Annotated[str | None, about("the file it is from")] = None


class InfillBody(Struct, kw_only=True):
    """Every field that is honoured."""

    input_prefix: Annotated[str | None, about("the text before the gap")] = None
    input_suffix: Annotated[str | None, about("the text behind the gap")] = None
    input_extra: Annotated[
        list[InfillExtra] | None, about("excerpts of other files; the first go where room is short")
    ] = None
    prompt: Annotated[str | None, about("more text before the gap, behind `input_prefix`")] = None
    model: ModelName = None
    n_predict: Annotated[TokenLimit | None, about("most tokens of the reply; -1: no limit")] = None
    max_tokens: Annotated[TokenLimit | None, about("as `n_predict`, which comes first")] = None
    stop: Stop = None
    stream: Annotated[bool | None, about("send the reply as server-sent events")] = None
    response_fields: Annotated[
        list[str] | None, about("only these fields of the reply; `timings/prompt_n`: of an object")
    ] = None
    temperature: Temperature = None
    top_p: TopP = None
    top_k: TopK = None
    min_p: MinP = None
    typical_p: TypicalP = None
    repeat_penalty: RepeatPenalty = None
    repeat_last_n: LookBack = None
    frequency_penalty: FrequencyPenalty = None
    presence_penalty: PresencePenalty = None
    seed: Seed = None


INFILL = Fields(
    InfillBody,
    without_effect={
        **SHARED_WITHOUT_EFFECT,
        "n_indent": "the model's own indentation is kept",
    },
    refused=SHARED_REFUSED,
)


@dataclass(frozen=True, slots=True)
class GapRequest:
    """A gap to fill, and the excerpts before it."""

    text: TextRequest
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InfillAsked(Asked[GapRequest]):
    """One gap, and the fields of the reply that the client reads; none: all."""

    response_fields: tuple[str, ...] = ()


def read_infill(body: bytes, pool: Pool) -> InfillAsked:
    """Request of *body*; *pool* has the sampling defaults.  Raises RequestError."""
    fields, ignored = INFILL.parse(body)
    limit = fields.max_tokens if fields.n_predict is None else fields.n_predict
    text = TextRequest(
        model=fields.model,
        prompt=Given(
            param="input_prefix", text=(fields.input_prefix or "") + (fields.prompt or "")
        ),
        suffix=fields.input_suffix or "",
        max_tokens=None if limit == -1 else limit,
        sampling=sampling_of(fields, pool.sampling(fields.model)),
        stop=stop_strings(fields.stop),
    )
    extra = tuple(_excerpt(one) for one in fields.input_extra or ())
    return InfillAsked(
        requests=(GapRequest(text, extra),),
        stream=bool(fields.stream),
        ignored=ignored,
        response_fields=tuple(fields.response_fields or ()),
    )


def _excerpt(extra: InfillExtra) -> str:
    named = f"{extra.filename}\n" if extra.filename else ""
    return f"{SNIPPET}{named}{extra.text}"


@dataclass(frozen=True, slots=True)
class GapFiller:
    """Starts the filling of a gap."""

    pool: Pool
    complete: Complete
    new_id: Callable[[], str]

    def start(self, requests: tuple[GapRequest, ...]) -> PendingGeneration:
        """Generation for the one request there is."""
        return self._fill(*requests)

    @asynccontextmanager
    async def _fill(self, gap: GapRequest) -> AsyncIterator[Generation]:
        async with self.pool.use(gap.text.model) as model:
            if model.ready.generates and model.ready.infill is None:
                raise UnsupportedParameter(
                    "This model was not trained to fill a gap: its file names no tokens for that; "
                    "name another.",
                    param="model",
                )
            kept = await self._fitting(gap, model) if gap.extra else ()
        before = "".join(kept)
        prompt = replace(gap.text.prompt, text=before + gap.text.prompt.text)
        left_out = len(gap.extra) - len(kept)
        warning = f"input_extra: the first {left_out} were left out, as there was no room."
        async with self.complete((replace(gap.text, prompt=prompt),)) as generation:
            yield replace(generation, warnings=(warning,) if left_out else ())

    async def _fitting(self, gap: GapRequest, model: LoadedModel) -> tuple[str, ...]:
        """The last of the excerpts that fit beside the gap and the reply."""
        n_ctx, limit = model.ready.n_ctx, gap.text.max_tokens
        room = n_ctx - MARGIN - (LEAST_REPLY if limit is None else min(limit, n_ctx // 2))
        room -= await self._length(gap.text.prompt.text + (gap.text.suffix or ""), model)
        kept: list[str] = []
        for excerpt in reversed(gap.extra):
            room -= await self._length(excerpt, model)
            if room < 0:
                break
            kept.insert(0, excerpt)
        return tuple(kept)

    async def _length(self, text: str, model: LoadedModel) -> int:
        question = Tokenize(id=self.new_id(), text=text, special=False)
        return len((await ask(model, question, Tokenized, param="input_extra")).tokens)


@dataclass(slots=True, eq=False)
class InfillStream:
    """Encodes events as chunks: pieces of ``content``, and a last one with the counts."""

    asked: InfillAsked
    envelope: Envelope
    _finish: Finish | None = field(default=None, init=False)

    def begin(self) -> Iterator[Json]:
        """Nothing: the first text opens the stream."""
        return iter(())

    def encode(self, choice: int, event: Event) -> Iterator[Json]:
        """The chunk that carries *event*; there is one choice only."""
        match event:
            case TextDelta(text):
                yield self._chosen({"index": choice, "content": text, "stop": False})
            case Finish():
                self._finish = event
            case _:
                raise AssertionError(f"no part of a gap: {event}")

    def end(self) -> Iterator[Json]:
        """The last chunk."""
        yield self.last("")

    def last(self, content: str) -> Json:
        """The end, with *content*."""
        assert self._finish is not None
        done = self._finish.done
        ended = "limit" if done.finish_reason == "length" else "eos"
        return self._chosen(
            {
                "index": 0,
                "content": content,
                "stop": True,
                "model": self.envelope.model,
                "tokens_predicted": done.completion_tokens,
                "tokens_evaluated": done.prompt_tokens,
                "tokens_cached": done.cached_tokens,
                "truncated": False,
                "stop_type": "word" if done.stop_string is not None else ended,
                "stopping_word": done.stop_string or "",
                "timings": {
                    "cache_n": done.cached_tokens,
                    "prompt_n": done.prompt_tokens - done.cached_tokens,
                    "prompt_ms": round(done.prompt_ms, 3),
                    "predicted_n": done.completion_tokens,
                    "predicted_ms": round(done.completion_ms, 3),
                },
            }
        )

    def fail(self, error: Exception) -> Json:
        """*error* as the last object."""
        return error_body(error)

    def _chosen(self, whole: Json) -> Json:
        """The fields of *whole* that the client reads, by the last part of their paths."""
        if not self.asked.response_fields:
            return whole
        found: Json = {}
        for path in self.asked.response_fields:
            value: object = whole
            for name in path.split("/"):
                value = value.get(name) if isinstance(value, dict) else None
            if value is not None:
                found[path.rpartition("/")[2]] = value
        return found


@dataclass(slots=True, eq=False)
class InfillReply:
    """Folds the stream into one object."""

    asked: InfillAsked
    envelope: Envelope
    _texts: list[str] = field(default_factory=list, init=False)
    _stream: InfillStream = field(init=False)

    def __post_init__(self) -> None:
        self._stream = InfillStream(self.asked, self.envelope)

    def add(self, choice: int, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, TextDelta):
            self._texts.append(event.text)
        else:
            list(self._stream.encode(choice, event))

    def result(self) -> Json:
        """The whole reply."""
        return self._stream.last("".join(self._texts))


def infill_wire(pool: Pool) -> Wire[InfillAsked]:
    """Gaps to fill by the models of *pool*."""
    return Wire(read=partial(read_infill, pool=pool), reply=InfillReply, stream=InfillStream)
