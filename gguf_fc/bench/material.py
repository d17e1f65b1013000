"""Material of the workloads: tools, questions, schemas and filler.  Data, no behaviour.

Questions differ from round to round, so that no server answers one from its prompt cache.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

PEOPLE = ("Anna", "Boris", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Irina", "Jonas")
PLACES = ("Paris", "Lyon", "Berlin", "Madrid", "Oslo", "Prague", "Rome", "Vienna", "Athens", "Cork")
TOPICS = (
    "minutes of the garden committee meeting",
    "new opening hours of the public library",
    "repair of the heating in the school hall",
    "list of guests for the summer festival",
    "budget of the music club for next year",
)
TALK = (
    "Tell me about yourself.",
    "What can you do for me?",
    "How do you work?",
    "Tell me a long story about a dog.",
    "What do you think about the sea?",
    "Why is the sky blue?",
    "Write a poem about a mountain.",
    "Explain how a car works.",
)
FILLER = "station market garden window music summer river paper school dinner family winter".split()  # noqa: SIM905 - a list of words is read as text


def _tool(name: str, about: str, required: Json, optional: Json | None = None) -> Json:
    properties = {**required, **(optional or {})}
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    function = {"name": name, "description": about, "parameters": parameters}
    return {"type": "function", "function": function}


def _text(about: str) -> Json:
    return {"type": "string", "description": about}


def _number(low: int, high: int) -> Json:
    return {"type": "integer", "minimum": low, "maximum": high}


def _one_of(*options: str) -> Json:
    return {"type": "string", "enum": list(options)}


SEND_EMAIL = _tool(
    "send_email",
    "Send an email",
    {"to": _text("The address"), "subject": _text("The subject")},
)
TOOLS: tuple[Json, ...] = (
    SEND_EMAIL,
    _tool(
        "get_weather",
        "Current weather for a city",
        {"city": _text("The city")},
        {"unit": _one_of("celsius", "fahrenheit")},
    ),
    _tool(
        "find_train",
        "Find trains between two cities",
        {"from": _text("The city of departure"), "to": _text("The city of arrival")},
    ),
    _tool("set_timer", "Start a timer", {"minutes": _number(1, 180)}),
    _tool("play_music", "Play a song", {"song": _text("Its title")}, {"artist": _text("By whom")}),
    _tool("translate", "Translate a text", {"text": _text("It"), "language": _text("Into which")}),
    _tool("search_web", "Search the web", {"query": _text("What to search for")}),
    _tool("add_task", "Add a task to the list", {"title": _text("What to do")}),
    _tool("list_events", "Events of a day", {"date": _text("The day, as YYYY-MM-DD")}),
    _tool("set_light", "Switch a light", {"room": _text("Which"), "state": _one_of("on", "off")}),
    _tool("get_stock", "Price of a stock", {"symbol": _text("Its symbol")}),
    _tool("book_table", "Reserve a table", {"guests": _number(1, 12), "time": _text("As HH:MM")}),
    _tool("read_file", "Read a file", {"path": _text("Its path")}),
    _tool("write_file", "Write a file", {"path": _text("Its path"), "text": _text("What")}),
    _tool("run_tests", "Run the tests of a project", {"folder": _text("Where")}),
    _tool("get_order", "Status of an order", {"order_id": _text("Its number")}),
    _tool("convert", "Convert money", {"amount": {"type": "number"}, "currency": _text("Into")}),
    _tool("call_taxi", "Order a taxi", {"destination": _text("Where to")}),
    _tool("take_note", "Save a note", {"text": _text("The note")}),
    _tool("get_news", "Latest news about a topic", {"topic": _text("Which")}),
)

FORM = _tool(
    "configure_sensor",
    "Configure a sensor of the house",
    {
        "kind": _one_of("temperature", "humidity", "pressure", "brightness"),
        "unit": _one_of("celsius", "fahrenheit", "percent", "pascal", "lux"),
        "room": _one_of("kitchen", "bedroom", "bathroom", "office", "garage"),
        "interval_seconds": _number(10, 99),
        "lower_limit": _number(10, 99),
        "upper_limit": _number(10, 99),
        "precision": _number(1, 9),
        "power_mode": _one_of("battery", "mains", "solar"),
        "report_to": _one_of("display", "phone", "server"),
        "alarm_level": _one_of("none", "warning", "critical"),
    },
)

ANSWER: Json = {
    "type": "object",
    "properties": {
        "category": _one_of("question", "complaint", "praise", "order", "other"),
        "language": _one_of("English", "French", "German", "Spanish", "other"),
        "sentiment": _one_of("positive", "neutral", "negative"),
        "urgency": _one_of("low", "normal", "high"),
        "department": _one_of("sales", "support", "billing", "shipping"),
        "confidence_percent": _number(10, 99),
        "words_in_message": _number(10, 99),
        "needs_reply": {"type": "boolean"},
        "contains_personal_data": {"type": "boolean"},
        "suggested_priority": _number(1, 5),
    },
    "additionalProperties": False,
}
ANSWER["required"] = list(ANSWER["properties"])


def copied_question(number: int) -> str:
    """A question whose values a call of ``send_email`` copies."""
    person, topic = PEOPLE[number % len(PEOPLE)], TOPICS[number % len(TOPICS)]
    place = PLACES[(number // len(PEOPLE)) % len(PLACES)]
    return f'Send an email to {person.lower()}.{place.lower()}@example.org about "{topic}".'


def form_question(number: int) -> str:
    """A question that a call of ``configure_sensor`` answers."""
    return f"Configure the temperature sensor of the kitchen: every {20 + number} seconds."


def message_to_judge(number: int) -> str:
    """A message to be judged in the form of ``ANSWER``."""
    person = PEOPLE[number % len(PEOPLE)]
    return f"Judge this message of {person}: my order {4100 + number} has not arrived yet."


def words(count: int, number: int) -> str:
    """Filler of *count* words; texts of different *number* differ from their first word on."""
    step = 1 + number % 5
    start = number % len(FILLER)
    return " ".join(FILLER[(start + i * step) % len(FILLER)] for i in range(count))


def long_tools(count: int, words_each: int, number: int) -> list[Json]:
    """Make *count* tools whose descriptions have *words_each* words."""
    return [
        _tool(
            f"{tool['function']['name']}_{number}_{index}",
            words(words_each, number + index),
            tool["function"]["parameters"]["properties"],
        )
        for index in range(count)
        for tool in (TOOLS[index % len(TOOLS)],)
    ]
