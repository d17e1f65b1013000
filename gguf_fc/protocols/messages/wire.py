"""``POST /v1/messages``: the wire of the Messages protocol."""

from __future__ import annotations

from functools import partial

from gguf_fc.models.pool import Pool
from gguf_fc.protocols.messages.error_body import error_body
from gguf_fc.protocols.messages.reply import MessageReply, MessageStream
from gguf_fc.protocols.messages.request import MessagesAsked, read_message
from gguf_fc.protocols.protocol import Framing, Wire


def messages_wire(pool: Pool) -> Wire[MessagesAsked]:
    """Messages by the models of *pool*."""
    return Wire(
        read=partial(read_message, pool=pool),
        reply=lambda asked, envelope: MessageReply(envelope, asked.manner),
        stream=lambda asked, envelope: MessageStream(envelope, asked.manner),
        framing=Framing(form="named events", ping={"type": "ping"}),
        error_body=error_body,
        error_event=error_body,
    )
