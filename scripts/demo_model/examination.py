"""The questions of the evaluation: tools, keys, values and names that training never saw.

A case has one right reply. `judge` compares a reply in OpenAI's form with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from demo_model.conversations import (
    NO_TOOL,
    Call,
    Conversation,
    Maker,
    answer,
    joined,
    small_talk,
)
from demo_model.made_up import MadeUpAbility
from demo_model.tools import Ability, FamilyAbility, clash, families
from demo_model.words import chance

_BLOCK = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer of a model: text, and calls as (name, arguments)."""

    content: str
    calls: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Reply:
        """The reply that *text* writes in the demo model's syntax."""
        calls = []
        for block in _BLOCK.findall(text):
            try:
                call = json.loads(block)
                calls.append((call["name"], call["arguments"]))
            except (ValueError, KeyError, TypeError):
                calls.append(("", None))
        return cls(_BLOCK.sub("", text).strip(), tuple(calls))


@dataclass(frozen=True, slots=True)
class Case:
    """A request and its right reply."""

    tools: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    expected: Reply


@dataclass(frozen=True, slots=True)
class Score:
    """Marks of a reply: all right, and (weaker) the right tools or the right decision."""

    exact: bool
    decided: bool


def judge(case: Case, reply: Reply) -> Score:
    """Compare *reply* with the right one."""
    wanted = case.expected
    if wanted.calls:
        decided = [name for name, _ in reply.calls] == [name for name, _ in wanted.calls]
        return Score(reply.calls == wanted.calls, decided)
    return Score(not reply.calls and reply.content == wanted.content, not reply.calls)


class Examiner:
    """Makes the cases of every category, each a function of its number."""

    def __init__(self, seed: int = 0) -> None:
        self.maker = Maker("held-out", seed)
        self.categories: dict[str, Callable[[Random], Case]] = {
            "one made-up tool": lambda rng: self._calls(rng, 1, real=0),
            "one realistic tool": lambda rng: self._calls(rng, 1, real=1),
            "1 of 4 made-up tools": lambda rng: self._calls(rng, 4, real=0),
            "1 of 4 realistic tools": lambda rng: self._calls(rng, 4, real=1),
            "parallel, one made-up tool": lambda rng: self._calls(rng, 1, real=0, calls=2),
            "parallel, one realistic tool": lambda rng: self._calls(rng, 1, real=1, calls=2),
            "two different tools of 3, made-up": lambda rng: self._two(rng, real=0),
            "two different tools of 3, realistic": lambda rng: self._two(rng, real=1),
            "no fitting tool": self._unfit,
            "result -> sentence": lambda rng: self._told(rng, 1),
            "two results -> sentences": lambda rng: self._told(rng, 2),
            "small talk (phrases of the training)": self._talk,
        }

    def case(self, category: str, number: int) -> Case:
        """Case *number* of *category*."""
        rng = Random(f"{category}:{self.maker.seed}:{number}")  # noqa: S311
        return self.categories[category](rng)

    def _offer(self, rng: Random, count: int, real: float) -> list[Ability]:
        if not real:
            return self.maker.offer(rng, count, 0)
        chosen = rng.sample(families("held-out"), count)
        return [FamilyAbility.draw(rng, family) for family in chosen]

    def _spreading(self, rng: Random, real: float) -> list[Ability]:
        while True:
            offered = self._offer(rng, 1, real)
            if offered[0].spreads:
                return offered

    def _asked(self, rng: Random, talk: Conversation, count: int) -> list[Call]:
        ability = rng.choice(talk.abilities)
        asked = ability.ask(rng, self.maker.lexicon, count)
        talk.user(asked.question)
        return [(ability, call) for call in asked.calls]

    def _calls(self, rng: Random, count: int, *, real: float, calls: int = 1) -> Case:
        talk = Conversation(
            self._spreading(rng, real) if calls > 1 else self._offer(rng, count, real)
        )
        return _case(talk, self._asked(rng, talk, calls))

    def _two(self, rng: Random, real: float) -> Case:
        talk = Conversation(self._offer(rng, 3, real))
        pair = rng.sample(talk.abilities, 2)
        asked = [ability.ask(rng, self.maker.lexicon) for ability in pair]
        talk.user(joined(rng, asked[0].question, asked[1].question))
        return _case(talk, [(a, q.calls[0]) for a, q in zip(pair, asked, strict=True)])

    def _unfit(self, rng: Random) -> Case:
        real = float(chance(rng, 0.5))
        while True:
            offered = self._offer(rng, rng.randint(2, 5), real)
            other = offered.pop(rng.randrange(len(offered)))
            alike = isinstance(other, MadeUpAbility) and any(
                clash(other, ability) for ability in offered
            )
            if not alike:
                break
        talk = Conversation(offered)
        talk.user(other.ask(rng, self.maker.lexicon).question)
        return Case(talk.tools, talk.messages, Reply(NO_TOOL))

    def _told(self, rng: Random, count: int) -> Case:
        real = float(chance(rng, 0.5))
        talk = Conversation(self._spreading(rng, real) if count > 1 else self._offer(rng, 1, real))
        calls = self._asked(rng, talk, count)
        talk.call(calls)
        results = [ability.result(rng, self.maker.lexicon) for ability, _ in calls]
        talk.results(calls, results, named=False)
        return Case(talk.tools, talk.messages, Reply(answer(calls, results)))

    def _talk(self, rng: Random) -> Case:
        asks, say = rng.choice(small_talk())
        talk = Conversation(self._offer(rng, rng.choice((0, 1, 2)), 0))
        talk.user(rng.choice(asks))
        return Case(talk.tools, talk.messages, Reply(say))


def _case(talk: Conversation, calls: list[Call]) -> Case:
    made = tuple((ability.tool.name, arguments) for ability, arguments in calls)
    return Case(talk.tools, talk.messages, Reply("", made))
