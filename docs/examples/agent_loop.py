"""An agent: the model calls tools, the results go back, until it answers in words.

Every call fits its schema, so arguments are parsed without a safety net.  A failing tool tells the
model so, as the result of the call: it may try again, or say it in words.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from openai import OpenAI

BASE_URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
MOST_TURNS = 5
FORECASTS = {
    "Paris": {"temperature": 18, "condition": "sunny"},
    "Lyon": {"temperature": 21, "condition": "cloudy"},
}


def get_weather(city: str) -> dict[str, Any]:
    """The weather of a city; KeyError of one that is not known."""
    return FORECASTS[city]


TOOLS: dict[str, Callable[..., Any]] = {"get_weather": get_weather}
SCHEMAS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get the current weather in a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


def result(name: str, arguments: str) -> str:
    """The result of a call as text; a failure is a result too."""
    try:
        return json.dumps(TOOLS[name](**json.loads(arguments)))
    except LookupError as error:
        return json.dumps({"error": f"not found: {error}"})


def run(client: OpenAI, question: str) -> str | None:
    """The model's answer to *question*, after as many calls as it makes."""
    messages: list[Any] = [{"role": "user", "content": question}]
    for _ in range(MOST_TURNS):
        reply = client.chat.completions.create(
            model="default", messages=messages, tools=SCHEMAS, temperature=0
        )
        message: Any = reply.choices[0].message
        if not message.tool_calls:
            return str(message.content)
        messages.append(message)
        for call in message.tool_calls:
            print("called", call.function.name, call.function.arguments)
            content = result(call.function.name, call.function.arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    return None


if __name__ == "__main__":
    print(
        run(
            OpenAI(base_url=BASE_URL, api_key="none"),
            "What is the weather like in Paris and Lyon?",
        )
    )
