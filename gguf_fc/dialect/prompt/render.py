"""A chat template with the values that belong to it.

What compiles and renders the template is the caller's choice: a ``Template`` in this process, or
something of the same form that runs it where it can do no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from gguf_fc.dialect.prompt.template import Clock
from gguf_fc.errors import TemplateError

_PROBE_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def probe_clock() -> datetime:
    """A fixed time: what a dialect takes for now unless it is told otherwise."""
    return _PROBE_TIME


class CompiledTemplate(Protocol):
    """Chat template.  Raises TemplateError, or RunawayTemplate if it had to be ended."""

    @property
    def text(self) -> str: ...

    def render(self, variables: Mapping[str, Any], now: datetime) -> str: ...


# Raises TemplateError if the text does not compile, at once or when it is first rendered.
Compile = Callable[[str], CompiledTemplate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A template and what every rendering of it shares."""

    template: CompiledTemplate
    bos_token: str = ""
    eos_token: str = ""
    clock: Clock = probe_clock

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] = (),
        *,
        generate: bool = True,
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """The prompt text.  Raises TemplateError."""
        values: dict[str, Any] = {
            **(variables or {}),
            "bos_token": self.bos_token,
            "eos_token": self.eos_token,
            "messages": messages,
            "add_generation_prompt": generate,
        }
        now = self.clock()
        if tools:
            return self.template.render({**values, "tools": list(tools)}, now)
        try:
            return self.template.render({**values, "tools": None}, now)
        except TemplateError:
            # Some templates loop over tools without asking whether there are any.
            return self.template.render(values, now)
