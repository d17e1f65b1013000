"""Logprobs of a completion, in the shape that this protocol has had from its beginning.

Four lists of equal length: each token's text, its logprob, the likeliest tokens at its place with
theirs, and where its text begins in the choice's.  A token that is not whole characters is written
``bytes:\\xNN...``; a character that several tokens make up begins where the first of them does.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field

from gguf_fc.protocols.protocol import Json
from gguf_fc.scored_tokens import ScoredToken, TokenLogprob


@dataclass(slots=True, eq=False)
class LogprobsWriter:
    """Writer for one choice: it is fed the tokens in order, and counts their text offsets."""

    _at: int = field(default=0, init=False)  # characters; where the next token begins
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"), init=False
    )

    def prompt(self, tokens: Sequence[TokenLogprob], text: str) -> Json:
        """The lists for the tokens of *text*, a prompt that is echoed.

        A vocabulary may put more in front of a prompt than is shown: that has no place in it.
        """
        written = b"".join(bytes(token.bytes) for token in tokens).decode(errors="replace")
        self._at = len(text) - len(written) if written.endswith(text) else 0
        lists = self.feed(tokens)
        self._at = len(text)
        self._decoder.reset()
        return lists

    def feed(self, tokens: Sequence[TokenLogprob]) -> Json:
        """The lists for *tokens*, which come next."""
        return {
            "tokens": [_text(token) for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": [_top(token) for token in tokens],
            "text_offset": [self._place(token) for token in tokens],
        }

    def _place(self, token: ScoredToken) -> int:
        at = self._at
        self._at += len(self._decoder.decode(bytes(token.bytes)))
        return max(0, at)


def joined(lists: Sequence[Json]) -> Json:
    """Several groups of lists as one."""
    names = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
    return {name: [entry for group in lists for entry in group[name]] for name in names}


def _top(token: TokenLogprob) -> dict[str, float] | None:
    """The likeliest tokens and this one, best first; none where nothing stands before it."""
    if token.logprob is None:
        return None
    top: dict[str, float] = {}
    for other in (*token.top, token):
        if other.logprob is not None:
            top.setdefault(_text(other), other.logprob)
    return top


def _text(token: ScoredToken) -> str:
    data = bytes(token.bytes)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)
