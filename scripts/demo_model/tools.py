"""Tools with questions that need them: realistic families from text files, and made-up tools.

An `Ability` is one tool and the ways to ask for it. It knows nothing of turns, roles or templates.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from demo_model.values import Kind, join_spoken, spoken
from demo_model.words import HERE, Split, chance, words_of

if TYPE_CHECKING:
    from random import Random

    from demo_model.words import Lexicon

Arguments = dict[str, Any]
_KIND = re.compile(r"(\w+)(?:\((.*)\))?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a tool; *phrase* mentions an optional one in a question."""

    key: str
    kind: Kind
    required: bool = True
    description: str = ""
    phrase: str = ""

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the parameter."""
        schema = self.kind.schema()
        return {**schema, "description": self.description} if self.description else schema


@dataclass(frozen=True, slots=True)
class Tool:
    """A function on offer."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]

    def to_openai(self) -> dict[str, Any]:
        """The tool as an OpenAI request has it."""
        function: dict[str, Any] = {"name": self.name}
        if self.description:
            function["description"] = self.description
        function["parameters"] = {
            "type": "object",
            "properties": {p.key: p.schema() for p in self.parameters},
            "required": [p.key for p in self.parameters if p.required],
        }
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the calls that it needs; *again* starts a later turn for one more call."""

    question: str
    calls: tuple[Arguments, ...]


class Ability(Protocol):
    """A tool, how to ask for it and what it answers."""

    tool: Tool

    def ask(self, rng: Random, lexicon: Lexicon, calls: int = 1) -> Asked:
        """A question that needs *calls* calls."""

    def result(self, rng: Random, lexicon: Lexicon) -> Any:
        """Result of a call: an object, or a plain text."""

    @property
    def spreads(self) -> bool:
        """True if one question can need several calls."""

    @property
    def origin(self) -> str:
        """Tool that it is a variant of."""


def kind_of(text: str) -> Kind:
    """The kind written as `name` or `name(option,option)`."""
    found = _KIND.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not a kind: {text!r}")
    return Kind(found[1], tuple(found[2].split(",")) if found[2] else ())


@dataclass(frozen=True, slots=True)
class Family:
    """One realistic kind of tool, as a text file describes it."""

    names: tuple[str, ...]
    descriptions: tuple[str, ...]
    parameters: tuple[tuple[tuple[str, ...], Kind, str], ...]  # keys, kind, phrase of an optional
    questions: tuple[str, ...]
    results: tuple[tuple[str, Kind], ...]
    origin: str  # the same for every disguise of a family


@cache
def families(split: Split) -> tuple[Family, ...]:
    """The realistic families of one side of the split."""
    files = [HERE / "families_held_out.txt"]
    if split == "train":
        files = [HERE / "families.txt", *sorted((HERE / "families").glob("*.txt"))]
    blocks = [block for file in files for block in file.read_text(encoding="utf-8").split("\n\n")]
    return tuple(_family(block) for block in blocks if block.startswith("name:"))


def _family(block: str) -> Family:
    lines = [line.split(": ", 1) for line in block.strip().splitlines()]
    fields = {head: tuple(body.split("|")) for head, body in lines if head not in {"arg", "opt"}}
    parameters = []
    for head, body in lines:
        if head in {"arg", "opt"}:
            keys, _, rest = body.partition(" = ")
            kind, _, phrase = rest.partition(" ~ ")
            parameters.append((tuple(keys.split("|")), kind_of(kind), phrase))
    results = [part.split("=", 1) for part in fields["back"][0].split("; ")]
    return Family(
        fields["name"],
        fields["does"],
        tuple(parameters),
        fields["ask"],
        tuple((key.strip(), kind_of(kind)) for key, kind in results),
        fields["name"][0],
    )


@dataclass(slots=True)
class FamilyAbility:
    """A family with one choice of names, keys and description."""

    family: Family
    tool: Tool

    @classmethod
    def draw(cls, rng: Random, family: Family) -> FamilyAbility:
        """A variant of *family*."""
        parameters: list[Parameter] = []
        described = chance(rng, 0.12)
        for keys, kind, phrase in family.parameters:
            free = [key for key in keys if key not in {p.key for p in parameters}]
            key = free[0] if chance(rng, 0.4) else rng.choice(free)
            if phrase and chance(rng, 0.5):
                continue
            text = f"The {key.replace('_', ' ')}" if described else ""
            parameters.append(Parameter(key, kind, not phrase, text, phrase))
        name = family.names[0] if chance(rng, 0.3) else rng.choice(family.names)
        return cls(family, Tool(name, rng.choice(family.descriptions), tuple(parameters)))

    @property
    def spreads(self) -> bool:
        """True if the first parameter can be listed."""
        return bool(self.tool.parameters) and self.tool.parameters[0].kind.spreads

    @property
    def origin(self) -> str:
        """The family, whatever its disguise."""
        return self.family.origin

    def ask(self, rng: Random, lexicon: Lexicon, calls: int = 1) -> Asked:
        """A question of the family."""
        question = rng.choice(self.family.questions)
        opening = re.match(r"\{(\d)\}", question)
        slots = re.findall(r"\{(\d)\}", question)
        values = [p.kind.draw(rng, lexicon) for p in self.tool.parameters]
        options = [i for i, p in enumerate(self.tool.parameters) if p.phrase]
        used = {i for i in options if chance(rng, 0.5)}
        spread = drawn_apart(self.tool.parameters[0], rng, lexicon, calls) if values else []
        texts = [spoken(value) for value in values]
        if texts:
            texts[0] = join_spoken([spoken(value) for value in spread])
        for slot in slots:
            question = question.replace("{" + slot + "}", texts[int(slot) - 1])
        # A value that opens the question stays as it is written, unless only one of a few fits.
        free = opening and self.tool.parameters[int(opening[1]) - 1].kind.name != "enum"
        if not free and chance(rng, 0.9):
            question = question[0].upper() + question[1:]
        for i in sorted(used):
            phrase = self.tool.parameters[i].phrase.strip().replace("{v}", texts[i])
            end = question[-1] if question[-1] in ".?!" else ""
            gap = "" if phrase.startswith(",") else " "
            question = f"{question.removesuffix(end)}{gap}{phrase}{end}"
        made = []
        for first in spread or [None]:
            given = [first, *values[1:]] if spread else values
            pairs = enumerate(zip(self.tool.parameters, given, strict=True))
            made.append({p.key: value for i, (p, value) in pairs if p.required or i in used})
        return Asked(question, tuple(made))

    def result(self, rng: Random, lexicon: Lexicon) -> Any:
        """Some of the family's results."""
        count = rng.randint(1, min(3, len(self.family.results)))
        chosen = sorted(rng.sample(range(len(self.family.results)), count))
        pairs = [self.family.results[i] for i in chosen]
        return {key: kind.draw(rng, lexicon) for key, kind in pairs}


def drawn_apart(parameter: Parameter, rng: Random, lexicon: Lexicon, count: int) -> list[Any]:
    """*count* distinct values of *parameter*."""
    values: list[Any] = []
    for _ in range(50):
        value = parameter.kind.draw(rng, lexicon)
        if value not in values:
            values.append(value)
        if len(values) == count:
            break
    return values


def clash(one: Ability, other: Ability) -> bool:
    """True if a question could mean either: of one origin, or with a word in both names."""
    shared = set(words_of(one.tool.name)) & set(words_of(other.tool.name))
    return one.origin == other.origin or bool(shared)


def as_text(result: Any) -> str:
    """*result* as a tool message has it."""
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
