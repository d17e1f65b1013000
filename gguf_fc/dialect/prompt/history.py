"""Normalises a conversation to what a template accepts.

Clients send what OpenAI's API allows; templates accept less, each in its own way.  What a
template needs is found by rendering (``Needs``); what is done about it is decided here.

Theory of operation.  A conversation passes these steps, each a function over messages:

1. ``mended``: arguments become the text of a JSON object.
2. ``settled``: one system message at the beginning, later ones in their places; one turn of the
   assistant where several follow each other; every result behind its call, in the order of the
   calls, whatever it is keyed by; ids for all of them, each once; results of no call are something
   the user said; and a user.
3. ``alternating`` or ``plain``, for templates that accept less still.
4. ``values.normalised``: the values a template sees, with the fields, roles and ids it knows.

Every step keeps all the text there is.  Knows neither jinja2 nor the syntax of calls.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from gguf_fc.dialect.prompt.needs import Needs
from gguf_fc.dialect.prompt.repair import read_arguments
from gguf_fc.request import Message, Role, ToolCall

# What a call and a result are known by.
_Keys = tuple[Callable[[ToolCall], str | None], Callable[[Message], str | None]]


def mended(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages with arguments that are JSON objects."""
    return tuple(
        replace(
            message,
            tool_calls=tuple(
                replace(call, arguments=_dumped(read_arguments(call.arguments)[0]))
                for call in message.tool_calls
            ),
        )
        for message in messages
    )


def settled(messages: Sequence[Message], needs: Needs) -> list[Message]:
    """The conversation in the order and form every template can be given."""
    turns = _with_user(list(_with_results(_merged(_with_system(messages, needs)))))
    if needs.text_apart:
        turns = [part for turn in turns for part in _apart(turn)]
    elif needs.one_text:
        turns = [_with_one_text(turn) for turn in turns]
    return list(_one_call_each(turns)) if needs.one_call else turns


def alternating(
    messages: Sequence[Message], needs: Needs, *, calls_count: bool = False
) -> list[Message]:
    """The conversation so that user and assistant take turns.

    Calls and results stand apart from the turns; with *calls_count* calls are turns of the
    assistant and results the user's.  Turns of one role become one; where a turn is missing, an
    empty one is put in.
    """
    turns: list[Message] = []
    spoke: Role = "assistant"  # who spoke last
    for message in settled(messages, needs):
        last = turns[-1] if turns else None
        if last is not None and _joinable(last, message):
            turns[-1] = replace(last, content=_join(last.content, message.content))
            continue
        more_results = last is not None and last.role == message.role == "tool"
        speaker = None if more_results else _speaker(message, calls_count=calls_count)
        if speaker is not None and speaker == spoke:
            spoke = _other(speaker)
            turns.append(Message(role=spoke, content=""))
        if speaker is not None and (calls_count or not message.tool_calls):
            spoke = speaker
        turns.append(message)
    return turns


def _speaker(message: Message, *, calls_count: bool) -> Role | None:
    """Side of the conversation that *message* is a turn of; None if of neither."""
    if message.role == "tool":
        return "user" if calls_count else None
    return message.role if message.role in ("user", "assistant") else None


def _other(speaker: Role) -> Role:
    return "user" if speaker == "assistant" else "assistant"


def _joinable(last: Message, message: Message) -> bool:
    """True if two turns in a row are texts of one role."""
    calls = last.tool_calls or message.tool_calls
    return last.role == message.role and message.role in ("user", "assistant") and not calls


def plain(messages: Sequence[Message], needs: Needs) -> list[Message]:
    """The conversation as turns of text in which user and assistant alternate."""
    joined: list[Message] = []
    for message in _with_system(messages, replace(needs, late_system=False)):
        turn = message
        if message.role == "tool":
            turn = Message(role="user", content=message.content)
        if joined and joined[-1].role == turn.role:
            joined[-1] = replace(joined[-1], content=_join(joined[-1].content, turn.content))
        else:
            joined.append(replace(turn, tool_calls=()))
    at = 1 if joined and joined[0].role == "system" else 0
    if joined[at:] and joined[at].role != "user":
        joined.insert(at, Message(role="user", content=""))
    return _with_user(joined)


def _dumped(arguments: dict[str, Any]) -> str:
    return json.dumps(arguments, ensure_ascii=False)


def _with_system(messages: Sequence[Message], needs: Needs) -> list[Message]:
    """Merge the system messages at the beginning, into the first user message if need be.

    Later ones stay where they are, so that the prompt goes on from what the KV cache holds.
    """
    leading = list(takewhile(_is_system, messages))
    others = list(_with_late_system(messages[len(leading) :], needs))
    text = "\n\n".join(message.content for message in leading if message.content)
    if not text:
        return others
    if needs.system:
        return [Message(role="system", content=text), *others]
    if others and others[0].role == "user":
        return [replace(others[0], content=_join(text, others[0].content)), *others[1:]]
    return [Message(role="user", content=text), *others]


def _is_system(message: Message) -> bool:
    return message.role in ("system", "developer")


