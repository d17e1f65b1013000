"""A whole protocol in one file: ``POST /ask``, a question in, an answer or a stream of lines out.

Real ones are a folder with a file for each of the four parts, and have more fields and more events
(calls, reasoning, scores).  ``docs/add-a-protocol.md`` says where they go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Struct

from gguf_fc.errors import GgufFcError
from gguf_fc.events import Event, Finish, TextDelta
from gguf_fc.job import Done
from gguf_fc.protocols.error_body import message_with_param
from gguf_fc.protocols.fields import Fields, Refused
from gguf_fc.protocols.protocol import Asked, Envelope, Json, Wire
from gguf_fc.request import Message, Request
from gguf_fc.typed_json import about

# schema.py: the body, and the fate of every other field.


class AskBody(Struct):
    """Fields that are honoured; anything else of the wrong type is a 400 that names it."""

    question: Annotated[str, about("what to ask the model")]
    stream: Annotated[bool, about("send the answer line by line")] = False


ASK = Fields(
    AskBody,
    without_effect={"user": "nothing is kept or sent anywhere"},
    refused={"image": Refused("models served here read text")},
)

# request.py: the body as a ``Request``, which is the same for every protocol.


def to_request(body: AskBody) -> Request:
    """The request of a question."""
    return Request(
        model=None,
        messages=(Message(role="user", content=body.question),),
        messages_at="question",  # the path that errors of the conversation name
        stream=body.stream,
    )


# reply.py: events to a whole reply, and events to frames.


@dataclass
class AskReply:
    """Folds events into one object."""

    envelope: Envelope
    text: str = ""

    def add(self, choice: int, event: Event) -> None:  # noqa: ARG002 - one choice only
        """Take in an event."""
        if isinstance(event, TextDelta):
            self.text += event.text

    def result(self) -> Json:
        """The whole reply."""
        return {"id": self.envelope.id, "answer": self.text}


def line(data: Json) -> bytes:
    """*data* as a line of a stream."""
    return json.dumps(data).encode() + b"\n"


class AskStream:
    """Encodes events as lines."""

    def begin(self) -> Iterator[bytes]:
        """Nothing opens this protocol's streams."""
        yield from ()

    def encode(self, choice: int, event: Event) -> Iterator[bytes]:  # noqa: ARG002
        """The line of an event; events that the protocol has no word for are left out."""
        match event:
            case TextDelta(text):
                yield line({"more": text})
            case Finish(done):
                yield line({"done": done.finish_reason})
            case _:
                pass

    def end(self) -> Iterator[bytes]:
        """Nothing closes them."""
        yield from ()

    def error_frame(self, error: Exception) -> bytes:
        """*error* as the last line."""
        return line({"error": message_with_param(error)})


# wire.py: the three together.


@dataclass
class AskWire:
    """The wire of ``POST /ask``."""

    media_type: str = "application/x-ndjson"
    ping: bytes | None = field(default=b"{}\n")  # keeps a silent stream alive

    def read(self, body: bytes, headers: Mapping[str, str]) -> Asked[Request]:  # noqa: ARG002
        """The request of *body*.  Raises RequestError."""
        fields, ignored = ASK.parse(body)
        return Asked(requests=(to_request(fields),), stream=fields.stream, ignored=ignored)

    def reply(self, asked: Asked[Request], envelope: Envelope) -> AskReply:  # noqa: ARG002
        """A fold for one reply."""
        return AskReply(envelope)

    def stream(self, asked: Asked[Request], envelope: Envelope) -> AskStream:  # noqa: ARG002
        """An encoder for one stream."""
        return AskStream()

    def error_body(self, error: Exception) -> Json:
        """*error* as the body of a response."""
        return {"error": message_with_param(error)}

    def error_frame(self, error: Exception) -> bytes:
        """*error* as the only line of a stream."""
        return line(self.error_body(error))


def main() -> None:
    """Read two bodies, and write what a model could have said."""
    wire: Wire[Asked[Request]] = AskWire()
    asked = wire.read(b'{"question": "Is it sunny?", "user": "me"}', {})
    print(asked.requests[0].messages[0].content, asked.ignored)
    try:
        wire.read(b'{"question": "Is it sunny?", "strem": true}', {})
    except GgufFcError as error:
        print(wire.error_body(error))

    done = Done(
        id="ask_1",
        finish_reason="stop",
        prompt_tokens=9,
        cached_tokens=0,
        completion_tokens=2,
        forced_tokens=0,
        decode_steps=2,
        prompt_ms=1.0,
        completion_ms=1.0,
    )
    events: tuple[Event, ...] = (TextDelta("It"), TextDelta(" is."), Finish(done))
    envelope = Envelope(id="ask_1", created=0, model="demo")
    reply, stream = wire.reply(asked, envelope), wire.stream(asked, envelope)
    for event in events:
        reply.add(0, event)
        for frame in stream.encode(0, event):
            print(frame.decode(), end="")
    print(reply.result())


if __name__ == "__main__":
    main()
