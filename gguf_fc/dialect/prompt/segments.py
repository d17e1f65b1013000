"""Guards control tokens: user text that looks like one stays text.

Theory of operation.  Before rendering, every control token's text is broken behind its first
character by one character that Unicode never assigns, and closed by another.  So a template that
trims, splits or searches what it is given cannot take it for its own, nor tear it apart; apart from
the two characters it sees what was sent.  Afterwards the prompt is cut there, and the pieces that
were broken are tokenized without control tokens.

Knows neither which text is whose nor how a prompt is tokenized.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from gguf_fc.grammar.notations.token_texts import TokenTexts
from gguf_fc.job import Segment

_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
# A template may print them escaped, as JSON does.
_ESCAPED = {"\\ufdd0": _OPEN, "\\ufdd1": _CLOSE}
# Characters of ours, and halves of characters, which no engine can be given.
_FOREIGN = re.compile("[\ufdd0-\ufdd2\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Prompt:
    """Prompt the model reads, in segments.

    *prefill* is the end of it that already belongs to the model's turn, *said* and *thought* what
    of that is a client's own content and reasoning; *warning* says why the template's own way
    could not be used, if it could not.
    """

    segments: tuple[Segment, ...]
    prefill: str = ""
    said: str = ""
    thought: str = ""
    warning: str | None = None

    @property
    def unsaid(self) -> str | None:
        """The prefill without the client's content; None if that stands there otherwise."""
        said = self.said.lstrip()
        return self.prefill[: -len(said)] if said and self.prefill.endswith(said) else None

    @property
    def text(self) -> str:
        """The whole prompt."""
        return "".join(segment.text for segment in self.segments)


class Guard:
    """Breaks and cuts for one vocabulary's control tokens."""

    def __init__(self, special_tokens: Collection[str]) -> None:
        self._tokens = frozenset(filter(None, special_tokens))
        self._special = TokenTexts(self._tokens)

    def sparing(self, texts: Collection[str]) -> Guard:
        """A guard that leaves *texts* alone."""
        return Guard(self._tokens.difference(texts)) if self._tokens & set(texts) else self

    def wrap(self, value: Any) -> Any:
        """*value* with every control token's text in it broken."""
        match value:
            case str():
                return self._special.replaced(cleaned(value), _broken)
            case dict():
                return {self.wrap(key): self.wrap(item) for key, item in value.items()}
            case list() | tuple():
                return [self.wrap(item) for item in value]
            case _:
                return value

    def cut(self, rendered: str) -> tuple[Segment, ...]:
        """The prompt in pieces; of a token that a template cut in two, what is left is text."""
        for escaped, character in _ESCAPED.items():
            rendered = rendered.replace(escaped, character)
        segments: list[Segment] = []
        before, *broken = rendered.split(_OPEN)
        for piece in broken:
            inside, closed, after = piece.partition(_CLOSE)
            if not closed:
                inside, after = "", piece
            elif before[-1:] + inside in self._tokens:
                before, inside = before[:-1], before[-1:] + inside
            _add(segments, before.replace(_CLOSE, ""), special=True)
            _add(segments, inside, special=False)
            before = after
        _add(segments, before.replace(_CLOSE, ""), special=True)
        return tuple(segments)


def cleaned(text: str) -> str:
    """*text* without characters that no prompt holds."""
    return _FOREIGN.sub("", text)


def _broken(token: str) -> str:
    return token[0] + _OPEN + token[1:] + _CLOSE


def _add(segments: list[Segment], text: str, *, special: bool) -> None:
    if not text:
        return
    if segments and segments[-1].special == special:
        segments[-1] = Segment(segments[-1].text + text, special=special)
    else:
        segments.append(Segment(text, special=special))