def _with_late_system(messages: Sequence[Message], needs: Needs) -> Iterator[Message]:
    """Make late system messages text of the user's next turn, where the template takes none."""
    held: list[str] = []
    for message in messages:
        if _is_system(message):
            if needs.late_system and message.content:
                yield replace(message, role="system")
            elif message.content:
                held.append(message.content)
            continue
        if held and message.role == "user":
            yield replace(message, content=_join("\n\n".join(held), message.content))
        else:
            yield from _as_user(held)
            yield message
        held = []
    yield from _as_user(held)


def _as_user(texts: Sequence[str]) -> Iterator[Message]:
    """A turn of the user with *texts*, if there are any."""
    if texts:
        yield Message(role="user", content="\n\n".join(texts))


def _join(first: str | None, second: str | None) -> str:
    return "\n\n".join(filter(None, (first, second)))


def _merged(messages: Sequence[Message]) -> Iterator[Message]:
    """Merge turns of the assistant that follow each other: clients send calls one by one."""
    held: Message | None = None
    for message in messages:
        if held is not None and message.role == "assistant":
            held = Message(
                role="assistant",
                content=_join(held.content, message.content),
                reasoning_content=_join(held.reasoning_content, message.reasoning_content),
                tool_calls=held.tool_calls + message.tool_calls,
                name=held.name or message.name,
            )
            continue
        if held is not None:
            yield held
        held = message if message.role == "assistant" else None
        if held is None:
            yield message
    if held is not None:
        yield held


def _with_user(messages: list[Message]) -> list[Message]:
    """Add an empty turn of the user where there is none: templates look for one."""
    if any(message.role == "user" for message in messages):
        return messages
    at = 1 if messages and messages[0].role == "system" else 0
    return [*messages[:at], Message(role="user", content=""), *messages[at:]]


def _apart(turn: Message) -> tuple[Message, ...]:
    """The text beside calls in a turn of its own, before them."""
    if not (turn.tool_calls and turn.content):
        return (turn,)
    calls = replace(turn, content=None, reasoning_content=None)
    return replace(turn, tool_calls=()), calls


def _with_one_text(message: Message) -> Message:
    """Move content beside a call into the reasoning, where there is both."""
    if not (message.tool_calls and message.content and message.reasoning_content):
        return message
    thought = _join(message.reasoning_content, message.content)
    return replace(message, content=None, reasoning_content=thought)


def _with_results(messages: Iterator[Message]) -> Iterator[Message]:
    """Give each call an id of its own and its result behind it; results of no call become text."""
    calls: tuple[ToolCall, ...] = ()
    ids: list[str] = []
    taken: set[str] = set()
    later: list[Message] = []  # what follows the calls, up to the next ones
    for message in messages:
        if not message.tool_calls:
            later.append(message)
            continue
        yield from _in_order(calls, ids, later)
        calls, later = message.tool_calls, []
        ids = [_own_id(call, taken) for call in calls]
        named = (replace(call, id=id_) for call, id_ in zip(calls, ids, strict=True))
        yield replace(message, tool_calls=tuple(named))
    yield from _in_order(calls, ids, later)


def _own_id(call: ToolCall, taken: set[str]) -> str:
    """The id of *call*, or one that no other call of the conversation has."""
    id_ = call.id if call.id and call.id not in taken else f"call_{len(taken)}"
    while id_ in taken:
        id_ += "_"
    taken.add(id_)
    return id_


def _in_order(
    calls: Sequence[ToolCall], ids: Sequence[str], later: Sequence[Message]
) -> Iterator[Message]:
    """Results of *calls* in the order of the calls, then everything else that follows them."""
    found = _matched(calls, later)
    for at in sorted(found, key=found.__getitem__):
        n = found[at]
        yield replace(later[at], tool_call_id=ids[n], name=later[at].name or calls[n].name)
    for at, message in enumerate(later):
        if message.role != "tool":
            yield message
        elif at not in found:
            yield Message(role="user", content=message.content)


def _matched(calls: Sequence[ToolCall], later: Sequence[Message]) -> dict[int, int]:
    """Index of each result in *later* -> index of its call: by id, else by name, else by order."""
    found: dict[int, int] = {}
    free = dict.fromkeys(range(len(calls)))  # calls without a result
    rounds: tuple[_Keys, ...] = (
        (lambda call: call.id, lambda result: result.tool_call_id),
        (lambda call: call.name, lambda result: result.name),
        (lambda _: "any", lambda _: "any"),
    )
    for key_of_call, key_of_result in rounds:
        waiting: defaultdict[str | None, deque[int]] = defaultdict(deque)
        for n in free:
            waiting[key_of_call(calls[n])].append(n)
        for at, message in enumerate(later):
            key = key_of_result(message)
            if message.role == "tool" and at not in found and key and waiting[key]:
                found[at] = waiting[key].popleft()
                del free[found[at]]
    return found


def _one_call_each(messages: Sequence[Message]) -> Iterator[Message]:
    """Split turns with several calls, each followed by its result."""
    at = 0
    while at < len(messages):
        message = messages[at]
        at += 1
        if len(message.tool_calls) <= 1:
            yield message
            continue
        results: dict[str | None, Message] = {}
        while at < len(messages) and messages[at].role == "tool":
            results[messages[at].tool_call_id] = messages[at]
            at += 1
        for n, call in enumerate(message.tool_calls):
            first = message if n == 0 else replace(message, content=None, reasoning_content=None)
            yield replace(first, tool_calls=(call,))
            if call.id in results:
                yield results[call.id]
