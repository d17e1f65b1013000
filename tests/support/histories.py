"""Conversations as OpenAI's API allows them, and some that it does not but clients send."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

AWKWARD = (
    *("", " ", "Hi", "two\nlines\n", "\ttab", "Zoë 東京 😀", "a\ud800b", "\x00\x1b", "\u2028"),
    *("{% if x %}", "{{ y }}", "{# z #}", "<think>a</think>", "</think>", "<|im_end|>"),
    *("<tool_call>", "</tool_call>", "[TOOL_CALLS]", '{"name": "f"}', "```json\n{}\n```", "None"),
)
TEXTS = st.sampled_from(AWKWARD)
VALUES = st.sampled_from(
    ["", "Zoë", 'a"b\\c\nd', 1, -0.5, 10**20, True, None, [], [1, "x"], {}, {"k": {"l": None}}]
)
ARGUMENTS = st.dictionaries(st.sampled_from(["city", "n", "a b", "é"]), VALUES, max_size=3)
NAMES = st.sampled_from(["get_weather", "look", "a.b", "mcp__x__y"])


def _contents(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """A text as it is, or in parts."""
    part = st.builds(lambda value: {"type": "text", "text": value}, text)
    return text | st.lists(part, min_size=1, max_size=2)


@st.composite
def _arguments(draw: st.DrawFn) -> Any:
    """An object, its text, or its text as some clients leave it."""
    given = draw(ARGUMENTS)
    text = json.dumps(given, ensure_ascii=draw(st.booleans()))
    return draw(
        st.sampled_from(
            [
                *(given, text, text, text[:-1], f"```json\n{text}\n```", str(given)),
                *(f"{text}</tool_call>", text + text, f"run {text}", "null", "undefined", "[]", []),
            ]
        )
    )


@st.composite
def _rounds(draw: st.DrawFn) -> list[Json]:
    """Calls, in one message or several, and their results in any order."""
    calls = [
        {
            "id": draw(st.sampled_from([f"call_{n}", f"abcdefgh{n}", "same", None])),
            "type": "function",
            "function": {"name": draw(NAMES), "arguments": draw(_arguments())},
        }
        for n in range(draw(st.integers(1, 3)))
    ]
    split = draw(st.integers(0, len(calls) - 1)) or len(calls)
    said = {"role": "assistant", "content": draw(st.none() | _contents(TEXTS))}
    if draw(st.booleans()):
        said["reasoning_content"] = draw(TEXTS)
    turns: list[Json] = [{**said, "tool_calls": calls[:split]}]
    if calls[split:]:
        turns.append({"role": "assistant", "tool_calls": calls[split:]})
    results: list[Json] = [_result(draw, call) for call in draw(st.permutations(calls))]
    return turns + results[: draw(st.sampled_from([len(results), len(results), 0]))]


def _result(draw: st.DrawFn, call: Json) -> Json:
    result = {"role": "tool", "content": draw(_contents(TEXTS))}
    if call["id"] is not None and draw(st.integers(0, 3)):
        result["tool_call_id"] = call["id"]
    if draw(st.booleans()):
        result["name"] = call["function"]["name"]
    return result


@st.composite
def _turns(draw: st.DrawFn) -> list[Json]:
    kind = draw(st.sampled_from(["system", "user", "user", "assistant", "calls", "calls", "lost"]))
    content = draw(_contents(TEXTS))
    match kind:
        case "system":
            return [{"role": draw(st.sampled_from(["system", "developer"])), "content": content}]
        case "user":
            named = {"name": "ann"} if draw(st.booleans()) else {}
            return [{"role": "user", "content": content, **named}]
        case "assistant":
            said = draw(st.sampled_from(["content", "refusal", "reasoning_content"]))
            text = content if said == "content" else draw(TEXTS)
            return [{"role": "assistant", "content": None, said: text}]
        case "calls":
            return draw(_rounds())
        case _:
            return [{"role": "tool", "tool_call_id": "nobody", "content": content}]


def histories() -> st.SearchStrategy[list[Json]]:
    """Whole conversations, whoever begins them."""
    return st.lists(_turns(), min_size=1, max_size=6).map(
        lambda turns: [m for t in turns for m in t]
    )


def marked(messages: list[Json]) -> tuple[list[Json], list[str]]:
    """The messages of users and tools with a word of its own in each, and those words.

    A system message is left alone: some templates show it in the last turn of a user only.
    """
    numbers = count()
    words: list[str] = []

    def with_word(message: Json) -> Json:
        if message["role"] not in ("user", "tool"):
            return message
        words.append(f"word{next(numbers)}q")
        content = message["content"]
        if isinstance(content, str):
            return {**message, "content": content + words[-1]}
        return {**message, "content": [*content, {"type": "text", "text": words[-1]}]}

    return [with_word(message) for message in messages], words
