"""A whole protocol in one file: ``POST /ask``, a question in, an answer or a stream of lines out.

Real ones are a folder with a file for each of the four parts, and have more fields and more events
(calls, reasoning, scores).  ``docs/add-a-protocol.md`` says where they go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from msgspec import Struct

from gguf_fc.errors import GgufFcError
from gguf_fc.events import Event, Finish, TextDelta
from gguf_fc.job import Done
from gguf_fc.protocols.error_body import message_with_param
from gguf_fc.protocols.fields import Fields, Refused
from gguf_fc.protocols.protocol import Asked, Envelope, Framing, Json, Wire
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


def read_ask(body: bytes) -> Asked[Request]:
    """The request of *body*.  Raises RequestError."""
    fields, ignored = ASK.parse(body)
    return Asked(requests=(to_request(fields),), stream=fields.stream, ignored=ignored)


# reply.py: events to a whole reply, and events to the objects of a stream.


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


class AskStream:
    """Encodes events as objects, each of which is a line of the stream."""

    def begin(self) -> Iterator[Json]:
        """Nothing opens this protocol's streams."""
        yield from ()

    def encode(self, choice: int, event: Event) -> Iterator[Json]:  # noqa: ARG002
        """The object of an event; events that the protocol has no word for are left out."""
        match event:
            case TextDelta(text):
                yield {"more": text}
            case Finish(done):
                yield {"done": done.finish_reason}
            case _:
                pass

    def end(self) -> Iterator[Json]:
        """Nothing closes them."""
        yield from ()

    def fail(self, error: Exception) -> Json:
        """*error* as the last object."""
        return error_body(error)


def error_body(error: Exception) -> Json:
    """*error* as this protocol shows it."""
    return {"error": message_with_param(error)}


# wire.py: the three together.

ASK_WIRE = Wire(
    read=read_ask,
    reply=lambda asked, envelope: AskReply(envelope),  # noqa: ARG005
    stream=lambda asked, envelope: AskStream(),  # noqa: ARG005
    framing=Framing(form="lines", ping={}),  # an empty object keeps a silent stream alive
    error_body=error_body,
    error_event=error_body,
)


def main() -> None:
    """Read two bodies, and write what a model could have said."""
    wire = ASK_WIRE
    asked = wire.read(b'{"question": "Is it sunny?", "user": "me"}')
    print(asked.requests[0].messages[0].content, asked.ignored)
    try:
        wire.read(b'{"question": "Is it sunny?", "strem": true}')
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
        for data in stream.encode(0, event):
            print(json.dumps(data))
    print(reply.result())


if __name__ == "__main__":
    main()
