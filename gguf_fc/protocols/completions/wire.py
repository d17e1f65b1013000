"""``POST /v1/completions``: the wire of completions."""

from __future__ import annotations

from functools import partial

from gguf_fc.models.pool import Pool
from gguf_fc.protocols.completions.reply import TextReply, TextStream
from gguf_fc.protocols.completions.request import TextAsked, read_text
from gguf_fc.protocols.protocol import Framing, Wire


def text_wire(pool: Pool) -> Wire[TextAsked]:
    """Completions by the models of *pool*."""
    return Wire(
        read=partial(read_text, pool=pool),
        reply=TextReply,
        stream=TextStream,
        framing=Framing(done=True),
    )
