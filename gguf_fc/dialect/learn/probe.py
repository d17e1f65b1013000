"""Renders conversations that differ in one thing, to see what a template does with it.

``probe`` renders and records, without judging: what the renderings mean is ``derive``'s business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from gguf_fc.dialect.common_text import beyond
from gguf_fc.dialect.learn.needs import needs_of
from gguf_fc.dialect.learn.thinking import Thinking, thinking_of
from gguf_fc.dialect.prompt.needs import Needs
from gguf_fc.dialect.prompt.render import Chat, probe_clock
from gguf_fc.dialect.prompt.values import normalised, tool_values
from gguf_fc.errors import TemplateError
from gguf_fc.grammar.values.spacing import SPACE
from gguf_fc.request import Message, Tool, ToolCall

# Words no template is likely to contain, write itself or change.
USER, TEXT, THOUGHT = "Quintal wombat", "Velvet gnomon", "Umber tangent"
NEXT = "Sable quoin"
NAMES = ("probe_alpha", "probe_beta", "probe_gamma")
IDS = ("call00001", "call00002", "call00003")
ARGUMENTS: tuple[dict[str, Any], ...] = (
    {"zeta_key": "azure"},
    {"mu_key": "coral"},
    {"xi_key": "ivory"},
)
# One value of each kind, and what templates get wrong when they print values themselves.
RICH: dict[str, Any] = {
    "zeta_key": 'Zoë said "hi" & left <b>',
    "count": 3,
    "ratio": 0.5,
    "sure": True,
    "nothing": None,
    "many": ["one", 2, {"deep": False}],
    "inner": {"path": "a\\b\nc", "empty": {}},
}
# What tells how arguments are written that are no JSON object: one call each.
TWO_KEYS: dict[str, Any] = {"zeta_key": "azure", "mu_key": "coral"}
VALUES: dict[str, Any] = {
    "number": 40,
    "true": True,
    "false": False,
    "null": None,
    "list": ["one", 2, {"deep": False, "far": None}],
    "object": {"path": "left", "count": 7, "sure": True},
    "text": 'it\'s "x" & a\\b\n<c>',
}
GUARDS = "\n\t!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_TOOLS = tuple(
    Tool(
        name=name,
        description="A probe.",
        parameters={"type": "object", "properties": {"zeta_key": {"type": "string"}}},
    )
    for name in NAMES
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderings:
    """Renderings of the probe conversations.  None: the template failed or dropped a part."""

    needs: Needs
    thinking: Thinking
    prompt: str  # one user message, up to where the model writes
    toolless: str = ""  # the prompt without tools
    text: str = ""  # the template itself
    tokens: tuple[str, ...] = ()  # control tokens that name reasoning or calls
    plain: str | None = None  # ... and the answer TEXT
    followed: str | None = None  # ... the answer TEXT, and the user's NEXT
    one: str | None = None  # ... and a call
    two: str | None = None  # ... and two calls
    three: str | None = None  # ... and three calls
    rich: str | None = None  # ... and a call with RICH arguments
    text_and_call: str | None = None
    thought: str | None = None  # ... and the answer TEXT after the reasoning THOUGHT
    thought_and_call: str | None = None
    off: str | None = None  # the prompt with thinking switched off
    on: str | None = None  # ... and on
    none: str | None = None  # ... and a call without arguments
    both: str | None = None  # ... and a call with TWO_KEYS
    values: Mapping[str, str] = field(default_factory=dict)  # ... and a call with one of VALUES
    guards: str = ""  # the characters of GUARDS that change how the string around is written
    failures: tuple[str, ...] = field(default=())


def call_turn(
    count: int = 1,
    *,
    arguments: Sequence[dict[str, Any]] = ARGUMENTS,
    ids: Sequence[str] = IDS,
    **fields: str,
) -> Message:
    """An assistant's turn with calls of the probe tools."""
    calls = tuple(
        ToolCall(ids[n], NAMES[n], json.dumps(arguments[n], ensure_ascii=False))
        for n in range(count)
    )
    return Message(role="assistant", tool_calls=calls, **fields)


def _as_json(turn: str) -> bool:
    """True if the arguments stand in *turn* as JSON, or as JSON inside a JSON string."""
    return re.search(r'\{\s*\\?"zeta_key\\?"\s*:\s*\\?"azure\\?"\s*\}', turn) is not None


def probe(chat: Chat) -> Renderings:
    """Render everything ``derive`` reads.  Raises TemplateError if nothing renders at all."""
    return _Prober(chat, thinking_of(chat)).run(needs_of(chat))


def _tight(seen: Renderings) -> Renderings:
    """The same, without white space at the end of the prompt that stands before text alone."""
    header, one = seen.prompt.rstrip(SPACE), seen.one or ""
    if one.startswith(seen.prompt) or not one.startswith(header + NAMES[0]):
        return seen
    return replace(seen, prompt=header, needs=replace(seen.needs, tight=True))


