"""Reasoning that a client wants to carry but not to see: it travels in the block's signature.

The protocol has a signature on each block of reasoning, opaque to the client, who sends it back
with the block.  Where the text is left out, the signature is the text, in Base64.
"""

from __future__ import annotations

import base64
import binascii

from gguf_fc.protocols.messages.blocks import ThinkingBlock

SHOWN = "shown"  # of a block that has its text; some clients drop a block without a signature
_PREFIX = "omitted:"


def signature_of(reasoning: str) -> str:
    """The signature of a block that leaves out *reasoning*."""
    return _PREFIX + base64.b64encode(reasoning.encode()).decode()


def reasoning_of(block: ThinkingBlock) -> str:
    """Reasoning in the block; a signature of another server holds none that can be read."""
    if block.thinking or not block.signature.startswith(_PREFIX):
        return block.thinking
    try:
        return base64.b64decode(block.signature.removeprefix(_PREFIX), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
