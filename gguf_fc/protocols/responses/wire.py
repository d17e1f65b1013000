"""``POST /v1/responses``: the wire of responses."""

from __future__ import annotations

from collections.abc import Callable

from gguf_fc.protocols.protocol import Envelope, Framing, Wire
from gguf_fc.protocols.responses.output import Output
from gguf_fc.protocols.responses.reply import (
    Responder,
    ResponseInProgress,
    ResponsesReply,
    ResponsesStream,
    error_event,
)
from gguf_fc.protocols.responses.request import ResponsesAsked, ResponsesReader


def responses_wire(reader: ResponsesReader, clock: Callable[[], float]) -> Wire[ResponsesAsked]:
    """Responses, kept in the store that *reader* knows."""

    def begun(asked: ResponsesAsked, envelope: Envelope) -> ResponseInProgress:
        output = Output(reader.new_id, asked.shape)
        responder = Responder(envelope, asked.repeated, output, clock)
        return ResponseInProgress(responder, asked, reader.store)

    return Wire(
        read=reader.read,
        reply=lambda asked, envelope: ResponsesReply(begun(asked, envelope)),
        stream=lambda asked, envelope: ResponsesStream(begun(asked, envelope)),
        framing=Framing(form="named events"),
        error_event=error_event,
    )
