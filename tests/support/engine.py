"""Running an engine to its end and looking at what it said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gguf_fc.engine.constrain.constraint import Compile
from gguf_fc.engine.kv_cache.saved_states import SavedStates
from gguf_fc.engine.loop import Engine
from gguf_fc.engine.model import Model
from gguf_fc.errors import GrammarError
from gguf_fc.job import (
    Accepted,
    Chunk,
    Done,
    Failed,
    FromWorker,
    GrammarText,
    Job,
    Load,
    Sampling,
    Segment,
)

GREEDY = Sampling(temperature=0)


def no_grammars(grammar: GrammarText) -> None:
    raise GrammarError(f"no grammar engine: {grammar.llguidance}")


@dataclass(slots=True, eq=False)
class Run:
    """An engine and all that it emitted."""

    model: Model
    compile_grammar: Compile = no_grammars  # type: ignore[assignment]
    n_parallel: int = 2
    max_queue: int = 8
    drafts: bool = False  # most tests count steps
    states: SavedStates | None = None
    messages: list[FromWorker] = field(default_factory=list, init=False)
    engine: Engine = field(init=False)
    now: float = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(
            self.model,
            self.compile_grammar,
            self.messages.append,
            Load(path="", n_parallel=self.n_parallel, max_queue=self.max_queue, drafts=self.drafts),
            states=self.states,
            clock=self.clock,
        )

    def clock(self) -> float:
        """Each look at the clock takes a millisecond, a decode what a scripted model says."""
        self.now += 0.001
        return self.now + getattr(self.model, "elapsed", 0.0)

    def job(self, prompt: str, name: str = "a", **options: object) -> str:
        """Submit a greedy job."""
        options.setdefault("sampling", GREEDY)
        self.engine.submit(Job(id=name, prompt=(Segment(prompt),), **options))  # type: ignore[arg-type]
        self.engine.scheduler.check()
        return name

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            if not self.engine.is_idle:
                self.engine.step()
                self.engine.scheduler.check()

    def finish(self, limit: int = 5_000) -> None:
        """Step until there is nothing left to do."""
        self.step(limit)
        assert self.engine.is_idle, "the engine does not come to an end"

    def of(self, name: str = "a") -> list[FromWorker]:
        return [m for m in self.messages if getattr(m, "id", None) == name]

    def text(self, name: str = "a") -> str:
        return "".join(m.text for m in self.of(name) if isinstance(m, Chunk))

    def done(self, name: str = "a") -> Done:
        (done,) = (m for m in self.of(name) if isinstance(m, Done))
        return done

    def failed(self, name: str = "a") -> Failed:
        (failed,) = (m for m in self.of(name) if isinstance(m, Failed))
        return failed

    def ends(self, name: str) -> int:
        return sum(isinstance(m, Done | Failed) for m in self.of(name))

    def accepted(self, name: str) -> bool:
        return any(isinstance(m, Accepted) for m in self.of(name))


def wait_for(run: Run, ready: Callable[[], bool], limit: int = 1_000) -> None:
    """Step until *ready*."""
    for _ in range(limit):
        if ready():
            return
        run.step()
    raise AssertionError("it never happened")
