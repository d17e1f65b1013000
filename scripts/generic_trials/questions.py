"""Questions with and without need for a tool, over several sets of tools; made from a seed.

A sentence is a template: ``{city}`` stands for one of the words of that kind.  What a call has to
hold is given by the same names, so a question and its right answer cannot come apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

Json = dict[str, Any]
Wanted = str | float | bool  # a text is to be contained, another value to be equal


@dataclass(frozen=True, slots=True)
class Question:
    """A user's text, the tools at hand, and the call that it needs: "" if none."""

    group: str
    text: str
    tools: tuple[Json, ...]
    tool: str
    arguments: Mapping[str, Wanted]

    @property
    def id(self) -> str:
        """A key that stays the same as long as the question does."""
        return f"{self.group}: {self.text}"


def _tool(name: str, description: str, required: int, /, **parameters: Json) -> Json:
    """An OpenAI tool; the first *required* of its parameters must be there."""
    schema = {
        "type": "object",
        "properties": parameters,
        "required": list(parameters)[:required],
    }
    function = {"name": name, "description": description, "parameters": schema}
    return {"type": "function", "function": function}


def _text(description: str, **more: Any) -> Json:
    return {"type": "string", "description": description, **more}


_NUMBER = {"type": "number"}
_WHOLE = {"type": "integer"}
_SWITCH = {"type": "boolean"}

TOOLS: dict[str, tuple[Json, ...]] = {
    "travel": (
        _tool(
            "get_weather",
            "Get the current weather of a city",
            1,
            city=_text("Name of the city"),
            unit=_text("Unit of the temperature", enum=["celsius", "fahrenheit"]),
        ),
        _tool("get_local_time", "Get the time in a city", 1, city=_text("Name of the city")),
        _tool(
            "convert_currency",
            "Convert an amount of money at today's rate",
            3,
            amount=_NUMBER,
            source=_text("Currency code, such as USD"),
            target=_text("Currency code, such as EUR"),
        ),
    ),
    "home": (
        _tool("set_light", "Switch a room's light", 2, room=_text("The room"), on=_SWITCH),
        _tool("set_temperature", "Heat a room", 2, room=_text("The room"), degrees=_NUMBER),
        _tool("lock_door", "Lock a door", 1, door=_text("The door", enum=["front", "back"])),
    ),
    "office": (
        _tool(
            "send_email",
            "Send an email",
            2,
            to=_text("Address of who gets it"),
            subject=_text("Subject"),
            body=_text("Text"),
        ),
        _tool(
            "create_event",
            "Put an event into the calendar",
            2,
            title=_text("What it is"),
            day=_text("The day of the week"),
        ),
        _tool("find_contact", "Look up a person's phone number", 1, name=_text("The person")),
    ),
    "files": (
        _tool("read_file", "Read a file and return its text", 1, path=_text("Path of the file")),
        _tool("list_folder", "List the files in a folder", 1, path=_text("Path of the folder")),
        _tool(
            "search_text",
            "Find the lines of a folder's files that contain a text",
            1,
            text=_text("What to look for"),
            folder=_text("Where to look"),
        ),
    ),
    "calculator": (
        _tool("calculate", "Work out an arithmetic expression", 1, expression=_text("2 * (3 + 4)")),
    ),
    "shop": (
        _tool("search_products", "Search the shop", 1, query=_text("What for"), max_price=_NUMBER),
        _tool("order_status", "Say where an order is", 1, order_id=_text("Such as A-1234")),
        _tool(
            "add_to_cart",
            "Put a product into the shopping cart",
            2,
            product=_text("The product"),
            quantity=_WHOLE,
        ),
    ),
}

