#!/usr/bin/env python3
"""Print how many decode steps a call takes, against the tokens it has.

    scripts/measure_forced_tokens.py [--choice auto] [MODEL]

The call is required; with ``--choice auto`` the model decides.  MODEL is anything `gguf-fc serve`
takes; without it, the demo model.  For figures on realistic work make the ballast model first
(`scripts/make_bench_model.py`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import urllib.request
from typing import Any

import repository  # noqa: F401 - finds the code and the packages

QUESTIONS = (
    "What is the weather like in Paris?",
    "What is the weather like in Paris and Lyon?",
    "Tell me the weather in Berlin tomorrow, please.",
)
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather in a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Name of the city"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "unit"],
        },
    },
}


def main(arguments: list[str], choice: str) -> None:
    """Serve the model on one thread, ask each question, print the figures."""
    command = [
        sys.executable,
        "-m",
        "gguf_fc",
        "serve",
        *arguments,
        "--port",
        "0",
        "--threads",
        "1",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = next(line.split()[1] for line in server.stdout if line.startswith("url"))
            measure(url, choice)
        finally:
            server.terminate()


def measure(url: str, choice: str) -> None:
    """Print a line for each question and one for all."""
    tokens = steps = 0
    for question in QUESTIONS:
        started = time.perf_counter()
        reply = ask(url, question, choice)
        seconds = time.perf_counter() - started
        n_tokens = reply["usage"]["completion_tokens"]
        n_steps = reply["timings"]["decode_steps"]
        tokens, steps = tokens + n_tokens, steps + n_steps
        calls = [
            call["function"]["arguments"]
            for call in reply["choices"][0]["message"].get("tool_calls") or ()
        ]
        print(f"{n_tokens:4} tokens  {n_steps:4} decode steps  {seconds:6.2f} s  {' '.join(calls)}")
    print(f"{tokens:4} tokens  {steps:4} decode steps: {tokens / steps:.2f} times fewer steps")


def ask(url: str, question: str, choice: str) -> dict[str, Any]:
    """One reply."""
    body = {
        "messages": [{"role": "user", "content": question}],
        "tools": [WEATHER],
        "tool_choice": choice,
        "temperature": 0,
    }
    request = urllib.request.Request(  # noqa: S310  # our own server
        f"{url}/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        reply: dict[str, Any] = json.load(response)
    return reply


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--choice", default="required", choices=["required", "auto"])
    known, others = parser.parse_known_args()
    main(others, known.choice)
