"""Checks that everything said in a conversation reaches the prompt.

Theory of operation.  A template may leave out text beside a call, a call beside text, or a system
message when a result comes last, without a word.  Texts themselves are no measure of that: they may
be trimmed, escaped or cut on purpose.  So the conversation is rendered once more with a word of its
own for every text, name, key and value, and each word has to be there, text beside calls before
their results.  What a template does depends on which turns stand beside each other; so this is done
once for each of the neighbourhoods that a conversation consists of, and hardly ever for a long one.

A user's own words are looked for in every prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from gguf_fc.dialect.prompt.forms import RenderForm
from gguf_fc.dialect.prompt.segments import cleaned
from gguf_fc.errors import TemplateError
from gguf_fc.request import Message

_WORD = re.compile(r"\w+")
_EDGE = 16  # characters at an edge of a text by which it is known
_MOST_KNOWN = 10_000  # neighbourhoods that are remembered
_Render = Callable[[RenderForm, Sequence[Message]], str]


@dataclass(slots=True)
class SaidInPrompt:
    """Checks of one template; remembers what was found right."""

    _known: set[Hashable] = field(default_factory=set)

    def check(self, form: RenderForm, turns: Sequence[Message], render: _Render) -> None:
        """Raise TemplateError if *form* leaves out some of what is said in *turns*."""
        key = (form.chat.template.text, form.name, bool(form.tools))
        around = {(key, each) for each in _neighbourhoods(turns)}
        if around <= self._known:
            return
        words = _stand_ins(turns)
        try:
            prompt = render(form, form.prepare(words).turns).casefold()
        except TemplateError:
            return  # it may not like these words; what it makes of the real ones is seen next
        for turn, following in pairwise([*words, None]):
            if turn is not None and (lost := _lost(prompt, turn, following)):
                raise TemplateError(f"The chat template leaves out {lost}.")
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known |= around


def check_users_words(turns: Sequence[Message], prompt: str) -> None:
    """Raise TemplateError if the *prompt* lacks what a user said."""
    folded = None
    for turn in turns:
        text = cleaned(turn.content or "").strip()
        if turn.role != "user" or text in prompt:
            continue
        folded = prompt.casefold() if folded is None else folded
        escaped = json.dumps(text)[1:-1]
        if escaped not in prompt and not _resembled(text.casefold(), folded):
            raise TemplateError("The chat template leaves out what the user says.")


def _resembled(text: str, prompt: str) -> bool:
    """True if *text* is there, but for what templates do to texts.

    They change the case, escape characters, cut a text off, and take commands like ``/think`` out.
    """
    if text[:_EDGE] in prompt or text[-_EDGE:] in prompt:
        return True
    words = _WORD.findall(text)
    return 2 * sum(word in prompt for word in words) >= len(words)


def _neighbourhoods(turns: Sequence[Message]) -> Iterator[Hashable]:
    """Kinds of turns beside each other, with what else templates look at."""
    kinds: list[Hashable] = [
        (turn.role, bool(turn.content), bool(turn.reasoning_content), min(len(turn.tool_calls), 2))
        for turn in turns
    ]
    users = [at for at, turn in enumerate(turns) if turn.role == "user"]
    last_user = users[-1] if users else -1
    padded = [None, *kinds, None]
    for at in range(len(kinds)):
        yield (*padded[at : at + 3], at > last_user, kinds[0], kinds[-1])


def _stand_ins(turns: Sequence[Message]) -> list[Message]:
    """The turns with a word of its own for everything that is said."""
    names = {call.name for turn in turns for call in turn.tool_calls}
    words = {name: f"zqn{at}x" for at, name in enumerate(sorted(names))}
    return [_stand_in(turn, at, words) for at, turn in enumerate(turns)]


def _stand_in(turn: Message, at: int, names: Mapping[str, str]) -> Message:
    calls = (
        replace(
            call,
            name=names[call.name],
            arguments=json.dumps({f"zq{at}k{n}x": f"zq{at}v{n}x"}),
        )
        for n, call in enumerate(turn.tool_calls)
    )
    return replace(
        turn,
        content=turn.content and f"zq{at}t",
        reasoning_content=turn.reasoning_content and f"zq{at}r",
        tool_calls=tuple(calls),
        name=names.get(turn.name or "", turn.name),
    )


def _lost(prompt: str, turn: Message, following: Message | None) -> str | None:
    """Part of *turn* that *prompt* lacks, in words; text beside calls stands before results."""
    for call in turn.tool_calls:
        ((key, value),) = json.loads(call.arguments).items()
        if not all(word in prompt for word in (call.name, key, value)):
            return "a call of the past"
    if not turn.content:
        return None
    if (place := prompt.find(turn.content)) < 0:
        return f"the text of a message of the role '{turn.role}'"
    if turn.tool_calls and following is not None and following.role == "tool":
        result = prompt.find(following.content or "")
        return "the order of text and results" if 0 <= result < place else None
    return None
