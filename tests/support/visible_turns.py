"""Conversations whose every text is a word of its own, in the order in which it is said."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages, and the words they say: those of the system anywhere, the others in order."""

    name: str
    messages: list[Json]
    words: list[str]  # each call before all results
    in_turn: list[
        str
    ]  # ... or each call before its own, as templates with one call in a turn have it
    system: list[str]


def _call(n: int, *, at: str) -> Json:
    arguments = {f"zqkey{at}{n}": f"zqvalue{at}{n}"}
    function = {"name": f"zqcall{n}", "arguments": json.dumps(arguments)}
    return {"id": f"call_{at}{n}", "type": "function", "function": function}


def _round(at: str, calls: int, *, text: bool, swapped: bool) -> tuple[list[Json], list[str]]:
    """A turn with calls and their results, and its words."""
    said = {"role": "assistant", "content": f"zqsaid{at}" if text else None}
    results = [
        {"role": "tool", "tool_call_id": f"call_{at}{n}", "content": f"zqresult{at}{n}"}
        for n in range(calls)
    ]
    words = [f"zqsaid{at}"] * text
    for n in range(calls):
        words += [f"zqcall{n}", f"zqkey{at}{n}", f"zqvalue{at}{n}"]
    words += [result["content"] for result in results]
    turn = {**said, "tool_calls": [_call(n, at=at) for n in range(calls)]}
    return [turn, *(reversed(results) if swapped else results)], words


def _in_turn(words: list[str]) -> list[str]:
    """The words with each result behind its call."""
    results = {word.removeprefix("zqresult") for word in words if word.startswith("zqresult")}
    found = []
    for word in words:
        if word.startswith("zqresult"):
            continue
        found.append(word)
        if (at := word.removeprefix("zqvalue")) in results:
            found.append(f"zqresult{at}")
    return found


def _text_last(words: list[str]) -> list[str]:
    """The words with text beside calls behind them, as some models write it."""
    found, held = [], list[str]()
    for word in words:
        if word.startswith("zqsaid"):
            held.append(word)
            continue
        if not word.startswith(("zqcall", "zqkey", "zqvalue")):
            found += held
            held = []
        found.append(word)
    return found + held


def conversations() -> list[Conversation]:
    """Conversations with each kind of turn beside each other."""
    found = []
    for system, calls, text, ending in product(
        (True, False), (0, 1, 2), (True, False), ("result", "user", "answer", "again")
    ):
        if not calls and (text or ending != "answer"):
            continue
        messages: list[Json] = [{"role": "user", "content": "zquserone"}]
        words = ["zquserone"]
        if calls:
            turns, said = _round("a", calls, text=text, swapped=calls > 1)
            messages, words = messages + turns, words + said
        if ending == "answer":
            messages.append({"role": "assistant", "content": "zqanswer"})
            words.append("zqanswer")
        if ending == "again":
            turns, said = _round("b", calls, text=not text, swapped=False)
            messages, words = messages + turns, words + said
        if ending != "result":
            messages.append({"role": "user", "content": "zqusertwo"})
            words.append("zqusertwo")
        if system:
            messages.insert(0, {"role": "system", "content": "zqsystem"})
        name = f"{'system, ' * system}{calls} calls{' and text' * text}, then {ending}"
        found.append(Conversation(name, messages, words, _in_turn(words), ["zqsystem"] * system))
    return found


TOOLS: list[Json] = [
    {
        "type": "function",
        "function": {
            "name": f"zqcall{n}",
            "description": "Does it.",
            "parameters": {
                "type": "object",
                "properties": {f"zqkey{at}{n}": {"type": "string"} for at in "ab"},
            },
        },
    }
    for n in range(2)
]


def lost(prompt: str, conversation: Conversation) -> list[str]:
    """Words of the conversation that do not stand in *prompt*, or not in their order."""
    text = prompt.casefold()  # some templates change the case of texts
    missing = [word for word in conversation.system if word not in text]
    orders = [conversation.words, conversation.in_turn]
    orders += [_text_last(words) for words in orders]
    return missing + min((_out_of_order(text, words) for words in orders), key=len)


def _out_of_order(text: str, words: list[str]) -> list[str]:
    """Read backwards, because tools, whose names calls have too, stand before what is said."""
    missing, end = [], len(text)
    for word in reversed(words):
        at = text.rfind(word, 0, end)
        if at < 0:
            missing.append(word)
        else:
            end = at
    return missing
