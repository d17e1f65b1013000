"""The generator: questions it asks the worker before a job, and errors by the client's field."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gguf_fc.errors import ContextLengthExceeded
from gguf_fc.generation.generator import Generator, Ids
from gguf_fc.job import Failed, FromWorker, Job, Question
from gguf_fc.request import Message, Request
from tests.support.gguf_files import write_gguf
from tests.support.serving import Application, CountingWorker, entry


@dataclass(slots=True)
class FullWorker(CountingWorker):
    """Has no room for any job."""

    asked: list[str] = field(default_factory=list)

    async def run(self, job: Job | Question) -> AsyncGenerator[FromWorker]:
        self.asked.append(type(job).__name__)
        yield Failed(id=job.id, code="context_length_exceeded", message="too long")


def test_without_leave_nothing_is_measured_and_a_long_conversation_is_refused(
    tmp_path: Path,
) -> None:
    worker = FullWorker()
    pool = Application([entry("m", write_gguf(tmp_path / "m.gguf"))], worker).pool
    user = Message(role="user", content="hi")
    request = Request(model=None, messages=(user,), messages_at="input")

    async def ask() -> None:
        async with Generator(pool).reply([request], Ids.with_prefixes("r", "c")):
            pass

    with pytest.raises(ContextLengthExceeded, match="too long") as refused:
        asyncio.run(ask())
    assert refused.value.param == "input"
    assert worker.asked == ["Job"]
