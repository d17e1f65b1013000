"""Conversations for training and for evaluation, made from a seed.

A conversation offers some tools and has one or more turns: a question that needs a call, several
calls of one tool, calls of two tools, a question that no tool fits, or small talk; calls may be
followed by their results and an answer that repeats them. Every conversation is a function of
(split, seed, index), so that training can go on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

from demo_model.disguise import disguised
from demo_model.made_up import MadeUpAbility
from demo_model.tools import Ability, FamilyAbility, as_text, clash, families
from demo_model.values import join_spoken, spoken
from demo_model.words import HERE, Lexicon, Split, chance, held_out_words, words_of

if TYPE_CHECKING:
    from collections.abc import Callable

NO_TOOL = "I have no tool for that."
_CONTRASTED = 0.15  # the share of conversations that come in pairs
_DISGUISED = 0.5  # the share of realistic tools that are in other words
Call = tuple[Ability, dict[str, Any]]
_SYSTEMS = (
    "You are a helpful assistant.",
    "You are a helpful assistant that calls tools.",
    "Be brief.",
    "Answer the user with the tools.",
    "You help people.",
    "Use the tools when they fit.",
    "You are a friendly assistant.",
)


@dataclass(slots=True)
class Conversation:
    """Messages and tools as an OpenAI request has them."""

    abilities: list[Ability]
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools on offer."""
        return [ability.tool.to_openai() for ability in self.abilities]

    def user(self, text: str) -> None:
        """Add a question."""
        self.messages.append({"role": "user", "content": text})

    def say(self, text: str) -> None:
        """Add an answer in words."""
        self.messages.append({"role": "assistant", "content": text})

    def call(self, calls: list[Call]) -> None:
        """Add an answer of calls."""
        self.messages.append(
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "type": "function",
                        "function": {"name": ability.tool.name, "arguments": arguments},
                    }
                    for ability, arguments in calls
                ],
            }
        )

    def results(self, calls: list[Call], results: list[Any], *, named: bool) -> None:
        """Add the results of the calls just made."""
        for (ability, _), result in zip(calls, results, strict=True):
            message = {"role": "tool", "content": as_text(result)}
            if named:
                message["name"] = ability.tool.name
            self.messages.append(message)


@cache
def small_talk() -> tuple[tuple[tuple[str, ...], str], ...]:
    """Questions and their fixed answer."""
    blocks = (HERE / "small_talk.txt").read_text(encoding="utf-8").strip().split("\n\n")
    found = []
    for block in blocks:
        asks, say = block.split("\n")
        found.append((tuple(asks.removeprefix("ask: ").split("|")), say.removeprefix("say: ")))
    return tuple(found)


def answer(calls: list[Call], results: list[Any]) -> str:
    """The sentences that tell *results*."""
    sentences = []
    for (_, arguments), result in zip(calls, results, strict=True):
        first = next(iter(arguments.values()), None)
        sentences.append(_sentence(None if first is None else _label(first), result))
    return " ".join(sentences)


def _label(value: Any) -> str:
    return value if isinstance(value, str) else as_text(value)


def _sentence(subject: str | None, result: Any) -> str:
    if isinstance(result, str):
        return f"{subject}: {result}." if subject else f"{result}."
    if "error" in result:
        return (
            f"{subject}: that failed, {result['error']}."
            if subject
            else (f"That failed, {result['error']}.")
        )
    facts = [f"the {key.replace('_', ' ')} is {spoken(value)}" for key, value in result.items()]
    told = join_spoken(facts) if facts else "done"
    if subject:
        return f"For {subject}, {told}."
    return f"{told[0].upper()}{told[1:]}."


