"""The application without a socket or a model, over a worker that can only count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from gguf_fc.config import Settings
from gguf_fc.job import Failed, FromWorker, Job, Load, Measure, Measured, Question, Ready
from gguf_fc.models.load_plan import LoadPlan, plan_load
from gguf_fc.models.models_yaml import Entry
from gguf_fc.models.pool import Pool
from gguf_fc.server.app import create_app

READY = Ready(
    n_ctx=512,
    n_ctx_train=4096,
    n_parallel=1,
    n_vocab=8,
    n_threads=1,
    n_gpu_layers=0,
    device="none",
    use_extra_bufts=False,
    description="fake",
)


@dataclass(slots=True)
class CountingWorker:
    """A token is a character; the prompt measured last is what the cache holds."""

    failure: Failed | None = None
    prompts: list[str] = field(default_factory=list)
    state: str = "ready"
    pid: int | None = None

    async def start(self) -> Ready:
        return READY

    async def stop(self) -> None:
        self.state = "stopped"

    def cancel(self, job_id: str) -> None:
        raise NotImplementedError(job_id)

    async def run(self, job: Job | Question) -> AsyncGenerator[FromWorker]:
        assert isinstance(job, Measure), "nothing is generated here"
        text = "".join(segment.text for segment in job.prompt)
        self.prompts.append(text)
        yield self.failure or Measured(
            id=job.id, prompt_tokens=len(text), cached_tokens=3, cache="share"
        )


@dataclass(slots=True)
class Application:
    """The application over *entries*, and the one worker it uses."""

    entries: list[Entry]
    worker: CountingWorker = field(default_factory=CountingWorker)
    pool: Pool = field(init=False)

    def __post_init__(self) -> None:
        self.pool = Pool(self.entries, plan=_plan, make_worker=self._make_worker)

    def _make_worker(self, _load: Load) -> CountingWorker:
        return self.worker

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """The response to *body*."""
        return self.ask("POST", path, body=body)

    def get(self, path: str) -> httpx.Response:
        """The response to a bare request."""
        return self.ask("GET", path)

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        *,
        body: dict[str, Any] | None = None,
    ) -> httpx.Response:
        """The response to any request."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(create_app(self.pool))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                return await client.request(method, path, headers=headers, json=body)

        return asyncio.run(ask())


def _plan(entry: Entry) -> LoadPlan:
    return plan_load(entry, Settings())


def entry(alias: str, path: Path) -> Entry:
    """An offered model."""
    return Entry(alias=alias, source=path)