# What a sentence needs: a set of tools, the sentence, the tool, and arguments.
_NEEDING: tuple[tuple[str, str, str, Json], ...] = (
    ("travel", "What is the weather like in {city} right now?", "get_weather", {"city": "{city}"}),
    ("travel", "Is it raining in {city}?", "get_weather", {"city": "{city}"}),
    ("travel", "Do I need a coat in {city} today?", "get_weather", {"city": "{city}"}),
    (
        "travel",
        "How warm is it in {city}, in fahrenheit?",
        "get_weather",
        {"city": "{city}", "unit": "fahrenheit"},
    ),
    ("travel", "What time is it in {city}?", "get_local_time", {"city": "{city}"}),
    ("travel", "Tell me the current time in {city}.", "get_local_time", {"city": "{city}"}),
    (
        "travel",
        "How much are {n} {currency} in {other}?",
        "convert_currency",
        {"amount": "{n}", "source": "{currency}", "target": "{other}"},
    ),
    (
        "travel",
        "Convert {n} {currency} to {other}, please.",
        "convert_currency",
        {"amount": "{n}", "source": "{currency}", "target": "{other}"},
    ),
    ("home", "Turn on the light in the {room}.", "set_light", {"room": "{room}", "on": True}),
    ("home", "Switch off the {room} light, please.", "set_light", {"room": "{room}", "on": False}),
    ("home", "It is dark in the {room}.", "set_light", {"room": "{room}", "on": True}),
    (
        "home",
        "Set the {room} to {n} degrees.",
        "set_temperature",
        {"room": "{room}", "degrees": "{n}"},
    ),
    (
        "home",
        "I want it to be {n} degrees in the {room}.",
        "set_temperature",
        {"room": "{room}", "degrees": "{n}"},
    ),
    ("home", "Heat the {room} to {n}.", "set_temperature", {"room": "{room}", "degrees": "{n}"}),
    ("home", "Lock the {door} door.", "lock_door", {"door": "{door}"}),
    ("home", "Please make sure that the {door} door is locked.", "lock_door", {"door": "{door}"}),
    (
        "office",
        "Send an email to {address} and say that I will be late.",
        "send_email",
        {"to": "{address}"},
    ),
    ("office", "Write to {address}: the meeting is over.", "send_email", {"to": "{address}"}),
    ("office", "Email {address} about lunch.", "send_email", {"to": "{address}"}),
    (
        "office",
        "Put '{event}' into my calendar for {day}.",
        "create_event",
        {"title": "{event}", "day": "{day}"},
    ),
    (
        "office",
        "Plan a {event} on {day}.",
        "create_event",
        {"title": "{event}", "day": "{day}"},
    ),
    (
        "office",
        "Remind me of the {event} on {day}.",
        "create_event",
        {"title": "{event}", "day": "{day}"},
    ),
    ("office", "What is {name}'s phone number?", "find_contact", {"name": "{name}"}),
    ("office", "How can I reach {name} by phone?", "find_contact", {"name": "{name}"}),
    ("files", "Read {path} to me.", "read_file", {"path": "{path}"}),
    ("files", "What does the file {path} say?", "read_file", {"path": "{path}"}),
    ("files", "Show me what is in {path}.", "read_file", {"path": "{path}"}),
    ("files", "Which files are in the folder {folder}?", "list_folder", {"path": "{folder}"}),
    ("files", "List everything in {folder}.", "list_folder", {"path": "{folder}"}),
    ("files", "What is there in the directory {folder}?", "list_folder", {"path": "{folder}"}),
    ("files", "Find the word '{word}' in my files.", "search_text", {"text": "{word}"}),
    (
        "files",
        "Search {folder} for '{word}'.",
        "search_text",
        {"text": "{word}", "folder": "{folder}"},
    ),
    ("calculator", "What is {n} times {m}?", "calculate", {"expression": "{n}"}),
    ("calculator", "Calculate {n} + {m}.", "calculate", {"expression": "{n}"}),
    ("calculator", "How much is {n} minus {m}?", "calculate", {"expression": "{n}"}),
    ("calculator", "Divide {n} by {m}.", "calculate", {"expression": "{n}"}),
    (
        "calculator",
        "How many pens are in {n} boxes of {m}?",
        "calculate",
        {"expression": "{n}"},
    ),
    ("calculator", "What is the square root of {n}?", "calculate", {"expression": "{n}"}),
    ("calculator", "Work out ({n} + {m}) * 3.", "calculate", {"expression": "{n}"}),
    ("calculator", "What is {m} percent of {n}?", "calculate", {"expression": "{n}"}),
    ("shop", "I am looking for a {product}.", "search_products", {"query": "{product}"}),
    ("shop", "Do you have a {product}?", "search_products", {"query": "{product}"}),
    (
        "shop",
        "Find me a {product} for less than {n} dollars.",
        "search_products",
        {"query": "{product}", "max_price": "{n}"},
    ),
    ("shop", "Where is my order {order}?", "order_status", {"order_id": "{order}"}),
    ("shop", "When will order {order} arrive?", "order_status", {"order_id": "{order}"}),
    ("shop", "What is the status of {order}?", "order_status", {"order_id": "{order}"}),
    (
        "shop",
        "Put {few} of the {product} into my cart.",
        "add_to_cart",
        {"product": "{product}", "quantity": "{few}"},
    ),
    (
        "shop",
        "I want to buy {few} times the {product}.",
        "add_to_cart",
        {"product": "{product}", "quantity": "{few}"},
    ),
)
_NOT_NEEDING: tuple[tuple[str, str], ...] = (
    ("travel", "Hello! How are you?"),
    ("travel", "What is the capital of {country}?"),
    ("travel", "Write a short poem about the sea."),
    ("travel", "What language do they speak in {country}?"),
    ("home", "Good morning!"),
    ("home", "Tell me a joke about a {animal}."),
    ("home", "Why do people like candles?"),
    ("home", "Thank you, that is all."),
    ("office", "What is your name?"),
    ("office", "How do I write a polite letter?"),
    ("office", "What does the word 'agenda' mean?"),
    ("office", "Is it better to work in the morning or in the evening?"),
    ("files", "Hi there!"),
    ("files", "What is a text file?"),
    ("files", "Who invented the computer?"),
    ("files", "Give me a name for my {animal}."),
    ("calculator", "Why is mathematics useful?"),
    ("calculator", "Who was Isaac Newton?"),
    ("calculator", "Translate 'good night' to French."),
    ("calculator", "Thanks a lot!"),
    ("shop", "What is a {animal}?"),
    ("shop", "How do I take care of leather shoes?"),
    ("shop", "Nice to meet you."),
    ("shop", "What colour is the sky?"),
)
_WORDS: dict[str, tuple[str, ...]] = {
    "city": ("Paris", "Tokyo", "Cairo", "Lima", "Oslo", "Boston", "Nairobi", "Zurich"),
    "currency": ("USD", "CHF"),
    "other": ("EUR", "JPY"),
    "room": ("kitchen", "bedroom", "bathroom", "office", "garage"),
    "door": ("front", "back"),
    "address": ("ann@example.com", "bob@example.org", "team@example.net"),
    "event": ("dentist appointment", "team meeting", "birthday party", "piano lesson"),
    "day": ("Monday", "Tuesday", "Friday", "Sunday"),
    "name": ("Maria", "Peter Smith", "Dr. Jones", "Aisha"),
    "path": ("notes.txt", "/etc/hosts", "src/main.py", "README.md"),
    "folder": ("/home/ann", "src", "/var/log", "documents"),
    "word": ("invoice", "password", "holiday", "TODO"),
    "product": ("red jacket", "coffee machine", "wooden table", "tennis racket"),
    "order": ("A-1042", "B-7731", "C-9004"),
    "country": ("France", "Japan", "Egypt", "Brazil"),
    "animal": ("cat", "parrot", "horse", "turtle"),
    "few": ("2", "3", "4", "5"),
}