def other_views(chat: Chat, seen: Renderings) -> Iterator[Renderings]:
    """Other renderings of calls that *seen* shows: from them a syntax may be derived all the same.

    1. The prompt is no prefix of a history, whose last turn of the user is written otherwise: the
       prompt is taken from what two histories share.
    2. The content beside calls is null: empty text may be written with marks around it.
    """
    if seen.one is None:
        return
    if seen.plain is not None and USER in beyond(seen.one, seen.prompt):
        yield replace(seen, prompt=_shared(seen.one, seen.plain))
    yield _Prober(chat, seen.thinking).run(replace(seen.needs, null_content=True))


def _shared(one: str, plain: str) -> str:
    """The beginning of two histories up to where the assistant's turns differ."""
    differing = beyond(one, plain)
    return one[: len(one) - len(differing)]


def ends_dated(chat: Chat, needs: Needs) -> bool:
    """True if the generation prompt depends on the time, so that no stored analysis would fit."""
    user = normalised([Message(role="user", content=USER)], needs)
    ends = {
        replace(chat, clock=clock).render(user, tool_values(_TOOLS)).rpartition(USER)[2]
        for clock in (probe_clock, _another_time)
    }
    return len(ends) > 1


def _another_time() -> datetime:
    return datetime(1988, 11, 23, 22, 44, 55, tzinfo=UTC)


@dataclass(slots=True)
class _Prober:
    chat: Chat
    thinking: Thinking
    failures: list[str] = field(default_factory=list)

    def run(self, needs: Needs) -> Renderings:
        user = normalised([Message(role="user", content=USER)], needs)
        tools = tool_values(_TOOLS)
        try:
            prompt = self.chat.render(user, tools)
        except TemplateError:
            prompt = self.chat.render(user)
        seen = Renderings(needs=needs, thinking=self.thinking, prompt=prompt)
        seen = replace(seen, toolless=self._switched(user, [], on=None) or "")
        plain = Message(role="assistant", content=TEXT)
        seen = replace(
            seen,
            plain=self._shown(needs, plain, TEXT),
            followed=self._shown(needs, plain, TEXT, NEXT, after=NEXT),
            off=self._switched(user, tools, on=False),
            on=self._switched(user, tools, on=True),
        )
        seen = _tight(self._calls(seen))
        thought = replace(plain, reasoning_content=THOUGHT)
        thought_and_call = call_turn(reasoning_content=THOUGHT)
        return replace(
            seen,
            thought=self._shown(seen.needs, thought, THOUGHT, TEXT),
            thought_and_call=self._shown(seen.needs, thought_and_call, NAMES[0]),
            failures=tuple(dict.fromkeys(self.failures)),
        )

    def _calls(self, seen: Renderings) -> Renderings:
        """Add the turns with calls."""
        needs = seen.needs
        one = self._shown(needs, call_turn(), NAMES[0], "azure")
        if one is not None and not _as_json(one):
            seen = self._pairs(seen)
        return replace(
            seen,
            one=one,
            two=None
            if needs.one_call
            else self._shown(needs, call_turn(2), *NAMES[:2], "azure", "coral"),
            three=None
            if needs.one_call
            else self._shown(needs, call_turn(3), "azure", "coral", "ivory"),
            rich=self._shown(needs, call_turn(arguments=(RICH,)), NAMES[0]),
            text_and_call=None
            if needs.text_apart
            else self._shown(needs, call_turn(content=TEXT), NAMES[0], TEXT),
        )

    def _pairs(self, seen: Renderings) -> Renderings:
        """Add the turns that show arguments written one by one."""

        def shown(arguments: dict[str, Any], *expected: str) -> str | None:
            turn = call_turn(arguments=(arguments,))
            return self._shown(seen.needs, turn, NAMES[0], *expected)

        values = {kind: shown({"zeta_key": VALUES[kind]}, "zeta_key") for kind in VALUES}
        simple = shown({"zeta_key": "azurex"}) or ""
        changing = (
            c
            for c in GUARDS
            if shown({"zeta_key": f"azure{c}x"}) != simple.replace("azurex", f"azure{c}x")
        )
        return replace(
            seen,
            none=shown({}),
            both=shown(TWO_KEYS, *TWO_KEYS, "azure", "coral"),
            values={kind: text for kind, text in values.items() if text is not None},
            guards="".join(changing),
        )

    def _shown(self, needs: Needs, turn: Message, *expected: str, after: str = "") -> str | None:
        """Render up to *turn* and the user's text *after* it; None if *expected* is absent."""
        turns = [Message(role="user", content=USER), turn]
        if after:
            turns.append(Message(role="user", content=after))
        messages = normalised(turns, needs)
        try:
            text = self.chat.render(messages, tool_values(_TOOLS), generate=False)
        except TemplateError as error:
            self.failures.append(error.message)
            return None
        return text if all(word in text for word in expected) else None

    def _switched(
        self, user: list[dict[str, Any]], tools: list[dict[str, Any]], *, on: bool | None
    ) -> str | None:
        """The prompt with thinking switched *on* or off, or left alone; None if that fails."""
        variables = self.thinking.variables(on=on)
        try:
            return self.chat.render(user, tools, variables=variables)
        except TemplateError:
            return None
