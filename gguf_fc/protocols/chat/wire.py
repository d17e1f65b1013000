"""``POST /v1/chat/completions``: the wire of chat completions."""

from __future__ import annotations

from functools import partial

from gguf_fc.models.pool import Pool
from gguf_fc.protocols.chat.reply import ChatReply, ChatStream
from gguf_fc.protocols.chat.request import ChatAsked, read_chat
from gguf_fc.protocols.protocol import Framing, Wire


def chat_wire(pool: Pool) -> Wire[ChatAsked]:
    """Chat completions by the models of *pool*."""
    return Wire(
        read=partial(read_chat, pool=pool),
        reply=ChatReply,
        stream=ChatStream,
        framing=Framing(done=True),
    )
