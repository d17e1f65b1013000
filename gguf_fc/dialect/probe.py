"""Renders conversations that differ in one thing, to see what a template does with it.

``probe`` renders and records, without judging: what the renderings mean is ``derive``'s business.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gguf_fc.dialect.chat import Chat
from gguf_fc.dialect.history import Needs, normalised, tool_values
from gguf_fc.dialect.needs import needs_of
from gguf_fc.dialect.thinking import Thinking, thinking_of
from gguf_fc.errors import TemplateError
from gguf_fc.request import Message, Tool, ToolCall

# Words no template is likely to contain, write itself or change.
USER, TEXT, THOUGHT = "Quintal wombat", "Velvet gnomon", "Umber tangent"
NAMES = ("probe_alpha", "probe_beta", "probe_gamma")
IDS = ("call00001", "call00002", "call00003")
ARGUMENTS: tuple[dict[str, Any], ...] = (
    {"zeta_key": "azure"},
    {"eta_key": "coral"},
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
    """What came out.  None: the template failed, or does not show what it was given."""

    needs: Needs
    thinking: Thinking
    prompt: str  # one user message, up to where the model writes
    plain: str | None = None  # ... and the answer TEXT
    one: str | None = None  # ... and a call
    two: str | None = None  # ... and two calls
    three: str | None = None  # ... and three calls
    rich: str | None = None  # ... and a call with RICH arguments
    text_and_call: str | None = None
    thought: str | None = None  # ... and the answer TEXT after the reasoning THOUGHT
    thought_and_call: str | None = None
    off: str | None = None  # the prompt with thinking switched off
    on: str | None = None  # ... and on
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


def probe(chat: Chat) -> Renderings:
    """Everything ``derive`` wants to see.  Raises TemplateError if nothing renders at all."""
    return _Prober(chat, thinking_of(chat)).run()


@dataclass(slots=True)
class _Prober:
    chat: Chat
    thinking: Thinking
    failures: list[str] = field(default_factory=list)

    def run(self) -> Renderings:
        needs = needs_of(self.chat)
        user = normalised([Message(role="user", content=USER)], needs)
        tools = tool_values(_TOOLS)
        try:
            prompt = self.chat.render(user, tools)
        except TemplateError:
            prompt = self.chat.render(user)
        seen = Renderings(needs=needs, thinking=self.thinking, prompt=prompt)
        plain = Message(role="assistant", content=TEXT)
        seen = replace(
            seen,
            plain=self._shown(needs, plain, TEXT),
            off=self._switched(user, tools, on=False),
            on=self._switched(user, tools, on=True),
        )
        seen = self._calls(seen)
        thought = replace(plain, reasoning_content=THOUGHT)
        thought_and_call = call_turn(reasoning_content=THOUGHT)
        return replace(
            seen,
            thought=self._shown(seen.needs, thought, THOUGHT, TEXT),
            thought_and_call=self._shown(seen.needs, thought_and_call, NAMES[0]),
            failures=tuple(dict.fromkeys(self.failures)),
        )

    def _calls(self, seen: Renderings) -> Renderings:
        """The turns with calls."""
        needs = seen.needs
        return replace(
            seen,
            one=self._shown(needs, call_turn(), NAMES[0], "azure"),
            two=None
            if needs.one_call
            else self._shown(needs, call_turn(2), *NAMES[:2], "azure", "coral"),
            three=self._shown(needs, call_turn(3), "azure", "coral", "ivory"),
            rich=self._shown(needs, call_turn(arguments=(RICH,)), NAMES[0]),
            text_and_call=self._shown(needs, call_turn(content=TEXT), NAMES[0], TEXT),
        )

    def _shown(self, needs: Needs, turn: Message, *expected: str) -> str | None:
        """The conversation with *turn* at its end, if everything *expected* is in it."""
        messages = normalised((Message(role="user", content=USER), turn), needs)
        try:
            text = self.chat.render(messages, tool_values(_TOOLS), generate=False)
        except TemplateError as error:
            self.failures.append(error.message)
            return None
        return text if all(word in text for word in expected) else None

    def _switched(
        self, user: list[dict[str, Any]], tools: list[dict[str, Any]], *, on: bool
    ) -> str | None:
        """The prompt with thinking switched."""
        variables = self.thinking.variables(on=on)
        try:
            return self.chat.render(user, tools, variables=variables)
        except TemplateError:
            return None