class Maker:
    """Makes the conversations of one side of the split."""

    def __init__(self, split: Split, seed: int = 0) -> None:
        self.split: Split = split
        self.seed = seed
        self.lexicon = Lexicon(split)

    def make(self, index: int, longest: int = 8) -> Conversation:
        """Conversation *index*, with at most *longest* tools."""
        for attempt in range(100):
            pair = Random(f"{self.split}:{self.seed}:pair:{index // 2}:{attempt}")  # noqa: S311
            rng = Random(f"{self.split}:{self.seed}:{index}:{attempt}")  # noqa: S311
            if chance(pair, _CONTRASTED):
                made = self._contrast(pair, longest, fits=index % 2 == 0)
            else:
                made = self._conversation(rng, longest)
            if self.split == "held-out" or not any(map(held_out_words, _texts(made))):
                return made
        raise RuntimeError("no conversation without held-out words")

    def ability(self, rng: Random, *, real: float = 0.45) -> Ability:
        """A tool to talk about."""
        if chance(rng, real):
            family = rng.choice(families(self.split))
            if self.split == "train" and chance(rng, _DISGUISED):
                family = disguised(rng, self.lexicon, family)
            return FamilyAbility.draw(rng, family)
        return MadeUpAbility.draw(rng, self.lexicon)

    def offer(self, rng: Random, count: int, real: float) -> list[Ability]:
        """*count* tools that no question confuses."""
        found: list[Ability] = []
        while len(found) < count:
            near = found[-1] if found and chance(rng, 0.3) else None
            if isinstance(near, MadeUpAbility) and rng.random() > real:
                neighbour = MadeUpAbility.draw(rng, self.lexicon, near)
                # Both words of the near one must be in its name, and no name within another.
                words = set(words_of(neighbour.tool.name))
                nested = any(
                    words <= other or other <= words
                    for other in (set(words_of(old.tool.name)) for old in found)
                )
                if nested:
                    continue
                if near.verb in near.tool.name.lower() and near.noun in near.tool.name.lower():
                    found.append(neighbour)
                continue
            fresh = self.ability(rng, real=real)
            if not any(clash(fresh, old) for old in found):
                found.append(fresh)
        rng.shuffle(found)
        return found

    def _conversation(self, rng: Random, longest: int) -> Conversation:
        count = min(longest, rng.choices(range(1, 9), (24, 22, 18, 18, 6, 5, 4, 3))[0])
        if chance(rng, 0.03):
            count = 0
        talk = Conversation(self.offer(rng, count, rng.choice((0.0, 0.3, 0.7, 1.0))))
        if chance(rng, 0.1):
            talk.messages.append({"role": "system", "content": rng.choice(_SYSTEMS)})
        turns = rng.choices((1, 2, 3, 4, 5), (25, 30, 22, 13, 10))[0]
        for _ in range(turns):
            self._turn(rng, talk)
        return talk

    def _contrast(self, rng: Random, longest: int, *, fits: bool) -> Conversation:
        """One of two conversations with the same question: its tool is on offer, or is not.

        What differs between the two is the one line that decides, so that nothing else can be
        learned to decide by.
        """
        count = min(longest, rng.choices((1, 2, 3, 4, 5), (25, 25, 20, 20, 10))[0])
        abilities = self.offer(rng, count + 1, rng.choice((0.0, 0.3, 0.7, 1.0)))
        asked = abilities[count]
        question = asked.ask(rng, self.lexicon)
        offered = abilities[:count]
        if fits:
            offered[rng.randrange(count)] = asked
        talk = Conversation(offered)
        talk.user(question.question)
        if fits:
            talk.call([(asked, question.calls[0])])
        else:
            talk.say(NO_TOOL)
        return talk

    def _turn(self, rng: Random, talk: Conversation) -> None:
        kinds: list[tuple[float, Callable[[Random, Conversation], None]]] = [
            (6, self._small_talk),
            (12, self._unfit),
        ]
        if talk.abilities:
            kinds += [(44, self._single), (14, self._parallel)]
        if len(talk.abilities) > 1:
            kinds += [(32, self._two)]
        weights = [weight for weight, _ in kinds]
        rng.choices([turn for _, turn in kinds], weights)[0](rng, talk)

    def _small_talk(self, rng: Random, talk: Conversation) -> None:
        asks, say = rng.choice(small_talk())
        talk.user(rng.choice(asks))
        talk.say(say)

    def _unfit(self, rng: Random, talk: Conversation) -> None:
        """A question of a tool that is not on offer."""
        while True:
            other = self.ability(rng)
            if not any(clash(other, ability) for ability in talk.abilities):
                break
        calls = 2 if other.spreads and chance(rng, 0.15) else 1
        talk.user(other.ask(rng, self.lexicon, calls).question)
        talk.say(NO_TOOL)

    def _single(self, rng: Random, talk: Conversation) -> None:
        ability = rng.choice(talk.abilities)
        asked = ability.ask(rng, self.lexicon)
        talk.user(asked.question)
        calls: list[Call] = [(ability, asked.calls[0])]
        self._finish(rng, talk, calls, tell=0.4)
        if ability.spreads and chance(rng, 0.15):
            first = ability.tool.parameters[0]
            value = first.kind.draw(rng, self.lexicon)
            pattern = rng.choice(
                (
                    "And {v}?",
                    "What about {v}?",
                    "And for {v}?",
                    "Now {v}.",
                    "The same for {v}.",
                    "And in {v}?",
                    "Again with {v}.",
                )
            )
            talk.user(pattern.replace("{v}", spoken(value)))
            calls = [(ability, {**asked.calls[0], first.key: value})]
            self._finish(rng, talk, calls, tell=0.4)

    def _parallel(self, rng: Random, talk: Conversation) -> None:
        able = [ability for ability in talk.abilities if ability.spreads]
        if not able:
            self._single(rng, talk)
            return
        ability = rng.choice(able)
        asked = ability.ask(rng, self.lexicon, rng.choices((2, 3, 4), (70, 24, 6))[0])
        talk.user(asked.question)
        self._finish(rng, talk, [(ability, call) for call in asked.calls], tell=0.35)

    def _two(self, rng: Random, talk: Conversation) -> None:
        pair = rng.sample(talk.abilities, 2)
        asked = [ability.ask(rng, self.lexicon) for ability in pair]
        talk.user(joined(rng, asked[0].question, asked[1].question))
        calls: list[Call] = [(a, q.calls[0]) for a, q in zip(pair, asked, strict=True)]
        self._finish(rng, talk, calls, tell=0.3)

    def _finish(self, rng: Random, talk: Conversation, calls: list[Call], *, tell: float) -> None:
        """Make *calls*; then perhaps their results and the answer."""
        talk.call(calls)
        if rng.random() > tell:
            return
        results = [ability.result(rng, self.lexicon) for ability, _ in calls]
        if chance(rng, 0.05):
            results[0] = {"error": rng.choice(("not found", "no access", "time is over"))}
        talk.results(calls, results, named=chance(rng, 0.3))
        talk.say(answer(calls, results))


def joined(rng: Random, one: str, other: str) -> str:
    """Two questions as one message."""
    lowered = (
        other if other[:2].isupper() or other.startswith("I ") else other[0].lower() + other[1:]
    )
    bare = one.rstrip(".?")
    match rng.randrange(6):
        case 0:
            return f"{one if one[-1] in '.?' else one + '.'} {other[0].upper()}{other[1:]}"
        case 1:
            return f"{bare} and {lowered}"
        case 2:
            return f"{bare}, and {lowered}"
        case 3:
            return f"{one if one[-1] in '.?' else one + '.'} Also, {lowered}"
        case 4:
            return f"{bare}, then {lowered}"
        case _:
            return f"{bare} and also {lowered}"


def _texts(talk: Conversation) -> list[str]:
    texts = [as_text(message) for message in talk.messages]
    return [*texts, *(as_text(tool) for tool in talk.tools)]
