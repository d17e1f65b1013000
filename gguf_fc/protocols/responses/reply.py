"""Responses: events to the protocol's events, and those to a whole response.

There is only the stream: ``Responder`` makes its events, and a response that is not streamed is
what the last of them holds.  The contract, tested as golden files:

1. ``response.created`` and ``response.in_progress`` come first; exactly one of
   ``response.completed``, ``response.incomplete`` and ``response.failed`` comes last;
2. every event has a ``sequence_number``, counted from 0 without a gap;
3. what is between is the output's, see ``output``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from gguf_fc.errors import Overloaded, RequestError
from gguf_fc.events import Check, Event, Finish
from gguf_fc.protocols.error_body import error_body
from gguf_fc.protocols.protocol import Envelope, Json
from gguf_fc.protocols.reply_fields import loosened, timings, validation
from gguf_fc.protocols.responses.items import kept_items
from gguf_fc.protocols.responses.output import Output
from gguf_fc.protocols.responses.request import ResponsesAsked
from gguf_fc.protocols.responses.store import ResponseStore, stored


@dataclass(slots=True, eq=False)
class Responder:
    """Writes one response: ``begin``, ``encode`` each event, or ``fail``; it repeats *asked*."""

    envelope: Envelope
    asked: Json
    output: Output
    clock: Callable[[], float]
    _response: Json = field(init=False)
    _sent: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._response = self._with("in_progress")

    @property
    def response(self) -> Json:
        """The response as it now is."""
        return self._response

    def begin(self) -> Iterator[Json]:
        """The events that open the stream."""
        yield from self._numbered([self._event("created"), self._event("in_progress")])

    def encode(self, event: Event) -> Iterator[Json]:
        """The events that carry *event*; those of ``Finish`` are the last."""
        if isinstance(event, Finish):
            yield from self._numbered(self._finish(event))
        else:
            yield from self._numbered(self.output.take(event))

    def fail(self, error: Exception) -> Json:
        """The last event of a response that went wrong."""
        self._response = self._with("failed", error=_error(error))
        (last,) = self._numbered([self._event("failed")])
        return last

    def _finish(self, finish: Finish) -> Iterator[Json]:
        done = finish.done
        cut = done.finish_reason == "length"
        status = "incomplete" if cut else "completed"
        yield from self.output.close("incomplete" if cut else "completed")
        self._response = self._with(
            status,
            completed_at=None if cut else int(self.clock()),
            incomplete_details={"reason": "max_output_tokens"} if cut else None,
            usage=usage(finish),
            timings=timings([finish]),
            **self._validation(finish.checks),
        )
        yield self._event(status)

    def _with(self, status: str, **changes: object) -> Json:
        left_out = self.envelope.left_out
        return {
            "id": self.envelope.id,
            "object": "response",
            "created_at": self.envelope.created,
            "completed_at": None,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self.envelope.model,
            "output": list(self.output.items),
            "usage": None,
            **self.asked,
            **loosened(self.envelope),
            **({"left_out": left_out} if left_out else {}),
            **changes,
        }

    def _validation(self, checks: Iterable[Check]) -> Json:
        """Results of the checks against the client's schemas, by the place in the output."""
        names = {
            f"tool_calls[{n}]": f"output[{index}]"
            for n, index in enumerate(self.output.call_indices)
        }
        placed = [
            replace(check, subject=names.get(check.subject, "output_text")) for check in checks
        ]
        return validation({0: placed})

    def _event(self, what: str) -> Json:
        return {"type": f"response.{what}", "response": self._response}

    def _numbered(self, events: Iterable[Json]) -> Iterator[Json]:
        for event in events:
            self._sent += 1
            yield event | {"sequence_number": self._sent - 1}


@dataclass(frozen=True, slots=True)
class ResponseInProgress:
    """A response under way, and the store that will keep it."""

    responder: Responder
    asked: ResponsesAsked
    store: ResponseStore

    def keep(self) -> None:
        """Keep the response as it now is, if that is wanted."""
        if self.asked.store:
            response, given = self.responder.response, self.asked.given
            output = kept_items(response["output"])
            self.store.add(stored(response, given.before, given.items, output))


@dataclass(frozen=True, slots=True)
class ResponsesReply:
    """Folds events into one response."""

    response: ResponseInProgress

    def add(self, choice: int, event: Event) -> None:  # noqa: ARG002
        """Take in an event."""
        for _ in self.response.responder.encode(event):
            pass

    def result(self) -> Json:
        """The whole response."""
        self.response.keep()
        return self.response.responder.response


@dataclass(frozen=True, slots=True)
class ResponsesStream:
    """Encodes events as the protocol's."""

    response: ResponseInProgress

    def begin(self) -> Iterator[Json]:
        """The events that open the stream."""
        return self.response.responder.begin()

    def encode(self, choice: int, event: Event) -> Iterator[Json]:  # noqa: ARG002
        """The events that carry *event*.  A response is kept before its last is sent."""
        events = [*self.response.responder.encode(event)]
        if isinstance(event, Finish):
            self.response.keep()
        return iter(events)

    def end(self) -> Iterator[Json]:
        """Nothing: ``Finish`` has closed the stream."""
        return iter(())

    def fail(self, error: Exception) -> Json:
        """*error* as the last event."""
        last = self.response.responder.fail(error)
        self.response.keep()
        return last


def error_event(error: Exception) -> Json:
    """*error* as the only event of a stream that has no response."""
    shown = error_body(error)["error"]
    names = ("code", "message", "param")
    return {"type": "error", **{name: shown[name] for name in names}, "sequence_number": 0}


def usage(finish: Finish) -> Json:
    """Cost of the response, in tokens."""
    done = finish.done
    return {
        "input_tokens": done.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": done.cached_tokens,
            "cache_write_tokens": done.prompt_tokens - done.cached_tokens,
        },
        "output_tokens": done.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": finish.reasoning_tokens},
        "total_tokens": done.prompt_tokens + done.completion_tokens,
    }


def _error(error: Exception) -> Json:
    """*error* under one of the protocol's few codes."""
    code = "server_error"
    if isinstance(error, Overloaded):
        code = "rate_limit_exceeded"
    elif isinstance(error, RequestError):
        code = "invalid_prompt"
    shown = error_body(error)["error"]
    return {"code": code, **{name: shown[name] for name in ("message", "param", "type")}}
