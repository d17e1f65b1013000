"""Pool of the models that ``serve`` offers, one of which is loaded.

Knows names and turns; how a model is planned and what a worker is arrive through the constructor.

Theory of operation.  Requests pass a gate one by one, in the order of their arrival:
1. One whose model is loaded goes straight through and counts as running until it is done.
2. One that asks for another model waits at the gate until nothing runs, swaps the models, and
   goes through; those behind it wait, so neither model starves and all share one load.
3. A load goes on when the request that began it is given up: it is wanted more often than not.
4. A model that cannot be loaded never takes away one that answers: its file is looked at before
   anybody waits, and if the load fails all the same, the model before it is loaded again.

    absent -> loading -> ready -> draining -> loading ...
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gguf_fc.dialect import Dialect
from gguf_fc.errors import ModelNotFound, ModelUnusable, SetupError, WorkerUnavailable
from gguf_fc.job import FromWorker, Job, Load, Question, Ready, Sampling
from gguf_fc.models.failed_loads import FailedLoads
from gguf_fc.models.gguf import Header, stem_of
from gguf_fc.models.load_plan import LoadPlan
from gguf_fc.models.models_yaml import Entry

logger = logging.getLogger(__name__)

LATEST = ":latest"  # the tag that Ollama's protocol lists a name with, where it has none
DEFAULT = "default"  # a name every server accepts, for its first model


class ModelWorker(Protocol):
    """The part of ``worker.client.Worker`` that is used; tests have another."""

    @property
    def state(self) -> str: ...

    @property
    def pid(self) -> int | None: ...

    async def start(self) -> Ready: ...

    async def stop(self) -> None: ...

    def run(self, job: Job | Question) -> AsyncGenerator[FromWorker]: ...

    def cancel(self, job_id: str) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A model that answers."""

    plan: LoadPlan
    worker: ModelWorker
    ready: Ready

    @property
    def entry(self) -> Entry:
        return self.plan.entry

    @property
    def name(self) -> str:
        """The name it is offered under."""
        return self.entry.alias

    @property
    def header(self) -> Header:
        return self.plan.header

    @property
    def dialect(self) -> Dialect:
        return self.plan.dialect

    @property
    def context_note(self) -> str:
        return self.plan.context_note

    def smaller_context(self, n_ctx: int | None) -> tuple[str, ...]:
        """Warning where a client counts on *n_ctx* tokens, more than there are."""
        most = self.ready.n_ctx
        if n_ctx is None or n_ctx <= most:
            return ()
        return (f"num_ctx: {n_ctx} is more than the {most} tokens of a conversation here.",)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings for the operator, of the plan and of the dialect."""
        return (*self.plan.warnings, *self.dialect.warnings)


class Pool:
    """Hands out the loaded model, and loads another when it is asked for."""

    def __init__(
        self,
        entries: Sequence[Entry],
        *,
        plan: Callable[[Entry], LoadPlan],
        make_worker: Callable[[Load], ModelWorker],
        look: Callable[[Entry], object] = lambda _entry: None,
    ) -> None:
        """*look* raises SetupError where it can be seen that a file cannot be loaded."""
        assert entries, "nothing to offer"
        self._entries = tuple(entries)
        self._named = _names_of(entries)
        self._plan = plan
        self._make_worker = make_worker
        self._look = look
        self._failures = FailedLoads()
        self._gate = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()
        self._running = 0
        self._swap: asyncio.Task[LoadedModel] | None = None
        self._stopped = False
        self._phase = "absent"
        self.loaded: LoadedModel | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models offered, the default first."""
        return tuple(entry.alias for entry in self._entries)

    @property
    def state(self) -> str:
        """``ready``, or what stands in the way of an answer."""
        if self._phase == "ready" and self.loaded is not None:
            return self.loaded.worker.state
        return self._phase

    def find(self, name: str | None) -> Entry:
        """The entry that *name* means, with or without a tag; none is the default.

        Raises ModelNotFound.
        """
        wanted = name or DEFAULT
        entry = self._named.get(wanted) or self._named.get(wanted.removesuffix(LATEST))
        if entry is None:
            raise ModelNotFound(
                f"There is no model '{name}'; this server offers: {', '.join(self.names)}.",
                param="model",
            )
        return entry

    async def outline(self, name: str) -> LoadPlan:
        """The plan of loading that model; loads nothing.  Raises ModelNotFound or SetupError."""
        entry = self.find(name)
        if self.loaded is not None and self.loaded.entry is entry:
            return self.loaded.plan
        return await asyncio.to_thread(self._plan, entry)

    def sampling(self, name: str | None) -> Sampling:
        """Sampling of that model where a request does not say.  Raises ModelNotFound."""
        return self.find(name).sampling

    async def start(self, name: str | None = None) -> LoadedModel:
        """Load a model before the first request.  Raises SetupError."""
        return await self._pass_gate(self.find(name), count=False)

    @asynccontextmanager
    async def use(self, name: str | None) -> AsyncIterator[LoadedModel]:
        """The model *name*, which stays loaded inside the context.

        Raises ModelNotFound, ModelUnusable if it cannot be loaded, or WorkerUnavailable.
        """
        entry = self.find(name)
        try:
            model = await self._pass_gate(entry, count=True)
        except SetupError as error:
            raise ModelUnusable(
                f"The model '{entry.alias}' cannot be loaded: {error.message}"
            ) from error
        try:
            yield model
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def stop(self) -> None:
        """End the worker.  May be called again; a request that waits gets an error."""
        self._stopped = True
        if self._swap is not None and not self._swap.done():
            self._swap.cancel()
            await asyncio.wait([self._swap])
        await self._unload()

    async def _pass_gate(self, entry: Entry, *, count: bool) -> LoadedModel:
        if self._answering(entry) is None:
            self._failures.check(entry)
            if self.loaded is not None:  # else there is nothing that it could take away
                await asyncio.to_thread(self._look, entry)
        async with self._gate:
            if self._swap is not None and not self._swap.done():
                await asyncio.wait([self._swap])  # its request was given up
            self._refuse_if_stopped()
            if (model := self._answering(entry)) is None:
                self._failures.check(entry)  # while it waited, another may have tried
                model = await self._change_to(entry)
            if count:
                self._running += 1
                self._idle.clear()
            return model

    def _answering(self, entry: Entry) -> LoadedModel | None:
        """The loaded model, if it is that of *entry* and was not given up."""
        model = self.loaded
        if model is None or model.entry is not entry or model.worker.state == "failed":
            return None
        return model

    async def _change_to(self, entry: Entry) -> LoadedModel:
        if self._running:
            self._phase = "draining"
            try:
                await self._idle.wait()
            finally:
                self._phase = "ready"  # for whoever comes next, should this wait be given up
        self._refuse_if_stopped()
        self._swap = asyncio.create_task(self._load(entry), name=f"load {entry.alias}")
        await asyncio.wait([self._swap])
        self._refuse_if_stopped()
        return self._swap.result()

    async def _load(self, entry: Entry) -> LoadedModel:
        """Load *entry*; where that fails, load what was there before again."""
        before = None if self.loaded is None else self.loaded.entry
        try:
            return await self._load_in_place(entry)
        except SetupError as error:
            self._failures.note(entry, error)
            if before is not None and before is not entry:
                logger.warning("model=%s is loaded again: %s", before.alias, error.message)
                await self._load_in_place(before)
            raise

    async def _load_in_place(self, entry: Entry) -> LoadedModel:
        await self._unload()
        self._phase = "loading"
        worker: ModelWorker | None = None
        try:
            plan = await asyncio.to_thread(self._plan, entry)
            worker = self._make_worker(plan.load)
            self.loaded = LoadedModel(plan, worker, await worker.start())
        finally:
            self._phase = "absent" if self.loaded is None else "ready"
            if self.loaded is None and worker is not None:
                await worker.stop()
        return self.loaded

    async def _unload(self) -> None:
        self._phase = "absent"
        model, self.loaded = self.loaded, None
        if model is not None:
            await model.worker.stop()
            await asyncio.to_thread(model.plan.renderer.close)

    def _refuse_if_stopped(self) -> None:
        if self._stopped:
            raise WorkerUnavailable("The server is stopping.")


def _names_of(entries: Sequence[Entry]) -> Mapping[str, Entry]:
    """Every name a client may use: aliases, file stems that mean one model, the default."""
    stems: dict[str, list[Entry]] = {}
    for entry in entries:
        source = entry.source
        stem = stem_of(source) if isinstance(source, Path) else str(source)
        stems.setdefault(stem, []).append(entry)
    unique = {stem: found[0] for stem, found in stems.items() if len(found) == 1}
    return {DEFAULT: entries[0], **unique, **{entry.alias: entry for entry in entries}}
