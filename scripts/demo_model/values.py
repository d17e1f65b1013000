"""Argument values by kind: how each is drawn, written in a sentence and typed in a JSON Schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demo_model.words import chance

if TYPE_CHECKING:
    from random import Random

    from demo_model.words import Lexicon

_CURRENCIES = ("USD", "EUR", "GBP", "JPY", "CHF", "SEK", "NOK", "PLN", "CAD", "AUD", "INR", "BRL")
_SPREADABLE = {
    *("city", "place", "person", "word", "code", "int", "date", "symbol", "host", "path", "email"),
    *("pick", "colour"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value, with its options: `int` with bounds, `enum` and `pick` with choices.

    A `bool` is any of both, a `flag` is true where a question mentions it.
    """

    name: str
    options: tuple[str, ...] = ()

    @property
    def spreads(self) -> bool:
        """True if a sentence can list several of them for several calls."""
        return self.name in _SPREADABLE

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the kind."""
        match self.name:
            case "int":
                return {"type": "integer"}
            case "num":
                return {"type": "number"}
            case "bool" | "flag":
                return {"type": "boolean"}
            case "list" | "people":
                return {"type": "array", "items": {"type": "string"}}
            case "enum":
                return {"type": "string", "enum": list(self.options)}
            case _:
                return {"type": "string"}

    def draw(self, rng: Random, lexicon: Lexicon) -> Any:  # noqa: C901 - one arm a kind
        """A value."""
        match self.name:
            case "city":
                return lexicon.name(rng, "cities")
            case "place":
                return lexicon.made_up(rng).capitalize()
            case "person":
                return lexicon.name(rng, "people")
            case "people":
                return _distinct(rng, lambda: lexicon.name(rng, "people"))
            case "list":
                return _distinct(rng, lambda: lexicon.draw(rng, "nouns"))
            case "int":
                low, high = (int(option) for option in self.options)
                return rng.randint(low, high)
            case "num":
                return round(rng.uniform(0.1, 99), rng.choice((1, 1, 2)))
            case "bool":
                return chance(rng, 0.5)
            case "flag":
                return True
            case "enum" | "pick":
                return rng.choice(self.options)
            case "phrase":
                return phrase(rng, lexicon)
            case _:
                return _written(self.name, rng, lexicon)


def _written(kind: str, rng: Random, lexicon: Lexicon) -> str:  # noqa: C901, PLR0912 - one arm a kind
    """Strings with a form of their own."""
    word = lexicon.draw(rng, "nouns")
    match kind:
        case "code":
            letters = "".join(
                rng.choice("ABCDEFGHKLMNPRSTXZ") for _ in range(rng.choice((0, 1, 2)))
            )
            return f"{letters}{rng.choice(('-', '')) if letters else ''}{rng.randint(10, 99999)}"
        case "date":
            return f"{rng.randint(2024, 2029)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        case "time":
            return f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
        case "email":
            return (
                f"{lexicon.name(rng, 'people').lower()}@{word}.{rng.choice(('com', 'org', 'net'))}"
            )
        case "url":
            return (
                f"https://{word}.{rng.choice(('com', 'org', 'net'))}/{lexicon.draw(rng, 'nouns')}"
            )
        case "path":
            folder = f"{lexicon.draw(rng, 'nouns')}/" if chance(rng, 0.4) else ""
            return f"{folder}{word}.{rng.choice(('txt', 'md', 'py', 'csv', 'json'))}"
        case "dir":
            return f"/{word}"
        case "host":
            return f"{word}{rng.choice(('', '-api', '-1', '-2', '01'))}"
        case "phone":
            return f"+{rng.randint(1, 99)} {rng.randint(100, 9999)} {rng.randint(100, 99999)}"
        case "symbol":
            return lexicon.made_up(rng)[: rng.choice((3, 4))].upper()
        case "code3":
            return rng.choice(_CURRENCIES)
        case "sum":
            operator = rng.choice("+-*/")
            return f"{rng.randint(1, 99)} {operator} {rng.randint(1, 99)}"
        case "colour":
            return lexicon.made_up(rng)
        case _:
            return word


def phrase(rng: Random, lexicon: Lexicon) -> str:
    """A few words, such as a title or a message."""
    count = rng.choice((1, 2, 2, 3, 3, 4))
    words = [lexicon.draw(rng, rng.choice(("nouns", "others", "verbs"))) for _ in range(count)]
    if count > 2 and chance(rng, 0.5):  # noqa: PLR2004
        words[1] = rng.choice(("the", "and", "with", "my", "for"))
    text = " ".join(words)
    return text.capitalize() if chance(rng, 0.4) else text


def _distinct(rng: Random, draw: Any) -> list[str]:
    found: list[str] = []
    size = rng.choice((2, 2, 3, 3, 4))
    while len(found) < size:
        value = draw()
        if value not in found:
            found.append(value)
    return found


def spoken(value: Any) -> str:
    """*value* as a sentence has it."""
    if value is True:
        return "yes"
    if value is False:
        return "no"
    if isinstance(value, list):
        return join_spoken([str(item) for item in value])
    return str(value)


def join_spoken(items: list[str]) -> str:
    """`a`, `a and b` or `a, b and c`."""
    if len(items) < 2:  # noqa: PLR2004
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
