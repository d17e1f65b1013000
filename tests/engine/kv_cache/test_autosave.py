"""Slots are saved when nobody is waiting, and not only then."""

from __future__ import annotations

from dataclasses import dataclass, field

from gguf_fc.engine.kv_cache.autosave import OVERDUE_SECONDS, QUIET_SECONDS, Autosave
from gguf_fc.engine.kv_cache.saved_states import SavedStates
from tests.support.engine import Run
from tests.support.scripted_model import ScriptedModel, saying

PROMPTS = [letter * 40 + "0|" for letter in "abc"]


@dataclass(slots=True, eq=False)
class Scene:
    """An engine that has answered three prompts, and its keeper."""

    now: float = 100.0
    run: Run = field(init=False)
    states: SavedStates = field(init=False)
    keeper: Autosave = field(init=False)

    def __post_init__(self) -> None:
        self.states = SavedStates(1 << 20)
        self.run = Run(ScriptedModel(saying("hello"), n_ctx=1024), states=self.states)
        self.keeper = Autosave(self.run.engine.cache, self.states, lambda: self.now)
        for prompt in PROMPTS:
            self.run.job(prompt, prompt)
            self.run.finish()

    @property
    def n_saved(self) -> int:
        return sum(
            self.states.covered(list(prompt.encode()) + list(b"hello")) > 0 for prompt in PROMPTS
        )


def test_nothing_is_saved_until_it_has_been_quiet() -> None:
    scene = Scene()
    scene.keeper.note_work()
    assert scene.keeper.rest() == QUIET_SECONDS
    assert scene.n_saved == 0


def test_one_after_the_other_is_saved_in_a_quiet_moment() -> None:
    scene = Scene()
    for n in (1, 2, 3):
        assert scene.keeper.rest() == 0.0
        assert scene.n_saved == n
    assert scene.keeper.rest() is None


def test_a_server_that_is_never_idle_saves_now_and_then() -> None:
    scene = Scene()
    scene.keeper.note_work()
    assert scene.n_saved == 0
    scene.now += OVERDUE_SECONDS
    scene.keeper.note_work()
    scene.keeper.note_work()
    assert scene.n_saved == 1


def test_the_end_saves_all_there_is() -> None:
    scene = Scene()
    scene.keeper.close()
    assert scene.n_saved == 3
