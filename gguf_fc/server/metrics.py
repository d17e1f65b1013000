"""``GET /metrics``: counters and histograms of the server and its engine, for Prometheus.

Replies are counted as their events go by, whatever protocol they are sent in; how busy the engine
is, it is asked at each scrape.  Knows events and counts; no protocol, no prompt, no text.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import accumulate

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from gguf_fc.errors import GgufFcError
from gguf_fc.events import CallEnd, CallStart, Event, Finish
from gguf_fc.generation.generation import Generation, PendingGeneration
from gguf_fc.generation.questions import ask
from gguf_fc.job import Done, Survey, Surveyed
from gguf_fc.models.pool import Pool

logger = logging.getLogger(__name__)

SURVEY_SECONDS = 2.0  # an engine in the middle of a step answers after it; a scrape must not hang

# Seconds.  A first token comes after milliseconds or after minutes, a gap is much shorter.
LONG = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
SHORT = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


@dataclass(slots=True, eq=False)
class EngineCollector(Collector):
    """The engine's own figures, as of the last survey; none while there is no engine."""

    surveyed: Surveyed | None = None

    def collect(self) -> Iterator[Metric]:
        """The metrics of one scrape."""
        yield GaugeMetricFamily(
            "gguf_fc_worker_up",
            "Whether the process that runs the model answers.",
            value=float(self.surveyed is not None),
        )
        if self.surveyed is not None:
            yield from _of_engine(self.surveyed)


def _of_engine(surveyed: Surveyed) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "gguf_fc_jobs_running", "Jobs that have a sequence.", value=surveyed.running
    )
    yield GaugeMetricFamily("gguf_fc_jobs_waiting", "Jobs in the queue.", value=surveyed.waiting)
    yield CounterMetricFamily(
        "gguf_fc_decode_seconds", "Time in llama_decode.", value=surveyed.decode_seconds
    )
    bounds = [*map(str, map(float, surveyed.batch_bounds)), "+Inf"]
    batches = HistogramMetricFamily("gguf_fc_batch_tokens", "Tokens of one llama_decode.")
    buckets = list(zip(bounds, accumulate(map(float, surveyed.batches)), strict=True))
    batches.add_metric([], buckets, surveyed.decoded_tokens)
    yield batches


