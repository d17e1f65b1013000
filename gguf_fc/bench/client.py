"""A chat client with a stopwatch: notes the arrival of each piece of a streamed reply.

Speaks to any OpenAI-compatible server; knows nothing of workloads or of who serves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import httpx
import orjson

from gguf_fc.errors import BenchError

Json = dict[str, Any]

PATIENCE = httpx.Timeout(600, connect=10)  # seconds; a cold prompt on a slow machine takes minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedReply:
    """A reply with its timing: all times in seconds since the request was sent."""

    moments: tuple[float, ...]  # when each piece of text, reasoning or call arrived
    seconds: float  # when the reply ended
    first_call: float | None  # when the last piece of the first call arrived; None: no call
    text: str
    calls: tuple[Json, ...]  # whole ones, as a later message repeats them
    cut_off_calls: int  # begun and not ended: of no use to a later message
    finish_reason: str
    prompt_tokens: int | None  # None: the server does not say
    cached_tokens: int | None
    completion_tokens: int  # pieces, where the server does not count its tokens

    @property
    def first(self) -> float:
        """Time to the first piece; to the end, if there was none."""
        return self.moments[0] if self.moments else self.seconds

    @property
    def is_repeated(self) -> bool:
        """True if `message` has all of it.  Some servers send nothing of a call that is cut off."""
        return not self.cut_off_calls and bool(self.text or self.calls)

    @property
    def message(self) -> Json:
        """The reply as a message of the next request."""
        if not self.calls:
            return {"role": "assistant", "content": self.text}
        calls = list(self.calls)
        return {"role": "assistant", "content": self.text or None, "tool_calls": calls}


class Client:
    """One server.  Close it when done."""

    def __init__(self, url: str, *, clock: Callable[[], float] = perf_counter) -> None:
        self._url = url.rstrip("/").removesuffix("/v1") + "/v1"
        # Measured servers are local: a proxy of the environment would be measured with them.
        # A connection that idles while others are measured may be closed by its server.
        self._http = httpx.AsyncClient(
            timeout=PATIENCE, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._clock = clock
        self._model: str | None = None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, body: Json, note: Callable[[float], None] | None = None) -> TimedReply:
        """Stream the reply to *body*; *note* is called with the clock at every piece.

        Raises BenchError if the server does not answer, refuses, or breaks off.
        """
        if self._model is None:
            self._model = await self._first_model()
        sent = {
            **body,
            "model": self._model,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        begun = self._clock()
        folded = _Fold()
        async for chunk in self._chunks(sent):
            if folded.add(chunk):
                now = self._clock()
                folded.note(now - begun)
                if note is not None:
                    note(now)
        return folded.reply(self._clock() - begun)

    async def _first_model(self) -> str:
        try:
            response = await self._http.get(f"{self._url}/models")
            name: str = response.json()["data"][0]["id"]
        except (httpx.HTTPError, ValueError, KeyError, IndexError) as error:
            raise BenchError(f"{self._url} does not say which models it has: {error!r}") from error
        return name

    async def _chunks(self, body: Json) -> AsyncIterator[Json]:
        try:
            async with self._http.stream(
                "POST", f"{self._url}/chat/completions", json=body
            ) as response:
                if response.is_error:
                    text = (await response.aread()).decode(errors="replace")
                    raise BenchError(f"{self._url} answered {response.status_code}: {text[:300]}")
                async for line in response.aiter_lines():
                    if line.startswith("data: {"):
                        yield _checked(orjson.loads(line.removeprefix("data: ")))
        except httpx.HTTPError as error:
            raise BenchError(f"{self._url} does not answer: {error!r}") from error


def _checked(chunk: Json) -> Json:
    if "error" in chunk:
        raise BenchError(f"the reply ended with an error: {chunk['error']}")
    return chunk


def _is_whole(call: Json | None) -> bool:
    """True if the arguments are whole JSON: a call that a limit cut off is of no use."""
    if call is None:
        return False
    try:
        orjson.loads(call["function"]["arguments"])
    except orjson.JSONDecodeError:
        return False
    return True


@dataclass(slots=True, eq=False)
class _Fold:
    """Fold of a stream's chunks into one reply."""

    moments: list[float] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _calls: dict[int, Json] = field(default_factory=dict)
    _first_call: float | None = None
    _touched: set[int] = field(default_factory=set)  # calls that the last chunk had a piece of
    _finish: str = ""
    _usage: Json = field(default_factory=dict)

    def add(self, chunk: Json) -> bool:
        """Take *chunk* in; return True if it brought a piece of the reply."""
        self._usage = chunk.get("usage") or self._usage
        brought = False
        self._touched.clear()
        for choice in chunk.get("choices") or ():
            self._finish = choice.get("finish_reason") or self._finish
            delta = choice.get("delta") or {}
            self._text.append(delta.get("content") or "")
            for call in delta.get("tool_calls") or ():
                self._add_call(call)
            brought |= any(delta.get(key) for key in ("content", "reasoning_content", "tool_calls"))
        return brought

    def note(self, moment: float) -> None:
        """Note *moment* as the arrival of the chunk that was added last."""
        self.moments.append(moment)
        if 0 in self._touched:
            self._first_call = moment

    def _add_call(self, delta: Json) -> None:
        self._touched.add(delta["index"])
        call = self._calls.setdefault(
            delta["index"],
            {"id": "", "type": "function", "function": {"name": "", "arguments": ""}},
        )
        call["id"] = delta.get("id") or call["id"]
        for key, text in (delta.get("function") or {}).items():
            call["function"][key] += text or ""

    def reply(self, seconds: float) -> TimedReply:
        """The whole reply.  Raises BenchError if the stream was cut off."""
        if not self._finish:
            raise BenchError("the stream ended without a finish_reason")
        details = self._usage.get("prompt_tokens_details") or {}
        whole = tuple(call for _, call in sorted(self._calls.items()) if _is_whole(call))
        return TimedReply(
            moments=tuple(self.moments),
            seconds=seconds,
            first_call=self._first_call if _is_whole(self._calls.get(0)) else None,
            text="".join(self._text),
            calls=whole,
            cut_off_calls=len(self._calls) - len(whole),
            finish_reason=self._finish,
            prompt_tokens=self._usage.get("prompt_tokens"),
            cached_tokens=details.get("cached_tokens"),
            completion_tokens=self._usage.get("completion_tokens", len(self.moments)),
        )
