"""Assistant prefill: a turn the client has begun and the model continues.

Theory of operation.  The template itself is asked first: it renders the conversation with the
begun turn at its end and a mark behind the begun text, and the prompt is cut at the mark.  That is
used if it goes on from the prompt without the turn and holds all that was begun.  A template that
rewrites or drops what is past, or accepts no such turn, is helped out: what was begun is written
behind its prompt, as the syntax writes a turn.

Knows neither jinja2 nor how a conversation was made ready.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gguf_fc.dialect.syntax import Syntax
from gguf_fc.errors import TemplateError
from gguf_fc.request import Message

# A character Unicode never assigns, and no text that was wrapped for rendering contains.
MARK = "\ufdd2"

# Renders one more turn of such content and reasoning, without a generation prompt.
RenderWith = Callable[[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Turn that was begun, and the prompt it belongs behind."""

    content: str
    thought: str
    base: str  # the prompt, up to where the turn itself begins
    own: str  # what the prompt itself already holds of the turn


def begun_turn(turns: tuple[Message, ...]) -> tuple[tuple[Message, ...], Message | None]:
    """Split off a begun turn at the end; one without text is dropped."""
    if not turns or turns[-1].role != "assistant" or turns[-1].tool_calls:
        return turns, None
    last = turns[-1]
    return turns[:-1], last if last.content or last.reasoning_content else None


def continued(begun: Begun, render: RenderWith, syntax: Syntax) -> str:
    """Text of the begun turn; it follows the base of the prompt."""
    content, thought = begun.content, begun.thought
    if not content and thought:
        if (shown := _shown(begun, (thought,), lambda: render("", thought + MARK))) is not None:
            return shown
        if syntax.reasoning is not None:
            return _written(begun, syntax)
    # Reasoning this dialect has no form for may be left out.
    needed = (content, thought) if syntax.reasoning else (content,)
    if (shown := _shown(begun, needed, lambda: render(content + MARK, thought))) is not None:
        return shown
    return _written(begun, syntax)


def _shown(begun: Begun, needed: tuple[str, ...], render: Callable[[], str]) -> str | None:
    """The template's own rendering of the begun turn; None if it lacks what is *needed*."""
    try:
        rendered = render()
    except TemplateError:
        return None
    text, found, _ = rendered.partition(MARK)
    own = text[len(begun.base) :]
    whole = all(part.strip() in own for part in needed)
    return own if found and whole and text.startswith(begun.base) else None


def _written(begun: Begun, syntax: Syntax) -> str:
    """The begun turn as the syntax writes it, behind what the prompt already holds."""
    text = begun.own
    if (reasoning := syntax.reasoning) is not None:
        opened = text.strip().endswith(reasoning.open.strip())
        closed = reasoning.close.strip() in text
        if begun.thought and not closed:
            text += begun.thought if opened else reasoning.open + begun.thought
            opened = True
        if not begun.content and begun.thought:
            return text
        if opened and not closed:
            text += reasoning.close
    return text + _missing(begun.base + text, syntax.content.open) + begun.content


def _missing(before: str, opening: str) -> str:
    """Rest of *opening* that the text *before* does not already end with."""
    held = (n for n in range(len(opening), 0, -1) if before.endswith(opening[:n]))
    return opening[next(held, 0) :]


def reasoning_at_end(syntax: Syntax, prompt: str) -> str:
    """The end of *prompt* that opens, or opens and closes, or only closes the reasoning."""
    if syntax.reasoning is None:
        return ""
    opening = re.escape(syntax.reasoning.open.strip())
    closing = re.escape(syntax.reasoning.close.strip())
    # Where every part of a turn has a header, that is what a closing mark ends with.
    only = "" if syntax.joint else rf"|{closing}\s*"
    found = re.search(rf"(?:{opening}\s*(?:{closing}\s*)?{only})\Z", prompt)
    return found.group() if found else ""