class Metrics:
    """Counts what ``watch`` sees, and answers ``GET /metrics``."""

    def __init__(self, pool: Pool, clock: Callable[[], float]) -> None:
        self._pool = pool
        self._clock = clock
        self._registry = CollectorRegistry()
        self._engine = EngineCollector()
        self._registry.register(self._engine)
        self._make_counters()
        self._make_histograms()

    def _make_counters(self) -> None:
        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"gguf_fc_{name}", about, labels, registry=self._registry)

        self._replies = counter("replies", "Replies by how they ended.", "finish_reason")
        self._failures = counter("failures", "Requests that ended with an error.", "code")
        self._prompt = counter("prompt_tokens", "Tokens of prompts.")
        self._cached = counter("cached_tokens", "Tokens of prompts found in the prefix cache.")
        self._hits = counter("cache_hits", "Prompts that the prefix cache knew a part of.")
        self._misses = counter("cache_misses", "Prompts that it knew nothing of.")
        self._completion = counter("completion_tokens", "Tokens of replies.")
        self._forced = counter("forced_tokens", "Of those, tokens with no alternative.")
        self._drafted = counter("drafted_tokens", "Tokens guessed and evaluated ahead.")
        self._accepted = counter("accepted_tokens", "Of those, tokens that were right.")
        self._steps = counter("decode_steps", "Decodes that carried tokens of a reply.")
        self._requests = counter("requests", "Requests that were let in.", "key")
        self._refusals = counter("refused", "Requests that were not let in.", "reason")
        self._calls = counter("tool_calls", "Tool calls by how they came out.", "outcome")
        for outcome in ("complete", "cut_off", "invalid", "repeated"):
            self._calls.labels(outcome)

    def _make_histograms(self) -> None:
        def histogram(name: str, about: str, bounds: tuple[float, ...]) -> Histogram:
            return Histogram(
                f"gguf_fc_{name}_seconds", about, buckets=bounds, registry=self._registry
            )

        self._first = histogram("first_token", "From the request to the first piece.", LONG)
        self._gap = histogram("token_gap", "Between two pieces of a reply.", SHORT)
        self._call = histogram("call", "From the request to a complete tool call.", LONG)
        self._whole = histogram("reply", "From the request to the end of its reply.", LONG)

    async def respond(self, _request: Request) -> Response:
        """All metrics, as text."""
        self._engine.surveyed = await self._survey()
        return Response(
            generate_latest(self._registry), headers={"content-type": CONTENT_TYPE_LATEST}
        )

    async def _survey(self) -> Surveyed | None:
        """The engine's own counters; None while no engine answers in time."""
        model = self._pool.loaded
        if model is None or model.worker.state != "ready":
            return None
        try:
            async with asyncio.timeout(SURVEY_SECONDS):
                question = Survey(id=f"survey-{uuid.uuid4()}")
                return await ask(model, question, Surveyed, param="")
        except TimeoutError:
            logger.warning("the worker does not answer a survey within %s s", SURVEY_SECONDS)
        except GgufFcError as error:
            logger.warning("the worker does not answer a survey: %s", error.message)
        return None

    def count_request(self, key: str) -> None:
        """Count a request that was let in by the key of that name; empty: by none."""
        self._requests.labels(key).inc()

    def count_refusal(self, reason: str) -> None:
        """Count a request that was not let in, for its host, its origin or its key."""
        self._refusals.labels(reason).inc()

    @asynccontextmanager
    async def watch(self, pending: PendingGeneration) -> AsyncIterator[Generation]:
        """*pending*, whose events are counted as they go by."""
        started = self._clock()
        try:
            async with pending as generation:
                events = self._watched(generation.events, started)
                async with aclosing(events):
                    yield replace(generation, events=events)
        except GgufFcError as error:
            self._failures.labels(error.code or type(error).__name__).inc()
            raise

    async def _watched(
        self, events: AsyncGenerator[tuple[int, Event]], started: float
    ) -> AsyncGenerator[tuple[int, Event]]:
        choices: dict[int, _ChoiceCounts] = {}
        try:
            async for number, event in events:
                self._note(choices.setdefault(number, _ChoiceCounts(started)), event)
                yield number, event
        except (asyncio.CancelledError, GeneratorExit):  # the client is gone
            self._replies.labels("cancelled").inc()
            raise
        finally:
            for choice in choices.values():
                self._count_calls(choice)

    def _note(self, choice: _ChoiceCounts, event: Event) -> None:
        now = self._clock()
        if not isinstance(event, Finish):
            (self._gap if choice.begun else self._first).observe(now - choice.last)
            choice.begun, choice.last = True, now
        match event:
            case CallStart():
                choice.calls += 1
            case CallEnd():
                choice.complete += 1
                self._call.observe(now - choice.started)
            case Finish(done, checks, repeated_calls=repeated):
                choice.repeated = repeated
                choice.invalid = sum(
                    check.result == "invalid" and check.subject.startswith("tool_calls")
                    for check in checks
                )
                self._whole.observe(now - choice.started)
                self._count(done)
            case _:
                pass  # a piece is a piece

    def _count(self, done: Done) -> None:
        self._replies.labels(done.finish_reason).inc()
        self._prompt.inc(done.prompt_tokens)
        self._cached.inc(done.cached_tokens)
        (self._hits if done.cached_tokens else self._misses).inc()
        self._completion.inc(done.completion_tokens)
        self._forced.inc(done.forced_tokens)
        self._drafted.inc(done.drafted_tokens)
        self._accepted.inc(done.accepted_tokens)
        self._steps.inc(done.decode_steps)

    def _count_calls(self, choice: _ChoiceCounts) -> None:
        self._calls.labels("complete").inc(choice.complete)
        self._calls.labels("cut_off").inc(choice.calls - choice.complete)
        self._calls.labels("invalid").inc(choice.invalid)
        self._calls.labels("repeated").inc(choice.repeated)


@dataclass(slots=True, eq=False)
class _ChoiceCounts:
    """One choice of a reply, so far."""

    started: float
    last: float = field(init=False)  # when its last piece came, or else it was asked for
    begun: bool = False
    calls: int = 0
    complete: int = 0
    invalid: int = 0
    repeated: int = 0  # of no call that was sent

    def __post_init__(self) -> None:
        self.last = self.started
