"""The named workloads, from one required call to a restart.

Each asks for the same work from any server and returns what it measured.  A server that does
something else, such as answering in words where a call is required, has failed: BenchError.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import pairwise
from math import inf
from statistics import mean, median
from time import perf_counter

from gguf_fc.bench import material
from gguf_fc.bench.client import Client, Json, TimedReply
from gguf_fc.bench.sample import Sample, Scene, Workload
from gguf_fc.errors import BenchError

GREEDY: Json = {"temperature": 0}
TURNS = 6
RUNNING = 3  # streams that run beside a long prompt
CALL_TOKENS = 400  # a call that is longer has gone wrong
PROMPT_OF_TOOLS = 900  # tokens, about what twenty tools take in a prompt
LEAST_PIECES = 3  # fewer say nothing about a rate


def _user(text: str) -> Json:
    return {"role": "user", "content": text}


def _call_body(tools: list[Json], question: str) -> Json:
    return {
        **GREEDY,
        "messages": [_user(question)],
        "tools": tools,
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_tokens": CALL_TOKENS,
    }


def _free(scene: Scene, text: str, number: int, tokens: int | None = None) -> Json:
    """Body of a free reply of so many tokens, sampled so that it does not repeat itself."""
    banned = {str(token): -100 for token in scene.end_tokens}
    return {
        "messages": [_user(text)],
        "temperature": 0.8,
        "top_p": 0.95,
        "seed": 1000 * scene.number + number,
        "max_tokens": tokens or scene.tokens,
        **({"logit_bias": banned} if banned else {}),
    }


def _prompt(reply: TimedReply) -> dict[str, float]:
    """Length of the prompt in tokens, as a note, where the server says it."""
    return {} if reply.prompt_tokens is None else {"prompt": reply.prompt_tokens}


def _tokens(reply: TimedReply) -> dict[str, float]:
    return {**_prompt(reply), "tokens": reply.completion_tokens}


async def _whole_call(client: Client, body: Json) -> Sample:
    reply = await client.ask(body)
    done = _first_call(reply)
    return Sample(done, {**_tokens(reply), "calls": len(reply.calls), "end": reply.seconds})


def _first_call(reply: TimedReply) -> float:
    """Time to the first complete call; a server may make more than the one required."""
    if reply.first_call is None:
        raise BenchError(
            "no call was made, though one was required: "
            f"finish_reason {reply.finish_reason}, text {reply.text[:60]!r}"
        )
    return reply.first_call


def required_call(n_tools: int) -> Callable[[Scene], Awaitable[Sample]]:
    """Time to a complete call whose values stand in the question."""

    async def play(scene: Scene) -> Sample:
        tools = list(material.TOOLS[:n_tools])
        question = material.copied_question(scene.number)
        return await _whole_call(scene.client, _call_body(tools, question))

    return play


async def form_call(scene: Scene) -> Sample:
    """Time to a complete call with ten arguments, enums and numbers only."""
    question = material.form_question(scene.number)
    return await _whole_call(scene.client, _call_body([material.FORM], question))


async def auto_call(scene: Scene) -> Sample:
    """Time to the end of a reply that may call."""
    body = _call_body(list(material.TOOLS[:5]), material.copied_question(scene.number))
    reply = await scene.client.ask({**body, "tool_choice": "auto"})
    return Sample(reply.seconds, {**_tokens(reply), "calls": len(reply.calls)})


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
        "messages": [_user(question)],
        "response_format": {"type": "json_schema", "json_schema": named},
        "max_tokens": CALL_TOKENS,
    }
    reply = await scene.client.ask(body)
    if reply.finish_reason != "stop":
        raise BenchError(f"the structured answer was cut off: {reply.text[:60]!r}")
    return Sample(reply.seconds, _tokens(reply))


def _rate(reply: TimedReply) -> float:
    """Tokens a second, from the first piece to the last."""
    if len(reply.moments) < LEAST_PIECES:
        raise BenchError(f"a reply of {len(reply.moments)} pieces has no rate")
    tokens = reply.completion_tokens - 1
    return tokens / (reply.moments[-1] - reply.moments[0])


async def chat(scene: Scene) -> Sample:
    """Tokens a second of one free reply."""
    question = material.TALK[scene.number % len(material.TALK)]
    reply = await scene.client.ask(_free(scene, question, 0))
    return Sample(_rate(reply), _tokens(reply))


def streams(count: int) -> Callable[[Scene], Awaitable[Sample]]:
    """Tokens a second of *count* concurrent free replies, summed."""

    async def play(scene: Scene) -> Sample:
        bodies = [
            _free(scene, f"{material.TALK[i % len(material.TALK)]} ({i})", i) for i in range(count)
        ]
        begun = perf_counter()
        replies = await asyncio.gather(*map(scene.client.ask, bodies))
        seconds = perf_counter() - begun
        tokens = sum(reply.completion_tokens for reply in replies)
        return Sample(tokens / seconds, {"tokens": tokens})

    return play


async def _talk(scene: Scene, more: Json, system: tuple[Json, ...] = ()) -> Sample:
    """Measure a free reply to a body with *more* fields and *system* messages."""
    body = _free(scene, material.TALK[scene.number % len(material.TALK)], 0)
    reply = await scene.client.ask({**body, **more, "messages": [*system, *body["messages"]]})
    if reply.calls:
        raise BenchError("the model called instead of talking; there is no rate of its text")
    return Sample(_rate(reply), _tokens(reply))


async def auto_text(scene: Scene) -> Sample:
    """Tokens a second of free text while twenty tools may be called."""
    return await _talk(scene, {"tools": list(material.TOOLS), "tool_choice": "auto"})


async def plain_text(scene: Scene) -> Sample:
    """The same beside a prompt of about that length without any tool."""
    system = material.words(int(PROMPT_OF_TOOLS * scene.words_per_token), 0)
    return await _talk(scene, {}, ({"role": "system", "content": system},))


async def agent_loop(scene: Scene) -> Sample:
    """Median time to the first piece of turns 2 to 6 of an agent loop: call, result, next turn."""
    messages: list[Json] = []
    firsts: list[float] = []
    beyond: list[float] = []  # tokens evaluated again that the turn before had, or had made
    known = calls = 0
    for turn in range(TURNS):
        messages += _next_messages(messages, scene.number, turn)
        body = {**_call_body(list(material.TOOLS[:5]), ""), "messages": messages}
        talk = {"tool_choice": "auto", "max_tokens": scene.tokens} if turn % 2 else {}
        reply = await scene.client.ask({**body, **talk})
        calls += len(reply.calls)
        if turn:
            firsts.append(reply.first)
            if reply.cached_tokens is not None:
                beyond.append(max(0, known - reply.cached_tokens))
        known = _known(reply)
        messages.append(reply.message)
    notes = {**_prompt(reply), "calls": calls}
    return Sample(median(firsts), {**notes, "read again": max(beyond)} if beyond else notes)


def _known(reply: TimedReply) -> int:
    """The tokens of a prompt and its reply that the next prompt begins with."""
    return (reply.prompt_tokens or 0) + (reply.completion_tokens if reply.is_repeated else 0)


def _next_messages(messages: list[Json], number: int, turn: int) -> list[Json]:
    """The results of the calls just made, or else the next question."""
    calls = messages[-1].get("tool_calls", ()) if messages else ()
    if not calls:
        return [_user(material.copied_question(number * TURNS + turn))]
    result = '{"status": "sent"}'
    return [{"role": "tool", "tool_call_id": call["id"], "content": result} for call in calls]


async def long_prompt(scene: Scene) -> Sample:
    """Median gap of running streams while a long prompt is read.

    Tokens cost more as streams grow longer, so the baseline is the gap without the prompt halfway:
    the mean of the one just before it came and the one just after it was read.
    """
    moments: list[list[float]] = [[] for _ in range(RUNNING)]
    running = [
        asyncio.create_task(scene.client.ask(_restless(scene, i), note=at.append))
        for i, at in enumerate(moments)
    ]
    try:
        await _pieces(scene.tokens // 2, moments, running)
        begun = perf_counter()
        text = material.words(scene.long_words, scene.number)
        reply = await scene.client.ask({**_free(scene, text, 9), "max_tokens": 1})
        ended = perf_counter()
        await _pieces(max(map(len, moments)) + scene.tokens // 2, moments, running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    notes = gaps_beside(moments, begun, ended)
    return Sample(notes.pop("gap"), {**_prompt(reply), "first token": reply.first, **notes})


def gaps_beside(moments: Sequence[Sequence[float]], begun: float, ended: float) -> dict[str, float]:
    """Gaps between pieces of streams from *begun* to *ended*, and their ratios to the baseline."""
    before = median(_gaps(moments, 0, begun))
    during = _gaps(moments, begun, ended)
    after = median(_gaps(moments, ended, inf))
    without = (before + after) / 2
    return {
        "gap": median(during),
        "gap before": before,
        "gap after": after,
        "times": median(during) / without,
        "times on average": mean(during) / without,
        "times the gap before": median(during) / before,
        "longest": max(during),
    }


def _restless(scene: Scene, number: int) -> Json:
    """Body of a long reply that hardly repeats itself: drafts fail, so that a piece is a token."""
    body = _free(scene, f"{material.TALK[number]} ({number})", number, tokens=scene.long_tokens)
    return {**body, "temperature": 1.5, "top_p": 1, "frequency_penalty": 2}


async def _pieces(
    count: int, moments: list[list[float]], running: list[asyncio.Task[TimedReply]]
) -> None:
    """Wait until each stream has brought so many pieces."""
    while min(map(len, moments)) < count:
        await asyncio.sleep(0.01)
        _raise_ended(running)


def _raise_ended(running: list[asyncio.Task[TimedReply]]) -> None:
    for task in running:
        if task.done():
            reply = task.result()
            raise BenchError(
                f"a stream ended after {reply.completion_tokens} tokens, before it was measured"
            )


def _gaps(moments: Sequence[Sequence[float]], begin: float, end: float) -> list[float]:
    """The gaps that end between *begin* and *end*."""
    gaps = [
        later - earlier for at in moments for earlier, later in pairwise(at) if begin < later <= end
    ]
    return gaps or [end - begin]  # not a single token came through


def _prefixed(scene: Scene, number: int, question: str) -> Json:
    """Body of a conversation that begins with a long system message and many tools."""
    count = 12
    each = max(1, scene.long_words // (count + 1))
    return {
        **GREEDY,
        "messages": [
            {"role": "system", "content": f"Number {number}. {material.words(each, number)}"},
            _user(question),
        ],
        "tools": material.long_tools(count, each, number),
        "max_tokens": 4,
    }


async def cold_prompt(scene: Scene) -> Sample:
    """Time to the first piece of the answer to a long prompt that is in no cache."""
    text = f"Text {scene.number}: {material.words(scene.long_words, scene.number)}"
    reply = await scene.client.ask({**_free(scene, text, 0), "max_tokens": 1})
    return Sample(reply.first, {**_prompt(reply), **_cached(reply)})


async def new_conversation(scene: Scene) -> Sample:
    """Time to the first piece of a new conversation whose system message and tools are known."""
    number = 100 + scene.number
    cold = await scene.client.ask(_prefixed(scene, number, "Who are you?"))
    warm = await scene.client.ask(_prefixed(scene, number, "What can you do?"))
    notes = {**_prompt(warm), "cold": cold.first, "cold / warm": cold.first / warm.first}
    return Sample(warm.first, {**notes, **_cached(warm)})


def _cached(reply: TimedReply) -> dict[str, float]:
    return {} if reply.cached_tokens is None else {"cached": reply.cached_tokens}


async def restart(scene: Scene) -> Sample:
    """Time to the first piece after a restart, with a long prefix read before it."""
    if scene.restart is None:
        raise BenchError("this server was not started by us, so it cannot be restarted")
    number = 500
    await scene.client.ask(_prefixed(scene, number, "Who are you?"))
    client = await scene.restart()
    reply = await client.ask(_prefixed(scene, number, "What can you do?"))
    return Sample(reply.first, {**_prompt(reply), **_cached(reply)})


WORKLOADS: Mapping[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload("call-1", "required call, 1 tool: to the complete call", "s", required_call(1)),
        Workload("call-3", "required call, 3 tools: to the complete call", "s", required_call(3)),
        Workload("call-5", "required call, 5 tools: to the complete call", "s", required_call(5)),
        Workload(
            "call-20", "required call, 20 tools: to the complete call", "s", required_call(20)
        ),
        Workload(
            "form", "required call, 10 enums and numbers: to the complete call", "s", form_call
        ),
        Workload("auto-call", "5 tools, tool_choice auto: to the end", "s", auto_call),
        Workload("structured", "answer with 10 fixed keys: to the end", "s", structured),
        Workload("form-answer", "answer with 10 enums and numbers: to the end", "s", form_answer),
        Workload("agent", "agent loop, turns 2 to 6: to the first piece", "s", agent_loop),
        Workload("chat", "plain chat, one stream", "tokens/s", chat),
        Workload("auto-text", "free text, 20 tools on offer", "tokens/s", auto_text),
        Workload("plain-text", "free text, as long a prompt, no tools", "tokens/s", plain_text),
        Workload("streams-1", "1 stream, with its prompt", "tokens/s", streams(1)),
        Workload("streams-2", "2 streams together", "tokens/s", streams(2)),
        Workload("streams-4", "4 streams together", "tokens/s", streams(4)),
        Workload("streams-8", "8 streams together", "tokens/s", streams(8)),
        Workload("streams-16", "16 streams together", "tokens/s", streams(16)),
        Workload("cold-prompt", "long new prompt: to the first piece", "s", cold_prompt),
        Workload("long-prompt", "gap of 3 streams beside a long prompt", "s", long_prompt),
        Workload(
            "new-chat",
            "new conversation, known long prefix: to the first piece",
            "s",
            new_conversation,
        ),
        Workload("restart", "first request after a restart, known long prefix", "s", restart),
    )
}
