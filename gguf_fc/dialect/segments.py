"""User text that looks like a control token stays text.

Before rendering, such text is wrapped in two characters that Unicode never assigns; afterwards the
prompt is cut there, and the pieces between are tokenized without control tokens.  Apart from the
two characters the template sees what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from gguf_fc.job import Segment

_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
# A template may print them escaped, as JSON does.
_ESCAPED = {"\\ufdd0": _OPEN, "\\ufdd1": _CLOSE}
# Characters of ours, and halves of characters, which no engine can be given.
_FOREIGN = re.compile("[\ufdd0-\ufdd2\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads.

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
    def text(self) -> str:
        """The whole prompt."""
        return "".join(segment.text for segment in self.segments)


class Guard:
    """Wraps and cuts for one vocabulary's control tokens."""

    def __init__(self, special_tokens: Collection[str]) -> None:
        longest_first = sorted(filter(None, special_tokens), key=len, reverse=True)
        self._special = (
            re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        )

    def wrap(self, value: Any) -> Any:
        """*value* with every control token's text in it wrapped."""
        match value:
            case str():
                clean = _FOREIGN.sub("", value)
                if self._special is None:
                    return clean
                return self._special.sub(lambda found: _OPEN + found.group() + _CLOSE, clean)
            case dict():
                return {self.wrap(key): self.wrap(item) for key, item in value.items()}
            case list():
                return [self.wrap(item) for item in value]
            case _:
                return value


def cut(rendered: str) -> tuple[Segment, ...]:
    """The prompt in pieces; a wrapped text that a template tore apart is plain text."""
    for escaped, character in _ESCAPED.items():
        rendered = rendered.replace(escaped, character)
    segments: list[Segment] = []
    for n, piece in enumerate(rendered.split(_OPEN)):
        inside, closed, outside = piece.partition(_CLOSE)
        if n == 0 or not closed:
            inside, outside = "", piece.replace(_CLOSE, "")
        _add(segments, inside, special=False)
        _add(segments, outside.replace(_CLOSE, ""), special=True)
    return tuple(segments)


def _add(segments: list[Segment], text: str, *, special: bool) -> None:
    if not text:
        return
    if segments and segments[-1].special == special:
        segments[-1] = Segment(segments[-1].text + text, special=special)
    else:
        segments.append(Segment(text, special=special))
