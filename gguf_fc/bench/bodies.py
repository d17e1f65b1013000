"""Bodies of the workloads' requests, and the notes that a sample takes of a reply."""

from __future__ import annotations

from gguf_fc.bench.client import Json, TimedReply
from gguf_fc.bench.sample import Scene

GREEDY: Json = {"temperature": 0}
CALL_TOKENS = 400  # a call that is longer has gone wrong


def user(text: str) -> Json:
    """Message of the user."""
    return {"role": "user", "content": text}


def call_body(tools: list[Json], question: str) -> Json:
    """Body that requires one call, greedy."""
    return {
        **GREEDY,
        "messages": [user(question)],
        "tools": tools,
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_tokens": CALL_TOKENS,
    }


def free_body(scene: Scene, text: str, number: int, tokens: int | None = None) -> Json:
    """Body of a free reply of so many tokens, sampled so that it does not repeat itself."""
    banned = {str(token): -100 for token in scene.end_tokens}
    return {
        "messages": [user(text)],
        "temperature": 0.8,
        "top_p": 0.95,
        "seed": 1000 * scene.number + number,
        "max_tokens": tokens or scene.tokens,
        **({"logit_bias": banned} if banned else {}),
    }


def prompt_note(reply: TimedReply) -> dict[str, float]:
    """Length of the prompt in tokens, as a note, where the server says it."""
    return {} if reply.prompt_tokens is None else {"prompt": reply.prompt_tokens}


def token_notes(reply: TimedReply) -> dict[str, float]:
    """Lengths of prompt and reply in tokens, as notes."""
    return {**prompt_note(reply), "tokens": reply.completion_tokens}


def cached_note(reply: TimedReply) -> dict[str, float]:
    """Tokens of the prompt that were in a cache, as a note, where the server says it."""
    return {} if reply.cached_tokens is None else {"cached": reply.cached_tokens}
