"""How much of a prompt other conversations begin with too: system text and tools.

The template decides where these stand, so the end is found in its output: where the first
question begins.  Knows neither tokens nor the cache that makes use of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from gguf_fc.request import Message


def shared_beginning(prompt: str, messages: Sequence[Message]) -> int:
    """The length of what stands before the first turn of the conversation; 0 if that is unclear.

    It is clear in the first turn of a conversation at least, and wherever the question is not
    repeated.
    """
    turns = [message for message in messages if message.role not in ("system", "developer")]
    if not turns or turns[0].role != "user":
        return 0
    question = (turns[0].content or "").strip()
    at = prompt.rfind(question)
    if not question or at < 0:
        return 0
    return at if len(turns) == 1 or prompt.find(question) == at else 0
