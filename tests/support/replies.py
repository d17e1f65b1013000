"""Replies at random: what a model might say, in any order and in any pieces."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from gguf_fc.events import (
    CallDelta,
    CallEnd,
    CallStart,
    Event,
    Finish,
    ReasoningDelta,
    TextDelta,
)
from tests.support.endings import done

_WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
_ARGUMENTS = st.dictionaries(_WORDS, st.integers() | _WORDS | st.booleans(), max_size=3)


@st.composite
def _call(draw: st.DrawFn) -> list[str]:
    """The arguments of a call as text, in pieces."""
    text = json.dumps(draw(_ARGUMENTS))
    cut = draw(st.integers(0, len(text)))
    return [piece for piece in (text[:cut], text[cut:]) if piece]


@st.composite
def replies(draw: st.DrawFn) -> list[Event]:
    """The events of a reply that was not cut off."""
    said = draw(st.lists(_WORDS.map(TextDelta) | _WORDS.map(ReasoningDelta) | _call(), max_size=8))
    events: list[Event] = []
    index = 0
    for piece in said:
        if isinstance(piece, list):
            deltas = [CallDelta(index, text) for text in piece]
            events += [CallStart(index, f"call_{index}", "f"), *deltas, CallEnd(index)]
            index += 1
        else:
            events.append(piece)
    return [*events, Finish(done())]
