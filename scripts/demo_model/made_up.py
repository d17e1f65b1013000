"""Made-up tools: a name of one to three drawn words, parameters of every simple type, and questions
that repeat the words of the name or of the description. They carry the skill of matching a question
to a tool by its words, which the fixed families cannot teach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demo_model.tools import Asked, Parameter, Tool, drawn_apart
from demo_model.values import Kind, join_spoken, spoken
from demo_model.words import chance

if TYPE_CHECKING:
    from random import Random

    from demo_model.words import Lexicon

_FULL = (  # {v} the verb, {n} the noun, {p} the mention of the arguments
    "{v} the {n} {p}",
    "Please {v} the {n} {p}",
    "Can you {v} the {n} {p}?",
    "{v} {n} {p}",
    "Could you {v} my {n} {p}?",
    "I want to {v} a {n} {p}",
    "I would like to {v} the {n} {p}",
    "{v} a {n} {p}",
    "Please {v} {n} {p}",
    "I need to {v} the {n} {p}",
    "Let us {v} the {n} {p}",
    "{n} {v} {p}",
)
_NOUN = (
    "What is the {n} {p}?",
    "I need the {n} {p}",
    "Show me the {n} {p}",
    "Give me the {n} {p}",
    "{n} {p}",
    "{n} {p}, please",
    "Is there a {n} {p}?",
    "Tell me the {n} {p}",
    "I want a {n} {p}",
    "How is the {n} {p}?",
    "Get the {n} {p}",
    "Do we have a {n} {p}?",
)
_VERB = (
    "{v} it {p}",
    "Can you {v} something {p}?",
    "Please {v} {p}",
    "I want you to {v} {p}",
    "{v} {p}",
    "Time to {v} {p}",
)
_DESCRIPTIONS = (
    "{V} the {n}",
    "{V} a {n}",
    "{V}s the {n}",
    "{V} {n}",
    "{V} the {n} by {k}",
    "{V} and return the {n}",
    "Use this to {v} the {n}",
    "{V}s one {n}",
)
_NOUN_DESCRIPTIONS = (
    "The {n} of a {k}",
    "Returns the {n} for a {k}",
    "Get the {n}",
    "{N} for a given {k}",
    "{N} lookup",
    "Looks up the {n}",
    "Information about the {n}",
)
_SINGLE = (
    "for {x}",
    "of {x}",
    "with {k} {x}",
    "where {k} is {x}",
    "for {k} {x}",
    "in {x}",
    "{x}",
    "with {x}",
    "on {x}",
    "from {x}",
    "{k} {x}",
    "({x})",
    "for the {k} {x}",
)
_LABELLED = (
    "with {k} {x}",
    "{k} {x}",
    "where {k} is {x}",
    "{k}: {x}",
    "{k} = {x}",
    "for {k} {x}",
    "using {x} as {k}",
    "and {x} for {k}",
)
_JOINERS = (" and ", ", ", " ", ", ")


@dataclass(slots=True)
class MadeUpAbility:
    """A made-up tool with the words that its questions use."""

    tool: Tool
    verb: str
    noun: str
    cues: tuple[str, ...]  # patterns of questions that tell this tool from its neighbours

    @property
    def spreads(self) -> bool:
        """True if the first parameter can be listed."""
        return bool(self.tool.parameters) and self.tool.parameters[0].kind.spreads

    @property
    def origin(self) -> str:
        """Itself: its words are its own."""
        return self.tool.name

    @classmethod
    def draw(
        cls, rng: Random, lexicon: Lexicon, near: MadeUpAbility | None = None
    ) -> MadeUpAbility:
        """A tool; with *near*, one that shares its verb or its noun and differs in the other."""
        verb, noun = lexicon.draw(rng, "verbs"), lexicon.draw(rng, "nouns")
        cues: tuple[str, ...] = _FULL + _NOUN
        if near is not None:
            shares_verb = chance(rng, 0.5)
            verb, noun = (near.verb, noun) if shares_verb else (verb, near.noun)
            near.cues = cues = _FULL
        parameters = _parameters(rng, lexicon)
        name, named = _name(rng, lexicon, verb, noun, both=near is not None)
        description = _describe(rng, verb, noun, parameters)
        if near is None and not named:
            cues = _VERB if name.startswith(verb) and chance(rng, 0.5) else _FULL
        elif near is None and description and chance(rng, 0.12):
            # The name says nothing; only the description tells what the tool is for.
            name = _styled(rng, [lexicon.draw(rng, "others")])
        return cls(Tool(name, description, parameters), verb, noun, cues)

    def ask(self, rng: Random, lexicon: Lexicon, calls: int = 1) -> Asked:
        """A question in words of the tool."""
        used = [p for p in self.tool.parameters if p.required or chance(rng, 0.5)]
        spread = drawn_apart(used[0], rng, lexicon, calls) if used and calls > 1 else []
        arguments = {p.key: p.kind.draw(rng, lexicon) for p in used}
        noun = self.noun + "s" if chance(rng, 0.1) or spread else self.noun
        if spread:
            mention = _mention(rng, used, {**arguments, used[0].key: spread}, listed=True)
        else:
            mention = _mention(rng, used, arguments)
        question = rng.choice(self.cues).format(v=self.verb, n=noun.replace("_", " "), p=mention)
        question = " ".join(question.split()).replace(" ?", "?").replace(" ,", ",")
        # Not always: a capital changes the tokens of a word, which hides its match in the name.
        if chance(rng, 0.55):
            question = question[0].upper() + question[1:]
        if question[-1] not in ".?" and chance(rng, 0.5):
            question += "."
        if not spread:
            return Asked(question, (arguments,))
        return Asked(question, tuple({**arguments, used[0].key: value} for value in spread))

    def result(self, rng: Random, lexicon: Lexicon) -> Any:
        """A small object or a plain text."""
        if chance(rng, 0.15):
            return " ".join(lexicon.draw(rng, "others") for _ in range(rng.randint(1, 4)))
        kinds = ("int", "num", "word", "bool", "code", "phrase", "date", "list", "city", "time")
        made: dict[str, Any] = {}
        for _ in range(rng.choice((1, 1, 2, 2, 3))):
            key = self.noun if chance(rng, 0.2) else lexicon.draw(rng, "keys")
            kind = rng.choice(kinds)
            made[key] = Kind(kind, ("0", "999") if kind == "int" else ()).draw(rng, lexicon)
        return made


def _styled(rng: Random, words: list[str]) -> str:
    roll = rng.random()
    if roll < 0.62:  # noqa: PLR2004
        return "_".join(words)
    if roll < 0.80:  # noqa: PLR2004
        return words[0] + "".join(word.capitalize() for word in words[1:])
    return ("-" if roll < 0.9 else ".").join(words)  # noqa: PLR2004


def _name(rng: Random, lexicon: Lexicon, verb: str, noun: str, *, both: bool) -> tuple[str, bool]:
    """A name, and whether the noun is in it."""
    roll = rng.random()
    if both or roll < 0.55:  # noqa: PLR2004
        return _styled(rng, [verb, noun]), True
    if roll < 0.70:  # noqa: PLR2004
        return _styled(rng, [verb, lexicon.draw(rng, "others"), noun]), True
    if roll < 0.78:  # noqa: PLR2004
        return _styled(rng, [noun, verb]), True
    if roll < 0.94:  # noqa: PLR2004
        return _styled(rng, [noun]), True
    return _styled(rng, [verb]), False


def _describe(rng: Random, verb: str, noun: str, parameters: tuple[Parameter, ...]) -> str:
    if chance(rng, 0.1):
        return ""
    pattern = rng.choice(_DESCRIPTIONS if chance(rng, 0.65) else _NOUN_DESCRIPTIONS)
    key = parameters[0].key if parameters else "name"
    return pattern.format(
        v=verb, V=verb.capitalize(), n=noun, N=noun.capitalize(), k=key.replace("_", " ")
    )


def _kind(rng: Random, lexicon: Lexicon) -> Kind:
    name = rng.choices(
        (
            "word",
            "phrase",
            "code",
            "city",
            "person",
            "int",
            "num",
            "bool",
            "enum",
            "list",
            "date",
            "time",
            "email",
            "path",
            "place",
        ),
        (20, 10, 8, 8, 7, 18, 5, 5, 10, 3, 4, 2, 3, 2, 4),
    )[0]
    if name == "int":
        return Kind(name, ("1", rng.choice(("9", "99", "999", "99999"))))
    if name == "enum":
        count = rng.choice((2, 2, 3, 3, 4))
        return Kind(name, tuple({lexicon.draw(rng, "others"): None for _ in range(count)}))
    return Kind(name)


def _parameters(rng: Random, lexicon: Lexicon) -> tuple[Parameter, ...]:
    made: list[Parameter] = []
    described = chance(rng, 0.1)
    for i in range(rng.choices((0, 1, 2, 3), (10, 52, 28, 10))[0]):
        key = lexicon.draw(rng, "keys")
        if chance(rng, 0.15):
            key = f"{key}_{lexicon.draw(rng, 'keys')}"
        if key in {p.key for p in made}:
            continue
        text = f"The {key.replace('_', ' ')}" if described else ""
        made.append(Parameter(key, _kind(rng, lexicon), i == 0 or chance(rng, 0.6), text))
    return tuple(made)


def _mention(
    rng: Random, used: list[Parameter], values: dict[str, Any], *, listed: bool = False
) -> str:
    """The part of a question that gives the arguments; several are always labelled by key."""
    parts = []
    for i, parameter in enumerate(used):
        value = values[parameter.key]
        key = parameter.key.replace("_", " ") if chance(rng, 0.8) else parameter.key
        bare = i == 0 and (len(used) == 1 or chance(rng, 0.5))
        if isinstance(value, bool):
            on, off = ("with {k}", "{k} on", "{k}"), ("without {k}", "no {k}", "{k} off")
            parts.append(rng.choice(on if value else off).format(k=key))
            continue
        quoted = parameter.kind.name == "phrase" or chance(rng, 0.05)
        items = value if isinstance(value, list) else [value]
        texts = [
            f'"{spoken(item)}"' if quoted and not isinstance(item, (int, float)) else spoken(item)
            for item in items
        ]
        plural = "s" if listed and i == 0 and chance(rng, 0.5) else ""
        pattern = rng.choice(_SINGLE if bare else _LABELLED)
        parts.append(pattern.format(k=key + plural, x=join_spoken(texts)))
    return rng.choice(_JOINERS).join(parts)
