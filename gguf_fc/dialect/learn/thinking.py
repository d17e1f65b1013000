"""Template variables that switch reasoning and set its effort.

Their names are found in the template's text, their values by rendering: a switch is what changes
the prompt when it is thrown.  Knows how reasoning is asked for, not how it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from gguf_fc.dialect.prompt.render import Chat
from gguf_fc.errors import TemplateError

# How much to think, from nothing to everything, in all the words that are used for it.
EFFORTS = (
    *("no_think", "none", "off", "disabled"),
    *("minimal", "low", "medium", "high", "xhigh", "max"),
)
_OFF = EFFORTS[:4]
_NONSENSE = "probe"  # a template that prints this prints every effort
_USUAL = ("low", "medium", "high")  # what models were shown where the template takes any word

_NAME = re.compile(r"\b[a-z_]*(?:think|thought|reason)[a-z_]*\b(?!\s*\()")
_AMOUNT = re.compile(r"effort|strength|level")
_NEGATIVE = re.compile(r"^(?:no|not|disable|skip|without|suppress)_")
_VALUES: tuple[tuple[Any, Any], ...] = (
    *((True, False), ("on", "off"), ("enabled", "disabled")),
    *(("enable", "disable"), ("true", "false"), (1, 0)),
)
_MOST_NAMES = 12  # that are tried


@dataclass(frozen=True, slots=True)
class Switch:
    """Variable that switches reasoning, and its two values."""

    name: str
    on: Any
    off: Any


@dataclass(frozen=True, slots=True)
class Amount:
    """Variable for the reasoning effort, and the words it takes."""

    name: str
    takes: tuple[str, ...]
    strict: bool = True  # other words are refused, or mean nothing to the model

    def nearest(self, effort: str) -> str | None:
        """The word it takes that means most nearly *effort*; of two, the one for more.

        None where no word is near and the template has a way of its own for what is between.
        """
        if effort in self.takes or effort not in EFFORTS:
            return effort
        at = EFFORTS.index(effort)
        far = {word: abs(EFFORTS.index(word) - at) for word in self.takes if word not in _OFF}
        if not far or (not self.strict and min(far.values()) > 1):
            return None
        return min(far, key=lambda word: (far[word], -EFFORTS.index(word)))

    @property
    def off(self) -> str | None:
        """The word for no thinking at all, where there is one."""
        return next((word for word in self.takes if word in _OFF), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """Variables by which a template lets reasoning be set."""

    switches: tuple[Switch, ...] = ()
    amounts: tuple[Amount, ...] = ()

    def variables(self, on: bool | None = None, effort: str | None = None) -> dict[str, Any]:  # noqa: FBT001
        """Values of the variables for such a wish.  None: as the template does by itself.

        An effort without a word about *on* switches thinking on, or off if it is "none".
        """
        if on is None and effort is not None:
            on = effort not in _OFF
        found: dict[str, Any] = {}
        if on is not None:
            found |= {switch.name: switch.on if on else switch.off for switch in self.switches}
        for amount in self.amounts:
            word = amount.off
            if on is not False:
                wanted = effort or ("high" if on and word and not self.switches else None)
                word = amount.nearest(wanted) if wanted else None
            if word is not None:
                found[amount.name] = word
        return found

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON-able data."""
        return {
            "switches": [asdict(switch) for switch in self.switches],
            "amounts": [{**asdict(amount), "takes": [*amount.takes]} for amount in self.amounts],
        }


def thinking_of(chat: Chat) -> Thinking:
    """Find the variables of the template of *chat*; none is no failure."""
    names = list(dict.fromkeys(_NAME.findall(chat.template.text)))[:_MOST_NAMES]
    asker = _VariableProbe(chat)
    switches = (asker.switch(name) for name in names if not _AMOUNT.search(name))
    found = Thinking(switches=tuple(filter(None, switches)))
    thinking = _VariableProbe(
        chat, found.variables(on=True)
    )  # there may be nothing to measure else
    amounts = (thinking.amount(name) for name in names if _AMOUNT.search(name))
    return replace(found, amounts=tuple(filter(None, amounts)))


@dataclass(frozen=True, slots=True)
class _VariableProbe:
    chat: Chat
    variables: Mapping[str, Any] = field(default_factory=dict)

    def switch(self, name: str) -> Switch | None:
        for on, off in _VALUES:
            prompts = self._prompt(name, on), self._prompt(name, off)
            if None not in prompts and prompts[0] != prompts[1]:
                return Switch(name, off, on) if _NEGATIVE.match(name) else Switch(name, on, off)
        return None

    def amount(self, name: str) -> Amount | None:
        nonsense = self._prompt(name, _NONSENSE)
        if nonsense is not None and _NONSENSE in nonsense:
            return Amount(name, _USUAL)
        prompts = {word: self._prompt(name, word) for word in EFFORTS}
        takes = tuple(
            word for word, prompt in prompts.items() if prompt is not None and prompt != nonsense
        )
        return Amount(name, takes, strict=nonsense is None) if takes else None

    def _prompt(self, name: str, value: Any) -> str | None:
        user = [{"role": "user", "content": "Hello"}]
        try:
            return self.chat.render(user, variables={**self.variables, name: value})
        except TemplateError:
            return None
