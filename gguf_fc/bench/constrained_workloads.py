"""Replies that a grammar constrains: calls and structured answers, to their end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gguf_fc.bench import material
from gguf_fc.bench.bodies import (
    CALL_TOKENS,
    GREEDY,
    call_body,
    token_notes,
    user,
)
from gguf_fc.bench.client import Client, Json, TimedReply
from gguf_fc.bench.sample import Sample, Scene
from gguf_fc.errors import BenchError


def required_call(n_tools: int) -> Callable[[Scene], Awaitable[Sample]]:
    """Time to a complete call whose values stand in the question."""

    async def play(scene: Scene) -> Sample:
        tools = list(material.TOOLS[:n_tools])
        question = material.copied_question(scene.number)
        return await _whole_call(scene.client, call_body(tools, question))

    return play


async def form_call(scene: Scene) -> Sample:
    """Time to a complete call with ten arguments, enums and numbers only."""
    question = material.form_question(scene.number)
    return await _whole_call(scene.client, call_body([material.FORM], question))


async def auto_call(scene: Scene) -> Sample:
    """Time to the end of a reply that may call."""
    body = call_body(list(material.TOOLS[:5]), material.copied_question(scene.number))
    reply = await scene.client.ask({**body, "tool_choice": "auto"})
    return Sample(reply.seconds, {**token_notes(reply), "calls": len(reply.calls)})


async def _whole_call(client: Client, body: Json) -> Sample:
    reply = await client.ask(body)
    done = _first_call(reply)
    return Sample(done, {**token_notes(reply), "calls": len(reply.calls), "end": reply.seconds})


def _first_call(reply: TimedReply) -> float:
    """Time to the first complete call; a server may make more than the one required."""
    if reply.first_call is None:
        raise BenchError(
            "no call was made, though one was required: "
            f"finish_reason {reply.finish_reason}, text {reply.text[:60]!r}"
        )
    return reply.first_call


async def structured(scene: Scene) -> Sample:
    """Time to a complete answer with ten fixed keys."""
    return await _answer(scene, material.message_to_judge(scene.number), material.ANSWER)


async def form_answer(scene: Scene) -> Sample:
    """Time to a complete answer in the form of the call with ten arguments."""
    schema = {**material.FORM["function"]["parameters"], "additionalProperties": False}
    return await _answer(scene, material.form_question(scene.number), schema)


async def _answer(scene: Scene, question: str, schema: Json) -> Sample:
    named = {"name": "answer", "schema": schema, "strict": True}
    body = {
        **GREEDY,
        "messages": [user(question)],
        "response_format": {"type": "json_schema", "json_schema": named},
        "max_tokens": CALL_TOKENS,
    }
    reply = await scene.client.ask(body)
    if reply.finish_reason != "stop":
        raise BenchError(f"the structured answer was cut off: {reply.text[:60]!r}")
    return Sample(reply.seconds, token_notes(reply))