def questions(seed: int) -> list[Question]:
    """All questions: those that need a tool, then those that do not."""
    yes, no = (Random(f"{seed} {kind}") for kind in ("yes", "no"))  # noqa: S311  nothing secret
    return [*_needing(yes), *_not_needing(no)]


def _needing(random: Random) -> Iterator[Question]:
    for group, sentence, tool, wanted in _NEEDING:
        words = _chosen(random)
        arguments = {key: _value(value, words) for key, value in wanted.items()}
        yield Question(group, sentence.format(**words), TOOLS[group], tool, arguments)


def _not_needing(random: Random) -> Iterator[Question]:
    for group, sentence in _NOT_NEEDING:
        yield Question(group, sentence.format(**_chosen(random)), TOOLS[group], "", {})


def _chosen(random: Random) -> dict[str, str]:
    words = {kind: random.choice(words) for kind, words in _WORDS.items()}
    return {**words, "n": str(random.randrange(15, 100)), "m": str(random.randrange(3, 15))}


def _value(value: Any, words: dict[str, str]) -> Wanted:
    """An argument: numbers where the word is one and stands alone, as ``{n}`` does."""
    if isinstance(value, bool):
        return value
    text: str = value.format(**words)
    return float(text) if value in ("{few}", "{n}") else text
