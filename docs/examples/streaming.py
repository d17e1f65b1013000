"""A reply as it is written: words as they come, calls put together from their pieces.

A call opens with its id and name; later pieces carry only more of its arguments.  The last chunk
with a choice says how the reply ended; the one after it has the usage.
"""

from __future__ import annotations

import sys
from typing import Any

from openai import OpenAI

BASE_URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1"
TOOL: Any = {
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

stream = OpenAI(base_url=BASE_URL, api_key="none").chat.completions.create(
    model="default",
    messages=[{"role": "user", "content": "What is the weather like in Paris and Lyon?"}],
    tools=[TOOL],
    temperature=0,
    stream=True,
    stream_options={"include_usage": True},
)
names: dict[int, str] = {}
arguments: dict[int, str] = {}
for chunk in stream:
    if chunk.usage:
        print("counted", chunk.usage.total_tokens > 0)
    for choice in chunk.choices:
        if choice.delta.content:
            print(choice.delta.content, end="", flush=True)
        for piece in choice.delta.tool_calls or ():
            function: Any = piece.function
            names.setdefault(piece.index, function.name)
            arguments[piece.index] = arguments.get(piece.index, "") + function.arguments
        if choice.finish_reason:
            print("ended with", choice.finish_reason)
for index, name in names.items():
    print(name, arguments[index])
