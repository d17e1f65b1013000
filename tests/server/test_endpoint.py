"""A stream through load, queue and prefill: begun in time, kept alive, ended once, given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from starlette.requests import Request as HttpRequest

from gguf_fc.config import Settings
from gguf_fc.errors import ModelFileError
from gguf_fc.generation.generator import Generator, Ids
from gguf_fc.job import Accepted, Chunk, Done, FromWorker, Job, Question, Ready
from gguf_fc.models.load_plan import plan_load
from gguf_fc.models.models_yaml import demo_entry
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.chat.wire import chat_wire
from gguf_fc.request import Request
from gguf_fc.server.endpoint import Endpoint
from gguf_fc.server.event_stream import DONE, PING
from tests.support.serving import READY

PING_SECONDS = 0.05
LONG = 1.3  # seconds, longer than headers may wait


@dataclass
class Happenings:
    """What happened, in order; the client leaves at *farewell*."""

    farewell: str = ""
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    names: list[str] = field(default_factory=list)

    def note(self, name: str) -> None:
        self.names.append(name)
        if name == self.farewell:
            self.leave.set()


@dataclass
class PatientWorker:
    """Loads slowly, begins slowly, then says three words."""

    happenings: Happenings
    load_seconds: float = 0
    prefill_seconds: float = 0
    broken: bool = False
    state: str = "ready"
    pid: int | None = None

    async def start(self) -> Ready:
        self.happenings.note("loading")
        await asyncio.sleep(self.load_seconds)
        if self.broken:
            raise ModelFileError("the file is damaged")
        self.happenings.note("loaded")
        return READY

    async def stop(self) -> None:
        self.state = "stopped"

    def cancel(self, job_id: str) -> None:
        raise NotImplementedError(job_id)

    async def run(self, job: Job | Question) -> AsyncGenerator[FromWorker]:
        self.happenings.note("running")
        try:
            yield Accepted(id=job.id, prompt_tokens=3)
            await asyncio.sleep(self.prefill_seconds)
            for word in ("one", " two", " three"):
                yield Chunk(id=job.id, text=word, n_tokens=1)
            yield Done(
                id=job.id,
                finish_reason="stop",
                prompt_tokens=3,
                cached_tokens=0,
                completion_tokens=3,
                forced_tokens=0,
                decode_steps=3,
                prompt_ms=0,
                completion_ms=0,
            )
            self.happenings.note("finished")
        finally:
            self.happenings.note("released")


@dataclass
class Client:
    """The far end of the connection."""

    happenings: Happenings
    body: bytes
    received: bytearray = field(default_factory=bytearray)
    status: int | None = None

    async def receive(self) -> dict[str, Any]:
        if self.body:
            body, self.body = self.body, b""
            return {"type": "http.request", "body": body, "more_body": False}
        await self.happenings.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.happenings.note("headers")
        self.received += message.get("body", b"")


async def converse(*, stream: bool = True, farewell: str = "", **worker_does: Any) -> Client:
    """Ask once, of a worker that does so; the client leaves at *farewell*."""
    happenings = Happenings(farewell)
    worker = PatientWorker(happenings, **worker_does)
    question = {"messages": [{"role": "user", "content": "hi"}], "stream": stream}
    client = Client(happenings, orjson.dumps(question))
    pool = Pool(
        [demo_entry()],
        plan=lambda entry: plan_load(entry, Settings()),
        make_worker=lambda _: worker,
    )
    ids = Ids(reply=lambda: "chatcmpl-1", call=lambda: "call_1")
    endpoint: Endpoint[Request] = Endpoint(
        chat_wire(pool),
        Generator(pool).replies(ids),
        clock=lambda: 0,
        ping_seconds=PING_SECONDS,
    )
    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    response = await endpoint.respond(HttpRequest(scope, client.receive))
    await response(scope, client.receive, client.send)
    await pool.stop()
    return client


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), timeout=30))


def test_a_stream_begins_before_its_model_is_loaded_and_ends_once() -> None:
    async def scenario() -> None:
        client = await converse(load_seconds=LONG)
        names = client.happenings.names
        assert names.index("headers") < names.index("loaded")
        assert names[-3:] == ["running", "finished", "released"]
        text = bytes(client.received)
        before, after = text.split(b"data: ", 1)
        assert before == PING * (len(before) // len(PING))
        assert before
        assert b"three" in after
        assert text.count(DONE) == 1
        assert text.count(b'"finish_reason":"stop"') == 1

    run(scenario)


def test_a_silent_prefill_is_pinged() -> None:
    async def scenario() -> None:
        client = await converse(prefill_seconds=PING_SECONDS * 6)
        role, _, rest = bytes(client.received).partition(b"\n\n")
        assert b'"role":"assistant"' in role
        assert rest.startswith(PING)
        assert rest.endswith(DONE)

    run(scenario)


def test_a_model_that_cannot_be_loaded_is_a_status_or_the_stream_s_only_event() -> None:
    async def scenario() -> None:
        quick = await converse(broken=True)
        assert quick.status == 500
        assert b"cannot be loaded" in quick.received
        slow = await converse(broken=True, load_seconds=LONG)
        assert slow.status == 200
        frames = [one for one in bytes(slow.received).split(b"\n\n") if one.startswith(b"data: ")]
        (only,) = [orjson.loads(one.removeprefix(b"data: ")) for one in frames]
        assert only["error"]["code"] == "model_unusable"
        assert DONE not in slow.received

    run(scenario)


@pytest.mark.parametrize("stream", [True, False])
def test_who_leaves_while_the_model_loads_is_never_worked_for(stream: bool) -> None:  # noqa: FBT001
    async def scenario() -> None:
        client = await converse(load_seconds=LONG, stream=stream, farewell="loading")
        assert "running" not in client.happenings.names

    run(scenario)


@pytest.mark.parametrize("stream", [True, False])
def test_who_leaves_during_prefill_is_not_worked_for_any_more(stream: bool) -> None:  # noqa: FBT001
    async def scenario() -> None:
        client = await converse(prefill_seconds=60, stream=stream, farewell="running")
        assert "released" in client.happenings.names
        assert "finished" not in client.happenings.names

    run(scenario)
