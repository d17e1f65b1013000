"""What every client is asked: the same question, the same tool, the same form of an answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

QUESTION = "What is the weather like in Paris?"
TWO_CITIES = "What is the weather like in Paris and Lyon?"
DESCRIPTION = "Get the current weather in a city"
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Name of the city"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_weather", "description": DESCRIPTION, "parameters": PARAMETERS},
}
FLAT_TOOL: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": DESCRIPTION,
    "parameters": PARAMETERS,
}
OTHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "Current time in a city",
        "parameters": PARAMETERS,
    },
}
TOO_LONG = "word " * 100_000  # over any context the demo model can have


class Place(BaseModel):
    """The form of a structured answer."""

    model_config = ConfigDict(extra="forbid")

    city: Annotated[str, Field(max_length=40)]  # a model this small may never end it
    size: Literal["small", "large"]
    capital: bool


class Weather:
    """The tool itself; it remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get(self, city: str) -> str:
        self.asked.append(city)
        return '{"temperature": 18, "condition": "sunny"}'
