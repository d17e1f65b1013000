"""Prompts: time to the first piece, where the server has read much of them before or nothing."""

from __future__ import annotations

from statistics import median

from gguf_fc.bench import material
from gguf_fc.bench.bodies import (
    GREEDY,
    cached_note,
    call_body,
    free_body,
    prompt_note,
    user,
)
from gguf_fc.bench.client import Json, TimedReply
from gguf_fc.bench.sample import Sample, Scene
from gguf_fc.errors import BenchError

TURNS = 6


async def agent_loop(scene: Scene) -> Sample:
    """Median time to the first piece of turns 2 to 6 of an agent loop: call, result, next turn."""
    messages: list[Json] = []
    firsts: list[float] = []
    beyond: list[float] = []  # tokens evaluated again that the turn before had, or had made
    known = calls = 0
    for turn in range(TURNS):
        messages += _next_messages(messages, scene.number, turn)
        body = {**call_body(list(material.TOOLS[:5]), ""), "messages": messages}
        talk = {"tool_choice": "auto", "max_tokens": scene.tokens} if turn % 2 else {}
        reply = await scene.client.ask({**body, **talk})
        calls += len(reply.calls)
        if turn:
            firsts.append(reply.first)
            if reply.cached_tokens is not None:
                beyond.append(max(0, known - reply.cached_tokens))
        known = _known(reply)
        messages.append(reply.message)
    notes = {**prompt_note(reply), "calls": calls}
    return Sample(median(firsts), {**notes, "read again": max(beyond)} if beyond else notes)


def _known(reply: TimedReply) -> int:
    """The tokens of a prompt and its reply that the next prompt begins with."""
    return (reply.prompt_tokens or 0) + (reply.completion_tokens if reply.is_repeated else 0)


def _next_messages(messages: list[Json], number: int, turn: int) -> list[Json]:
    """The results of the calls just made, or else the next question."""
    calls = messages[-1].get("tool_calls", ()) if messages else ()
    if not calls:
        return [user(material.copied_question(number * TURNS + turn))]
    result = '{"status": "sent"}'
    return [{"role": "tool", "tool_call_id": call["id"], "content": result} for call in calls]


async def cold_prompt(scene: Scene) -> Sample:
    """Time to the first piece of the answer to a long prompt that is in no cache."""
    text = f"Text {scene.number}: {material.words(scene.long_words, scene.number)}"
    reply = await scene.client.ask({**free_body(scene, text, 0), "max_tokens": 1})
    return Sample(reply.first, {**prompt_note(reply), **cached_note(reply)})


async def new_conversation(scene: Scene) -> Sample:
    """Time to the first piece of a new conversation whose system message and tools are known."""
    number = 100 + scene.number
    cold = await scene.client.ask(_prefixed(scene, number, "Who are you?"))
    warm = await scene.client.ask(_prefixed(scene, number, "What can you do?"))
    notes = {**prompt_note(warm), "cold": cold.first, "cold / warm": cold.first / warm.first}
    return Sample(warm.first, {**notes, **cached_note(warm)})


async def restart(scene: Scene) -> Sample:
    """Time to the first piece after a restart, with a long prefix read before it."""
    if scene.restart is None:
        raise BenchError("this server was not started by us, so it cannot be restarted")
    number = 500
    await scene.client.ask(_prefixed(scene, number, "Who are you?"))
    client = await scene.restart()
    reply = await client.ask(_prefixed(scene, number, "What can you do?"))
    return Sample(reply.first, {**prompt_note(reply), **cached_note(reply)})


def _prefixed(scene: Scene, number: int, question: str) -> Json:
    """Body of a conversation that begins with a long system message and many tools."""
    count = 12
    each = max(1, scene.long_words // (count + 1))
    return {
        **GREEDY,
        "messages": [
            {"role": "system", "content": f"Number {number}. {material.words(each, number)}"},
            user(question),
        ],
        "tools": material.long_tools(count, each, number),
        "max_tokens": 4,
    }
